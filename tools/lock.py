"""Writes the two locks: every package by its exact version and its hashes, for every Python and system we support.

    make lock                      raises nothing that need not be raised
    make lock UPGRADE=1            takes the newest of everything
    make lock UPGRADE=fastapi      takes the newest of one package

The locks name no host and no folder: an installer takes the packages from wherever its user takes packages.
"""

import os
import re
import subprocess
import sys
import tomllib
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
HEADER = "# Made by `make lock` from pyproject.toml: {what}. Do not edit.\n"
FORBIDDEN = re.compile(r"://|^--|find-links|index-url| @ ", re.MULTILINE)


def uv() -> Path:
    """The resolver, in an environment of its own, made when it is first needed."""
    folder = ROOT / ".state" / "uv"
    if not (folder / "bin" / "uv").exists():
        venv.create(folder, with_pip=True)
        subprocess.run([folder / "bin" / "pip", "install", "--quiet", "uv>=0.13"], check=True)
    return folder / "bin" / "uv"


def compile_lock(output: Path, what: str, *options: str) -> None:
    """Resolve into `output`, beginning with what stands there, so that little moves."""
    text = output.read_text() if output.exists() else ""
    draft = ROOT / ".state" / output.name
    draft.write_text(text)
    upgrade = os.environ.get("UPGRADE", "")
    raising = ["--upgrade"] if upgrade == "1" else ["--upgrade-package", upgrade] if upgrade else []
    command = [uv(), "pip", "compile", "pyproject.toml", "--no-config", "--quiet", "--universal", "--python-version", "3.11",
               "--generate-hashes", "--no-header", "--no-emit-index-url", "--no-emit-find-links", "--no-emit-build-options",
               "--no-annotate", *options, *raising, "-o", draft]  # fmt: skip
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("UV_", "PIP_FIND"))
    }
    subprocess.run(command, cwd=ROOT, env=environment, check=True)
    locked = draft.read_text()
    if found := FORBIDDEN.search("\n".join(line for line in locked.splitlines() if "--hash=" not in line)):
        sys.exit(f"{output.name} would name where packages come from: {found.group()!r}")
    output.write_text(HEADER.format(what=what) + locked)


def main() -> None:
    """Check that the two lists of development packages are one, then write the locks."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    if project["dependency-groups"]["dev"] != project["project"]["optional-dependencies"]["dev"]:
        sys.exit("pyproject.toml: the group `dev` and the extra `dev` must be the same list.")
    (ROOT / ".state").mkdir(exist_ok=True)
    runtime, development = ROOT / "requirements.lock.txt", ROOT / "requirements-dev.lock.txt"
    compile_lock(runtime, "what the program needs", "--group", "build")
    compile_lock(
        development,
        "the same and what the tests need",
        "--group",
        "build",
        "--extra",
        "dev",
        "-c",
        str(runtime),
    )


if __name__ == "__main__":
    main()

"""Makes .venv. Runs on the system's Python, with nothing but the standard library.

Some systems leave out the part of Python that puts pip into an environment. Then their package is installed, where that
is allowed, or the system's own pip is asked.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(".venv")
PYTHON = HERE / "bin" / "python"


def tried(*command: str) -> bool:
    """Whether the command came to a good end."""
    try:
        return (
            subprocess.run(
                command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False
            ).returncode
            == 0
        )
    except OSError:
        return False


def complete() -> bool:
    """Whether .venv has a Python with pip in it."""
    return PYTHON.exists() and tried(str(PYTHON), "-m", "pip", "--version")


def plain() -> bool:
    """The usual way."""
    return tried(sys.executable, "-m", "venv", "--clear", str(HERE)) and complete()


def with_system_package() -> bool:
    """Debian and Ubuntu keep it in a package of its own."""
    if os.name != "posix" or os.geteuid() != 0 or not shutil.which("apt-get"):
        return False
    name = f"python{sys.version_info.major}.{sys.version_info.minor}-venv"
    apt = ["env", "DEBIAN_FRONTEND=noninteractive", "apt-get"]
    return tried(*apt, "update") and tried(*apt, "install", "-y", "--no-install-recommends", name) and plain()


def with_system_pip() -> bool:
    """A pip outside can put a pip inside."""
    return (
        tried(sys.executable, "-m", "venv", "--clear", "--without-pip", str(HERE))
        and tried(sys.executable, "-m", "pip", "--python", str(PYTHON), "install", "pip")
        and complete()
    )


if __name__ == "__main__":
    if not (plain() or with_system_package() or with_system_pip()):
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        sys.exit(
            f"dutydesk: Python {version} cannot make an environment here; "
            f"please install its venv module (on Debian and Ubuntu: apt-get install python{version}-venv)."
        )

"""One pinned package from npm, checked and not installed: its archive is all we want of it."""

import hashlib
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from hatch_build import npm

STATE = Path(__file__).resolve().parents[1] / ".state"


@contextmanager
def packed(package: str, sha512: str) -> Iterator[tarfile.TarFile]:
    """The archive of `package` ("name@version"), open for reading.

    Raises:
        SystemExit: when it cannot be had, or is not the one whose hash is written down here.
    """
    STATE.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=STATE) as folder:
        npm("pack", package, "--pack-destination", folder, cwd=Path(folder))
        (archive,) = Path(folder).glob("*.tgz")
        with archive.open("rb") as file:
            found = hashlib.file_digest(file, "sha512").hexdigest()
        if found != sha512:
            sys.exit(f"{package} is not the package it was: sha512 is {found}")
        with tarfile.open(archive) as tar:
            yield tar


def read(tar: tarfile.TarFile, name: str) -> bytes:
    """One file of an archive."""
    member = tar.extractfile(name)
    if member is None:
        sys.exit(f"{name} is not in the package")
    return member.read()

"""Where uploaded files lie: each under its SHA-256, outside the web root, written whole or not at all.

Everything here blocks; the pages call it in a thread.
"""

import hashlib
import os
import re
import tempfile
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from urllib.parse import quote

from dutydesk.errors import DutydeskError, FieldFault, InvalidInputError
from dutydesk.incidents.sniffing import FileKind, sniff
from dutydesk.logs import log

LARGEST_FILE = 20 * 1024 * 1024
_CHUNK = 256 * 1024
_LONGEST_NAME = 100
_SHA256 = re.compile(r"[0-9a-f]{64}")
# What a file system, a shell or a header could take for something else.
_UNSAFE = frozenset('<>:"|?*\\/;%')

_log = log("files")


class DamagedFileError(DutydeskError):
    """What lies on the disk is not what was put there."""

    status = 500
    code = "damaged_file"
    title = "Damaged file"


@dataclass(frozen=True, slots=True)
class Stored:
    """A file as its incident lists it."""

    sha256: str
    size: int
    name: str
    media_type: str


@dataclass(frozen=True, slots=True)
class Incoming:
    """A file that was looked into and waits whether an incident takes it."""

    path: Path
    stored: Stored


def refusal(message: str) -> InvalidInputError:
    """Return the error that says what is wrong with the file that was sent."""
    return InvalidInputError(f"file: {message}", (FieldFault("file", message),))


def take_in(folder: Path, source: IO[bytes], name: str) -> Incoming:
    """Copy *source* to the entrance of *folder*, chunk by chunk, and look into it; keep it or turn it away next.

    Raises:
        InvalidInputError: when it is empty, too large, or nothing of the kinds that are taken in.
    """
    incoming = folder / "incoming"
    incoming.mkdir(parents=True, exist_ok=True, mode=0o700)
    with tempfile.NamedTemporaryFile(dir=incoming, delete=False) as target:
        path = Path(target.name)
        try:
            sha256, size = _copy(source, target)
            kind = _sniffed(target)
            shown = name_of(name, kind)
            target.flush()
            os.fsync(target.fileno())
        except BaseException:
            path.unlink(missing_ok=True)
            raise
    return Incoming(path, Stored(sha256, size, shown, kind.media_type))


def keep(folder: Path, incoming: Incoming) -> None:
    """Put a file in its place; once more does nothing."""
    final = place(folder, incoming.stored.sha256)
    if incoming.path.exists() or not final.exists():
        _put(incoming.path, final)


def turn_away(incoming: Incoming) -> None:
    """Remove what was not kept; of what was kept nothing is left at the entrance."""
    incoming.path.unlink(missing_ok=True)


def _copy(source: IO[bytes], target: IO[bytes]) -> tuple[str, int]:
    digest, size = hashlib.sha256(), 0
    while chunk := source.read(_CHUNK):
        size += len(chunk)
        if size > LARGEST_FILE:
            raise refusal("is larger than 20 MB")
        digest.update(chunk)
        target.write(chunk)
    if not size:
        raise refusal("is empty")
    return digest.hexdigest(), size


def _sniffed(file: IO[bytes]) -> FileKind:
    kind = sniff(file)
    if kind is None:
        raise refusal("is of a kind that is not taken in")
    return kind


def _put(path: Path, final: Path) -> None:
    """Move a finished file to its place; a rename is whole or not at all, and both folders are told to the disk."""
    final.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    path.replace(final)
    for folder in (final.parent, final.parent.parent):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def place(folder: Path, sha256: str) -> Path:
    """Return where a file lies.

    Raises:
        ValueError: when *sha256* is not one, so that no other path can ever be built from it.
    """
    if not _SHA256.fullmatch(sha256):
        message = "not a SHA-256"
        raise ValueError(message)
    return folder / sha256[:2] / sha256


def open_checked(folder: Path, sha256: str, size: int) -> IO[bytes]:
    """Open a stored file whose bytes are still those that were put there, at its beginning.

    Raises:
        DamagedFileError: when it is gone or was changed.
    """
    try:
        file = place(folder, sha256).open("rb")
    except OSError as error:
        _log.error("a stored file cannot be read", sha256=sha256, why=str(error))
        raise DamagedFileError("the stored file cannot be read") from error
    found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != sha256 or file.tell() != size:
        file.close()
        _log.error("a stored file was changed", sha256=sha256, found=found)
        raise DamagedFileError("the stored file was changed")
    file.seek(0)
    return file


def chunks(file: IO[bytes]) -> Iterator[bytes]:
    """Yield a file piece by piece, and close it."""
    with file:
        while chunk := file.read(_CHUNK):
            yield chunk


def name_of(typed: str, kind: FileKind) -> str:
    """Return a name that is only a name, with an ending that tells what the file is.

    Raises:
        InvalidInputError: when plain text calls itself something else (a page, a script, a picture).
    """
    bare = re.split(r"[\\/]", unicodedata.normalize("NFC", typed))[-1]
    kept = "".join(one for one in bare if one not in _UNSAFE and unicodedata.category(one)[0] != "C")
    stem, dot, ending = kept.strip(" .").rpartition(".")
    if not dot:
        stem, ending = ending, ""
    ending = f".{ending.lower()}" if ending else ""
    if ending not in kind.endings:
        if ending and kind.media_type.startswith("text/"):
            raise refusal("does not hold what its name says")
        ending = kind.endings[0]
    return (stem.strip(" .") or "附件")[:_LONGEST_NAME] + ending


def disposition(name: str) -> str:
    """Return the header that makes a browser save a file under its name (RFC 6266, RFC 5987)."""
    plain = re.sub(r"[^A-Za-z0-9._-]", "_", name)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"

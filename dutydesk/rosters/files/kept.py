"""Where a workbook waits between its preview and the import: under its SHA-256, for a day, for whoever brought it.

Everything here that touches the disk blocks; the pages call it in a thread.
"""

import hashlib
import hmac
import os
import re
import tempfile
from datetime import datetime, timedelta
from pathlib import Path

from dutydesk.errors import ConflictError

_FOLDER = "rosters"
_KEPT_FOR = timedelta(days=1)
_SHA256 = re.compile(r"[0-9a-f]{64}")


def keep(folder: Path, data: bytes, now: datetime) -> str:
    """Keep a workbook and return its name; those older than a day are taken away."""
    place = folder / _FOLDER
    place.mkdir(parents=True, exist_ok=True, mode=0o700)
    for file in place.iterdir():
        if file.stat().st_mtime < (now - _KEPT_FOR).timestamp():
            file.unlink(missing_ok=True)
    name = hashlib.sha256(data).hexdigest()
    with tempfile.NamedTemporaryFile(dir=place, delete=False) as target:
        target.write(data)
    os.utime(target.name, (now.timestamp(), now.timestamp()))
    # Whole or not at all, also when two people bring the same file at once.
    Path(target.name).replace(place / name)
    return name


def taken_out(folder: Path, name: str) -> bytes:
    """Return a workbook that was kept.

    Raises:
        ConflictError: it is not there any more, or is not what was put there.
    """
    try:
        data = (folder / _FOLDER / name).read_bytes() if _SHA256.fullmatch(name) else b""
    except OSError:
        data = b""
    if hashlib.sha256(data).hexdigest() != name:
        message = "预览已过期，请重新选择文件"
        raise ConflictError(message)
    return data


def seal(key: str, *parts: str) -> str:
    """Return what proves that a preview of just this was drawn for just this reader."""
    said = "\n".join(("roster-import", *parts)).encode()
    return hmac.new(key.encode(), said, hashlib.sha256).hexdigest()


def is_sealed(key: str, given: str, *parts: str) -> bool:
    """Tell whether a form is one that was drawn by a preview."""
    return hmac.compare_digest(seal(key, *parts).encode(), given.encode())

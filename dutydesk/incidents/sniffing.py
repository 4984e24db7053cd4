"""What a file is, by its bytes alone: neither its name nor what a browser says of it is believed."""

import codecs
import zipfile
from collections.abc import Callable, Iterator
from typing import IO, NamedTuple

_HEAD = 4096
_CHUNK = 256 * 1024

# An office document has some dozens of members; what unfolds beyond this is made to harm whoever opens it.
_MOST_MEMBERS = 2_000
_MOST_UNFOLDED = 200_000_000
_MOST_DIRECTORY = 1_000_000
_END_OF_DIRECTORY = b"PK\x05\x06"
_LONGEST_TAIL = 22 + 65_535

_SECTOR = 512


class FileKind(NamedTuple):
    """A type that is taken in: its media type, the endings its names may have (the first is given where none fits)."""

    media_type: str
    endings: tuple[str, ...]


PDF = FileKind("application/pdf", (".pdf",))
JPEG = FileKind("image/jpeg", (".jpg", ".jpeg"))
PNG = FileKind("image/png", (".png",))
GIF = FileKind("image/gif", (".gif",))
WEBP = FileKind("image/webp", (".webp",))
WAV = FileKind("audio/wav", (".wav",))
MP3 = FileKind("audio/mpeg", (".mp3",))
AMR = FileKind("audio/amr", (".amr",))
MP4 = FileKind("video/mp4", (".mp4", ".m4a", ".m4v", ".mov", ".3gp"))
DOC = FileKind("application/msword", (".doc", ".wps"))
XLS = FileKind("application/vnd.ms-excel", (".xls", ".et"))
DOCX = FileKind("application/vnd.openxmlformats-officedocument.wordprocessingml.document", (".docx",))
XLSX = FileKind("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", (".xlsx",))
PPTX = FileKind("application/vnd.openxmlformats-officedocument.presentationml.presentation", (".pptx",))
TEXT = FileKind("text/plain; charset=utf-8", (".txt", ".csv", ".log", ".md"))
TEXT_GB = FileKind("text/plain; charset=gb18030", (".txt", ".csv", ".log", ".md"))

_OFFICE = {"word/document.xml": DOCX, "xl/workbook.xml": XLSX, "ppt/presentation.xml": PPTX}
_OLD_OFFICE = {"WordDocument": DOC, "Workbook": XLS, "Book": XLS}
_BEGINNINGS: tuple[tuple[bytes, FileKind], ...] = (
    (b"%PDF-", PDF),
    (b"\xff\xd8\xff", JPEG),
    (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", PNG),
    (b"GIF87a", GIF),
    (b"GIF89a", GIF),
    (b"#!AMR\n", AMR),
    (b"#!AMR-WB\n", AMR),
    (b"ID3\x03", MP3),
    (b"ID3\x04", MP3),
)
# The same box format holds pictures of telephones, which an old Windows cannot open.
_PICTURES = frozenset({b"heic", b"heix", b"hevc", b"mif1", b"msf1", b"avif", b"avis"})
# Text that a browser may take for a page or a script, wherever it is opened from.
_MARKUP = ("<!doctype", "<html", "<head", "<body", "<script", "<svg", "<iframe", "<?xml", "<?php")
_ALLOWED_CONTROLS = frozenset("\t\n\r\f")


def sniff(file: IO[bytes]) -> FileKind | None:
    """Return what the file is, or None for anything that is not taken in. Reads and seeks; blocks."""
    file.seek(0)
    head = file.read(_HEAD)
    if not head:
        return None
    for beginning, kind in _BEGINNINGS:
        if head.startswith(beginning):
            return kind
    if head.startswith(b"PK\x03\x04"):
        return _office(file)
    if head.startswith(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"):
        return _old_office(file, head)
    return _medium(head) or _text(file)


def _medium(head: bytes) -> FileKind | None:
    """Return which sound, film or picture has this beginning."""
    if head[:4] == b"RIFF":
        return {b"WEBP": WEBP, b"WAVE": WAV}.get(head[8:12])
    if head[4:8] == b"ftyp":
        return None if head[8:12] in _PICTURES else MP4
    return MP3 if _is_mpeg_frame(head) else None


def _is_mpeg_frame(head: bytes) -> bool:
    """Tell whether this begins with the header of an MPEG audio frame of layer III."""
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE6 != 0xE2:
        return False
    bit_rate, sample_rate = head[2] >> 4, head[2] >> 2 & 3
    return bit_rate not in (0, 15) and sample_rate != 3


def _office(file: IO[bytes]) -> FileKind | None:
    """Return which office document a zip is; only its directory is read, nothing is unfolded."""
    if not _has_small_directory(file):
        return None
    try:
        with zipfile.ZipFile(file) as archive:
            members = archive.infolist()
    except (zipfile.BadZipFile, NotImplementedError, ValueError, OSError):
        return None
    names = {one.filename for one in members}
    unsafe = any(
        one.flag_bits & 1 or one.filename.startswith("/") or ".." in one.filename.split("/")
        for one in members
    )
    macros = any(name.lower().endswith("vbaproject.bin") for name in names)
    if unsafe or macros or sum(one.file_size for one in members) > _MOST_UNFOLDED:
        return None
    found = [kind for name, kind in _OFFICE.items() if name in names]
    return found[0] if "[Content_Types].xml" in names and len(found) == 1 else None


def _has_small_directory(file: IO[bytes]) -> bool:
    """Look at the end record first: the library would read a directory of any size into memory."""
    size = file.seek(0, 2)
    file.seek(max(0, size - _LONGEST_TAIL))
    tail = file.read()
    at = tail.rfind(_END_OF_DIRECTORY)
    if at < 0 or len(tail) - at < 22:
        return False
    members = int.from_bytes(tail[at + 10 : at + 12], "little")
    directory = int.from_bytes(tail[at + 12 : at + 16], "little")
    return members <= _MOST_MEMBERS and directory <= _MOST_DIRECTORY


def _old_office(file: IO[bytes], head: bytes) -> FileKind | None:
    """Return which document a compound file (MS-CFB) is, by the streams its directory names first."""
    shift = int.from_bytes(head[30:32], "little")
    sector = int.from_bytes(head[48:52], "little")
    if shift not in (9, 12):
        return None
    file.seek((sector + 1) << shift)
    directory = file.read(max(1 << shift, 8 * _SECTOR))
    names = {_stream_name(directory[at : at + 128]) for at in range(0, len(directory), 128)}
    return next((kind for name, kind in _OLD_OFFICE.items() if name in names), None)


def _stream_name(entry: bytes) -> str:
    length = int.from_bytes(entry[64:66], "little")
    if not 2 <= length <= 64:
        return ""
    return entry[: length - 2].decode("utf-16-le", errors="replace")


def _text(file: IO[bytes]) -> FileKind | None:
    return next(
        (kind for code, kind in (("utf-8", TEXT), ("gb18030", TEXT_GB)) if _is_text(file, code)), None
    )


def _is_text(file: IO[bytes], code: str) -> bool:
    """Tell whether the whole file is plain text in this code and holds no markup at its beginning."""
    file.seek(0)
    decoder = codecs.getincrementaldecoder(code)()
    first = True
    for chunk in _chunks(file.read):
        try:
            text = decoder.decode(chunk)
        except UnicodeDecodeError:
            return False
        if not all(_is_plain(character) for character in set(text)):
            return False
        if first and any(mark in text[:_HEAD].lower() for mark in _MARKUP):
            return False
        first = False
    try:
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _is_plain(character: str) -> bool:
    return character in _ALLOWED_CONTROLS or not (character < " " or "\x7f" <= character < "\xa0")


def _chunks(read: Callable[[int], bytes]) -> Iterator[bytes]:
    while chunk := read(_CHUNK):
        yield chunk

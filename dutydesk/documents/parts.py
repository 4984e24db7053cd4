"""What documents and sheets share: text that any office program accepts, and packages without a chance in them."""

import re
from datetime import UTC, datetime
from io import BytesIO
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

# Everything XML 1.0 cannot say: most control characters, halves of surrogate pairs, and two non-characters.
_UNSPEAKABLE = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_BREAKS = re.compile(r"[\t\r\n]+")  # not splitlines(), which also breaks where nobody sees a break


def speakable(text: str) -> str:
    """Return *text* without the characters that XML cannot carry; tabs and line breaks stay."""
    return _UNSPEAKABLE.sub("", text)


def one_line(text: str) -> str:
    """Return *text* as one line: tabs and line breaks become a space, what XML cannot carry is dropped."""
    return _BREAKS.sub(" ", speakable(text))


def repacked(package: bytes, moment: datetime) -> bytes:
    """Return a zip package with the same parts in the same order, every one dated *moment* (UTC).

    Office programs' libraries date the parts with the time of writing, so that no two files are the same.
    """
    dated = moment.astimezone(UTC).timetuple()[:6]
    output = BytesIO()
    with ZipFile(BytesIO(package)) as old, ZipFile(output, "w", ZIP_DEFLATED) as new:
        for name in old.namelist():
            part = ZipInfo(name, dated)
            part.compress_type = ZIP_DEFLATED
            part.create_system = 0  # else the file would tell on which kind of machine it was made
            new.writestr(part, old.read(name))
    return output.getvalue()

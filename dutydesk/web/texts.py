"""Text fields: length-checked and free of control characters; emoji and rare Han characters pass."""

import unicodedata
from typing import Annotated

from pydantic import AfterValidator, StringConstraints

# Bidirectional overrides let a name read as another one on the board.
_DECEIVING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def _printable(text: str, allowed: str = "") -> str:
    for character in text:
        bad = unicodedata.category(character) in {"Cc", "Cs"} and character not in allowed
        if bad or character in _DECEIVING:
            message = f"contains the control character U+{ord(character):04X}"
            raise ValueError(message)
    return text


def _one_line(text: str) -> str:
    """Refuse control characters, line breaks among them."""
    return _printable(text)


def _lines(text: str) -> str:
    """Refuse control characters except line breaks and tabs."""
    return _printable(text, "\n\r\t")


Code = Annotated[str, StringConstraints(pattern=r"^[a-zA-Z0-9][a-zA-Z0-9_-]{0,31}$")]
ShortText = Annotated[
    str, StringConstraints(strip_whitespace=True, max_length=100), AfterValidator(_one_line)
]
Name = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=50), AfterValidator(_one_line)
]
Title = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200), AfterValidator(_one_line)
]
Reason = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=1000), AfterValidator(_lines)
]
LongText = Annotated[str, StringConstraints(strip_whitespace=True, max_length=20_000), AfterValidator(_lines)]

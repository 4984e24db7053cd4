"""The rotating code that the duty room shows, by which somebody elsewhere signs in. Pure.

It proves that the person has just been in touch with the duty room: six digits, another each minute.
"""

import hashlib
import hmac
from datetime import datetime

WINDOW_SECONDS = 60
_DIGITS = 6


def code_at(key: str, at: datetime) -> str:
    """Return the code shown at *at*: an HMAC of its minute, in six digits (as RFC 4226 cuts one)."""
    return _code(key, int(at.timestamp()) // WINDOW_SECONDS)


def is_right(key: str, typed: str, at: datetime) -> bool:
    """Tell whether what somebody typed is this minute's code or the last one's: typing takes time."""
    window = int(at.timestamp()) // WINDOW_SECONDS
    # Both are compared in full, so that the time it takes says nothing.
    found = [hmac.compare_digest(_code(key, one).encode(), typed.encode()) for one in (window, window - 1)]
    return any(found)


def _code(key: str, window: int) -> str:
    made = hmac.new(f"duty-code/{key}".encode(), str(window).encode(), hashlib.sha256).digest()
    start = made[-1] & 0x0F
    number = int.from_bytes(made[start : start + 4]) & 0x7FFFFFFF
    return str(number % 10**_DIGITS).zfill(_DIGITS)

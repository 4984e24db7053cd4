"""The key of one form: when the server opened it, for whom, and proof that the server said so. Pure."""

import hmac
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256

_KEY = re.compile(r"(\d{10,11})-([A-Za-z0-9_-]{8,32})-([0-9a-f]{32})")


@dataclass(frozen=True, slots=True)
class Stamp:
    """When a form was opened; ``proved`` when the server itself stamped it for this account."""

    at: datetime
    proved: bool


def make_key(at: datetime, nonce: str, account_id: int, secret: str) -> str:
    """Return the key of a form that is opened at *at* (kept to the second)."""
    seconds = int(at.timestamp())
    return f"{seconds}-{nonce}-{_proof(seconds, nonce, account_id, secret)}"


def read_key(key: str, account_id: int, secret: str) -> Stamp | None:
    """Return when the form with this key was opened; None for what is no such key."""
    found = _KEY.fullmatch(key)
    if found is None:
        return None
    seconds = int(found[1])
    proved = hmac.compare_digest(found[3], _proof(seconds, found[2], account_id, secret))
    return Stamp(datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds), proved)


def _proof(seconds: int, nonce: str, account_id: int, secret: str) -> str:
    text = f"phone {account_id} {seconds} {nonce}"
    return hmac.new(secret.encode(), text.encode(), sha256).hexdigest()[:32]

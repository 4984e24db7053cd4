"""The chain of the audit trail: what is hashed, and how a break is found. Pure."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

GENESIS_HASH = "0" * 64

BreakKind = Literal["edited", "gap", "unlinked", "cut"]


@dataclass(frozen=True, slots=True)
class Head:
    """The last link of a chain, printed as ``N:hash`` on handover sheets and circulars."""

    number: int
    hash: str

    def __str__(self) -> str:
        return f"{self.number}:{self.hash}"


GENESIS = Head(0, GENESIS_HASH)


@dataclass(frozen=True, slots=True)
class Unsealed:
    """An appended row that the sealer has not linked yet."""

    id: int
    at: datetime
    actor: str
    action: str
    subject: str
    detail: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Sealed:
    """A linked row."""

    id: int
    at: datetime
    actor: str
    action: str
    subject: str
    detail: Mapping[str, Any]
    seal_number: int
    previous_hash: str | None
    hash: str | None


@dataclass(frozen=True, slots=True)
class Seal:
    """What the sealer writes onto the row ``id``."""

    id: int
    seal_number: int
    previous_hash: str
    hash: str


@dataclass(frozen=True, slots=True)
class Break:
    """The first place where the trail is not what was written, with a sentence that says why."""

    seal_number: int
    kind: BreakKind
    sentence: str


def entry_hash(
    *,
    seal_number: int,
    at: datetime,
    actor: str,
    action: str,
    subject: str,
    detail: Mapping[str, Any],
    previous_hash: str,
) -> str:
    """Return the SHA-256, in hex, of an entry as canonical JSON (sorted keys, UTF-8, RFC 3339 in UTC)."""
    said = {
        "seal_number": seal_number,
        "at": at.astimezone(UTC).isoformat(timespec="microseconds"),
        "actor": actor,
        "action": action,
        "subject": subject,
        "detail": detail,
        "previous_hash": previous_hash,
    }
    text = json.dumps(said, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    # A lone surrogate in a detail must not stop the sealer for everybody.
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def linked(rows: Iterable[Unsealed], after: Head) -> list[Seal]:
    """Return the seals of *rows*, in their order, as the continuation of the chain that ends at *after*."""
    seals: list[Seal] = []
    last = after
    for row in rows:
        own = _hash_of(row, last.number + 1, last.hash)
        seals.append(Seal(row.id, last.number + 1, last.hash, own))
        last = Head(last.number + 1, own)
    return seals


def first_break(entries: Iterable[Sealed], after: Head = GENESIS) -> Break | None:
    """Return where *entries*, in order of seal number, stop being the continuation of *after*.

    Finds an edited entry, a missing one, and entries that changed places. That the end was cut off
    cannot be seen from inside: compare with a head that was printed (:func:`head_break`).
    """
    last = after
    for entry in entries:
        found = _break_at(entry, last)
        if found is not None:
            return found
        last = Head(entry.seal_number, entry.hash or "")
    return None


def head_break(claimed: Head, end: Head, hash_there: str | None) -> Break | None:
    """Return what is wrong when a printed head is held against the chain.

    *end* is the chain's end and *hash_there* the hash stored at the claimed number, None if there is none.
    """
    if claimed == GENESIS or claimed.hash == hash_there:
        return None
    if claimed.number > end.number:
        sentence = f"the trail ends at {end.number}, but a head of {claimed.number} was printed"
        return Break(end.number + 1, "cut", sentence)
    return Break(claimed.number, "edited", f"entry {claimed.number} is not the one whose head was printed")


def parse_head(text: str) -> Head:
    """Return the head written as ``N:hash``.

    Raises:
        ValueError: when the text has another form.
    """
    number, _, digest = text.strip().partition(":")
    digest = digest.lower()
    if not number.isascii() or not number.isdigit() or len(digest) != len(GENESIS_HASH):
        message = "a head is written as NUMBER:SHA256"
        raise ValueError(message)
    return Head(int(number), digest)


def _hash_of(row: Unsealed | Sealed, number: int, previous_hash: str) -> str:
    return entry_hash(
        seal_number=number,
        at=row.at,
        actor=row.actor,
        action=row.action,
        subject=row.subject,
        detail=row.detail,
        previous_hash=previous_hash,
    )


def _break_at(entry: Sealed, last: Head) -> Break | None:
    number = entry.seal_number
    if number != last.number + 1:
        return Break(last.number + 1, "gap", f"entry {last.number + 1} is missing; the next is {number}")
    if entry.previous_hash != last.hash:
        return Break(number, "unlinked", f"entry {number} does not follow entry {last.number}")
    if entry.hash != _hash_of(entry, number, last.hash):
        return Break(number, "edited", f"entry {number} is not what was sealed")
    return None

"""All the SQL of the audit trail, and its verification."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, update
from sqlmodel import col, select

from dutydesk.audit.model import AuditEntry
from dutydesk.audit.rules import (
    GENESIS,
    Break,
    Head,
    Seal,
    Sealed,
    Unsealed,
    first_break,
    head_break,
    parse_head,
)
from dutydesk.db import Session
from dutydesk.errors import InvalidInputError

BATCH = 500
# A transaction of this many seals stays well under the 50 ms that a writer may keep others waiting.
SEAL_BATCH = 250
# Any fixed number will do, as long as nothing else in this database takes the same one ("dutydesk" in ASCII, cut).
_SEALER_LOCK = 0x64757479


@dataclass(frozen=True, slots=True)
class VerifyResult:
    """What verification found: how many entries hold, the chain's end, the first break, what waits to be sealed."""

    entries: int
    head: str
    broken: Break | None
    unsealed: int


async def head(session: Session) -> str:
    """Return the chain's end as ``N:hash`` (``0:000…`` while it is empty)."""
    return str(await last_head(session))


async def last_head(session: Session) -> Head:
    """Return the chain's end."""
    found = await session.exec(
        select(AuditEntry)
        .where(col(AuditEntry.seal_number).is_not(None))
        .order_by(col(AuditEntry.seal_number).desc())
        .limit(1)
    )
    last = found.first()
    return GENESIS if last is None else Head(last.seal_number or 0, last.hash or "")


async def verify(session: Session, head: str | None = None) -> VerifyResult:
    """Walk the whole chain in batches and tell where it breaks first.

    *head* (``N:hash``, from a handover sheet, a circular or a heartbeat) also finds a tail that was cut off,
    or a chain that was written anew.

    Raises:
        InvalidInputError: when *head* is not ``N:hash``.
    """
    claimed = _claimed(head)
    end, count, hash_there = GENESIS, 0, None
    broken: Break | None = None
    async for batch in _sealed_batches(session):
        # Hashing is CPU work: it must not hold up the clocks that run on the event loop.
        broken = await asyncio.to_thread(first_break, batch, end)
        if broken is not None:
            return VerifyResult(broken.seal_number - 1, str(end), broken, await count_unsealed(session))
        count += len(batch)
        end = Head(batch[-1].seal_number, batch[-1].hash or "")
        hash_there = next((row.hash for row in batch if row.seal_number == claimed.number), hash_there)
    broken = head_break(claimed, end, hash_there)
    return VerifyResult(count, str(end), broken, await count_unsealed(session))


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which entries are asked for; empty means all. ``subject`` is how it begins (``incident:2026``)."""

    actor: str = ""
    action: str = ""
    subject: str = ""
    from_at: datetime | None = None
    until_at: datetime | None = None


async def newest(
    session: Session, wanted: Wanted, *, before: int | None = None, limit: int = 50
) -> list[AuditEntry]:
    """Return entries, newest first, from the one before the id *before*."""
    found = select(AuditEntry).order_by(col(AuditEntry.id).desc()).limit(limit)
    if before is not None:
        found = found.where(col(AuditEntry.id) < before)
    if wanted.actor:
        found = found.where(col(AuditEntry.actor) == wanted.actor)
    if wanted.action:
        found = found.where(col(AuditEntry.action) == wanted.action)
    if wanted.subject:
        found = found.where(col(AuditEntry.subject).startswith(wanted.subject, autoescape=True))
    if wanted.from_at is not None:
        found = found.where(col(AuditEntry.at) >= wanted.from_at)
    if wanted.until_at is not None:
        found = found.where(col(AuditEntry.at) < wanted.until_at)
    return list(await session.exec(found))


async def count_unsealed(session: Session) -> int:
    """Return how many rows wait for the sealer."""
    found = await session.exec(
        select(func.count()).select_from(AuditEntry).where(col(AuditEntry.seal_number).is_(None))
    )
    return found.one()


async def unsealed(session: Session, limit: int = SEAL_BATCH) -> list[Unsealed]:
    """Return the first rows that wait for the sealer, in id order."""
    found = await session.exec(
        select(AuditEntry)
        .where(col(AuditEntry.seal_number).is_(None))
        .order_by(col(AuditEntry.id))
        .limit(limit)
    )
    return [Unsealed(row.id or 0, row.at, row.actor, row.action, row.subject, row.detail) for row in found]


async def lock_sealing(session: Session) -> None:
    """Let no other node seal until this transaction ends.

    An advisory lock and not ``FOR UPDATE`` of the last sealed row: that row does not exist for the
    first seal, and whoever waited for it would go on with the old end. The unique ``seal_number``
    would still refuse a second chain, by failing. On SQLite a writer is alone anyway.
    """
    if session.get_bind().dialect.name == "postgresql":
        await session.exec(select(func.pg_advisory_xact_lock(_SEALER_LOCK)))


async def write_seals(session: Session, seals: Sequence[Seal]) -> None:
    """Write the seals onto their rows, in one statement executed many times."""
    rows = [
        {
            "id": seal.id,
            "seal_number": seal.seal_number,
            "previous_hash": seal.previous_hash,
            "hash": seal.hash,
        }
        for seal in seals
    ]
    await session.exec(update(AuditEntry), params=rows)


async def _sealed_batches(session: Session) -> AsyncIterator[list[Sealed]]:
    last: int | None = None
    while True:
        wanted = select(AuditEntry).where(col(AuditEntry.seal_number).is_not(None))
        if last is not None:
            wanted = wanted.where(col(AuditEntry.seal_number) > last)
        found = await session.exec(wanted.order_by(col(AuditEntry.seal_number)).limit(BATCH))
        batch = [_sealed(row) for row in found]
        if not batch:
            return
        last = batch[-1].seal_number
        yield batch


def _sealed(row: AuditEntry) -> Sealed:
    return Sealed(
        id=row.id or 0,
        at=row.at,
        actor=row.actor,
        action=row.action,
        subject=row.subject,
        detail=row.detail,
        seal_number=row.seal_number or 0,
        previous_hash=row.previous_hash,
        hash=row.hash,
    )


def _claimed(head: str | None) -> Head:
    if head is None:
        return GENESIS
    try:
        return parse_head(head)
    except ValueError as error:
        raise InvalidInputError(f"--head: {error}") from error

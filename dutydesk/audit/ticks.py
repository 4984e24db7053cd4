"""The sealer: links appended rows into the chain, within a second of their commit."""

import asyncio
from datetime import datetime

from dutydesk.audit import queries
from dutydesk.audit.rules import linked
from dutydesk.db import Database


async def seal(db: Database, now: datetime) -> int:
    """Link every row that waits, at most 250 a transaction, and return how many there were.

    *now* is not stored: a row's time is when it was appended. It is taken so that all ticks look alike.
    Safe to run on several nodes at once.
    """
    del now
    total = 0
    while await _waiting(db):
        total += await _seal_batch(db)
    return total


async def _waiting(db: Database) -> bool:
    """Asked without writing, because every commit pokes the timer that calls us."""
    async with db.read() as session:
        return bool(await queries.unsealed(session, limit=1))


async def _seal_batch(db: Database) -> int:
    async with db.write() as session:
        await queries.lock_sealing(session)
        rows = await queries.unsealed(session)
        if not rows:
            return 0
        end = await queries.last_head(session)
        seals = await asyncio.to_thread(linked, rows, end)
        await queries.write_seals(session, seals)
    return len(seals)

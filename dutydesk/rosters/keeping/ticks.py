"""What falls due of the rosters: units to look at for holes, turns to tell people of, requests nobody decided.

Units are done one by one, each in a transaction of its own; shifts in small batches. A batch that
fails is done row by row, and a row that fails is pushed back alone and shown at the desk.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from dutydesk.alerts.actions import alarm_desk
from dutydesk.db import Session
from dutydesk.logs import log
from dutydesk.people.queries import units_by_id
from dutydesk.rosters.changes import queries as change_queries
from dutydesk.rosters.changes.actions import expire
from dutydesk.rosters.keeping import queries as keeping_queries
from dutydesk.rosters.keeping.gaps import settle_gaps
from dutydesk.rosters.keeping.reminders import look_after
from dutydesk.web.site import Site

# Small, so that a report clock that falls due meanwhile is not kept waiting.
UNITS_AT_ONCE = 4
SHIFTS_AT_ONCE = 40
_PUSHED = timedelta(minutes=1)

_log = log("rosters")


@dataclass(frozen=True, slots=True)
class Kept:
    """How many rows were looked at, and how many of them failed."""

    looked_at: int
    failed: int


async def next_due(session: Session) -> datetime | None:
    """Return when the next unit, shift or request has to be looked at."""
    found = (await keeping_queries.earliest_due(session), await change_queries.next_expiry(session))
    return min((one for one in found if one is not None), default=None)


async def oldest_undone(session: Session, now: datetime) -> datetime | None:
    """Return the oldest look that should have happened by now and has not (None: nothing is late)."""
    due = await next_due(session)
    return due if due is not None and due <= now else None


async def keep(site: Site, now: datetime) -> Kept:
    """Do some of what is due now: some units, some shifts, the requests that expire."""
    async with site.db.read() as session:
        due = await next_due(session)
    if due is None or due > now:
        return Kept(0, 0)
    units = await _units(site, now)
    shifts = await _shifts(site, now)
    changes = await _changes(site, now)
    done = (units, shifts, changes)
    return Kept(sum(one.looked_at for one in done), sum(one.failed for one in done))


async def _units(site: Site, now: datetime) -> Kept:
    async with site.db.read() as session:
        ids = await keeping_queries.units_due(session, now, UNITS_AT_ONCE)
    looked_at = failed = 0
    for unit_id in ids:

        async def look(session: Session, unit_id: int = unit_id) -> bool:
            mine = await keeping_queries.claimed_unit(session, unit_id, now) is not None
            if mine:
                await settle_gaps(session, site, now, unit_id)
            return mine

        async def push(unit_id: int = unit_id) -> None:
            await _push_unit(site, unit_id, now)

        done = await _guarded(site, look, push, unit=unit_id)
        # Another node is at it: that is no work of ours, and nothing to go round for.
        looked_at += done is not False
        failed += done is None
    return Kept(looked_at, failed)


async def _shifts(site: Site, now: datetime) -> Kept:
    try:
        async with site.db.write() as session:
            rows = await keeping_queries.shifts_due(session, now, SHIFTS_AT_ONCE)
            await look_after(session, site, now, rows)
            return Kept(len(rows), 0)
    except Exception:  # noqa: BLE001 (whatever one row has done to the batch, its neighbours go on)
        _log.exception("a batch of shifts failed; its rows are done one by one")
    async with site.db.read() as session:
        ids = [one.id or 0 for one in await keeping_queries.shifts_due(session, now, SHIFTS_AT_ONCE)]
    looked_at = failed = 0
    for shift_id in ids:

        async def look(session: Session, shift_id: int = shift_id) -> bool:
            row = await keeping_queries.locked_shift(session, shift_id)
            mine = row is not None and row.next_action_at is not None and row.next_action_at <= now
            if row is not None and mine:
                await look_after(session, site, now, [row])
            return mine

        async def push(shift_id: int = shift_id) -> None:
            await _push_shift(site, shift_id, now)

        done = await _guarded(site, look, push, shift=shift_id)
        looked_at += done is not False
        failed += done is None
    return Kept(looked_at, failed)


async def _changes(site: Site, now: datetime) -> Kept:
    async with site.db.read() as session:
        due = await change_queries.next_expiry(session)
    if due is None or due > now:
        return Kept(0, 0)
    return Kept(await site.db.run(lambda session: expire(session, site, now)), 0)


async def _guarded(
    site: Site, work: Callable[[Session], Awaitable[bool]], push: Callable[[], Awaitable[None]], **about: int
) -> bool | None:
    """Do one row in a transaction of its own; return whether it was ours, None where it failed and was pushed back."""
    try:
        return await site.db.run(work)
    except Exception:  # noqa: BLE001 (as above)
        _log.exception("a row of the rosters could not be looked at", **about)
    try:
        await push()
    except Exception:  # noqa: BLE001 (even this failing must not hold up the rows behind it)
        _log.exception("a broken row of the rosters could not even be pushed back", **about)
    return None


async def _push_unit(site: Site, unit_id: int, now: datetime) -> None:
    async with site.db.write() as session:
        row = await keeping_queries.locked_unit(session, unit_id)
        if row is not None:
            row.roster_check_at = now + _PUSHED
            await _show(session, now, unit_id, f"unit:{unit_id}")


async def _push_shift(site: Site, shift_id: int, now: datetime) -> None:
    async with site.db.write() as session:
        row = await keeping_queries.locked_shift(session, shift_id)
        if row is not None:
            row.next_action_at = now + _PUSHED
            await _show(session, now, row.unit_id, f"shift:{shift_id}")


async def _show(session: Session, now: datetime, unit_id: int, about: str) -> None:
    """Nobody notices a roster that is not looked at: the desk has to know."""
    units = await units_by_id(session, [unit_id])
    await alarm_desk(
        session,
        now,
        about=about,
        wording="roster_fault",
        reason="ROW_FAILED",
        params={"unit": units[unit_id].short_name},
    )

"""Shifts follow their day: what a sensitive period or a changed calendar asks of those planned before it (Art. 48)."""

from datetime import datetime, timedelta

from dutydesk.alerts.queries import add_alerts
from dutydesk.audit.actions import record
from dutydesk.calendars.queries import calendar_for
from dutydesk.db import Session
from dutydesk.people.model import Unit
from dutydesk.people.queries import id_of
from dutydesk.rosters.keeping.queries import calendar_shifts_ahead, sitting_on, unit_patterns
from dutydesk.rosters.model import Roster, Shift
from dutydesk.rosters.notices import shift_notice
from dutydesk.rosters.queries import shift_fact
from dutydesk.rosters.rules import LONGEST_SHIFT
from dutydesk.rosters.rules.pieces import persons_in, pieces_of
from dutydesk.rosters.rules.slots import Slot, slots_of
from dutydesk.web.site import Site

_ONE_DAY = timedelta(days=1)


async def follow_days(session: Session, site: Site, now: datetime, actor: str, unit: Unit) -> int:
    """Hold a unit's shifts that are not over as their day is held now, and return how many changed.

    A shift whose day is of another class than when it was planned takes the mode of its seat on that day, and
    with it whether somebody signs in; one that has begun is not asked to sign in any more. Whoever sits there is
    told. Shifts planned without the calendar keep what was said of them.
    """
    rows = await calendar_shifts_ahead(session, id_of(unit.id), now)
    if not rows:
        return 0
    first = (min(one.starts_at for one in rows) - LONGEST_SHIFT).astimezone(site.zone).date()
    last = max(one.starts_at for one in rows).astimezone(site.zone).date()
    calendar = await calendar_for(session, first, last)
    patterns = await unit_patterns(session, unit, site.rulebook.rosters)
    slots = slots_of(patterns, calendar, id_of(unit.id), first, last + _ONE_DAY, site.zone)
    moved = [
        (row, slot) for row in rows if (slot := _slot_of(row, slots)) and slot.day_class != row.day_class
    ]
    told = [row for row, slot in moved if _hold_as(row, slot, now)]
    session.add_all(row for row, _slot in moved)
    for row in told:
        record(session, now, actor, "shift.mode", f"shift:{row.id}", mode=row.mode, day=row.day_class)
    await _tell(session, site, now, [row for row in told if row.state == "published"])
    return len(told)


def _slot_of(row: Shift, slots: list[Slot]) -> Slot | None:
    return next(
        (one for one in slots if one.seat == row.seat and one.starts_at <= row.starts_at < one.ends_at), None
    )


def _hold_as(row: Shift, slot: Slot, now: datetime) -> bool:
    """Tell whether anybody notices: the class of the day alone may change."""
    before, row.day_class, row.mode = (row.mode, row.signs_in), slot.day_class, slot.mode
    if row.starts_at > now:
        row.signs_in = slot.signs_in
    if before == (row.mode, row.signs_in):
        return False
    row.sequence, row.changed_at = row.sequence + 1, now
    return True


async def _tell(session: Session, site: Site, now: datetime, rows: list[Shift]) -> None:
    sitting = await sitting_on(session, rows)
    notices = [
        shift_notice(now, row, person_id, "changed", site.zone)
        for row in rows
        for person_id in persons_in(
            pieces_of(shift_fact(row), sitting.rows), max(row.starts_at, now), row.ends_at
        )
        if person_id is not None
    ]
    await add_alerts(session, notices)
    for roster_id in {row.roster_id for row in rows if row.roster_id is not None}:
        roster = await session.get(Roster, roster_id)
        if roster is not None and roster.state in ("published", "changed"):
            roster.state, roster.version = "changed", roster.version + 1
            session.add(roster)

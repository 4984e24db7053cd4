"""No hole without an open obligation: a unit's rosters, looked at and held against what is owed (Art. 48)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from dutydesk.alerts.actions import cancel_for
from dutydesk.calendars.queries import calendar_for
from dutydesk.calendars.rules import Calendar
from dutydesk.db import Session
from dutydesk.obligations import queries as owed_queries
from dutydesk.obligations.model import OWED, Obligation
from dutydesk.obligations.owings import Owing, settle_owings
from dutydesk.people.model import Unit
from dutydesk.people.queries import id_of, usable_contacts
from dutydesk.rosters.keeping.day_changes import follow_days
from dutydesk.rosters.keeping.filing import settle_filing
from dutydesk.rosters.keeping.queries import Sitting, arm_shifts, locked_unit, sitting, unit_patterns
from dutydesk.rosters.rules import LONGEST_SHIFT
from dutydesk.rosters.rules.holes import (
    TITLES,
    Hole,
    Unreached,
    called,
    day_word,
    holes_in,
    horizon,
    next_duty_start,
    told_from,
    unreached,
)
from dutydesk.rosters.rules.slots import Slot, slots_of
from dutydesk.web.site import Site

ACTOR = "clockwork"
REACH_RULE = "48.3-reach"
_ONE_DAY = timedelta(days=1)
# Notices begin the afternoon before: whatever starts by then has its holder looked at again.
_ARMED_AHEAD = timedelta(days=2)


@dataclass(frozen=True, slots=True)
class _Picture:
    """Everything one look at a unit needs; ``start`` reaches back to the earliest hole still owed."""

    unit: Unit
    calendar: Calendar
    slots: Sequence[Slot]
    sitting: Sitting
    confirmed: frozenset[int]


async def settle_gaps(session: Session, site: Site, now: datetime, unit_id: int) -> datetime | None:
    """Bring what is owed for a unit's holes, unreachable people and roster in line with how things stand.

    Says on the unit when to look again and returns it: the next duty day, or the end of a hole; None
    for a unit that is retired. In the caller's transaction, with the unit locked.

    Raises:
        LookupError: when there is no such unit.
    """
    unit = await locked_unit(session, unit_id)
    if unit is None:
        message = f"there is no unit {unit_id}"
        raise LookupError(message)
    await follow_days(session, site, now, ACTOR, unit)
    rows = await owed_queries.obligations_in(session, f"gap/{unit_id}", ())
    seen = await _look(session, site, now, unit, rows)
    every = holes_in(seen.slots, seen.sitting.shifts, seen.sitting.rows)
    holes = [hole for hole in every if hole.until_at > now]
    known = {row.subject: row for row in rows if row.state in OWED}
    lost = _unreached(site, now, seen)
    wanted = [_gap_owing(site, now, seen, hole, known) for hole in holes]
    wanted += [_reach_owing(site, now, seen, one, known) for one in lost]
    done = {
        row.subject: now
        for row in known.values()
        if row.subject not in {one.subject for one in wanted} and _is_done(row, every, seen)
    }
    settled = await settle_owings(
        session, site, now, ACTOR, f"gap/{unit_id}", wanted, done, gone="SHIFT_OVER"
    )
    filled = {one: "SEAT_FILLED" if why == "ALREADY_REPORTED" else why for one, why in settled.cancel.items()}
    await cancel_for(session, now, filled)
    await settle_filing(session, site, now, unit, seen.calendar)
    await arm_shifts(session, unit_id, now, now + _ARMED_AHEAD)
    unit.roster_check_at = None
    if unit.retired_at is None:
        # A hole that passes is no longer owed; nobody is rung for yesterday.
        changes = [next_duty_start(now, site.rulebook.rosters, site.zone), *(hole.until_at for hole in holes)]
        unit.roster_check_at = min(changes)
    session.add(unit)
    return unit.roster_check_at


async def _look(
    session: Session, site: Site, now: datetime, unit: Unit, rows: Sequence[Obligation]
) -> _Picture:
    plan = site.rulebook.rosters
    until = horizon(now, plan, site.zone)
    owed_from = [row.due_at for row in rows if row.due_at is not None and row.state in OWED]
    # Further back nothing can run on: a hole of an outage long past is over.
    start = max(min([now, *owed_from]), now - LONGEST_SHIFT)
    first = (start - LONGEST_SHIFT).astimezone(site.zone).date()
    last = until.astimezone(site.zone).date()
    calendar = await calendar_for(session, first, last)
    patterns = await unit_patterns(session, unit, plan)
    slots = [
        slot
        for slot in slots_of(patterns, calendar, id_of(unit.id), first, last + _ONE_DAY, site.zone)
        if slot.ends_at > start and slot.starts_at < until
    ]
    begins = min([start, *(slot.starts_at for slot in slots)])
    ends = max([until, *(slot.ends_at for slot in slots)])
    found = await sitting(session, [id_of(unit.id)], begins, ends)
    points = await usable_contacts(session, found.persons.keys())
    # One that lapses before the next look would be found too late.
    held = _reached_until(site, now)
    confirmed = frozenset(
        person_id
        for person_id, each in points.items()
        if any(point.rings and point.confirmed(held) for point in each)
    )
    return _Picture(unit, calendar, slots, found, confirmed)


def _reached_until(site: Site, now: datetime) -> datetime:
    """To the end of tomorrow's duty day: never less than a day ahead, at whatever hour one looks."""
    return next_duty_start(now, site.rulebook.rosters, site.zone) + _ONE_DAY


def _unreached(site: Site, now: datetime, seen: _Picture) -> list[Unreached]:
    if seen.unit.retired_at is not None:
        return []
    until = _reached_until(site, now)
    return unreached(seen.slots, seen.sitting.shifts, seen.sitting.rows, seen.confirmed, now, until)


def _gap_owing(
    site: Site, now: datetime, seen: _Picture, hole: Hole, known: Mapping[str, Obligation]
) -> Owing:
    return Owing(
        subject=hole.subject,
        rule_id=hole.rule_id,
        number=day_word(hole.from_at, site.zone),
        unit_id=hole.unit_id,
        base_at=told_from(hole.from_at, now, seen.calendar, site.rulebook.rosters, site.zone),
        due_at=_due(hole.from_at, now, known.get(hole.subject)),
        title=TITLES[hole.seat],
    )


def _reach_owing(
    site: Site, now: datetime, seen: _Picture, one: Unreached, known: Mapping[str, Obligation]
) -> Owing:
    name = seen.sitting.persons[one.person_id].name
    return Owing(
        subject=one.subject,
        rule_id=REACH_RULE,
        number=called(name, max(one.since, now), site.zone),
        unit_id=one.unit_id,
        base_at=told_from(one.since, now, seen.calendar, site.rulebook.rosters, site.zone),
        due_at=_due(one.since, now, known.get(one.subject)),
        person_id=one.person_id,
    )


def _due(begins: datetime, now: datetime, row: Obligation | None) -> datetime:
    """What was found too late is due when it was found, and stays so: a due time does not run after the clock."""
    if begins > now:
        return begins
    return now if row is None or row.due_at is None else min(row.due_at, now)


def _is_done(row: Obligation, every: Sequence[Hole], seen: _Picture) -> bool:
    """Tell whether somebody sits there now (or can be reached); else it passed, or the seat is not asked for."""
    kind, *parts = row.subject.split("/")
    if kind == "reach":
        return row.person_id in seen.confirmed
    if any(hole.subject == row.subject for hole in every):
        return False
    at = datetime.fromisoformat(parts[-1])
    return any(slot.seat == parts[1] and slot.starts_at <= at < slot.ends_at for slot in seen.slots)

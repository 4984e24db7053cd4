"""A unit's month as its page shows it, and the months of many units at a glance: read, then decided purely."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo

from dutydesk.calendars.faces import Face, face_of
from dutydesk.calendars.queries import calendar_for
from dutydesk.db import Session
from dutydesk.people import queries as people
from dutydesk.people.queries import id_of
from dutydesk.people.rules import ContactPoint, Person, Unit
from dutydesk.rosters.candidate_queries import leaves_of
from dutydesk.rosters.keeping.filing import not_filed
from dutydesk.rosters.model import Roster, Shift
from dutydesk.rosters.months import next_month
from dutydesk.rosters.queries import holder_fact, shift_fact
from dutydesk.rosters.rules import HolderRow, PlannedShift, Seat
from dutydesk.rosters.rules.monthly import MonthFacts, Row, month_rows, seats_of
from dutydesk.rosters.rules.slots import Slot, gaps_in
from dutydesk.rosters.view_queries import (
    begin_of,
    holders_between,
    rosters_of,
    shifts_between,
    slots_between,
)
from dutydesk.web.site import Site

PER_PAGE = 50


@dataclass(frozen=True, slots=True)
class MonthTable:
    """The table of a unit's month; ``seen`` tells for each shift which state of it a form was drawn from."""

    unit: Unit
    month: date
    roster: Roster | None
    seats: Sequence[Seat]
    rows: Sequence[Row]
    persons: Mapping[int, Person]
    slots: Sequence[Slot]
    shifts: Sequence[PlannedShift]
    seen: Mapping[int, str]
    faces: Mapping[date, Face]
    today: date
    drafts: int

    @property
    def holes(self) -> int:
        """Return how many holes the plan has, drafts taken as they are."""
        return sum(row.holes for row in self.rows)

    @property
    def provisional(self) -> bool:
        """Tell whether the official notice on some day's year is not out."""
        return any(one.provisional for one in self.faces.values())

    def name(self, person_id: int | None) -> str:
        """Return what somebody is called."""
        found = self.persons.get(person_id or 0)
        return "" if found is None else found.name


@dataclass(frozen=True, slots=True)
class UnitMonth:
    """A unit's month at a glance; ``soon`` are the holes of the next days in what is published, ``holes`` those of the plan."""

    unit: Unit
    roster: Roster | None
    state: str
    soon: int
    holes: int
    drafts: int
    people: int
    unreachable: Sequence[Person]
    unconfirmed: Sequence[Person]


def seen_of(shift: Shift) -> str:
    """Return what a form carries, so that a change by somebody else meanwhile is noticed."""
    return f"{shift.id}.{shift.person_id}.{shift.sequence}.{shift.state}"


def state_of(roster: Roster | None, *, late: bool) -> str:
    """Return a roster's state as the pages name it: one that was not filed in time is ``unfiled``, one not begun ``none``."""
    if roster is None or roster.state == "draft":
        return "unfiled" if late else "none" if roster is None else "draft"
    return roster.state


async def read_month(session: Session, site: Site, now: datetime, unit: Unit, month: date) -> MonthTable:
    """Read the table of a unit's month (``month`` is its first day)."""
    until = next_month(month)
    start, end = begin_of(month, site.zone), begin_of(until, site.zone)
    calendar = await calendar_for(session, month, until)
    slots = (await slots_between(session, site.rulebook.rosters, [unit], calendar, month, until, site.zone))[
        unit.id
    ]
    last = max([end, *(slot.ends_at for slot in slots)])
    touching = await shifts_between(session, [unit.id], start, last)
    own = [one for one in touching if start <= one.starts_at < end]
    rows = await holders_between(session, [unit.id], start, last)
    ids = {one.person_id for one in own} | {one.person_id for one in rows if one.person_id is not None}
    facts = MonthFacts(
        unit_id=unit.id,
        start=month,
        end=until,
        zone=site.zone,
        now=now,
        slots=slots,
        shifts=[shift_fact(one) for one in own],
        holders=[holder_fact(one) for one in rows],
        leaves=await leaves_of(session, ids, start, last),
        drafts={one.id for one in own if one.state == "draft" and one.id is not None},
        locked={one.id for one in own if one.locked and one.id is not None},
        changed={one.id for one in own if one.sequence > 0 and one.state == "published" and one.id},
    )
    table = month_rows(facts)
    return MonthTable(
        unit=unit,
        month=month,
        roster=(await rosters_of(session, [unit.id], month)).get(unit.id),
        seats=seats_of(facts.slots, facts.shifts),
        rows=table,
        persons=await people.people_by_id(session, ids),
        slots=slots,
        shifts=facts.shifts,
        seen={id_of(one.id): seen_of(one) for one in own},
        faces={row.day: face_of(calendar, row.day, unit.id) for row in table},
        today=now.astimezone(site.zone).date(),
        drafts=len(facts.drafts),
    )


async def read_overview(
    session: Session, site: Site, now: datetime, units: Sequence[Unit], month: date
) -> list[UnitMonth]:
    """Read how the month stands in each of these units; the holes are worked out beside the event loop."""
    plan = site.rulebook.rosters
    until = next_month(month)
    today = now.astimezone(site.zone).date()
    ahead = today + timedelta(days=plan.horizon_days)
    first, end = min(month, today - timedelta(days=1)), max(until, ahead + timedelta(days=1))
    calendar = await calendar_for(session, first, end)
    ids = [one.id for one in units]
    slots = await slots_between(session, plan, units, calendar, first, end, site.zone)
    shifts = await shifts_between(session, ids, begin_of(first, site.zone), begin_of(end, site.zone))
    rows = await holders_between(session, ids, begin_of(first, site.zone), begin_of(end, site.zone))
    rosters = await rosters_of(session, ids, month)
    within = [one for one in shifts if _in_month(one, month, site.zone)]
    persons = await people.people_by_id(session, {one.person_id for one in within})
    points = await people.all_contacts(session, persons.keys())
    facts = [(shift_fact(one), one.state == "draft") for one in shifts]
    span = _Span(month, until, now, now + timedelta(days=plan.horizon_days))
    counted = await asyncio.to_thread(_counted, slots, facts, [holder_fact(one) for one in rows], span)
    unfiled = {one.unit_id for one in await not_filed(session, month, now) if one.late}
    found: list[UnitMonth] = []
    for unit in units:
        mine = [one for one in within if one.unit_id == unit.id]
        serving = [persons[one] for one in sorted({one.person_id for one in mine})]
        soon, holes = counted[unit.id]
        roster = rosters.get(unit.id)
        found.append(
            UnitMonth(
                unit=unit,
                roster=roster,
                state=state_of(roster, late=unit.id in unfiled or (month <= today and holes > 0)),
                soon=soon,
                holes=holes,
                drafts=sum(one.state == "draft" for one in mine),
                people=len(serving),
                unreachable=[one for one in serving if not _rings(points.get(one.id, ()))],
                unconfirmed=[one for one in serving if not _confirmed(points.get(one.id, ()), now)],
            )
        )
    return found


@dataclass(frozen=True, slots=True)
class _Span:
    month: date
    until: date
    now: datetime
    horizon: datetime


def _counted(
    slots: Mapping[int, Sequence[Slot]],
    shifts: Sequence[tuple[PlannedShift, bool]],
    rows: Sequence[HolderRow],
    span: _Span,
) -> dict[int, tuple[int, int]]:
    """Return by unit how many slots have a hole soon, in what is published, and in the month, drafts taken as they are."""
    found: dict[int, tuple[int, int]] = {}
    for unit_id, asked in slots.items():
        mine = [(one, draft) for one, draft in shifts if one.unit_id == unit_id]
        own_rows = [one for one in rows if one.unit_id == unit_id]
        soon = [one for one in asked if one.ends_at > span.now and one.starts_at < span.horizon]
        published = [one for one, draft in mine if not draft]
        real = gaps_in(soon, published, own_rows)
        ahead = {gap.slot for gap in real if gap.until_at > span.now and gap.from_at < span.horizon}
        month = [one for one in asked if span.month <= one.day < span.until]
        planned = {gap.slot for gap in gaps_in(month, [one for one, _ in mine], own_rows)}
        found[unit_id] = (len(ahead), len(planned))
    return found


def _rings(points: Sequence[ContactPoint]) -> bool:
    return any(point.rings for point in points)


def _confirmed(points: Sequence[ContactPoint], now: datetime) -> bool:
    return any(point.rings and point.confirmed(now) for point in points)


def _in_month(shift: Shift, month: date, zone: tzinfo) -> bool:
    return shift.starts_at.astimezone(zone).date().replace(day=1) == month

"""Who is on duty, at an instant or over a span, with their numbers: for pages, the API and the command line."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from dutydesk.calendars.queries import calendar_for
from dutydesk.db import Session
from dutydesk.errors import FieldFault, InvalidInputError
from dutydesk.people import queries as people
from dutydesk.people.rules import ContactPoint, Person, Unit
from dutydesk.rosters.queries import holder_fact, shift_fact, who_holds
from dutydesk.rosters.rules import HolderRow, Holding, PlannedShift, Seat, by_seat, empty_seats
from dutydesk.rosters.rules.slots import Gap, Slot, gaps_in
from dutydesk.rosters.rules.spans import Segment, segments_of
from dutydesk.rosters.view_queries import holders_between, shifts_between, slots_between
from dutydesk.web.site import Site

# A longer span is a list nobody reads: month by month it is the tables themselves.
LONGEST_SPAN = timedelta(days=100)
LONGEST_SPAN_OF_ALL = timedelta(days=8)


@dataclass(frozen=True, slots=True)
class Known:
    """The people named on a page, with every number they have."""

    persons: Mapping[int, Person]
    points: Mapping[int, Sequence[ContactPoint]]

    def numbers(self, person_id: int) -> list[ContactPoint]:
        """Return the numbers that ring, in the order they are tried."""
        return [one for one in self.points.get(person_id, ()) if one.rings]


@dataclass(frozen=True, slots=True)
class UnitNow:
    """Who holds the seats of a unit; ``empty`` are those that must never be."""

    unit: Unit
    holdings: Sequence[Holding]
    empty: Sequence[Seat]


@dataclass(frozen=True, slots=True)
class Held:
    """A segment of a unit's span with whom the plan had there, where that was somebody else."""

    segment: Segment
    planned: Sequence[int]


@dataclass(frozen=True, slots=True)
class UnitSpan:
    """Who held the seats of a unit within a span, and where nobody did."""

    unit: Unit
    held: Sequence[Held]
    gaps: Sequence[Gap]


def checked_span(start: datetime, end: datetime, *, several: bool) -> None:
    """Refuse a span that ends before it begins, or that is too long to be read.

    Raises:
        InvalidInputError: naming ``until``.
    """
    longest = LONGEST_SPAN_OF_ALL if several else LONGEST_SPAN
    if start >= end:
        raise _refused("结束时间应晚于开始时间")
    if end - start > longest:
        sentence = "一次最多查询8日，请缩短时间或只查一个单位" if several else "一次最多查询100日，请缩短时间"
        raise _refused(sentence)


def _refused(sentence: str) -> InvalidInputError:
    return InvalidInputError(sentence, (FieldFault("until", sentence),))


async def read_now(session: Session, units: Sequence[Unit], at: datetime) -> tuple[list[UnitNow], Known]:
    """Return who really holds the seats of these units at *at*."""
    held = await who_holds(session, [one.id for one in units], at)
    by_unit: dict[int, list[Holding]] = {}
    for (unit_id, _), holdings in held.items():
        by_unit.setdefault(unit_id, []).extend(holdings)
    found = [
        UnitNow(one, by_seat(by_unit.get(one.id, [])), empty_seats(by_unit.get(one.id, []))) for one in units
    ]
    ids = {holding.person_id for holdings in by_unit.values() for holding in holdings}
    return found, await known_people(session, ids)


async def read_span(
    session: Session, site: Site, units: Sequence[Unit], start: datetime, end: datetime
) -> tuple[list[UnitSpan], Known]:
    """Return who held the seats of these units within [start, end), cut to it; worked out beside the event loop."""
    ids = [one.id for one in units]
    shifts = [shift_fact(one) for one in await shifts_between(session, ids, start, end, drafts=False)]
    rows = [holder_fact(one) for one in await holders_between(session, ids, start, end)]
    # A slot that began up to some days before may reach into the span.
    first = start.astimezone(site.zone).date() - timedelta(days=2)
    last = end.astimezone(site.zone).date() + timedelta(days=1)
    calendar = await calendar_for(session, first, last)
    slots = await slots_between(session, site.rulebook.rosters, units, calendar, first, last, site.zone)
    found = await asyncio.to_thread(_spans, units, shifts, rows, slots, start, end)
    persons = {one.segment.person_id for span in found for one in span.held}
    persons |= {person_id for span in found for one in span.held for person_id in one.planned}
    return found, await known_people(session, persons)


async def known_people(session: Session, ids: set[int]) -> Known:
    """Read these people and their numbers."""
    return Known(await people.people_by_id(session, ids), await people.all_contacts(session, ids))


def _spans(
    units: Sequence[Unit],
    shifts: Sequence[PlannedShift],
    rows: Sequence[HolderRow],
    slots: Mapping[int, Sequence[Slot]],
    start: datetime,
    end: datetime,
) -> list[UnitSpan]:
    segments = segments_of(shifts, rows, start, end)
    found: list[UnitSpan] = []
    for unit in units:
        planned = [one for one in shifts if one.unit_id == unit.id]
        own = [one for one in rows if one.unit_id == unit.id]
        held = [Held(one, _planned(one, planned)) for one in segments if one.unit_id == unit.id]
        asked = [one for one in slots[unit.id] if one.starts_at < end and one.ends_at > start]
        gaps = [_cut(one, start, end) for one in gaps_in(asked, planned, own)]
        found.append(UnitSpan(unit, held, [one for one in gaps if one.from_at < one.until_at]))
    return found


def _planned(segment: Segment, shifts: Sequence[PlannedShift]) -> list[int]:
    """Whom the plan had on the seat, where somebody else sat."""
    if segment.planned:
        return []
    return sorted(
        {
            one.person_id
            for one in shifts
            if one.seat == segment.seat and one.starts_at < segment.until and one.ends_at > segment.since
        }
        - {segment.person_id}
    )


def _cut(gap: Gap, start: datetime, end: datetime) -> Gap:
    return Gap(gap.slot, max(gap.from_at, start), min(gap.until_at, end), gap.missing)

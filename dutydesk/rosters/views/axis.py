"""A week of a unit on a line of hours: which blocks stand where, in the numbers a drawing takes."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal

from dutydesk.calendars.faces import Face, face_of
from dutydesk.calendars.queries import calendar_for
from dutydesk.db import Session
from dutydesk.people import queries as people
from dutydesk.people.rules import Person, Unit
from dutydesk.rosters.queries import holder_fact, shift_fact
from dutydesk.rosters.rules import SEATS, HolderRow, PlannedShift, Seat
from dutydesk.rosters.rules.slots import Slot, gaps_in
from dutydesk.rosters.rules.spans import segments_of
from dutydesk.rosters.view_queries import begin_of, holders_between, shifts_between, slots_between
from dutydesk.web.site import Site

DAYS = 7
# The drawing's own units: a column for the seats' names, then the days.
HEAD, DAY, LANE, TOP = 96, 150, 34, 40

# Somebody as planned; somebody else than planned; a draft; whom the plan had; nobody.
Kind = Literal["held", "instead", "draft", "was", "gap"]


@dataclass(frozen=True, slots=True)
class Block:
    """A time on a seat: ``x``, ``y`` and ``width`` in the drawing's units."""

    kind: Kind
    seat: Seat
    person_id: int | None
    since: datetime
    until: datetime
    x: float
    width: float
    y: int
    missing: int = 0


@dataclass(frozen=True, slots=True)
class Lane:
    """A seat's band in the drawing."""

    seat: Seat
    y: int
    height: int


@dataclass(frozen=True, slots=True)
class Week:
    """A unit's week; ``changes`` are the moments at which somebody's turn begins."""

    unit: Unit
    start: date
    days: Sequence[Face]
    lanes: Sequence[Lane]
    blocks: Sequence[Block]
    persons: Mapping[int, Person]
    height: int
    now_x: float | None

    @property
    def width(self) -> int:
        """Return the width of the drawing."""
        return HEAD + DAYS * DAY

    @property
    def in_order(self) -> list[Block]:
        """Return the blocks as a list is read: by time, then by seat."""
        return sorted(self.blocks, key=lambda one: (one.since, SEATS.index(one.seat), one.kind))


async def read_week(session: Session, site: Site, now: datetime, unit: Unit, start: date) -> Week:
    """Read the seven site days from *start* on."""
    end = start + timedelta(days=DAYS)
    begins, ends = begin_of(start, site.zone), begin_of(end, site.zone)
    rows = await shifts_between(session, [unit.id], begins, ends)
    published = [shift_fact(one) for one in rows if one.state == "published"]
    drafts = [shift_fact(one) for one in rows if one.state == "draft"]
    holders = [holder_fact(one) for one in await holders_between(session, [unit.id], begins, ends)]
    calendar = await calendar_for(session, start, end)
    first = start - timedelta(days=2)
    plan = site.rulebook.rosters
    slots = (await slots_between(session, plan, [unit], calendar, first, end, site.zone))[unit.id]
    spans = list(_spans(published, drafts, holders, slots, begins, ends))
    lanes, blocks, height = _placed(spans, begins, ends)
    ids = {one.person_id for one in blocks if one.person_id is not None}
    return Week(
        unit=unit,
        start=start,
        days=[face_of(calendar, start + timedelta(days=offset), unit.id) for offset in range(DAYS)],
        lanes=lanes,
        blocks=blocks,
        persons=await people.people_by_id(session, ids),
        height=height,
        now_x=_x(now, begins, ends) if begins <= now < ends else None,
    )


_Span = tuple[Kind, Seat, int | None, datetime, datetime, int]


def _spans(
    published: Sequence[PlannedShift],
    drafts: Sequence[PlannedShift],
    holders: Sequence[HolderRow],
    slots: Sequence[Slot],
    start: datetime,
    end: datetime,
) -> Iterable[_Span]:
    for one in segments_of(published, holders, start, end):
        yield "held" if one.planned else "instead", one.seat, one.person_id, one.since, one.until, 0
    for shift in drafts:
        yield (
            "draft",
            shift.seat,
            shift.person_id,
            max(shift.starts_at, start),
            min(shift.ends_at, end),
            0,
        )
    for shift in published:
        yield from _replaced(shift, holders, start, end)
    asked = [one for one in slots if one.starts_at < end and one.ends_at > start]
    for gap in gaps_in(asked, [*published, *drafts], holders):
        since, until = max(gap.from_at, start), min(gap.until_at, end)
        if since < until:
            yield "gap", gap.slot.seat, None, since, until, gap.missing


def _replaced(
    shift: PlannedShift, holders: Sequence[HolderRow], start: datetime, end: datetime
) -> Iterable[_Span]:
    """Yield the time for which somebody else (or nobody) sits in the place of the one planned."""
    rows = [one for one in holders if one.instead_of_shift_id == shift.id]
    if rows and rows[-1].person_id != shift.person_id:
        last = rows[-1]
        since = max(shift.starts_at, last.from_at, start)
        until = min(shift.ends_at, last.until_at or shift.ends_at, end)
        if since < until:
            yield "was", shift.seat, shift.person_id, since, until, 0


def _placed(spans: Sequence[_Span], start: datetime, end: datetime) -> tuple[list[Lane], list[Block], int]:
    """Give every seat as many lanes as it needs for what happens at the same time."""
    lanes: list[Lane] = []
    blocks: list[Block] = []
    y = TOP
    for seat in SEATS:
        mine = sorted((one for one in spans if one[1] == seat), key=lambda one: (one[3], one[0] == "was"))
        if not mine:
            continue
        free: list[datetime] = []
        for kind, _, person_id, since, until, missing in mine:
            at = next((index for index, ends in enumerate(free) if ends <= since), len(free))
            free[at : at + 1] = [until]
            left, right = _x(since, start, end), _x(until, start, end)
            blocks.append(
                Block(
                    kind, seat, person_id, since, until, left, round(right - left, 1), y + at * LANE, missing
                )
            )
        lanes.append(Lane(seat, y, len(free) * LANE))
        y += len(free) * LANE + 6
    return lanes, blocks, y


def _x(at: datetime, start: datetime, end: datetime) -> float:
    return round(HEAD + DAYS * DAY * ((at - start) / (end - start)), 1)

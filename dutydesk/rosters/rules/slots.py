"""Which seats must be held when, and where nobody does. Pure.

Patterns say how a seat is held on each class of day; a calendar turns them into *slots*; slots held
against what is planned and what really happens leave the *gaps*.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import lru_cache
from itertools import pairwise

from dutydesk.calendars.rules import DAY_CLASSES, Calendar, DayClass, days_between
from dutydesk.rosters.rules import HolderRow, Mode, PlannedShift, Seat, holders
from dutydesk.rulebook.types import RosterPlan

_DAY_MINUTES = 24 * 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Pattern:
    """How a seat of a unit is held on days of one class; ``starts`` is site time."""

    unit_id: int
    seat: Seat
    day_class: DayClass
    starts: time
    minutes: int
    count: int = 1
    mode: Mode = "on_call"
    signs_in: bool = False
    valid_from: date = date.min
    valid_until: date | None = None

    def holds(self, day: date, day_class: DayClass) -> bool:
        """Tell whether the pattern asks for somebody on that day (``valid_until`` is not part of it)."""
        within = self.valid_from <= day and (self.valid_until is None or day < self.valid_until)
        return within and self.day_class == day_class


@dataclass(frozen=True, slots=True)
class Slot:
    """A seat that must be held in [starts_at, ends_at) by ``count`` persons; ``day`` is the site day it begins on."""

    unit_id: int
    seat: Seat
    day: date
    starts_at: datetime
    ends_at: datetime
    count: int
    mode: Mode
    signs_in: bool
    day_class: DayClass


@dataclass(frozen=True, slots=True)
class Gap:
    """Within a slot, [from_at, until_at) has ``missing`` persons too few."""

    slot: Slot
    from_at: datetime
    until_at: datetime
    missing: int


def default_patterns(plan: RosterPlan, unit_id: int, duty_class: str) -> list[Pattern]:
    """Return how a unit of that duty class holds its seats where it has laid down nothing: around the clock."""
    return [
        Pattern(
            unit_id=unit_id,
            seat=one.seat,
            day_class=day_class,
            starts=plan.duty_starts,
            minutes=_DAY_MINUTES,
            count=one.count,
            mode="on_post" if day_class in one.on_post else "on_call",
            signs_in=one.signs_in and day_class in one.on_post,
        )
        for one in plan.seat
        if duty_class in one.duty_classes
        for day_class in DAY_CLASSES
    ]


def slots_of(
    patterns: Iterable[Pattern], calendar: Calendar, unit_id: int, start: date, end: date, zone: tzinfo
) -> list[Slot]:
    """Return the slots of a unit that begin on the site days of [start, end), in order of time.

    Lengths are wall-clock lengths: a 24-hour shift ends at the hour it began, also where clocks change.
    """
    mine = [pattern for pattern in patterns if pattern.unit_id == unit_id]
    found: list[Slot] = []
    for day in days_between(start, end):
        day_class = calendar.day_class(day, unit_id)
        for pattern in mine:
            if pattern.holds(day, day_class):
                begins = datetime.combine(day, pattern.starts)
                ends = begins + timedelta(minutes=pattern.minutes)
                found.append(
                    Slot(
                        unit_id,
                        pattern.seat,
                        day,
                        _instant(begins, zone),
                        _instant(ends, zone),
                        pattern.count,
                        pattern.mode,
                        pattern.signs_in,
                        day_class,
                    )
                )
    return sorted(found, key=lambda slot: (slot.starts_at, slot.seat))


def gaps_in(
    slots: Iterable[Slot], shifts: Sequence[PlannedShift], holder_rows: Sequence[HolderRow]
) -> list[Gap]:
    """Return where too few persons really hold a slot's seat, to the second, neighbours joined.

    *shifts* and *holder_rows* may be of several units and seats; only published shifts and rows that
    are not voided may be given.
    """
    by_seat: dict[tuple[int, Seat], tuple[list[PlannedShift], list[HolderRow]]] = {}
    for shift in shifts:
        by_seat.setdefault((shift.unit_id, shift.seat), ([], []))[0].append(shift)
    for row in holder_rows:
        by_seat.setdefault((row.unit_id, row.seat), ([], []))[1].append(row)
    found: list[Gap] = []
    for slot in slots:
        planned, rows = by_seat.get((slot.unit_id, slot.seat), ([], []))
        found += _gaps_of(slot, planned, rows)
    return found


def _gaps_of(slot: Slot, shifts: Sequence[PlannedShift], rows: Sequence[HolderRow]) -> list[Gap]:
    shifts = [one for one in shifts if one.starts_at < slot.ends_at and one.ends_at > slot.starts_at]
    rows = [
        one
        for one in rows
        if one.from_at < slot.ends_at and (one.until_at is None or one.until_at > slot.starts_at)
    ]
    moments = {slot.starts_at, slot.ends_at}
    moments |= {at for one in shifts for at in (one.starts_at, one.ends_at)}
    moments |= {at for one in rows for at in (one.from_at, one.until_at) if at is not None}
    within = sorted(at for at in moments if slot.starts_at <= at <= slot.ends_at)
    found: list[Gap] = []
    for begins, ends in pairwise(within):
        missing = slot.count - len({one.person_id for one in holders(shifts, rows, begins)})
        if missing <= 0:
            continue
        if found and found[-1].until_at == begins and found[-1].missing == missing:
            found[-1] = Gap(slot, found[-1].from_at, ends, missing)
        else:
            found.append(Gap(slot, begins, ends, missing))
    return found


@lru_cache(maxsize=8192)
def _instant(local: datetime, zone: tzinfo) -> datetime:
    """The same few moments of a day are asked for by every unit."""
    return local.replace(tzinfo=zone).astimezone(UTC)

"""How evenly duty is spread: hours, nights, weekends, holidays and sensitive days of each person. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta, tzinfo
from itertools import pairwise

from dutydesk.calendars.rules import DayClass
from dutydesk.rosters.rules import HolderRow, PlannedShift, Seat, holders

_NIGHT_BEGINS = time(22, 0)
_NIGHT = timedelta(hours=8)
_HOUR = timedelta(hours=1)
_ONE_DAY = timedelta(days=1)
# Who serves less than half of a shift helps out: the hours count, the turn is the other's.
_LEAST_SHARE = 0.5


@dataclass(frozen=True, slots=True)
class Served:
    """A time somebody served on a seat, or is to serve (``planned``), of a shift of that class of day.

    ``share`` is how much of the shift it was.
    """

    person_id: int
    seat: Seat
    day_class: DayClass
    starts_at: datetime
    ends_at: datetime
    planned: bool = False
    share: float = 1.0


@dataclass(frozen=True, slots=True)
class Load:
    """What one person served: shifts, hours, and how many of the shifts were nights, rest days, holidays, sensitive days."""

    person_id: int
    shifts: int = 0
    hours: float = 0.0
    nights: int = 0
    weekends: int = 0
    holidays: int = 0
    sensitive: int = 0


def loads_of(served: Iterable[Served], zone: tzinfo) -> dict[int, Load]:
    """Return person id → what they served. A turn that holds any of the hours from 22:00 to 6:00 is a night."""
    found: dict[int, Load] = {}
    for one in served:
        before = found.get(one.person_id) or Load(one.person_id)
        turn = int(one.share >= _LEAST_SHARE)
        found[one.person_id] = Load(
            one.person_id,
            before.shifts + turn,
            before.hours + (one.ends_at - one.starts_at) / _HOUR,
            before.nights + turn * holds_night(one.starts_at, one.ends_at, zone),
            before.weekends + turn * (one.day_class == "rest"),
            before.holidays + turn * (one.day_class == "holiday"),
            before.sensitive + turn * (one.day_class == "sensitive"),
        )
    return found


def balances(loads: Mapping[int, Load]) -> dict[int, float]:
    """Return person id → hours above (or below) the mean of those given."""
    if not loads:
        return {}
    mean = sum(one.hours for one in loads.values()) / len(loads)
    return {person_id: one.hours - mean for person_id, one in loads.items()}


def holds_night(starts_at: datetime, ends_at: datetime, zone: tzinfo) -> bool:
    """Tell whether any hour from 22:00 to 6:00 lies in [starts_at, ends_at)."""
    first = starts_at.astimezone(zone).date() - _ONE_DAY
    last = ends_at.astimezone(zone).date()
    for offset in range((last - first).days + 1):
        begins = datetime.combine(first + offset * _ONE_DAY, _NIGHT_BEGINS, zone)
        if starts_at < begins + _NIGHT and ends_at > begins:
            return True
    return False


def served_of(
    shifts: Iterable[PlannedShift],
    rows: Iterable[HolderRow],
    day_classes: Mapping[int, DayClass],
    now: datetime,
) -> list[Served]:
    """Return who served which part of each shift, from who really sat there; what begins after *now* is planned.

    *day_classes*: shift id → class. Only published shifts and rows that are not voided may be given.
    """
    by_shift: dict[int, list[HolderRow]] = {}
    for row in rows:
        if row.instead_of_shift_id is not None:
            by_shift.setdefault(row.instead_of_shift_id, []).append(row)
    found: list[Served] = []
    for shift in shifts:
        mine = by_shift.get(shift.id, [])
        moments = {shift.starts_at, shift.ends_at}
        moments |= {at for row in mine for at in (row.from_at, row.until_at) if at is not None}
        within = sorted(at for at in moments if shift.starts_at <= at <= shift.ends_at)
        pieces: dict[int, timedelta] = {}
        for begins, ends in pairwise(within):
            for holding in holders([shift], mine, begins):
                pieces[holding.person_id] = pieces.get(holding.person_id, timedelta(0)) + (ends - begins)
        whole = shift.ends_at - shift.starts_at
        found += [
            Served(
                person_id,
                shift.seat,
                day_classes.get(shift.id, "workday"),
                shift.starts_at,
                shift.starts_at + length,
                shift.starts_at > now,
                length / whole,
            )
            for person_id, length in pieces.items()
        ]
    return found

"""Day classes and working-day arithmetic: the one place that knows both. Pure.

A day's class comes from the table where somebody laid it down, else from the library, else from the
weekday (then it is *provisional*). A sensitive period lies over it and beats it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Literal, get_args

DayKind = Literal["workday", "makeup", "rest", "holiday"]
DayClass = Literal["workday", "makeup", "rest", "holiday", "sensitive"]

DAY_KINDS: tuple[DayKind, ...] = get_args(DayKind)
DAY_CLASSES: tuple[DayClass, ...] = get_args(DayClass)
WORKING: frozenset[DayKind] = frozenset({"workday", "makeup"})
_SATURDAY = 5
_ONE_DAY = timedelta(days=1)
# No run of days off is so long; a calendar that has one contradicts itself (rules/faults.py refuses it).
LONGEST_BREAK = 60
# Beyond these no notice, no lunar table and no time zone is of use.
FIRST_DAY, LAST_DAY = date(2000, 1, 1), date(2099, 12, 31)
_NOVEMBER = 11


@dataclass(frozen=True, slots=True)
class Day:
    """``name`` is the festival's (in Chinese). ``known`` is False while the year's notice is not out."""

    kind: DayKind
    name: str = ""
    known: bool = True

    @property
    def works(self) -> bool:
        """Tell whether offices are open."""
        return self.kind in WORKING


@dataclass(frozen=True, slots=True)
class Period:
    """A sensitive period, both ends included; ``unit_id`` None: it holds for everybody."""

    id: int
    name: str
    starts_on: date
    ends_on: date
    unit_id: int | None = None

    def covers(self, day: date, unit_id: int | None = None) -> bool:
        """Tell whether the period holds on that day for that unit."""
        return self.starts_on <= day <= self.ends_on and self.unit_id in (None, unit_id)


@dataclass(frozen=True, slots=True)
class Calendar:
    """Everything known about days, read once; ``library`` has what the library says, ``table`` what people laid down."""

    library: Mapping[date, Day] = field(default_factory=dict)
    table: Mapping[date, Day] = field(default_factory=dict)
    confirmed_years: frozenset[int] = frozenset()
    periods: Sequence[Period] = ()

    def day(self, day: date) -> Day:
        """Return what kind of day it is, without the periods that lie over it.

        What was laid down in a year without a notice is as provisional as the rest of that year.
        """
        laid = self.table.get(day) or self.library.get(day)
        known = self.is_known(day.year)
        if laid is not None:
            return laid if laid.known == known else Day(laid.kind, laid.name, known)
        return Day(plain_kind(day), known=known)

    def is_known(self, year: int) -> bool:
        """Tell whether a year's official notice is in the library, or was entered and confirmed."""
        return year in self.confirmed_years or date(year, 1, 1) in self.library

    def period(self, day: date, unit_id: int | None = None) -> Period | None:
        """Return the sensitive period that holds on that day, the one that began first."""
        found = [one for one in self.periods if one.covers(day, unit_id)]
        return min(found, key=lambda one: (one.starts_on, one.id), default=None)

    def day_class(self, day: date, unit_id: int | None = None) -> DayClass:
        """Return the class a roster plans by: a sensitive period beats every kind of day."""
        return "sensitive" if self.period(day, unit_id) is not None else self.day(day).kind

    def add_working_days(self, day: date, count: int) -> date:
        """Return the working day *count* working days after *day* (before it, if negative); *day* itself counts as none.

        Raises:
            ValueError: when two months have no working day: the calendar contradicts itself.
        """
        step = _ONE_DAY if count > 0 else -_ONE_DAY
        left, idle = abs(count), 0
        while left:
            day += step
            idle += 1
            if self.day(day).works:
                left, idle = left - 1, 0
            elif idle > LONGEST_BREAK:
                message = f"no working day near {day}: the calendar contradicts itself"
                raise ValueError(message)
        return day

    def working_days_between(self, start: date, end: date) -> int:
        """Return how many working days lie in [start, end)."""
        days = (start + timedelta(days=offset) for offset in range((end - start).days))
        return sum(self.day(day).works for day in days)


def plain_kind(day: date) -> DayKind:
    """Return what kind of day the weekday alone makes it."""
    return "rest" if day.weekday() >= _SATURDAY else "workday"


def is_weekend(day: date) -> bool:
    """Tell whether it is a Saturday or a Sunday."""
    return day.weekday() >= _SATURDAY


def warning_for(calendar: Calendar, today: date) -> int | None:
    """Return the year whose notice has to be entered now, if there is one: this year, or from November the next.

    Nothing waits for it: the days go on by their weekdays, marked as provisional (domain §0.11).
    """
    if not calendar.is_known(today.year):
        return today.year
    ahead = today.year + 1
    return ahead if today.month >= _NOVEMBER and not calendar.is_known(ahead) else None


def day_bounds(day: date, zone: tzinfo, starts: time) -> tuple[datetime, datetime]:
    """Return when the day that begins at *starts* (site time) begins, and when the next one does; both UTC."""
    begin, end = (datetime.combine(one, starts, zone).astimezone(UTC) for one in (day, day + _ONE_DAY))
    return begin, end


def duty_day(moment: datetime, zone: tzinfo, starts: time) -> date:
    """Return the duty day a moment belongs to: before the hour of change it is still yesterday's.

    Always the one of :func:`day_bounds`, also in a night that has an hour twice, or lacks one.
    """
    today = moment.astimezone(zone).date()
    moment = moment.astimezone(UTC)
    for day in (today + _ONE_DAY, today):
        if moment >= datetime.combine(day, starts, zone).astimezone(UTC):
            return day
    return today - _ONE_DAY


def next_office_time(
    moment: datetime, calendar: Calendar, zone: tzinfo, opens: time, closes: time
) -> datetime:
    """Return *moment* if offices are open then, else the next opening: nobody is woken for what can wait."""
    local = moment.astimezone(zone)
    today_open = calendar.day(local.date()).works
    if today_open and opens <= local.time() < closes:
        return moment
    day = local.date() if today_open and local.time() < opens else calendar.add_working_days(local.date(), 1)
    return datetime.combine(day, opens, zone).astimezone(moment.tzinfo)


def days_between(start: date, end: date) -> Iterable[date]:
    """Yield every day of [start, end)."""
    for offset in range((end - start).days):
        yield start + timedelta(days=offset)

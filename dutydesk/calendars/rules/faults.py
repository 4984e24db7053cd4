"""What makes a calendar contradict itself, and what makes a sensitive period impossible. Pure.

Each is a Chinese sentence with its values; ``calendars.telling`` says it in the reader's language.
"""

import dataclasses
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from dutydesk.calendars.rules import (
    FIRST_DAY,
    LAST_DAY,
    LONGEST_BREAK,
    Calendar,
    Day,
    DayKind,
    Period,
    is_weekend,
)

LONGEST_PERIOD = 366
_ONE_DAY = timedelta(days=1)
# What every year's notice names, and by which it is told whether a year is complete.
_FESTIVALS = {
    "元旦": "元旦",
    "春节": "春节",
    "清明": "清明节",
    "劳动": "劳动节",
    "端午": "端午节",
    "中秋": "中秋节",
    "国庆": "国庆节",
}


@dataclass(frozen=True, slots=True)
class Row:
    """A line of a pasted text, from 1; a workbook's cell is simply called by its name."""

    number: int


Place = str | Row
# Days and rows are written out where the sentence is shown. A text stays as it was written; several are words of ours
# (festivals, a weekday), said in the reader's language and listed.
Value = int | str | date | Row | tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Entry:
    """A day as somebody wants it laid down; ``place`` is where that is written (a cell, a line), to be found again."""

    day: date
    kind: DayKind
    name: str = ""
    place: Place = ""


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong, as a sentence with the values of its ``{places}``, and where; without a place, with the whole."""

    place: Place
    text: str
    values: Mapping[str, Value] = dataclasses.field(default_factory=dict)


def out_of_range(day: date) -> Fault | None:
    """Return why a day cannot be in the calendar, or None."""
    if FIRST_DAY <= day <= LAST_DAY:
        return None
    return Fault("", "日期应在{first}年至{last}年之间", {"first": FIRST_DAY.year, "last": LAST_DAY.year})


def entry_fault(entry: Entry) -> Fault | None:
    """Return what is wrong with one day by itself, or None."""
    if (fault := out_of_range(entry.day)) is not None:
        return replace(fault, place=entry.place)
    values = {"day": entry.day}
    if entry.kind == "makeup" and not is_weekend(entry.day):
        return Fault(entry.place, "{day}不是周末，不能设为调休补班，请核对日期", values)
    if entry.kind == "workday" and is_weekend(entry.day):
        return Fault(entry.place, "{day}是周末，上班应设为调休补班", values)
    return None


def entries_faults(entries: Sequence[Entry]) -> list[Fault]:
    """Return everything that is wrong with days that are laid down together, in their order."""
    faults: list[Fault] = []
    first: dict[date, Entry] = {}
    for entry in entries:
        if (fault := entry_fault(entry)) is not None:
            faults.append(fault)
        before = first.setdefault(entry.day, entry)
        if (before.kind, before.name) != (entry.kind, entry.name):
            text = (
                "{day}重复出现，且与前面（{before}）不一致，请只留一处"
                if before.place
                else "{day}重复出现，且与前面不一致，请只留一处"
            )
            faults.append(Fault(entry.place, text, {"day": entry.day, "before": before.place}))
    return faults


def with_entries(calendar: Calendar, entries: Iterable[Entry], taken_back: Collection[date] = ()) -> Calendar:
    """Return the calendar as it will be: the days *taken_back* are as before, those of *entries* are laid down."""
    kept = {day: laid for day, laid in calendar.table.items() if day not in set(taken_back)}
    laid = {one.day: Day(one.kind, one.name) for one in entries}
    return replace(calendar, table=kept | laid)


def break_fault(calendar: Calendar, around: Collection[date]) -> Fault | None:
    """Return the run of days off near these days that no calendar has, or None.

    Working-day arithmetic gives up on such a run (:meth:`Calendar.add_working_days`): it must never be stored.
    """
    if not around:
        return None
    day, last = min(around) - LONGEST_BREAK * _ONE_DAY, max(around) + LONGEST_BREAK * _ONE_DAY
    begins = day
    while day <= last:
        if calendar.day(day).works:
            begins = day + _ONE_DAY
        elif (day - begins).days + 1 >= LONGEST_BREAK:
            text = "从{day}起连续{count}天没有工作日，日历自相矛盾，请核对"
            return Fault("", text, {"day": begins, "count": LONGEST_BREAK})
        day += _ONE_DAY
    return None


def missing_festivals(calendar: Calendar, year: int) -> list[str]:
    """Return the statutory holidays a year does not have yet: its notice cannot have been entered completely."""
    days = (date(year, 1, 1) + offset * _ONE_DAY for offset in range(366))
    names = {
        calendar.day(day).name for day in days if day.year == year and calendar.day(day).kind == "holiday"
    }
    return [shown for stem, shown in _FESTIVALS.items() if not any(stem in name for name in names)]


def holidays_of(calendar: Calendar, year: int) -> list[Period]:
    """Return the statutory holidays of a year, each from its first to its last day, in order; their ids are 0.

    A holiday that begins in the December before belongs to the year of its last day.
    """
    found: list[Period] = []
    day = date(year - 1, 12, 1)
    while day.year <= year:
        kind = calendar.day(day)
        if kind.kind == "holiday":
            last = found[-1] if found else None
            if last is not None and last.ends_on == day - _ONE_DAY and last.name == kind.name:
                found[-1] = replace(last, ends_on=day)
            else:
                found.append(Period(0, kind.name, day, day))
        day += _ONE_DAY
    return [one for one in found if one.ends_on.year == year]


def makeups_of(calendar: Calendar, year: int) -> list[date]:
    """Return the make-up workdays of a year, in order."""
    days = (date(year, 1, 1) + offset * _ONE_DAY for offset in range(366))
    return [day for day in days if day.year == year and calendar.day(day).kind == "makeup"]


def period_faults(wanted: Period, others: Iterable[Period]) -> list[tuple[str, Fault]]:
    """Return (field, what is wrong) with a sensitive period beside the *others* that are in force."""
    for name, day in (("starts_on", wanted.starts_on), ("ends_on", wanted.ends_on)):
        if (fault := out_of_range(day)) is not None:
            return [(name, fault)]
    if wanted.ends_on < wanted.starts_on:
        return [("ends_on", Fault("", "结束日期早于开始日期"))]
    if (wanted.ends_on - wanted.starts_on).days >= LONGEST_PERIOD:
        text = "一个敏感时期最长{count}天，请分段登记"
        return [("ends_on", Fault("", text, {"count": LONGEST_PERIOD}))]
    for one in others:
        if one.id != wanted.id and one.name == wanted.name and _meet(one, wanted):
            text = "已有同名的敏感时期（{start}至{end}），日期重叠，请改动原有的一个"
            return [("name", Fault("", text, {"start": one.starts_on, "end": one.ends_on}))]
    return []


def is_over(period: Period, today: date) -> bool:
    """Tell whether a period lies behind: what it was then stays as it was."""
    return period.ends_on < today


def _meet(one: Period, other: Period) -> bool:
    """Tell whether two periods hold at the same time for the same unit."""
    same = one.unit_id is None or other.unit_id is None or one.unit_id == other.unit_id
    return same and one.starts_on <= other.ends_on and other.starts_on <= one.ends_on

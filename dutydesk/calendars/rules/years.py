"""A year's days laid down together, as its notice has them: what is wrong with them, and what they will change. Pure."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

from dutydesk.calendars.rules import Calendar, Day
from dutydesk.calendars.rules.faults import (
    Entry,
    Fault,
    Value,
    break_fault,
    entries_faults,
    missing_festivals,
    with_entries,
)

Step = Literal["new", "changed", "same", "taken_back"]
_DECEMBER = 12


@dataclass(frozen=True, slots=True)
class Change:
    """What becomes of one day that was laid down, or is to be."""

    day: date
    step: Step
    before: Day | None
    after: Day | None


def source_of(year: int) -> str:
    """Return by what the days that came with a year's notice are known."""
    return f"notice:{year}"


def import_faults(
    calendar: Calendar, replaced: Collection[date], entries: Sequence[Entry], year: int
) -> list[Fault]:
    """Return everything wrong with a year's days, which replace those laid down for it before.

    A notice may begin in the December before.
    """
    faults = entries_faults(entries)
    if not entries:
        faults.append(Fault("", "没有{year}年的日期，请按模板每行填一天", {"year": year}))
    for one in entries:
        if one.day.year != year and (one.day.year, one.day.month) != (year - 1, _DECEMBER):
            values: dict[str, Value] = {"day": one.day.isoformat(), "year": year}
            faults.append(Fault(one.place, "{day}不在{year}年内，请核对年份", values))
    if not faults and (
        found := break_fault(with_entries(calendar, entries, replaced), _days(entries, replaced))
    ):
        faults.append(found)
    return faults


def confirm_fault(calendar: Calendar, year: int) -> Fault | None:
    """Return why a year cannot be confirmed as complete, or None."""
    missing = missing_festivals(calendar, year)
    if not missing:
        return None
    text = "{year}年还没有登记：{festivals}。请先导入或逐日登记，再确认"
    return Fault("", text, {"year": year, "festivals": tuple(missing)})


def changes_of(before: Mapping[date, Day], entries: Iterable[Entry]) -> list[Change]:
    """Return what becomes of every day laid down before or now, in order."""
    after = {one.day: Day(one.kind, one.name) for one in entries}
    found: list[Change] = []
    for day in sorted(before.keys() | after.keys()):
        old, new = before.get(day), after.get(day)
        step: Step = "new" if old is None else "taken_back" if new is None else "changed"
        found.append(Change(day, "same" if _same(old, new) else step, old, new))
    return found


def _same(old: Day | None, new: Day | None) -> bool:
    return old is not None and new is not None and (old.kind, old.name) == (new.kind, new.name)


def _days(entries: Sequence[Entry], replaced: Collection[date]) -> set[date]:
    return {one.day for one in entries} | set(replaced)

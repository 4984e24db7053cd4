"""Sensitive periods that are offered ready-made: the year's statutory holidays, and those of config/rosters.toml. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from dutydesk.calendars.rules import Period
from dutydesk.rulebook.types import PeriodPreset

_A_YEAR_BACK = 1
_ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Preset:
    """A period to be taken over with a click; without days, these have to be filled in."""

    name: str
    starts_on: date | None = None
    ends_on: date | None = None


def presets_of(plans: Iterable[PeriodPreset], holidays: Iterable[Period], today: date) -> list[Preset]:
    """Return what is offered today: holidays that are not over, by their days, then the plans' next occurrence."""
    offered = [Preset(one.name, one.starts_on, one.ends_on) for one in holidays if one.ends_on >= today]
    return [*offered, *(_next(plan, today) for plan in plans)]


def _next(plan: PeriodPreset, today: date) -> Preset:
    if not plan.starts or not plan.ends:
        return Preset(plan.name)
    for year in (today.year - _A_YEAR_BACK, today.year, today.year + 1):
        starts_on = _on(year, plan.starts)
        # 供暖季 ends in the spring after.
        ends_on = _on(year if plan.ends >= plan.starts else year + 1, plan.ends)
        if ends_on >= today:
            return Preset(plan.name, starts_on, ends_on)
    return Preset(plan.name)


def _on(year: int, month_and_day: str) -> date:
    month, day = (int(part) for part in month_and_day.split("-"))
    # 29 February, in a year without one, is the day before 1 March.
    return date(year, 3, 1) - _ONE_DAY if (month, day) == (2, 29) else date(year, month, day)

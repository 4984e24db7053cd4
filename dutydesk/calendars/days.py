"""What kind of day a date is, by the State Council's yearly notice (as ``chinese_calendar`` has it)."""

from dataclasses import dataclass
from datetime import date
from typing import Literal

import chinese_calendar

Kind = Literal["workday", "makeup", "rest", "holiday"]

# As the notice names them.
HOLIDAYS = {
    "New Year's Day": "元旦",
    "Spring Festival": "春节",
    "Tomb-sweeping Day": "清明节",
    "Labour Day": "劳动节",
    "Dragon Boat Festival": "端午节",
    "Mid-autumn Festival": "中秋节",
    "National Day": "国庆节",
    "Anti-Fascist 70th Day": "抗战胜利纪念日",
}
_SATURDAY = 5


@dataclass(frozen=True, slots=True)
class Day:
    """``name`` is the festival's (in Chinese). ``known`` is False while the year's notice is not out."""

    kind: Kind
    name: str = ""
    known: bool = True


def day_of(day: date) -> Day:
    """Return what kind of day it is; of a year without a notice only the weekday is known."""
    weekend = day.weekday() >= _SATURDAY
    try:
        works = chinese_calendar.is_workday(day)
        _, festival = chinese_calendar.get_holiday_detail(day)
    except NotImplementedError:
        return Day("rest" if weekend else "workday", known=False)
    name = HOLIDAYS.get(festival or "", "")
    if works:
        return Day("makeup", name) if weekend else Day("workday")
    return Day("holiday", name) if festival else Day("rest")

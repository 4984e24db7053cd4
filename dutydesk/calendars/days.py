"""What the library says of each day, by the State Council's yearly notice (``chinese_calendar``)."""

from datetime import date, timedelta
from functools import cache

import chinese_calendar

from dutydesk.calendars.rules import Day

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


@cache
def library_year(year: int) -> dict[date, Day]:
    """Return every day of a year whose notice the library has; nothing for another year."""
    first = date(year, 1, 1)
    days = ((first + timedelta(days=offset)) for offset in range((date(year + 1, 1, 1) - first).days))
    try:
        return {day: _day_of(day) for day in days}
    except NotImplementedError:
        return {}


def _day_of(day: date) -> Day:
    works = chinese_calendar.is_workday(day)
    _, festival = chinese_calendar.get_holiday_detail(day)
    name = HOLIDAYS.get(festival or "", "")
    if works:
        return Day("makeup", name) if day.weekday() >= _SATURDAY else Day("workday")
    return Day("holiday", name) if festival else Day("rest")

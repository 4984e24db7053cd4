"""Lunar dates, traditional festivals and solar terms, as a duty table has them beside the day (``lunar_python``).

That library computes; it is asked for months and years, never day by day, which would take a second a year.
"""

from datetime import date, timedelta
from functools import lru_cache

from lunar_python import Lunar, LunarYear, Solar

_MONTHS = ("正月", "二月", "三月", "四月", "五月", "六月", "七月", "八月", "九月", "十月", "冬月", "腊月")
_TENS = ("初", "十", "廿")
_DIGITS = ("一", "二", "三", "四", "五", "六", "七", "八", "九")
# By lunar month and day; a leap month has none. New Year's Eve is the last day of the year, whatever its number.
_FESTIVALS = {
    (1, 1): "春节",
    (1, 15): "元宵节",
    (5, 5): "端午节",
    (7, 7): "七夕节",
    (8, 15): "中秋节",
    (9, 9): "重阳节",
    (12, 8): "腊八节",
}
_EVE = "除夕"
# The statutory holidays that have no lunar date and are no solar term.
_SOLAR = {(1, 1): "元旦", (5, 1): "劳动节", (10, 1): "国庆节"}
_MIDSUMMER = (6, 1)


def lunar_text(day: date) -> str:
    """Return a day's lunar date: 正月初一, 十月十五, 闰六月初三."""
    month, number = _month_of(day)
    return f"{_month_name(month)}{day_name(number)}"


def lunar_short(day: date) -> str:
    """Return a lunar day as a calendar's small cell has it: 初二, and on the first of a month the month."""
    month, number = _month_of(day)
    return _month_name(month) if number == 1 else day_name(number)


def festival(day: date) -> str:
    """Return the festival or the solar term of a day; most days have none."""
    known = _FESTIVALS.get(_month_of(day)) or _SOLAR.get((day.month, day.day))
    if known is not None:
        return known
    month, number = _month_of(day + timedelta(days=1))
    return _EVE if (month, number) == (1, 1) else _terms(day.year).get(day, "")


def day_name(number: int) -> str:
    """Return how the day of a lunar month is called, 1 to 30."""
    if number % 10 == 0:
        return ("初十", "二十", "三十")[number // 10 - 1]
    return _TENS[number // 10] + _DIGITS[number % 10 - 1]


def _month_name(month: int) -> str:
    """A leap month has its number with a minus."""
    return ("闰" if month < 0 else "") + _MONTHS[abs(month) - 1]


def _month_of(day: date) -> tuple[int, int]:
    """Return the lunar month (a leap one negative) and the day in it."""
    month, first = next(found for found in reversed(_months(day.year)) if found[1] <= day)
    return month, (day - first).days + 1


@lru_cache(maxsize=16)
def _months(year: int) -> tuple[tuple[int, date], ...]:
    """Return the months of a lunar year, and those around it that touch the same solar year, by their first days."""
    found: dict[date, int] = {}
    for lunar_year in (year - 1, year):
        for one in LunarYear.fromYear(lunar_year).getMonths():
            begins = Solar.fromJulianDay(one.getFirstJulianDay())
            found[date(begins.getYear(), begins.getMonth(), begins.getDay())] = int(one.getMonth())
    return tuple((month, begins) for begins, month in sorted(found.items()))


@lru_cache(maxsize=16)
def _terms(year: int) -> dict[date, str]:
    """Return the 24 solar terms of a solar year."""
    table = Lunar.fromSolar(Solar.fromYmd(year, *_MIDSUMMER)).getJieQiTable()
    names = {"DA_XUE": "大雪", "DONG_ZHI": "冬至"}
    terms: dict[date, str] = {}
    for name, at in table.items():
        chinese = names.get(name, name)
        # What the table has of the year after has a Latin name, except those above.
        if chinese.isascii() or at.getYear() != year:
            continue
        terms[date(at.getYear(), at.getMonth(), at.getDay())] = chinese
    return terms

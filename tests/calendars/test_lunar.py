"""Lunar dates, festivals and solar terms, against dates that are known."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lunar_python import Solar

from dutydesk.calendars.faces import face_of
from dutydesk.calendars.lunar import day_name, festival, lunar_short, lunar_text
from dutydesk.calendars.rules import Calendar, Day


@pytest.mark.parametrize(
    ("day", "text"),
    [
        (date(2026, 2, 17), "正月初一"),
        (date(2026, 11, 23), "十月十五"),
        (date(2025, 7, 27), "闰六月初三"),
        (date(2026, 2, 16), "腊月廿九"),
        (date(2026, 12, 22), "冬月十四"),
        (date(2033, 12, 22), "闰冬月初一"),
    ],
)
def test_a_day_has_its_lunar_date(day, text):
    assert lunar_text(day) == text


@pytest.mark.parametrize(
    ("day", "name"),
    [
        (date(2026, 2, 16), "除夕"),  # of a year whose last month has 29 days
        (date(2024, 2, 9), "除夕"),  # and of one with 30
        (date(2026, 2, 17), "春节"),
        (date(2026, 3, 3), "元宵节"),
        (date(2026, 4, 5), "清明"),
        (date(2026, 10, 18), "重阳节"),
        (date(2026, 12, 22), "冬至"),
        (date(2026, 10, 1), "国庆节"),
        (date(2026, 11, 23), ""),
    ],
)
def test_festivals_and_solar_terms_are_named(day, name):
    assert festival(day) == name


def test_a_leap_month_has_no_festival_of_its_own():
    # 2028 has a leap fifth month: its fifth day is no 端午节.
    leap = next(
        date(2028, 1, 1) + timedelta(days=offset)
        for offset in range(366)
        if lunar_text(date(2028, 1, 1) + timedelta(days=offset)) == "闰五月初五"
    )
    assert festival(leap) != "端午节"


@given(st.dates(date(2000, 1, 1), date(2099, 12, 31)))
def test_a_lunar_date_is_what_the_library_says_day_by_day(day):
    lunar = Solar.fromYmd(day.year, day.month, day.day).getLunar()
    assert lunar_text(day) == f"{lunar.getMonthInChinese()}月{lunar.getDayInChinese()}"


def test_the_days_of_a_lunar_month_have_their_names():
    said = [day_name(number) for number in (1, 9, 10, 11, 19, 20, 21, 29, 30)]
    assert said == ["初一", "初九", "初十", "十一", "十九", "二十", "廿一", "廿九", "三十"]
    assert lunar_short(date(2026, 12, 9)) == "冬月"


def test_a_face_names_a_holiday_once_and_keeps_the_cell_for_the_festival_itself():
    spring = Calendar({date(2026, 2, 15) + timedelta(days=n): Day("holiday", "春节") for n in range(9)})
    assert face_of(spring, date(2026, 2, 17)).titles == ("春节",)
    assert face_of(spring, date(2026, 2, 16)).titles == ("春节", "除夕")
    cells = [face_of(spring, date(2026, 2, day)).cell for day in (15, 16, 17, 18)]
    assert cells == ["廿八", "除夕", "春节", "雨水"]


def test_a_name_of_our_own_stands_in_the_cell():
    ours = Calendar(table={date(2026, 11, 24): Day("rest", "局庆")})
    assert face_of(ours, date(2026, 11, 24)).cell == "局庆"

"""Workdays, rest days, holidays and make-up workdays: the library, what people lay down, the periods over them."""

from datetime import date

import pytest

from dutydesk.calendars.days import library_year
from dutydesk.calendars.rules import Calendar, Day, Period, warning_for


def library(*years):
    return {day: kind for year in years for day, kind in library_year(year).items()}


@pytest.mark.parametrize(
    ("day", "kind"),
    [
        (date(2026, 11, 23), Day("workday")),
        (date(2026, 11, 22), Day("rest")),
        (date(2026, 10, 1), Day("holiday", "国庆节")),
        (date(2026, 10, 10), Day("makeup", "国庆节")),
        (date(2026, 2, 14), Day("makeup", "春节")),
    ],
)
def test_the_notice_decides_not_the_weekday(day, kind):
    assert Calendar(library(2026)).day(day) == kind


@pytest.mark.parametrize(("day", "kind"), [(date(2031, 1, 1), "workday"), (date(2031, 1, 4), "rest")])
def test_of_a_year_without_a_notice_only_the_weekday_is_known(day, kind):
    assert Calendar(library(2031)).day(day) == Day(kind, known=False)


def test_what_people_lay_down_beats_the_library():
    day = date(2026, 10, 8)
    assert Calendar(library(2026)).day(day) == Day("workday")
    assert Calendar(library(2026), {day: Day("holiday", "国庆节")}).day(day) == Day("holiday", "国庆节")


def test_a_day_laid_down_in_a_year_without_its_notice_is_as_provisional_as_the_rest():
    new_year = {date(2027, 1, 1): Day("holiday", "元旦")}
    assert Calendar(table=new_year).day(date(2027, 1, 1)) == Day("holiday", "元旦", known=False)
    assert Calendar(table=new_year, confirmed_years=frozenset({2027})).day(date(2027, 1, 1)).known


def test_a_sensitive_period_beats_every_kind_of_day_and_leaves_working_days_alone():
    period = Period(1, "市两会", date(2026, 9, 30), date(2026, 10, 11))
    calendar, plain = Calendar(library(2026), periods=(period,)), Calendar(library(2026))
    for day in (date(2026, 9, 30), date(2026, 10, 1), date(2026, 10, 10), date(2026, 10, 11)):
        assert calendar.day_class(day) == "sensitive"
    assert calendar.day_class(date(2026, 10, 12)) == "workday"
    assert calendar.day_class(date(2026, 9, 29)) == "workday"
    assert calendar.add_working_days(date(2026, 9, 30), 3) == plain.add_working_days(date(2026, 9, 30), 3)


def test_a_period_of_one_unit_leaves_the_others_alone():
    calendar = Calendar(periods=(Period(1, "供暖季", date(2026, 11, 15), date(2027, 3, 15), unit_id=7),))
    assert calendar.day_class(date(2026, 11, 23), 7) == "sensitive"
    assert calendar.day_class(date(2026, 11, 23), 8) == "workday"
    assert calendar.day_class(date(2026, 11, 23)) == "workday"


@pytest.mark.parametrize(
    ("today", "warned"),
    [
        (date(2026, 10, 31), None),
        (date(2026, 11, 1), 2027),
        (date(2026, 12, 31), 2027),
        (date(2027, 1, 1), 2027),
        (date(2027, 6, 1), 2027),
    ],
)
def test_from_november_on_the_calendar_warns_of_the_year_ahead_until_its_notice_is_entered(today, warned):
    assert warning_for(Calendar(library(2026)), today) == warned


def test_a_confirmed_year_needs_no_warning():
    calendar = Calendar(library(2026), confirmed_years=frozenset({2027}))
    assert warning_for(calendar, date(2026, 12, 1)) is None
    assert warning_for(calendar, date(2027, 11, 1)) == 2028

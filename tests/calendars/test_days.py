"""Workdays, rest days, holidays and make-up workdays, as the yearly notice has them."""

from datetime import date

import pytest

from dutydesk.calendars.days import Day, day_of


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
    assert day_of(day) == kind


@pytest.mark.parametrize(("day", "kind"), [(date(2031, 1, 1), "workday"), (date(2031, 1, 4), "rest")])
def test_of_a_year_without_a_notice_only_the_weekday_is_known(day, kind):
    assert day_of(day) == Day(kind, known=False)

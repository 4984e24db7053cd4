"""Working days before and after, and the duty day: the one place of both."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dutydesk.calendars.days import library_year
from dutydesk.calendars.rules import Calendar, Day, day_bounds, duty_day, next_office_time

SHANGHAI = ZoneInfo("Asia/Shanghai")
MORNING = time(8, 30)
LIBRARY = {day: kind for year in (2025, 2026) for day, kind in library_year(year).items()}

days = st.dates(date(2025, 1, 1), date(2028, 12, 31))
kinds = st.sampled_from(["workday", "makeup", "rest", "holiday"])
# Twenty days laid down by hand make no break of two months, wherever they fall.
calendars = st.dictionaries(days, st.builds(Day, kinds), max_size=20).map(
    lambda table: Calendar(LIBRARY, table)
)


@pytest.mark.parametrize(
    ("day", "count", "found"),
    [
        (date(2026, 9, 30), 1, date(2026, 10, 8)),  # over the seven days of 国庆节
        (date(2026, 10, 8), 2, date(2026, 10, 10)),  # a make-up Saturday counts
        (date(2026, 10, 8), -1, date(2026, 9, 30)),
        (date(2026, 11, 23), 5, date(2026, 11, 30)),
        (date(2026, 11, 30), -5, date(2026, 11, 23)),  # five working days ahead (Art. 57)
        (date(2026, 11, 22), 0, date(2026, 11, 22)),
    ],
)
def test_working_days_are_counted_by_the_notice(day, count, found):
    assert Calendar(LIBRARY).add_working_days(day, count) == found


@given(calendars, days, st.integers(1, 60))
def test_so_many_working_days_on_and_back_is_the_same_day(calendar, day, count):
    if not calendar.day(day).works:
        day = calendar.add_working_days(day, 1)
    there = calendar.add_working_days(day, count)
    assert calendar.add_working_days(there, -count) == day
    assert calendar.day(there).works


@given(calendars, days, st.integers(1, 60))
def test_what_was_added_is_what_lies_between(calendar, day, count):
    there = calendar.add_working_days(day, count)
    assert calendar.working_days_between(day + timedelta(days=1), there + timedelta(days=1)) == count


@given(calendars, days, st.integers(0, 30), st.integers(0, 30))
def test_adding_in_two_steps_is_adding_at_once(calendar, day, one, other):
    both = calendar.add_working_days(day, one + other)
    assert calendar.add_working_days(calendar.add_working_days(day, one), other) == both


def test_a_calendar_without_any_working_day_is_given_up_instead_of_searched_for_ever():
    table = {date(2027, 1, 1) + timedelta(days=offset): Day("holiday", "元旦") for offset in range(365)}
    with pytest.raises(ValueError, match="contradicts itself"):
        Calendar(table=table).add_working_days(date(2027, 2, 1), 1)


def test_what_can_wait_waits_for_the_office_to_open():
    calendar, opens, closes = Calendar(LIBRARY), time(8, 30), time(17, 30)

    def at(*when):
        return datetime(*when, tzinfo=SHANGHAI)

    assert next_office_time(at(2026, 9, 30, 17, 0), calendar, SHANGHAI, opens, closes) == at(
        2026, 9, 30, 17, 0
    )
    assert next_office_time(at(2026, 9, 30, 17, 30), calendar, SHANGHAI, opens, closes) == at(
        2026, 10, 8, 8, 30
    )
    assert next_office_time(at(2026, 10, 10, 3, 0), calendar, SHANGHAI, opens, closes) == at(
        2026, 10, 10, 8, 30
    )


# ----------------------------------------------------------------------------------------------------------------------
# The duty day


def test_until_the_change_of_shift_it_is_still_yesterdays():
    assert duty_day(datetime(2026, 11, 23, 8, 29, 59, tzinfo=SHANGHAI), SHANGHAI, MORNING) == date(
        2026, 11, 22
    )
    assert duty_day(datetime(2026, 11, 23, 8, 30, tzinfo=SHANGHAI), SHANGHAI, MORNING) == date(2026, 11, 23)


def test_the_hour_of_change_is_the_configurations():
    at = datetime(2026, 11, 23, 8, 45, tzinfo=SHANGHAI)
    assert duty_day(at, SHANGHAI, time(9)) == date(2026, 11, 22)
    assert day_bounds(date(2026, 11, 23), SHANGHAI, time(9))[0] == datetime(2026, 11, 23, 1, tzinfo=UTC)


# Clocks that go back and forth by an hour, by half an hour, at midnight, and one that left out a whole day.
ZONES = [
    ZoneInfo(name)
    for name in (
        "Asia/Shanghai",
        "America/New_York",
        "Europe/Berlin",
        "America/Havana",
        "America/St_Johns",
        "Australia/Lord_Howe",
        "Pacific/Apia",
    )
]
moments = st.datetimes(datetime(2009, 1, 1), datetime(2027, 1, 1)).map(lambda one: one.replace(tzinfo=UTC))  # noqa: DTZ001


@given(moments, st.sampled_from(ZONES), st.times())
def test_every_moment_lies_within_its_duty_day_also_when_clocks_change(at, zone, starts):
    begin, end = day_bounds(duty_day(at, zone, starts), zone, starts)
    assert begin <= at < end


@given(moments, st.timedeltas(timedelta(0), timedelta(hours=30)), st.sampled_from(ZONES), st.times())
def test_a_later_moment_never_belongs_to_an_earlier_duty_day(at, later, zone, starts):
    assert duty_day(at, zone, starts) <= duty_day(at + later, zone, starts)


def test_an_hour_that_comes_twice_belongs_to_one_duty_day():
    zone, starts = ZoneInfo("America/New_York"), time(1, 30)
    begins = datetime(2026, 11, 1, 5, 30, tzinfo=UTC)  # 01:30 for the first time
    assert duty_day(begins, zone, starts) == date(2026, 11, 1)
    assert duty_day(begins + timedelta(minutes=45), zone, starts) == date(2026, 11, 1)  # 01:15 again
    assert duty_day(begins - timedelta(seconds=1), zone, starts) == date(2026, 10, 31)

"""A calendar that contradicts itself is refused, with a sentence."""

from datetime import date, timedelta

import pytest

from dutydesk.calendars.days import library_year
from dutydesk.calendars.rules import Calendar, Day, Period
from dutydesk.calendars.rules.faults import (
    Entry,
    break_fault,
    entries_faults,
    entry_fault,
    holidays_of,
    missing_festivals,
    period_faults,
    with_entries,
)
from dutydesk.calendars.rules.years import changes_of, import_faults
from dutydesk.calendars.telling import told

ONE = timedelta(days=1)
CALENDAR = Calendar(library_year(2026))


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        (Entry(date(2026, 11, 23), "makeup"), "2026年11月23日不是周末"),
        (Entry(date(2026, 11, 22), "workday"), "上班应设为调休补班"),
        (Entry(date(1999, 12, 31), "rest"), "2000年至2099年"),
        (Entry(date(2100, 1, 1), "rest"), "2000年至2099年"),
    ],
)
def test_a_day_that_contradicts_its_weekday_is_refused(entry, said):
    assert said in told(entry_fault(entry))


def test_a_day_that_stands_twice_must_say_the_same_both_times():
    day = date(2027, 1, 1)
    assert entries_faults([Entry(day, "holiday", "元旦"), Entry(day, "holiday", "元旦")]) == []
    twice = [Entry(day, "holiday", "元旦", "A2"), Entry(day, "rest", "", "A9")]
    (fault,) = entries_faults(twice)
    assert (fault.place, "重复出现" in told(fault), "A2" in told(fault)) == ("A9", True, True)


def test_sixty_days_off_in_a_row_are_refused_and_one_less_is_not():
    start = date(2026, 5, 18)

    def off(count):
        entries = [Entry(start + n * ONE, "holiday", "长假") for n in range(count)]
        return break_fault(with_entries(CALENDAR, entries), [one.day for one in entries])

    # The weekend before belongs to the break as well: from the 16th on.
    assert "2026年5月16日起连续60天" in told(off(58))
    assert off(56) is None


def test_a_calendar_that_is_accepted_always_has_a_next_working_day():
    entries = [Entry(date(2026, 5, 18) + n * ONE, "holiday", "长假") for n in range(56)]
    calendar = with_entries(CALENDAR, entries)
    assert calendar.add_working_days(date(2026, 5, 15), 1) == date(2026, 7, 13)


def period(name, starts_on, ends_on, unit_id=None, number=0):
    return Period(number, name, starts_on, ends_on, unit_id)


JUNE, JULY, AUGUST = date(2026, 6, 15), date(2026, 7, 15), date(2026, 8, 15)


@pytest.mark.parametrize(
    ("wanted", "field"),
    [
        (period("汛期", JULY, JUNE), "ends_on"),
        (period("汛期", date(1990, 1, 1), JUNE), "starts_on"),
        (period("汛期", JUNE, JUNE + 366 * ONE), "ends_on"),
        (period("汛期", JULY, AUGUST), "name"),
        (period("汛期", JULY, AUGUST, unit_id=3), "name"),
    ],
)
def test_an_impossible_period_is_refused_beside_its_field(wanted, field):
    in_force = [period("汛期", JUNE, JULY, number=1)]
    assert [name for name, _ in period_faults(wanted, in_force)] == [field]


def test_periods_may_overlap_under_other_names_or_in_other_units():
    in_force = [period("汛期", JUNE, JULY, number=1), period("供暖季", JUNE, JULY, unit_id=3, number=2)]
    assert period_faults(period("市两会", JUNE, JULY), in_force) == []
    assert period_faults(period("供暖季", JUNE, JULY, unit_id=4), in_force) == []
    assert period_faults(period("汛期", JULY + ONE, AUGUST), in_force) == []
    assert period_faults(period("汛期", JUNE, AUGUST, number=1), in_force) == []


def test_a_year_without_all_of_its_holidays_is_not_complete():
    assert missing_festivals(CALENDAR, 2026) == []
    without = with_entries(CALENDAR, [Entry(date(2026, 6, day), "rest") for day in (19, 20, 21)])
    assert missing_festivals(without, 2026) == ["端午节"]


def test_holidays_stand_from_their_first_to_their_last_day():
    found = [(one.name, one.starts_on, one.ends_on) for one in holidays_of(CALENDAR, 2026)]
    assert len(found) == 7
    assert found[1] == ("春节", date(2026, 2, 15), date(2026, 2, 23))


def test_an_import_takes_the_year_it_names_and_the_december_before():
    entries = [
        Entry(date(2026, 12, 31), "holiday", "元旦", "A2"),
        Entry(date(2027, 1, 1), "holiday", "元旦", "A3"),
        Entry(date(2028, 1, 1), "holiday", "元旦", "A4"),
    ]
    assert [fault.place for fault in import_faults(CALENDAR, (), entries, 2027)] == ["A4"]
    assert import_faults(CALENDAR, (), [], 2027)


def test_what_an_import_changes_is_said_day_by_day():
    first, second, third = (date(2027, 1, day) for day in (1, 2, 3))
    before = {first: Day("holiday", "元旦"), second: Day("rest"), third: Day("rest")}
    after = [
        Entry(first, "holiday", "元旦"),
        Entry(second, "holiday", "元旦"),
        Entry(date(2027, 1, 4), "rest"),
    ]
    steps = [(one.day.day, one.step) for one in changes_of(before, after)]
    assert steps == [(1, "same"), (2, "changed"), (3, "taken_back"), (4, "new")]

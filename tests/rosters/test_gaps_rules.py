"""No instant within the horizon is uncovered without a hole that is found; nobody absent covers one."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dutydesk.calendars.rules import DAY_CLASSES, Calendar
from dutydesk.rosters.rules import HolderRow, PlannedShift
from dutydesk.rosters.rules.absence import with_absences
from dutydesk.rosters.rules.filing import filing_due
from dutydesk.rosters.rules.holes import holes_in, horizon, told_from, unreached
from dutydesk.rosters.rules.slots import Pattern, slots_of
from dutydesk.rulebook.types import RosterPlan

ZONE = ZoneInfo("Asia/Shanghai")
PLAN = RosterPlan()
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
# Monday 23 November 2026, 14:00 at the site.
NOW = datetime(2026, 11, 23, 6, tzinfo=UTC)
START = datetime(2026, 11, 23, 0, 30, tzinfo=UTC)
SEATS = ("leader", "operator_primary")


def hours(low, high):
    return st.integers(low, high).map(lambda count: START + count * HOUR)


@st.composite
def spans(draw, longest=48):
    begins = draw(hours(-24, 200))
    return begins, begins + draw(st.integers(1, longest)) * HOUR


@st.composite
def rosters(draw):
    """Patterns, shifts, holder rows and absences of one unit, all to the hour."""
    patterns = [
        Pattern(
            unit_id=1,
            seat=seat,
            day_class=day_class,
            starts=time(draw(st.integers(0, 23)), 30),
            minutes=60 * draw(st.integers(1, 30)),
            count=draw(st.integers(1, 2)),
        )
        for seat in SEATS
        for day_class in draw(st.sets(st.sampled_from(DAY_CLASSES[:3]), min_size=1))
    ]
    shifts = [
        PlannedShift(number, 1, draw(st.sampled_from(SEATS)), draw(st.integers(1, 4)), *span, "on_call")
        for number, span in enumerate(draw(st.lists(spans(), max_size=14)), start=1)
    ]
    rows = []
    for number, shift in enumerate(draw(st.lists(st.sampled_from(shifts), max_size=5)) if shifts else []):
        begins, ends = draw(spans())
        person = draw(st.none() | st.integers(1, 4))
        rows.append(HolderRow(number + 1, 1, shift.seat, person, begins, ends, shift.id))
    for number, (begins, ends) in enumerate(draw(st.lists(spans(), max_size=2)), start=50):
        until = draw(st.sampled_from((None, ends)))
        seat = draw(st.sampled_from(SEATS))
        rows.append(HolderRow(number, 1, seat, draw(st.integers(1, 4)), begins, until, None))
    away = {
        person: draw(st.lists(spans(72), max_size=2))
        for person in draw(st.sets(st.integers(1, 4), max_size=3))
    }
    return patterns, shifts, rows, away


def there(seat, at, shifts, rows, away):
    """Who sits there, worked out once more in the plainest way: last row wins, the absent are not there."""
    sitting = set()
    for shift in shifts:
        if shift.seat == seat and shift.starts_at <= at < shift.ends_at:
            person = shift.person_id
            for row in rows:
                covers = row.from_at <= at and (row.until_at is None or at < row.until_at)
                if row.instead_of_shift_id == shift.id and covers:
                    person = row.person_id
            sitting.add(person)
    for row in rows:
        covers = row.from_at <= at and (row.until_at is None or at < row.until_at)
        if row.instead_of_shift_id is None and row.seat == seat and covers:
            sitting.add(row.person_id)
    return {one for one in sitting if one is not None and not any(a <= at < b for a, b in away.get(one, ()))}


@settings(max_examples=150)
@given(rosters())
def test_a_hole_is_found_wherever_too_few_are_there_and_nowhere_else(roster):
    patterns, shifts, rows, away = roster
    slots = slots_of(patterns, Calendar(), 1, date(2026, 11, 21), date(2026, 12, 2), ZONE)
    holes = holes_in(slots, shifts, with_absences(shifts, rows, away))
    at = START
    while at < horizon(NOW, PLAN, ZONE):
        for seat in SEATS:
            asked = [slot for slot in slots if slot.seat == seat and slot.starts_at <= at < slot.ends_at]
            present = len(there(seat, at, shifts, rows, away))
            missing = any(present < slot.count for slot in asked)
            covered = any(hole.seat == seat and hole.from_at <= at < hole.until_at for hole in holes)
            # Two patterns of one seat that begin together are one hole, which may reach over the shorter one's end.
            assert covered or not missing, (seat, at)
            assert missing or not covered or len({slot.starts_at for slot in asked}) < len(asked) or not asked
        at += HOUR
    assert len({hole.subject for hole in holes}) == len(holes)


def slot_day(day, **more):
    pattern = Pattern(unit_id=1, seat="leader", day_class="workday", starts=time(8, 30), minutes=1440, **more)
    return slots_of([pattern], Calendar(), 1, day, day + DAY, ZONE)


def planned(number, person, begins, ends, **more):
    return PlannedShift(number, 1, "leader", person, begins, ends, "on_call", **more)


def test_a_leave_in_the_middle_of_a_shift_leaves_exactly_its_hours_open():
    slots = slot_day(date(2026, 11, 24))
    shift = planned(1, 7, START + DAY, START + 2 * DAY)
    away = {7: [(START + DAY + 3 * HOUR, START + DAY + 5 * HOUR)]}
    (hole,) = holes_in(slots, [shift], with_absences([shift], [], away))
    assert (hole.from_at, hole.until_at) == (START + DAY + 3 * HOUR, START + DAY + 5 * HOUR)


def test_whoever_stands_in_for_somebody_away_fills_the_hole_and_a_substitute_away_opens_it_again():
    slots = slot_day(date(2026, 11, 24))
    shift = planned(1, 7, START + DAY, START + 2 * DAY)
    away = {7: [(START, START + 3 * DAY)]}
    row = HolderRow(1, 1, "leader", 8, START + DAY, START + 2 * DAY, 1)
    assert holes_in(slots, [shift], with_absences([shift], [row], away)) == []
    both = away | {8: [(START + DAY, START + DAY + HOUR)]}
    (hole,) = holes_in(slots, [shift], with_absences([shift], [row], both))
    assert hole.until_at - hole.from_at == HOUR


def test_two_missing_and_then_one_are_one_hole_with_one_obligation():
    slots = slot_day(date(2026, 11, 24), count=2)
    shift = planned(1, 7, START + DAY + 5 * HOUR, START + 2 * DAY)
    (hole,) = holes_in(slots, [shift], [])
    assert (hole.from_at, hole.until_at, hole.missing) == (START + DAY, START + 2 * DAY, 2)


def test_one_look_a_day_leaves_no_instant_of_the_week_ahead_unseen():
    change = datetime(2026, 11, 24, 0, 30, tzinfo=UTC)
    last_look = horizon(change - DAY, PLAN, ZONE)
    assert last_look >= change + timedelta(days=PLAN.horizon_days)
    assert horizon(change - timedelta(seconds=1), PLAN, ZONE) == last_look
    assert horizon(change, PLAN, ZONE) == last_look + DAY


@pytest.mark.parametrize(
    ("now", "begins", "told"),
    [
        # Two in the morning, a week ahead: when offices open.
        ("2026-11-23T18:00", "2026-11-30T00:30", "2026-11-24T00:30"),
        # The same night, for the morning: at once.
        ("2026-11-23T18:00", "2026-11-24T00:30", "2026-11-23T18:00"),
        # Friday evening for Sunday morning: a day before, not on Monday.
        ("2026-11-27T12:00", "2026-11-29T00:30", "2026-11-28T00:30"),
        # In office hours: at once.
        ("2026-11-24T02:00", "2026-11-30T00:30", "2026-11-24T02:00"),
    ],
)
def test_nobody_is_told_at_night_of_a_hole_that_can_wait(now, begins, told):
    moments = [datetime.fromisoformat(one).replace(tzinfo=UTC) for one in (now, begins, told)]
    assert told_from(moments[1], moments[0], Calendar(), PLAN, ZONE) == moments[2]


def test_who_sits_on_post_without_a_confirmed_number_is_found_also_where_the_day_came_to_ask_for_it():
    slots = slot_day(date(2026, 11, 24), mode="on_post")
    shifts = [planned(1, 7, START + DAY, START + 2 * DAY)]
    (lost,) = unreached(slots, shifts, [], {8}, NOW, NOW + 2 * DAY)
    assert (lost.person_id, lost.since) == (7, START + DAY)
    assert unreached(slots, shifts, [], {7}, NOW, NOW + 2 * DAY) == []
    reachable = [replace(slot, mode="on_call") for slot in slots]
    assert unreached(reachable, shifts, [], set(), NOW, NOW + 2 * DAY) == []


def test_units_file_three_days_before_the_month_and_the_desk_publishes_on_the_twenty_fifth():
    december = date(2026, 12, 1)
    unit = filing_due(december, PLAN, ZONE, is_desk=False).astimezone(ZONE)
    desk = filing_due(december, PLAN, ZONE, is_desk=True).astimezone(ZONE)
    assert (unit.date(), unit.time()) == (date(2026, 11, 28), time(17, 30))
    assert (desk.date(), desk.time()) == (date(2026, 11, 25), time(17, 30))
    january = filing_due(date(2027, 1, 1), PLAN, ZONE, is_desk=True).astimezone(ZONE)
    assert january.date() == date(2026, 12, 25)

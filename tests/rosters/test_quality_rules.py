"""The quality report of a month: every hole, double and uneven turn is found and counted, each where it is mended."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from dutydesk.calendars.rules import Calendar, Day
from dutydesk.rosters.rules import HolderRow, PlannedShift
from dutydesk.rosters.rules.eligibility import Candidate, Turn
from dutydesk.rosters.rules.quality import CODES, QualityFacts, quality_of
from dutydesk.rosters.rules.slots import Pattern, slots_of
from dutydesk.rulebook.types import EligibilityPlan

ZONE = ZoneInfo("Asia/Shanghai")
MONTH, END = date(2026, 12, 1), date(2027, 1, 1)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
BEFORE = datetime(2026, 11, 20, tzinfo=UTC)
CALENDAR = Calendar(table={MONTH + n * DAY: Day("workday") for n in range(31)})


def begins(day):
    return datetime.combine(day, time(8, 30), ZONE).astimezone(UTC)


def patterns(seat, count=1):
    return [
        Pattern(unit_id=1, seat=seat, day_class=kind, starts=time(8, 30), minutes=1440, count=count)
        for kind in ("workday", "rest", "holiday", "makeup", "sensitive")
    ]


SLOTS = slots_of(
    [*patterns("leader"), *patterns("operator_primary"), *patterns("operator_secondary")],
    CALENDAR,
    1,
    MONTH,
    END,
    ZONE,
)
# Three for each seat, in turn: nobody twice within two days.
GROUPS = {"leader": (1, 2, 3), "operator_primary": (4, 5, 6), "operator_secondary": (7, 8, 9)}


def turns():
    """A whole month without a fault: (shift, person)."""
    found = []
    for seat, group in GROUPS.items():
        for offset in range(31):
            starts = begins(MONTH + offset * DAY)
            person = group[offset % len(group)]
            found.append(PlannedShift(len(found) + 1, 1, seat, person, starts, starts + DAY, "on_call"))
    return found


def person(number, shifts, holders=(), **more):
    given = {row.instead_of_shift_id: row for row in holders if row.instead_of_shift_id is not None}
    own = [
        Turn(one.starts_at, one.ends_at, 1, one.seat, one.id)
        for one in shifts
        if one.person_id == number and one.id not in given
    ]
    own += [
        Turn(row.from_at, row.until_at, 1, row.seat, row.instead_of_shift_id)
        for row in given.values()
        if row.person_id == number
    ]
    known = Candidate(
        person_id=number,
        name=f"第{number}人",
        unit_id=1,
        rank="bureau_deputy" if number <= 3 else "staff",
        employment="staff",
        joined_on=None,
        trained_on=None,
        retired_at=None,
        confirmed=True,
        turns=tuple(own),
    )
    return replace(known, **more)


def facts(shifts, holders=(), changed=(), **more):
    ids = {one.person_id for one in shifts} | {row.person_id for row in holders if row.person_id}
    people = {number: person(number, shifts, holders) for number in ids}
    people |= {one.person_id: one for one in changed}
    given = {
        "unit_id": 1,
        "is_desk": True,
        "month": MONTH,
        "zone": ZONE,
        "slots": SLOTS,
        "shifts": shifts,
        "holders": holders,
        "people": people,
        "reachable": frozenset(people),
        "confirmed": frozenset(people),
        "day_classes": {MONTH + n * DAY: "workday" for n in range(31)},
        "plan": EligibilityPlan(),
        "now": BEFORE,
    }
    return QualityFacts(**(given | more))


def counts(report):
    return {one.code: one.count for one in report.findings if one.count}


def test_a_month_without_a_fault_may_be_published():
    report = quality_of(facts(turns()))
    assert counts(report) == {}
    assert report.fit
    assert [one.percent for one in report.coverage] == [100.0, 100.0, 100.0]
    assert [one.spread for one in report.fairness] == [1, 1, 1]
    assert {one.code for one in report.findings} == set(CODES)
    assert report.people == 9


def test_a_slot_that_nobody_has_is_a_hole_of_so_many_slots_and_lowers_the_coverage_of_its_seat():
    shifts = [one for one in turns() if one.id != 5]
    report = quality_of(facts(shifts))
    gap = report.finding("GAP")
    assert (gap.count, gap.of) == (1, 93)
    assert gap.spots[0].from_at == begins(MONTH + 4 * DAY)
    assert gap.spots[0].seat == "leader"
    assert report.must == 1
    assert not report.fit
    assert report.coverage[0].percent == pytest.approx(96.7, abs=0.1)
    assert (report.coverage[0].filled, report.coverage[0].slots) == (30, 31)
    assert report.coverage[1].percent == 100.0


def test_one_missing_second_is_neither_full_coverage_nor_no_hole():
    first, *rest = turns()
    report = quality_of(facts([replace(first, starts_at=first.starts_at + timedelta(seconds=1)), *rest]))
    assert report.coverage[0].percent < 100
    assert report.finding("GAP").count == 1


def test_a_hole_that_is_past_is_shown_and_no_longer_to_be_mended():
    report = quality_of(facts([one for one in turns() if one.id != 1], now=begins(MONTH + 3 * DAY)))
    assert report.finding("GAP").count == report.finding("GAP").over == 1
    assert report.must == 0


def test_a_leave_that_struck_a_shift_leaves_a_hole_and_a_substitute_fills_it():
    first = turns()[0]
    struck = HolderRow(1, 1, "leader", None, first.starts_at, first.ends_at, first.id)
    filled = HolderRow(2, 1, "leader", 10, first.starts_at, first.ends_at, first.id)
    assert counts(quality_of(facts(turns(), [struck]))) == {"GAP": 1}
    stands_in = person(10, turns(), [filled], rank="bureau_deputy")
    assert "GAP" not in counts(quality_of(facts(turns(), [struck, filled], [stands_in])))


def test_somebody_on_leave_who_is_still_planned_is_named_with_the_shift():
    leave = (begins(MONTH + 9 * DAY), begins(MONTH + 10 * DAY))
    away = person(1, turns(), away=(leave,))
    found = quality_of(facts(turns(), changed=[away])).finding("AWAY")
    assert found.count == 1
    assert (found.spots[0].person_id, found.spots[0].shift_id) == (1, 10)
    assert found.must


def test_one_person_on_two_seats_at_once_is_found_on_both():
    shifts = [replace(one, person_id=4) if one.id == 63 else one for one in turns()]
    report = quality_of(facts(shifts))
    assert report.finding("DOUBLE").count == 2
    assert {one.seat for one in report.finding("DOUBLE").spots} == {"operator_primary", "operator_secondary"}


def test_a_turn_in_another_unit_at_the_same_time_is_a_double_too():
    elsewhere = Turn(begins(MONTH) + HOUR, begins(MONTH) + 2 * HOUR, 2, "leader", 999)
    known = person(1, turns())
    report = quality_of(facts(turns(), changed=[replace(known, turns=(*known.turns, elsewhere))]))
    assert report.finding("DOUBLE").count == 1


def test_more_persons_than_the_slot_asks_for_are_an_overlap_and_no_bar_to_publishing():
    extra = PlannedShift(200, 1, "leader", 10, begins(MONTH), begins(MONTH) + 6 * HOUR, "on_call")
    tenth = person(10, [extra], rank="bureau_deputy")
    report = quality_of(facts([*turns(), extra], changed=[tenth]))
    found = report.finding("OVERFULL")
    assert found.count == 1
    assert (found.spots[0].from_at, found.spots[0].until_at) == (extra.starts_at, extra.ends_at)
    assert report.fit


def test_two_turns_in_a_row_leave_too_little_rest():
    shifts = [replace(one, person_id=1) if one.id == 2 else one for one in turns()]
    report = quality_of(facts(shifts))
    assert report.finding("REST").count == 2
    assert not report.finding("REST").must


def test_whoever_is_new_and_untrained_counts_once_a_turn_and_only_without_company():
    new = person(4, turns(), joined_on=date(2026, 11, 15))
    assert quality_of(facts(turns(), changed=[new])).finding("ALONE").count == 0
    alone = [one for one in turns() if one.seat != "operator_secondary"]
    new = person(4, alone, joined_on=date(2026, 11, 15))
    assert quality_of(facts(alone, changed=[new])).finding("ALONE").count == 11


def test_a_written_reason_settles_a_missing_rank_and_never_a_double():
    shifts = [replace(one, person_id=5) if one.id == 2 else one for one in turns()]
    bare = quality_of(facts(shifts))
    assert bare.finding("RANK").count == bare.finding("RANK").left == 1
    reasoned = quality_of(facts(shifts, reasoned=frozenset({2, 33, 34})))
    rank = reasoned.finding("RANK")
    assert (rank.count, rank.accepted, rank.left) == (1, 1, 0)
    assert bare.finding("DOUBLE").left == reasoned.finding("DOUBLE").left == 2
    assert reasoned.must == bare.must - 1
    # Being in two places at once cannot be explained away; a rank below the seat's can.
    assert bare.hard == reasoned.hard == 2
    assert (bare.finding("DOUBLE").hard, rank.hard) == (True, False)


def test_people_without_a_number_and_without_a_confirmed_one_are_counted_of_all_who_serve():
    everybody = frozenset(range(1, 10))
    report = quality_of(facts(turns(), reachable=everybody - {2}, confirmed=everybody - {2, 5}))
    silent, unsure = report.finding("UNREACHABLE"), report.finding("UNCONFIRMED")
    assert (silent.count, silent.of, silent.spots[0].person_id) == (1, 9, 2)
    assert {one.person_id for one in unsure.spots} == {2, 5}
    assert silent.must
    assert not unsure.must


def test_uneven_turns_name_the_most_loaded_one():
    shifts = [replace(one, person_id=1) if one.id in (5, 11, 17) else one for one in turns()]
    report = quality_of(facts(shifts))
    leaders = report.fairness[0]
    assert leaders.loads[0].person_id == 1
    assert leaders.spread == leaders.loads[0].shifts - leaders.loads[-1].shifts > 1
    assert report.finding("UNEVEN").spots[0].person_id == 1


def test_turns_on_days_off_are_weighed_apart():
    classes = {MONTH + n * DAY: "rest" if n % 3 == 0 else "workday" for n in range(31)}
    report = quality_of(facts(turns(), day_classes=classes))
    assert report.fairness[0].spread == 1
    assert report.fairness[0].off_spread == 11
    assert report.finding("UNEVEN").count == 3


def test_shifts_of_the_next_month_cover_the_last_morning_and_count_for_nobody():
    late = PlannedShift(500, 1, "leader", 1, begins(END), begins(END) + DAY, "on_call")
    report = quality_of(facts([*turns(), late]))
    assert sum(one.shifts for one in report.fairness[0].loads) == 31


def test_a_seat_that_asks_for_two_counts_each_person():
    slots = slots_of(patterns("standby", 2), CALENDAR, 1, MONTH, MONTH + DAY, ZONE)
    shifts = [PlannedShift(1, 1, "standby", 4, begins(MONTH), begins(MONTH) + DAY, "on_call")]
    report = quality_of(facts(shifts, slots=slots))
    assert report.coverage[0].percent == 50.0
    assert report.finding("GAP").spots[0].missing == 1


def test_an_empty_month_is_all_holes_and_never_fails():
    report = quality_of(facts([]))
    assert report.finding("GAP").count == 93
    assert report.fairness == ()
    assert [one.percent for one in report.coverage] == [0.0, 0.0, 0.0]

"""Who really holds a seat, without a database."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from dutydesk.rosters.rules import SEATS, HolderRow, PlannedShift, by_seat, empty_seats, holders, shift_fault

MORNING = datetime(2026, 11, 23, 0, 30, tzinfo=UTC)  # 08:30 in Tianjin
HOUR = timedelta(hours=1)
PLANNED, SUBSTITUTE, OUTGOING = 1, 2, 3


def shift(**changes) -> PlannedShift:
    told = {
        "id": 10,
        "unit_id": 1,
        "seat": "leader",
        "person_id": PLANNED,
        "starts_at": MORNING,
        "ends_at": MORNING + 24 * HOUR,
        "mode": "on_post",
    }
    return PlannedShift(**(told | changes))


def row(**changes) -> HolderRow:
    told = {
        "id": 1,
        "unit_id": 1,
        "seat": "leader",
        "person_id": SUBSTITUTE,
        "from_at": MORNING + 2 * HOUR,
        "until_at": MORNING + 5 * HOUR,
        "instead_of_shift_id": 10,
    }
    return HolderRow(**(told | changes))


def persons(shifts, rows, at) -> list[int]:
    return [holding.person_id for holding in holders(shifts, rows, at)]


def test_the_incoming_shift_holds_the_seat_at_the_very_change():
    next_day = shift(id=11, person_id=4, starts_at=MORNING + 24 * HOUR, ends_at=MORNING + 48 * HOUR)
    both = [shift(), next_day]
    assert persons(both, [], MORNING - timedelta(microseconds=1)) == []
    assert persons(both, [], MORNING) == [PLANNED]
    assert persons(both, [], MORNING + 24 * HOUR - timedelta(microseconds=1)) == [PLANNED]
    assert persons(both, [], MORNING + 24 * HOUR) == [4]


def test_a_substitute_replaces_the_person_planned_only_while_in_force():
    assert persons([shift()], [row()], MORNING + HOUR) == [PLANNED]
    assert persons([shift()], [row()], MORNING + 2 * HOUR) == [SUBSTITUTE]
    assert persons([shift()], [row()], MORNING + 5 * HOUR) == [PLANNED]


def test_a_substitute_has_the_shifts_mode_and_is_not_planned():
    (found,) = holders([shift()], [row()], MORNING + 3 * HOUR)
    assert (found.mode, found.planned) == ("on_post", False)
    assert (found.since, found.until) == (MORNING + 2 * HOUR, MORNING + 5 * HOUR)


def test_a_substitute_without_an_end_leaves_with_the_shift():
    open_ended = row(until_at=None)
    (found,) = holders([shift()], [open_ended], MORNING + 3 * HOUR)
    assert found.until == MORNING + 24 * HOUR
    assert persons([shift()], [open_ended], MORNING + 24 * HOUR) == []


def test_a_substitute_named_beforehand_comes_with_the_shift():
    early = row(from_at=MORNING - 5 * HOUR, until_at=None)
    (found,) = holders([shift()], [early], MORNING)
    assert found.since == MORNING


def test_of_two_substitutes_the_one_entered_last_counts():
    assert persons([shift()], [row(id=2, person_id=7), row(id=1)], MORNING + 3 * HOUR) == [7]


def test_a_substitute_for_another_shift_changes_nothing():
    assert persons([shift()], [row(instead_of_shift_id=99)], MORNING + 3 * HOUR) == [PLANNED]


def test_the_outgoing_operator_is_there_as_well_until_the_handover_is_signed():
    staying = row(person_id=OUTGOING, from_at=MORNING, until_at=None, instead_of_shift_id=None)
    found = holders([shift()], [staying], MORNING + HOUR)
    assert [(one.person_id, one.planned) for one in found] == [(PLANNED, True), (OUTGOING, False)]
    assert found[1].until is None
    signed = row(person_id=OUTGOING, from_at=MORNING, until_at=MORNING + HOUR, instead_of_shift_id=None)
    assert persons([shift()], [signed], MORNING + HOUR) == [PLANNED]


def test_somebody_without_a_shift_is_never_thought_to_be_on_post():
    staying = row(person_id=OUTGOING, from_at=MORNING, until_at=None, instead_of_shift_id=None)
    assert holders([], [staying], MORNING)[0].mode == "on_call"
    assert holders([shift()], [staying], MORNING)[1].mode == "on_post"
    assert holders([shift(seat="standby")], [staying], MORNING)[1].mode == "on_call"


def test_a_person_is_named_once_per_seat():
    twice = row(person_id=PLANNED, from_at=MORNING, until_at=None, instead_of_shift_id=None)
    assert persons([shift()], [twice], MORNING) == [PLANNED]
    assert persons([shift()], [row(person_id=PLANNED, instead_of_shift_id=None, seat="standby", until_at=None)],
                   MORNING + 3 * HOUR) == [PLANNED, PLANNED]  # fmt: skip


def test_only_a_leader_and_a_primary_operator_are_missed():
    assert empty_seats([]) == ["leader", "operator_primary"]
    assert empty_seats(holders([shift()], [], MORNING)) == ["operator_primary"]
    assert empty_seats(holders([shift(seat="standby")], [], MORNING)) == ["leader", "operator_primary"]


def test_leaders_come_first():
    found = holders([shift(id=index, seat=seat) for index, seat in enumerate(reversed(SEATS))], [], MORNING)
    assert [holding.seat for holding in by_seat(found)] == list(SEATS)


def test_a_shift_has_a_length_of_at_most_seven_days():
    assert shift_fault(MORNING, MORNING) is not None
    assert shift_fault(MORNING, MORNING - HOUR) is not None
    assert shift_fault(MORNING, MORNING + timedelta(days=7, seconds=1)) is not None
    assert shift_fault(MORNING, MORNING + timedelta(days=7)) is None


hours = st.integers(0, 100).map(lambda number: MORNING + number * HOUR)
lengths = st.integers(1, 24).map(lambda number: number * HOUR)


@st.composite
def rosters(draw):
    shifts = []
    for index in range(draw(st.integers(0, 5))):
        starts = draw(hours)
        ends = starts + draw(lengths)
        shifts.append(shift(id=index, person_id=draw(st.integers(1, 9)), starts_at=starts, ends_at=ends))
    rows = []
    for index in range(draw(st.integers(0, 5))):
        begins = draw(hours)
        rows.append(
            row(
                id=index,
                person_id=draw(st.integers(1, 9)),
                from_at=begins,
                until_at=draw(st.none() | lengths.map(lambda length, begins=begins: begins + length)),
                instead_of_shift_id=draw(st.none() | st.integers(0, 5)),
            )
        )
    return shifts, rows


@given(rosters(), hours)
def test_a_seat_with_a_running_shift_is_never_empty_and_nobody_holds_it_outside_his_time(roster, at):
    shifts, rows = roster
    found = holders(shifts, rows, at)
    if any(one.starts_at <= at < one.ends_at for one in shifts):
        assert found
    for holding in found:
        assert holding.since <= at
        assert holding.until is None or at < holding.until
    assert len({holding.person_id for holding in found}) == len(found)


@given(rosters(), hours)
def test_the_answer_does_not_depend_on_the_order_of_the_rows(roster, at):
    shifts, rows = roster
    assert holders(shifts, rows, at) == holders(shifts[::-1], rows[::-1], at)

"""Circles of units, what is wrong with somebody's numbers, and the order of numbers."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dutydesk.people.rules import CONFIRMED_FOR, ContactPoint, makes_circle, moved, troubles

NOW = datetime(2026, 11, 23, 6, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def point(identity=1, kind="mobile", *, disabled=None, confirmed=None):
    return ContactPoint(identity, 1, kind, "+8613800000001", 0, disabled, confirmed)


@pytest.mark.parametrize(
    ("unit", "above", "circle"),
    [(1, 1, True), (1, 2, True), (1, 3, True), (3, 1, False), (2, 4, False), (1, None, False)],
)
def test_a_unit_cannot_stand_above_itself_however_far_up(unit, above, circle):
    parents = {1: None, 2: 1, 3: 2, 4: None}
    assert makes_circle(parents, unit, above) is circle


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=40))
def test_whatever_is_changed_one_by_one_never_goes_round(changes):
    parents = dict.fromkeys(range(10))
    for unit, above in changes:
        if not makes_circle(parents, unit, above):
            parents[unit] = above
    for unit in parents:
        steps, at = 0, unit
        while at is not None:
            at, steps = parents[at], steps + 1
            assert steps <= 10


def test_a_confirmation_holds_a_quarter_to_the_second():
    fresh = point(confirmed=NOW - CONFIRMED_FOR)
    assert troubles([fresh], NOW) == []
    assert troubles([fresh], NOW + SECOND) == ["UNCONFIRMED"]


def test_an_email_and_a_disabled_number_reach_nobody():
    assert troubles([point(kind="email", confirmed=NOW)], NOW) == ["NO_NUMBER"]
    assert troubles([point(disabled="停机", confirmed=NOW)], NOW) == ["NO_NUMBER", "DISABLED"]
    assert troubles([], NOW) == ["NO_NUMBER"]


def test_one_confirmed_number_among_several_is_enough():
    assert troubles([point(1), point(2, confirmed=NOW)], NOW) == []


@given(st.lists(st.integers(), unique=True, min_size=1, max_size=8), st.data())
def test_moving_a_number_keeps_all_of_them_and_the_order_of_the_others(ids, data):
    wanted, place = data.draw(st.sampled_from(ids)), data.draw(st.integers(-2, 10))
    found = moved(ids, wanted, place)
    assert [one for one in found if one != wanted] == [one for one in ids if one != wanted]
    assert found.index(wanted) == max(0, min(place, len(ids) - 1))

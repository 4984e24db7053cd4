"""What can be true about an incident's times, and how incidents are numbered."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dutydesk.incidents.rules import (
    incident_number,
    is_late_entry,
    report_faults,
    series_name,
    time_faults,
)

NOW = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def faults(**times) -> list[str]:
    known = {
        "occurred_at": NOW - 30 * MINUTE,
        "kind": "exact",
        "learned_at": NOW - 20 * MINUTE,
        "received_at": NOW - 10 * MINUTE,
        "now": NOW,
    } | times
    return [field for field, _ in time_faults(**known)]


def test_times_in_their_order_are_believed():
    assert faults() == []
    assert faults(occurred_at=NOW, learned_at=NOW, received_at=NOW) == []
    assert faults(learned_at=None) == []


@pytest.mark.parametrize(
    ("times", "wrong"),
    [
        ({"occurred_at": NOW + MINUTE}, ["occurred_at", "received_at", "learned_at"]),
        ({"received_at": NOW + MINUTE}, ["received_at"]),
        ({"learned_at": NOW + MINUTE}, ["learned_at", "received_at"]),
        ({"occurred_at": None}, ["occurred_at"]),
        ({"occurred_at": None, "kind": "estimated"}, ["occurred_at"]),
        ({"kind": "unknown"}, ["occurred_at"]),
        ({"received_at": NOW - 40 * MINUTE, "learned_at": None}, ["received_at"]),
        ({"learned_at": NOW - 40 * MINUTE}, ["learned_at"]),
        ({"learned_at": NOW - 5 * MINUTE}, ["received_at"]),
    ],
)
def test_what_cannot_be_true_is_named_field_by_field(times, wrong):
    assert faults(**times) == wrong


def test_an_unknown_occurrence_has_no_time():
    assert faults(occurred_at=None, kind="unknown") == []


@pytest.mark.parametrize(
    ("minutes", "exactly", "wrong"),
    [
        (1, True, True),
        (1, False, True),
        (0, True, False),
        (-30, True, False),
        (-31, True, True),
        (-31, False, False),
    ],
)
def test_a_report_is_neither_of_the_future_nor_of_before_what_surely_happened(minutes, exactly, wrong):
    found = report_faults(
        reported_at=NOW + minutes * MINUTE,
        occurred_at=NOW - 30 * MINUTE,
        occurred_exactly=exactly,
        now=NOW,
    )
    assert bool(found) is wrong


@pytest.mark.parametrize(("minutes", "late"), [(0, False), (10, False), (10.02, True)])
def test_an_entry_more_than_ten_minutes_after_the_call_is_a_late_entry(minutes, late):
    assert is_late_entry(NOW - minutes * MINUTE, NOW, 10 * MINUTE) is late


def test_numbers_tell_year_and_place_and_drills_have_their_own():
    assert incident_number(2026, 7, drill=False) == "2026-0007"
    assert incident_number(2026, 12345, drill=False) == "2026-12345"
    assert incident_number(2026, 7, drill=True) == "演练-2026-7"


@given(st.tuples(st.integers(2000, 2100), st.booleans()), st.tuples(st.integers(2000, 2100), st.booleans()))
def test_no_two_series_share_a_counter(one, other):
    assert (series_name(one[0], drill=one[1]) == series_name(other[0], drill=other[1])) is (one == other)

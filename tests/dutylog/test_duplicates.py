"""Whether two incidents may be one event told twice."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dutydesk.dutylog.rules.duplicates import NEAR, Event, likely_duplicates, likeness, overlap

AT = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)
FIRE = Event("2026-0001", 1, "后厨配电室起火", "二号楼地下一层", "accident", AT)
TOLD_AGAIN = Event("", 1, "食堂后厨着火，配电室冒烟", "2号楼", "accident", AT + timedelta(minutes=4))

events = st.builds(
    Event,
    st.sampled_from(["a", "b", "c", "d"]),
    st.sampled_from([None, 1, 2]),
    st.text("起火后厨电梯困人配电室停", max_size=8),
    st.text("一二12号楼地下", max_size=6),
    st.sampled_from(["accident", "public_health"]),
    st.integers(0, 1000).map(lambda minutes: AT + timedelta(minutes=minutes)),
)


def found(new, *known):
    return [one.number for one in likely_duplicates(new, known)]


def test_one_event_told_twice_is_found_with_its_reasons():
    (one,) = likely_duplicates(TOLD_AGAIN, [FIRE])
    assert one.number == "2026-0001"
    assert {"SAME_UNIT", "SAME_PLACE", "CLOSE_IN_TIME"} <= set(one.reasons)


def test_neighbours_who_report_the_same_fire_are_found_by_place_and_time():
    assert found(replace(TOLD_AGAIN, unit_id=2), FIRE) == ["2026-0001"]


def test_a_unit_may_have_two_events_in_a_day():
    other = Event("", 1, "电梯困人三名", "五号楼", "accident", AT + timedelta(hours=2))
    assert found(other, FIRE) == []


def test_time_alone_and_category_alone_say_nothing():
    other = Event("", 2, "电梯困人三名", "五号楼", "accident", AT)
    assert found(other, FIRE) == []


def test_what_lies_hours_apart_is_another_event():
    again = replace(FIRE, number="")
    assert found(replace(again, at=AT + NEAR), FIRE) == ["2026-0001"]
    assert found(replace(again, at=AT + NEAR + timedelta(seconds=1)), FIRE) == []


def test_the_likeliest_comes_first_and_no_more_than_three():
    worse = [
        replace(FIRE, number=f"2026-000{count}", title="停电", place="", category="x")
        for count in range(2, 6)
    ]
    assert found(TOLD_AGAIN, *worse, FIRE)[0] == "2026-0001"
    assert len(found(TOLD_AGAIN, *worse, FIRE)) == 3


@pytest.mark.parametrize(
    ("one", "other"), [("二号楼", "2号楼地下配电室"), ("二号楼", "２号楼"), ("A座 大厅", "a座大厅")]
)
def test_a_place_is_the_same_however_it_is_written(one, other):
    assert overlap(one, other) == 1


def test_nothing_typed_is_like_nothing():
    assert likeness("", "") == overlap("", "二号楼") == 0


@given(events, events)
def test_it_is_the_same_from_both_sides(one, other):
    forth = likely_duplicates(replace(one, number="x"), [replace(other, number="y")])
    back = likely_duplicates(replace(other, number="y"), [replace(one, number="x")])
    assert [found.reasons for found in forth] == [found.reasons for found in back]


@given(events, st.lists(events, max_size=8))
def test_every_candidate_is_known_near_and_has_a_reason(new, known):
    numbers = {one.number: one for one in known}
    for one in likely_duplicates(new, known):
        assert one.number in numbers
        assert one.number != new.number
        assert one.reasons


@given(events)
def test_the_same_words_about_the_same_time_are_always_asked_about(event):
    if len(event.title) > 1:
        twin = replace(event, number="twin", at=event.at + timedelta(minutes=1))
        assert found(twin, replace(event, number="first")) == ["first"]

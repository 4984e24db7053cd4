"""A clock changes its look at the ladder's own points."""

from datetime import UTC, datetime, timedelta

import pytest

from dutydesk.desk.drawing import filled
from dutydesk.desk.points import points

DUE = datetime(2026, 11, 23, 6, 20, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
LADDER = points(DUE, [DUE - 5 * MINUTE, DUE, DUE + 3 * MINUTE, DUE + 8 * MINUTE])
SECOND = timedelta(seconds=1)


@pytest.mark.parametrize(
    ("now", "state"),
    [
        (DUE - 5 * MINUTE - SECOND, "left"),
        (DUE - 5 * MINUTE, "near"),
        (DUE, "near"),  # on time is on time to the last second
        (DUE + SECOND, "over"),
        (DUE + 3 * MINUTE, "raised"),
    ],
)
def test_its_state_follows_the_rungs(now, state):
    assert LADDER.state(now) == state


def test_without_rungs_it_is_near_five_minutes_before_and_never_raised():
    bare = points(DUE, [])
    assert (bare.near, bare.state(DUE + 60 * MINUTE)) == (DUE - 5 * MINUTE, "over")


def test_a_cached_page_says_the_time_left_when_it_is_sent():
    kept = f"<b>{LADDER.mark('state')}</b>{LADDER.mark('label')} {LADDER.mark('text')}"
    assert filled(kept, DUE - 10 * MINUTE) == "<b>left</b>剩余 10分00秒"
    assert filled(kept, DUE + 4 * MINUTE) == "<b>raised</b>已超 4分00秒"


def test_a_mark_that_somebody_typed_breaks_nothing():
    assert "年" not in filled("\ue00099999999999999999999,1,,text\ue001", DUE)

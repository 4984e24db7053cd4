"""Whom to ring next, by whom, and what an answer means: without a database."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dutydesk.alerts.rules import (
    BACKOFF,
    ENDED_RANK,
    FAILURE_CLASSES,
    OUR_SIDE,
    STATE_RANK,
    Dial,
    GiveUp,
    Later,
    Number,
    Try,
    free_from,
    longest_window,
    moves_forward,
    next_try,
)
from dutydesk.rulebook.types import Cap, Pace

NOW = datetime(2026, 11, 23, 6, tzinfo=UTC)
PACE = Pace(redial_after=timedelta(minutes=2))
CAPS = (
    Cap("voice", 3, timedelta(minutes=8)),
    Cap("voice", 8, timedelta(hours=24)),
    Cap("sms", 50, timedelta(hours=24)),
)
A, B = Number("+86131", 1), Number("+86132", 2)
RING = timedelta(seconds=30)


def tried(number, provider="one", outcome="no_key", ago=0.0):
    """An attempt that ended *ago* seconds before now."""
    end = NOW - timedelta(seconds=ago)
    return Try(number.address, provider, outcome, end - RING, end)


def decide(
    tries=(), *, channel="voice", numbers=(A, B), providers=("one",), since=None, recent=None, now=NOW
):
    round_from = since if since is not None else (tries[0].started_at if tries else None)
    return next_try(channel, numbers, providers, list(tries), round_from, recent or {}, CAPS, PACE, now)


# ── whose turn ───────────────────────────────────────────────────────────────────────────────


def test_the_first_number_is_rung_first():
    assert decide() == Dial(A, "one")


def test_a_number_without_a_key_is_followed_at_once_by_the_next_number():
    assert decide([tried(A)]) == Dial(B, "one")


def test_after_every_number_the_next_provider_goes_through_them_again_and_the_next_person_has_a_turn():
    assert decide([tried(A), tried(B)], providers=("one", "two")) == Dial(A, "two", "NO_KEY_PRESSED")


def test_a_provider_that_failed_is_left_for_the_rest_of_the_round():
    for outcome in OUR_SIDE:
        assert decide([tried(A, outcome=outcome)], providers=("one", "two")) == Dial(A, "two")


def test_after_the_round_the_person_is_rung_again_at_their_own_pace():
    tries = [tried(A, ago=40), tried(B)]
    assert decide(tries) == Later(NOW + PACE.redial_after, "NO_KEY_PRESSED")
    later = NOW + PACE.redial_after
    assert decide(tries, now=later) == Dial(A, "one", "NO_KEY_PRESSED", new_round=True)


def test_a_new_round_forgets_the_tries_of_the_old_one():
    tries = [tried(A, ago=200), tried(B, ago=160)]
    assert decide([*tries, tried(A)], since=NOW - timedelta(seconds=60)) == Dial(B, "one", "NO_KEY_PRESSED")


def test_the_next_person_comes_only_when_every_number_was_rung_once():
    assert decide([tried(A)]).exhausted is None
    assert decide([tried(A), tried(B)]).exhausted == "NO_KEY_PRESSED"


def test_where_only_a_provider_failed_nobody_is_said_not_to_have_answered():
    failed = tried(A, outcome="provider_fault")
    assert decide([failed], numbers=(A,)).exhausted is None
    assert decide([failed, failed], numbers=(A,)).exhausted == "PROVIDER_FAILED"
    mixed = [tried(A, outcome="provider_fault", ago=9), tried(A)]
    assert decide(mixed, numbers=(A,)).exhausted == "NO_KEY_PRESSED"


def test_a_failing_provider_is_asked_again_soon_and_then_less_often():
    tries = []
    for expected in (*BACKOFF, BACKOFF[-1]):
        tries.append(tried(A, outcome="provider_fault"))
        assert decide(tries, numbers=(A,)).at == NOW + timedelta(seconds=expected)


def test_a_person_who_did_not_answer_is_not_rung_faster_because_a_provider_failed_before():
    tries = [tried(A, outcome="provider_fault", ago=60), tried(A)]
    assert decide(tries, numbers=(A,)).at == NOW + PACE.redial_after


def test_a_bad_number_is_never_tried_again():
    assert decide([tried(A, outcome="contact_fault")]) == Dial(B, "one")
    both = [tried(A, outcome="contact_fault"), tried(B, outcome="contact_fault")]
    assert decide(both) == GiveUp("NO_USABLE_NUMBER")


def test_without_a_number_or_a_provider_the_channel_is_given_up():
    assert decide(numbers=()) == GiveUp("NO_USABLE_NUMBER")
    assert decide(providers=()) == GiveUp("PROVIDER_FAILED")


def test_a_call_is_never_given_up_for_want_of_an_answer():
    tries = [tried(A, ago=1000 * number) for number in range(200, 0, -1)]
    assert isinstance(decide(tries, numbers=(A,)), Dial)


def test_an_sms_is_tried_for_three_rounds():
    lost = [tried(A, outcome="undelivered", ago=400) for _ in range(2)]
    assert isinstance(decide(lost, channel="sms", numbers=(A,)), Dial)
    assert decide([*lost, lost[0]], channel="sms", numbers=(A,)) == GiveUp("CHANNEL_FAILED")


def test_a_second_unknown_outcome_of_an_sms_gives_the_channel_up():
    unknown = tried(A, outcome="unknown", ago=100)
    assert isinstance(decide([unknown], channel="sms"), Dial)
    assert decide([unknown, unknown], channel="sms") == GiveUp("CHANNEL_FAILED")


# ── budgets ──────────────────────────────────────────────────────────────────────────────────


def seconds_ago(*seconds):
    return [NOW - timedelta(seconds=one) for one in seconds]


def test_a_number_is_rung_three_times_in_eight_minutes_whoever_asked_for_it():
    recent = {A.address: seconds_ago(400, 300, 200)}
    assert decide(numbers=(A,), recent=recent) == Later(NOW + timedelta(seconds=80), "QUOTA_SPENT")
    assert decide(numbers=(A,), recent={A.address: seconds_ago(480, 300, 200)}) == Dial(A, "one")


def test_a_number_is_rung_eight_times_a_day():
    recent = {A.address: seconds_ago(*(3600 * hour for hour in range(1, 9)))}
    assert decide(numbers=(A,), recent=recent).at == NOW + timedelta(hours=16)


def test_a_spent_number_is_passed_over_for_one_that_is_free():
    assert decide(recent={A.address: seconds_ago(400, 300, 200)}) == Dial(B, "one")


def test_the_budget_of_another_channel_is_another_budget():
    recent = {A.address: seconds_ago(400, 300, 200)}
    assert decide(channel="sms", numbers=(A,), recent=recent) == Dial(A, "one")


def test_a_number_is_free_when_its_fullest_window_has_room():
    assert free_from("voice", [], CAPS, NOW) == NOW
    spent = seconds_ago(470, 460, 450, 440)
    assert free_from("voice", spent, CAPS, NOW) == NOW + timedelta(seconds=20)


def test_the_longest_window_says_how_far_back_to_look():
    assert longest_window(CAPS) == timedelta(hours=24)
    assert longest_window(()) == timedelta(0)


caps = st.lists(
    st.builds(
        Cap,
        st.sampled_from(["voice", "sms"]),
        st.integers(1, 9),
        st.integers(1, 90_000).map(lambda s: timedelta(seconds=s)),
    ),
    max_size=4,
)
moments = st.lists(st.integers(0, 100_000).map(lambda s: NOW - timedelta(seconds=s)), max_size=20)


@given(moments, caps)
def test_whenever_a_number_is_said_to_be_free_no_cap_is_exceeded(recent, plans):
    at = free_from("voice", recent, plans, NOW)
    assert at >= NOW
    for cap in plans:
        if cap.channel == "voice":
            assert sum(moment > at - cap.window for moment in recent) < cap.count


outcomes = st.sampled_from(
    ["no_key", "provider_fault", "our_fault", "unknown", "contact_fault", "undelivered"]
)
tries_of = st.lists(
    st.tuples(st.sampled_from([A, B]), st.sampled_from(["one", "two"]), outcomes, st.integers(0, 7200)),
    max_size=12,
)


@given(tries_of, st.sampled_from(["voice", "sms"]), st.integers(0, 7200), moments)
@example([(A, "one", "provider_fault", 0), (A, "two", "provider_fault", 0)], "voice", 30, [])
def test_there_is_always_a_next_thing_to_do_and_it_lies_ahead(rows, channel, since, recent):
    tries = sorted((tried(*row) for row in rows), key=lambda one: one.ended_at)
    numbers = {number.address: recent for number in (A, B)}
    choice = decide(
        tries, channel=channel, providers=("one", "two"), since=NOW - timedelta(seconds=since), recent=numbers
    )
    match choice:
        case Later(at, exhausted):
            assert at > NOW
            assert exhausted is not None
        case Dial(number, provider):
            assert number in (A, B)
            assert provider in ("one", "two")
            assert not any(one.address == number.address and one.outcome == "contact_fault" for one in tries)
        case GiveUp(reason):
            assert channel == "sms" or reason == "NO_USABLE_NUMBER"


# ── answers ──────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("kind", "codes"),
    [
        ("contact", {21211, 21214, 21217, 60203, 30005}),
        ("no_sms", {21610, 21614, 30006}),
        ("policy", {21215, 21216, 21408, 30004, 30007, 60410, 60605}),
        ("transient", {20429, 30001, 30003, 30008}),
        ("ours", {20003, 11100, 21201, 21205, 21210, 21212, 21213, 21603, 21604, 21606, 21609, 90007}),
    ],
)
def test_what_each_code_asks_of_us(kind, codes):
    assert {int(code) for code, found in FAILURE_CLASSES.items() if found == kind} == codes


states = st.sampled_from(sorted(STATE_RANK))


@given(st.lists(states, max_size=12))
def test_an_attempt_only_moves_forward_and_never_out_of_an_end(told):
    state = "claimed"
    for after in told:
        if moves_forward(state, after):
            assert STATE_RANK[after] > STATE_RANK[state]
            assert STATE_RANK[state] < ENDED_RANK
            state = after


@given(
    st.permutations(["accepted", "sent", "delivered"]),
    st.permutations(["accepted", "ringing", "answered", "completed"]),
)
def test_in_whatever_order_callbacks_come_the_last_word_is_the_same(sms, call):
    def end(told):
        state = "claimed"
        for after in [*told, *told]:
            state = after if moves_forward(state, after) else state
        return state

    assert end(sms) == "delivered"
    assert end(call) == "completed"

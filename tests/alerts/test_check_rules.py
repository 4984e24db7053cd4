"""Whether a number is right: what goes out, what a code means, when it may be asked, which numbers failed."""

from datetime import UTC, datetime, timedelta

import pytest

from dutydesk.alerts.check_rules import (
    CODE_LIFE,
    FAILED_FOR,
    Asked,
    Tried,
    channels_of,
    failed_numbers,
    free_from,
    judged,
    shows_code,
)
from dutydesk.rulebook.types import Cap

NOW = datetime(2026, 11, 23, 6, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
CAPS = (
    Cap(channel="voice", count=3, window=8 * MINUTE),
    Cap(channel="sms", count=50, window=timedelta(days=1)),
)


def asked(tries=0, *, closed=False):
    return Asked("4711", "keypad", NOW + CODE_LIFE, tries, closed)


@pytest.mark.parametrize(
    ("method", "kind", "channels", "shown"),
    [
        ("keypad", "mobile", ("sms", "voice"), False),
        ("read_back", "mobile", ("sms",), False),
        ("keypad", "landline", ("voice",), True),
        ("read_back", "landline", ("voice",), False),
        ("keypad", "email", (), False),
    ],
)
def test_the_code_goes_to_the_number_itself_and_the_office_sees_it_only_where_it_must_pass_it_on(
    method, kind, channels, shown
):
    assert channels_of(method, kind) == channels
    assert shows_code(method, kind) is shown


def test_the_right_code_confirms():
    assert judged(asked(), "4711", NOW) == ("right", "confirmed")


def test_the_third_wrong_code_ends_the_check():
    assert judged(asked(0), "0000", NOW) == ("wrong", None)
    assert judged(asked(1), "0000", NOW) == ("wrong", None)
    assert judged(asked(2), "0000", NOW) == ("wrong", "wrong")


def test_the_right_code_is_worth_nothing_after_ten_minutes_or_once_the_check_is_closed():
    last = NOW + CODE_LIFE - timedelta(seconds=1)
    assert judged(asked(), "4711", last) == ("right", "confirmed")
    assert judged(asked(), "4711", NOW + CODE_LIFE) == ("closed", "expired")
    assert judged(asked(closed=True), "4711", NOW) == ("closed", None)


def test_a_number_is_asked_once_a_minute():
    assert free_from(NOW - MINUTE / 2, {"sms": []}, CAPS, NOW) == NOW + MINUTE / 2
    assert free_from(NOW - MINUTE, {"sms": []}, CAPS, NOW) == NOW


def test_asking_leaves_two_thirds_of_every_budget_to_the_clocks():
    rung = NOW - 2 * MINUTE
    assert free_from(None, {"voice": [rung]}, CAPS, NOW) == rung + 8 * MINUTE
    texts = [NOW - (count + 1) * MINUTE for count in range(16)]
    assert free_from(None, {"sms": texts[:15]}, CAPS, NOW) == NOW
    assert free_from(None, {"sms": texts}, CAPS, NOW) == min(texts) + timedelta(days=1)


def test_what_is_not_sent_costs_nothing():
    assert free_from(None, {"sms": []}, CAPS, NOW) == NOW


def tried(outcome, ago=MINUTE, number="+8613800000001"):
    return Tried(number, "sms", outcome, NOW - ago)


def test_a_number_failed_when_its_last_telling_attempt_did():
    assert set(failed_numbers([tried("undelivered")], NOW)) == {"+8613800000001"}
    assert set(failed_numbers([tried("delivered", 2 * MINUTE), tried("contact_fault")], NOW)) == {
        "+8613800000001"
    }
    assert failed_numbers([tried("undelivered", 2 * MINUTE), tried("key")], NOW) == {}


def test_a_call_nobody_answered_says_nothing_about_the_number():
    assert failed_numbers([tried("no_key")], NOW) == {}
    assert failed_numbers([tried("undelivered", 2 * MINUTE), tried("no_key")], NOW) != {}


def test_a_failure_of_long_ago_is_forgotten():
    assert failed_numbers([tried("undelivered", FAILED_FOR)], NOW) == {}
    assert failed_numbers([tried("undelivered", FAILED_FOR - MINUTE)], NOW) != {}

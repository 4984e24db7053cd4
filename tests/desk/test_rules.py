"""Words of time, and how a call stands."""

from datetime import UTC, datetime, timedelta

import pytest

from dutydesk.alerts.model import Acknowledgement, Alert, Attempt
from dutydesk.incidents.cards import standing
from dutydesk.web.sentences import sentence
from dutydesk.web.words import countdown, span

NOW = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0秒"),
        (59.9, "59秒"),
        (60, "1分00秒"),
        (1104, "18分24秒"),
        (3600, "1时00分"),
        (86399, "23时59分"),
        (86400, "1天0时"),
        (270_000, "3天3时"),
    ],
)
def test_a_span_is_told_in_its_two_largest_units(seconds, text):
    assert span(seconds) == text


@pytest.mark.parametrize(
    ("left", "words"),
    [
        (timedelta(minutes=20), ("剩余", "20分00秒", "left")),
        (timedelta(minutes=5), ("剩余", "5分00秒", "near")),
        (timedelta(0), ("剩余", "0秒", "near")),
        (timedelta(seconds=-1), ("已超", "1秒", "over")),
        (timedelta(minutes=-3), ("已超", "3分00秒", "over")),
    ],
)
def test_a_due_time_is_met_to_the_second(left, words):
    assert countdown(NOW + left, NOW) == words


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("lies in the future", "不能晚于现在"),
        ("at: lies in the future", "不能晚于现在"),
        ("obligation 7 is fulfilled; there is nothing to take over", "这一项已经了结，不必再办"),
        ("alert 3 was cancelled: WITHDRAWN", "这条告警已取消，不必再登记"),
        ("something new", "something new"),
    ],
)
def test_refusals_are_said_in_chinese(said, shown):
    assert sentence(said) == shown


def alert(channel="voice", state="queued", **more):
    return Alert(
        unique_key="k",
        created_at=NOW,
        lane=0,
        cause="rung",
        target="unit:operator",
        recipient="person:1",
        channel=channel,
        reason="RUNG_DUE",
        wording="missed",
        state=state,
        **more,
    )


def attempt(state, *, live=False, answered=False):
    return Attempt(
        channel="voice",
        provider="p",
        to_number="+8613800000001",
        token="t",
        state=state,
        live=live,
        claimed_at=NOW,
        answered_at=NOW if answered else None,
    )


def proof(kind):
    return Acknowledgement(
        kind=kind, at=NOW, recorded_at=NOW, recorded_by="desk", alert_id=1, who="李强", how="按1"
    )


@pytest.mark.parametrize(
    ("row", "attempts", "proven", "word"),
    [
        (alert(), [], None, "待叫"),
        (alert(state="accepted"), [attempt("ringing", live=True)], None, "呼叫中"),
        (alert(state="accepted"), [attempt("answered", live=True, answered=True)], None, "接听未确认"),
        (alert(), [attempt("completed", answered=True)], None, "接听未确认"),
        (alert(), [attempt("completed")], None, "未应答"),
        (alert(exhausted_at=NOW), [attempt("completed")], None, "未应答，已升级"),
        (alert(state="failed"), [attempt("failed")], None, "叫应失败"),
        (alert(state="cancelled"), [], None, "已取消"),
        (alert(state="delivered"), [attempt("completed", answered=True)], proof("keypad"), "已应答"),
        (alert(state="cancelled"), [attempt("completed")], proof("by_hand"), "人工叫应"),
        (alert("sms", "delivered"), [], None, "已送达"),
        (alert("sms", "failed"), [], None, "发送失败"),
    ],
)
def test_only_proof_of_a_person_counts_as_answered(row, attempts, proven, word):
    assert standing(row, attempts, proven)[0] == word

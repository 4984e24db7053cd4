"""Bases, due times and judgements: to the second, without a database."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dutydesk.obligations.rules import (
    Subject,
    applies,
    choose_base,
    counts_as_suspected,
    due_time,
    is_major,
    judge,
    minutes_late,
    rules_in_force,
    rung_times,
)
from dutydesk.rulebook.types import Applies, LadderPlan, Rule, RungPlan, Tell

ZONE = ZoneInfo("Asia/Shanghai")
DUE = datetime(2026, 11, 23, 14, 25, tzinfo=ZONE).astimezone(UTC)
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
SURE = {"base_certain": True, "unchecked": False, "clock_suspect": False}


def subject(**fields) -> Subject:
    return Subject(
        **{
            "grade": "major",
            "suspected": False,
            "sensitive": False,
            "occurred_at": DUE - 20 * MINUTE,
            "occurred_exactly": True,
            "learned_at": DUE - 15 * MINUTE,
            "received_at": DUE - 10 * MINUTE,
        }
        | fields
    )


def rule(**fields) -> Rule:
    return Rule(
        **{
            "id": "49.1",
            "version": "1",
            "article": "第四十九条",
            "title": "首报",
            "words": "……",
            "binds": "unit",
            "applies": Applies(frozenset({"major"})),
            "bases": ("occurred_at", "learned_at", "received_at"),
            "limit": 20 * MINUTE,
            "hard": True,
            "evidence": "phone",
            "ladder": "l",
        }
        | fields
    )


# ── judgement ────────────────────────────────────────────────────────────────────────────────


def test_a_report_at_the_due_second_is_on_time():
    assert judge(DUE, DUE, **SURE).value == "on_time"


def test_a_report_one_second_later_is_late_by_one_second():
    late = judge(DUE, DUE + SECOND, **SURE)
    assert (late.value, late.late_seconds, late.provisional) == ("late", 1, False)


@pytest.mark.parametrize("doubt", ["base_certain", "unchecked", "clock_suspect"])
def test_any_doubt_leaves_the_verdict_provisional(doubt):
    assert judge(DUE, DUE, **SURE | {doubt: not SURE[doubt]}).provisional


def test_without_a_limit_nothing_is_late():
    assert judge(None, DUE, **SURE).value == "on_time"


@pytest.mark.parametrize(("seconds", "minutes"), [(0, 0), (1, 1), (59, 1), (60, 1), (61, 2), (3600, 60)])
def test_lateness_is_shown_in_whole_minutes_rounded_up(seconds, minutes):
    assert minutes_late(seconds) == minutes


@given(st.integers(-100_000, 100_000))
def test_a_verdict_is_late_exactly_when_the_evidence_is_after_the_due_time(seconds):
    verdict = judge(DUE, DUE + timedelta(seconds=seconds), **SURE)
    assert (verdict.value == "late") == (seconds > 0)
    assert verdict.late_seconds == max(0, seconds)


# ── the base ─────────────────────────────────────────────────────────────────────────────────

BASES = ("occurred_at", "learned_at", "received_at")


def test_the_base_is_the_first_known_instant_in_the_rules_order():
    unknown = ({}, {"occurred_at": None}, {"occurred_at": None, "learned_at": None})
    kinds = [choose_base(BASES, subject(**fields)).kind for fields in unknown]
    assert kinds == ["occurred_at", "learned_at", "received_at"]
    assert choose_base(("received_at", "occurred_at"), subject()).kind == "received_at"
    assert choose_base(("ended_at",), subject()) is None


def test_only_an_exactly_known_occurrence_is_certain_where_the_rule_counts_from_it():
    assert choose_base(BASES, subject()).certain
    assert not choose_base(BASES, subject(occurred_exactly=False)).certain
    assert not choose_base(BASES, subject(occurred_at=None)).certain
    assert choose_base(("received_at",), subject(occurred_at=None)).certain


def test_a_due_time_is_the_base_plus_the_limit():
    assert due_time(DUE - 20 * MINUTE, 20 * MINUTE) == DUE
    assert due_time(DUE, None) is None


# ── whom a rule binds ────────────────────────────────────────────────────────────────────────


def test_an_ungraded_incident_is_treated_as_suspected():
    assert counts_as_suspected("ungraded", suspected=False)
    assert not counts_as_suspected("ordinary", suspected=False)
    assert is_major("ungraded", suspected=False)
    assert is_major("especially_major", suspected=False)
    assert not is_major("considerable", suspected=False)
    assert is_major("considerable", suspected=True)


@pytest.mark.parametrize(
    ("wanted", "fields", "binds"),
    [
        (Applies(frozenset({"major"})), {}, True),
        (Applies(frozenset({"major"})), {"grade": "ordinary"}, False),
        (Applies(frozenset(), suspected=True), {"grade": "ordinary", "suspected": True}, True),
        (Applies(frozenset(), suspected=True), {"grade": "ungraded"}, True),
        (Applies(frozenset()), {"grade": "ungraded"}, False),
        (Applies(frozenset(), sensitive=True), {"grade": "ordinary", "sensitive": True}, True),
        (Applies(frozenset()), {"grade": "ordinary", "sensitive": True}, False),
    ],
)
def test_a_rule_binds_by_grade_or_by_flag(wanted, fields, binds):
    assert applies(rule(applies=wanted), subject(**fields)) is binds


# ── versions ─────────────────────────────────────────────────────────────────────────────────

OLD = rule(version="old", valid_until=date(2026, 11, 23), limit=60 * MINUTE)
NEW = rule(version="new", valid_from=date(2026, 11, 23))


@pytest.mark.parametrize(
    ("occurred", "version"),
    [("2026-11-22 23:59:59", "old"), ("2026-11-23 00:00:00", "new"), ("2026-11-23 07:59:00", "new")],
)
def test_the_version_in_force_on_the_site_day_of_the_base_applies(occurred, version):
    at = datetime.fromisoformat(occurred).replace(tzinfo=ZONE).astimezone(UTC)
    assert [one.version for one in rules_in_force([OLD, NEW], subject(occurred_at=at), ZONE)] == [version]


def test_a_rule_out_of_force_binds_nobody():
    gone = rule(valid_until=date(2020, 1, 1))
    assert rules_in_force([gone], subject(), ZONE) == []


def test_of_two_versions_in_force_the_first_written_counts_once():
    assert [one.version for one in rules_in_force([NEW, rule(version="twin")], subject(), ZONE)] == ["new"]


def test_a_rule_without_a_known_base_is_taken_by_the_day_of_receipt():
    ends = rule(id="end", bases=("ended_at",), valid_from=date(2026, 11, 23))
    assert rules_in_force([ends], subject(), ZONE) == [ends]


# ── rungs ────────────────────────────────────────────────────────────────────────────────────


def test_rungs_stand_at_absolute_times_around_what_they_are_anchored_to():
    def rung(key, anchor, minutes):
        return RungPlan(
            key, anchor, minutes * MINUTE, (Tell(("desk:operator",), ("screen",)),), "none", "warning"
        )

    ladder = LadderPlan(
        "l", (rung("a", "opened", 1), rung("b", "base", 5), rung("c", "due", -5), rung("d", "due", 8))
    )
    opened, base = DUE - 7 * MINUTE, DUE - 20 * MINUTE
    assert rung_times(ladder, opened, base, DUE) == [
        ("a", DUE - 6 * MINUTE),
        ("b", DUE - 15 * MINUTE),
        ("c", DUE - 5 * MINUTE),
        ("d", DUE + 8 * MINUTE),
    ]

"""What an incident owes, settled again and again: the rules must come to rest and agree with the facts."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dutydesk.obligations.rules import (
    FULFILLED_STATES,
    OWED_STATES,
    Fulfil,
    Move,
    Open,
    Reopen,
    ReportFact,
    Standing,
    Subject,
    Withdraw,
    rules_in_force,
)
from dutydesk.obligations.settle import settle
from dutydesk.rulebook.loader import load_rulebook

RULEBOOK = load_rulebook(Path(__file__).parents[2] / "config", "zh-CN")
ZONE = ZoneInfo("Asia/Shanghai")
TWO = datetime(2026, 11, 23, 2, 0, tzinfo=ZONE).astimezone(UTC)
MINUTE = timedelta(minutes=1)
LIMITS = {rule.id: rule.limit for rule in RULEBOOK.rules}


def incident(**fields) -> Subject:
    """A major accident at two in the morning, known to the minute, received five minutes later."""
    return Subject(
        **{
            "grade": "major",
            "suspected": False,
            "sensitive": False,
            "occurred_at": TWO,
            "occurred_exactly": True,
            "learned_at": None,
            "received_at": TWO + 5 * MINUTE,
        }
        | fields
    )


def report(number, kind, minutes, **fields) -> ReportFact:
    return ReportFact(number, kind, TWO + minutes * MINUTE, **fields)


def changes_of(subject, standing):
    return settle(subject, rules_in_force(RULEBOOK.rules, subject, ZONE), standing)


def applied(standing, changes):
    """Write the changes down as the database does."""
    rows = {one.id: one for one in standing}
    for change in changes:
        match change:
            case Open(rule, sequence, clocking, evidence):
                limit = None if clocking.due_at is None else clocking.due_at - clocking.base.at
                row = Standing(
                    len(rows) + 1,
                    rule.id,
                    sequence,
                    "open",
                    clocking.base.kind,
                    clocking.base.at,
                    clocking.base.certain,
                    clocking.due_at,
                    clocking.occurrence_due_at,
                    limit,
                )
                rows[row.id] = row if evidence is None else fulfilled(row, evidence)
            case Reopen(row_id, clocking, _):
                rows[row_id] = replace(
                    clocked(rows[row_id], clocking), state="open", evidence_report_id=None, evidence_at=None
                )
            case Move(row_id, clocking):
                rows[row_id] = clocked(rows[row_id], clocking)
            case Fulfil(row_id, evidence):
                rows[row_id] = fulfilled(rows[row_id], evidence)
            case Withdraw(row_id, cause):
                rows[row_id] = replace(rows[row_id], state="withdrawn", close_cause=cause)
    return list(rows.values())


def clocked(row, clocking):
    base = clocking.base
    return replace(
        row,
        base_kind=base.kind,
        base_at=base.at,
        base_certain=base.certain,
        due_at=clocking.due_at,
        occurrence_due_at=clocking.occurrence_due_at,
    )


def fulfilled(row, evidence):
    late = row.due_at is not None and evidence.reported_at > row.due_at
    return replace(
        row,
        state="fulfilled_late" if late else "fulfilled",
        evidence_report_id=evidence.id,
        evidence_at=evidence.reported_at,
        evidence_unchecked=evidence.unchecked,
    )


def settled(subject, standing=()):
    return applied(standing, changes_of(subject, standing))


def find(standing, rule, sequence=0) -> Standing:
    return next(one for one in standing if (one.rule_id, one.sequence) == (rule, sequence))


def put(standing, row):
    return [row if one.id == row.id else one for one in standing]


# ── one clock ────────────────────────────────────────────────────────────────────────────────


def test_a_major_incident_owes_the_phone_report_twenty_minutes_and_the_written_one_fifty_after_it_happened():
    opened = settled(incident())
    assert find(opened, "49.1").due_at == TWO + 20 * MINUTE
    assert find(opened, "49.2").due_at == TWO + 50 * MINUTE
    assert find(opened, "49.3").due_at == TWO + 10 * MINUTE
    assert {one.state for one in opened} == {"open"}


def test_an_ordinary_incident_owes_no_first_report_until_it_is_sensitive():
    assert "49.1" not in {one.rule_id for one in settled(incident(grade="ordinary"))}
    assert find(settled(incident(grade="ordinary", sensitive=True)), "49.1").state == "open"


def test_an_ungraded_incident_counts_as_suspected():
    assert find(settled(incident(grade="ungraded")), "49.1").state == "open"


def test_a_report_that_comes_with_the_incident_opens_its_clock_already_judged():
    change = next(
        one
        for one in changes_of(incident(reports=(report(1, "phone", 5),)), [])
        if isinstance(one, Open) and one.rule.id == "49.1"
    )
    assert change.evidence == report(1, "phone", 5)


def test_the_earliest_report_of_a_kind_is_the_evidence():
    both = (report(1, "phone", 30), report(2, "phone", 19))
    assert find(settled(incident(reports=both)), "49.1").evidence_at == TWO + 19 * MINUTE


def test_a_corrected_occurrence_moves_the_due_time_and_judges_what_was_fulfilled_again():
    opened = settled(incident(reports=(report(1, "phone", 18),)))
    earlier = incident(occurred_at=TWO - 10 * MINUTE, reports=(report(1, "phone", 18),))
    moves = [one for one in changes_of(earlier, opened) if isinstance(one, Move)]
    assert {one.obligation_id for one in moves} == {
        find(opened, "49.1").id,
        find(opened, "49.2").id,
        find(opened, "17.1").id,
        find(opened, "17.2").id,
    }
    assert find(applied(opened, moves), "49.1").due_at == TWO + 10 * MINUTE


def test_an_estimate_that_becomes_exact_moves_nothing_but_certainty():
    opened = settled(incident(occurred_exactly=False))
    moved = [one for one in changes_of(incident(), opened) if isinstance(one, Move)]
    assert moved
    assert all(one.clocking.base.certain for one in moved)
    assert find(applied(opened, moved), "49.1").due_at == find(opened, "49.1").due_at


def test_a_voided_report_reopens_the_clock_at_its_original_due_time():
    done = settled(incident(reports=(report(1, "phone", 10),)))
    again = settled(incident(), done)
    row = find(again, "49.1")
    assert (row.state, row.due_at, row.evidence_report_id) == ("open", TWO + 20 * MINUTE, None)


def test_a_second_report_stands_in_for_a_voided_first_one():
    done = settled(incident(reports=(report(1, "phone", 10), report(2, "phone", 25))))
    row = find(settled(incident(reports=(report(2, "phone", 25),)), done), "49.1")
    assert (row.state, row.evidence_report_id) == ("fulfilled_late", 2)


def test_a_withdrawn_incident_owes_nothing_and_a_reinstated_one_owes_it_at_the_original_due_time():
    opened = settled(incident())
    gone = settled(incident(live=False), opened)
    assert {one.state for one in gone} == {"withdrawn"}
    back = settled(incident(), gone)
    assert {one.state for one in back} == {"open"}
    assert [one.due_at for one in back] == [one.due_at for one in opened]


def test_a_merged_incident_says_so():
    opened = settled(incident())
    changes = changes_of(incident(live=False, close_cause="MERGED"), opened)
    assert {one.cause for one in changes} == {"MERGED"}


def test_what_was_fulfilled_stays_fulfilled_when_the_incident_is_withdrawn():
    done = settled(incident(reports=(report(1, "phone", 10),)))
    assert find(settled(incident(live=False), done), "49.1").state == "fulfilled"


def test_a_downgrade_withdraws_the_clocks_and_a_second_upgrade_brings_the_original_due_times_back():
    opened = settled(incident())
    down = settled(incident(grade="ordinary"), opened)
    assert find(down, "49.1").close_cause == "REGRADED"
    assert find(settled(incident(), down), "49.1").due_at == TWO + 20 * MINUTE


def test_a_first_upgrade_bases_the_clock_on_the_regrade_and_shows_what_the_occurrence_asked():
    opened = settled(incident(grade="ordinary"))
    up = settled(incident(regraded_at=TWO + 60 * MINUTE), opened)
    row = find(up, "49.1")
    assert (row.base_kind, row.due_at) == ("regraded_at", TWO + 80 * MINUTE)
    assert row.occurrence_due_at == TWO + 20 * MINUTE
    assert find(settled(incident(), up), "49.1").due_at == TWO + 80 * MINUTE


def test_a_waived_duty_stays_waived_whatever_happens():
    opened = settled(incident())
    waived = put(opened, replace(find(opened, "49.1"), state="waived"))
    for subject in (
        incident(reports=(report(1, "phone", 10),)),
        incident(occurred_at=TWO - 10 * MINUTE),
        incident(grade="ordinary"),
    ):
        assert find(settled(subject, waived), "49.1") == find(waived, "49.1")


def test_what_a_key_fulfilled_is_not_reopened_for_want_of_a_report():
    opened = settled(incident())
    pressed = put(opened, replace(find(opened, "49.3"), state="fulfilled", evidence_at=TWO + 6 * MINUTE))
    assert changes_of(incident(), pressed) == []


def test_a_late_entry_that_was_checked_is_judged_again():
    done = settled(incident(reports=(report(1, "phone", 10, unchecked=True),)))
    changes = changes_of(incident(reports=(report(1, "phone", 10),)), done)
    assert [type(one) for one in changes] == [Fulfil]


# ── a phone report without a caller ──────────────────────────────────────────────────────────


def test_a_phone_report_without_a_caller_owes_the_caller_within_a_quarter_of_an_hour():
    lacking = report(7, "phone", 10, incomplete_since=TWO + 12 * MINUTE)
    row = find(settled(incident(reports=(lacking,))), "49.1-source", 7)
    assert (row.state, row.due_at) == ("open", TWO + 27 * MINUTE)


def test_a_voided_incomplete_report_owes_nothing_more():
    lacking = report(7, "phone", 10, incomplete_since=TWO + 12 * MINUTE)
    opened = settled(incident(reports=(lacking,)))
    assert find(settled(incident(), opened), "49.1-source", 7).close_cause == "VOIDED"


def test_a_reinstated_incident_owes_the_caller_again():
    lacking = report(7, "phone", 10, incomplete_since=TWO + 12 * MINUTE)
    opened = settled(incident(reports=(lacking,)))
    gone = settled(incident(live=False, reports=(lacking,)), opened)
    row = find(settled(incident(reports=(lacking,)), gone), "49.1-source", 7)
    assert (row.state, row.due_at) == ("open", TWO + 27 * MINUTE)


# ── follow-ups ───────────────────────────────────────────────────────────────────────────────


def test_each_follow_up_closes_its_number_and_opens_the_next():
    first = settled(incident(reports=(report(1, "phone", 10),)))
    assert find(first, "49.4", 1).due_at == TWO + 70 * MINUTE
    second = settled(incident(reports=(report(1, "phone", 10), report(2, "follow_up", 60))), first)
    assert find(second, "49.4", 1).state == "fulfilled"
    assert find(second, "49.4", 2).due_at == TWO + 120 * MINUTE


def test_several_follow_ups_at_once_make_a_chain():
    reports = (report(1, "phone", 10), report(2, "follow_up", 60), report(3, "follow_up", 200))
    chain = settled(incident(reports=reports))
    states = [find(chain, "49.4", number).state for number in (1, 2, 3)]
    assert states == ["fulfilled", "fulfilled_late", "open"]
    assert find(chain, "49.4", 3).due_at == TWO + 260 * MINUTE


def test_a_follow_up_voided_in_the_middle_is_owed_again_and_the_later_one_stands():
    reports = (report(1, "phone", 10), report(2, "follow_up", 60), report(3, "follow_up", 110))
    chain = settled(incident(reports=reports))
    voided = settled(incident(reports=(reports[0], reports[2])), chain)
    assert find(voided, "49.4", 1).state in OWED_STATES
    assert find(voided, "49.4", 1).due_at == TWO + 70 * MINUTE
    assert find(voided, "49.4", 2).evidence_report_id == 3
    assert find(voided, "49.4", 3).state == "withdrawn"
    again = (reports[0], reports[2], report(4, "follow_up", 130))
    back = settled(incident(reports=again), voided)
    assert [find(back, "49.4", number).evidence_report_id for number in (1, 2)] == [4, 3]
    assert find(back, "49.4", 3).due_at == TWO + 190 * MINUTE


def test_a_follow_up_whose_report_was_the_only_one_is_owed_again_when_it_is_voided():
    chain = settled(incident(reports=(report(2, "follow_up", 60),)))
    voided = settled(incident(), chain)
    assert find(voided, "49.4", 1).state == "open"


def test_the_end_opens_the_final_report_and_ends_the_follow_ups():
    told = settled(incident(reports=(report(1, "phone", 10),)))
    over = settled(incident(reports=(report(1, "phone", 10),), ended_at=TWO + 90 * MINUTE), told)
    assert find(over, "49.4", 1).close_cause == "ENDED"
    final = find(over, "49.4-final")
    assert (final.base_kind, final.due_at) == ("ended_at", TWO + 90 * MINUTE + timedelta(hours=24))


def test_the_final_report_fulfils_the_end():
    reports = (report(1, "phone", 10), report(2, "final", 100))
    over = settled(incident(reports=reports, ended_at=TWO + 90 * MINUTE))
    assert find(over, "49.4-final").state == "fulfilled"


# ── coming to rest ───────────────────────────────────────────────────────────────────────────

moments = st.integers(-30, 400).map(lambda minutes: TWO + minutes * MINUTE)
report_facts = st.lists(
    st.tuples(
        st.sampled_from(["phone", "written", "follow_up", "follow_up", "final", "verification"]),
        moments,
        st.booleans(),
        st.booleans(),
    ),
    max_size=6,
)


@st.composite
def stories(draw):
    """A few states of one incident, one after the other: reports come and go, grades and times change."""
    kinds = draw(report_facts)
    every = tuple(
        ReportFact(number, kind, at, unchecked, at if kind == "phone" and lacking else None)
        for number, (kind, at, unchecked, lacking) in enumerate(kinds, start=1)
    )
    states = []
    for _ in range(draw(st.integers(1, 5))):
        kept = tuple(one for one in every if draw(st.booleans()))
        states.append(
            incident(
                grade=draw(st.sampled_from(["major", "ordinary", "ungraded", "considerable"])),
                sensitive=draw(st.booleans()),
                occurred_at=draw(st.none() | moments),
                occurred_exactly=draw(st.booleans()),
                learned_at=draw(st.none() | moments),
                live=draw(st.sampled_from([True, True, True, False])),
                ended_at=draw(st.none() | moments),
                regraded_at=draw(st.none() | moments),
                reports=kept,
            )
        )
    return states


@given(stories(), st.data())
@settings(max_examples=150)
def test_settling_twice_changes_nothing_more(story, data):
    standing = []
    for subject in story:
        standing = settled(subject, standing)
        assert changes_of(replace(subject, regraded_at=None), standing) == []
        if standing and data.draw(st.integers(0, 4)) == 0:
            chosen = data.draw(st.sampled_from(standing))
            if chosen.state in OWED_STATES:
                standing = put(
                    standing, replace(chosen, state=data.draw(st.sampled_from(["waived", "breached"])))
                )


@given(stories())
@settings(max_examples=60)
def test_no_two_obligations_are_the_same_duty_and_evidence_is_used_once(story):
    standing = []
    for subject in story:
        standing = settled(subject, standing)
        keys = [(one.rule_id, one.sequence) for one in standing]
        assert len(keys) == len(set(keys))
        used = [
            one.evidence_report_id
            for one in standing
            if one.rule_id == "49.4" and one.state in FULFILLED_STATES
        ]
        assert len(used) == len(set(used))


@given(stories())
@settings(max_examples=60)
def test_a_live_incident_with_a_first_report_always_owes_something_next_until_it_ends(story):
    standing = []
    for subject in story:
        standing = settled(subject, standing)
        if subject.live and subject.ended_at is None and subject.reports:
            chain = [one for one in standing if one.rule_id == "49.4"]
            assert any(one.state in OWED_STATES for one in chain)


def test_without_a_known_occurrence_the_clock_counts_from_when_it_was_learned_and_stays_in_doubt():
    row = find(settled(incident(occurred_at=None, learned_at=TWO + 2 * MINUTE)), "49.1")
    assert (row.base_kind, row.base_certain, row.due_at) == ("learned_at", False, TWO + 22 * MINUTE)


@pytest.mark.parametrize("rule", ["49.1", "49.2", "49.3"])
def test_a_limit_is_kept_on_the_obligation_that_was_opened_with_it(rule):
    opened = settled(incident())
    longer = put(opened, replace(find(opened, rule), limit=LIMITS[rule] + MINUTE, due_at=None))
    row = find(settled(incident(), longer), rule)
    assert row.due_at == row.base_at + LIMITS[rule] + MINUTE

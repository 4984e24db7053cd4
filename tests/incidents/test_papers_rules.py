"""Who may move a paper, what a chain is called, what changed: pure rules."""

from datetime import UTC, datetime, timedelta
from itertools import product

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dutydesk.accounts.rules import PERMISSIONS, ROLES, Actor
from dutydesk.incidents.papers.rules import (
    FROZEN,
    MOVES,
    STATES,
    Link,
    Standing,
    correction_fault,
    edit_fault,
    line_diff,
    moment_fault,
    move_fault,
    moves_for,
    next_sequence,
    part_fault,
    proposed_part,
    series_name,
    state_word,
    step_word,
)

# What the states allow, written out once more by hand.
ALLOWED = {
    "draft": {"submit", "void"},
    "checking": {"pass", "return", "void"},
    "signing": {"sign", "return", "decline", "void"},
    "signed": {"send", "revoke"},
    "sent": {"receive", "sent-back"},
    "received": set(),
    "void": set(),
}
HOLDERS = {
    "paper:draft": {"operator", "office", "administrator"},
    "paper:check": {"operator", "office", "administrator"},
    "paper:sign": {"leader"},
}
# A busy machine is no fault of what is tested.
UNHURRIED = settings(suppress_health_check=[HealthCheck.too_slow])
NOW = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)


def person(role, name="丙", sign_in_id=1):
    return Actor(name=name, role=role, sign_in_id=sign_in_id)


def standing(state, writers=("甲",), checker="乙"):
    return Standing(state, frozenset(writers), checker)


@pytest.mark.parametrize("state", STATES)
def test_every_move_of_every_role_is_what_the_table_says(state):
    assert set(MOVES) == {move for moves in ALLOWED.values() for move in moves}
    for move, role in product(MOVES, ROLES):
        may = move in ALLOWED[state] and role in HOLDERS[MOVES[move].permission]
        fault = move_fault(move, standing(state), person(role))
        assert (fault is None) == may, (state, move, role, fault)
        if fault is not None:
            assert fault.isprintable()
            assert not fault.isascii()


def test_the_permissions_of_the_roles_are_those_this_file_takes_for_granted():
    for permission, roles in HOLDERS.items():
        assert {role for role in ROLES if permission in PERMISSIONS[role]} == roles


def test_a_unit_contact_has_no_move_at_all():
    assert [moves_for(standing(state), person("unit")) for state in STATES] == [[]] * len(STATES)


def test_nobody_checks_what_he_wrote_himself():
    for writers in (("甲",), ("甲", "丁")):
        fault = move_fault("pass", standing("checking", writers), person("operator", "甲"))
        assert fault == "起草人不能审核自己写的材料，请由他人审核"
    assert move_fault("pass", standing("checking", ("甲",)), person("operator", "丁")) is None


def test_a_signature_is_given_by_a_leader_who_is_signed_in_himself():
    assert "本人登录" in move_fault("sign", standing("signing"), person("leader", sign_in_id=None))
    for name in ("甲", "乙"):
        assert move_fault("sign", standing("signing"), person("leader", name)) is not None
    assert "审核" in move_fault("sign", standing("signing", checker=""), person("leader"))


def test_a_signed_text_is_nobodys_to_edit():
    for state, role in product(STATES, ROLES):
        may = state == "draft" and role in HOLDERS["paper:draft"]
        assert (edit_fault(state, person(role)) is None) == may
        corrects = state in FROZEN and role in HOLDERS["paper:draft"]
        assert (correction_fault(state, person(role)) is None) == corrects


@UNHURRIED
@given(
    st.lists(
        st.tuples(st.sampled_from(sorted(MOVES)), st.sampled_from("甲乙丙"), st.sampled_from(ROLES)),
        max_size=25,
    )
)
def test_no_path_reaches_a_signature_without_another_persons_check_and_a_leader(path):
    state, writers, checker, signer = "draft", frozenset({"甲"}), "", ""
    for move, name, role in path:
        actor = person(role, name)
        if state == "draft" and edit_fault(state, actor) is None:
            writers |= {name}  # whoever may, also writes
        if move_fault(move, Standing(state, writers, checker), actor) is not None:
            continue
        state = MOVES[move].after
        checker = name if move == "pass" else "" if state == "draft" else checker
        signer = (name, role) if move == "sign" else "" if state == "draft" else signer
        if state in FROZEN:
            assert checker
            assert checker not in writers
            assert signer[1] == "leader"
            assert signer[0] not in writers | {checker}
            assert moves_for(Standing(state, writers, checker), actor) is not None


# ----------------------------------------------------------------------------------------------------------------------
# The chain


def test_the_next_report_is_the_first_then_follow_ups_and_the_final_one_at_the_end():
    first, second = Link("first", 1, "sent"), Link("follow_up", 1, "draft")
    assert proposed_part([], ended=False) == "first"
    assert proposed_part([], ended=True) == "first"
    assert proposed_part([first], ended=False) == "follow_up"
    assert next_sequence([first, second], "follow_up") == 2
    assert proposed_part([first, second], ended=True) == "final"
    assert proposed_part([first, Link("final", 1, "draft")], ended=True) == "follow_up"
    assert proposed_part([Link("first", 1, "void")], ended=False) == "first"
    assert next_sequence([Link("follow_up", 1, "void")], "follow_up") == 1


def test_there_is_one_first_and_one_final_report():
    chain = [Link("first", 1, "draft"), Link("final", 1, "void")]
    assert part_fault(chain, "first") == "本事件已有首报，请拟续报"
    assert part_fault(chain, "final") is None
    assert part_fault(chain, "follow_up") is None
    assert part_fault(chain, "") is not None
    assert part_fault(chain, "'; drop table") is not None


def test_kinds_years_and_drills_are_counted_apart():
    names = {
        series_name(kind, year, drill=drill)
        for kind in ("special_report", "bulletin")
        for year in (2026, 2027)
        for drill in (False, True)
    }
    assert len(names) == 8


def test_a_draft_that_came_back_is_called_so():
    assert state_word("draft", returned=False) == "草稿"
    assert state_word("draft", returned=True) == "已退回"
    assert state_word("checking", returned=True) == "待审核"


def test_a_receipt_cannot_come_before_what_it_is_for_or_after_now():
    signed = NOW - timedelta(minutes=5) + timedelta(microseconds=7)
    assert moment_fault(NOW, signed, NOW) is None
    assert moment_fault(signed.replace(microsecond=0), signed, NOW) is None
    assert moment_fault(NOW + timedelta(seconds=1), signed, NOW) == "不能晚于现在"
    assert moment_fault(signed - timedelta(seconds=1), signed, NOW) == "早于上一步的时间"


# ----------------------------------------------------------------------------------------------------------------------
# What changed

LINES = st.lists(st.sampled_from(["甲", "乙", "丙", ""]), max_size=8)


@UNHURRIED
@given(LINES, LINES)
def test_a_diff_contains_both_texts_in_order(before, after):
    found = line_diff(before, after)
    assert [line for mark, line in found if mark != "new"] == before
    assert [line for mark, line in found if mark != "gone"] == after


def test_a_diff_keeps_what_is_the_same():
    assert line_diff(["甲", "乙", "丙"], ["甲", "丁", "丙"]) == [
        ("same", "甲"),
        ("gone", "乙"),
        ("new", "丁"),
        ("same", "丙"),
    ]


def test_texts_that_differ_in_everything_are_shown_one_after_the_other():
    old, new = [f"甲{n % 7}" for n in range(5000)], [f"乙{n % 5}" for n in range(5000)]
    found = line_diff(["头", *old, "尾"], ["头", *new, "尾"])
    assert (found[0], found[-1]) == (("same", "头"), ("same", "尾"))
    assert [mark for mark, _ in found[1:-1]] == ["gone"] * 5000 + ["new"] * 5000


def test_every_step_has_a_word():
    assert step_word("draft", "draft", 1) == "拟稿"
    assert step_word("draft", "draft", 4) == "暂存"
    for way in MOVES.values():
        for before in way.before:
            assert step_word(before, way.after, 2)
    assert step_word("sent", "draft", 9) == "上级退回"
    assert step_word("signed", "void", 9) == "签发后作废"

"""Who really sits through a shift, and whether a seat may change hands: without a database."""

from datetime import UTC, datetime, timedelta

import pytest

from dutydesk.accounts.rules import Actor
from dutydesk.rosters.rules import HolderRow, PlannedShift, holders
from dutydesk.rosters.rules.changes import (
    Asked,
    Given,
    asking_refusal,
    cancel_refusal,
    change_refusal,
    decision_refusal,
)
from dutydesk.rosters.rules.pieces import Piece, persons_in, pieces_of

NOW = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
START = NOW + 10 * HOUR
A, B, C = 1, 2, 3


def shift(number=1, person=A, start=START, hours=24, unit=7, seat="leader"):
    return PlannedShift(number, unit, seat, person, start, start + hours * HOUR, "on_call")


def row(number, person, start, end, instead=1):
    return HolderRow(number, 7, "leader", person, START + start * HOUR, START + end * HOUR, instead)


def given(one=None, state="published", rows=()):
    one = one or shift()
    return Given(one, state, pieces_of(one, rows))


def asked(mine=None, other=None, to=B, start=0, end=24):
    mine = mine or given()
    kind = "substitute" if other is None else "swap"
    return Asked(kind, mine, other, to, START + start * HOUR, START + end * HOUR)


# ── pieces ───────────────────────────────────────────────────────────────────────────────────


def test_a_shift_nobody_changed_is_one_piece():
    assert pieces_of(shift(), []) == [Piece(START, START + 24 * HOUR, A)]


def test_a_substitute_in_the_middle_leaves_the_planned_one_before_and_after():
    found = pieces_of(shift(), [row(1, B, 4, 8)])
    assert [(one.person_id, (one.until - one.since) / HOUR) for one in found] == [(A, 4), (B, 4), (A, 16)]


def test_the_row_entered_last_counts_and_a_row_without_a_person_empties_the_seat():
    found = pieces_of(shift(), [row(2, None, 6, 12), row(1, B, 0, 24), row(3, B, 20, 24)])
    assert [(one.person_id, (one.until - one.since) / HOUR) for one in found] == [(B, 6), (None, 6), (B, 12)]


def test_rows_of_another_shift_change_nothing():
    assert len(pieces_of(shift(), [row(1, B, 0, 24, instead=9)])) == 1


def test_pieces_say_at_every_hour_what_holders_say():
    rows = [row(1, B, 2, 9), row(2, None, 5, 7), row(3, C, 8, 30), row(4, A, 20, 21)]
    pieces = pieces_of(shift(), rows)
    for hour in range(24):
        at = START + hour * HOUR
        here = [one.person_id for one in pieces if one.since <= at < one.until]
        assert here == ([one.person_id for one in holders([shift()], rows, at)] or [None]), hour


def test_persons_of_a_part_are_named_once_in_order_of_time():
    pieces = pieces_of(shift(), [row(1, B, 4, 8)])
    assert persons_in(pieces, START, START + 24 * HOUR) == [A, B]
    assert persons_in(pieces, START + 8 * HOUR, START + 24 * HOUR) == [A]


# ── asking ───────────────────────────────────────────────────────────────────────────────────


def test_an_ordinary_request_is_not_refused():
    assert change_refusal(asked(), NOW) is None
    assert change_refusal(asked(other=given(shift(2, B, START + 48 * HOUR))), NOW) is None


@pytest.mark.parametrize(
    ("request_", "field", "why"),
    [
        (asked(given(state="draft")), "shift", "值班表尚未发布"),
        (asked(given(state="cancelled")), "shift", "该班次已取消"),
        (asked(given(shift(start=NOW))), "shift", "班次已经开始"),
        (asked(to=A), "person", "代班人就是本班值班人"),
        (asked(start=4, end=4), "from_at", "须在本班次之内"),
        (asked(start=-1), "from_at", "须在本班次之内"),
        (asked(end=25), "from_at", "须在本班次之内"),
        (asked(given(rows=[row(1, C, 4, 8)])), "from_at", "不止一人"),
        (asked(other=given()), "other_shift", "请选择另一个班次"),
        (asked(other=given(shift(2, A, START + 48 * HOUR)), to=A), "other_shift", "同一人"),
        (asked(other=given(shift(2, B, START + 48 * HOUR, unit=8))), "other_shift", "须属同一单位"),
        (asked(other=given(shift(2, B, NOW - HOUR))), "other_shift", "班次已经开始"),
        (asked(given(rows=[row(1, None, 0, 24)]), given(shift(2, B))), "shift", "现无人值守"),
        (asked(given(rows=[row(1, C, 0, 4)]), given(shift(2, B))), "shift", "分段值守"),
    ],
)
def test_what_cannot_be_is_refused_with_its_reason(request_, field, why):
    refused = change_refusal(request_, NOW)
    assert refused is not None
    assert (refused.field, why in refused.text) == (field, True), refused


def test_an_empty_seat_may_be_given_to_a_substitute():
    empty = asked(given(rows=[row(1, None, 0, 24)]))
    assert empty.from_id is None
    assert change_refusal(empty, NOW) is None


def test_who_may_ask():
    mine = asked()
    for actor in (
        Actor("本人", "operator", person_id=A),
        Actor("办公室", "office"),
        Actor("管理", "administrator"),
        Actor("联系人", "unit", unit_id=7),
    ):
        assert asking_refusal(actor, mine) is None, actor
    for actor in (
        Actor("别人", "operator", person_id=B),
        Actor("无人", "operator"),
        Actor("别的单位", "unit", unit_id=8),
        Actor("领导", "leader", person_id=C),
    ):
        assert asking_refusal(actor, mine) is not None, actor


# ── deciding, taking back ────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("actor", "of_leaders", "leads", "may"),
    [
        (Actor("办公室", "office"), True, False, True),
        (Actor("办公室", "office"), False, False, True),
        (Actor("管理", "administrator"), False, False, True),
        (Actor("另一领导", "leader", person_id=C), True, False, True),
        (Actor("另一领导", "leader", person_id=C), False, False, False),
        (Actor("当班领导", "leader", person_id=C), False, True, True),
        (Actor("未关联的领导", "leader"), True, False, True),
        (Actor("让出的人", "leader", person_id=A), True, True, False),
        (Actor("接班的人", "office", person_id=B), False, False, False),
        (Actor("申请人", "office"), False, False, False),
        (Actor("值班员", "operator", person_id=C), False, True, False),
        (Actor("联系人", "unit", unit_id=7), False, False, False),
    ],
)
def test_who_may_decide(actor, of_leaders, leads, may):
    refused = decision_refusal(actor, asked_by="申请人", concerned=[A, B], of_leaders=of_leaders, leads=leads)
    assert (refused is None) is may, refused


@pytest.mark.parametrize(
    ("actor", "state", "starts_at", "may"),
    [
        (Actor("申请人", "operator"), "requested", START, True),
        (Actor("申请人", "operator"), "approved", START, True),
        (Actor("另一账号", "operator", person_id=A), "approved", START, True),
        (Actor("办公室", "office"), "approved", START, True),
        (Actor("对方", "operator", person_id=B), "approved", START, False),
        (Actor("办公室", "office"), "approved", NOW, False),
        (Actor("办公室", "office"), "rejected", START, False),
        (Actor("办公室", "office"), "expired", START, False),
    ],
)
def test_who_may_take_it_back_and_until_when(actor, state, starts_at, may):
    refused = cancel_refusal(actor, state=state, asked_by="申请人", asker_id=A, starts_at=starts_at, now=NOW)
    assert (refused is None) is may, refused

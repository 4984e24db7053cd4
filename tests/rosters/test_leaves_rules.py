"""Art. 57 and Art. 5 without a database: what is refused, who decides, and what is owed until when."""

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from dutydesk.accounts.rules import Actor
from dutydesk.calendars.rules import Calendar, Day
from dutydesk.rosters.rules.leaves import (
    Around,
    Delegate,
    Leave,
    amend_refusals,
    ask_refusals,
    consent_refusal,
    decision_refusal,
    delegate_refusal,
    filing_refusal,
    is_counterpart,
    owed_by,
    return_refusal,
    sees_all,
)
from dutydesk.rulebook.types import RosterPlan

ZONE = ZoneInfo("Asia/Shanghai")
PLAN = RosterPlan(office_closes=time(17, 30))
# 国庆:10月1日至7日放假,9月27日(星期日)和10月10日(星期六)上班。
CALENDAR = Calendar(
    table={date(2026, 10, day): Day("holiday", "国庆节") for day in range(1, 8)}
    | {date(2026, 9, 27): Day("makeup"), date(2026, 10, 10): Day("makeup")},
    confirmed_years=frozenset({2026}),
)
DIRECTOR, OTHER = 1, 2


def at(month, day, hour=9, minute=0):
    return datetime(2026, month, day, hour, minute, tzinfo=ZONE)


def leave(start=None, end=None, **more):
    start = start or at(12, 4)
    usual = {
        "is_director": True,
        "away": "city",
        "starts_at": start,
        "ends_at": end or start + timedelta(days=2),
        "requested_at": at(11, 23),
        "reason": "会议",
        "place": "北京",
    }
    return Leave(**usual | more)


def fields(one, now, around=None):
    return [found.field for found in ask_refusals(one, around or Around(), now, CALENDAR, ZONE)]


def due(one, now=None):
    found, done = owed_by(one, now or at(11, 23), CALENDAR, PLAN, ZONE)
    return {one.rule_id: one.due_at for one in found}, done


# ── asking ───────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("start", "last"),
    [
        (at(12, 4), date(2026, 11, 27)),  # 一个周末在中间
        (at(10, 12), date(2026, 9, 29)),  # 国庆假期在中间,10月10日调休补班
        (at(10, 8), date(2026, 9, 25)),  # 9月27日调休补班
        (at(12, 6), date(2026, 11, 30)),  # 星期日出发
    ],
)
def test_five_working_days_ahead_are_counted_through_holidays_and_make_up_days(start, last):
    one = leave(start)
    in_time = datetime.combine(last, time(23, 59), ZONE)
    assert fields(one, in_time) == []
    assert fields(one, in_time + timedelta(minutes=1)) == ["starts_at"]
    [refused] = ask_refusals(one, Around(), in_time + timedelta(minutes=1), CALENDAR, ZONE)
    assert refused.values == {"day": last}


def test_a_report_that_was_sent_in_time_may_be_written_down_later():
    assert fields(leave(written_at=at(11, 27, 16)), at(12, 1)) == []
    assert fields(leave(written_at=at(11, 28, 16)), at(12, 1)) == ["starts_at"]
    assert fields(leave(written_at=at(11, 27, 16)), at(11, 27, 15)) == ["written_at"]


def test_others_only_have_to_say_so_before():
    assert fields(leave(is_director=False), at(12, 4, 8, 59)) == []
    assert fields(leave(is_director=False), at(12, 4)) == ["starts_at"]


def test_what_is_urgent_needs_the_call_first_and_then_may_be_at_once():
    urgent = leave(urgent=True)
    assert fields(urgent, at(12, 4, 8)) == ["phone_reported_at", "phone_reported_to"]
    told = {"phone_reported_at": at(12, 4, 7), "phone_reported_to": "总值班室"}
    assert fields(leave(urgent=True, **told), at(12, 4, 10)) == []
    assert fields(leave(urgent=True, **told), at(12, 4, 6)) == ["phone_reported_at"]


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"end": at(12, 4)}, "ends_at"),
        ({"end": at(12, 3)}, "ends_at"),
        ({"end": at(12, 4) + timedelta(days=367)}, "ends_at"),
        ({"reason": " "}, "reason"),
        ({"place": ""}, "place"),
    ],
)
def test_what_cannot_be_is_refused_beside_its_field(more, field):
    assert fields(leave(**more), at(11, 23)) == [field]


def test_off_post_in_town_needs_no_place():
    assert fields(leave(away="post", place=""), at(11, 23)) == []


def test_what_goes_on_around_a_leave_is_looked_at():
    now = at(11, 23)
    assert fields(leave(), now, Around(other_leave="x")) == ["starts_at"]
    assert fields(leave(), now, Around(delegated=True)) == ["starts_at"]
    assert fields(leave(), now, Around(together=["赵建国"])) == ["together_reason"]
    assert fields(leave(), now, Around(together=["赵建国"], together_reason="市里要求")) == []
    urgent = leave(urgent=True, phone_reported_at=now, phone_reported_to="局长")
    assert fields(urgent, now, Around(delegated=True)) == []


def test_head_and_deputies_are_counterparts_and_deputies_among_themselves_are_not():
    assert is_counterpart("bureau_head", "bureau_deputy")
    assert is_counterpart("unit_deputy", "unit_head")
    assert not is_counterpart("bureau_deputy", "bureau_deputy")
    assert not is_counterpart("bureau_head", "unit_deputy")
    assert not is_counterpart("staff", "staff")


# ── who ──────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("delegate", "may"),
    [
        (Delegate(OTHER, "赵", "bureau_deputy", left=False, away=False), True),
        (Delegate(OTHER, "赵", "bureau_leader", left=False, away=False), False),
        (Delegate(OTHER, "赵", "unit_head", left=False, away=False), False),
        (Delegate(OTHER, "赵", "bureau_deputy", left=True, away=False), False),
        (Delegate(OTHER, "赵", "bureau_deputy", left=False, away=True), False),
        (Delegate(OTHER, "赵", "bureau_deputy", left=False, away=False, acting=True), False),
        (Delegate(DIRECTOR, "赵", "bureau_deputy", left=False, away=False), False),
    ],
)
def test_who_may_run_the_bureau(delegate, may):
    refused = delegate_refusal(delegate, DIRECTOR)
    assert (refused is None) is may
    assert may or "第五条" in refused.text


def test_who_may_report_and_who_sees_the_reason():
    own, contact = Actor("本人", "operator", person_id=5), Actor("联系人", "unit", unit_id=7)
    office, leader = Actor("办公室", "office"), Actor("领导", "leader", person_id=8)
    assert [filing_refusal(one, 5, 7) is None for one in (own, contact, office, leader)] == [
        True,
        True,
        True,
        False,
    ]
    assert all(sees_all(one, 5, 7) for one in (own, contact, office, leader))
    for stranger in (Actor("别人", "operator", person_id=6), Actor("别的单位", "unit", unit_id=9)):
        assert not sees_all(stranger, 5, 7)
        assert filing_refusal(stranger, 5, 7) is not None


def decided(actor, *, rank="bureau_deputy", is_director=False, decided_by="", asking=False):
    return decision_refusal(
        actor,
        applicant_id=5,
        applicant="赵建国",
        is_director=is_director,
        rank=rank,
        directors=[DIRECTOR],
        decided_by=decided_by,
        asking=asking,
    )


def test_who_may_let_somebody_go():
    director = Actor("局长", "leader", person_id=DIRECTOR)
    deputy = Actor("副局长", "leader", person_id=OTHER)
    admin = Actor("管理", "administrator")
    assert decided(director) is None
    assert decided(deputy) is not None
    assert decided(deputy, rank="unit_head") is None
    assert decided(deputy, rank="bureau_head", is_director=True) is None
    assert decided(Actor("本人", "leader", person_id=5), rank="unit_head") is not None
    assert decided(Actor("办公室", "office")) is not None
    assert decided(admin, asking=True) is None
    assert decided(admin).field == "decided_by"
    assert decided(admin, decided_by="赵建国").field == "decided_by"
    assert decided(admin, decided_by="局长") is None


def test_the_director_needs_the_consent_of_the_city():
    now = at(11, 23)
    assert consent_refusal("", now, now).field == "consent_by"
    assert consent_refusal("王副市长", None, now).field == "consent_by"
    assert consent_refusal("王副市长", now + timedelta(1), now).field == "consent_at"
    assert consent_refusal("王副市长", now, now) is None


# ── changing, returning ──────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("now", "start", "end", "field"),
    [
        (at(11, 23), at(12, 7), at(12, 9), None),
        (at(12, 2), at(12, 7), at(12, 9), None),  # 推后出发,不必再提前5个工作日
        (at(12, 2), at(12, 3), at(12, 9), "starts_at"),  # 提前出发而不足5个工作日
        (at(12, 5), at(12, 4), at(12, 9), None),  # 已经离开,只延长
        (at(12, 5), at(12, 6), at(12, 9), "starts_at"),
        (at(12, 5), at(12, 4), at(12, 5), "ends_at"),
        (at(12, 2), at(12, 7), at(12, 7), "ends_at"),
        (at(12, 2), at(12, 1), at(12, 7), "starts_at"),
    ],
)
def test_when_a_leave_may_be_moved(now, start, end, field):
    found = amend_refusals(leave(), start, end, now, CALENDAR, ZONE)
    assert [one.field for one in found] == ([] if field is None else [field])


def test_when_a_return_may_be_noted():
    running = leave(state="approved")
    now = at(12, 5)
    assert return_refusal(running, at(12, 5), now) is None
    assert return_refusal(running, at(12, 5, 10), now).field == "returned_at"
    assert return_refusal(running, at(12, 4, 8), now).field == "returned_at"
    for state in ("requested", "rejected", "cancelled", "returned"):
        assert return_refusal(leave(state=state), at(12, 5), now) is not None


# ── owing ────────────────────────────────────────────────────────────────────────────────────


def test_the_directors_leave_owes_report_and_delegate_and_once_approved_the_return():
    assert due(leave()) == ({"57.1": at(11, 27, 17, 30), "5": at(12, 4)}, {})
    # 返回是12月6日(星期日)。
    assert due(leave(state="approved"))[0] == {
        "57.1": at(11, 27, 17, 30),
        "57.3": at(12, 7, 17, 30),
        "5": at(12, 4),
    }


def test_a_return_before_a_holiday_is_reported_after_it():
    one = leave(at(9, 25), at(9, 30, 18), is_director=False, state="approved")
    assert due(one)[0] == {"57.3": at(10, 8, 17, 30)}


def test_an_urgent_leave_owes_the_report_a_working_day_after_the_call_also_after_the_return():
    urgent = {"urgent": True, "phone_reported_at": at(9, 30, 22), "phone_reported_to": "x", "away": "post"}
    for state in ("requested", "approved", "returned"):
        found, _ = due(leave(at(9, 30, 23), at(10, 2), state=state, **urgent))
        assert found["57.2"] == at(10, 8, 17, 30), state
        assert "57.1" not in found


def test_what_was_done_is_said_with_its_time():
    one = leave(
        state="returned",
        written_at=at(11, 24),
        delegate_id=OTHER,
        delegated_at=at(11, 25),
        return_reported_at=at(12, 7),
    )
    assert due(one) == ({}, {"return": at(12, 7)})
    one = leave(state="approved", written_at=at(11, 24), delegate_id=OTHER, delegated_at=at(11, 25))
    assert due(one)[1] == {"written": at(11, 24), "delegate": at(11, 25)}


@pytest.mark.parametrize("state", ["rejected", "cancelled"])
def test_what_does_not_take_place_owes_nothing(state):
    assert due(leave(state=state)) == ({}, {})


def test_only_out_of_town_the_bureau_needs_somebody_else():
    assert "5" not in due(leave(away="post"))[0]
    assert "5" in due(leave(away="abroad"))[0]
    assert due(leave(is_director=False)) == ({}, {})

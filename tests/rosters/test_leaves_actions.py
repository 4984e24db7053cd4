"""Art. 57 and Art. 5 in the database: leaves that strike shifts, who runs the bureau, and what is owed."""

from datetime import datetime, timedelta

import pytest
from sqlmodel import col

from dutydesk.accounts.rules import Actor
from dutydesk.errors import ConflictError, InvalidInputError, NotAllowedError, NotFoundError
from dutydesk.people.queries import post_holders
from dutydesk.rosters.candidate_queries import turns_of
from dutydesk.rosters.changes import actions as changes
from dutydesk.rosters.leaves import actions as leaves
from dutydesk.rosters.leaves import amendments as leave_amendments
from dutydesk.rosters.leaves.actions import Report, Steps
from dutydesk.rosters.leaves.amendments import Itinerary
from dutydesk.rosters.model import LeaveReport, SeatHolder, Shift, ShiftChange
from tests.rosters.duty import on_duty

SECOND = timedelta(seconds=1)


@pytest.fixture
async def duty(site):
    return await on_duty(site)


@pytest.fixture
def report(duty, site):
    """Report a leave of somebody by the office, from a day to a day of November, at noon."""

    async def reporting(name, first, last, *, by=None, steps=None, **more):
        asked = {
            "person_id": duty.people[name],
            "kind": "trip",
            "away": "city",
            "reason": "外出调研",
            "place": "北京",
            "starts_at": first if isinstance(first, datetime) else duty.at(first, 12),
            "ends_at": last if isinstance(last, datetime) else duty.at(last, 12),
        }
        async with site.db.write() as session:
            row = await leaves.report(
                session, site, site.clock.now(), by or duty.office, Report(**asked | more), steps
            )
        return row.id

    return reporting


@pytest.fixture
def decide(duty, site):
    async def deciding(number, *, by=None, decided_by="郑国栋", **more):
        async with site.db.write() as session:
            return await leaves.decide(
                session,
                site,
                site.clock.now(),
                by or duty.admin,
                number,
                **{"approve": True, "decided_by": decided_by} | more,
            )

    return deciding


@pytest.fixture
def do(duty, site):
    """Do something else with a leave, as the office."""

    async def doing(what, number, *more, by=None):
        async with site.db.write() as session:
            return await what(session, site, site.clock.now(), by or duty.office, number, *more)

    return doing


async def director_away(duty, report, decide, first=34, last=36, **more):
    """The director is away, with the consent of the city leader, in the second week of December."""
    number = await report("郑国栋", first, last, **more)
    consent = Steps(consent_by="王副市长", consent_at=duty.site.clock.now())
    await decide(number, steps=consent, decided_by="王副市长")
    return number


async def chiefs(duty, at):
    async with duty.site.db.read() as session:
        found = await post_holders(session, [duty.units["desk"]], at)
    names = {number: name for name, number in duty.people.items()}
    return [names[one] for one in found[duty.units["desk"], "chief"]]


# ── shifts ───────────────────────────────────────────────────────────────────────────────────


async def test_an_approved_leave_strikes_what_it_touches_and_nothing_else(duty, report, decide, site):
    number = await report("赵建国", 28, 29)
    assert await duty.leads(duty.at(28, 12)) == ["赵建国"]
    await duty.checked("desk")
    await decide(number)
    assert await duty.leads(duty.at(28, 12) - SECOND) == ["赵建国"]
    assert await duty.leads(duty.at(28, 12)) == []
    assert await duty.leads(duty.at(29) - SECOND) == []
    assert await duty.leads(duty.at(29)) == ["钱伟"]
    assert await duty.leads(duty.at(32)) == ["赵建国"]
    assert await duty.checked("desk") == site.clock.now()
    [row] = await duty.holders()
    assert (row.kind, row.leave_id, row.person_id, row.reason) == ("vacated", number, None, "请假外出")


async def test_a_late_leave_strikes_a_running_shift_from_now_on_and_leaves_the_past_alone(
    duty, report, decide, site
):
    site.clock.set(duty.at(24, 15))
    urgent = {"urgent": True, "phone_reported_at": duty.at(24, 13), "phone_reported_to": "总值班室 王科长"}
    number = await report("赵建国", duty.at(24, 14), 25, **urgent)
    await decide(number)
    # Whatever was recorded before the decision stays: who was there at 14:30 is not rewritten.
    assert await duty.leads(duty.at(24, 14.5)) == ["赵建国"]
    assert await duty.leads(duty.at(24, 15)) == []


async def test_whoever_stands_in_already_stays_and_the_leave_strikes_what_he_took_on_himself(
    duty, report, decide, do, site
):
    async with site.db.write() as session:
        now = site.clock.now()
        asked = await changes.ask(
            session,
            site,
            now,
            duty.person("赵建国", "leader"),
            kind="substitute",
            shift_id=duty.shifts["leader", 24],
            person_id=duty.people["孙丽"],
            reason="会议",
        )
        await changes.decide(session, site, now, duty.office, asked.id, approve=True)
    await decide(await report("赵建国", duty.at(24, 1), 25))
    assert await duty.leads(duty.at(24)) == ["孙丽"]
    await decide(await report("孙丽", duty.at(24, 20), duty.at(25, 1)))
    assert await duty.leads(duty.at(24, 19)) == ["孙丽"]
    assert await duty.leads(duty.at(24, 20)) == []
    assert await duty.leads(duty.at(25, 1)) == ["孙丽"]


async def test_requests_that_hang_on_the_leave_are_cancelled_and_drafts_are_cleared(
    duty, report, decide, site
):
    async with site.db.write() as session:
        asked = await changes.ask(
            session,
            site,
            site.clock.now(),
            duty.person("钱伟", "leader"),
            kind="substitute",
            shift_id=duty.shifts["leader", 29],
            person_id=duty.people["李明"],
            reason="会议",
        )
        draft = await session.get(Shift, duty.shifts["leader", 31])
        draft.state, draft.locked = "draft", True
        session.add(draft)
    await decide(await report("李明", 29, 32))
    row = await duty.row(ShiftChange, asked.id)
    assert (row.state, row.decision) == ("cancelled", "请假外出")
    assert [who for who, _ in await duty.told()] == ["钱伟", "李明"]
    assert await duty.row(Shift, duty.shifts["leader", 31]) is None


async def test_somebody_away_has_no_turn_and_takes_none(duty, report, decide, site):
    await decide(await report("赵建国", 28, 29))
    async with site.db.write() as session:
        found = await turns_of(session, [duty.people["赵建国"]], duty.at(27), duty.at(30))
        assert [(one.starts_at, one.ends_at) for one in found[duty.people["赵建国"]]] == [
            (duty.at(28), duty.at(28, 12))
        ]
        with pytest.raises(InvalidInputError, match="赵建国不能值带班领导：请假外出"):
            await changes.ask(
                session,
                site,
                site.clock.now(),
                duty.office,
                kind="substitute",
                shift_id=duty.shifts["leader", 28],
                person_id=duty.people["赵建国"],
                from_at=duty.at(28, 12),
                reason="补位",
            )


async def test_an_early_return_gives_no_struck_shift_back(duty, report, decide, do, site):
    number = await report("赵建国", 27, 33)
    await decide(number)
    site.clock.set(duty.at(28))
    await do(leaves.note_return, number, duty.at(28))
    assert await duty.leads(duty.at(28, 12)) == []
    assert await duty.leads(duty.at(32)) == []
    assert (await duty.row(LeaveReport, number)).state == "returned"


async def test_a_cancelled_leave_gives_back_what_nobody_has_taken(duty, report, decide, do, site):
    number = await report("赵建国", 27, 33)
    await decide(number)
    async with site.db.write() as session:
        asked = await changes.ask(
            session,
            site,
            site.clock.now(),
            duty.office,
            kind="substitute",
            shift_id=duty.shifts["leader", 28],
            person_id=duty.people["孙丽"],
            reason="补位",
        )
        await changes.decide(session, site, site.clock.now(), duty.admin, asked.id, approve=True)
    await duty.told()
    await do(leaves.cancel, number, "行程取消")
    assert await duty.leads(duty.at(28)) == ["孙丽"]
    assert await duty.leads(duty.at(32)) == ["赵建国"]
    assert await duty.told() == [("赵建国", "shift_changed 12月2日")]
    assert (await duty.owed(number))["57.3"].state == "withdrawn"
    with pytest.raises(ConflictError, match="已经办结"):
        await do(leaves.cancel, number, "行程取消")


async def test_a_change_of_dates_is_approved_anew_and_strikes_anew(duty, report, decide, do, site):
    number = await report("赵建国", 27, 29)
    await decide(number)
    due = (await duty.owed(number))["57.3"].due_at
    later = Itinerary(
        away="city",
        place="上海",
        transport="高铁",
        starts_at=duty.at(31, 12),
        ends_at=duty.at(34, 12),
        reason="会议改期",
    )
    await do(leave_amendments.amend, number, later)
    assert await duty.leads(duty.at(28)) == []
    with pytest.raises(ConflictError, match="已有待审批的行程变更"):
        await do(leave_amendments.amend, number, later)
    await duty.told()
    async with site.db.write() as session:
        await leave_amendments.decide(
            session, site, site.clock.now(), duty.admin, number, approve=True, decided_by="郑国栋"
        )
    assert await duty.leads(duty.at(28)) == ["赵建国"]
    assert await duty.leads(duty.at(32)) == []
    assert await duty.told() == [("赵建国", "shift_changed 11月28日")]
    row = await duty.row(LeaveReport, number)
    assert (row.place, row.starts_at, row.state) == ("上海", duty.at(31, 12), "approved")
    assert (await duty.owed(number))["57.3"].due_at > due


# ── who may what ─────────────────────────────────────────────────────────────────────────────


async def test_leaders_of_the_bureau_are_let_go_by_the_director(duty, report, decide):
    number = await report("赵建国", 27, 29, by=duty.person("赵建国", "leader"))
    for by, decided_by, why in (
        (duty.person("赵建国", "leader"), "", "不能审批本人的请假"),
        (duty.person("钱伟", "leader"), "", "局领导外出由局长审批"),
        (duty.office, "", "您的角色不能审批请假报备"),
    ):
        with pytest.raises(NotAllowedError, match=why):
            await decide(number, by=by, decided_by=decided_by)
    with pytest.raises(InvalidInputError, match="请写明审批人"):
        await decide(number, decided_by="")
    with pytest.raises(InvalidInputError, match="审批人不能是请假人本人"):
        await decide(number, decided_by="赵建国")
    row = await decide(number, by=duty.person("郑国栋", "leader"), decided_by="")
    assert (row.state, row.decided_by, row.recorded_by) == ("approved", "郑国栋", "")


async def test_an_administrator_writes_down_who_decided(duty, report, decide):
    row = await decide(await report("赵建国", 27, 29))
    assert (row.decided_by, row.recorded_by) == ("郑国栋", "系统管理")


async def test_the_unit_contact_reports_for_its_own_unit_only(duty, report, site):
    contact = Actor("食堂联系人", "unit", unit_id=duty.units["canteen"])
    number = await report("李强", 27, 29, by=contact)
    with pytest.raises(NotFoundError):
        await report("陈静", 27, 29, by=contact)
    with pytest.raises(NotAllowedError, match="只能填报本人的请假"):
        await report("陈静", 27, 29, by=duty.person("刘洋"))
    other = await report("陈静", 27, 29)
    async with site.db.read() as session:
        assert (await leaves.mine(session, contact, number)).id == number
        for actor, hidden in ((contact, other), (duty.person("刘洋"), other), (duty.person("刘洋"), number)):
            with pytest.raises(NotFoundError):
                await leaves.mine(session, actor, hidden)


async def test_head_and_deputy_away_at_once_need_a_reason(duty, report, decide):
    await decide(await report("赵建国", 34, 36))
    with pytest.raises(InvalidInputError, match="赵建国同期外出") as refused:
        await report("郑国栋", 34, 36)
    assert [one.field for one in refused.value.faults] == ["together_reason"]
    assert await report("郑国栋", 34, 36, together_reason="市里会议要求")
    # 副职之间不受此限。
    assert await report("钱伟", 34, 36, together_reason="随同")


async def test_leaves_of_one_person_do_not_overlap(duty, report):
    await report("赵建国", 27, 29)
    with pytest.raises(InvalidInputError, match="与已有的请假（2026-11-27 12:00—2026-11-29 12:00）时间重叠"):
        await report("赵建国", 28, 30)


# ── what is owed ─────────────────────────────────────────────────────────────────────────────


async def test_the_directors_written_report_is_due_five_working_days_before_he_leaves(duty, report, do):
    # 12月4日(星期五)出发,11月27日(星期五)为限。
    number = await report("郑国栋", 34, 36)
    owed = await duty.owed(number)
    assert {rule: one.state for rule, one in owed.items()} == {"57.1": "open", "5": "open"}
    assert owed["57.1"].due_at == duty.at(27, 17.5)
    assert (owed["57.1"].number, owed["57.1"].person_id) == ("12月4日外出", duty.people["郑国栋"])
    assert owed["5"].due_at == duty.at(34, 12)
    sent = duty.site.clock.now() - timedelta(hours=1)
    await do(leaves.note_steps, number, Steps(written_at=sent, receipt="津值〔2026〕12号"))
    owed = await duty.owed(number)
    assert (owed["57.1"].state, owed["57.1"].evidence_at) == ("fulfilled", sent)


async def test_the_director_is_refused_with_less_than_five_working_days(duty, report):
    with pytest.raises(
        InvalidInputError, match="局长外出须提前5个工作日书面报告，本次最迟应于2026年11月20日报送"
    ):
        await report("郑国栋", 27, 29)
    # A deputy only has to say so before.
    assert await report("赵建国", duty.at(23, 15), 24)


async def test_an_urgent_leave_owes_the_written_report_a_working_day_after_the_call(duty, report, do):
    for field in ("phone_reported_at", "phone_reported_to"):
        given = {"urgent": True, "phone_reported_at": duty.at(23, 13), "phone_reported_to": "总值班室"}
        with pytest.raises(InvalidInputError, match="紧急情况须先电话报告") as refused:
            await report(
                "郑国栋", duty.at(23, 15), 25, **given | {field: None if field.endswith("at") else ""}
            )
        assert [one.field for one in refused.value.faults] == [field]
    number = await report("郑国栋", duty.at(23, 15), 25, **given | {"phone_reported_to": "总值班室"})
    owed = await duty.owed(number)
    assert {rule: one.due_at for rule, one in owed.items()} == {
        "57.2": duty.at(24, 17.5),
        "5": duty.at(23, 15),
    }
    await do(leaves.note_steps, number, Steps(written_at=duty.site.clock.now()))
    assert (await duty.owed(number))["57.2"].state == "fulfilled"


async def test_a_return_is_reported_on_the_next_working_day(duty, report, decide, do, site):
    # 返回是11月28日(星期六),30日(星期一)为限。
    number = await report("陈静", 27, 28)
    assert await duty.owed(number) == {}
    await decide(number)
    owed = await duty.owed(number)
    assert {rule: one.due_at for rule, one in owed.items()} == {"57.3": duty.at(30, 17.5)}
    with pytest.raises(InvalidInputError, match="返回时间不能晚于现在"):
        await do(leaves.note_return, number, duty.at(28))
    site.clock.set(duty.at(30, 9))
    with pytest.raises(InvalidInputError, match="返回时间早于离开时间"):
        await do(leaves.note_return, number, duty.at(26))
    await do(leaves.note_return, number, duty.at(28), by=duty.person("陈静"))
    one = (await duty.owed(number))["57.3"]
    assert (one.state, one.evidence_at) == ("fulfilled", duty.at(30, 9))


async def test_what_was_sent_back_owes_nothing(duty, report, decide):
    number = await report("郑国栋", 34, 36)
    with pytest.raises(InvalidInputError, match="退回须写明原因"):
        await decide(number, approve=False, decided_by="王副市长")
    await decide(number, approve=False, decided_by="王副市长", opinion="请另择日期")
    assert {one.state for one in (await duty.owed(number)).values()} == {"withdrawn"}


# ── who runs the bureau ──────────────────────────────────────────────────────────────────────


async def test_the_director_does_not_leave_without_the_city_leaders_consent(duty, report, decide):
    number = await report("郑国栋", 34, 36)
    with pytest.raises(InvalidInputError, match="须报分管市领导同意"):
        await decide(number, decided_by="王副市长")
    await decide(
        number,
        decided_by="王副市长",
        steps=Steps(consent_by="王副市长", consent_at=duty.site.clock.now()),
    )
    assert (await duty.row(LeaveReport, number)).consent_by == "王副市长"


async def test_a_delegate_runs_the_bureau_from_departure_to_return(duty, report, decide, do, site):
    number = await director_away(duty, report, decide, delegate_id=duty.people["赵建国"])
    # Named from the start: nothing was ever owed.
    assert "5" not in await duty.owed(number)
    for at, name in (
        (duty.at(34, 12) - SECOND, "郑国栋"),
        (duty.at(34, 12), "赵建国"),
        (duty.at(36, 12) - SECOND, "赵建国"),
        (duty.at(36, 12), "郑国栋"),
    ):
        assert await chiefs(duty, at) == [name]
    site.clock.set(duty.at(35))
    await do(leaves.note_return, number, duty.at(35))
    assert await chiefs(duty, duty.at(35)) == ["郑国栋"]


async def test_without_a_delegate_one_is_owed_until_departure(duty, report, decide, do):
    number = await director_away(duty, report, decide)
    assert (await duty.owed(number))["5"].state == "open"
    assert await chiefs(duty, duty.at(35)) == ["郑国栋"]
    await do(leaves.delegate, number, duty.people["钱伟"])
    assert (await duty.owed(number))["5"].state == "fulfilled"
    assert await chiefs(duty, duty.at(35)) == ["钱伟"]
    # Another one instead: only one at a time.
    await do(leaves.delegate, number, duty.people["孙丽"])
    assert await chiefs(duty, duty.at(35)) == ["孙丽"]


async def test_only_a_deputy_who_is_in_town_all_the_time_may_run_the_bureau(duty, report, decide, do):
    away = await report("赵建国", 36, 38, together_reason="无")
    await decide(away)
    number = await report("郑国栋", 34, 37, together_reason="无")
    for name, why in (
        ("赵建国", "受托人须全程在津，赵建国同期请假外出"),
        ("陈静", "须委托一名副局长主持日常工作，陈静不能受托"),
        ("郑国栋", "须委托一名副局长"),
    ):
        with pytest.raises(InvalidInputError, match=why):
            await do(leaves.delegate, number, duty.people[name])
    with pytest.raises(InvalidInputError, match="只有局长外出"):
        await do(leaves.delegate, away, duty.people["钱伟"])


async def test_a_delegate_who_wants_to_leave_is_refused_and_if_it_is_urgent_another_is_owed(
    duty, report, decide, site
):
    number = await director_away(duty, report, decide, delegate_id=duty.people["赵建国"])
    with pytest.raises(InvalidInputError, match="此期间受局长委托主持工作"):
        await report("赵建国", 35, 37, together_reason="无")
    site.clock.set(duty.at(35, 8))
    urgent = await report(
        "赵建国",
        duty.at(35, 9),
        37,
        urgent=True,
        phone_reported_at=duty.at(35, 7),
        phone_reported_to="局长",
        together_reason="家人病重",
    )
    await decide(urgent)
    assert (await duty.row(LeaveReport, number)).delegate_id is None
    assert (await duty.owed(number))["5"].state == "open"
    assert await chiefs(duty, duty.at(35, 8.9)) == ["赵建国"]
    assert await chiefs(duty, duty.at(35, 9)) == ["郑国栋"]


async def test_no_row_of_a_leave_is_left_in_force_beyond_it(duty, report, decide):
    number = await report("赵建国", 24, 33)
    await decide(number)
    rows = await duty.holders(col(SeatHolder.leave_id) == number)
    assert [(one.from_at, one.until_at) for one in rows] == [
        (duty.at(24, 12), duty.at(25)),
        (duty.at(28), duty.at(29)),
        (duty.at(32), duty.at(33)),
    ]


async def test_a_leave_that_is_prolonged_keeps_what_was_and_strikes_what_is_added(
    duty, report, decide, do, site
):
    number = await report("赵建国", duty.at(24, 1), duty.at(24, 20))
    await decide(number)
    site.clock.set(duty.at(24, 15))
    longer = Itinerary(
        away="city",
        place="北京",
        transport="",
        starts_at=duty.at(24, 1),
        ends_at=duty.at(28, 20),
        reason="会期延长",
    )
    await do(leave_amendments.amend, number, longer)
    async with site.db.write() as session:
        await leave_amendments.decide(
            session, site, site.clock.now(), duty.admin, number, approve=True, decided_by="郑国栋"
        )
    for day, hour, names in (
        (24, 10, []),
        (24, 14.99, []),
        (24, 15, []),
        (24, 21, []),
        (25, 8, []),
        (28, 19, []),
        (28, 20, ["赵建国"]),
    ):
        assert await duty.leads(duty.at(day, hour)) == names, (day, hour)


async def test_somebody_may_be_away_between_the_two_shifts_of_a_swap(duty, report, decide, site):
    async with site.db.write() as session:
        asked = await changes.ask(
            session,
            site,
            site.clock.now(),
            duty.person("赵建国", "leader"),
            kind="swap",
            shift_id=duty.shifts["leader", 24],
            other_shift_id=duty.shifts["leader", 35],
            reason="会议",
        )
    await decide(await report("赵建国", 26, 27))
    assert (await duty.row(ShiftChange, asked.id)).state == "requested"
    await decide(await report("赵建国", 35, 36))
    assert (await duty.row(ShiftChange, asked.id)).state == "cancelled"


async def test_new_dates_for_which_the_delegate_is_away_open_the_delegation_again(
    duty, report, decide, do, site
):
    number = await director_away(duty, report, decide, delegate_id=duty.people["赵建国"])
    await decide(await report("赵建国", 38, 39, together_reason="无"))
    later = Itinerary(
        away="city",
        place="北京",
        transport="",
        starts_at=duty.at(34, 12),
        ends_at=duty.at(39, 12),
        reason="会期延长",
    )
    await do(leave_amendments.amend, number, later)
    async with site.db.write() as session:
        await leave_amendments.decide(
            session, site, site.clock.now(), duty.admin, number, approve=True, decided_by="王副市长"
        )
    assert (await duty.row(LeaveReport, number)).delegate_id is None
    assert (await duty.owed(number))["5"].state == "open"
    assert await chiefs(duty, duty.at(35)) == ["郑国栋"]

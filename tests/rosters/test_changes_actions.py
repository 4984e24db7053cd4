"""Substitutions and swaps: asked for, decided before the shift, taken back, and who sits there at every second."""

from datetime import timedelta

import pytest
from sqlmodel import col, select

from dutydesk.accounts.rules import Actor
from dutydesk.audit.model import AuditEntry
from dutydesk.errors import ConflictError, InvalidInputError, NotAllowedError, NotFoundError
from dutydesk.rosters.changes import actions as changes
from dutydesk.rosters.changes import queries as change_queries
from dutydesk.rosters.model import Shift, ShiftChange
from tests.rosters.duty import on_duty

SECOND = timedelta(seconds=1)


@pytest.fixture
async def duty(site):
    return await on_duty(site)


@pytest.fixture
def ask(duty, site):
    """Ask for a change as somebody; without a kind for a swap."""

    async def asking(actor, seat, day, **more):
        kind = "swap" if "other" in more else "substitute"
        other = more.pop("other", None)
        person = more.pop("person", None)
        async with site.db.write() as session:
            row = await changes.ask(
                session,
                site,
                site.clock.now(),
                actor,
                kind=kind,
                shift_id=duty.shifts[seat, day],
                other_shift_id=None if other is None else duty.shifts[seat, other],
                person_id=None if person is None else duty.people[person],
                reason=more.pop("reason", "家中有事"),
                **more,
            )
        return row.id

    return asking


@pytest.fixture
def decide(site):
    async def deciding(actor, change_id, approve=True, opinion=""):
        async with site.db.write() as session:
            return await changes.decide(
                session, site, site.clock.now(), actor, change_id, approve=approve, opinion=opinion
            )

    return deciding


@pytest.fixture
def cancel(site):
    async def cancelling(actor, change_id, reason=""):
        async with site.db.write() as session:
            return await changes.cancel(session, site, site.clock.now(), actor, change_id, reason)

    return cancelling


async def test_a_swap_exchanges_both_seats_to_the_second(duty, ask, decide):
    number = await ask(duty.person("赵建国", "leader"), "leader", 24, other=25)
    assert await duty.leads(duty.at(24)) == ["赵建国"]
    await decide(duty.office, number)
    assert await duty.leads(duty.at(24) - SECOND) == []
    assert await duty.leads(duty.at(24)) == ["钱伟"]
    assert await duty.leads(duty.at(25) - SECOND) == ["钱伟"]
    assert await duty.leads(duty.at(25)) == ["赵建国"]
    assert await duty.leads(duty.at(26)) == ["孙丽"]
    # Whoever was planned stays on record beside whoever is there.
    shift = await duty.row(Shift, duty.shifts["leader", 24])
    assert (shift.person_id, shift.sequence) == (duty.people["赵建国"], 1)


async def test_everybody_concerned_is_told_and_the_holes_are_looked_at_again(duty, ask, decide, site):
    number = await ask(duty.person("陈静"), "operator_primary", 24, person="周涛")
    assert await duty.told() == []
    await duty.checked("desk")
    await decide(duty.office, number)
    assert await duty.told() == [("陈静", "shift_changed 11月24日"), ("周涛", "shift_changed 11月24日")]
    assert await duty.checked("desk") == site.clock.now()
    number = await ask(duty.person("赵建国", "leader"), "leader", 24, other=25)
    await decide(duty.office, number)
    # Each about the turn that is theirs now: two messages at once would be merged into one that names no day.
    assert await duty.told() == [("钱伟", "shift_changed 11月24日"), ("赵建国", "shift_changed 11月25日")]


async def test_a_part_of_a_shift_is_given_away_and_the_rest_stays(duty, ask, decide, site):
    number = await ask(
        duty.person("陈静"),
        "operator_primary",
        24,
        person="周涛",
        from_at=duty.at(24, 12),
        until_at=duty.at(24, 18),
    )
    await decide(duty.office, number)
    seat = "operator_primary"
    for hour, name in ((8.5, "陈静"), (12, "周涛"), (17.99, "周涛"), (18, "陈静")):
        assert await duty.leads(duty.at(24, hour), seat) == [name], hour
    async with site.db.read() as session:
        found = await change_queries.changed_shifts(session, [duty.shifts[seat, 24], duty.shifts[seat, 25]])
    [one] = found.pop(duty.shifts[seat, 24])
    assert found == {}
    assert (one.person_id, one.since, one.until) == (duty.people["周涛"], duty.at(24, 12), duty.at(24, 18))
    assert (one.kind, one.change_id, one.reason) == ("substitute", number, "家中有事")


async def test_the_unit_contact_asks_for_its_own_unit_only(duty, ask, site):
    contact = Actor("食堂联系人", "unit", unit_id=duty.units["canteen"])
    with pytest.raises(NotFoundError):
        await ask(contact, "leader", 24, person="钱伟")
    with pytest.raises(NotAllowedError, match="只能为本人的班次申请"):
        await ask(duty.person("刘洋"), "operator_primary", 24, person="周涛")


@pytest.mark.parametrize(
    ("seat", "who", "role", "why"),
    [
        ("leader", "赵建国", "leader", "不能审批本人提出的申请"),
        ("leader", "孙丽", "leader", "不能审批与本人有关的申请"),
        ("operator_primary", "孙丽", "leader", "由当班带班领导或办公室审批"),
        ("operator_primary", "周涛", "operator", "您的角色不能审批"),
    ],
)
async def test_nobody_decides_for_himself_and_an_operators_seat_is_the_leaders_on_that_shift(
    duty, ask, decide, seat, who, role, why
):
    asker = "赵建国" if seat == "leader" else "陈静"
    taker = "孙丽" if seat == "leader" else "周涛"
    number = await ask(
        duty.person(asker, "leader" if seat == "leader" else "operator"), seat, 24, person=taker
    )
    with pytest.raises(NotAllowedError, match=why):
        await decide(duty.person(who, role), number)
    # 24日带班的是赵建国:他批值班员的,另一位领导批他的。
    approver = duty.person("钱伟" if seat == "leader" else "赵建国", "leader")
    assert (await decide(approver, number)).state == "approved"


async def test_what_the_office_asks_for_somebody_else_decides(duty, ask, decide):
    number = await ask(duty.office, "operator_primary", 24, person="周涛")
    with pytest.raises(NotAllowedError, match="不能审批本人提出的申请"):
        await decide(duty.office, number)
    assert (await decide(duty.admin, number)).state == "approved"


async def test_a_rule_is_kept_when_it_is_asked_for_and_again_when_it_is_decided(duty, ask, decide):
    with pytest.raises(InvalidInputError, match="周涛不能值值班员（主班）：与前后班次间隔不足") as refused:
        await ask(duty.person("刘洋"), "operator_primary", 25, person="周涛")
    assert refused.value.faults[0].field == "person"
    with pytest.raises(InvalidInputError, match="李强不能值带班领导：职务不够带班条件"):
        await ask(duty.person("赵建国", "leader"), "leader", 24, person="李强")
    # Two requests that are fine one by one, and not together.
    first = await ask(duty.person("陈静"), "operator_primary", 24, person="吴敏")
    second = await ask(duty.office, "operator_primary", 25, person="吴敏")
    await decide(duty.office, first)
    with pytest.raises(InvalidInputError, match="与前后班次间隔不足"):
        await decide(duty.admin, second)
    assert (await duty.row(ShiftChange, second)).state == "requested"


async def test_a_swap_checks_both_persons(duty, ask):
    # 赵建国28日本有班,换去27日即连值两日;钱伟25日有班,换来24日也一样。
    for other, who in ((27, "赵建国"), (29, "钱伟")):
        with pytest.raises(InvalidInputError, match=f"{who}不能值带班领导：与前后班次间隔不足"):
            await ask(duty.person("赵建国", "leader"), "leader", 24, other=other)


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"other": 28}, "两个班次是同一人"),
        ({"other": 24}, "请选择另一个班次"),
        ({"person": "赵建国"}, "代班人就是本班值班人"),
    ],
)
async def test_with_oneself_nothing_is_exchanged(duty, ask, more, why):
    with pytest.raises(InvalidInputError, match=why):
        await ask(duty.person("赵建国", "leader"), "leader", 24, **more)


async def test_a_shift_that_began_is_not_given_away_any_more(duty, ask, decide, site):
    number = await ask(duty.person("赵建国", "leader"), "leader", 24, person="孙丽")
    site.clock.set(duty.at(24))
    with pytest.raises(InvalidInputError, match="班次已经开始"):
        await ask(duty.person("赵建国", "leader"), "leader", 24, other=25)
    with pytest.raises(InvalidInputError, match="班次已经开始"):
        await ask(duty.person("钱伟", "leader"), "leader", 25, other=24)
    with pytest.raises(ConflictError, match="班次已经开始"):
        await decide(duty.office, number)


@pytest.mark.parametrize(("state", "why"), [("draft", "值班表尚未发布"), ("cancelled", "该班次已取消")])
async def test_drafts_and_cancelled_shifts_do_not_change_hands(duty, ask, site, state, why):
    async with site.db.write() as session:
        row = await session.get(Shift, duty.shifts["leader", 25])
        row.state = state
        session.add(row)
    with pytest.raises(InvalidInputError, match=why):
        await ask(duty.office, "leader", 25, person="孙丽")
    with pytest.raises(InvalidInputError, match=why):
        await ask(duty.office, "leader", 24, other=25)


async def test_one_request_at_a_time_for_the_same_hours(duty, ask):
    await ask(duty.person("赵建国", "leader"), "leader", 24, person="孙丽")
    with pytest.raises(ConflictError, match="已有待审批的申请"):
        await ask(duty.person("钱伟", "leader"), "leader", 25, other=24)


async def test_a_request_nobody_decided_expires_with_the_shift_and_both_are_told(duty, ask, site):
    number = await ask(duty.person("赵建国", "leader"), "leader", 24, person="孙丽")
    async with site.db.write() as session:
        assert await change_queries.next_expiry(session) == duty.at(24)
        assert await changes.expire(session, site, duty.at(24) - SECOND) == 0
        assert await changes.expire(session, site, duty.at(24)) == 1
        assert await changes.expire(session, site, duty.at(24)) == 0
        assert await change_queries.next_expiry(session) is None
    assert (await duty.row(ShiftChange, number)).state == "expired"
    assert await duty.told() == [
        ("赵建国", "change_refused 11月24日"),
        ("孙丽", "change_refused 11月24日"),
    ]
    assert await duty.leads(duty.at(24)) == ["赵建国"]


async def test_what_is_sent_back_needs_a_reason_and_changes_nothing(duty, ask, decide):
    number = await ask(duty.person("赵建国", "leader"), "leader", 24, person="孙丽")
    with pytest.raises(InvalidInputError, match="退回须写明原因"):
        await decide(duty.office, number, approve=False)
    row = await decide(duty.office, number, approve=False, opinion="当日有会议")
    assert (row.state, row.decision) == ("rejected", "当日有会议")
    assert await duty.leads(duty.at(24)) == ["赵建国"]
    assert [who for who, _ in await duty.told()] == ["赵建国", "孙丽"]
    with pytest.raises(ConflictError, match="已经办理"):
        await decide(duty.office, number)


async def test_a_cancelled_change_gives_the_seat_back(duty, ask, decide, cancel):
    asker = duty.person("赵建国", "leader")
    number = await ask(asker, "leader", 24, other=25)
    await decide(duty.office, number)
    await duty.told()
    with pytest.raises(ConflictError, match="只有申请人和办公室"):
        await cancel(duty.person("钱伟", "leader"), number)
    await cancel(asker, number, "事情已了")
    assert await duty.leads(duty.at(24)) == ["赵建国"]
    assert await duty.leads(duty.at(25)) == ["钱伟"]
    assert await duty.told() == [("赵建国", "shift_changed 11月24日"), ("钱伟", "shift_changed 11月25日")]
    assert await duty.holders() == []
    assert (await duty.row(Shift, duty.shifts["leader", 24])).sequence == 2


async def test_a_change_in_force_is_not_taken_back(duty, ask, decide, cancel, site):
    number = await ask(duty.person("赵建国", "leader"), "leader", 24, other=25)
    await decide(duty.office, number)
    site.clock.set(duty.at(24))
    with pytest.raises(ConflictError, match="班次已经开始，不能撤销"):
        await cancel(duty.office, number)


async def test_changes_are_taken_back_the_last_one_first(duty, ask, decide, cancel):
    first = await ask(duty.person("赵建国", "leader"), "leader", 28, person="孙丽")
    await decide(duty.office, first)
    second = await ask(duty.person("孙丽", "leader"), "leader", 28, person="李明", from_at=duty.at(28, 21))
    await decide(duty.office, second)
    assert await duty.leads(duty.at(28, 20)) == ["孙丽"]
    assert await duty.leads(duty.at(28, 21)) == ["李明"]
    with pytest.raises(ConflictError, match="请先撤销后面的调整"):
        await cancel(duty.office, first)
    await cancel(duty.office, second)
    await cancel(duty.office, first)
    assert await duty.leads(duty.at(28, 21)) == ["赵建国"]


async def test_a_seat_does_not_come_back_to_somebody_who_sits_elsewhere_now(duty, ask, decide, cancel):
    first = await ask(duty.person("赵建国", "leader"), "leader", 24, person="孙丽")
    await decide(duty.office, first)
    async with duty.site.db.write() as session:
        row = await session.get(Shift, duty.shifts["operator_primary", 24])
        row.person_id = duty.people["赵建国"]
        session.add(row)
    with pytest.raises(ConflictError, match="班次退不回赵建国（同一时间另有班次）"):
        await cancel(duty.office, first)


async def test_every_step_is_on_the_trail(duty, ask, decide, cancel, site):
    number = await ask(duty.person("赵建国", "leader"), "leader", 24, person="孙丽")
    await decide(duty.office, number, opinion="同意")
    await cancel(duty.office, number, "会议取消")
    async with site.db.read() as session:
        found = await session.exec(select(AuditEntry).where(col(AuditEntry.subject) == f"change:{number}"))
        trail = [(one.actor, one.action) for one in found]
    assert trail == [
        ("赵建国", "change.requested"),
        ("办公室人员", "change.approved"),
        ("办公室人员", "change.cancelled"),
    ]

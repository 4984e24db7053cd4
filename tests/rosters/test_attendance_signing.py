"""Whoever really sits there signs in at the start; who does not is looked for within a minute."""

from datetime import timedelta

import pytest
from sqlmodel import col, select

from dutydesk.accounts.rules import Actor
from dutydesk.errors import ConflictError, InvalidInputError, NotAllowedError
from dutydesk.obligations.model import Obligation
from dutydesk.rosters.actions import stand_in
from dutydesk.rosters.keeping import attendance
from dutydesk.rosters.model import Attendance, Shift
from dutydesk.rosters.queries import look_for_holes
from dutydesk.rosters.rules.codes import code_at, is_right
from tests.builders import build_bureau
from tests.rosters.test_notices_turns import keep, planned, until

HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)


@pytest.fixture
async def bureau(db, clock):
    return await build_bureau(db, clock.now())


@pytest.fixture
async def shift(site, bureau, clock):
    return await signing(site, clock, bureau.motor_head)


async def signing(site, clock, person, unit="motor"):
    """Tuesday 08:30, on post: one signs in."""
    row = await planned(site, clock, person, unit=unit)
    async with site.db.write() as session:
        stored = await session.get(Shift, row.id)
        stored.signs_in = True
        session.add(stored)
    return row


def person(someone, role="leader", **more):
    return Actor(someone.name, role, person_id=someone.id, account_id=someone.id, **more)


OPERATOR = Actor("陈静", "operator", person_id=1, account_id=1)


async def owed(site, shift):
    async with site.db.read() as session:
        rows = await session.exec(select(Obligation).where(col(Obligation.subject) == f"sign-in/{shift.id}"))
        return rows.first()


async def sign(site, clock, actor, shift, how, **more):
    async with site.db.write() as session:
        return await attendance.sign_in(session, site, clock.now(), actor, shift.id, how=how, **more)


async def test_it_is_owed_from_an_hour_before_by_whoever_sits_there_and_due_a_minute_after_the_start(
    site, shift, bureau, clock
):
    await until(site, clock, shift.starts_at - HOUR - MINUTE)
    assert await owed(site, shift) is None
    await until(site, clock, shift.starts_at - HOUR)
    row = await owed(site, shift)
    assert (row.rule_id, row.person_id, row.due_at) == (
        "48.2",
        bureau.motor_head.id,
        shift.starts_at + MINUTE,
    )
    assert row.number == "11月24日备班"


async def test_it_moves_to_the_substitute_with_its_whole_ladder(site, shift, bureau, clock):
    await until(site, clock, shift.starts_at - HOUR)
    async with site.db.write() as session:
        await stand_in(
            session, clock.now(), "office", shift_id=shift.id, person=bureau.motor_leader.id, reason="代班"
        )
        await look_for_holes(session, [shift.unit_id], clock.now())
    await keep(site, clock)
    row = await owed(site, shift)
    assert (row.person_id, row.due_version, row.state) == (bureau.motor_leader.id, 2, "open")


async def test_signing_in_ends_it_at_once_and_is_in_time_up_to_a_minute_after_the_start(
    site, shift, bureau, clock
):
    await until(site, clock, shift.starts_at + timedelta(seconds=59))
    found = await sign(site, clock, person(bureau.motor_head), shift, "code")
    row = await owed(site, shift)
    assert (row.state, row.evidence_at, found.late_seconds) == ("fulfilled", clock.now(), 59)
    await until(site, clock, shift.starts_at + HOUR)
    assert (await owed(site, shift)).state == "fulfilled"


async def test_whoever_comes_late_is_kept_as_late(site, shift, bureau, clock):
    await until(site, clock, shift.starts_at + 12 * MINUTE)
    await sign(site, clock, person(bureau.motor_head), shift, "code")
    assert (await owed(site, shift)).state == "fulfilled_late"


async def test_it_is_withdrawn_with_the_end_of_the_turn_and_nobody_signs_in_afterwards(
    site, shift, bureau, clock
):
    await until(site, clock, shift.ends_at)
    assert (await owed(site, shift)).close_cause == "SHIFT_OVER"
    with pytest.raises(ConflictError, match="已经结束"):
        await sign(site, clock, person(bureau.motor_head), shift, "code")


async def test_too_early_and_twice_are_refused_with_what_to_do(site, shift, bureau, clock):
    clock.set(shift.starts_at - 31 * MINUTE)
    with pytest.raises(ConflictError, match="班前30分钟"):
        await sign(site, clock, person(bureau.motor_head), shift, "code")
    clock.set(shift.starts_at - 30 * MINUTE)
    await sign(site, clock, person(bureau.motor_head), shift, "code")
    with pytest.raises(ConflictError, match="已经签到"):
        await sign(site, clock, person(bureau.motor_head), shift, "code")


async def test_nobody_signs_in_for_somebody_else_by_the_code(site, shift, bureau, clock):
    clock.set(shift.starts_at)
    with pytest.raises(NotAllowedError):
        await sign(site, clock, person(bureau.motor_leader), shift, "code")


async def test_the_operator_signs_in_who_stands_at_the_desk_and_nobody_of_another_unit(
    site, shift, bureau, clock
):
    here = await signing(site, clock, bureau.chief, unit="desk")
    clock.set(shift.starts_at)
    found = await sign(site, clock, OPERATOR, here, "desk")
    assert (found.attendance.person_id, found.attendance.recorded_by) == (bureau.chief.id, "陈静")
    with pytest.raises(NotAllowedError):
        await sign(site, clock, OPERATOR, shift, "desk")


async def test_an_entry_by_hand_needs_a_reason_and_a_possible_time(site, shift, bureau, clock):
    clock.set(shift.starts_at + 10 * MINUTE)
    with pytest.raises(InvalidInputError, match="原因"):
        await sign(site, clock, OPERATOR, shift, "by_hand")
    for wrong in (clock.now() + MINUTE, shift.starts_at - HOUR):
        with pytest.raises(InvalidInputError):
            await sign(site, clock, OPERATOR, shift, "by_hand", at=wrong, note="来电核实")
    await sign(site, clock, OPERATOR, shift, "by_hand", at=shift.starts_at, note="来电核实")
    async with site.db.read() as session:
        (row,) = await session.exec(select(Attendance))
    assert (row.at, row.recorded_at, row.note) == (shift.starts_at, clock.now(), "来电核实")


async def test_an_empty_seat_owes_no_sign_in_of_its_own(site, shift, bureau, clock):
    await until(site, clock, shift.starts_at - HOUR)
    async with site.db.write() as session:
        row = await stand_in(
            session, clock.now(), "office", shift_id=shift.id, person=bureau.motor_leader.id, reason="病"
        )
        row.person_id = None
        session.add(row)
        await look_for_holes(session, [shift.unit_id], clock.now())
    await keep(site, clock)
    assert (await owed(site, shift)).state == "withdrawn"
    clock.set(shift.starts_at)
    with pytest.raises(ConflictError, match="目前无人"):
        await sign(site, clock, person(bureau.motor_head), shift, "code")


async def test_who_signed_in_before_being_relieved_does_not_sign_in_for_the_other(site, shift, bureau, clock):
    clock.set(shift.starts_at - 20 * MINUTE)
    await keep(site, clock)
    await sign(site, clock, person(bureau.motor_head), shift, "code")
    async with site.db.write() as session:
        await stand_in(
            session, clock.now(), "office", shift_id=shift.id, person=bureau.motor_leader.id, reason="代班"
        )
        await look_for_holes(session, [shift.unit_id], clock.now())
    await keep(site, clock)
    row = await owed(site, shift)
    assert (row.state, row.person_id) == ("open", bureau.motor_leader.id)


def test_the_code_changes_every_minute_and_the_last_one_still_counts(clock):
    now = clock.now().replace(second=0)
    code = code_at("key", now)
    assert len(code) == 6
    assert code.isdigit()
    assert is_right("key", code, now + timedelta(seconds=119))
    assert not is_right("key", code, now + timedelta(seconds=120))
    assert not is_right("key", code, now - timedelta(seconds=1))
    assert code_at("another key", now) != code
    assert not is_right("key", "", now)
    assert not is_right("key", "一二三四五六", now)


async def test_whoever_guesses_the_code_has_to_wait(site, bureau, clock):
    actor = person(bureau.motor_head)
    for _ in range(5):
        with pytest.raises(attendance.WrongCodeError):
            await attendance.check_code(site, clock.now(), actor, "000000x")
    right = attendance.present_code(site, clock.now())
    with pytest.raises(ConflictError, match="秒后再试"):
        await attendance.check_code(site, clock.now(), actor, right)
    await attendance.check_code(site, clock.now(), person(bureau.motor_leader), right)
    clock.move(16)
    await attendance.check_code(site, clock.now(), actor, attendance.present_code(site, clock.now()))


async def test_one_signs_in_on_the_page_by_the_code_on_the_screen(site, shift, bureau, clock, browser_of):
    clock.set(shift.starts_at - 10 * MINUTE)
    browser = await browser_of("unit", unit="motor", name="徐海燕", person_id=bureau.motor_head.id)
    page = (await browser.get("/rosters/mine")).text
    assert "到岗码" in page
    wrong = await browser.post(f"/rosters/mine/{shift.id}/sign-in", data={"code": "12"})
    assert wrong.status_code == 422
    assert "到岗码不对" in wrong.text
    right = attendance.present_code(site, clock.now())
    done = await browser.post(f"/rosters/mine/{shift.id}/sign-in", data={"code": right})
    assert done.status_code == 303
    assert "已签到" in (await browser.get("/rosters/mine")).text


async def test_the_desks_list_has_who_comes_and_signs_them_in(site, bureau, clock, browser_of):
    shift = await signing(site, clock, bureau.chief, unit="desk")
    clock.set(shift.starts_at + 3 * MINUTE)
    await keep(site, clock)
    operator = await browser_of("operator")
    assert "到时未签到" in (await operator.get("/rosters/attendance")).text
    assert (await operator.post(f"/rosters/attendance/{shift.id}/sign-in")).status_code == 303
    page = (await operator.get("/rosters/attendance")).text
    assert "迟到3分" in page
    contact = await browser_of("unit", unit="motor")
    assert "局值班室" not in (await contact.get("/rosters/attendance?unit=1")).text.partition("<main")[2]
    assert (await contact.post(f"/rosters/attendance/{shift.id}/sign-in")).status_code == 403


async def test_the_code_stands_on_the_desks_screens_and_on_no_others(site, bureau, clock, browser_of):
    code = attendance.present_code(site, clock.now())
    assert code in (await (await browser_of("operator")).get("/desk")).text
    assert code in (await (await browser_of("operator")).get("/wall")).text
    assert code not in (await (await browser_of("leader")).get("/desk")).text
    assert code not in (await (await browser_of("leader")).get("/rosters/attendance")).text


async def test_the_desk_notes_by_hand_that_somebody_confirmed(site, bureau, clock, browser_of):
    shift = await planned(site, clock, bureau.motor_head)
    await until(site, clock, shift.starts_at - 10 * HOUR)
    operator = await browser_of("operator")
    empty = await operator.post(f"/rosters/attendance/{shift.id}/confirm", data={"how": ""})
    assert empty.status_code == 422
    done = await operator.post(f"/rosters/attendance/{shift.id}/confirm", data={"how": "电话问过本人"})
    assert done.status_code == 303
    assert "人工登记" in (await operator.get("/rosters/attendance?unit=0")).text


async def test_one_confirms_on_ones_own_page(site, bureau, clock, browser_of):
    shift = await planned(site, clock, bureau.motor_head)
    await until(site, clock, shift.starts_at - 10 * HOUR)
    mine = await browser_of("leader", name="徐海燕", person_id=bureau.motor_head.id)
    assert "未确认" in (await mine.get("/rosters/mine")).text
    assert (await mine.post(f"/rosters/mine/{shift.id}/confirm")).status_code == 303
    page = (await mine.get("/rosters/mine")).text
    assert "已确认" in page
    assert "未确认" not in page
    stranger = await browser_of("leader", name="别人", person_id=bureau.motor_leader.id)
    assert (await stranger.post(f"/rosters/mine/{shift.id}/confirm")).status_code == 409

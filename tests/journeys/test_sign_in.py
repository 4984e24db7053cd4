"""A turn whose person never signs in: they are told within a minute, then their leaders, until somebody is there."""

from datetime import timedelta

import pytest
from sqlmodel import col, select

from dutydesk.accounts.rules import Actor
from dutydesk.rosters.keeping.attendance import sign_in
from dutydesk.rosters.model import Shift
from tests.journeys.world import World, sit


@pytest.fixture
async def morning(opening) -> World:
    """Half past seven: at half past eight the canteen's operator changes, on post."""
    world: World = await opening(without=("unit operator", "unit leader"))
    change = world.at("08:30")
    async with world.wired.site.db.write() as session:
        await sit(world, session, "unit operator", "canteen", "operator_primary", ends_at=change)
        await sit(
            world,
            session,
            "unit leader",
            "canteen",
            "operator_primary",
            starts_at=change,
            ends_at=change + timedelta(days=1),
        )
        rows = await session.exec(select(Shift).where(col(Shift.starts_at) == change))
        for row in rows:
            row.mode, row.signs_in = "on_post", True
            session.add(row)
            world.ids["turn"] = row.id
    await world.until("07:30")
    world.expect_sms("unit leader", "08:30起主班值班，请按时到岗")
    await world.pick_up("unit leader", "主班值班，请按时到岗")
    return world


async def comes(world: World, note: str) -> None:
    """The operator at the desk has it on the telephone that the person is there."""
    async with world.wired.site.db.write() as session:
        await sign_in(
            session,
            world.wired.site,
            world.clock.now(),
            Actor("陈晓", "operator"),
            world.ids["turn"],
            how="by_hand",
            note=note,
        )
    await world.tick()


async def test_who_does_not_sign_in_is_called_within_a_minute(morning: World):
    await morning.until("08:30:59")
    morning.nothing_more()
    await morning.until("08:31")
    morning.expect_sms("unit leader", "机关食堂11月23日主班到岗签到未完成")
    morning.expect_screen("not_signed_in", "机关食堂 11月23日主班 到岗签到未完成")
    morning.expect_ringing("unit leader")
    await morning.pass_time(seconds=20)
    await comes(morning, "来电核实，路上耽搁")
    late = (await morning.get("obligations?state=fulfilled_late"))["items"]
    assert [one["rule"] for one in late] == ["48.2"]


async def test_who_signs_in_within_the_minute_is_not_called(morning: World):
    await morning.until("08:30:59")
    await comes(morning, "到岗")
    done = (await morning.get("obligations?state=fulfilled"))["items"]
    assert [one["rule"] for one in done] == ["48.2"]


async def test_the_leaders_are_told_when_nobody_comes(morning: World):
    await morning.until("08:36")
    morning.forget("unit leader")
    morning.expect_screen("not_signed_in")
    morning.expect_sms("leader", "主班到岗签到未完成")
    await morning.pick_up("leader", "到岗签到未完成")
    # The canteen has no leader now: its head stands in.
    morning.expect_screen("gap", "机关食堂 带班领导 无人在岗")
    morning.forget("unit head")
    await comes(morning, "本人到岗")
    morning.forget("unit leader", "unit head")

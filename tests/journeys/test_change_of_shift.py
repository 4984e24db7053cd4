"""From the planned change of shift until both have signed, both are told; a key from off the seat does not count."""

import pytest

from dutydesk.rosters.actions import hold_seat, release_seat
from tests.journeys.world import World, sit

SEATED = ("leader", "unit operator", "unit leader")


@pytest.fixture
async def morning(opening) -> World:
    """Twenty past eight; the leader hands over to the standby and the canteen's operator to its head at half past."""
    world: World = await opening(without=SEATED)
    change = world.at("08:30")
    async with world.wired.site.db.write() as session:
        for going, coming, unit, seat in (
            ("leader", "standby", "desk", "leader"),
            ("unit operator", "unit head", "canteen", "operator_primary"),
        ):
            await sit(world, session, going, unit, seat, ends_at=change)
            await sit(world, session, coming, unit, seat, starts_at=change)
    world.clock.set(world.at("08:20"))
    # Who comes is reminded; both have been on their way for some time.
    await world.tick()
    world.expect_sms("standby", "08:30起带班领导值班")
    world.expect_sms("unit head", "08:30起主班值班")
    return world


async def stays(world: World, who: str, unit: str, seat: str) -> int:
    """The outgoing one has not handed over yet."""
    async with world.wired.site.db.write() as session:
        row = await hold_seat(
            session,
            world.clock.now(),
            "测试",
            unit_id=world.ids[unit],
            seat=seat,
            person=world.ids[who],
            from_at=world.at("08:30"),
            reason="尚未交接",
        )
        return row.id


async def released(world: World, holder: int) -> None:
    async with world.wired.site.db.write() as session:
        await release_seat(session, world.clock.now(), "测试", holder)


async def test_both_are_told_until_the_outgoing_one_is_released(morning: World):
    holders = [
        await stays(morning, "leader", "desk", "leader"),
        await stays(morning, "unit operator", "canteen", "operator_primary"),
    ]
    number = (await morning.log(reports=[{"kind": "written", "content": "书面材料"}]))["number"]
    await morning.called_out()
    await morning.until("08:35")
    for who in ("unit operator", "unit head", "operator"):
        morning.expect_sms(who, "首报（电话）08:40到期，尚未收到")
    await morning.until("08:36")
    for holder in holders:
        await released(morning, holder)
    # From now on only the incoming ones: the canteen has no leader, its head stands in for the seat.
    await morning.until("08:40")
    morning.expect_screen("gap", "带班领导 无人在岗")
    morning.expect_sms("unit head", "08:40已到期未收到")
    await morning.pick_up("unit head")
    await morning.until("08:43")
    morning.expect_sms("standby", "08:40到期未报")
    await morning.pick_up("standby")
    await morning.withdraw(number)


async def test_a_key_from_somebody_no_longer_on_the_seat_is_kept_and_the_new_holder_is_told(morning: World):
    await morning.until("08:29:40")
    number = (await morning.log(occurred_at=morning.at("08:28"), suspected=True))["number"]
    # The call-out rings the outgoing leader a minute later, after the change.
    holder = await stays(morning, "leader", "desk", "leader")
    await morning.until("08:30:45")
    morning.expect_sms("leader", "有突发事件")
    for who in ("leader", "standby"):
        morning.expect_ringing(who)
    await released(morning, holder)
    phone = morning.phone("leader")
    await phone.answer()
    await phone.press("1")
    await phone.hang_up()
    await morning.tick()
    morning.expect_screen("off_seat", "刘建国 已不在该席位")
    assert (await morning.clocks(number))["49.3"]["state"] == "open"
    told = (await morning.get(f"alerts?incident={number}&limit=500"))["items"]
    proofs = [proof for one in told for proof in one["acknowledgements"] if proof["kind"] == "keypad"]
    assert [proof["on_seat"] for proof in proofs] == [False]
    # The one who holds the seat confirms, and that counts.
    standby = morning.phone("standby")
    await standby.answer()
    await standby.press("1")
    await morning.tick()
    assert (await morning.clocks(number))["49.3"]["state"] == "fulfilled"
    await morning.withdraw(number)


async def test_a_key_pressed_on_the_seat_stays_good_after_the_change(morning: World):
    number = (await morning.log(occurred_at=morning.at("08:02"), reports=[{"kind": "written"}]))["number"]
    await morning.pass_time(seconds=1)
    for who in ("unit operator", "operator"):
        morning.expect_sms(who, "首报（电话）08:22到期")
    await morning.called_out()
    told = (await morning.get(f"alerts?incident={number}"))["items"]
    warned = next(one for one in told if (one["person"], one["wording"]) == ("王小明", "warning"))
    body = {"who": "王小明", "how": "来电说明", "at": morning.clock.now()}
    await morning.post(f"alerts/{warned['id']}/acknowledge", body)
    await morning.until("08:22")
    morning.expect_sms("unit operator", "08:22已到期未收到")
    await morning.pick_up("unit operator")
    morning.expect_screen("gap", "带班领导 无人在岗")
    morning.expect_sms("unit head", "08:22已到期未收到")
    morning.expect_call("unit head", "canceled")
    await morning.until("08:25")
    morning.expect_sms("leader", "08:22到期未报")
    await morning.pick_up("leader")
    await morning.until("08:30")
    await morning.pick_up("chief")
    morning.expect_call("unit head", "canceled")
    # The seats have changed hands; whoever confirmed before did so on his seat.
    await morning.until("08:39:59")
    morning.nothing_more()
    await morning.withdraw(number)

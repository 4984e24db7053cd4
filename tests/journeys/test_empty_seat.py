"""An empty seat is skipped at once and shown as a gap; when there is nobody at all, the last resort is told."""

from tests.journeys.world import DESK_PHONE, LAST_RESORT


async def test_the_fallback_is_told_at_once_and_the_gap_is_shown(opening):
    world = await opening(without=("leader",))
    number = (await world.log())["number"]
    await world.until("02:00:01")
    world.expect_screen("gap", "带班领导 无人在岗")
    world.expect_sms("chief", "有突发事件")
    await world.until("02:01")
    await world.pick_up("chief", "有突发事件")
    told = (await world.get(f"alerts?incident={number}"))["items"]
    assert {one["reason"] for one in told if one["person"] == "孙志强"} == {"SEAT_EMPTY"}
    await world.withdraw(number)


async def test_the_second_operator_is_told_where_only_he_is_there(opening):
    world = await opening(without=("unit operator", "unit leader", "unit head"))
    number = (await world.log())["number"]
    await world.called_out()
    await world.until("02:15")
    # The unit has nobody but its telephone, which takes no SMS.
    await world.pick_up("+862223000001", "首报（电话）")
    world.expect_sms("operator", "首报（电话）02:20到期")
    world.expect_screen("gap", "机关食堂 值班员 无人在岗")
    await world.until("02:20")
    await world.pick_up("+862223000001", "首报（电话）")
    world.expect_screen("gap", "机关食堂 带班领导 无人在岗")
    await world.withdraw(number)


async def test_the_last_resort_is_told_when_nobody_at_all_can_be(opening):
    world = await opening(without=("leader", "chief", "standby", "operator", "director", "desk phone"))
    number = (await world.log())["number"]
    await world.until("02:00:01")
    world.expect_screen("last_resort", "2026-0001 无人可告知")
    world.expect_screen("gap", "带班领导")
    for who in LAST_RESORT:
        world.expect_sms(who, "无人可告知，请立即联系值班室")
        world.expect_ringing(who)
    told = (await world.get(f"alerts?incident={number}&limit=500"))["items"]
    assert {one["reason"] for one in told if one["target"] == "last_resort"} == {"LAST_RESORT"}
    await world.withdraw(number)
    assert DESK_PHONE not in {call.to for call in world.exchange.calls.values()}

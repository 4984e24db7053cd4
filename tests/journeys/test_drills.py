"""A drill is the same path end to end, and says so first; it has numbers of its own."""

from tests.journeys.world import World


async def test_every_message_of_a_drill_says_first_that_it_is_one(world: World):
    number = (await world.log(drill=True))["number"]
    assert number == "演练-2026-1"
    assert (await world.log(title="真实事件", grade="ordinary"))["number"] == "2026-0001"
    await world.until("02:01")
    assert world.expect_sms("leader", number, "有突发事件").body.startswith("【市机关局值班室】【演练】")
    phone = world.expect_ringing("leader")
    await phone.answer()
    assert phone.heard[0].startswith("演练，演练。")
    await phone.press("1")
    await world.tick()
    assert (await world.clocks(number))["49.3"]["state"] == "fulfilled"

    await world.until("02:15")
    for who in ("unit operator", "operator"):
        assert "【演练】" in world.expect_sms(who, "首报（电话）02:20到期").body
    await world.report(number, "phone")
    await world.withdraw(number)

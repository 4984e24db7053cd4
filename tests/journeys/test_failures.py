"""What cannot be delivered goes on by another channel, number or person; a provider's fault is never a person's."""

from dutydesk.simulator.faults import Refuse
from tests.journeys.world import World

WRITTEN = {"kind": "written", "content": "书面材料"}
UNIT_OPERATOR, LEADER_FIRST, LEADER_SECOND = "+8613800000001", "+8613800000012", "+8613800000112"


async def attempts(world: World, person: str, channel: str) -> list[dict]:
    told = (await world.get("alerts?limit=500"))["items"]
    return [
        one
        for alert in told
        if (alert["person"], alert["channel"]) == (person, channel)
        for one in alert["attempts"]
    ]


async def contacts(world: World) -> dict[str, bool]:
    people = (await world.get("people?limit=500", "administrator"))["items"]
    return {one["address"]: one["usable"] for person in people for one in person["contacts"]}


async def test_an_sms_to_a_landline_is_followed_by_a_call(world: World):
    world.phone("unit operator").behave("landline")
    number = (await world.log(reports=[WRITTEN]))["number"]
    await world.called_out()
    await world.until("02:15")
    world.expect_sms("operator", "02:20到期，尚未收到")
    world.expect_screen("number_unusable", "王小明 的号码不可用")
    await world.pick_up("unit operator", "首报（电话）")
    assert [one["error_code"] for one in await attempts(world, "王小明", "sms")] == ["30006"]
    world.forget("unit operator")
    await world.report(number, "phone")
    await world.withdraw(number)


async def test_a_number_that_takes_no_sms_is_called_instead(world: World):
    world.exchange.faults.order(Refuse(400, 21614), UNIT_OPERATOR, operations=frozenset({"messages.create"}))
    number = (await world.log(reports=[WRITTEN]))["number"]
    await world.called_out()
    await world.until("02:15")
    world.expect_sms("operator", "02:20到期，尚未收到")
    world.expect_screen("number_unusable", "王小明 的号码不可用")
    await world.pick_up("unit operator", "首报（电话）")
    # Only its SMS is bad: the number itself stays in use.
    assert (await contacts(world))[UNIT_OPERATOR]
    await world.report(number, "phone")
    await world.withdraw(number)


async def test_a_phone_that_is_off_is_written_to_again_and_then_called(world: World):
    world.phone("unit operator").behave("off")
    number = (await world.log(reports=[WRITTEN]))["number"]
    await world.called_out()
    await world.until("02:16")
    world.expect_sms("operator", "02:20到期，尚未收到")
    assert [one["outcome"] for one in await attempts(world, "王小明", "sms")] == ["undelivered"] * 3
    assert await attempts(world, "王小明", "voice") != []
    await world.report(number, "phone")
    world.forget("unit operator")
    await world.withdraw(number)


async def test_a_number_that_does_not_exist_is_marked_and_the_next_number_called(world: World):
    world.exchange.faults.order(Refuse(400, 21211, "Invalid 'To' number"), LEADER_FIRST)
    number = (await world.log(reports=[WRITTEN]))["number"]
    await world.until("02:00:01")
    # The SMS goes to the second number at once, the desk hears of the first.
    world.expect_sms(LEADER_SECOND, "有突发事件")
    world.expect_screen("number_unusable", "刘建国 的号码不可用")
    usable = await contacts(world)
    assert (usable[LEADER_FIRST], usable[LEADER_SECOND]) == (False, True)
    await world.until("02:01")
    await world.pick_up(LEADER_SECOND, "有突发事件")
    await world.withdraw(number)


async def test_too_many_requests_are_tried_again_shortly_and_blame_nobody(world: World):
    world.exchange.faults.order(Refuse(429, 20429, "Too Many Requests"), UNIT_OPERATOR, times=1)
    number = (await world.log(reports=[WRITTEN]))["number"]
    await world.called_out()
    await world.until("02:15:10")
    world.expect_sms("operator", "02:20到期，尚未收到")
    world.expect_sms("unit operator", "02:20到期，尚未收到")
    world.expect_screen("provider_fault", "通道故障，请改用人工电话通知")
    assert [one["outcome"] for one in await attempts(world, "王小明", "sms")] == [
        "provider_fault",
        "delivered",
    ]
    assert (await contacts(world))[UNIT_OPERATOR]
    await world.report(number, "phone")
    await world.withdraw(number)


async def test_a_provider_that_goes_on_failing_is_passed_by_on_another_channel(world: World):
    world.exchange.faults.order(Refuse(429, 20429), UNIT_OPERATOR, operations=frozenset({"messages.create"}))
    number = (await world.log(reports=[WRITTEN]))["number"]
    await world.called_out()
    await world.until("02:15:10")
    world.expect_sms("operator", "02:20到期，尚未收到")
    world.expect_screen("provider_fault", "通道故障")
    await world.pick_up("unit operator", "首报（电话）")
    await world.report(number, "phone")
    await world.withdraw(number)


async def test_a_failing_provider_does_not_bring_the_next_persons_turn(world: World):
    world.exchange.faults.order(
        Refuse(429, 20429), LEADER_FIRST, operations=frozenset({"calls.create"}), times=1
    )
    number = (await world.log(reports=[WRITTEN]))["number"]
    await world.until("02:01:10")
    world.expect_sms("leader", "有突发事件")
    world.expect_screen("provider_fault")
    # The leader's own phone rings a moment later; the chief sleeps on.
    await world.pick_up("leader", "有突发事件")
    assert (await world.clocks(number))["49.3"]["state"] == "fulfilled"
    await world.withdraw(number)


async def test_a_provider_that_breaks_down_is_asked_before_anything_is_sent_twice(world: World):
    world.exchange.faults.order(Refuse(500, 20500, "Internal Server Error"), UNIT_OPERATOR, times=1)
    number = (await world.log(reports=[WRITTEN]))["number"]
    await world.called_out()
    await world.until("02:15:20")
    world.expect_sms("operator", "02:20到期，尚未收到")
    world.expect_sms("unit operator", "重发:", "02:20到期，尚未收到")
    world.expect_screen("provider_fault")
    assert [one["outcome"] for one in await attempts(world, "王小明", "sms")] == ["unknown", "delivered"]
    await world.report(number, "phone")
    await world.withdraw(number)


async def test_a_busy_line_is_no_answer_and_the_next_number_rings_at_once(world: World):
    world.phone("leader").behave("busy")
    number = (await world.log(reports=[WRITTEN]))["number"]
    await world.until("02:01")
    world.expect_sms("leader", "有突发事件")
    world.expect_call("leader", "busy")
    await world.pick_up(LEADER_SECOND, "有突发事件")
    await world.withdraw(number)

"""The wall clock jumps: the operator hears of it, ladders fire all the same, verdicts wait for a person."""

import pytest

from tests.journeys.world import World


async def test_an_hour_ahead_fires_what_is_due_and_leaves_the_verdict_open(world: World):
    number = (await world.log(reports=[{"kind": "written", "content": "书面材料"}]))["number"]
    await world.called_out()
    await world.until("02:05")
    await world.step_clock(3600)
    world.expect_screen("clock_stepped", "本机时钟发生跳变")
    world.expect_sms("unit operator", "有2项时限待办")
    world.expect_sms("unit leader", "02:20已到期未收到")
    world.expect_sms("operator", "首报（电话）仍未收到，请人工处置")
    world.expect_sms("leader", "02:20到期未报")
    for who in ("unit operator", "leader", "chief", "operator"):
        await world.pick_up(who, "首报（电话）")
    # The follow-up is overdue on that clock, too, and still calls the unit's leader.
    await world.pick_up("unit leader", "续报")
    world.expect_call("unit head", "canceled")

    await world.report(number, "phone")
    verdict = (await world.clocks(number))["49.1"]["verdict"]
    assert (verdict["value"], verdict["provisional"]) == ("late", True)
    await world.post("clock/confirm", {"reason": "已与标准时间核对"}, role="operator")
    verdict = (await world.clocks(number))["49.1"]["verdict"]
    assert (verdict["value"], verdict["provisional"], verdict["cause"]) == ("late", False, "CLOCK_CONFIRMED")
    await world.withdraw(number)


async def test_an_hour_back_still_warns_and_calls_by_the_clock_on_the_wall(world: World):
    number = (await world.log(reports=[{"kind": "written", "content": "书面材料"}]))["number"]
    await world.called_out()
    await world.until("02:14")
    await world.step_clock(-3600)
    world.expect_screen("clock_stepped", "请核对时间后确认")
    # The report comes in, and nobody may say yet whether in time.
    report = {"kind": "phone", "reported_at": None, "reporter": "王小明", "reporter_phone": "13800000001"}
    await world.post(f"incidents/{number}/reports", report, 422)

    await world.until("02:15")
    for who in ("unit operator", "operator"):
        world.expect_sms(who, "02:20到期，尚未收到")
    await world.until("02:18")
    await world.report(number, "phone")
    assert (await world.clocks(number))["49.1"]["verdict"]["provisional"] is True
    await world.post("clock/confirm", {"reason": "已与标准时间核对"})
    assert (await world.clocks(number))["49.1"]["verdict"]["provisional"] is False
    await world.withdraw(number)


@pytest.mark.parametrize("seconds", [1.5, -1.5])
async def test_a_small_correction_of_the_clock_alarms_nobody(world: World, seconds: float):
    await world.clockwork.run_pass()
    await world.step_clock(seconds)
    await world.post("clock/confirm", {"reason": "核对"}, 409)

"""A written report filed first stops its own clock only: the phone report is still owed."""

from tests.journeys.world import World


async def test_the_phone_clock_runs_on_after_the_written_report(world: World):
    number = (await world.log())["number"]
    await world.called_out()
    await world.until("02:10")
    await world.post(f"incidents/{number}/reports", {"kind": "written", "content": "书面材料"}, 201, "unit")
    clocks = await world.clocks(number)
    assert (clocks["49.2"]["state"], clocks["49.1"]["state"]) == ("fulfilled", "open")

    await world.until("02:15:10")
    world.expect_sms("unit operator", "首报（电话）02:20到期，尚未收到")
    world.expect_sms("operator", "首报（电话）02:20到期，尚未收到")

    await world.until("02:18")
    await world.report(number, "phone")
    assert (await world.clocks(number))["49.1"]["verdict"]["value"] == "on_time"
    # 02:20, 02:40 and 02:50 pass in silence.
    await world.until("02:55")
    await world.post(f"incidents/{number}/end", {"reason": "处置完毕"})
    await world.report(number, "final")

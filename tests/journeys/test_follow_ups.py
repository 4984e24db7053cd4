"""Each follow-up closes number n and opens n + 1; the end of the handling opens the final report."""

from tests.journeys.world import World


async def test_each_report_opens_the_next_and_the_end_opens_the_final_one(world: World):
    number = (await world.log(grade="considerable"))["number"]
    await world.report(number, "phone")
    clocks = await world.clocks(number)
    assert world.told(clocks["49.4#1"]["due_at"]) == "04:00:00"

    await world.until("03:00")
    await world.report(number, "follow_up")
    clocks = await world.clocks(number)
    assert clocks["49.4#1"]["verdict"]["value"] == "on_time"
    assert world.told(clocks["49.4#2"]["due_at"]) == "05:00:00"

    # The second one is forgotten: the unit is warned, then its leader is called.
    await world.until("04:50")
    world.expect_sms("unit operator", "续报", "05:00到期，尚未收到")
    await world.until("05:00")
    await world.pick_up("unit leader", "续报", "零五点零零")
    await world.until("05:05")
    await world.report(number, "follow_up")
    clocks = await world.clocks(number)
    assert clocks["49.4#2"]["verdict"]["late_seconds"] == 300
    assert world.told(clocks["49.4#3"]["due_at"]) == "07:05:00"

    await world.until("06:00")
    await world.post(f"incidents/{number}/end", {"reason": "处置完毕"})
    clocks = await world.clocks(number)
    assert (clocks["49.4#3"]["state"], clocks["49.4#3"]["verdict"]["cause"]) == ("withdrawn", "ENDED")
    final = clocks["49.4-final"]
    assert (final["state"], world.told(final["due_at"])) == ("open", "06:00:00")
    # 06:55 and 07:05 pass in silence; a day later the final report is asked for.
    await world.pass_time(hours=23, minutes=50)
    world.expect_sms("unit operator", "终报06:00到期")
    await world.report(number, "final")
    assert (await world.clocks(number))["49.4-final"]["verdict"]["value"] == "on_time"


async def test_a_verification_restarts_the_wait_for_the_next_follow_up(world: World):
    number = (await world.log(grade="ordinary"))["number"]
    await world.report(number, "phone")
    await world.until("03:00")
    await world.report(number, "verification")
    clocks = await world.clocks(number)
    assert {"49.4#1"} == {name for name in clocks if name.startswith("49.4#")}
    assert world.told(clocks["49.4#1"]["due_at"]) == "07:00:00"
    await world.withdraw(number)

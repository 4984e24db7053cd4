"""What was due longer ago than a day is recorded and shown in one summary: nobody is woken about yesterday."""

from tests.journeys.world import World


async def test_an_outage_of_two_days_ends_in_one_summary_and_no_burst_of_calls(world: World):
    numbers = [(await world.log())["number"] for _ in range(3)]
    await world.pass_time(seconds=70)
    world.expect_sms("leader", "有3项时限待办")
    await world.pick_up("leader")

    world.clock.set(world.at("+2 02:00"))
    await world.restart()
    await world.tick()
    world.expect_screen("backlog", "停机期间有6项时限已过期超过一日")
    world.nothing_more()
    for number in numbers:
        assert (await world.clocks(number))["49.1"]["state"] == "breached"
        await world.withdraw(number)


async def test_an_old_incident_logged_today_calls_nobody(world: World):
    number = (await world.log(occurred_at=world.at("-2 02:00"), received_at=world.at("-2 02:10")))["number"]
    await world.pass_time(seconds=5)
    world.expect_screen("backlog", "停机期间有3项")
    await world.withdraw(number)

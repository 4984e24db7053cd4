"""What was taken for evidence was a mistake: the obligation is owed again, at its original due time."""

from tests.journeys.world import World


async def expect_everybody(world: World) -> None:
    """Ten minutes over: whoever should have been told by now is told at once."""
    for who in ("unit operator", "unit leader"):
        world.expect_sms(who, "首报（电话）02:20已到期未收到")
    world.expect_sms("operator", "首报（电话）02:20到期")
    world.expect_sms("leader", "首报（电话）02:20到期未报")
    for who in ("unit operator", "leader", "chief"):
        await world.pick_up(who)
    for who in ("unit leader", "unit head"):
        world.expect_call(who, "canceled")


async def test_a_voided_report_is_owed_again_at_the_original_due_time(world: World):
    number = (await world.log(reports=[{"kind": "written", "content": "书面材料"}]))["number"]
    await world.called_out()
    await world.until("02:10")
    report = await world.report(number, "phone")
    await world.until("02:30")
    world.nothing_more()

    await world.post(f"reports/{report['id']}/void", {"reason": "误登，系另一事件"})
    await world.pass_time(seconds=1)
    clock = (await world.clocks(number))["49.1"]
    assert (clock["state"], world.told(clock["due_at"])) == ("breached", "02:20:00")
    await expect_everybody(world)

    await world.report(number, "phone")
    assert (await world.clocks(number))["49.1"]["verdict"]["late_seconds"] == 601
    await world.withdraw(number)


async def test_a_reinstated_incident_is_owed_again_at_the_original_due_time(world: World):
    number = (await world.log(reports=[{"kind": "written", "content": "书面材料"}]))["number"]
    await world.called_out()
    await world.withdraw(number)
    await world.until("02:30")
    world.nothing_more()

    await world.post(f"incidents/{number}/reinstate", {"reason": "并非误报"})
    await world.pass_time(seconds=1)
    clocks = await world.clocks(number)
    assert (clocks["49.1"]["state"], world.told(clocks["49.1"]["due_at"])) == ("breached", "02:20:00")
    # What a key had fulfilled before stays fulfilled.
    assert clocks["49.3"]["state"] == "fulfilled"
    await expect_everybody(world)
    await world.withdraw(number)

"""A downgrade needs a leader's name to stop a clock; an upgrade starts one, or brings the old due time back."""

from tests.journeys.world import World


async def test_a_downgrade_stops_the_clocks_only_with_the_name_of_the_leader_who_decided(world: World):
    number = (await world.log())["number"]
    await world.called_out()
    body = {"grade": "ordinary", "reason": "研判为一般"}
    refused = await world.post(f"incidents/{number}/regrade", body, 422)
    assert refused["errors"][0]["field"] == "leader"
    assert (await world.clocks(number))["49.1"]["state"] == "open"

    await world.post(f"incidents/{number}/regrade", {**body, "leader": "刘建国"})
    clocks = await world.clocks(number)
    assert {clocks[rule]["state"] for rule in ("49.1", "49.2")} == {"withdrawn"}
    # The night stays silent.


async def test_an_upgrade_starts_the_clocks_of_an_incident_that_never_was_major(world: World):
    number = (await world.log(grade="ordinary"))["number"]
    await world.until("02:30")
    world.nothing_more()
    await world.post(f"incidents/{number}/regrade", {"grade": "major", "reason": "伤亡扩大"})
    clocks = await world.clocks(number)
    phone = clocks["49.1"]
    assert (phone["label"], phone["base"], phone["verdict"]) == ("升级补判", "regraded_at", None)
    assert world.told(phone["due_at"]) == "02:50:00"
    # What the occurrence would have asked for is shown beside it.
    assert world.told(phone["occurrence_due_at"]) == "02:20:00"
    await world.called_out()
    await world.until("02:45")
    for who in ("unit operator", "operator"):
        world.expect_sms(who, "首报（电话）02:50到期")
    await world.report(number, "phone")
    await world.withdraw(number)


async def test_the_original_due_time_returns_when_it_had_been_suspected_before(world: World):
    number = (await world.log(suspected=True))["number"]
    await world.called_out()
    await world.post(
        f"incidents/{number}/regrade",
        {"grade": "ordinary", "suspected": False, "leader": "刘建国", "reason": "研判为一般"},
    )
    await world.until("02:30")
    world.nothing_more()

    await world.post(
        f"incidents/{number}/regrade", {"grade": "considerable", "suspected": True, "reason": "疑似"}
    )
    phone = (await world.clocks(number))["49.1"]
    assert (world.told(phone["due_at"]), phone["base"]) == ("02:20:00", "occurred_at")
    await world.pass_time(seconds=1)
    # The clock is ten minutes over: everybody whose turn has passed is told at once.
    for who in ("unit operator", "unit leader"):
        world.expect_sms(who, "02:20已到期未收到")
    world.expect_sms("operator", "02:20")
    world.expect_sms("leader", "02:20到期未报")
    for who in ("unit operator", "leader", "chief"):
        await world.pick_up(who)
    for who in ("unit leader", "unit head"):
        world.expect_call(who, "canceled")
    await world.withdraw(number)

"""After three hours without a clockwork everyone is told once, of everything, and the ladder goes on."""

from tests.journeys.world import World


async def test_everyone_is_told_once_of_everything_they_missed(world: World):
    number = (await world.log())["number"]
    await world.called_out()

    world.clock.set(world.at("05:00"))
    await world.restart()
    await world.until("05:00:10")
    # Both clocks passed all of their rungs; each person gets one SMS and one call about the two.
    for who in ("unit operator", "unit leader", "leader", "operator"):
        world.expect_sms(who, "2026-0001有2项时限待办")
    for who in ("unit operator", "leader", "unit head", "operator"):
        await world.pick_up(who, "首报（电话）", "首报（书面）")
    # One key is enough for a rung: the other calls of the same rungs are taken back.
    for who in ("unit leader", "chief"):
        world.expect_call(who, "canceled")
    for clock in ("49.1", "49.2"):
        assert (await world.clocks(number))[clock]["state"] == "breached"
    told = (await world.get(f"alerts?incident={number}&limit=500"))["items"]
    assert {one["reason"] for one in told if one["created_at"] > "2026-11-22T20"} == {"LATE_START"}

    # From here on the ladder's own times hold again: every ten minutes from 02:38 and from 03:08.
    await world.until("05:07:59")
    world.nothing_more()
    await world.until("05:08:10")
    await world.pick_up("operator", "首报（电话）", "首报（书面）", "请人工处置")
    await world.withdraw(number)


async def test_a_warning_missed_in_an_outage_is_given_while_the_due_time_is_still_ahead(world: World):
    number = (await world.log())["number"]
    await world.called_out()

    world.clock.set(world.at("02:18"))
    await world.restart()
    await world.until("02:18:10")
    world.expect_sms("unit operator", "首报（电话）02:20到期，尚未收到")
    world.expect_sms("operator", "首报（电话）02:20到期，尚未收到")
    await world.report(number, "phone")
    await world.withdraw(number)

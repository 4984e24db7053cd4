"""Somebody at the desk will not wait for the ladder: it tells people now, and still keeps its times."""

from dutydesk.accounts.rules import Actor
from dutydesk.escalation.actions import call_out_now
from dutydesk.obligations import queries
from tests.journeys.world import World

OPERATOR = Actor("desk", "operator")


async def click(world: World, clock: dict[str, object]) -> bool:
    """Press 立即催报 at an obligation."""
    site = world.wired.site
    async with site.db.write() as session:
        row = await queries.obligation(session, int(str(clock["id"])), lock=True)
        assert row is not None
        done = await call_out_now(session, site, world.clock.now(), OPERATOR.name, row)
    await world.tick()
    return done


async def test_clicks_before_the_due_time_warn_and_the_due_time_still_calls_everybody(world: World):
    number = (await world.log())["number"]
    phone_report = (await world.clocks(number))["49.1"]
    assert world.told(phone_report["due_at"]) == "02:20:00"
    await world.called_out()

    for moment in ("02:08", "02:11"):
        await world.until(moment)
        assert await click(world, phone_report)
        assert not await click(world, phone_report), "the echo of a click tells nobody"
        world.expect_sms("unit operator", "02:20到期，尚未收到")
        world.expect_sms("operator", "02:20到期，尚未收到")
        world.nothing_more()

    await world.until("02:15")
    world.expect_sms("unit operator", "02:20到期，尚未收到")
    world.expect_sms("operator", "02:20到期，尚未收到")
    await world.until("02:19:59")
    world.nothing_more()
    assert (await world.clocks(number))["49.1"]["state"] == "open"

    await world.until("02:20")
    for who in ("unit operator", "unit leader"):
        world.expect_sms(who, "02:20已到期未收到")
    world.expect_ringing("unit leader")
    await world.pick_up("unit operator", "现已到期")
    await world.until("02:23")
    world.expect_sms("leader", "到期未报")
    await world.pick_up("leader", "至今未报")
    world.expect_screen("missed", "已到期，未收到")
    await world.report(number, "phone")
    await world.withdraw(number)
    await world.finish()


async def test_whoever_was_brought_forward_after_it_and_did_not_answer_is_called_at_the_own_time_too(
    world: World,
):
    number = (await world.log())["number"]
    phone_report = (await world.clocks(number))["49.1"]
    await world.called_out()
    await world.until("02:20")
    await world.pick_up("unit operator", "现已到期")
    world.forget("unit operator", "operator", "unit leader")
    await world.until("02:20:30")
    assert await click(world, phone_report)
    world.expect_sms("leader", "到期未报")
    world.expect_ringing("leader")
    await world.until("02:22:59")
    world.forget("leader", "+8613800000112", "chief", "standby")
    await world.until("02:23")
    world.expect_sms("leader", "到期未报")
    await world.report(number, "phone")
    await world.withdraw(number)
    world.forget("leader", "+8613800000112", "chief", "standby")
    await world.finish()

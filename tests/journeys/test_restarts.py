"""The process dies between claim and send, or between send and record: nothing is lost, nobody is spammed."""

from sqlmodel import col, select

from dutydesk.alerts.model import Attempt
from dutydesk.simulator.faults import Hold, Withhold
from tests.journeys.world import World

UNIT_OPERATOR = "+8613800000001"
WRITTEN = {"kind": "written", "content": "书面材料"}


async def attempts(world: World, number: str) -> list[tuple[str, str | None, bool]]:
    async with world.wired.site.db.read() as session:
        rows = await session.exec(
            select(Attempt).where(col(Attempt.to_number) == number).order_by(col(Attempt.id))
        )
        return [(row.channel, row.outcome, row.resent) for row in rows]


async def dies_at(world: World, text: str) -> None:
    """The process dies while the provider keeps its requests waiting, and another one starts at once."""
    world.clock.set(world.at(text))
    await world.exchange.run_due(world.clock.now())
    await world.clockwork.run_pass()
    await world.exchange.faults.until_waiting()
    await world.restart()
    world.exchange.faults.clear()


async def ready(world: World) -> str:
    number = (await world.log(reports=[WRITTEN]))["number"]
    await world.called_out()
    await world.until("02:14:59")
    return number


async def test_an_sms_claimed_and_not_sent_is_looked_up_and_sent_again_marked(world: World):
    number = await ready(world)
    world.exchange.faults.order(Hold(), UNIT_OPERATOR)
    await dies_at(world, "02:15")
    await world.until("02:15:25")
    world.expect_sms("operator", "02:20到期，尚未收到")
    world.expect_sms("unit operator", "重发:", "02:20到期，尚未收到")
    world.expect_screen("provider_fault")
    assert await attempts(world, UNIT_OPERATOR) == [("sms", "unknown", False), ("sms", "delivered", True)]
    await world.report(number, "phone")
    await world.withdraw(number)


async def test_an_sms_sent_and_not_recorded_is_found_by_its_code_and_not_sent_again(world: World):
    number = await ready(world)
    world.exchange.faults.order(Withhold(), UNIT_OPERATOR)
    await dies_at(world, "02:15")
    await world.until("02:16:30")
    world.expect_sms("operator", "02:20到期，尚未收到")
    sms = world.expect_sms("unit operator", "02:20到期，尚未收到")
    assert "重发" not in sms.body
    assert await attempts(world, UNIT_OPERATOR) == [("sms", "delivered", False)]
    await world.report(number, "phone")
    await world.withdraw(number)


async def test_a_call_placed_and_not_recorded_is_adopted_and_its_key_counts(world: World):
    number = await ready(world)
    await world.until("02:19:59")
    for who in ("unit operator", "operator"):
        world.expect_sms(who, "02:20到期，尚未收到")
    world.exchange.faults.order(Withhold(), UNIT_OPERATOR, operations=frozenset({"calls.create"}))
    await dies_at(world, "02:20")
    await world.until("02:20:10")
    for who in ("unit operator", "unit leader"):
        world.expect_sms(who, "02:20已到期未收到")
    await world.pick_up("unit operator", "首报（电话）")
    world.expect_call("unit leader", "canceled")
    assert (await attempts(world, UNIT_OPERATOR))[-1] == ("voice", "key", False)
    await world.until("02:22:59")
    world.nothing_more()
    await world.withdraw(number)


async def test_a_call_claimed_and_not_placed_is_placed_by_the_next_process(world: World):
    number = await ready(world)
    await world.until("02:19:59")
    for who in ("unit operator", "operator"):
        world.expect_sms(who, "02:20到期，尚未收到")
    world.exchange.faults.order(Hold(), UNIT_OPERATOR, operations=frozenset({"calls.create"}))
    await dies_at(world, "02:20")
    await world.until("02:20:25")
    for who in ("unit operator", "unit leader"):
        world.expect_sms(who, "02:20已到期未收到")
    await world.pick_up("unit operator", "首报（电话）")
    world.expect_call("unit leader", "canceled")
    world.expect_screen("provider_fault")
    await world.withdraw(number)


async def test_a_process_that_dies_after_recording_leaves_nothing_to_do(world: World):
    number = await ready(world)
    await world.until("02:15")
    await world.restart()
    await world.until("02:19:59")
    for who in ("unit operator", "operator"):
        world.expect_sms(who, "02:20到期，尚未收到")
    await world.report(number, "phone")
    await world.withdraw(number)

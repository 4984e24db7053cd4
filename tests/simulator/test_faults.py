"""The misfortunes that can be ordered."""

import asyncio

import pytest
from twilio.base.exceptions import TwilioException, TwilioRestException

from dutydesk.simulator.faults import Hold, Refuse, Withhold
from tests.simulator.application import LI, WANG


async def killed(request: asyncio.Task) -> None:
    """End the asking side, as a crash does."""
    request.cancel()
    with pytest.raises(asyncio.CancelledError):
        await request


async def test_a_held_request_is_accepted_and_nothing_comes_of_it(world):
    world.exchange.faults.order(Hold(), LI)

    request = asyncio.create_task(world.send())
    await world.exchange.faults.until_waiting()
    await killed(request)
    await world.pass_time(10)

    assert world.exchange.messages == {}
    assert world.application.posts == []


async def test_a_withheld_answer_hides_a_message_that_really_goes(world):
    world.exchange.faults.order(Withhold(), LI)

    request = asyncio.create_task(world.send())
    await world.exchange.faults.until_waiting()
    await killed(request)
    await world.pass_time(10)

    assert [message.status for message in world.exchange.messages.values()] == ["delivered"]
    assert len(await world.twilio.messages.list_async(to=LI)) == 1


async def test_a_withheld_call_rings_and_can_be_found_by_its_recipient(world):
    world.exchange.faults.order(Withhold(), LI)

    request = asyncio.create_task(world.call())
    await world.exchange.faults.until_waiting()
    await killed(request)
    await world.pass_time(4)

    [found] = await world.twilio.calls.list_async(to=LI)
    assert (found.status, found.date_created) == ("ringing", found.start_time)


async def test_clearing_the_rules_lets_the_withheld_answer_out_late(world):
    world.exchange.faults.order(Withhold(), LI)
    request = asyncio.create_task(world.send())
    await world.exchange.faults.until_waiting()

    world.exchange.faults.clear()

    assert (await request).status == "queued"
    assert world.exchange.faults.waiting == 0


async def test_a_number_can_be_refused_so_many_times_with_any_code(world):
    world.exchange.faults.order(Refuse(429, 20429, "Too Many Requests"), LI, times=1)

    with pytest.raises(TwilioRestException) as error:
        await world.send()

    assert (error.value.status, error.value.code) == (429, 20429)
    assert (await world.send()).status == "queued"


async def test_a_rule_for_one_number_leaves_the_others_alone(world):
    world.exchange.faults.order(Refuse(400, 21610), LI)

    assert (await world.send(WANG)).status == "queued"


async def test_a_rule_may_cover_looking_up_instead_of_creating(world):
    world.exchange.faults.order(Refuse(503, 20500), operations=frozenset({"messages.list"}))

    assert (await world.send()).status == "queued"
    # Twilio's SDK knows a failed page only as its plain exception, with the answer beside the words.
    with pytest.raises(TwilioException) as error:
        await world.twilio.messages.list_async(to=LI)
    assert error.value.args[1].status_code == 503

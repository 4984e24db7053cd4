"""A false alarm is withdrawn while phones ring: the calls are cancelled at the provider."""

from tests.journeys.world import World


async def test_calls_that_still_ring_are_cancelled_at_the_provider(world: World):
    number = (await world.log())["number"]
    await world.called_out()
    await world.until("02:20:10")
    for who in ("unit operator", "operator"):
        world.expect_sms(who, "02:20到期，尚未收到")
    for who in ("unit operator", "unit leader"):
        world.expect_sms(who, "已到期未收到")
    ringing = [world.expect_call(who, "ringing") for who in ("unit operator", "unit leader")]

    await world.withdraw(number)
    await world.tick()
    assert [call.status.value for call in ringing] == ["canceled", "canceled"]
    assert {one["state"] for one in (await world.clocks(number)).values()} == {"withdrawn", "fulfilled"}


async def test_whoever_answers_just_then_hears_that_nothing_is_to_be_done(world: World):
    number = (await world.log())["number"]
    await world.pass_time(seconds=70)
    world.expect_sms("leader", "有突发事件")
    phone = world.expect_ringing("leader")

    await world.withdraw(number)
    await phone.answer()
    assert "此前的事项已经处理" in "".join(phone.heard)

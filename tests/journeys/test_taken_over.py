"""A named person takes over with a reason and a next check time: until then nobody is asked for a hand."""

from tests.journeys.world import World


async def test_the_repeats_rest_until_the_next_check_and_then_the_operator_is_asked_again(world: World):
    number = (await world.log(reports=[{"kind": "written", "content": "书面材料"}]))["number"]
    await world.called_out()
    await world.until("02:20:30")
    for who in ("unit operator", "operator"):
        world.expect_sms(who, "02:20到期，尚未收到")
    for who in ("unit operator", "unit leader"):
        world.expect_sms(who, "02:20已到期未收到")
    # Nobody picks up: the next in line are called, too.
    for who in ("unit operator", "unit leader"):
        world.expect_call(who, "no-answer")
    ringing = [world.expect_call(who, "ringing") for who in ("+862223000001", "unit head")]

    clock = (await world.clocks(number))["49.1"]
    body = {"who": "刘建国", "reason": "已派人到现场核实", "next_check_at": world.at("02:42")}
    await world.post(f"obligations/{clock['id']}/take-over", body)
    await world.tick()
    assert [call.status.value for call in ringing] == ["canceled", "canceled"]
    # Rungs still ahead fire all the same; the repeated call for a hand rests.
    await world.until("02:23")
    world.expect_sms("leader", "02:20到期未报")
    await world.pick_up("leader")
    await world.until("02:28")
    await world.pick_up("chief")
    world.expect_call("unit head", "canceled")
    await world.until("02:41:59")
    world.nothing_more()

    await world.until("02:42")
    await world.pick_up("operator", "请人工处置")
    told = (await world.get(f"alerts?incident={number}&limit=500"))["items"]
    assert "TAKE_OVER_CHECK" in {one["reason"] for one in told}
    assert (await world.clocks(number))["49.1"]["taken_over_by"] is None
    # And from then on every ten minutes again.
    await world.until("02:52")
    world.expect_sms("unit operator", "续报")
    await world.pick_up("operator", "请人工处置")
    await world.withdraw(number)

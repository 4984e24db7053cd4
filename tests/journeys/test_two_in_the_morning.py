"""Nobody hears the SMS, somebody answers the call: the ladder ends where a key is pressed, the clock does not."""


async def test_who_does_not_answer_is_followed_by_the_next_until_a_key_is_pressed(world):
    number = (await world.log())["number"]
    await world.until("02:02")
    world.expect_sms("leader", "2026-0001机关食堂有突发事件")
    # Neither of the leader's two numbers is answered, so the chief is called.
    world.expect_call("leader", "no-answer")
    world.expect_call("+8613800000112", "no-answer")
    await world.pick_up("chief", "孙志强", "二零二六杠零零零一", "有突发事件")
    clocks = await world.clocks(number)
    assert clocks["49.3"]["state"] == "fulfilled"

    await world.until("02:15:10")
    world.expect_sms("unit operator", "首报（电话）02:20到期，尚未收到")
    world.expect_sms("operator", "首报（电话）02:20到期，尚未收到")

    # Nobody reports: the unit's operator and leader are called together, and the operator presses 1.
    await world.until("02:20:10")
    world.expect_sms("unit operator", "首报（电话）02:20已到期未收到")
    world.expect_sms("unit leader", "首报（电话）02:20已到期未收到")
    world.expect_ringing("unit leader")
    await world.pick_up("unit operator", "王小明", "首报（电话）", "零二点二零")
    world.expect_screen("missed", "首报（电话） 02:20 已到期，未收到")
    assert (await world.clocks(number))["49.1"]["state"] == "breached"

    # Being awake is not having reported.
    await world.until("02:23:10")
    world.expect_sms("leader", "首报（电话）02:20到期未报，请督促")
    await world.pick_up("leader", "到期，至今未报")

    await world.until("02:26")
    await world.report(number, "phone")
    clocks = await world.clocks(number)
    assert clocks["49.1"]["state"] == "fulfilled_late"
    assert clocks["49.1"]["verdict"]["late_seconds"] == 360
    await world.report(number, "written")
    await world.until("02:59")
    await world.post(f"incidents/{number}/end", {"reason": "处置完毕"})
    await world.report(number, "final")
    assert {one["state"] for one in (await world.clocks(number)).values()} <= {
        "fulfilled",
        "fulfilled_late",
        "withdrawn",
        "open",
    }

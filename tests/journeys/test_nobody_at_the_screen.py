"""The screen is a channel: an alert that no board draws with its sound on rings the desk's telephone."""

from tests.journeys.world import DESK_PHONE, World


async def test_the_desk_telephone_rings_when_no_board_draws_the_alert(world: World):
    world.board_open = False
    number = (await world.log(reports=[{"kind": "written", "content": "书面材料"}]))["number"]
    await world.until("02:00:04")
    world.expect_sms("leader", "有突发事件")
    world.nothing_more()
    await world.until("02:00:05")
    await world.pick_up(DESK_PHONE, "值班台没有屏幕显示告警", "二零二六杠零零零一")
    # Somebody opened the board: it draws what waits, and the telephone stays silent.
    world.board_open = True
    await world.until("02:01")
    await world.pick_up("leader")
    await world.withdraw(number)


async def test_a_board_that_draws_within_seconds_keeps_the_telephone_silent(world: World):
    number = (await world.log(reports=[{"kind": "written", "content": "书面材料"}]))["number"]
    await world.called_out()
    world.expect_screen("call_out", "正在叫应带班领导")
    await world.withdraw(number)
    assert DESK_PHONE not in {call.to for call in world.exchange.calls.values()}

"""The call-out of the leader ends by the key of anybody it asked, by an entry by hand, never by a click."""

from dutydesk.alerts.actions import acknowledge_on_screen
from dutydesk.alerts.queries import screen_alerts
from tests.journeys.world import World

WRITTEN = {"kind": "written", "content": "书面材料"}
PHONED = {"kind": "phone", "reporter": "王小明", "reporter_phone": "13800000001", "content": "三人腹痛"}


async def logged(world: World) -> str:
    return (await world.log(reports=[WRITTEN, PHONED]))["number"]


async def test_the_key_of_whoever_stands_in_ends_it(world: World):
    number = await logged(world)
    await world.until("02:02:30")
    world.expect_sms("leader", "有突发事件")
    for who in ("leader", "+8613800000112", "chief"):
        world.expect_call(who, "no-answer")
    await world.pick_up("standby", "有突发事件")
    clock = (await world.clocks(number))["49.3"]
    assert (clock["state"], clock["closed_at"] > clock["base_at"]) == ("fulfilled", True)
    await world.withdraw(number)


async def test_the_key_of_somebody_asked_only_when_it_was_due_ends_it_late(world: World):
    number = await logged(world)
    await world.until("02:05:07")
    await world.pick_up("director", "有突发事件")
    clock = (await world.clocks(number))["49.3"]
    assert (clock["state"], clock["verdict"]["late_seconds"]) == ("fulfilled_late", 7)
    assert {call.status.value for call in world.exchange.calls.values()} == {
        "no-answer",
        "completed",
        "canceled",
    }
    world.forget("leader", "+8613800000112", "chief", "standby")
    await world.withdraw(number)


async def test_a_click_on_the_screen_is_no_answer_of_the_leader(world: World):
    number = await logged(world)
    await world.until("02:00:30")
    world.expect_sms("leader", "有突发事件")
    site = world.wired.site
    async with site.db.write() as session:
        for row in await screen_alerts(session):
            await acknowledge_on_screen(session, world.clock.now(), row, "desk")
    await world.tick()
    assert (await world.clocks(number))["49.3"]["state"] == "open"
    await world.until("02:01")
    await world.pick_up("leader", "有突发事件")
    assert (await world.clocks(number))["49.3"]["state"] == "fulfilled"
    await world.withdraw(number)


async def test_an_entry_by_hand_says_who_how_and_when(world: World):
    number = await logged(world)
    await world.until("02:00:40")
    world.expect_sms("leader", "有突发事件")
    told = (await world.get(f"alerts?incident={number}"))["items"]
    sms = next(one for one in told if one["channel"] == "sms")
    body = {"who": "刘建国", "how": "当面告知", "at": world.clock.now()}
    await world.post(f"alerts/{sms['id']}/acknowledge", {**body, "at": world.at("02:30")}, 422)
    await world.post(f"alerts/{sms['id']}/acknowledge", body)
    await world.tick()
    assert (await world.clocks(number))["49.3"]["verdict"]["value"] == "on_time"
    await world.withdraw(number)


async def test_the_operator_who_lends_a_hand_is_not_the_leader(world: World):
    number = await logged(world)
    for who in ("leader", "+8613800000112", "chief", "standby", "director"):
        world.phone(who).behave("busy")
    await world.until("02:15")
    await world.pick_up("operator", "请人工处置")
    assert (await world.clocks(number))["49.3"]["state"] == "breached"
    world.forget("leader", "+8613800000112", "chief", "standby", "director")
    await world.withdraw(number)

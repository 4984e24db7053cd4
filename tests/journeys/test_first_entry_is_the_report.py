"""The usual first entry is the phone report itself: what it fulfils opens already judged and tells nobody."""

from tests.journeys.world import World


async def test_the_unit_hears_nothing_when_its_call_is_the_first_entry(world: World):
    await world.until("02:05")
    told = {
        "kind": "phone",
        "reported_at": world.at("02:04"),
        "reporter": "王小明",
        "reporter_phone": "13800000001",
        "content": "三人腹痛",
    }
    made = await world.log(occurred_at=world.at("02:00"), reports=[told])
    number = made["number"]
    clocks = await world.clocks(number)
    assert clocks["49.1"]["state"] == "fulfilled"
    assert clocks["49.1"]["verdict"]["value"] == "on_time"
    assert world.told(clocks["49.4#1"]["due_at"]) == "03:04:00"
    await world.called_out()

    await world.until("02:30")
    await world.report(number, "written")
    # 02:15, 02:20, 02:40 and 02:50 pass in silence.
    await world.until("02:52")
    await world.post(f"incidents/{number}/end", {"reason": "处置完毕"})
    await world.report(number, "final")

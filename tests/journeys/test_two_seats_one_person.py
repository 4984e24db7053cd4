"""Somebody in two seats, owing two clocks, has one telephone: one call speaks of all, one key confirms all."""

from tests.journeys.world import World, sit


async def test_one_call_speaks_of_both_clocks_and_one_key_confirms_both(opening):
    world: World = await opening(without=("unit leader",))
    async with world.wired.site.db.write() as session:
        await sit(world, session, "unit operator", "canteen", "leader")
    first = (await world.log())["number"]
    second = (await world.log(title="配电室起火", category="accident"))["number"]
    await world.until("02:01")
    world.expect_sms("leader", f"{first}、{second}有2项时限待办")
    await world.pick_up("leader", "二零二六杠零零零一、二零二六杠零零零二")
    for number in (first, second):
        assert (await world.clocks(number))["49.3"]["state"] == "fulfilled"

    await world.until("02:15")
    for who in ("unit operator", "operator"):
        world.expect_sms(who, f"{first}、{second}有2项时限待办")
    await world.until("02:20")
    world.expect_sms("unit operator", f"{first}、{second}有2项时限待办")
    await world.pick_up("unit operator", "二零二六杠零零零一、二零二六杠零零零二", "应于零二点二零前报到")
    for number in (first, second):
        told = (await world.get(f"alerts?incident={number}&limit=500"))["items"]
        calls = [one for one in told if one["channel"] == "voice" and one["person"] == "王小明"]
        assert [one["acknowledgements"][0]["kind"] for one in calls] == ["keypad"]
        assert len(calls[0]["attempts"]) == 1
    await world.until("02:22:59")
    world.nothing_more()
    for number in (first, second):
        await world.withdraw(number)


async def test_what_falls_due_while_the_phone_rings_is_spoken_in_the_same_call(world: World):
    first = (await world.log())["number"]
    await world.until("02:00:20")
    second = (await world.log(title="配电室起火"))["number"]
    await world.until("02:01:20")
    world.expect_sms("leader", first)
    world.expect_sms("leader", second)
    # The second call-out is due while the first still rings: no second call comes.
    await world.pick_up("leader", "二零二六杠零零零一、二零二六杠零零零二")
    for number in (first, second):
        assert (await world.clocks(number))["49.3"]["state"] == "fulfilled"
        await world.withdraw(number)


async def test_a_call_that_a_later_rung_takes_over_keeps_what_it_was_made_for(opening):
    world: World = await opening(without=("leader",))
    async with world.wired.site.db.write() as session:
        await sit(world, session, "chief", "desk", "leader")
    number = (await world.log())["number"]
    await world.until("02:06")
    lines = (await world.get(f"incidents/{number}/timeline"))["items"]
    told = [one for one in lines if one["kind"] == "alert.queued" and one["text"] == "电话告知 孙志强"]
    assert [one["detail"].partition("：")[0] for one in told] == ["带班领导"]
    assert "孙志强 的通话改为同时叫应总带班" in [one["text"] for one in lines]
    await world.withdraw(number)
    world.forget("chief", "standby", "operator", "director")

"""A swap and a late leave at the border second, and a director who is away: whoever is really there is called."""

import pytest

from dutydesk.people.model import Person
from tests.journeys.world import World, sit

NO_LEADER = ("leader", "standby")


async def rank(world: World, **ranks: str) -> None:
    """Say who is what in the bureau: leaders' seats ask for it."""
    async with world.wired.site.db.write() as session:
        for who, value in ranks.items():
            row = await session.get(Person, world.ids[who])
            row.rank = value
            session.add(row)


@pytest.fixture
async def swapped(opening) -> World:
    """The office's director leads till half past eight, then Liu, then Zhou; Liu and Zhou have exchanged their turns."""
    world: World = await opening(without=NO_LEADER)
    await rank(world, leader="bureau_deputy", standby="bureau_deputy", director="bureau_leader")
    async with world.wired.site.db.write() as session:
        for who, starts, ends in (
            ("director", "01:00", "08:30"),
            ("leader", "08:30", "20:30"),
            ("standby", "20:30", "+1 08:30"),
        ):
            times = {"starts_at": world.at(starts), "ends_at": world.at(ends)}
            await sit(world, session, who, "desk", "leader", **times)
    planned = (await world.get("shifts?unit=desk&limit=500"))["items"]
    shifts = [one["id"] for one in planned if one["seat"] == "leader"]
    asked = {"kind": "swap", "shift": shifts[1], "other_shift": shifts[2], "reason": "市里会议"}
    change = await world.post("shift-changes", asked, 201, role="administrator")
    # Until somebody approves it, nobody is told and nothing changes.
    await world.tick()
    world.no_sms("leader")
    decided = await world.post(f"shift-changes/{change['id']}/decide", {"decision": "approve"}, role="leader")
    assert decided["state"] == "approved"
    return world


def told_of_both(world: World) -> None:
    """Each is told of the turn that is theirs now."""
    world.expect_sms("standby", "周敏同志：11月23日08:30带班领导班次有调整，请登录查看")
    world.expect_sms("leader", "刘建国同志：11月23日20:30带班领导班次有调整，请登录查看")


async def test_at_the_border_second_of_a_swap_the_one_who_really_comes_is_called(swapped: World):
    await swapped.until("02:01")
    told_of_both(swapped)
    await swapped.until("07:30")
    # Zhou, not Liu, comes at half past eight.
    swapped.expect_sms("standby", "周敏同志：08:30起带班领导值班")
    await swapped.pick_up("standby", "周敏同志，您零八点三零起带班领导值班")
    await swapped.until("08:29")
    number = (await swapped.log(reports=[{"kind": "phone"}, {"kind": "written"}]))["number"]
    await swapped.until("08:29:59")
    # Until the last second it is the outgoing one's.
    swapped.expect_sms("director", "有突发事件，请接听来电")
    swapped.nothing_more()
    await swapped.until("08:30")
    await swapped.pick_up("standby", "有突发事件")
    swapped.no_sms("leader")
    assert (await swapped.clocks(number))["49.3"]["state"] == "fulfilled"
    await swapped.withdraw(number)
    await swapped.until("19:30")
    swapped.expect_sms("leader", "刘建国同志：20:30起带班领导值班")
    await swapped.pick_up("leader", "刘建国同志")
    await swapped.until("20:29:01")
    number = (await swapped.log(reports=[{"kind": "phone"}, {"kind": "written"}]))["number"]
    await swapped.until("20:30:01")
    swapped.expect_sms("standby", "有突发事件，请接听来电")
    await swapped.pick_up("leader", "有突发事件")
    assert (await swapped.clocks(number))["49.3"]["state"] == "fulfilled"
    await swapped.withdraw(number)


async def test_from_the_second_a_late_leave_begins_the_seat_is_empty_and_the_next_in_line_is_called(
    world: World,
):
    await rank(world, leader="bureau_deputy", standby="bureau_deputy", chief="bureau_head")
    await world.until("02:05")
    leave = await world.post(
        "leaves",
        {
            "person": world.ids["leader"],
            "kind": "leave",
            "away": "city",
            "place": "北京",
            "reason": "家人急病",
            "from": world.at("02:10"),
            "until": world.at("08:30"),
            "urgent": True,
            "phone_reported_at": world.at("02:04"),
            "phone_reported_to": "局长",
            "written_at": world.at("02:05"),
        },
        201,
        role="administrator",
    )
    await world.until("02:09")
    number = (await world.log(reports=[{"kind": "phone"}, {"kind": "written"}]))["number"]
    verdict = {"decision": "approve", "decided_by": "孙志强"}
    await world.post(f"leaves/{leave['id']}/decide", verdict, role="administrator")
    await world.tick()
    world.expect_sms("leader", "有突发事件，请接听来电")
    # The hole is told at once to whoever plans, before it opens, and to the desk.
    world.expect_sms("chief", "局值班室11月23日带班空缺，即将到班")
    world.expect_sms("director", "局值班室11月23日带班空缺，请及时补排")
    world.expect_sms("operator", "局值班室11月23日带班空缺，即将到班")
    world.expect_screen("gap_found", "11月23日 带班空缺")
    await world.pick_up("chief", "带班空缺")
    world.expect_call("director", "canceled")
    await world.until("02:09:59")
    world.nothing_more()
    await world.until("02:10")
    # The seat is empty now: the director of the bureau hears of both in one call.
    world.expect_screen("gap", "带班领导 无人在岗")
    world.expect_screen("gap_now", "局值班室 11月23日 带班空缺，现无人在岗")
    world.expect_sms("chief", "带班空缺，现无人在岗，请立即安排")
    await world.pick_up("chief", "有突发事件", "现在无人在岗")
    assert (await world.clocks(number))["49.3"]["state"] == "fulfilled"
    await world.withdraw(number)
    shifts = (await world.get("shifts?unit=desk&limit=500"))["items"]
    running = next(one["id"] for one in shifts if one["person"] == world.ids["leader"])
    stands_in = {"person": world.ids["standby"], "reason": "局长指定"}
    await world.post(f"shifts/{running}/holder", stands_in, 201, role="administrator")
    await world.until("02:11")
    # Answered by one, the hole rings at the desk no more; whoever stands in is called from now on.
    world.expect_call("operator", "canceled")
    number = (await world.log(reports=[{"kind": "phone"}, {"kind": "written"}]))["number"]
    await world.until("02:12")
    world.expect_sms("standby", "有突发事件，请接听来电")
    await world.pick_up("standby", "有突发事件")
    await world.withdraw(number)
    await world.until("08:31")
    await world.post(f"leaves/{leave['id']}/return", {}, role="administrator")
    # Back at eight thirty-one, Liu does not get the turn back: Zhou keeps it to its end.
    on_duty = (await world.get("on-duty?unit=desk"))["seats"]
    assert [one["person"]["name"] for one in on_duty if one["seat"] == "leader"] == ["周敏"]


async def test_while_the_director_is_away_the_delegate_is_called_and_the_director_is_not(world: World):
    await rank(world, leader="bureau_leader", standby="bureau_deputy", chief="bureau_head")
    leave = await world.post(
        "leaves",
        {
            "person": world.ids["chief"],
            "kind": "trip",
            "away": "city",
            "place": "北京",
            "reason": "国家局会议",
            "from": world.at("02:30"),
            "until": world.at("+9 18:00"),
            "urgent": True,
            "phone_reported_at": world.at("01:50"),
            "phone_reported_to": "市政府总值班室",
            "written_at": world.at("01:55"),
            "delegate": world.ids["standby"],
        },
        201,
        role="administrator",
    )
    verdict = {
        "decision": "approve",
        "decided_by": "王副市长",
        "consent_by": "王副市长",
        "consent_at": world.at("01:45"),
    }
    await world.post(f"leaves/{leave['id']}/decide", verdict, role="administrator")
    # Liu does not answer; his second number has rung out in the second in which the director leaves.
    await world.until("02:28")
    number = (await world.log(reports=[{"kind": "phone"}, {"kind": "written"}]))["number"]
    await world.until("02:29:59")
    world.expect_sms("leader", "有突发事件，请接听来电")
    world.expect_call("leader")
    world.expect_call("+8613800000112", "ringing")
    world.nothing_more()
    await world.until("02:30")
    await world.pick_up("standby", "有突发事件")
    assert (await world.clocks(number))["49.3"]["state"] == "fulfilled"
    assert not world.phone("chief").calls
    await world.withdraw(number)

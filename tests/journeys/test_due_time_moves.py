"""A corrected occurrence moves the due time: what is past is told once, what is ahead is armed again."""

import pytest

from tests.journeys.world import World


@pytest.fixture
async def logged(world: World) -> World:
    """An incident of 02:00, logged at 02:10 with its written report; its phone report is due at 02:20."""
    await world.until("02:10")
    written = {"kind": "written", "reported_at": world.at("02:10"), "content": "书面材料"}
    await world.log(occurred_at=world.at("02:00"), reports=[written])
    await world.called_out()
    return world


async def correct(world: World, occurred: str) -> None:
    body = {"reason": "核实事发时间", "occurred_at": world.at(occurred)}
    await world.post("incidents/2026-0001/correct", body)
    await world.pass_time(seconds=1)


def expect_warning(world: World, due: str) -> None:
    for who in ("unit operator", "operator"):
        world.expect_sms(who, f"首报（电话）{due}到期，尚未收到")


def expect_missed(world: World, due: str, status: str = "ringing") -> None:
    for who in ("unit operator", "unit leader"):
        world.expect_sms(who, f"首报（电话）{due}已到期未收到")
        world.expect_call(who, status)


async def phone_clock(world: World) -> dict:
    return (await world.clocks("2026-0001"))["49.1"]


async def test_later_before_the_warning_nothing_is_told_at_the_old_times(logged: World):
    await logged.until("02:12")
    await correct(logged, "02:08")
    await logged.until("02:22:59")
    logged.nothing_more()
    await logged.until("02:23")
    expect_warning(logged, "02:28")
    await logged.until("02:28")
    expect_missed(logged, "02:28")
    await logged.withdraw("2026-0001")


async def test_later_after_the_warning_everyone_is_warned_again_before_the_new_due_time(logged: World):
    await logged.until("02:17")
    expect_warning(logged, "02:20")
    await correct(logged, "02:08")
    await logged.until("02:22:59")
    logged.nothing_more()
    await logged.until("02:23")
    expect_warning(logged, "02:28")
    await logged.report("2026-0001", "phone")
    assert (await phone_clock(logged))["verdict"]["value"] == "on_time"
    await logged.withdraw("2026-0001")


async def test_later_after_the_due_time_calls_that_ring_are_taken_back_and_the_clock_is_open_again(
    logged: World,
):
    await logged.until("02:20:10")
    expect_warning(logged, "02:20")
    for who in ("unit operator", "unit leader"):
        logged.expect_sms(who, "02:20已到期未收到")
    ringing = [logged.expect_call(who, "ringing") for who in ("unit operator", "unit leader")]
    await correct(logged, "02:08")
    assert [call.status.value for call in ringing] == ["canceled", "canceled"]
    clock = await phone_clock(logged)
    assert (clock["state"], clock["due_version"]) == ("open", 2)
    await logged.until("02:22:59")
    logged.nothing_more()
    await logged.until("02:23")
    expect_warning(logged, "02:28")
    await logged.until("02:28")
    expect_missed(logged, "02:28")
    await logged.withdraw("2026-0001")


async def test_later_after_the_leader_was_told_a_key_of_the_old_due_time_does_not_carry_over(logged: World):
    await logged.until("02:20")
    expect_warning(logged, "02:20")
    for who in ("unit operator", "unit leader"):
        logged.expect_sms(who, "02:20已到期未收到")
    await logged.pick_up("unit operator")
    logged.expect_call("unit leader", "canceled")
    await logged.until("02:23")
    logged.expect_sms("leader", "02:20到期未报")
    await logged.pick_up("leader")

    await correct(logged, "02:09")
    await logged.until("02:24")
    expect_warning(logged, "02:29")
    await logged.until("02:29")
    expect_missed(logged, "02:29")
    await logged.report("2026-0001", "phone")
    await logged.withdraw("2026-0001")


async def test_earlier_before_the_warning_what_is_past_is_told_at_once_and_the_rest_in_its_time(
    logged: World,
):
    await logged.until("02:12")
    await correct(logged, "01:50")
    for who in ("unit operator", "unit leader"):
        logged.expect_sms(who, "首报（电话）02:10已到期未收到")
    logged.expect_sms("operator", "首报（电话）02:10到期")
    await logged.pick_up("unit leader", "零二点一零")
    logged.expect_call("unit operator", "canceled")
    assert (await phone_clock(logged))["state"] == "breached"
    told = (await logged.get("alerts?limit=500"))["items"]
    assert {one["reason"] for one in told if one["wording"] == "missed"} == {"DUE_MOVED"}
    await logged.until("02:12:59")
    logged.nothing_more()
    await logged.until("02:13")
    logged.expect_sms("leader", "02:10到期未报")
    await logged.pick_up("leader")
    await logged.withdraw("2026-0001")


async def test_earlier_after_the_due_time_everybody_past_is_told_once_by_the_new_time(logged: World):
    await logged.until("02:20:10")
    expect_warning(logged, "02:20")
    for who in ("unit operator", "unit leader"):
        logged.expect_sms(who, "02:20已到期未收到")
    # Due at 02:10: the warning, the due rung, the leader and the chief are all past.
    await correct(logged, "01:50")
    for who in ("unit operator", "unit leader"):
        logged.expect_sms(who, "02:10已到期未收到")
    logged.expect_sms("operator", "02:10到期，尚未收到")
    logged.expect_sms("leader", "02:10到期未报")
    # The phone that rings already speaks of the new time: nobody is called a second time.
    for who in ("unit operator", "leader", "chief"):
        await logged.pick_up(who, "零二点一零")
    for who in ("unit leader", "unit head"):
        logged.expect_call(who, "canceled")
    await logged.until("02:27:59")
    logged.nothing_more()
    await logged.until("02:28")
    await logged.pick_up("operator", "请人工处置")
    await logged.withdraw("2026-0001")


async def test_what_was_reported_already_is_judged_again_and_tells_nobody(logged: World):
    await logged.until("02:14")
    await logged.report("2026-0001", "phone")
    await correct(logged, "01:50")
    verdict = (await phone_clock(logged))["verdict"]
    assert (verdict["version"], verdict["value"], verdict["late_seconds"]) == (2, "late", 240)
    await correct(logged, "02:00")
    verdict = (await phone_clock(logged))["verdict"]
    assert (verdict["version"], verdict["value"]) == (3, "on_time")
    await logged.withdraw("2026-0001")

"""Callbacks come late, twice, out of order or forged: they change nothing they should not."""

from sqlmodel import col, select

from dutydesk.alerts.model import Attempt, ForeignCallback
from dutydesk.simulator.callbacks import signature
from tests.journeys.world import PUBLIC, TOKEN, World

UNIT_LEADER = "+8613800000002"


async def call_back(world: World, path: str, *, forged: bool = False, **fields: str) -> int:
    """Post as the provider would, with its signature; return the status of the answer."""
    url = f"{PUBLIC}/webhooks/twilio/twilio/{path}"
    signed = "forged" if forged else signature(TOKEN, url, fields)
    answer = await world.api.post(url, data=fields, headers={"X-Twilio-Signature": signed})
    return answer.status_code


async def attempt_to(world: World, number: str) -> Attempt:
    async with world.wired.site.db.read() as session:
        found = await session.exec(
            select(Attempt)
            .where(col(Attempt.to_number) == number, col(Attempt.channel) == "voice")
            .order_by(col(Attempt.id).desc())
        )
        return found.first()


async def acknowledgements(world: World) -> list[dict]:
    told = (await world.get("alerts?limit=500"))["items"]
    return [proof for one in told for proof in one["acknowledgements"]]


async def ringing_at_due(world: World) -> Attempt:
    """The phone report is due, the unit's operator and leader are being called."""
    await world.log(reports=[{"kind": "written", "content": "书面材料"}])
    await world.called_out()
    await world.until("02:20:10")
    for who in ("unit operator", "operator"):
        world.expect_sms(who, "02:20到期")
    for who in ("unit operator", "unit leader"):
        world.expect_sms(who, "02:20已到期")
    world.expect_ringing("unit operator")
    world.expect_ringing("unit leader")
    return await attempt_to(world, UNIT_LEADER)


async def test_a_key_told_twice_confirms_once_and_late_news_of_the_call_change_nothing(world: World):
    attempt = await ringing_at_due(world)
    before = len(await acknowledgements(world))
    await world.phone("unit leader").answer()
    for _ in range(2):
        assert await call_back(world, f"keys/{attempt.token}?stage=menu&asked=1", Digits="1") == 200
    await world.phone("unit leader").hang_up()
    await world.tick()
    assert len(await acknowledgements(world)) == before + 1

    for word in ("ringing", "in-progress", "initiated", "no-answer", "completed"):
        sid = attempt.reference
        assert await call_back(world, f"call-status/{attempt.token}", CallStatus=word, CallSid=sid) == 204
    await world.tick()
    after = await attempt_to(world, UNIT_LEADER)
    assert (after.id, after.state, after.outcome) == (attempt.id, "completed", "key")
    await world.withdraw("2026-0001")


async def test_the_end_of_a_call_told_before_its_ringing_ends_it_for_good(world: World):
    attempt = await ringing_at_due(world)
    sid = attempt.reference
    await call_back(world, f"call-status/{attempt.token}", CallStatus="no-answer", CallSid=sid)
    for word in ("ringing", "initiated", "no-answer"):
        await call_back(world, f"call-status/{attempt.token}", CallStatus=word, CallSid=sid)
    ended = await attempt_to(world, UNIT_LEADER)
    assert (ended.state, ended.outcome, ended.live) == ("failed", "no_key", False)
    await world.withdraw("2026-0001")


async def test_forged_and_unknown_callbacks_are_recorded_and_change_nothing(world: World):
    attempt = await ringing_at_due(world)
    before = len(await acknowledgements(world))
    path = f"keys/{attempt.token}?stage=menu&asked=1"
    assert await call_back(world, path, forged=True, Digits="1") == 403
    assert await call_back(world, "call-status/nobody-knows-this", CallStatus="ringing") == 204
    assert len(await acknowledgements(world)) == before
    async with world.wired.site.db.read() as session:
        refused = list(await session.exec(select(ForeignCallback).order_by(col(ForeignCallback.id))))
    assert [one.why for one in refused] == ["signature", "unknown"]
    await world.withdraw("2026-0001")


async def test_a_key_replayed_hours_later_is_refused(world: World):
    attempt = await ringing_at_due(world)
    await world.withdraw("2026-0001")
    before = len(await acknowledgements(world))
    await world.pass_time(hours=2)
    assert await call_back(world, f"keys/{attempt.token}?stage=menu&asked=1", Digits="1") == 403
    assert len(await acknowledgements(world)) == before


async def test_key_2_repeats_and_key_9_passes_it_on_to_the_next_at_once(world: World):
    await ringing_at_due(world)
    phone = world.phone("unit leader")
    await phone.answer()
    words = list(phone.heard)
    await phone.press("2")
    assert phone.heard == words * 2
    await phone.press("9")
    assert "转下一位" in phone.heard[-1]
    await world.tick()
    # The next in line is called at once, and whoever passed it on is not called again.
    await world.pick_up("unit head", "首报（电话）")
    assert world.phone("unit operator").call is None
    await world.withdraw("2026-0001")


async def test_a_call_answered_by_a_machine_is_no_acknowledgement(world: World):
    await world.log(reports=[{"kind": "written", "content": "书面材料"}])
    world.phone("leader").behave("voicemail")
    await world.until("02:01:50")
    world.expect_sms("leader", "有突发事件")
    world.expect_call("leader", "completed")
    # Nobody pressed a key: the leader's second number rings.
    await world.pick_up("+8613800000112", "有突发事件")
    assert (await world.clocks("2026-0001"))["49.3"]["state"] == "fulfilled"
    await world.withdraw("2026-0001")

"""After a crash, a silence or a lost callback: nothing is lost, nobody is spammed, nobody is blamed wrongly."""

import asyncio
from datetime import timedelta

import pytest

from dutydesk.alerts import queries
from dutydesk.alerts.actions import acknowledge_by_hand, screen_drawn
from dutydesk.alerts.claims import LEASE
from dutydesk.alerts.model import Alert, Attempt
from dutydesk.people.actions import create_unit
from dutydesk.simulator.faults import Hold, Refuse, Withhold
from tests.alerts.conftest import LI

LISTS = frozenset({"messages.list", "calls.list"})
FETCHES = frozenset({"messages.fetch", "calls.fetch"})


async def killed(line, fault, channel="sms", **more):
    """Queue an alert, let its request meet *fault*, and kill the process there. Return the alert's id."""
    alert_id = await line.queue(LI, channel, **more)
    rule = line.exchange.faults.order(fault, times=1)
    (job,) = await line.claim()
    sending = asyncio.create_task(line.send(job))
    await line.exchange.faults.until_waiting()
    sending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sending
    line.exchange.faults.rules.remove(rule)
    return alert_id


async def restarted(line):
    """A process that starts asks about everything that was claimed and never recorded."""
    async with line.wired.site.db.write() as session:
        await queries.ask_about_claimed(session, line.clock.now())


# ── reconciliation ───────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("channel", ["sms", "voice"])
async def test_what_was_sent_and_not_recorded_is_found_and_adopted(line, channel):
    alert_id = await killed(line, Withhold(), channel)
    await restarted(line)
    await line.look()
    (attempt,) = await line.attempts(alert_id)
    assert attempt.reference in {*line.exchange.messages, *line.exchange.calls}
    assert attempt.state == "accepted"
    await line.pass_time(20)
    assert len(line.exchange.messages) + len(line.exchange.calls) == 1
    assert len(await line.attempts(alert_id)) == 1


async def test_what_was_claimed_and_not_sent_is_sent_again_after_a_second_look(line):
    alert_id = await killed(line, Hold())
    await restarted(line)
    await line.go()
    assert not line.exchange.messages
    await line.pass_time(4)
    assert not line.exchange.messages
    await line.pass_time(5)
    (message,) = line.exchange.messages.values()
    assert "重发:" in message.body
    lost, sent = await line.attempts(alert_id)
    assert (lost.outcome, sent.resent) == ("unknown", True)
    assert (await line.alert(alert_id)).state == "delivered"


async def test_a_call_that_was_claimed_and_not_placed_is_placed_again(line):
    alert_id = await killed(line, Hold(), "voice")
    await line.pass_time(LEASE.total_seconds() + 10)
    assert len(line.exchange.calls) == 1
    assert [one.resent for one in await line.attempts(alert_id)] == [False, True]


async def test_without_a_restart_the_lease_runs_out_and_the_attempt_is_looked_into(line):
    alert_id = await killed(line, Withhold())
    await line.pass_time(LEASE.total_seconds() - 1)
    assert (await line.attempts(alert_id))[0].reference in (None, *line.exchange.messages)
    await line.pass_time(10)
    (attempt,) = await line.attempts(alert_id)
    assert attempt.state == "delivered"


async def test_a_callback_that_came_while_we_were_down_is_proof_enough(line):
    alert_id = await killed(line, Withhold())
    await line.exchange.run_due(line.clock.now() + timedelta(seconds=2))
    (attempt,) = await line.attempts(alert_id)
    assert attempt.state == "delivered"
    await restarted(line)
    assert await line.look() == 0


async def test_two_calls_to_one_number_are_not_taken_for_ours_by_guess(line):
    """Somebody else's calls through the same account: with two of them nothing is adopted, one is placed."""
    alert_id = await killed(line, Withhold(), "voice")
    (ours,) = line.exchange.calls.values()
    twin = type(ours)(
        "CA" + "1" * 32, 99, ours.account_sid, ours.to, ours.from_, ours.created_at, ours.updated_at, None
    )
    line.exchange.calls[twin.sid] = twin
    await restarted(line)
    await line.look()
    (attempt,) = await line.attempts(alert_id)
    assert (attempt.state, attempt.reference) == ("claimed", None)


async def test_a_call_that_belongs_to_another_attempt_is_not_adopted_twice(line):
    _, first = await line.ringing()
    await line.change(Attempt, first.id, live=False)
    alert_id = await killed(line, Hold(), "voice", recipient="phone:the-other")
    await restarted(line)
    await line.look()
    assert (await line.attempts(alert_id))[0].reference is None


async def test_a_provider_that_says_nothing_is_followed_by_the_next_channel(line):
    alert_id = await killed(line, Hold())
    line.exchange.faults.order(Refuse(503, 20500), operations=LISTS)
    line.exchange.faults.order(Refuse(503, 20500))
    await restarted(line)
    await line.pass_time(30)
    row = await line.alert(alert_id)
    assert (row.state, row.exhausted_reason) == ("failed", "CHANNEL_FAILED")
    assert [one.outcome for one in await line.attempts(alert_id)] == ["unknown", "unknown"]
    assert "provider_fault" in await line.alarm_words()


async def test_a_call_with_an_unknown_outcome_gives_the_turn_away_but_is_tried_again(line):
    alert_id = await killed(line, Hold(), "voice")
    line.exchange.faults.order(Refuse(503, 20500), operations=LISTS)
    line.exchange.faults.order(Refuse(503, 20500))
    await restarted(line)
    await line.pass_time(20)
    row = await line.alert(alert_id)
    assert row.exhausted_reason == "PROVIDER_FAILED"
    assert row.state in ("queued", "sending")
    line.exchange.faults.clear()
    await line.pass_time(90)
    assert line.exchange.handset(LI).calls


async def test_a_cancelled_alert_whose_request_was_lost_is_never_sent_again(line):
    alert_id = await killed(line, Hold())
    await line.change(Alert, alert_id, state="cancelled", next_try_at=None)
    await restarted(line)
    await line.pass_time(60)
    assert not line.exchange.messages
    assert (await line.alert(alert_id)).state == "cancelled"


async def test_a_provider_taken_out_of_the_configuration_does_not_keep_an_attempt_for_ever(line):
    alert_id = await killed(line, Hold())
    await line.change(Attempt, (await line.attempts(alert_id))[0].id, provider="gone")
    await restarted(line)
    await line.pass_time(5)
    assert (await line.alert(alert_id)).state == "delivered"


# ── calls ────────────────────────────────────────────────────────────────────────────────────


async def test_an_answered_call_whose_words_are_not_fetched_alarms_the_desk_and_blames_nobody(line):
    line.network.unplugged.add("desk.test")
    line.exchange.handset(LI).behave("answer")
    alert_id = await line.queue(LI, "voice")
    await line.pass_time(70)
    attempt = (await line.attempts(alert_id))[0]
    assert attempt.outcome == "our_fault"
    assert "callback_unreachable" in await line.alarm_words()
    row = await line.alert(alert_id)
    assert row.exhausted_reason == "PROVIDER_FAILED"
    assert row.acknowledged_at is None


async def test_a_status_answered_without_a_fetch_is_noticed_after_five_seconds(line):
    alert_id, attempt = await line.ringing()
    line.exchange.faults.order(Refuse(503, 20500), operations=FETCHES, times=0)
    await line.hook(
        f"call-status/{attempt.token}", {"CallStatus": "in-progress", "CallSid": attempt.reference}
    )
    (now,) = await line.attempts(alert_id)
    assert now.outcome_due_at == line.clock.now() + timedelta(seconds=5)


async def test_a_call_without_any_callback_is_asked_about_when_it_must_be_over(line):
    """Every status callback got lost; the provider knows that nobody answered."""
    line.network.unplugged.add("desk.test")
    line.exchange.handset(LI).behave("ignore")
    alert_id = await line.queue(LI, "voice")
    await line.pass_time(60)
    attempt = (await line.attempts(alert_id))[0]
    assert (attempt.outcome, attempt.error_text) == ("no_key", "no-answer")
    assert await line.alarm_words() == []


async def test_a_provider_silent_about_a_call_is_not_waited_for_for_ever(line):
    alert_id, _ = await line.ringing()
    line.network.unplugged.add("127.0.0.1")
    line.network.unplugged.add("desk.test")
    await line.pass_time(120)
    ended = (await line.attempts(alert_id))[0]
    assert (ended.outcome, ended.live) == ("unknown", False)
    assert "provider_fault" in await line.alarm_words()


async def test_a_ringing_call_that_is_no_longer_wanted_is_cancelled_at_the_provider(line):
    alert_id, attempt = await line.ringing()
    async with line.wired.site.db.write() as session:
        row = await session.get_one(Alert, alert_id)
        row.state, row.next_try_at = "cancelled", None
        await queries.look_soon(session, [alert_id], line.clock.now())
    await line.go()
    assert line.exchange.calls[attempt.reference].status.value == "canceled"
    assert not (await line.attempts(alert_id))[0].live


async def test_a_call_that_rings_is_cancelled_when_the_person_confirms_in_another_way(line):
    alert_id, attempt = await line.ringing()
    now = line.clock.now()
    async with line.wired.site.db.write() as session:
        row = await session.get_one(Alert, alert_id)
        await acknowledge_by_hand(session, now, row, who="李强", how="当面", at=now, recorded_by="desk")
    await line.go()
    assert line.exchange.calls[attempt.reference].status.value == "canceled"


async def test_a_call_taken_back_while_its_request_is_under_way_is_cancelled_as_soon_as_it_is_placed(line):
    alert_id = await line.queue(LI, "voice")
    line.exchange.faults.order(Withhold(), times=1)
    (job,) = await line.claim()
    sending = asyncio.create_task(line.send(job))
    await line.exchange.faults.until_waiting()
    async with line.wired.site.db.write() as session:
        row = await session.get_one(Alert, alert_id)
        row.state, row.next_try_at = "cancelled", None
        await queries.look_soon(session, [alert_id], line.clock.now())
    assert await line.look() == 0
    line.exchange.faults.clear()
    await sending
    await line.go()
    (call,) = line.exchange.calls.values()
    assert call.status.value == "canceled"


async def test_an_answered_call_is_not_cut_off_when_the_matter_is_settled(line):
    alert_id, attempt = await line.ringing()
    await line.exchange.handset(LI).answer()
    async with line.wired.site.db.write() as session:
        row = await session.get_one(Alert, alert_id)
        row.state, row.next_try_at = "cancelled", None
        await queries.look_soon(session, [alert_id], line.clock.now())
    await line.go()
    assert line.exchange.calls[attempt.reference].status.value == "in-progress"


# ── SMS ──────────────────────────────────────────────────────────────────────────────────────


async def test_an_sms_without_any_receipt_is_asked_about_and_then_left_alone(line):
    line.network.unplugged.add("desk.test")
    alert_id = await line.queue()
    await line.pass_time(61)
    (attempt,) = await line.attempts(alert_id)
    assert (attempt.state, attempt.outcome) == ("delivered", "delivered")


async def test_an_sms_that_the_provider_never_sent_on_is_followed_by_another_channel_not_by_itself(line):
    alert_id = await line.queue()
    (job,) = await line.claim()
    await line.send(job)
    line.network.unplugged.update({"desk.test", "127.0.0.1"})
    for _ in range(3):
        line.clock.move(61)
        await line.look()
    (attempt,) = await line.attempts(alert_id)
    assert (attempt.state, attempt.outcome_due_at, attempt.live) == ("accepted", None, False)
    row = await line.alert(alert_id)
    assert (row.state, row.exhausted_reason) == ("accepted", "CHANNEL_FAILED")
    assert len(await line.attempts(alert_id)) == 1


async def test_an_sms_the_carrier_lost_is_tried_again_a_few_times_and_then_given_up(line):
    line.exchange.handset(LI).behave("off")
    alert_id = await line.queue()
    await line.pass_time(120)
    row = await line.alert(alert_id)
    assert (row.state, row.exhausted_reason) == ("failed", "CHANNEL_FAILED")
    assert len(await line.attempts(alert_id)) == 3


# ── the screen ───────────────────────────────────────────────────────────────────────────────


async def with_a_desk(line):
    async with line.wired.site.db.write() as session:
        await create_unit(
            session,
            line.clock.now(),
            "test",
            code="desk",
            name="局值班室",
            kind="desk",
            duty_phone="02223456789",
        )
    return "+862223456789"


async def test_an_alarm_that_no_board_draws_rings_the_desks_telephone(line):
    phone = await with_a_desk(line)
    alert_id = await line.queue(None, "screen", cause="alarm", wording="clock_stepped")
    await line.pass_time(7)
    assert (await line.alert(alert_id)).exhausted_reason == "NO_SCREEN"
    (call,) = line.exchange.handset(phone).calls
    await line.exchange.handset(phone).answer()
    await line.exchange.handset(phone).press("1")
    assert "没有屏幕显示告警" in "".join(call.said)


async def test_many_alarms_ring_the_desk_once(line):
    phone = await with_a_desk(line)
    for _ in range(4):
        await line.queue(None, "screen", cause="alarm", wording="clock_stepped")
    await line.pass_time(7)
    assert len(line.exchange.handset(phone).calls) == 1
    await line.queue(None, "screen", cause="alarm", wording="clock_stepped")
    await line.pass_time(60)
    assert len(line.exchange.handset(phone).calls) == 1


async def test_a_board_that_comes_back_ends_the_ringing(line):
    phone = await with_a_desk(line)
    alert_id = await line.queue(None, "screen", cause="alarm", wording="clock_stepped")
    await line.pass_time(7)
    async with line.wired.site.db.write() as session:
        await screen_drawn(session, line.clock.now(), [alert_id], sound=True)
    await line.pass_time(600)
    (call,) = line.exchange.handset(phone).calls
    assert call.status.value == "canceled"
    row = await line.alert(alert_id)
    assert (row.state, row.exhausted_reason) == ("delivered", None)


async def test_a_board_without_sound_does_not_count(line):
    alert_id = await line.queue(None, "screen", cause="alarm", wording="clock_stepped")
    await line.go()
    async with line.wired.site.db.write() as session:
        await screen_drawn(session, line.clock.now(), [alert_id], sound=False)
    await line.pass_time(6)
    assert (await line.alert(alert_id)).exhausted_reason == "NO_SCREEN"


async def test_a_desk_without_a_telephone_does_not_stop_anything(line):
    await line.queue(None, "screen", cause="alarm", wording="clock_stepped")
    await line.pass_time(10)
    assert not line.exchange.calls

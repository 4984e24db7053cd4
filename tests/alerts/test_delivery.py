"""Claim, send, record: what leaves, once, and only while it is wanted."""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlmodel import col, select

from dutydesk.alerts import claims, outcomes
from dutydesk.alerts.actions import acknowledge_by_hand, cancel
from dutydesk.alerts.claims import LEASE
from dutydesk.alerts.model import Alert, Attempt
from dutydesk.people.queries import usable_contacts
from dutydesk.simulator.faults import Hold, Refuse
from tests.alerts.conftest import LI, WANG


async def test_an_sms_is_claimed_sent_and_delivered(line):
    alert_id = await line.queue()
    await line.pass_time(3)
    row, (attempt,) = await line.alert(alert_id), await line.attempts(alert_id)
    assert (row.state, attempt.state, attempt.outcome) == ("delivered", "delivered", "delivered")
    assert attempt.outcome_due_at is None
    assert row.acknowledged_at is None
    assert [message.body for message in line.exchange.handset(LI).inbox] == [
        line.exchange.messages[attempt.reference].body
    ]


async def test_a_claim_leaves_a_lease_and_a_token_before_anything_is_sent(line):
    alert_id = await line.queue()
    (job,) = await line.claim()
    row, (attempt,) = await line.alert(alert_id), await line.attempts(alert_id)
    assert (row.state, row.token, attempt.state) == ("sending", attempt.token, "claimed")
    assert row.lease_until == attempt.outcome_due_at == line.clock.now() + LEASE
    assert not line.exchange.messages
    assert await line.claim() == []
    await line.send(job)
    assert (await line.alert(alert_id)).state == "accepted"


async def test_a_cancelled_alert_is_not_sent(line):
    alert_id = await line.queue()
    (job,) = await line.claim()
    async with line.wired.site.db.write() as session:
        cancel(await session.get_one(Alert, alert_id), line.clock.now(), "ALREADY_REPORTED")
    await line.send(job)
    assert not line.exchange.messages
    assert [(one.state, one.outcome) for one in await line.attempts(alert_id)] == [("failed", "cancelled")]
    assert (await line.alert(alert_id)).state == "cancelled"


async def test_an_alert_confirmed_by_hand_meanwhile_is_not_sent(line):
    alert_id = await line.queue()
    (job,) = await line.claim()
    now = line.clock.now()
    async with line.wired.site.db.write() as session:
        row = await session.get_one(Alert, alert_id)
        await acknowledge_by_hand(session, now, row, who="李强", how="当面", at=now, recorded_by="desk")
    await line.send(job)
    assert not line.exchange.messages


async def test_a_job_whose_token_is_not_the_alerts_any_more_sends_nothing(line):
    alert_id = await line.queue()
    (job,) = await line.claim()
    await line.change(Alert, alert_id, token="another-node")
    await line.send(job)
    assert not line.exchange.messages


async def test_a_job_that_was_looked_into_is_not_sent_by_its_first_owner(line):
    await line.queue()
    (job,) = await line.claim()
    line.clock.move(LEASE.total_seconds())
    assert await line.look() == 1
    await line.send(job)
    assert not line.exchange.messages


async def test_a_lease_that_would_end_before_the_request_is_held_longer(line):
    alert_id = await line.queue()
    (job,) = await line.claim()
    line.clock.move(LEASE.total_seconds() - 1)
    line.exchange.faults.order(Hold())
    sending = asyncio.create_task(line.send(job))
    await line.exchange.faults.until_waiting()
    (attempt,) = await line.attempts(alert_id)
    assert attempt.outcome_due_at == line.clock.now() + LEASE
    line.exchange.faults.clear()
    await sending


async def test_what_waits_in_our_own_queue_is_not_taken_for_lost(line):
    ids = [await line.queue(f"+86138000001{number:02d}") for number in range(11)]
    jobs = await line.claim()
    line.exchange.faults.order(Hold())
    sending = [asyncio.create_task(line.send(job)) for job in jobs]
    await line.exchange.faults.until_waiting()
    while line.delivery.waiting and not line.delivery.gate.locked():
        await line.attempts(ids[0])
    (last,) = [
        await line.attempts(one)
        for one in ids
        if (await line.attempts(one))[0].token in line.delivery.waiting
    ]
    line.clock.move(LEASE.total_seconds())
    await outcomes.overdue(line.delivery, line.clock.now())
    (attempt,) = [one for one in await line.all(select(Attempt)) if one.token == last[0].token]
    assert (attempt.looks, attempt.outcome_due_at) == (0, line.clock.now() + LEASE)
    line.exchange.faults.clear()
    await asyncio.gather(*sending)
    assert len([one for one in line.exchange.messages.values() if one.to == attempt.to_number]) == 1


async def test_a_provider_that_refuses_for_our_fault_alarms_the_desk_and_blames_nobody(line):
    line.exchange.faults.order(Refuse(400, 21606), times=1)
    alert_id = await line.queue()
    await line.go()
    (attempt,) = await line.attempts(alert_id)
    assert (attempt.outcome, attempt.error_code) == ("our_fault", "21606")
    assert await line.alarm_words() == ["provider_fault"]
    await line.pass_time(5)
    assert (await line.alert(alert_id)).state == "delivered"


async def test_a_fault_is_shown_once_in_ten_minutes_however_many_messages_it_hits(line):
    line.network.unplugged.add("127.0.0.1")
    for number in range(5):
        await line.queue(f"+86138000001{number:02d}")
    await line.go()
    assert await line.alarm_words() == ["provider_fault"]


async def test_failures_of_a_provider_do_not_use_up_a_persons_calls(line):
    line.network.unplugged.add("127.0.0.1")
    alert_id = await line.queue(LI, "voice")
    await line.pass_time(60)
    assert len(await line.attempts(alert_id)) > 3
    line.network.unplugged.clear()
    await line.pass_time(62)
    assert line.exchange.handset(LI).calls
    assert await line.alarm_words() == ["provider_fault"]


async def test_sms_to_one_number_that_are_queued_together_go_out_as_one(line):
    ids = [await line.queue(LI), await line.queue(LI), await line.queue(WANG)]
    await line.pass_time(3)
    (message,) = line.exchange.handset(LI).inbox
    assert "2026-0001、2026-0002有2项时限" in message.body
    assert len(line.exchange.handset(WANG).inbox) == 1
    assert {(await line.alert(one)).state for one in ids} == {"delivered"}


async def test_what_has_no_number_goes_by_itself_and_is_said_in_full(line):
    days = ("12月1日", "12月2日")
    for day in days:
        params = {"day": day, "time": "08:30", "seat": "主班"}
        await line.queue(LI, number="", wording="shift_changed", params=params)
    await line.queue(LI)
    await line.queue(LI)
    await line.pass_time(3)
    bodies = [message.body for message in line.exchange.handset(LI).inbox]
    assert len(bodies) == 3
    assert all(any(day in body for body in bodies) for day in days)


async def test_a_drill_is_never_merged_with_the_real_thing(line):
    await line.queue(LI)
    await line.queue(LI, drill=True)
    await line.pass_time(3)
    bodies = sorted(message.body for message in line.exchange.handset(LI).inbox)
    assert [("【演练】" in body) for body in bodies].count(True) == 1
    assert len(bodies) == 2


async def test_calls_to_one_number_that_are_queued_together_are_one_call(line):
    ids = [await line.queue(LI, "voice"), await line.queue(LI, "voice")]
    await line.pass_time(2)
    assert len(line.exchange.handset(LI).calls) == 1
    assert {(await line.alert(one)).state for one in ids} == {"accepted"}


async def test_an_alert_that_comes_while_the_phone_rings_joins_that_call(line):
    first, attempt = await line.ringing()
    second = await line.queue(LI, "voice")
    await line.go()
    assert [one.id for one in await line.attempts(second)] == [attempt.id]
    await line.exchange.handset(LI).answer()
    assert "二零二六杠零零零一、二零二六杠零零零二" in line.exchange.handset(LI).heard[0]
    await line.exchange.handset(LI).press("1")
    assert (await line.alert(first)).acknowledged_at == (await line.alert(second)).acknowledged_at is not None


async def test_an_alert_that_joined_a_call_nobody_answered_is_tried_again_with_it(line):
    first, _ = await line.ringing()
    second = await line.queue(LI, "voice")
    await line.pass_time(40)
    assert len(line.exchange.handset(LI).calls) == 1
    for one in (first, second):
        row = await line.alert(one)
        assert (row.state, row.exhausted_reason) == ("queued", "NO_KEY_PRESSED")
        assert row.next_try_at is not None
    await line.pass_time(150)
    assert len(line.exchange.handset(LI).calls) == 2


async def test_an_alert_that_comes_during_a_call_waits_for_its_end(line):
    await line.ringing()
    await line.exchange.handset(LI).answer()
    second = await line.queue(LI, "voice")
    await line.go()
    assert (await line.alert(second)).state == "queued"
    await line.exchange.handset(LI).press("1")
    await line.exchange.handset(LI).hang_up()
    await line.pass_time(2)
    assert len(line.exchange.handset(LI).calls) == 2


async def test_two_people_with_one_number_are_called_one_after_the_other(line):
    wang = await line.person("王敏", LI)
    await line.queue(LI, "voice")
    await line.queue(None, "voice", recipient=f"person:{wang}", person_id=wang)
    await line.pass_time(10)
    assert len(line.exchange.handset(LI).calls) == 1
    await line.exchange.handset(LI).answer()
    await line.exchange.handset(LI).press("1")
    await line.exchange.handset(LI).hang_up()
    await line.pass_time(60)
    assert len(line.exchange.handset(LI).calls) == 2


async def test_the_database_refuses_a_second_live_call_to_one_number(line):
    _, attempt = await line.ringing()
    with pytest.raises(IntegrityError):
        async with line.wired.site.db.write() as session:
            session.add(
                Attempt(
                    channel="voice",
                    provider="twilio",
                    to_number=attempt.to_number,
                    token="x",
                    claimed_at=line.clock.now(),
                )
            )


async def test_two_nodes_that_claim_for_one_number_at_once_place_one_call(line):
    """The other node has written its call and not committed it yet: on PostgreSQL ours waits for it and gives way."""
    alert_id = await line.queue(LI, "voice")
    db = line.wired.site.db
    async with db.write() as session:
        session.add(
            Attempt(
                channel="voice",
                provider="twilio",
                to_number=LI,
                token="theirs",
                claimed_at=line.clock.now(),
                person_id=None,
            )
        )
        await session.flush()
        ours = asyncio.create_task(claims.claim(line.delivery, line.clock.now()))
        if not db.is_sqlite:
            await until_somebody_waits(db)
    jobs, looked_at = await ours
    assert (jobs, looked_at) == ([], 1)
    assert await line.claim() == []
    live = await line.all(select(Attempt).where(col(Attempt.live), col(Attempt.channel) == "voice"))
    assert [one.token for one in live] == ["theirs"]
    assert (await line.alert(alert_id)).state in ("queued", "sending")


async def until_somebody_waits(db):
    """Return as soon as one of PostgreSQL's sessions waits for another one's lock."""
    waiting = text("SELECT count(*) FROM pg_locks WHERE NOT granted")
    while True:
        async with db.read() as session:
            if (await session.exec(waiting)).one()[0]:
                return


async def test_the_more_urgent_lane_goes_first(line):
    late = await line.queue(LI, lane="digest")
    urgent = await line.queue(WANG, lane="clock")
    jobs = await line.claim()
    order = [(await line.attempts(one))[0].id for one in (urgent, late)]
    assert [job.attempt_id for job in jobs] == order


async def test_an_alert_that_breaks_delays_only_itself(line):
    broken, healthy = await line.queue(LI, channel="pigeon"), await line.queue(WANG)
    await line.go()
    row = await line.alert(broken)
    assert row.state in ("queued", "failed")
    assert row.next_try_at is None or row.next_try_at > line.clock.now()
    assert (await line.alert(healthy)).state == "accepted"


async def test_words_that_cannot_be_made_are_followed_by_the_fixed_text(line):
    alert_id = await line.queue(wording="nothing-like-it")
    await line.pass_time(20)
    (message,) = line.exchange.handset(LI).inbox
    assert "2026-0001有待办事项，请看值班台" in message.body
    assert (await line.alert(alert_id)).state == "delivered"
    assert "fixed" in await line.alarm_words()


async def test_a_number_that_is_bad_is_marked_and_the_next_one_is_used(line):
    li = await line.person("李强", LI, WANG)
    line.exchange.faults.order(Refuse(400, 21211), number=LI)
    await line.queue(None, "sms", recipient=f"person:{li}", person_id=li)
    await line.pass_time(3)
    assert len(line.exchange.handset(WANG).inbox) == 1
    async with line.wired.site.db.read() as session:
        usable = await usable_contacts(session, [li])
    assert [point.address for point in usable[li]] == [WANG]
    (alarm,) = await line.alarms()
    assert (alarm.wording, alarm.params) == ("number_unusable", {"name": "李强"})


async def test_a_landline_that_takes_no_sms_stays_good_for_calls(line):
    line.exchange.handset(LI).behave("landline")
    alert_id = await line.queue()
    await line.pass_time(5)
    row = await line.alert(alert_id)
    assert (row.state, row.exhausted_reason) == ("failed", "NO_USABLE_NUMBER")
    await line.ringing()


async def test_a_channel_that_no_provider_carries_is_given_up_at_once(line):
    line.delivery.carriers = type(line.delivery.carriers)((), line.delivery.carriers.public_url)
    alert_id = await line.queue()
    await line.go()
    row = await line.alert(alert_id)
    assert (row.state, row.exhausted_reason) == ("failed", "PROVIDER_FAILED")


async def test_a_screen_needs_no_request_and_must_be_drawn_within_seconds(line):
    alert_id = await line.queue(None, "screen")
    await line.go()
    row, (attempt,) = await line.alert(alert_id), await line.attempts(alert_id)
    assert (row.state, attempt.state) == ("sent", "sent")
    assert attempt.outcome_due_at == line.clock.now() + timedelta(seconds=5)


async def test_nothing_is_ever_left_without_a_next_look(line):
    """Whatever the phones do for an hour: what is queued has its next try, what is under way its next look."""
    for number, behaviour in enumerate(("ignore", "busy", "voicemail", "off", "answer", "landline")):
        phone = f"+86138000001{number:02d}"
        line.exchange.handset(phone).behave(behaviour)
        await line.queue(phone, "voice")
        await line.queue(phone, "sms")
    for _ in range(12):
        await line.pass_time(300)
        for row in await line.all(select(Alert).where(col(Alert.state) == "queued")):
            assert row.next_try_at is not None
        for row in await line.all(select(Alert).where(col(Alert.state).in_(("sending", "accepted")))):
            last = (await line.attempts(row.id))[-1]
            assert row.acknowledged_at is not None or last.outcome_due_at is not None

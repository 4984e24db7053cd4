"""Everybody is told of a turn the day before and an hour before: whoever really sits there, and only while it is true."""

from datetime import timedelta

import pytest
from sqlmodel import col, select

from dutydesk.accounts.rules import Actor
from dutydesk.alerts import queries as alert_queries
from dutydesk.alerts.actions import acknowledge
from dutydesk.alerts.model import Alert
from dutydesk.alerts.rules import caps_for
from dutydesk.errors import ConflictError
from dutydesk.obligations.model import Obligation
from dutydesk.rosters.actions import plan_shift, stand_in
from dutydesk.rosters.keeping import ticks
from dutydesk.rosters.keeping.reminders import confirm
from dutydesk.rosters.model import Shift
from dutydesk.rosters.queries import look_for_holes
from dutydesk.rosters.rules.reminding import moments_of
from dutydesk.rulebook.types import LANES, Cap
from tests.builders import build_bureau

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


@pytest.fixture
async def bureau(db, clock):
    return await build_bureau(db, clock.now())


@pytest.fixture
async def shift(site, bureau, clock):
    """Tuesday 08:30, the motor pool's standby: nobody else has such a seat."""
    return await planned(site, clock, bureau.motor_head)


async def planned(site, clock, person, seat="standby", mode="on_post", unit="motor", hours=18.5):
    begins = clock.now() + hours * HOUR
    async with site.db.write() as session:
        row = await plan_shift(
            session,
            clock.now(),
            "office",
            unit=unit,
            seat=seat,
            person=person.id,
            starts_at=begins,
            ends_at=begins + DAY,
            mode=mode,
        )
        await look_for_holes(session, [row.unit_id], clock.now())
    return row


async def keep(site, clock):
    """Do everything of the rosters that is due now."""
    for _ in range(20):
        if not (await ticks.keep(site, clock.now())).looked_at:
            return
    raise AssertionError("the rosters do not come to rest")


async def until(site, clock, moment):
    """Let time pass from due moment to due moment."""
    while True:
        await keep(site, clock)
        async with site.db.read() as session:
            due = await ticks.next_due(session)
        if due is None or due > moment:
            clock.set(moment)
            await keep(site, clock)
            return
        clock.set(due)


async def told(site, shift):
    async with site.db.read() as session:
        rows = await alert_queries.alerts_about(session, [f"shift/{shift.id}"])
    return [(row.wording, row.channel, row.person_id, row.state) for row in rows]


async def test_an_sms_comes_the_afternoon_before_and_again_with_a_call_an_hour_before(
    site, shift, bureau, clock
):
    who = bureau.motor_head.id
    await until(site, clock, shift.starts_at - 16.6 * HOUR)
    assert await told(site, shift) == []
    await until(site, clock, shift.starts_at - 16 * HOUR)
    assert await told(site, shift) == [("shift_tomorrow", "sms", who, "queued")]
    await until(site, clock, shift.starts_at - HOUR)
    assert [one[:2] for one in await told(site, shift)] == [
        ("shift_tomorrow", "sms"),
        ("shift_soon", "sms"),
        ("shift_soon", "voice"),
    ]


async def test_whoever_confirmed_is_not_called(site, shift, bureau, clock):
    await until(site, clock, shift.starts_at - 10 * HOUR)
    actor = Actor("徐海燕", "leader", person_id=bureau.motor_head.id)
    async with site.db.write() as session:
        assert await confirm(session, clock.now(), actor, shift, bureau.motor_head.id) == 1
        assert await confirm(session, clock.now(), actor, shift, bureau.motor_head.id) == 0
    await until(site, clock, shift.starts_at - HOUR)
    assert [one[:2] for one in await told(site, shift)] == [("shift_tomorrow", "sms"), ("shift_soon", "sms")]


async def test_a_turn_on_call_is_not_rung_for_but_the_leaders_is(site, bureau, clock):
    quiet = await planned(site, clock, bureau.motor_head, mode="on_call")
    loud = await planned(site, clock, bureau.canteen_head, mode="on_call", seat="leader", unit="canteen")
    await until(site, clock, quiet.starts_at - HOUR)
    assert "voice" not in {one[1] for one in await told(site, quiet)}
    assert "voice" in {one[1] for one in await told(site, loud)}


async def test_nobody_can_confirm_what_they_were_not_told(site, shift, bureau, clock):
    await keep(site, clock)
    async with site.db.write() as session:
        with pytest.raises(ConflictError, match="还没有发出提醒"):
            await confirm(session, clock.now(), Actor("徐海燕", "leader"), shift, bureau.motor_head.id)


async def test_the_substitute_is_told_and_what_has_not_left_for_the_other_is_taken_back(
    site, shift, bureau, clock
):
    await until(site, clock, shift.starts_at - 16 * HOUR)
    async with site.db.write() as session:
        await stand_in(
            session, clock.now(), "office", shift_id=shift.id, person=bureau.motor_leader.id, reason="代班"
        )
        await look_for_holes(session, [shift.unit_id], clock.now())
    await keep(site, clock)
    assert await told(site, shift) == [
        ("shift_tomorrow", "sms", bureau.motor_head.id, "cancelled"),
        ("shift_tomorrow", "sms", bureau.motor_leader.id, "queued"),
    ]


async def test_the_call_ends_after_a_while_and_the_desk_asks_by_hand(site, shift, bureau, clock):
    await until(site, clock, shift.starts_at - 0.5 * HOUR)
    assert ("shift_soon", "voice", bureau.motor_head.id, "cancelled") in await told(site, shift)
    async with site.db.read() as session:
        shown = await alert_queries.screen_alerts(session)
    assert [(row.wording, row.params["name"]) for row in shown] == [("shift_unanswered", "徐海燕")]


async def test_everything_unanswered_ends_with_the_start_of_the_turn(site, shift, clock):
    await until(site, clock, shift.starts_at)
    assert {one[3] for one in await told(site, shift)} == {"cancelled"}
    async with site.db.read() as session:
        rows = await alert_queries.alerts_about(session, [f"shift/{shift.id}"])
        stored = await session.get(Shift, shift.id)
    assert {row.cancel_reason for row in rows if row.channel == "sms"} == {"SHIFT_OVER"}
    assert stored.next_action_at is None


async def test_one_key_confirms_the_sms_and_the_call_about_the_same_turn(site, shift, bureau, clock):
    await until(site, clock, shift.starts_at - HOUR)
    async with site.db.write() as session:
        rows = await session.exec(
            select(Alert).where(col(Alert.subject) == f"shift/{shift.id}", col(Alert.channel) == "voice")
        )
        await acknowledge(
            session,
            clock.now(),
            list(rows),
            kind="keypad",
            at=clock.now(),
            who="person",
            how="按键1",
            recorded_by="twilio",
        )
    states = {(one[0], one[1]): one[3] for one in await told(site, shift)}
    assert states["shift_soon", "sms"] == "cancelled"
    assert states["shift_soon", "voice"] == "delivered"


async def test_what_was_missed_in_an_outage_is_not_said_of_the_wrong_day(site, shift, clock):
    # Down from before 16:00 until two in the morning: 明日 would name another day.
    clock.set(shift.starts_at - 6.5 * HOUR)
    await keep(site, clock)
    assert await told(site, shift) == []
    clock.set(shift.starts_at - 0.9 * HOUR)
    await keep(site, clock)
    assert [one[:2] for one in await told(site, shift)] == [("shift_soon", "sms"), ("shift_soon", "voice")]


async def test_a_cancelled_turn_is_told_to_nobody(site, shift, clock):
    await until(site, clock, shift.starts_at - 16 * HOUR)
    async with site.db.write() as session:
        row = await session.get(Shift, shift.id)
        row.state, row.next_action_at = "cancelled", clock.now()
        session.add(row)
    await until(site, clock, shift.starts_at)
    assert [one[3] for one in await told(site, shift)] == ["cancelled"]


async def test_a_turn_that_cannot_be_looked_at_delays_only_itself(site, shift, bureau, clock):
    other = await planned(site, clock, bureau.canteen_head, unit="canteen")
    await keep(site, clock)
    async with site.db.write() as session:
        row = await session.get(Shift, shift.id)
        # No message has a word for it.
        row.seat = "ghost"
        session.add(row)
    clock.set(other.starts_at - 16 * HOUR)
    for _ in range(3):
        await ticks.keep(site, clock.now())
    assert [one[0] for one in await told(site, other)] == ["shift_tomorrow"]
    async with site.db.read() as session:
        stored = await session.get(Shift, shift.id)
        shown = {row.wording for row in await alert_queries.screen_alerts(session)}
    assert stored.next_action_at == clock.now() + timedelta(minutes=1)
    assert "roster_fault" in shown


async def test_reminders_leave_a_third_of_every_budget_to_the_clocks():
    caps = [Cap("voice", 3, timedelta(minutes=8)), Cap("sms", 50, DAY), Cap("voice", 1, DAY)]
    assert list(caps_for(LANES.index("clock"), caps)) == caps
    assert [cap.count for cap in caps_for(LANES.index("reminder"), caps)] == [2, 33, 1]


def test_a_turn_that_begins_after_midnight_is_told_of_the_afternoon_before(rulebook, clock, site):
    begins = clock.now() + 11 * HOUR  # 01:00 on Tuesday
    at = moments_of(begins, begins + DAY, rulebook.rosters, site.zone)
    assert at.day_before == clock.now() + 2 * HOUR
    assert at.hour_before == begins - HOUR


async def test_nothing_is_owed_for_a_turn_nobody_signs_in_for(site, shift, clock):
    await until(site, clock, shift.starts_at + HOUR)
    async with site.db.read() as session:
        assert list(await session.exec(select(Obligation))) == []

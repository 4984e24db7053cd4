"""Who cannot be reached tonight, and what becomes of the seats of somebody who leaves."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlmodel import col, select

from dutydesk.alerts.model import Attempt
from dutydesk.audit.model import AuditEntry
from dutydesk.errors import ConflictError
from dutydesk.people.model import ContactPoint, Unit
from dutydesk.people.queries import post_holders
from dutydesk.people.rules import ContactPoint as Point
from dutydesk.people.rules import Person
from dutydesk.rosters.directory.leaving import leave
from dutydesk.rosters.directory.queries import unreachable_tonight
from dutydesk.rosters.directory.rules import (
    Sitting,
    next_change,
    posts_of_ladders,
    told_by_ladders,
    unreachable,
)
from dutydesk.rosters.model import SeatHolder
from dutydesk.rosters.queries import who_holds
from tests.builders import build_bureau

ZONE = ZoneInfo("Asia/Shanghai")
NOW = datetime(2026, 11, 23, 6, tzinfo=UTC)
DAY = timedelta(days=1)


# ── rules ────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("now", "until"),
    [("2026-11-23T14:00", 24), ("2026-11-23T08:29", 24), ("2026-11-24T02:00", 25), ("2026-11-24T23:59", 25)],
)
def test_tonight_lasts_until_tomorrows_change_of_duty(now, until):
    moment = datetime.fromisoformat(now).replace(tzinfo=ZONE)
    assert next_change(moment, ZONE, time(8, 30)) == datetime(2026, 11, until, 8, 30, tzinfo=ZONE)


def person(identity, *, left=False):
    return Person(identity, "某", 1, "", retired_at=NOW if left else None)


def point(number="1", *, confirmed=True, disabled=None):
    return Point(1, 1, "mobile", number, 0, disabled, NOW if confirmed else None)


def faults(points, *, failed=(), left=False):
    found = unreachable({1: [Sitting(1, "leader")]}, {1: person(1, left=left)}, {1: points}, failed, NOW)
    return [one.faults for one in found]


def test_each_way_of_not_being_reached_has_its_name():
    assert faults([point()]) == []
    assert faults([]) == [("NO_NUMBER",)]
    assert faults([point(confirmed=False)]) == [("UNCONFIRMED",)]
    assert faults([point()], failed=["1"]) == [("FAILED",)]
    assert faults([point()], left=True) == [("LEFT",)]
    # A second number that was disabled harms nobody whose first one is good.
    assert faults([point(), point("2", disabled="停机")]) == []


def test_whoever_cannot_be_reached_at_all_comes_first():
    sitting = {one: [Sitting(one, "leader")] for one in (1, 2)}
    found = unreachable(sitting, {1: person(1), 2: person(2)}, {1: [point(confirmed=False)], 2: []}, (), NOW)
    assert [(one.person_id, one.grave) for one in found] == [(2, True), (1, False)]


def test_only_the_posts_that_a_ladder_tells_keep_somebody_awake(rulebook):
    wanted = posts_of_ladders(rulebook.ladders.values())
    assert {("unit", "head"), ("desk", "chief"), ("post", "office_director")} <= wanted
    assert ("unit", "roster") not in wanted
    posts = {
        (1, "chief"): [1],
        (2, "head"): [2],
        (2, "chief"): [3],
        (2, "roster"): [4],
        (2, "office_director"): [5],
    }
    assert set(told_by_ladders(posts, wanted, desk_id=1)) == {1, 2, 5}


# ── tonight ──────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
async def bureau(site):
    """Everybody has a confirmed number."""
    made = await build_bureau(site.db, site.clock.now())
    async with site.db.write() as session:
        for row in await session.exec(select(ContactPoint)):
            row.confirmed_at = site.clock.now()
    return made


async def tonight(site, unit=None):
    async with site.db.read() as session:
        found, _, _ = await unreachable_tonight(session, site, site.clock.now(), unit)
    return {one.person_id: (one.faults, {seat.place for seat in one.sittings}) for one in found}


async def change_contact(site, someone, **values):
    async with site.db.write() as session:
        wanted = select(ContactPoint).where(ContactPoint.person_id == someone.id)
        row = (await session.exec(wanted)).one()
        for name, value in values.items():
            setattr(row, name, value)


async def test_with_every_number_confirmed_nobody_is_missing(site, bureau):
    assert await tonight(site) == {}


async def test_seats_and_posts_are_looked_at_and_units_apart(site, bureau):
    await change_contact(site, bureau.canteen_operator, confirmed_at=None)
    await change_contact(site, bureau.motor_head, disabled_reason="停机")
    await change_contact(site, bureau.office_director, confirmed_at=site.clock.now() - timedelta(days=93))
    assert await tonight(site) == {
        bureau.canteen_operator.id: (("UNCONFIRMED",), {"operator_primary"}),
        bureau.motor_head.id: (("NO_NUMBER",), {"head"}),
        bureau.office_director.id: (("UNCONFIRMED",), {"office_director"}),
    }
    assert set(await tonight(site, bureau.motor.id)) == {bureau.motor_head.id}


async def test_whoever_sits_only_after_the_change_is_not_missing_tonight(site):
    """A roster that begins tomorrow at nine says nothing about this night."""
    begins = datetime(2026, 11, 24, 9, tzinfo=ZONE)
    await build_bureau(site.db, site.clock.now(), since=begins, until=begins + DAY)
    async with site.db.write() as session:
        for row in await session.exec(select(ContactPoint)):
            row.confirmed_at = None
    seats = {place for _, places in (await tonight(site)).values() for place in places}
    assert "operator_primary" not in seats
    site.clock.set(begins)
    assert "operator_primary" in {place for _, places in (await tonight(site)).values() for place in places}


async def test_a_substitute_is_asked_for_and_whoever_is_replaced_is_not(site, bureau):
    await change_contact(site, bureau.desk_operator, confirmed_at=None)
    await change_contact(site, bureau.desk_standby, confirmed_at=None)
    async with site.db.write() as session:
        held = await who_holds(session, [bureau.desk.id], site.clock.now())
        (now,) = held[bureau.desk.id, "operator_primary"]
        from dutydesk.rosters.queries import list_shifts

        for shift in await list_shifts(session, unit_id=bureau.desk.id):
            if shift.seat == "operator_primary":
                session.add(
                    SeatHolder(
                        unit_id=bureau.desk.id,
                        seat="operator_primary",
                        person_id=bureau.desk_standby.id,
                        from_at=shift.starts_at,
                        until_at=shift.ends_at,
                        instead_of_shift_id=shift.id,
                        reason="代班",
                        created_at=site.clock.now(),
                    )
                )
    assert now.person_id == bureau.desk_operator.id
    assert await tonight(site) == {
        bureau.desk_standby.id: (("UNCONFIRMED",), {"operator_primary", "standby"})
    }


async def test_a_number_that_failed_lately_is_no_proof_any_more(site, bureau):
    async with site.db.write() as session:
        session.add(
            Attempt(
                channel="sms",
                provider="twilio",
                to_number=bureau.canteen_leader.mobile,
                token="t",
                state="failed",
                live=False,
                claimed_at=site.clock.now() - DAY,
                ended_at=site.clock.now() - DAY,
                outcome="undelivered",
            )
        )
    assert await tonight(site) == {bureau.canteen_leader.id: (("FAILED",), {"leader"})}


# ── leaving ──────────────────────────────────────────────────────────────────────────────────


async def go(site, someone, *, with_shifts):
    async with site.db.write() as session:
        await leave(session, site.clock.now(), "吴芳", someone.id, "退休", with_shifts=with_shifts)


async def test_nobody_leaves_unnoticed_while_shifts_lie_ahead(site, bureau):
    with pytest.raises(ConflictError, match="个班次未值，请先换人"):
        await go(site, bureau.canteen_operator, with_shifts=False)
    async with site.db.read() as session:
        held = await who_holds(session, [bureau.canteen.id], site.clock.now())
    assert (bureau.canteen.id, "operator_primary") in held


async def test_the_seats_of_whoever_leaves_are_empty_at_once_and_looked_at(site, bureau):
    async with site.db.write() as session:
        (await session.get_one(Unit, bureau.canteen.id)).roster_check_at = None
    await go(site, bureau.canteen_operator, with_shifts=True)
    async with site.db.read() as session:
        for later in (timedelta(0), 3 * DAY):
            held = await who_holds(session, [bureau.canteen.id], site.clock.now() + later)
            assert (bureau.canteen.id, "operator_primary") not in held
            assert (bureau.canteen.id, "leader") in held
        # What was is not touched.
        before = await who_holds(session, [bureau.canteen.id], site.clock.now() - timedelta(hours=1))
        assert before[bureau.canteen.id, "operator_primary"][0].person_id == bureau.canteen_operator.id
        assert (await session.get_one(Unit, bureau.canteen.id)).roster_check_at == site.clock.now()
    assert bureau.canteen_operator.id not in await tonight(site)


async def test_a_seat_taken_over_for_somebody_else_is_vacated_too_and_only_that_part(site, bureau):
    async with site.db.write() as session:
        from dutydesk.rosters.queries import list_shifts

        (shift,) = [
            one
            for one in await list_shifts(session, unit_id=bureau.motor.id, from_at=site.clock.now())
            if one.seat == "leader" and one.starts_at <= site.clock.now() < one.ends_at
        ]
        half = site.clock.now() + DAY
        session.add(
            SeatHolder(
                unit_id=bureau.motor.id,
                seat="leader",
                person_id=bureau.motor_head.id,
                from_at=site.clock.now(),
                until_at=half,
                instead_of_shift_id=shift.id,
                reason="代班",
                created_at=site.clock.now(),
            )
        )
    await go(site, bureau.motor_head, with_shifts=True)
    async with site.db.read() as session:
        now = await who_holds(session, [bureau.motor.id], site.clock.now())
        after = await who_holds(session, [bureau.motor.id], half)
    assert (bureau.motor.id, "leader") not in now
    assert after[bureau.motor.id, "leader"][0].person_id == bureau.motor_leader.id


async def test_the_posts_of_whoever_leaves_end_and_all_of_it_is_in_the_trail(site, bureau):
    await go(site, bureau.chief, with_shifts=False)
    async with site.db.read() as session:
        held = await post_holders(session, [bureau.desk.id], site.clock.now())
        rows = await session.exec(
            select(AuditEntry)
            .where(AuditEntry.subject == f"person:{bureau.chief.id}")
            .order_by(col(AuditEntry.id))
        )
        last = list(rows)[-1]
    assert (bureau.desk.id, "chief") not in held
    assert (last.action, last.actor, last.detail) == (
        "person.retired",
        "吴芳",
        {"reason": "退休", "posts": 1},
    )

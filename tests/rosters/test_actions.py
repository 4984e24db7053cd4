"""Shifts and holders on both databases."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlmodel import col, select

from dutydesk.audit.model import AuditEntry
from dutydesk.errors import ConflictError, InvalidInputError, NotFoundError
from dutydesk.people.actions import NewContact, create_person, create_unit
from dutydesk.rosters import queries
from dutydesk.rosters.actions import hold_seat, plan_shift, release_seat, stand_in
from dutydesk.rosters.views.lines import who_lines

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


@pytest.fixture
async def desk(db, clock):
    """The desk with two persons: (unit, [person, person])."""
    now = clock.now()
    async with db.write() as session:
        unit = await create_unit(session, now, "office", code="DESK", name="局值班室", kind="desk")
        contact = [NewContact("mobile", "13800000001")]
        people = [
            await create_person(session, now, "office", name=name, unit="DESK", title=title, contacts=contact)
            for name, title in (("张三", "副局长"), ("李四", ""))
        ]
    return unit, people


async def planned(session, now, person, **changes):
    told = {
        "unit": "DESK",
        "seat": "leader",
        "person": person.id,
        "starts_at": now - HOUR,
        "ends_at": now + 23 * HOUR,
        "mode": "on_call",
    } | changes
    return await plan_shift(session, now, "office", **told)


async def held(session, unit, at):
    found = await queries.who_holds(session, [unit.id], at)
    return {seat: [one.person_id for one in holdings] for (_unit, seat), holdings in found.items()}


async def test_a_planned_shift_is_held_in_its_time(db, clock, desk):
    unit, (zhang, _) = desk
    now = clock.now()
    async with db.write() as session:
        await planned(session, now, zhang)
    async with db.read() as session:
        assert await held(session, unit, now) == {"leader": [zhang.id]}
        assert await held(session, unit, now - HOUR) == {"leader": [zhang.id]}
        assert await held(session, unit, now + 23 * HOUR) == {}
        assert await queries.who_holds(session, [], now) == {}
        assert await queries.who_holds(session, [unit.id + 1], now) == {}


async def test_the_longest_shift_is_found_at_its_very_beginning(db, clock, desk):
    unit, (zhang, _) = desk
    now = clock.now()
    async with db.write() as session:
        await planned(session, now, zhang, starts_at=now, ends_at=now + 7 * DAY)
        assert await held(session, unit, now) == {"leader": [zhang.id]}
        with pytest.raises(InvalidInputError, match="7 days"):
            await planned(session, now, zhang, starts_at=now, ends_at=now + 7 * DAY + HOUR)


async def test_a_person_is_planned_on_a_seat_once_at_a_time(db, clock, desk):
    _unit, (zhang, li) = desk
    now = clock.now()
    async with db.write() as session:
        await planned(session, now, zhang)
        with pytest.raises(ConflictError):
            await planned(session, now, zhang, starts_at=now + 22 * HOUR, ends_at=now + 30 * HOUR)
        with pytest.raises(ConflictError):
            await planned(session, now, zhang, starts_at=now - 2 * DAY, ends_at=now + 2 * DAY)
        with pytest.raises(ConflictError):
            await planned(session, now, zhang, starts_at=now, ends_at=now + HOUR)
        # Next to it, on another seat, or somebody else: all right.
        await planned(session, now, zhang, starts_at=now + 23 * HOUR, ends_at=now + 30 * HOUR)
        await planned(session, now, zhang, starts_at=now - 9 * HOUR, ends_at=now - HOUR)
        await planned(session, now, zhang, seat="standby")
        await planned(session, now, li)


async def test_two_who_plan_the_same_person_at_once_do_not_both_succeed(db, clock, desk):
    _unit, (zhang, _) = desk

    async def plan(hours: int) -> None:
        async with db.write() as session:
            await planned(session, clock.now(), zhang, ends_at=clock.now() + hours * HOUR)

    outcomes = await asyncio.gather(*(plan(hours) for hours in range(1, 6)), return_exceptions=True)
    assert sum(outcome is None for outcome in outcomes) == 1
    assert sum(isinstance(outcome, ConflictError) for outcome in outcomes) == 4


async def test_units_are_not_mixed_up(db, clock, desk):
    unit, (zhang, li) = desk
    now = clock.now()
    async with db.write() as session:
        other = await create_unit(session, now, "office", code="U1", name="中心", kind="subordinate")
        await planned(session, now, zhang)
        await planned(session, now, li, unit="U1", seat="standby")
        for where, person in ((unit, li), (other, zhang)):
            for until in (None, now + HOUR):
                await hold_seat(
                    session,
                    now,
                    "desk",
                    unit_id=where.id,
                    seat="supervisor",
                    person=person.id,
                    from_at=now,
                    until_at=until,
                    reason="未交班",
                )
        assert await held(session, unit, now) == {"leader": [zhang.id], "supervisor": [li.id]}
        assert await held(session, other, now) == {"standby": [li.id], "supervisor": [zhang.id]}
        both = await queries.who_holds(session, [unit.id, other.id], now)
        assert len(both) == 4


async def test_a_shift_needs_a_unit_and_a_person_that_exist(db, clock, desk):
    _unit, (zhang, _) = desk
    async with db.write() as session:
        with pytest.raises(NotFoundError):
            await planned(session, clock.now(), zhang, unit="NONE")
        with pytest.raises(NotFoundError):
            await planned(session, clock.now(), replace(zhang, id=99))


async def test_a_substitute_holds_the_seat_from_now_to_the_end_of_the_shift(db, clock, desk):
    unit, (zhang, li) = desk
    now = clock.now()
    async with db.write() as session:
        shift = await planned(session, now, zhang)
        row = await stand_in(session, now, "office", shift_id=shift.id, person=li.id, reason="生病")
        assert (row.from_at, row.until_at) == (now, shift.ends_at)
    async with db.read() as session:
        assert await held(session, unit, now - HOUR) == {"leader": [zhang.id]}
        assert await held(session, unit, now) == {"leader": [li.id]}


async def test_a_substitute_can_be_relieved_and_the_person_planned_is_back(db, clock, desk):
    unit, (zhang, li) = desk
    now = clock.now()
    async with db.write() as session:
        shift = await planned(session, now, zhang)
        row = await stand_in(session, now, "office", shift_id=shift.id, person=li.id, reason="开会")
        await release_seat(session, now, "office", row.id, at=now + HOUR)
        # Relieved already: a later release changes nothing.
        await release_seat(session, now, "office", row.id, at=now + 2 * HOUR)
        assert await held(session, unit, now + HOUR) == {"leader": [zhang.id]}
        with pytest.raises(InvalidInputError):
            await release_seat(session, now, "office", row.id, at=now - HOUR)


async def test_a_substitute_stays_within_the_shift(db, clock, desk):
    _unit, (zhang, li) = desk
    now = clock.now()
    async with db.write() as session:
        shift = await planned(session, now, zhang)
        told = {"shift_id": shift.id, "person": li.id, "reason": "开会"}
        with pytest.raises(InvalidInputError):
            await stand_in(session, now, "office", **told, from_at=now - 2 * HOUR)
        with pytest.raises(InvalidInputError):
            await stand_in(session, now, "office", **told, until_at=now + DAY)
        with pytest.raises(ConflictError, match="over"):
            await stand_in(session, now + 2 * DAY, "office", **told)
        with pytest.raises(NotFoundError):
            await stand_in(session, now, "office", **(told | {"shift_id": 99}))


async def test_the_outgoing_operator_is_told_too_until_both_have_signed(db, clock, desk):
    unit, (zhang, li) = desk
    now = clock.now()
    async with db.write() as session:
        await planned(session, now, zhang, seat="operator_primary")
        row = await hold_seat(
            session,
            now,
            "desk",
            unit_id=unit.id,
            seat="operator_primary",
            person=li.id,
            from_at=now - HOUR,
            reason="未交班",
        )
        assert await held(session, unit, now) == {"operator_primary": [zhang.id, li.id]}
        await release_seat(session, now, "desk", row.id)
        assert await held(session, unit, now) == {"operator_primary": [zhang.id]}


async def test_the_next_change_is_the_nearest_beginning_or_end(db, clock, desk):
    unit, (zhang, li) = desk
    now = clock.now()
    async with db.write() as session:
        assert await queries.next_change(session, unit.id, now) is None
        shift = await planned(session, now, zhang)
        assert await queries.next_change(session, unit.id, now) == now + 23 * HOUR
        await planned(session, now, li, starts_at=now + 5 * HOUR, ends_at=now + 30 * HOUR)
        assert await queries.next_change(session, unit.id, now) == now + 5 * HOUR
        await stand_in(
            session,
            now,
            "office",
            shift_id=shift.id,
            person=li.id,
            reason="开会",
            from_at=now + HOUR,
            until_at=now + 2 * HOUR,
        )
        assert await queries.next_change(session, unit.id, now) == now + HOUR
        assert await queries.next_change(session, unit.id, now + HOUR) == now + 2 * HOUR


async def test_every_change_of_the_roster_leaves_a_trace(db, clock, desk):
    _unit, (zhang, li) = desk
    now = clock.now()
    async with db.write() as session:
        shift = await planned(session, now, zhang)
        row = await stand_in(session, now, "office", shift_id=shift.id, person=li.id, reason="生病")
        await release_seat(session, now, "office", row.id)
    async with db.read() as session:
        rows = await session.exec(select(AuditEntry).order_by(col(AuditEntry.id)))
        assert [one.action for one in rows][-3:] == ["shift.planned", "seat.held", "seat.released"]


async def test_the_lines_say_in_site_time_who_is_there_and_who_is_missing(db, clock, desk, site):
    _unit, (zhang, _) = desk
    now = clock.now()
    async with db.write() as session:
        await create_unit(session, now, "office", code="U1", name="第一中心", kind="subordinate")
        await planned(session, now, zhang)
    async with db.read() as session:
        everybody = await who_lines(session, now, None, site.zone)
        desk_only = await who_lines(session, now, "DESK", site.zone)
    assert desk_only == [
        "2026-11-23 14:00",
        "局值班室 (DESK)",
        "  带班领导: 张三(副局长) +8613800000001 通讯畅通 11-23 13:00–11-24 13:00",
        "  值班员(主班): 无人",
    ]
    assert everybody[: len(desk_only)] == desk_only
    assert everybody[len(desk_only) :] == ["第一中心 (U1)", "  带班领导: 无人", "  值班员(主班): 无人"]

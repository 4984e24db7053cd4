"""Every hole of a unit is owed, by whom and from when; it ends with the hole; one bad unit delays only itself."""

from datetime import UTC, date, datetime, time, timedelta
from random import Random

import pytest
from sqlmodel import col, select

from dutydesk.alerts import queries as alert_queries
from dutydesk.obligations.model import OWED, Obligation
from dutydesk.people import model as people
from dutydesk.people.rules import CONFIRMED_FOR
from dutydesk.rosters.actions import plan_shift
from dutydesk.rosters.keeping import ticks
from dutydesk.rosters.keeping.filing import not_filed
from dutydesk.rosters.keeping.gaps import settle_gaps
from dutydesk.rosters.model import LeaveReport, Roster, SeatHolder, SeatPattern, Shift
from dutydesk.rosters.queries import who_holds
from dutydesk.rosters.rules.holes import horizon
from tests.builders import build_bureau

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
CHANGE = datetime(2026, 11, 24, 0, 30, tzinfo=UTC)


@pytest.fixture
async def bureau(db, clock):
    return await build_bureau(db, clock.now())


async def look(site, unit_id):
    async with site.db.write() as session:
        return await settle_gaps(session, site, site.clock.now(), unit_id)


async def owed(site, unit_id, *rules, states=OWED):
    async with site.db.read() as session:
        rows = await session.exec(
            select(Obligation)
            .where(col(Obligation.unit_id) == unit_id, col(Obligation.state).in_(states))
            .order_by(col(Obligation.due_at), col(Obligation.rule_id))
        )
        return [row for row in rows if not rules or row.rule_id in rules]


async def leader_shifts(session, unit_id):
    rows = await session.exec(
        select(Shift)
        .where(col(Shift.unit_id) == unit_id, col(Shift.seat) == "leader")
        .order_by(col(Shift.starts_at))
    )
    return list(rows)


async def vacate(site, unit_id, begins, ends):
    """Strike a leader's seat in [begins, ends), as an approved leave does."""
    async with site.db.write() as session:
        (shift, *_) = [
            one for one in await leader_shifts(session, unit_id) if one.starts_at <= begins < one.ends_at
        ]
        row = SeatHolder(
            unit_id=unit_id,
            seat="leader",
            from_at=begins,
            until_at=ends,
            instead_of_shift_id=shift.id,
            kind="vacated",
            reason="请假",
            created_at=site.clock.now(),
        )
        session.add(row)
        await session.flush()
        return row.id


async def test_a_unit_whose_seats_are_all_held_owes_nothing(site, bureau):
    again = await look(site, bureau.canteen.id)
    assert await owed(site, bureau.canteen.id) == []
    assert again == CHANGE


async def test_an_empty_seat_of_a_leader_is_48_1_due_at_the_first_instant_nobody_is_there(site, bureau):
    begins = CHANGE + 2 * DAY
    await vacate(site, bureau.canteen.id, begins, begins + DAY)
    await look(site, bureau.canteen.id)
    await look(site, bureau.canteen.id)
    (row,) = await owed(site, bureau.canteen.id)
    assert (row.rule_id, row.number, row.title, row.due_at) == ("48.1", "11月26日", "带班空缺", begins)
    assert row.subject == f"gap/{bureau.canteen.id}/leader/{begins.isoformat()}"


async def test_a_hole_that_is_open_already_is_due_when_it_was_found_and_stays_so(site, bureau, clock):
    begins = clock.now() - HOUR
    await vacate(site, bureau.canteen.id, begins, CHANGE)
    await look(site, bureau.canteen.id)
    (row,) = await owed(site, bureau.canteen.id)
    assert row.due_at == clock.now()
    clock.move(600)
    await look(site, bureau.canteen.id)
    (again,) = await owed(site, bureau.canteen.id)
    assert (again.due_at, again.due_version) == (row.due_at, 1)


async def test_filling_the_hole_ends_it_with_the_time_and_calls_nobody_any_more(site, bureau, clock):
    begins = CHANGE + 2 * DAY
    row_id = await vacate(site, bureau.canteen.id, begins, begins + DAY)
    await look(site, bureau.canteen.id)
    clock.move(3600)
    async with site.db.write() as session:
        row = await session.get(SeatHolder, row_id)
        row.voided_at = clock.now()
        session.add(row)
    await look(site, bureau.canteen.id)
    (ended,) = await owed(site, bureau.canteen.id, states=("fulfilled",))
    assert ended.evidence_at == clock.now()
    assert await owed(site, bureau.canteen.id) == []


async def test_a_hole_that_is_over_is_no_longer_owed_and_was_not_filled(site, bureau, clock):
    await vacate(site, bureau.canteen.id, clock.now() - HOUR, clock.now() + HOUR)
    again = await look(site, bureau.canteen.id)
    assert again == clock.now() + HOUR
    clock.move(3600)
    await look(site, bureau.canteen.id)
    (row,) = await owed(site, bureau.canteen.id, states=("withdrawn",))
    assert row.close_cause == "SHIFT_OVER"


async def test_a_seat_that_is_no_longer_asked_for_is_withdrawn_not_fulfilled(site, bureau, clock):
    await vacate(site, bureau.canteen.id, CHANGE + DAY, CHANGE + 2 * DAY)
    await look(site, bureau.canteen.id)
    async with site.db.write() as session:
        session.add(
            SeatPattern(
                unit_id=bureau.canteen.id,
                seat="operator_primary",
                day_class="workday",
                starts=time(8, 30),
                minutes=1440,
                mode="on_call",
                valid_from=date(2020, 1, 1),
                created_at=clock.now(),
                created_by="office",
            )
        )
    await look(site, bureau.canteen.id)
    assert [row.rule_id for row in await owed(site, bureau.canteen.id, states=("withdrawn",))] == ["48.1"]


async def test_an_approved_leave_opens_the_hole_before_anybody_struck_the_shift(site, bureau, clock):
    async with site.db.write() as session:
        session.add(
            LeaveReport(
                person_id=bureau.canteen_leader.id,
                unit_id=bureau.canteen.id,
                kind="leave",
                away="city",
                reason="探亲",
                starts_at=CHANGE + DAY,
                ends_at=CHANGE + DAY + 5 * HOUR,
                state="approved",
                requested_at=clock.now(),
                requested_by="本人",
            )
        )
    await look(site, bureau.canteen.id)
    (row,) = await owed(site, bureau.canteen.id, "48.1")
    assert row.due_at == CHANGE + DAY


async def test_somebody_who_leaves_empties_every_seat_from_then_on(site, bureau, clock):
    async with site.db.write() as session:
        person = await session.get(people.Person, bureau.motor_operator.id)
        person.retired_at = CHANGE + 5 * DAY
        session.add(person)
    await look(site, bureau.motor.id)
    rows = await owed(site, bureau.motor.id, "48.3")
    assert [row.due_at for row in rows] == [CHANGE + count * DAY for count in (5, 6)]


async def test_on_post_without_a_confirmed_number_is_owed_until_it_is_confirmed(site, bureau, clock):
    async with site.db.write() as session:
        points = await session.exec(
            select(people.ContactPoint).where(col(people.ContactPoint.person_id) == bureau.motor_operator.id)
        )
        (point,) = points
        point.confirmed_at = None
        session.add(point)
    await look(site, bureau.motor.id)
    (row,) = await owed(site, bureau.motor.id)
    assert (row.rule_id, row.person_id, row.title) == (
        "48.3-reach",
        bureau.motor_operator.id,
        "号码未确认",
    )
    async with site.db.write() as session:
        stored = await session.get(people.ContactPoint, point.id)
        stored.confirmed_at = clock.now()
        session.add(stored)
    await look(site, bureau.motor.id)
    assert await owed(site, bureau.motor.id) == []
    assert await owed(site, bureau.motor.id, states=("fulfilled", "fulfilled_late"))


async def test_a_confirmation_that_lapses_before_the_next_look_is_owed_already(site, bureau, clock):
    async with site.db.write() as session:
        points = await session.exec(
            select(people.ContactPoint).where(col(people.ContactPoint.person_id) == bureau.motor_operator.id)
        )
        (point,) = points
        point.confirmed_at = clock.now() - CONFIRMED_FOR + timedelta(hours=3)
        session.add(point)
    await look(site, bureau.motor.id)
    (row,) = await owed(site, bureau.motor.id)
    assert (row.rule_id, row.person_id) == ("48.3-reach", bureau.motor_operator.id)


async def test_a_retired_unit_holds_no_seats_and_is_looked_at_no_more(site, bureau, clock):
    await vacate(site, bureau.canteen.id, CHANGE + DAY, CHANGE + 2 * DAY)
    await look(site, bureau.canteen.id)
    async with site.db.write() as session:
        unit = await session.get(people.Unit, bureau.canteen.id)
        unit.retired_at = clock.now()
        session.add(unit)
    assert await look(site, bureau.canteen.id) is None
    assert await owed(site, bureau.canteen.id) == []


async def test_next_months_roster_is_asked_for_in_time_and_a_month_planned_otherwise_is_filed(
    site, db, clock
):
    bureau = await build_bureau(db, clock.now(), until=CHANGE + 10 * DAY)
    await look(site, bureau.canteen.id)
    (row,) = await owed(site, bureau.canteen.id)
    assert (row.rule_id, row.subject) == ("48.7", f"filing/{bureau.canteen.id}/2026-12")
    async with site.db.write() as session:
        found = await not_filed(session, date(2026, 12, 1), clock.now())
        assert [(one.unit_id, one.late) for one in found] == [(bureau.canteen.id, False)]
        for person, seat in (
            (bureau.canteen_leader, "leader"),
            (bureau.canteen_operator, "operator_primary"),
        ):
            begins = CHANGE + 10 * DAY
            while begins < CHANGE + 40 * DAY:
                await plan_shift(
                    session,
                    clock.now(),
                    "import",
                    unit="canteen",
                    seat=seat,
                    person=person.id,
                    starts_at=begins,
                    ends_at=begins + 5 * DAY,
                    mode="on_post",
                )
                begins += 5 * DAY
    await look(site, bureau.canteen.id)
    assert await owed(site, bureau.canteen.id) == []
    assert [row.rule_id for row in await owed(site, bureau.canteen.id, states=("fulfilled",))] == ["48.7"]


async def test_a_roster_whose_month_is_over_is_put_away(site, bureau, clock):
    async with site.db.write() as session:
        session.add(
            Roster(
                unit_id=bureau.canteen.id,
                month=date(2026, 10, 1),
                state="published",
                created_at=clock.now(),
                created_by="office",
            )
        )
    await look(site, bureau.canteen.id)
    async with site.db.read() as session:
        assert [row.state for row in await session.exec(select(Roster))] == ["archived"]


async def test_a_unit_that_cannot_be_looked_at_delays_only_itself_and_the_desk_is_told(site, bureau, clock):
    async with site.db.write() as session:
        session.add(
            SeatPattern(
                unit_id=bureau.canteen.id,
                # Nobody knows what this is called.
                seat="ghost",
                day_class="workday",
                starts=time(8, 30),
                minutes=1440,
                mode="on_call",
                valid_from=date(2020, 1, 1),
                created_at=clock.now(),
                created_by="office",
            )
        )
    done = await ticks.keep(site, clock.now())
    assert (done.looked_at >= 3, done.failed) == (True, 1)
    async with site.db.read() as session:
        units = {row.id: row.roster_check_at for row in await session.exec(select(people.Unit))}
        shown = [row.wording for row in await alert_queries.screen_alerts(session)]
        assert await ticks.next_due(session) == clock.now() + timedelta(minutes=1)
    assert units[bureau.motor.id] == CHANGE
    assert units[bureau.canteen.id] == clock.now() + timedelta(minutes=1)
    assert shown == ["roster_fault"]


async def disturb(site, unit_id, chance, people_ids):
    """Somebody goes on leave, or a seat of some hours is left or taken by somebody else."""
    begins = CHANGE + chance.randrange(0, 180) * HOUR
    ends = begins + chance.randrange(1, 40) * HOUR
    async with site.db.write() as session:
        if chance.random() < 0.3:
            row = LeaveReport(
                person_id=chance.choice(people_ids),
                unit_id=unit_id,
                kind="leave",
                away="city",
                reason="出差",
                starts_at=begins,
                ends_at=ends,
                state="approved",
                requested_at=site.clock.now(),
                requested_by="本人",
            )
            session.add(row)
            return
        rows = await session.exec(
            select(Shift).where(
                col(Shift.unit_id) == unit_id, col(Shift.starts_at) <= begins, col(Shift.ends_at) > begins
            )
        )
        shift = chance.choice(list(rows))
        session.add(
            SeatHolder(
                unit_id=unit_id,
                seat=shift.seat,
                person_id=chance.choice([None, None, *people_ids]),
                from_at=begins,
                until_at=min(ends, shift.ends_at),
                instead_of_shift_id=shift.id,
                reason="变动",
                created_at=site.clock.now(),
            )
        )


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_whatever_happens_no_hour_is_uncovered_without_an_open_obligation(site, bureau, clock, seed):
    chance = Random(seed)
    unit_id = bureau.canteen.id
    people_ids = [bureau.canteen_leader.id, bureau.canteen_operator.id, bureau.canteen_head.id]
    for _ in range(4):
        for _ in range(3):
            await disturb(site, unit_id, chance, people_ids)
        clock.move(3600 * chance.randrange(1, 30))
        await look(site, unit_id)
        open_now = [row.subject.split("/") for row in await owed(site, unit_id, "48.1", "48.3")]
        asked = {(seat, datetime.fromisoformat(begins)) for _, _, seat, begins in open_now}
        async with site.db.read() as session:
            leaves = list(await session.exec(select(LeaveReport)))
            at = clock.now()
            while at < horizon(clock.now(), site.rulebook.rosters, site.zone):
                held = await who_holds(session, [unit_id], at)
                for seat in ("leader", "operator_primary"):
                    here = {one.person_id for one in held.get((unit_id, seat), [])}
                    here -= {one.person_id for one in leaves if one.starts_at <= at < one.ends_at}
                    owing = any(name == seat and begins <= at < begins + DAY for name, begins in asked)
                    assert here or owing, (seat, at)
                at += HOUR

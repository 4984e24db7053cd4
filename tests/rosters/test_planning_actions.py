"""Generating and planning by hand, on both databases."""

from collections import Counter
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlmodel import col, select

from dutydesk.alerts.model import Alert
from dutydesk.audit.model import AuditEntry
from dutydesk.errors import ConflictError, InvalidInputError
from dutydesk.people.actions import NewContact, create_person, create_unit
from dutydesk.people.model import ContactPoint, Person
from dutydesk.rosters.model import LeaveReport, Roster, Rotation, RotationMember, SeatHolder, Shift
from dutydesk.rosters.planning import actions as planning
from dutydesk.rosters.view_queries import begin_of

DAY = timedelta(days=1)
DECEMBER, JANUARY = date(2026, 12, 1), date(2027, 1, 1)
SEATS = ("leader", "operator_primary")


@pytest.fixture
async def unit(db, clock):
    """A unit on duty around the clock with two rotations of four: (unit, leaders, operators)."""
    now = clock.now()
    async with db.write() as session:
        await create_unit(session, now, "office", code="DESK", name="局值班室", kind="desk")
        made = await create_unit(
            session, now, "office", code="canteen", name="机关食堂", kind="subordinate", parent="DESK"
        )
        groups = []
        for seat in SEATS:
            people = []
            for number in range(4):
                contact = NewContact("mobile", f"138{SEATS.index(seat)}000000{number}")
                one = await create_person(
                    session, now, "office", name=f"{seat}{number}", unit="canteen", contacts=[contact]
                )
                row = await session.get(Person, one.id)
                row.rank = "unit_deputy"
                people.append(one.id)
            groups.append(people)
            rotation = Rotation(
                unit_id=made.id,
                seat=seat,
                name=seat,
                day_classes=["workday", "makeup", "rest", "holiday", "sensitive"],
                created_at=now,
                created_by="office",
            )
            session.add(rotation)
            await session.flush()
            session.add_all(
                RotationMember(
                    rotation_id=rotation.id, person_id=one, position=at, joined_on=date(2026, 1, 1)
                )
                for at, one in enumerate(people)
            )
    async with db.write() as session:
        for point in await session.exec(select(ContactPoint)):
            point.confirmed_at = now + 20 * DAY
            session.add(point)
    return made.id, *groups


async def shifts_of(db, unit_id, *states):
    async with db.read() as session:
        rows = await session.exec(
            select(Shift).where(col(Shift.unit_id) == unit_id).order_by(col(Shift.starts_at), col(Shift.id))
        )
        return [one for one in rows if one.state in (states or ("draft", "published"))]


def rested(rows, at):
    """Somebody of the same seat who serves neither that day nor next to it."""
    near = {one.person_id for one in rows[at - 1 : at + 2]}
    return next(one.person_id for one in rows if one.person_id not in near)


async def generated(db, site, clock, unit_id, start=DECEMBER, end=JANUARY, seats=None):
    async with db.write() as session:
        return await planning.generate(session, site, clock.now(), "吴芳", unit_id, start, end, seats)


async def test_a_month_is_generated_as_drafts_of_its_roster(db, site, clock, unit):
    unit_id, leaders, operators = unit
    plan = await generated(db, site, clock, unit_id)
    rows = await shifts_of(db, unit_id)
    assert len(rows) == 62
    assert not plan.holes
    assert {one.state for one in rows} == {"draft"}
    first = rows[0]
    assert first.starts_at == datetime(2026, 12, 1, 0, 30, tzinfo=UTC)
    assert first.ends_at - first.starts_at == DAY
    assert {one.person_id for one in rows if one.seat == "leader"} == set(leaders)
    assert {one.person_id for one in rows if one.seat == "operator_primary"} == set(operators)
    assert first.why == {"code": "TURN", "at": 1}
    async with db.read() as session:
        roster = (await session.exec(select(Roster))).one()
        told = (
            await session.exec(select(AuditEntry).where(col(AuditEntry.action) == "roster.generated"))
        ).one()
    assert (roster.month, roster.state) == (DECEMBER, "draft")
    assert {one.roster_id for one in rows} == {roster.id}
    assert told.actor == "吴芳"


async def test_generating_again_brings_the_same_and_leaves_nothing_double(db, site, clock, unit):
    unit_id = unit[0]
    await generated(db, site, clock, unit_id)
    first = [(one.starts_at, one.seat, one.person_id, one.owner_id) for one in await shifts_of(db, unit_id)]
    await generated(db, site, clock, unit_id)
    assert first == [
        (one.starts_at, one.seat, one.person_id, one.owner_id) for one in await shifts_of(db, unit_id)
    ]


async def test_the_next_month_goes_on_where_this_one_ended(db, site, clock, unit):
    unit_id = unit[0]
    await generated(db, site, clock, unit_id)
    await generated(db, site, clock, unit_id, JANUARY, date(2027, 2, 1))
    apart = [
        one.owner_id
        for one in await shifts_of(db, unit_id)
        if (one.seat, one.day_class) == ("leader", "workday")
    ]
    counts = Counter(apart)
    assert max(counts.values()) - min(counts.values()) <= 1
    async with db.read() as session:
        whole = await planning.preview(session, site, clock.now(), unit_id, DECEMBER, date(2027, 2, 1))
    at_once = [
        one.owner_id for one in whole.made if (one.slot.seat, one.slot.day_class) == ("leader", "workday")
    ]
    assert apart == at_once


async def test_generating_keeps_what_is_locked_published_or_past(db, site, clock, unit):
    unit_id, leaders, _ = unit
    await generated(db, site, clock, unit_id)
    rows = [one for one in await shifts_of(db, unit_id) if one.seat == "leader"]
    clock.set(rows[3].starts_at + timedelta(hours=1))
    async with db.write() as session:
        await planning.lock(session, clock.now(), "吴芳", rows[10].id, True)
        published = await session.get(Shift, rows[20].id)
        published.state = "published"
        # A member leaves: what is not kept must change.
        for member in await session.exec(
            select(RotationMember).where(col(RotationMember.person_id) == leaders[0])
        ):
            member.left_on = date(2026, 12, 1)
    kept = {one.id: (one.person_id, one.owner_id, one.why) for one in [*rows[:4], rows[10], rows[20]]}
    await generated(db, site, clock, unit_id)
    after = {one.id: one for one in await shifts_of(db, unit_id)}
    assert {key: (after[key].person_id, after[key].owner_id, after[key].why) for key in kept} == kept
    made = [one for key, one in after.items() if key not in kept and one.seat == "leader"]
    assert len(made) == 31 - len(kept)
    assert leaders[0] not in {one.person_id for one in made}
    assert len({one.starts_at for one in after.values() if one.seat == "leader"}) == 31


async def test_only_the_seats_named_are_generated_again(db, site, clock, unit):
    unit_id = unit[0]
    await generated(db, site, clock, unit_id)
    before = {one.id for one in await shifts_of(db, unit_id) if one.seat == "leader"}
    await generated(db, site, clock, unit_id, seats=["operator_primary"])
    rows = await shifts_of(db, unit_id)
    assert before == {one.id for one in rows if one.seat == "leader"}
    assert len(rows) == 62


async def test_nobody_is_planned_while_on_leave(db, site, clock, unit):
    unit_id, leaders, _ = unit
    now = clock.now()
    async with db.write() as session:
        session.add(
            LeaveReport(
                person_id=leaders[1],
                unit_id=unit_id,
                kind="leave",
                away="city",
                reason="探亲",
                starts_at=datetime(2026, 12, 4, 16, tzinfo=UTC),
                ends_at=datetime(2026, 12, 14, 16, tzinfo=UTC),
                state="approved",
                requested_at=now,
                requested_by="x",
            )
        )
    plan = await generated(db, site, clock, unit_id)
    days = [one.slot.day for one in plan.made if one.person_id == leaders[1]]
    assert not [day for day in days if date(2026, 12, 4) <= day <= date(2026, 12, 14)]
    assert not plan.holes
    assert [one.why["code"] for one in plan.made].count("INSTEAD") >= 2


async def test_a_year_is_written_month_by_month_and_is_that_of_one_go(db, site, clock, unit):
    unit_id = unit[0]
    end = date(2027, 12, 1)
    async with db.read() as session:
        plan = await planning.preview(session, site, clock.now(), unit_id, DECEMBER, end)
    await planning.generate_long(site, clock.now(), "吴芳", unit_id, DECEMBER, end)
    rows = await shifts_of(db, unit_id)
    assert [(one.starts_at, one.person_id) for one in rows] == [
        (one.slot.starts_at, one.person_id) for one in plan.made
    ]
    async with db.read() as session:
        assert len(list(await session.exec(select(Roster)))) == 12


@pytest.mark.parametrize(
    ("start", "end"), [(JANUARY, DECEMBER), (DECEMBER, DECEMBER), (DECEMBER, date(2029, 1, 1))]
)
async def test_an_empty_or_endless_span_is_refused(db, site, clock, unit, start, end):
    with pytest.raises(InvalidInputError):
        await generated(db, site, clock, unit[0], start, end)


async def test_a_draft_given_to_somebody_by_hand_is_locked_and_stays_the_owners_turn(db, site, clock, unit):
    unit_id, _, _ = unit
    await generated(db, site, clock, unit_id)
    rows = [one for one in await shifts_of(db, unit_id) if one.seat == "leader"]
    other = rested(rows, 5)
    async with db.write() as session:
        made = await planning.assign(
            session, site, clock.now(), "吴芳", shift_id=rows[5].id, person_id=other, reason="换届会"
        )
    assert (made.id, made.locked, made.owner_id) == (rows[5].id, True, rows[5].owner_id)
    assert made.why["by"] == "吴芳"
    await generated(db, site, clock, unit_id)
    again = {one.id: one for one in await shifts_of(db, unit_id)}
    assert again[made.id].person_id == other


async def test_hard_faults_refuse_and_soft_ones_ask_for_a_reason(db, site, clock, unit):
    unit_id, _, _ = unit
    await generated(db, site, clock, unit_id)
    rows = await shifts_of(db, unit_id)
    leader = next(one for one in rows if one.seat == "leader")
    beside = next(one for one in rows if one.seat == "operator_primary" and one.starts_at == leader.starts_at)
    follows = next(one for one in rows if one.seat == "leader" and one.starts_at == leader.ends_at)
    async with db.write() as session:
        with pytest.raises(ConflictError, match="同一时间另有班次"):
            await planning.assign(
                session, site, clock.now(), "吴芳", shift_id=leader.id, person_id=beside.person_id
            )
        with pytest.raises(InvalidInputError, match="请写明理由"):
            await planning.assign(
                session, site, clock.now(), "吴芳", shift_id=leader.id, person_id=follows.person_id
            )
        made = await planning.assign(
            session,
            site,
            clock.now(),
            "吴芳",
            shift_id=leader.id,
            person_id=follows.person_id,
            reason="本人同意",
        )
    assert made.person_id == follows.person_id


async def published(db, unit_id):
    async with db.write() as session:
        for row in await session.exec(select(Shift).where(col(Shift.unit_id) == unit_id)):
            row.state = "published"
        roster = (await session.exec(select(Roster))).one()
        roster.state = "published"


async def test_a_published_shift_given_to_somebody_else_is_a_new_row_and_changes_the_roster(
    db, site, clock, unit
):
    unit_id, _, _ = unit
    await generated(db, site, clock, unit_id)
    await published(db, unit_id)
    rows = [one for one in await shifts_of(db, unit_id) if one.seat == "leader"]
    old, other = rows[5], rested(rows, 5)
    async with db.write() as session:
        made = await planning.assign(session, site, clock.now(), "吴芳", shift_id=old.id, person_id=other)
    assert (made.state, made.sequence, made.owner_id) == ("published", old.sequence + 1, old.owner_id)
    assert made.next_action_at == clock.now()
    async with db.read() as session:
        assert (await session.get(Shift, old.id)).state == "cancelled"
        roster = (await session.exec(select(Roster))).one()
        told = {one.person_id for one in await session.exec(select(Alert))}
    assert (roster.state, roster.version) == ("changed", 2)
    assert told == {old.person_id, other}


async def test_a_shift_that_somebody_stands_in_for_is_not_planned_over(db, site, clock, unit):
    unit_id, _, _ = unit
    await generated(db, site, clock, unit_id)
    await published(db, unit_id)
    rows = [one for one in await shifts_of(db, unit_id) if one.seat == "leader"]
    async with db.write() as session:
        session.add(
            SeatHolder(
                unit_id=unit_id,
                seat="leader",
                person_id=rested(rows, 5),
                from_at=rows[5].starts_at,
                until_at=rows[5].ends_at,
                instead_of_shift_id=rows[5].id,
                reason="代班",
                created_at=clock.now(),
            )
        )
    async with db.write() as session:
        with pytest.raises(ConflictError, match="请先撤销"):
            await planning.remove(session, clock.now(), "吴芳", rows[5].id, "误排")


async def test_a_shift_that_began_is_not_given_away(db, site, clock, unit):
    unit_id, _, _ = unit
    await generated(db, site, clock, unit_id)
    rows = [one for one in await shifts_of(db, unit_id) if one.seat == "leader"]
    clock.set(rows[0].starts_at)
    async with db.write() as session:
        with pytest.raises(ConflictError, match="已经开始"):
            await planning.assign(
                session, site, clock.now(), "吴芳", shift_id=rows[0].id, person_id=rows[2].person_id
            )


async def test_an_empty_place_is_filled_by_hand_and_a_full_one_is_not(db, site, clock, unit):
    unit_id, leaders, _ = unit
    told = {"unit_id": unit_id, "seat": "leader", "day": DECEMBER}
    async with db.write() as session:
        made = await planning.add_shift(session, site, clock.now(), "吴芳", **told, person_id=leaders[2])
        assert (made.state, made.locked, made.day_class) == ("draft", True, "workday")
        with pytest.raises(ConflictError, match="已经排满"):
            await planning.add_shift(session, site, clock.now(), "吴芳", **told, person_id=leaders[3])
        with pytest.raises(InvalidInputError, match="席位设置"):
            await planning.add_shift(
                session,
                site,
                clock.now(),
                "吴芳",
                unit_id=unit_id,
                seat="standby",
                day=DECEMBER,
                person_id=leaders[3],
            )


async def test_a_seat_empty_now_is_filled_from_now_on(db, site, clock, unit):
    unit_id, leaders, _ = unit
    async with db.write() as session:
        made = await planning.add_shift(
            session,
            site,
            clock.now(),
            "吴芳",
            unit_id=unit_id,
            seat="leader",
            day=date(2026, 11, 23),
            person_id=leaders[2],
        )
    assert (made.state, made.starts_at) == ("published", clock.now())


async def test_clearing_takes_only_drafts_that_are_not_locked(db, site, clock, unit):
    unit_id, _, _ = unit
    await generated(db, site, clock, unit_id)
    rows = await shifts_of(db, unit_id)
    async with db.write() as session:
        await planning.lock(session, clock.now(), "吴芳", rows[4].id, True)
        gone = await planning.clear_drafts(
            session, clock.now(), "吴芳", unit_id, begin_of(DECEMBER, site.zone), begin_of(JANUARY, site.zone)
        )
    assert gone == 61
    assert [one.id for one in await shifts_of(db, unit_id)] == [rows[4].id]

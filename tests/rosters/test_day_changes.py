"""A day that becomes another one after the roster was published holds its shifts to it, and says so."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlmodel import col, select

from dutydesk.alerts.model import Alert
from dutydesk.audit.model import AuditEntry
from dutydesk.rosters.calendar import actions as calendar_actions
from dutydesk.rosters.keeping.gaps import settle_gaps
from dutydesk.rosters.model import Roster, Shift
from tests.builders import build_bureau

ZONE = ZoneInfo("Asia/Shanghai")
# A Wednesday in the middle of a working week.
WEDNESDAY = date(2026, 12, 2)


@pytest.fixture
async def bureau(site, clock):
    return await build_bureau(site.db, clock.now())


@pytest.fixture
def planned(site, bureau):
    """Plan the leader of the canteen by the calendar for the 24 hours from half past eight on a day."""

    async def plan(day=WEDNESDAY, state="published"):
        begins = datetime.combine(day, time(8, 30), ZONE).astimezone(UTC)
        async with site.db.write() as session:
            roster = Roster(
                unit_id=bureau.canteen.id,
                month=day.replace(day=1),
                state="published" if state == "published" else "draft",
                version=1,
                created_at=site.clock.now(),
                created_by="吴芳",
            )
            session.add(roster)
            await session.flush()
            row = Shift(
                unit_id=bureau.canteen.id,
                seat="leader",
                person_id=bureau.canteen_head.id,
                starts_at=begins,
                ends_at=begins + timedelta(days=1),
                mode="on_call",
                day_class="workday",
                state=state,
                roster_id=roster.id,
                created_at=site.clock.now(),
            )
            session.add(row)
            await session.flush()
            return row.id

    return plan


async def declare(site, day=WEDNESDAY, name="安保三号", **more):
    async with site.db.write() as session:
        row = await calendar_actions.create_period(
            session, site.clock.now(), "吴芳", name=name, starts_on=day, ends_on=day, **more
        )
        return row.id


async def look(site, bureau):
    async with site.db.write() as session:
        await settle_gaps(session, site, site.clock.now(), bureau.canteen.id)


async def shift_of(site, shift_id):
    async with site.db.read() as session:
        return await session.get(Shift, shift_id)


async def told_of(site, shift_id):
    async with site.db.read() as session:
        rows = await session.exec(
            select(Alert.person_id).where(
                col(Alert.subject) == f"shift/{shift_id}", col(Alert.wording) == "shift_changed"
            )
        )
        return list(rows)


async def test_a_period_declared_after_publication_puts_the_shift_on_post_and_tells_who_sits_there(
    site, bureau, planned
):
    shift_id = await planned()
    await declare(site)
    await look(site, bureau)
    row = await shift_of(site, shift_id)
    assert (row.mode, row.signs_in, row.day_class, row.sequence) == ("on_post", True, "sensitive", 1)
    assert await told_of(site, shift_id) == [bureau.canteen_head.id]
    async with site.db.read() as session:
        roster = await session.get(Roster, row.roster_id)
        noted = await session.exec(select(AuditEntry.subject).where(col(AuditEntry.action) == "shift.mode"))
        assert list(noted) == [f"shift:{shift_id}"]
    assert (roster.state, roster.version) == ("changed", 2)


async def test_looked_at_again_nothing_more_changes(site, bureau, planned):
    shift_id = await planned()
    await declare(site)
    await look(site, bureau)
    await look(site, bureau)
    assert (await shift_of(site, shift_id)).sequence == 1
    assert len(await told_of(site, shift_id)) == 1


async def test_a_period_taken_back_lets_people_be_on_call_again(site, bureau, planned):
    shift_id = await planned()
    period_id = await declare(site)
    await look(site, bureau)
    async with site.db.write() as session:
        await calendar_actions.cancel_period(
            session, site.clock.now(), ZONE, "吴芳", period_id, reason="登记有误"
        )
    await look(site, bureau)
    row = await shift_of(site, shift_id)
    assert (row.mode, row.signs_in, row.day_class, row.sequence) == ("on_call", False, "workday", 2)
    assert len(await told_of(site, shift_id)) == 2


async def test_a_draft_follows_its_day_and_nobody_is_told(site, bureau, planned):
    shift_id = await planned(state="draft")
    await declare(site)
    await look(site, bureau)
    assert (await shift_of(site, shift_id)).mode == "on_post"
    assert await told_of(site, shift_id) == []


async def test_a_shift_under_way_is_on_post_from_now_and_not_late_for_signing_in(site, bureau, planned):
    today = site.clock.now().astimezone(ZONE).date()
    shift_id = await planned(today)
    await declare(site, today)
    await look(site, bureau)
    row = await shift_of(site, shift_id)
    assert (row.mode, row.signs_in) == ("on_post", False)
    assert await told_of(site, shift_id) == [bureau.canteen_head.id]


async def test_another_units_period_and_a_shift_planned_without_the_calendar_change_nothing(
    site, bureau, planned
):
    shift_id = await planned()
    await declare(site, unit_id=bureau.motor.id)
    await look(site, bureau)
    assert (await shift_of(site, shift_id)).mode == "on_call"
    await declare(site, name="市两会")
    await look(site, bureau)
    async with site.db.read() as session:
        kept = await session.exec(
            select(Shift.mode).where(
                col(Shift.unit_id) == bureau.canteen.id,
                col(Shift.seat) == "leader",
                col(Shift.day_class).is_(None),
            )
        )
        assert set(kept) == {"on_call"}

"""The demonstration's bureau: believable, quick to make, and calm when it starts."""

from datetime import timedelta
from itertools import combinations

import pytest
from sqlmodel import col, select

from dutydesk import demo
from dutydesk.alerts.model import Alert
from dutydesk.calendars.queries import calendar_for
from dutydesk.demo import bureau
from dutydesk.obligations.model import OWED, Obligation
from dutydesk.people.queries import list_people, list_units
from dutydesk.rosters.candidate_queries import patterns_of
from dutydesk.rosters.keeping.queries import sitting
from dutydesk.rosters.model import LeaveReport, Roster, ShiftChange
from dutydesk.rosters.rules.holes import holes_in
from dutydesk.rosters.rules.slots import default_patterns, slots_of
from dutydesk.worker import Clockwork

DAY = timedelta(days=1)
# Stopped in the evening, on the last day of a month, in a week of holidays, half an hour before a change of shift.
STARTS = (0, 4 * 3600, 7 * 86400, -52 * 86400, 17 * 3600)


@pytest.fixture
def seeded(wired, clock):
    """Seed at so many seconds from now, and do what is due then."""

    async def made(later=0):
        clock.move(later)
        await demo.seed(wired, clock)
        clockwork = Clockwork(wired)
        for _ in range(12):
            await clockwork.run_pass()
        return wired.site

    return made


async def rows_of(site, model, *wanted):
    async with site.db.read() as session:
        return list(await session.exec(select(model).where(*wanted)))


@pytest.mark.parametrize("later", STARTS)
async def test_at_the_start_there_is_the_one_hole_it_shows_and_nobody_is_rung(seeded, later):
    site = await seeded(later)
    holes = await rows_of(site, Obligation, col(Obligation.rule_id).in_(("48.1", "48.3", "48.3-reach")))
    (hole,) = holes
    assert (hole.title, hole.state) == ("值班空缺", "open")
    assert 4 * DAY < hole.due_at - site.clock.now() < 6 * DAY
    overdue = await rows_of(site, Obligation, col(Obligation.state) == "breached")
    assert overdue == []
    assert await rows_of(site, Alert, col(Alert.channel) == "voice") == []


async def test_every_seat_of_the_filed_units_is_held_to_the_end_of_next_month(seeded):
    site = await seeded()
    now = site.clock.now()
    today, end = now.date(), now.date() + 35 * DAY
    async with site.db.read() as session:
        units = [one for one in await list_units(session) if one.code not in bureau.NOT_FILED]
        calendar = await calendar_for(session, today, end)
        own = await patterns_of(session, [one.id for one in units])
        found = await sitting(session, [one.id for one in units], now, now + 40 * DAY)
    holes = []
    for unit in units:
        patterns = own.get(unit.id) or default_patterns(site.rulebook.rosters, unit.id, unit.duty_class)
        slots = slots_of(patterns, calendar, unit.id, today, end, site.zone)
        holes += [(unit.code, one.seat) for one in holes_in(slots, found.shifts, found.rows)]
    assert holes == [("hotel", "operator_primary")]


async def test_nobody_sits_twice_at_one_time(seeded):
    site = await seeded()
    now = site.clock.now()
    async with site.db.read() as session:
        units = await list_units(session)
        found = await sitting(session, [one.id for one in units], now - 30 * DAY, now + 30 * DAY)
    of_one: dict[int, list] = {}
    for shift in found.shifts:
        of_one.setdefault(shift.person_id, []).append(shift)
    for shifts in of_one.values():
        assert not [
            (one, other)
            for one, other in combinations(shifts, 2)
            if one.starts_at < other.ends_at and other.starts_at < one.ends_at
        ]


async def test_it_shows_a_swap_a_request_a_leave_and_two_units_that_have_not_filed(seeded):
    site = await seeded()
    changes = await rows_of(site, ShiftChange)
    assert sorted((one.kind, one.state) for one in changes) == [
        ("substitute", "requested"),
        ("swap", "approved"),
    ]
    assert [one.state for one in await rows_of(site, LeaveReport)] == ["approved"]
    filing = await rows_of(
        site, Obligation, col(Obligation.rule_id) == "48.7", col(Obligation.state).in_(OWED)
    )
    assert len(filing) == len(bureau.NOT_FILED)
    last = await rows_of(site, Roster, col(Roster.month) == site.clock.now().date().replace(month=10, day=1))
    assert {one.state for one in last} <= {"published", "archived"}
    assert len(last) == len(bureau.UNITS) + 1


async def test_started_again_it_goes_on_and_makes_nothing_twice(wired, clock, seeded):
    site = await seeded()
    before = await counts(site)
    clock.move(3600)
    await demo.seed(wired, clock)
    assert await counts(site) == before
    # Weeks later this month is planned, whoever filed it then.
    clock.move(20 * 86400)
    await demo.seed(wired, clock)
    rosters = await rows_of(site, Roster, col(Roster.month) == site.clock.now().date().replace(day=1))
    assert {one.state for one in rosters} == {"published"}
    assert len(rosters) == len(bureau.UNITS) + 1


async def counts(site):
    async with site.db.read() as session:
        people = await list_people(session)
    return len(people), *[len(await rows_of(site, one)) for one in (Roster, ShiftChange, LeaveReport)]

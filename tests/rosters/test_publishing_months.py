"""A month is published as a whole: what is impossible refuses, a doubt needs a reason, everybody is told once."""

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlmodel import col, select

from dutydesk.alerts.model import Alert
from dutydesk.errors import ConflictError, InvalidInputError
from dutydesk.obligations.model import Obligation
from dutydesk.people import model as people
from dutydesk.rosters.keeping.gaps import settle_gaps
from dutydesk.rosters.keeping.publishing import publish, review
from dutydesk.rosters.model import LeaveReport, Roster, Shift
from tests.builders import build_bureau, someone

DAY = timedelta(days=1)
DECEMBER = date(2026, 12, 1)
# The seats are held up to here, so that drafts from here on are all there is.
FIRST = datetime(2026, 12, 1, 0, 30, tzinfo=UTC)


@pytest.fixture
async def bureau(db, clock):
    made = await build_bureau(db, clock.now(), until=FIRST)
    async with db.write() as session:
        # Leaders have the rank, and everybody a number they confirmed.
        for person in (made.canteen_leader, made.canteen_head):
            row = await session.get(people.Person, person.id)
            row.rank = "unit_deputy"
            session.add(row)
    return made


async def draft(site, clock, bureau, person, day, *, seat="leader", days=1, unit=None):
    begins = FIRST + (day - 1) * DAY
    async with site.db.write() as session:
        row = Shift(
            unit_id=(unit or bureau.canteen).id,
            seat=seat,
            person_id=person.id,
            starts_at=begins,
            ends_at=begins + days * DAY,
            mode="on_call",
            state="draft",
            created_at=clock.now(),
        )
        session.add(row)
        await session.flush()
        return row.id


async def whole_month(site, clock, bureau):
    """Two leaders and two operators in turns: nobody twice, everybody rested."""
    async with site.db.write() as session:
        second = await someone(session, clock.now(), "canteen", "韩立群", "+8613800000077")
    for day in range(1, 32):
        leader = bureau.canteen_head if day % 2 else bureau.canteen_leader
        operator = second if day % 2 else bureau.canteen_operator
        await draft(site, clock, bureau, leader, day)
        await draft(site, clock, bureau, operator, day, seat="operator_primary")


async def go(site, clock, bureau, remarks=""):
    async with site.db.write() as session:
        return await publish(session, site, clock.now(), "吴芳", bureau.canteen.id, DECEMBER, remarks)


async def messages(site):
    async with site.db.read() as session:
        rows = await session.exec(
            select(Alert).where(col(Alert.wording) == "shift_published").order_by(col(Alert.person_id))
        )
        return [(row.person_id, row.params["title"], row.params["day"]) for row in rows]


async def test_a_whole_month_becomes_duty_and_everyone_is_told_once(site, clock, bureau):
    await whole_month(site, clock, bureau)
    roster = await go(site, clock, bureau)
    assert (roster.state, roster.version, roster.published_by) == ("published", 1, "吴芳")
    async with site.db.read() as session:
        rows = list(await session.exec(select(Shift).where(col(Shift.starts_at) >= FIRST)))
    assert {row.state for row in rows} == {"published"}
    assert all(row.next_action_at is not None and row.next_action_at < row.starts_at for row in rows)
    told = await messages(site)
    assert len(told) == 4
    assert (bureau.canteen_head.id, "12月值班16班", "12月1日") in told
    assert (bureau.canteen_leader.id, "12月值班15班", "12月2日") in told


async def test_it_files_the_units_roster(site, clock, bureau):
    async with site.db.write() as session:
        await settle_gaps(session, site, clock.now(), bureau.canteen.id)
    await whole_month(site, clock, bureau)
    clock.move(60)
    await go(site, clock, bureau)
    async with site.db.read() as session:
        (row,) = await session.exec(select(Obligation).where(col(Obligation.rule_id) == "48.7"))
    assert (row.state, row.evidence_at) == ("fulfilled", clock.now())


async def test_a_second_time_only_those_are_told_whose_turns_are_new(site, clock, bureau):
    await whole_month(site, clock, bureau)
    await go(site, clock, bureau)
    before = len(await messages(site))
    async with site.db.write() as session:
        (old,) = await session.exec(
            select(Shift).where(col(Shift.seat) == "leader", col(Shift.starts_at) == FIRST + 9 * DAY)
        )
        old.state = "cancelled"
        session.add(old)
    await draft(site, clock, bureau, bureau.canteen_head, 10)
    roster = await go(site, clock, bureau, "换人")
    assert (roster.state, roster.version) == ("changed", 2)
    told = await messages(site)
    assert len(told) == before + 1
    assert (bureau.canteen_head.id, "12月值班1班", "12月10日") in told


async def test_a_hole_needs_a_reason_and_is_owed_from_then_on(site, clock, bureau):
    clock.set(FIRST - 3 * DAY)
    await draft(site, clock, bureau, bureau.canteen_leader, 1)
    with pytest.raises(InvalidInputError, match="空缺"):
        await go(site, clock, bureau, "  ")
    roster = await go(site, clock, bureau, "其余日期待定")
    assert roster.remarks == "其余日期待定"
    async with site.db.read() as session:
        rules = [row.rule_id for row in await session.exec(select(Obligation))]
    assert {"48.1", "48.3"} <= set(rules)


async def test_somebody_no_telephone_rings_for_needs_a_reason(site, clock, bureau):
    await whole_month(site, clock, bureau)
    async with site.db.write() as session:
        rows = await session.exec(
            select(people.ContactPoint).where(
                col(people.ContactPoint.person_id) == bureau.canteen_leader.id,
                col(people.ContactPoint.kind) != "email",
            )
        )
        for row in rows:
            row.disabled_at, row.disabled_reason = clock.now(), "空号"
            session.add(row)
    with pytest.raises(InvalidInputError, match="没有号码"):
        await go(site, clock, bureau)
    assert (await go(site, clock, bureau, "本人换号，明日登记")).state == "published"


async def test_somebody_on_leave_or_twice_at_once_or_gone_refuses_whatever_the_reason(site, clock, bureau):
    shift_id = await draft(site, clock, bureau, bureau.canteen_leader, 3)
    twin = await draft(site, clock, bureau, bureau.canteen_leader, 3, seat="operator_primary")
    with pytest.raises(ConflictError, match="不能值班"):
        await go(site, clock, bureau, "领导同意")
    async with site.db.write() as session:
        await session.delete(await session.get(Shift, twin))
        session.add(
            LeaveReport(
                person_id=bureau.canteen_leader.id,
                unit_id=bureau.canteen.id,
                kind="leave",
                away="post",
                reason="年休",
                starts_at=FIRST + 2 * DAY,
                ends_at=FIRST + 3 * DAY,
                state="approved",
                requested_at=clock.now(),
                requested_by="本人",
            )
        )
    async with site.db.read() as session:
        unit = await session.get(people.Unit, bureau.canteen.id)
        found = await review(session, site, clock.now(), unit, DECEMBER)
    assert [(one.shift.id, "AWAY" in one.faults) for one in found.hard] == [(shift_id, True)]
    with pytest.raises(ConflictError, match="不能值班"):
        await go(site, clock, bureau, "领导同意")
    async with site.db.read() as session:
        assert (await session.get(Shift, shift_id)).state == "draft"
        assert await messages(site) == []


async def test_nothing_to_publish_and_an_archived_month_are_refused(site, clock, bureau):
    with pytest.raises(ConflictError, match="请先排班"):
        await go(site, clock, bureau)
    async with site.db.write() as session:
        session.add(
            Roster(
                unit_id=bureau.canteen.id,
                month=DECEMBER,
                state="archived",
                created_at=clock.now(),
                created_by="office",
            )
        )
    await draft(site, clock, bureau, bureau.canteen_leader, 1)
    with pytest.raises(ConflictError, match="归档"):
        await go(site, clock, bureau, "补发")


async def test_a_contact_publishes_their_own_units_month_and_no_others(site, clock, bureau, browser_of):
    await whole_month(site, clock, bureau)
    contact = await browser_of("unit", unit="canteen")
    page = (await contact.get("/rosters/canteen/2026-12/publish")).text
    assert "视为本单位已报送" in page
    assert "没有空缺" in page
    assert (await contact.get("/rosters/motor/2026-12/publish")).status_code == 404
    assert (await contact.post("/rosters/motor/2026-12/publish")).status_code == 404
    done = await contact.post("/rosters/canteen/2026-12/publish", data={"remarks": ""})
    assert (done.status_code, done.headers["location"]) == (303, "/rosters/canteen/2026-12")
    again = await contact.post("/rosters/canteen/2026-12/publish", data={"remarks": "再来"})
    assert again.status_code == 409
    assert "请先排班" in again.text


async def test_the_page_keeps_what_was_typed_and_says_why_it_refuses(site, clock, bureau, browser_of):
    await draft(site, clock, bureau, bureau.canteen_leader, 3)
    office = await browser_of("office")
    page = (await office.get("/rosters/canteen/2026-12/publish")).text
    assert "空缺：" in page
    refused = await office.post("/rosters/canteen/2026-12/publish", data={"remarks": ""})
    assert refused.status_code == 422
    assert "请写明原因" in refused.text
    assert (await office.get("/rosters/canteen/2026-13/publish")).status_code == 404
    inspector = await browser_of("inspector")
    assert (await inspector.get("/rosters/canteen/2026-12/publish")).status_code == 403

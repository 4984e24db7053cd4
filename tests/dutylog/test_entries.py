"""What is written into the duty log stays: a correction is a later row."""

import asyncio
from datetime import timedelta

import pytest
from sqlmodel import select

from dutydesk.accounts.rules import Actor
from dutydesk.audit.model import AuditEntry
from dutydesk.dutylog import queries
from dutydesk.dutylog.actions import NewEntry, add_entry, correct_entry
from dutydesk.errors import ConflictError, InvalidInputError
from dutydesk.incidents.actions import NewIncident, log_incident
from tests.builders import build_bureau

OPERATOR = Actor("陈静", "operator")


@pytest.fixture
async def bureau(site):
    return await build_bureau(site.db, site.clock.now())


@pytest.fixture
async def fire(site, bureau):
    now = site.clock.now()
    new = NewIncident(
        title="后厨配电室起火",
        category="accident",
        grade="ungraded",
        unit_id=bureau.canteen.id,
        occurred_at=now,
        occurred_at_kind="exact",
    )
    async with site.db.write() as session:
        return await log_incident(session, site, now, OPERATOR, new)


@pytest.fixture
def write(site):
    async def one(**fields):
        now = site.clock.now()
        async with site.db.write() as session:
            new = NewEntry(**{"kind": "call_in", "at": now, "content": "询问值班安排"} | fields)
            return await add_entry(session, site, now, OPERATOR, new)

    return one


@pytest.fixture
def correct(site):
    async def one(row, reason="漏记", **values):
        async with site.db.write() as session:
            locked = await queries.entry(session, row.id, lock=True)
            return await correct_entry(session, site.clock.now(), OPERATOR, locked, values, reason)

    return one


async def listed(site, **wanted):
    async with site.db.read() as session:
        return await queries.list_entries(session, queries.Wanted(**wanted))


async def test_a_correction_keeps_the_old_row_and_is_the_one_that_is_listed(site, write, correct, clock):
    row = await write(person="李强")
    clock.move(60)
    later = await correct(row, content="询问值班和降雪安排")
    assert (later.person, later.corrects_id, later.reason) == ("李强", row.id, "漏记")
    assert [one.id for one in await listed(site)] == [later.id]
    async with site.db.read() as session:
        first, last = await queries.versions_of(session, await queries.entry(session, row.id))
        assert await queries.versions_of(session, last) == [first, last]
    assert (first.content, first.logged_at) == ("询问值班安排", row.logged_at)
    assert last.content == "询问值班和降雪安排"


async def test_two_cannot_correct_the_same_version(site, write, correct):
    row = await write()
    done = await asyncio.gather(
        correct(row, content="甲"), correct(row, content="乙"), return_exceptions=True
    )
    assert sum(isinstance(one, ConflictError) for one in done) == 1
    assert len(await listed(site)) == 1


async def test_a_correction_that_changes_nothing_is_refused(write, correct):
    row = await write()
    with pytest.raises(ConflictError):
        await correct(row, content=row.content)


async def test_an_entry_written_long_afterwards_or_at_a_typed_time_is_late(site, write, correct):
    now = site.clock.now()
    limit = site.rulebook.pace.late_entry_after
    assert not (await write(at=now - limit)).late_entry
    assert (await write(at=now - limit - timedelta(seconds=1))).late_entry
    assert (await write(at=now, stamped=False)).late_entry
    prompt = await write()
    assert (await correct(prompt, at=now - timedelta(minutes=1))).late_entry
    assert not (await correct(await write(), content="另一件事")).late_entry


async def test_no_time_of_an_entry_lies_ahead(site, write):
    now = site.clock.now()
    second = timedelta(seconds=1)
    for wrong in (
        {"at": now + second},
        {"conveyed_at": now + second},
        {"conveyed_at": now - second},
    ):
        with pytest.raises(InvalidInputError):
            await write(**wrong)
    assert await listed(site) == []


async def test_the_entries_of_an_incident_are_its_newest_versions_in_order(site, write, correct, fire):
    now = site.clock.now()
    second = await write(incident_id=fire.id, at=now, content="第二")
    await write(incident_id=fire.id, at=now - timedelta(minutes=1), content="第一")
    await write(content="与事件无关")
    await correct(second, content="第二（更正）")
    async with site.db.read() as session:
        found = await queries.entries_of_incident(session, fire.id)
    assert [one.content for one in found] == ["第一", "第二（更正）"]


async def test_a_list_is_narrowed_by_kind_unit_time_and_words(site, write, bureau):
    now = site.clock.now()
    await write(content="甲 100%", unit_id=bureau.canteen.id)
    await write(kind="call_out", content="乙", person="Zhou", at=now - timedelta(hours=1))
    await write(kind="instruction", content="丙", conveyed_to="机关食堂")

    async def said(**wanted):
        return {one.content for one in await listed(site, **wanted)}

    assert await said(kind="call_out") == {"乙"}
    assert await said(unit_id=bureau.canteen.id) == {"甲 100%"}
    assert await said(since=now - timedelta(minutes=1)) == {"甲 100%", "丙"}
    assert await said(until=now) == {"乙"}
    assert await said(text="zhou") == {"乙"}
    assert await said(text="食堂 丙") == {"丙"}
    assert await said(text="食堂 甲") == set()
    assert await said(text="0%") == {"甲 100%"}
    assert await said(text="%乙") == set()


async def test_every_row_leaves_a_line_in_the_audit_trail(site, write, correct):
    row = await write()
    await correct(row, content="另一件事")
    async with site.db.read() as session:
        found = [one.action for one in await session.exec(select(AuditEntry))]
    assert found[-2:] == ["log.written", "log.corrected"]

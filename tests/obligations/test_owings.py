"""What no incident brings is owed, moved, fulfilled and withdrawn by what a feature says is so."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlmodel import col, select

from dutydesk.obligations import queries
from dutydesk.obligations.actions import close
from dutydesk.obligations.model import Rung, Verdict
from dutydesk.obligations.owings import Owing, settle_owings
from tests.builders import build_bureau

HOUR = timedelta(hours=1)
SCOPE = "gap/1"


@pytest.fixture
async def bureau(db, clock):
    return await build_bureau(db, clock.now())


@pytest.fixture
def hole(bureau, clock):
    now = clock.now()
    return Owing(
        subject="gap/1/leader/first",
        rule_id="48.1",
        number="12月1日",
        unit_id=bureau.canteen.id,
        base_at=now,
        due_at=now + 48 * HOUR,
    )


async def settle(site, wanted, done=None, scope=SCOPE):
    async with site.db.write() as session:
        return await settle_owings(
            session, site, site.clock.now(), "clockwork", scope, wanted, done or {}, gone="SEAT_FILLED"
        )


async def owed(site, scope=SCOPE):
    async with site.db.write() as session:
        return await queries.obligations_in(session, scope)


async def test_what_is_wanted_is_opened_once_with_its_ladder(site, hole):
    await settle(site, [hole])
    await settle(site, [hole])
    (row,) = await owed(site)
    assert (row.state, row.incident_id, row.due_at, row.title) == ("open", None, hole.due_at, "带班空缺")
    async with site.db.read() as session:
        rungs = list(await session.exec(select(Rung).where(col(Rung.obligation_id) == row.id)))
    assert min(rung.at for rung in rungs) == hole.base_at
    assert row.next_action_at == hole.base_at


async def test_a_due_time_that_moves_lays_the_ladder_anew(site, hole):
    await settle(site, [hole])
    moved = replace(hole, due_at=hole.due_at - HOUR)
    settled = await settle(site, [moved])
    (row,) = await owed(site)
    assert (row.due_version, row.due_at) == (2, moved.due_at)
    assert settled.cancel == {row.id: "DUE_MOVED"}


async def test_another_base_alone_is_no_news(site, hole, clock):
    await settle(site, [hole])
    clock.move(3600)
    settled = await settle(site, [replace(hole, base_at=clock.now())])
    (row,) = await owed(site)
    assert (row.due_version, settled.cancel, settled.opened) == (1, {}, [])


async def test_what_was_done_is_fulfilled_and_judged(site, hole, clock):
    await settle(site, [hole])
    settled = await settle(site, [], {hole.subject: clock.now()})
    (row,) = await owed(site)
    assert row.state == "fulfilled"
    assert row.next_action_at is None
    assert settled.cancel == {row.id: "ALREADY_REPORTED"}
    async with site.db.read() as session:
        verdicts = list(await session.exec(select(Verdict).where(col(Verdict.obligation_id) == row.id)))
    assert [one.value for one in verdicts] == ["on_time"]


async def test_what_is_not_wanted_any_more_is_withdrawn_with_the_reason(site, hole):
    await settle(site, [hole])
    await settle(site, [])
    (row,) = await owed(site)
    assert (row.state, row.close_cause) == ("withdrawn", "SEAT_FILLED")


async def test_the_same_thing_wanted_again_is_owed_again(site, hole):
    await settle(site, [hole])
    await settle(site, [])
    await settle(site, [hole])
    (row,) = await owed(site)
    assert (row.state, row.due_version) == ("open", 2)
    assert row.next_action_at == hole.base_at


async def test_what_was_waived_stays_waived(site, hole, clock):
    await settle(site, [hole])
    async with site.db.write() as session:
        (row,) = await queries.obligations_in(session, SCOPE)
        await close(session, clock.now(), "王敏", row, "waived", "WAIVED", "当日停业")
    await settle(site, [hole])
    (row,) = await owed(site)
    assert row.state == "waived"


async def test_scopes_do_not_touch_each_other(site, hole):
    await settle(site, [hole])
    await settle(site, [replace(hole, subject="gap/11/leader/first")], scope="gap/11")
    await settle(site, [], scope="gap/11")
    (row,) = await owed(site)
    assert row.state == "open"


async def test_a_rule_that_is_not_in_force_is_said_loudly(site, hole):
    with pytest.raises(LookupError):
        await settle(site, [replace(hole, rule_id="0.0")])

"""Two transactions at once on one report: the second sees what the first did, and overwrites nothing."""

import asyncio

import pytest
from sqlalchemy import text

from dutydesk.accounts.rules import Actor
from dutydesk.incidents import queries, reporting


async def waiting_for_a_lock(site):
    """Return as soon as somebody waits for the open transaction (SQLite: nobody can even begin)."""
    if site.db.engine.dialect.name == "sqlite":
        return
    async with asyncio.timeout(20):
        while True:
            async with site.db.read() as session:
                if (await session.exec(text("SELECT count(*) FROM pg_locks WHERE NOT granted"))).scalar():
                    return
            await asyncio.sleep(0.01)


CHEN = Actor(name="陈晓", role="operator", unit_id=None)
ACTS = {
    "void": ({"reason": "第二人"}, lambda *given: reporting.void_report(*given, "第一人")),
    "check": ({"reason": "第二人"}, lambda *given: reporting.check_report(*given, "第一人")),
    "complete": (
        {"reporter": "张三", "reporter_phone": "13800000006"},
        lambda *given: reporting.complete_report(*given, "李强", "+8613800000005"),
    ),
}


@pytest.mark.parametrize("act", ACTS)
async def test_the_second_of_two_at_once_is_refused(desk, site, act):
    body, first = ACTS[act]
    occurred = desk.clock.now()
    await desk.log(occurred_at=occurred)
    desk.clock.move(19 * 60)
    late = desk.phoned(reported_at=occurred, reporter="", reporter_phone="")
    report = await desk.post("incidents/2026-0001/reports", late, 201)
    async with site.db.write() as session:
        stored = await queries.report(session, report["id"])
        await first(session, site, desk.clock.now(), CHEN, stored)
        await session.flush()
        second = asyncio.create_task(
            desk.send("POST", f"reports/{report['id']}/{act}", body, "administrator")
        )
        await waiting_for_a_lock(site)
    answer = await second
    assert answer.status_code == 409, answer.text
    async with site.db.read() as session:
        kept = await queries.report(session, report["id"])
    done = {"void": kept.voided_by, "check": kept.checked_by, "complete": kept.reporter}[act]
    assert done == ("李强" if act == "complete" else "陈晓")

"""What is done to an incident is done whole: its facts, its clocks and what was about to be told."""

from dataclasses import replace

import pytest
from sqlmodel import col, select

from dutydesk.accounts.rules import Actor
from dutydesk.alerts.model import Alert
from dutydesk.escalation.ticks import escalate
from dutydesk.incidents import actions, queries, reporting
from dutydesk.incidents.model import Incident, NumberSeries
from dutydesk.obligations.model import Obligation, Rung
from dutydesk.obligations.queries import obligations_of
from tests.builders import build_bureau

OPERATOR = Actor("陈静", "operator")


@pytest.fixture
async def bureau(site):
    return await build_bureau(site.db, site.clock.now())


def fire(site, bureau, **fields) -> actions.NewIncident:
    now = site.clock.now()
    return actions.NewIncident(
        **{
            "title": "配电室起火",
            "category": "accident",
            "grade": "major",
            "unit_id": bureau.canteen.id,
            "occurred_at": now,
            "occurred_at_kind": "exact",
        }
        | fields
    )


async def log(site, bureau, **fields) -> Incident:
    async with site.db.write() as session:
        return await actions.log_incident(
            session, site, site.clock.now(), OPERATOR, fire(site, bureau, **fields)
        )


async def rows_of(site, model) -> list:
    async with site.db.read() as session:
        return list(
            await session.exec(select(model).order_by(col(model.id) if hasattr(model, "id") else None))
        )


async def queued(site) -> list[Alert]:
    return [row for row in await rows_of(site, Alert) if row.state == "queued"]


async def test_an_incident_without_its_clocks_cannot_exist(site, bureau):
    """A ladder that the rule book has lost stops the whole entry, its number included."""
    ladders = {name: plan for name, plan in site.rulebook.ladders.items() if name != "written_report"}
    broken = replace(site, rulebook=replace(site.rulebook, ladders=ladders))
    with pytest.raises(KeyError):
        await log(broken, bureau)
    for model in (Incident, Obligation, Rung):
        assert await rows_of(site, model) == []
    async with site.db.read() as session:
        assert list(await session.exec(select(NumberSeries))) == []
    assert (await log(site, bureau)).number == "2026-0001"


async def test_clocks_and_rungs_are_written_with_the_incident(site, bureau):
    row = await log(site, bureau)
    async with site.db.read() as session:
        owed = {one.rule_id: one for one in await obligations_of(session, row.id)}
    rungs = [one for one in await rows_of(site, Rung) if one.obligation_id == owed["49.1"].id]
    offsets = [(one.key, (one.at - owed["49.1"].due_at).total_seconds() / 60) for one in rungs]
    assert offsets == [("warning", -5), ("due", 0), ("leader", 3), ("chief", 8), ("by_hand", 18)]
    assert owed["49.1"].next_action_at == rungs[0].at


async def test_an_upgraded_incident_that_was_only_sensitive_keeps_its_original_clock(site, bureau):
    row = await log(site, bureau, grade="ordinary", sensitive=True)
    site.clock.move(600)
    async with site.db.write() as session:
        row = await queries.incident(session, row.id, lock=True)
        await actions.regrade(
            session,
            site,
            site.clock.now(),
            OPERATOR,
            row,
            grade="major",
            suspected=False,
            sensitive=True,
            confirmed=True,
            leader="",
            reason="研判",
        )
        owed = {one.rule_id: one for one in await obligations_of(session, row.id)}
    assert (owed["49.1"].base_kind, owed["49.1"].base_at) == ("occurred_at", row.occurred_at)


async def test_what_was_about_to_be_told_is_taken_back_in_the_same_transaction(site, bureau):
    row = await log(site, bureau)
    site.clock.move(20 * 60)
    await escalate(site, site.clock.now())
    assert {one.recipient for one in await queued(site)} > {f"person:{bureau.canteen_operator.id}"}

    with pytest.raises(RuntimeError):  # noqa: PT012 (the transaction fails after its work)
        async with site.db.write() as session:
            incident = await queries.incident(session, row.id, lock=True)
            await actions.withdraw(session, site, site.clock.now(), OPERATOR, incident, "误报")
            raise RuntimeError
    assert await queued(site), "what was rolled back took nothing back"

    async with site.db.write() as session:
        incident = await queries.incident(session, row.id, lock=True)
        await actions.withdraw(session, site, site.clock.now(), OPERATOR, incident, "误报")
    assert await queued(site) == []
    assert {one.cancel_reason for one in await rows_of(site, Alert)} == {"WITHDRAWN"}


async def test_a_report_takes_back_only_what_its_own_clock_was_telling(site, bureau):
    row = await log(site, bureau)
    site.clock.move(50 * 60)
    await escalate(site, site.clock.now())
    async with site.db.write() as session:
        incident = await queries.incident(session, row.id, lock=True)
        report = reporting.NewReport("written", content="书面材料")
        await reporting.add_report(session, site, site.clock.now(), OPERATOR, incident, report)
        owed = {one.rule_id: one.id for one in await obligations_of(session, row.id)}
    told = await rows_of(site, Alert)
    reasons = {
        rule: {one.cancel_reason for one in told if one.obligation_id == owed[rule]}
        for rule in ("49.1", "49.2")
    }
    assert reasons == {"49.1": {None}, "49.2": {"ALREADY_REPORTED"}}

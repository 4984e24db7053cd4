"""Obligations in the database: facts that never change, verdicts that are only added to."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy.exc import IntegrityError
from sqlmodel import col, select

from dutydesk.accounts.rules import Actor
from dutydesk.audit.model import AuditEntry
from dutydesk.errors import ConflictError
from dutydesk.incidents.actions import NewIncident, NewReport, log_incident
from dutydesk.incidents.model import Incident
from dutydesk.obligations import queries
from dutydesk.obligations.actions import (
    Owner,
    apply_changes,
    close,
    fulfil,
    note_no_report,
    readdress,
    take_over,
)
from dutydesk.obligations.ladders import ladder_from_json, ladder_to_json
from dutydesk.obligations.model import NoReport, Obligation, Rung
from dutydesk.obligations.rules import BasePoint, Clocking, Fulfil, Move, Reopen, ReportFact, Withdraw
from dutydesk.obligations.verdicts import confirm_clock, note_clock_step
from tests.builders import build_bureau

DESK = Actor("陈静", "operator")
MINUTE = timedelta(minutes=1)


@pytest.fixture
async def bureau(db, clock):
    return await build_bureau(db, clock.now())


async def log(site, bureau, *reports, **fields):
    """Log a major incident of this minute and return its number's id."""
    now = site.clock.now()
    new = NewIncident(
        **{
            "title": "火情",
            "category": "accident",
            "grade": "major",
            "unit_id": bureau.canteen.id,
            "occurred_at": now,
            "occurred_at_kind": "exact",
            "reports": reports,
        }
        | fields
    )
    async with site.db.write() as session:
        return await log_incident(session, site, now, DESK, new)


async def clocks(session, incident) -> dict[str, Obligation]:
    return {one.rule_id: one for one in await queries.obligations_of(session, incident.id)}


async def verdicts(db, row):
    async with db.read() as session:
        return [
            (one.version, one.value, one.provisional, one.cause)
            for one in await queries.verdicts_of(session, [row.id])
        ]


async def rungs(session, row) -> list[Rung]:
    return [one for one in await queries.rungs_of(session, [row.id]) if one.due_version == row.due_version]


def owner_of(incident) -> Owner:
    return Owner(incident.id, incident.number, incident.unit_id, incident.drill)


async def change(site, incident, *made):
    """Apply changes that were decided on."""
    async with site.db.write() as session:
        rows = await queries.obligations_of(session, incident.id)
        return await apply_changes(
            session, site.clock.now(), "desk", owner_of(incident), site.rulebook.ladders, rows, made
        )


def phone(site, minutes=0, **fields) -> NewReport:
    return NewReport("phone", site.clock.now() + minutes * MINUTE, "李强", "+8613800000005", **fields)


# ── opening ──────────────────────────────────────────────────────────────────────────────────


async def test_an_obligation_opens_with_its_ladder_and_its_rungs_and_says_when_to_look(site, bureau):
    incident = await log(site, bureau)
    async with site.db.read() as session:
        row = (await clocks(session, incident))["49.1"]
        laid = await rungs(session, row)
    assert [(one.key, one.at - row.due_at) for one in laid] == [
        ("warning", -5 * MINUTE),
        ("due", 0 * MINUTE),
        ("leader", 3 * MINUTE),
        ("chief", 8 * MINUTE),
        ("by_hand", 18 * MINUTE),
    ]
    assert row.next_action_at == row.due_at - 5 * MINUTE
    assert {one.state for one in laid} == {"armed"}
    assert ladder_from_json(row.ladder) == site.rulebook.ladders["phone_report"]


async def test_an_edited_ladder_does_not_reach_what_is_open(site, bureau):
    incident = await log(site, bureau)
    plan = site.rulebook.ladders["phone_report"]
    edited = replace(plan, rungs=plan.rungs[:1])
    async with site.db.read() as session:
        row = (await clocks(session, incident))["49.1"]
    assert ladder_from_json(row.ladder) == plan != edited


def test_a_ladder_survives_its_copy(rulebook):
    for plan in rulebook.ladders.values():
        assert ladder_from_json(ladder_to_json(plan)) == plan


@pytest.mark.parametrize("damage", [{"rungs": None}, {"rungs": [{}]}, {"lane": 1, "rungs": "x"}])
def test_a_damaged_ladder_is_an_error_of_its_row(rulebook, damage):
    kept = ladder_to_json(rulebook.ladders["phone_report"]) | damage
    with pytest.raises((KeyError, TypeError, ValueError)):
        ladder_from_json(kept)


async def test_what_the_first_entry_fulfils_opens_judged_and_without_rungs(site, bureau):
    incident = await log(site, bureau, phone(site))
    async with site.db.read() as session:
        row = (await clocks(session, incident))["49.1"]
        assert await rungs(session, row) == []
    assert (row.state, row.next_action_at, row.due_at) == ("fulfilled", None, site.clock.now() + 20 * MINUTE)
    assert await verdicts(site.db, row) == [(1, "on_time", False, "REPORT_PHONE")]


async def test_a_duty_without_a_limit_is_owed_and_no_clock_runs(site, bureau):
    incident = await log(site, bureau)
    async with site.db.read() as session:
        row = (await clocks(session, incident))["19"]
        assert await rungs(session, row) == []
    assert (row.state, row.due_at, row.next_action_at) == ("open", None, None)


# ── facts and verdicts ───────────────────────────────────────────────────────────────────────


async def test_that_no_report_came_is_written_once_for_each_due_time(site, bureau):
    incident = await log(site, bureau)
    async with site.db.write() as session:
        row = (await clocks(session, incident))["49.1"]
        note_no_report(session, site.clock.now(), row)
    assert row.state == "breached"
    with pytest.raises(IntegrityError):
        async with site.db.write() as session:
            note_no_report(session, site.clock.now(), (await clocks(session, incident))["49.1"])
    async with site.db.read() as session:
        assert len(list(await session.exec(select(NoReport)))) == 1


async def test_a_moved_due_time_may_pass_without_a_report_again_and_the_first_fact_stays(site, bureau):
    incident = await log(site, bureau)
    async with site.db.write() as session:
        row = (await clocks(session, incident))["49.1"]
        note_no_report(session, site.clock.now(), row)
    later = Clocking(
        BasePoint("occurred_at", row.base_at + 5 * MINUTE, certain=True), row.due_at + 5 * MINUTE
    )
    await change(site, incident, Move(row.id, later))
    async with site.db.write() as session:
        row = (await clocks(session, incident))["49.1"]
        assert (row.state, row.due_version) == ("open", 2)
        note_no_report(session, site.clock.now(), row)
    async with site.db.read() as session:
        facts = await queries.no_reports_of(session, [row.id])
    assert [(one.due_version, one.due_at) for one in facts] == [
        (1, later.due_at - 5 * MINUTE),
        (2, later.due_at),
    ]


async def test_verdicts_are_added_to_and_never_overwritten(site, bureau):
    incident = await log(site, bureau, phone(site))
    async with site.db.read() as session:
        row = (await clocks(session, incident))["49.1"]
    kept = BasePoint("occurred_at", row.base_at, certain=True)
    await change(site, incident, Reopen(row.id, Clocking(kept, row.due_at), "VOIDED"))
    late = ReportFact(9, "phone", row.due_at + timedelta(seconds=61))
    await change(site, incident, Fulfil(row.id, late))
    earlier = Clocking(BasePoint("occurred_at", row.base_at - MINUTE, certain=True), row.due_at - MINUTE)
    await change(site, incident, Move(row.id, earlier))
    async with site.db.write() as session:
        said = await queries.verdicts_of(session, [row.id])
    assert [(one.version, one.value, one.late_seconds, one.cause) for one in said] == [
        (1, "on_time", 0, "REPORT_PHONE"),
        (2, "reopened", 0, "VOIDED"),
        (3, "late", 61, "REPORT_PHONE"),
        (4, "late", 121, "DUE_MOVED"),
    ]
    assert {one.decided_by for one in said} == {"陈静", "desk"}


async def test_a_verdict_that_says_the_same_is_not_written_again(site, bureau):
    incident = await log(site, bureau, phone(site))
    async with site.db.write() as session:
        row = (await clocks(session, incident))["49.1"]
        await fulfil(session, site.clock.now(), "desk", row, row.evidence_at, cause="REPORT_PHONE")
    assert len(await verdicts(site.db, row)) == 1


async def test_a_report_entered_late_is_provisional_until_somebody_checks_it(site, bureau):
    incident = await log(site, bureau)
    async with site.db.read() as session:
        row = (await clocks(session, incident))["49.1"]
    unchecked = ReportFact(9, "phone", site.clock.now(), unchecked=True)
    await change(site, incident, Fulfil(row.id, unchecked))
    await change(site, incident, Fulfil(row.id, replace(unchecked, unchecked=False)))
    assert [one[:3] for one in await verdicts(site.db, row)] == [(1, "on_time", True), (2, "on_time", False)]


# ── moving ───────────────────────────────────────────────────────────────────────────────────


async def test_a_due_time_that_moves_supersedes_the_old_rungs_and_arms_all_of_the_new(site, bureau):
    incident = await log(site, bureau)
    async with site.db.write() as session:
        row = (await clocks(session, incident))["49.1"]
        (await rungs(session, row))[0].state = "fired"
    earlier = Clocking(
        BasePoint("occurred_at", row.base_at - 3 * MINUTE, certain=True), row.due_at - 3 * MINUTE
    )
    done = await change(site, incident, Move(row.id, earlier))
    assert done.cancel == {row.id: "DUE_MOVED"}
    async with site.db.read() as session:
        row = (await clocks(session, incident))["49.1"]
        every = await queries.rungs_of(session, [row.id])
    assert (row.due_version, row.next_action_at) == (2, earlier.due_at - 5 * MINUTE)
    assert {(one.due_version, one.state) for one in every} == {(1, "superseded"), (2, "armed")}
    assert len(every) == 10


async def test_a_base_that_only_becomes_certain_leaves_rungs_and_alerts_alone(site, bureau):
    incident = await log(site, bureau, occurred_at_kind="estimated")
    async with site.db.read() as session:
        row = (await clocks(session, incident))["49.1"]
    done = await change(
        site,
        incident,
        Move(row.id, Clocking(BasePoint("occurred_at", row.base_at, certain=True), row.due_at)),
    )
    assert done.cancel == {}
    async with site.db.read() as session:
        row = (await clocks(session, incident))["49.1"]
    assert (row.due_version, row.base_certain) == (1, True)


async def test_a_reopened_duty_is_armed_anew_at_its_original_due_time_and_nobody_answers_for_it(site, bureau):
    incident = await log(site, bureau)
    async with site.db.write() as session:
        row = (await clocks(session, incident))["49.1"]
        await take_over(
            session, site.clock.now(), "desk", row, "赵建国", "已联系", site.clock.now() + 30 * MINUTE
        )
        await close(session, site.clock.now(), "desk", row, "withdrawn", "WITHDRAWN")
    kept = Clocking(BasePoint(row.base_kind, row.base_at, certain=True), row.due_at)
    await change(site, incident, Reopen(row.id, kept, "REINSTATED"))
    async with site.db.read() as session:
        again = (await clocks(session, incident))["49.1"]
        assert len(await rungs(session, again)) == 5
    assert (again.state, again.due_at, again.closed_at, again.taken_over_by) == (
        "open",
        row.due_at,
        None,
        None,
    )
    assert [one[1] for one in await verdicts(site.db, again)] == ["withdrawn", "reopened"]


async def test_another_unit_that_owes_it_is_told_from_the_beginning(site, bureau):
    incident = await log(site, bureau)
    async with site.db.write() as session:
        found = await clocks(session, incident)
        assert await readdress(session, site.clock.now(), "desk", found["49.1"], bureau.motor.id)
        assert not await readdress(session, site.clock.now(), "desk", found["19"], bureau.motor.id)
    assert (found["49.1"].unit_id, found["49.1"].due_version) == (bureau.motor.id, 2)
    assert found["19"].due_version == 1


# ── ending ───────────────────────────────────────────────────────────────────────────────────


async def test_only_what_is_owed_can_be_waived_or_withdrawn(site, bureau):
    incident = await log(site, bureau)
    async with site.db.write() as session:
        row = (await clocks(session, incident))["49.1"]
        await close(session, site.clock.now(), "leader", row, "waived", "WAIVED", "上级已知")
    assert (row.state, row.next_action_at, row.closed_at) == ("waived", None, site.clock.now())
    async with site.db.read() as session:
        with pytest.raises(ConflictError, match="waived"):
            await close(session, site.clock.now(), "leader", row, "waived", "WAIVED")
        (said,) = await queries.verdicts_of(session, [row.id])
    assert (said.value, said.reason, said.decided_by) == ("waived", "上级已知", "leader")


async def test_every_change_of_a_duty_is_on_the_audit_trail(site, bureau):
    incident = await log(site, bureau)
    async with site.db.read() as session:
        row = (await clocks(session, incident))["49.1"]
    await change(site, incident, Withdraw(row.id, "WITHDRAWN"))
    async with site.db.read() as session:
        found = await session.exec(
            select(AuditEntry).where(col(AuditEntry.subject) == f"obligation:{row.id}")
        )
        assert [(one.action, one.detail["cause"]) for one in found] == [("obligation.withdrawn", "WITHDRAWN")]


async def test_whoever_takes_over_says_when_they_look_again(site, bureau):
    incident = await log(site, bureau)
    now = site.clock.now()
    async with site.db.write() as session:
        found = await clocks(session, incident)
        await take_over(session, now, "desk", found["49.1"], "赵建国", "已派人", now + 30 * MINUTE)
        for when in (now, now - MINUTE):
            with pytest.raises(ConflictError, match="future"):
                await take_over(session, now, "desk", found["49.2"], "赵建国", "已派人", when)
        await close(session, now, "desk", found["49.2"], "waived", "WAIVED")
        with pytest.raises(ConflictError, match="nothing to take over"):
            await take_over(session, now, "desk", found["49.2"], "赵建国", "已派人", now + MINUTE)
    row = found["49.1"]
    assert (row.taken_over_by, row.next_check_at, row.next_action_at) == ("赵建国", now + 30 * MINUTE, now)


# ── the clock ────────────────────────────────────────────────────────────────────────────────


async def test_verdicts_in_doubt_for_the_clock_are_judged_again_when_a_person_confirms_it(site, bureau):
    async with site.db.write() as session:
        note_clock_step(session, site.clock.now(), -7.5)
    incident = await log(site, bureau, phone(site))
    async with site.db.write() as session:
        row = (await clocks(session, incident))["49.1"]
        assert await queries.clock_in_doubt(session)
    assert [one[1:3] for one in await verdicts(site.db, row)] == [("on_time", True)]
    async with site.db.write() as session:
        assert await confirm_clock(session, site.clock.now(), "desk", "已与北京时间核对") == 1
        assert not await queries.clock_in_doubt(session)
    assert (await verdicts(site.db, row))[1] == (2, "on_time", False, "CLOCK_CONFIRMED")


async def test_a_confirmed_clock_does_not_make_an_estimate_certain(site, bureau):
    async with site.db.write() as session:
        note_clock_step(session, site.clock.now(), 9)
    incident = await log(site, bureau, phone(site), occurred_at_kind="estimated")
    async with site.db.write() as session:
        await confirm_clock(session, site.clock.now(), "desk", "已核对")
        row = (await clocks(session, incident))["49.1"]
    assert [one[1:3] for one in await verdicts(site.db, row)] == [("on_time", True)]


async def test_a_clock_nobody_doubts_cannot_be_confirmed(site):
    with pytest.raises(ConflictError, match="not in doubt"):
        async with site.db.write() as session:
            await confirm_clock(session, site.clock.now(), "desk", "x")


# ── questions ────────────────────────────────────────────────────────────────────────────────


async def test_what_is_due_comes_oldest_first_and_what_is_closed_never(site, bureau):
    first, second = await log(site, bureau), await log(site, bureau)
    now = site.clock.now() + timedelta(days=2)
    async with site.db.write() as session:
        due = await queries.due_obligations(session, now, 100)
        assert [one.next_action_at for one in due] == sorted(one.next_action_at for one in due)
        assert await queries.oldest_undone(session, now) == due[0].next_action_at
        assert await queries.earliest_action(session) == due[0].next_action_at
        for incident in (first, second):
            for row in (await clocks(session, incident)).values():
                await close(session, site.clock.now(), "desk", row, "withdrawn", "WITHDRAWN")
        assert await queries.due_obligations(session, now, 100) == []
        assert await queries.oldest_undone(session, now) is None
        assert await queries.owed_by_rule(session) == {}


async def test_waking_touches_only_what_is_owed(site, bureau):
    incident = await log(site, bureau, phone(site))
    async with site.db.write() as session:
        found = await clocks(session, incident)
        await queries.wake(session, [row.id for row in found.values()], site.clock.now())
    async with site.db.read() as session:
        awake = {
            rule
            for rule, row in (await clocks(session, incident)).items()
            if row.next_action_at == site.clock.now()
        }
        assert "49.1" not in awake
        assert "49.2" in awake
        assert (await session.get_one(Incident, incident.id)).number == incident.number

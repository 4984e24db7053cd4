"""Everything that can be done to an incident, in the caller's transaction.

Each action changes rows and then *settles*: the pure rules say what the facts now ask for, and the
obligations, their rungs and their alerts are brought in line in the same transaction. An incident
without its clocks cannot exist.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from dutydesk.accounts.rules import Actor
from dutydesk.alerts.actions import cancel_for
from dutydesk.audit.actions import record
from dutydesk.db import Session
from dutydesk.errors import ConflictError, FieldFault, InvalidInputError
from dutydesk.incidents import queries
from dutydesk.incidents.model import ChangeKind, Incident, IncidentChange, OccurredKind
from dutydesk.incidents.reporting import NewReport, put_report
from dutydesk.incidents.rules import incident_number, report_faults, series_name, time_faults
from dutydesk.incidents.settling import must_be_live, refuse, settle_incident, wanted_changes
from dutydesk.obligations import actions as owed
from dutydesk.obligations import queries as owed_queries
from dutydesk.obligations.rules import (
    Withdraw,
    is_major,
)
from dutydesk.rulebook.types import GRADES, Category, Grade
from dutydesk.web.site import Site


@dataclass(frozen=True, slots=True, kw_only=True)
class NewIncident:
    """An incident as it is logged, with the reports that come with it. Times are aware."""

    title: str
    category: Category
    grade: Grade
    unit_id: int
    occurred_at: datetime | None
    occurred_at_kind: OccurredKind
    learned_at: datetime | None = None
    received_at: datetime | None = None
    grade_confirmed: bool = False
    suspected: bool = False
    sensitive: bool = False
    place: str = ""
    source: str = ""
    narrative: str = ""
    drill: bool = False
    reports: Sequence[NewReport] = field(default_factory=tuple)


async def log_incident(
    session: Session, site: Site, now: datetime, actor: Actor, new: NewIncident
) -> Incident:
    """Log an incident with its reports, its obligations and their rungs: all of it or nothing.

    Raises:
        InvalidInputError: when its times contradict each other or lie in the future.
        NotAllowedError: when a unit contact brings a phone report.
    """
    received_at = new.received_at or now
    refuse(
        time_faults(
            occurred_at=new.occurred_at,
            kind=new.occurred_at_kind,
            learned_at=new.learned_at,
            received_at=received_at,
            now=now,
        )
    )
    year = received_at.astimezone(site.zone).year
    count = await queries.next_number(session, series_name(year, drill=new.drill))
    row = Incident(
        number=incident_number(year, count, drill=new.drill),
        title=new.title,
        category=new.category,
        grade=new.grade,
        grade_confirmed=new.grade_confirmed,
        suspected=new.suspected,
        sensitive=new.sensitive,
        unit_id=new.unit_id,
        occurred_at=new.occurred_at,
        occurred_at_kind=new.occurred_at_kind,
        learned_at=new.learned_at,
        received_at=received_at,
        place=new.place,
        source=new.source,
        narrative=new.narrative,
        drill=new.drill,
        ever_major=_is_bound(new.grade, suspected=new.suspected, sensitive=new.sensitive),
        logged_at=now,
        logged_by=actor.name,
    )
    session.add(row)
    await session.flush()
    _note(session, row, "logged", now, actor, "", {}, _picture(row))
    for index, report in enumerate(new.reports):
        await put_report(session, site, now, actor, row, report, f"reports.{index}.")
    await settle_incident(session, site, now, actor.name, row)
    return row


def _is_bound(grade: Grade, *, suspected: bool, sensitive: bool) -> bool:
    return is_major(grade, suspected=suspected) or sensitive


def _picture(row: Incident) -> dict[str, Any]:
    """Return an incident as JSON, for the record of what it was and what it became."""
    return row.model_dump(mode="json", exclude={"id", "logged_at", "logged_by"})


def _note(
    session: Session,
    row: Incident,
    kind: ChangeKind,
    now: datetime,
    actor: Actor,
    reason: str,
    before: dict[str, Any],
    after: dict[str, Any],
) -> None:
    changed = {key for key in after if before.get(key) != after[key]} if before else set(after)
    session.add(
        IncidentChange(
            incident_id=row.id or 0,
            kind=kind,
            at=now,
            actor=actor.name,
            reason=reason,
            before={key: before[key] for key in changed if key in before},
            after={key: after[key] for key in changed},
        )
    )
    record(
        session,
        now,
        actor.name,
        f"incident.{kind}",
        f"incident:{row.number}",
        reason=reason,
        after={key: after[key] for key in sorted(changed)},
    )


async def correct(
    session: Session,
    site: Site,
    now: datetime,
    actor: Actor,
    row: Incident,
    values: dict[str, Any],
    reason: str,
) -> Incident:
    """Correct what was written down wrongly; due times that follow from it move (domain §2.7, case 3).

    Raises:
        ConflictError: when the incident was withdrawn or merged.
        InvalidInputError: when the times would contradict each other.
    """
    must_be_live(row)
    before = _picture(row)
    moved_unit = "unit_id" in values and values["unit_id"] != row.unit_id
    for name, value in values.items():
        # Elements that are not named stay; a new dict, so that the change is noticed.
        setattr(row, name, {**row.elements, **value} if name == "elements" else value)
    if row.occurred_at_kind == "unknown" and "occurred_at" not in values:
        row.occurred_at = None
    refuse(
        time_faults(
            occurred_at=row.occurred_at,
            kind=row.occurred_at_kind,
            learned_at=row.learned_at,
            received_at=row.received_at,
            now=now,
        )
    )
    await _refuse_later_than_reports(session, now, row)
    _note(session, row, "corrected", now, actor, reason, before, _picture(row))
    if moved_unit:
        await _readdress(session, now, actor, row)
    await settle_incident(session, site, now, actor.name, row)
    return row


async def _refuse_later_than_reports(session: Session, now: datetime, row: Incident) -> None:
    """An occurrence cannot be moved behind a report that was made about it."""
    for report in await queries.reports_of(session, row.id or 0):
        if report.voided_at is None:
            faults = report_faults(
                reported_at=report.reported_at,
                occurred_at=row.occurred_at,
                occurred_exactly=row.occurred_at_kind == "exact",
                now=now,
            )
            refuse([("occurred_at", "lies after a report about it") for _ in faults])


async def _readdress(session: Session, now: datetime, actor: Actor, row: Incident) -> None:
    """The wrong unit was written down: what it was going to be told is taken back, the right one is told."""
    causes: dict[int, str] = {}
    for one in await owed_queries.obligations_of(session, row.id or 0):
        if await owed.readdress(session, now, actor.name, one, row.unit_id):
            causes[one.id or 0] = "DUE_MOVED"
    await cancel_for(session, now, causes)


async def regrade(
    session: Session,
    site: Site,
    now: datetime,
    actor: Actor,
    row: Incident,
    *,
    grade: Grade,
    suspected: bool,
    sensitive: bool,
    confirmed: bool,
    leader: str,
    reason: str,
) -> Incident:
    """Give an incident another grade or other flags.

    An upgrade of an incident that never was major, suspected or sensitive starts its clocks now
    (升级补判); otherwise the original due times return. A downgrade that stops a clock needs the name
    of the leader who decided it.

    Raises:
        ConflictError: when the incident is not live.
        InvalidInputError: when a clock would stop without a leader's name.
    """
    must_be_live(row)
    before = _picture(row)
    row.grade, row.suspected, row.sensitive, row.grade_confirmed = grade, suspected, sensitive, confirmed
    bound = _is_bound(grade, suspected=suspected, sensitive=sensitive)
    first_time = bound and not row.ever_major
    changes, _ = await wanted_changes(session, site, row, now if first_time else None)
    if not leader and any(isinstance(change, Withdraw) for change in changes):
        message = "leader: this stops a clock and needs the name of the leader who decided it"
        raise InvalidInputError(message, (FieldFault("leader", "is needed when a clock is stopped"),))
    row.ever_major = row.ever_major or bound
    said = f"{reason}(决定人:{leader})" if leader else reason
    _note(session, row, "regraded", now, actor, said, before, _picture(row))
    await settle_incident(session, site, now, actor.name, row, regraded=first_time)
    return row


async def withdraw(
    session: Session, site: Site, now: datetime, actor: Actor, row: Incident, reason: str
) -> Incident:
    """Withdraw a false report (误报): its clocks stop, its history stays (domain §2.7, case 9).

    Raises:
        ConflictError: when it is not live.
    """
    must_be_live(row)
    before = _picture(row)
    row.state = "withdrawn"
    _note(session, row, "withdrawn", now, actor, reason, before, _picture(row))
    await settle_incident(session, site, now, actor.name, row)
    return row


async def reinstate(
    session: Session, site: Site, now: datetime, actor: Actor, row: Incident, reason: str
) -> Incident:
    """Undo a withdrawal, a merge or an end: what was owed is owed again at its original due time.

    Raises:
        ConflictError: when there is nothing to undo.
    """
    if row.state == "open":
        message = f"incident {row.number} is {row.state}; there is nothing to reinstate"
        raise ConflictError(message)
    before = _picture(row)
    survivor_id, row.merged_into_id = row.merged_into_id, None
    if row.state == "ended":
        row.ended_at = None
    row.state = "open" if row.ended_at is None else "ended"
    _note(session, row, "reinstated", now, actor, reason, before, _picture(row))
    await settle_incident(session, site, now, actor.name, row)
    if survivor_id is not None:
        survivor = await queries.incident(session, survivor_id, lock=True)
        await settle_incident(session, site, now, actor.name, survivor)
    return row


async def merge(
    session: Session, site: Site, now: datetime, actor: Actor, row: Incident, into: Incident, reason: str
) -> Incident:
    """Merge *row* into another incident about the same event; the survivor keeps the earliest base.

    Reports about either count for the survivor.

    Raises:
        ConflictError: when one of them is not live, they are the same, or a drill meets a real one.
    """
    must_be_live(row)
    must_be_live(into)
    if row.id == into.id:
        message = "an incident cannot be merged into itself"
        raise ConflictError(message)
    if row.drill != into.drill:
        message = "a drill and a real incident cannot be merged"
        raise ConflictError(message)
    before, before_into = _picture(row), _picture(into)
    row.state, row.merged_into_id = "merged", into.id
    _take_gravest(row, into)
    _note(session, row, "merged", now, actor, reason, before, _picture(row))
    _note(session, into, "corrected", now, actor, f"归并 {row.number}:{reason}", before_into, _picture(into))
    await session.flush()
    await settle_incident(session, site, now, actor.name, row)
    await settle_incident(session, site, now, actor.name, into)
    return into


def _take_gravest(row: Incident, into: Incident) -> None:
    """A merge stops no clock: the survivor is as grave as either of them, until a leader decides otherwise."""
    if GRADES.index(row.grade) < GRADES.index(into.grade):
        into.grade, into.grade_confirmed = row.grade, row.grade_confirmed
    ungraded = "ungraded" in (row.grade, into.grade) and into.grade != row.grade
    into.suspected = into.suspected or row.suspected or ungraded
    into.sensitive = into.sensitive or row.sensitive
    into.ever_major = into.ever_major or row.ever_major


async def end(
    session: Session, site: Site, now: datetime, actor: Actor, row: Incident, reason: str
) -> Incident:
    """Record that the handling has ended (处置结束): follow-ups stop, the final report is owed.

    Raises:
        ConflictError: when it is not open.
    """
    if row.state != "open":
        message = f"incident {row.number} is {row.state}"
        raise ConflictError(message)
    before = _picture(row)
    row.state, row.ended_at = "ended", now
    _note(session, row, "ended", now, actor, reason, before, _picture(row))
    await settle_incident(session, site, now, actor.name, row)
    return row

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
from dutydesk.errors import ConflictError, FieldFault, InvalidInputError, NotAllowedError
from dutydesk.incidents import queries
from dutydesk.incidents.model import ChangeKind, Incident, IncidentChange, OccurredKind, Report, ReportKind
from dutydesk.incidents.rules import (
    incident_number,
    is_late_entry,
    report_faults,
    series_name,
    time_faults,
)
from dutydesk.obligations import actions as owed
from dutydesk.obligations import queries as owed_queries
from dutydesk.obligations.model import OWED, Obligation
from dutydesk.obligations.rules import (
    Change,
    ReportFact,
    Subject,
    Withdraw,
    is_major,
    rules_in_force,
    settle,
)
from dutydesk.rulebook.types import Category, Grade
from dutydesk.web.site import Site


@dataclass(frozen=True, slots=True)
class NewReport:
    """A report as it is told to the desk or filed by a unit. Times are aware."""

    kind: ReportKind
    reported_at: datetime | None = None
    reporter: str = ""
    reporter_phone: str = ""
    content: str = ""


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


def _refuse(faults: Sequence[tuple[str, str]]) -> None:
    if faults:
        detail = "; ".join(f"{name}: {sentence}" for name, sentence in faults)
        raise InvalidInputError(detail, tuple(FieldFault(name, sentence) for name, sentence in faults))


async def log_incident(
    session: Session, site: Site, now: datetime, actor: Actor, new: NewIncident
) -> Incident:
    """Log an incident with its reports, its obligations and their rungs: all of it or nothing.

    Raises:
        InvalidInputError: when its times contradict each other or lie in the future.
        NotAllowedError: when a unit contact brings a phone report.
    """
    received_at = new.received_at or now
    _refuse(
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
        await _add_report(session, site, now, actor, row, report, f"reports.{index}.")
    await settle_incident(session, site, now, actor.name, row)
    return row


def _is_bound(grade: Grade, *, suspected: bool, sensitive: bool) -> bool:
    return is_major(grade, suspected=suspected) or sensitive


async def add_report(
    session: Session, site: Site, now: datetime, actor: Actor, row: Incident, report: NewReport
) -> Report:
    """Log a report; what it fulfils is judged and its alarms are taken back in the same transaction.

    Raises:
        ConflictError: when the incident was withdrawn or merged.
        InvalidInputError: when the report's time cannot be true.
        NotAllowedError: when a unit contact brings a phone report.
    """
    _must_be_live(row)
    made = await _add_report(session, site, now, actor, row, report, "")
    await settle_incident(session, site, now, actor.name, row)
    return made


async def _add_report(
    session: Session, site: Site, now: datetime, actor: Actor, row: Incident, new: NewReport, where: str
) -> Report:
    if actor.role == "unit" and new.kind == "phone":
        message = "a phone report is logged by the duty desk only"
        raise NotAllowedError(message)
    # What a unit files counts at the server's receipt; only the desk can say when it was told (design §5).
    reported_at = now if actor.role == "unit" or new.reported_at is None else new.reported_at
    faults = report_faults(
        reported_at=reported_at,
        occurred_at=row.occurred_at,
        occurred_exactly=row.occurred_at_kind == "exact",
        now=now,
    )
    _refuse([(where + name, sentence) for name, sentence in faults])
    earlier = await queries.reports_of(session, row.id or 0)
    made = Report(
        incident_id=row.id or 0,
        kind=new.kind,
        sequence=sum(one.kind == new.kind for one in earlier) + 1,
        reported_at=reported_at,
        logged_at=now,
        logged_by=actor.name,
        reporter=new.reporter,
        reporter_phone=new.reporter_phone,
        content=new.content,
        late_entry=is_late_entry(reported_at, now, site.rulebook.pace.late_entry_after),
    )
    session.add(made)
    await session.flush()
    record(
        session,
        now,
        actor.name,
        "report.logged",
        f"incident:{row.number}",
        report=made.id,
        kind=made.kind,
        reported_at=reported_at.isoformat(),
        late_entry=made.late_entry,
    )
    return made


async def settle_incident(
    session: Session, site: Site, now: datetime, actor: str, row: Incident, *, regraded: bool = False
) -> list[Change]:
    """Bring an incident's obligations in line with the facts; return what was changed."""
    changes, rows = await _wanted_changes(session, site, row, now if regraded else None)
    owner = owed.Owner(row.id or 0, row.number, row.unit_id, row.drill)
    done = await owed.apply_changes(session, now, actor, owner, site.rulebook.ladders, rows, changes)
    await cancel_for(session, now, done.cancel)
    await session.flush()
    return changes


async def _wanted_changes(
    session: Session, site: Site, row: Incident, regraded_at: datetime | None
) -> tuple[list[Change], list[Obligation]]:
    reports = await queries.reports_of(session, row.id or 0, merged_too=True)
    subject = _subject(row, reports, regraded_at)
    rows = await owed_queries.obligations_of(session, row.id or 0)
    rules = rules_in_force(site.rulebook.rules, subject, site.zone)
    return settle(subject, rules, [owed.standing(one) for one in rows]), rows


def _subject(row: Incident, reports: Sequence[Report], regraded_at: datetime | None) -> Subject:
    return Subject(
        grade=row.grade,
        suspected=row.suspected,
        sensitive=row.sensitive,
        occurred_at=row.occurred_at,
        occurred_exactly=row.occurred_at_kind == "exact",
        learned_at=row.learned_at,
        received_at=row.received_at,
        live=row.state in ("open", "ended"),
        close_cause="MERGED" if row.state == "merged" else "WITHDRAWN",
        ended_at=row.ended_at if row.state == "ended" else None,
        regraded_at=regraded_at,
        reports=tuple(_report_fact(report) for report in reports if report.voided_at is None),
    )


def _report_fact(report: Report) -> ReportFact:
    lacking = report.kind == "phone" and not (report.reporter and report.reporter_phone)
    return ReportFact(
        report.id or 0,
        report.kind,
        report.reported_at,
        unchecked=report.late_entry and report.checked_at is None,
        incomplete_since=report.logged_at if lacking else None,
    )


def _must_be_live(row: Incident) -> None:
    if row.state not in ("open", "ended"):
        message = f"incident {row.number} is {row.state}"
        raise ConflictError(message)


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
    _must_be_live(row)
    before = _picture(row)
    moved_unit = "unit_id" in values and values["unit_id"] != row.unit_id
    for name, value in values.items():
        setattr(row, name, value)
    if row.occurred_at_kind == "unknown" and "occurred_at" not in values:
        row.occurred_at = None
    _refuse(
        time_faults(
            occurred_at=row.occurred_at,
            kind=row.occurred_at_kind,
            learned_at=row.learned_at,
            received_at=row.received_at,
            now=now,
        )
    )
    _note(session, row, "corrected", now, actor, reason, before, _picture(row))
    if moved_unit:
        await _readdress(session, now, actor, row)
    await settle_incident(session, site, now, actor.name, row)
    return row


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
    _must_be_live(row)
    before = _picture(row)
    row.grade, row.suspected, row.sensitive, row.grade_confirmed = grade, suspected, sensitive, confirmed
    bound = _is_bound(grade, suspected=suspected, sensitive=sensitive)
    first_time = bound and not row.ever_major
    changes, _ = await _wanted_changes(session, site, row, now if first_time else None)
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
    _must_be_live(row)
    before = _picture(row)
    row.state = "withdrawn"
    _note(session, row, "withdrawn", now, actor, reason, before, _picture(row))
    await settle_incident(session, site, now, actor.name, row)
    return row


async def reinstate(
    session: Session, site: Site, now: datetime, actor: Actor, row: Incident, reason: str
) -> Incident:
    """Undo a withdrawal or a merge: what was owed is owed again at its original due time.

    Raises:
        ConflictError: when there is nothing to undo.
    """
    if row.state not in ("withdrawn", "merged"):
        message = f"incident {row.number} is {row.state}; there is nothing to reinstate"
        raise ConflictError(message)
    before = _picture(row)
    survivor_id, row.merged_into_id = row.merged_into_id, None
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
    _must_be_live(row)
    _must_be_live(into)
    if row.id == into.id:
        message = "an incident cannot be merged into itself"
        raise ConflictError(message)
    if row.drill != into.drill:
        message = "a drill and a real incident cannot be merged"
        raise ConflictError(message)
    before, before_into = _picture(row), _picture(into)
    row.state, row.merged_into_id = "merged", into.id
    _take_earliest(row, into)
    _note(session, row, "merged", now, actor, reason, before, _picture(row))
    _note(session, into, "corrected", now, actor, f"归并 {row.number}:{reason}", before_into, _picture(into))
    await session.flush()
    await settle_incident(session, site, now, actor.name, row)
    await settle_incident(session, site, now, actor.name, into)
    return into


def _take_earliest(row: Incident, into: Incident) -> None:
    if row.occurred_at is not None and (into.occurred_at is None or row.occurred_at < into.occurred_at):
        into.occurred_at, into.occurred_at_kind = row.occurred_at, row.occurred_at_kind
    if row.learned_at is not None and (into.learned_at is None or row.learned_at < into.learned_at):
        into.learned_at = row.learned_at
    into.received_at = min(into.received_at, row.received_at)


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


async def void_report(
    session: Session, site: Site, now: datetime, actor: Actor, report: Report, reason: str
) -> Incident:
    """Declare a report a mistake: it stays on record, and what it fulfilled is owed again.

    Raises:
        ConflictError: when it was voided before.
    """
    if report.voided_at is not None:
        message = f"report {report.id} was voided already"
        raise ConflictError(message)
    row = await queries.incident(session, report.incident_id, lock=True)
    report.voided_at, report.voided_by, report.void_reason = now, actor.name, reason
    record(
        session, now, actor.name, "report.voided", f"incident:{row.number}", report=report.id, reason=reason
    )
    await settle_incident(session, site, now, actor.name, row)
    if row.merged_into_id is not None:
        survivor = await queries.incident(session, row.merged_into_id, lock=True)
        await settle_incident(session, site, now, actor.name, survivor)
    return row


async def check_report(
    session: Session, site: Site, now: datetime, actor: Actor, report: Report, reason: str
) -> Incident:
    """Confirm, as a second person, the time of a report that was entered late (补录).

    Raises:
        ConflictError: when it needs no check, was checked, or was logged by the same person.
    """
    if not report.late_entry or report.checked_at is not None:
        message = f"report {report.id} waits for no check"
        raise ConflictError(message)
    if actor.name == report.logged_by:
        message = "a late entry is checked by somebody other than the one who logged it"
        raise ConflictError(message)
    row = await queries.incident(session, report.incident_id, lock=True)
    report.checked_at, report.checked_by = now, actor.name
    record(
        session, now, actor.name, "report.checked", f"incident:{row.number}", report=report.id, reason=reason
    )
    await settle_incident(session, site, now, actor.name, row)
    return row


async def complete_report(
    session: Session,
    site: Site,
    now: datetime,
    actor: Actor,
    report: Report,
    reporter: str,
    reporter_phone: str,
) -> Incident:
    """Add who called and from which number to a phone report that lacked them.

    Raises:
        ConflictError: when what is there would be overwritten; a wrong report is voided instead.
    """
    if (report.reporter and report.reporter != reporter) or (
        report.reporter_phone and report.reporter_phone != reporter_phone
    ):
        message = "what was recorded is not overwritten; void the report and log the right one"
        raise ConflictError(message)
    row = await queries.incident(session, report.incident_id, lock=True)
    report.reporter, report.reporter_phone = reporter, reporter_phone
    record(session, now, actor.name, "report.completed", f"incident:{row.number}", report=report.id)
    for one in await owed_queries.obligations_of(session, row.id or 0):
        if one.rule_id == "49.1-source" and one.sequence == report.id and one.state in OWED:
            await fulfil_by_entry(session, now, actor, one, now, f"{reporter} {reporter_phone}")
    await settle_incident(session, site, now, actor.name, row)
    return row


async def fulfil_by_entry(
    session: Session, now: datetime, actor: Actor, row: Obligation, at: datetime, how: str
) -> None:
    """Record by hand that a duty was done which no report and no key can prove.

    Raises:
        ConflictError: when its evidence is a report or a key, or nothing is owed.
        InvalidInputError: when *at* lies in the future or before its base.
    """
    if row.evidence != "entry":
        message = f"obligation {row.id} is fulfilled by {row.evidence}, not by an entry"
        raise ConflictError(message)
    if row.state not in OWED:
        message = f"obligation {row.id} is {row.state}"
        raise ConflictError(message)
    if at > now or at < row.base_at:
        message = "at: must lie between the base of the clock and now"
        raise InvalidInputError(message)
    doubt = await owed_queries.clock_in_doubt(session)
    await owed.fulfil(session, now, actor.name, row, at, cause=f"ENTRY:{how}"[:200], doubt=doubt)
    await cancel_for(session, now, {row.id or 0: "ALREADY_REPORTED"})


async def waive(session: Session, now: datetime, actor: Actor, row: Obligation, reason: str) -> None:
    """Free somebody from a duty, with a reason.

    Raises:
        ConflictError: when nothing is owed.
    """
    await owed.close(session, now, actor.name, row, "waived", "WAIVED", reason)
    await cancel_for(session, now, {row.id or 0: "WAIVED"})


async def take_over(
    session: Session,
    now: datetime,
    actor: Actor,
    row: Obligation,
    who: str,
    reason: str,
    next_check_at: datetime,
) -> None:
    """Let a named person answer for a duty: the calls under way end, the ladder goes on at its next rung.

    Raises:
        ConflictError: when nothing is owed or the time is not ahead.
    """
    await owed.take_over(session, now, actor.name, row, who, reason, next_check_at)
    await cancel_for(session, now, {row.id or 0: "TAKEN_OVER"})

"""Logging reports, and what can be done to one afterwards, in the caller's transaction."""

from dataclasses import dataclass
from datetime import datetime

from dutydesk.accounts.rules import Actor
from dutydesk.audit.actions import record
from dutydesk.db import Session
from dutydesk.errors import ConflictError, NotAllowedError
from dutydesk.incidents import queries
from dutydesk.incidents.duties import fulfil_by_entry
from dutydesk.incidents.model import Incident, Report, ReportKind
from dutydesk.incidents.rules import is_late_entry, report_faults
from dutydesk.incidents.settling import must_be_live, refuse, settle_incident
from dutydesk.obligations import queries as owed_queries
from dutydesk.obligations.model import OWED
from dutydesk.web.site import Site


@dataclass(frozen=True, slots=True)
class NewReport:
    """A report as it is told to the desk or filed by a unit. Times are aware."""

    kind: ReportKind
    reported_at: datetime | None = None
    reporter: str = ""
    reporter_phone: str = ""
    content: str = ""


async def add_report(
    session: Session, site: Site, now: datetime, actor: Actor, row: Incident, report: NewReport
) -> Report:
    """Log a report; what it fulfils is judged and its alarms are taken back in the same transaction.

    Raises:
        ConflictError: when the incident was withdrawn or merged.
        InvalidInputError: when the report's time cannot be true.
        NotAllowedError: when a unit contact brings a phone report.
    """
    must_be_live(row)
    made = await put_report(session, site, now, actor, row, report, "")
    await settle_incident(session, site, now, actor.name, row)
    return made


async def put_report(
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
    refuse([(where + name, sentence) for name, sentence in faults])
    earlier = await queries.reports_of(session, row.id or 0)
    made = Report(
        incident_id=row.id or 0,
        unit_id=actor.unit_id if actor.role == "unit" else row.unit_id,
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


async def void_report(
    session: Session, site: Site, now: datetime, actor: Actor, report: Report, reason: str
) -> Incident:
    """Declare a report a mistake: it stays on record, and what it fulfilled is owed again.

    Raises:
        ConflictError: when it was voided before.
    """
    chain = await _locked(session, report)
    if report.voided_at is not None:
        message = f"report {report.id} was voided already"
        raise ConflictError(message)
    row = chain[0]
    report.voided_at, report.voided_by, report.void_reason = now, actor.name, reason
    record(
        session, now, actor.name, "report.voided", f"incident:{row.number}", report=report.id, reason=reason
    )
    for one in chain:
        await settle_incident(session, site, now, actor.name, one)
    return row


async def _locked(session: Session, report: Report) -> list[Incident]:
    """Return the incident a report is about and those it was merged into, locked: the report counts for each.

    The report is read again under the lock: somebody else may have changed it while this one waited.
    """
    row = await queries.incident(session, report.incident_id, lock=True)
    found = [row]
    while row.merged_into_id is not None and all(one.id != row.merged_into_id for one in found):
        row = await queries.incident(session, row.merged_into_id, lock=True)
        found.append(row)
    await session.refresh(report)
    return found


async def check_report(
    session: Session, site: Site, now: datetime, actor: Actor, report: Report, reason: str
) -> Incident:
    """Confirm, as a second person, the time of a report that was entered late (补录).

    Raises:
        ConflictError: when it needs no check, was checked, or was logged by the same person.
    """
    chain = await _locked(session, report)
    if not report.late_entry or report.checked_at is not None:
        message = f"report {report.id} waits for no check"
        raise ConflictError(message)
    if actor.name == report.logged_by:
        message = "a late entry is checked by somebody other than the one who logged it"
        raise ConflictError(message)
    row = chain[0]
    report.checked_at, report.checked_by = now, actor.name
    record(
        session, now, actor.name, "report.checked", f"incident:{row.number}", report=report.id, reason=reason
    )
    for one in chain:
        await settle_incident(session, site, now, actor.name, one)
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
        ConflictError: when what is there would be overwritten (a wrong report is voided instead), or it was voided.
    """
    chain = await _locked(session, report)
    if (report.reporter and report.reporter != reporter) or (
        report.reporter_phone and report.reporter_phone != reporter_phone
    ):
        message = "what was recorded is not overwritten; void the report and log the right one"
        raise ConflictError(message)
    if report.voided_at is not None:
        message = f"report {report.id} was voided already"
        raise ConflictError(message)
    row = chain[0]
    before = {"reporter": report.reporter, "reporter_phone": report.reporter_phone}
    report.reporter, report.reporter_phone = reporter, reporter_phone
    record(
        session,
        now,
        actor.name,
        "report.completed",
        f"incident:{row.number}",
        report=report.id,
        before=before,
        after={"reporter": reporter, "reporter_phone": reporter_phone},
    )
    for one in chain:
        await _fulfil_source(session, now, actor, one, report)
        await settle_incident(session, site, now, actor.name, one)
    return row


async def _fulfil_source(
    session: Session, now: datetime, actor: Actor, row: Incident, report: Report
) -> None:
    """Settle the quarter of an hour within which it has to be said who called."""
    how = f"{report.reporter} {report.reporter_phone}"
    for one in await owed_queries.obligations_of(session, row.id or 0):
        if one.rule_id == "49.1-source" and one.sequence == report.id and one.state in OWED:
            await fulfil_by_entry(session, now, actor, one, now, how)

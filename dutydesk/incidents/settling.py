"""Brings an incident's obligations in line with the facts, in the caller's transaction (ADR 5)."""

from collections.abc import Sequence
from datetime import datetime

from dutydesk.alerts.actions import cancel_for
from dutydesk.db import Session
from dutydesk.errors import ConflictError, FieldFault, InvalidInputError
from dutydesk.incidents import queries
from dutydesk.incidents.model import Incident, Report
from dutydesk.obligations import actions as owed
from dutydesk.obligations import queries as owed_queries
from dutydesk.obligations.model import Obligation
from dutydesk.obligations.rules import Change, ReportFact, Subject, rules_in_force
from dutydesk.obligations.settle import settle
from dutydesk.web.site import Site


def refuse(faults: Sequence[tuple[str, str]]) -> None:
    """Raise what is wrong with what was sent, field by field.

    Raises:
        InvalidInputError: when anything is.
    """
    if faults:
        detail = "; ".join(f"{name}: {sentence}" for name, sentence in faults)
        raise InvalidInputError(detail, tuple(FieldFault(name, sentence) for name, sentence in faults))


def must_be_live(row: Incident) -> None:
    """Check that an incident can still be worked on.

    Raises:
        ConflictError: when it was withdrawn or merged.
    """
    if row.state not in ("open", "ended"):
        message = f"incident {row.number} is {row.state}"
        raise ConflictError(message)


async def settle_incident(
    session: Session, site: Site, now: datetime, actor: str, row: Incident, *, regraded: bool = False
) -> list[Change]:
    """Bring an incident's obligations in line with the facts; return what was changed."""
    changes, rows = await wanted_changes(session, site, row, now if regraded else None)
    owner = owed.Owner(row.id or 0, row.number, row.unit_id, row.drill)
    done = await owed.apply_changes(session, now, actor, owner, site.rulebook.ladders, rows, changes)
    await cancel_for(session, now, done.cancel)
    await session.flush()
    return changes


async def wanted_changes(
    session: Session, site: Site, row: Incident, regraded_at: datetime | None
) -> tuple[list[Change], list[Obligation]]:
    """Return what settling would change, and the obligations as they stand (locked against the clockwork)."""
    merged = await queries.merged_into(session, row.id or 0)
    reports = await queries.reports_of(session, row.id or 0, *(one.id or 0 for one in merged))
    subject = _subject(row, merged, reports, regraded_at)
    rows = await owed_queries.obligations_of(session, row.id or 0, lock=True)
    rules = rules_in_force(site.rulebook.rules, subject, site.zone)
    return settle(subject, rules, [owed.standing(one) for one in rows]), rows


def _subject(
    row: Incident, merged: Sequence[Incident], reports: Sequence[Report], regraded_at: datetime | None
) -> Subject:
    """Gather the facts; the earliest times of everything merged into an incident are its times, too."""
    told = [one for one in (row, *merged) if one.occurred_at is not None]
    first = min(told, key=lambda one: one.occurred_at or row.received_at, default=row)
    learned = [one.learned_at for one in (row, *merged) if one.learned_at is not None]
    return Subject(
        grade=row.grade,
        suspected=row.suspected,
        sensitive=row.sensitive,
        occurred_at=first.occurred_at,
        occurred_exactly=first.occurred_at_kind == "exact",
        learned_at=min(learned, default=None),
        received_at=min(one.received_at for one in (row, *merged)),
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

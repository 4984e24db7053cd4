"""The SQL of incidents, reports and their changes."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import func, or_, update
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlmodel import col, select
from sqlmodel.sql.expression import SelectOfScalar

from dutydesk.alerts.model import Alert
from dutydesk.audit.model import AuditEntry
from dutydesk.db import Session
from dutydesk.errors import NotFoundError
from dutydesk.incidents.model import (
    Attachment,
    Casualties,
    Incident,
    IncidentChange,
    NumberSeries,
    Report,
)
from dutydesk.obligations.model import ClockStep


async def next_number(session: Session, series: str) -> int:
    """Take the next number of a series; its row stays locked until the transaction ends, so none is lost."""
    insert = sqlite_insert if session.get_bind().dialect.name == "sqlite" else postgresql_insert
    await session.exec(insert(NumberSeries).values(name=series, last=0).on_conflict_do_nothing())
    taken = await session.exec(
        update(NumberSeries)
        .where(col(NumberSeries.name) == series)
        .values(last=col(NumberSeries.last) + 1)
        .returning(col(NumberSeries.last))
    )
    return int(taken.one()[0])


async def incident_by_number(
    session: Session, number: str, *, unit_id: int | None = None, lock: bool = False
) -> Incident:
    """Return an incident; *unit_id* limits what a unit contact can see.

    Raises:
        NotFoundError: when there is none with that number for this caller.
    """
    wanted = select(Incident).where(col(Incident.number) == number)
    if unit_id is not None:
        wanted = wanted.where(col(Incident.unit_id) == unit_id)
    found = (await session.exec(_locking(wanted) if lock else wanted)).first()
    if found is None:
        message = f"there is no incident {number}"
        raise NotFoundError(message)
    return found


def _locking(wanted: SelectOfScalar[Incident]) -> SelectOfScalar[Incident]:
    """Lock what is found; a row this session read before is read again, as it is under the lock."""
    return wanted.with_for_update().execution_options(populate_existing=True)


async def incident(session: Session, incident_id: int, *, lock: bool = False) -> Incident:
    """Return an incident by id.

    Raises:
        NotFoundError: when there is none.
    """
    wanted = select(Incident).where(col(Incident.id) == incident_id)
    found = (await session.exec(_locking(wanted) if lock else wanted)).first()
    if found is None:
        message = f"there is no incident with id {incident_id}"
        raise NotFoundError(message)
    return found


async def report(session: Session, report_id: int) -> Report:
    """Return a report.

    Raises:
        NotFoundError: when there is none.
    """
    found = await session.get(Report, report_id)
    if found is None:
        message = f"there is no report {report_id}"
        raise NotFoundError(message)
    return found


async def reports_of(session: Session, *incident_ids: int) -> list[Report]:
    """Return the reports of these incidents as they were logged."""
    found = await session.exec(
        select(Report).where(col(Report.incident_id).in_(incident_ids)).order_by(col(Report.id))
    )
    return list(found)


async def merged_into(session: Session, incident_id: int) -> list[Incident]:
    """Return every incident that was merged into this one, directly or through others."""
    found: dict[int, Incident] = {}
    ahead = {incident_id}
    while ahead:
        rows = await session.exec(select(Incident).where(col(Incident.merged_into_id).in_(ahead)))
        fresh = {row.id or 0: row for row in rows if row.id not in found}
        found |= fresh
        ahead = set(fresh)
    return list(found.values())


async def changes_of(session: Session, *incident_ids: int) -> list[IncidentChange]:
    """Return everything done to these incidents, oldest first."""
    found = await session.exec(
        select(IncidentChange)
        .where(col(IncidentChange.incident_id).in_(incident_ids))
        .order_by(col(IncidentChange.id))
    )
    return list(found)


async def list_incidents(
    session: Session,
    *,
    state: str | None = None,
    unit_id: int | None = None,
    after_id: int = 0,
    limit: int = 100,
) -> list[Incident]:
    """Return incidents by id, filtered."""
    wanted: list[Any] = [col(Incident.id) > after_id]
    if state is not None:
        wanted.append(col(Incident.state) == state)
    if unit_id is not None:
        wanted.append(col(Incident.unit_id) == unit_id)
    found = await session.exec(select(Incident).where(*wanted).order_by(col(Incident.id)).limit(limit))
    return list(found)


async def incidents_by_id(session: Session, ids: Collection[int]) -> dict[int, Incident]:
    """Return the incidents with these ids."""
    found = await session.exec(select(Incident).where(col(Incident.id).in_(ids)))
    return {row.id or 0: row for row in found}


async def latest_incidents(session: Session, limit: int, *, unit_id: int | None = None) -> list[Incident]:
    """Return the newest incidents, newest first; *unit_id* limits what a unit contact can see."""
    wanted = select(Incident).order_by(col(Incident.id).desc()).limit(limit)
    if unit_id is not None:
        wanted = wanted.where(col(Incident.unit_id) == unit_id)
    return list(await session.exec(wanted))


async def survivors_for(session: Session, row: Incident, limit: int) -> list[Incident]:
    """Return the incidents another one could be merged into, newest first."""
    found = await session.exec(
        select(Incident)
        .where(
            col(Incident.state).in_(("open", "ended")),
            col(Incident.id) != row.id,
            col(Incident.drill) == row.drill,
        )
        .order_by(col(Incident.id).desc())
        .limit(limit)
    )
    return list(found)


async def last_change(session: Session, incident_id: int) -> int:
    """Return the id of the latest change of an incident: what a form was drawn from."""
    found = await session.exec(
        select(func.max(col(IncidentChange.id))).where(col(IncidentChange.incident_id) == incident_id)
    )
    return found.one() or 0


# ---------------------------------------------------------------------------------------------------------------------
# Casualties and attachments


async def casualties_of(session: Session, *incident_ids: int) -> list[Casualties]:
    """Return every count of people, in the order of what they are known for; a correction comes behind."""
    found = await session.exec(
        select(Casualties)
        .where(col(Casualties.incident_id).in_(incident_ids))
        .order_by(col(Casualties.as_of), col(Casualties.id))
    )
    return list(found)


async def attachments_of(
    session: Session, incident_ids: Collection[int], *, unit_id: int | None = None
) -> list[Attachment]:
    """Return the files of these incidents as they came; with *unit_id* only what that unit itself added."""
    wanted = select(Attachment).where(col(Attachment.incident_id).in_(incident_ids))
    if unit_id is not None:
        wanted = wanted.where(col(Attachment.unit_id) == unit_id)
    return list(await session.exec(wanted.order_by(col(Attachment.id))))


async def attachment(
    session: Session, incident_id: int, attachment_id: int, *, unit_id: int | None = None
) -> Attachment:
    """Return one file of an incident.

    Raises:
        NotFoundError: when there is none, or *unit_id* did not add it.
    """
    found = await session.get(Attachment, attachment_id)
    if (
        found is None
        or found.incident_id != incident_id
        or (unit_id is not None and found.unit_id != unit_id)
    ):
        message = f"there is no attachment {attachment_id}"
        raise NotFoundError(message)
    return found


# ---------------------------------------------------------------------------------------------------------------------
# What the timeline needs besides


async def audited(session: Session, subjects: Collection[str], actions: Sequence[str]) -> list[AuditEntry]:
    """Return what was done to these subjects by these actions, oldest first."""
    found = await session.exec(
        select(AuditEntry)
        .where(col(AuditEntry.subject).in_(subjects), col(AuditEntry.action).in_(actions))
        .order_by(col(AuditEntry.id))
    )
    return list(found)


async def clock_steps_since(session: Session, moment: datetime) -> list[ClockStep]:
    """Return the steps of the clock that were noticed since then, or were in doubt then."""
    found = await session.exec(
        select(ClockStep)
        .where(
            or_(
                col(ClockStep.noticed_at) >= moment,
                col(ClockStep.confirmed_at).is_(None),
                col(ClockStep.confirmed_at) >= moment,
            )
        )
        .order_by(col(ClockStep.id))
    )
    return list(found)


async def newest_alerts(
    session: Session, numbers: Collection[str], limit: int, *, before: int = 0
) -> list[Alert]:
    """Return the newest alerts about these incidents (before the one with that id), oldest first."""
    wanted = select(Alert).where(col(Alert.number).in_(numbers))
    if before:
        wanted = wanted.where(col(Alert.id) < before)
    found = list(await session.exec(wanted.order_by(col(Alert.id).desc()).limit(limit)))
    return found[::-1]

"""The SQL of incidents, reports and their changes."""

from collections.abc import Collection
from typing import Any

from sqlalchemy import update
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlmodel import col, select

from dutydesk.db import Session
from dutydesk.errors import NotFoundError
from dutydesk.incidents.model import Incident, IncidentChange, NumberSeries, Report


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
    found = (await session.exec(wanted.with_for_update() if lock else wanted)).first()
    if found is None:
        message = f"there is no incident {number}"
        raise NotFoundError(message)
    return found


async def incident(session: Session, incident_id: int, *, lock: bool = False) -> Incident:
    """Return an incident by id.

    Raises:
        NotFoundError: when there is none.
    """
    wanted = select(Incident).where(col(Incident.id) == incident_id)
    found = (await session.exec(wanted.with_for_update() if lock else wanted)).first()
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


async def changes_of(session: Session, incident_id: int) -> list[IncidentChange]:
    """Return everything done to an incident, oldest first."""
    found = await session.exec(
        select(IncidentChange)
        .where(col(IncidentChange.incident_id) == incident_id)
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


async def latest_incidents(session: Session, limit: int) -> list[Incident]:
    """Return the newest incidents, newest first."""
    found = await session.exec(select(Incident).order_by(col(Incident.id).desc()).limit(limit))
    return list(found)

"""The SQL of an import of the directory."""

from collections.abc import Collection

from sqlalchemy import func
from sqlmodel import col, select

from dutydesk.db import Session
from dutydesk.people import model
from dutydesk.people.queries import id_of


async def units_to_change(session: Session, ids: Collection[int]) -> dict[str, model.Unit]:
    """Return the rows of these units by code, locked."""
    wanted = select(model.Unit).where(col(model.Unit.id).in_(set(ids))).order_by(col(model.Unit.id))
    return {row.code: row for row in await session.exec(wanted.with_for_update())}


async def people_to_change(session: Session, ids: Collection[int]) -> dict[int, model.Person]:
    """Return the rows of these people, locked."""
    wanted = select(model.Person).where(col(model.Person.id).in_(set(ids))).order_by(col(model.Person.id))
    return {id_of(row.id): row for row in await session.exec(wanted.with_for_update())}


async def last_positions(session: Session, person_ids: Collection[int]) -> dict[int, int]:
    """Return the last place that is taken among the numbers of each of these people."""
    point = model.ContactPoint
    found = await session.exec(
        select(col(point.person_id), func.max(col(point.position)))
        .where(col(point.person_id).in_(set(person_ids)))
        .group_by(col(point.person_id))
    )
    return dict(found.all())

"""The SQL of choosing a person for a shift."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import ColumnElement, and_
from sqlmodel import col, func, or_, select

from dutydesk.db import Session
from dutydesk.people.model import Person
from dutydesk.rosters.model import Rotation, RotationMember, Shift
from dutydesk.rosters.rules import Seat

# More than that nobody reads through; a name narrows it.
_MOST = 200


async def possible_people(
    session: Session, unit_id: int, seat: Seat, ranks: Collection[str], text: str
) -> list[int]:
    """Return who might sit on a seat of a unit: its people, its rotations' members, people of *ranks*, and whom *text* names."""
    members = (
        select(col(RotationMember.person_id))
        .join(Rotation, col(Rotation.id) == col(RotationMember.rotation_id))
        .where(
            col(Rotation.unit_id) == unit_id,
            col(Rotation.seat) == seat,
            col(Rotation.ended_at).is_(None),
        )
    )
    ways: list[ColumnElement[bool]] = [col(Person.unit_id) == unit_id, col(Person.id).in_(members)]
    if ranks:
        ways.append(col(Person.rank).in_(ranks))
    if text:
        ways.append(col(Person.name).contains(text, autoescape=True))
    found = await session.exec(
        select(col(Person.id))
        .where(and_(col(Person.retired_at).is_(None), or_(*ways)))
        .order_by(col(Person.unit_id) != unit_id, col(Person.id))
        .limit(_MOST)
    )
    return [one for one in found if one is not None]


async def turn_counts(
    session: Session, person_ids: Collection[int], seat: Seat, start: datetime, end: datetime
) -> dict[int, int]:
    """Return how many shifts on that seat these people have, drafts too, that begin in [start, end)."""
    row = Shift
    found = await session.exec(
        select(col(row.person_id), func.count())
        .where(
            col(row.person_id).in_(set(person_ids)),
            col(row.seat) == seat,
            col(row.state) != "cancelled",
            col(row.starts_at) >= start,
            col(row.starts_at) < end,
        )
        .group_by(col(row.person_id))
    )
    return dict(found.all())

"""All the SQL of seats' patterns and of rotations, to change them."""

from collections.abc import Collection
from datetime import date

from sqlalchemy import delete
from sqlmodel import col, or_, select

from dutydesk.calendars.rules import DayClass
from dutydesk.db import Session
from dutydesk.errors import NotFoundError
from dutydesk.people import model
from dutydesk.people.queries import person_fact
from dutydesk.people.rules import Person
from dutydesk.rosters.model import Rotation, RotationMember, SeatPattern
from dutydesk.rosters.rules import Seat


async def has_patterns(session: Session, unit_id: int) -> bool:
    """Tell whether a unit has laid anything down about its seats."""
    found = await session.exec(select(SeatPattern.id).where(col(SeatPattern.unit_id) == unit_id).limit(1))
    return found.first() is not None


async def end_patterns(
    session: Session, unit_id: int, seat: Seat, classes: Collection[DayClass], on: date
) -> None:
    """Let nothing that was laid down about a seat on days of these classes hold from *on* on."""
    row = SeatPattern
    mine = (col(row.unit_id) == unit_id) & (col(row.seat) == seat) & col(row.day_class).in_(set(classes))
    await session.exec(delete(row).where(mine, col(row.valid_from) >= on))
    still = select(row).where(mine, or_(col(row.valid_until).is_(None), col(row.valid_until) > on))
    for one in await session.exec(still):
        one.valid_until = on
        session.add(one)


async def rotation(session: Session, rotation_id: int, *, lock: bool = False) -> Rotation:
    """Return a rotation.

    Raises:
        NotFoundError: there is none with this id.
    """
    wanted = select(Rotation).where(col(Rotation.id) == rotation_id)
    row = (await session.exec(wanted.with_for_update() if lock else wanted)).first()
    if row is None:
        raise NotFoundError(f"there is no rotation {rotation_id}")
    return row


async def rotations(
    session: Session,
    *,
    unit_id: int | None = None,
    ended: bool = False,
    after: int = 0,
    limit: int | None = None,
) -> list[Rotation]:
    """Return rotations in order of id, from the one after *after*: of one unit or of all, with *ended* also those."""
    wanted = select(Rotation).where(col(Rotation.id) > after)
    if unit_id is not None:
        wanted = wanted.where(col(Rotation.unit_id) == unit_id)
    if not ended:
        wanted = wanted.where(col(Rotation.ended_at).is_(None))
    return list(await session.exec(wanted.order_by(col(Rotation.id)).limit(limit)))


async def patterns(
    session: Session, *, unit_id: int | None = None, after: int = 0, limit: int | None = None
) -> list[SeatPattern]:
    """Return what was laid down about seats, in order of id, from the one after *after*."""
    wanted = select(SeatPattern).where(col(SeatPattern.id) > after)
    if unit_id is not None:
        wanted = wanted.where(col(SeatPattern.unit_id) == unit_id)
    return list(await session.exec(wanted.order_by(col(SeatPattern.id)).limit(limit)))


async def member(session: Session, rotation_id: int, member_id: int) -> RotationMember:
    """Return a member of a rotation.

    Raises:
        NotFoundError: there is none with this id in it.
    """
    row = await session.get(RotationMember, member_id)
    if row is None or row.rotation_id != rotation_id:
        raise NotFoundError(f"there is no member {member_id} in rotation {rotation_id}")
    return row


async def people_to_join(
    session: Session, unit_id: int, *, own_only: bool
) -> tuple[list[Person], list[Person]]:
    """Return who of a unit, and who of the bureau's leaders in other units, may take turns in it."""
    row = model.Person
    here = select(row).where(col(row.unit_id) == unit_id, col(row.retired_at).is_(None))
    own = [person_fact(one) for one in await session.exec(here.order_by(col(row.id)))]
    if own_only:
        return own, []
    leaders = select(row).where(
        col(row.unit_id) != unit_id,
        col(row.retired_at).is_(None),
        col(row.rank).in_(("bureau_head", "bureau_deputy", "bureau_leader")),
    )
    return own, [person_fact(one) for one in await session.exec(leaders.order_by(col(row.id)))]

"""What a unit's shifts are planned from, and the shifts as they stand: read for a span at once."""

from collections.abc import Collection, Sequence
from datetime import datetime, tzinfo
from typing import Any

from sqlalchemy import ColumnElement, delete, func
from sqlalchemy import select as columns
from sqlmodel import col, or_, select

from dutydesk.calendars.rules import DayClass
from dutydesk.db import Session
from dutydesk.people.queries import id_of
from dutydesk.rosters.model import Rotation, RotationMember, SeatHolder, Shift, ShiftChange
from dutydesk.rosters.rules import LONGEST_SHIFT, Seat, rotation
from dutydesk.rosters.rules.filling import StoodIn
from dutydesk.rosters.rules.rotation import LastTurn, Member, last_owner


async def rotations_of(
    session: Session, unit_ids: Collection[int], seats: Collection[Seat] | None = None
) -> dict[int, list[rotation.Rotation]]:
    """Return unit id → its rotations that have not ended, with every member they ever had, in order."""
    wanted = select(Rotation).where(
        col(Rotation.unit_id).in_(set(unit_ids)), col(Rotation.ended_at).is_(None)
    )
    if seats is not None:
        wanted = wanted.where(col(Rotation.seat).in_(set(seats)))
    rows = list(await session.exec(wanted.order_by(col(Rotation.id))))
    member = RotationMember
    # Columns, not rows of the model: they are read for every unit of the bureau at once.
    wanted_members = (
        columns(col(member.rotation_id), col(member.person_id), col(member.joined_on), col(member.left_on))
        .where(col(member.rotation_id).in_({row.id for row in rows}))
        .order_by(col(member.position), col(member.id))
    )
    members: dict[int, list[Member]] = {}
    for rotation_id, person_id, joined_on, left_on in await (await session.connection()).execute(
        wanted_members
    ):
        members.setdefault(rotation_id, []).append(Member(person_id, joined_on, left_on))
    found: dict[int, list[rotation.Rotation]] = {}
    for row in rows:
        found.setdefault(row.unit_id, []).append(_rotation_fact(row, members.get(id_of(row.id), ())))
    return found


def _rotation_fact(row: Rotation, members: Sequence[Member]) -> rotation.Rotation:
    return rotation.Rotation(
        id=id_of(row.id),
        seat=row.seat,
        name=row.name,
        day_classes=frozenset(row.day_classes),  # type: ignore[arg-type] # JSON keeps plain strings
        members=tuple(members),
        pairs_weekend=row.pairs_weekend,
        pays_back=row.pays_back,
    )


async def members_of(session: Session, rotation_ids: Collection[int]) -> dict[int, list[RotationMember]]:
    """Return rotation id → every member it ever had, in order."""
    row = RotationMember
    rows = await session.exec(
        select(row)
        .where(col(row.rotation_id).in_(set(rotation_ids)))
        .order_by(col(row.position), col(row.id))
    )
    found: dict[int, list[RotationMember]] = {}
    for one in rows:
        found.setdefault(one.rotation_id, []).append(one)
    return found


async def last_turns(
    session: Session, rotations: Collection[rotation.Rotation], before: datetime, zone: tzinfo
) -> dict[tuple[int, DayClass], LastTurn]:
    """Return where the order of each rotation stands on each class of days: its last turn that began before *before*."""
    members = {one.id: one.members for one in rotations}
    last = (
        select(
            col(Shift.rotation_id).label("rotation_id"),
            col(Shift.day_class).label("day_class"),
            func.max(col(Shift.starts_at)).label("starts_at"),
        )
        .where(_turns_before(members.keys(), before))
        .group_by(col(Shift.rotation_id), col(Shift.day_class))
        .subquery()
    )
    rows = await session.exec(
        select(Shift)
        .join(
            last,
            (col(Shift.rotation_id) == last.c.rotation_id)
            & (col(Shift.day_class) == last.c.day_class)
            & (col(Shift.starts_at) == last.c.starts_at),
        )
        .where(col(Shift.state) != "cancelled", col(Shift.owner_id).is_not(None))
        .order_by(col(Shift.id))
    )
    places: dict[tuple[int, DayClass], dict[int, Shift]] = {}
    for row in rows:
        if row.rotation_id is not None and row.day_class is not None and row.owner_id is not None:
            places.setdefault((row.rotation_id, row.day_class), {})[row.owner_id] = row
    found: dict[tuple[int, DayClass], LastTurn] = {}
    for key, owners in places.items():
        owner = last_owner(owners.keys(), members[key[0]])
        if owner is not None:
            row = owners[owner]
            found[key] = LastTurn(owner, row.person_id, row.starts_at.astimezone(zone).date())
    return found


async def stood_in(session: Session, rotation_ids: Collection[int], before: datetime) -> list[StoodIn]:
    """Return how often members of these rotations served each other's turns that began before *before*."""
    turn: list[Any] = [
        col(Shift.rotation_id),
        col(Shift.day_class),
        col(Shift.owner_id),
        col(Shift.person_id),
    ]
    times = (
        columns(*turn, func.count())
        .where(_turns_before(rotation_ids, before), col(Shift.owner_id) != col(Shift.person_id))
        .group_by(*turn)
        .order_by(*turn)
    )
    found = await (await session.connection()).execute(times)
    return [StoodIn(row[0], row[1], row[2], row[3], row[4]) for row in found]


def _turns_before(rotation_ids: Collection[int], before: datetime) -> ColumnElement[bool]:
    return (
        col(Shift.rotation_id).in_(set(rotation_ids))
        & (col(Shift.starts_at) < before)
        & col(Shift.owner_id).is_not(None)
        & (col(Shift.state) != "cancelled")
    )


async def shifts_begun_in(
    session: Session, unit_id: int, start: datetime, end: datetime, seats: Collection[Seat] | None = None
) -> list[Shift]:
    """Return a unit's shifts that begin in [start, end), drafts too, in order of time."""
    wanted = select(Shift).where(_begins_in(unit_id, start, end, seats), col(Shift.state) != "cancelled")
    return list(await session.exec(wanted.order_by(col(Shift.starts_at), col(Shift.id))))


def _begins_in(
    unit_id: int, start: datetime, end: datetime, seats: Collection[Seat] | None
) -> ColumnElement[bool]:
    """The bounds on ``ends_at`` keep the index range to the span."""
    wanted = (
        (col(Shift.unit_id) == unit_id)
        & (col(Shift.ends_at) > start)
        & (col(Shift.ends_at) <= end + LONGEST_SHIFT)
        & (col(Shift.starts_at) >= start)
        & (col(Shift.starts_at) < end)
    )
    return wanted if seats is None else wanted & col(Shift.seat).in_(set(seats))


async def delete_drafts(session: Session, ids: Sequence[int]) -> int:
    """Take these shifts away where they are drafts and not locked; return how many there were."""
    gone = 0
    for at in range(0, len(ids), 500):
        done = await session.exec(
            delete(Shift).where(
                col(Shift.id).in_(ids[at : at + 500]),
                col(Shift.state) == "draft",
                col(Shift.locked).is_(False),
            )
        )
        gone += done.rowcount
    return gone


async def operators_beside(session: Session, shift: Shift) -> bool:
    """Tell whether somebody else is planned on an operator's seat of the same unit for the time of *shift*."""
    row = Shift
    found = await session.exec(
        select(row.id)
        .where(
            col(row.unit_id) == shift.unit_id,
            col(row.seat).in_(("operator_primary", "operator_secondary")),
            col(row.state) != "cancelled",
            col(row.starts_at) < shift.ends_at,
            col(row.ends_at) > shift.starts_at,
            col(row.ends_at) <= shift.ends_at + LONGEST_SHIFT,
            col(row.id) != shift.id,
            col(row.person_id) != shift.person_id,
        )
        .limit(1)
    )
    return found.first() is not None


async def is_given(session: Session, shift_id: int) -> bool:
    """Tell whether somebody else really holds (a part of) a shift, by substitution or swap."""
    row = SeatHolder
    found = await session.exec(
        select(row.id)
        .where(
            col(row.instead_of_shift_id) == shift_id,
            col(row.voided_at).is_(None),
            col(row.person_id).is_not(None),
        )
        .limit(1)
    )
    return found.first() is not None


async def all_holder_rows(session: Session, shift_id: int) -> list[SeatHolder]:
    """Return everything that was ever noted of who sat there instead, the voided too, in order of entry."""
    row = SeatHolder
    found = await session.exec(
        select(row).where(col(row.instead_of_shift_id) == shift_id).order_by(col(row.id))
    )
    return list(found)


async def changes_of_shift(session: Session, shift_id: int) -> list[ShiftChange]:
    """Return every substitution or swap that was asked for about a shift, the earliest first."""
    row = ShiftChange
    about = or_(col(row.shift_id) == shift_id, col(row.other_shift_id) == shift_id)
    return list(await session.exec(select(row).where(about).order_by(col(row.id))))

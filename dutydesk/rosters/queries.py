"""All the SQL of shifts and holders, quick at 1,000 units and three years of shifts."""

from collections.abc import Collection
from datetime import date, datetime

from sqlalchemy import ColumnElement, and_, func, or_, update
from sqlmodel import col, select

from dutydesk.db import Session
from dutydesk.errors import NotFoundError
from dutydesk.people.model import Person, Unit
from dutydesk.people.queries import id_of
from dutydesk.rosters.model import Roster, SeatHolder, Shift
from dutydesk.rosters.rules import LONGEST_SHIFT, HolderRow, Holding, PlannedShift, Seat, holders

SeatOf = tuple[int, Seat]


def shift_fact(row: Shift) -> PlannedShift:
    """Return a stored shift as a fact."""
    return PlannedShift(
        id=id_of(row.id),
        unit_id=row.unit_id,
        seat=row.seat,
        person_id=row.person_id,
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        mode=row.mode,
    )


def holder_fact(row: SeatHolder) -> HolderRow:
    """Return a stored holder row as a fact."""
    return HolderRow(
        id=id_of(row.id),
        unit_id=row.unit_id,
        seat=row.seat,
        person_id=row.person_id,
        from_at=row.from_at,
        until_at=row.until_at,
        instead_of_shift_id=row.instead_of_shift_id,
    )


async def who_holds(session: Session, unit_ids: Collection[int], at: datetime) -> dict[SeatOf, list[Holding]]:
    """Return who really holds the seats of these units at *at*: (unit id, seat) → holdings; empty seats are left out.

    From the planned change of shift until both have signed the handover, both are there (design §5).
    Two statements, whatever the number of units.
    """
    if not unit_ids:
        return {}
    shifts = await _shifts_at(session, unit_ids, at)
    rows = await _holder_rows_at(session, unit_ids, at)
    found: dict[SeatOf, list[Holding]] = {}
    for holding in holders(shifts, rows, at):
        found.setdefault((holding.unit_id, holding.seat), []).append(holding)
    return found


async def next_change(session: Session, unit_id: int, at: datetime) -> datetime | None:
    """Return the first moment after *at* when somebody's turn in this unit begins or ends, if any is known."""
    published, kept = col(Shift.state) == "published", col(SeatHolder.voided_at).is_(None)
    moments = (
        (Shift.unit_id, Shift.starts_at, published),
        (Shift.unit_id, Shift.ends_at, published),
        (SeatHolder.unit_id, SeatHolder.from_at, kept),
        (SeatHolder.unit_id, SeatHolder.until_at, kept),
    )
    found: list[datetime] = []
    for unit, moment, counts in moments:
        first = await session.exec(
            select(func.min(col(moment))).where(col(unit) == unit_id, col(moment) > at, counts)
        )
        earliest = first.one()
        if earliest is not None:
            found.append(earliest)
    return min(found, default=None)


async def roster_of(session: Session, unit_id: int, month: date, *, lock: bool = False) -> Roster | None:
    """Return a unit's roster of the month that begins on *month*, if one was begun."""
    wanted = select(Roster).where(col(Roster.unit_id) == unit_id, col(Roster.month) == month)
    if lock:
        wanted = wanted.with_for_update()
    return (await session.exec(wanted)).first()


async def look_for_holes(session: Session, unit_ids: Collection[int], now: datetime) -> None:
    """Have the rosters of these units looked at for holes by the next pass: something in them has changed.

    Whoever changes a shift, a holder, a leave, a pattern, a person or the calendar says so here, in the
    same transaction.
    """
    await session.exec(update(Unit).where(col(Unit.id).in_(set(unit_ids))).values(roster_check_at=now))


async def stored_shift(session: Session, shift_id: int) -> Shift:
    """Return a shift.

    Raises:
        NotFoundError: when there is none with this id.
    """
    row = await session.get(Shift, shift_id)
    if row is None:
        raise NotFoundError(f"there is no shift {shift_id}")
    return row


async def stored_holder(session: Session, holder_id: int) -> SeatHolder:
    """Return a holder row, to end it.

    Raises:
        NotFoundError: when there is none with this id.
    """
    row = await session.get(SeatHolder, holder_id)
    if row is None:
        raise NotFoundError(f"there is no seat holder {holder_id}")
    return row


async def lock_person(session: Session, person_id: int) -> None:
    """Let nobody else plan this person until the transaction ends, so that an overlap cannot slip in between.

    PostgreSQL locks the row; on SQLite there is one writer anyway.
    """
    row = select(col(Person.id)).where(col(Person.id) == person_id)
    await session.exec(row.with_for_update(key_share=True))


async def overlapping_shift(
    session: Session, unit_id: int, seat: Seat, person_id: int, starts_at: datetime, ends_at: datetime
) -> bool:
    """Tell whether this person is already planned on this seat at some time in [starts_at, ends_at)."""
    found = await session.exec(
        select(Shift.id)
        .where(
            col(Shift.unit_id) == unit_id,
            col(Shift.seat) == seat,
            col(Shift.person_id) == person_id,
            col(Shift.state) != "cancelled",
            col(Shift.starts_at) < ends_at,
            col(Shift.ends_at) > starts_at,
            col(Shift.ends_at) <= ends_at + LONGEST_SHIFT,
        )
        .limit(1)
    )
    return found.first() is not None


async def list_shifts(
    session: Session,
    *,
    unit_id: int | None = None,
    from_at: datetime | None = None,
    until_at: datetime | None = None,
    after: int = 0,
    limit: int | None = None,
) -> list[PlannedShift]:
    """Return published shifts in order of id, from the one after *after*, that touch [from_at, until_at)."""
    wanted = select(Shift).where(col(Shift.id) > after, col(Shift.state) == "published")
    if unit_id is not None:
        wanted = wanted.where(col(Shift.unit_id) == unit_id)
    if from_at is not None:
        wanted = wanted.where(col(Shift.ends_at) > from_at)
    if until_at is not None:
        wanted = wanted.where(col(Shift.starts_at) < until_at)
    rows = await session.exec(wanted.order_by(col(Shift.id)).limit(limit))
    return [shift_fact(row) for row in rows]


async def _shifts_at(session: Session, unit_ids: Collection[int], at: datetime) -> list[PlannedShift]:
    """The upper bound on ``ends_at`` (no shift is longer) keeps the index range to some days, not to years."""
    found = await session.exec(
        select(Shift).where(
            col(Shift.unit_id).in_(set(unit_ids)),
            col(Shift.state) == "published",
            col(Shift.starts_at) <= at,
            col(Shift.ends_at) > at,
            col(Shift.ends_at) <= at + LONGEST_SHIFT,
        )
    )
    return [shift_fact(row) for row in found]


async def _holder_rows_at(session: Session, unit_ids: Collection[int], at: datetime) -> list[HolderRow]:
    found = await session.exec(
        select(SeatHolder).where(_held_by(set(unit_ids), at), col(SeatHolder.voided_at).is_(None))
    )
    return [holder_fact(row) for row in found]


def _held_by(unit_ids: set[int], at: datetime) -> ColumnElement[bool]:
    """The unit stands in both branches so that each is one range of the index."""
    ours = col(SeatHolder.unit_id).in_(unit_ids)
    until = col(SeatHolder.until_at)
    return and_(col(SeatHolder.from_at) <= at, or_(and_(ours, until.is_(None)), and_(ours, until > at)))

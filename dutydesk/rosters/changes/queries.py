"""All the SQL of substitutions and swaps."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import col, func, or_, select

from dutydesk.audit.model import AuditEntry
from dutydesk.db import Session
from dutydesk.errors import NotFoundError
from dutydesk.rosters.model import SeatHolder, Shift, ShiftChange
from dutydesk.rosters.queries import holder_fact, shift_fact
from dutydesk.rosters.rules import ChangeState, HolderKind, HolderRow
from dutydesk.rosters.rules.changes import Given
from dutydesk.rosters.rules.pieces import pieces_of


@dataclass(frozen=True, slots=True)
class Changed:
    """What differs from the plan of a shift in [since, until): who sits there (None: nobody), how it came, why."""

    person_id: int | None
    since: datetime
    until: datetime
    kind: HolderKind
    reason: str
    change_id: int | None
    leave_id: int | None


@dataclass(frozen=True, slots=True)
class Mine:
    """Whose requests are meant: what an account asked for, or what is about its person."""

    name: str
    person_id: int | None


async def changed_shifts(session: Session, shift_ids: Collection[int]) -> dict[int, list[Changed]]:
    """Return what differs from the plan of these shifts, in the order it was entered (of the same time the last counts).

    Shifts that are held as planned are left out: those that are in the answer are shown as 调.
    """
    shifts = {row.id: row for row in await shifts_by_id(session, shift_ids)}
    found: dict[int, list[Changed]] = {}
    for row in await rows_of(session, shift_ids):
        shift = shifts[row.instead_of_shift_id]
        # Somebody who was given the shift back sits there as planned.
        if row.person_id == shift.person_id and row.instead_of_shift_id not in found:
            continue
        found.setdefault(row.instead_of_shift_id or 0, []).append(
            Changed(
                row.person_id,
                row.from_at,
                shift.ends_at if row.until_at is None else row.until_at,
                row.kind,
                row.reason,
                row.change_id,
                row.leave_id,
            )
        )
    return found


async def rows_of(session: Session, shift_ids: Collection[int]) -> list[SeatHolder]:
    """Return who sits there instead of those planned for these shifts, in the order it was entered."""
    row = SeatHolder
    found = await session.exec(
        select(row)
        .where(col(row.instead_of_shift_id).in_(set(shift_ids)), col(row.voided_at).is_(None))
        .order_by(col(row.id))
    )
    return list(found)


async def facts_of(session: Session, shift_ids: Collection[int]) -> dict[int, list[HolderRow]]:
    """Return the same as facts, by shift."""
    found: dict[int, list[HolderRow]] = {}
    for row in await rows_of(session, shift_ids):
        found.setdefault(row.instead_of_shift_id or 0, []).append(holder_fact(row))
    return found


async def shifts_by_id(session: Session, shift_ids: Collection[int], *, lock: bool = False) -> list[Shift]:
    """Return these shifts in order of id; *lock* keeps them from everybody else until the transaction ends."""
    wanted = select(Shift).where(col(Shift.id).in_(set(shift_ids))).order_by(col(Shift.id))
    if lock:
        wanted = wanted.with_for_update().execution_options(populate_existing=True)
    return list(await session.exec(wanted))


async def given_shifts(
    session: Session, shift_ids: Collection[int], *, lock: bool = False
) -> Mapping[int, Given]:
    """Return these shifts with who really sits through them.

    Raises:
        NotFoundError: when one of them does not exist.
    """
    shifts = await shifts_by_id(session, shift_ids, lock=lock)
    if len(shifts) < len(set(shift_ids)):
        raise NotFoundError(f"there is no shift {', '.join(map(str, sorted(shift_ids)))}")
    rows = await facts_of(session, shift_ids)
    facts = [(shift_fact(row), row.state) for row in shifts]
    return {one.id: Given(one, state, pieces_of(one, rows.get(one.id, ()))) for one, state in facts}


async def change(
    session: Session, change_id: int, *, unit_id: int | None = None, lock: bool = False
) -> ShiftChange:
    """Return a change; with *unit_id* (a unit contact's) one of that unit only.

    Raises:
        NotFoundError: when there is none for this caller.
    """
    wanted = select(ShiftChange).where(col(ShiftChange.id) == change_id)
    if unit_id is not None:
        wanted = wanted.where(col(ShiftChange.unit_id) == unit_id)
    if lock:
        wanted = wanted.with_for_update().execution_options(populate_existing=True)
    row = (await session.exec(wanted)).first()
    if row is None:
        raise NotFoundError(f"there is no change {change_id}")
    return row


async def list_changes(
    session: Session,
    *,
    unit_id: int | None = None,
    states: Collection[ChangeState] = (),
    mine: Mine | None = None,
    before: int | None = None,
    limit: int = 100,
) -> list[ShiftChange]:
    """Return changes, the newest first, from the one before *before*."""
    row = ShiftChange
    wanted = select(row).order_by(col(row.id).desc()).limit(limit)
    if unit_id is not None:
        wanted = wanted.where(col(row.unit_id) == unit_id)
    if states:
        wanted = wanted.where(col(row.state).in_(states))
    if before is not None:
        wanted = wanted.where(col(row.id) < before)
    if mine is not None:
        about = [col(row.requested_by) == mine.name]
        if mine.person_id is not None:
            about += [
                col(person) == mine.person_id
                for person in (row.asker_id, row.from_person_id, row.to_person_id)
            ]
        wanted = wanted.where(or_(*about))
    return list(await session.exec(wanted))


async def asked_for(session: Session, shift_ids: Collection[int]) -> list[ShiftChange]:
    """Return the requests about these shifts that nobody has decided."""
    row = ShiftChange
    ids = set(shift_ids)
    found = await session.exec(
        select(row)
        .where(
            col(row.state) == "requested", or_(col(row.shift_id).in_(ids), col(row.other_shift_id).in_(ids))
        )
        .order_by(col(row.id))
    )
    return list(found)


async def asked_about(session: Session, person_id: int, start: datetime, end: datetime) -> list[ShiftChange]:
    """Return the undecided requests that concern this person and touch [start, end), locked."""
    row = ShiftChange
    found = await session.exec(
        select(row)
        .where(
            col(row.state) == "requested",
            or_(col(row.from_person_id) == person_id, col(row.to_person_id) == person_id),
            col(row.from_at) < end,
            col(row.until_at) > start,
        )
        .order_by(col(row.id))
        .with_for_update()
    )
    return list(found)


async def expired(session: Session, now: datetime, limit: int) -> list[ShiftChange]:
    """Return requests that nobody decided before their shift began, the oldest first, locked."""
    row = ShiftChange
    found = await session.exec(
        select(row)
        .where(col(row.state) == "requested", col(row.from_at) <= now)
        .order_by(col(row.from_at), col(row.id))
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return list(found)


async def next_expiry(session: Session) -> datetime | None:
    """Return when the next undecided request expires."""
    row = ShiftChange
    found = await session.exec(select(func.min(col(row.from_at))).where(col(row.state) == "requested"))
    return found.one()


async def rows_by_change(session: Session, change_id: int) -> list[SeatHolder]:
    """Return the holder rows that an approved change wrote and that still count."""
    row = SeatHolder
    found = await session.exec(
        select(row)
        .where(col(row.change_id) == change_id, col(row.voided_at).is_(None))
        .order_by(col(row.id))
        .with_for_update()
    )
    return list(found)


async def history(session: Session, subject: str) -> list[AuditEntry]:
    """Return what was done about something, in order."""
    found = await session.exec(
        select(AuditEntry).where(col(AuditEntry.subject) == subject).order_by(col(AuditEntry.id))
    )
    return list(found)

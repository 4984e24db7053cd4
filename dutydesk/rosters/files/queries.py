"""The SQL of files in and out: the directory, the months of many units at once, drafts written and taken back."""

from collections.abc import Collection, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import insert
from sqlmodel import col, delete, select, update

from dutydesk.db import Session
from dutydesk.people import model as people_model
from dutydesk.people.queries import id_of
from dutydesk.people.rules import Unit
from dutydesk.rosters.model import Roster, SeatHolder, Shift
from dutydesk.rosters.rules import LONGEST_SHIFT, PlannedShift, ShiftState
from dutydesk.rosters.rules.naming import Known

_AT_ONCE = 500


async def known_people(session: Session, units: Collection[Unit]) -> list[Known]:
    """Return everybody in the directory as far as a duty table can name them; *units* are all of them."""
    names = {one.id: one.short_name for one in units}
    point, row = people_model.ContactPoint, people_model.Person
    found: list[Known] = []
    last = 0
    # In portions: the answers of a large directory are not unpacked in one breath.
    while True:
        rows = list(
            await session.exec(
                select(  # type: ignore[call-overload] # more columns than it declares
                    row.id, row.name, row.unit_id, row.title, row.retired_at
                )
                .where(col(row.id) > last)
                .order_by(col(row.id))
                .limit(_AT_ONCE)
            )
        )
        if not rows:
            return found
        first, last = rows[0][0], rows[-1][0]
        numbers: dict[int, list[str]] = {}
        for person_id, address in await session.exec(
            select(point.person_id, point.address)
            .where(col(point.person_id).between(first, last), col(point.kind) != "email")
            .order_by(col(point.position))
        ):
            numbers.setdefault(person_id, []).append(address)
        found += [
            Known(
                person_id,
                name,
                unit_id,
                names.get(unit_id, ""),
                title,
                tuple(numbers.get(person_id, ())),
                retired_at is not None,
            )
            for person_id, name, unit_id, title, retired_at in rows
        ]


async def planned_months(
    session: Session, unit_ids: Collection[int], start: datetime, end: datetime
) -> list[tuple[PlannedShift, ShiftState]]:
    """Return the shifts of these units that begin in [start, end), cancelled ones left out, in order of time."""
    row = Shift
    found = await session.exec(
        select(  # type: ignore[call-overload] # more columns than it declares
            row.id,
            row.unit_id,
            row.seat,
            row.person_id,
            row.starts_at,
            row.ends_at,
            row.mode,
            row.state,
        )
        .where(
            col(row.unit_id).in_(set(unit_ids)),
            col(row.state) != "cancelled",
            col(row.ends_at) > start,
            col(row.ends_at) <= end + LONGEST_SHIFT,
            col(row.starts_at) >= start,
            col(row.starts_at) < end,
        )
        .order_by(col(row.starts_at), col(row.id))
    )
    return [(PlannedShift(*values), state) for *values, state in found]


async def add_rosters(session: Session, rows: Sequence[dict[str, Any]]) -> None:
    """Begin the months of several units in one statement."""
    if rows:
        await session.exec(insert(Roster), params=list(rows))


async def rosters_locked(session: Session, unit_ids: Collection[int], month: date) -> dict[int, Roster]:
    """Return the rosters of a month by unit, kept from everybody else until the transaction ends."""
    found = await session.exec(
        select(Roster)
        .where(col(Roster.unit_id).in_(set(unit_ids)), col(Roster.month) == month)
        .with_for_update()
    )
    return {row.unit_id: row for row in found}


async def add_shifts(session: Session, rows: Sequence[dict[str, Any]]) -> None:
    """Write shifts in one statement."""
    if rows:
        await session.exec(insert(Shift), params=list(rows))


async def drafts_of(session: Session, shift_ids: Collection[int]) -> list[Shift]:
    """Return those of these shifts that are drafts."""
    found: list[Shift] = []
    ids = sorted(shift_ids)
    for at in range(0, len(ids), _AT_ONCE):
        some = ids[at : at + _AT_ONCE]
        found += await session.exec(select(Shift).where(col(Shift.id).in_(some), col(Shift.state) == "draft"))
    return found


async def lock_drafts(session: Session, shift_ids: Collection[int]) -> None:
    """Keep drafts as they are when their month is generated again."""
    ids = sorted(shift_ids)
    for at in range(0, len(ids), _AT_ONCE):
        wanted = col(Shift.id).in_(ids[at : at + _AT_ONCE])
        await session.exec(update(Shift).where(wanted, col(Shift.state) == "draft").values(locked=True))


async def stored_shifts(session: Session, shift_ids: Collection[int]) -> dict[int, Shift]:
    """Return shifts as they are now, kept from everybody else until the transaction ends."""
    rows = await session.exec(select(Shift).where(col(Shift.id).in_(set(shift_ids))).with_for_update())
    return {id_of(row.id): row for row in rows}


async def given_shifts(session: Session, shift_ids: Collection[int]) -> set[int]:
    """Return those of these shifts that somebody really holds instead of the one planned, by an approved change."""
    row = SeatHolder
    found = await session.exec(
        select(row.instead_of_shift_id).where(
            col(row.instead_of_shift_id).in_(set(shift_ids)),
            col(row.voided_at).is_(None),
            col(row.person_id).is_not(None),
        )
    )
    return {one for one in found if one is not None}


async def lock_imported(session: Session, roster_ids: Collection[int], since: datetime) -> None:
    """Keep the drafts that were just made in these months as they are when a month is generated again."""
    await session.exec(
        update(Shift)
        .where(
            col(Shift.roster_id).in_(set(roster_ids)),
            col(Shift.state) == "draft",
            col(Shift.created_at) == since,
        )
        .values(locked=True)
        .execution_options(synchronize_session=False)
    )


async def delete_drafts(session: Session, shift_ids: Collection[int]) -> None:
    """Take drafts away, locked ones too: nobody was told of them."""
    ids = sorted(shift_ids)
    for at in range(0, len(ids), _AT_ONCE):
        some = ids[at : at + _AT_ONCE]
        await session.exec(delete(Shift).where(col(Shift.id).in_(some), col(Shift.state) == "draft"))


async def delete_imported(session: Session, roster_ids: Collection[int], since: datetime) -> None:
    """Take back the drafts that were made in these months at *since*, the moment of an import that failed midway."""
    await session.exec(
        delete(Shift).where(
            col(Shift.roster_id).in_(set(roster_ids)),
            col(Shift.state) == "draft",
            col(Shift.created_at) == since,
        )
    )

"""Writing many drafts at once: a year of a large bureau is a million of them."""

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import Dialect, Table, insert
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import col, select

from dutydesk.db import Session
from dutydesk.rosters.model import Roster, Shift
from dutydesk.rosters.rules import LONGEST_SHIFT
from dutydesk.rosters.rules.groups import Assignment

# What differs from draft to draft, with the type that PostgreSQL reads it as.
_COLUMNS = {
    "unit_id": "int",
    "seat": "text",
    "person_id": "int",
    "starts_at": "timestamptz",
    "ends_at": "timestamptz",
    "mode": "text",
    "created_at": "timestamptz",
    "roster_id": "int",
    "rotation_id": "int",
    "owner_id": "int",
    "day_class": "text",
    "signs_in": "bool",
    "why": "text",
}
_NAMES = ", ".join(_COLUMNS)
_SHIFT: Table = Shift.__table__  # type: ignore[attr-defined] # SQLModel does not declare it
_SQLITE = (
    f"INSERT INTO shift ({_NAMES}, state, locked, sequence) "  # noqa: S608 (our own constants)
    f"VALUES ({', '.join('?' * len(_COLUMNS))}, 'draft', 0, 0)"
)
# One statement for all of them: the driver's executemany would be a round trip for each.
_POSTGRESQL = (
    f"INSERT INTO shift ({_NAMES}, state, locked, sequence) "  # noqa: S608 (our own constants)
    f"SELECT {_NAMES.replace('why', 'why::json')}, 'draft', false, 0 "
    f"FROM unnest({', '.join(f'%s::{kind}[]' for kind in _COLUMNS.values())}) AS new({_NAMES})"
)


class Drafts:
    """Assignments as rows for :func:`add_drafts`; what many have in common is put into words once."""

    def __init__(self, dialect_name: str, now: datetime) -> None:
        """Prepare for a database of that kind (``sqlite``, ``postgresql``); every draft is made at *now*."""
        make = sqlite.dialect if dialect_name == "sqlite" else postgresql.dialect
        dialect: Dialect = make()
        kind = _SHIFT.c.starts_at.type.dialect_impl(dialect)
        self._bind: Callable[[Any], Any] = kind.bind_processor(dialect) or (lambda moment: moment)
        self._moments: dict[datetime, Any] = {}
        self._whys: dict[int, tuple[object, str]] = {}
        self._now = self._moment(now)

    def _moment(self, moment: datetime) -> Any:
        known = self._moments.get(moment)
        if known is None:
            known = self._moments[moment] = self._bind(moment)
        return known

    def _why(self, why: object) -> str:
        # Rotations give the same mapping to every turn of a place in their order; it is kept, so that its id stays its own.
        known = self._whys.get(id(why))
        if known is None:
            known = self._whys[id(why)] = (why, json.dumps(why, ensure_ascii=False))
        return known[1]

    def rows(
        self, unit_id: int, made: Sequence[Assignment], roster_of: Mapping[date, int]
    ) -> list[tuple[Any, ...]]:
        """Return the rows of those that somebody serves; *roster_of* has the roster of each day's month."""
        moment, why, now = self._moment, self._why, self._now
        return [
            (
                unit_id,
                slot.seat,
                person_id,
                moment(slot.starts_at),
                moment(slot.ends_at),
                slot.mode,
                now,
                roster_of[slot.day.replace(day=1)],
                rotation_id,
                owner_id,
                slot.day_class,
                slot.signs_in,
                why(reason),
            )
            for slot, person_id, owner_id, rotation_id, reason, _ in made
            if person_id is not None
        ]


async def add_drafts(session: Session, rows: Sequence[tuple[Any, ...]], *, is_sqlite: bool) -> None:
    """Write rows of :class:`Drafts`; at most 1,000 in one transaction (design §7)."""
    if not rows:
        return
    connection = await session.connection()
    if is_sqlite:
        await connection.exec_driver_sql(_SQLITE, list(rows))
    else:
        await connection.exec_driver_sql(
            _POSTGRESQL, tuple(list(column) for column in zip(*rows, strict=True))
        )


async def shifts_of_units(
    session: Session, unit_ids: Collection[int], start: datetime, end: datetime
) -> dict[int, list[Shift]]:
    """Return unit id → its shifts that begin in [start, end), drafts too, in order of time."""
    row = Shift
    found = await session.exec(
        select(row)
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
    by_unit: dict[int, list[Shift]] = {}
    for one in found:
        by_unit.setdefault(one.unit_id, []).append(one)
    return by_unit


async def rosters_for(
    session: Session, now: datetime, actor: str, unit_ids: Collection[int], months: Collection[date]
) -> dict[int, dict[date, int]]:
    """Return unit id → month → roster, made as a draft where there is none."""
    wanted = select(Roster).where(col(Roster.unit_id).in_(set(unit_ids)), col(Roster.month).in_(set(months)))
    known = {(one.unit_id, one.month) for one in await session.exec(wanted)}
    new = [
        {
            "unit_id": unit_id,
            "month": month,
            "state": "draft",
            "version": 1,
            "created_at": now,
            "created_by": actor,
            "published_by": "",
            "remarks": "",
        }
        for unit_id in sorted(unit_ids)
        for month in sorted(set(months))
        if (unit_id, month) not in known
    ]
    if new:
        await session.exec(insert(Roster), params=new)
    found: dict[int, dict[date, int]] = {}
    for one in await session.exec(wanted):
        found.setdefault(one.unit_id, {})[one.month] = one.id or 0
    return found

"""A large bureau laid straight into the tables: units, people, rotations, and years of published shifts."""

import time as clock
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from sqlalchemy import insert, text

from dutydesk.calendars.rules import DAY_CLASSES
from dutydesk.db import Session
from dutydesk.people.model import ContactPoint, Person, Unit
from dutydesk.rosters.model import Roster, Rotation, RotationMember, SeatPattern
from dutydesk.rosters.planning.bulk_queries import Drafts, add_drafts
from dutydesk.rosters.rules import Seat
from dutydesk.rosters.rules.groups import Assignment
from dutydesk.rosters.rules.slots import Slot
from dutydesk.web.site import Site

_BY = "bench"
_MADE = datetime(2026, 1, 1, tzinfo=UTC)
_DAY = timedelta(days=1)
_ROWS = 1000
# One seat has two places: six persons are on duty at any time.
_PLACES: tuple[tuple[Seat, int], ...] = (
    ("leader", 1),
    ("supervisor", 1),
    ("operator_primary", 1),
    ("operator_secondary", 2),
    ("standby", 1),
)
_MEMBERS = 5
# Of the years behind, the two seats that every unit must hold.
_HELD: frozenset[Seat] = frozenset({"leader", "operator_primary"})


@dataclass(frozen=True, slots=True)
class Writes:
    """How many rows were written in how many seconds, and the seconds of the longest write of 1,000."""

    rows: int
    seconds: float
    longest: float


async def lay_units(site: Site, unit_ids: Sequence[int], done: Callable[[int], None]) -> None:
    """Lay units with their patterns, people, confirmed numbers and rotations."""
    for at in range(0, len(unit_ids), 50):
        some = unit_ids[at : at + 50]
        rows: dict[Any, list[dict[str, Any]]] = {
            table: [] for table in (Unit, Person, ContactPoint, SeatPattern, Rotation, RotationMember)
        }
        for unit_id in some:
            _add_unit(rows, unit_id)
        async with site.db.write(quiet=True) as session:
            for table, told in rows.items():
                await session.exec(insert(table), params=told)
        done(len(some))


def _add_unit(rows: dict[Any, list[dict[str, Any]]], unit_id: int) -> None:
    name = f"第{unit_id}单位"
    rows[Unit].append(
        {
            "id": unit_id,
            "code": f"u{unit_id}",
            "name": name,
            "short_name": name,
            "kind": "desk" if unit_id == 1 else "subordinate",
            "duty_class": "always",
            "created_at": _MADE,
        }
    )
    for rotation_id, places, seat, members in _rotations(unit_id):
        rows[Rotation].append(
            {
                "id": rotation_id,
                "unit_id": unit_id,
                "seat": seat,
                "name": seat,
                "day_classes": list(DAY_CLASSES),
                "pairs_weekend": False,
                "pays_back": True,
                "created_at": _MADE,
                "created_by": _BY,
            }
        )
        rows[SeatPattern] += [
            {
                "unit_id": unit_id,
                "seat": seat,
                "day_class": day_class,
                "starts": time(8, 30),
                "minutes": 24 * 60,
                "count": places,
                "mode": "on_post" if seat.startswith("operator") else "on_call",
                "signs_in": False,
                "valid_from": date(2000, 1, 1),
                "created_at": _MADE,
                "created_by": _BY,
            }
            for day_class in DAY_CLASSES
        ]
        for position, person_id in enumerate(members):
            _add_person(rows, unit_id, person_id)
            rows[RotationMember].append(
                {
                    "rotation_id": rotation_id,
                    "person_id": person_id,
                    "position": position,
                    "joined_on": _MADE.date(),
                }
            )


def _add_person(rows: dict[Any, list[dict[str, Any]]], unit_id: int, person_id: int) -> None:
    rows[Person].append(
        {
            "id": person_id,
            "name": f"人员{person_id}",
            "unit_id": unit_id,
            "title": "",
            "rank": "bureau_deputy" if unit_id == 1 else "unit_deputy",
            "employment": "staff",
            "created_at": _MADE,
        }
    )
    rows[ContactPoint].append(
        {
            "person_id": person_id,
            "kind": "mobile",
            "address": f"+86138{person_id:08d}",
            "position": 0,
            "confirmed_at": datetime(2026, 11, 1, tzinfo=UTC),
            "confirmed_by": _BY,
        }
    )


def _rotations(unit_id: int) -> Iterator[tuple[int, int, Seat, list[int]]]:
    """Yield of a unit: a rotation's id, how many places it fills, the seat, its members."""
    person = (unit_id - 1) * _MEMBERS * sum(places for _, places in _PLACES) + 1
    for number, (seat, places) in enumerate(_PLACES):
        members = list(range(person, person + _MEMBERS * places))
        person += _MEMBERS * places
        yield (unit_id - 1) * len(_PLACES) + number + 1, places, seat, members


async def lay_shifts(
    site: Site, unit_ids: Sequence[int], until: date, days: int, done: Callable[[int], None]
) -> Writes:
    """Lay published shifts of the days before *until*, in writes of 1,000 rows and nothing else."""
    longest = seconds = 0.0
    count = 0
    async with site.db.write(quiet=True) as session:
        roster = await _roster(session)
    behind = [until - offset * _DAY for offset in range(days, 0, -1)]
    months = {day.replace(day=1): roster for day in behind}
    drafts = Drafts("sqlite" if site.db.is_sqlite else "postgresql", _MADE)
    slots = {seat: [_slot(seat, day) for day in behind] for seat in _HELD}
    for unit_id in unit_ids:
        made = [
            Assignment(slot, members[at % len(members)], None, None, {})
            for _, _, seat, members in _rotations(unit_id)
            if seat in _HELD
            for at, slot in enumerate(slots[seat])
        ]
        rows = drafts.rows(unit_id, made, months)
        for at in range(0, len(rows), _ROWS):
            began = clock.perf_counter()
            async with site.db.write(quiet=True) as session:
                await add_drafts(session, rows[at : at + _ROWS], is_sqlite=site.db.is_sqlite)
            took = clock.perf_counter() - began
            longest, seconds = max(longest, took), seconds + took
        count += len(rows)
        done(1)
    async with site.db.write(quiet=True) as session:
        publish = text("UPDATE shift SET state = 'published' WHERE roster_id = :roster")
        await (await session.connection()).execute(publish, {"roster": roster})
    return Writes(count, seconds, longest)


async def _roster(session: Session) -> int:
    roster = Roster(unit_id=1, month=date(2000, 1, 1), created_at=_MADE, created_by=_BY)
    session.add(roster)
    await session.flush()
    return roster.id or 0


def _slot(seat: Seat, day: date) -> Slot:
    begins = datetime(day.year, day.month, day.day, 0, 30, tzinfo=UTC)
    return Slot(
        unit_id=0,
        seat=seat,
        day=day,
        starts_at=begins,
        ends_at=begins + _DAY,
        count=1,
        mode="on_call",
        signs_in=False,
        day_class="workday",
    )

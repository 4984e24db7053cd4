"""How the seats and rotations of a unit stand, as its page shows them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from dutydesk.calendars.rules import DAY_CLASSES, DayClass
from dutydesk.db import Session
from dutydesk.people.queries import id_of, people_by_id, units_by_id
from dutydesk.people.rules import Person
from dutydesk.rosters.model import Rotation, RotationMember
from dutydesk.rosters.planning import setup_queries as queries
from dutydesk.rosters.planning.queries import members_of
from dutydesk.rosters.rules import SEATS, Seat
from dutydesk.rosters.rules.slots import Pattern


@dataclass(frozen=True, slots=True)
class Line:
    """How a seat is held on days of these classes; ``since`` of what is still ahead."""

    day_classes: tuple[DayClass, ...]
    patterns: tuple[Pattern, ...]
    since: date | None = None


@dataclass(frozen=True, slots=True)
class SeatView:
    """A seat: how it is held today (classes that are held alike in one line), and what is to change."""

    seat: Seat
    lines: tuple[Line, ...]
    ahead: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class MemberView:
    """A member with the person; ``unit`` only where it is another one."""

    row: RotationMember
    person: Person
    unit: str

    def active(self, day: date) -> bool:
        """Tell whether they take turns on a day."""
        return self.row.joined_on <= day and (self.row.left_on is None or day < self.row.left_on)


@dataclass(frozen=True, slots=True)
class RotationView:
    """A rotation with those who take turns in it now or later, in order, and those who left it."""

    row: Rotation
    members: tuple[MemberView, ...]
    gone: tuple[MemberView, ...]


def seat_views(patterns: Iterable[Pattern], today: date) -> list[SeatView]:
    """Return the seats that are held now or will be, in their order."""
    by_seat: dict[Seat, list[Pattern]] = {}
    for one in patterns:
        if one.valid_until is None or one.valid_until > today:
            by_seat.setdefault(one.seat, []).append(one)
    views: list[SeatView] = []
    for seat in SEATS:
        known = by_seat.get(seat, [])
        now = [one for one in known if one.valid_from <= today]
        later = sorted({one.valid_from for one in known if one.valid_from > today})
        ahead = [
            line
            for since in later
            for line in _lines([one for one in known if one.valid_from == since], since)
        ]
        if known:
            views.append(SeatView(seat, tuple(_lines(now, None)), tuple(ahead)))
    return views


def _lines(patterns: Sequence[Pattern], since: date | None) -> list[Line]:
    alike: dict[tuple[object, ...], list[DayClass]] = {}
    kept: dict[tuple[object, ...], tuple[Pattern, ...]] = {}
    for day_class in DAY_CLASSES:
        mine = sorted((one for one in patterns if one.day_class == day_class), key=lambda one: one.starts)
        if not mine:
            continue
        key = tuple((one.starts, one.minutes, one.count, one.mode, one.signs_in) for one in mine)
        alike.setdefault(key, []).append(day_class)
        kept.setdefault(key, tuple(mine))
    return [Line(tuple(classes), kept[key], since) for key, classes in alike.items()]


async def rotation_views(session: Session, unit_id: int, today: date) -> list[RotationView]:
    """Return the rotations of a unit that have not ended, by seat."""
    rows = await queries.rotations(session, unit_id=unit_id)
    rows.sort(key=lambda row: (SEATS.index(row.seat), row.id or 0))
    return [await rotation_view(session, row, today) for row in rows]


async def rotation_view(session: Session, row: Rotation, today: date) -> RotationView:
    """Return a rotation with its members."""
    members = (await members_of(session, [id_of(row.id)])).get(id_of(row.id), [])
    persons = await people_by_id(session, [one.person_id for one in members])
    units = await units_by_id(session, [one.unit_id for one in persons.values()])
    views = [
        MemberView(
            one,
            persons[one.person_id],
            ""
            if persons[one.person_id].unit_id == row.unit_id
            else units[persons[one.person_id].unit_id].short_name,
        )
        for one in members
    ]
    return RotationView(
        row,
        tuple(one for one in views if one.row.left_on is None or one.row.left_on > today),
        tuple(one for one in views if one.row.left_on is not None and one.row.left_on <= today),
    )

"""The SQL of the directory's pages."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import ColumnElement, exists, func, or_
from sqlmodel import col, select

from dutydesk.alerts.check_queries import numbers_that_failed
from dutydesk.audit.model import AuditEntry
from dutydesk.db import Session
from dutydesk.people import queries as people
from dutydesk.people.model import ContactPoint, Post
from dutydesk.people.model import Person as PersonRow
from dutydesk.people.model import Unit as UnitRow
from dutydesk.people.rules import CONFIRMED_FOR, Person, Unit
from dutydesk.rosters.directory.rules import (
    Unreachable,
    next_change,
    posts_of_ladders,
    seated,
    told_by_ladders,
    unreachable,
)
from dutydesk.rosters.model import SeatHolder, Shift
from dutydesk.rosters.queries import holder_fact, shift_fact
from dutydesk.rosters.rules.spans import segments_of
from dutydesk.rosters.view_queries import holders_between, shifts_between
from dutydesk.web.site import Site

Standing = Literal["", "unconfirmed", "unusable", "disabled", "left"]
_UNITS_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which people are asked for. ``digits`` narrows by number, ``only`` to a unit contact's own unit."""

    unit_id: int | None = None
    text: str = ""
    digits: str = ""
    standing: Standing = ""


async def people_page(
    session: Session, wanted: Wanted, now: datetime, *, offset: int, limit: int
) -> tuple[list[Person], int]:
    """Return one page of people, unit by unit, and how many there are."""
    row = PersonRow
    conditions = _conditions(wanted, now)
    count = (await session.exec(select(func.count()).select_from(row).where(*conditions))).one()
    found = await session.exec(
        select(row)
        .join(UnitRow, col(UnitRow.id) == col(row.unit_id))
        .where(*conditions)
        .order_by(col(UnitRow.kind) != "desk", col(row.unit_id), col(row.id))
        .offset(offset)
        .limit(limit)
    )
    return [people.person_fact(one) for one in found], count


def _conditions(wanted: Wanted, now: datetime) -> list[ColumnElement[bool]]:
    row, point = PersonRow, ContactPoint
    left = col(row.retired_at).is_not(None)
    made: list[ColumnElement[bool]] = [left if wanted.standing == "left" else ~left]
    own = col(point.person_id) == col(row.id)
    usable = (col(point.disabled_reason).is_(None)) & (col(point.kind) != "email")
    if wanted.unit_id is not None:
        made.append(col(row.unit_id) == wanted.unit_id)
    matches: list[ColumnElement[bool]] = []
    if wanted.text:
        matches += [
            col(row.name).contains(wanted.text, autoescape=True),
            col(row.title).contains(wanted.text, autoescape=True),
        ]
    if wanted.digits:
        matches.append(exists().where(own, col(point.address).contains(wanted.digits, autoescape=True)))
    if matches:
        made.append(or_(*matches))
    match wanted.standing:
        case "unconfirmed":
            since = now - CONFIRMED_FOR
            made.append(~exists().where(own, usable, col(point.confirmed_at) >= since))
        case "unusable":
            made.append(~exists().where(own, usable))
        case "disabled":
            made.append(exists().where(own, col(point.disabled_reason).is_not(None)))
    return made


async def count_people(session: Session, unit_ids: Collection[int]) -> dict[int, int]:
    """Return how many people serve in each of these units."""
    row = PersonRow
    found = await session.exec(
        select(col(row.unit_id), func.count())
        .where(col(row.unit_id).in_(set(unit_ids)), col(row.retired_at).is_(None))
        .group_by(col(row.unit_id))
    )
    return dict(found.all())


async def people_with_bad_numbers(
    session: Session, failed: Collection[str], unit_id: int | None
) -> list[Person]:
    """Return the serving people with a number that is disabled or among the *failed* ones, unit by unit."""
    row, point = PersonRow, ContactPoint
    bad = or_(col(point.disabled_reason).is_not(None), col(point.address).in_(set(failed)))
    wanted = select(row).where(
        col(row.retired_at).is_(None), exists().where(col(point.person_id) == col(row.id), bad)
    )
    if unit_id is not None:
        wanted = wanted.where(col(row.unit_id) == unit_id)
    found = await session.exec(wanted.order_by(col(row.unit_id), col(row.id)))
    return [people.person_fact(one) for one in found]


async def shared_mobiles(session: Session, person_ids: Collection[int]) -> dict[str, list[Person]]:
    """Return the mobiles of these people that somebody else in service has too: number → the others."""
    row, point = PersonRow, ContactPoint
    mine = (
        select(col(point.address))
        .where(
            col(point.person_id).in_(set(person_ids)),
            col(point.kind) == "mobile",
            col(point.disabled_reason).is_(None),
        )
        .scalar_subquery()
    )
    found = await session.exec(
        select(col(point.address), row)
        .join(row, col(row.id) == col(point.person_id))
        .where(
            col(point.address).in_(mine),
            col(point.disabled_reason).is_(None),
            col(row.retired_at).is_(None),
            col(row.id).not_in(set(person_ids)),
        )
    )
    made: dict[str, list[Person]] = {}
    for address, other in found:
        made.setdefault(address, []).append(people.person_fact(other))
    return made


async def posts_of_unit(session: Session, unit_id: int) -> list[Post]:
    """Return every tenure of a unit: what runs first, then what is over, the latest first."""
    row = Post
    found = await session.exec(
        select(row)
        .where(col(row.unit_id) == unit_id)
        .order_by(col(row.until_at).is_not(None), col(row.from_at).desc(), col(row.id))
    )
    return list(found)


async def history_of(session: Session, subject: str, limit: int = 50) -> list[AuditEntry]:
    """Return what was done to one thing, newest first."""
    row = AuditEntry
    found = await session.exec(
        select(row).where(col(row.subject) == subject).order_by(col(row.id).desc()).limit(limit)
    )
    return list(found)


async def units_below(session: Session, unit_id: int) -> list[Unit]:
    """Return the serving units directly below one."""
    row = UnitRow
    found = await session.exec(
        select(row).where(col(row.parent_id) == unit_id, col(row.retired_at).is_(None)).order_by(col(row.id))
    )
    return [people.unit_fact(one) for one in found]


async def shifts_ahead(session: Session, person_id: int, now: datetime) -> list[Shift]:
    """Return the shifts not over yet that somebody is planned for or stands in for, drafts too, earliest first."""
    row, holder = Shift, SeatHolder
    taken = select(col(holder.instead_of_shift_id)).where(
        col(holder.person_id) == person_id,
        col(holder.voided_at).is_(None),
        or_(col(holder.until_at).is_(None), col(holder.until_at) > now),
    )
    found = await session.exec(
        select(row)
        .where(
            or_(col(row.person_id) == person_id, col(row.id).in_(taken)),
            col(row.ends_at) > now,
            col(row.state) != "cancelled",
        )
        .order_by(col(row.starts_at), col(row.id))
    )
    return list(found)


async def staying_on(session: Session, person_id: int, now: datetime) -> list[SeatHolder]:
    """Return where somebody still sits because the handover is not signed."""
    row = SeatHolder
    found = await session.exec(
        select(row).where(
            col(row.person_id) == person_id,
            col(row.voided_at).is_(None),
            col(row.instead_of_shift_id).is_(None),
            or_(col(row.until_at).is_(None), col(row.until_at) > now),
        )
    )
    return list(found)


async def unreachable_tonight(
    session: Session, site: Site, now: datetime, unit_id: int | None = None
) -> tuple[list[Unreachable], dict[int, Person], datetime]:
    """Return who may not be reached until tomorrow's change of duty, those people, and when that is.

    *unit_id* narrows it to one unit's seats and posts.
    """
    until = next_change(now, site.zone, site.rulebook.rosters.duty_starts)
    units = await people.list_units(session, only=unit_id, serving=True)
    ids = [unit.id for unit in units]
    shifts: list[Shift] = []
    rows: list[SeatHolder] = []
    for first in range(0, len(ids), _UNITS_AT_ONCE):
        some = ids[first : first + _UNITS_AT_ONCE]
        shifts += await shifts_between(session, some, now, until, drafts=False)
        rows += await holders_between(session, some, now, until)
    segments = segments_of(map(shift_fact, shifts), map(holder_fact, rows), now, until)
    posts: dict[tuple[int, str], list[int]] = {}
    for first in range(0, len(ids), _UNITS_AT_ONCE):
        posts |= await people.post_holders(session, ids[first : first + _UNITS_AT_ONCE], now)
    desk = next((unit.id for unit in units if unit.kind == "desk"), None)
    ladders = posts_of_ladders(site.rulebook.ladders.values())
    sitting = seated(segments)
    for person_id, sittings in told_by_ladders(posts, ladders, desk).items():
        sitting.setdefault(person_id, []).extend(sittings)
    persons = await _in_pieces(session, list(sitting))
    points = await people.all_contacts(session, persons.keys())
    failed = await numbers_that_failed(session, now)
    return unreachable(sitting, persons, points, failed.keys(), now), persons, until


async def _in_pieces(session: Session, ids: Sequence[int]) -> dict[int, Person]:
    found: dict[int, Person] = {}
    for first in range(0, len(ids), _UNITS_AT_ONCE):
        found |= await people.people_by_id(session, ids[first : first + _UNITS_AT_ONCE])
    return found

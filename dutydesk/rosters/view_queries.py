"""All the SQL of the views: the shifts of a span with drafts, what differed from them, who is away."""

from collections.abc import Collection, Mapping
from datetime import UTC, date, datetime, time, tzinfo

from sqlalchemy import ColumnElement
from sqlmodel import col, func, or_, select

from dutydesk.accounts.rules import Actor
from dutydesk.calendars.rules import Calendar
from dutydesk.db import Session
from dutydesk.errors import NotFoundError
from dutydesk.people import queries as people
from dutydesk.people.model import Unit as UnitRow
from dutydesk.people.rules import Unit
from dutydesk.rosters.candidate_queries import patterns_of
from dutydesk.rosters.model import Roster, SeatHolder, Shift
from dutydesk.rosters.rules import LONGEST_SHIFT
from dutydesk.rosters.rules.slots import Slot, default_patterns, slots_of
from dutydesk.rulebook.types import RosterPlan


def begin_of(day: date, zone: tzinfo) -> datetime:
    """Return the instant a site day begins."""
    return datetime.combine(day, time(), zone).astimezone(UTC)


async def visible(session: Session, actor: Actor, name: str) -> Unit:
    """Return the unit of an address: its code, or its id where no unit has that code.

    Raises:
        NotFoundError: there is none that this reader may see; a unit contact sees its own only.
    """
    unit = await people.find_unit(session, name)
    if unit is None and name.isascii() and name.isdigit() and len(name) < 10:
        unit = (await people.units_by_id(session, [int(name)])).get(int(name))
    if unit is None or not actor.sees_unit(unit.id):
        raise NotFoundError(f"there is no unit {name}")
    return unit


async def shifts_between(
    session: Session, unit_ids: Collection[int], start: datetime, end: datetime, *, drafts: bool = True
) -> list[Shift]:
    """Return the shifts of these units that touch [start, end), the earliest first; cancelled ones are left out."""
    row = Shift
    states = ("draft", "published") if drafts else ("published",)
    found = await session.exec(
        select(row)
        .where(
            col(row.unit_id).in_(set(unit_ids)),
            col(row.state).in_(states),
            col(row.starts_at) < end,
            col(row.ends_at) > start,
            # No shift is longer: the index range stays as long as the span, whatever lies beyond it.
            col(row.ends_at) <= end + LONGEST_SHIFT,
        )
        .order_by(col(row.starts_at), col(row.id))
    )
    return list(found)


async def holders_between(
    session: Session, unit_ids: Collection[int], start: datetime, end: datetime
) -> list[SeatHolder]:
    """Return what differed from the plans of these units within [start, end), rows that are not voided."""
    row = SeatHolder
    found = await session.exec(
        select(row)
        .where(
            col(row.unit_id).in_(set(unit_ids)),
            col(row.voided_at).is_(None),
            col(row.from_at) < end,
            or_(col(row.until_at).is_(None), col(row.until_at) > start),
        )
        .order_by(col(row.id))
    )
    return list(found)


async def shifts_of_person(session: Session, person_id: int, start: datetime, end: datetime) -> list[Shift]:
    """Return the published and drafted shifts of a person that touch [start, end), by plan or in somebody's place."""
    row, holder = Shift, SeatHolder
    taken = select(holder.instead_of_shift_id).where(
        col(holder.person_id) == person_id,
        col(holder.voided_at).is_(None),
        col(holder.instead_of_shift_id).is_not(None),
    )
    found = await session.exec(
        select(row)
        .where(
            or_(col(row.person_id) == person_id, col(row.id).in_(taken)),
            col(row.state) != "cancelled",
            col(row.starts_at) < end,
            col(row.ends_at) > start,
        )
        .order_by(col(row.starts_at), col(row.id))
    )
    return list(found)


async def holders_of_shifts(session: Session, shift_ids: Collection[int]) -> list[SeatHolder]:
    """Return who stands in for these shifts, in the order it was entered."""
    row = SeatHolder
    found = await session.exec(
        select(row)
        .where(col(row.instead_of_shift_id).in_(set(shift_ids)), col(row.voided_at).is_(None))
        .order_by(col(row.id))
    )
    return list(found)


async def rosters_of(session: Session, unit_ids: Collection[int], month: date) -> dict[int, Roster]:
    """Return the rosters of a month by unit; units that have begun none are left out."""
    found = await session.exec(
        select(Roster).where(col(Roster.unit_id).in_(set(unit_ids)), col(Roster.month) == month)
    )
    return {row.unit_id: row for row in found}


async def units_page(
    session: Session, *, only: int | None, text: str, offset: int, limit: int
) -> tuple[list[Unit], int]:
    """Return one page of the units that are not retired, the desk first, and how many there are of them."""
    row = UnitRow
    conditions: list[ColumnElement[bool]] = [col(row.retired_at).is_(None)]
    if only is not None:
        conditions.append(col(row.id) == only)
    if text:
        conditions.append(
            or_(col(row.name).contains(text, autoescape=True), col(row.code).contains(text, autoescape=True))
        )
    total = (await session.exec(select(func.count()).select_from(row).where(*conditions))).one()
    found = await session.exec(
        select(row)
        .where(*conditions)
        .order_by(col(row.kind) != "desk", col(row.kind) != "division", col(row.id))
        .offset(offset)
        .limit(limit)
    )
    return [people.unit_fact(one) for one in found], total


async def slots_between(
    session: Session,
    plan: RosterPlan,
    units: Collection[Unit],
    calendar: Calendar,
    start: date,
    end: date,
    zone: tzinfo,
) -> Mapping[int, list[Slot]]:
    """Return by unit which seats must be held on the site days of [start, end): its own patterns, or the default."""
    laid = await patterns_of(session, [one.id for one in units])
    return {
        one.id: slots_of(
            laid.get(one.id) or default_patterns(plan, one.id, one.duty_class),
            calendar,
            one.id,
            start,
            end,
            zone,
        )
        for one in units
    }

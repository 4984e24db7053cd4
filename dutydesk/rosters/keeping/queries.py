"""The SQL of keeping the rosters: what falls due, and everything one look at a unit or a shift needs."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import func, or_, update
from sqlmodel import col, select

from dutydesk.db import Session
from dutydesk.errors import NotFoundError
from dutydesk.obligations.model import OWED, Obligation
from dutydesk.people.model import Unit
from dutydesk.people.queries import people_by_id
from dutydesk.people.rules import Person
from dutydesk.rosters.candidate_queries import leaves_of, patterns_of
from dutydesk.rosters.model import Attendance, Roster, SeatHolder, Shift
from dutydesk.rosters.queries import holder_fact, shift_fact
from dutydesk.rosters.rules import LONGEST_SHIFT, HolderRow, PlannedShift
from dutydesk.rosters.rules.absence import with_absences
from dutydesk.rosters.rules.slots import Pattern, default_patterns
from dutydesk.rulebook.types import RosterPlan


@dataclass(frozen=True, slots=True)
class Sitting:
    """Who is planned and who really sits in some units within some time; nobody absent is counted as there."""

    shifts: tuple[PlannedShift, ...]
    rows: tuple[HolderRow, ...]
    persons: dict[int, Person]


async def units_due(session: Session, now: datetime, limit: int) -> list[int]:
    """Return the units whose rosters have to be looked at, the one that waits longest first."""
    found = await session.exec(
        select(col(Unit.id))
        .where(col(Unit.roster_check_at) <= now)
        .order_by(col(Unit.roster_check_at), col(Unit.id))
        .limit(limit)
    )
    return [one for one in found if one is not None]


async def claimed_unit(session: Session, unit_id: int, now: datetime) -> Unit | None:
    """Return a unit that is due, locked; None where another node is at it or has been."""
    found = await session.exec(
        select(Unit)
        .where(col(Unit.id) == unit_id, col(Unit.roster_check_at) <= now)
        .with_for_update(skip_locked=True)
    )
    return found.first()


async def locked_unit(session: Session, unit_id: int) -> Unit | None:
    """Return a unit, kept from everybody else until the transaction ends."""
    return await session.get(Unit, unit_id, with_for_update=True, populate_existing=True)


async def shifts_due(session: Session, now: datetime, limit: int) -> list[Shift]:
    """Return shifts that somebody has to be told of or looked for, oldest first, locked against other nodes."""
    found = await session.exec(
        select(Shift)
        .where(col(Shift.next_action_at) <= now)
        .order_by(col(Shift.next_action_at), col(Shift.id))
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return list(found)


async def locked_shift(session: Session, shift_id: int) -> Shift | None:
    """Return a shift as it is now, kept from everybody else until the transaction ends."""
    return await session.get(Shift, shift_id, with_for_update=True, populate_existing=True)


async def calendar_shifts_ahead(session: Session, unit_id: int, now: datetime) -> list[Shift]:
    """Return a unit's shifts planned by the calendar, drafts too, that are not over, locked against a change beside."""
    found = await session.exec(
        select(Shift)
        .where(
            col(Shift.unit_id) == unit_id,
            col(Shift.ends_at) > now,
            col(Shift.state) != "cancelled",
            col(Shift.day_class).is_not(None),
        )
        .order_by(col(Shift.id))
        .with_for_update()
    )
    return list(found)


async def earliest_due(session: Session) -> datetime | None:
    """Return when the next unit or shift has to be looked at."""
    units = await session.exec(
        select(func.min(col(Unit.roster_check_at))).where(col(Unit.roster_check_at).is_not(None))
    )
    shifts = await session.exec(
        select(func.min(col(Shift.next_action_at))).where(col(Shift.next_action_at).is_not(None))
    )
    return min((one for one in (units.one(), shifts.one()) if one is not None), default=None)


async def sitting(
    session: Session, unit_ids: Collection[int], start: datetime, end: datetime, *, drafts: bool = False
) -> Sitting:
    """Return who is planned (with *drafts* as if they were published) and who really sits there in [start, end)."""
    states = ("draft", "published") if drafts else ("published",)
    shifts = await session.exec(
        select(Shift).where(
            col(Shift.unit_id).in_(set(unit_ids)),
            col(Shift.state).in_(states),
            col(Shift.ends_at) > start,
            col(Shift.ends_at) <= end + LONGEST_SHIFT,
            col(Shift.starts_at) < end,
        )
    )
    rows = await session.exec(
        select(SeatHolder).where(
            col(SeatHolder.unit_id).in_(set(unit_ids)),
            col(SeatHolder.voided_at).is_(None),
            or_(col(SeatHolder.until_at).is_(None), col(SeatHolder.until_at) > start),
            col(SeatHolder.from_at) < end,
        )
    )
    return await _present(
        session, [shift_fact(one) for one in shifts], [holder_fact(one) for one in rows], start, end
    )


async def sitting_on(session: Session, shifts: Sequence[Shift]) -> Sitting:
    """Return who really sits on these very shifts, whoever else is there as well left out."""
    if not shifts:
        return Sitting((), (), {})
    rows = await session.exec(
        select(SeatHolder).where(
            col(SeatHolder.instead_of_shift_id).in_([one.id for one in shifts]),
            col(SeatHolder.voided_at).is_(None),
        )
    )
    return await _present(
        session,
        [shift_fact(one) for one in shifts],
        [holder_fact(one) for one in rows],
        min(one.starts_at for one in shifts),
        max(one.ends_at for one in shifts),
    )


async def _present(
    session: Session,
    shifts: Sequence[PlannedShift],
    rows: Sequence[HolderRow],
    start: datetime,
    end: datetime,
) -> Sitting:
    ids = {one.person_id for one in shifts} | {one.person_id for one in rows if one.person_id is not None}
    persons = await people_by_id(session, ids)
    away = await leaves_of(session, ids, start, end) if ids else {}
    for person in persons.values():
        if person.retired_at is not None:
            # Nobody comes back: the far end only has to lie behind everything looked at.
            away.setdefault(person.id, []).append(
                (person.retired_at, max(end, person.retired_at) + LONGEST_SHIFT)
            )
    return Sitting(tuple(shifts), tuple(with_absences(shifts, rows, away)), persons)


async def unit_patterns(session: Session, unit: Unit, plan: RosterPlan) -> list[Pattern]:
    """Return how a unit's seats are to be held: as it laid down, else as its duty class asks; retired, not at all."""
    if unit.retired_at is not None or unit.id is None:
        return []
    own = (await patterns_of(session, [unit.id])).get(unit.id)
    return own or default_patterns(plan, unit.id, unit.duty_class)


async def arm_shifts(session: Session, unit_id: int, now: datetime, until: datetime) -> None:
    """Have the shifts of a unit that run or begin before *until* looked at now: who sits there may be another."""
    await session.exec(
        update(Shift)
        .where(
            col(Shift.unit_id) == unit_id,
            col(Shift.state) == "published",
            col(Shift.ends_at) > now,
            col(Shift.starts_at) < until,
        )
        .values(next_action_at=now)
    )


async def attendances_of(session: Session, shift_ids: Collection[int]) -> dict[int, list[Attendance]]:
    """Return who signed in for these shifts, earliest first."""
    rows = await session.exec(
        select(Attendance)
        .where(col(Attendance.shift_id).in_(set(shift_ids)))
        .order_by(col(Attendance.at), col(Attendance.id))
    )
    found: dict[int, list[Attendance]] = {}
    for row in rows:
        found.setdefault(row.shift_id, []).append(row)
    return found


async def rosters_between(session: Session, unit_id: int, first: date, last: date) -> dict[date, Roster]:
    """Return a unit's rosters of the months from *first* to *last*, by month."""
    rows = await session.exec(
        select(Roster).where(
            col(Roster.unit_id) == unit_id, col(Roster.month) >= first, col(Roster.month) <= last
        )
    )
    return {row.month: row for row in rows}


async def archive_before(session: Session, unit_id: int, month: date) -> list[Roster]:
    """Put away a unit's published rosters of the months before *month*; return them."""
    rows = list(
        await session.exec(
            select(Roster)
            .where(
                col(Roster.unit_id) == unit_id,
                col(Roster.month) < month,
                col(Roster.state).in_(("published", "changed")),
            )
            .with_for_update()
        )
    )
    for row in rows:
        row.state = "archived"
    return rows


async def shifts_of_month(
    session: Session, unit_id: int, start: datetime, end: datetime, *states: str
) -> list[Shift]:
    """Return a unit's shifts in these states that begin within [start, end), in order of time."""
    found = await session.exec(
        select(Shift)
        .where(
            col(Shift.unit_id) == unit_id,
            col(Shift.state).in_(states),
            col(Shift.starts_at) >= start,
            col(Shift.starts_at) < end,
        )
        .order_by(col(Shift.starts_at), col(Shift.seat), col(Shift.id))
    )
    return list(found)


async def shifts_of_person(
    session: Session, person_id: int, start: datetime, end: datetime, limit: int
) -> list[Shift]:
    """Return published shifts within [start, end) that somebody is planned for or took over, earliest first."""
    taken = select(col(SeatHolder.instead_of_shift_id)).where(
        col(SeatHolder.person_id) == person_id,
        col(SeatHolder.voided_at).is_(None),
        col(SeatHolder.instead_of_shift_id).is_not(None),
    )
    found = await session.exec(
        select(Shift)
        .where(
            or_(col(Shift.person_id) == person_id, col(Shift.id).in_(taken)),
            col(Shift.state) == "published",
            col(Shift.ends_at) > start,
            col(Shift.starts_at) < end,
        )
        .order_by(col(Shift.starts_at), col(Shift.id))
        .limit(limit)
    )
    return list(found)


async def owed_filings(session: Session, rule_ids: Collection[str], ending: str) -> list[Obligation]:
    """Return what is owed under these rules about subjects that end so, unit by unit."""
    found = await session.exec(
        select(Obligation)
        .where(
            col(Obligation.rule_id).in_(rule_ids),
            col(Obligation.state).in_(OWED),
            col(Obligation.subject).endswith(ending, autoescape=True),
        )
        .order_by(col(Obligation.unit_id))
    )
    return list(found)


async def stored_unit(session: Session, unit_id: int) -> Unit:
    """Return the row of a unit, with how its seats are kept.

    Raises:
        NotFoundError: when there is none.
    """
    row = await session.get(Unit, unit_id)
    if row is None:
        message = f"there is no unit {unit_id}"
        raise NotFoundError(message)
    return row


async def shifts_near(
    session: Session, start: datetime, end: datetime, unit_id: int | None = None
) -> list[Shift]:
    """Return the published shifts that touch [start, end), of one unit or of all, in order of time."""
    wanted = select(Shift).where(
        col(Shift.state) == "published",
        col(Shift.ends_at) > start,
        col(Shift.ends_at) <= end + LONGEST_SHIFT,
        col(Shift.starts_at) < end,
    )
    # Every unit by name: the index begins with the unit.
    units = select(Unit.id) if unit_id is None else [unit_id]
    wanted = wanted.where(col(Shift.unit_id).in_(units))
    found = await session.exec(wanted.order_by(col(Shift.starts_at), col(Shift.unit_id), col(Shift.id)))
    return list(found)

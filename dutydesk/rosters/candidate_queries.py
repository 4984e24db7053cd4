"""What decides who may sit where, read for many people at once."""

from collections.abc import Collection
from datetime import datetime, timedelta

from sqlalchemy import select as columns
from sqlmodel import col, or_, select

from dutydesk.db import Session
from dutydesk.people.queries import people_by_id, usable_contacts
from dutydesk.rosters.model import LeaveReport, SeatHolder, SeatPattern, Shift
from dutydesk.rosters.queries import holder_fact, shift_fact
from dutydesk.rosters.rules import HolderRow
from dutydesk.rosters.rules.eligibility import Candidate, Turn
from dutydesk.rosters.rules.pieces import pieces_of
from dutydesk.rosters.rules.slots import Pattern

# Turns just outside a span decide whether somebody has rested.
_MARGIN = timedelta(days=8)


async def candidates(
    session: Session,
    person_ids: Collection[int],
    start: datetime,
    end: datetime,
    now: datetime,
    *,
    without: Collection[int] = (),
) -> dict[int, Candidate]:
    """Return these people with their leaves and turns (drafts too) around [start, end).

    A turn somebody was relieved of does not count; one they took over does. *without* are shifts that
    do not count either: drafts that are to be replaced.
    """
    persons = await people_by_id(session, person_ids)
    points = await usable_contacts(session, persons.keys())
    away = await leaves_of(session, persons.keys(), start, end)
    turns = await turns_of(session, persons.keys(), start - _MARGIN, end + _MARGIN)
    return {
        one.id: Candidate(
            person_id=one.id,
            name=one.name,
            unit_id=one.unit_id,
            rank=one.rank,
            employment=one.employment,
            joined_on=one.joined_on,
            trained_on=one.trained_on,
            retired_at=one.retired_at,
            confirmed=any(point.rings and point.confirmed(now) for point in points.get(one.id, ())),
            away=tuple(away.get(one.id, ())),
            turns=tuple(turn for turn in turns.get(one.id, ()) if turn.shift_id not in without),
        )
        for one in persons.values()
    }


async def leaves_of(
    session: Session, person_ids: Collection[int], start: datetime, end: datetime
) -> dict[int, list[tuple[datetime, datetime]]]:
    """Return when these people are away on an approved leave that touches [start, end); a return ends it early."""
    row = LeaveReport
    found: dict[int, list[tuple[datetime, datetime]]] = {}
    rows = await session.exec(
        select(row).where(
            col(row.person_id).in_(set(person_ids)),
            col(row.state).in_(("approved", "returned")),
            col(row.starts_at) < end,
            col(row.ends_at) > start,
        )
    )
    for one in rows:
        until = one.ends_at if one.returned_at is None else min(one.ends_at, one.returned_at)
        if until > one.starts_at:
            found.setdefault(one.person_id, []).append((one.starts_at, until))
    return found


async def turns_of(
    session: Session, person_ids: Collection[int], start: datetime, end: datetime
) -> dict[int, list[Turn]]:
    """Return when these people really sit somewhere within [start, end): planned, drafted, or for somebody else."""
    wanted = set(person_ids)
    holder = SeatHolder
    taken = select(holder.instead_of_shift_id).where(
        col(holder.person_id).in_(wanted),
        col(holder.voided_at).is_(None),
        col(holder.instead_of_shift_id).is_not(None),
    )
    touching = (
        or_(col(Shift.person_id).in_(wanted), col(Shift.id).in_(taken)),
        col(Shift.state) != "cancelled",
        col(Shift.starts_at) < end,
        col(Shift.ends_at) > start,
    )
    shifts = list(await session.exec(select(Shift).where(*touching)))
    instead: dict[int | None, list[HolderRow]] = {}
    for row in await session.exec(
        select(holder).where(
            col(holder.instead_of_shift_id).in_(select(col(Shift.id)).where(*touching)),
            col(holder.voided_at).is_(None),
        )
    ):
        instead.setdefault(row.instead_of_shift_id, []).append(holder_fact(row))
    found: dict[int, list[Turn]] = {}
    for shift in shifts:
        for piece in pieces_of(shift_fact(shift), instead.get(shift.id, ())):
            if piece.person_id in wanted and piece.person_id is not None:
                turn = Turn(piece.since, piece.until, shift.unit_id, shift.seat, shift.id)
                found.setdefault(piece.person_id, []).append(turn)
    return found


async def patterns_of(session: Session, unit_ids: Collection[int]) -> dict[int, list[Pattern]]:
    """Return what these units have laid down about their seats; a unit without any has the default (``rules.slots``)."""
    row = SeatPattern
    fields = (
        *(row.unit_id, row.seat, row.day_class, row.starts, row.minutes, row.count),
        *(row.mode, row.signs_in, row.valid_from, row.valid_until),
    )
    wanted = columns(*map(col, fields)).where(col(row.unit_id).in_(set(unit_ids))).order_by(col(row.id))
    found: dict[int, list[Pattern]] = {}
    # Columns, not rows of the model: they are read for every unit of the bureau at once.
    for one in await (await session.connection()).execute(wanted):
        found.setdefault(one.unit_id, []).append(Pattern(**one._mapping))  # noqa: SLF001 (public in SQLAlchemy)
    return found

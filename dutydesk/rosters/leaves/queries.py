"""All the SQL of leaves and their amendments."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import ColumnElement
from sqlmodel import col, or_, select

from dutydesk.db import Session
from dutydesk.errors import NotFoundError
from dutydesk.obligations.model import Obligation
from dutydesk.people import queries as people
from dutydesk.people.model import Person, Post
from dutydesk.people.queries import id_of
from dutydesk.people.rules import Rank, Unit
from dutydesk.rosters.model import LeaveAmendment, LeaveReport, SeatHolder, Shift

# Away now; going to be; waiting for a decision (the leave's or an amendment's); everything.
Box = Literal["now", "ahead", "waiting", "all"]
CHIEF = "chief"


@dataclass(frozen=True, slots=True)
class Seen:
    """What a reader may see: everything, or a unit's, or approved leaves of others without their reason."""

    everything: bool
    unit_id: int | None = None
    person_id: int | None = None
    name: str = ""


async def leave(session: Session, leave_id: int, *, lock: bool = False) -> LeaveReport:
    """Return a leave.

    Raises:
        NotFoundError: when there is none with this id.
    """
    wanted = select(LeaveReport).where(col(LeaveReport.id) == leave_id)
    if lock:
        wanted = wanted.with_for_update().execution_options(populate_existing=True)
    row = (await session.exec(wanted)).first()
    if row is None:
        raise NotFoundError(f"there is no leave {leave_id}")
    return row


async def list_leaves(
    session: Session,
    seen: Seen,
    now: datetime,
    *,
    box: Box = "all",
    person_id: int | None = None,
    unit_id: int | None = None,
    before: int | None = None,
    limit: int = 100,
) -> list[LeaveReport]:
    """Return the leaves of a box that a reader may see at all, the newest first, from the one before *before*."""
    row = LeaveReport
    wanted = select(row).where(*_in_box(box, now)).order_by(col(row.id).desc()).limit(limit)
    if person_id is not None:
        wanted = wanted.where(col(row.person_id) == person_id)
    if unit_id is not None:
        wanted = wanted.where(col(row.unit_id) == unit_id)
    if seen.unit_id is not None:
        wanted = wanted.where(col(row.unit_id) == seen.unit_id)
    elif not seen.everything:
        own = col(row.requested_by) == seen.name
        if seen.person_id is not None:
            own |= col(row.person_id) == seen.person_id
        # Of others only that they are away, now or soon.
        wanted = wanted.where(or_(own, (col(row.state) == "approved") & (col(row.ends_at) > now)))
    if before is not None:
        wanted = wanted.where(col(row.id) < before)
    return list(await session.exec(wanted))


def _in_box(box: Box, now: datetime) -> list[ColumnElement[bool]]:
    row = LeaveReport
    match box:
        case "now":
            return [col(row.state) == "approved", col(row.starts_at) <= now]
        case "ahead":
            return [col(row.state).in_(("requested", "approved")), col(row.starts_at) > now]
        case "waiting":
            asked = select(col(LeaveAmendment.leave_id)).where(col(LeaveAmendment.state) == "requested")
            return [or_(col(row.state) == "requested", col(row.id).in_(asked))]
        case "all":
            return []


async def leaves_between(
    session: Session, person_ids: Collection[int], start: datetime, end: datetime, *, approved: bool = False
) -> list[LeaveReport]:
    """Return the leaves of these people that are asked for or approved and touch [start, end)."""
    row = LeaveReport
    states = ("approved",) if approved else ("requested", "approved")
    found = await session.exec(
        select(row)
        .where(
            col(row.person_id).in_(set(person_ids)),
            col(row.state).in_(states),
            col(row.starts_at) < end,
            col(row.ends_at) > start,
        )
        .order_by(col(row.starts_at), col(row.id))
    )
    return list(found)


async def delegated_to(session: Session, person_id: int, start: datetime, end: datetime) -> list[LeaveReport]:
    """Return the approved leaves that touch [start, end) and during which this person runs the bureau, locked."""
    row = LeaveReport
    found = await session.exec(
        select(row)
        .where(
            col(row.delegate_id) == person_id,
            col(row.state) == "approved",
            col(row.starts_at) < end,
            col(row.ends_at) > start,
        )
        .order_by(col(row.id))
        .with_for_update()
    )
    return list(found)


async def acting_chiefs(
    session: Session, unit_id: int, start: datetime, end: datetime, *, but: str
) -> list[Post]:
    """Return who is appointed to act for the director within [start, end), for another cause than *but*."""
    row = Post
    found = await session.exec(
        select(row).where(
            col(row.unit_id) == unit_id,
            col(row.post) == CHIEF,
            col(row.acting).is_(True),
            col(row.cause) != but,
            col(row.from_at) < end,
            or_(col(row.until_at).is_(None), col(row.until_at) > start),
            or_(col(row.until_at).is_(None), col(row.until_at) > col(row.from_at)),
        )
    )
    return list(found)


async def directors(session: Session, at: datetime) -> tuple[Unit | None, list[int], list[int]]:
    """Return the desk, whoever directs the bureau (post chief there), and whoever does so at *at*, acting or not."""
    desk = await people.desk_unit(session)
    if desk is None:
        return None, [], []
    tenures = await people.list_posts(session, unit_id=desk.id, at=at)
    own = [row.person_id for row in tenures if row.post == CHIEF and not row.acting]
    now_there = (await people.post_holders(session, [desk.id], at)).get((desk.id, CHIEF), [])
    return desk, own, now_there


async def ranked(session: Session, ranks: Collection[Rank], *, unit_id: int | None = None) -> list[int]:
    """Return who holds one of these ranks and has not left, in order of id; *unit_id* narrows it."""
    row = Person
    wanted = select(row).where(col(row.rank).in_(set(ranks)), col(row.retired_at).is_(None))
    if unit_id is not None:
        wanted = wanted.where(col(row.unit_id) == unit_id)
    return [id_of(one.id) for one in await session.exec(wanted.order_by(col(row.id)))]


async def shifts_of_person(session: Session, person_id: int, start: datetime, end: datetime) -> list[Shift]:
    """Return the published shifts within [start, end) that a person is planned for or sits on for others, locked."""
    holder = SeatHolder
    taken = select(holder.instead_of_shift_id).where(
        col(holder.person_id) == person_id,
        col(holder.voided_at).is_(None),
        col(holder.instead_of_shift_id).is_not(None),
    )
    found = await session.exec(
        select(Shift)
        .where(
            or_(col(Shift.person_id) == person_id, col(Shift.id).in_(taken)),
            col(Shift.state) == "published",
            col(Shift.starts_at) < end,
            col(Shift.ends_at) > start,
        )
        .order_by(col(Shift.id))
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return list(found)


async def drafts_of_person(session: Session, person_id: int, start: datetime, end: datetime) -> list[Shift]:
    """Return the drafts within [start, end) that a person is planned for, locked."""
    found = await session.exec(
        select(Shift)
        .where(
            col(Shift.person_id) == person_id,
            col(Shift.state) == "draft",
            col(Shift.starts_at) < end,
            col(Shift.ends_at) > start,
        )
        .order_by(col(Shift.id))
        .with_for_update()
    )
    return list(found)


async def struck_by(session: Session, leave_id: int) -> list[SeatHolder]:
    """Return what a leave has struck: rows that still count, in the order they were entered."""
    row = SeatHolder
    found = await session.exec(
        select(row)
        .where(col(row.leave_id) == leave_id, col(row.kind) == "vacated", col(row.voided_at).is_(None))
        .order_by(col(row.id))
        .with_for_update()
    )
    return list(found)


async def amendments_of(session: Session, leave_id: int) -> list[LeaveAmendment]:
    """Return every change of a leave's dates or itinerary, in order."""
    row = LeaveAmendment
    found = await session.exec(select(row).where(col(row.leave_id) == leave_id).order_by(col(row.id)))
    return list(found)


async def asked_amendment(session: Session, leave_id: int, *, lock: bool = False) -> LeaveAmendment | None:
    """Return the amendment of a leave that waits for a decision, if there is one."""
    row = LeaveAmendment
    wanted = select(row).where(col(row.leave_id) == leave_id, col(row.state) == "requested")
    if lock:
        wanted = wanted.with_for_update().execution_options(populate_existing=True)
    return (await session.exec(wanted)).first()


async def amended(session: Session, leave_ids: Collection[int]) -> set[int]:
    """Return which of these leaves have a change that waits for a decision."""
    row = LeaveAmendment
    found = await session.exec(
        select(col(row.leave_id)).where(col(row.leave_id).in_(set(leave_ids)), col(row.state) == "requested")
    )
    return set(found)


async def struck_rows(session: Session, leave_id: int) -> list[SeatHolder]:
    """Return what a leave has struck, in order of time, to be shown."""
    row = SeatHolder
    found = await session.exec(
        select(row)
        .where(col(row.leave_id) == leave_id, col(row.voided_at).is_(None))
        .order_by(col(row.from_at), col(row.id))
    )
    return list(found)


async def owed(session: Session, scope: str) -> list[Obligation]:
    """Return the obligations of a leave, in the order they opened, to be shown."""
    found = await session.exec(
        select(Obligation).where(col(Obligation.scope) == scope).order_by(col(Obligation.id))
    )
    return list(found)

"""All the SQL of the demonstration: what is there already, and what is made to lie behind."""

from collections.abc import Collection, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import func, insert, update
from sqlmodel import col, select

from dutydesk.alerts.model import Alert
from dutydesk.db import Session
from dutydesk.obligations.model import Obligation, Rung
from dutydesk.people.model import ContactPoint
from dutydesk.rosters.keeping.reminders import SIGN_IN_RULE
from dutydesk.rosters.model import Attendance, LeaveReport, Roster, Rotation, Shift, ShiftChange


async def contacts_of(session: Session, person_ids: Collection[int]) -> list[ContactPoint]:
    """Return the numbers of these people."""
    rows = await session.exec(
        select(ContactPoint).where(col(ContactPoint.person_id).in_(person_ids)).order_by(col(ContactPoint.id))
    )
    return list(rows)


async def has_rotations(session: Session) -> bool:
    """Tell whether somebody takes turns already."""
    return bool((await session.exec(select(func.count()).select_from(Rotation))).one())


async def has_stories(session: Session) -> bool:
    """Tell whether something has happened already: a leave, a swap."""
    leaves = (await session.exec(select(func.count()).select_from(LeaveReport))).one()
    return bool(leaves or (await session.exec(select(func.count()).select_from(ShiftChange))).one())


async def published_months(session: Session, unit_id: int) -> set[date]:
    """Return the months of which a unit's roster is published."""
    found = await session.exec(
        select(col(Roster.month)).where(col(Roster.unit_id) == unit_id, col(Roster.state) != "draft")
    )
    return set(found)


async def rosters_of(session: Session, unit_id: int, months: Collection[date]) -> list[Roster]:
    """Return a unit's rosters of these months."""
    rows = await session.exec(
        select(Roster).where(col(Roster.unit_id) == unit_id, col(Roster.month).in_(months))
    )
    return list(rows)


async def let_drafts_count(session: Session, unit_id: int) -> None:
    """Publish every draft of a unit, nobody being told."""
    await session.exec(
        update(Shift)
        .where(col(Shift.unit_id) == unit_id, col(Shift.state) == "draft")
        .values(state="published")
    )


async def unsigned(session: Session, now: datetime) -> Sequence[tuple[int, int, datetime]]:
    """Return (shift, person, start) of what began and wants a sign-in that nobody gave and nobody waits for."""
    signed = select(col(Attendance.shift_id))
    owed = await session.exec(select(col(Obligation.subject)).where(col(Obligation.rule_id) == SIGN_IN_RULE))
    watched = {int(one.rpartition("/")[2]) for one in owed}
    found = await session.exec(
        select(col(Shift.id), col(Shift.person_id), col(Shift.starts_at))
        .where(
            col(Shift.signs_in),
            col(Shift.state) == "published",
            col(Shift.starts_at) <= now,
            col(Shift.id).not_in(signed),
        )
        .order_by(col(Shift.starts_at), col(Shift.id))
    )
    return [(one, person, at) for one, person, at in found if one is not None and one not in watched]


async def add_attendances(session: Session, rows: list[dict[str, Any]]) -> None:
    """Note that people signed in."""
    if rows:
        await session.exec(insert(Attendance).values(rows))


async def shifts_after(session: Session, unit_id: int, seat: str, after: datetime, limit: int) -> list[Shift]:
    """Return the next published shifts on a seat that begin after *after*."""
    found = await session.exec(
        select(Shift)
        .where(
            col(Shift.unit_id) == unit_id,
            col(Shift.seat) == seat,
            col(Shift.state) == "published",
            col(Shift.starts_at) > after,
        )
        .order_by(col(Shift.starts_at))
        .limit(limit)
    )
    return list(found)


async def shifts_beginning(session: Session, start: datetime, end: datetime) -> list[Shift]:
    """Return the published shifts of all units that begin in (start, end]."""
    found = await session.exec(
        select(Shift).where(
            col(Shift.state) == "published", col(Shift.starts_at) > start, col(Shift.starts_at) <= end
        )
    )
    return list(found)


async def shift_alerts(session: Session) -> list[Alert]:
    """Return every message about somebody's own shift."""
    return list(await session.exec(select(Alert).where(col(Alert.cause) == "shift")))


async def deliver_queued(session: Session) -> None:
    """Let what is queued have been sent and delivered."""
    await session.exec(
        update(Alert).where(col(Alert.state) == "queued").values(state="delivered", next_try_at=None)
    )


async def open_in(session: Session, scope: str) -> list[Obligation]:
    """Return what is open in a scope."""
    rows = await session.exec(
        select(Obligation).where(col(Obligation.scope) == scope, col(Obligation.state) == "open")
    )
    return list(rows)


async def rungs_of(session: Session, obligation_id: int | None) -> list[Rung]:
    """Return the rungs of an obligation, the first one first."""
    rows = await session.exec(
        select(Rung).where(col(Rung.obligation_id) == obligation_id).order_by(col(Rung.at), col(Rung.id))
    )
    return list(rows)

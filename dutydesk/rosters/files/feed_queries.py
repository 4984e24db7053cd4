"""The SQL of calendar feeds."""

from datetime import datetime

from sqlmodel import col, or_, select

from dutydesk.db import Session
from dutydesk.errors import NotFoundError
from dutydesk.rosters.model import CalendarFeed, SeatHolder, Shift
from dutydesk.rosters.queries import holder_fact, shift_fact
from dutydesk.rosters.rules import LONGEST_SHIFT
from dutydesk.rosters.rules.feeding import FeedRow, FeedShift

_AT_ONCE = 500


async def feed_by_hash(session: Session, token_hash: str) -> CalendarFeed | None:
    """Return the feed of a secret address that still holds."""
    row = CalendarFeed
    found = await session.exec(
        select(row).where(col(row.token_hash) == token_hash, col(row.revoked_at).is_(None))
    )
    return found.first()


async def live_feeds(
    session: Session, *, person_id: int | None = None, unit_id: int | None = None, seats: bool = False
) -> list[CalendarFeed]:
    """Return the feeds that hold: of one person, or those of seats (of one unit, or of all)."""
    row = CalendarFeed
    wanted = select(row).where(col(row.revoked_at).is_(None))
    if seats:
        wanted = wanted.where(col(row.kind) == "seat")
        if unit_id is not None:
            wanted = wanted.where(col(row.unit_id) == unit_id)
    else:
        wanted = wanted.where(col(row.kind) == "person", col(row.person_id) == person_id)
    return list(await session.exec(wanted.order_by(col(row.created_at), col(row.id))))


async def stored_feed(session: Session, feed_id: int) -> CalendarFeed:
    """Return a feed.

    Raises:
        NotFoundError: when there is none with this id.
    """
    row = await session.get(CalendarFeed, feed_id)
    if row is None:
        raise NotFoundError(f"there is no feed {feed_id}")
    return row


async def feed_shifts(
    session: Session, feed: CalendarFeed, start: datetime, end: datetime
) -> list[FeedShift]:
    """Return the shifts of a feed within [start, end) that are or were in force, with what changed who sits there."""
    row, holder = Shift, SeatHolder
    wanted = select(row).where(
        col(row.starts_at) < end,
        col(row.ends_at) > start,
        col(row.ends_at) <= end + LONGEST_SHIFT,
        # A draft that was cancelled was never anybody's duty: whatever was in force counts on when it ends.
        or_(col(row.state) == "published", (col(row.state) == "cancelled") & (col(row.sequence) > 0)),
    )
    if feed.kind == "seat":
        wanted = wanted.where(col(row.unit_id) == feed.unit_id, col(row.seat) == feed.seat)
    else:
        taken = select(holder.instead_of_shift_id).where(
            col(holder.person_id) == feed.person_id, col(holder.instead_of_shift_id).is_not(None)
        )
        wanted = wanted.where(or_(col(row.person_id) == feed.person_id, col(row.id).in_(taken)))
    shifts = list(await session.exec(wanted.order_by(col(row.starts_at), col(row.id))))
    rows: dict[int, list[FeedRow]] = {}
    for at in range(0, len(shifts), _AT_ONCE):
        ids = [one.id for one in shifts[at : at + _AT_ONCE]]
        for one in await session.exec(
            select(holder).where(col(holder.instead_of_shift_id).in_(ids)).order_by(col(holder.id))
        ):
            rows.setdefault(one.instead_of_shift_id or 0, []).append(
                FeedRow(holder_fact(one), one.created_at, one.voided_at)
            )
    return [
        FeedShift(
            shift_fact(one),
            one.state == "cancelled",
            one.sequence,
            one.changed_at or one.created_at,
            tuple(rows.get(one.id or 0, ())),
        )
        for one in shifts
    ]

"""Calendar feeds: secret addresses under which a calendar program reads somebody's shifts, or a seat's."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from dutydesk.accounts.rules import Actor
from dutydesk.accounts.signing import digest
from dutydesk.audit.actions import record
from dutydesk.db import Session
from dutydesk.errors import ConflictError, NotFoundError
from dutydesk.people import queries as people
from dutydesk.people.queries import id_of
from dutydesk.rosters.calendar.files import name_of, written
from dutydesk.rosters.files import feed_queries as queries
from dutydesk.rosters.model import CalendarFeed
from dutydesk.rosters.rules import Seat
from dutydesk.rosters.rules.feeding import AHEAD, KEPT, events_of
from dutydesk.web.languages import say

_MOST = 20
_READ_EVERY = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Feed:
    """A feed as it is answered; the same content has the same ``etag``."""

    content: bytes
    etag: str


async def create_feed(
    session: Session,
    now: datetime,
    actor: Actor,
    *,
    person_id: int | None = None,
    unit_id: int | None = None,
    seat: Seat | None = None,
) -> tuple[CalendarFeed, str]:
    """Make a feed of a person, or of a unit's seat; return it with its secret, which is kept nowhere.

    Raises:
        ConflictError: there are very many already: some are to be revoked first.
    """
    kept = await queries.live_feeds(session, person_id=person_id, unit_id=unit_id, seats=seat is not None)
    if sum(one.seat == seat for one in kept) >= _MOST:
        raise ConflictError(say("已有{count}个订阅地址，请先停用不用的", count=_MOST))
    token = secrets.token_urlsafe(32)
    row = CalendarFeed(
        kind="person" if seat is None else "seat",
        person_id=person_id if seat is None else None,
        unit_id=unit_id if seat is not None else None,
        seat=seat,
        token_hash=digest(token),
        created_at=now,
        created_by=actor.name,
    )
    session.add(row)
    await session.flush()
    record(
        session, now, actor.name, "feed.created", f"feed:{row.id}", person=person_id, unit=unit_id, seat=seat
    )
    return row, token


def may_end(actor: Actor, feed: CalendarFeed) -> bool:
    """Tell whether somebody may revoke a feed: their own, or, who plans a unit's shifts, those of its seats."""
    if feed.kind == "person":
        return actor.person_id is not None and actor.person_id == feed.person_id
    return actor.may("roster:file") and feed.unit_id is not None and actor.sees_unit(feed.unit_id)


async def revoke_feed(session: Session, now: datetime, actor: Actor, feed_id: int) -> None:
    """Make an address useless from now on; a second time changes nothing.

    Raises:
        NotFoundError: there is no such feed that this actor may revoke.
    """
    row = await queries.stored_feed(session, feed_id)
    if not may_end(actor, row):
        raise NotFoundError(f"there is no feed {feed_id}")
    if row.revoked_at is None:
        row.revoked_at = now
        session.add(row)
        record(session, now, actor.name, "feed.revoked", f"feed:{feed_id}")


async def read_feed(session: Session, now: datetime, token: str) -> tuple[CalendarFeed, Feed] | None:
    """Return what stands under a secret address; None for one that is unknown or revoked, or of somebody who left."""
    row = await queries.feed_by_hash(session, digest(token))
    if row is None:
        return None
    found = await queries.feed_shifts(session, row, now - KEPT, now + AHEAD)
    events = events_of(found, row.person_id if row.kind == "person" else None, now)
    persons = await people.people_by_id(session, {one.person_id for one in events} | {row.person_id or 0})
    units = await people.units_by_id(session, {one.unit_id for one in events} | {row.unit_id or 0})
    owner = persons.get(row.person_id or 0)
    if row.kind == "person" and (owner is None or owner.retired_at is not None):
        return None
    content = written(events, units, persons if row.kind == "seat" else {}, name_of(row, owner, units))
    return row, Feed(content, hashlib.sha256(content).hexdigest()[:32])


def is_due(row: CalendarFeed, now: datetime) -> bool:
    """Tell whether it is worth a write that the feed was read just now."""
    return row.last_read_at is None or now - row.last_read_at >= _READ_EVERY


async def note_read(session: Session, now: datetime, feed_id: int) -> None:
    """Note that a feed was read."""
    row = await queries.stored_feed(session, feed_id)
    row.last_read_at = now
    session.add(row)


def feed_id(row: CalendarFeed) -> int:
    """Return a stored feed's id."""
    return id_of(row.id)

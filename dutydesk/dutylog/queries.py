"""The SQL of the duty log. Lists show the newest version of each entry; what it replaced stays in its history."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, or_
from sqlalchemy.orm import aliased
from sqlmodel import col, select

from dutydesk.db import Session
from dutydesk.dutylog.finding import any_has
from dutydesk.dutylog.model import LogEntry
from dutydesk.errors import NotFoundError

_SEARCHED = (
    LogEntry.content,
    LogEntry.handling,
    LogEntry.person,
    LogEntry.title,
    LogEntry.channel,
    LogEntry.conveyed_to,
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which entries a list shows: ``since`` is included, ``until`` is not; *masked* for whom numbers are hidden."""

    kind: str = ""
    unit_id: int | None = None
    text: str = ""
    since: datetime | None = None
    until: datetime | None = None
    masked: bool = False


async def entries_of_incident(session: Session, *incident_ids: int) -> list[LogEntry]:
    """Return the newest version of each entry about these incidents, in the order in which it happened."""
    found = await session.exec(
        select(LogEntry)
        .where(col(LogEntry.incident_id).in_(incident_ids), _newest())
        .order_by(col(LogEntry.at), col(LogEntry.id))
    )
    return list(found)


async def list_entries(
    session: Session, wanted: Wanted, *, offset: int = 0, limit: int = 50
) -> list[LogEntry]:
    """Return the newest version of each entry that is wanted, what happened last first."""
    found = await session.exec(
        select(LogEntry)
        .where(_newest(), *_conditions(wanted))
        .order_by(col(LogEntry.at).desc(), col(LogEntry.id).desc())
        .offset(offset)
        .limit(limit)
    )
    return list(found)


async def entry(session: Session, entry_id: int, *, lock: bool = False) -> LogEntry:
    """Return one version of an entry.

    Raises:
        NotFoundError: when there is none with this id.
    """
    wanted = select(LogEntry).where(col(LogEntry.id) == entry_id)
    found = (await session.exec(wanted.with_for_update() if lock else wanted)).first()
    if found is None:
        raise NotFoundError(f"there is no log entry {entry_id}")
    return found


async def correction_of(session: Session, entry_id: int) -> LogEntry | None:
    """Return the row that replaced this one, if any did."""
    return (await session.exec(select(LogEntry).where(col(LogEntry.corrects_id) == entry_id))).first()


async def versions_of(session: Session, row: LogEntry) -> list[LogEntry]:
    """Return an entry as it was first written, and every correction after it; the last one holds."""
    found = [row]
    while found[0].corrects_id is not None:
        found.insert(0, await entry(session, found[0].corrects_id))
    while (later := await correction_of(session, found[-1].id or 0)) is not None:
        found.append(later)
    return found


async def calls_from(session: Session, number: str, digits: str, limit: int) -> list[LogEntry]:
    """Return the newest calls from a number, or from numbers that end with these digits."""
    same = col(LogEntry.number) == number
    wanted = or_(same, col(LogEntry.number).endswith(digits, autoescape=True)) if digits else same
    return await _calls(session, wanted, limit)


async def calls_of_unit(session: Session, unit_id: int, limit: int) -> list[LogEntry]:
    """Return the newest calls from a unit."""
    return await _calls(session, col(LogEntry.unit_id) == unit_id, limit)


async def _calls(session: Session, wanted: ColumnElement[bool], limit: int) -> list[LogEntry]:
    found = await session.exec(
        select(LogEntry)
        .where(col(LogEntry.kind).in_(("call_in", "call_out")), col(LogEntry.person) != "", _newest(), wanted)
        .order_by(col(LogEntry.at).desc(), col(LogEntry.id).desc())
        .limit(limit)
    )
    return list(found)


def _newest() -> ColumnElement[bool]:
    """Nothing has replaced it."""
    later = aliased(LogEntry)
    replaced = select(later.id).where(col(later.corrects_id) == col(LogEntry.id)).correlate(LogEntry)
    return ~replaced.exists()


def _conditions(wanted: Wanted) -> Sequence[Any]:
    row = LogEntry
    found: list[Any] = []
    if wanted.kind:
        found.append(col(row.kind) == wanted.kind)
    if wanted.unit_id is not None:
        found.append(col(row.unit_id) == wanted.unit_id)
    if wanted.since is not None:
        found.append(col(row.at) >= wanted.since)
    if wanted.until is not None:
        found.append(col(row.at) < wanted.until)
    found.extend(_says(word, masked=wanted.masked) for word in wanted.text.replace("\0", " ").split())
    return found


def _says(word: str, *, masked: bool) -> ColumnElement[bool]:
    said = any_has(word, *_SEARCHED, masked=masked)
    return said if masked else or_(said, any_has(word, LogEntry.number))

"""Writing the duty log, in the caller's transaction. Nothing written is changed: a correction is a later row."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from dutydesk.accounts.rules import Actor
from dutydesk.audit.actions import record
from dutydesk.db import Session
from dutydesk.dutylog import queries
from dutydesk.dutylog.model import LogEntry, LogKind
from dutydesk.dutylog.rules.times import is_late
from dutydesk.errors import ConflictError, FieldFault, InvalidInputError
from dutydesk.web.site import Site

# What a correction may change; what it leaves out stays as it was.
CORRECTABLE = (
    "at",
    "unit_id",
    "person",
    "title",
    "number",
    "channel",
    "content",
    "handling",
    "conveyed_to",
    "conveyed_at",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewEntry:
    """An entry as it is written; ``stamped`` says that ``at`` is what the form was opened with. Times are aware."""

    kind: LogKind
    at: datetime
    stamped: bool = True
    unit_id: int | None = None
    incident_id: int | None = None
    person: str = ""
    title: str = ""
    number: str = ""
    channel: str = ""
    content: str = ""
    handling: str = ""
    conveyed_to: str = ""
    conveyed_at: datetime | None = None


async def add_entry(session: Session, site: Site, now: datetime, actor: Actor, new: NewEntry) -> LogEntry:
    """Write an entry into the duty log.

    Raises:
        InvalidInputError: when its times cannot be true.
    """
    _refuse_wrong_times(now, new.at, new.conveyed_at)
    late = is_late(new.at, now, site.rulebook.pace.late_entry_after, stamped=new.stamped)
    row = LogEntry(
        kind=new.kind,
        at=new.at,
        logged_at=now,
        logged_by=actor.name,
        unit_id=new.unit_id,
        incident_id=new.incident_id,
        person=new.person,
        title=new.title,
        number=new.number,
        channel=new.channel,
        content=new.content,
        handling=new.handling,
        conveyed_to=new.conveyed_to,
        conveyed_at=new.conveyed_at,
        late_entry=late,
    )
    session.add(row)
    await session.flush()
    record(
        session,
        now,
        actor.name,
        "log.written",
        f"log:{row.id}",
        kind=row.kind,
        at=row.at.isoformat(),
        incident=row.incident_id,
        late_entry=late,
    )
    return row


async def correct_entry(
    session: Session, now: datetime, actor: Actor, row: LogEntry, values: Mapping[str, Any], reason: str
) -> LogEntry:
    """Write what an entry should have said as a new row that names the old one; *row* is locked by the caller.

    Raises:
        ConflictError: when somebody else corrected it meanwhile, or nothing changes.
        InvalidInputError: when its times cannot be true.
    """
    if await queries.correction_of(session, row.id or 0) is not None:
        raise ConflictError(f"log entry {row.id} was corrected already")
    changed = {
        name: values[name] for name in CORRECTABLE if name in values and values[name] != getattr(row, name)
    }
    if not changed:
        raise ConflictError("nothing was changed")
    kept = row.model_dump(exclude={"id", "corrects_id", "logged_at", "logged_by", "reason"})
    made = LogEntry(**kept | changed, logged_at=now, logged_by=actor.name, corrects_id=row.id, reason=reason)
    _refuse_wrong_times(now, made.at, made.conveyed_at)
    # No form was stamped with a time that is written afterwards.
    made.late_entry = row.late_entry or "at" in changed
    session.add(made)
    await session.flush()
    record(
        session,
        now,
        actor.name,
        "log.corrected",
        f"log:{made.id}",
        corrects=row.id,
        fields=sorted(changed),
        reason=reason,
    )
    return made


def _refuse_wrong_times(now: datetime, at: datetime, conveyed_at: datetime | None) -> None:
    faults = []
    if at > now:
        faults.append(FieldFault("at", "lies in the future"))
    if conveyed_at is not None and conveyed_at > now:
        faults.append(FieldFault("conveyed_at", "lies in the future"))
    elif conveyed_at is not None and conveyed_at < at:
        faults.append(FieldFault("conveyed_at", "lies before the entry"))
    if faults:
        raise InvalidInputError("; ".join(f"{one.field}: {one.message}" for one in faults), tuple(faults))

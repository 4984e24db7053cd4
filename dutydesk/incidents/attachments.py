"""Files that belong to an incident: added, and declared a mistake; never deleted."""

from datetime import datetime

from dutydesk.accounts.rules import Actor
from dutydesk.audit.actions import record
from dutydesk.db import Session
from dutydesk.errors import ConflictError
from dutydesk.incidents import queries
from dutydesk.incidents.files import Stored
from dutydesk.incidents.model import Attachment, Incident
from dutydesk.incidents.settling import must_be_live

# The void ones count as well: they stay on the disk. What a unit adds takes no room from the desk.
MOST_FILES = 200
MOST_OF_A_UNIT = 100


async def attach(session: Session, now: datetime, actor: Actor, row: Incident, stored: Stored) -> Attachment:
    """Add a stored file to an incident.

    Raises:
        ConflictError: when the incident was withdrawn or merged, has it already, or has too many.
    """
    must_be_live(row)
    own = actor.unit_id if actor.role == "unit" else None
    there = [one for one in await queries.attachments_of(session, [row.id or 0]) if one.unit_id == own]
    most = MOST_FILES if own is None else MOST_OF_A_UNIT
    if len(there) >= most:
        message = f"incident {row.number} has {most} files already"
        raise ConflictError(message)
    if any(one.sha256 == stored.sha256 and one.voided_at is None for one in there):
        message = "this file was added already"
        raise ConflictError(message)
    made = Attachment(
        incident_id=row.id or 0,
        unit_id=own,
        sha256=stored.sha256,
        name=stored.name,
        media_type=stored.media_type,
        size=stored.size,
        added_at=now,
        added_by=actor.name,
    )
    session.add(made)
    await session.flush()
    record(
        session,
        now,
        actor.name,
        "attachment.added",
        f"incident:{row.number}",
        attachment=made.id,
        name=made.name,
        sha256=made.sha256,
        size=made.size,
        media_type=made.media_type,
    )
    return made


async def void_attachment(
    session: Session, now: datetime, actor: Actor, row: Incident, attachment_id: int, reason: str
) -> Attachment:
    """Declare a file a mistake; it stays on record and can still be read.

    Raises:
        ConflictError: when it was voided before.
        NotFoundError: when this caller sees no such file.
    """
    found = await queries.attachment(session, row.id or 0, attachment_id, unit_id=actor.unit_id)
    if found.voided_at is not None:
        message = f"attachment {attachment_id} was voided already"
        raise ConflictError(message)
    found.voided_at, found.voided_by, found.void_reason = now, actor.name, reason
    record(
        session,
        now,
        actor.name,
        "attachment.voided",
        f"incident:{row.number}",
        attachment=attachment_id,
        sha256=found.sha256,
        reason=reason,
    )
    return found

"""Counting who was harmed: every count is a row of its own, and a correction is a later row (核增, 核减)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from dutydesk.accounts.rules import Actor
from dutydesk.audit.actions import record
from dutydesk.db import Session
from dutydesk.incidents import queries
from dutydesk.incidents.model import Casualties, Incident
from dutydesk.incidents.rules import COUNTS, count_faults, differences
from dutydesk.incidents.settling import must_be_live, refuse


@dataclass(frozen=True, slots=True)
class Counted:
    """One count with what changed since the one before it: (name, before, after)."""

    row: Casualties
    changes: tuple[tuple[str, int, int], ...]


def counts_of(row: Casualties | None) -> dict[str, int]:
    """Return what a row counts; nothing is counted yet where there is none."""
    return {name: 0 if row is None else int(getattr(row, name)) for name, _ in COUNTS}


def history(rows: Sequence[Casualties]) -> list[Counted]:
    """Return counts with their differences, in the order they are known for."""
    made: list[Counted] = []
    before: Casualties | None = None
    for row in rows:
        made.append(Counted(row, tuple(differences(counts_of(before), counts_of(row)))))
        before = row
    return made


async def count_people(
    session: Session,
    now: datetime,
    actor: Actor,
    row: Incident,
    *,
    as_of: datetime,
    counts: Mapping[str, int],
    note: str = "",
) -> Casualties:
    """Write down how many people were harmed as known at *as_of* (aware).

    Raises:
        ConflictError: when the incident was withdrawn or merged.
        InvalidInputError: when a number is negative, or *as_of* lies ahead or before the event.
    """
    must_be_live(row)
    refuse(count_faults(counts, as_of=as_of, occurred_at=row.occurred_at, now=now))
    made = Casualties(
        incident_id=row.id or 0,
        as_of=as_of,
        note=note,
        logged_at=now,
        logged_by=actor.name,
        **{name: counts.get(name, 0) for name, _ in COUNTS},
    )
    earlier = await queries.casualties_of(session, row.id or 0)
    session.add(made)
    await session.flush()
    record(
        session,
        now,
        actor.name,
        "incident.casualties",
        f"incident:{row.number}",
        as_of=as_of.isoformat(),
        before=counts_of(earlier[-1]) if earlier else {},
        after=counts_of(made),
    )
    return made

"""Somebody leaves: their record stays, their shifts become holes at once, and their posts end."""

from datetime import datetime

from dutydesk.audit.actions import record
from dutydesk.db import Session
from dutydesk.errors import ConflictError
from dutydesk.people.changes import retire_person
from dutydesk.people.rules import Person
from dutydesk.rosters.directory.queries import shifts_ahead, staying_on
from dutydesk.rosters.model import SeatHolder, Shift
from dutydesk.rosters.queries import holder_fact, lock_person, look_for_holes, shift_fact
from dutydesk.rosters.rules.spans import segments_of
from dutydesk.rosters.view_queries import holders_of_shifts
from dutydesk.web.languages import say

LEFT = "已离任"


async def leave(
    session: Session, now: datetime, actor: str, person_id: int, reason: str, *, with_shifts: bool
) -> Person:
    """Note that somebody left. What they would still have sat on is vacated, so that ladders pass on at once.

    Nobody may be kept in the directory because a roster is unfinished; but it is never done unnoticed.

    Raises:
        NotFoundError: there is no such person.
        ConflictError: they left already; or published shifts lie ahead and *with_shifts* is False.
    """
    await lock_person(session, person_id)
    every = await shifts_ahead(session, person_id, now)
    ahead = [row for row in every if row.state == "published"]
    if ahead and not with_shifts:
        text = "还有{count}个班次未值，请先换人；确需立即离任的，勾选“同时空出班次”，空出的班次随即按空缺告警"
        raise ConflictError(say(text, count=len(ahead)))
    left = await retire_person(session, now, actor, person_id, reason)
    vacated = await _vacate(session, now, person_id, ahead)
    staying = await staying_on(session, person_id, now)
    for row in staying:
        row.until_at = max(now, row.from_at)
    touched = {row.unit_id for row in every} | {row.unit_id for row in staying}
    if touched:
        await look_for_holes(session, touched, now)
    if vacated:
        record(session, now, actor, "seat.released", f"person:{person_id}", shifts=vacated, reason=LEFT)
    return left


async def _vacate(session: Session, now: datetime, person_id: int, ahead: list[Shift]) -> int:
    """Let nobody sit where this person really would, by plan or for somebody else; return how many shifts that are."""
    rows = await holders_of_shifts(session, [row.id or 0 for row in ahead])
    done = 0
    for shift in ahead:
        own = [holder_fact(row) for row in rows if row.instead_of_shift_id == shift.id]
        fact = shift_fact(shift)
        pieces = segments_of([fact], own, max(now, fact.starts_at), fact.ends_at)
        held = [one for one in pieces if one.person_id == person_id]
        for piece in held:
            session.add(
                SeatHolder(
                    unit_id=shift.unit_id,
                    seat=shift.seat,
                    person_id=None,
                    from_at=piece.since,
                    until_at=piece.until,
                    instead_of_shift_id=shift.id,
                    kind="vacated",
                    reason=LEFT,
                    created_at=now,
                )
            )
        done += bool(held)
    return done

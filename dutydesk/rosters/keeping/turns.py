"""Turns as the pages show them: who really sits there, whether they know of it, and whether they are there."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from dutydesk.alerts import queries as alert_queries
from dutydesk.alerts.model import Acknowledgement, Alert
from dutydesk.db import Session
from dutydesk.people.queries import units_by_id
from dutydesk.people.rules import Person, Unit
from dutydesk.rosters.keeping import queries
from dutydesk.rosters.keeping.reminders import turn_of
from dutydesk.rosters.model import Attendance, Shift
from dutydesk.rosters.notices import subject_of
from dutydesk.rosters.rules.reminding import Turn
from dutydesk.web.site import Site

_PAST, _AHEAD = timedelta(days=31), timedelta(days=62)
_NEAR = timedelta(hours=24)
_MOST = 200


@dataclass(frozen=True, slots=True)
class Line:
    """A turn on a page. ``planned`` is False where somebody else was planned; ``proof`` is how it was confirmed."""

    shift: Shift
    unit: Unit
    person: Person | None
    turn: Turn
    planned: bool
    attendance: Attendance | None
    proof: Acknowledgement | None
    asks: bool
    signs_in_from: datetime

    @property
    def late_minutes(self) -> int:
        """Return by how many minutes somebody came late, rounded up; 0: in time, or not there yet."""
        if self.attendance is None:
            return 0
        return max(0, -(-int((self.attendance.at - self.shift.starts_at).total_seconds()) // 60))

    def may_sign_in(self, now: datetime) -> bool:
        """Tell whether signing in is open: somebody sits there, has not signed in, and it is time."""
        open_now = self.signs_in_from <= now < self.shift.ends_at
        return self.shift.signs_in and self.attendance is None and self.person is not None and open_now


@dataclass(frozen=True, slots=True)
class Mine:
    """Somebody's own turns: those that run or come, and those that are over, the newest first."""

    ahead: Sequence[Line]
    past: Sequence[Line]


async def turns_of(session: Session, site: Site, now: datetime, person_id: int) -> Mine:
    """Return the turns of a person of the last month and of two months ahead, as they really are."""
    shifts = await queries.shifts_of_person(session, person_id, now - _PAST, now + _AHEAD, _MOST)
    lines = await _lines(session, site, now, shifts)
    # Whoever gave a turn away does not sit there any more; past ones show who served.
    mine = [one for one in lines if one.person is not None and one.person.id == person_id]
    return Mine(
        [one for one in mine if one.shift.ends_at > now],
        [one for one in reversed(mine) if one.shift.ends_at <= now],
    )


async def turns_near(session: Session, site: Site, now: datetime, unit_id: int | None) -> list[Line]:
    """Return the turns that run or begin within a day, of one unit or of all."""
    return await _lines(session, site, now, await queries.shifts_near(session, now, now + _NEAR, unit_id))


async def turn_on(session: Session, site: Site, now: datetime, shift: Shift) -> Line:
    """Return one turn."""
    return (await _lines(session, site, now, [shift]))[0]


async def _lines(session: Session, site: Site, now: datetime, shifts: Sequence[Shift]) -> list[Line]:
    if not shifts:
        return []
    found = await queries.sitting_on(session, shifts)
    units = await units_by_id(session, {one.unit_id for one in shifts})
    signed = await queries.attendances_of(session, [one.id or 0 for one in shifts])
    told: dict[str, list[Alert]] = {}
    for row in await alert_queries.alerts_about(session, [subject_of(one.id or 0) for one in shifts]):
        told.setdefault(row.subject, []).append(row)
    answered = [row.id or 0 for rows in told.values() for row in rows if row.acknowledged_at is not None]
    proofs = {one.alert_id: one for one in await alert_queries.acknowledgements_of(session, answered)}
    early = site.rulebook.rosters.sign_in_early
    lines: list[Line] = []
    for shift in shifts:
        rows = told.get(subject_of(shift.id or 0), [])
        mine = signed.get(shift.id or 0, [])
        turn = turn_of(shift, found, rows, mine, now)
        own = [row for row in rows if row.person_id == turn.person_id and row.channel != "screen"]
        lines.append(
            Line(
                shift=shift,
                unit=units[shift.unit_id],
                person=found.persons.get(turn.person_id or 0),
                turn=turn,
                planned=turn.person_id == shift.person_id,
                attendance=next((one for one in mine if one.at == turn.signed_in_at), None),
                proof=next((proofs[row.id or 0] for row in own if row.id in proofs), None),
                asks=not turn.confirmed and any(row.state in alert_queries.ALIVE for row in own),
                signs_in_from=shift.starts_at - early,
            )
        )
    return lines

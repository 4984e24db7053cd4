"""What the pages of leaves show: who is away, what was struck and who sits there instead, what is owed until when."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from dutydesk.accounts.rules import Actor
from dutydesk.audit.model import AuditEntry
from dutydesk.db import Session
from dutydesk.obligations.model import Obligation
from dutydesk.people import queries as people
from dutydesk.people.rules import Person, Rank, Unit
from dutydesk.rosters.changes import queries as change_queries
from dutydesk.rosters.changes.handing import said
from dutydesk.rosters.leaves import actions as leaves
from dutydesk.rosters.leaves import effects
from dutydesk.rosters.leaves import queries as leave_queries
from dutydesk.rosters.model import LeaveAmendment, LeaveReport, SeatHolder, Shift
from dutydesk.rosters.rules.leaves import filing_refusal, report_day, sees_all
from dutydesk.rosters.rules.pieces import Piece
from dutydesk.web.site import Site

_MOST_WAITING = 200
_DEPUTY: tuple[Rank, ...] = ("bureau_deputy",)


@dataclass(frozen=True, slots=True)
class Line:
    """A leave in a list; ``open`` tells whether the reader sees more than that somebody is away."""

    row: LeaveReport
    person: Person
    unit: Unit
    open: bool
    amended: bool


@dataclass(frozen=True, slots=True)
class Struck:
    """A shift that a leave struck, and who really sits there in that time."""

    holder: SeatHolder
    shift: Shift
    pieces: Sequence[Piece]


@dataclass(frozen=True, slots=True)
class Sheet:
    """Everything about one leave, and what this reader may do with it."""

    row: LeaveReport
    person: Person
    unit: Unit
    is_director: bool
    needs_delegate: bool
    report_by: datetime | None
    delegate: Person | None
    delegates: Sequence[Person]
    struck: Sequence[Struck]
    names: dict[int, Person]
    owed: Sequence[Obligation]
    amendments: Sequence[LeaveAmendment]
    steps: Sequence[AuditEntry]
    decides: bool
    refused: str
    files: bool

    @property
    def asked(self) -> LeaveAmendment | None:
        """The amendment that waits for a decision."""
        return next((one for one in self.amendments if one.state == "requested"), None)


async def lines_of(session: Session, actor: Actor, rows: Sequence[LeaveReport]) -> list[Line]:
    """Return leaves as lines of a list."""
    persons = await people.people_by_id(session, {row.person_id for row in rows})
    units = await people.units_by_id(session, {row.unit_id for row in rows})
    amended = await leave_queries.amended(session, [row.id or 0 for row in rows])
    return [
        Line(
            row,
            persons[row.person_id],
            units[row.unit_id],
            sees_all(actor, row.person_id, row.unit_id) or row.requested_by == actor.name,
            row.id in amended,
        )
        for row in rows
    ]


async def waiting_for(session: Session, actor: Actor, now: datetime) -> list[LeaveReport]:
    """Return the leaves and amendments that wait: for this reader, where the reader decides any; else all in sight."""
    rows = await leave_queries.list_leaves(
        session, effects.seen_by(actor), now, box="waiting", limit=_MOST_WAITING
    )
    if not actor.may("leave:approve"):
        return rows
    persons = await people.people_by_id(session, {row.person_id for row in rows})
    refused = {
        one.id: await leaves.refusal_of(session, actor, one, now, asking=True) for one in persons.values()
    }
    return [row for row in rows if refused[row.person_id] is None]


async def sheet_of(session: Session, site: Site, now: datetime, actor: Actor, leave_id: int) -> Sheet:
    """Return everything about a leave.

    Raises:
        NotFoundError: when there is none for this reader.
    """
    row = await leaves.mine(session, actor, leave_id)
    person = await people.person(session, row.person_id)
    fact = await effects.fact_of(session, row, now)
    struck = await _struck(session, leave_id)
    sitting = {one.person_id for found in struck for one in found.pieces if one.person_id is not None}
    names = await people.people_by_id(session, {*sitting, *([row.delegate_id] if row.delegate_id else [])})
    amendments = await leave_queries.amendments_of(session, leave_id)
    waits = row.state == "requested" or any(one.state == "requested" for one in amendments)
    refused = await leaves.refusal_of(session, actor, person, now, asking=True) if waits else None
    report_by = None
    if fact.is_director and not row.urgent:
        day = report_day(fact, await effects.calendar_of(session, site, row), site.zone)
        report_by = datetime.combine(day, site.rulebook.rosters.office_closes, site.zone)
    return Sheet(
        row=row,
        person=person,
        unit=(await people.units_by_id(session, [row.unit_id]))[row.unit_id],
        is_director=fact.is_director,
        needs_delegate=fact.needs_delegate,
        report_by=report_by,
        delegate=None if row.delegate_id is None else names[row.delegate_id],
        delegates=await deputies(session) if fact.is_director else [],
        struck=struck,
        names=names,
        owed=await leave_queries.owed(session, effects.scope_of(leave_id)),
        amendments=amendments,
        steps=await change_queries.history(session, effects.scope_of(leave_id)),
        decides=waits and refused is None,
        refused="" if refused is None or not actor.may("leave:approve") else said(refused),
        files=actor.may("leave:approve") or filing_refusal(actor, row.person_id, row.unit_id) is None,
    )


async def deputies(session: Session) -> list[Person]:
    """Return the deputies of the bureau, one of whom runs it while the director is away (Art. 5)."""
    ids = await leave_queries.ranked(session, _DEPUTY)
    return list((await people.people_by_id(session, ids)).values())


async def applicants(
    session: Session, actor: Actor, code: str
) -> tuple[list[Unit], Unit | None, list[Person]]:
    """Return the units whose people this reader may report, the one chosen, and its people; leaders stand first.

    Somebody who may report for themself only gets no units.
    """
    if not actor.may("roster:write") and actor.role != "unit":
        own = [] if actor.person_id is None else [await people.person(session, actor.person_id)]
        return [], None, own
    units = await people.list_units(session, only=actor.unit_id, serving=True)
    chosen = next((one for one in units if one.code == code), units[0] if units else None)
    found = [] if chosen is None else await people.list_people(session, unit_id=chosen.id)
    present = [one for one in found if one.retired_at is None]
    return units, chosen, sorted(present, key=lambda one: (one.rank == "staff", one.id))


async def _struck(session: Session, leave_id: int) -> list[Struck]:
    rows = await leave_queries.struck_rows(session, leave_id)
    ids = [row.instead_of_shift_id or 0 for row in rows]
    shifts = {one.id: one for one in await change_queries.shifts_by_id(session, ids)}
    given = await change_queries.given_shifts(session, ids)
    found: list[Struck] = []
    for row in rows:
        until = row.until_at or shifts[row.instead_of_shift_id].ends_at
        pieces = [
            one
            for one in given[row.instead_of_shift_id or 0].pieces
            if one.since < until and one.until > row.from_at
        ]
        found.append(Struck(row, shifts[row.instead_of_shift_id], pieces))
    return found

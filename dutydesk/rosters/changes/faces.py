"""What the pages of substitutions and swaps show: requests, the shifts one may give away, and who could take them."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from dutydesk.accounts.rules import Actor
from dutydesk.db import Session
from dutydesk.people import queries as people
from dutydesk.people.rules import Person, Unit
from dutydesk.rosters import view_queries
from dutydesk.rosters.candidate_queries import candidates
from dutydesk.rosters.changes import queries as change_queries
from dutydesk.rosters.changes.actions import refusal_of
from dutydesk.rosters.changes.handing import persons_of, shifts_of
from dutydesk.rosters.model import Shift, ShiftChange
from dutydesk.rosters.planning import actions as planning
from dutydesk.rosters.queries import shift_fact
from dutydesk.rosters.rules import ChangeState
from dutydesk.rosters.rules.eligibility import Fault, faults_of
from dutydesk.rosters.rules.pieces import Piece, pieces_of
from dutydesk.rosters.views.choosing import options_for
from dutydesk.web.site import Site

# Shifts further ahead are rarely settled; one may still name them by their address.
AHEAD = timedelta(days=62)
_MOST_WAITING = 200
_WAITING: tuple[ChangeState, ...] = ("requested",)


@dataclass(frozen=True, slots=True)
class Face:
    """A request with everything it names; ``mine`` and ``other`` with who was planned for them."""

    row: ShiftChange
    unit: Unit
    shift: Shift
    other: Shift | None
    persons: dict[int, Person]
    may_decide: bool = False

    def name(self, person_id: int | None) -> str:
        """Return a person's name, nothing for nobody."""
        return "" if person_id is None else self.persons[person_id].name

    @property
    def giver(self) -> str:
        """Who gives the seat up."""
        return self.name(self.row.from_person_id)

    @property
    def taker(self) -> str:
        """Who takes it."""
        return self.name(self.row.to_person_id)

    @property
    def in_part(self) -> bool:
        """Tell whether only a part of the shift is given away."""
        whole = (self.shift.starts_at, self.shift.ends_at)
        return self.other is None and (self.row.from_at, self.row.until_at) != whole


@dataclass(frozen=True, slots=True)
class Owned:
    """A shift somebody may give away, and who really sits through it."""

    shift: Shift
    pieces: Sequence[Piece]
    names: Sequence[str]


@dataclass(frozen=True, slots=True)
class Choice:
    """Somebody, or somebody's shift, that can be chosen, with what speaks against it."""

    value: int
    person: Person
    faults: Sequence[Fault]
    shift: Shift | None = None
    # Why the other of both could not take what is offered in return.
    giver_faults: Sequence[Fault] = ()


async def faces_of(session: Session, actor: Actor, rows: Sequence[ShiftChange]) -> list[Face]:
    """Return requests with their shifts and people, and whether this reader may decide each."""
    shift_ids = {one for row in rows for one in shifts_of(row)}
    shifts = {one.id: one for one in await change_queries.shifts_by_id(session, shift_ids)}
    named = {one for row in rows for one in persons_of(row)} | {one.person_id for one in shifts.values()}
    persons = await people.people_by_id(session, named)
    units = await people.units_by_id(session, {row.unit_id for row in rows})
    return [
        Face(
            row,
            units[row.unit_id],
            shifts[row.shift_id],
            None if row.other_shift_id is None else shifts[row.other_shift_id],
            persons,
            row.state == "requested" and await refusal_of(session, actor, row) is None,
        )
        for row in rows
    ]


async def waiting_for(session: Session, actor: Actor) -> list[Face]:
    """Return the requests that this reader may decide, the most urgent first."""
    if not actor.may("roster:approve"):
        return []
    rows = await change_queries.list_changes(
        session, unit_id=actor.unit_id, states=_WAITING, limit=_MOST_WAITING
    )
    found = [one for one in await faces_of(session, actor, rows) if one.may_decide]
    return sorted(found, key=lambda one: (one.row.from_at, one.row.id))


async def shifts_to_give(
    session: Session, now: datetime, *, unit_id: int | None, person_id: int | None, until: datetime
) -> list[Owned]:
    """Return the published shifts that have not begun: a person's own, or all of a unit."""
    if unit_id is not None:
        rows = await view_queries.shifts_between(session, [unit_id], now, until, drafts=False)
    elif person_id is not None:
        rows = await view_queries.shifts_of_person(session, person_id, now, until)
    else:
        rows = []
    ahead = [row for row in rows if row.state == "published" and row.starts_at > now]
    pieces = await _pieces(session, ahead)
    persons = await _persons(session, pieces.values())
    found: list[Owned] = []
    for row in ahead:
        mine = pieces[row.id or 0]
        if unit_id is not None or any(one.person_id == person_id for one in mine):
            names = [persons[one.person_id].name if one.person_id is not None else "" for one in mine]
            found.append(Owned(row, mine, names))
    return found


def part_to_give(pieces: Sequence[Piece]) -> Piece:
    """Return the part of a shift that a substitute is asked for at first: where nobody sits, else all of it."""
    empty = next((one for one in pieces if one.person_id is None), None)
    return empty or Piece(pieces[0].since, pieces[-1].until, pieces[0].person_id)


async def takers_of(
    session: Session, site: Site, now: datetime, actor: Actor, shift: Shift, part: Piece, text: str
) -> list[Choice]:
    """Return who could take a part of a shift over, those whom nothing speaks against first."""
    unit = (await people.units_by_id(session, [shift.unit_id]))[shift.unit_id]
    place = replace(await planning.place_of(session, site, shift), starts_at=part.since, ends_at=part.until)
    found = await options_for(session, site, now, unit, place, text=text)
    return [
        Choice(one.person.id, one.person, one.faults)
        for one in found
        if one.person.id != part.person_id and actor.sees_unit(one.person.unit_id)
    ]


async def shifts_in_return(
    session: Session, site: Site, now: datetime, shift: Shift, giver_id: int
) -> list[Choice]:
    """Return the shifts of the unit that others hold and that could be taken in return, in order of time."""
    rows = await view_queries.shifts_between(session, [shift.unit_id], now, now + AHEAD, drafts=False)
    alike = [
        row
        for row in rows
        if row.id != shift.id
        and row.starts_at > now
        # Leaders exchange with leaders only: nobody else has the rank.
        and (row.seat == "leader") == (shift.seat == "leader")
    ]
    pieces = await _pieces(session, alike)
    whole = {row.id: held[0].person_id for row in alike if len(held := pieces[row.id or 0]) == 1}
    others = {one for one in whole.values() if one is not None and one != giver_id}
    start, end = min(now, shift.starts_at), max(now + AHEAD, shift.ends_at)
    known = await candidates(session, {*others, giver_id}, start, end, now)
    plan = site.rulebook.rosters.eligibility
    mine = await planning.place_of(session, site, shift)
    persons = await people.people_by_id(session, others)
    found: list[Choice] = []
    for row in alike:
        taker = whole.get(row.id)
        if taker is None or taker == giver_id:
            continue
        ids = (shift.id or 0, row.id or 0)
        theirs = await planning.place_of(session, site, row)
        found.append(
            Choice(
                row.id or 0,
                persons[taker],
                faults_of(known[taker], mine, plan, ignoring=ids),
                row,
                faults_of(known[giver_id], theirs, plan, ignoring=ids),
            )
        )
    return sorted(found, key=lambda one: bool(one.faults or one.giver_faults))


async def _pieces(session: Session, rows: Sequence[Shift]) -> dict[int, list[Piece]]:
    instead = await change_queries.facts_of(session, [row.id or 0 for row in rows])
    return {row.id or 0: pieces_of(shift_fact(row), instead.get(row.id or 0, ())) for row in rows}


async def _persons(session: Session, found: Collection[Sequence[Piece]]) -> dict[int, Person]:
    ids = {one.person_id for held in found for one in held if one.person_id is not None}
    return await people.people_by_id(session, ids)

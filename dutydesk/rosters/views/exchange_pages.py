"""Exchanging two shifts of a seat, or moving one to where nobody is: what dragging a name asks for, and a plain form."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from dutydesk.accounts.permissions import allow_page
from dutydesk.accounts.rules import Actor
from dutydesk.db import Session
from dutydesk.errors import ConflictError, DutydeskError, FieldFault, InvalidInputError, NotFoundError
from dutydesk.people.queries import id_of
from dutydesk.people.rules import Person
from dutydesk.rosters.model import Shift
from dutydesk.rosters.planning import actions as planning
from dutydesk.rosters.queries import shift_fact
from dutydesk.rosters.rules.eligibility import HARD, Fault, Place
from dutydesk.rosters.view_queries import shifts_between
from dutydesk.rosters.views.cells import (
    OVERTAKEN,
    SEEN,
    Cell,
    about,
    address,
    back_to,
    cell_of,
    planned_shift,
    read_hole,
)
from dutydesk.rosters.views.choosing import place_of_slot
from dutydesk.rosters.views.tables import seen_of
from dutydesk.web.forms import Form, Input, typed
from dutydesk.web.pages import PageRoute, render
from dutydesk.web.site import Site, TheSite

router = APIRouter(prefix="/rosters", route_class=PageRoute, include_in_schema=False)

Planner = Annotated[Actor, Depends(allow_page("roster:file"))]
# A shift's id, or the site time at which an empty slot begins.
Target = Annotated[str, Query(max_length=60)]

# What stands in the record where nobody had to give a reason.
_PLAIN_REASON = "排班对调"


@dataclass(frozen=True, slots=True)
class Exchange:
    """A shift, and the other one (or the empty slot) that it changes places with."""

    shift: Shift
    holder: Person
    cell: Cell
    other: Cell

    @property
    def published(self) -> bool:
        """Tell whether somebody was told of it already."""
        return self.cell.published or self.other.published

    @property
    def seen(self) -> str:
        """Return the state of things a form is drawn from."""
        return f"{self.cell.seen} {self.other.seen}".strip()


@dataclass(frozen=True, slots=True)
class Turn:
    """Who would sit where, and what speaks against it."""

    person: Person
    cell: Cell
    faults: Sequence[Fault]

    @property
    def barred(self) -> bool:
        """Tell whether no reason helps."""
        return any(one in HARD for one in self.faults)


@router.get("/shifts/{shift_id}/move")
async def move_form(request: Request, shift_id: int, actor: Planner, site: TheSite, to: Target) -> Response:
    """Show what would change places, and ask."""
    pair = await _pair(site, actor, shift_id, to)
    return await _page(request, site, pair, Form(_inputs(pair), {}))


@router.post("/shifts/{shift_id}/move")
async def move(request: Request, shift_id: int, actor: Planner, site: TheSite, to: Target) -> Response:
    """Exchange the persons of two shifts, or move one to where nobody is."""
    pair = await _pair(site, actor, shift_id, to)
    form = await typed(request, _inputs(pair))
    form.check_required()
    if form.faults:
        return await _page(request, site, pair, form, 422)
    reason = form.value("reason")

    async def work(session: Session) -> None:
        if form.value("seen") != await _seen_now(session, actor, pair):
            raise ConflictError(OVERTAKEN)
        turns = await _judged(session, site, pair)
        if not reason and any(one.faults for one in turns):
            raise InvalidInputError("reason", (FieldFault("reason", "有不合规定之处，请填写原因"),))
        await _exchange(session, site, actor, pair, reason or _PLAIN_REASON)

    try:
        await site.db.run(work)
    except DutydeskError as error:
        status = form.refused(error)
        return await _page(request, site, await _pair(site, actor, shift_id, to), form, status)
    return back_to(site, pair.other)


async def _exchange(session: Session, site: Site, actor: Actor, pair: Exchange, reason: str) -> None:
    now, mine = site.clock.now(), id_of(pair.shift.id)
    theirs, person = pair.other.shift, pair.other.holder
    if theirs is not None and person is not None:
        for shift_id, person_id in ((mine, person.id), (id_of(theirs.id), pair.holder.id)):
            await planning.assign(
                session, site, now, actor.name, shift_id=shift_id, person_id=person_id, reason=reason
            )
        return
    # Away from the old place first: they would seem to sit on both.
    await planning.remove(session, now, actor.name, mine, reason)
    await planning.add_shift(
        session,
        site,
        now,
        actor.name,
        unit_id=pair.other.unit.id,
        seat=pair.other.seat,
        day=pair.other.starts_at.astimezone(site.zone).date(),
        person_id=pair.holder.id,
        starts_at=pair.other.starts_at,
        reason=reason,
    )


async def _pair(site: Site, actor: Actor, shift_id: int, to: str) -> Exchange:
    """Return what is to change places: *to* is a shift's id, or the site time at which an empty slot begins.

    Raises:
        NotFoundError: there is no such shift or slot for this person.
        ConflictError: one of them is gone, or they are no pair.
    """
    cell = await cell_of(site, actor, shift_id)
    if to.isascii() and to.isdigit() and len(to) < 10:
        other = await cell_of(site, actor, int(to))
    else:
        async with site.db.read() as session:
            other = await read_hole(session, site, cell.unit, cell.seat, to)
    if cell.shift is None or cell.holder is None:
        raise NotFoundError(f"there is no shift {shift_id}")
    if (cell.unit.id, cell.seat) != (other.unit.id, other.seat):
        raise ConflictError("只能在同一单位的同一席位内对调")
    if other.shift is not None and cell.starts_at < other.ends_at and other.starts_at < cell.ends_at:
        raise ConflictError("两班时间重叠，不能对调")
    return Exchange(cell.shift, cell.holder, cell, other)


async def _seen_now(session: Session, actor: Actor, pair: Exchange) -> str:
    mine = seen_of(await planned_shift(session, actor, id_of(pair.shift.id)))
    theirs = pair.other.shift
    other = "" if theirs is None else seen_of(await planned_shift(session, actor, id_of(theirs.id)))
    return f"{mine} {other}".strip()


async def _judged(session: Session, site: Site, pair: Exchange) -> list[Turn]:
    """Return who would sit where, each judged as if both had left their old places."""
    now = site.clock.now()
    ids = [id_of(one.shift.id) for one in (pair.cell, pair.other) if one.shift is not None]
    turns = [(pair.holder, pair.other)]
    if pair.other.holder is not None:
        turns.append((pair.other.holder, pair.cell))
    found: list[Turn] = []
    for person, cell in turns:
        place = await _place(session, site, cell)
        faults = await planning.faults_for(session, site, now, place, [person.id], ids)
        found.append(Turn(person, cell, faults.get(person.id, [])))
    return found


async def _place(session: Session, site: Site, cell: Cell) -> Place:
    if cell.shift is not None:
        return await planning.place_of(session, site, cell.shift)
    if cell.slot is None:
        raise NotFoundError("there is no such slot")
    shifts = await shifts_between(session, [cell.unit.id], cell.starts_at, cell.ends_at)
    facts = [shift_fact(one) for one in shifts]
    return place_of_slot(cell.slot, cell.slots, facts, is_desk=cell.unit.kind == "desk")


def _inputs(pair: Exchange) -> tuple[Input, Input]:
    return (Input("reason", "原因", "text", required=pair.published, longest=200), SEEN)


async def _page(request: Request, site: Site, pair: Exchange, form: Form, status: int = 200) -> Response:
    form.values["seen"] = pair.seen
    async with site.db.read() as session:
        turns = await _judged(session, site, pair)
    return render(
        request,
        "rosters/exchange.html",
        status,
        pair=pair,
        form=form,
        turns=[(one, about(site, one.cell)) for one in turns],
        back=address(site, pair.cell),
    )

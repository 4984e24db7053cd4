"""Changing one cell of a unit's table: choosing who sits there, locking, emptying.

Plain forms, each on a page of its own; the table's script shows the same pages in a dialog.
"""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response

from dutydesk.accounts.permissions import allow_page
from dutydesk.accounts.rules import Actor
from dutydesk.db import Session
from dutydesk.errors import DutydeskError
from dutydesk.people import queries as people
from dutydesk.rosters.planning import actions as planning
from dutydesk.rosters.queries import shift_fact
from dutydesk.rosters.view_queries import shifts_between
from dutydesk.rosters.views.cells import (
    SEEN,
    Cell,
    about,
    address,
    back_to,
    cell_of,
    hole_of,
    still,
    unchanged,
)
from dutydesk.rosters.views.choosing import Option, options_for, place_of_slot
from dutydesk.rosters.views.month_pages import by_unit, month_named
from dutydesk.web.forms import Form, Input, typed
from dutydesk.web.pages import PageRoute, render
from dutydesk.web.site import Site, TheSite

router = APIRouter(prefix="/rosters", route_class=PageRoute, include_in_schema=False)

Planner = Annotated[Actor, Depends(allow_page("roster:file"))]

_REASON = Input("reason", "原因", "text", longest=200)
_CHOOSING = (Input("person", "值班人员", "choice", required=True), _REASON, SEEN)


# ---------------------------------------------------------------------------------------------------------------------
# Choosing who sits there


@router.get("/shifts/{shift_id}/assign")
async def assign_form(
    request: Request,
    shift_id: int,
    actor: Planner,
    site: TheSite,
    q: Annotated[str, Query(max_length=50)] = "",
) -> Response:
    """Ask who is to have a shift."""
    return await _chooser(request, actor, site, await cell_of(site, actor, shift_id), q=q)


@router.post("/shifts/{shift_id}/assign")
async def assign(request: Request, shift_id: int, actor: Planner, site: TheSite) -> Response:
    """Give a shift to somebody."""
    cell = await cell_of(site, actor, shift_id)
    form = await typed(request, _CHOOSING)
    person_id = _chosen(form)
    if cell.published and not form.value("reason"):
        form.fault("reason", "这一班已经发布，请填写改动的原因")

    async def work(session: Session) -> None:
        now = site.clock.now()
        await unchanged(session, actor, shift_id, form)
        await planning.assign(
            session,
            site,
            now,
            actor.name,
            shift_id=shift_id,
            person_id=person_id,
            reason=form.value("reason"),
        )

    return await _chosen_answer(request, actor, site, cell, form, work)


@by_unit.get("/{unit}/{month}/fill")
async def fill_form(
    request: Request,
    unit: str,
    month: str,
    actor: Planner,
    site: TheSite,
    seat: str = "",
    at: str = "",
    q: Annotated[str, Query(max_length=50)] = "",
) -> Response:
    """Ask who is to have a slot that nobody has."""
    month_named(month)
    return await _chooser(request, actor, site, await hole_of(site, actor, unit, seat, at), q=q)


@by_unit.post("/{unit}/{month}/fill")
async def fill(
    request: Request,
    unit: str,
    month: str,
    actor: Planner,
    site: TheSite,
    seat: str = "",
    at: str = "",
) -> Response:
    """Plan somebody for a slot that nobody has."""
    month_named(month)
    cell = await hole_of(site, actor, unit, seat, at)
    form = await typed(request, _CHOOSING)
    person_id = _chosen(form)

    async def work(session: Session) -> None:
        await planning.add_shift(
            session,
            site,
            site.clock.now(),
            actor.name,
            unit_id=cell.unit.id,
            seat=cell.seat,
            day=cell.starts_at.astimezone(site.zone).date(),
            person_id=person_id,
            starts_at=cell.starts_at,
            reason=form.value("reason"),
        )

    return await _chosen_answer(request, actor, site, cell, form, work)


def _chosen(form: Form) -> int:
    """Return who was chosen, nought for nobody (then the form says so)."""
    value = form.value("person")
    if not value.isascii() or not value.isdigit() or len(value) > 9:
        form.fault("person", "请选择")
        return 0
    return int(value)


async def _chosen_answer(
    request: Request,
    actor: Actor,
    site: Site,
    cell: Cell,
    form: Form,
    work: Callable[[Session], Awaitable[Any]],
) -> Response:
    if form.faults:
        return await _chooser(request, actor, site, cell, form, 422)
    try:
        await site.db.run(work)
    except DutydeskError as error:
        status = form.refused(error)
        fresh = cell if cell.shift is None else await still(site, actor, cell)
        return await _chooser(request, actor, site, fresh, form, status)
    return back_to(site, cell)


async def _chooser(
    request: Request,
    actor: Actor,
    site: Site,
    cell: Cell,
    form: Form | None = None,
    status: int = 200,
    *,
    q: str = "",
) -> Response:
    now = site.clock.now()
    # A unit contact knows its own people only.
    text = "" if actor.role == "unit" else q.strip()
    form = form or Form(_CHOOSING, {"person": str(cell.holder.id) if cell.holder else ""})
    form.values["seen"] = cell.seen
    async with site.db.read() as session:
        found = await _options(session, site, now, cell, text)
        units = await people.units_by_id(session, {one.person.unit_id for one in found})
    return render(
        request,
        "rosters/choose.html",
        status,
        cell=cell,
        form=form,
        options=found,
        others=cell.others,
        units=units,
        q=text,
        searches=actor.role != "unit",
        began=(cell.ends_at if cell.shift is None else cell.starts_at) <= now,
        back=address(site, cell),
        about=about(site, cell),
    )


async def _options(session: Session, site: Site, now: datetime, cell: Cell, text: str) -> list[Option]:
    if cell.shift is not None:
        place = await planning.place_of(session, site, cell.shift)
        ignoring = [cell.shift.id or 0]
    elif cell.slot is not None:
        shifts = await shifts_between(session, [cell.unit.id], cell.starts_at, cell.ends_at)
        facts = [shift_fact(one) for one in shifts]
        place = place_of_slot(cell.slot, cell.slots, facts, is_desk=cell.unit.kind == "desk")
        ignoring = []
    else:
        return []
    return await options_for(session, site, now, cell.unit, place, ignoring=ignoring, text=text)


# ---------------------------------------------------------------------------------------------------------------------
# Locking, emptying


@router.post("/shifts/{shift_id}/lock")
async def lock(request: Request, shift_id: int, actor: Planner, site: TheSite) -> Response:
    """Keep a shift when its month is generated again, or let it go."""
    cell = await cell_of(site, actor, shift_id)
    form = await typed(request, (Input("locked", ""),))

    async def work(session: Session) -> None:
        await planning.lock(session, site.clock.now(), actor.name, shift_id, form.value("locked") == "yes")

    await site.db.run(work)
    return back_to(site, cell)


@router.get("/shifts/{shift_id}/remove")
async def remove_form(request: Request, shift_id: int, actor: Planner, site: TheSite) -> Response:
    """Ask whether a shift is to be emptied."""
    cell = await cell_of(site, actor, shift_id)
    return _removal(request, site, cell, Form((_reason(cell), SEEN), {"seen": cell.seen}))


@router.post("/shifts/{shift_id}/remove")
async def remove(request: Request, shift_id: int, actor: Planner, site: TheSite) -> Response:
    """Empty a shift: its seat is a hole then."""
    cell = await cell_of(site, actor, shift_id)
    form = await typed(request, (_reason(cell), SEEN))
    form.check_required()
    if form.faults:
        return _removal(request, site, cell, form, 422)

    async def work(session: Session) -> None:
        await unchanged(session, actor, shift_id, form)
        await planning.remove(session, site.clock.now(), actor.name, shift_id, form.value("reason"))

    try:
        await site.db.run(work)
    except DutydeskError as error:
        status = form.refused(error)
        return _removal(request, site, await still(site, actor, cell), form, status)
    return back_to(site, cell)


def _removal(request: Request, site: Site, cell: Cell, form: Form, status: int = 200) -> Response:
    form.values["seen"] = cell.seen
    return render(
        request,
        "rosters/empty.html",
        status,
        cell=cell,
        form=form,
        back=address(site, cell),
        about=about(site, cell),
    )


def _reason(cell: Cell) -> Input:
    """A published shift is not taken away without saying why: people were told of it."""
    return Input("reason", "原因", "text", required=cell.published, longest=200)

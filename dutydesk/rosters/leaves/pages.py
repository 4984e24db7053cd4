"""The pages of leaves and trips (Art. 57): who is away, reporting, deciding, changing, returning."""

from collections.abc import Awaitable, Callable, Sequence
from secrets import token_urlsafe
from typing import Annotated, get_args

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import RedirectResponse

from dutydesk.accounts.permissions import allow_page
from dutydesk.accounts.rules import Actor
from dutydesk.db import Session
from dutydesk.errors import DutydeskError
from dutydesk.people.lists import LARGEST_ID
from dutydesk.people.rules import Person
from dutydesk.rosters.leaves import actions as leaves
from dutydesk.rosters.leaves import amendments as leave_amendments
from dutydesk.rosters.leaves import forms
from dutydesk.rosters.leaves import queries as leave_queries
from dutydesk.rosters.leaves.effects import seen_by
from dutydesk.rosters.leaves.faces import Sheet, applicants, deputies, lines_of, sheet_of, waiting_for
from dutydesk.web.forms import Form, Input, typed
from dutydesk.web.once import once_only
from dutydesk.web.pages import PageRoute, render
from dutydesk.web.site import Site, TheSite

router = APIRouter(prefix="/rosters/leaves", route_class=PageRoute, include_in_schema=False)

Asker = Annotated[Actor, Depends(allow_page("roster:ask"))]
Approver = Annotated[Actor, Depends(allow_page("leave:approve"))]
Work = Callable[[Session], Awaitable[object]]

_PER_PAGE = 50
_VERDICT = Input("decision", "", "hidden")


def address(leave_id: int) -> str:
    """Return where a leave's page is."""
    return f"/rosters/leaves/{leave_id}"


@router.get("")
async def inbox(
    request: Request,
    actor: Asker,
    site: TheSite,
    box: leave_queries.Box | None = None,
    before: Annotated[int | None, Query(ge=1, le=LARGEST_ID)] = None,
) -> Response:
    """List who is away, who will be, what waits for a decision, or everything the reader may see."""
    now, seen = site.clock.now(), seen_by(actor)
    async with site.db.read() as session:
        rows = waiting = await waiting_for(session, actor, now)
        chosen = box or ("waiting" if waiting and actor.may("leave:approve") else "now")
        if chosen != "waiting":
            rows = await leave_queries.list_leaves(
                session, seen, now, box=chosen, before=before, limit=_PER_PAGE + 1
            )
        lines = await lines_of(session, actor, rows)
    return render(
        request,
        "rosters/leaves.html",
        lines=lines if chosen == "waiting" else lines[:_PER_PAGE],
        more=rows[_PER_PAGE - 1].id if chosen != "waiting" and len(rows) > _PER_PAGE else None,
        box=chosen,
        boxes=get_args(leave_queries.Box),
        waiting=len(waiting),
    )


# ── reporting ────────────────────────────────────────────────────────────────────────────────


@router.get("/new")
async def new_form(request: Request, actor: Asker, site: TheSite, unit: str = "") -> Response:
    """Ask for a leave."""
    form = Form((), {"once": token_urlsafe(12), "kind": "trip"})
    return await _new_page(request, actor, site, unit, form)


async def _new_page(
    request: Request, actor: Actor, site: Site, unit: str, form: Form, status: int = 200
) -> Response:
    async with site.db.read() as session:
        units, chosen, persons = await applicants(session, actor, unit)
        parts = await _parts(session, site, persons)
    form.inputs = [one for _, inputs in parts for one in inputs] + [forms.ONCE]
    return render(
        request,
        "rosters/leave_new.html",
        status,
        form=form,
        parts_of=parts,
        units=units,
        chosen=chosen,
        linked=bool(persons) or bool(units),
    )


async def _parts(session: Session, site: Site, persons: Sequence[Person]) -> list[forms.Part]:
    _, own, _ = await leave_queries.directors(session, site.clock.now())
    for_director = any(one.id in own or one.rank == "bureau_head" for one in persons)
    acting = await deputies(session) if for_director else []
    return forms.report_inputs(persons, acting, for_director=for_director)


@router.post("/new")
async def new(request: Request, actor: Asker, site: TheSite, unit: str = "") -> Response:
    """Report a leave."""
    async with site.db.read() as session:
        _, _, persons = await applicants(session, actor, unit)
        parts = await _parts(session, site, persons)
    form = await typed(request, [*(one for _, inputs in parts for one in inputs), forms.ONCE])
    asked = forms.report_of(form, site.zone)
    steps = forms.steps_of(form, site.zone)
    if asked is None or form.faults:
        return await _new_page(request, actor, site, unit, form, 422)

    async def work(session: Session) -> str:
        row = await leaves.report(session, site, site.clock.now(), actor, asked, steps)
        return str(row.id)

    try:
        return RedirectResponse(
            address(int(await once_only(site, actor.name, form.value("once"), work))), 303
        )
    except DutydeskError as error:
        return await _new_page(request, actor, site, unit, form, form.refused(error))


# ── one leave ────────────────────────────────────────────────────────────────────────────────


@router.get("/{leave_id}")
async def leave(request: Request, leave_id: int, actor: Asker, site: TheSite) -> Response:
    """Show a leave, what it struck, what is owed, and what can be done."""
    return await _page(request, leave_id, actor, site)


async def _page(
    request: Request,
    leave_id: int,
    actor: Actor,
    site: Site,
    failed: tuple[str, Form] | None = None,
    status: int = 200,
) -> Response:
    """Show a leave; *failed* is the form that was refused, by its name."""
    now = site.clock.now()
    async with site.db.read() as session:
        sheet = await sheet_of(session, site, now, actor, leave_id)
    made = _forms(sheet, actor, site)
    if failed is not None and failed[0] in made:
        failed[1].inputs = made[failed[0]].inputs
        made[failed[0]] = failed[1]
    # What was refused has no form any more where somebody else was quicker: it is said at the head.
    lost = [] if failed is None or failed[0] in made else [*failed[1].faults.values()]
    return render(
        request,
        "rosters/leave.html",
        status,
        notices=[one for said in lost for one in said],
        sheet=sheet,
        row=sheet.row,
        forms=made,
        failed=None if failed is None else failed[0],
    )


def _forms(sheet: Sheet, actor: Actor, site: Site) -> dict[str, Form]:
    """Return the forms that this reader may use on a leave as it stands."""
    row, now = sheet.row, site.clock.now()
    by_hand = actor.role == "administrator"
    found: dict[str, Form] = {}
    if sheet.decides and row.state == "requested":
        found["decide"] = Form(
            forms.decision_inputs(is_director=sheet.is_director and not row.consent_by, by_hand=by_hand)
        )
    if sheet.decides and row.state == "approved":
        found["amendment"] = Form(forms.decision_inputs(is_director=False, by_hand=by_hand))
    if not sheet.files:
        return found
    if row.state in ("requested", "approved", "returned") and (sheet.is_director or row.urgent):
        found["steps"] = Form(forms.steps_inputs(is_director=sheet.is_director))
    if row.state in ("requested", "approved") and sheet.is_director:
        found["delegate"] = Form(forms.delegate_inputs(sheet.delegates))
    begun = row.starts_at <= now
    if row.state == "approved" and begun:
        back = forms.moment_text(min(now, row.ends_at), site.zone)
        found["return"] = Form((forms.RETURNED,), {"returned_at": back})
    if row.state == "requested" or (row.state == "approved" and not begun):
        found["cancel"] = Form((forms.WHY_CANCELLED,))
    return found


async def _done(
    request: Request, leave_id: int, actor: Actor, site: Site, name: str, form: Form, work: Work
) -> Response:
    """Do something with a leave; what is refused is said on its form, with everything typed."""
    if form.faults:
        return await _page(request, leave_id, actor, site, (name, form), 422)
    try:
        await site.db.run(work)
    except DutydeskError as error:
        return await _page(request, leave_id, actor, site, (name, form), form.refused(error))
    return RedirectResponse(address(leave_id), 303)


async def _decision(request: Request) -> tuple[Form, bool]:
    form = await typed(request, [*forms.decision_inputs(is_director=True, by_hand=True), _VERDICT])
    if form.value("decision") not in ("approve", "reject"):
        form.fault("", "请选择批准或退回")
    return form, form.value("decision") == "approve"


@router.post("/{leave_id}/decide")
async def decide(request: Request, leave_id: int, actor: Approver, site: TheSite) -> Response:
    """Approve a leave or send it back."""
    form, approve = await _decision(request)
    steps = forms.steps_of(form, site.zone)

    async def work(session: Session) -> object:
        return await leaves.decide(
            session,
            site,
            site.clock.now(),
            actor,
            leave_id,
            approve=approve,
            opinion=form.value("opinion"),
            decided_by=form.value("decided_by"),
            steps=steps,
        )

    return await _done(request, leave_id, actor, site, "decide", form, work)


@router.post("/{leave_id}/amendment")
async def decide_amendment(request: Request, leave_id: int, actor: Approver, site: TheSite) -> Response:
    """Approve a change of a leave or send it back."""
    form, approve = await _decision(request)

    async def work(session: Session) -> object:
        return await leave_amendments.decide(
            session,
            site,
            site.clock.now(),
            actor,
            leave_id,
            approve=approve,
            opinion=form.value("opinion"),
            decided_by=form.value("decided_by"),
        )

    return await _done(request, leave_id, actor, site, "amendment", form, work)


@router.post("/{leave_id}/steps")
async def note_steps(request: Request, leave_id: int, actor: Asker, site: TheSite) -> Response:
    """Write down consent, written report, receipt, filing."""
    form = await typed(request, forms.steps_inputs(is_director=True))
    steps = forms.steps_of(form, site.zone)

    async def work(session: Session) -> object:
        return await leaves.note_steps(session, site, site.clock.now(), actor, leave_id, steps)

    return await _done(request, leave_id, actor, site, "steps", form, work)


@router.post("/{leave_id}/delegate")
async def delegate(request: Request, leave_id: int, actor: Asker, site: TheSite) -> Response:
    """Name who runs the bureau meanwhile."""
    form = await typed(request, forms.delegate_inputs([]))
    form.check_required()
    person_id = forms.identity(form, "delegate") or 0

    async def work(session: Session) -> object:
        return await leaves.delegate(session, site, site.clock.now(), actor, leave_id, person_id)

    return await _done(request, leave_id, actor, site, "delegate", form, work)


@router.post("/{leave_id}/cancel")
async def cancel(request: Request, leave_id: int, actor: Asker, site: TheSite) -> Response:
    """Take a leave back."""
    form = await typed(request, (forms.WHY_CANCELLED,))

    async def work(session: Session) -> object:
        return await leaves.cancel(session, site, site.clock.now(), actor, leave_id, form.value("reason"))

    return await _done(request, leave_id, actor, site, "cancel", form, work)


@router.post("/{leave_id}/return")
async def note_return(request: Request, leave_id: int, actor: Asker, site: TheSite) -> Response:
    """Note the return (销假)."""
    form = await typed(request, (forms.RETURNED,))
    form.check_required()
    returned_at = form.moment("returned_at", site.zone)

    async def work(session: Session) -> object:
        now = site.clock.now()
        return await leaves.note_return(session, site, now, actor, leave_id, returned_at or now)

    return await _done(request, leave_id, actor, site, "return", form, work)


@router.get("/{leave_id}/amend")
async def amend_form(request: Request, leave_id: int, actor: Asker, site: TheSite) -> Response:
    """Ask for another itinerary."""
    async with site.db.read() as session:
        row = await leaves.mine(session, actor, leave_id)
    form = Form(forms.itinerary_inputs(), forms.itinerary_values(row, site.zone))
    return await _amend_page(request, leave_id, actor, site, form)


async def _amend_page(
    request: Request, leave_id: int, actor: Actor, site: Site, form: Form, status: int = 200
) -> Response:
    async with site.db.read() as session:
        sheet = await sheet_of(session, site, site.clock.now(), actor, leave_id)
    return render(request, "rosters/leave_amend.html", status, sheet=sheet, row=sheet.row, form=form)


@router.post("/{leave_id}/amend")
async def amend(request: Request, leave_id: int, actor: Asker, site: TheSite) -> Response:
    """Change the dates or the itinerary, which is approved anew."""
    form = await typed(request, forms.itinerary_inputs())
    asked = forms.itinerary_of(form, site.zone)
    if asked is None:
        return await _amend_page(request, leave_id, actor, site, form, 422)

    async def work(session: Session) -> object:
        return await leave_amendments.amend(session, site, site.clock.now(), actor, leave_id, asked)

    try:
        await site.db.run(work)
    except DutydeskError as error:
        return await _amend_page(request, leave_id, actor, site, form, form.refused(error))
    return RedirectResponse(address(leave_id), 303)

"""The pages of substitutions and swaps: the inboxes, asking, deciding."""

from datetime import timedelta
from secrets import token_urlsafe
from typing import Annotated, Literal, get_args

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import RedirectResponse

from dutydesk.accounts.permissions import allow_page
from dutydesk.accounts.rules import Actor
from dutydesk.db import Session
from dutydesk.errors import DutydeskError, NotFoundError
from dutydesk.people import queries as people
from dutydesk.people.lists import LARGEST_ID
from dutydesk.rosters.changes import actions as changes
from dutydesk.rosters.changes import queries
from dutydesk.rosters.changes.faces import (
    AHEAD,
    Choice,
    Face,
    faces_of,
    part_to_give,
    shifts_in_return,
    shifts_to_give,
    takers_of,
    waiting_for,
)
from dutydesk.rosters.changes.handing import said
from dutydesk.rosters.model import Shift
from dutydesk.rosters.rules import ChangeKind
from dutydesk.rosters.rules.changes import cancel_refusal
from dutydesk.web import words
from dutydesk.web.forms import Form, Input, typed
from dutydesk.web.languages import say
from dutydesk.web.once import once_only
from dutydesk.web.pages import PageRoute, render
from dutydesk.web.site import Site, TheSite

router = APIRouter(prefix="/rosters/changes", route_class=PageRoute, include_in_schema=False)

Asker = Annotated[Actor, Depends(allow_page("roster:ask"))]
Approver = Annotated[Actor, Depends(allow_page("roster:approve"))]
Box = Literal["approve", "mine", "all"]

_PER_PAGE = 50
_SHOWN = timedelta(days=14)
_ONCE = Input("once", "", "hidden")
_OPINION = Input("opinion", "意见", "lines", hint="退回须写明原因", longest=500)
_REASON = Input("reason", "事由", "lines", required=True, longest=500)
_WHY = Input("reason", "撤销原因", longest=200)


def address(change_id: int | None) -> str:
    """Return where a request's page is."""
    return f"/rosters/changes/{change_id}"


@router.get("")
async def inbox(
    request: Request,
    actor: Asker,
    site: TheSite,
    box: Box | None = None,
    before: Annotated[int | None, Query(ge=1, le=LARGEST_ID)] = None,
) -> Response:
    """List what waits for this reader's decision, what the reader asked for, or everything."""
    chosen = box or ("approve" if actor.may("roster:approve") else "mine")
    async with site.db.read() as session:
        waiting = await waiting_for(session, actor)
        rows: list[Face] = waiting
        if chosen != "approve":
            mine = queries.Mine(actor.name, actor.person_id) if chosen == "mine" else None
            found = await queries.list_changes(
                session, unit_id=actor.unit_id, mine=mine, before=before, limit=_PER_PAGE + 1
            )
            rows = await faces_of(session, actor, found)
    boxes = [one for one in get_args(Box) if one != "approve" or actor.may("roster:approve")]
    return render(
        request,
        "rosters/changes.html",
        rows=rows[:_PER_PAGE] if chosen != "approve" else rows,
        more=rows[_PER_PAGE - 1].row.id if chosen != "approve" and len(rows) > _PER_PAGE else None,
        box=chosen,
        boxes=boxes,
        waiting=len(waiting),
    )


# ── asking ───────────────────────────────────────────────────────────────────────────────────


@router.get("/new")
async def new_form(
    request: Request,
    actor: Asker,
    site: TheSite,
    shift: Annotated[int | None, Query(ge=1, le=LARGEST_ID)] = None,
    kind: ChangeKind = "substitute",
    unit: str = "",
    q: Annotated[str, Query(max_length=50)] = "",
) -> Response:
    """Ask which shift is given away, then to whom or for what."""
    if shift is None:
        return await _chooser(request, actor, site, unit)
    form = Form((), {"once": token_urlsafe(12)})
    return await _new_page(request, actor, site, shift, kind, form, q=q)


async def _chooser(request: Request, actor: Actor, site: Site, unit: str) -> Response:
    now = site.clock.now()
    for_others = actor.may("roster:file")
    async with site.db.read() as session:
        units = await people.list_units(session, only=actor.unit_id, serving=True) if for_others else []
        chosen = next((one for one in units if one.code == unit), units[0] if units else None)
        found = await shifts_to_give(
            session,
            now,
            unit_id=None if chosen is None else chosen.id,
            person_id=actor.person_id,
            until=now + (AHEAD if chosen is None else _SHOWN),
        )
    return render(
        request,
        "rosters/change_choose.html",
        found=found,
        units=units,
        chosen=chosen,
        linked=for_others or actor.person_id is not None,
        days=_SHOWN.days,
    )


async def _new_page(
    request: Request,
    actor: Actor,
    site: Site,
    shift_id: int,
    kind: ChangeKind,
    form: Form,
    status: int = 200,
    *,
    q: str = "",
) -> Response:
    now = site.clock.now()
    async with site.db.read() as session:
        shift = await _shift(session, actor, shift_id)
        given = (await queries.given_shifts(session, [shift_id]))[shift_id]
        part = part_to_give(given.pieces)
        holder_id = given.pieces[0].person_id if len(given.pieces) == 1 else None
        choices: list[Choice] = []
        if kind == "substitute":
            choices = await takers_of(session, site, now, actor, shift, part, q)
        elif holder_id is not None:
            choices = await shifts_in_return(session, site, now, shift, holder_id)
        ids = [one.person_id for one in given.pieces if one.person_id is not None]
        persons = await people.people_by_id(session, [*ids, shift.person_id])
        unit = (await people.units_by_id(session, [shift.unit_id]))[shift.unit_id]
    if kind == "substitute" and not form.faults:
        for name, at in (("from_at", part.since), ("until_at", part.until)):
            form.values.setdefault(name, f"{at.astimezone(site.zone):%Y-%m-%dT%H:%M:%S}".removesuffix(":00"))
    form.inputs = _inputs(kind, choices, site)
    return render(
        request,
        "rosters/change_new.html",
        status,
        form=form,
        shift=shift,
        unit=unit,
        kind=kind,
        pieces=given.pieces,
        persons=persons,
        q=q,
        barred=sum(bool(one.faults or one.giver_faults) for one in choices),
    )


async def _shift(session: Session, actor: Actor, shift_id: int) -> Shift:
    found = await queries.shifts_by_id(session, [shift_id])
    if not found or not actor.sees_unit(found[0].unit_id) or found[0].state != "published":
        raise NotFoundError(f"there is no shift {shift_id}")
    return found[0]


def _inputs(kind: ChangeKind, choices: list[Choice], site: Site) -> list[Input]:
    first = [("", "请选择")]
    if kind == "swap":
        shifts = [(str(one.value), _shift_words(one, site)) for one in choices]
        hint = "换班后双方各值对方的班；请先与对方商定"
        return [
            Input("other_shift", "换哪一班", "choice", required=True, choices=first + shifts, hint=hint),
            _REASON,
            _ONCE,
        ]
    takers = [(str(one.value), _taker_words(one)) for one in choices]
    return [
        Input("person", "代班人", "choice", required=True, choices=first + takers, hint="请先与代班人商定"),
        Input("from_at", "自", "moment", required=True, hint="只代一部分时间的，改这两项"),
        Input("until_at", "至", "moment", required=True),
        _REASON,
        _ONCE,
    ]


def _taker_words(one: Choice) -> str:
    return words.bracketed(one.person.name, _against(one) or one.person.title)


def _against(one: Choice) -> str:
    found = dict.fromkeys([*one.faults, *one.giver_faults])
    return words.listed(say(words.FAULTS[name]) for name in found)


def _shift_words(one: Choice, site: Site) -> str:
    if one.shift is None:
        return one.person.name
    local = one.shift.starts_at.astimezone(site.zone)
    text = say(
        "{day} {time} {seat} {name}",
        day=words.date(local),
        time=f"{local:%H:%M}",
        seat=say(words.SEATS[one.shift.seat]),
        name=one.person.name,
    )
    return words.bracketed(text, _against(one))


@router.post("/new")
async def new(
    request: Request,
    actor: Asker,
    site: TheSite,
    shift: Annotated[int, Query(ge=1, le=LARGEST_ID)],
    kind: ChangeKind = "substitute",
) -> Response:
    """Ask for a substitute or a swap."""
    form = await typed(request, _inputs(kind, [], site))
    form.check_required()
    begins, ends = (
        (form.moment("from_at", site.zone), form.moment("until_at", site.zone))
        if kind == "substitute"
        else (None, None)
    )
    chosen = form.value("person" if kind == "substitute" else "other_shift")
    if chosen and not (chosen.isascii() and chosen.isdigit() and int(chosen) <= LARGEST_ID):
        form.fault("person" if kind == "substitute" else "other_shift", "请选择")
    if form.faults:
        return await _new_page(request, actor, site, shift, kind, form, 422)

    async def work(session: Session) -> str:
        row = await changes.ask(
            session,
            site,
            site.clock.now(),
            actor,
            kind=kind,
            shift_id=shift,
            person_id=int(chosen) if kind == "substitute" else None,
            other_shift_id=int(chosen) if kind == "swap" else None,
            from_at=begins,
            until_at=ends,
            reason=form.value("reason"),
        )
        return str(row.id)

    try:
        return RedirectResponse(
            address(int(await once_only(site, actor.name, form.value("once"), work))), 303
        )
    except DutydeskError as error:
        return await _new_page(request, actor, site, shift, kind, form, form.refused(error))


# ── one request ──────────────────────────────────────────────────────────────────────────────


@router.get("/{change_id}")
async def change(request: Request, change_id: int, actor: Asker, site: TheSite) -> Response:
    """Show a request, what became of it, and what can be done."""
    return await _page(request, change_id, actor, site)


async def _page(
    request: Request,
    change_id: int,
    actor: Actor,
    site: Site,
    *,
    decision: Form | None = None,
    cancelling: Form | None = None,
    status: int = 200,
) -> Response:
    async with site.db.read() as session:
        row = await queries.change(session, change_id, unit_id=actor.unit_id)
        [face] = await faces_of(session, actor, [row])
        shift_ids = [one for one in (row.shift_id, row.other_shift_id) if one is not None]
        given = await queries.given_shifts(session, shift_ids)
        sits = {one.person_id for held in given.values() for one in held.pieces if one.person_id is not None}
        persons = await people.people_by_id(session, sits | set(face.persons))
        steps = await queries.history(session, f"change:{change_id}")
        refused = await changes.refusal_of(session, actor, row) if row.state == "requested" else None
    kept = cancel_refusal(
        actor,
        state=row.state,
        asked_by=row.requested_by,
        asker_id=row.asker_id,
        starts_at=row.from_at,
        now=site.clock.now(),
    )
    # What was refused has no form any more where somebody else was quicker: it is said at the head.
    lost = [decision] if not face.may_decide else []
    lost += [cancelling] if kept is not None else []
    return render(
        request,
        "rosters/change.html",
        status,
        notices=[one for form in lost if form is not None for said in form.faults.values() for one in said],
        face=face,
        row=row,
        given=given,
        persons=persons,
        steps=steps,
        refused=None if refused is None or not actor.may("roster:approve") else said(refused),
        decision=decision or Form((_OPINION,)),
        cancelling=None if kept is not None else cancelling or Form((_WHY,)),
    )


@router.post("/{change_id}/decide")
async def decide(request: Request, change_id: int, actor: Approver, site: TheSite) -> Response:
    """Approve a request or send it back."""
    form = await typed(request, (_OPINION, Input("decision", "", "hidden")))
    verdict = form.value("decision")
    if verdict not in ("approve", "reject"):
        form.fault("", "请选择批准或退回")
        return await _page(request, change_id, actor, site, decision=form, status=422)

    async def work(session: Session) -> None:
        await changes.decide(
            session,
            site,
            site.clock.now(),
            actor,
            change_id,
            approve=verdict == "approve",
            opinion=form.value("opinion"),
        )

    try:
        await site.db.run(work)
    except DutydeskError as error:
        return await _page(request, change_id, actor, site, decision=form, status=form.refused(error))
    return RedirectResponse(address(change_id), 303)


@router.post("/{change_id}/cancel")
async def cancel(request: Request, change_id: int, actor: Asker, site: TheSite) -> Response:
    """Take a request or an approved change back."""
    form = await typed(request, (_WHY,))

    async def work(session: Session) -> None:
        await changes.cancel(session, site, site.clock.now(), actor, change_id, form.value("reason"))

    try:
        await site.db.run(work)
    except DutydeskError as error:
        return await _page(request, change_id, actor, site, cancelling=form, status=form.refused(error))
    return RedirectResponse(address(change_id), 303)

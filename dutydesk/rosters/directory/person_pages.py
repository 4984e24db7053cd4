"""A person's page: what is known of them, their numbers in order, posts and history, and the forms that change them."""

import secrets
from collections.abc import Sequence
from datetime import date

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import BaseModel

from dutydesk.accounts.rules import Actor
from dutydesk.accounts.trail import shown as trail_shown
from dutydesk.db import Session
from dutydesk.errors import DutydeskError
from dutydesk.people import actions, changes
from dutydesk.people import queries as people
from dutydesk.people.actions import NewContact
from dutydesk.people.rules import EMPLOYMENTS, RANKS, ContactKind, Employment, Person, Rank, Unit
from dutydesk.rosters.directory import queries
from dutydesk.rosters.directory.forms import SEEN, as_seen, reason_input, seen_of
from dutydesk.rosters.directory.leaving import leave
from dutydesk.rosters.directory.rules import faults_of
from dutydesk.rosters.directory.shown import (
    Identity,
    Reader,
    Writer,
    failing,
    form_page,
    page,
    person_address,
    seen_person,
    why_failed,
)
from dutydesk.web import words
from dutydesk.web.forms import Form, Input, typed
from dutydesk.web.once import once_only
from dutydesk.web.pages import PageRoute
from dutydesk.web.site import Site, TheSite
from dutydesk.web.texts import Name, Reason, ShortText

router = APIRouter(prefix="/directory", route_class=PageRoute, include_in_schema=False)


class _Person(BaseModel):
    name: Name
    title: ShortText = ""


class _Reasoned(BaseModel):
    reason: Reason


def _inputs(known: Sequence[Unit], *, numbers: bool = False) -> list[Input]:
    units = [(unit.code, unit.name) for unit in known]
    made = [
        Input("name", "姓名", required=True, longest=50),
        Input("unit", "单位", "choice", required=True, choices=[("", "请选择"), *units]),
        Input("title", "职务", hint="例如：副局长、值班员", longest=100),
        Input("rank", "职级", "choice", required=True, choices=[(one, words.RANKS[one]) for one in RANKS]),
        Input(
            "employment",
            "用工性质",
            "choice",
            required=True,
            choices=[(one, words.EMPLOYMENTS[one]) for one in EMPLOYMENTS],
            hint="非在编人员不单独值班，外单位人员不值班",
        ),
        Input("joined_on", "到岗日期", "day", hint="到岗不满三个月的不单独值班"),
        Input("trained_on", "培训日期", "day", hint="完成值班培训的日期"),
    ]
    if numbers:
        made += [
            Input("mobile", "手机", longest=30),
            Input("landline", "固定电话", hint="带区号，例如 022-23301234", longest=30),
        ]
    return made


def _day(form: Form, name: str) -> date | None:
    typed_day = form.value(name)
    if not typed_day:
        return None
    try:
        found = date.fromisoformat(typed_day)
    except ValueError:
        form.fault(name, "日期格式不对，例如 2026-11-23")
        return None
    if not date(1930, 1, 1) <= found <= date(2199, 12, 31):
        form.fault(name, "日期不在合理范围内")
    return found


def _fields(form: Form) -> changes.PersonFields | None:
    """Return what was typed of a person, or None with what is wrong noted."""
    form.check_required()
    rank: Rank | None = next((one for one in RANKS if one == form.value("rank")), None)
    employment: Employment | None = next(
        (one for one in EMPLOYMENTS if one == form.value("employment")), None
    )
    if rank is None:
        form.fault("rank", "请选择")
    if employment is None:
        form.fault("employment", "请选择")
    joined_on, trained_on = _day(form, "joined_on"), _day(form, "trained_on")
    checked = None if form.faults else form.check(_Person, form.values)
    if checked is None or rank is None or employment is None:
        return None
    return changes.PersonFields(
        name=checked.name,
        unit=form.value("unit"),
        title=checked.title,
        rank=rank,
        employment=employment,
        joined_on=joined_on,
        trained_on=trained_on,
    )


@router.get("/people/new")
async def new_form(request: Request, _actor: Writer, site: TheSite, unit: str = "") -> Response:
    """Ask for a person."""
    async with site.db.read() as session:
        known = await people.list_units(session, serving=True)
    values = {
        "unit": unit[:32],
        "rank": "staff",
        "employment": "staff",
        "once": secrets.token_urlsafe(12),
    }
    return _new_page(request, Form(_new_inputs(known), values))


def _new_inputs(known: Sequence[Unit]) -> list[Input]:
    return [*_inputs(known, numbers=True), Input("once", "", "hidden")]


def _new_page(request: Request, form: Form, status: int = 200) -> Response:
    return form_page(
        request,
        form,
        title="新增人员",
        about="通讯录",
        submit="保存",
        back="/directory/people",
        status=status,
        note="号码登记后请核对：本人在电话上输入验证码，或读回验证码。",
    )


@router.post("/people/new")
async def new(request: Request, actor: Writer, site: TheSite) -> Response:
    """Add a person, once for each form that was drawn."""
    async with site.db.read() as session:
        form = await typed(request, _new_inputs(await people.list_units(session, serving=True)))
    fields = _fields(form)
    if fields is None or form.faults:
        return _new_page(request, form, 422)
    kinds: tuple[ContactKind, ...] = ("mobile", "landline")
    given = [kind for kind in kinds if form.value(kind)]

    async def made(session: Session) -> str:
        now = site.clock.now()
        contacts = [NewContact(kind, form.value(kind)) for kind in given]
        person = await actions.create_person(session, now, actor.name, contacts=contacts, **fields)
        return str(person.id)

    try:
        return RedirectResponse(
            person_address(int(await once_only(site, actor.name, form.value("once"), made))), 303
        )
    except DutydeskError as error:
        status = form.refused(error)
        # An action names a contact by its place, the form by its kind.
        for fault in error.faults:
            place = fault.field.split(".")[1:2]
            if place and place[0].isdigit():
                form.faults[given[int(place[0])]] = form.faults.pop("", form.faults.get("address", []))
        return _new_page(request, form, status)


@router.get("/people/{person_id}")
async def person_page(request: Request, person_id: Identity, actor: Reader, site: TheSite) -> Response:
    """Show a person with numbers, posts, what lies ahead, and history."""
    now = site.clock.now()
    async with site.db.read() as session:
        person = await seen_person(session, actor, person_id)
        unit = (await people.units_by_id(session, [person.unit_id]))[person.unit_id]
        points = (await people.all_contacts(session, [person_id])).get(person_id, [])
        failed = await failing(session, now)
        posts = await people.posts_of_person(session, person_id)
        units = await people.units_by_id(session, {row.unit_id for row in posts})
        shared = await queries.shared_mobiles(session, [person_id])
        ahead = await queries.shifts_ahead(session, person_id, now)
        history = await queries.history_of(session, f"person:{person_id}")
    return page(
        request,
        "person.html",
        person=person,
        unit=unit,
        points=points,
        failed={address: why_failed(tried) for address, tried in failed.items()},
        faults=faults_of(person, points, failed, now),
        shared=shared,
        posts=posts,
        units=units,
        ahead=len([row for row in ahead if row.state == "published"]),
        next_shift=next((row for row in ahead if row.state == "published"), None),
        history=[trail_shown(row) for row in history],
    )


@router.get("/people/{person_id}/edit")
async def edit_form(request: Request, person_id: Identity, actor: Writer, site: TheSite) -> Response:
    """Ask what of a person changes."""
    async with site.db.read() as session:
        person = await seen_person(session, actor, person_id)
        known = await people.list_units(session, serving=True)
        own = (await people.units_by_id(session, [person.unit_id]))[person.unit_id]
    values = {
        "name": person.name,
        "unit": own.code,
        "title": person.title,
        "rank": person.rank,
        "employment": person.employment,
        "joined_on": "" if person.joined_on is None else person.joined_on.isoformat(),
        "trained_on": "" if person.trained_on is None else person.trained_on.isoformat(),
        "seen": seen_of(person),
    }
    return _edit_page(request, person, Form([*_inputs(known), SEEN], values))


def _edit_page(request: Request, person: Person, form: Form, status: int = 200) -> Response:
    return form_page(
        request,
        form,
        title="修改人员",
        about=person.name,
        submit="保存",
        back=person_address(person.id),
        status=status,
        note="换单位时，原单位的职务和班次不会自动结束，请另行办理。",
    )


@router.post("/people/{person_id}/edit")
async def edit(request: Request, person_id: Identity, actor: Writer, site: TheSite) -> Response:
    """Change a person, unless somebody else did so meanwhile."""
    async with site.db.read() as session:
        person = await seen_person(session, actor, person_id)
        known = await people.list_units(session, serving=True)
    form = await typed(request, [*_inputs(known), SEEN])
    fields = _fields(form)
    if fields is None or form.faults:
        return _edit_page(request, person, form, 422)

    async def changed(session: Session) -> None:
        as_seen(people.person_fact(await people.locked_person(session, person_id)), form)
        await changes.change_person(session, site.clock.now(), actor.name, person_id, fields)

    try:
        await site.db.run(changed)
    except DutydeskError as error:
        return _edit_page(request, person, form, form.refused(error))
    return RedirectResponse(person_address(person_id), 303)


def _retire_inputs(ahead: int) -> list[Input]:
    made = [reason_input("离任理由", "例如：退休、调离、借调结束")]
    if ahead:
        hint = "空出的班次随即按空缺告警，由排班负责人补排"
        made.append(Input("with_shifts", "同时空出班次", "tick", hint=hint))
    return made


async def _retire_page(
    request: Request, site: Site, actor: Actor, person_id: int, form: Form | None = None, status: int = 200
) -> Response:
    async with site.db.read() as session:
        person = await seen_person(session, actor, person_id)
        unit = (await people.units_by_id(session, [person.unit_id]))[person.unit_id]
        every = await queries.shifts_ahead(session, person_id, site.clock.now())
    ahead = [row for row in every if row.state == "published"]
    inputs = _retire_inputs(len(ahead))
    shown = Form(inputs) if form is None else Form(inputs, form.values, form.faults)
    return page(
        request,
        "leave.html",
        status,
        person=person,
        unit=unit,
        ahead=ahead,
        drafts=len(every) - len(ahead),
        form=shown,
        back=person_address(person_id),
    )


@router.get("/people/{person_id}/retire")
async def retire_form(request: Request, person_id: Identity, actor: Writer, site: TheSite) -> Response:
    """Ask why somebody leaves, and say which shifts they still have."""
    return await _retire_page(request, site, actor, person_id)


@router.post("/people/{person_id}/retire")
async def retire(request: Request, person_id: Identity, actor: Writer, site: TheSite) -> Response:
    """Note that somebody left."""
    form = await typed(request, _retire_inputs(1))
    form.check_required()
    checked = None if form.faults else form.check(_Reasoned, form.values)
    if checked is None:
        return await _retire_page(request, site, actor, person_id, form, 422)

    async def left(session: Session) -> None:
        await leave(
            session,
            site.clock.now(),
            actor.name,
            person_id,
            checked.reason,
            with_shifts=form.ticked("with_shifts"),
        )

    try:
        await site.db.run(left)
    except DutydeskError as error:
        return await _retire_page(request, site, actor, person_id, form, form.refused(error))
    return RedirectResponse(person_address(person_id), 303)


_REINSTATE = (reason_input("恢复理由", "例如：误办离任、返聘"),)


@router.get("/people/{person_id}/reinstate")
async def reinstate_form(request: Request, person_id: Identity, actor: Writer, site: TheSite) -> Response:
    """Ask why somebody comes back."""
    return await _reinstate_page(request, site, actor, person_id, Form(_REINSTATE))


async def _reinstate_page(
    request: Request, site: Site, actor: Actor, person_id: int, form: Form, status: int = 200
) -> Response:
    async with site.db.read() as session:
        person = await seen_person(session, actor, person_id)
        unit = (await people.units_by_id(session, [person.unit_id]))[person.unit_id]
    return form_page(
        request,
        form,
        title="恢复在职",
        about=words.bracketed(person.name, unit.name),
        submit="恢复在职",
        back=person_address(person_id),
        status=status,
        note="离任时结束的任职、空出的班次不会恢复，请另行办理。",
    )


@router.post("/people/{person_id}/reinstate")
async def reinstate(request: Request, person_id: Identity, actor: Writer, site: TheSite) -> Response:
    """Take back that somebody left."""
    form = await typed(request, _REINSTATE)
    form.check_required()
    checked = None if form.faults else form.check(_Reasoned, form.values)
    if checked is None:
        return await _reinstate_page(request, site, actor, person_id, form, 422)

    async def back(session: Session) -> None:
        await changes.reinstate_person(session, site.clock.now(), actor.name, person_id, checked.reason)

    try:
        await site.db.run(back)
    except DutydeskError as error:
        return await _reinstate_page(request, site, actor, person_id, form, form.refused(error))
    return RedirectResponse(person_address(person_id), 303)

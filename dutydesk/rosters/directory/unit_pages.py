"""A unit's page: what is known of it, its people and posts, and the forms that change them."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import BaseModel

from dutydesk.accounts.trail import shown as trail_shown
from dutydesk.db import Session
from dutydesk.errors import DutydeskError
from dutydesk.people import actions, changes
from dutydesk.people import queries as people
from dutydesk.people.rules import DUTY_CLASSES, DutyClass, Unit
from dutydesk.rosters.directory import queries
from dutydesk.rosters.directory.forms import SEEN, as_seen, reason_input, seen_of
from dutydesk.rosters.directory.shown import (
    Reader,
    Writer,
    bad_numbers,
    entries,
    failing,
    form_page,
    page,
    seen_unit,
    unit_address,
)
from dutydesk.web import words
from dutydesk.web.forms import Form, Input, typed
from dutydesk.web.pages import PageRoute
from dutydesk.web.site import TheSite
from dutydesk.web.texts import Code, Reason, Title

router = APIRouter(prefix="/directory", route_class=PageRoute, include_in_schema=False)

Work = Callable[[Session], Awaitable[Any]]


class _Named(BaseModel):
    name: Title


class _Coded(BaseModel):
    code: Code
    name: Title


class _Reasoned(BaseModel):
    reason: Reason


def _inputs(known: Sequence[Unit], unit: Unit | None = None) -> list[Input]:
    """Return the fields of a unit; the desk has nothing above it and is always on post."""
    above = [
        (one.code, one.name)
        for one in known
        if one.retired_at is None and (unit is None or one.id != unit.id)
    ]
    inputs = [
        Input("name", "名称", required=True, longest=200),
        Input("short_name", "简称", hint="短信里用，最多10个字；不填按名称截取", longest=10),
        Input("duty_phone", "值班电话", hint="固定电话带区号，例如 022-23301234", longest=30),
    ]
    if unit is None:
        kinds = [(kind, words.UNIT_KINDS[kind]) for kind in ("subordinate", "division", "desk")]
        inputs.insert(
            0, Input("code", "代码", required=True, hint="字母、数字、横线，建立后不改", longest=32)
        )
        inputs.insert(2, Input("kind", "类别", "choice", required=True, choices=kinds))
    if unit is None or unit.kind != "desk":
        duties = [(one, words.DUTY_CLASSES[one]) for one in DUTY_CLASSES]
        inputs.append(Input("parent", "上级单位", "choice", choices=[("", "无"), *above]))
        inputs.append(Input("duty_class", "值班类别", "choice", required=True, choices=duties))
    return inputs


def _duty_class(form: Form) -> DutyClass:
    found: DutyClass | None = next((one for one in DUTY_CLASSES if one == form.value("duty_class")), None)
    if found is None:
        form.fault("duty_class", "请选择")
    return found or "sensitive"


@router.get("/units/new")
async def new_form(request: Request, _actor: Writer, site: TheSite) -> Response:
    """Ask for a unit."""
    async with site.db.read() as session:
        known = await people.list_units(session, serving=True)
    desk = next((unit.code for unit in known if unit.kind == "desk"), "")
    return _new_page(request, Form(_inputs(known), {"parent": desk, "duty_class": "sensitive"}))


def _new_page(request: Request, form: Form, status: int = 200) -> Response:
    return form_page(
        request,
        form,
        title="新增单位",
        about="通讯录",
        submit="保存",
        back="/directory",
        status=status,
        note="值班类别决定哪些日子须在岗：常年在岗、节假日和敏感时期在岗，或保持通讯畅通。",
    )


@router.post("/units/new")
async def new(request: Request, actor: Writer, site: TheSite) -> Response:
    """Add a unit; its code makes a form that is sent twice one unit."""
    async with site.db.read() as session:
        form = await typed(request, _inputs(await people.list_units(session, serving=True)))
    form.check_required()
    duty_class = _duty_class(form)
    checked = None if form.faults else form.check(_Coded, form.values)
    if checked is None or form.faults:
        if "code" in form.faults and form.value("code"):
            form.faults["code"] = ["以字母或数字开头，只含字母、数字、横线，最多32位"]
        return _new_page(request, form, 422)

    async def made(session: Session) -> None:
        await actions.create_unit(
            session,
            site.clock.now(),
            actor.name,
            code=checked.code,
            name=checked.name,
            kind=next(kind for kind in ("desk", "division", "subordinate") if kind == form.value("kind")),
            parent=form.value("parent") or None,
            duty_phone=form.value("duty_phone") or None,
            short_name=form.value("short_name") or None,
            duty_class=duty_class,
        )

    if form.value("kind") not in words.UNIT_KINDS:
        form.fault("kind", "请选择")
        return _new_page(request, form, 422)
    try:
        await site.db.run(made)
    except DutydeskError as error:
        return _new_page(request, form, form.refused(error))
    return RedirectResponse(f"/directory/units/{checked.code}", 303)


@router.get("/units/{code}")
async def unit_page(request: Request, code: Code, actor: Reader, site: TheSite) -> Response:
    """Show a unit with its people, posts, failing numbers and history."""
    now = site.clock.now()
    async with site.db.read() as session:
        unit = await seen_unit(session, actor, code)
        above = await people.units_by_id(session, [unit.parent_id] if unit.parent_id else [])
        failed = await failing(session, now)
        shown = await entries(
            session, await people.list_people(session, unit_id=unit.id, serving=True), now, failed
        )
        posts = await queries.posts_of_unit(session, unit.id)
        holders = await people.people_by_id(session, {row.person_id for row in posts})
        history = await queries.history_of(session, f"unit:{unit.code}")
        late, _, until = await queries.unreachable_tonight(session, site, now, unit.id)
        below = await queries.units_below(session, unit.id) if actor.role != "unit" else []
    return page(
        request,
        "unit.html",
        unit=unit,
        above=above.get(unit.parent_id or 0),
        below=below,
        shown=shown,
        posts=[row for row in posts if row.until_at is None or row.until_at > now],
        former=[row for row in posts if row.until_at is not None and row.until_at <= now],
        holders=holders,
        bad=bad_numbers(shown, failed),
        tonight=len(late),
        until=until,
        history=[trail_shown(row) for row in history],
    )


@router.get("/units/{code}/edit")
async def edit_form(request: Request, code: Code, actor: Writer, site: TheSite) -> Response:
    """Ask what of a unit changes."""
    async with site.db.read() as session:
        unit = await seen_unit(session, actor, code)
        known = await people.list_units(session)
    codes = {one.id: one.code for one in known}
    values = {
        "name": unit.name,
        "short_name": unit.short_name,
        "duty_phone": unit.duty_phone or "",
        "parent": codes.get(unit.parent_id or 0, ""),
        "duty_class": unit.duty_class,
        "seen": seen_of(unit),
    }
    return _edit_page(request, unit, Form([*_inputs(known, unit), SEEN], values))


def _edit_page(request: Request, unit: Unit, form: Form, status: int = 200) -> Response:
    return form_page(
        request,
        form,
        title="修改单位",
        about=f"{unit.code} {unit.name}",
        submit="保存",
        back=unit_address(unit),
        status=status,
    )


@router.post("/units/{code}/edit")
async def edit(request: Request, code: Code, actor: Writer, site: TheSite) -> Response:
    """Change a unit, unless somebody else did so meanwhile."""
    async with site.db.read() as session:
        unit = await seen_unit(session, actor, code)
        known = await people.list_units(session)
    form = await typed(request, [*_inputs(known, unit), SEEN])
    form.check_required()
    checked = None if form.faults else form.check(_Named, form.values)
    duty_class = "always" if unit.kind == "desk" else _duty_class(form)
    if checked is None or form.faults:
        return _edit_page(request, unit, form, 422)
    fields = changes.UnitFields(
        name=checked.name,
        short_name=form.value("short_name"),
        duty_phone=form.value("duty_phone") or None,
        duty_class=duty_class,
    )
    if unit.kind != "desk":
        fields["parent"] = form.value("parent") or None

    async def changed(session: Session) -> None:
        as_seen(people.unit_fact(await people.locked_unit(session, unit.id)), form)
        await changes.change_unit(session, site.clock.now(), actor.name, unit.id, fields)

    try:
        await site.db.run(changed)
    except DutydeskError as error:
        return _edit_page(request, unit, form, form.refused(error))
    return RedirectResponse(unit_address(unit), 303)


_RETIRE = (reason_input("撤销理由", "例如：机构调整，职责并入服务中心"),)


@router.get("/units/{code}/retire")
async def retire_form(request: Request, code: Code, actor: Writer, site: TheSite) -> Response:
    """Ask why a unit is retired."""
    async with site.db.read() as session:
        unit = await seen_unit(session, actor, code)
    return _retire_page(request, unit, Form(_RETIRE))


def _retire_page(request: Request, unit: Unit, form: Form, status: int = 200) -> Response:
    return form_page(
        request,
        form,
        title="撤销单位",
        about=f"{unit.code} {unit.name}",
        submit="撤销单位",
        back=unit_address(unit),
        status=status,
        note="记录全部保留，不再供选择，任职随即结束。人员和下级单位须先转出或离任。",
        grave=True,
    )


@router.post("/units/{code}/retire")
async def retire(request: Request, code: Code, actor: Writer, site: TheSite) -> Response:
    """Retire a unit."""
    async with site.db.read() as session:
        unit = await seen_unit(session, actor, code)
    form = await typed(request, _RETIRE)
    form.check_required()
    checked = None if form.faults else form.check(_Reasoned, form.values)
    if checked is None:
        return _retire_page(request, unit, form, 422)

    async def retired(session: Session) -> None:
        await changes.retire_unit(session, site.clock.now(), actor.name, unit.id, checked.reason)

    try:
        await site.db.run(retired)
    except DutydeskError as error:
        return _retire_page(request, unit, form, form.refused(error))
    return RedirectResponse(unit_address(unit), 303)

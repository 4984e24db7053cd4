"""Posts: who holds which of a unit, from when until when."""

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from dutydesk.db import Session
from dutydesk.errors import DutydeskError
from dutydesk.people import actions, changes
from dutydesk.people import queries as people
from dutydesk.people.rules import POSTS, Unit
from dutydesk.rosters.directory.rules import posts_of_ladders
from dutydesk.rosters.directory.shown import Identity, Writer, form_page, seen_unit, unit_address
from dutydesk.web import words
from dutydesk.web.forms import Form, Input, typed
from dutydesk.web.pages import PageRoute
from dutydesk.web.site import Site, TheSite
from dutydesk.web.texts import Code

router = APIRouter(prefix="/directory", route_class=PageRoute, include_in_schema=False)


async def _post_inputs(session: Session, site: Site, unit: Unit) -> list[Input]:
    """The unit's own people come first: a post is hardly ever held by somebody of another one."""
    units = {one.id: one for one in await people.list_units(session)}
    everybody = await people.list_people(session, serving=True)
    everybody.sort(key=lambda one: (one.unit_id != unit.id, one.unit_id, one.id))
    persons = [
        (
            str(one.id),
            words.bracketed(one.name, "" if one.unit_id == unit.id else units[one.unit_id].short_name),
        )
        for one in everybody
    ]
    named = sorted({role for _, role in posts_of_ladders(site.rulebook.ladders.values())} - set(POSTS))
    posts = [(name, words.POSTS.get(name, name)) for name in (*POSTS, *named)]
    return [
        Input("post", "职务", "choice", required=True, choices=[("", "请选择"), *posts]),
        Input("person", "人员", "choice", required=True, choices=[("", "请选择"), *persons]),
        Input("from", "开始", "moment", required=True),
        Input("until", "结束", "moment", hint="不填为长期"),
    ]


@router.get("/units/{code}/posts/new")
async def post_form(request: Request, code: Code, actor: Writer, site: TheSite) -> Response:
    """Ask who gets which post."""
    async with site.db.read() as session:
        unit = await seen_unit(session, actor, code)
        inputs = await _post_inputs(session, site, unit)
    now = site.clock.now().astimezone(site.zone).replace(second=0, microsecond=0)
    values = {"from": f"{now:%Y-%m-%dT%H:%M}"}
    return _post_page(request, unit, Form(inputs, values))


def _post_page(request: Request, unit: Unit, form: Form, status: int = 200) -> Response:
    return form_page(
        request,
        form,
        title="任职",
        about=unit.name,
        submit="保存",
        back=unit_address(unit),
        status=status,
        note="主要负责人、总带班、办公室主任在逾期未报时被叫应；排班负责人接到值班表空缺和号码异常。",
    )


@router.post("/units/{code}/posts/new")
async def give_post(request: Request, code: Code, actor: Writer, site: TheSite) -> Response:
    """Give somebody a post."""
    async with site.db.read() as session:
        unit = await seen_unit(session, actor, code)
        inputs = await _post_inputs(session, site, unit)
    form = await typed(request, inputs)
    form.check_required()
    for one in inputs[:2]:
        if form.value(one.name) not in {value for value, _ in one.choices}:
            form.fault(one.name, "请选择")
    since, until = form.moment("from", site.zone), form.moment("until", site.zone)
    if form.faults or since is None:
        return _post_page(request, unit, form, 422)

    async def given(session: Session) -> None:
        await actions.give_post(
            session,
            site.clock.now(),
            actor.name,
            unit=unit.code,
            post=form.value("post"),
            person=int(form.value("person")),
            from_at=since,
            until_at=until,
        )

    try:
        await site.db.run(given)
    except DutydeskError as error:
        return _post_page(request, unit, form, form.refused(error))
    return RedirectResponse(f"{unit_address(unit)}#posts", 303)


_END = (Input("until", "结束时间", "moment", required=True, hint="默认为现在"),)


@router.get("/posts/{post_id}/end")
async def end_form(request: Request, post_id: Identity, _actor: Writer, site: TheSite) -> Response:
    """Ask when a post ends."""
    now = site.clock.now().astimezone(site.zone)
    return await _end_page(request, site, post_id, Form(_END, {"until": f"{now:%Y-%m-%dT%H:%M}"}))


async def _end_page(request: Request, site: Site, post_id: int, form: Form, status: int = 200) -> Response:
    async with site.db.read() as session:
        row = await people.stored_post(session, post_id)
        unit = (await people.units_by_id(session, [row.unit_id]))[row.unit_id]
        person = await people.person(session, row.person_id)
    return form_page(
        request,
        form,
        title="结束任职",
        about=f"{unit.name} {words.POSTS.get(row.post, row.post)} {person.name}",
        submit="保存",
        back=f"{unit_address(unit)}#posts",
        status=status,
        note="结束后不再按这一职务叫应。",
    )


@router.post("/posts/{post_id}/end")
async def end_post(request: Request, post_id: Identity, actor: Writer, site: TheSite) -> Response:
    """End a post."""
    form = await typed(request, _END)
    form.check_required()
    until = form.moment("until", site.zone)
    if form.faults or until is None:
        return await _end_page(request, site, post_id, form, 422)

    async def ended(session: Session) -> int:
        row = await changes.end_post(session, site.clock.now(), actor.name, post_id, until)
        return row.unit_id

    try:
        unit_id = await site.db.run(ended)
    except DutydeskError as error:
        return await _end_page(request, site, post_id, form, form.refused(error))
    async with site.db.read() as session:
        unit = (await people.units_by_id(session, [unit_id]))[unit_id]
    return RedirectResponse(f"{unit_address(unit)}#posts", 303)

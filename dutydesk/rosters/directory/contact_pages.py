"""The numbers on a person's page: added, moved, disabled with a reason, enabled again."""

from typing import Literal

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import BaseModel

from dutydesk.accounts.rules import Actor
from dutydesk.db import Session
from dutydesk.errors import DutydeskError
from dutydesk.people import actions, contacts
from dutydesk.people import queries as people
from dutydesk.people.numbers import shown_address
from dutydesk.people.rules import ContactKind
from dutydesk.rosters.directory.forms import reason_input
from dutydesk.rosters.directory.reasons import disabling_reason
from dutydesk.rosters.directory.shown import Identity, Writer, form_page, person_address, seen_person
from dutydesk.web import words
from dutydesk.web.forms import Form, Input, typed
from dutydesk.web.pages import PageRoute, shown_number
from dutydesk.web.site import Site, TheSite
from dutydesk.web.texts import Reason

router = APIRouter(prefix="/directory", route_class=PageRoute, include_in_schema=False)

_KINDS: tuple[ContactKind, ...] = ("mobile", "landline", "email")
_ADD = (
    Input(
        "kind",
        "种类",
        "choice",
        required=True,
        choices=[(kind, words.CONTACT_KINDS[kind]) for kind in _KINDS],
        hint="短信只发往手机",
    ),
    Input("address", "号码", required=True, hint="固定电话带区号，例如 022-23301234", longest=254),
)
# The last one retires a number: it belongs to somebody else from then on.
_WHY = ("号码有误", "长期打不通", "本人更换号码", "本人要求停用", "号码已注销")
_DISABLE = (
    Input(
        "why", "停用原因", "choice", required=True, choices=[("", "请选择"), *((one, one) for one in _WHY)]
    ),
    Input("reason", "说明", hint="可不填", longest=200),
)
_ENABLE = (reason_input("启用理由", "例如：本人已恢复该号码"),)


class _Reasoned(BaseModel):
    reason: Reason


@router.get("/people/{person_id}/contacts/new")
async def add_form(request: Request, person_id: Identity, actor: Writer, site: TheSite) -> Response:
    """Ask for a number."""
    return await _add_page(request, site, actor, person_id, Form(_ADD, {"kind": "mobile"}))


async def _add_page(
    request: Request, site: Site, actor: Actor, person_id: int, form: Form, status: int = 200
) -> Response:
    async with site.db.read() as session:
        person = await seen_person(session, actor, person_id)
    return form_page(
        request,
        form,
        title="增加号码",
        about=person.name,
        submit="保存",
        back=person_address(person_id),
        status=status,
        note="新号码排在最后，登记后请核对。",
    )


@router.post("/people/{person_id}/contacts/new")
async def add(request: Request, person_id: Identity, actor: Writer, site: TheSite) -> Response:
    """Add a number; a form that is sent twice adds it once."""
    form = await typed(request, _ADD)
    form.check_required()
    kind = next((one for one in _KINDS if one == form.value("kind")), None)
    if kind is None:
        form.fault("kind", "请选择")
    if form.faults or kind is None:
        return await _add_page(request, site, actor, person_id, form, 422)

    async def added(session: Session) -> None:
        await contacts.add_contact(
            session, site.clock.now(), actor.name, person_id, kind, form.value("address")
        )

    try:
        await site.db.run(added)
    except DutydeskError as error:
        return await _add_page(request, site, actor, person_id, form, form.refused(error))
    return RedirectResponse(f"{person_address(person_id)}#numbers", 303)


@router.post("/contacts/{contact_id}/move/{way}")
async def move(contact_id: Identity, way: Literal["up", "down"], actor: Writer, site: TheSite) -> Response:
    """Try a number earlier or later."""

    async def moved(session: Session) -> int:
        point = await people.contact(session, contact_id)
        points = (await people.all_contacts(session, [point.person_id]))[point.person_id]
        place = [one.id for one in points].index(contact_id) + (-1 if way == "up" else 1)
        await contacts.place_contact(session, site.clock.now(), actor.name, contact_id, max(0, place))
        return point.person_id

    person_id = await site.db.run(moved)
    return RedirectResponse(f"{person_address(person_id)}#numbers", 303)


async def _page(
    request: Request,
    site: Site,
    actor: Actor,
    contact_id: int,
    form: Form,
    *,
    enable: bool,
    status: int = 200,
) -> Response:
    async with site.db.read() as session:
        point = await people.contact(session, contact_id)
        person = await seen_person(session, actor, point.person_id)
    masked = not actor.may("numbers:read")
    number = shown_address(point, masked=masked)
    return form_page(
        request,
        form,
        title="启用号码" if enable else "停用号码",
        about=f"{person.name} {number if point.kind == 'email' or masked else shown_number(number)}",
        submit="启用" if enable else "停用",
        back=f"{person_address(person.id)}#numbers",
        status=status,
        note="启用后须重新核对。" if enable else "停用的号码不再拨打，记录保留；以后可重新启用。",
        grave=not enable,
    )


@router.get("/contacts/{contact_id}/disable")
async def disable_form(request: Request, contact_id: Identity, actor: Writer, site: TheSite) -> Response:
    """Ask why a number is not used any more."""
    return await _page(request, site, actor, contact_id, Form(_DISABLE), enable=False)


@router.post("/contacts/{contact_id}/disable")
async def disable(request: Request, contact_id: Identity, actor: Writer, site: TheSite) -> Response:
    """Stop using a number."""
    form = await typed(request, _DISABLE)
    form.check_required()
    if form.value("why") not in _WHY:
        form.fault("why", "请选择")
    reason = disabling_reason(form.value("why"), form.value("reason"))
    checked = None if form.faults else form.check(_Reasoned, {"reason": reason})
    if checked is None:
        return await _page(request, site, actor, contact_id, form, enable=False, status=422)

    async def disabled(session: Session) -> int:
        point = await actions.disable_contact(
            session, site.clock.now(), actor.name, contact_id, checked.reason
        )
        return point.person_id

    person_id = await site.db.run(disabled)
    return RedirectResponse(f"{person_address(person_id)}#numbers", 303)


@router.get("/contacts/{contact_id}/enable")
async def enable_form(request: Request, contact_id: Identity, actor: Writer, site: TheSite) -> Response:
    """Ask why a number is used again."""
    return await _page(request, site, actor, contact_id, Form(_ENABLE), enable=True)


@router.post("/contacts/{contact_id}/enable")
async def enable(request: Request, contact_id: Identity, actor: Writer, site: TheSite) -> Response:
    """Use a number again."""
    form = await typed(request, _ENABLE)
    form.check_required()
    checked = None if form.faults else form.check(_Reasoned, form.values)
    if checked is None:
        return await _page(request, site, actor, contact_id, form, enable=True, status=422)

    async def enabled(session: Session) -> int:
        point = await contacts.enable_contact(
            session, site.clock.now(), actor.name, contact_id, checked.reason
        )
        return point.person_id

    try:
        person_id = await site.db.run(enabled)
    except DutydeskError as error:
        return await _page(request, site, actor, contact_id, form, enable=True, status=form.refused(error))
    return RedirectResponse(f"{person_address(person_id)}#numbers", 303)

"""One's own turns (confirm, sign in), and the desk's list of who comes and who is there (到岗签到)."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from fastapi.responses import RedirectResponse

from dutydesk.accounts.permissions import allow_page
from dutydesk.accounts.rules import Actor
from dutydesk.db import Session
from dutydesk.errors import ConflictError, DutydeskError, NotFoundError
from dutydesk.people.lists import LARGEST_ID
from dutydesk.people.queries import list_units
from dutydesk.rosters.keeping import attendance, reminders, turns
from dutydesk.rosters.keeping.queries import locked_shift
from dutydesk.rosters.model import Shift
from dutydesk.rosters.queries import stored_shift
from dutydesk.web import words
from dutydesk.web.forms import Form, Input, typed
from dutydesk.web.pages import PageRoute, render
from dutydesk.web.site import Site, TheSite

router = APIRouter(prefix="/rosters", route_class=PageRoute, include_in_schema=False)

Asker = Annotated[Actor, Depends(allow_page("roster:ask"))]
Reader = Annotated[Actor, Depends(allow_page("roster:read"))]
UnitId = Annotated[int, Query(ge=0, le=LARGEST_ID)]
ShiftId = Annotated[int, Path(ge=1, le=LARGEST_ID)]
Desk = Annotated[Actor, Depends(allow_page("desk:use"))]

_CODE = Input("code", "到岗码", required=True, hint="值班室屏幕上的六位数字，每分钟更换", longest=10)
_BY_HAND = (
    Input("at", "到岗时间", "moment", hint="不填即为现在"),
    Input("note", "原因", required=True, hint="例如：本人来电，已核实在岗", longest=200),
)
_HOW = (Input("how", "怎样确认的", required=True, hint="例如：电话问过本人", longest=200),)


# ── one's own ────────────────────────────────────────────────────────────────────────────────


@router.get("/mine")
async def mine(request: Request, actor: Asker, site: TheSite) -> Response:
    """Show one's own turns."""
    return await _mine(request, actor, site)


async def _mine(
    request: Request, actor: Actor, site: Site, form: Form | None = None, at: int = 0, status: int = 200
) -> Response:
    now = site.clock.now()
    async with site.db.read() as session:
        found = (
            turns.Mine((), ())
            if actor.person_id is None
            else await turns.turns_of(session, site, now, actor.person_id)
        )
    return render(
        request,
        "rosters/mine.html",
        status,
        mine=found,
        linked=actor.person_id is not None,
        form=form or Form([_CODE]),
        failed=at,
    )


def _own(actor: Actor) -> int:
    if actor.person_id is None:
        message = "这个账号没有关联通讯录中的人员，请管理员先关联"
        raise ConflictError(message)
    return actor.person_id


@router.post("/mine/{shift_id}/confirm")
async def confirm(shift_id: ShiftId, actor: Asker, site: TheSite) -> Response:
    """Say that one knows of a turn; it ends one's calls for it."""
    person_id = _own(actor)

    async def work(session: Session) -> None:
        shift = await stored_shift(session, shift_id)
        await reminders.confirm(session, site.clock.now(), actor, shift, person_id)

    await site.db.run(work)
    return RedirectResponse("/rosters/mine", 303)


@router.post("/mine/{shift_id}/sign-in")
async def sign_in(request: Request, shift_id: ShiftId, actor: Asker, site: TheSite) -> Response:
    """Sign in for one's own turn by the code that the duty room shows."""
    _own(actor)
    form = await typed(request, [_CODE])
    now = site.clock.now()

    async def work(session: Session) -> None:
        await attendance.sign_in(session, site, now, actor, shift_id, how="code")

    try:
        await attendance.check_code(site, now, actor, form.value("code"))
        await site.db.run(work)
    except DutydeskError as error:
        return await _mine(request, actor, site, form, shift_id, form.refused(error))
    return RedirectResponse("/rosters/mine", 303)


# ── the desk's list ──────────────────────────────────────────────────────────────────────────


@router.get("/attendance")
async def near(request: Request, actor: Reader, site: TheSite, unit: UnitId | None = None) -> Response:
    """Show who sits now and who comes within a day, whether they confirmed and signed in: first of all at the desk."""
    now = site.clock.now()
    own = actor.unit_id if actor.role == "unit" else None
    async with site.db.read() as session:
        units = await list_units(session, only=own, serving=True)
        desk = next((one.id for one in units if one.kind == "desk"), None)
        chosen = own or (desk if unit is None else unit) or 0
        found = await turns.turns_near(session, site, now, chosen or None)
    code = attendance.present_code(site, now) if actor.may("desk:use") else ""
    return render(request, "rosters/attendance.html", lines=found, units=units, chosen=chosen, code=code)


async def _shift(site: Site, shift_id: int) -> Shift:
    async with site.db.read() as session:
        return await stored_shift(session, shift_id)


@router.post("/attendance/{shift_id}/sign-in")
async def at_the_desk(shift_id: ShiftId, actor: Desk, site: TheSite) -> Response:
    """Sign in whoever stands at the desk."""

    async def work(session: Session) -> None:
        await attendance.sign_in(session, site, site.clock.now(), actor, shift_id, how="desk")

    await site.db.run(work)
    return RedirectResponse("/rosters/attendance", 303)


@router.get("/attendance/{shift_id}/by-hand")
async def ask_by_hand(request: Request, shift_id: ShiftId, _actor: Desk, site: TheSite) -> Response:
    """Ask when somebody came, and how one knows."""
    shift = await _shift(site, shift_id)
    return await _form_page(request, site, shift, Form(_BY_HAND), "补登到岗签到", "登记签到")


@router.post("/attendance/{shift_id}/by-hand")
async def by_hand(request: Request, shift_id: ShiftId, actor: Desk, site: TheSite) -> Response:
    """Note by hand that somebody is there."""
    form = await typed(request, _BY_HAND)
    form.check_required()
    at = form.moment("at", site.zone)

    async def work(session: Session) -> None:
        await attendance.sign_in(
            session,
            site,
            site.clock.now(),
            actor,
            shift_id,
            how="by_hand",
            at=at,
            note=form.value("note"),
        )

    return await _do(request, site, shift_id, form, work, "补登到岗签到", "登记签到")


@router.get("/attendance/{shift_id}/confirm")
async def ask_confirm(request: Request, shift_id: ShiftId, _actor: Desk, site: TheSite) -> Response:
    """Ask how somebody confirmed."""
    shift = await _shift(site, shift_id)
    return await _form_page(request, site, shift, Form(_HOW), "人工登记确认", "登记确认")


@router.post("/attendance/{shift_id}/confirm")
async def confirm_by_hand(request: Request, shift_id: ShiftId, actor: Desk, site: TheSite) -> Response:
    """Note by hand that somebody knows of their turn."""
    form = await typed(request, _HOW)
    form.check_required()

    async def work(session: Session) -> None:
        now = site.clock.now()
        shift = await locked_shift(session, shift_id)
        if shift is None:
            message = f"there is no shift {shift_id}"
            raise NotFoundError(message)
        line = await turns.turn_on(session, site, now, shift)
        if line.person is None:
            message = "这个席位目前无人，请先安排人员"
            raise ConflictError(message)
        await reminders.confirm(
            session,
            now,
            actor,
            shift,
            line.person.id,
            kind="by_hand",
            how=form.value("how"),
            who=line.person.name,
        )

    return await _do(request, site, shift_id, form, work, "人工登记确认", "登记确认")


async def _do(
    request: Request,
    site: Site,
    shift_id: int,
    form: Form,
    work: Callable[[Session], Awaitable[Any]],
    title: str,
    submit: str,
) -> Response:
    status = 422
    if not form.faults:
        try:
            await site.db.run(work)
        except DutydeskError as error:
            status = form.refused(error)
        else:
            return RedirectResponse("/rosters/attendance", 303)
    return await _form_page(request, site, await _shift(site, shift_id), form, title, submit, status)


async def _form_page(
    request: Request, site: Site, shift: Shift, form: Form, title: str, submit: str, status: int = 200
) -> Response:
    async with site.db.read() as session:
        line = await turns.turn_on(session, site, site.clock.now(), shift)
    name = "" if line.person is None else line.person.name
    local = shift.starts_at.astimezone(site.zone)
    about = f"{line.unit.name} {words.SEATS[shift.seat]} {name} {local:%Y-%m-%d %H:%M}"
    return render(
        request,
        "rosters/turn_form.html",
        status,
        title=title,
        about=about,
        form=form,
        submit=submit,
        back="/rosters/attendance",
    )

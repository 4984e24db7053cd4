"""Rotations of a unit: made, changed, ended; their members added, put in order, taken out."""

from datetime import date, timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import RedirectResponse

from dutydesk.accounts.permissions import allow_page
from dutydesk.accounts.rules import Actor
from dutydesk.calendars.rules import DAY_CLASSES, DayClass
from dutydesk.db import Session
from dutydesk.errors import ConflictError, DutydeskError, InvalidInputError
from dutydesk.people.queries import id_of
from dutydesk.people.rules import Unit
from dutydesk.rosters.model import Rotation
from dutydesk.rosters.planning import rotations
from dutydesk.rosters.planning import setup_queries as queries
from dutydesk.rosters.planning.setup_views import rotation_view
from dutydesk.rosters.rules import SEATS, Seat
from dutydesk.rosters.view_queries import visible
from dutydesk.web import words
from dutydesk.web.forms import Form, Input, typed
from dutydesk.web.pages import PageRoute, render
from dutydesk.web.site import Site, TheSite

router = APIRouter(prefix="/rosters/setup", route_class=PageRoute, include_in_schema=False)

Filer = Annotated[Actor, Depends(allow_page("roster:file"))]

_ONE_DAY = timedelta(days=1)
_FLAGS = (
    Input("pairs_weekend", "休息日连排", "tick", hint="连续的休息日由同一人值班，算一次轮值"),
    Input("pays_back", "代班后还班", "tick", hint="本人不能值班时由他人代，下次轮到代班人时由本人还班"),
)
_CLASSES = tuple(Input(f"class_{one}", words.DAY_CLASSES[one], "tick") for one in DAY_CLASSES)
_NAME = Input("name", "名称", required=True, hint="如：带班领导", longest=30)


def _inputs(*, seat: bool) -> list[Input]:
    choice = Input(
        "seat",
        "席位",
        "choice",
        required=True,
        choices=[("", "请选择"), *((one, words.SEATS[one]) for one in SEATS)],
    )
    return [*([choice] if seat else []), _NAME, *_CLASSES, *_FLAGS]


def _classes(form: Form) -> list[DayClass]:
    return [one for one in DAY_CLASSES if form.ticked(f"class_{one}")]


@router.get("/{unit}/rotations/new")
async def new_form(
    request: Request,
    unit: str,
    actor: Filer,
    site: TheSite,
    seat: Annotated[str, Query(max_length=30)] = "",
) -> Response:
    """Ask for a rotation."""
    async with site.db.read() as session:
        found = await visible(session, actor, unit)
    values = {f"class_{one}": "yes" for one in DAY_CLASSES} | {"pays_back": "yes", "seat": seat}
    if seat in SEATS:
        values["name"] = words.SEATS[seat]
    return _form_page(request, found, None, Form(_inputs(seat=True), values))


def _form_page(request: Request, unit: Unit, row: Rotation | None, form: Form, status: int = 200) -> Response:
    return render(
        request,
        "rosters/rotation_form.html",
        status,
        unit=unit,
        row=row,
        form=form,
        inputs={one.name: one for one in form.inputs},
        classes=DAY_CLASSES,
        back=f"/rosters/setup/{unit.code}" + (f"/rotations/{row.id}" if row is not None else ""),
    )


@router.post("/{unit}/rotations/new")
async def new(request: Request, unit: str, actor: Filer, site: TheSite) -> Response:
    """Make a rotation and go on to its members."""
    async with site.db.read() as session:
        found = await visible(session, actor, unit)
    form = await typed(request, _inputs(seat=True))
    form.check_required()
    seat: Seat | None = next((one for one in SEATS if one == form.value("seat")), None)
    if seat is None:
        form.fault("seat", "请选择")
    if form.faults or seat is None:
        return _form_page(request, found, None, form, 422)

    async def work(session: Session) -> int:
        made = await rotations.begin_rotation(
            session,
            site,
            site.clock.now(),
            actor.name,
            found,
            seat=seat,
            name=form.value("name"),
            day_classes=_classes(form),
            pairs_weekend=form.ticked("pairs_weekend"),
            pays_back=form.ticked("pays_back"),
        )
        return id_of(made.id)

    try:
        made = await site.db.run(work)
    except InvalidInputError as error:
        return _form_page(request, found, None, form, form.refused(error))
    return RedirectResponse(f"/rosters/setup/{found.code}/rotations/{made}", 303)


@router.get("/{unit}/rotations/{rotation_id}")
async def show(request: Request, unit: str, rotation_id: int, actor: Filer, site: TheSite) -> Response:
    """Show a rotation with its members in order."""
    return await _page(request, unit, rotation_id, actor, site)


def _joining(persons: list[tuple[str, str]], today: date) -> tuple[list[Input], dict[str, str]]:
    inputs = [
        Input("person", "人员", "choice", required=True, choices=[("", "请选择"), *persons]),
        Input("joined_on", "加入日期", "day", required=True, hint="从这一天起参加轮值，排在最后"),
    ]
    return inputs, {"joined_on": today.isoformat()}


async def _page(
    request: Request,
    unit: str,
    rotation_id: int,
    actor: Actor,
    site: Site,
    form: Form | None = None,
    status: int = 200,
    wrong: str = "",
) -> Response:
    today = site.clock.now().astimezone(site.zone).date()
    async with site.db.read() as session:
        found = await visible(session, actor, unit)
        row = await rotations.of_unit(session, found, rotation_id)
        view = await rotation_view(session, row, today)
        persons = await _choices(session, found, actor, {one.person.id for one in view.members})
    inputs, values = _joining(persons, today)
    return render(
        request,
        "rosters/rotation.html",
        422 if wrong else status,
        unit=found,
        view=view,
        form=form or Form(inputs, values),
        wrong=wrong,
        today=today,
        tomorrow=today + _ONE_DAY,
    )


async def _choices(session: Session, unit: Unit, actor: Actor, members: set[int]) -> list[tuple[str, str]]:
    """A unit contact chooses among the unit's own people; the office also among the bureau's leaders."""
    own, leaders = await queries.people_to_join(session, unit.id, own_only=actor.role == "unit")
    return [
        (str(one.id), words.bracketed(one.name, one.title))
        for one in [*own, *leaders]
        if one.id not in members
    ]


@router.post("/{unit}/rotations/{rotation_id}/members")
async def join(request: Request, unit: str, rotation_id: int, actor: Filer, site: TheSite) -> Response:
    """Add somebody at the end of the order."""
    async with site.db.read() as session:
        found = await visible(session, actor, unit)
        persons = await _choices(session, found, actor, set())
    form = await typed(request, _joining(persons, date.min)[0])
    form.check_required()
    person = form.value("person")
    if not form.faults and not (person.isascii() and person.isdigit() and len(person) < 10):
        form.fault("person", "请选择")
    joined_on = _day(form, "joined_on")
    if form.faults or joined_on is None:
        return await _page(request, unit, rotation_id, actor, site, form, 422)

    async def work(session: Session) -> None:
        await rotations.join(
            session,
            site.clock.now(),
            actor.name,
            found,
            rotation_id,
            person_id=int(person),
            joined_on=joined_on,
            own_only=actor.role == "unit",
        )

    try:
        await site.db.run(work)
    except (InvalidInputError, ConflictError) as error:
        return await _page(request, unit, rotation_id, actor, site, form, form.refused(error))
    return RedirectResponse(f"/rosters/setup/{found.code}/rotations/{rotation_id}#members", 303)


def _day(form: Form, name: str) -> date | None:
    try:
        return date.fromisoformat(form.value(name))
    except ValueError:
        form.fault(name, "日期格式不对")
        return None


@router.post("/{unit}/rotations/{rotation_id}/members/{member_id}/leave")
async def leave(
    request: Request, unit: str, rotation_id: int, member_id: int, actor: Filer, site: TheSite
) -> Response:
    """Take somebody out of the order from a day on."""
    async with site.db.read() as session:
        found = await visible(session, actor, unit)
    form = await typed(request, [Input("left_on", "退出日期", "day", required=True)])
    left_on = _day(form, "left_on")
    if left_on is None:
        return await _page(request, unit, rotation_id, actor, site, wrong="日期格式不对")

    async def work(session: Session) -> None:
        await rotations.leave(session, site.clock.now(), actor.name, found, rotation_id, member_id, left_on)

    try:
        await site.db.run(work)
    except (InvalidInputError, ConflictError) as error:
        return await _page(request, unit, rotation_id, actor, site, wrong=error.detail)
    return RedirectResponse(f"/rosters/setup/{found.code}/rotations/{rotation_id}#members", 303)


@router.post("/{unit}/rotations/{rotation_id}/order")
async def order(request: Request, unit: str, rotation_id: int, actor: Filer, site: TheSite) -> Response:
    """Move a member one place up or down: the form names the whole new order, so that nothing moves twice."""
    async with site.db.read() as session:
        found = await visible(session, actor, unit)
    form = await typed(request, [Input("order", "", "hidden")])
    ids = [
        int(one)
        for one in form.value("order").split(",")
        if one.isascii() and one.isdigit() and len(one) < 10
    ]

    async def work(session: Session) -> None:
        await rotations.reorder(session, site.clock.now(), actor.name, found, rotation_id, ids)

    await site.db.run(work)
    return RedirectResponse(f"/rosters/setup/{found.code}/rotations/{rotation_id}#members", 303)


@router.get("/{unit}/rotations/{rotation_id}/edit")
async def edit_form(request: Request, unit: str, rotation_id: int, actor: Filer, site: TheSite) -> Response:
    """Ask what is to change about a rotation."""
    async with site.db.read() as session:
        found = await visible(session, actor, unit)
        row = await rotations.of_unit(session, found, rotation_id)
    values = {f"class_{one}": "yes" for one in row.day_classes} | {"name": row.name}
    values |= {name: "yes" for name in ("pairs_weekend", "pays_back") if getattr(row, name)}
    return _form_page(request, found, row, Form(_inputs(seat=False), values))


@router.post("/{unit}/rotations/{rotation_id}/edit")
async def edit(request: Request, unit: str, rotation_id: int, actor: Filer, site: TheSite) -> Response:
    """Change a rotation."""
    async with site.db.read() as session:
        found = await visible(session, actor, unit)
        row = await rotations.of_unit(session, found, rotation_id)
    form = await typed(request, _inputs(seat=False))

    async def work(session: Session) -> None:
        await rotations.change_rotation(
            session,
            site,
            site.clock.now(),
            actor.name,
            found,
            rotation_id,
            name=form.value("name"),
            day_classes=_classes(form),
            pairs_weekend=form.ticked("pairs_weekend"),
            pays_back=form.ticked("pays_back"),
        )

    try:
        await site.db.run(work)
    except DutydeskError as error:
        return _form_page(request, found, row, form, form.refused(error))
    return RedirectResponse(f"/rosters/setup/{found.code}/rotations/{rotation_id}", 303)


@router.post("/{unit}/rotations/{rotation_id}/end")
async def end(unit: str, rotation_id: int, actor: Filer, site: TheSite) -> Response:
    """Let nobody take turns by a rotation any more."""
    async with site.db.read() as session:
        found = await visible(session, actor, unit)

    async def work(session: Session) -> None:
        await rotations.end_rotation(session, site.clock.now(), actor.name, found, rotation_id)

    await site.db.run(work)
    return RedirectResponse(f"/rosters/setup/{found.code}", 303)

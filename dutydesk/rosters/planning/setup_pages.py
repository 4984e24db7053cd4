"""Seats and rotations of every unit: how each seat is held on which days, from when on."""

from dataclasses import dataclass
from datetime import date, time, timedelta
from typing import Annotated, get_args

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import RedirectResponse

from dutydesk.accounts.permissions import allow_page
from dutydesk.accounts.rules import Actor
from dutydesk.calendars.rules import DAY_CLASSES, DayClass
from dutydesk.db import Session
from dutydesk.errors import InvalidInputError, NotFoundError
from dutydesk.people.rules import Unit
from dutydesk.rosters.planning import setup_queries as queries
from dutydesk.rosters.planning.patterns import back_to_default, lay_down, patterns_in_force
from dutydesk.rosters.planning.queries import members_of
from dutydesk.rosters.planning.setup_views import SeatView, rotation_views, seat_views
from dutydesk.rosters.rules import SEATS, Mode, Seat
from dutydesk.rosters.rules.patterning import Held, Span, hours_of, minutes_of
from dutydesk.rosters.view_queries import units_page, visible
from dutydesk.rosters.views.tables import PER_PAGE
from dutydesk.web import words
from dutydesk.web.forms import Form, Input, typed
from dutydesk.web.pages import PageRoute, render
from dutydesk.web.site import Site, TheSite

router = APIRouter(prefix="/rosters/setup", route_class=PageRoute, include_in_schema=False)

Filer = Annotated[Actor, Depends(allow_page("roster:file"))]
Writer = Annotated[Actor, Depends(allow_page("roster:write"))]

_SPANS = (1, 2, 3)
_ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Row:
    """A unit in the list: whether it laid anything down, and which needed seats have no rotation."""

    unit: Unit
    own: bool
    rotations: int
    people: int
    without: tuple[Seat, ...]


@router.get("")
async def units(
    request: Request,
    actor: Filer,
    site: TheSite,
    q: Annotated[str, Query(max_length=50)] = "",
    page: Annotated[int, Query(ge=1, le=10_000)] = 1,
) -> Response:
    """List the units with what they have laid down; a unit contact goes straight to its own."""
    async with site.db.read() as session:
        only = actor.unit_id if actor.role == "unit" else None
        found, total = await units_page(
            session, only=only, text=q.strip(), offset=(page - 1) * PER_PAGE, limit=PER_PAGE
        )
        rows = [await _row(session, site, unit) for unit in found]
    if actor.role == "unit" and len(rows) == 1:
        return RedirectResponse(f"/rosters/setup/{rows[0].unit.code}", 303)
    last = max(1, -(-total // PER_PAGE))
    return render(request, "rosters/setup.html", rows=rows, q=q.strip(), page=page, last=last, total=total)


async def _row(session: Session, site: Site, unit: Unit) -> Row:
    patterns = await patterns_in_force(session, site, unit)
    rotations = await queries.rotations(session, unit_id=unit.id)
    members = await members_of(session, [one.id or 0 for one in rotations])
    seats = {one.seat for one in patterns}
    today = site.clock.now().astimezone(site.zone).date()
    people = {
        one.person_id
        for each in members.values()
        for one in each
        if one.left_on is None or one.left_on > today
    }
    turning = {one.seat for one in rotations}
    without = tuple(seat for seat in SEATS if seat in seats and seat not in turning)
    return Row(unit, await queries.has_patterns(session, unit.id), len(rotations), len(people), without)


@router.get("/{unit}")
async def unit_setup(request: Request, unit: str, actor: Filer, site: TheSite) -> Response:
    """Show how the seats of a unit are held, and by which rotations."""
    today = site.clock.now().astimezone(site.zone).date()
    async with site.db.read() as session:
        found = await visible(session, actor, unit)
        own = await queries.has_patterns(session, found.id)
        patterns = await patterns_in_force(session, site, found)
        rotations = await rotation_views(session, found.id, today)
    views = seat_views(patterns, today)
    return render(
        request,
        "rosters/setup_unit.html",
        unit=found,
        own=own,
        seats=views,
        unused=[seat for seat in SEATS if seat not in {one.seat for one in views}],
        rotations=rotations,
        lacking=[one.seat for one in views if one.seat not in {group.row.seat for group in rotations}],
        writes=actor.may("roster:write"),
        today=today,
    )


def _seat(name: str) -> Seat:
    found = next((one for one in SEATS if one == name), None)
    if found is None:
        raise NotFoundError(f"there is no seat {name}")
    return found


def _inputs() -> list[Input]:
    spans: list[Input] = []
    for number in _SPANS:
        first = number == 1
        spans += [
            Input(f"starts{number}", "开始时间", hint="如08:30" if first else "", longest=5),
            Input(f"hours{number}", "时长（小时）", hint="如24，或9:30" if first else "", longest=5),
            Input(f"count{number}", "人数", longest=1),
        ]
    classes = [Input(f"class_{one}", words.DAY_CLASSES[one], "tick") for one in DAY_CLASSES]
    return [
        *classes,
        *spans,
        Input("mode", "值班方式", "choice", required=True, choices=[*words.MODES.items()]),
        Input("signs_in", "到岗须签到", "tick"),
        Input(
            "valid_from",
            "生效日期",
            "day",
            required=True,
            hint="从这一天起按新设置，以前的日子不变；已生成的草稿请重新生成",
        ),
    ]


@router.get("/{unit}/seats/{seat}")
async def seat_form(
    request: Request,
    unit: str,
    seat: str,
    actor: Writer,
    site: TheSite,
    day_class: Annotated[str, Query(max_length=20)] = "",
) -> Response:
    """Ask how a seat is to be held; drawn with how it is held on days of one class now."""
    wanted, today = _seat(seat), site.clock.now().astimezone(site.zone).date()
    async with site.db.read() as session:
        found = await visible(session, actor, unit)
        views = seat_views(await patterns_in_force(session, site, found), today)
    view = next((one for one in views if one.seat == wanted), None)
    form = Form(_inputs(), _drawn(view, day_class, today))
    return _seat_page(request, found, wanted, form, view)


def _drawn(view: SeatView | None, day_class: str, today: date) -> dict[str, str]:
    values = {"valid_from": (today + _ONE_DAY).isoformat(), "mode": "on_call"}
    if view is None:
        return values | {f"class_{one}": "yes" for one in DAY_CLASSES}
    line = next((one for one in view.lines if day_class in one.day_classes), view.lines[0])
    values |= {f"class_{one}": "yes" for one in line.day_classes}
    for number, one in zip(_SPANS, line.patterns, strict=False):
        values |= {
            f"starts{number}": f"{one.starts:%H:%M}",
            f"hours{number}": hours_of(one.minutes),
            f"count{number}": str(one.count),
            "mode": one.mode,
        }
        if one.signs_in:
            values["signs_in"] = "yes"
    return values


def _seat_page(
    request: Request, unit: Unit, seat: Seat, form: Form, view: SeatView | None, status: int = 200
) -> Response:
    return render(
        request,
        "rosters/setup_seat.html",
        status,
        unit=unit,
        seat=seat,
        form=form,
        inputs={one.name: one for one in form.inputs},
        spans=_SPANS,
        classes=DAY_CLASSES,
        view=view,
    )


@router.post("/{unit}/seats/{seat}")
async def change_seat(request: Request, unit: str, seat: str, actor: Writer, site: TheSite) -> Response:
    """Lay down how a seat is held from a day on."""
    wanted, now = _seat(seat), site.clock.now()
    today = now.astimezone(site.zone).date()
    async with site.db.read() as session:
        found = await visible(session, actor, unit)
        views = seat_views(await patterns_in_force(session, site, found), today)
    form = await typed(request, _inputs())
    form.check_required()
    held, classes = _typed_pattern(form, wanted), _typed_classes(form)
    valid_from = _day(form, "valid_from")
    status = 422
    if not form.faults and valid_from is not None:

        async def work(session: Session) -> None:
            await lay_down(session, site, now, actor.name, found, classes, held, valid_from)

        try:
            await site.db.run(work)
        except InvalidInputError as error:
            status = form.refused(error)
        else:
            return RedirectResponse(f"/rosters/setup/{found.code}", 303)
    view = next((one for one in views if one.seat == wanted), None)
    return _seat_page(request, found, wanted, form, view, status)


@router.post("/{unit}/seats/{seat}/default")
async def default_seat(unit: str, seat: str, actor: Writer, site: TheSite) -> Response:
    """Go back to how the duty class of the unit asks for a seat, from tomorrow on."""
    wanted, now = _seat(seat), site.clock.now()
    tomorrow = now.astimezone(site.zone).date() + _ONE_DAY
    async with site.db.read() as session:
        found = await visible(session, actor, unit)

    async def work(session: Session) -> None:
        await back_to_default(session, site, now, actor.name, found, wanted, tomorrow)

    await site.db.run(work)
    return RedirectResponse(f"/rosters/setup/{found.code}", 303)


def _typed_classes(form: Form) -> list[DayClass]:
    return [one for one in DAY_CLASSES if form.ticked(f"class_{one}")]


def _typed_pattern(form: Form, seat: Seat) -> Held:
    spans: list[Span] = []
    for number in _SPANS:
        starts, hours = form.value(f"starts{number}"), form.value(f"hours{number}")
        if not starts and not hours:
            continue
        begins, minutes, count = _time(starts), minutes_of(hours), form.value(f"count{number}") or "1"
        if begins is None:
            form.fault(f"starts{number}", "时间格式不对，例如 08:30")
        if minutes is None:
            form.fault(f"hours{number}", "请填写小时数，例如 24 或 9:30")
        if not (count.isascii() and count.isdigit()):
            form.fault(f"count{number}", "人数须为1至9人")
        if begins is not None and minutes is not None and count.isascii() and count.isdigit():
            spans.append(Span(begins, minutes, int(count)))
    mode = next((one for one in get_args(Mode) if one == form.value("mode")), None)
    if mode is None:
        form.fault("mode", "请选择")
    return Held(seat, tuple(spans), mode or "on_call", form.ticked("signs_in"))


def _time(text: str) -> time | None:
    try:
        return time.fromisoformat(text.replace("\uff1a", ":").zfill(5)).replace(
            second=0, microsecond=0, tzinfo=None
        )
    except ValueError:
        return None


def _day(form: Form, name: str) -> date | None:
    try:
        return date.fromisoformat(form.value(name))
    except ValueError:
        form.fault(name, "日期格式不对")
        return None

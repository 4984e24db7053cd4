"""The sensitive periods (敏感时期) in the browser: those in force, those to choose from, one to change or cancel."""

from datetime import date
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Path, Query, Request, Response
from fastapi.responses import RedirectResponse

from dutydesk.accounts.rules import Actor
from dutydesk.calendars import queries
from dutydesk.calendars.model import SensitivePeriod
from dutydesk.calendars.rules import FIRST_DAY, LAST_DAY
from dutydesk.calendars.rules.faults import holidays_of, is_over
from dutydesk.db import Session
from dutydesk.errors import DutydeskError
from dutydesk.people.lists import LARGEST_ID
from dutydesk.people.queries import list_units
from dutydesk.people.rules import Unit
from dutydesk.rosters.calendar import actions
from dutydesk.rosters.calendar.bodies import PeriodBody, PeriodChange, ReasonBody
from dutydesk.rosters.calendar.pages import Editor, Reader
from dutydesk.rosters.rules.presets import Preset, presets_of
from dutydesk.web.forms import Form, Input, typed
from dutydesk.web.pages import PageRoute, render
from dutydesk.web.site import Site, TheSite

router = APIRouter(prefix="/rosters/calendar/periods", route_class=PageRoute, include_in_schema=False)

PeriodId = Annotated[int, Path(ge=1, le=LARGEST_ID)]
_Asked = Annotated[str, Query(max_length=100)]

_NAME = Input("name", "名称", required=True, hint="只在本系统内显示，短信中不出现", longest=50)
_STARTS = Input("starts_on", "开始日期", "day", required=True)
_ENDS = Input("ends_on", "结束日期", "day", required=True, hint="含当日")
_WHY = Input("reason", "依据", hint="通知文号或批准人", longest=100)
_CHANGE = (_NAME, _STARTS, _ENDS, Input("reason", "改动理由", required=True, longest=200))
_CANCEL = (Input("reason", "取消理由", required=True, longest=200),)


def _new_inputs(units: list[Unit]) -> tuple[Input, ...]:
    choices = [("", "全局"), *((unit.code, unit.name) for unit in units)]
    return (_NAME, _STARTS, _ENDS, Input("unit", "范围", "choice", choices=choices), _WHY)


@router.get("")
async def periods(request: Request, actor: Reader, site: TheSite) -> Response:
    """List the periods in force and ahead, what is offered ready-made, and what is over or was cancelled."""
    today = site.clock.now().astimezone(site.zone).date()
    own = None if actor.role != "unit" else [actor.unit_id or 0]
    async with site.db.read() as session:
        rows = await queries.list_periods(session, units=own)
        units = {unit.id: unit for unit in await list_units(session)}
        calendar = await queries.calendar_for(session, today, today)
    ahead = [row for row in rows if _is_open(row, today)]
    holidays = [*holidays_of(calendar, today.year), *holidays_of(calendar, today.year + 1)]
    presets = presets_of(site.rulebook.rosters.period, holidays, today)
    return render(
        request,
        "rosters/periods.html",
        ahead=sorted(ahead, key=lambda row: (row.starts_on, row.id or 0)),
        past=sorted((row for row in rows if row not in ahead), key=lambda row: row.starts_on, reverse=True),
        units=units,
        today=today,
        presets=[(one, _preset_address(one)) for one in presets],
        writes=actor.may("calendar:write"),
    )


def _is_open(row: SensitivePeriod, today: date) -> bool:
    return row.cancelled_at is None and not is_over(queries.period_fact(row), today)


def _preset_address(preset: Preset) -> str:
    given = {"name": preset.name}
    if preset.starts_on is not None and preset.ends_on is not None:
        given |= {"starts_on": preset.starts_on.isoformat(), "ends_on": preset.ends_on.isoformat()}
    return f"/rosters/calendar/periods/new?{urlencode(given)}"


@router.get("/new")
async def new_form(
    request: Request,
    _actor: Editor,
    site: TheSite,
    name: _Asked = "",
    starts_on: _Asked = "",
    ends_on: _Asked = "",
) -> Response:
    """Ask for a period; a ready-made one has its name and days filled in."""
    values = {"name": name, "starts_on": starts_on, "ends_on": ends_on}
    async with site.db.read() as session:
        units = await list_units(session, serving=True)
    return _new_page(request, Form(_new_inputs(units), values))


def _new_page(request: Request, form: Form, status: int = 200) -> Response:
    return render(
        request,
        "rosters/calendar_form.html",
        status,
        title="登记敏感时期",
        about="敏感时期内带班领导须在岗带班，压过当天的日类。",
        form=form,
        submit="登记",
        back="/rosters/calendar/periods",
    )


@router.post("/new")
async def create(request: Request, actor: Editor, site: TheSite) -> Response:
    """Lay a period over the calendar."""
    async with site.db.read() as session:
        units = await list_units(session, serving=True)
    form = await typed(request, _new_inputs(units))
    body = _checked(form, PeriodBody)
    if body is None:
        return _new_page(request, form, 422)

    async def work(session: Session) -> None:
        chosen = next((unit for unit in units if unit.code == body.unit), None)
        await actions.create_period(
            session,
            site.clock.now(),
            actor.name,
            unit_id=None if chosen is None else chosen.id,
            **body.model_dump(exclude={"unit"}),
        )

    try:
        await site.db.run(work)
    except DutydeskError as error:
        return _new_page(request, form, form.refused(error))
    return _to_periods()


def _checked(form: Form, model: Any) -> Any:
    """Return what was typed as a body, or None with what is wrong noted beside the fields."""
    form.check_required()
    for name in ("starts_on", "ends_on"):
        _check_day(form, name)
    given = {one.name: form.value(one.name) for one in form.inputs if form.value(one.name)}
    if any(one.name == "unit" for one in form.inputs) and not _is_choice(form, "unit"):
        form.fault("unit", "请选择")
    return None if form.faults else form.check(model, given)


def _check_day(form: Form, name: str) -> None:
    if not form.value(name):
        return
    try:
        day = date.fromisoformat(form.value(name))
    except ValueError:
        form.fault(name, "日期格式不对，例如 2026-11-23")
        return
    if not FIRST_DAY <= day <= LAST_DAY:
        form.fault(name, "日期应在2000年至2099年之间")


def _is_choice(form: Form, name: str) -> bool:
    choices = next(one.choices for one in form.inputs if one.name == name)
    return form.value(name) in {value for value, _ in choices}


def _to_periods() -> RedirectResponse:
    return RedirectResponse("/rosters/calendar/periods", 303)


# ---------------------------------------------------------------------------------------------------------------------
# One period


@router.get("/{period_id}")
async def period_page(request: Request, period_id: PeriodId, actor: Editor, site: TheSite) -> Response:
    """Show a period with what can be done to it."""
    return await _period_page(request, site, actor, period_id)


async def _period_page(
    request: Request,
    site: Site,
    _actor: Actor,
    period_id: int,
    status: int = 200,
    *,
    form: Form | None = None,
    cancelling: Form | None = None,
) -> Response:
    today = site.clock.now().astimezone(site.zone).date()
    async with site.db.read() as session:
        row = await queries.stored_period(session, period_id)
        units = {unit.id: unit for unit in await list_units(session)}
    values = {"name": row.name, "starts_on": row.starts_on.isoformat(), "ends_on": row.ends_on.isoformat()}
    return render(
        request,
        "rosters/period.html",
        status,
        row=row,
        unit=units.get(row.unit_id or 0),
        open=_is_open(row, today),
        form=form or Form(_CHANGE, values),
        cancelling=cancelling or Form(_CANCEL),
    )


@router.post("/{period_id}")
async def change(request: Request, period_id: PeriodId, actor: Editor, site: TheSite) -> Response:
    """Let a period begin or end on other days, or call it something else."""
    form = await typed(request, _CHANGE)
    body = _checked(form, PeriodChange)
    if body is None:
        return await _period_page(request, site, actor, period_id, 422, form=form)

    async def work(session: Session) -> None:
        await actions.change_period(
            session, site.clock.now(), site.zone, actor.name, period_id, **body.model_dump()
        )

    try:
        await site.db.run(work)
    except DutydeskError as error:
        return await _period_page(request, site, actor, period_id, form.refused(error), form=form)
    return _to_periods()


@router.post("/{period_id}/cancel")
async def cancel(request: Request, period_id: PeriodId, actor: Editor, site: TheSite) -> Response:
    """Take a period back as a whole."""
    form = await typed(request, _CANCEL)
    body = _checked(form, ReasonBody)
    if body is None:
        return await _period_page(request, site, actor, period_id, 422, cancelling=form)

    async def work(session: Session) -> None:
        await actions.cancel_period(
            session, site.clock.now(), site.zone, actor.name, period_id, reason=body.reason
        )

    try:
        await site.db.run(work)
    except DutydeskError as error:
        return await _period_page(request, site, actor, period_id, form.refused(error), cancelling=form)
    return _to_periods()

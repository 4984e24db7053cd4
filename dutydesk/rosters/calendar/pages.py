"""The calendar in the browser: a year at a glance, one day, and the confirmation of a year."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from fastapi.responses import RedirectResponse

from dutydesk.accounts.permissions import allow_page
from dutydesk.accounts.rules import Actor
from dutydesk.calendars import queries
from dutydesk.calendars.faces import Face, face_of
from dutydesk.calendars.model import CalendarDay
from dutydesk.calendars.rules import DAY_KINDS, FIRST_DAY, LAST_DAY, Calendar
from dutydesk.calendars.rules.faults import holidays_of, makeups_of, missing_festivals
from dutydesk.db import Session
from dutydesk.errors import DutydeskError, NotAllowedError, NotFoundError
from dutydesk.people.queries import list_units, units_by_id
from dutydesk.people.queries import visible_unit as unit_asked
from dutydesk.people.rules import Unit
from dutydesk.rosters.calendar import actions
from dutydesk.rosters.calendar.bodies import DayBody, NoticeBody, ReasonBody
from dutydesk.web import words
from dutydesk.web.forms import Form, Input, typed
from dutydesk.web.languages import say
from dutydesk.web.pages import PageRoute, render
from dutydesk.web.site import Site, TheSite

router = APIRouter(prefix="/rosters/calendar", route_class=PageRoute, include_in_schema=False)

Reader = Annotated[Actor, Depends(allow_page("roster:read"))]
Editor = Annotated[Actor, Depends(allow_page("calendar:write"))]
Year = Annotated[int, Query(ge=FIRST_DAY.year, le=LAST_DAY.year)]
YearPath = Annotated[int, Path(ge=FIRST_DAY.year, le=LAST_DAY.year)]
Code = Annotated[str, Query(max_length=40)]

NOTICE = Input("notice", "通知文号", required=True, hint="例如 国办发明电〔2026〕7号", longest=50)
_DAY_INPUTS = (
    Input(
        "kind",
        "日类",
        "choice",
        required=True,
        choices=[("", "请选择"), *((kind, words.DAY_KINDS[kind]) for kind in DAY_KINDS)],
        hint="周末上班选调休补班",
    ),
    Input("name", "节日或事由", hint="例如 国庆节", longest=50),
    Input("reason", "改动依据", required=True, hint="通知文号或批准人", longest=200),
)
_REASON = (Input("reason", "理由", required=True, longest=200),)
_ONE_DAY = timedelta(days=1)


# ---------------------------------------------------------------------------------------------------------------------
# A year


@dataclass(frozen=True, slots=True)
class Month:
    """A month as a table: weeks from Monday, with nothing where a day belongs to another month."""

    first: date
    weeks: list[list[Face | None]]


def months_of(calendar: Calendar, year: int, unit_id: int | None) -> list[Month]:
    """Return the twelve months of a year, seen by a unit."""
    months: list[Month] = []
    day = date(year, 1, 1)
    while day.year == year:
        if day.day == 1:
            months.append(Month(day, []))
        weeks = months[-1].weeks
        if day.day == 1 or day.weekday() == 0:
            weeks.append([None] * 7)
        weeks[-1][day.weekday()] = face_of(calendar, day, unit_id)
        day += _ONE_DAY
    return months


async def visible(session: Session, actor: Actor, code: str) -> Unit | None:
    """Return the unit that is asked for, a unit contact's own, or None for the whole bureau.

    Raises:
        NotFoundError: there is no such unit, or it is another one's.
    """
    try:
        unit_id = await unit_asked(session, actor, code or None)
    except NotAllowedError as error:
        raise NotFoundError("there is no such unit") from error
    return None if unit_id is None else (await units_by_id(session, [unit_id]))[unit_id]


@router.get("")
async def year_page(
    request: Request, actor: Reader, site: TheSite, year: Year | None = None, unit: Code = ""
) -> Response:
    """Show the twelve months of a year with the class of every day."""
    today = site.clock.now().astimezone(site.zone).date()
    shown = year or today.year
    async with site.db.read() as session:
        seen = await visible(session, actor, unit)
        calendar = await queries.calendar_for(session, date(shown, 1, 1), date(shown, 12, 31))
        confirmed = await queries.confirmed_year(session, shown)
        changed = await queries.laid_days(session, shown)
        units = await list_units(session, only=actor.unit_id if actor.role == "unit" else None, serving=True)
    unit_id = None if seen is None else seen.id
    return render(
        request,
        "rosters/calendar.html",
        year=shown,
        months=months_of(calendar, shown, unit_id),
        today=today,
        periods=[
            one
            for one in calendar.periods
            if one.unit_id in (None, unit_id) and one.starts_on.year <= shown <= one.ends_on.year
        ],
        provisional=not calendar.is_known(shown),
        confirmed=confirmed,
        changed={row.day for row in changed},
        units=units,
        unit=seen,
        before=_address(shown - 1, seen) if shown > FIRST_DAY.year else "",
        after=_address(shown + 1, seen) if shown < LAST_DAY.year else "",
        writes=actor.may("calendar:write"),
    )


def _address(year: int, unit: Unit | None) -> str:
    asked = {"year": str(year)} | ({} if unit is None else {"unit": unit.code})
    return f"/rosters/calendar?{urlencode(asked)}"


def to_year(year: int) -> RedirectResponse:
    """Send the browser back to a year, to be fetched by GET."""
    return RedirectResponse(f"/rosters/calendar?year={year}", 303)


# ---------------------------------------------------------------------------------------------------------------------
# One day


def _known(day: date) -> date:
    if not FIRST_DAY <= day <= LAST_DAY:
        raise NotFoundError("there is no such day")
    return day


@router.get("/days/{day}")
async def day_page(request: Request, day: date, actor: Reader, site: TheSite) -> Response:
    """Show one day: what it is, by whom, and a form to change it for those who may."""
    return await _day_page(request, site, actor, _known(day))


async def _day_page(
    request: Request,
    site: Site,
    actor: Actor,
    day: date,
    status: int = 200,
    *,
    form: Form | None = None,
    taking: Form | None = None,
) -> Response:
    unit_id = actor.unit_id if actor.role == "unit" else None
    async with site.db.read() as session:
        calendar = await queries.calendar_for(session, day, day)
        row = await queries.laid_day(session, day)
        units = {unit.id: unit for unit in await list_units(session)}
    periods = [
        (one, "全局" if one.unit_id is None else units[one.unit_id].short_name)
        for one in calendar.periods
        if one.starts_on <= day <= one.ends_on and (actor.role != "unit" or one.unit_id in (None, unit_id))
    ]
    laid = calendar.day(day)
    return render(
        request,
        "rosters/calendar_day.html",
        status,
        face=face_of(calendar, day, unit_id),
        source=_source(calendar, day, row),
        row=row,
        periods=periods,
        form=form or Form(_DAY_INPUTS, {"kind": laid.kind, "name": laid.name}),
        taking=taking or Form(_REASON),
        before=day - _ONE_DAY if day > FIRST_DAY else None,
        after=day + _ONE_DAY if day < LAST_DAY else None,
        writes=actor.may("calendar:write"),
    )


def _source(calendar: Calendar, day: date, row: CalendarDay | None) -> str:
    """Return from where it is known what kind of day it is."""
    if row is not None:
        return say("逐日登记") if row.source == actions.BY_HAND else say("年度导入")
    return say("国务院办公厅通知") if day in calendar.library else say("按星期推定")


@router.post("/days/{day}")
async def change_day(request: Request, day: date, actor: Editor, site: TheSite) -> Response:
    """Lay down what kind of day it is."""
    form = await typed(request, _DAY_INPUTS)
    form.check_required()
    body = form.check(DayBody, {one.name: form.value(one.name) for one in _DAY_INPUTS})
    if body is None or form.faults:
        return await _day_page(request, site, actor, _known(day), 422, form=form)

    async def work(session: Session) -> None:
        await actions.lay_day(session, site.clock.now(), actor.name, day, **body.model_dump())

    try:
        await site.db.run(work)
    except DutydeskError as error:
        return await _day_page(request, site, actor, day, form.refused(error), form=form)
    return to_year(day.year)


@router.post("/days/{day}/take-back")
async def take_back(request: Request, day: date, actor: Editor, site: TheSite) -> Response:
    """Take back what was laid down for a day."""
    form = await typed(request, _REASON)
    form.check_required()
    body = form.check(ReasonBody, {"reason": form.value("reason")})
    if body is None or form.faults:
        return await _day_page(request, site, actor, _known(day), 422, taking=form)

    async def work(session: Session) -> None:
        await actions.take_back_day(session, site.clock.now(), actor.name, day, reason=body.reason)

    try:
        await site.db.run(work)
    except DutydeskError as error:
        return await _day_page(request, site, actor, day, form.refused(error), taking=form)
    return to_year(day.year)


# ---------------------------------------------------------------------------------------------------------------------
# The confirmation of a year


@router.get("/years/{year}")
async def confirm_form(request: Request, year: YearPath, _actor: Editor, site: TheSite) -> Response:
    """Ask for the notice a year was entered by."""
    return await _confirm_page(request, site, year)


async def _confirm_page(
    request: Request, site: Site, year: int, form: Form | None = None, status: int = 200
) -> Response:
    async with site.db.read() as session:
        row = await queries.confirmed_year(session, year)
        calendar = await queries.calendar_for(session, date(year, 1, 1), date(year, 12, 31))
    return render(
        request,
        "rosters/calendar_year.html",
        status,
        year=year,
        row=row,
        holidays=holidays_of(calendar, year),
        makeups=makeups_of(calendar, year),
        missing=missing_festivals(calendar, year),
        form=form or Form([NOTICE], {"notice": "" if row is None else row.notice}),
    )


@router.post("/years/{year}")
async def confirm(request: Request, year: YearPath, actor: Editor, site: TheSite) -> Response:
    """Confirm a year: it is no longer provisional."""
    form = await typed(request, [NOTICE])
    form.check_required()
    body = form.check(NoticeBody, {"notice": form.value("notice")})
    if body is None or form.faults:
        return await _confirm_page(request, site, year, form, 422)

    async def work(session: Session) -> None:
        await actions.confirm_year(session, site.clock.now(), actor.name, year, notice=body.notice)

    try:
        await site.db.run(work)
    except DutydeskError as error:
        return await _confirm_page(request, site, year, form, form.refused(error))
    return to_year(year)


@router.post("/years/{year}/revoke")
async def revoke(year: YearPath, actor: Editor, site: TheSite) -> Response:
    """Take back the confirmation of a year."""

    async def work(session: Session) -> None:
        await actions.revoke_year(session, site.clock.now(), actor.name, year)

    await site.db.run(work)
    return to_year(year)

"""``/api/v1/calendar``: days, working days, confirmed years and sensitive periods."""

from datetime import date, timedelta
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from pydantic import BaseModel

from dutydesk.accounts.permissions import allow
from dutydesk.accounts.rules import Actor
from dutydesk.calendars import queries
from dutydesk.calendars.faces import face_of
from dutydesk.calendars.model import SensitivePeriod
from dutydesk.calendars.rules import FIRST_DAY, LAST_DAY, Calendar, DayClass, DayKind, days_between
from dutydesk.db import Session
from dutydesk.errors import InvalidInputError
from dutydesk.people import queries as people
from dutydesk.people.lists import LARGEST_ID, Cursor, Limit, next_cursor
from dutydesk.rosters.calendar import actions
from dutydesk.rosters.calendar.bodies import (
    CalendarDate,
    DayBody,
    NoticeBody,
    PeriodBody,
    PeriodChange,
    ReasonBody,
)
from dutydesk.web.answers import once
from dutydesk.web.problems import declared
from dutydesk.web.site import TheSite
from dutydesk.web.texts import Code

router = APIRouter(prefix="/api/v1/calendar", tags=["calendar"])

Reader = Annotated[Actor, Depends(allow("roster:read"))]
Editor = Annotated[Actor, Depends(allow("calendar:write"))]
DayPath = Annotated[date, Path(ge=FIRST_DAY, le=LAST_DAY)]
YearPath = Annotated[int, Path(ge=FIRST_DAY.year, le=LAST_DAY.year)]
PeriodId = Annotated[int, Path(ge=1, le=LARGEST_ID)]

# Of days at once, and of working days counted.
_MOST_DAYS = 500
_MOST_COUNTED = 2_500
# Offices are open on more than every third day, however the holidays fall.
_DAYS_PER_WORKING_DAY = 3
_ONE_DAY = timedelta(days=1)


class PeriodName(BaseModel):
    """The sensitive period over a day."""

    id: int
    name: str


class DayAnswer(BaseModel):
    """A day: its class for the rosters, and what it is without the period over it.

    ``provisional``: its year's official notice is not entered yet. ``source``: from where the kind is known.
    """

    day: date
    day_class: DayClass
    kind: DayKind
    works: bool
    name: str
    festival: str
    lunar: str
    provisional: bool
    source: Literal["table", "library", "weekday"]
    period: PeriodName | None


class DayList(BaseModel):
    """Some days."""

    items: list[DayAnswer]
    next_cursor: str | None


class WorkingDays(BaseModel):
    """``day`` is the working day ``count`` working days after ``from``, which itself counts as none."""

    day: date
    count: int
    provisional: bool


class YearAnswer(BaseModel):
    """A year and the notice it was confirmed by."""

    year: int
    provisional: bool
    notice: str | None


class PeriodAnswer(BaseModel):
    """A sensitive period; ``unit`` null: it holds for the whole bureau."""

    id: int
    name: str
    starts_on: date
    ends_on: date
    unit: str | None
    reason: str
    cancelled: bool


class PeriodList(BaseModel):
    """Some sensitive periods."""

    items: list[PeriodAnswer]
    next_cursor: str | None


@router.get("", responses=declared(404), summary="What kind of day it is, day by day")
async def get_days(
    site: TheSite,
    actor: Reader,
    from_day: Annotated[CalendarDate, Query(alias="from")],
    until_day: Annotated[CalendarDate, Query(alias="until")],
    unit: Code | None = None,
) -> DayList:
    """Both ends belong to it; at most 500 days. With ``unit`` (a contact: its own) that unit's periods count too."""
    if until_day < from_day:
        raise InvalidInputError("until must not lie before from")
    if (until_day - from_day).days >= _MOST_DAYS:
        raise InvalidInputError(f"at most {_MOST_DAYS} days at once; ask for the rest in another call")
    async with site.db.read() as session:
        unit_id = await people.visible_unit(session, actor, unit)
        calendar = await queries.calendar_for(session, from_day, until_day)
    days = days_between(from_day, until_day + _ONE_DAY)
    return DayList(items=[_day_answer(calendar, day, unit_id) for day in days], next_cursor=None)


@router.get("/working-days", responses=declared(), summary="Count working days on or back")
async def get_working_days(
    site: TheSite,
    _actor: Reader,
    from_day: Annotated[CalendarDate, Query(alias="from")],
    count: Annotated[int, Query(ge=-_MOST_COUNTED, le=_MOST_COUNTED)],
) -> WorkingDays:
    """Return the working day ``count`` working days after ``from``, or before it when negative."""
    reach = _DAYS_PER_WORKING_DAY * abs(count) * _ONE_DAY
    first, last = max(from_day - reach, FIRST_DAY), min(from_day + reach, LAST_DAY)
    async with site.db.read() as session:
        calendar = await queries.calendar_for(session, first, last)
    day = calendar.add_working_days(from_day, count)
    years = range(min(from_day, day).year, max(from_day, day).year + 1)
    provisional = any(not calendar.is_known(year) for year in years)
    return WorkingDays(day=day, count=count, provisional=provisional)


@router.put("/{day}", responses=declared(409), summary="Lay down what kind of day it is")
async def put_day(site: TheSite, actor: Editor, day: DayPath, body: DayBody) -> DayAnswer:
    """It beats the official calendar until it is taken back."""

    async def work(session: Session) -> DayAnswer:
        await actions.lay_day(session, site.clock.now(), actor.name, day, **body.model_dump())
        return await _answer(session, day)

    return await site.db.run(work)


@router.delete("/{day}", responses=declared(404), summary="Take back what was laid down for a day")
async def delete_day(site: TheSite, actor: Editor, day: DayPath) -> DayAnswer:
    """Return what the official calendar, or else the weekday, says of it."""

    async def work(session: Session) -> DayAnswer:
        await actions.take_back_day(session, site.clock.now(), actor.name, day)
        return await _answer(session, day)

    return await site.db.run(work)


@router.get("/years/{year}", responses=declared(), summary="Whether a year is provisional")
async def get_year(site: TheSite, _actor: Reader, year: YearPath) -> YearAnswer:
    async with site.db.read() as session:
        return await _year_answer(session, year)


@router.post(
    "/years/{year}/confirm", responses=declared(409), response_model=YearAnswer, summary="Confirm a year"
)
async def post_confirm(
    request: Request, site: TheSite, actor: Editor, year: YearPath, body: NoticeBody
) -> Response:
    """Say by which official notice its days were entered: it is no longer provisional."""

    async def work(session: Session) -> YearAnswer:
        await actions.confirm_year(session, site.clock.now(), actor.name, year, notice=body.notice)
        await session.flush()
        return await _year_answer(session, year)

    return await once(request, actor.caller, 200, work)


@router.get("/periods", responses=declared(), summary="List sensitive periods")
async def get_periods(site: TheSite, actor: Reader, limit: Limit = 100, cursor: Cursor = None) -> PeriodList:
    """Every one ever laid down; a unit contact sees those that hold for its unit."""
    own = None if actor.role != "unit" else [actor.unit_id or 0]
    async with site.db.read() as session:
        rows = await queries.list_periods(session, units=own, after=cursor or 0, limit=limit + 1)
        codes = await _codes(session, rows)
    items = [_period_answer(row, codes) for row in rows[:limit]]
    return PeriodList(items=items, next_cursor=next_cursor([row.id or 0 for row in rows], limit))


@router.post(
    "/periods",
    status_code=201,
    response_model=PeriodAnswer,
    responses=declared(404, 409),
    summary="Lay down a sensitive period",
)
async def post_period(request: Request, site: TheSite, actor: Editor, body: PeriodBody) -> Response:
    async def work(session: Session) -> PeriodAnswer:
        unit = None if body.unit is None else await people.unit_by_code(session, body.unit)
        row = await actions.create_period(
            session,
            site.clock.now(),
            actor.name,
            unit_id=None if unit is None else unit.id,
            **body.model_dump(exclude={"unit"}),
        )
        return _period_answer(row, await _codes(session, [row]))

    return await once(request, actor.caller, 201, work)


@router.put("/periods/{period_id}", responses=declared(404, 409), summary="Change a sensitive period")
async def put_period(site: TheSite, actor: Editor, period_id: PeriodId, body: PeriodChange) -> PeriodAnswer:
    """Let it begin or end earlier or later, or call it something else."""

    async def work(session: Session) -> PeriodAnswer:
        row = await actions.change_period(
            session, site.clock.now(), site.zone, actor.name, period_id, **body.model_dump()
        )
        return _period_answer(row, await _codes(session, [row]))

    return await site.db.run(work)


@router.post(
    "/periods/{period_id}/cancel",
    response_model=PeriodAnswer,
    responses=declared(404, 409),
    summary="Cancel a sensitive period",
)
async def post_cancel(
    request: Request, site: TheSite, actor: Editor, period_id: PeriodId, body: ReasonBody
) -> Response:
    async def work(session: Session) -> PeriodAnswer:
        row = await actions.cancel_period(
            session, site.clock.now(), site.zone, actor.name, period_id, reason=body.reason
        )
        return _period_answer(row, await _codes(session, [row]))

    return await once(request, actor.caller, 200, work)


async def _answer(session: Session, day: date) -> DayAnswer:
    await session.flush()
    return _day_answer(await queries.calendar_for(session, day, day), day, None)


def _day_answer(calendar: Calendar, day: date, unit_id: int | None) -> DayAnswer:
    face = face_of(calendar, day, unit_id)
    source: Literal["table", "library", "weekday"] = "library" if day in calendar.library else "weekday"
    return DayAnswer(
        day=day,
        day_class=face.day_class,
        kind=face.kind,
        works=calendar.day(day).works,
        name=face.name,
        festival=face.festival,
        lunar=face.lunar,
        provisional=face.provisional,
        source="table" if day in calendar.table else source,
        period=None if face.period is None else PeriodName(id=face.period.id, name=face.period.name),
    )


async def _year_answer(session: Session, year: int) -> YearAnswer:
    row = await queries.confirmed_year(session, year)
    calendar = await queries.calendar_for(session, date(year, 1, 1), date(year, 1, 1))
    return YearAnswer(
        year=year, provisional=not calendar.is_known(year), notice=None if row is None else row.notice
    )


async def _codes(session: Session, rows: list[SensitivePeriod]) -> dict[int, str]:
    units = await people.units_by_id(session, [row.unit_id for row in rows if row.unit_id is not None])
    return {unit.id: unit.code for unit in units.values()}


def _period_answer(row: SensitivePeriod, codes: dict[int, str]) -> PeriodAnswer:
    return PeriodAnswer(
        id=people.id_of(row.id),
        name=row.name,
        starts_on=row.starts_on,
        ends_on=row.ends_on,
        unit=None if row.unit_id is None else codes[row.unit_id],
        reason=row.reason,
        cancelled=row.cancelled_at is not None,
    )

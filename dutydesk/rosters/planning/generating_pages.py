"""Generating a span of a unit's table: what would come of it first, then writing it."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import RedirectResponse

from dutydesk.accounts.permissions import allow_page
from dutydesk.accounts.rules import Actor
from dutydesk.calendars.rules import DAY_CLASSES, DayClass
from dutydesk.db import Session
from dutydesk.errors import ConflictError, InvalidInputError
from dutydesk.people.queries import people_by_id
from dutydesk.people.rules import Person, Unit
from dutydesk.rosters.months import month_of, next_month
from dutydesk.rosters.planning import actions as planning
from dutydesk.rosters.planning.patterns import patterns_in_force
from dutydesk.rosters.rules import SEATS, Seat
from dutydesk.rosters.rules.groups import Assignment
from dutydesk.rosters.view_queries import begin_of, visible
from dutydesk.rosters.views.month_pages import month_named
from dutydesk.web.forms import Form, Input, typed
from dutydesk.web.pages import PageRoute, render
from dutydesk.web.site import Site, TheSite
from dutydesk.web.words import SEATS as SEAT_WORDS

router = APIRouter(prefix="/rosters", route_class=PageRoute, include_in_schema=False)

Filer = Annotated[Actor, Depends(allow_page("roster:file"))]

# More days than that nobody reads one by one; the sums and the holes are of the whole span.
_DAYS_SHOWN = 62
_ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class DayRow:
    """A day of the preview: seat → the places that would be written, and those that stay."""

    day: date
    day_class: DayClass
    places: dict[Seat, list[Assignment]]
    kept: dict[Seat, list[int]]


@dataclass(frozen=True, slots=True)
class Sums:
    """How many turns of each class of day one person would have on one seat."""

    person: Person
    seat: Seat
    by_class: Mapping[DayClass, int]
    instead: int
    back: int

    @property
    def all(self) -> int:
        """Return how many turns they would have."""
        return sum(self.by_class.values())


def _inputs(seats: list[Seat]) -> list[Input]:
    ticks = [Input(f"seat_{one}", SEAT_WORDS[one], "tick") for one in seats]
    return [
        Input("start", "开始日期", "day", required=True),
        Input("end", "结束日期", "day", required=True, hint="最多400天，结束当日也生成"),
        *ticks,
    ]


@router.get("/{unit}/{month}/generate")
async def ask(
    request: Request,
    unit: str,
    month: str,
    actor: Filer,
    site: TheSite,
    show: Annotated[str, Query(max_length=3)] = "",
) -> Response:
    """Ask for a span, and show what generating it would bring."""
    first = month_named(month)
    async with site.db.read() as session:
        found = await visible(session, actor, unit)
        seats = await _seats(session, site, found)
    if show:
        names = [one.name for one in _inputs(seats)]
        form = Form(_inputs(seats), {name: request.query_params.get(name, "") for name in names})
        return await _previewed(request, site, found, first, form, seats)
    today = site.clock.now().astimezone(site.zone).date()
    values = {
        "start": max(first, today + _ONE_DAY).isoformat()
        if first <= today < next_month(first)
        else first.isoformat(),
        "end": (next_month(first) - _ONE_DAY).isoformat(),
    }
    return _page(
        request, found, first, Form(_inputs(seats), values | {f"seat_{one}": "yes" for one in seats})
    )


async def _seats(session: Session, site: Site, unit: Unit) -> list[Seat]:
    held = {one.seat for one in await patterns_in_force(session, site, unit)}
    return [one for one in SEATS if one in held]


def _page(
    request: Request, unit: Unit, month: date, form: Form, status: int = 200, **more: object
) -> Response:
    context: dict[str, object] = {"plan": None} | more
    return render(
        request,
        "rosters/generate.html",
        status,
        unit=unit,
        month=month,
        form=form,
        classes=DAY_CLASSES,
        **context,
    )


def _span(form: Form, seats: list[Seat]) -> tuple[date, date, list[Seat]] | None:
    days: list[date] = []
    for name in ("start", "end"):
        try:
            days.append(date.fromisoformat(form.value(name)))
        except ValueError:
            form.fault(name, "日期格式不对" if form.value(name) else "请填写")
    wanted = [one for one in seats if form.ticked(f"seat_{one}")]
    if not wanted:
        form.fault("", "请至少选择一个席位")
    if form.faults or days[1] >= date(2200, 1, 1) or days[0] < date(2000, 1, 1):
        if not form.faults:
            form.fault("start", "日期超出范围")
        return None
    return days[0], days[1] + _ONE_DAY, wanted


async def _previewed(
    request: Request, site: Site, unit: Unit, month: date, form: Form, seats: list[Seat]
) -> Response:
    span = _span(form, seats)
    if span is None:
        return _page(request, unit, month, form, 422)
    start, end, wanted = span
    now = site.clock.now()
    try:
        async with site.db.read() as session:
            plan = await planning.preview(session, site, now, unit.id, start, end, wanted)
            ids = {one.person_id for one in plan.made} | {one.owner_id for one in plan.made}
            ids |= {one.person_id for one in plan.kept} | {one for hole in plan.holes for one in hole.refused}
            persons = await people_by_id(session, [one for one in ids if one is not None])
    except InvalidInputError as error:
        return _page(request, unit, month, form, form.refused(error))
    rows = _rows(plan, site)
    return _page(
        request,
        unit,
        month,
        form,
        plan=plan,
        rows=rows[:_DAYS_SHOWN],
        hidden=max(0, len(rows) - _DAYS_SHOWN),
        sums=_sums(plan, persons),
        persons=persons,
        seats=wanted,
    )


def _rows(plan: planning.Plan, site: Site) -> list[DayRow]:
    rows: dict[date, DayRow] = {}
    for made in plan.made:
        row = rows.setdefault(made.slot.day, DayRow(made.slot.day, made.slot.day_class, {}, {}))
        row.places.setdefault(made.slot.seat, []).append(made)
    for shift in plan.kept:
        day = shift.starts_at.astimezone(site.zone).date()
        row = rows.setdefault(day, DayRow(day, shift.day_class or "workday", {}, {}))
        row.kept.setdefault(shift.seat, []).append(shift.person_id)
    return [rows[day] for day in sorted(rows)]


def _sums(plan: planning.Plan, persons: Mapping[int, Person]) -> list[Sums]:
    turns: dict[tuple[Seat, int], Counter[DayClass]] = {}
    codes: Counter[tuple[Seat, int, object]] = Counter()
    for one in plan.made:
        if one.person_id is not None:
            key = (one.slot.seat, one.person_id)
            turns.setdefault(key, Counter())[one.slot.day_class] += 1
            codes[(*key, one.why.get("code"))] += 1
    return [
        Sums(
            persons[key[1]],
            key[0],
            counts,
            codes[(*key, "INSTEAD")],
            codes[(*key, "PAYBACK")],
        )
        for key, counts in sorted(turns.items(), key=lambda item: (SEATS.index(item[0][0]), item[0][1]))
    ]


@router.post("/{unit}/{month}/generate")
async def write(request: Request, unit: str, month: str, actor: Filer, site: TheSite) -> Response:
    """Write the drafts of a span, around what stays."""
    first = month_named(month)
    async with site.db.read() as session:
        found = await visible(session, actor, unit)
        seats = await _seats(session, site, found)
    form = await typed(request, _inputs(seats))
    span = _span(form, seats)
    if span is None:
        return _page(request, found, first, form, 422)
    start, end, wanted = span
    try:
        await planning.generate_long(site, site.clock.now(), actor.name, found.id, start, end, wanted)
    except (InvalidInputError, ConflictError) as error:
        return _page(request, found, first, form, form.refused(error))
    return RedirectResponse(f"/rosters/{found.code}/{month_of(start):%Y-%m}", 303)


@router.post("/{unit}/{month}/clear")
async def clear(unit: str, month: str, actor: Filer, site: TheSite) -> Response:
    """Take away the drafts of a month that are not locked."""
    first = month_named(month)
    async with site.db.read() as session:
        found = await visible(session, actor, unit)

    async def work(session: Session) -> None:
        await planning.clear_drafts(
            session,
            site.clock.now(),
            actor.name,
            found.id,
            begin_of(first, site.zone),
            begin_of(next_month(first), site.zone),
        )

    await site.db.run(work)
    return RedirectResponse(f"/rosters/{found.code}/{first:%Y-%m}", 303)

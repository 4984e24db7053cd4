"""One person's shifts of a span, planned and real, with how much they carry beside the others."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from dutydesk.accounts.permissions import allow_page
from dutydesk.accounts.rules import Actor
from dutydesk.calendars.queries import calendar_for
from dutydesk.db import Session
from dutydesk.errors import InvalidInputError, NotFoundError
from dutydesk.people import queries as people
from dutydesk.people.rules import Person, Unit
from dutydesk.rosters.candidate_queries import leaves_of
from dutydesk.rosters.model import SeatHolder, Shift
from dutydesk.rosters.months import next_month
from dutydesk.rosters.queries import holder_fact, shift_fact
from dutydesk.rosters.rules import HolderRow, Seat
from dutydesk.rosters.rules.fairness import Load, Served, balances, loads_of
from dutydesk.rosters.rules.monthly import sits_there
from dutydesk.rosters.view_queries import begin_of, holders_of_shifts, shifts_between, shifts_of_person
from dutydesk.rosters.views.month_pages import month_before, this_month
from dutydesk.rosters.views.who import checked_span
from dutydesk.web.forms import Form, Input
from dutydesk.web.pages import PageRoute, render
from dutydesk.web.site import Site, TheSite

router = APIRouter(prefix="/rosters", route_class=PageRoute, include_in_schema=False)

Reader = Annotated[Actor, Depends(allow_page("roster:read"))]
_INPUTS = (Input("from", "开始", "day"), Input("until", "结束", "day"))


@dataclass(frozen=True, slots=True)
class Line:
    """A shift of a person: as planned, taken over for somebody, or given away; ``sits`` is who really sits there."""

    shift: Shift
    unit: Unit
    sits: int | None
    part: bool


@dataclass(frozen=True, slots=True)
class Carried:
    """What a person carries on one seat of one unit, and how many hours that is above the mean of all who sit there."""

    unit: Unit
    seat: Seat
    load: Load
    balance: float
    others: int


@router.get("/people/{person_id}")
async def person_view(
    request: Request,
    person_id: int,
    actor: Reader,
    site: TheSite,
    from_on: Annotated[str, Query(alias="from", max_length=10)] = "",
    until_on: Annotated[str, Query(alias="until", max_length=10)] = "",
) -> Response:
    """Show a person's shifts: this month's and the next one's, unless other days are given."""
    now, form = site.clock.now(), Form(_INPUTS, {"from": from_on, "until": until_on})
    month = this_month(site)
    first = _day(form, "from") or month
    last = _day(form, "until") or month_before(next_month(next_month(month)))
    last = last if form.value("until") else date.fromordinal(next_month(last).toordinal() - 1)
    start, end = begin_of(first, site.zone), begin_of(date.fromordinal(last.toordinal() + 1), site.zone)
    if not form.faults:
        _check(form, start, end)
    if form.faults:
        first, last = month, date.fromordinal(next_month(month).toordinal() - 1)
        start, end = begin_of(first, site.zone), begin_of(next_month(month), site.zone)
    async with site.db.read() as session:
        found = await _seen_by(session, actor, person_id)
        lines, names = await _lines(session, actor, person_id, start, end)
        carried = await _carried(session, site, person_id, lines, start, end)
        away = (await leaves_of(session, [person_id], start, end)).get(person_id, [])
    form.values |= {"from": first.isoformat(), "until": last.isoformat()}
    return render(
        request,
        "rosters/person.html",
        422 if form.faults else 200,
        person=found,
        lines=lines,
        names=names,
        carried=carried,
        away=away,
        form=form,
        now_at=now,
    )


async def _seen_by(session: Session, actor: Actor, person_id: int) -> Person:
    """Return a person; a unit contact sees its own people only."""
    found = await people.person(session, person_id)
    if not actor.sees_unit(found.unit_id):
        raise NotFoundError(f"there is no person {person_id}")
    return found


def _day(form: Form, name: str) -> date | None:
    if not form.value(name):
        return None
    try:
        found = date.fromisoformat(form.value(name))
    except ValueError:
        form.fault(name, "日期格式不对，例如 2026-12-01")
        return None
    if not 2000 <= found.year <= 2199:
        form.fault(name, "日期格式不对，例如 2026-12-01")
        return None
    return found


def _check(form: Form, start: datetime, end: datetime) -> None:
    try:
        checked_span(start, end, several=False)
    except InvalidInputError as error:
        form.refused(error)


async def _lines(
    session: Session, actor: Actor, person_id: int, start: datetime, end: datetime
) -> tuple[list[Line], Mapping[int, Person]]:
    rows = [
        one for one in await shifts_of_person(session, person_id, start, end) if actor.sees_unit(one.unit_id)
    ]
    last = _last(await holders_of_shifts(session, [one.id for one in rows if one.id is not None]))
    units = await people.units_by_id(session, {one.unit_id for one in rows})
    lines: list[Line] = []
    for row in rows:
        sits, part = sits_there(shift_fact(row), last.get(row.id or 0))
        # A change that was corrected later leaves no trace of whoever was named first.
        if person_id in (row.person_id, sits) or part:
            lines.append(Line(row, units[row.unit_id], sits, part))
    ids = {one.shift.person_id for one in lines} | {one.sits for one in lines if one.sits is not None}
    return lines, await people.people_by_id(session, ids)


def _last(rows: Sequence[SeatHolder]) -> dict[int, HolderRow]:
    facts = [holder_fact(row) for row in rows]
    return {one.instead_of_shift_id: one for one in facts if one.instead_of_shift_id is not None}


async def _carried(
    session: Session, site: Site, person_id: int, lines: Sequence[Line], start: datetime, end: datetime
) -> list[Carried]:
    """Hold what this person serves against everybody else on the same seats in the same time."""
    units = {one.unit.id: one.unit for one in lines}
    rows = [
        one for one in await shifts_between(session, units.keys(), start, end) if start <= one.starts_at < end
    ]
    last = _last(await holders_of_shifts(session, [one.id for one in rows if one.id is not None]))
    calendar = await calendar_for(
        session, start.astimezone(site.zone).date(), end.astimezone(site.zone).date()
    )
    served: dict[tuple[int, Seat], list[Served]] = {}
    for row in rows:
        sits, _ = sits_there(shift_fact(row), last.get(row.id or 0))
        if sits is not None:
            day = row.starts_at.astimezone(site.zone).date()
            kind = row.day_class or calendar.day_class(day, row.unit_id)
            turn = Served(sits, row.seat, kind, row.starts_at, row.ends_at)
            served.setdefault((row.unit_id, row.seat), []).append(turn)
    found: list[Carried] = []
    for (unit_id, seat), turns in served.items():
        loads = loads_of(turns, site.zone)
        if person_id in loads:
            found.append(
                Carried(units[unit_id], seat, loads[person_id], balances(loads)[person_id], len(loads))
            )
    return found

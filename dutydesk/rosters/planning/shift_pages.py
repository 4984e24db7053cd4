"""One shift: as planned and why, who was really there, and what happened to it; and the ledger of a unit's fairness."""

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request, Response

from dutydesk.accounts.permissions import allow_page
from dutydesk.accounts.rules import Actor
from dutydesk.errors import InvalidInputError, NotFoundError
from dutydesk.people.lists import LARGEST_ID
from dutydesk.rosters.planning.explaining import explained
from dutydesk.rosters.planning.fairness import read_ledgers
from dutydesk.rosters.planning.generating import refuse_span
from dutydesk.rosters.planning.reasons import read_shift
from dutydesk.rosters.view_queries import visible
from dutydesk.rosters.views.month_pages import may_plan
from dutydesk.web.forms import Form, Input
from dutydesk.web.pages import PageRoute, render
from dutydesk.web.site import TheSite

router = APIRouter(prefix="/rosters", route_class=PageRoute, include_in_schema=False)

Reader = Annotated[Actor, Depends(allow_page("roster:read"))]

_SPAN = (Input("from", "开始", "day"), Input("until", "结束", "day"))


@router.get("/shifts/{shift_id}")
async def shift_page(
    request: Request, shift_id: Annotated[int, Path(ge=1, le=LARGEST_ID)], actor: Reader, site: TheSite
) -> Response:
    """Show a shift with the reason why this person has it."""
    async with site.db.read() as session:
        found = await read_shift(session, shift_id)
    if not actor.sees_unit(found.unit.id):
        raise NotFoundError(f"there is no shift {shift_id}")
    return render(
        request,
        "rosters/shift.html",
        found=found,
        shift=found.row,
        why=explained(found.row.why, found.names, site.zone),
        planner=may_plan(actor, found.unit),
    )


@router.get("/{unit}/fairness")
async def fairness(
    request: Request,
    unit: str,
    actor: Reader,
    site: TheSite,
    first: Annotated[str, Query(alias="from", max_length=10)] = "",
    until: Annotated[str, Query(max_length=10)] = "",
) -> Response:
    """Show how evenly duty is spread: this year's, if no span is given; both days belong to it."""
    now = site.clock.now()
    today = now.astimezone(site.zone).date()
    start, end = date(today.year, 1, 1), date(today.year + 1, 1, 1)
    form = Form(_SPAN, {"from": first or start.isoformat(), "until": until or f"{today.year}-12-31"})
    status = 200
    try:
        start = date.fromisoformat(form.value("from"))
        end = date.fromordinal(date.fromisoformat(form.value("until")).toordinal() + 1)
        refuse_span(start, end)
    except (ValueError, OverflowError):
        form.fault("from", "日期格式不对")
        status = 422
    except InvalidInputError as error:
        form.fault("until", error.detail)
        status = 422
    async with site.db.read() as session:
        found = await visible(session, actor, unit)
        ledgers = [] if form.faults else await read_ledgers(session, site, now, found, start, end)
    return render(
        request,
        "rosters/fairness.html",
        status,
        unit=found,
        form=form,
        ledgers=ledgers,
        month=today.strftime("%Y-%m"),
    )

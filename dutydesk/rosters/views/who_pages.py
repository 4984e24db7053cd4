"""Who is on duty: now, at any instant, or over a span; of one unit or of all."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from dutydesk.accounts.permissions import allow_page
from dutydesk.accounts.rules import Actor
from dutydesk.db import Session
from dutydesk.errors import InvalidInputError
from dutydesk.people.rules import Unit
from dutydesk.rosters.view_queries import units_page, visible
from dutydesk.rosters.views.month_pages import Pages
from dutydesk.rosters.views.tables import PER_PAGE
from dutydesk.rosters.views.who import UnitNow, checked_span, read_now, read_span
from dutydesk.web.forms import Form, Input
from dutydesk.web.pages import PageRoute, render
from dutydesk.web.site import Site, TheSite

router = APIRouter(prefix="/rosters", route_class=PageRoute, include_in_schema=False)

Reader = Annotated[Actor, Depends(allow_page("roster:read"))]
Typed = Annotated[str, Query(max_length=40)]


@router.get("/who")
async def who(
    request: Request,
    actor: Reader,
    site: TheSite,
    unit: Typed = "",
    at: Typed = "",
    from_at: Annotated[str, Query(alias="from", max_length=40)] = "",
    until_at: Annotated[str, Query(alias="until", max_length=40)] = "",
    page: Annotated[int, Query(ge=1, le=10_000)] = 1,
) -> Response:
    """Show who holds which seat at a time (now, unless one is given), or over a span."""
    form = Form(_INPUTS, {"unit": unit, "at": at, "from": from_at, "until": until_at})
    moment = form.moment("at", site.zone) or site.clock.now()
    span = _span(form, site)
    async with site.db.read() as session:
        units, total = await _units(session, actor, unit.strip(), page)
        choices, _ = await units_page(session, only=_own(actor), text="", offset=0, limit=1000)
        if span is not None:
            _check(form, span, several=len(units) > 1)
        if span is not None and not form.faults:
            spans, known = await read_span(session, site, units, *span)
            cards: list[UnitNow] = []
        else:
            cards, known = await read_now(session, units, moment)
            spans = []
    return render(
        request,
        "rosters/who.html",
        422 if form.faults else 200,
        form=form,
        moment=moment,
        typed=bool(at) and not form.faults.get("at"),
        span=span if not form.faults else None,
        cards=cards,
        spans=spans,
        known=known,
        choices=choices,
        unit=unit.strip(),
        masked=not actor.may("numbers:read"),
        pages=Pages(page, total),
    )


_INPUTS = (
    Input("unit", "单位", "choice"),
    Input("at", "时刻", "moment"),
    Input("from", "开始", "moment"),
    Input("until", "结束", "moment"),
)


def _own(actor: Actor) -> int | None:
    return actor.unit_id if actor.role == "unit" else None


def _span(form: Form, site: Site) -> tuple[datetime, datetime] | None:
    """Return the span that was asked for; half a one is a fault."""
    start, end = form.moment("from", site.zone), form.moment("until", site.zone)
    if start is not None and end is not None:
        return start, end
    for name, found in (("from", start), ("until", end)):
        other = form.value("until" if name == "from" else "from")
        if found is None and other and not form.faults.get(name):
            form.fault(name, "请填写")
    return None


def _check(form: Form, span: tuple[datetime, datetime], *, several: bool) -> None:
    try:
        checked_span(*span, several=several)
    except InvalidInputError as error:
        form.refused(error)


async def _units(session: Session, actor: Actor, name: str, page: int) -> tuple[list[Unit], int]:
    """Return the unit that was asked for, else one page of all those the reader may see."""
    if name:
        return [await visible(session, actor, name)], 1
    return await units_page(session, only=_own(actor), text="", offset=(page - 1) * PER_PAGE, limit=PER_PAGE)

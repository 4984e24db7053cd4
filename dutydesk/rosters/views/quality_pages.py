"""The quality report of a month: what is missing, doubled or uneven, and where to mend it."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import RedirectResponse

from dutydesk.accounts.permissions import allow_page
from dutydesk.accounts.rules import Actor
from dutydesk.people import queries as people
from dutydesk.rosters.months import next_month
from dutydesk.rosters.rules.fairness import balances
from dutydesk.rosters.rules.quality import off_turns, quality_of
from dutydesk.rosters.view_queries import units_page, visible
from dutydesk.rosters.views.month_pages import by_unit, may_plan, month_before, month_named, this_month
from dutydesk.rosters.views.quality_queries import quality_facts
from dutydesk.web.pages import PageRoute, render
from dutydesk.web.site import TheSite

router = APIRouter(prefix="/rosters", route_class=PageRoute, include_in_schema=False)

Reader = Annotated[Actor, Depends(allow_page("roster:read"))]


@router.get("/quality")
async def choose_quality(
    request: Request,
    actor: Reader,
    site: TheSite,
    unit: Annotated[str, Query(max_length=40)] = "",
    month: Annotated[str, Query(max_length=10)] = "",
) -> Response:
    """Ask of which unit and month, or go there."""
    wanted = month_named(month) if month else this_month(site)
    async with site.db.read() as session:
        if unit:
            found = await visible(session, actor, unit)
            return RedirectResponse(f"/rosters/{found.code}/{wanted:%Y-%m}/quality", 303)
        only = actor.unit_id if actor.role == "unit" else None
        units, _ = await units_page(session, only=only, text="", offset=0, limit=1000)
    return render(request, "rosters/quality_choose.html", units=units, month=wanted, after=next_month(wanted))


@by_unit.get("/{unit}/{month}/quality")
async def quality(request: Request, unit: str, month: str, actor: Reader, site: TheSite) -> Response:
    """Show how good a unit's month is, drafts taken as they are."""
    now, wanted = site.clock.now(), month_named(month)
    async with site.db.read() as session:
        found = await visible(session, actor, unit)
        facts = await quality_facts(session, site, now, found.id, wanted)
        persons = await people.people_by_id(session, facts.people.keys())
    report = await asyncio.to_thread(quality_of, facts)
    return render(
        request,
        "rosters/quality.html",
        unit=found,
        month=wanted,
        before=month_before(wanted),
        after=next_month(wanted),
        report=report,
        persons=persons,
        balances={
            one.seat: balances({load.person_id: load for load in one.loads}) for one in report.fairness
        },
        off_turns=off_turns,
        planner=may_plan(actor, found),
    )

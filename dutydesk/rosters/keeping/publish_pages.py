"""The page on which a month is published: what becomes duty, what speaks against it, and one button."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse

from dutydesk.accounts.permissions import allow_page
from dutydesk.accounts.rules import Actor
from dutydesk.db import Session
from dutydesk.errors import DutydeskError
from dutydesk.people.model import Unit
from dutydesk.people.queries import people_by_id
from dutydesk.people.rules import Person
from dutydesk.rosters.keeping import publishing
from dutydesk.rosters.keeping.queries import stored_unit
from dutydesk.rosters.rules.fairness import balances
from dutydesk.rosters.rules.quality import QualityFacts, off_turns, quality_of
from dutydesk.rosters.view_queries import visible
from dutydesk.rosters.views.month_pages import month_named
from dutydesk.rosters.views.quality_queries import quality_facts
from dutydesk.web.forms import Form, Input, typed
from dutydesk.web.pages import PageRoute, render
from dutydesk.web.site import Site, TheSite

router = APIRouter(prefix="/rosters", route_class=PageRoute, include_in_schema=False)

Publisher = Annotated[Actor, Depends(allow_page("roster:file"))]

_REMARKS = Input(
    "remarks",
    "说明",
    "lines",
    hint="有空缺、待核实的班次或没有号码的人员时必须填写，例如已电话商定的安排",
    longest=500,
)


@dataclass(frozen=True, slots=True)
class _Shown:
    unit: Unit
    month: date
    review: publishing.Review
    # What the quality report says of the month, drafts taken as they are.
    facts: QualityFacts
    persons: Mapping[int, Person]


async def _read(session: Session, site: Site, actor: Actor, name: str, month: date) -> _Shown:
    found = await visible(session, actor, name)
    unit = await stored_unit(session, found.id)
    now = site.clock.now()
    review = await publishing.review(session, site, now, unit, month)
    facts = await quality_facts(session, site, now, found.id, month)
    return _Shown(unit, month, review, facts, await people_by_id(session, facts.people.keys()))


async def _page(request: Request, shown: _Shown, form: Form, status: int = 200) -> Response:
    review = shown.review
    by_person: dict[int, list[Any]] = {}
    for shift in review.drafts:
        by_person.setdefault(shift.person_id, []).append(shift)
    report = await asyncio.to_thread(quality_of, shown.facts)
    return render(
        request,
        "rosters/publish.html",
        status,
        unit=shown.unit,
        month=shown.month,
        review=review,
        people=sorted(
            ((review.persons[one], mine) for one, mine in by_person.items() if one in review.persons),
            key=lambda pair: (-len(pair[1]), pair[0].name),
        ),
        report=report,
        persons=shown.persons,
        balances={
            one.seat: balances({load.person_id: load for load in one.loads}) for one in report.fairness
        },
        off_turns=off_turns,
        form=form,
        back=f"/rosters/{shown.unit.code}/{shown.month:%Y-%m}",
    )


@router.get("/{unit}/{month}/publish")
async def ask(request: Request, unit: str, month: str, actor: Publisher, site: TheSite) -> Response:
    """Show what publishing would bring."""
    async with site.db.read() as session:
        shown = await _read(session, site, actor, unit, month_named(month))
    return await _page(request, shown, Form([_REMARKS]))


@router.post("/{unit}/{month}/publish")
async def publish(request: Request, unit: str, month: str, actor: Publisher, site: TheSite) -> Response:
    """Publish the month, or say what stands in the way."""
    form = await typed(request, [_REMARKS])
    wanted = month_named(month)
    async with site.db.read() as session:
        found = await visible(session, actor, unit)

    async def work(session: Session) -> None:
        await publishing.publish(
            session, site, site.clock.now(), actor.name, found.id, wanted, form.value("remarks")
        )

    try:
        await site.db.run(work)
    except DutydeskError as error:
        status = form.refused(error)
        async with site.db.read() as session:
            shown = await _read(session, site, actor, unit, wanted)
        return await _page(request, shown, form, status)
    return RedirectResponse(f"/rosters/{found.code}/{wanted:%Y-%m}", 303)

"""An incident in the browser: log it, log reports on it, change it, and see everything about it."""

import secrets
from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from dutydesk.accounts.permissions import allow_page
from dutydesk.accounts.rules import Actor
from dutydesk.db import Session
from dutydesk.errors import DutydeskError
from dutydesk.incidents import actions, acts, file_pages, forms, owed_acts, queries, report_acts
from dutydesk.incidents.acting import to_incident
from dutydesk.incidents.lines import GROUPS
from dutydesk.incidents.page_facts import incident_facts
from dutydesk.people.lists import LARGEST_ID
from dutydesk.people.queries import list_units, units_by_id
from dutydesk.people.rules import Unit
from dutydesk.web.forms import Form, typed
from dutydesk.web.once import once_only
from dutydesk.web.pages import PageRoute, render
from dutydesk.web.site import Site, TheSite

router = APIRouter(route_class=PageRoute, include_in_schema=False)
for _acts in (acts, report_acts, owed_acts, file_pages):
    router.include_router(_acts.router)

Reader = Annotated[Actor, Depends(allow_page("incident:read"))]
Writer = Annotated[Actor, Depends(allow_page("incident:write"))]

_LISTED = 200


@router.get("/incidents")
async def listed(request: Request, actor: Reader, site: TheSite) -> Response:
    """List the newest incidents, the closed and the withdrawn ones too; a unit contact sees its own unit's."""
    async with site.db.read() as session:
        rows = await queries.latest_incidents(session, _LISTED, unit_id=actor.unit_id)
        units = await units_by_id(session, {row.unit_id for row in rows})
    return render(request, "incidents/list.html", rows=rows, units=units, full=len(rows) == _LISTED)


# ---------------------------------------------------------------------------------------------------------------------
# Logging


@router.get("/incidents/new")
async def new_form(request: Request, _actor: Writer, site: TheSite) -> Response:
    """Show the form of a new incident: received now, ungraded, the time of the event still to be typed."""
    units = await _units(site)
    values = {
        "occurred_at_kind": "exact",
        "grade": "ungraded",
        "category": "accident",
        "received_at": forms.local(site.clock.now(), site.zone),
        "once": secrets.token_urlsafe(16),
    }
    return _new_page(request, Form(forms.incident_inputs(units), values))


@router.post("/incidents")
async def log(request: Request, actor: Writer, site: TheSite) -> Response:
    """Log what was typed; its clocks run from this moment on."""
    units = await _units(site)
    form = await typed(request, forms.incident_inputs(units))
    new = forms.new_incident(form, units, site.zone, site.clock.now())
    if new is None:
        return _new_page(request, form, 422)

    async def work(session: Session) -> str:
        return (await actions.log_incident(session, site, site.clock.now(), actor, new)).number

    try:
        return to_incident(await once_only(site, actor.name, form.value("once"), work))
    except DutydeskError as error:
        return _new_page(request, form, form.refused(error))


async def _units(site: Site) -> Sequence[Unit]:
    async with site.db.read() as session:
        return await list_units(session, serving=True)


def _new_page(request: Request, form: Form, status: int = 200) -> Response:
    return render(request, "incidents/new.html", status, form=form)


# ---------------------------------------------------------------------------------------------------------------------
# Looking


Group = Annotated[str, Query(alias="kind", max_length=20)]
Before = Annotated[int, Query(ge=0, le=LARGEST_ID)]


@router.get("/incidents/{number}")
async def incident(
    request: Request, number: str, actor: Reader, site: TheSite, group: Group = "", before: Before = 0
) -> Response:
    """Show an incident with its clocks, its reports and everything that happened."""
    return await _incident(request, number, actor, site, "incidents/incident.html", group, before)


@router.get("/incidents/{number}/live")
async def live(
    request: Request, number: str, actor: Reader, site: TheSite, group: Group = "", before: Before = 0
) -> Response:
    """Return the part of the page that changes."""
    return await _incident(request, number, actor, site, "incidents/live.html", group, before)


async def _incident(
    request: Request, number: str, actor: Actor, site: Site, template: str, group: str, before: int
) -> Response:
    async with site.db.read() as session:
        row = await queries.incident_by_number(session, number, unit_id=actor.unit_id)
        shown = await incident_facts(
            session, site, row, actor, group=group if group in GROUPS else "", before=before
        )
    return render(request, template, **shown)

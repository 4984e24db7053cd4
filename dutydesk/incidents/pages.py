"""An incident in the browser: log it, log reports on it, change it, and see everything about it."""

import secrets
from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response

from dutydesk.accounts.permissions import allow_page
from dutydesk.accounts.rules import Actor
from dutydesk.alerts.queries import told
from dutydesk.db import Session
from dutydesk.errors import DutydeskError
from dutydesk.incidents import actions, acts, forms, queries
from dutydesk.incidents.acts import once_only, to_incident
from dutydesk.incidents.cards import cards
from dutydesk.incidents.model import Incident
from dutydesk.incidents.timeline import timeline
from dutydesk.obligations import queries as owed_queries
from dutydesk.people.queries import list_units, people_by_id, units_by_id
from dutydesk.people.rules import Unit
from dutydesk.web.forms import Form, typed
from dutydesk.web.pages import PageRoute, render
from dutydesk.web.site import Site, TheSite

router = APIRouter(route_class=PageRoute, include_in_schema=False)
router.include_router(acts.router)

Reader = Annotated[Actor, Depends(allow_page("incident:read"))]
Writer = Annotated[Actor, Depends(allow_page("incident:write"))]

_MOST_TOLD = 5000


_LISTED = 200


@router.get("/incidents")
async def listed(request: Request, _actor: Reader, site: TheSite) -> Response:
    """List the newest incidents, the closed and the withdrawn ones too: what happened can be found again."""
    async with site.db.read() as session:
        rows = await queries.latest_incidents(session, _LISTED)
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
        return to_incident(await once_only(site, actor, form.value("once"), work))
    except DutydeskError as error:
        return _new_page(request, form, form.refused(error))


async def _units(site: Site) -> Sequence[Unit]:
    async with site.db.read() as session:
        return await list_units(session)


def _new_page(request: Request, form: Form, status: int = 200) -> Response:
    return render(request, "incidents/new.html", status, form=form)


# ---------------------------------------------------------------------------------------------------------------------
# Looking


@router.get("/incidents/{number}")
async def incident(request: Request, number: str, actor: Reader, site: TheSite) -> Response:
    """Show an incident with its clocks, its reports and everything that happened."""
    return await _incident(request, number, actor, site, "incidents/incident.html")


@router.get("/incidents/{number}/live")
async def live(request: Request, number: str, actor: Reader, site: TheSite) -> Response:
    """Return the part of the page that changes."""
    return await _incident(request, number, actor, site, "incidents/live.html")


async def _incident(request: Request, number: str, actor: Actor, site: Site, template: str) -> Response:
    async with site.db.read() as session:
        shown = await _facts(
            session, site, await queries.incident_by_number(session, number, unit_id=actor.unit_id)
        )
    return render(request, template, **shown, masked=not actor.may("numbers:read"))


async def _facts(session: Session, site: Site, row: Incident) -> dict[str, Any]:
    obligations = await owed_queries.obligations_of(session, row.id or 0)
    ids = [one.id or 0 for one in obligations]
    messages = await told(session, numbers=[row.number], limit=_MOST_TOLD)
    people = await people_by_id(
        session, {one.alert.person_id for one in messages if one.alert.person_id is not None}
    )
    found = cards(
        obligations,
        await owed_queries.rungs_of(session, ids),
        await owed_queries.verdicts_of(session, ids),
        messages,
        {person.id: person.name for person in people.values()},
        site.rulebook.wording.texts,
        site.clock.now(),
    )
    survivors = await queries.incidents_by_id(
        session, [row.merged_into_id] if row.merged_into_id is not None else []
    )
    return {
        "incident": row,
        "unit": (await units_by_id(session, [row.unit_id]))[row.unit_id],
        "survivor": survivors.get(row.merged_into_id or 0),
        "cards": found,
        "reports": await queries.reports_of(session, row.id or 0),
        "lines": (await timeline(session, row, site))[::-1],
    }

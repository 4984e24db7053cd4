"""The API of one report: void it, check a late entry, say who called."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from dutydesk.accounts.permissions import allow
from dutydesk.accounts.rules import Actor
from dutydesk.db import Session
from dutydesk.incidents import queries, reporting
from dutydesk.incidents.model import Incident, Report
from dutydesk.incidents.shown import shown
from dutydesk.incidents.views import CompleteIn, IncidentOut, ReasonIn
from dutydesk.people.lists import Id
from dutydesk.people.numbers import parse_number
from dutydesk.web.answers import once
from dutydesk.web.problems import declared
from dutydesk.web.site import Site, TheSite

router = APIRouter(tags=["incidents"])

Writer = Annotated[Actor, Depends(allow("incident:write"))]

ReportChange = Callable[[Session, Site, datetime, Actor, Report], Awaitable[Incident]]


async def _change_report(
    request: Request, report_id: int, actor: Actor, site: Site, change: ReportChange
) -> Response:
    async def work(session: Session) -> IncidentOut:
        report = await queries.report(session, report_id)
        row = await change(session, site, site.clock.now(), actor, report)
        return await shown(session, row, actor)

    return await once(request, actor.caller, 200, work)


@router.post(
    "/reports/{report_id}/void",
    response_model=IncidentOut,
    responses=declared(404, 409),
    summary="Void a report",
)
async def post_void(
    request: Request, report_id: Id, body: ReasonIn, actor: Writer, site: TheSite
) -> Response:
    """Declare a report a mistake; what it fulfilled is owed again at its original due time."""

    async def change(session: Session, site: Site, now: datetime, actor: Actor, report: Report) -> Incident:
        return await reporting.void_report(session, site, now, actor, report, body.reason)

    return await _change_report(request, report_id, actor, site, change)


@router.post(
    "/reports/{report_id}/check",
    response_model=IncidentOut,
    responses=declared(404, 409),
    summary="Check a late entry",
)
async def post_check(
    request: Request, report_id: Id, body: ReasonIn, actor: Writer, site: TheSite
) -> Response:
    """Confirm, as a second person, the time of a report that was entered late."""

    async def change(session: Session, site: Site, now: datetime, actor: Actor, report: Report) -> Incident:
        return await reporting.check_report(session, site, now, actor, report, body.reason)

    return await _change_report(request, report_id, actor, site, change)


@router.post(
    "/reports/{report_id}/complete",
    response_model=IncidentOut,
    responses=declared(404, 409),
    summary="Say who called",
)
async def post_complete(
    request: Request, report_id: Id, body: CompleteIn, actor: Writer, site: TheSite
) -> Response:
    """Add who called and from which number."""

    async def change(session: Session, site: Site, now: datetime, actor: Actor, report: Report) -> Incident:
        number = parse_number(body.reporter_phone)
        return await reporting.complete_report(session, site, now, actor, report, body.reporter, number)

    return await _change_report(request, report_id, actor, site, change)

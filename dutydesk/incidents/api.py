"""The API of incidents, reports and obligations."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response

from dutydesk.accounts.permissions import allow
from dutydesk.accounts.rules import Actor
from dutydesk.db import Session
from dutydesk.errors import FieldFault, InvalidInputError, NotFoundError
from dutydesk.incidents import actions, queries, report_api, reporting
from dutydesk.incidents.casualties import count_people, counts_of
from dutydesk.incidents.model import Incident, IncidentState
from dutydesk.incidents.reading import plain_for
from dutydesk.incidents.shown import shown, shown_all
from dutydesk.incidents.timeline import everything_after
from dutydesk.incidents.views import (
    CasualtiesIn,
    CasualtiesOut,
    CorrectIn,
    IncidentIn,
    IncidentList,
    IncidentOut,
    LineOut,
    MergeIn,
    ReasonIn,
    RegradeIn,
    ReportIn,
    ReportOut,
    Timeline,
    casualties_out,
    report_out,
)
from dutydesk.people.lists import Cursor, Limit, next_cursor
from dutydesk.people.numbers import parse_number
from dutydesk.people.queries import unit_by_code
from dutydesk.web.answers import once
from dutydesk.web.problems import declared
from dutydesk.web.site import Site, TheSite

router = APIRouter(prefix="/api/v1", tags=["incidents"])
router.include_router(report_api.router)

Reader = Annotated[Actor, Depends(allow("incident:read"))]
Writer = Annotated[Actor, Depends(allow("incident:write"))]
Filer = Annotated[Actor, Depends(allow("report:file"))]
Decider = Annotated[Actor, Depends(allow("obligation:decide"))]
Confirmer = Annotated[Actor, Depends(allow("clock:confirm"))]


def new_report(body: ReportIn) -> reporting.NewReport:
    """Return a report of the API for the actions, its number in E.164 where it can be read as one."""
    number = body.reporter_phone
    if number:
        try:
            number = parse_number(number)
        except InvalidInputError as error:
            raise InvalidInputError(
                f"reporter_phone: {error.detail}", (FieldFault("reporter_phone", error.detail),)
            ) from error
    return reporting.NewReport(
        kind=body.kind,
        reported_at=body.reported_at,
        reporter=body.reporter,
        reporter_phone=number,
        content=body.content,
    )


@router.post(
    "/incidents",
    status_code=201,
    response_model=IncidentOut,
    responses=declared(409),
    summary="Log an incident",
)
async def post_incident(request: Request, body: IncidentIn, actor: Writer, site: TheSite) -> Response:
    """Log an incident with its reports; its clocks run from this moment on."""

    async def work(session: Session) -> IncidentOut:
        unit = await _unit(session, body.unit)
        given = body.model_dump(exclude={"unit", "reports"})
        new = actions.NewIncident(
            unit_id=unit, reports=tuple(new_report(report) for report in body.reports), **given
        )
        row = await actions.log_incident(session, site, site.clock.now(), actor, new)
        return await shown(session, row, actor)

    return await once(request, actor.caller, 201, work)


async def _unit(session: Session, code: str) -> int:
    """An unknown unit in a body is malformed input, not a missing page."""
    try:
        return (await unit_by_code(session, code)).id
    except NotFoundError as error:
        raise InvalidInputError(f"unit: {error.detail}", (FieldFault("unit", error.detail),)) from error


@router.get("/incidents", responses=declared(), summary="List incidents")
async def get_incidents(
    actor: Reader,
    site: TheSite,
    state: IncidentState | None = None,
    unit: str | None = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> IncidentList:
    """List incidents in the order they were logged; a unit contact sees its own unit's."""
    async with site.db.read() as session:
        unit_id = actor.unit_id
        if unit is not None and unit_id is None:
            unit_id = await _unit(session, unit)
        rows = await queries.list_incidents(
            session, state=state, unit_id=unit_id, after_id=cursor or 0, limit=limit + 1
        )
        items = await shown_all(session, rows[:limit], actor)
    return IncidentList(items=items, next_cursor=next_cursor([row.id or 0 for row in rows], limit))


@router.get("/incidents/{number}", responses=declared(404), summary="One incident")
async def get_incident(number: str, actor: Reader, site: TheSite) -> IncidentOut:
    """Return an incident with its obligations and reports."""
    async with site.db.read() as session:
        row = await queries.incident_by_number(session, number, unit_id=actor.unit_id)
        return await shown(session, row, actor)


@router.get("/incidents/{number}/timeline", responses=declared(404), summary="Everything that happened")
async def get_timeline(number: str, actor: Reader, site: TheSite, cursor: Cursor = None) -> Timeline:
    """Return everything that happened about an incident, in order; with `next_cursor` there is more."""
    async with site.db.read() as session:
        row = await queries.incident_by_number(session, number, unit_id=actor.unit_id)
        page = await everything_after(session, row, site, actor, cursor or 0)
    shown_text = plain_for(actor)
    return Timeline(
        items=[
            LineOut(at=line.at, kind=line.kind, text=shown_text(line.text), detail=shown_text(line.detail))
            for line in page.lines
        ],
        next_cursor=str(page.more) if page.more else None,
    )


@router.post(
    "/incidents/{number}/reports",
    status_code=201,
    response_model=ReportOut,
    responses=declared(404, 409),
    summary="Log or file a report",
)
async def post_report(request: Request, number: str, body: ReportIn, actor: Filer, site: TheSite) -> Response:
    """Log a report (desk) or file one (unit); what it fulfils is judged at once."""

    async def work(session: Session) -> ReportOut:
        row = await queries.incident_by_number(session, number, unit_id=actor.unit_id, lock=True)
        now = site.clock.now()
        return report_out(await reporting.add_report(session, site, now, actor, row, new_report(body)))

    return await once(request, actor.caller, 201, work)


@router.post(
    "/incidents/{number}/casualties",
    status_code=201,
    response_model=CasualtiesOut,
    responses=declared(404, 409),
    summary="Count people",
)
async def post_casualties(
    request: Request, number: str, body: CasualtiesIn, actor: Writer, site: TheSite
) -> Response:
    """Write down how many people were harmed as known at one moment; a correction is another count."""

    async def work(session: Session) -> CasualtiesOut:
        row = await queries.incident_by_number(session, number, lock=True)
        counts = {name: getattr(body, name) for name in counts_of(None)}
        made = await count_people(
            session, site.clock.now(), actor, row, as_of=body.as_of, counts=counts, note=body.note
        )
        return casualties_out(made)

    return await once(request, actor.caller, 201, work)


Change = Callable[[Session, Site, datetime, Actor, Incident], Awaitable[Incident]]


async def _change(request: Request, number: str, actor: Actor, site: Site, change: Change) -> Response:
    """Do something to an incident and answer with what it is then."""

    async def work(session: Session) -> IncidentOut:
        row = await queries.incident_by_number(session, number, lock=True)
        return await shown(session, await change(session, site, site.clock.now(), actor, row), actor)

    return await once(request, actor.caller, 200, work)


@router.post(
    "/incidents/{number}/correct", response_model=IncidentOut, responses=declared(404, 409), summary="Correct"
)
async def post_correct(
    request: Request, number: str, body: CorrectIn, actor: Writer, site: TheSite
) -> Response:
    """Correct fields that were wrong; due times that follow from them move."""

    async def change(session: Session, site: Site, now: datetime, actor: Actor, row: Incident) -> Incident:
        values: dict[str, Any] = {
            name: getattr(body, name)
            for name in body.model_fields_set - {"reason", "unit"}
            if _given(body, name)
        }
        if body.unit is not None:
            values["unit_id"] = await _unit(session, body.unit)
        return await actions.correct(session, site, now, actor, row, values, body.reason)

    return await _change(request, number, actor, site, change)


def _given(body: CorrectIn, name: str) -> bool:
    """Only times may be set to nothing; null elsewhere means: leave it."""
    return getattr(body, name) is not None or name in ("occurred_at", "learned_at")


@router.post(
    "/incidents/{number}/regrade", response_model=IncidentOut, responses=declared(404, 409), summary="Regrade"
)
async def post_regrade(
    request: Request, number: str, body: RegradeIn, actor: Decider, site: TheSite
) -> Response:
    """Give an incident another grade or other flags."""

    async def change(session: Session, site: Site, now: datetime, actor: Actor, row: Incident) -> Incident:
        return await actions.regrade(
            session,
            site,
            now,
            actor,
            row,
            grade=body.grade,
            suspected=row.suspected if body.suspected is None else body.suspected,
            sensitive=row.sensitive if body.sensitive is None else body.sensitive,
            confirmed=body.confirmed,
            leader=body.leader,
            reason=body.reason,
        )

    return await _change(request, number, actor, site, change)


@router.post(
    "/incidents/{number}/withdraw",
    response_model=IncidentOut,
    responses=declared(404, 409),
    summary="Withdraw",
)
async def post_withdraw(
    request: Request, number: str, body: ReasonIn, actor: Writer, site: TheSite
) -> Response:
    """Withdraw a false report: its clocks stop."""

    async def change(session: Session, site: Site, now: datetime, actor: Actor, row: Incident) -> Incident:
        return await actions.withdraw(session, site, now, actor, row, body.reason)

    return await _change(request, number, actor, site, change)


@router.post(
    "/incidents/{number}/reinstate",
    response_model=IncidentOut,
    responses=declared(404, 409),
    summary="Reinstate",
)
async def post_reinstate(
    request: Request, number: str, body: ReasonIn, actor: Writer, site: TheSite
) -> Response:
    """Undo a withdrawal or a merge."""

    async def change(session: Session, site: Site, now: datetime, actor: Actor, row: Incident) -> Incident:
        return await actions.reinstate(session, site, now, actor, row, body.reason)

    return await _change(request, number, actor, site, change)


@router.post(
    "/incidents/{number}/end", response_model=IncidentOut, responses=declared(404, 409), summary="End"
)
async def post_end(request: Request, number: str, body: ReasonIn, actor: Writer, site: TheSite) -> Response:
    """Record that the handling has ended; the final report is owed."""

    async def change(session: Session, site: Site, now: datetime, actor: Actor, row: Incident) -> Incident:
        return await actions.end(session, site, now, actor, row, body.reason)

    return await _change(request, number, actor, site, change)


@router.post(
    "/incidents/{number}/merge", response_model=IncidentOut, responses=declared(404, 409), summary="Merge"
)
async def post_merge(request: Request, number: str, body: MergeIn, actor: Writer, site: TheSite) -> Response:
    """Merge an incident into another one about the same event; answers with the survivor."""

    async def change(session: Session, site: Site, now: datetime, actor: Actor, row: Incident) -> Incident:
        into = await queries.incident_by_number(session, body.into, lock=True)
        return await actions.merge(session, site, now, actor, row, into, body.reason)

    return await _change(request, number, actor, site, change)

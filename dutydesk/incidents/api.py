"""The API of incidents, reports and obligations."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response

from dutydesk.accounts.permissions import allow
from dutydesk.accounts.rules import Actor
from dutydesk.db import Session
from dutydesk.errors import FieldFault, InvalidInputError, NotFoundError
from dutydesk.incidents import actions, queries, reporting
from dutydesk.incidents.model import Incident, IncidentState, Report
from dutydesk.incidents.timeline import timeline
from dutydesk.incidents.views import (
    CompleteIn,
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
    incident_out,
    report_out,
)
from dutydesk.logs import mask_text
from dutydesk.obligations import queries as owed_queries
from dutydesk.people.lists import Cursor, Id, Limit, next_cursor
from dutydesk.people.numbers import parse_number
from dutydesk.people.queries import unit_by_code, units_by_id
from dutydesk.web.answers import once
from dutydesk.web.problems import declared
from dutydesk.web.site import Site, TheSite

router = APIRouter(prefix="/api/v1", tags=["incidents"])

Reader = Annotated[Actor, Depends(allow("incident:read"))]
Writer = Annotated[Actor, Depends(allow("incident:write"))]
Filer = Annotated[Actor, Depends(allow("report:file"))]
Decider = Annotated[Actor, Depends(allow("obligation:decide"))]
Confirmer = Annotated[Actor, Depends(allow("clock:confirm"))]


async def shown(session: Session, row: Incident) -> IncidentOut:
    """Return an incident with everything that belongs to it, for the API."""
    return (await _shown(session, [row]))[0]


async def _shown(session: Session, rows: list[Incident]) -> list[IncidentOut]:
    units = await units_by_id(session, {row.unit_id for row in rows})
    survivors = await queries.incidents_by_id(
        session, {row.merged_into_id for row in rows if row.merged_into_id is not None}
    )
    made = []
    for row in rows:
        obligations = await owed_queries.obligations_of(session, row.id or 0)
        verdicts = {
            one.obligation_id: one
            for one in await owed_queries.verdicts_of(session, [one.id or 0 for one in obligations])
        }
        survivor = survivors.get(row.merged_into_id or 0)
        made.append(
            incident_out(
                row,
                units[row.unit_id].code,
                None if survivor is None else survivor.number,
                obligations,
                verdicts,
                await queries.reports_of(session, row.id or 0),
            )
        )
    return made


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
        return await shown(session, await actions.log_incident(session, site, site.clock.now(), actor, new))

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
        items = await _shown(session, rows[:limit])
    return IncidentList(items=items, next_cursor=next_cursor([row.id or 0 for row in rows], limit))


@router.get("/incidents/{number}", responses=declared(404), summary="One incident")
async def get_incident(number: str, actor: Reader, site: TheSite) -> IncidentOut:
    """Return an incident with its obligations and reports."""
    async with site.db.read() as session:
        row = await queries.incident_by_number(session, number, unit_id=actor.unit_id)
        return await shown(session, row)


@router.get("/incidents/{number}/timeline", responses=declared(404), summary="Everything that happened")
async def get_timeline(number: str, actor: Reader, site: TheSite) -> Timeline:
    """Return everything that happened about an incident, in order."""
    async with site.db.read() as session:
        row = await queries.incident_by_number(session, number, unit_id=actor.unit_id)
        lines = await timeline(session, row, site)
    shown_text = (lambda text: text) if actor.may("numbers:read") else mask_text
    return Timeline(
        items=[
            LineOut(at=line.at, kind=line.kind, text=shown_text(line.text), detail=shown_text(line.detail))
            for line in lines
        ]
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


Change = Callable[[Session, Site, datetime, Actor, Incident], Awaitable[Incident]]


async def _change(request: Request, number: str, actor: Actor, site: Site, change: Change) -> Response:
    """Do something to an incident and answer with what it is then."""

    async def work(session: Session) -> IncidentOut:
        row = await queries.incident_by_number(session, number, lock=True)
        return await shown(session, await change(session, site, site.clock.now(), actor, row))

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
    request: Request, number: str, body: RegradeIn, actor: Writer, site: TheSite
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


# ── reports ──────────────────────────────────────────────────────────────────────────────────

ReportChange = Callable[[Session, Site, datetime, Actor, Report], Awaitable[Incident]]


async def _change_report(
    request: Request, report_id: int, actor: Actor, site: Site, change: ReportChange
) -> Response:
    async def work(session: Session) -> IncidentOut:
        report = await queries.report(session, report_id)
        return await shown(session, await change(session, site, site.clock.now(), actor, report))

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

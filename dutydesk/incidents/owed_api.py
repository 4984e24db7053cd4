"""The API of what is owed: listing, waiving, taking over, recording what was done, and the clock itself."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from dutydesk.accounts.permissions import allow
from dutydesk.accounts.rules import Actor
from dutydesk.db import Session
from dutydesk.errors import NotFoundError
from dutydesk.incidents import duties
from dutydesk.incidents.reading import all_masked
from dutydesk.incidents.views import (
    FulfilIn,
    ObligationList,
    ObligationOut,
    ReasonIn,
    TakeOverIn,
    obligation_out,
)
from dutydesk.obligations import queries as owed_queries
from dutydesk.obligations.model import Obligation, ObligationState
from dutydesk.obligations.verdicts import confirm_clock
from dutydesk.people.lists import Cursor, Id, Limit, Moment, next_cursor
from dutydesk.web.answers import once
from dutydesk.web.problems import declared
from dutydesk.web.site import Site, TheSite

router = APIRouter(prefix="/api/v1", tags=["obligations"])

Reader = Annotated[Actor, Depends(allow("incident:read"))]
Writer = Annotated[Actor, Depends(allow("incident:write"))]
Decider = Annotated[Actor, Depends(allow("obligation:decide"))]
Confirmer = Annotated[Actor, Depends(allow("clock:confirm"))]


@router.get("/obligations", responses=declared(), summary="List what is owed")
async def get_obligations(
    actor: Reader,
    site: TheSite,
    state: ObligationState | None = None,
    due_before: Annotated[Moment | None, Query()] = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> ObligationList:
    """List obligations; a unit contact sees what its own unit owes (a page may be short, the cursor leads on)."""
    async with site.db.read() as session:
        rows = await owed_queries.list_obligations(
            session,
            state=state,
            due_before=due_before,
            unit_id=actor.unit_id,
            after_id=cursor or 0,
            limit=limit + 1,
        )
        verdicts = {
            one.obligation_id: one
            for one in await owed_queries.verdicts_of(session, [row.id or 0 for row in rows[:limit]])
        }
    items = [
        obligation_out(row, verdicts.get(row.id or 0))
        for row in rows[:limit]
        # What the desk owes about the unit's incident tells who called, and is not the unit's to read.
        if actor.role != "unit" or row.binds == "unit"
    ]
    if not actor.may("numbers:read"):
        items = [ObligationOut(**all_masked(one.model_dump())) for one in items]
    return ObligationList(items=items, next_cursor=next_cursor([row.id or 0 for row in rows], limit))


ObligationChange = Callable[[Session, datetime, Obligation], Awaitable[None]]


async def _change_obligation(
    request: Request, obligation_id: int, actor: Actor, site: Site, change: ObligationChange
) -> Response:
    async def work(session: Session) -> ObligationOut:
        row = await owed_queries.obligation(session, obligation_id, lock=True)
        if row is None:
            message = f"there is no obligation {obligation_id}"
            raise NotFoundError(message)
        await change(session, site.clock.now(), row)
        await session.flush()
        verdicts = await owed_queries.verdicts_of(session, [obligation_id])
        return obligation_out(row, verdicts[-1] if verdicts else None)

    return await once(request, actor.caller, 200, work)


@router.post(
    "/obligations/{obligation_id}/waive",
    response_model=ObligationOut,
    responses=declared(404, 409),
    summary="Waive",
)
async def post_waive(
    request: Request, obligation_id: Id, body: ReasonIn, actor: Decider, site: TheSite
) -> Response:
    """Free somebody from a duty, with a reason."""

    async def change(session: Session, now: datetime, row: Obligation) -> None:
        await duties.waive(session, now, actor, row, body.reason)

    return await _change_obligation(request, obligation_id, actor, site, change)


@router.post(
    "/obligations/{obligation_id}/take-over",
    response_model=ObligationOut,
    responses=declared(404, 409),
    summary="Take over",
)
async def post_take_over(
    request: Request, obligation_id: Id, body: TakeOverIn, actor: Decider, site: TheSite
) -> Response:
    """Let a named person answer for it until the time of the next check."""

    async def change(session: Session, now: datetime, row: Obligation) -> None:
        await duties.take_over(session, now, actor, row, body.who, body.reason, body.next_check_at)

    return await _change_obligation(request, obligation_id, actor, site, change)


@router.post(
    "/obligations/{obligation_id}/fulfil",
    response_model=ObligationOut,
    responses=declared(404, 409),
    summary="Record that it was done",
)
async def post_fulfil(
    request: Request, obligation_id: Id, body: FulfilIn, actor: Writer, site: TheSite
) -> Response:
    """Record by hand that a duty was done which no report and no key can prove."""

    async def change(session: Session, now: datetime, row: Obligation) -> None:
        await duties.fulfil_by_entry(session, now, actor, row, body.at, body.reason)

    return await _change_obligation(request, obligation_id, actor, site, change)


@router.post(
    "/clock/confirm",
    tags=["clock"],
    response_model=ReasonIn,
    responses=declared(409),
    summary="Confirm the clock",
)
async def post_confirm_clock(request: Request, body: ReasonIn, actor: Confirmer, site: TheSite) -> Response:
    """Record that a person checked the clock after it stepped; verdicts in doubt are judged again."""

    async def work(session: Session) -> ReasonIn:
        await confirm_clock(session, site.clock.now(), actor.name, body.reason)
        return body

    return await once(request, actor.caller, 200, work)

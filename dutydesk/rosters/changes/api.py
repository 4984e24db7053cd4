"""``/api/v1/shift-changes``: substitutions and swaps."""

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from dutydesk.accounts.permissions import allow
from dutydesk.accounts.rules import Actor
from dutydesk.db import Session
from dutydesk.people import queries as people
from dutydesk.people.lists import LARGEST_ID, Id, Limit, Moment
from dutydesk.rosters.changes import actions as changes
from dutydesk.rosters.changes import queries
from dutydesk.rosters.model import ShiftChange
from dutydesk.rosters.rules import ChangeKind, ChangeState
from dutydesk.web.answers import once
from dutydesk.web.problems import declared
from dutydesk.web.site import TheSite
from dutydesk.web.texts import Code, LongText, Reason

router = APIRouter(prefix="/api/v1/shift-changes", tags=["rosters"])

Asker = Annotated[Actor, Depends(allow("roster:ask"))]
Approver = Annotated[Actor, Depends(allow("roster:approve"))]
Number = Annotated[int, Path(ge=1, le=LARGEST_ID)]
Before = Annotated[int | None, Query(ge=1, le=LARGEST_ID, description="`next_cursor` of the answer before.")]


class ChangeBody(BaseModel):
    """A substitute (``person``, for the whole shift or a part of it) or a swap (``other_shift``)."""

    model_config = ConfigDict(populate_by_name=True)

    kind: ChangeKind
    shift: Id
    person: Id | None = None
    other_shift: Id | None = None
    from_at: Annotated[Moment | None, Field(alias="from")] = None
    until_at: Annotated[Moment | None, Field(alias="until")] = None
    reason: Reason


class DecisionBody(BaseModel):
    """Approved or sent back; that needs an opinion."""

    decision: Literal["approve", "reject"]
    opinion: LongText = ""


class CancelBody(BaseModel):
    """Why it is taken back."""

    reason: LongText = ""


class ChangeAnswer(BaseModel):
    """A substitution or a swap; ``from_person`` is null where nobody sat."""

    model_config = ConfigDict(populate_by_name=True, serialize_by_alias=True)

    id: int
    kind: ChangeKind
    state: ChangeState
    unit: str
    shift: int
    other_shift: int | None
    from_person: int | None
    to_person: int
    from_at: Annotated[datetime, Field(alias="from")]
    until_at: Annotated[datetime, Field(alias="until")]
    reason: str
    requested_at: datetime
    requested_by: str
    decided_at: datetime | None
    decided_by: str
    decision: str


class ChangeList(BaseModel):
    """Some changes, the newest first."""

    items: list[ChangeAnswer]
    next_cursor: str | None


@router.post(
    "",
    status_code=201,
    response_model=ChangeAnswer,
    responses=declared(403, 404, 409),
    summary="Ask for a change",
)
async def post_change(request: Request, site: TheSite, actor: Asker, body: ChangeBody) -> Response:
    async def work(session: Session) -> ChangeAnswer:
        row = await changes.ask(
            session,
            site,
            site.clock.now(),
            actor,
            kind=body.kind,
            shift_id=body.shift,
            person_id=body.person,
            other_shift_id=body.other_shift,
            from_at=body.from_at,
            until_at=body.until_at,
            reason=body.reason,
        )
        return await _answer(session, row)

    return await once(request, actor.caller, 201, work)


@router.get("", responses=declared(404), summary="List changes, the newest first")
async def get_changes(
    site: TheSite,
    actor: Asker,
    unit: Code | None = None,
    state: ChangeState | None = None,
    limit: Limit = 100,
    before: Before = None,
) -> ChangeList:
    async with site.db.read() as session:
        unit_id = await people.visible_unit(session, actor, unit)
        rows = await queries.list_changes(
            session,
            unit_id=unit_id,
            states=() if state is None else (state,),
            before=before,
            limit=limit + 1,
        )
        units = await people.units_by_id(session, [row.unit_id for row in rows])
    items = [_of(row, units[row.unit_id].code) for row in rows[:limit]]
    return ChangeList(items=items, next_cursor=str(items[-1].id) if len(rows) > limit else None)


@router.get("/{change_id}", responses=declared(404), summary="One change")
async def get_change(site: TheSite, actor: Asker, change_id: Number) -> ChangeAnswer:
    async with site.db.read() as session:
        return await _answer(session, await queries.change(session, change_id, unit_id=actor.unit_id))


@router.post(
    "/{change_id}/decide",
    response_model=ChangeAnswer,
    responses=declared(403, 404, 409),
    summary="Approve a change or send it back",
)
async def post_decision(
    request: Request, site: TheSite, actor: Approver, change_id: Number, body: DecisionBody
) -> Response:
    async def work(session: Session) -> ChangeAnswer:
        row = await changes.decide(
            session,
            site,
            site.clock.now(),
            actor,
            change_id,
            approve=body.decision == "approve",
            opinion=body.opinion,
        )
        return await _answer(session, row)

    return await once(request, actor.caller, 200, work)


@router.post(
    "/{change_id}/cancel",
    response_model=ChangeAnswer,
    responses=declared(404, 409),
    summary="Take a change back",
)
async def post_cancel(
    request: Request, site: TheSite, actor: Asker, change_id: Number, body: CancelBody
) -> Response:
    async def work(session: Session) -> ChangeAnswer:
        row = await changes.cancel(session, site, site.clock.now(), actor, change_id, body.reason)
        return await _answer(session, row)

    return await once(request, actor.caller, 200, work)


async def _answer(session: Session, row: ShiftChange) -> ChangeAnswer:
    units = await people.units_by_id(session, [row.unit_id])
    return _of(row, units[row.unit_id].code)


def _of(row: ShiftChange, unit: str) -> ChangeAnswer:
    return ChangeAnswer(
        id=people.id_of(row.id),
        kind=row.kind,
        state=row.state,
        unit=unit,
        shift=row.shift_id,
        other_shift=row.other_shift_id,
        from_person=row.from_person_id,
        to_person=row.to_person_id,
        from_at=row.from_at,
        until_at=row.until_at,
        reason=row.reason,
        requested_at=row.requested_at,
        requested_by=row.requested_by,
        decided_at=row.decided_at,
        decided_by=row.decided_by,
        decision=row.decision,
    )

"""``/api/v1/leaves``: leaves and trips of Art. 57, and who runs the bureau meanwhile (Art. 5)."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from dutydesk.accounts.permissions import allow
from dutydesk.accounts.rules import Actor
from dutydesk.db import Session
from dutydesk.people import queries as people
from dutydesk.people.lists import LARGEST_ID, Id, Limit, Moment
from dutydesk.rosters.leaves import actions as leaves
from dutydesk.rosters.leaves import amendments as leave_amendments
from dutydesk.rosters.leaves import queries as leave_queries
from dutydesk.rosters.leaves.effects import seen_by
from dutydesk.rosters.model import LeaveReport
from dutydesk.rosters.rules import Away, LeaveKind, LeaveState
from dutydesk.rosters.rules.leaves import sees_all
from dutydesk.web.answers import once
from dutydesk.web.problems import declared
from dutydesk.web.site import TheSite
from dutydesk.web.texts import Code, LongText, Reason, ShortText

router = APIRouter(prefix="/api/v1/leaves", tags=["rosters"])

Asker = Annotated[Actor, Depends(allow("roster:ask"))]
Approver = Annotated[Actor, Depends(allow("leave:approve"))]
Number = Annotated[int, Path(ge=1, le=LARGEST_ID)]
Before = Annotated[int | None, Query(ge=1, le=LARGEST_ID, description="`next_cursor` of the answer before.")]
_NAMED = ConfigDict(populate_by_name=True, serialize_by_alias=True)


class StepsBody(BaseModel):
    """Steps of Art. 57 that were taken; what is left out stays as it is."""

    consent_by: ShortText = ""
    consent_at: Moment | None = None
    written_at: Moment | None = None
    receipt: ShortText = ""
    filed_at: Moment | None = None

    def steps(self) -> leaves.Steps:
        """Return them for the action."""
        return leaves.Steps(**{name: getattr(self, name) for name in StepsBody.model_fields})


class LeaveBody(StepsBody):
    """A leave to report. ``urgent`` needs the phone report; ``delegate`` runs the bureau for the director."""

    model_config = _NAMED

    person: Id
    kind: LeaveKind
    away: Away
    reason: Reason
    from_at: Annotated[Moment, Field(alias="from")]
    until_at: Annotated[Moment, Field(alias="until")]
    place: ShortText = ""
    transport: ShortText = ""
    arrangement: LongText = ""
    together_reason: LongText = ""
    urgent: bool = False
    phone_reported_at: Moment | None = None
    phone_reported_to: ShortText = ""
    delegate: Id | None = None


class DecisionBody(StepsBody):
    """Approved or sent back (with an opinion); an administrator says who decided."""

    decision: Literal["approve", "reject"]
    opinion: LongText = ""
    decided_by: ShortText = ""


class DelegateBody(BaseModel):
    """The deputy who runs the bureau meanwhile."""

    person: Id


class ItineraryBody(BaseModel):
    """Where, and from when to when, somebody goes instead."""

    model_config = _NAMED

    away: Away
    place: ShortText = ""
    transport: ShortText = ""
    from_at: Annotated[Moment, Field(alias="from")]
    until_at: Annotated[Moment, Field(alias="until")]
    reason: Reason


class ReturnBody(BaseModel):
    """When the person was back; without it now."""

    returned_at: Moment | None = None


class CancelBody(BaseModel):
    """Why the leave is taken back."""

    reason: Reason


class LeaveAnswer(BaseModel):
    """A leave; of others only that they are away: ``away``, ``reason`` and all that follows are null then."""

    model_config = _NAMED

    id: int
    person: int
    unit: str
    state: LeaveState
    from_at: Annotated[datetime, Field(alias="from")]
    until_at: Annotated[datetime, Field(alias="until")]
    kind: LeaveKind | None = None
    away: Away | None = None
    reason: str | None = None
    place: str | None = None
    transport: str | None = None
    arrangement: str | None = None
    together_reason: str | None = None
    urgent: bool | None = None
    phone_reported_at: datetime | None = None
    phone_reported_to: str | None = None
    consent_by: str | None = None
    consent_at: datetime | None = None
    written_at: datetime | None = None
    receipt: str | None = None
    filed_at: datetime | None = None
    delegate: int | None = None
    amendment: ItineraryBody | None = None
    requested_at: datetime | None = None
    requested_by: str | None = None
    decided_at: datetime | None = None
    decided_by: str | None = None
    decision: str | None = None
    returned_at: datetime | None = None


class LeaveList(BaseModel):
    """Some leaves, the newest first."""

    items: list[LeaveAnswer]
    next_cursor: str | None


Act = Callable[[Session, datetime], Awaitable[object]]
# What every step taken on a leave answers.
_CHANGES: dict[str, Any] = {"response_model": LeaveAnswer, "responses": declared(403, 404, 409)}


@router.post(
    "", status_code=201, response_model=LeaveAnswer, responses=declared(403, 404), summary="Report a leave"
)
async def post_leave(request: Request, site: TheSite, actor: Asker, body: LeaveBody) -> Response:
    asked = leaves.Report(
        person_id=body.person,
        starts_at=body.from_at,
        ends_at=body.until_at,
        delegate_id=body.delegate,
        **body.model_dump(
            include={
                "kind",
                "away",
                "reason",
                "place",
                "transport",
                "arrangement",
                "together_reason",
                "urgent",
                "phone_reported_at",
                "phone_reported_to",
            }
        ),
    )

    async def work(session: Session) -> LeaveAnswer:
        row = await leaves.report(session, site, site.clock.now(), actor, asked, body.steps())
        return await _answer(session, actor, row)

    return await once(request, actor.caller, 201, work)


@router.get("", responses=declared(404), summary="List leaves, the newest first")
async def get_leaves(
    site: TheSite,
    actor: Asker,
    box: leave_queries.Box = "all",
    unit: Code | None = None,
    person: Annotated[int | None, Query(ge=1, le=LARGEST_ID)] = None,
    limit: Limit = 100,
    before: Before = None,
) -> LeaveList:
    """Of others one sees only that they are away, now or soon."""
    async with site.db.read() as session:
        unit_id = await people.visible_unit(session, actor, unit)
        rows = await leave_queries.list_leaves(
            session,
            seen_by(actor),
            site.clock.now(),
            box=box,
            person_id=person,
            unit_id=unit_id,
            before=before,
            limit=limit + 1,
        )
        items = [await _answer(session, actor, row) for row in rows[:limit]]
    return LeaveList(items=items, next_cursor=str(items[-1].id) if len(rows) > limit else None)


@router.get("/{leave_id}", responses=declared(404), summary="One leave")
async def get_leave(site: TheSite, actor: Asker, leave_id: Number) -> LeaveAnswer:
    async with site.db.read() as session:
        return await _answer(session, actor, await leaves.mine(session, actor, leave_id))


@router.post("/{leave_id}/decide", **_CHANGES, summary="Approve a leave or send it back")
async def post_decision(
    request: Request, site: TheSite, actor: Approver, leave_id: Number, body: DecisionBody
) -> Response:
    async def act(session: Session, now: datetime) -> object:
        return await leaves.decide(
            session,
            site,
            now,
            actor,
            leave_id,
            approve=body.decision == "approve",
            opinion=body.opinion,
            decided_by=body.decided_by,
            steps=body.steps(),
        )

    return await _do(request, site, actor, leave_id, act)


@router.post("/{leave_id}/steps", **_CHANGES, summary="Write down consent, written report, receipt, filing")
async def post_steps(
    request: Request, site: TheSite, actor: Asker, leave_id: Number, body: StepsBody
) -> Response:
    async def act(session: Session, now: datetime) -> object:
        return await leaves.note_steps(session, site, now, actor, leave_id, body.steps())

    return await _do(request, site, actor, leave_id, act)


@router.post("/{leave_id}/delegate", **_CHANGES, summary="Name who runs the bureau meanwhile")
async def post_delegate(
    request: Request, site: TheSite, actor: Asker, leave_id: Number, body: DelegateBody
) -> Response:
    async def act(session: Session, now: datetime) -> object:
        return await leaves.delegate(session, site, now, actor, leave_id, body.person)

    return await _do(request, site, actor, leave_id, act)


@router.post("/{leave_id}/amend", **_CHANGES, summary="Ask for other dates or another itinerary")
async def post_amendment(
    request: Request, site: TheSite, actor: Asker, leave_id: Number, body: ItineraryBody
) -> Response:
    asked = leave_amendments.Itinerary(
        away=body.away,
        place=body.place,
        transport=body.transport,
        starts_at=body.from_at,
        ends_at=body.until_at,
        reason=body.reason,
    )

    async def act(session: Session, now: datetime) -> object:
        return await leave_amendments.amend(session, site, now, actor, leave_id, asked)

    return await _do(request, site, actor, leave_id, act)


@router.post(
    "/{leave_id}/amendment/decide", **_CHANGES, summary="Approve a change of a leave or send it back"
)
async def post_amendment_decision(
    request: Request, site: TheSite, actor: Approver, leave_id: Number, body: DecisionBody
) -> Response:
    async def act(session: Session, now: datetime) -> object:
        return await leave_amendments.decide(
            session,
            site,
            now,
            actor,
            leave_id,
            approve=body.decision == "approve",
            opinion=body.opinion,
            decided_by=body.decided_by,
        )

    return await _do(request, site, actor, leave_id, act)


@router.post("/{leave_id}/cancel", **_CHANGES, summary="Take a leave back before it begins")
async def post_cancel(
    request: Request, site: TheSite, actor: Asker, leave_id: Number, body: CancelBody
) -> Response:
    async def act(session: Session, now: datetime) -> object:
        return await leaves.cancel(session, site, now, actor, leave_id, body.reason)

    return await _do(request, site, actor, leave_id, act)


@router.post("/{leave_id}/return", **_CHANGES, summary="Report the return")
async def post_return(
    request: Request, site: TheSite, actor: Asker, leave_id: Number, body: ReturnBody
) -> Response:
    async def act(session: Session, now: datetime) -> object:
        return await leaves.note_return(session, site, now, actor, leave_id, body.returned_at or now)

    return await _do(request, site, actor, leave_id, act)


async def _do(request: Request, site: TheSite, actor: Actor, leave_id: int, act: Act) -> Response:
    async def work(session: Session) -> LeaveAnswer:
        await act(session, site.clock.now())
        return await _answer(session, actor, await leave_queries.leave(session, leave_id))

    return await once(request, actor.caller, 200, work)


async def _answer(session: Session, actor: Actor, row: LeaveReport) -> LeaveAnswer:
    unit = (await people.units_by_id(session, [row.unit_id]))[row.unit_id]
    answer = LeaveAnswer(
        id=people.id_of(row.id),
        person=row.person_id,
        unit=unit.code,
        state=row.state,
        from_at=row.starts_at,
        until_at=row.ends_at,
    )
    if not sees_all(actor, row.person_id, row.unit_id) and row.requested_by != actor.name:
        return answer
    asked = await leave_queries.asked_amendment(session, row.id or 0)
    hidden = {"id", "person", "unit", "state", "from_at", "until_at", "delegate", "amendment"}
    told = {name: getattr(row, name) for name in LeaveAnswer.model_fields if name not in hidden}
    amendment = None
    if asked is not None:
        amendment = ItineraryBody(
            away=asked.away,
            place=asked.place,
            transport=asked.transport,
            from_at=asked.starts_at,
            until_at=asked.ends_at,
            reason=asked.reason,
        )
    return answer.model_copy(update=told | {"delegate": row.delegate_id, "amendment": amendment})

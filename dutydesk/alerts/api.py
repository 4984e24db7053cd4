"""The API of alerts: who was told, how, why, and who confirmed."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel

from dutydesk.accounts.permissions import allow
from dutydesk.accounts.rules import Actor
from dutydesk.alerts import queries
from dutydesk.alerts.actions import acknowledge_by_hand
from dutydesk.alerts.model import AlertState
from dutydesk.alerts.queries import Told
from dutydesk.db import Session
from dutydesk.errors import NotFoundError
from dutydesk.logs import mask_number
from dutydesk.people.lists import Cursor, Id, Limit, Moment, next_cursor
from dutydesk.people.queries import people_by_id
from dutydesk.web.answers import once
from dutydesk.web.problems import declared
from dutydesk.web.site import TheSite
from dutydesk.web.texts import Name, Reason

router = APIRouter(prefix="/api/v1", tags=["alerts"])


class AttemptOut(BaseModel):
    """One try."""

    provider: str
    to: str
    state: str
    outcome: str | None
    reference: str | None
    resent: bool
    claimed_at: datetime
    accepted_at: datetime | None
    answered_at: datetime | None
    ended_at: datetime | None
    error_code: str | None


class AcknowledgementOut(BaseModel):
    """Who confirmed, when and how."""

    kind: str
    at: datetime
    who: str
    how: str
    on_seat: bool


class AlertOut(BaseModel):
    """One message to one person by one channel."""

    id: int
    incident: str
    # What it is about where no incident is: ``shift/12``, ``gap/3/leader/2026-12-01T00:30``.
    subject: str
    obligation: int | None
    state: str
    channel: str
    person: str | None
    to: str
    target: str
    reason: str
    why: str
    wording: str
    drill: bool
    created_at: datetime
    next_try_at: datetime | None
    tries: int
    acknowledged_at: datetime | None
    cancel_reason: str | None
    attempts: list[AttemptOut]
    acknowledgements: list[AcknowledgementOut]


class AlertList(BaseModel):
    """A page of alerts."""

    items: list[AlertOut]
    next_cursor: str | None


class AcknowledgeIn(BaseModel):
    """Who confirmed, how, and when."""

    who: Name
    how: Reason
    at: Moment


def _number(number: str, actor: Actor) -> str:
    return number if actor.may("numbers:read") or not number.startswith("+") else mask_number(number)


def _out(one: Told, names: dict[int, str], reasons: dict[str, str], actor: Actor) -> AlertOut:
    row = one.alert
    last = one.attempts[-1].to_number if one.attempts else row.phone or ""
    return AlertOut(
        id=row.id or 0,
        incident="" if row.subject else row.number,
        subject=row.subject,
        obligation=row.obligation_id,
        state=row.state,
        channel=row.channel,
        person=names.get(row.person_id or 0),
        to=_number(last, actor),
        target=row.target,
        reason=row.reason,
        why=reasons.get(f"reason.{row.reason}", row.reason),
        wording=row.wording,
        drill=row.drill,
        created_at=row.created_at,
        next_try_at=row.next_try_at,
        tries=row.tries,
        acknowledged_at=row.acknowledged_at,
        cancel_reason=row.cancel_reason,
        attempts=[
            AttemptOut(
                provider=attempt.provider,
                to=_number(attempt.to_number, actor),
                state=attempt.state,
                outcome=attempt.outcome,
                reference=attempt.reference,
                resent=attempt.resent,
                claimed_at=attempt.claimed_at,
                accepted_at=attempt.accepted_at,
                answered_at=attempt.answered_at,
                ended_at=attempt.ended_at,
                error_code=attempt.error_code,
            )
            for attempt in one.attempts
        ],
        acknowledgements=[
            AcknowledgementOut(
                kind=proof.kind, at=proof.at, who=proof.who, how=proof.how, on_seat=proof.on_seat
            )
            for proof in one.acknowledgements
        ],
    )


@router.get("/alerts", responses=declared(), summary="Who was told")
async def get_alerts(
    actor: Annotated[Actor, Depends(allow("alert:read"))],
    site: TheSite,
    incident: Annotated[str | None, Query(max_length=40)] = None,
    state: AlertState | None = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> AlertList:
    """List alerts with their attempts, reasons and acknowledgements."""
    async with site.db.read() as session:
        found = await queries.told(
            session,
            numbers=None if incident is None else [incident],
            state=state,
            after_id=cursor or 0,
            limit=limit + 1,
        )
        people = await people_by_id(
            session, {one.alert.person_id for one in found if one.alert.person_id is not None}
        )
    names = {person.id: person.name for person in people.values()}
    reasons = dict(site.rulebook.wording.texts)
    items = [_out(one, names, reasons, actor) for one in found[:limit]]
    return AlertList(items=items, next_cursor=next_cursor([one.alert.id or 0 for one in found], limit))


@router.post(
    "/alerts/{alert_id}/acknowledge",
    response_model=AcknowledgeIn,
    responses=declared(404, 409),
    summary="Confirm by hand",
)
async def post_acknowledge(
    request: Request,
    alert_id: Id,
    body: AcknowledgeIn,
    actor: Annotated[Actor, Depends(allow("alert:acknowledge"))],
    site: TheSite,
) -> Response:
    """Record that a person confirmed in another way: who, how, when."""

    async def work(session: Session) -> AcknowledgeIn:
        row = await queries.alert(session, alert_id)
        if row is None:
            message = f"there is no alert {alert_id}"
            raise NotFoundError(message)
        await acknowledge_by_hand(
            session, site.clock.now(), row, who=body.who, how=body.how, at=body.at, recorded_by=actor.name
        )
        return body

    return await once(request, actor.caller, 200, work)

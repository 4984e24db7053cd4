"""``/api/v1/contacts/{id}/checks``: asking whether a number is right."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request, Response
from pydantic import BaseModel, StringConstraints

from dutydesk.accounts.permissions import allow
from dutydesk.accounts.rules import Actor
from dutydesk.alerts import check_queries, checks
from dutydesk.alerts.check_rules import shows_code
from dutydesk.db import Session
from dutydesk.people.lists import LARGEST_ID
from dutydesk.people.model import ContactCheck
from dutydesk.people.queries import contact
from dutydesk.people.rules import CheckMethod
from dutydesk.web.answers import once
from dutydesk.web.problems import declared
from dutydesk.web.site import TheSite

router = APIRouter(prefix="/api/v1", tags=["people"])

Writer = Annotated[Actor, Depends(allow("directory:write"))]
Identity = Annotated[int, Path(ge=1, le=LARGEST_ID)]


class CheckBody(BaseModel):
    """How a number is asked: a code typed on its keypad, or read back to whoever asks."""

    method: CheckMethod


class CodeBody(BaseModel):
    """The code that was read back."""

    code: Annotated[str, StringConstraints(strip_whitespace=True, pattern=r"^\d{4}$")]


class CheckAnswer(BaseModel):
    """A check; ``result`` is null while it runs. ``code`` only where the office has to pass it on."""

    id: int
    contact: int
    method: CheckMethod
    requested_at: datetime
    expires_at: datetime
    tries: int
    result: str | None
    code: str | None


async def _answer(session: Session, row: ContactCheck, now: datetime) -> CheckAnswer:
    point = await contact(session, row.contact_id)
    result = check_queries.result_of(row, now)
    return CheckAnswer(
        id=row.id or 0,
        contact=row.contact_id,
        method=row.method,
        requested_at=row.requested_at,
        expires_at=row.expires_at,
        tries=row.tries,
        result=result or None,
        code=row.code if not result and shows_code(row.method, point.kind) else None,
    )


@router.post(
    "/contacts/{contact_id}/checks",
    status_code=201,
    response_model=CheckAnswer,
    responses=declared(404, 409),
    summary="Ask whether a number is right",
)
async def post_check(
    request: Request, site: TheSite, actor: Writer, contact_id: Identity, body: CheckBody
) -> Response:
    async def work(session: Session) -> CheckAnswer:
        now = site.clock.now()
        row = await checks.begin_check(session, site, now, actor, contact_id, body.method)
        return await _answer(session, row, now)

    return await once(request, actor.caller, 201, work)


@router.get("/checks/{check_id}", responses=declared(404), summary="Return a number check")
async def get_check(site: TheSite, _actor: Writer, check_id: Identity) -> CheckAnswer:
    async with site.db.read() as session:
        row = await check_queries.check(session, check_id)
        return await _answer(session, row, site.clock.now())


@router.post(
    "/checks/{check_id}/read-back",
    response_model=CheckAnswer,
    responses=declared(404, 409),
    summary="Give the code that was read back",
)
async def post_code(
    request: Request, site: TheSite, actor: Writer, check_id: Identity, body: CodeBody
) -> Response:
    async def work(session: Session) -> CheckAnswer:
        now = site.clock.now()
        await checks.read_back(session, now, actor, check_id, body.code)
        return await _answer(session, await check_queries.check(session, check_id), now)

    return await once(request, actor.caller, 200, work)

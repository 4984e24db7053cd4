"""The API of the ladder: who would be called."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel

from dutydesk.accounts.permissions import allow
from dutydesk.accounts.rules import Actor
from dutydesk.escalation.preview import preview
from dutydesk.logs import mask_number
from dutydesk.people.lists import Moment
from dutydesk.people.queries import unit_by_code
from dutydesk.web.problems import declared
from dutydesk.web.site import TheSite
from dutydesk.web.texts import Code

router = APIRouter(prefix="/api/v1", tags=["ladder"])


class PreviewOut(BaseModel):
    """One person that one rung would tell; ``turn`` 0 first, 1 if that one does not answer, …"""

    at: datetime
    rung: str
    target: str
    turn: int
    who: str
    channel: str
    numbers: list[str]
    words: str


class PreviewList(BaseModel):
    """A whole preview."""

    items: list[PreviewOut]
    next_cursor: str | None = None


@router.get("/preview", responses=declared(404), summary="Who would be called")
async def get_preview(
    actor: Annotated[Actor, Depends(allow("alert:read"))],
    site: TheSite,
    rule: Annotated[str, Query(max_length=20)],
    at: Moment,
    unit: Code,
) -> PreviewList:
    """Return who would be called by a clock based at *at*, in which order, by which number, with what words."""
    async with site.db.read() as session:
        found = await preview(session, site, rule, at, await unit_by_code(session, unit))
    open_numbers = actor.may("numbers:read")
    items = [
        PreviewOut(
            at=row.at,
            rung=row.rung,
            target=row.target,
            turn=row.turn,
            who=row.who,
            channel=row.channel,
            numbers=[number if open_numbers else mask_number(number) for number in row.numbers],
            words=row.words,
        )
        for row in found
    ]
    return PreviewList(items=items)

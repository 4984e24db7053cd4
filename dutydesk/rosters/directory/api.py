"""``/api/v1/units/{code}/retire``, ``/people/{id}/retire`` and ``/unreachable``.

They stand with the rosters, because whoever leaves may still have shifts.
"""

from datetime import datetime

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel

from dutydesk.db import Session
from dutydesk.people import changes
from dutydesk.people import queries as people
from dutydesk.people.api import PersonAnswer, Reader, UnitAnswer, Writer, person_answer, unit_answer
from dutydesk.people.lists import Moment
from dutydesk.rosters.directory.leaving import leave
from dutydesk.rosters.directory.queries import unreachable_tonight
from dutydesk.rosters.directory.shown import Identity
from dutydesk.web.answers import once
from dutydesk.web.problems import declared
from dutydesk.web.site import TheSite
from dutydesk.web.texts import Code, Reason

router = APIRouter(prefix="/api/v1", tags=["people"])


class RetireUnit(BaseModel):
    """Why a unit is retired."""

    reason: Reason


class RetirePerson(BaseModel):
    """Why somebody leaves; ``with_shifts`` vacates what they would still have sat on."""

    reason: Reason
    with_shifts: bool = False


class SittingAnswer(BaseModel):
    """A seat, or a post that has no hours."""

    unit: str
    place: str
    since: datetime | None
    until: datetime | None


class UnreachableAnswer(BaseModel):
    """Somebody who may not be reached until tomorrow's change of duty."""

    person: int
    name: str
    faults: list[str]
    sits: list[SittingAnswer]


class UnreachableList(BaseModel):
    """Who may not be reached between ``at`` and ``until``."""

    at: Moment
    until: datetime
    items: list[UnreachableAnswer]
    next_cursor: None = None


@router.post(
    "/units/{code}/retire", response_model=UnitAnswer, responses=declared(404, 409), summary="Retire a unit"
)
async def post_retire_unit(
    request: Request, site: TheSite, actor: Writer, code: Code, body: RetireUnit
) -> Response:
    async def work(session: Session) -> UnitAnswer:
        unit = await people.unit_by_code(session, code)
        made = await changes.retire_unit(session, site.clock.now(), actor.name, unit.id, body.reason)
        above = await people.units_by_id(session, [made.parent_id] if made.parent_id else [])
        return unit_answer(made, above[made.parent_id].code if made.parent_id else None)

    return await once(request, actor.caller, 200, work)


@router.post(
    "/people/{person_id}/retire",
    response_model=PersonAnswer,
    responses=declared(404, 409),
    summary="Note that somebody left",
)
async def post_retire_person(
    request: Request, site: TheSite, actor: Writer, person_id: Identity, body: RetirePerson
) -> Response:
    async def work(session: Session) -> PersonAnswer:
        now = site.clock.now()
        left = await leave(session, now, actor.name, person_id, body.reason, with_shifts=body.with_shifts)
        unit = (await people.units_by_id(session, [left.unit_id]))[left.unit_id]
        points = await people.all_contacts(session, [person_id])
        return person_answer(left, unit.code, points.get(person_id, []), actor, now)

    return await once(request, actor.caller, 200, work)


@router.post(
    "/people/{person_id}/reinstate",
    response_model=PersonAnswer,
    responses=declared(404, 409),
    summary="Take back that somebody left",
)
async def post_reinstate(
    request: Request, site: TheSite, actor: Writer, person_id: Identity, body: RetireUnit
) -> Response:
    async def work(session: Session) -> PersonAnswer:
        now = site.clock.now()
        back = await changes.reinstate_person(session, now, actor.name, person_id, body.reason)
        unit = (await people.units_by_id(session, [back.unit_id]))[back.unit_id]
        points = await people.all_contacts(session, [person_id])
        return person_answer(back, unit.code, points.get(person_id, []), actor, now)

    return await once(request, actor.caller, 200, work)


@router.get("/unreachable", responses=declared(404), summary="Who may not be reached tonight")
async def get_unreachable(site: TheSite, actor: Reader, unit: Code | None = None) -> UnreachableList:
    now = site.clock.now()
    async with site.db.read() as session:
        unit_id = await people.visible_unit(session, actor, unit)
        found, persons, until = await unreachable_tonight(session, site, now, unit_id)
        units = await people.units_by_id(session, {seat.unit_id for one in found for seat in one.sittings})
    return UnreachableList(
        at=now,
        until=until,
        items=[
            UnreachableAnswer(
                person=one.person_id,
                name=persons[one.person_id].name,
                faults=list(one.faults),
                sits=[
                    SittingAnswer(
                        unit=units[seat.unit_id].code, place=seat.place, since=seat.since, until=seat.until
                    )
                    for seat in one.sittings
                ],
            )
            for one in found
        ],
    )

"""``/api/v1/seat-patterns`` and ``/rotations``."""

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request, Response

from dutydesk.accounts.permissions import allow
from dutydesk.accounts.rules import Actor
from dutydesk.db import Session
from dutydesk.errors import NotFoundError
from dutydesk.people import queries as people
from dutydesk.people.lists import LARGEST_ID, Cursor, Limit, next_cursor
from dutydesk.people.rules import Unit
from dutydesk.rosters.model import Rotation, RotationMember, SeatPattern
from dutydesk.rosters.planning import patterns, rotations
from dutydesk.rosters.planning import setup_queries as queries
from dutydesk.rosters.planning.queries import members_of
from dutydesk.rosters.planning.setup_bodies import (
    DefaultBody,
    Done,
    LeaveBody,
    MemberAnswer,
    MemberBody,
    OrderBody,
    PatternAnswer,
    PatternBody,
    PatternList,
    RotationAnswer,
    RotationBody,
    RotationChange,
    RotationList,
)
from dutydesk.rosters.rules.patterning import Held, Span
from dutydesk.web.answers import once
from dutydesk.web.problems import declared
from dutydesk.web.site import TheSite
from dutydesk.web.texts import Code

router = APIRouter(prefix="/api/v1", tags=["rosters"])

Reader = Annotated[Actor, Depends(allow("roster:read"))]
Filer = Annotated[Actor, Depends(allow("roster:file"))]
Writer = Annotated[Actor, Depends(allow("roster:write"))]
RowId = Annotated[int, Path(ge=1, le=LARGEST_ID)]

_ONE_DAY = timedelta(days=1)


@router.get(
    "/seat-patterns", responses=declared(404), summary="List what units have laid down about their seats"
)
async def get_patterns(
    site: TheSite, actor: Reader, unit: Code | None = None, limit: Limit = 100, cursor: Cursor = None
) -> PatternList:
    """A unit without any holds its seats as its duty class asks."""
    async with site.db.read() as session:
        unit_id = await people.visible_unit(session, actor, unit)
        rows = await queries.patterns(session, unit_id=unit_id, after=cursor or 0, limit=limit + 1)
        units = await people.units_by_id(session, [row.unit_id for row in rows])
    items = [_pattern(row, units[row.unit_id]) for row in rows[:limit]]
    return PatternList(items=items, next_cursor=next_cursor([row.id or 0 for row in rows], limit))


@router.post(
    "/seat-patterns",
    status_code=201,
    response_model=Done,
    responses=declared(404),
    summary="Lay down a seat's pattern",
)
async def post_pattern(request: Request, site: TheSite, actor: Writer, body: PatternBody) -> Response:
    async def work(session: Session) -> Done:
        unit = await people.unit_by_code(session, body.unit)
        spans = tuple(Span(one.starts.replace(tzinfo=None), one.minutes, one.count) for one in body.spans)
        held = Held(body.seat, spans, body.mode, body.signs_in)
        await patterns.lay_down(
            session, site, site.clock.now(), actor.name, unit, body.day_classes, held, body.valid_from
        )
        return Done()

    return await once(request, actor.caller, 201, work)


@router.post(
    "/seat-patterns/default",
    status_code=201,
    response_model=Done,
    responses=declared(404),
    summary="Back to the default of the duty class",
)
async def post_default(request: Request, site: TheSite, actor: Writer, body: DefaultBody) -> Response:
    async def work(session: Session) -> Done:
        unit = await people.unit_by_code(session, body.unit)
        await patterns.back_to_default(
            session, site, site.clock.now(), actor.name, unit, body.seat, body.valid_from
        )
        return Done()

    return await once(request, actor.caller, 201, work)


@router.get("/rotations", responses=declared(404), summary="List rotations with their members")
async def get_rotations(
    site: TheSite,
    actor: Reader,
    unit: Code | None = None,
    ended: bool = False,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> RotationList:
    async with site.db.read() as session:
        unit_id = await people.visible_unit(session, actor, unit)
        rows = await queries.rotations(
            session, unit_id=unit_id, ended=ended, after=cursor or 0, limit=limit + 1
        )
        units = await people.units_by_id(session, [row.unit_id for row in rows])
        members = await members_of(session, [row.id or 0 for row in rows])
    items = [_rotation(row, units[row.unit_id], members.get(row.id or 0, [])) for row in rows[:limit]]
    return RotationList(items=items, next_cursor=next_cursor([row.id or 0 for row in rows], limit))


@router.post(
    "/rotations",
    status_code=201,
    response_model=RotationAnswer,
    responses=declared(404),
    summary="Make a rotation",
)
async def post_rotation(request: Request, site: TheSite, actor: Filer, body: RotationBody) -> Response:
    async def work(session: Session) -> RotationAnswer:
        unit = await own_unit(session, actor, body.unit)
        told = body.model_dump(exclude={"unit"})
        row = await rotations.begin_rotation(session, site, site.clock.now(), actor.name, unit, **told)
        return _rotation(row, unit, [])

    return await once(request, actor.caller, 201, work)


@router.post(
    "/rotations/{rotation_id}/change",
    response_model=RotationAnswer,
    responses=declared(404, 409),
    summary="Change a rotation",
)
async def change_rotation(
    request: Request, site: TheSite, actor: Filer, rotation_id: RowId, body: RotationChange
) -> Response:
    async def work(session: Session) -> RotationAnswer:
        unit = await _unit_of(session, actor, rotation_id)
        await rotations.change_rotation(
            session, site, site.clock.now(), actor.name, unit, rotation_id, **body.model_dump()
        )
        return await _read(session, unit, rotation_id)

    return await once(request, actor.caller, 200, work)


@router.post(
    "/rotations/{rotation_id}/members",
    status_code=201,
    response_model=RotationAnswer,
    responses=declared(404, 409),
    summary="Add a member",
)
async def post_member(
    request: Request, site: TheSite, actor: Filer, rotation_id: RowId, body: MemberBody
) -> Response:
    async def work(session: Session) -> RotationAnswer:
        unit = await _unit_of(session, actor, rotation_id)
        await rotations.join(
            session,
            site.clock.now(),
            actor.name,
            unit,
            rotation_id,
            person_id=body.person,
            joined_on=body.joined_on,
            own_only=actor.role == "unit",
        )
        return await _read(session, unit, rotation_id)

    return await once(request, actor.caller, 201, work)


@router.post(
    "/rotations/{rotation_id}/members/{member_id}/leave",
    response_model=RotationAnswer,
    responses=declared(404, 409),
    summary="Take a member out from a day on",
)
async def post_leave(
    request: Request, site: TheSite, actor: Filer, rotation_id: RowId, member_id: RowId, body: LeaveBody
) -> Response:
    async def work(session: Session) -> RotationAnswer:
        unit = await _unit_of(session, actor, rotation_id)
        await rotations.leave(
            session, site.clock.now(), actor.name, unit, rotation_id, member_id, body.left_on
        )
        return await _read(session, unit, rotation_id)

    return await once(request, actor.caller, 200, work)


@router.post(
    "/rotations/{rotation_id}/order",
    response_model=RotationAnswer,
    responses=declared(404, 409),
    summary="Put the members into another order",
)
async def post_order(
    request: Request, site: TheSite, actor: Filer, rotation_id: RowId, body: OrderBody
) -> Response:
    async def work(session: Session) -> RotationAnswer:
        unit = await _unit_of(session, actor, rotation_id)
        await rotations.reorder(session, site.clock.now(), actor.name, unit, rotation_id, body.members)
        return await _read(session, unit, rotation_id)

    return await once(request, actor.caller, 200, work)


@router.post(
    "/rotations/{rotation_id}/end",
    response_model=RotationAnswer,
    responses=declared(404, 409),
    summary="End a rotation",
)
async def post_end(request: Request, site: TheSite, actor: Filer, rotation_id: RowId) -> Response:
    async def work(session: Session) -> RotationAnswer:
        unit = await _unit_of(session, actor, rotation_id)
        await rotations.end_rotation(session, site.clock.now(), actor.name, unit, rotation_id)
        return await _read(session, unit, rotation_id)

    return await once(request, actor.caller, 200, work)


async def own_unit(session: Session, actor: Actor, code: str) -> Unit:
    """Return a unit that this caller may see.

    Raises:
        NotFoundError: there is none.
    """
    unit = await people.unit_by_code(session, code)
    if not actor.sees_unit(unit.id):
        raise NotFoundError(f"there is no unit {code}")
    return unit


async def _unit_of(session: Session, actor: Actor, rotation_id: int) -> Unit:
    row = await queries.rotation(session, rotation_id)
    if not actor.sees_unit(row.unit_id):
        raise NotFoundError(f"there is no rotation {rotation_id}")
    return (await people.units_by_id(session, [row.unit_id]))[row.unit_id]


async def _read(session: Session, unit: Unit, rotation_id: int) -> RotationAnswer:
    row = await queries.rotation(session, rotation_id)
    return _rotation(row, unit, (await members_of(session, [rotation_id])).get(rotation_id, []))


def _pattern(row: SeatPattern, unit: Unit) -> PatternAnswer:
    return PatternAnswer(unit=unit.code, **row.model_dump(exclude={"unit_id", "created_at", "created_by"}))


def _rotation(row: Rotation, unit: Unit, members: list[RotationMember]) -> RotationAnswer:
    told = row.model_dump(exclude={"unit_id", "created_at", "created_by", "ended_at"})
    answers = [
        MemberAnswer(id=one.id or 0, person=one.person_id, joined_on=one.joined_on, left_on=one.left_on)
        for one in sorted(members, key=lambda one: (one.position, one.id or 0))
    ]
    return RotationAnswer(unit=unit.code, ended=row.ended_at is not None, members=answers, **told)

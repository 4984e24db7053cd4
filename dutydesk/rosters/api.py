"""``/api/v1/shifts`` and ``/on-duty``."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from dutydesk.accounts.permissions import allow
from dutydesk.accounts.rules import Actor
from dutydesk.db import Session
from dutydesk.errors import FieldFault, InvalidInputError, NotFoundError
from dutydesk.people import queries as people
from dutydesk.people.lists import LARGEST_ID, Cursor, Id, Limit, Moment, next_cursor
from dutydesk.people.numbers import shown_address
from dutydesk.people.rules import ContactKind, ContactPoint, Person, Unit
from dutydesk.rosters import actions, queries
from dutydesk.rosters.rules import Holding, Mode, PlannedShift, Seat, by_seat, empty_seats
from dutydesk.rosters.views.span_answers import OnDutySpan, span_answer
from dutydesk.rosters.views.who import checked_span, read_span
from dutydesk.web.answers import once
from dutydesk.web.problems import declared
from dutydesk.web.site import TheSite
from dutydesk.web.texts import Code, Reason

router = APIRouter(prefix="/api/v1", tags=["rosters"])

Reader = Annotated[Actor, Depends(allow("roster:read"))]
Writer = Annotated[Actor, Depends(allow("roster:write"))]


class ShiftBody(BaseModel):
    """A turn to plan, in [starts_at, ends_at), at most seven days."""

    unit: Code
    seat: Seat
    person: Id
    starts_at: Moment
    ends_at: Moment
    mode: Mode


class ShiftAnswer(BaseModel):
    """A planned turn."""

    id: int
    unit: str
    seat: Seat
    person: int
    starts_at: datetime
    ends_at: datetime
    mode: Mode


class ShiftList(BaseModel):
    """Some shifts."""

    items: list[ShiftAnswer]
    next_cursor: str | None


class HolderBody(BaseModel):
    """Who really holds the seat of a shift: from now (or its beginning) to its end, unless said otherwise."""

    model_config = ConfigDict(populate_by_name=True)

    person: Id
    reason: Reason
    from_at: Annotated[Moment | None, Field(alias="from")] = None
    until_at: Annotated[Moment | None, Field(alias="until")] = None


class HolderAnswer(BaseModel):
    """A substitute for the person planned."""

    model_config = ConfigDict(populate_by_name=True, serialize_by_alias=True)

    id: int
    shift: int
    seat: Seat
    person: int | None
    reason: str
    from_at: Annotated[datetime, Field(alias="from")]
    until_at: Annotated[datetime | None, Field(alias="until")]


class OnDutyPerson(BaseModel):
    """Who sits there."""

    id: int
    name: str
    title: str


class OnDutyContact(BaseModel):
    """A way to reach the person; masked for those who may not read numbers."""

    kind: ContactKind
    address: str
    usable: bool


class OnDutySeat(BaseModel):
    """One person on one seat; ``reachable`` when a usable number is known; ``until`` null: until the handover."""

    seat: Seat
    mode: Mode
    person: OnDutyPerson
    contacts: list[OnDutyContact]
    reachable: bool
    planned: bool
    since: datetime
    until: datetime | None


class OnDuty(BaseModel):
    """Who really holds which seat of a unit; ``empty`` names the needed seats without anybody."""

    at: datetime
    unit: str
    seats: list[OnDutySeat]
    empty: list[Seat]


@router.post(
    "/shifts",
    status_code=201,
    response_model=ShiftAnswer,
    responses=declared(404, 409),
    summary="Plan a shift",
)
async def post_shift(request: Request, site: TheSite, actor: Writer, body: ShiftBody) -> Response:
    async def work(session: Session) -> ShiftAnswer:
        shift = await actions.plan_shift(session, site.clock.now(), actor.name, **body.model_dump())
        return _shift_answer(queries.shift_fact(shift), body.unit)

    return await once(request, actor.caller, 201, work)


@router.get("/shifts", responses=declared(404), summary="List the shifts that touch a time")
async def get_shifts(
    site: TheSite,
    actor: Reader,
    unit: Code | None = None,
    from_at: Annotated[Moment | None, Query(alias="from")] = None,
    until_at: Annotated[Moment | None, Query(alias="until")] = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> ShiftList:
    async with site.db.read() as session:
        unit_id = await people.visible_unit(session, actor, unit)
        shifts = await queries.list_shifts(
            session, unit_id=unit_id, from_at=from_at, until_at=until_at, after=cursor or 0, limit=limit + 1
        )
        units = await people.units_by_id(session, [shift.unit_id for shift in shifts])
    items = [_shift_answer(shift, units[shift.unit_id].code) for shift in shifts[:limit]]
    return ShiftList(items=items, next_cursor=next_cursor([shift.id for shift in shifts], limit))


@router.post(
    "/shifts/{shift_id}/holder",
    status_code=201,
    response_model=HolderAnswer,
    responses=declared(404, 409),
    summary="Say who really holds the seat of a shift",
)
async def post_holder(
    request: Request,
    site: TheSite,
    actor: Writer,
    shift_id: Annotated[int, Path(ge=1, le=LARGEST_ID)],
    body: HolderBody,
) -> Response:
    async def work(session: Session) -> HolderAnswer:
        row = await actions.stand_in(
            session, site.clock.now(), actor.name, shift_id=shift_id, **body.model_dump(by_alias=False)
        )
        return HolderAnswer(
            id=people.id_of(row.id),
            shift=shift_id,
            seat=row.seat,
            person=row.person_id,
            reason=row.reason,
            from_at=row.from_at,
            until_at=row.until_at,
        )

    return await once(request, actor.caller, 201, work)


@router.get("/on-duty", responses=declared(404), summary="Who really holds which seat")
async def get_on_duty(
    site: TheSite,
    actor: Reader,
    unit: Code | None = None,
    at: Moment | None = None,
    from_at: Annotated[Moment | None, Query(alias="from")] = None,
    until_at: Annotated[Moment | None, Query(alias="until")] = None,
) -> OnDuty | OnDutySpan:
    """Without ``unit``: the bureau's desk, or a unit contact's own unit.

    At an instant (``at``, else now), or over a span: ``from`` and ``until``, at most 100 days.
    """
    if from_at is not None or until_at is not None:
        start, end = _span(at, from_at, until_at)
        async with site.db.read() as session:
            asked = await _unit_asked(session, actor, unit)
            spans, known = await read_span(session, site, [asked], start, end)
        return span_answer(spans[0], known, start, end)
    moment = at or site.clock.now()
    async with site.db.read() as session:
        asked = await _unit_asked(session, actor, unit)
        held = await queries.who_holds(session, [asked.id], moment)
        holdings = by_seat(holding for found in held.values() for holding in found)
        persons = await people.people_by_id(session, [holding.person_id for holding in holdings])
        points = await people.all_contacts(session, persons.keys())
    seats = [
        _seat_answer(holding, persons[holding.person_id], points.get(holding.person_id, []), actor)
        for holding in holdings
    ]
    return OnDuty(at=moment, unit=asked.code, seats=seats, empty=empty_seats(holdings))


def _span(
    at: datetime | None, from_at: datetime | None, until_at: datetime | None
) -> tuple[datetime, datetime]:
    if at is not None:
        raise InvalidInputError("give at, or from and until", (FieldFault("at", "not with from and until"),))
    if from_at is None or until_at is None:
        missing = "from" if from_at is None else "until"
        raise InvalidInputError("from and until belong together", (FieldFault(missing, "is missing"),))
    checked_span(from_at, until_at, several=False)
    return from_at, until_at


async def _unit_asked(session: Session, actor: Actor, code: str | None) -> Unit:
    unit_id = await people.visible_unit(session, actor, code)
    if unit_id is not None:
        return (await people.units_by_id(session, [unit_id]))[unit_id]
    desk = await people.desk_unit(session)
    if desk is None:
        raise NotFoundError("there is no desk yet")
    return desk


def _shift_answer(shift: PlannedShift, unit: str) -> ShiftAnswer:
    return ShiftAnswer(
        id=shift.id,
        unit=unit,
        seat=shift.seat,
        person=shift.person_id,
        starts_at=shift.starts_at,
        ends_at=shift.ends_at,
        mode=shift.mode,
    )


def _seat_answer(holding: Holding, person: Person, points: list[ContactPoint], actor: Actor) -> OnDutySeat:
    masked = not actor.may("numbers:read")
    return OnDutySeat(
        seat=holding.seat,
        mode=holding.mode,
        person=OnDutyPerson(id=person.id, name=person.name, title=person.title),
        contacts=[
            OnDutyContact(kind=point.kind, address=shown_address(point, masked=masked), usable=point.usable)
            for point in points
        ],
        reachable=any(point.rings for point in points),
        planned=holding.planned,
        since=holding.since,
        until=holding.until,
    )

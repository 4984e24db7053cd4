"""``/api/v1/units``, ``/people`` and ``/posts``."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from dutydesk.accounts.permissions import allow
from dutydesk.accounts.rules import Actor
from dutydesk.db import Session
from dutydesk.people import actions, model, queries
from dutydesk.people.lists import Cursor, Day, Id, Limit, Moment, next_cursor
from dutydesk.people.numbers import shown_address
from dutydesk.people.rules import (
    CheckMethod,
    ContactKind,
    ContactPoint,
    DutyClass,
    Employment,
    Person,
    Rank,
    Unit,
    UnitKind,
)
from dutydesk.web.answers import once
from dutydesk.web.problems import declared
from dutydesk.web.site import TheSite
from dutydesk.web.texts import Code, Name, ShortText, Title

router = APIRouter(prefix="/api/v1", tags=["people"])

Reader = Annotated[Actor, Depends(allow("directory:read"))]
Writer = Annotated[Actor, Depends(allow("directory:write"))]

_Address = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=254)]
_MOST_CONTACTS = 10


class UnitBody(BaseModel):
    """A unit to add; ``short_name`` is what an SMS says (at most 10 UTF-16 units)."""

    code: Code
    name: Title
    kind: UnitKind
    parent: Code | None = None
    duty_phone: _Address | None = None
    short_name: Name | None = None
    duty_class: DutyClass = "sensitive"


class UnitAnswer(BaseModel):
    """A unit; ``parent`` is a code. One that was retired takes no part any more."""

    code: str
    name: str
    short_name: str
    kind: UnitKind
    parent: str | None
    duty_phone: str | None
    duty_class: DutyClass
    retired_at: datetime | None


class ContactBody(BaseModel):
    """A way to reach a person; numbers without country code are read as Chinese ones."""

    kind: ContactKind
    address: _Address


class ContactAnswer(BaseModel):
    """A way to reach a person; masked for those who may not read numbers.

    ``confirmed_at`` is when the person last proved to be reached there; after a quarter it counts no more
    (``confirmed``).
    """

    id: int
    kind: ContactKind
    address: str
    usable: bool
    disabled_reason: str | None
    confirmed: bool
    confirmed_at: datetime | None
    confirmed_how: CheckMethod | None


class PersonBody(BaseModel):
    """A person to add; contacts in the order in which they are tried."""

    name: Name
    unit: Code
    title: ShortText = ""
    rank: Rank = "staff"
    employment: Employment = "staff"
    joined_on: Day | None = None
    trained_on: Day | None = None
    contacts: Annotated[list[ContactBody], Field(max_length=_MOST_CONTACTS)] = []


class PersonAnswer(BaseModel):
    """A person with all contact points, the unusable ones too."""

    id: int
    name: str
    unit: str
    title: str
    rank: Rank
    employment: Employment
    joined_on: date | None
    trained_on: date | None
    retired_at: datetime | None
    contacts: list[ContactAnswer]


class PostBody(BaseModel):
    """A post to give: ``head``, ``chief``, ``office_director`` or another name in a–z and _."""

    model_config = ConfigDict(populate_by_name=True)

    unit: Code
    post: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z_]{0,39}$")]
    person: Id
    from_at: Annotated[Moment, Field(alias="from")]
    until_at: Annotated[Moment | None, Field(alias="until")] = None


class PostAnswer(BaseModel):
    """Who holds a post of a unit, from when until when."""

    # The model is answered by its aliases wherever it is rendered.
    model_config = ConfigDict(populate_by_name=True, serialize_by_alias=True)

    id: int
    unit: str
    post: str
    person: int
    from_at: Annotated[datetime, Field(alias="from")]
    until_at: Annotated[datetime | None, Field(alias="until")]
    acting: bool


class UnitList(BaseModel):
    """Some units."""

    items: list[UnitAnswer]
    next_cursor: str | None


class PersonList(BaseModel):
    """Some persons."""

    items: list[PersonAnswer]
    next_cursor: str | None


class PostList(BaseModel):
    """Some tenures."""

    items: list[PostAnswer]
    next_cursor: str | None


@router.post(
    "/units", status_code=201, response_model=UnitAnswer, responses=declared(404, 409), summary="Add a unit"
)
async def post_unit(request: Request, site: TheSite, actor: Writer, body: UnitBody) -> Response:
    async def work(session: Session) -> UnitAnswer:
        unit = await actions.create_unit(session, site.clock.now(), actor.name, **body.model_dump())
        return unit_answer(unit, body.parent)

    return await once(request, actor.caller, 201, work)


@router.get("/units", responses=declared(), summary="List the units")
async def get_units(site: TheSite, actor: Reader, limit: Limit = 100, cursor: Cursor = None) -> UnitList:
    async with site.db.read() as session:
        only = actor.unit_id if actor.role == "unit" else None
        units = await queries.list_units(session, only=only, after=cursor or 0, limit=limit + 1)
        parents = await queries.units_by_id(session, [unit.parent_id for unit in units if unit.parent_id])
    items = [
        unit_answer(unit, parents[unit.parent_id].code if unit.parent_id else None) for unit in units[:limit]
    ]
    return UnitList(items=items, next_cursor=next_cursor([unit.id for unit in units], limit))


@router.post(
    "/people",
    status_code=201,
    response_model=PersonAnswer,
    responses=declared(404, 409),
    summary="Add a person",
)
async def post_person(request: Request, site: TheSite, actor: Writer, body: PersonBody) -> Response:
    async def work(session: Session) -> PersonAnswer:
        contacts = [actions.NewContact(given.kind, given.address) for given in body.contacts]
        person = await actions.create_person(
            session,
            site.clock.now(),
            actor.name,
            name=body.name,
            unit=body.unit,
            title=body.title,
            rank=body.rank,
            employment=body.employment,
            joined_on=body.joined_on,
            trained_on=body.trained_on,
            contacts=contacts,
        )
        points = await queries.all_contacts(session, [person.id])
        return person_answer(person, body.unit, points.get(person.id, []), actor, site.clock.now())

    return await once(request, actor.caller, 201, work)


@router.get("/people", responses=declared(404), summary="List the people, of one unit or of all")
async def get_people(
    site: TheSite, actor: Reader, unit: Code | None = None, limit: Limit = 100, cursor: Cursor = None
) -> PersonList:
    now = site.clock.now()
    async with site.db.read() as session:
        unit_id = await queries.visible_unit(session, actor, unit)
        people = await queries.list_people(session, unit_id=unit_id, after=cursor or 0, limit=limit + 1)
        shown = people[:limit]
        units = await queries.units_by_id(session, [person.unit_id for person in shown])
        points = await queries.all_contacts(session, [person.id for person in shown])
    items = [
        person_answer(person, units[person.unit_id].code, points.get(person.id, []), actor, now)
        for person in shown
    ]
    return PersonList(items=items, next_cursor=next_cursor([person.id for person in people], limit))


@router.post(
    "/posts", status_code=201, response_model=PostAnswer, responses=declared(404, 409), summary="Give a post"
)
async def post_post(request: Request, site: TheSite, actor: Writer, body: PostBody) -> Response:
    async def work(session: Session) -> PostAnswer:
        row = await actions.give_post(
            session, site.clock.now(), actor.name, **body.model_dump(by_alias=False)
        )
        return post_answer(row, body.unit)

    return await once(request, actor.caller, 201, work)


@router.get("/posts", responses=declared(404), summary="List who holds which post")
async def get_posts(
    site: TheSite,
    actor: Reader,
    unit: Code | None = None,
    at: Moment | None = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> PostList:
    async with site.db.read() as session:
        unit_id = await queries.visible_unit(session, actor, unit)
        rows = await queries.list_posts(session, unit_id=unit_id, at=at, after=cursor or 0, limit=limit + 1)
        units = await queries.units_by_id(session, [row.unit_id for row in rows])
    items = [post_answer(row, units[row.unit_id].code) for row in rows[:limit]]
    return PostList(items=items, next_cursor=next_cursor([queries.id_of(row.id) for row in rows], limit))


def unit_answer(unit: Unit, parent: str | None) -> UnitAnswer:
    """Return a unit as the API answers it; *parent* is a code."""
    return UnitAnswer(
        code=unit.code,
        name=unit.name,
        short_name=unit.short_name,
        kind=unit.kind,
        parent=parent,
        duty_phone=unit.duty_phone,
        duty_class=unit.duty_class,
        retired_at=unit.retired_at,
    )


def contact_answer(point: ContactPoint, actor: Actor, now: datetime) -> ContactAnswer:
    """Return a contact as the API answers it, masked for whoever may not read numbers."""
    return ContactAnswer(
        id=point.id,
        kind=point.kind,
        address=shown_address(point, masked=not actor.may("numbers:read")),
        usable=point.usable,
        disabled_reason=point.disabled_reason,
        confirmed=point.confirmed(now),
        confirmed_at=point.confirmed_at,
        confirmed_how=point.confirmed_how,
    )


def person_answer(
    person: Person, unit: str, points: Sequence[ContactPoint], actor: Actor, now: datetime
) -> PersonAnswer:
    """Return a person as the API answers them; *unit* is a code."""
    return PersonAnswer(
        id=person.id,
        name=person.name,
        unit=unit,
        title=person.title,
        rank=person.rank,
        employment=person.employment,
        joined_on=person.joined_on,
        trained_on=person.trained_on,
        retired_at=person.retired_at,
        contacts=[contact_answer(point, actor, now) for point in points],
    )


def post_answer(row: model.Post, unit: str) -> PostAnswer:
    """Return a tenure as the API answers it; *unit* is a code."""
    return PostAnswer(
        id=queries.id_of(row.id),
        unit=unit,
        post=row.post,
        person=row.person_id,
        from_at=row.from_at,
        until_at=row.until_at,
        acting=row.acting,
    )

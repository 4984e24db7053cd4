"""``/api/v1/units``, ``/people``, ``/contacts`` and ``/posts``, one at a time: read, changed, added to.

Reading one gives its ``ETag``; a change that brings it back as ``If-Match`` is refused when somebody else
changed the thing meanwhile.
"""

import hashlib
from typing import Annotated

from fastapi import APIRouter, Header, Path, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from dutydesk.accounts.rules import Actor
from dutydesk.db import Session
from dutydesk.errors import ConflictError, InvalidInputError, NotFoundError
from dutydesk.people import actions, changes, contacts, queries
from dutydesk.people.api import (
    ContactAnswer,
    ContactBody,
    PersonAnswer,
    PostAnswer,
    Reader,
    UnitAnswer,
    Writer,
    contact_answer,
    person_answer,
    post_answer,
    unit_answer,
)
from dutydesk.people.lists import LARGEST_ID, Day, Moment
from dutydesk.people.rules import DutyClass, Employment, Rank, Unit
from dutydesk.web.answers import once
from dutydesk.web.problems import declared
from dutydesk.web.site import TheSite
from dutydesk.web.texts import Code, Name, Reason, ShortText, Title

router = APIRouter(prefix="/api/v1", tags=["people"])

Identity = Annotated[int, Path(ge=1, le=LARGEST_ID)]
IfMatch = Annotated[
    str | None, Header(description="The `ETag` that was read: refused if it is no longer so.")
]


class UnitChange(BaseModel):
    """What of a unit changes; what is left out stays. ``parent`` and ``duty_phone`` may be null."""

    model_config = ConfigDict(extra="forbid")

    name: Title | None = None
    short_name: ShortText | None = None
    parent: Code | None = None
    duty_phone: ShortText | None = None
    duty_class: DutyClass | None = None


class PersonChange(BaseModel):
    """What of a person changes; what is left out stays. ``joined_on`` and ``trained_on`` may be null."""

    model_config = ConfigDict(extra="forbid")

    name: Name | None = None
    unit: Code | None = None
    title: ShortText | None = None
    rank: Rank | None = None
    employment: Employment | None = None
    joined_on: Day | None = None
    trained_on: Day | None = None


class ContactChange(BaseModel):
    """Another place in the order (from 1), or out of use and into it again, with the reason."""

    model_config = ConfigDict(extra="forbid")

    position: Annotated[int | None, Field(ge=1, le=contacts.MOST_CONTACTS)] = None
    usable: bool | None = None
    reason: Reason | None = None


class PostChange(BaseModel):
    """When a post ends."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    until_at: Annotated[Moment, Field(alias="until")]


def tag_of(answer: BaseModel) -> str:
    """Return the ``ETag`` of an answer: another one as soon as anything in it is another."""
    return f'"{hashlib.sha256(answer.model_dump_json().encode()).hexdigest()[:24]}"'


def _as_read(tag: str | None, answer: BaseModel) -> None:
    """Refuse when what was read is no longer so (RFC 9110 §13.1.1)."""
    if tag is not None and tag != "*" and tag != tag_of(answer):
        raise ConflictError("somebody else has changed it meanwhile; read it again")


def _not_null(body: BaseModel, *names: str) -> dict[str, object]:
    """Return what was given; a null where there must be something is refused."""
    given = body.model_dump(exclude_unset=True)
    empty = [name for name in names if name in given and given[name] is None]
    if empty:
        raise InvalidInputError(f"{empty[0]}: must not be null")
    return given


async def _unit(session: Session, unit: Unit) -> UnitAnswer:
    parents = await queries.units_by_id(session, [unit.parent_id] if unit.parent_id else [])
    return unit_answer(unit, parents[unit.parent_id].code if unit.parent_id else None)


async def _visible_unit(session: Session, actor: Actor, code: str) -> Unit:
    unit = await queries.unit_by_code(session, code)
    if not actor.sees_unit(unit.id):
        raise NotFoundError(f"there is no unit {code}")
    return unit


async def _person(session: Session, actor: Actor, person_id: int, site: TheSite) -> PersonAnswer:
    person = await queries.person(session, person_id)
    if not actor.sees_unit(person.unit_id):
        raise NotFoundError(f"there is no person {person_id}")
    unit = (await queries.units_by_id(session, [person.unit_id]))[person.unit_id]
    points = await queries.all_contacts(session, [person_id])
    return person_answer(person, unit.code, points.get(person_id, []), actor, site.clock.now())


@router.get("/units/{code}", responses=declared(404), summary="Return one unit")
async def get_unit(response: Response, site: TheSite, actor: Reader, code: Code) -> UnitAnswer:
    async with site.db.read() as session:
        answer = await _unit(session, await _visible_unit(session, actor, code))
    response.headers["ETag"] = tag_of(answer)
    return answer


@router.patch("/units/{code}", responses=declared(404, 409), summary="Change a unit")
async def patch_unit(
    response: Response, site: TheSite, actor: Writer, code: Code, body: UnitChange, if_match: IfMatch = None
) -> UnitAnswer:
    given = _not_null(body, "name", "duty_class")

    async def work(session: Session) -> UnitAnswer:
        unit = await queries.unit_by_code(session, code)
        unit = queries.unit_fact(await queries.locked_unit(session, unit.id))
        _as_read(if_match, await _unit(session, unit))
        fields = changes.UnitFields(**given)  # type: ignore[typeddict-item]
        return await _unit(
            session, await changes.change_unit(session, site.clock.now(), actor.name, unit.id, fields)
        )

    answer = await site.db.run(work)
    response.headers["ETag"] = tag_of(answer)
    return answer


@router.get("/people/{person_id}", responses=declared(404), summary="Return one person")
async def get_person(response: Response, site: TheSite, actor: Reader, person_id: Identity) -> PersonAnswer:
    async with site.db.read() as session:
        answer = await _person(session, actor, person_id, site)
    response.headers["ETag"] = tag_of(answer)
    return answer


@router.patch("/people/{person_id}", responses=declared(404, 409), summary="Change a person")
async def patch_person(
    response: Response,
    site: TheSite,
    actor: Writer,
    person_id: Identity,
    body: PersonChange,
    if_match: IfMatch = None,
) -> PersonAnswer:
    given = _not_null(body, "name", "unit", "title", "rank", "employment")

    async def work(session: Session) -> PersonAnswer:
        await queries.locked_person(session, person_id)
        _as_read(if_match, await _person(session, actor, person_id, site))
        fields = changes.PersonFields(**given)  # type: ignore[typeddict-item]
        await changes.change_person(session, site.clock.now(), actor.name, person_id, fields)
        return await _person(session, actor, person_id, site)

    answer = await site.db.run(work)
    response.headers["ETag"] = tag_of(answer)
    return answer


@router.post(
    "/people/{person_id}/contacts",
    status_code=201,
    response_model=ContactAnswer,
    responses=declared(404, 409),
    summary="Add a number or an e-mail address",
)
async def post_contact(
    request: Request, site: TheSite, actor: Writer, person_id: Identity, body: ContactBody
) -> Response:
    async def work(session: Session) -> ContactAnswer:
        now = site.clock.now()
        made = await contacts.add_contact(session, now, actor.name, person_id, body.kind, body.address)
        return contact_answer(made, actor, now)

    return await once(request, actor.caller, 201, work)


@router.get("/contacts/{contact_id}", responses=declared(404), summary="Return one number")
async def get_contact(site: TheSite, actor: Reader, contact_id: Identity) -> ContactAnswer:
    async with site.db.read() as session:
        point = await queries.contact(session, contact_id)
        person = await queries.person(session, point.person_id)
    if not actor.sees_unit(person.unit_id):
        raise NotFoundError(f"there is no contact point {contact_id}")
    return contact_answer(point, actor, site.clock.now())


@router.patch(
    "/contacts/{contact_id}", responses=declared(404, 409), summary="Reorder, disable or enable a number"
)
async def patch_contact(
    site: TheSite, actor: Writer, contact_id: Identity, body: ContactChange
) -> ContactAnswer:
    if body.usable is not None and not body.reason:
        raise InvalidInputError("reason: is needed to disable or enable a number")

    async def work(session: Session) -> ContactAnswer:
        now, name, reason = site.clock.now(), actor.name, body.reason or ""
        point = await queries.contact(session, contact_id)
        if body.usable is False:
            point = await actions.disable_contact(session, now, name, contact_id, reason)
        elif body.usable is True:
            point = await contacts.enable_contact(session, now, name, contact_id, reason)
        if body.position is not None:
            point = await contacts.place_contact(session, now, name, contact_id, body.position - 1)
        return contact_answer(point, actor, now)

    return await site.db.run(work)


@router.get("/posts/{post_id}", responses=declared(404), summary="Return one tenure")
async def get_post(site: TheSite, actor: Reader, post_id: Identity) -> PostAnswer:
    async with site.db.read() as session:
        row = await queries.stored_post(session, post_id)
        units = await queries.units_by_id(session, [row.unit_id])
    if not actor.sees_unit(row.unit_id):
        raise NotFoundError(f"there is no post {post_id}")
    return post_answer(row, units[row.unit_id].code)


@router.patch("/posts/{post_id}", responses=declared(404, 409), summary="End a tenure")
async def patch_post(site: TheSite, actor: Writer, post_id: Identity, body: PostChange) -> PostAnswer:
    async def work(session: Session) -> PostAnswer:
        row = await changes.end_post(session, site.clock.now(), actor.name, post_id, body.until_at)
        units = await queries.units_by_id(session, [row.unit_id])
        return post_answer(row, units[row.unit_id].code)

    return await site.db.run(work)

"""Changing units, people, posts and contact points: each in the caller's transaction."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from dutydesk.audit.actions import record
from dutydesk.db import Session
from dutydesk.errors import ConflictError, FieldFault, InvalidInputError, NotFoundError
from dutydesk.people import model, queries
from dutydesk.people.numbers import parse_address, parse_number
from dutydesk.people.rules import (
    ContactKind,
    ContactPoint,
    DutyClass,
    Employment,
    Person,
    Rank,
    Unit,
    UnitKind,
    is_post_name,
)
from dutydesk.rulebook.wording import SHORT_NAME_UNITS, clip, utf16_units
from dutydesk.web.languages import say


@dataclass(frozen=True, slots=True)
class NewContact:
    """A contact point as somebody wrote it."""

    kind: ContactKind
    address: str


async def create_unit(
    session: Session,
    now: datetime,
    actor: str,
    *,
    code: str,
    name: str,
    kind: UnitKind,
    parent: str | None = None,
    duty_phone: str | None = None,
    short_name: str | None = None,
    duty_class: DutyClass = "sensitive",
) -> Unit:
    """Add a unit; without *short_name* (at most 10 UTF-16 units, for an SMS) the name is cut.

    A parent must exist already, so a new unit can never close a circle.

    Raises:
        ConflictError: the code is taken, there is a desk already, or the parent was retired.
        NotFoundError: there is no such parent.
        InvalidInputError: the short name is too long or the duty phone is no number.
    """
    await _refuse_twin(session, code, kind)
    above = None if parent is None else await _parent(session, code, parent)
    row = model.Unit(
        code=code,
        name=name,
        short_name=short_name_of(name, short_name),
        kind=kind,
        parent_id=None if above is None else above.id,
        duty_phone=parse_number(duty_phone, field="duty_phone") if duty_phone else None,
        duty_class="always" if kind == "desk" else duty_class,
        created_at=now,
        roster_check_at=now,
    )
    session.add(row)
    await session.flush()
    record(session, now, actor, "unit.created", f"unit:{code}", kind=kind)
    return queries.unit_fact(row)


async def create_person(
    session: Session,
    now: datetime,
    actor: str,
    *,
    name: str,
    unit: str,
    title: str = "",
    rank: Rank = "staff",
    employment: Employment = "staff",
    joined_on: date | None = None,
    trained_on: date | None = None,
    contacts: Sequence[NewContact] = (),
) -> Person:
    """Add a person with contact points; their order is the order in which the person is tried.

    Raises:
        NotFoundError: there is no such unit.
        ConflictError: the unit was retired.
        InvalidInputError: an address that cannot be, is of another kind, or is given twice.
    """
    own = await queries.unit_by_code(session, unit)
    must_serve(own)
    addresses = _addresses(contacts)
    row = model.Person(
        name=name,
        unit_id=own.id,
        title=title,
        rank=rank,
        employment=employment,
        joined_on=joined_on,
        trained_on=trained_on,
        created_at=now,
    )
    session.add(row)
    await session.flush()
    made = queries.person_fact(row)
    for position, (contact, address) in enumerate(zip(contacts, addresses, strict=True)):
        session.add(
            model.ContactPoint(person_id=made.id, kind=contact.kind, address=address, position=position)
        )
    await session.flush()
    record(session, now, actor, "person.created", f"person:{made.id}", unit=unit)
    return made


async def give_post(
    session: Session,
    now: datetime,
    actor: str,
    *,
    unit: str,
    post: str,
    person: int,
    from_at: datetime,
    until_at: datetime | None = None,
) -> model.Post:
    """Let a person hold a post of a unit in [from_at, until_at); ``None`` is open.

    Several persons may hold one post; the longest-serving is told first.

    Raises:
        NotFoundError: there is no such unit or person.
        InvalidInputError: the name of the post is malformed, or it ends before it begins.
        ConflictError: the person holds this post already at some time in between, or they or the unit left.
    """
    if not is_post_name(post):
        raise _invalid("post", "must be written in a–z and _, like office_director")
    if until_at is not None and until_at <= from_at:
        raise _invalid("until", "must be after from")
    where = await queries.unit_by_code(session, unit)
    holder = await queries.person(session, person)
    must_serve(where)
    must_be_here(holder)
    if await queries.overlapping_post(session, where.id, post, holder.id, from_at, until_at):
        raise ConflictError(f"person {holder.id} holds the post {post} of {unit} already at that time")
    row = model.Post(unit_id=where.id, post=post, person_id=holder.id, from_at=from_at, until_at=until_at)
    session.add(row)
    await session.flush()
    record(session, now, actor, "post.given", f"unit:{unit}", post=post, person=holder.id)
    return row


async def disable_contact(
    session: Session, now: datetime, actor: str, contact_id: int, reason: str
) -> ContactPoint:
    """Stop using a contact point, which is kept with the reason; a second time changes nothing.

    Raises:
        NotFoundError: there is no such contact point.
    """
    row = await queries.stored_contact(session, contact_id)
    if row is None:
        raise NotFoundError(f"there is no contact point {contact_id}")
    if row.disabled_reason is None:
        row.disabled_at, row.disabled_reason = now, reason
        session.add(row)
        record(
            session,
            now,
            actor,
            "contact.disabled",
            f"person:{row.person_id}",
            contact=contact_id,
            reason=reason,
        )
        await queries.look_at_rosters_of(session, [row.person_id], now)
    return queries.contact_fact(row)


def must_serve(unit: Unit) -> None:
    """See to it that a unit still takes part.

    Raises:
        ConflictError: it was retired.
    """
    if unit.retired_at is not None:
        raise ConflictError(say("{unit}已撤销，请选择其他单位", unit=unit.name))


def must_be_here(person: Person) -> None:
    """See to it that a person still takes part.

    Raises:
        ConflictError: they left.
    """
    if person.retired_at is not None:
        raise ConflictError(say("{name}已离任，不能这样办理；如属误办，请先恢复在职", name=person.name))


async def _refuse_twin(session: Session, code: str, kind: UnitKind) -> None:
    """The database refuses them too; asked first for a sentence that helps."""
    if await queries.find_unit(session, code) is not None:
        raise ConflictError(f"there is a unit {code} already")
    if kind == "desk":
        desk = await queries.desk_unit(session)
        if desk is not None:
            raise ConflictError(f"there is exactly one desk, and it is {desk.code}")


async def _parent(session: Session, code: str, parent: str) -> Unit:
    if parent == code:
        raise _invalid("parent", "must be another unit")
    above = await queries.unit_by_code(session, parent)
    must_serve(above)
    return above


def short_name_of(name: str, short_name: str | None) -> str:
    """Return what an SMS calls a unit; without one of its own the name is cut.

    Raises:
        InvalidInputError: it is longer than an SMS may say.
    """
    if short_name is None:
        return clip(name, SHORT_NAME_UNITS).rstrip()
    if utf16_units(short_name) > SHORT_NAME_UNITS:
        raise _invalid("short_name", f"must have at most {SHORT_NAME_UNITS} UTF-16 units")
    return short_name


def _addresses(contacts: Sequence[NewContact]) -> list[str]:
    """Return the stored forms, all of them checked before anything is written."""
    addresses: list[str] = []
    for index, contact in enumerate(contacts):
        field = f"contacts.{index}.address"
        address = parse_address(contact.kind, contact.address, field)
        if address in addresses:
            raise _invalid(field, "is given twice")
        addresses.append(address)
    return addresses


def _invalid(field: str, message: str) -> InvalidInputError:
    return InvalidInputError(f"{field} {message}", (FieldFault(field, message),))

"""The numbers of a person: added, put in order, disabled and enabled, confirmed; never deleted."""

from datetime import datetime

from dutydesk.audit.actions import record
from dutydesk.db import Session
from dutydesk.errors import ConflictError, FieldFault, NotFoundError
from dutydesk.logs import mask_number
from dutydesk.people import model, queries
from dutydesk.people.actions import must_be_here
from dutydesk.people.numbers import parse_address
from dutydesk.people.rules import CheckMethod, ContactKind, ContactPoint, moved
from dutydesk.web.languages import say

MOST_CONTACTS = 10


async def add_contact(
    session: Session, now: datetime, actor: str, person_id: int, kind: ContactKind, address: str
) -> ContactPoint:
    """Add a number or an e-mail address, tried after the others.

    Raises:
        NotFoundError: there is no such person.
        ConflictError: they left, have it already, or have ten.
        InvalidInputError: the address cannot be, or is of another kind.
    """
    stored = parse_address(kind, address)
    rows = await queries.locked_contacts(session, person_id)
    must_be_here(await queries.person(session, person_id))
    twin = next((row for row in rows if row.address == stored), None)
    if twin is not None:
        said = "已登记这个号码" if twin.disabled_reason is None else "已登记这个号码，现已停用，可重新启用"
        raise ConflictError(f"address: {said}", (FieldFault("address", said),))
    if len(rows) >= MOST_CONTACTS:
        raise ConflictError(say("一个人最多登记{count}个号码", count=MOST_CONTACTS))
    position = max((row.position for row in rows), default=-1) + 1
    made = model.ContactPoint(person_id=person_id, kind=kind, address=stored, position=position)
    session.add(made)
    await session.flush()
    _record(session, now, actor, "contact.added", made, kind=kind, phone=_masked(made))
    await queries.look_at_rosters_of(session, [person_id], now)
    return queries.contact_fact(made)


async def place_contact(
    session: Session, now: datetime, actor: str, contact_id: int, place: int
) -> ContactPoint:
    """Put a contact at *place* (from 0) in the order in which its person is tried.

    Raises:
        NotFoundError: there is no such contact point.
    """
    rows = await _siblings(session, contact_id)
    by_id = {row.id or 0: row for row in rows}
    order = moved(list(by_id), contact_id, place)
    if order != list(by_id):
        for position, one in enumerate(order):
            by_id[one].position = position
        row = by_id[contact_id]
        _record(session, now, actor, "contact.placed", row, phone=_masked(row), place=place + 1)
    return queries.contact_fact(by_id[contact_id])


async def enable_contact(
    session: Session, now: datetime, actor: str, contact_id: int, reason: str
) -> ContactPoint:
    """Use a disabled contact again; it has to be confirmed anew.

    Raises:
        NotFoundError: there is no such contact point.
        ConflictError: its person left.
    """
    rows = await _siblings(session, contact_id)
    row = next(one for one in rows if one.id == contact_id)
    must_be_here(await queries.person(session, row.person_id))
    if row.disabled_reason is not None:
        row.disabled_at = row.disabled_reason = None
        row.confirmed_at = row.confirmed_how = None
        row.confirmed_by = ""
        _record(session, now, actor, "contact.enabled", row, phone=_masked(row), reason=reason)
        await session.flush()
        await queries.look_at_rosters_of(session, [row.person_id], now)
    return queries.contact_fact(row)


async def confirm_contact(
    session: Session, now: datetime, actor: str, contact_id: int, how: CheckMethod
) -> ContactPoint:
    """Note that its person proved to be reached there; *actor* is who says so.

    Raises:
        NotFoundError: there is no such contact point.
        ConflictError: it was disabled meanwhile.
    """
    rows = await _siblings(session, contact_id)
    row = next(one for one in rows if one.id == contact_id)
    if row.disabled_reason is not None:
        raise ConflictError("号码已停用，请先启用再核对")
    row.confirmed_at, row.confirmed_how, row.confirmed_by = now, how, actor
    _record(session, now, actor, "contact.confirmed", row, phone=_masked(row), how=how)
    await session.flush()
    await queries.look_at_rosters_of(session, [row.person_id], now)
    return queries.contact_fact(row)


async def _siblings(session: Session, contact_id: int) -> list[model.ContactPoint]:
    """Return all contact points of a contact's person, locked."""
    row = await queries.stored_contact(session, contact_id)
    if row is None:
        raise NotFoundError(f"there is no contact point {contact_id}")
    return await queries.locked_contacts(session, row.person_id)


def _record(
    session: Session, now: datetime, actor: str, action: str, row: model.ContactPoint, **detail: object
) -> None:
    """Append to the trail, under the person; a number never stands there in full."""
    record(session, now, actor, action, f"person:{row.person_id}", contact=row.id, **detail)


def _masked(row: model.ContactPoint) -> str:
    return row.address.partition("@")[0][:1] + "***" if row.kind == "email" else mask_number(row.address)

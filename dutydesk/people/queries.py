"""All the SQL of units, people, posts and contact points. Answers are plain facts of ``rules``."""

from collections.abc import Collection, Iterable
from datetime import datetime

from sqlalchemy import ColumnElement, or_, update
from sqlmodel import col, select

from dutydesk.accounts.rules import Actor
from dutydesk.db import Session
from dutydesk.errors import NotAllowedError, NotFoundError
from dutydesk.people import model
from dutydesk.people.rules import ContactPoint, Person, Unit


def id_of(value: int | None) -> int:
    """Return the id of a stored row; only the type of a row not yet stored says that it may be missing.

    Raises:
        ValueError: when the row was not flushed.
    """
    if value is None:
        message = "the row is not stored yet"
        raise ValueError(message)
    return value


def unit_fact(row: model.Unit) -> Unit:
    """Return a stored unit as a fact."""
    return Unit(
        id_of(row.id),
        row.code,
        row.name,
        row.short_name,
        row.kind,
        row.parent_id,
        row.duty_phone,
        row.duty_class,
        row.retired_at,
    )


def person_fact(row: model.Person) -> Person:
    """Return a stored person as a fact."""
    return Person(
        id_of(row.id),
        row.name,
        row.unit_id,
        row.title,
        row.rank,
        row.employment,
        row.joined_on,
        row.trained_on,
        row.retired_at,
    )


def contact_fact(row: model.ContactPoint) -> ContactPoint:
    """Return a stored contact point as a fact."""
    return ContactPoint(
        id_of(row.id),
        row.person_id,
        row.kind,
        row.address,
        row.position,
        row.disabled_reason,
        row.confirmed_at,
        row.disabled_at,
        row.confirmed_how,
        row.confirmed_by,
    )


async def find_unit(session: Session, code: str) -> Unit | None:
    """Return the unit with this code, if there is one."""
    row = (await session.exec(select(model.Unit).where(col(model.Unit.code) == code))).first()
    return None if row is None else unit_fact(row)


async def unit_by_code(session: Session, code: str) -> Unit:
    """Return the unit with this code.

    Raises:
        NotFoundError: when there is none.
    """
    unit = await find_unit(session, code)
    if unit is None:
        raise NotFoundError(f"there is no unit {code}")
    return unit


async def desk_unit(session: Session) -> Unit | None:
    """Return the bureau's desk: the database allows exactly one."""
    row = (await session.exec(select(model.Unit).where(col(model.Unit.kind) == "desk"))).first()
    return None if row is None else unit_fact(row)


async def visible_unit(session: Session, actor: Actor, code: str | None) -> int | None:
    """Return the id of the unit asked for, None for all of them; a unit contact gets its own.

    Raises:
        NotFoundError: there is no such unit.
        NotAllowedError: a unit contact asks for another unit.
    """
    if code is None:
        return actor.unit_id if actor.role == "unit" else None
    unit = await unit_by_code(session, code)
    if not actor.sees_unit(unit.id):
        raise NotAllowedError("a unit contact sees its own unit only")
    return unit.id


async def units_by_id(session: Session, ids: Collection[int]) -> dict[int, Unit]:
    """Return the units with these ids; unknown ids are left out."""
    if not ids:
        return {}
    rows = await session.exec(select(model.Unit).where(col(model.Unit.id).in_(set(ids))))
    return {unit.id: unit for unit in map(unit_fact, rows)}


async def list_units(
    session: Session,
    *,
    only: int | None = None,
    after: int = 0,
    limit: int | None = None,
    serving: bool = False,
) -> list[Unit]:
    """Return units in order of id, from the one after *after*; *only* narrows it to one unit.

    *serving* leaves out those that were retired: nothing new is offered for them.
    """
    wanted = select(model.Unit).where(col(model.Unit.id) > after)
    if serving:
        wanted = wanted.where(col(model.Unit.retired_at).is_(None))
    if only is not None:
        wanted = wanted.where(col(model.Unit.id) == only)
    rows = await session.exec(wanted.order_by(col(model.Unit.id)).limit(limit))
    return [unit_fact(row) for row in rows]


async def person(session: Session, person_id: int) -> Person:
    """Return one person.

    Raises:
        NotFoundError: when there is none with this id.
    """
    row = await session.get(model.Person, person_id)
    if row is None:
        raise NotFoundError(f"there is no person {person_id}")
    return person_fact(row)


async def people_by_id(session: Session, ids: Collection[int]) -> dict[int, Person]:
    """Return the persons with these ids; unknown ids are left out."""
    if not ids:
        return {}
    rows = await session.exec(select(model.Person).where(col(model.Person.id).in_(set(ids))))
    return {found.id: found for found in map(person_fact, rows)}


async def list_people(
    session: Session,
    *,
    unit_id: int | None = None,
    after: int = 0,
    limit: int | None = None,
    serving: bool = False,
) -> list[Person]:
    """Return persons in order of id, from the one after *after*; *unit_id* narrows it to one unit.

    *serving* leaves out those who left: they are not offered for anything new.
    """
    wanted = select(model.Person).where(col(model.Person.id) > after)
    if serving:
        wanted = wanted.where(col(model.Person.retired_at).is_(None))
    if unit_id is not None:
        wanted = wanted.where(col(model.Person.unit_id) == unit_id)
    rows = await session.exec(wanted.order_by(col(model.Person.id)).limit(limit))
    return [person_fact(row) for row in rows]


async def all_contacts(session: Session, person_ids: Collection[int]) -> dict[int, list[ContactPoint]]:
    """Return every contact point of these persons in position order, the disabled ones too."""
    if not person_ids:
        return {}
    point = model.ContactPoint
    rows = await session.exec(
        select(point)
        .where(col(point.person_id).in_(set(person_ids)))
        .order_by(col(point.person_id), col(point.position), col(point.id))
    )
    found: dict[int, list[ContactPoint]] = {}
    for row in rows:
        found.setdefault(row.person_id, []).append(contact_fact(row))
    return found


async def usable_contacts(session: Session, person_ids: Collection[int]) -> dict[int, list[ContactPoint]]:
    """Return the enabled contact points of these persons in position order; persons without any are left out."""
    found = await all_contacts(session, person_ids)
    usable = {person_id: [point for point in points if point.usable] for person_id, points in found.items()}
    return {person_id: points for person_id, points in usable.items() if points}


async def stored_contact(session: Session, contact_id: int) -> model.ContactPoint | None:
    """Return the row of a contact point, to change it."""
    return await session.get(model.ContactPoint, contact_id)


async def contact(session: Session, contact_id: int) -> ContactPoint:
    """Return one contact point.

    Raises:
        NotFoundError: when there is none with this id.
    """
    row = await stored_contact(session, contact_id)
    if row is None:
        raise NotFoundError(f"there is no contact point {contact_id}")
    return contact_fact(row)


async def locked_unit(session: Session, unit_id: int) -> model.Unit:
    """Return a unit's row, to change it; nobody else changes it until the transaction ends.

    Raises:
        NotFoundError: when there is none with this id.
    """
    wanted = select(model.Unit).where(col(model.Unit.id) == unit_id)
    row = (await session.exec(wanted.with_for_update())).first()
    if row is None:
        raise NotFoundError(f"there is no unit {unit_id}")
    return row


async def locked_person(session: Session, person_id: int) -> model.Person:
    """Return a person's row, to change it or their numbers; nobody else does until the transaction ends.

    Raises:
        NotFoundError: when there is none with this id.
    """
    wanted = select(model.Person).where(col(model.Person.id) == person_id)
    row = (await session.exec(wanted.with_for_update())).first()
    if row is None:
        raise NotFoundError(f"there is no person {person_id}")
    return row


async def locked_contacts(session: Session, person_id: int) -> list[model.ContactPoint]:
    """Return the rows of a person's contact points in position order, read afresh under the person's lock."""
    await locked_person(session, person_id)
    point = model.ContactPoint
    rows = await session.exec(
        select(point)
        .where(col(point.person_id) == person_id)
        .order_by(col(point.position), col(point.id))
        .execution_options(populate_existing=True)
    )
    return list(rows)


async def locked_parents(session: Session) -> dict[int, int | None]:
    """Return which unit stands above which, all of them locked: two changes at once must not close a circle."""
    rows = await session.exec(select(model.Unit).order_by(col(model.Unit.id)).with_for_update())
    return {id_of(row.id): row.parent_id for row in rows}


async def stored_post(session: Session, post_id: int, *, lock: bool = False) -> model.Post:
    """Return a tenure, to end it.

    Raises:
        NotFoundError: when there is none with this id.
    """
    wanted = select(model.Post).where(col(model.Post.id) == post_id)
    row = (await session.exec(wanted.with_for_update() if lock else wanted)).first()
    if row is None:
        raise NotFoundError(f"there is no post {post_id}")
    return row


async def posts_of_person(session: Session, person_id: int) -> list[model.Post]:
    """Return every tenure of a person, the latest first."""
    row = model.Post
    found = await session.exec(
        select(row).where(col(row.person_id) == person_id).order_by(col(row.from_at).desc(), col(row.id))
    )
    return list(found)


async def look_at_rosters_of(session: Session, person_ids: Collection[int], now: datetime) -> None:
    """Have the rosters of these people's units, and the desk's, looked at by the next pass.

    Where else somebody sits the rosters know: whoever retires a person says so there too.
    """
    own = select(col(model.Person.unit_id)).where(col(model.Person.id).in_(set(person_ids)))
    await session.exec(
        update(model.Unit)
        .where(or_(col(model.Unit.id).in_(own), col(model.Unit.kind) == "desk"))
        .values(roster_check_at=now)
        .execution_options(synchronize_session=False)
    )


async def post_holders(
    session: Session, unit_ids: Collection[int], at: datetime
) -> dict[tuple[int, str], list[int]]:
    """Return who holds the posts of these units at *at*: (unit id, post) → person ids, longest-serving first.

    While somebody acts for an absent holder (Art. 5), whoever acts stands there alone.
    """
    found: dict[tuple[int, str], list[int]] = {}
    if not unit_ids:
        return found
    post = model.Post
    rows = await session.exec(
        select(post)
        .where(col(post.unit_id).in_(set(unit_ids)), _held(at))
        .order_by(col(post.from_at), col(post.id))
    )
    for row in _acting_first(rows):
        _once(found.setdefault((row.unit_id, row.post), []), row.person_id)
    return found


async def bureau_post_holders(session: Session, at: datetime) -> dict[str, list[int]]:
    """Return who holds each post at *at* in any unit: post → person ids, longest-serving first."""
    post = model.Post
    rows = await session.exec(select(post).where(_held(at)).order_by(col(post.from_at), col(post.id)))
    found: dict[str, list[int]] = {}
    for row in _acting_first(rows):
        _once(found.setdefault(row.post, []), row.person_id)
    return found


async def list_posts(
    session: Session,
    *,
    unit_id: int | None = None,
    at: datetime | None = None,
    after: int = 0,
    limit: int | None = None,
) -> list[model.Post]:
    """Return tenures in order of id, from the one after *after*: of one unit, or held at *at*, or all."""
    wanted = select(model.Post).where(col(model.Post.id) > after)
    if unit_id is not None:
        wanted = wanted.where(col(model.Post.unit_id) == unit_id)
    if at is not None:
        wanted = wanted.where(_held(at))
    return list(await session.exec(wanted.order_by(col(model.Post.id)).limit(limit)))


async def overlapping_post(
    session: Session, unit_id: int, post: str, person_id: int, from_at: datetime, until_at: datetime | None
) -> bool:
    """Tell whether this person already holds this post at some time in [from_at, until_at)."""
    row = model.Post
    wanted = select(row.id).where(
        col(row.unit_id) == unit_id,
        col(row.post) == post,
        col(row.person_id) == person_id,
        or_(col(row.until_at).is_(None), col(row.until_at) > from_at),
    )
    if until_at is not None:
        wanted = wanted.where(col(row.from_at) < until_at)
    return (await session.exec(wanted.limit(1))).first() is not None


def _held(at: datetime) -> ColumnElement[bool]:
    """A post is held in [from_at, until_at)."""
    post = model.Post
    ends_later = or_(col(post.until_at).is_(None), col(post.until_at) > at)
    return (col(post.from_at) <= at) & ends_later


def _acting_first(rows: Iterable[model.Post]) -> list[model.Post]:
    """Leave out whoever somebody acts for: of a post with an acting holder only the acting ones count."""
    kept = list(rows)
    acted = {(row.unit_id, row.post) for row in kept if row.acting}
    return [row for row in kept if row.acting or (row.unit_id, row.post) not in acted]


def _once(ids: list[int], person_id: int) -> None:
    if person_id not in ids:
        ids.append(person_id)

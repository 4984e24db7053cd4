"""Changing and retiring units, people and posts: each in the caller's transaction, with what it was before."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, TypedDict

from dutydesk.audit.actions import record
from dutydesk.db import Session
from dutydesk.errors import ConflictError, FieldFault, InvalidInputError
from dutydesk.people import model, queries
from dutydesk.people.actions import must_be_here, must_serve, short_name_of
from dutydesk.people.numbers import parse_number
from dutydesk.people.rules import DutyClass, Employment, Person, Rank, Unit, makes_circle
from dutydesk.web.languages import say


class UnitFields(TypedDict, total=False):
    """What of a unit may change; ``parent`` is a code. What is left out stays."""

    name: str
    short_name: str
    parent: str | None
    duty_phone: str | None
    duty_class: DutyClass


class PersonFields(TypedDict, total=False):
    """What of a person may change; ``unit`` is a code. What is left out stays."""

    name: str
    unit: str
    title: str
    rank: Rank
    employment: Employment
    joined_on: date | None
    trained_on: date | None


async def change_unit(session: Session, now: datetime, actor: str, unit_id: int, fields: UnitFields) -> Unit:
    """Change what is given of a unit.

    Raises:
        NotFoundError: there is no such unit, or no such parent.
        ConflictError: it was retired.
        InvalidInputError: a circle, something above or less duty for the desk, a short name that is too long,
            a telephone that is no number.
    """
    row = await queries.locked_unit(session, unit_id)
    before = queries.unit_fact(row)
    must_serve(before)
    values: dict[str, Any] = {key: fields[key] for key in ("name", "duty_class") if key in fields}
    if "short_name" in fields:
        values["short_name"] = short_name_of(fields.get("name", row.name), fields["short_name"] or None)
    if "duty_phone" in fields:
        phone = fields["duty_phone"]
        values["duty_phone"] = parse_number(phone, field="duty_phone") if phone else None
    if "parent" in fields:
        values["parent_id"] = await _parent(session, before, fields["parent"])
    if before.kind == "desk" and values.get("duty_class", "always") != "always":
        raise _invalid("duty_class", "局值班室须常年在岗")
    changed = _apply(row, values)
    if changed:
        record(session, now, actor, "unit.changed", f"unit:{row.code}", **_told(changed))
    # What kind of duty a unit keeps decides which of its seats may be empty.
    if "duty_class" in changed:
        row.roster_check_at = now
    return queries.unit_fact(row)


async def retire_unit(session: Session, now: datetime, actor: str, unit_id: int, reason: str) -> Unit:
    """Retire a unit: every record stays, nothing new is offered for it, its posts end.

    Raises:
        NotFoundError: there is no such unit.
        ConflictError: it is the desk, was retired already, or still has people or units below it.
    """
    row = await queries.locked_unit(session, unit_id)
    unit = queries.unit_fact(row)
    if unit.kind == "desk":
        raise ConflictError("局值班室不能撤销")
    must_serve(unit)
    people = await queries.list_people(session, unit_id=unit_id, serving=True)
    below = [one for one in await queries.list_units(session, serving=True) if one.parent_id == unit_id]
    if people or below:
        text = "还有{people}名在职人员、{units}个下级单位，请先把他们转到其他单位或办理离任，再撤销单位"
        raise ConflictError(say(text, people=len(people), units=len(below)))
    row.retired_at, row.roster_check_at = now, now
    ended = _end(await queries.list_posts(session, unit_id=unit_id), now)
    record(session, now, actor, "unit.retired", f"unit:{row.code}", reason=reason, posts=ended)
    return queries.unit_fact(row)


async def change_person(
    session: Session,
    now: datetime,
    actor: str,
    person_id: int,
    fields: PersonFields,
) -> Person:
    """Change what is given of a person.

    Posts and shifts in the former unit stay: they end where somebody ends them.

    Raises:
        NotFoundError: there is no such person or unit.
        ConflictError: they left, or the unit was retired.
    """
    row = await queries.locked_person(session, person_id)
    before = queries.person_fact(row)
    must_be_here(before)
    plain = ("name", "title", "rank", "employment", "joined_on", "trained_on")
    values: dict[str, Any] = {key: fields[key] for key in plain if key in fields}  # type: ignore[literal-required]
    if "unit" in fields:
        unit = await queries.unit_by_code(session, fields["unit"])
        must_serve(unit)
        values["unit_id"] = unit.id
    changed = _apply(row, values)
    if changed:
        record(session, now, actor, "person.changed", f"person:{person_id}", **_told(changed))
        await session.flush()
        await queries.look_at_rosters_of(session, [person_id], now)
    return queries.person_fact(row)


async def retire_person(session: Session, now: datetime, actor: str, person_id: int, reason: str) -> Person:
    """Note that somebody left: every record stays, they are not offered for anything, their posts end.

    Their shifts are the rosters' (``rosters.directory.leaving``), which call this.

    Raises:
        NotFoundError: there is no such person.
        ConflictError: they left already.
    """
    row = await queries.locked_person(session, person_id)
    must_be_here(queries.person_fact(row))
    row.retired_at = now
    ended = _end(await queries.posts_of_person(session, person_id), now)
    record(session, now, actor, "person.retired", f"person:{person_id}", reason=reason, posts=ended)
    await session.flush()
    await queries.look_at_rosters_of(session, [person_id], now)
    return queries.person_fact(row)


async def reinstate_person(
    session: Session, now: datetime, actor: str, person_id: int, reason: str
) -> Person:
    """Take back that somebody left; posts and shifts that ended with it do not come back.

    Raises:
        NotFoundError: there is no such person.
        ConflictError: they did not leave, or their unit was retired.
    """
    row = await queries.locked_person(session, person_id)
    if row.retired_at is None:
        raise ConflictError(say("{name}在职，不需要恢复", name=row.name))
    must_serve((await queries.units_by_id(session, [row.unit_id]))[row.unit_id])
    row.retired_at = None
    record(session, now, actor, "person.reinstated", f"person:{person_id}", reason=reason)
    await session.flush()
    await queries.look_at_rosters_of(session, [person_id], now)
    return queries.person_fact(row)


async def end_post(
    session: Session, now: datetime, actor: str, post_id: int, until_at: datetime
) -> model.Post:
    """Let a tenure end at *until_at* (aware).

    Raises:
        NotFoundError: there is no such tenure.
        InvalidInputError: it would end before it began.
        ConflictError: it is over already, or somebody acts in it, which ends with the leave it is for.
    """
    row = await queries.stored_post(session, post_id, lock=True)
    if row.acting:
        raise ConflictError("代理随请假报备开始和结束，请在请假报备里办理")
    if row.until_at is not None and row.until_at <= now:
        raise ConflictError("这一任职已经结束")
    if until_at <= row.from_at:
        raise _invalid("until", "须晚于任职开始时间")
    row.until_at = until_at
    units = await queries.units_by_id(session, [row.unit_id])
    record(
        session,
        now,
        actor,
        "post.ended",
        f"unit:{units[row.unit_id].code}",
        post=row.post,
        person=row.person_id,
        at=until_at.isoformat(),
    )
    return row


async def _parent(session: Session, unit: Unit, code: str | None) -> int | None:
    if unit.kind == "desk" and code:
        raise _invalid("parent", "局值班室没有上级单位")
    if not code:
        return None
    above = await queries.unit_by_code(session, code)
    if above.id == unit.parent_id:
        return above.id
    must_serve(above)
    if makes_circle(await queries.locked_parents(session), unit.id, above.id):
        raise _invalid("parent", "上级单位不能是本单位或本单位的下级")
    return above.id


def _end(rows: list[model.Post], now: datetime) -> int:
    """End what runs or lies ahead; return how many tenures that were."""
    open_ones = [row for row in rows if row.until_at is None or row.until_at > now]
    for row in open_ones:
        # One that has not begun never will: an empty interval is never in force.
        row.until_at = max(now, row.from_at)
    return len(open_ones)


def _apply(row: model.Unit | model.Person, values: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Set what differs; return name → (before, after)."""
    changed: dict[str, tuple[Any, Any]] = {}
    for name, value in values.items():
        if getattr(row, name) != value:
            changed[name] = (getattr(row, name), value)
            setattr(row, name, value)
    return changed


def _told(changed: Mapping[str, tuple[Any, Any]]) -> dict[str, Any]:
    """Return changes as the trail keeps them."""

    def plain(value: Any) -> Any:
        return value.isoformat() if isinstance(value, date) else value

    return {
        "before": {name: plain(before) for name, (before, _) in changed.items()},
        "after": {name: plain(after) for name, (_, after) in changed.items()},
    }


def _invalid(field: str, message: str) -> InvalidInputError:
    return InvalidInputError(f"{field}: {message}", (FieldFault(field, message),))

"""An import carried out: all of it in one transaction, or nothing."""

from datetime import datetime
from typing import Any

from dutydesk.audit.actions import record
from dutydesk.db import Session
from dutydesk.errors import ConflictError
from dutydesk.logs import mask_number
from dutydesk.people import import_queries, model, queries
from dutydesk.people.importing import Known, PersonPlan, Plan, UnitPlan


async def known(session: Session) -> Known:
    """Return the whole directory."""
    units = {one.id: one for one in await queries.list_units(session)}
    persons = {one.id: one for one in await queries.list_people(session)}
    points = await queries.all_contacts(session, persons.keys())
    return Known(units, persons, points)


async def carry_out(session: Session, now: datetime, actor: str, plan: Plan, base: Known) -> None:
    """Do what a plan says, if the directory is still what the plan was made for.

    Raises:
        ConflictError: something in it is wrong, or somebody changed the directory meanwhile.
    """
    if plan.wrong:
        raise ConflictError("表内还有错误，没有导入")
    if await known(session) != base:
        raise ConflictError("通讯录刚刚有改动，没有导入；请重新试导入")
    codes = {one.code: one.id for one in base.units.values()}
    await _units(session, now, actor, plan.units, codes)
    touched = await _people(session, now, actor, plan.people, codes)
    record(
        session,
        now,
        actor,
        "directory.imported",
        "list:directory",
        units=len(plan.units),
        people=len(plan.people),
    )
    if touched:
        await session.flush()
        await queries.look_at_rosters_of(session, touched, now)


async def _units(
    session: Session, now: datetime, actor: str, plans: list[UnitPlan], codes: dict[str, int]
) -> None:
    """Every unit first, then what stands above it: the file may name them in any order."""
    rows = await import_queries.units_to_change(
        session, [one.unit.id for one in plans if one.unit is not None]
    )
    for one in plans:
        if one.unit is None:
            row = model.Unit(code=one.code, created_at=now, roster_check_at=now, **one.values)
            session.add(row)
            rows[one.code] = row
    await session.flush()
    codes |= {code: queries.id_of(row.id) for code, row in rows.items()}
    for one in plans:
        row, values = rows[one.code], dict(one.values)
        before = {key: getattr(row, key) for key in values} if one.unit is not None else {}
        for key, value in values.items():
            setattr(row, key, value)
        if one.parent is not None:
            before |= {"parent_id": row.parent_id}
            row.parent_id = values["parent_id"] = codes[one.parent]
        if one.unit is None:
            record(session, now, actor, "unit.created", f"unit:{one.code}", kind=row.kind)
        else:
            row.roster_check_at = now
            record(session, now, actor, "unit.changed", f"unit:{one.code}", before=before, after=values)
    await session.flush()


async def _people(
    session: Session, now: datetime, actor: str, plans: list[PersonPlan], codes: dict[str, int]
) -> list[int]:
    ids = [one.person.id for one in plans if one.person is not None]
    rows = await import_queries.people_to_change(session, ids)
    made: list[model.Person] = []
    for one in plans:
        if one.person is None:
            row = model.Person(name=one.name, unit_id=codes[one.unit_code], created_at=now, **one.values)
            session.add(row)
        else:
            row = rows[one.person.id]
        made.append(row)
    await session.flush()
    last = await import_queries.last_positions(session, ids)
    for one, row in zip(plans, made, strict=True):
        person_id = queries.id_of(row.id)
        _record_person(session, now, actor, one, row, person_id)
        for position, (kind, address) in enumerate(one.contacts, start=last.get(person_id, -1) + 1):
            session.add(
                model.ContactPoint(person_id=person_id, kind=kind, address=address, position=position)
            )
            if one.person is not None:
                shown = mask_number(address) if kind != "email" else "***"
                record(session, now, actor, "contact.added", f"person:{person_id}", kind=kind, phone=shown)
    return [queries.id_of(row.id) for row in made]


def _record_person(
    session: Session, now: datetime, actor: str, one: PersonPlan, row: model.Person, person_id: int
) -> None:
    if one.person is None:
        record(session, now, actor, "person.created", f"person:{person_id}", unit=one.unit_code)
        return
    if not one.values:
        return
    before = {key: _plain(getattr(row, key)) for key in one.values}
    for key, value in one.values.items():
        setattr(row, key, value)
    after = {key: _plain(value) for key, value in one.values.items()}
    record(session, now, actor, "person.changed", f"person:{person_id}", before=before, after=after)


def _plain(value: Any) -> Any:
    return value.isoformat() if hasattr(value, "isoformat") else value

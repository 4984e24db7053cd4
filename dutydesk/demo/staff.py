"""Fills the directory of the demonstration: units, people with numbers that were confirmed, posts."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta

from dutydesk.db import Session
from dutydesk.demo import bureau, queries
from dutydesk.demo.bureau import PersonPlan
from dutydesk.people import queries as people
from dutydesk.people.actions import NewContact, create_person, create_unit, give_post

ACTOR = "demo"
_A_YEAR = timedelta(days=365)


async def hire(session: Session, now: datetime) -> None:
    """Make what of the bureau is not there yet; a second time it does nothing."""
    await _units(session, now)
    known = {one.name: one.id for one in await people.list_people(session)}
    units = {one.code: one.id for one in await people.list_units(session)}
    fresh: list[int] = []
    for plan, numbers in _numbered():
        if plan.name not in known:
            known[plan.name] = await _person(session, now, plan, numbers)
            fresh.append(known[plan.name])
    for unit, post, name in bureau.posts():
        held = (await people.post_holders(session, [units[unit]], now)).get((units[unit], post), [])
        if known[name] not in held:
            await give_post(
                session, now, ACTOR, unit=unit, post=post, person=known[name], from_at=now - _A_YEAR
            )
    await _confirm(session, now, {known[one.name]: one for one in bureau.everybody()}, fresh)


async def _units(session: Session, now: datetime) -> None:
    known = {one.code for one in await people.list_units(session)}
    code, name, phone = bureau.DESK
    if code not in known:
        await create_unit(session, now, ACTOR, code=code, name=name, kind="desk", duty_phone=phone)
    for one in bureau.UNITS:
        if one.code not in known:
            await create_unit(
                session,
                now,
                ACTOR,
                code=one.code,
                name=one.name,
                short_name=one.short,
                kind=one.kind,
                parent="desk" if one.kind == "division" else None,
                duty_phone=one.phone,
                duty_class=one.duty_class,
            )


def _numbered() -> Iterator[tuple[PersonPlan, list[str]]]:
    """Yield everybody with their own numbers, the same at every start."""
    numbers = bureau.mobiles()
    for one in bureau.everybody():
        yield one, [next(numbers) for _ in range(one.mobiles)]


async def _person(session: Session, now: datetime, plan: PersonPlan, numbers: list[str]) -> int:
    today = now.date()
    joined = None if plan.months is None else today - timedelta(days=30 * plan.months + 10)
    made = await create_person(
        session,
        now,
        ACTOR,
        name=plan.name,
        unit=plan.unit,
        title=plan.title,
        rank=plan.rank,
        employment=plan.employment,
        joined_on=joined,
        trained_on=_trained(plan, joined),
        contacts=[NewContact("mobile", number) for number in numbers],
    )
    return made.id


def _trained(plan: PersonPlan, joined: date | None) -> date | None:
    return None if joined is None or not plan.trained else joined + timedelta(days=20)


async def _confirm(session: Session, now: datetime, plans: dict[int, PersonPlan], fresh: list[int]) -> None:
    """Let people have confirmed their numbers in the last weeks; some have not, and one number is none any more."""
    for row in await queries.contacts_of(session, fresh):
        plan = plans[row.person_id]
        last = row.position == plan.mobiles - 1
        if plan.failed and last:
            row.disabled_at, row.disabled_reason = now - timedelta(days=3), plan.failed
        elif plan.confirmed:
            row.confirmed_at = now - timedelta(days=5 + row.person_id % 40, hours=row.person_id % 7)
            row.confirmed_how = "read_back" if row.person_id % 3 else "keypad"
            row.confirmed_by = "吴芳" if row.person_id % 3 else "本人按键"
        session.add(row)
    await session.flush()

"""A small bureau, made through the same actions as a real one."""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import col, select

from dutydesk.accounts.model import Account, SignIn
from dutydesk.accounts.rules import Role
from dutydesk.accounts.signing import digest
from dutydesk.db import Database, Session
from dutydesk.people.actions import NewContact, create_person, create_unit, give_post
from dutydesk.people.model import ContactPoint
from dutydesk.people.rules import UnitKind
from dutydesk.rosters.actions import plan_shift
from dutydesk.rosters.model import Shift
from dutydesk.rosters.rules import LONGEST_SHIFT, Mode, Seat

OFFICE = "办公室"
DAY = timedelta(days=1)


async def sign_in(
    db: Database,
    now: datetime,
    role: Role,
    *,
    name: str = "",
    unit_id: int | None = None,
    person_id: int | None = None,
) -> str:
    """Return the cookie of somebody with that role who is signed in; no password is hashed for it."""
    cookie = secrets.token_urlsafe(16)
    async with db.write() as session:
        account = Account(
            login=f"{role}-{cookie[:8].lower()}",
            name=name or f"{role} {cookie[:8]}",
            role=role,
            unit_id=unit_id,
            person_id=person_id,
            password_hash="-",
            created_at=now,
            created_by="test",
        )
        session.add(account)
        await session.flush()
        session.add(SignIn(account_id=account.id, token_hash=digest(cookie), at=now, seen_at=now))
    return cookie


@dataclass(frozen=True, slots=True)
class Someone:
    """A person by id, with the mobile that rings."""

    id: int
    name: str
    mobile: str


@dataclass(frozen=True, slots=True)
class Place:
    """A unit by id and code, with its duty telephone."""

    id: int
    code: str
    name: str
    phone: str


@dataclass(frozen=True, slots=True)
class Bureau:
    """The desk and two subordinate units, every seat and post held by somebody else."""

    desk: Place
    canteen: Place
    motor: Place

    desk_operator: Someone
    desk_second: Someone
    desk_leader: Someone
    desk_standby: Someone
    chief: Someone
    office_director: Someone

    canteen_operator: Someone
    canteen_leader: Someone
    canteen_head: Someone

    motor_operator: Someone
    motor_leader: Someone
    motor_head: Someone

    @property
    def people(self) -> tuple[Someone, ...]:
        """Everybody, to look somebody up by name or number."""
        return tuple(value for name in self.__slots__ if isinstance(value := getattr(self, name), Someone))


# Field of Bureau: unit, name, title, the seat or post it holds. The numbers are given out in this order.
_UNITS: dict[str, tuple[str, UnitKind, str]] = {
    "desk": ("局值班室", "desk", "+862223456789"),
    "canteen": ("机关食堂", "subordinate", "+862223456701"),
    "motor": ("公务用车中心", "subordinate", "+862223456702"),
}
_SEATED: dict[str, tuple[str, str, str, Seat]] = {
    "desk_operator": ("desk", "陈静", "值班员", "operator_primary"),
    "desk_second": ("desk", "刘洋", "值班员", "operator_secondary"),
    "desk_leader": ("desk", "赵建国", "副局长", "leader"),
    "desk_standby": ("desk", "孙丽华", "科长", "standby"),
    "canteen_operator": ("canteen", "李强", "值班员", "operator_primary"),
    "canteen_leader": ("canteen", "王敏", "副主任", "leader"),
    "motor_operator": ("motor", "周涛", "调度员", "operator_primary"),
    "motor_leader": ("motor", "吴秀英", "副主任", "leader"),
}
_IN_OFFICE: dict[str, tuple[str, str, str, str]] = {
    "chief": ("desk", "郑国栋", "局长", "chief"),
    "office_director": ("desk", "冯雪", "办公室主任", "office_director"),
    "canteen_head": ("canteen", "黄志明", "主任", "head"),
    "motor_head": ("motor", "徐海燕", "主任", "head"),
}
MOBILES = {field: f"+8613800000{number:03d}" for number, field in enumerate([*_SEATED, *_IN_OFFICE], start=1)}


async def build_bureau(
    db: Database, clock_now: datetime, *, since: datetime | None = None, until: datetime | None = None
) -> Bureau:
    """Make the bureau in one transaction, its seats held from *since* (a day ago) to *until* (seven weeks ahead).

    Nobody is told of holes unless *until* leaves one within a week, and next month counts as filed.
    """
    begins, ends = since or clock_now - DAY, until or clock_now + 49 * DAY
    async with db.write() as session:
        places = {code: await _place(session, clock_now, code) for code in _UNITS}
        people = {}
        for field, (unit, name, title, seat) in _SEATED.items():
            people[field] = await someone(session, clock_now, unit, name, MOBILES[field], title=title)
            await seat_for(session, clock_now, unit, seat, people[field], begins, ends)
        for field, (unit, name, title, post) in _IN_OFFICE.items():
            people[field] = await someone(session, clock_now, unit, name, MOBILES[field], title=title)
            await give_post(
                session, clock_now, OFFICE, unit=unit, post=post, person=people[field].id, from_at=begins
            )
    return Bureau(**places, **people)


async def someone(
    session: Session, now: datetime, unit: str, name: str, mobile: str, *more: NewContact, title: str = ""
) -> Someone:
    """Add a person with a mobile, and further contact points after it; they confirmed them today."""
    contacts = [NewContact("mobile", mobile), *more]
    made = await create_person(session, now, OFFICE, name=name, unit=unit, title=title, contacts=contacts)
    await confirm_numbers(session, now, made.id)
    return Someone(made.id, name, mobile)


async def confirm_numbers(session: Session, now: datetime, person_id: int) -> None:
    """Let a person have read back the code for every number they have."""
    found = await session.exec(select(ContactPoint).where(col(ContactPoint.person_id) == person_id))
    for row in found:
        row.confirmed_at, row.confirmed_how, row.confirmed_by = now, "read_back", OFFICE
        session.add(row)


async def seat_for(
    session: Session, now: datetime, unit: str, seat: Seat, person: Someone, begins: datetime, ends: datetime
) -> None:
    """Plan a person for a seat in [begins, ends), in as many shifts as that takes.

    The first is planned as anybody plans; the later ones are copies of its row, which is far quicker.
    """
    if begins >= ends:
        return
    mode: Mode = "on_post" if seat.startswith("operator") else "on_call"
    change = min(begins + LONGEST_SHIFT, ends)
    first = await plan_shift(
        session,
        now,
        OFFICE,
        unit=unit,
        seat=seat,
        person=person.id,
        starts_at=begins,
        ends_at=change,
        mode=mode,
    )
    where = first.unit_id
    while change < ends:
        begins, change = change, min(change + LONGEST_SHIFT, ends)
        session.add(
            Shift(
                unit_id=where,
                seat=seat,
                person_id=person.id,
                starts_at=begins,
                ends_at=change,
                mode=mode,
                created_at=now,
            )
        )
    await session.flush()


async def _place(session: Session, now: datetime, code: str) -> Place:
    name, kind, phone = _UNITS[code]
    parent = None if kind == "desk" else "desk"
    made = await create_unit(
        session, now, OFFICE, code=code, name=name, kind=kind, parent=parent, duty_phone=phone
    )
    return Place(made.id, code, name, phone)

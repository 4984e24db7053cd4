"""A believable bureau on one machine: 12 units, 30 people with numbers, a month of shifts, and their phones.

Nothing to configure: the service and a telephone exchange run in one process on loopback. What was
logged is kept in a folder, so that a stopped demo goes on as if it had never been away.
"""

import secrets
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from dutydesk.accounts.actions import create_token
from dutydesk.accounts.queries import any_account
from dutydesk.accounts.signing import NewAccount, create_account
from dutydesk.clock import Clock
from dutydesk.db import Session
from dutydesk.people import queries as people
from dutydesk.people.actions import NewContact, create_person, create_unit, give_post
from dutydesk.rosters.actions import plan_shift
from dutydesk.rosters.queries import list_shifts
from dutydesk.rosters.rules import Mode, Seat
from dutydesk.settings import ProviderSecrets, Settings
from dutydesk.simulator.exchange import Owner
from dutydesk.wiring import Wired

_ACTOR = "demo"
# Numbers nobody has: the demo's exchange is the only one that ever sees them.
_FIRST_MOBILE = 13800010000
_SHIFT_START = time(8, 30)
_DAYS_AHEAD = 31
OPERATOR, PASSWORD = "chenxiao", "haihe-0830-jin"
# Login, name, role, code of the unit a contact belongs to, and what the sign-in page says of it.
ACCOUNTS: tuple[tuple[str, str, str, str, str], ...] = (
    (OPERATOR, "陈晓", "operator", "", "值班员"),
    ("linchen", "林晨", "operator", "", "值班员"),
    # One of the three leads today; the board says who.
    ("liujianguo", "刘建国", "leader", "", "带班领导"),
    ("zhouhaiyan", "周海燕", "leader", "", "带班领导"),
    ("gaofeng", "高峰", "leader", "", "带班领导"),
    ("wufang", "吴芳", "office", "", "办公室"),
    ("wangxiaoming", "王小明", "unit", "canteen", "单位联系人"),
    ("jiancha", "检查组", "inspector", "", "检查员"),
    ("guanli", "系统管理", "administrator", "", "管理员"),
    ("shenji", "审计", "auditor", "", "审计员"),
)
LAST_RESORT = ("+8613800019001", "+8613800019002")
FROM_NUMBER = "+862223880000"


@dataclass(frozen=True, slots=True)
class _Unit:
    code: str
    name: str
    short: str
    kind: str
    phone: str
    head: tuple[str, str]
    staff: tuple[tuple[str, str], ...]


# The first of a unit's staff is its deputy and leads its shifts; the others keep its duty phone.
_UNITS = (
    _Unit(
        "office",
        "局办公室",
        "局办公室",
        "division",
        "02223880001",
        ("吴芳", "办公室主任"),
        (("郑海涛", "副主任"),),
    ),
    _Unit(
        "canteen",
        "机关食堂管理处",
        "机关食堂",
        "division",
        "02223880002",
        ("赵刚", "处长"),
        (("李静", "副处长"), ("王小明", "值班员")),
    ),
    _Unit(
        "motor",
        "公务用车服务中心",
        "公车中心",
        "subordinate",
        "02223880003",
        ("钱学军", "主任"),
        (("冯丽娜", "副主任"),),
    ),
    _Unit(
        "housing",
        "办公用房管理处",
        "办公用房处",
        "division",
        "02223880004",
        ("杨光", "处长"),
        (("许文静", "副处长"),),
    ),
    _Unit(
        "energy",
        "公共机构节能中心",
        "节能中心",
        "subordinate",
        "02223880005",
        ("何志远", "主任"),
        (("邓佳", "副主任"),),
    ),
    _Unit(
        "property",
        "机关物业服务中心",
        "物业中心",
        "subordinate",
        "02223880006",
        ("曹军", "经理"),
        (("彭雪", "副经理"), ("韩立群", "值班员")),
    ),
    _Unit(
        "security",
        "安全保卫处",
        "保卫处",
        "division",
        "02223880007",
        ("马卫国", "处长"),
        (("丁一鸣", "副处长"),),
    ),
    _Unit(
        "medical",
        "机关门诊部",
        "门诊部",
        "subordinate",
        "02223880008",
        ("沈慧", "主任"),
        (("蒋宁", "副主任"),),
    ),
    _Unit(
        "hotel",
        "迎宾服务中心",
        "迎宾中心",
        "subordinate",
        "02223880009",
        ("罗建平", "经理"),
        (("梁爽", "副经理"),),
    ),
    _Unit("finance", "财务管理处", "财务处", "division", "02223880010", ("宋敏", "处长"), ()),
    _Unit(
        "kindergarten",
        "机关幼儿园",
        "机关幼儿园",
        "subordinate",
        "02223880011",
        ("唐婉", "园长"),
        (("谢\U00020bb7琳", "副园长"),),
    ),
    _Unit("archive", "档案信息中心", "档案中心", "subordinate", "02223880012", ("袁博", "主任"), ()),
)
_DESK_LEADERS = (("刘建国", "副局长"), ("周海燕", "副局长"), ("高峰", "二级巡视员"))
_DESK_CHIEF = ("孙志强", "局长")
_DESK_OPERATORS = (("陈晓", "值班员"), ("林晨", "值班员"))
_SECOND_NUMBERS = {"刘建国", "王小明"}


def demo_settings(folder: Path, service_port: int, exchange_port: int) -> tuple[Settings, dict[str, str]]:
    """Return the settings of a demo and the exchange's accounts (secrets are new at every start).

    Real sending is refused here whatever the environment says: the address of the provider is the
    exchange on loopback.
    """
    sid, token = "AC" + secrets.token_hex(16), secrets.token_hex(16)
    exchange = ProviderSecrets(
        account_sid=sid,
        auth_token=token,  # type: ignore[arg-type]
        from_number=FROM_NUMBER,
        api_base_url=f"http://127.0.0.1:{exchange_port}",
    )
    settings = Settings(
        database_url=f"sqlite+aiosqlite:///{folder / 'demo.db'}",
        public_url=f"http://127.0.0.1:{service_port}",
        files_dir=folder / "files",
        secret_key=_kept_key(folder),  # type: ignore[arg-type]
        send_for_real=False,
        last_resort=LAST_RESORT,
        heartbeat_url="",
        # Both spellings: what the environment says of the one would otherwise be mixed in.
        providers={"twilio": exchange},
        twilio=exchange,
    )
    return settings, {sid: token}


def _kept_key(folder: Path) -> str:
    """Return the demo's key, made at its first start: forms that are open stay good over a restart."""
    file = folder / "secret.key"
    if not file.exists():
        file.touch(mode=0o600)
        file.write_text(secrets.token_hex(32), encoding="utf-8")
    return file.read_text(encoding="utf-8")


def logins() -> tuple[tuple[str, str, str, str], ...]:
    """Return the demo's accounts for its sign-in page: login, name, what it is, password."""
    return tuple((login, name, what, PASSWORD) for login, name, _, _, what in ACCOUNTS)


async def seed(wired: Wired, clock: Clock) -> str:
    """Fill an empty database, see to it that a month of shifts lies ahead, and return a fresh API token."""
    now = clock.now()
    token = await _seed(wired, now)
    await _accounts(wired, now)
    return token


async def _accounts(wired: Wired, now: datetime) -> None:
    db = wired.site.db
    async with db.read() as session:
        if await any_account(session):
            return
        units = {unit.code: unit.id for unit in await people.list_units(session)}
        persons = {person.name: person.id for person in await people.list_people(session)}
    for login, name, role, unit, _ in ACCOUNTS:
        new = NewAccount(login, name, role, units.get(unit), persons.get(name), PASSWORD)
        await create_account(db, now, _ACTOR, new)


async def _seed(wired: Wired, now: datetime) -> str:
    async with wired.site.db.write() as session:
        if await people.desk_unit(session) is None:
            await _people(session, now)
        await _shifts(session, now, wired.site.zone)
        return await create_token(session, now, "demo", "administrator", None, now + timedelta(days=7))


def _mobiles() -> Iterator[str]:
    number = _FIRST_MOBILE
    while True:
        number += 1
        yield f"+86{number}"


async def _people(session: Session, now: datetime) -> None:
    mobiles = _mobiles()
    await create_unit(
        session, now, _ACTOR, code="desk", name="局值班室", kind="desk", duty_phone="02223880000"
    )
    for name, title in (*_DESK_LEADERS, _DESK_CHIEF, *_DESK_OPERATORS):
        person = await _person(session, now, mobiles, "desk", name, title)
        if (name, title) == _DESK_CHIEF:
            await _post(session, now, "desk", "chief", person)
    for unit in _UNITS:
        await create_unit(
            session,
            now,
            _ACTOR,
            code=unit.code,
            name=unit.name,
            short_name=unit.short,
            kind=unit.kind,  # type: ignore[arg-type]
            parent="desk" if unit.kind == "division" else None,
            duty_phone=unit.phone,
        )
        head = await _person(session, now, mobiles, unit.code, *unit.head)
        await _post(session, now, unit.code, "head", head)
        if unit.code == "office":
            await _post(session, now, "desk", "office_director", head)
        for name, title in unit.staff:
            await _person(session, now, mobiles, unit.code, name, title)


async def _person(
    session: Session, now: datetime, mobiles: Iterator[str], unit: str, name: str, title: str
) -> int:
    contacts = [NewContact("mobile", next(mobiles))]
    if name in _SECOND_NUMBERS:
        contacts.append(NewContact("mobile", next(mobiles)))
    made = await create_person(session, now, _ACTOR, name=name, unit=unit, title=title, contacts=contacts)
    return made.id


async def _post(session: Session, now: datetime, unit: str, post: str, person: int) -> None:
    since = now - timedelta(days=365)
    await give_post(session, now, _ACTOR, unit=unit, post=post, person=person, from_at=since)


async def _shifts(session: Session, now: datetime, zone: ZoneInfo) -> None:
    """Plan every day from yesterday to a month ahead that is not planned yet."""
    today = now.astimezone(zone).date()
    staff: dict[int, list[int]] = defaultdict(list)
    for person in await people.list_people(session):
        staff[person.unit_id].append(person.id)
    for unit in await people.list_units(session):
        planned = {
            shift.starts_at
            for shift in await list_shifts(session, unit_id=unit.id, from_at=now - timedelta(days=2))
        }
        for offset in range(-1, _DAYS_AHEAD):
            day = today + timedelta(days=offset)
            starts = datetime.combine(day, _SHIFT_START, zone)
            if starts not in planned:
                mode: Mode = "on_post" if day.weekday() >= 5 else "on_call"
                for seat, person_id in _turns(unit.kind, staff[unit.id], day.toordinal()):
                    await plan_shift(
                        session,
                        now,
                        _ACTOR,
                        unit=unit.code,
                        seat=seat,
                        person=person_id,
                        starts_at=starts,
                        ends_at=starts + timedelta(days=1),
                        mode=mode,
                    )


def _turns(kind: str, staff: list[int], day: int) -> Iterator[tuple[Seat, int]]:
    """Take turns day by day: leaders and operators at the desk, whoever there is in a small unit."""
    if kind == "desk":
        leaders, operators = staff[: len(_DESK_LEADERS)], staff[len(_DESK_LEADERS) + 1 :]
        yield "leader", leaders[day % len(leaders)]
        yield "operator_primary", operators[day % len(operators)]
        yield "operator_secondary", operators[(day + 1) % len(operators)]
        yield "standby", leaders[(day + 1) % len(leaders)]
        return
    head, *others = staff
    yield "leader", others[0] if others else head
    yield "operator_primary", others[day % len(others)] if others else head


async def owners(wired: Wired) -> list[Owner]:
    """Return the handsets of everybody in the bureau, the duty phones among them."""
    async with wired.site.db.read() as session:
        units = {unit.id: unit for unit in await people.list_units(session)}
        everybody = {person.id: person for person in await people.list_people(session)}
        contacts = await people.usable_contacts(session, everybody.keys())
    made = [
        Owner(
            point.address,
            everybody[person_id].name,
            f"{units[everybody[person_id].unit_id].short_name} {everybody[person_id].title}",
        )
        for person_id, points in contacts.items()
        for point in points
    ]
    made += [
        Owner(unit.duty_phone, unit.short_name, "值班电话") for unit in units.values() if unit.duty_phone
    ]
    return made + [Owner(number, "最后联系人", "") for number in LAST_RESORT]

"""A desk whose seats change hands: four leaders and four operators, a day each, and a canteen."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlmodel import col, select

from dutydesk.accounts.rules import Actor
from dutydesk.alerts.model import Alert
from dutydesk.obligations.model import Obligation
from dutydesk.people.actions import create_person, create_unit, give_post
from dutydesk.people.model import Person, Unit
from dutydesk.rosters.actions import plan_shift
from dutydesk.rosters.model import LeaveReport, SeatHolder, Shift, ShiftChange
from dutydesk.rosters.queries import who_holds
from tests.builders import OFFICE, someone

LEADERS = ("赵建国", "钱伟", "孙丽", "李明")
OPERATORS = ("陈静", "刘洋", "周涛", "吴敏")
DAYS = 12


@dataclass
class Duty:
    """Ids by name; shifts by (seat, day of November or, from 31 on, of December)."""

    site: object
    people: dict[str, int] = field(default_factory=dict)
    units: dict[str, int] = field(default_factory=dict)
    shifts: dict[tuple[str, int], int] = field(default_factory=dict)

    def person(self, name: str, role: str = "operator", unit: str | None = None) -> Actor:
        """Somebody signed in with an account of that role that belongs to the person of that name."""
        return Actor(
            name, role, unit_id=None if unit is None else self.units[unit], person_id=self.people[name]
        )

    @property
    def office(self) -> Actor:
        return Actor("办公室人员", "office")

    @property
    def admin(self) -> Actor:
        return Actor("系统管理", "administrator")

    def at(self, day: int, hour: float = 8.5) -> datetime:
        """That hour of a day of November 2026, site time."""
        midnight = datetime(2026, 11, 1, tzinfo=self.site.zone)
        return midnight + timedelta(days=day - 1, hours=hour)

    async def leads(self, at: datetime, seat: str = "leader") -> list[str]:
        """Return the names of those who really hold a seat of the desk."""
        async with self.site.db.read() as session:
            held = await who_holds(session, [self.units["desk"]], at)
        names = {number: name for name, number in self.people.items()}
        return [names[one.person_id] for one in held.get((self.units["desk"], seat), [])]

    async def told(self) -> list[tuple[str, str]]:
        """Return who was told what by SMS about their shifts, in order, and forget it."""
        names = {number: name for name, number in self.people.items()}
        async with self.site.db.write() as session:
            rows = list(
                await session.exec(select(Alert).where(col(Alert.cause) == "shift").order_by(col(Alert.id)))
            )
            said = [(names[row.person_id], f"{row.wording} {row.params['day']}") for row in rows]
            for row in rows:
                await session.delete(row)
        return said

    async def row(self, kind, number):
        """Return a stored row."""
        async with self.site.db.read() as session:
            return await session.get(kind, number)

    async def rows(self, kind, *where):
        """Return stored rows in order."""
        async with self.site.db.read() as session:
            return list(await session.exec(select(kind).where(*where).order_by(col(kind.id))))

    async def holders(self, *where) -> list[SeatHolder]:
        """Return holder rows that count."""
        return await self.rows(SeatHolder, col(SeatHolder.voided_at).is_(None), *where)

    async def owed(self, leave_id: int) -> dict[str, Obligation]:
        """Return a leave's obligations by rule."""
        found = await self.rows(Obligation, col(Obligation.scope) == f"leave/{leave_id}")
        return {one.rule_id: one for one in found}

    async def checked(self, code: str) -> datetime | None:
        """Return when a unit's holes are looked at again, and forget it."""
        async with self.site.db.write() as session:
            row = await session.get(Unit, self.units[code])
            found, row.roster_check_at = row.roster_check_at, None
            session.add(row)
        return found


async def on_duty(site) -> Duty:
    """Build it; the first shifts begin on Tuesday, 24 November 2026, at 08:30 (it is Monday, 14:00)."""
    duty, now = Duty(site), site.clock.now()
    async with site.db.write() as session:
        for code, name, kind in (("desk", "局值班室", "desk"), ("canteen", "机关食堂", "subordinate")):
            duty.units[code] = (
                await create_unit(
                    session, now, OFFICE, code=code, name=name, kind=kind, duty_phone="022-23456789"
                )
            ).id
        for number, name in enumerate(("郑国栋", *LEADERS, *OPERATORS, "黄志明", "李强"), start=1):
            unit = "canteen" if name in ("黄志明", "李强") else "desk"
            made = await someone(session, now, unit, name, f"+8613800000{number:03d}")
            duty.people[name] = made.id
            row = await session.get(Person, made.id)
            row.rank = {"郑国栋": "bureau_head", "黄志明": "unit_head"}.get(
                name, "bureau_deputy" if name in LEADERS else "staff"
            )
            session.add(row)
        await give_post(
            session,
            now,
            OFFICE,
            unit="desk",
            post="chief",
            person=duty.people["郑国栋"],
            from_at=now - timedelta(days=400),
        )
        for offset in range(DAYS):
            day = 24 + offset
            for seat, names in (("leader", LEADERS), ("operator_primary", OPERATORS)):
                shift = await plan_shift(
                    session,
                    now,
                    OFFICE,
                    unit="desk",
                    seat=seat,
                    person=duty.people[names[offset % 4]],
                    starts_at=duty.at(day),
                    ends_at=duty.at(day + 1),
                    mode="on_call" if seat == "leader" else "on_post",
                )
                duty.shifts[seat, day] = shift.id
    return duty


__all__ = ["LeaveReport", "Shift", "ShiftChange", "create_person", "on_duty"]

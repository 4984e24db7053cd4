"""Plans the demonstration's rosters: rotations, three months generated from them, and who was there."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from dutydesk.calendars.model import SensitivePeriod
from dutydesk.calendars.rules import DAY_CLASSES, DayClass
from dutydesk.db import Session
from dutydesk.demo import bureau, queries
from dutydesk.demo.staff import ACTOR
from dutydesk.people import queries as people
from dutydesk.people.rules import Unit
from dutydesk.rosters.model import Rotation, RotationMember, SeatPattern
from dutydesk.rosters.months import month_of, next_month
from dutydesk.rosters.planning.generating import generate
from dutydesk.rosters.rules import Mode, Seat
from dutydesk.rosters.rules.slots import default_patterns
from dutydesk.web.site import Site

# A unit that has not filed is planned by hand for so many days at least: its seats are not empty meanwhile.
_BY_HAND = timedelta(days=10)
_PUBLISHED_AT = time(10, 0)
_DAY_SHIFT = 24 * 60
_DESK_BESIDE: tuple[tuple[Seat, Mode], ...] = (("operator_secondary", "on_post"), ("standby", "on_call"))
# Days of work, days off and festivals each have an order of their own.
_CLASSES: tuple[tuple[DayClass, ...], ...] = (("workday", "makeup"), ("rest",), ("holiday", "sensitive"))


@dataclass(frozen=True, slots=True)
class Months:
    """The months of a demonstration; ``last`` is there for its fairness."""

    last: date
    this: date
    next: date

    @property
    def end(self) -> date:
        """Return the day after the last one that is planned."""
        return next_month(self.next)


def months_at(now: datetime, site: Site) -> Months:
    """Return last month, this one and the next at the site."""
    this = month_of(now.astimezone(site.zone).date())
    return Months(month_of(this - timedelta(days=1)), this, next_month(this))


async def lay_down(session: Session, site: Site, now: datetime) -> None:
    """Lay down once who takes turns where, and the desk's seats beside the usual two."""
    if await queries.has_rotations(session):
        return
    names = {one.name: one.id for one in await people.list_people(session)}
    months = months_at(now, site)
    for unit in await people.list_units(session):
        if unit.kind == "desk":
            _desk_patterns(session, site, now, unit, months.last)
        for seat, name, members in _turns(unit):
            ids = [names[one] for one in members]
            for at, classes in enumerate(_CLASSES):
                # Each order begins with somebody else: whoever works the most Mondays has the fewest Sundays.
                await _rotation(
                    session, now, unit, seat, name, classes, ids[at % len(ids) :] + ids[: at % len(ids)]
                )
    tenth = months.next.replace(day=10)
    session.add(
        SensitivePeriod(
            name="市重要会议期间",
            starts_on=tenth,
            ends_on=tenth + timedelta(days=2),
            reason="按上级通知加强值守",
            created_at=now,
            created_by=ACTOR,
        )
    )
    await session.flush()


def _turns(unit: Unit) -> list[tuple[Seat, str, tuple[str, ...]]]:
    if unit.kind == "desk":
        return [(seat, name, tuple(one for one, _ in members)) for seat, name, members in bureau.DESK_TURNS]
    plan = next(one for one in bureau.UNITS if one.code == unit.code)
    return [
        ("leader", "带班", (plan.head[0], plan.deputy[0])),
        ("operator_primary", "值班", tuple(name for name, _ in plan.operators)),
    ]


async def _rotation(
    session: Session,
    now: datetime,
    unit: Unit,
    seat: Seat,
    name: str,
    classes: tuple[DayClass, ...],
    members: list[int],
) -> None:
    row = Rotation(
        unit_id=unit.id, seat=seat, name=name, day_classes=list(classes), created_at=now, created_by=ACTOR
    )
    session.add(row)
    await session.flush()
    session.add_all(
        RotationMember(
            rotation_id=row.id or 0, person_id=one, position=at, joined_on=now.date() - timedelta(days=400)
        )
        for at, one in enumerate(members)
    )


def _desk_patterns(session: Session, site: Site, now: datetime, unit: Unit, since: date) -> None:
    """The bureau's room holds the usual seats, a second operator on post, and somebody to be called in."""
    plan = site.rulebook.rosters
    usual = default_patterns(plan, unit.id, unit.duty_class)
    rows = [
        SeatPattern(
            unit_id=unit.id,
            seat=one.seat,
            day_class=one.day_class,
            starts=one.starts,
            minutes=one.minutes,
            mode=one.mode,
            signs_in=one.signs_in,
            valid_from=since,
            created_at=now,
            created_by=ACTOR,
        )
        for one in usual
    ]
    rows += [
        SeatPattern(
            unit_id=unit.id,
            seat=seat,
            day_class=day_class,
            starts=plan.duty_starts,
            minutes=_DAY_SHIFT,
            mode=mode,
            valid_from=since,
            created_at=now,
            created_by=ACTOR,
        )
        for seat, mode in _DESK_BESIDE
        for day_class in DAY_CLASSES
    ]
    session.add_all(rows)


# ---------------------------------------------------------------------------------------------------------------------
# Three months


async def plan_months(session: Session, site: Site, now: datetime) -> None:
    """Generate and publish what is not planned of this month and the next; at the first start of the last one too."""
    months = months_at(now, site)
    for unit in await people.list_units(session):
        filed = unit.code not in bureau.NOT_FILED
        known = await queries.published_months(session, unit.id)
        first = months.this if known else months.last
        end = months.end if filed else max(months.next, (now + _BY_HAND).astimezone(site.zone).date())
        wanted = [one for one in (months.last, months.this, months.next) if one >= first and one not in known]
        if not filed:
            wanted = [one for one in wanted if one < months.next]
        if wanted:
            # As if it had been planned in good time: what lies behind is generated like everything else.
            then = min(now, _midnight(first, site)) - timedelta(days=10)
            await generate(session, site, then, ACTOR, unit.id, min(wanted), end)
            await _publish(session, site, now, unit.id, wanted)
            await queries.let_drafts_count(session, unit.id)


def _midnight(day: date, site: Site) -> datetime:
    return datetime.combine(day, time(0), site.zone)


async def _publish(session: Session, site: Site, now: datetime, unit_id: int, months: list[date]) -> None:
    """Publish these months as of the day set for it: everybody was told then."""
    plan = site.rulebook.rosters
    for row in await queries.rosters_of(session, unit_id, months):
        day = month_of(row.month - timedelta(days=1)).replace(day=plan.publish_day)
        at = datetime.combine(day, _PUBLISHED_AT, site.zone)
        row.state, row.published_by = "published", "吴芳"
        row.published_at = min(at, now - timedelta(hours=2))
        session.add(row)
    await session.flush()


# ---------------------------------------------------------------------------------------------------------------------
# Who was there


async def sign_everybody_in(session: Session, now: datetime) -> None:
    """Let whoever had to sign in have done so for every shift that began while nobody looked; one came late once.

    Where the duty to sign in was seen to open, it is for those who play to sign in.
    """
    rows = []
    for at, (shift_id, person_id, starts_at) in enumerate(await queries.unsigned(session, now)):
        early = timedelta(minutes=3 + at % 12)
        late = at % 61 == 60 and now - starts_at > timedelta(days=2)
        when = min(starts_at + timedelta(minutes=7) if late else starts_at - early, now)
        rows.append(
            {
                "shift_id": shift_id,
                "person_id": person_id,
                "kind": "in",
                "how": "desk" if at % 3 else "code",
                "at": when,
                "recorded_at": when,
                "recorded_by": ACTOR,
                "note": "",
            }
        )
    await queries.add_attendances(session, rows)

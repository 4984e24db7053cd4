"""Which seats of a unit will be without anybody, and who sits on post without a number that reaches them. Pure.

What is found here is owed: every hole within the horizon is an obligation with a ladder (Art. 48).
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, tzinfo

from dutydesk.calendars.rules import Calendar, duty_day, next_office_time
from dutydesk.rosters.rules import HolderRow, PlannedShift, Seat, holders
from dutydesk.rosters.rules.slots import Gap, Slot, gaps_in
from dutydesk.rulebook.types import RosterPlan

# What an SMS calls an empty seat (at most 8 UTF-16 units).
TITLES: Mapping[Seat, str] = {
    "leader": "带班空缺",
    "supervisor": "值班主任空缺",
    "operator_primary": "值班空缺",
    "operator_secondary": "副班空缺",
    "standby": "备班空缺",
}
_ONE_DAY = timedelta(days=1)
_NAME_UNITS = 6


@dataclass(frozen=True, slots=True)
class Hole:
    """In [from_at, until_at) a seat has ``missing`` persons too few (at the worst moment)."""

    unit_id: int
    seat: Seat
    from_at: datetime
    until_at: datetime
    missing: int

    @property
    def subject(self) -> str:
        """What its obligation is about: the same hole has the same subject as long as it begins there."""
        return f"gap/{self.unit_id}/{self.seat}/{self.from_at.astimezone(UTC).isoformat()}"

    @property
    def rule_id(self) -> str:
        """The leader's seat is 48.1, everybody else's 48.3."""
        return "48.1" if self.seat == "leader" else "48.3"


@dataclass(frozen=True, slots=True)
class Unreached:
    """Somebody sits on post from ``since`` on, and no usable number of theirs is confirmed."""

    unit_id: int
    seat: Seat
    person_id: int
    since: datetime

    @property
    def subject(self) -> str:
        """What its obligation is about."""
        return f"reach/{self.unit_id}/{self.person_id}/{self.since.astimezone(UTC).isoformat()}"


def horizon(now: datetime, plan: RosterPlan, zone: tzinfo) -> datetime:
    """Return until when holes are looked for: the horizon's days and the rest of this duty day.

    So one look at the start of each duty day leaves no instant of the next ``horizon_days`` unseen.
    """
    day = duty_day(now, zone, plan.duty_starts) + (plan.horizon_days + 1) * _ONE_DAY
    return datetime.combine(day, plan.duty_starts, zone).astimezone(UTC)


def next_duty_start(now: datetime, plan: RosterPlan, zone: tzinfo) -> datetime:
    """Return when the next duty day begins."""
    day = duty_day(now, zone, plan.duty_starts) + _ONE_DAY
    return datetime.combine(day, plan.duty_starts, zone).astimezone(UTC)


def holes_in(slots: Iterable[Slot], shifts: Sequence[PlannedShift], rows: Sequence[HolderRow]) -> list[Hole]:
    """Return the holes of these slots in order of time, neighbours within a slot joined."""
    found: dict[str, Hole] = {}
    for slot in slots:
        for hole in _joined(gaps_in([slot], shifts, rows)):
            # Two patterns of one seat may begin at the same moment.
            before = found.get(hole.subject)
            found[hole.subject] = hole if before is None else _larger(before, hole)
    return sorted(found.values(), key=lambda hole: (hole.from_at, hole.seat))


def _joined(gaps: Iterable[Gap]) -> list[Hole]:
    """Join gaps that touch: two are missing, then one, is one hole."""
    found: list[Hole] = []
    for gap in gaps:
        hole = Hole(gap.slot.unit_id, gap.slot.seat, gap.from_at, gap.until_at, gap.missing)
        if found and found[-1].until_at == hole.from_at:
            found[-1] = _larger(found[-1], hole)
        else:
            found.append(hole)
    return found


def _larger(one: Hole, other: Hole) -> Hole:
    return replace(one, until_at=max(one.until_at, other.until_at), missing=max(one.missing, other.missing))


def unreached(
    slots: Sequence[Slot],
    shifts: Sequence[PlannedShift],
    rows: Sequence[HolderRow],
    confirmed: Collection[int],
    start: datetime,
    end: datetime,
) -> list[Unreached]:
    """Return who sits on post at some time in [start, end) and is not among the *confirmed*.

    A seat is on post where its shift says so or the day asks for it (a sensitive period declared
    after the roster was published).
    """
    posted = [slot for slot in slots if slot.mode == "on_post"]
    moments = {start}
    moments |= {at for one in shifts for at in (one.starts_at, one.ends_at)}
    moments |= {at for row in rows for at in (row.from_at, row.until_at) if at is not None}
    moments |= {at for slot in posted for at in (slot.starts_at, slot.ends_at)}
    found: dict[tuple[Seat, int], Unreached] = {}
    for at in sorted(one for one in moments if start <= one < end):
        for holding in holders(shifts, rows, at):
            on_post = holding.mode == "on_post" or any(
                slot.seat == holding.seat and slot.starts_at <= at < slot.ends_at for slot in posted
            )
            if on_post and holding.person_id not in confirmed:
                key = (holding.seat, holding.person_id)
                found.setdefault(key, Unreached(holding.unit_id, *key, holding.since))
    return sorted(found.values(), key=lambda one: (one.since, one.seat, one.person_id))


def told_from(
    begins: datetime, now: datetime, calendar: Calendar, plan: RosterPlan, zone: tzinfo
) -> datetime:
    """Return from when people are told of a hole: at once within a day of it, else when offices are open.

    Nobody is woken at night for a hole a week ahead; a long holiday does not keep it quiet until the last day.
    """
    soon = begins - _ONE_DAY
    if soon <= now:
        return now
    return min(next_office_time(now, calendar, zone, plan.office_opens, plan.office_closes), soon)


def day_word(moment: datetime, zone: tzinfo) -> str:
    """Return the site day of a moment as an SMS says it: 12月1日."""
    local = moment.astimezone(zone)
    return f"{local.month}月{local.day}日"


def called(name: str, moment: datetime, zone: tzinfo) -> str:
    """Return how an SMS calls somebody's turn: 王小明12月1日 (at most 12 characters)."""
    return f"{name[:_NAME_UNITS]}{day_word(moment, zone)}"

"""When somebody is told of a turn, rung for it, and looked for at its start. Pure."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Literal

from dutydesk.rosters.rules import HolderRow, Mode, PlannedShift, Seat, holders
from dutydesk.rulebook.types import RosterPlan

# An on-post turn that nobody has confirmed is rung for so long; then the desk telephones by hand.
RING_FOR = timedelta(minutes=20)

Stage = Literal["ahead", "day_before", "soon", "running", "over"]


@dataclass(frozen=True, slots=True)
class Turn:
    """A published shift at one moment: who sits there (None: nobody), and what has become of it so far."""

    starts_at: datetime
    ends_at: datetime
    seat: Seat
    mode: Mode
    signs_in: bool
    person_id: int | None
    confirmed_by: Collection[int] = ()
    signed_in_at: datetime | None = None

    @property
    def confirmed(self) -> bool:
        """Tell whether whoever sits there has said that they know of it."""
        return self.person_id in self.confirmed_by

    @property
    def is_rung_for(self) -> bool:
        """On post, and for the leader's seat, a message is not enough: somebody has to answer."""
        return self.mode == "on_post" or self.seat == "leader"


@dataclass(frozen=True, slots=True)
class Moments:
    """The four moments of a turn, and until when its call rings."""

    day_before: datetime
    hour_before: datetime
    rings_until: datetime
    starts_at: datetime
    ends_at: datetime


def moments_of(starts_at: datetime, ends_at: datetime, plan: RosterPlan, zone: tzinfo) -> Moments:
    """Return when a turn is told of: the day before at a site hour, and some time before it begins."""
    local = starts_at.astimezone(zone)
    before = datetime.combine(local.date() - timedelta(days=1), plan.day_before_at, zone).astimezone(UTC)
    hour = starts_at - plan.hour_before
    return Moments(min(before, hour), hour, min(hour + RING_FOR, starts_at), starts_at, ends_at)


def stage_of(at: Moments, now: datetime) -> Stage:
    """Return where a turn stands; what was missed in an outage is made up for while it is still of use."""
    if now >= at.ends_at:
        return "over"
    if now >= at.starts_at:
        return "running"
    if now >= at.hour_before:
        return "soon"
    return "day_before" if now >= at.day_before else "ahead"


def next_look(at: Moments, turn: Turn, now: datetime) -> datetime | None:
    """Return when the turn has to be looked at next; None when nothing more comes of it."""
    ahead = [at.day_before, at.hour_before, at.starts_at]
    if turn.is_rung_for:
        ahead.append(at.rings_until)
    if turn.signs_in:
        ahead.append(at.ends_at)
    return min((moment for moment in ahead if moment > now), default=None)


def sits_on(shift: PlannedShift, rows: Iterable[HolderRow], at: datetime) -> int | None:
    """Return who really sits on a shift at *at*, or at its start while it is ahead; None: nobody."""
    instead = [row for row in rows if row.instead_of_shift_id == shift.id]
    found = holders([shift], instead, max(at, shift.starts_at))
    return found[0].person_id if found else None

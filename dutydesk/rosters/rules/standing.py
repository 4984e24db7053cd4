"""One person while a span is filled: may they serve a slot, with the turns they were given so far. Pure.

Says the same as :func:`eligibility.faults_of`, at a cost that does not grow with the number of turns.
"""

from bisect import bisect_left
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import accumulate
from math import ceil

from dutydesk.rosters.rules import Mode, Seat
from dutydesk.rosters.rules.eligibility import FAULTS, Candidate, Fault, Place, Turn, faults_of
from dutydesk.rosters.rules.slots import Slot
from dutydesk.rulebook.types import EligibilityPlan

_LONG_AGO = datetime(1, 1, 8, tzinfo=UTC)
_EVER = date.min
_NEVER = date.max
_DAY = timedelta(days=1)
_DAYS_IN_MONTH = 30.4375


class Standing:
    """A candidate, and until when the turns given in this filling keep them busy.

    Slots must be asked for in order of their beginning.
    """

    __slots__ = (
        "_first_days",
        "_fixed",
        "_plan",
        "_rare",
        "candidate",
        "ends_at",
        "is_desk",
        "rest",
        "rested_at",
    )

    def __init__(self, candidate: Candidate, plan: EligibilityPlan, *, is_desk: bool) -> None:
        """Take what is known of the person before the filling; the unit decides which rank a leader needs."""
        self.candidate = candidate
        self.is_desk = is_desk
        self.ends_at = _LONG_AGO
        self.rested_at = _LONG_AGO
        self._plan = plan
        self._fixed = _Fixed(candidate.turns)
        self._rare = bool(candidate.away or candidate.turns or candidate.retired_at is not None)
        self._first_days: dict[tuple[Seat, Mode, bool], date] = {}

    def fits(self, slot: Slot, *, alone: bool, resting: bool = True) -> bool:
        """Tell whether the person may serve *slot*; without *resting* the time since the last turn does not count."""
        if (self.rested_at if resting else self.ends_at) > slot.starts_at:
            return False
        key = (slot.seat, slot.mode, alone)
        first = self._first_days.get(key)
        if first is None:
            first = self._first_days[key] = self._first_day(*key)
        return slot.day >= first and not (self._rare and self._barred(slot, resting))

    def give(self, slot: Slot) -> None:
        """Note that the person serves *slot*."""
        self.ends_at = max(self.ends_at, slot.ends_at)
        self.rested_at = self.ends_at + self._plan.rest

    def faults(self, slot: Slot, *, alone: bool) -> tuple[Fault, ...]:
        """Return every reason why the person may not serve *slot*."""
        place = Place(
            slot.unit_id,
            self.is_desk,
            slot.seat,
            slot.day,
            slot.starts_at,
            slot.ends_at,
            slot.mode,
            alone,
        )
        found = set(faults_of(self.candidate, place, self._plan))
        if self.ends_at > slot.starts_at:
            found.add("DOUBLE")
        elif self.rested_at > slot.starts_at and "DOUBLE" not in found:
            found.add("REST")
        return tuple(one for one in FAULTS if one in found)

    def _first_day(self, seat: Seat, mode: Mode, alone: bool) -> date:
        """Return the first day from which nothing about the person speaks against the seat."""
        one, plan = self.candidate, self._plan
        ranks = plan.leader_ranks if self.is_desk else plan.unit_leader_ranks
        if (
            one.employment in plan.never_employment
            or (seat == "leader" and one.rank not in ranks)
            or (mode == "on_post" and not one.confirmed)
        ):
            return _NEVER
        if not (alone and seat.startswith("operator")):
            return _EVER
        if one.employment not in plan.alone_employment:
            return _NEVER
        if one.joined_on is None:
            return _EVER
        if one.trained_on is None:
            return _NEVER
        least = ceil(plan.least_months * _DAYS_IN_MONTH)
        return max(one.joined_on + least * _DAY, one.trained_on)

    def _barred(self, slot: Slot, resting: bool) -> bool:
        one = self.candidate
        left = one.retired_at is not None and one.retired_at < slot.ends_at
        away = any(begins < slot.ends_at and ends > slot.starts_at for begins, ends in one.away)
        rest = self._plan.rest if resting else timedelta(0)
        return left or away or self._fixed.meets(slot.starts_at - rest, slot.ends_at + rest)


class _Fixed:
    """Turns that stand fast, searched in the time of a binary search."""

    __slots__ = ("_longest", "_starts", "turns")

    def __init__(self, turns: Sequence[Turn]) -> None:
        self.turns = sorted(turns, key=lambda one: (one.starts_at, one.ends_at))
        self._starts = [one.starts_at for one in self.turns]
        # Of the turns up to each: when the last of them ends.
        self._longest = list(accumulate((one.ends_at for one in self.turns), max))

    def meets(self, begins: datetime, ends: datetime) -> bool:
        """Tell whether any turn touches (begins, ends)."""
        before = bisect_left(self._starts, ends)
        return before > 0 and self._longest[before - 1] > begins

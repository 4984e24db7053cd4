"""Whose turn it is: rotations, their members in order, and the cursor of each class of days. Pure.

Nothing but the last turn before a span says where the order stands, so that no stored cursor can
contradict the shifts. Who serves a turn is decided in ``filling``.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date

from dutydesk.calendars.rules import DayClass
from dutydesk.rosters.rules import Seat


@dataclass(frozen=True, slots=True)
class Member:
    """Somebody who takes turns from ``joined_on`` to the day before ``left_on``."""

    person_id: int
    joined_on: date = date.min
    left_on: date | None = None

    def active(self, day: date) -> bool:
        """Tell whether a turn of that day may be theirs."""
        return self.joined_on <= day and (self.left_on is None or day < self.left_on)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rotation:
    """A group that takes turns on a seat, its members in order; every class of days has an order of its own.

    ``pairs_weekend``: days of rest in a row are one turn. ``pays_back``: who was stood in for serves
    the substitute's next turn.
    """

    id: int
    seat: Seat
    name: str = ""
    day_classes: frozenset[DayClass]
    members: tuple[Member, ...]
    pairs_weekend: bool = False
    pays_back: bool = True


@dataclass(frozen=True, slots=True)
class LastTurn:
    """The last turn of a rotation on a class of days before the span: where its order stands."""

    owner_id: int
    person_id: int
    day: date


class Queue:
    """The order of one rotation on one class of days, as turns are taken."""

    __slots__ = ("_at", "_early", "members")

    def __init__(self, members: Sequence[Member], last_owner: int | None = None) -> None:
        """Begin after the member whose turn was the last; at the beginning if that is nobody of these."""
        self.members = members
        self._at = max((at for at, one in enumerate(members) if one.person_id == last_owner), default=-1)
        self._early: dict[int, int] = {}

    def next_at(self, day: date) -> int | None:
        """Return the place in the order of whoever's turn a turn on *day* is; None without any member that day.

        Whoever had a turn before it was theirs (a locked one) is passed over once.
        """
        members, at, tried = self.members, self._at, 0
        while tried < len(members):
            at = at + 1 if at + 1 < len(members) else 0
            one = members[at]
            if not one.active(day):
                tried += 1
            elif self._early.get(one.person_id):
                self._early[one.person_id] -= 1
                self._at, tried = at, 0
            else:
                return at
        return None

    def take(self, at: int) -> None:
        """Note that the member at this place had the turn."""
        self._at = at

    def keep(self, owner_id: int, day: date) -> None:
        """Note a turn that stays as it is: in its order, or before it."""
        at = self.next_at(day)
        if at is not None and self.members[at].person_id == owner_id:
            self._at = at
        elif any(one.person_id == owner_id for one in self.members):
            self._early[owner_id] = self._early.get(owner_id, 0) + 1


def last_owner(owners: Collection[int], members: Sequence[Member]) -> int | None:
    """Return who of the owners of one slot's places had the last turn: the one whose successor is not among them."""
    order = [one.person_id for one in members]
    for at, person_id in enumerate(order):
        if person_id in owners and order[(at + 1) % len(order)] not in owners:
            return person_id
    return min(owners, default=None)

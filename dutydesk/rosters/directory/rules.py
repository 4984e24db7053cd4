"""Who cannot be reached on the seats and posts they hold, before it is night. Pure."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta, tzinfo
from typing import Literal

from dutydesk.people.rules import ContactPoint, Person, troubles
from dutydesk.rosters.rules import SEATS
from dutydesk.rosters.rules.spans import Segment
from dutydesk.rulebook.types import LadderPlan

Fault = Literal["LEFT", "NO_NUMBER", "UNCONFIRMED", "FAILED", "DISABLED"]


@dataclass(frozen=True, slots=True)
class Sitting:
    """A seat (or a post, which has no hours of its own) that somebody holds in a unit."""

    unit_id: int
    place: str
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Unreachable:
    """Somebody who could not be reached for certain: where they are needed, and what is wrong."""

    person_id: int
    sittings: tuple[Sitting, ...]
    faults: tuple[Fault, ...]

    @property
    def grave(self) -> bool:
        """Tell whether nothing would reach them at all."""
        return bool({"LEFT", "NO_NUMBER"} & set(self.faults))


def faults_of(
    person: Person, points: Collection[ContactPoint], failed: Collection[str], now: datetime
) -> list[Fault]:
    """Return what is wrong with reaching somebody; *failed* are the numbers that failed lately."""
    found: list[Fault] = [] if person.retired_at is None else ["LEFT"]
    wrong = troubles(points, now)
    found += [one for one in wrong if one != "DISABLED"]
    if any(point.usable and point.address in failed for point in points):
        found.append("FAILED")
    if "DISABLED" in wrong:
        found.append("DISABLED")
    return found


def next_change(now: datetime, zone: tzinfo, starts: time) -> datetime:
    """Return tomorrow's change of duty: the night between now and then is the one to be ready for."""
    tomorrow = now.astimezone(zone).date() + timedelta(days=1)
    return datetime.combine(tomorrow, starts, zone).astimezone(UTC)


def posts_of_ladders(ladders: Iterable[LadderPlan]) -> set[tuple[str, str]]:
    """Return the posts that a ladder tells, as (side, post): ``unit`` or ``desk`` of its own, ``post`` of any unit.

    Who makes the roster is told in office hours and misses no night.
    """
    targets = {
        target
        for ladder in ladders
        for rung in ladder.rungs
        for tell in rung.tells
        for target in tell.targets
    }
    found: set[tuple[str, str]] = set()
    for target in targets:
        side, _, role = target.partition(":")
        if side == "post" or (side in ("unit", "desk") and role in ("head", "chief")):
            found.add((side, role))
    return found


def told_by_ladders(
    posts: Mapping[tuple[int, str], Sequence[int]], wanted: Collection[tuple[str, str]], desk_id: int | None
) -> dict[int, list[Sitting]]:
    """Return who is told at a ladder's end: person → the posts. *posts* are (unit, post) → who holds it."""
    found: dict[int, list[Sitting]] = {}
    for (unit_id, post), holders in posts.items():
        side = "desk" if unit_id == desk_id else "unit"
        if (side, post) in wanted or ("post", post) in wanted:
            for person_id in holders:
                found.setdefault(person_id, []).append(Sitting(unit_id, post))
    return found


def seated(segments: Iterable[Segment]) -> dict[int, list[Sitting]]:
    """Return who sits where: person → their seats, in order of time."""
    found: dict[int, list[Sitting]] = {}
    for one in sorted(segments, key=lambda one: (one.since, SEATS.index(one.seat))):
        found.setdefault(one.person_id, []).append(Sitting(one.unit_id, one.seat, one.since, one.until))
    return found


def unreachable(
    sitting: Mapping[int, Sequence[Sitting]],
    persons: Mapping[int, Person],
    points: Mapping[int, Sequence[ContactPoint]],
    failed: Collection[str],
    now: datetime,
) -> list[Unreachable]:
    """Return everybody needed who may not be reached, the gravest first.

    A disabled number is no fault here as long as another one is good.
    """
    found: list[Unreachable] = []
    for person_id, sittings in sitting.items():
        every = faults_of(persons[person_id], points.get(person_id, ()), failed, now)
        faults = tuple(one for one in every if one != "DISABLED")
        if faults:
            found.append(Unreachable(person_id, tuple(sittings), faults))
    return sorted(found, key=lambda one: (not one.grave, one.sittings[0].unit_id, one.person_id))

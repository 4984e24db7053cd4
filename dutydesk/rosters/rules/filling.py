"""Who serves each slot of a span. Pure: the same facts always bring the same plan.

The owner of a turn comes from the rotation's order. Where the owner cannot serve, the member who has
stood in least often does; in a rotation that pays back, the owner then serves the substitute's next turn.
A slot that nobody can serve stays empty, with the reasons of each member, and the turn is not used up.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from dutydesk.calendars.rules import DayClass
from dutydesk.rosters.rules import Seat
from dutydesk.rosters.rules.eligibility import Candidate
from dutydesk.rosters.rules.groups import Assignment, Group, Why
from dutydesk.rosters.rules.rotation import LastTurn, Rotation
from dutydesk.rosters.rules.slots import Slot
from dutydesk.rosters.rules.standing import Standing
from dutydesk.rulebook.types import EligibilityPlan

_NO_ROTATION: Why = {"code": "NO_ROTATION"}


@dataclass(frozen=True, slots=True)
class Kept:
    """A shift that stays as it is: locked, published, begun or past."""

    seat: Seat
    starts_at: datetime
    ends_at: datetime
    person_id: int
    owner_id: int | None = None
    rotation_id: int | None = None


@dataclass(frozen=True, slots=True)
class StoodIn:
    """How often, before the span, ``person_id`` served turns of ``owner_id`` in a rotation on a class of days."""

    rotation_id: int
    day_class: DayClass
    owner_id: int
    person_id: int
    times: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What a unit's span is filled from; ``slots`` in order of their beginning.

    ``alone``: the places in ``slots`` that :func:`alone_in` finds, where that was done already.
    """

    slots: Sequence[Slot]
    rotations: Sequence[Rotation]
    candidates: Mapping[int, Candidate]
    eligibility: EligibilityPlan
    is_desk: bool = False
    kept: Sequence[Kept] = ()
    last_turns: Mapping[tuple[int, DayClass], LastTurn] = field(default_factory=dict)
    stood_in: Sequence[StoodIn] = ()
    alone: frozenset[int] | None = None


def fill(facts: Facts) -> list[Assignment]:
    """Return an assignment for every place of every slot that nothing kept holds, in order of time."""
    standings = {
        one.person_id: Standing(one, facts.eligibility, is_desk=facts.is_desk)
        for one in facts.candidates.values()
    }
    alone = alone_in(facts.slots) if facts.alone is None else facts.alone
    by_seat, by_id = _groups(facts, standings)
    kept = kept_by_slot(facts.slots, facts.kept)
    found: list[Assignment] = []
    for index, slot in enumerate(facts.slots):
        takers = by_seat.get((slot.seat, slot.day_class), ())
        used: list[Group] = []
        places = slot.count
        for one in kept.get(index, ()):
            places -= 1
            group = by_id.get((one.rotation_id or 0, slot.day_class))
            if group is not None and one.owner_id is not None:
                group.keep(slot.day, one.owner_id, one.person_id)
                used.append(group)
        for _ in range(places):
            if not takers:
                found.append(Assignment(slot, None, None, None, _NO_ROTATION))
                continue
            # Several rotations of a seat share its places.
            group = takers[0] if len(takers) == 1 else min(takers, key=used.count)
            used.append(group)
            found.append(group.serve(index, alone=index in alone))
    return found


def alone_in(slots: Sequence[Slot]) -> frozenset[int]:
    """Return the places in *slots* of those operators' slots that one person alone is in charge of."""
    operators = [(index, slot) for index, slot in enumerate(slots) if slot.seat.startswith("operator")]
    with_others: set[int] = set()
    running: list[tuple[int, Slot]] = []
    for index, slot in operators:
        running = [one for one in running if one[1].ends_at > slot.starts_at]
        if running or slot.count > 1:
            with_others |= {index, *(other for other, _ in running)}
        running.append((index, slot))
    return frozenset(index for index, _ in operators if index not in with_others)


def kept_by_slot(slots: Sequence[Slot], kept: Sequence[Kept]) -> dict[int, list[Kept]]:
    """Return place in *slots* → what is kept of it: a kept shift holds the slot of its seat that it mostly covers."""
    found: dict[int, list[Kept]] = {}
    rest = sorted(kept, key=lambda one: (one.starts_at, one.person_id))
    if not rest:
        return found
    for index, slot in enumerate(slots):
        half = (slot.ends_at - slot.starts_at) / 2
        # Sorted by time: what ended before this slot touches no later one.
        rest = [one for one in rest if one.ends_at > slot.starts_at]
        for one in rest:
            if one.starts_at >= slot.ends_at:
                break
            covered = min(one.ends_at, slot.ends_at) - max(one.starts_at, slot.starts_at)
            if one.seat == slot.seat and covered > half:
                found.setdefault(index, []).append(one)
    return found


def _groups(
    facts: Facts, standings: Mapping[int, Standing]
) -> tuple[dict[tuple[Seat, DayClass], list[Group]], dict[tuple[int, DayClass], Group]]:
    by_seat: dict[tuple[Seat, DayClass], list[Group]] = {}
    by_id: dict[tuple[int, DayClass], Group] = {}
    for rotation in sorted(facts.rotations, key=lambda one: one.id):
        for day_class in sorted(rotation.day_classes):
            last = facts.last_turns.get((rotation.id, day_class))
            group = by_id[rotation.id, day_class] = Group(
                rotation, day_class, last, standings, facts.slots, facts.eligibility.rest
            )
            by_seat.setdefault((rotation.seat, day_class), []).append(group)
    for one in facts.stood_in:
        known = by_id.get((one.rotation_id, one.day_class))
        if known is not None:
            known.owe(one.owner_id, one.person_id, one.times)
    return by_seat, by_id

"""How good a month's duty table is: holes, doubles, fairness, people who cannot be reached. Pure.

Every finding says of how many (n of N), whom and when it is about, and whether it must be mended
before the table may be published or only should be.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta, tzinfo
from itertools import combinations
from typing import Literal, get_args

from dutydesk.calendars.rules import DayClass
from dutydesk.rosters.rules import SEATS, HolderRow, Mode, PlannedShift, Seat
from dutydesk.rosters.rules.eligibility import Candidate, Fault, Place, Turn, faults_of
from dutydesk.rosters.rules.fairness import Load, Served, loads_of
from dutydesk.rosters.rules.slots import Gap, Slot, gaps_in
from dutydesk.rulebook.types import EligibilityPlan

Code = Literal[
    "GAP",
    "DOUBLE",
    "AWAY",
    "LEFT",
    "NEVER",
    "RANK",
    "ALONE",
    "UNREACHABLE",
    "OVERFULL",
    "REST",
    "UNCONFIRMED",
    "UNEVEN",
]
CODES: tuple[Code, ...] = get_args(Code)
# What makes a table unfit to be published as it is; the rest is to be known.
MUST: frozenset[Code] = frozenset({"GAP", "DOUBLE", "AWAY", "LEFT", "NEVER", "RANK", "ALONE", "UNREACHABLE"})
# No reason is enough for these (``eligibility.HARD``); for the others of ``MUST`` publishing asks for one.
_NEVER: frozenset[Code] = frozenset({"DOUBLE", "AWAY", "LEFT", "NEVER"})
# A reason written by whoever planned the turn (a soft fault in ``planning``) is enough for these.
_MAY_BE_ACCEPTED: frozenset[Code] = frozenset({"RANK", "ALONE", "REST"})
_OF_FAULTS: Mapping[Fault, Code] = {
    "AWAY": "AWAY",
    "LEFT": "LEFT",
    "NEVER": "NEVER",
    "RANK": "RANK",
    "ALONE_EMPLOYMENT": "ALONE",
    "ALONE_NEW": "ALONE",
    "ALONE_UNTRAINED": "ALONE",
    "REST": "REST",
    "DOUBLE": "DOUBLE",
}
_EVEN = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class QualityFacts:
    """A unit's table of a month (``month`` is its first day), read once.

    ``shifts`` are all that touch its slots, drafts too, none cancelled; ``holders`` none voided. ``people`` has
    everybody who sits there by plan or really. ``reachable`` have a number that rings. ``day_classes``
    says what class each day has.
    """

    unit_id: int
    is_desk: bool
    month: date
    zone: tzinfo
    slots: Sequence[Slot]
    shifts: Sequence[PlannedShift]
    holders: Sequence[HolderRow]
    people: Mapping[int, Candidate]
    reachable: frozenset[int]
    confirmed: frozenset[int]
    day_classes: Mapping[date, DayClass]
    plan: EligibilityPlan
    now: datetime
    drafts: int = 0
    swaps: int = 0
    substitutions: int = 0
    # Shifts that somebody planned by hand with a written reason.
    reasoned: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Spot:
    """One thing to mend: when, on which seat, who, in which shift; what is not known is None."""

    from_at: datetime
    until_at: datetime
    seat: Seat | None = None
    person_id: int | None = None
    shift_id: int | None = None
    missing: int = 0
    fault: Fault | None = None
    accepted: bool = False


@dataclass(frozen=True, slots=True)
class Finding:
    """``count`` of ``of`` (slots, persons or shifts, as the code has it) are not as they should be.

    ``over`` of them are past, so that nobody can mend them any more; ``accepted`` are those for which
    whoever planned them wrote down why.
    """

    code: Code
    count: int
    of: int
    spots: tuple[Spot, ...]
    over: int = 0
    accepted: int = 0

    @property
    def left(self) -> int:
        """Return how many are still to be mended."""
        return self.count - self.over - self.accepted

    @property
    def must(self) -> bool:
        """Tell whether it has to be mended before the table is published."""
        return self.code in MUST

    @property
    def hard(self) -> bool:
        """Tell whether no reason is enough: it is not published until this is mended."""
        return self.code in _NEVER


@dataclass(frozen=True, slots=True)
class Coverage:
    """Of how much of a seat's time somebody is there, in seconds and in whole slots."""

    seat: Seat
    slots: int
    filled: int
    seconds: int
    covered: int

    @property
    def percent(self) -> float:
        """Return how much of the time is covered; never 100 while a second is missing."""
        if self.covered >= self.seconds:
            return 100.0
        return min(99.9, int(1000 * self.covered / self.seconds) / 10)


@dataclass(frozen=True, slots=True)
class Fairness:
    """The loads of a seat, the heaviest first; nobody who carries nothing is among them."""

    seat: Seat
    loads: tuple[Load, ...]

    @property
    def spread(self) -> int:
        """Return by how many turns the most and the least loaded differ."""
        turns = [one.shifts for one in self.loads]
        return max(turns) - min(turns) if turns else 0

    @property
    def off_spread(self) -> int:
        """Return by how many turns on rest days, holidays and sensitive days the most and the least loaded differ."""
        turns = [off_turns(one) for one in self.loads]
        return max(turns) - min(turns) if turns else 0


@dataclass(frozen=True, slots=True)
class Quality:
    """The report of a month."""

    unit_id: int
    month: date
    coverage: tuple[Coverage, ...]
    findings: tuple[Finding, ...]
    fairness: tuple[Fairness, ...]
    people: int
    drafts: int
    swaps: int
    substitutions: int
    gaps: tuple[Gap, ...] = field(default=())

    @property
    def must(self) -> int:
        """Return how many things have to be mended before the table is published; what is past is not among them."""
        return sum(one.left for one in self.findings if one.must)

    @property
    def should(self) -> int:
        """Return how many things are to be known and, if possible, mended."""
        return sum(one.left for one in self.findings if not one.must)

    @property
    def hard(self) -> int:
        """Return how many things stand in the way of publishing, whatever anybody writes."""
        return sum(one.left for one in self.findings if one.hard)

    @property
    def fit(self) -> bool:
        """Tell whether the table may be published as it is."""
        return self.must == 0

    def finding(self, code: Code) -> Finding:
        """Return what was found of one kind; every kind is there, with nought where all is well."""
        return next(one for one in self.findings if one.code == code)


def quality_of(facts: QualityFacts) -> Quality:
    """Return the quality report of a month's table (Art. 48; domain §1.1–1.3)."""
    gaps = tuple(gaps_in(facts.slots, facts.shifts, facts.holders))
    fairness = tuple(_fairness(facts))
    return Quality(
        unit_id=facts.unit_id,
        month=facts.month,
        coverage=tuple(_coverage(facts.slots, gaps)),
        findings=_findings(facts, gaps, fairness),
        fairness=fairness,
        people=sum(bool(_mine(facts, one)) for one in facts.people.values()),
        drafts=facts.drafts,
        swaps=facts.swaps,
        substitutions=facts.substitutions,
        gaps=gaps,
    )


def _findings(facts: QualityFacts, gaps: Sequence[Gap], fairness: Sequence[Fairness]) -> tuple[Finding, ...]:
    serving = [one for one in facts.people.values() if _mine(facts, one)]
    turns, persons, slots = len(_own(facts)), len(serving), len(facts.slots)
    spots: dict[Code, list[Spot]] = {code: [] for code in CODES}
    spots["GAP"] = [Spot(one.from_at, one.until_at, one.slot.seat, missing=one.missing) for one in gaps]
    for place, person, turn in _sittings(facts):
        said: set[Code] = set()
        for fault in faults_of(person, place, facts.plan, ignoring=_ids(turn)):
            code: Code | None = _OF_FAULTS.get(fault)
            # New and untrained is one thing to mend.
            if code is not None and code not in said:
                said.add(code)
                accepted = code in _MAY_BE_ACCEPTED and turn.shift_id in facts.reasoned
                spots[code].append(replace(_spot(turn, person.person_id, fault), accepted=accepted))
    spots["OVERFULL"] = list(_overfull(facts))
    numbers: tuple[tuple[Code, frozenset[int]], ...] = (
        ("UNREACHABLE", facts.reachable),
        ("UNCONFIRMED", facts.confirmed),
    )
    for which, good in numbers:
        spots[which] = [_next_turn(facts, one) for one in serving if one.person_id not in good]
    spots["UNEVEN"] = [
        _next_turn(facts, facts.people[one.loads[0].person_id], one.seat)
        for one in fairness
        if one.spread > _EVEN or one.off_spread > _EVEN
    ]
    of: dict[Code, int] = dict.fromkeys(CODES, turns)
    of |= {"GAP": slots, "OVERFULL": slots, "UNREACHABLE": persons, "UNCONFIRMED": persons}
    of["UNEVEN"] = len(fairness)
    return tuple(_finding(code, spots[code], of[code], facts.now) for code in CODES)


def _finding(code: Code, spots: Sequence[Spot], of: int, now: datetime) -> Finding:
    over = sum(one.until_at <= now for one in spots)
    accepted = sum(one.accepted and one.until_at > now for one in spots)
    return Finding(code, len(spots), of, tuple(_in_time(spots)), over, accepted)


def _coverage(slots: Sequence[Slot], gaps: Sequence[Gap]) -> list[Coverage]:
    """A slot that asks for several persons counts once for each."""
    missing: Counter[Seat] = Counter()
    holed: dict[Seat, set[Slot]] = {}
    for gap in gaps:
        missing[gap.slot.seat] += gap.missing * _seconds(gap.until_at - gap.from_at)
        holed.setdefault(gap.slot.seat, set()).add(gap.slot)
    found: list[Coverage] = []
    for seat in SEATS:
        mine = [slot for slot in slots if slot.seat == seat]
        if mine:
            asked = sum(slot.count * _seconds(slot.ends_at - slot.starts_at) for slot in mine)
            filled = len(mine) - len(holed.get(seat, ()))
            found.append(Coverage(seat, len(mine), filled, asked, asked - missing[seat]))
    return found


def _sittings(facts: QualityFacts) -> Iterable[tuple[Place, Candidate, Turn]]:
    """Yield who sits where in this table, as it really is, with the place they sit on."""
    modes: dict[int, Mode] = {one.id: one.mode for one in facts.shifts}
    turns = [(person, turn) for person in facts.people.values() for turn in _mine(facts, person)]
    operators = [(person.person_id, turn) for person, turn in turns if turn.seat.startswith("operator")]
    for person, turn in turns:
        alone = not any(other != person.person_id and _meet(one, turn) for other, one in operators)
        yield (
            Place(
                unit_id=facts.unit_id,
                is_desk=facts.is_desk,
                seat=turn.seat,
                day=turn.starts_at.astimezone(facts.zone).date(),
                starts_at=turn.starts_at,
                ends_at=turn.ends_at,
                mode=modes.get(turn.shift_id or 0, "on_call"),
                alone=alone,
            ),
            person,
            turn,
        )


def _mine(facts: QualityFacts, person: Candidate) -> list[Turn]:
    """The turns of a person in this table; a substitute's carries the id of the shift he stands in for."""
    ids = _own(facts)
    return [one for one in person.turns if one.unit_id == facts.unit_id and one.shift_id in ids]


def _own(facts: QualityFacts) -> frozenset[int]:
    """The shifts of this month; those of its neighbours count for nothing but the hours they cover."""
    begins = [(one.id, one.starts_at.astimezone(facts.zone).date()) for one in facts.shifts]
    return frozenset(one for one, day in begins if day.replace(day=1) == facts.month)


def _overfull(facts: QualityFacts) -> Iterable[Spot]:
    """More persons are planned at once than the slot asks for."""
    for slot in facts.slots:
        planned = [one for one in facts.shifts if one.seat == slot.seat and _within(one, slot)]
        for some in combinations(planned, slot.count + 1):
            begins, ends = max(one.starts_at for one in some), min(one.ends_at for one in some)
            if begins < ends:
                yield Spot(begins, ends, slot.seat, some[-1].person_id, some[-1].id)
                break


def _fairness(facts: QualityFacts) -> Iterable[Fairness]:
    served: dict[Seat, list[Served]] = {}
    for person in facts.people.values():
        for one in _mine(facts, person):
            day = one.starts_at.astimezone(facts.zone).date()
            kind = facts.day_classes.get(day, "workday")
            turn = Served(person.person_id, one.seat, kind, one.starts_at, one.ends_at, planned=True)
            served.setdefault(one.seat, []).append(turn)
    for seat in SEATS:
        if seat in served:
            loads = loads_of(served[seat], facts.zone).values()
            heaviest = sorted(
                loads, key=lambda one: (-one.shifts, -off_turns(one), -one.hours, one.person_id)
            )
            yield Fairness(seat, tuple(heaviest))


def off_turns(load: Load) -> int:
    """Return how many turns of a load were on rest days, holidays and sensitive days."""
    return load.weekends + load.holidays + load.sensitive


def _next_turn(facts: QualityFacts, person: Candidate, seat: Seat | None = None) -> Spot:
    """The next turn, which is the one to mend; without any ahead the first."""
    turns = (one for one in _mine(facts, person) if seat in (None, one.seat))
    first = min(turns, key=lambda one: (one.ends_at <= facts.now, one.starts_at))
    return _spot(first, person.person_id, None)


def _spot(turn: Turn, person_id: int, fault: Fault | None) -> Spot:
    return Spot(turn.starts_at, turn.ends_at, turn.seat, person_id, turn.shift_id, fault=fault)


def _in_time(spots: Iterable[Spot]) -> list[Spot]:
    return sorted(spots, key=lambda one: (one.from_at, one.until_at, one.seat or "", one.person_id or 0))


def _ids(turn: Turn) -> tuple[int, ...]:
    return () if turn.shift_id is None else (turn.shift_id,)


def _meet(one: Turn, other: Turn) -> bool:
    return one.starts_at < other.ends_at and one.ends_at > other.starts_at


def _within(one: PlannedShift, slot: Slot) -> bool:
    return one.starts_at < slot.ends_at and one.ends_at > slot.starts_at


def _seconds(length: timedelta) -> int:
    return int(length.total_seconds())

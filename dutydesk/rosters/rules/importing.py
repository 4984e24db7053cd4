"""What a table that was read makes of a month: who would sit where, what changes, what speaks against it. Pure.

A table speaks of the seats it has columns for and of the days it has rows for; other shifts stay. What
has begun is never touched.
"""

import hashlib
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Literal

from dutydesk.calendars.rules import days_between
from dutydesk.rosters.rules import SEATS, PlannedShift, RosterState, Seat
from dutydesk.rosters.rules.headings import Asked
from dutydesk.rosters.rules.naming import Directory, Known, Match, named_in
from dutydesk.rosters.rules.reading import ReadCell, ReadDay, ReadSheet, Trouble, TroubleCode
from dutydesk.rosters.rules.slots import Slot

OPERATORS: tuple[Seat, ...] = ("operator_primary", "operator_secondary")
How = Literal["same", "new", "changed", "begun"]


@dataclass(frozen=True, slots=True)
class Existing:
    """A shift that is in the month already. ``really``: who sits there instead of the one planned, if ``given``."""

    shift: PlannedShift
    draft: bool
    day: date
    given: bool = False
    really: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitFacts:
    """A unit's month as it is. ``state`` None: nothing was begun."""

    unit_id: int
    code: str
    name: str
    is_desk: bool
    month: date
    state: RosterState | None
    slots: Sequence[Slot]
    shifts: Sequence[Existing]


@dataclass(frozen=True, slots=True)
class Item:
    """One person on one seat in the time of a slot; ``was`` is the shift that it is, or takes the place of.

    The slot is another seat's where the unit has not laid this one down.
    """

    seat: Seat
    slot: Slot
    person: Known
    row: int
    column: int
    how: How = "new"
    was: Existing | None = None

    @property
    def day(self) -> date:
        """Return the site day it begins on."""
        return self.slot.day

    @property
    def starts_at(self) -> datetime:
        """Return when it begins."""
        return self.slot.starts_at

    @property
    def ends_at(self) -> datetime:
        """Return when it is over."""
        return self.slot.ends_at

    def is_at(self, there: Existing) -> bool:
        """Tell whether a shift is of this seat and time."""
        shift, slot = there.shift, self.slot
        return (shift.seat, shift.starts_at, shift.ends_at) == (self.seat, slot.starts_at, slot.ends_at)


@dataclass(slots=True)
class UnitPlan:
    """What a table makes of one unit's month."""

    facts: UnitFacts
    sheet: str
    items: list[Item] = field(default_factory=list)
    removed: list[Existing] = field(default_factory=list)
    troubles: list[Trouble] = field(default_factory=list)

    @property
    def published(self) -> bool:
        """Tell whether the month is in force already."""
        return self.facts.state in ("published", "changed")

    @property
    def at_once(self) -> bool:
        """Tell whether something of it would take effect at once: the month, or a shift that changes, is in force."""
        replaced = [*(one.was for one in self.items if one.how == "changed"), *self.removed]
        return bool(self.changes) and (self.published or any(one and not one.draft for one in replaced))

    @property
    def changes(self) -> int:
        """Return how many shifts would be new, of another person, or gone."""
        return sum(one.how in ("new", "changed") for one in self.items) + len(self.removed)

    @property
    def grave(self) -> bool:
        """Tell whether something has to be mended in the table first."""
        return any(one.grave for one in self.troubles)

    def digest(self) -> str:
        """Return a mark of what would be done, to see that it is still what was shown."""
        lines = [
            f"{one.how} {one.seat} {one.starts_at.isoformat()} {one.ends_at.isoformat()} {one.person.person_id}"
            f" {one.was.shift.id if one.was else 0}"
            for one in self.items
        ]
        lines += [f"gone {one.shift.id}" for one in self.removed]
        said = "\n".join([f"{self.facts.unit_id} {self.facts.month} {self.facts.state}", *sorted(lines)])
        return hashlib.sha256(said.encode()).hexdigest()


def seats_of(asked: Iterable[Asked]) -> frozenset[Seat]:
    """Return the seats that columns speak of: 值班员 without more is both operators."""
    found: set[Seat] = set()
    for one in asked:
        found |= set(OPERATORS) if one == "operator" else {one}
    return frozenset(found)


def plan_unit(
    read: ReadSheet, days: Sequence[ReadDay], facts: UnitFacts, directory: Directory, now: datetime
) -> UnitPlan:
    """Return what the table's *days* make of a unit's month; eligibility is judged afterwards (``judging``)."""
    plan = UnitPlan(facts, read.name)
    if facts.state == "archived":
        plan.troubles.append(Trouble(read.name, read.heading, read.day_column, "ARCHIVED"))
    kept = _in_order(plan, read, days)
    slots: dict[date, list[Slot]] = {}
    for slot in facts.slots:
        slots.setdefault(slot.day, []).append(slot)
    _missing(plan, read, kept, {one.day for one in facts.slots if one.starts_at > now})
    seats = seats_of(read.seats)
    there: dict[date, list[Existing]] = {}
    for shift in facts.shifts:
        if shift.shift.seat in seats:
            there.setdefault(shift.day, []).append(shift)
    for one in kept:
        of_day = slots.get(one.day, ())
        wishes = _Day(plan, one, of_day, directory).wishes()
        _compare(plan, wishes, there.get(one.day, []), now)
        _empty(plan, one, wishes, [slot for slot in of_day if slot.seat in seats], now)
    return plan


def _in_order(plan: UnitPlan, read: ReadSheet, days: Sequence[ReadDay]) -> list[ReadDay]:
    """Return the days that count: of the month, and each once."""
    kept: dict[date, ReadDay] = {}
    for one in days:
        if one.day.replace(day=1) != plan.facts.month:
            plan.troubles.append(Trouble(read.name, one.row, one.column, "DAY_OUTSIDE", (one.day,)))
        elif one.day in kept:
            twice = (one.day, f"{kept[one.day].row + 1}")
            plan.troubles.append(Trouble(read.name, one.row, one.column, "DAY_TWICE", twice))
        else:
            kept[one.day] = one
    return list(kept.values())


def _missing(plan: UnitPlan, read: ReadSheet, kept: Sequence[ReadDay], ahead: Collection[date]) -> None:
    """Note the days ahead, on which somebody is asked for, that the table has no row for."""
    month = plan.facts.month
    there = {one.day for one in kept}
    after = (month + timedelta(days=31)).replace(day=1)
    absent = [day for day in days_between(month, after) if day not in there and day in ahead]
    if absent:
        values = (f"{month.month}", *(str(day.day) for day in absent))
        plan.troubles.append(Trouble(read.name, read.heading, read.day_column, "DAY_MISSING", values))


# ---------------------------------------------------------------------------------------------------------------------
# A day's seats


@dataclass(frozen=True, slots=True)
class _Wish:
    """Somebody (or nobody: ``match`` vacant) in one place."""

    seat: Seat
    slot: Slot
    match: Match
    cell: ReadCell


class _Day:
    """Gives the names of one day their places."""

    def __init__(self, plan: UnitPlan, day: ReadDay, slots: Sequence[Slot], directory: Directory) -> None:
        self._plan, self._day, self._directory = plan, day, directory
        # In order of time, 主班 before 副班.
        self._slots = slots

    def wishes(self) -> list[_Wish]:
        """Return everybody named on the day with the place; notes what cannot be understood."""
        named: dict[Seat, list[tuple[Match, ReadCell]]] = {}
        loose: list[tuple[Match, ReadCell]] = []
        for cell in self._day.cells:
            for match in named_in(
                self._directory, self._plan.facts.unit_id, cell.text, cell.phones, cell.titles
            ):
                self._check(match, cell)
                if cell.seat != "operator":
                    named.setdefault(cell.seat, []).append((match, cell))
                elif match.mention.part:
                    named.setdefault(match.mention.part, []).append((match, cell))
                else:
                    loose.append((match, cell))
        self._seat_loose(loose, named)
        return [wish for seat in SEATS if seat in named for wish in self._placed(seat, named[seat])]

    def _seat_loose(
        self, loose: Sequence[tuple[Match, ReadCell]], named: dict[Seat, list[tuple[Match, ReadCell]]]
    ) -> None:
        """值班员 without more: 主班 first, then 副班, as the unit's slots ask for them."""
        order = [slot.seat for slot in self._slots if slot.seat in OPERATORS for _ in range(slot.count)]
        if (
            len(loose) < len(order)
            and len({slot.starts_at for slot in self._slots if slot.seat in OPERATORS}) > 1
        ):
            # Fewer names than places of a day in several turns: each stays for all of them.
            order = list(dict.fromkeys(order))
        order = order or ["operator_primary"]
        for seat in [seat for seat in named if seat in OPERATORS]:
            for _ in named[seat]:
                if seat in order:
                    order.remove(seat)
        for match, cell in loose:
            seat = order.pop(0) if order else "operator_secondary"
            named.setdefault(seat, []).append((match, cell))

    def _placed(self, seat: Seat, names: Sequence[tuple[Match, ReadCell]]) -> list[_Wish]:
        slots = [slot for slot in self._slots if slot.seat == seat for _ in range(slot.count)]
        if len(names) == 1 and len(slots) > 1:
            times = {(slot.starts_at, slot.ends_at): slot for slot in slots}
            return [_Wish(seat, slot, *names[0]) for slot in times.values()]
        found: list[_Wish] = []
        seen: set[tuple[int, datetime]] = set()
        for number, (match, cell) in enumerate(names):
            if number < len(slots):
                slot: Slot | None = slots[number]
            else:
                slot = slots[-1] if slots else self._like()
                if match.person is not None and (
                    slot is None or (match.person.person_id, slot.starts_at) not in seen
                ):
                    code: TroubleCode = "EXTRA" if slot is not None else "NO_SLOT"
                    self._trouble(cell, code, match.name, seat, grave=slot is None)
            if slot is None:
                continue
            person = match.person
            # One name over two columns of a merged cell is one person.
            if person is not None and (person.person_id, slot.starts_at) in seen:
                continue
            if person is not None:
                seen.add((person.person_id, slot.starts_at))
            found.append(_Wish(seat, slot, match, cell))
        return found

    def _like(self) -> Slot | None:
        """A seat the unit has not laid down is held like that of the operator, or of the leader."""
        for seat in ("operator_primary", "leader"):
            for slot in self._slots:
                if slot.seat == seat:
                    return replace(slot, signs_in=False)
        return None

    def _check(self, match: Match, cell: ReadCell) -> None:
        if match.mention.vacant:
            return
        if match.person is None:
            known = match.name in self._directory.by_name
            self._trouble(
                cell, "TWINS" if known else "UNKNOWN_PERSON", match.name, *match.twins, *match.others
            )
            return
        if match.other_number:
            self._trouble(cell, "OTHER_NUMBER", match.name, match.mention.number, grave=False)
        if match.person.unit_id != self._plan.facts.unit_id and cell.seat != "leader":
            self._trouble(cell, "ELSEWHERE", match.name, match.person.unit, grave=False)

    def _trouble(self, cell: ReadCell, code: TroubleCode, *values: str | Known, grave: bool = True) -> None:
        self._plan.troubles.append(Trouble(self._plan.sheet, cell.row, cell.column, code, values, grave))


# ---------------------------------------------------------------------------------------------------------------------
# Against the month as it is


def _compare(
    plan: UnitPlan,
    wishes: Sequence[_Wish],
    left: list[Existing],
    now: datetime,
) -> None:
    """Note what would be of the day's shifts; *left* are those that are there on the seats the table speaks of."""
    made = [
        Item(wish.seat, wish.slot, person, wish.cell.row, wish.cell.column)
        for wish in wishes
        if (person := wish.match.person) is not None
    ]
    for wish in wishes:
        if wish.match.mention.vacant:
            _stays_vacant(wish, left)
    # Who stays where they are first, so that a change of order is no change.
    found = [_same(one, left) for one in made] if left else made
    found = [one if one.how == "same" else _taking_place(one, left, now) for one in found]
    for one in found:
        if one.how == "begun":
            values = (one.person.name,)
            plan.troubles.append(Trouble(plan.sheet, one.row, one.column, "BEGUN", values, grave=False))
    plan.items += found
    plan.removed += [one for one in left if one.shift.starts_at > now]


def _stays_vacant(wish: _Wish, left: list[Existing]) -> None:
    """A seat that a leave struck is empty in the table too: that is no change of the plan."""
    slot = wish.slot
    for there in left:
        times = (there.shift.seat, there.shift.starts_at, there.shift.ends_at)
        if there.given and there.really is None and times == (wish.seat, slot.starts_at, slot.ends_at):
            left.remove(there)
            return


def _same(one: Item, left: list[Existing]) -> Item:
    for there in left:
        if one.is_at(there) and one.person.person_id in (there.really, there.shift.person_id):
            left.remove(there)
            return replace(one, how="same", was=there)
    return one


def _taking_place(one: Item, left: list[Existing], now: datetime) -> Item:
    begun = one.starts_at <= now
    for there in left:
        if one.is_at(there):
            left.remove(there)
            return replace(one, how="begun" if begun else "changed", was=there)
    return replace(one, how="begun") if begun else one


def _empty(
    plan: UnitPlan, day: ReadDay, wishes: Sequence[_Wish], slots: Iterable[Slot], now: datetime
) -> None:
    """Note every seat of the day that the table speaks of and has too few names for."""
    named = Counter((one.seat, one.slot.starts_at) for one in wishes if not one.match.mention.vacant)
    for slot in slots:
        if slot.starts_at > now and named[slot.seat, slot.starts_at] < slot.count:
            columns = {cell.seat: cell.column for cell in reversed(day.cells)}
            column = columns.get(slot.seat, columns.get("operator", day.column))
            plan.troubles.append(Trouble(plan.sheet, day.row, column, "EMPTY", (slot.seat,), grave=False))

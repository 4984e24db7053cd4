"""The month table in the form people know: a row for each day, a column for each seat. Pure."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from typing import Literal

from dutydesk.calendars.rules import days_between
from dutydesk.rosters.rules import SEATS, HolderRow, Mode, PlannedShift, Seat
from dutydesk.rosters.rules.slots import Gap, Slot, gaps_in

Leaves = Mapping[int, Sequence[tuple[datetime, datetime]]]


@dataclass(frozen=True, slots=True)
class Entry:
    """A shift as it stands in a cell.

    ``sits`` is who really sits there, None where the seat was vacated. ``changed`` is the mark 调: it
    differs from what was published, or somebody stands in for the one planned. ``away`` are leaves that
    touch the shift of whoever sits there.
    """

    shift: PlannedShift
    sits: int | None
    state: Literal["draft", "published"]
    locked: bool
    changed: bool
    part: bool
    away: bool
    past: bool


@dataclass(frozen=True, slots=True)
class Hole:
    """A slot, or a part of one, where persons are missing; ``whole`` when nobody is there for any of it."""

    gap: Gap
    whole: bool


@dataclass(frozen=True, slots=True)
class Cell:
    """A seat on a day: who sits there, and where nobody does; ``wanted`` is False where no pattern asks for anybody."""

    day: date
    seat: Seat
    entries: tuple[Entry, ...]
    holes: tuple[Hole, ...]
    wanted: bool


@dataclass(frozen=True, slots=True)
class Row:
    """A day of the table, with a cell for each seat."""

    day: date
    cells: tuple[Cell, ...]

    @property
    def holes(self) -> int:
        """Return how many holes the day has."""
        return sum(len(cell.holes) for cell in self.cells)


@dataclass(frozen=True, slots=True, kw_only=True)
class MonthFacts:
    """What a month's table is made of; ``drafts``, ``locked`` and ``changed`` are ids of shifts."""

    unit_id: int
    start: date
    end: date
    zone: tzinfo
    now: datetime
    slots: Sequence[Slot]
    shifts: Sequence[PlannedShift]
    holders: Sequence[HolderRow]
    leaves: Leaves
    drafts: Collection[int] = ()
    locked: Collection[int] = ()
    changed: Collection[int] = ()


def month_rows(facts: MonthFacts) -> list[Row]:
    """Return the rows of the site days of [start, end), with a cell for every seat that :func:`seats_of` names."""
    seats = seats_of(facts.slots, facts.shifts)
    entries: dict[tuple[date, Seat], list[Entry]] = {}
    last = {row.instead_of_shift_id: row for row in sorted(facts.holders, key=lambda row: row.id)}
    for shift in sorted(facts.shifts, key=lambda one: (one.starts_at, one.ends_at, one.id)):
        day = shift.starts_at.astimezone(facts.zone).date()
        entries.setdefault((day, shift.seat), []).append(_entry(facts, shift, last.get(shift.id)))
    holes: dict[tuple[date, Seat], list[Hole]] = {}
    for gap in gaps_in(facts.slots, facts.shifts, facts.holders):
        whole = (gap.from_at, gap.until_at) == (gap.slot.starts_at, gap.slot.ends_at)
        holes.setdefault((gap.slot.day, gap.slot.seat), []).append(
            Hole(gap, whole and gap.missing == gap.slot.count)
        )
    asked = {(slot.day, slot.seat) for slot in facts.slots}
    rows: list[Row] = []
    for day in days_between(facts.start, facts.end):
        cells = tuple(
            Cell(
                day,
                seat,
                tuple(entries.get((day, seat), ())),
                tuple(holes.get((day, seat), ())),
                (day, seat) in asked,
            )
            for seat in seats
        )
        rows.append(Row(day, cells))
    return rows


def seats_of(slots: Iterable[Slot], shifts: Iterable[PlannedShift]) -> list[Seat]:
    """Return the seats a unit has in that time, by pattern or because somebody is planned there, leaders first."""
    found = {one.seat for one in slots} | {one.seat for one in shifts}
    return [seat for seat in SEATS if seat in found]


def neighbours(
    shifts: Iterable[PlannedShift], shift: PlannedShift, *, after: datetime | None = None
) -> list[PlannedShift]:
    """Return the other shifts of the same seat that *shift* can be exchanged with: none that began before *after*."""
    return sorted(
        (
            one
            for one in shifts
            if one.id != shift.id
            and (one.unit_id, one.seat) == (shift.unit_id, shift.seat)
            and one.person_id != shift.person_id
            and (after is None or one.starts_at > after)
        ),
        key=lambda one: (one.starts_at, one.id),
    )


def sits_there(shift: PlannedShift, row: HolderRow | None) -> tuple[int | None, bool]:
    """Return who really sits in a shift's place (*row* is the last that counts), and whether that is so for a part only.

    A row that covers a part of the shift leaves the planned name, marked.
    """
    if row is None:
        return shift.person_id, False
    part = row.from_at > shift.starts_at or (row.until_at is not None and row.until_at < shift.ends_at)
    return (shift.person_id if part else row.person_id), part


def _entry(facts: MonthFacts, shift: PlannedShift, row: HolderRow | None) -> Entry:
    sits, part = sits_there(shift, row)
    away = any(
        begins < shift.ends_at and ends > shift.starts_at for begins, ends in facts.leaves.get(sits or 0, ())
    )
    return Entry(
        shift=shift,
        sits=sits,
        state="draft" if shift.id in facts.drafts else "published",
        locked=shift.id in facts.locked,
        changed=row is not None or shift.id in facts.changed,
        part=part,
        away=away,
        past=shift.starts_at <= facts.now,
    )


def mode_of(cell: Cell, slots: Iterable[Slot]) -> Mode | None:
    """Return how the seat is held that day: the slot's, else the first shift's; None where nobody is asked for."""
    for slot in slots:
        if (slot.day, slot.seat) == (cell.day, cell.seat):
            return slot.mode
    return cell.entries[0].shift.mode if cell.entries else None

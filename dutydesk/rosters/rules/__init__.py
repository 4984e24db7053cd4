"""Who really holds a seat, decided from the plan and from what differed. Pure.

Intervals include their beginning and not their end: at the change of shift the incoming person holds
the seat, and the outgoing one only where a holder row says that the handover is not signed.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal, get_args

Seat = Literal["leader", "supervisor", "operator_primary", "operator_secondary", "standby"]
Mode = Literal["on_call", "on_post"]
ShiftState = Literal["draft", "published", "cancelled"]
RosterState = Literal["draft", "published", "changed", "archived"]
HolderKind = Literal["substitute", "swap", "vacated", "handover"]
ChangeKind = Literal["substitute", "swap"]
ChangeState = Literal["requested", "approved", "rejected", "cancelled", "expired"]
# 请假、出差、学习、其他。
LeaveKind = Literal["leave", "trip", "study", "other"]
# 离岗、离津、出境。
Away = Literal["post", "city", "abroad"]
LeaveState = Literal["requested", "approved", "rejected", "cancelled", "returned"]
AttendanceKind = Literal["in", "out"]
AttendanceHow = Literal["desk", "code", "by_hand"]
FeedKind = Literal["person", "seat"]

SEATS: tuple[Seat, ...] = get_args(Seat)
# Without these two nobody answers for the unit (Art. 48).
NEEDED_SEATS: tuple[Seat, ...] = ("leader", "operator_primary")
LONGEST_SHIFT = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class PlannedShift:
    """A planned turn on a seat, as a fact."""

    id: int
    unit_id: int
    seat: Seat
    person_id: int
    starts_at: datetime
    ends_at: datetime
    mode: Mode


@dataclass(frozen=True, slots=True)
class HolderRow:
    """Who really sat there, where that differs from the plan, as a fact (see ``model.SeatHolder``)."""

    id: int
    unit_id: int
    seat: Seat
    person_id: int | None
    from_at: datetime
    until_at: datetime | None
    instead_of_shift_id: int | None


@dataclass(frozen=True, slots=True)
class Holding:
    """One person on one seat of one unit.

    ``planned`` is False for a substitute and for somebody who has not handed over. ``since`` and
    ``until`` (``None``: until the handover is signed) are those of the shift, for a substitute cut to
    the time he stands in.
    """

    unit_id: int
    seat: Seat
    person_id: int
    mode: Mode
    planned: bool
    since: datetime
    until: datetime | None


def holders(shifts: Iterable[PlannedShift], holder_rows: Iterable[HolderRow], at: datetime) -> list[Holding]:
    """Return everybody who holds a seat at *at*: the incoming before the outgoing, each person once per seat.

    A row with ``instead_of_shift_id`` replaces the person planned for that shift while it is in force,
    by nobody if it names no person; of several the one entered last counts, because a correction is a
    later row. A row without it adds a person.
    """
    current = sorted(
        (shift for shift in shifts if shift.starts_at <= at < shift.ends_at),
        key=lambda shift: (shift.starts_at, shift.id),
    )
    rows = sorted((row for row in holder_rows if _in_force(row, at)), key=lambda row: row.id)
    substitutes = {row.instead_of_shift_id: row for row in rows if row.instead_of_shift_id is not None}
    sitting = [_on_shift(shift, substitutes.get(shift.id)) for shift in current]
    staying = [_as_well(row, current) for row in rows if row.instead_of_shift_id is None]
    return _each_once(one for one in sitting + staying if one is not None)


def empty_seats(holdings: Iterable[Holding]) -> list[Seat]:
    """Return which of the seats that must never be empty nobody holds (of one unit)."""
    taken = {holding.seat for holding in holdings}
    return [seat for seat in NEEDED_SEATS if seat not in taken]


def by_seat(holdings: Iterable[Holding]) -> list[Holding]:
    """Return the holdings in the order of the seats, leaders first."""
    return sorted(holdings, key=lambda holding: SEATS.index(holding.seat))


def shift_fault(starts_at: datetime, ends_at: datetime) -> str | None:
    """Return what is wrong with the length of a shift, or None."""
    if starts_at >= ends_at:
        return "must be after starts_at"
    if ends_at - starts_at > LONGEST_SHIFT:
        return f"must be at most {LONGEST_SHIFT.days} days after starts_at"
    return None


def _in_force(row: HolderRow, at: datetime) -> bool:
    return row.from_at <= at and (row.until_at is None or at < row.until_at)


def _on_shift(shift: PlannedShift, substitute: HolderRow | None) -> Holding | None:
    planned = Holding(
        unit_id=shift.unit_id,
        seat=shift.seat,
        person_id=shift.person_id,
        mode=shift.mode,
        planned=True,
        since=shift.starts_at,
        until=shift.ends_at,
    )
    if substitute is None:
        return planned
    if substitute.person_id is None:
        return None
    until = shift.ends_at if substitute.until_at is None else min(substitute.until_at, shift.ends_at)
    since = max(substitute.from_at, shift.starts_at)
    return replace(planned, person_id=substitute.person_id, planned=False, since=since, until=until)


def _as_well(row: HolderRow, current: Sequence[PlannedShift]) -> Holding | None:
    """The mode is that of the shift now running on the seat; without one nobody was told to be on post."""
    if row.person_id is None:
        return None
    modes: list[Mode] = [
        shift.mode for shift in current if (shift.unit_id, shift.seat) == (row.unit_id, row.seat)
    ]
    return Holding(
        unit_id=row.unit_id,
        seat=row.seat,
        person_id=row.person_id,
        mode=modes[0] if modes else "on_call",
        planned=False,
        since=row.from_at,
        until=row.until_at,
    )


def _each_once(holdings: Iterable[Holding]) -> list[Holding]:
    seen: dict[tuple[int, Seat, int], Holding] = {}
    for holding in holdings:
        seen.setdefault((holding.unit_id, holding.seat, holding.person_id), holding)
    return list(seen.values())

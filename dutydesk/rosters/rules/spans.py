"""Who held which seat from when to when, over any span. Pure.

The same answer as ``holders`` gives for each instant, joined into segments.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import pairwise

from dutydesk.rosters.rules import LONGEST_SHIFT, SEATS, HolderRow, Holding, Mode, PlannedShift, Seat, holders


@dataclass(frozen=True, slots=True)
class Segment:
    """One person on one seat in [since, until); ``planned`` is False for a substitute or an unsigned handover."""

    unit_id: int
    seat: Seat
    person_id: int
    since: datetime
    until: datetime
    planned: bool
    mode: Mode


def segments_of(
    shifts: Iterable[PlannedShift], holder_rows: Iterable[HolderRow], start: datetime, end: datetime
) -> list[Segment]:
    """Return who really held the seats within [start, end), cut to it, by unit, seat and time.

    Neighbouring turns of the same person on the same seat are one segment. A row without an end is
    still in force at *end*. Only published shifts and rows that are not voided may be given.
    """
    seats: dict[tuple[int, Seat], tuple[list[PlannedShift], list[HolderRow]]] = {}
    for shift in shifts:
        seats.setdefault((shift.unit_id, shift.seat), ([], []))[0].append(shift)
    for row in holder_rows:
        seats.setdefault((row.unit_id, row.seat), ([], []))[1].append(row)
    found: list[Segment] = []
    for planned, rows in seats.values():
        found += _on_one_seat(sorted(planned, key=lambda one: one.starts_at), rows, start, end)
    return sorted(found, key=lambda one: (one.unit_id, SEATS.index(one.seat), one.since, one.person_id))


def _on_one_seat(
    shifts: Sequence[PlannedShift], rows: Sequence[HolderRow], start: datetime, end: datetime
) -> list[Segment]:
    moments = {start, end}
    moments |= {at for one in shifts for at in (one.starts_at, one.ends_at)}
    moments |= {at for one in rows for at in (one.from_at, one.until_at) if at is not None}
    within = sorted(at for at in moments if start <= at <= end)
    starts = [one.starts_at for one in shifts]
    done: list[Segment] = []
    running: dict[int, Segment] = {}
    for begins, ends in pairwise(within):
        # No shift is longer: whatever began before that is over.
        near = shifts[bisect_left(starts, begins - LONGEST_SHIFT) : bisect_right(starts, begins)]
        held = {one.person_id: one for one in holders(near, rows, begins)}
        done += [one for person_id, one in running.items() if person_id not in held]
        following: dict[int, Segment] = {}
        for person_id, holding in held.items():
            before = running.get(person_id)
            piece = _piece(holding, begins, ends)
            if before is not None and (before.planned, before.mode) == (piece.planned, piece.mode):
                following[person_id] = replace(before, until=ends)
            else:
                done += [] if before is None else [before]
                following[person_id] = piece
        running = following
    return done + list(running.values())


def _piece(holding: Holding, begins: datetime, ends: datetime) -> Segment:
    return Segment(
        holding.unit_id, holding.seat, holding.person_id, begins, ends, holding.planned, holding.mode
    )

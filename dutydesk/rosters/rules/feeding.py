"""What a calendar program is told of shifts: an event for each person and shift, kept right when somebody else sits there. Pure.

RFC 5545: a UID never changes its meaning, SEQUENCE only grows, and what is over for somebody is said
(STATUS:CANCELLED) for a while instead of just going missing.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from dutydesk.rosters.rules import HolderRow, Mode, PlannedShift, Seat
from dutydesk.rosters.rules.pieces import Piece, pieces_of

KEPT = timedelta(days=60)
AHEAD = timedelta(days=180)


@dataclass(frozen=True, slots=True)
class FeedRow:
    """A holder row with when it was entered and, where it was, taken back."""

    row: HolderRow
    created_at: datetime
    voided_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class FeedShift:
    """A shift that is or was published, with everything that changed who sits there."""

    shift: PlannedShift
    cancelled: bool
    sequence: int
    changed_at: datetime
    rows: tuple[FeedRow, ...] = ()

    @property
    def number(self) -> int:
        """Return how often the plan of the shift changed: every row counts, and every one that was taken back."""
        return self.sequence + sum(1 if one.voided_at is None else 2 for one in self.rows)

    @property
    def modified(self) -> datetime:
        """Return when anything about the shift was last changed."""
        moments = [
            moment for one in self.rows for moment in (one.created_at, one.voided_at) if moment is not None
        ]
        return max([self.changed_at, *moments])

    @property
    def concerned(self) -> list[int]:
        """Return everybody who has or had something to do with the shift."""
        people = (self.shift.person_id, *(one.row.person_id for one in self.rows))
        return list(dict.fromkeys(one for one in people if one is not None))


@dataclass(frozen=True, slots=True)
class Event:
    """One event of a feed."""

    uid: str
    unit_id: int
    seat: Seat
    person_id: int
    mode: Mode
    starts_at: datetime
    ends_at: datetime
    cancelled: bool
    sequence: int
    modified: datetime


def events_of(shifts: Iterable[FeedShift], person_id: int | None, now: datetime) -> list[Event]:
    """Return the events of one person, or (None) of everybody, in order of time.

    What somebody lost more than 60 days ago is not said any more.
    """
    found: list[Event] = []
    for one in shifts:
        for who in one.concerned:
            if person_id in (None, who):
                found += _events_for(one, who, now)
    return sorted(found, key=lambda one: (one.starts_at, one.uid))


def _events_for(one: FeedShift, person_id: int, now: datetime) -> list[Event]:
    standing = (
        [] if one.cancelled else pieces_of(one.shift, [row.row for row in one.rows if row.voided_at is None])
    )
    held = [piece for piece in standing if piece.person_id == person_id]
    if held:
        return [_event(one, person_id, piece, number, cancelled=False) for number, piece in enumerate(held)]
    if now - one.modified > KEPT:
        return []
    return [_event(one, person_id, _once_held(one, person_id), 0, cancelled=True)]


def _once_held(one: FeedShift, person_id: int) -> Piece:
    """Return when somebody who sits there no more was to sit there."""
    shift = one.shift
    rows: Sequence[HolderRow] = [row.row for row in one.rows if row.row.person_id == person_id]
    if shift.person_id == person_id or not rows:
        return Piece(shift.starts_at, shift.ends_at, person_id)
    last = max(rows, key=lambda row: row.id)
    return Piece(
        max(last.from_at, shift.starts_at), min(last.until_at or shift.ends_at, shift.ends_at), person_id
    )


def _event(one: FeedShift, person_id: int, piece: Piece, number: int, *, cancelled: bool) -> Event:
    """A turn that somebody else interrupts is several events; the first keeps the name of the whole."""
    part = f"-{number + 1}" if number else ""
    return Event(
        uid=f"shift-{one.shift.id}-{person_id}{part}@dutydesk",
        unit_id=one.shift.unit_id,
        seat=one.shift.seat,
        person_id=person_id,
        mode=one.shift.mode,
        starts_at=piece.since,
        ends_at=piece.until,
        cancelled=cancelled,
        sequence=one.number,
        modified=one.modified,
    )

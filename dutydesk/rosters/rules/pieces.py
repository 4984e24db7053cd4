"""Who really sits through a shift, piece by piece, and in what way something is refused. Pure."""

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from itertools import pairwise

from dutydesk.rosters.rules import HolderRow, PlannedShift


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a shift that one person holds; without a person nobody does (a leave struck it)."""

    since: datetime
    until: datetime
    person_id: int | None


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why something cannot be done: a sentence for the field it is about, with the values of its ``{places}``.

    Days among them are written out, and several names listed, where the sentence is shown.
    """

    field: str
    text: str
    values: Mapping[str, str | date | tuple[str, ...]] = dataclasses.field(default_factory=dict)


def pieces_of(shift: PlannedShift, rows: Iterable[HolderRow]) -> list[Piece]:
    """Return who really sits through a shift, in order of time; of several rows the one entered last counts.

    Rows of other shifts are left out, as ``holders`` does for an instant; voided rows may not be given.
    """
    mine = sorted((row for row in rows if row.instead_of_shift_id == shift.id), key=lambda row: row.id)
    moments = {shift.starts_at, shift.ends_at}
    moments |= {at for row in mine for at in (row.from_at, row.until_at) if at is not None}
    within = sorted(at for at in moments if shift.starts_at <= at <= shift.ends_at)
    found: list[Piece] = []
    for begins, ends in pairwise(within):
        person_id: int | None = shift.person_id
        for row in mine:
            if row.from_at <= begins and (row.until_at is None or begins < row.until_at):
                person_id = row.person_id
        if found and found[-1].person_id == person_id:
            found[-1] = replace(found[-1], until=ends)
        else:
            found.append(Piece(begins, ends, person_id))
    return found


def persons_in(pieces: Iterable[Piece], start: datetime, end: datetime) -> list[int | None]:
    """Return who sits there within [start, end), in order of time, each once; None where nobody does."""
    held = (one.person_id for one in pieces if one.since < end and one.until > start)
    return list(dict.fromkeys(held))

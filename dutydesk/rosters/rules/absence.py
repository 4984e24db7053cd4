"""Who cannot be there although a plan or a substitution names them: they left, or are on an approved leave. Pure.

A leave strikes a seat at once, whether or not anybody has written down yet that it is vacated (Art. 57).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from dutydesk.rosters.rules import HolderRow, PlannedShift

# Person → when they are not there, as [from, until).
Absences = Mapping[int, Sequence[tuple[datetime, datetime]]]


def with_absences(
    shifts: Iterable[PlannedShift], rows: Iterable[HolderRow], away: Absences
) -> list[HolderRow]:
    """Return the holder rows as they are once nobody holds a seat while absent.

    Where the one planned is absent a row without a person is added; any real row beats it, because its id
    is lower than every real one's.
    """
    struck = [
        HolderRow(-shift.id, shift.unit_id, shift.seat, None, begins, ends, shift.id)
        for shift in shifts
        for begins, ends in _within(away.get(shift.person_id, ()), shift.starts_at, shift.ends_at)
    ]
    return struck + [piece for row in rows for piece in _pieces(row, away.get(row.person_id or 0, ()))]


def _within(
    spans: Iterable[tuple[datetime, datetime]], start: datetime, end: datetime
) -> Iterator[tuple[datetime, datetime]]:
    for begins, ends in spans:
        if begins < end and ends > start:
            yield max(begins, start), min(ends, end)


def _pieces(row: HolderRow, spans: Iterable[tuple[datetime, datetime]]) -> Iterator[HolderRow]:
    """Cut a row where its person is absent: a substitute's seat is empty then, whoever stayed on has gone."""
    at, until = row.from_at, row.until_at
    for begins, ends in sorted(spans):
        begins = max(begins, at)  # noqa: PLW2901 (spans may overlap; the part before is done)
        if ends <= begins or (until is not None and begins >= until):
            continue
        if begins > at:
            yield replace(row, from_at=at, until_at=begins)
        stop = ends if until is None else min(ends, until)
        if row.instead_of_shift_id is not None:
            yield replace(row, person_id=None, from_at=begins, until_at=stop)
        at = stop
    if until is None or at < until:
        yield replace(row, from_at=at)

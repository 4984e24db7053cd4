"""Who held which seat over a span, as the API answers."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from dutydesk.rosters.rules import Mode, Seat
from dutydesk.rosters.views.who import Known, UnitSpan


class SegmentPerson(BaseModel):
    """Who sat there."""

    id: int
    name: str


class SegmentAnswer(BaseModel):
    """One person on one seat in [since, until); ``planned`` false: somebody else than the plan had (``instead_of``)."""

    seat: Seat
    person: SegmentPerson
    since: datetime
    until: datetime
    planned: bool
    mode: Mode
    instead_of: list[SegmentPerson]


class GapAnswer(BaseModel):
    """A time for which ``missing`` persons are too few on a seat."""

    seat: Seat
    since: datetime
    until: datetime
    missing: int


class OnDutySpan(BaseModel):
    """Who really held the seats of a unit in [from, until), cut to it, and where nobody did."""

    model_config = ConfigDict(populate_by_name=True, serialize_by_alias=True)

    unit: str
    from_at: Annotated[datetime, Field(alias="from")]
    until_at: Annotated[datetime, Field(alias="until")]
    segments: list[SegmentAnswer]
    gaps: list[GapAnswer]


def span_answer(span: UnitSpan, known: Known, start: datetime, end: datetime) -> OnDutySpan:
    """Return a unit's span as the API has it."""
    return OnDutySpan(
        unit=span.unit.code,
        from_at=start,
        until_at=end,
        segments=[
            SegmentAnswer(
                seat=one.segment.seat,
                person=_persons([one.segment.person_id], known)[0],
                since=one.segment.since,
                until=one.segment.until,
                planned=one.segment.planned,
                mode=one.segment.mode,
                instead_of=_persons(one.planned, known),
            )
            for one in span.held
        ],
        gaps=[
            GapAnswer(seat=one.slot.seat, since=one.from_at, until=one.until_at, missing=one.missing)
            for one in span.gaps
        ],
    )


def _persons(ids: Sequence[int], known: Known) -> list[SegmentPerson]:
    return [SegmentPerson(id=one, name=known.persons[one].name) for one in ids]

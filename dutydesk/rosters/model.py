"""Shifts as planned, and who really holds a seat."""

from datetime import datetime

from sqlalchemy import Index
from sqlmodel import Field

from dutydesk.db import Record, word
from dutydesk.rosters.rules import Mode, Seat


class Shift(Record, table=True):
    """A planned turn on a seat; ``ends_at`` is not part of it."""

    # Who is on duty now is a range of some days in one unit, answered from the index, whatever the number of years.
    __table_args__ = (Index("ix_shift_unit_id_ends_at_starts_at", "unit_id", "ends_at", "starts_at"),)

    id: int | None = Field(default=None, primary_key=True)
    unit_id: int = Field(foreign_key="unit.id")
    seat: Seat = word()
    person_id: int = Field(foreign_key="person.id")
    starts_at: datetime
    ends_at: datetime = Field(index=True)
    mode: Mode = word()
    created_at: datetime


class SeatHolder(Record, table=True):
    """Who really sat there, where that differs from the plan.

    With ``instead_of_shift_id`` the person replaces the one planned for that shift. Without it the
    person holds the seat *as well*: the outgoing operator who has not handed over yet.
    """

    __tablename__ = "seat_holder"
    __table_args__ = (Index("ix_seat_holder_unit_id_until_at_from_at", "unit_id", "until_at", "from_at"),)

    id: int | None = Field(default=None, primary_key=True)
    unit_id: int = Field(foreign_key="unit.id")
    seat: Seat = word()
    person_id: int = Field(foreign_key="person.id")
    from_at: datetime
    until_at: datetime | None = None
    instead_of_shift_id: int | None = Field(default=None, foreign_key="shift.id")
    reason: str
    created_at: datetime

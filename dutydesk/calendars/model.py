"""What an editor of the calendar has laid down: days, confirmed years, sensitive periods."""

from datetime import date, datetime

from sqlmodel import Field

from dutydesk.calendars.rules import DayKind
from dutydesk.db import Record, word


class CalendarDay(Record, table=True):
    """One day that somebody laid down by hand or by import; it beats the library's."""

    __tablename__ = "calendar_day"

    id: int | None = Field(default=None, primary_key=True)
    day: date = Field(unique=True)
    kind: DayKind = word()
    name: str = ""
    source: str = ""
    changed_at: datetime
    changed_by: str


class CalendarYear(Record, table=True):
    """A year whose official notice is in the table: it is no longer provisional."""

    __tablename__ = "calendar_year"

    year: int = Field(primary_key=True)
    notice: str
    confirmed_at: datetime
    confirmed_by: str


class SensitivePeriod(Record, table=True):
    """Days on which leaders are on post whatever the day is otherwise (Art. 48); ``ends_on`` belongs to it.

    Without ``unit_id`` it holds for everybody. Its name is never sent by SMS.
    """

    __tablename__ = "sensitive_period"

    id: int | None = Field(default=None, primary_key=True)
    name: str
    starts_on: date
    ends_on: date
    unit_id: int | None = Field(default=None, foreign_key="unit.id")
    reason: str = ""
    created_at: datetime
    created_by: str
    cancelled_at: datetime | None = None

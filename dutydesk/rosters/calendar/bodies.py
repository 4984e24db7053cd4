"""What the API and the forms of the calendar take in: text without control characters, days within the calendar."""

from datetime import date
from typing import Annotated

from pydantic import BaseModel, Field

from dutydesk.calendars.rules import FIRST_DAY, LAST_DAY, DayKind
from dutydesk.web.texts import Code, Name, Reason, ShortText

CalendarDate = Annotated[date, Field(ge=FIRST_DAY, le=LAST_DAY)]
CalendarYearNumber = Annotated[int, Field(ge=FIRST_DAY.year, le=LAST_DAY.year)]
_Label = Annotated[ShortText, Field(max_length=50)]


class DayBody(BaseModel):
    """What kind of day it is; ``name`` is the festival's or the reason's."""

    kind: DayKind
    name: _Label = ""
    reason: Annotated[ShortText, Field(max_length=100)] = ""


class NoticeBody(BaseModel):
    """The official notice by which a year's days were entered."""

    notice: Name


class PeriodChange(BaseModel):
    """A sensitive period as it shall be; ``ends_on`` belongs to it."""

    name: Name
    starts_on: CalendarDate
    ends_on: CalendarDate
    reason: Reason


class PeriodBody(BaseModel):
    """A sensitive period; without ``unit`` it holds for the whole bureau."""

    name: Name
    starts_on: CalendarDate
    ends_on: CalendarDate
    unit: Code | None = None
    reason: Annotated[ShortText, Field(max_length=100)] = ""


class ReasonBody(BaseModel):
    """Why."""

    reason: Reason

"""The duty log (值班日志): what the desk was told, told others and was instructed to do."""

from datetime import datetime
from typing import Literal

from sqlmodel import Field

from dutydesk.db import Record, word

LogKind = Literal["call_in", "call_out", "instruction"]


class LogEntry(Record, table=True):
    """One entry of the duty log (值班日志); a correction is a later row that names the one it replaces.

    ``at`` is when it happened (a call: when the form was opened), ``logged_at`` when it was saved.
    For a call ``person``, ``title`` and ``number`` are the other side's; for an instruction they are the
    leader's, and ``conveyed_to`` and ``conveyed_at`` say to whom it was passed on.
    """

    __tablename__ = "log_entry"

    id: int | None = Field(default=None, primary_key=True)
    kind: LogKind = word()
    at: datetime = Field(index=True)
    logged_at: datetime
    logged_by: str
    unit_id: int | None = Field(default=None, foreign_key="unit.id")
    incident_id: int | None = Field(default=None, foreign_key="incident.id", index=True)
    person: str = ""
    title: str = ""
    number: str = ""
    channel: str = ""
    content: str = ""
    handling: str = ""
    conveyed_to: str = ""
    conveyed_at: datetime | None = None
    late_entry: bool = False
    corrects_id: int | None = Field(default=None, foreign_key="log_entry.id", index=True)
    reason: str = ""

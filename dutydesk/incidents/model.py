"""Incidents, their reports, and every change made to them."""

from datetime import datetime
from typing import Any, Literal

from sqlalchemy import JSON, Column
from sqlmodel import Field

from dutydesk.db import Record, word
from dutydesk.rulebook.types import Category, Grade

OccurredKind = Literal["exact", "estimated", "unknown"]
IncidentState = Literal["open", "ended", "withdrawn", "merged"]
ReportKind = Literal["phone", "written", "follow_up", "final", "verification"]
ChangeKind = Literal["logged", "corrected", "regraded", "withdrawn", "reinstated", "merged", "ended"]


class Incident(Record, table=True):
    """Something that happened, with its five separate times (the two report times are in its reports)."""

    id: int | None = Field(default=None, primary_key=True)
    number: str = Field(unique=True)
    title: str
    category: Category = word()
    grade: Grade = word()
    grade_confirmed: bool = False
    suspected: bool = False
    sensitive: bool = False
    unit_id: int = Field(foreign_key="unit.id", index=True)
    occurred_at: datetime | None = None
    occurred_at_kind: OccurredKind = word()
    learned_at: datetime | None = None
    received_at: datetime
    place: str = ""
    source: str = ""
    narrative: str = ""
    drill: bool = False
    state: IncidentState = word(default="open", index=True)
    # A clock opened by a later upgrade is based on the upgrade only when this was never so before.
    ever_major: bool = False
    merged_into_id: int | None = Field(default=None, foreign_key="incident.id")
    ended_at: datetime | None = None
    logged_at: datetime
    logged_by: str


class Report(Record, table=True):
    """One report about an incident with its evidence; a mistake is voided with a reason, never deleted."""

    id: int | None = Field(default=None, primary_key=True)
    incident_id: int = Field(foreign_key="incident.id", index=True)
    kind: ReportKind = word()
    sequence: int = 0
    reported_at: datetime
    logged_at: datetime
    logged_by: str
    reporter: str = ""
    reporter_phone: str = ""
    content: str = ""
    late_entry: bool = False
    checked_at: datetime | None = None
    checked_by: str | None = None
    voided_at: datetime | None = None
    voided_by: str | None = None
    void_reason: str | None = None


class IncidentChange(Record, table=True):
    """One thing done to an incident: what it was, what it became, who, when and why."""

    __tablename__ = "incident_change"

    id: int | None = Field(default=None, primary_key=True)
    incident_id: int = Field(foreign_key="incident.id", index=True)
    kind: ChangeKind = word()
    at: datetime
    actor: str
    reason: str = ""
    before: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    after: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))


class NumberSeries(Record, table=True):
    """The last number given in one series and year; its row is locked by the transaction that takes the next."""

    __tablename__ = "number_series"

    name: str = Field(primary_key=True)
    last: int = 0

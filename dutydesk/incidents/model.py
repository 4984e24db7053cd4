"""Incidents, their reports, and every change made to them."""

from datetime import datetime
from typing import Any, Literal

from sqlalchemy import JSON, Column
from sqlmodel import Field

from dutydesk.db import KeptJson, Record, word
from dutydesk.rulebook.types import Category, Grade

OccurredKind = Literal["exact", "estimated", "unknown"]
IncidentState = Literal["open", "ended", "withdrawn", "merged"]
ReportKind = Literal["phone", "written", "follow_up", "final", "verification"]
ChangeKind = Literal["logged", "corrected", "regraded", "withdrawn", "reinstated", "merged", "ended"]
PaperKind = Literal["special_report", "bulletin"]
PaperState = Literal["draft", "checking", "signing", "signed", "sent", "received", "void"]


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
    # The required elements that have no column of their own (nature, cause, measures …), by their names.
    elements: dict[str, str] = Field(
        default_factory=dict, sa_column=Column(KeptJson, nullable=False, server_default="{}")
    )
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
    # The unit that brought it: whose contact filed it, or whose incident it was when the desk logged it.
    # None (logged before this was kept): the incident's unit.
    unit_id: int | None = Field(default=None, foreign_key="unit.id")
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


class Casualties(Record, table=True):
    """How many people were harmed as known at one moment; a correction is a later row (核增, 核减)."""

    id: int | None = Field(default=None, primary_key=True)
    incident_id: int = Field(foreign_key="incident.id", index=True)
    as_of: datetime
    dead: int = 0
    missing: int = 0
    trapped: int = 0
    badly_injured: int = 0
    slightly_injured: int = 0
    evacuated: int = 0
    affected: int = 0
    note: str = ""
    logged_at: datetime
    logged_by: str


class Attachment(Record, table=True):
    """A file that belongs to an incident; its bytes lie outside the database under their SHA-256."""

    id: int | None = Field(default=None, primary_key=True)
    incident_id: int = Field(foreign_key="incident.id", index=True)
    report_id: int | None = Field(default=None, foreign_key="report.id")
    # The unit whose contact added it; None: the desk did, and the unit does not see it.
    unit_id: int | None = Field(default=None, foreign_key="unit.id")
    sha256: str
    name: str
    media_type: str
    size: int
    added_at: datetime
    added_by: str
    voided_at: datetime | None = None
    voided_by: str | None = None
    void_reason: str | None = None


class Paper(Record, table=True):
    """A written product about an incident (专报, 快报) on its way from a draft to whoever receives it.

    ``stage`` is the report it carries: first, follow-up *n* or final. ``version`` rises with every
    change, so that two people who edit the same text notice each other.
    """

    id: int | None = Field(default=None, primary_key=True)
    incident_id: int = Field(foreign_key="incident.id", index=True)
    kind: PaperKind = word()
    stage: str = "first"
    sequence: int = 1
    state: PaperState = word(default="draft", index=True)
    version: int = 1
    issue: str = ""
    title: str
    body: str = ""
    send_to: str = ""
    copy_to: str = ""
    contact: str = ""
    contact_phone: str = ""
    drafter: str
    checker: str = ""
    signer: str = ""
    created_at: datetime
    signed_at: datetime | None = None
    sent_at: datetime | None = None
    received_at: datetime | None = None


class PaperStep(Record, table=True):
    """One step of a paper: who moved it where, when and why, and the text as it stood."""

    __tablename__ = "paper_step"

    id: int | None = Field(default=None, primary_key=True)
    paper_id: int = Field(foreign_key="paper.id", index=True)
    at: datetime
    actor: str
    before: PaperState = word()
    after: PaperState = word()
    reason: str = ""
    version: int
    text: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))

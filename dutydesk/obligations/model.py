"""What is owed, by when, with its rungs, and what ended it."""

from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Column, Index, text
from sqlmodel import Field, UniqueConstraint

from dutydesk.db import KeptJson, Record, word
from dutydesk.rulebook.types import Evidence

ObligationState = Literal["open", "breached", "fulfilled", "fulfilled_late", "waived", "withdrawn"]
RungState = Literal["armed", "fired", "ended", "superseded"]
VerdictValue = Literal["on_time", "late", "waived", "withdrawn", "reopened"]

# States in which something is still owed and somebody still has to be told.
OWED: tuple[ObligationState, ...] = ("open", "breached")

_DUE = text("next_action_at IS NOT NULL")


class Obligation(Record, table=True):
    """One duty with its absolute due time and the ladder copied onto it when it opened."""

    __table_args__ = (
        UniqueConstraint("subject", "rule_id", "sequence"),
        Index("ix_obligation_incident_id", "incident_id"),
        Index("ix_obligation_next_action_at", "next_action_at", sqlite_where=_DUE, postgresql_where=_DUE),
        Index("ix_obligation_state_due_at", "state", "due_at"),
    )

    id: int | None = Field(default=None, primary_key=True)
    rule_id: str
    rule_version: str
    article: str
    title: str
    words: str
    label: str = ""
    binds: str
    hard: bool
    evidence: Evidence = word()
    # What it is about (``incident/12``, ``gap/3/leader/2026-12-01T00:30``, ``leave/7``), and with which others it is
    # settled as a whole (``gap/3``): see ``owings``.
    subject: str
    scope: str = Field(default="", index=True)
    incident_id: int | None = Field(default=None, foreign_key="incident.id")
    number: str
    unit_id: int = Field(foreign_key="unit.id")
    # Whom the target ``person`` names, where somebody in particular owes it.
    person_id: int | None = Field(default=None, foreign_key="person.id")
    drill: bool = False
    sequence: int = 0

    opened_at: datetime
    base_kind: str
    base_at: datetime
    base_certain: bool
    limit_seconds: int | None = None
    due_at: datetime | None = None
    due_version: int = 1
    # Where a regrade bases the clock: what the due time would have been from the occurrence (升级补判).
    occurrence_due_at: datetime | None = None

    state: ObligationState = word()
    closed_at: datetime | None = None
    close_cause: str | None = None
    # What ended it: when the evidence was given, by which report, and whether it was entered late unchecked.
    evidence_at: datetime | None = None
    evidence_report_id: int | None = None
    evidence_unchecked: bool = False
    ladder: dict[str, Any] = Field(default_factory=dict, sa_column=Column(KeptJson, nullable=False))

    # The row is the schedule: when somebody has to look at this obligation again.
    next_action_at: datetime | None = None
    taken_over_by: str | None = None
    taken_over_reason: str | None = None
    next_check_at: datetime | None = None
    faults: int = 0
    last_fault: str | None = None


class Rung(Record, table=True):
    """One rung of one obligation at an absolute time; unique per version of the due time."""

    __table_args__ = (UniqueConstraint("obligation_id", "due_version", "key", "occurrence"),)

    id: int | None = Field(default=None, primary_key=True)
    obligation_id: int = Field(foreign_key="obligation.id")
    due_version: int
    key: str
    occurrence: int = 0
    at: datetime
    state: RungState = word(default="armed")
    fired_at: datetime | None = None
    reason: str | None = None


class NoReport(Record, table=True):
    """The due time passed without evidence: a fact, written once and never changed."""

    __tablename__ = "no_report"
    __table_args__ = (UniqueConstraint("obligation_id", "due_version"),)

    id: int | None = Field(default=None, primary_key=True)
    obligation_id: int = Field(foreign_key="obligation.id")
    due_version: int
    due_at: datetime
    noticed_at: datetime


class Verdict(Record, table=True):
    """A judgement derived from the facts; a later one has a higher version, none is overwritten."""

    __table_args__ = (UniqueConstraint("obligation_id", "version"),)

    id: int | None = Field(default=None, primary_key=True)
    obligation_id: int = Field(foreign_key="obligation.id")
    version: int
    value: VerdictValue = word()
    late_seconds: int = 0
    due_at: datetime | None = None
    evidence_at: datetime | None = None
    provisional: bool
    cause: str
    reason: str = ""
    decided_by: str
    decided_at: datetime


class ClockStep(Record, table=True):
    """The wall clock moved against the monotonic one; verdicts stay provisional until a person confirms it."""

    __tablename__ = "clock_step"

    id: int | None = Field(default=None, primary_key=True)
    noticed_at: datetime
    seconds: float
    confirmed_at: datetime | None = None
    confirmed_by: str | None = None

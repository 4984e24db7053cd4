"""Alerts, the attempts at delivering them, and the proof that a person got one."""

from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Column, Index, text
from sqlmodel import Field, UniqueConstraint

from dutydesk.db import KeptJson, Record, word
from dutydesk.rulebook.types import Channel

AlertState = Literal["queued", "sending", "accepted", "sent", "delivered", "failed", "cancelled"]
AttemptState = Literal[
    "claimed", "accepted", "sent", "ringing", "delivered", "answered", "completed", "failed"
]
Outcome = Literal[
    "key",
    "passed_on",
    "no_key",
    "delivered",
    "undelivered",
    "provider_fault",
    "contact_fault",
    "our_fault",
    "unknown",
    "cancelled",
]
AcknowledgementKind = Literal["keypad", "screen", "by_hand", "page"]

# In ``params``: what a running call was made for before a later rung took it over (at, target, wording).
ADOPTED = "adopted"

_QUEUED = text("state = 'queued'")
_ABOUT = text("subject <> ''")
_AWAITED = text("outcome_due_at IS NOT NULL")
_LIVE_CALL = text("live AND channel = 'voice'")


class Alert(Record, table=True):
    """One message to one person (or to the desk's screen) by one channel."""

    __table_args__ = (
        Index("ix_alert_next_try_at", "lane", "next_try_at", sqlite_where=_QUEUED, postgresql_where=_QUEUED),
        Index("ix_alert_obligation_id", "obligation_id"),
        Index("ix_alert_number", "number"),
        Index("ix_alert_recipient", "recipient", "channel", "state"),
        Index("ix_alert_subject", "subject", sqlite_where=_ABOUT, postgresql_where=_ABOUT),
    )

    id: int | None = Field(default=None, primary_key=True)
    # Repeated ticks must not tell twice: the database refuses a second row with the same key.
    unique_key: str = Field(unique=True)
    created_at: datetime
    lane: int
    cause: str
    obligation_id: int | None = Field(default=None, foreign_key="obligation.id")
    due_version: int = 0
    rung_id: int | None = Field(default=None, foreign_key="rung.id")
    number: str = ""
    # What it is about where no incident is: ``shift/12``, ``contact/4``, or the subject of its obligation.
    subject: str = ""
    unit_id: int | None = Field(default=None, foreign_key="unit.id")
    target: str
    chain_position: int = 0
    person_id: int | None = Field(default=None, foreign_key="person.id")
    recipient: str
    phone: str | None = None
    channel: Channel = word()
    reason: str
    wording: str
    params: dict[str, Any] = Field(default_factory=dict, sa_column=Column(KeptJson, nullable=False))
    drill: bool = False

    state: AlertState = word(default="queued")
    next_try_at: datetime | None = None
    token: str | None = None
    lease_until: datetime | None = None
    tries: int = 0
    # Numbers and providers are gone through in rounds; the present one began then.
    round_from: datetime | None = None
    faults: int = 0
    # An earlier attempt ended unknown: the next one is marked 重发.
    resend: bool = False
    # Every usable number was tried once without a key: the next person's turn.
    exhausted_at: datetime | None = None
    exhausted_reason: str | None = None
    acknowledged_at: datetime | None = None
    cancelled_at: datetime | None = None
    cancel_reason: str | None = None


class Attempt(Record, table=True):
    """One try at delivering one or more alerts to one number by one provider; it only moves forward."""

    __table_args__ = (
        Index(
            "ix_attempt_outcome_due_at", "outcome_due_at", sqlite_where=_AWAITED, postgresql_where=_AWAITED
        ),
        # At most one live call per number, whatever any node does.
        Index(
            "uq_attempt_one_live_call",
            "to_number",
            unique=True,
            sqlite_where=_LIVE_CALL,
            postgresql_where=_LIVE_CALL,
        ),
        Index("ix_attempt_to_number_claimed_at", "to_number", "claimed_at"),
    )

    id: int | None = Field(default=None, primary_key=True)
    channel: Channel = word()
    provider: str
    to_number: str
    person_id: int | None = Field(default=None, foreign_key="person.id")
    contact_id: int | None = Field(default=None, foreign_key="contact_point.id")
    token: str = Field(unique=True)
    code: str = ""
    resent: bool = False
    state: AttemptState = word(default="claimed")
    live: bool = True
    reference: str | None = Field(default=None, index=True)
    claimed_at: datetime
    accepted_at: datetime | None = None
    answered_at: datetime | None = None
    twiml_at: datetime | None = None
    ended_at: datetime | None = None
    outcome: Outcome | None = word(default=None)
    error_code: str | None = None
    error_text: str | None = None
    # Past this the provider is asked; ``looks`` counts how often it was.
    outcome_due_at: datetime | None = None
    looks: int = 0


class AttemptItem(Record, table=True):
    """Which alerts an attempt carries: one call or SMS may speak of several matters."""

    __tablename__ = "attempt_item"
    __table_args__ = (UniqueConstraint("attempt_id", "alert_id"),)

    id: int | None = Field(default=None, primary_key=True)
    attempt_id: int = Field(foreign_key="attempt.id", index=True)
    alert_id: int = Field(foreign_key="alert.id", index=True)
    bound_at: datetime
    spoken_at: datetime | None = None


class Acknowledgement(Record, table=True):
    """Proof that a person got it: who, how, when. A delivery receipt is not one."""

    id: int | None = Field(default=None, primary_key=True)
    kind: AcknowledgementKind = word()
    at: datetime
    recorded_at: datetime
    recorded_by: str
    alert_id: int = Field(foreign_key="alert.id", index=True)
    obligation_id: int | None = Field(default=None, foreign_key="obligation.id", index=True)
    attempt_id: int | None = Field(default=None, foreign_key="attempt.id")
    person_id: int | None = Field(default=None, foreign_key="person.id")
    who: str
    how: str
    # False: the person no longer held the seat; kept as evidence, and the new holder is told.
    on_seat: bool = True


class ForeignCallback(Record, table=True):
    """A webhook that was refused or knew nothing we know: recorded, and changing nothing else."""

    __tablename__ = "foreign_callback"

    id: int | None = Field(default=None, primary_key=True)
    at: datetime
    path: str
    why: str
    summary: str

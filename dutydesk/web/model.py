"""Answers remembered for requests that carried an ``Idempotency-Key``."""

from datetime import datetime

from sqlmodel import Field, UniqueConstraint

from dutydesk.db import Record


class IdempotentAnswer(Record, table=True):
    """What was answered to one key of one caller, written in the transaction that did the work."""

    __tablename__ = "idempotent_answer"
    __table_args__ = (UniqueConstraint("caller", "key"),)

    id: int | None = Field(default=None, primary_key=True)
    caller: str
    key: str
    request_hash: str
    status: int
    body: str
    created_at: datetime

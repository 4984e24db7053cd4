"""The audit trail's one table: appended by every transaction, chained by the sealer."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Column
from sqlmodel import Field

from dutydesk.db import Record


class AuditEntry(Record, table=True):
    """One thing that somebody did. ``seal_number`` and the hashes come within a second, from the sealer."""

    __tablename__ = "audit_entry"

    id: int | None = Field(default=None, primary_key=True)
    at: datetime
    actor: str
    action: str
    subject: str = Field(index=True)
    detail: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    seal_number: int | None = Field(default=None, unique=True)
    previous_hash: str | None = None
    hash: str | None = None

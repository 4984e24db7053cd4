"""What is being typed into a form of the desk."""

from datetime import datetime
from typing import Any

from sqlalchemy import Column, UniqueConstraint
from sqlmodel import Field

from dutydesk.db import KeptJson, Record


class Draft(Record, table=True):
    """What somebody is typing, kept on the server from the first keystroke until it is saved or thrown away."""

    __table_args__ = (UniqueConstraint("account_id", "form"),)

    id: int | None = Field(default=None, primary_key=True)
    account_id: int = Field(foreign_key="account.id", index=True)
    form: str
    fields: dict[str, Any] = Field(default_factory=dict, sa_column=Column(KeptJson, nullable=False))
    opened_at: datetime
    saved_at: datetime

"""API tokens: only their hashes are kept."""

from datetime import datetime

from sqlmodel import Field

from dutydesk.accounts.rules import Role
from dutydesk.db import Record, word


class ApiToken(Record, table=True):
    """A bearer token of a program or a person, with one role and, for unit contacts, one unit."""

    __tablename__ = "api_token"

    id: int | None = Field(default=None, primary_key=True)
    name: str
    role: Role = word()
    unit_id: int | None = Field(default=None, foreign_key="unit.id")
    token_hash: str = Field(unique=True)
    created_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None

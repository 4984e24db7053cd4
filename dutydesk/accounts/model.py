"""Accounts of people, their sign-ins, and API tokens; of every secret only its hash is kept."""

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


class Account(Record, table=True):
    """Somebody who may sign in: one person, one role.

    ``name`` is unique, because evidence names who did something by it. ``must_change`` is set while
    the password is one that somebody else chose.
    """

    id: int | None = Field(default=None, primary_key=True)
    login: str = Field(unique=True)
    name: str = Field(unique=True)
    role: Role = word()
    unit_id: int | None = Field(default=None, foreign_key="unit.id")
    person_id: int | None = Field(default=None, foreign_key="person.id")
    password_hash: str
    must_change: bool = False
    created_at: datetime
    created_by: str
    disabled_at: datetime | None = None


class SignIn(Record, table=True):
    """One browser that somebody signed in with, until it is ended."""

    __tablename__ = "sign_in"

    id: int | None = Field(default=None, primary_key=True)
    account_id: int = Field(foreign_key="account.id", index=True)
    token_hash: str = Field(unique=True)
    at: datetime
    seen_at: datetime
    address: str = ""
    browser: str = ""
    ended_at: datetime | None = None
    ended_by: str | None = None


class SignInFailure(Record, table=True):
    """One wrong password, for the throttle and for whoever looks into it."""

    __tablename__ = "sign_in_failure"

    id: int | None = Field(default=None, primary_key=True)
    login: str = Field(index=True)
    address: str = Field(index=True)
    at: datetime


class SavedView(Record, table=True):
    """A list with its filters, kept under a name by the account that wants to see it again."""

    __tablename__ = "saved_view"

    id: int | None = Field(default=None, primary_key=True)
    account_id: int = Field(foreign_key="account.id", index=True)
    page: str
    name: str
    query: str
    created_at: datetime

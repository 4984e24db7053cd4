"""Units, persons, the posts they hold for months, and the numbers they are reached by."""

from datetime import datetime

from sqlalchemy import Index, text
from sqlmodel import Field

from dutydesk.db import Record, word
from dutydesk.people.rules import ContactKind, UnitKind

_IS_DESK = text("kind = 'desk'")


class Unit(Record, table=True):
    """The bureau's desk (exactly one), a division, or a subordinate unit (Art. 62)."""

    __table_args__ = (
        Index("uq_unit_only_one_desk", "kind", unique=True, sqlite_where=_IS_DESK, postgresql_where=_IS_DESK),
    )

    id: int | None = Field(default=None, primary_key=True)
    code: str = Field(unique=True)
    name: str
    short_name: str
    kind: UnitKind = word()
    parent_id: int | None = Field(default=None, foreign_key="unit.id")
    duty_phone: str | None = None
    created_at: datetime


class Person(Record, table=True):
    """Someone who can be told."""

    id: int | None = Field(default=None, primary_key=True)
    name: str
    unit_id: int = Field(foreign_key="unit.id", index=True)
    title: str = ""
    created_at: datetime
    retired_at: datetime | None = None


class ContactPoint(Record, table=True):
    """One way to reach a person; a number in E.164. A bad one is disabled with its reason, never deleted."""

    __tablename__ = "contact_point"

    id: int | None = Field(default=None, primary_key=True)
    person_id: int = Field(foreign_key="person.id", index=True)
    kind: ContactKind = word()
    address: str
    position: int
    disabled_at: datetime | None = None
    disabled_reason: str | None = None


class Post(Record, table=True):
    """An office held for months: head of a unit, chief duty leader, director of the office."""

    id: int | None = Field(default=None, primary_key=True)
    unit_id: int = Field(foreign_key="unit.id", index=True)
    post: str
    person_id: int = Field(foreign_key="person.id")
    from_at: datetime
    until_at: datetime | None = None

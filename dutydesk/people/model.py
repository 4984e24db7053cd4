"""Units, persons, the posts they hold for months, and the numbers they are reached by."""

from datetime import date, datetime

from sqlalchemy import Index, text
from sqlmodel import Field

from dutydesk.db import Record, word
from dutydesk.people.rules import CheckMethod, ContactKind, DutyClass, Employment, Rank, UnitKind

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
    duty_class: DutyClass = word(default="sensitive")
    created_at: datetime
    retired_at: datetime | None = None
    # The row is the schedule: when the rosters of this unit have to be looked at for holes again.
    roster_check_at: datetime | None = Field(default=None, index=True)


class Person(Record, table=True):
    """Someone who can be told."""

    id: int | None = Field(default=None, primary_key=True)
    name: str
    unit_id: int = Field(foreign_key="unit.id", index=True)
    title: str = ""
    rank: Rank = word(default="staff")
    employment: Employment = word(default="staff")
    joined_on: date | None = None
    trained_on: date | None = None
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
    # The person themself proved that they are reached here; it holds for a quarter.
    confirmed_at: datetime | None = None
    confirmed_how: CheckMethod | None = word(default=None)
    confirmed_by: str = ""


class ContactCheck(Record, table=True):
    """One asking whether a number is right: a code the person types on the keypad, or reads back."""

    __tablename__ = "contact_check"

    id: int | None = Field(default=None, primary_key=True)
    contact_id: int = Field(foreign_key="contact_point.id", index=True)
    method: CheckMethod = word()
    code: str
    requested_at: datetime
    requested_by: str
    expires_at: datetime
    tries: int = 0
    closed_at: datetime | None = None
    result: str | None = None


class Post(Record, table=True):
    """An office held for months: head of a unit, chief duty leader, director of the office."""

    id: int | None = Field(default=None, primary_key=True)
    unit_id: int = Field(foreign_key="unit.id", index=True)
    post: str
    person_id: int = Field(foreign_key="person.id")
    from_at: datetime
    until_at: datetime | None = None
    # Somebody acts while the holder is away (Art. 5): then they are told, and the holder is not.
    acting: bool = False
    cause: str = ""

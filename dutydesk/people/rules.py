"""Plain facts about units and people, and what makes them valid. Pure."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal, get_args

UnitKind = Literal["desk", "division", "subordinate"]
ContactKind = Literal["mobile", "landline", "email"]
# On post around the clock; on post in holidays and sensitive periods; reachable by telephone only (domain §1.1).
DutyClass = Literal["always", "sensitive", "reachable"]
# 局长, 副局长, other leaders of the bureau, a unit's 主要负责人 and 副职, everybody else.
Rank = Literal["bureau_head", "bureau_deputy", "bureau_leader", "unit_head", "unit_deputy", "staff"]
# On the establishment, under contract, of another firm (guards, doorkeepers: they may not be on duty).
Employment = Literal["staff", "contract", "external"]
CheckMethod = Literal["keypad", "read_back"]
DUTY_CLASSES: tuple[DutyClass, ...] = get_args(DutyClass)
RANKS: tuple[Rank, ...] = get_args(Rank)
EMPLOYMENTS: tuple[Employment, ...] = get_args(Employment)
# A number is confirmed again every quarter.
CONFIRMED_FOR = timedelta(days=92)
# Posts that the product itself speaks of; a ladder may name others.
POSTS = ("head", "chief", "office_director", "roster")
Trouble = Literal["NO_NUMBER", "UNCONFIRMED", "DISABLED"]

_POST = re.compile(r"[a-z][a-z_]{0,39}")
# Syntax only: whether a mailbox exists is for the mail server to say (RFC 5321 §4.5.3.1.3 for the length).
_EMAIL = re.compile(r"[^@\s]+@[^@\s.]+(\.[^@\s.]+)+")
_LONGEST_EMAIL = 254


@dataclass(frozen=True, slots=True)
class Unit:
    """The bureau's desk, a division or a subordinate unit, as a fact."""

    id: int
    code: str
    name: str
    short_name: str
    kind: UnitKind
    parent_id: int | None
    duty_phone: str | None
    duty_class: DutyClass = "sensitive"
    retired_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Person:
    """Someone who can be told, as a fact."""

    id: int
    name: str
    unit_id: int
    title: str
    rank: Rank = "staff"
    employment: Employment = "staff"
    joined_on: date | None = None
    trained_on: date | None = None
    retired_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ContactPoint:
    """One way to reach a person; ``address`` is E.164 or an e-mail address."""

    id: int
    person_id: int
    kind: ContactKind
    address: str
    position: int
    disabled_reason: str | None = None
    confirmed_at: datetime | None = None
    disabled_at: datetime | None = None
    confirmed_how: CheckMethod | None = None
    confirmed_by: str = ""

    def confirmed(self, now: datetime) -> bool:
        """Tell whether the person proved within the last quarter that this number reaches them."""
        return self.confirmed_at is not None and now - self.confirmed_at <= CONFIRMED_FOR

    @property
    def usable(self) -> bool:
        """Tell whether nobody has found it to be bad."""
        return self.disabled_reason is None

    @property
    def rings(self) -> bool:
        """Tell whether a person can be rung or texted there now (an e-mail wakes nobody)."""
        return self.usable and self.kind != "email"


def is_post_name(text: str) -> bool:
    """Tell whether *text* can name a post: ``head``, ``chief``, ``office_director``, … (a–z and _)."""
    return _POST.fullmatch(text) is not None


def is_email(text: str) -> bool:
    """Tell whether *text* has the form of an e-mail address."""
    return len(text) <= _LONGEST_EMAIL and text.isprintable() and _EMAIL.fullmatch(text) is not None


def makes_circle(parents: Mapping[int, int | None], unit_id: int, parent_id: int | None) -> bool:
    """Tell whether *unit_id* would stand above itself if *parent_id* stood above it.

    *parents* are those of today; a circle that is there already (there must be none) ends the walk too.
    """
    seen: set[int] = set()
    above = parent_id
    while above is not None and above not in seen:
        if above == unit_id:
            return True
        seen.add(above)
        above = parents.get(above)
    return False


def troubles(points: Collection[ContactPoint], now: datetime) -> list[Trouble]:
    """Return what is wrong with the numbers of one person: none that rings, none confirmed, one disabled."""
    found: list[Trouble] = []
    ringing = [point for point in points if point.rings]
    if not ringing:
        found.append("NO_NUMBER")
    elif not any(point.confirmed(now) for point in ringing):
        found.append("UNCONFIRMED")
    if any(not point.usable for point in points):
        found.append("DISABLED")
    return found


def moved(ids: Sequence[int], wanted: int, place: int) -> list[int]:
    """Return *ids* with *wanted* at *place* (from 0); beyond the end it is the last."""
    rest = [one for one in ids if one != wanted]
    at = max(0, min(place, len(rest)))
    return [*rest[:at], wanted, *rest[at:]]

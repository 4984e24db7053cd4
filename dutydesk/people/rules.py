"""Plain facts about units and people, and what makes them valid. Pure."""

import re
from dataclasses import dataclass
from typing import Literal

UnitKind = Literal["desk", "division", "subordinate"]
ContactKind = Literal["mobile", "landline", "email"]

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


@dataclass(frozen=True, slots=True)
class Person:
    """Someone who can be told, as a fact."""

    id: int
    name: str
    unit_id: int
    title: str


@dataclass(frozen=True, slots=True)
class ContactPoint:
    """One way to reach a person; ``address`` is E.164 or an e-mail address."""

    id: int
    person_id: int
    kind: ContactKind
    address: str
    position: int
    disabled_reason: str | None = None

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

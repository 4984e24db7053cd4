"""Whether a number is right: how it is asked, what an answer means, which numbers failed lately. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from dutydesk.alerts.rules import TEST_EVERY
from dutydesk.people.rules import CheckMethod, ContactKind
from dutydesk.rulebook.types import Cap, Channel

CODE_DIGITS = 4
CODE_LIFE = timedelta(minutes=10)
MOST_TRIES = 3
# Somebody has to find the SMS before the call comes.
CALL_AFTER = timedelta(seconds=15)
# A number that failed longer ago has been seen to, or does not matter.
FAILED_FOR = timedelta(days=30)
CAUSE = "check"

Result = Literal["confirmed", "wrong", "expired", "replaced"]
Judgement = Literal["right", "wrong", "closed"]
# What an attempt says about the number itself; an unanswered call says nothing.
_TELLING = {
    "contact_fault": False,
    "undelivered": False,
    "delivered": True,
    "key": True,
    "passed_on": True,
}
TELLING: tuple[str, ...] = tuple(_TELLING)
FAILING: tuple[str, ...] = tuple(name for name, good in _TELLING.items() if not good)


@dataclass(frozen=True, slots=True)
class Asked:
    """A check that was begun, as a fact."""

    code: str
    method: CheckMethod
    expires_at: datetime
    tries: int
    closed: bool


@dataclass(frozen=True, slots=True)
class Tried:
    """One finished attempt at a number."""

    number: str
    channel: Channel
    outcome: str
    at: datetime


def channels_of(method: CheckMethod, kind: ContactKind) -> tuple[Channel, ...]:
    """Return what goes out for a check.

    A code is always sent to the number itself where it takes SMS, and rung where it has to be typed;
    to a landline it is spoken, or the office passes it on and it is typed there.
    """
    if kind == "email":
        return ()
    if kind == "landline":
        return ("voice",)
    return ("sms", "voice") if method == "keypad" else ("sms",)


def shows_code(method: CheckMethod, kind: ContactKind) -> bool:
    """Tell whether the office sees the code: only where it has no other way to whoever types it."""
    return method == "keypad" and kind == "landline"


def judged(asked: Asked, typed: str, now: datetime) -> tuple[Judgement, Result | None]:
    """Return what a typed code means, and how the check ends with it (None: it goes on)."""
    if asked.closed:
        return "closed", None
    if now >= asked.expires_at:
        return "closed", "expired"
    if typed == asked.code:
        return "right", "confirmed"
    return "wrong", "wrong" if asked.tries + 1 >= MOST_TRIES else None


def free_from(
    last_at: datetime | None,
    recent: Mapping[Channel, Sequence[datetime]],
    caps: Sequence[Cap],
    now: datetime,
) -> datetime:
    """Return when a number may be checked (again): once a minute, and never with what a clock may need.

    *recent* are the tries at the number lately, by channel: two thirds of every cap are left to the clocks.
    """
    at = now if last_at is None else max(now, last_at + TEST_EVERY)
    for cap in caps:
        if cap.channel not in recent:
            continue
        within = sorted(moment for moment in recent[cap.channel] if moment > now - cap.window)
        ours = max(1, cap.count // 3)
        if len(within) >= ours:
            at = max(at, within[-ours] + cap.window)
    return at


def failed_numbers(tried: Iterable[Tried], now: datetime) -> dict[str, Tried]:
    """Return the numbers whose last telling attempt within a month failed, with that attempt."""
    last: dict[str, Tried] = {}
    for one in sorted(tried, key=lambda one: one.at):
        if one.outcome in _TELLING and one.at > now - FAILED_FOR:
            last[one.number] = one
    return {number: one for number, one in last.items() if not _TELLING[one.outcome]}

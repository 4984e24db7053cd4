"""Who is calling, as far as the number or the unit tells. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

Origin = Literal["contact", "duty_phone", "on_duty", "earlier"]
_ORDER: tuple[Origin, ...] = ("contact", "duty_phone", "on_duty", "earlier")

# Fewer digits than these belong to too many numbers.
FEWEST_DIGITS = 4


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody who may be calling; ``exact`` when the whole number is theirs. A duty phone has no person."""

    person: str
    title: str
    unit_id: int | None
    number: str
    origin: Origin
    exact: bool = False


@dataclass(frozen=True, slots=True)
class Fill:
    """What the form may be filled with without asking."""

    person: str = ""
    title: str = ""
    unit_id: int | None = None


def digits_of(typed: str) -> str:
    """Return the digits of a number as it was typed, without China's country code."""
    found = "".join(one for one in typed if one.isascii() and one.isdigit())
    return found[2:] if typed.strip().startswith(("+86", "0086")) and not found.startswith("00") else found


def ranked(callers: Iterable[Caller], most: int = 6) -> list[Caller]:
    """Return who may be calling, each once: whole numbers first, then as the directory, the roster, the log say."""
    ordered = sorted(callers, key=lambda one: (not one.exact, _ORDER.index(one.origin)))
    found: dict[tuple[str, int | None], Caller] = {}
    for one in ordered:
        found.setdefault((one.person, one.unit_id), one)
    return list(found.values())[:most]


def certain(callers: Sequence[Caller]) -> Fill:
    """Return what a whole number says for certain.

    A person's own number names the person; a duty phone names only the unit, because whoever picks it up
    changes by shift, and evidence must not name somebody who did not call.
    """
    exact = [one for one in callers if one.exact]
    units = {one.unit_id for one in exact if one.unit_id is not None}
    unit_id = units.pop() if len(units) == 1 else None
    owners = {(one.person, one.title) for one in exact if one.origin == "contact"}
    if not owners and all(one.origin == "earlier" for one in exact):
        owners = {(one.person, one.title) for one in exact}
    if len(owners) != 1:
        return Fill(unit_id=unit_id)
    person, title = owners.pop()
    return Fill(person, title, unit_id)

"""Whether two incidents may be one event, told twice (归并). Pure; a person decides."""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

Reason = Literal["SAME_UNIT", "SAME_PLACE", "SIMILAR_WORDS", "CLOSE_IN_TIME", "SAME_CATEGORY"]

# Two accounts of one event differ in when it began; beyond this they are two events.
NEAR = timedelta(hours=6)
_CLOSE = timedelta(minutes=45)
_ALIKE_PLACE = 0.6
_ALIKE_WORDS = 0.4
_SAME_WORDS = 0.6
_WEIGHTS: dict[Reason, int] = {
    "SAME_UNIT": 3,
    "SAME_PLACE": 3,
    "SIMILAR_WORDS": 3,
    "CLOSE_IN_TIME": 2,
    "SAME_CATEGORY": 1,
}
_NUMERALS = str.maketrans("零〇一二两三四五六七八九", "001223456789")
_NOISE = re.compile(r"[\W_]+")


@dataclass(frozen=True, slots=True)
class Event:
    """What is compared; ``at`` is when it happened, or was told where that is not known."""

    number: str
    unit_id: int | None
    title: str
    place: str
    category: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Candidate:
    """An incident that may be the same event, and why."""

    number: str
    reasons: tuple[Reason, ...]

    @property
    def weight(self) -> int:
        """How strongly the reasons speak together."""
        return sum(_WEIGHTS[reason] for reason in self.reasons)


def likely_duplicates(new: Event, known: Iterable[Event], most: int = 3) -> list[Candidate]:
    """Return the incidents that may be the same event as *new*, the likeliest first.

    Time alone, a unit alone or a category alone says nothing: a canteen may have two events in a day. It takes
    the same unit or place with similar words or a close time, or nearly the same words.
    """
    found = [
        (candidate, abs(one.at - new.at))
        for one in known
        if one.number != new.number and (candidate := _compared(new, one)) is not None
    ]
    found.sort(key=lambda pair: (-pair[0].weight, pair[1], pair[0].number))
    return [candidate for candidate, _ in found[:most]]


def _compared(new: Event, other: Event) -> Candidate | None:
    apart = abs(other.at - new.at)
    if apart > NEAR:
        return None
    words = likeness(new.title, other.title)
    same_unit = new.unit_id is not None and new.unit_id == other.unit_id
    same_place = overlap(new.place, other.place) >= _ALIKE_PLACE
    close = apart <= _CLOSE
    here = same_unit or same_place
    if not ((here and (close or words >= _ALIKE_WORDS)) or words >= _SAME_WORDS):
        return None
    said: tuple[tuple[Reason, bool], ...] = (
        ("SAME_UNIT", same_unit),
        ("SAME_PLACE", same_place),
        ("SIMILAR_WORDS", words >= _ALIKE_WORDS),
        ("CLOSE_IN_TIME", close),
        ("SAME_CATEGORY", new.category == other.category),
    )
    return Candidate(other.number, tuple(reason for reason, holds in said if holds))


def likeness(one: str, other: str) -> float:
    """Return how alike two lines are, 0 to 1: pairs of neighbouring characters they share (Dice)."""
    a, b = _pairs(one), _pairs(other)
    return 2 * len(a & b) / (len(a) + len(b)) if a and b else 0.0


def overlap(one: str, other: str) -> float:
    """Return how much of the shorter of two places is in the longer one, 0 to 1: 二号楼 is in 2号楼地下配电室."""
    a, b = _pairs(one), _pairs(other)
    return len(a & b) / min(len(a), len(b)) if a and b else 0.0


def _pairs(text: str) -> frozenset[str]:
    plain = _NOISE.sub("", unicodedata.normalize("NFKC", text).casefold()).translate(_NUMERALS)
    if len(plain) == 1:
        return frozenset((plain,))
    return frozenset(plain[index : index + 2] for index in range(len(plain) - 1))

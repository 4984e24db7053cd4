"""What a query means, who may find what, and which parts of a text were meant. Pure.

Chinese has no spaces between words: a word of a query is found anywhere inside a text. ASCII letters are folded and
no others, because that is what both databases do alike.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from string import ascii_lowercase, ascii_uppercase
from typing import Literal, get_args
from urllib.parse import urlencode

from dutydesk.accounts.rules import Actor, Permission

Kind = Literal["incidents", "log", "people"]
KINDS: tuple[Kind, ...] = get_args(Kind)

PAGE = 50
COUNTED = 1000
MOST_VIEWS = 50
LONGEST_QUERY = 100
_MOST_WORDS = 10
_FEWEST_DIGITS = 3
_FIRST_YEAR, _LAST_YEAR = 1970, 2199

_NEEDS: dict[Kind, Permission] = {"incidents": "incident:read", "log": "log:read", "people": "directory:read"}
# The filters that mean something in each list, besides the query.
FIELDS: dict[Kind, tuple[str, ...]] = {
    "incidents": ("unit", "category", "grade", "state", "drill", "from", "until", "late"),
    "log": ("unit", "from", "until"),
    "people": ("unit",),
}

_FOLD = str.maketrans(ascii_uppercase, ascii_lowercase)
_NUMBER_LIKE = re.compile(r"[+\d()（）.\-－—–]+")
_HOME = "86"
_MOBILE_DIGITS, _TRUNK_DIGITS = 11, range(10, 13)


@dataclass(frozen=True, slots=True)
class Scope:
    """What somebody may find: which lists, of one unit only (None: of all), and by numbers or not."""

    kinds: tuple[Kind, ...]
    unit_id: int | None
    numbers: bool

    @property
    def of_a_unit(self) -> bool:
        """Tell whether it is a unit contact's, who does not see what the desk wrote."""
        return self.unit_id is not None


@dataclass(frozen=True, slots=True)
class Filters:
    """A list as it is asked for; an empty filter lets everything pass. Days are of the site, both included."""

    kind: Kind = "incidents"
    q: str = ""
    unit: str = ""
    category: str = ""
    grade: str = ""
    state: str = ""
    drill: str = ""
    from_day: date | None = None
    until_day: date | None = None
    late: bool = False

    def pairs(self) -> list[tuple[str, str]]:
        """Return what is set, by the names of the form, always in the same order."""
        values = {
            "q": self.q,
            "unit": self.unit,
            "category": self.category,
            "grade": self.grade,
            "state": self.state,
            "drill": self.drill,
            "from": "" if self.from_day is None else self.from_day.isoformat(),
            "until": "" if self.until_day is None else self.until_day.isoformat(),
            "late": "yes" if self.late else "",
        }
        meant = ("q", *FIELDS[self.kind])
        return [
            ("kind", self.kind),
            *((name, value) for name, value in values.items() if value and name in meant),
        ]

    def query(self) -> str:
        """Return the query of the list's address."""
        return urlencode(self.pairs())

    @property
    def is_narrow(self) -> bool:
        """Tell whether anything is asked for besides the kind of list."""
        return len(self.pairs()) > 1


@dataclass(frozen=True, slots=True)
class Term:
    """One thing a query asks for: folded words that must all occur, or digits inside a number."""

    words: tuple[str, ...]
    digits: str = ""


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a text; a hit is what was searched for."""

    text: str
    hit: bool = False


def scope_of(actor: Actor) -> Scope:
    """Return what *actor* may find; a unit contact without a unit finds nothing."""
    own = (actor.unit_id or 0) if actor.role == "unit" else None
    return Scope(tuple(kind for kind in KINDS if actor.may(_NEEDS[kind])), own, actor.may("numbers:read"))


# ---------------------------------------------------------------------------------------------------------------------
# Queries


def clean(query: str) -> str:
    """Return a query without what nobody can see: control characters are spaces, spaces in a row are one."""
    kept = "".join(" " if unicodedata.category(one) in {"Cc", "Cs", "Zl", "Zp"} else one for one in query)
    return " ".join(kept.split())


def query_fault(query: str) -> str | None:
    """Return what is wrong with a clean query, or None."""
    if len(query) > LONGEST_QUERY:
        return "最多100个字"
    if len(query.split()) > _MOST_WORDS:
        return "最多10个词"
    return None


def days_fault(from_day: date | None, until_day: date | None) -> str | None:
    """Return what is wrong with a range of days, or None."""
    days = [one for one in (from_day, until_day) if one is not None]
    if any(not _FIRST_YEAR <= one.year <= _LAST_YEAR for one in days):
        return "日期不对"
    if from_day is not None and until_day is not None and from_day > until_day:
        return "不能早于开始日期"
    return None


def fold(text: str) -> str:
    """Return a text of the same length without the difference between capital and small ASCII letters."""
    return text.translate(_FOLD)


def digits_of(text: str) -> str:
    """Return the digits of a number as it is stored everywhere: without spaces, hyphens, +86 and the trunk 0."""
    digits = "".join(str(unicodedata.digit(one)) for one in text if one.isdecimal())
    if text.lstrip(" (（").startswith("+"):
        return digits.removeprefix(_HOME)
    if digits.startswith(f"00{_HOME}"):
        return digits[len(_HOME) + 2 :]
    if digits.startswith(_HOME) and len(digits) == _MOBILE_DIGITS + len(_HOME):
        return digits[len(_HOME) :]
    return digits[1:] if digits.startswith("0") and len(digits) in _TRUNK_DIGITS else digits


def terms(query: str) -> tuple[Term, ...]:
    """Return what a clean query asks for. Digits typed in groups (138 0000 0001) are one number."""
    found: list[Term] = []
    group: list[str] = []
    for word in [*query.split(), ""]:
        if word and _NUMBER_LIKE.fullmatch(word):
            group.append(word)
            continue
        if group:
            found.append(_number(group))
            group = []
        if word:
            found.append(Term((fold(word),)))
    return tuple(found)


def _number(group: Sequence[str]) -> Term:
    digits = digits_of(" ".join(group))
    return Term(tuple(fold(one) for one in group), digits if len(digits) >= _FEWEST_DIGITS else "")


def is_meant(number: str, asked: Iterable[Term]) -> bool:
    """Tell whether a stored number is one that was searched for."""
    digits = digits_of(number)
    return any(term.digits and term.digits in digits for term in asked)


# ---------------------------------------------------------------------------------------------------------------------
# Marking


def pieces(text: str, asked: Iterable[Term]) -> list[Piece]:
    """Return *text* cut into what was searched for and what stands around it."""
    found: list[Piece] = []
    done = 0
    for start, end in _hits(text, asked):
        if start > done:
            found.append(Piece(text[done:start]))
        found.append(Piece(text[start:end], hit=True))
        done = end
    if done < len(text):
        found.append(Piece(text[done:]))
    return found


def excerpt(text: str, asked: Sequence[Term], length: int = 72) -> list[Piece]:
    """Return the part of a long text around the first hit, on one line; its beginning where there is none."""
    line = " ".join(text.split())
    first = next(_hits(line, asked), (0, 0))[0]
    start = max(0, min(first - length // 4, len(line) - length))
    cut = line[start : start + length]
    before, after = "…" if start else "", "…" if start + length < len(line) else ""
    return pieces(f"{before}{cut}{after}", asked)


def has_hit(text: str, asked: Iterable[Term]) -> bool:
    """Tell whether a text has anything that was searched for."""
    return next(_hits(text, asked), None) is not None


def _hits(text: str, asked: Iterable[Term]) -> Iterator[tuple[int, int]]:
    """Yield (start, end) of what was searched for, in order, what touches taken together."""
    words = sorted({re.escape(word) for term in asked for word in term.words}, key=len, reverse=True)
    if not words:
        return
    for found in re.finditer(f"(?:{'|'.join(words)})+", fold(text)):
        yield found.span()

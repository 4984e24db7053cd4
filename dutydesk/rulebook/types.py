"""Plain frozen dataclasses of the rulebook: what every ``rules.py`` may import.

Durations are :class:`datetime.timedelta`, instants are aware datetimes in UTC.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, time, timedelta
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, Field

from dutydesk.rulebook.papers import PaperPlan

Grade = Literal["especially_major", "major", "considerable", "ordinary", "ungraded"]
Category = Literal["natural_disaster", "accident", "public_health", "social_security"]
Base = Literal["occurred_at", "learned_at", "received_at", "last_report", "ended_at"]
Anchor = Literal["opened", "base", "due"]
Channel = Literal["screen", "sms", "voice"]
Until = Literal["none", "any", "each", "evidence"]
# ``record``: something else on record proves it (a shift, a sign-in, a leave report); nobody enters it by hand.
Evidence = Literal["phone", "written", "follow_up", "final", "key", "entry", "record"]
Lane = Literal["clock", "call_out", "reminder", "roll_call", "digest"]

GRADES: tuple[Grade, ...] = ("especially_major", "major", "considerable", "ordinary", "ungraded")
CATEGORIES: tuple[Category, ...] = ("natural_disaster", "accident", "public_health", "social_security")
# Read by the loader: a misspelt key in config/ is a mistake, not a comment.
_NO_OTHER_KEYS: Final = {"extra": "forbid"}

TARGETS: frozenset[str] = frozenset(
    {
        "unit:operator",
        "unit:leader",
        "unit:phone",
        "unit:head",
        # Whoever answers for the unit's roster.
        "unit:roster",
        # Whoever in particular owes it.
        "person",
        "desk:operator",
        "desk:leader",
        "desk:standby",
        "desk:phone",
        "desk:chief",
    }
)
LANES: tuple[Lane, ...] = ("clock", "call_out", "reminder", "roll_call", "digest")
MAJOR_GRADES: frozenset[Grade] = frozenset({"especially_major", "major"})


@dataclass(frozen=True, slots=True)
class Tell:
    """Who is told by which channels when a rung fires."""

    __pydantic_config__ = _NO_OTHER_KEYS

    targets: tuple[str, ...]
    channels: tuple[Channel, ...]


@dataclass(frozen=True, slots=True)
class RungPlan:
    """One rung of a ladder as configured: when (relative), who, how, until what."""

    __pydantic_config__ = _NO_OTHER_KEYS

    key: str
    anchor: Anchor
    offset: timedelta
    tells: tuple[Tell, ...]
    until: Until
    wording: str
    repeat_every: timedelta | None = None


@dataclass(frozen=True, slots=True)
class LadderPlan:
    """A named ladder: its rungs in the order they fire, and the lane its alerts travel in."""

    __pydantic_config__ = _NO_OTHER_KEYS

    name: str
    rungs: tuple[RungPlan, ...]
    lane: Lane = "clock"


@dataclass(frozen=True, slots=True)
class Applies:
    """For which incidents a rule holds: any of the grades, or one of the flags."""

    __pydantic_config__ = _NO_OTHER_KEYS

    grades: frozenset[Grade] = frozenset()
    suspected: bool = False
    sensitive: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One duty of the work rules with its clock.

    ``limit`` is None where the rules set no number and none is configured: then the duty is owed
    and shown, and no clock runs. ``limits_by_grade`` beats ``limit``.
    """

    __pydantic_config__ = _NO_OTHER_KEYS

    id: str
    version: str
    article: str
    title: str
    words: str
    binds: Literal["unit", "desk", "office"]
    applies: Applies = Applies()
    bases: tuple[Base, ...] = ()
    limit: timedelta | None = None
    hard: bool
    evidence: Evidence
    ladder: str
    label: str = ""
    # ``matter``: no incident brings it; a feature owes it under this rule (``obligations.owings``).
    opens_on: Literal["incident", "first_report", "incomplete_report", "end", "matter"] = "incident"
    limits_by_grade: Mapping[Grade, timedelta] = field(default_factory=dict)
    valid_from: date = date.min
    valid_until: date | None = None

    def limit_for(self, grade: Grade) -> timedelta | None:
        """Return the limit for an incident of that grade."""
        return self.limits_by_grade.get(grade, self.limit)

    def in_force(self, day: date) -> bool:
        """Tell whether this version of the rule holds on a day of site time."""
        return self.valid_from <= day and (self.valid_until is None or day < self.valid_until)


@dataclass(frozen=True, slots=True)
class Pace:
    """How a person is called again, and when the desk hears of it (all durations)."""

    __pydantic_config__ = _NO_OTHER_KEYS

    redial_after: timedelta = timedelta(minutes=2)
    ring_seconds: int = 30
    answer_seconds: int = 10
    stale_after: timedelta = timedelta(hours=24)
    late_entry_after: timedelta = timedelta(minutes=10)
    no_screen_after: timedelta = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class Cap:
    """At most *count* tries to one number by one channel within *window*."""

    __pydantic_config__ = _NO_OTHER_KEYS

    channel: Channel
    count: int
    window: timedelta


@dataclass(frozen=True, slots=True)
class ProviderPlan:
    """One named provider instance; its order in the file is the order of use."""

    __pydantic_config__ = _NO_OTHER_KEYS

    name: str
    kind: Literal["twilio", "console"]
    channels: tuple[Channel, ...]
    receives_replies: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SeatPlan:
    """A seat that units of some duty classes hold around the clock, where they have laid down nothing else."""

    __pydantic_config__ = _NO_OTHER_KEYS

    duty_classes: tuple[Literal["always", "sensitive", "reachable"], ...]
    seat: Literal["leader", "supervisor", "operator_primary", "operator_secondary", "standby"]
    count: Annotated[int, Field(ge=1, le=9)] = 1
    on_post: tuple[Literal["workday", "makeup", "rest", "holiday", "sensitive"], ...] = ()
    # On post, one signs in at the start.
    signs_in: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class EligibilityPlan:
    """Who may sit where (domain §1.1); ``rest`` is the least time between two shifts of one person."""

    __pydantic_config__ = _NO_OTHER_KEYS

    rest: timedelta = timedelta(hours=12)
    least_months: Annotated[int, Field(ge=0, le=60)] = 3
    leader_ranks: tuple[str, ...] = ("bureau_head", "bureau_deputy", "bureau_leader")
    unit_leader_ranks: tuple[str, ...] = ("unit_head", "unit_deputy")
    alone_employment: tuple[str, ...] = ("staff",)
    never_employment: tuple[str, ...] = ("external",)


def _month_and_day(text: str) -> str:
    """Refuse what is no day of a year (of a leap year, too)."""
    if text and (len(text) != len("06-15") or not _is_day(f"2000-{text}")):
        message = f"not a month and a day like '06-15': {text!r}"
        raise ValueError(message)
    return text


def _is_day(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class PeriodPreset:
    """A sensitive period that is offered ready-made; ``starts`` and ``ends`` are ``MM-DD``, or empty."""

    __pydantic_config__ = _NO_OTHER_KEYS

    name: Annotated[str, Field(min_length=1, max_length=50)]
    starts: Annotated[str, AfterValidator(_month_and_day)] = ""
    ends: Annotated[str, AfterValidator(_month_and_day)] = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RosterPlan:
    """``config/rosters.toml``: defaults of seats, eligibility and reminders. Times of day are site time."""

    __pydantic_config__ = _NO_OTHER_KEYS

    duty_starts: time = time(8, 30)
    office_opens: time = time(8, 30)
    office_closes: time = time(17, 30)
    publish_day: Annotated[int, Field(ge=1, le=28)] = 25
    file_days: Annotated[int, Field(ge=0, le=20)] = 3
    horizon_days: Annotated[int, Field(ge=1, le=31)] = 7
    day_before_at: time = time(16, 0)
    hour_before: timedelta = timedelta(hours=1)
    sign_in_early: timedelta = timedelta(minutes=30)
    eligibility: EligibilityPlan = EligibilityPlan()
    seat: tuple[SeatPlan, ...] = ()
    period: tuple[PeriodPreset, ...] = ()


@dataclass(frozen=True, slots=True)
class Wording:
    """All texts of one language, by dotted key, with ``{placeholders}``."""

    language: str
    texts: Mapping[str, str]

    def text(self, key: str) -> str:
        """Return the template called *key*.

        Raises:
            KeyError: when there is none; the loader checks every key the code uses.
        """
        return self.texts[key]


@dataclass(frozen=True, slots=True)
class Rulebook:
    """Everything in ``config/``, checked as a whole; ``source`` and ``digest`` say which files were read."""

    rules: tuple[Rule, ...]
    ladders: Mapping[str, LadderPlan]
    fallbacks: Mapping[str, tuple[str, ...]]
    pace: Pace
    caps: tuple[Cap, ...]
    providers: tuple[ProviderPlan, ...]
    wording: Wording
    papers: PaperPlan
    rosters: RosterPlan = RosterPlan()
    source: str = ""
    digest: str = ""

    def rule(self, rule_id: str, day: date) -> Rule | None:
        """Return the version of a rule that is in force on *day*, if any."""
        return next((rule for rule in self.rules if rule.id == rule_id and rule.in_force(day)), None)

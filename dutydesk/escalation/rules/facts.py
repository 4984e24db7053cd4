"""What the ladder decides on, and what it can decide. Plain frozen values."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from dutydesk.rulebook.types import Channel, LadderPlan, RungPlan

SCREEN = "screen:desk"


@dataclass(frozen=True, slots=True)
class Recipient:
    """Somebody (or some telephone) that can be told, and by what."""

    key: str
    person_id: int | None = None
    phone: str | None = None
    has_sms: bool = False
    has_voice: bool = False

    def takes(self, channel: Channel) -> bool:
        """Tell whether this recipient has a usable number for the channel."""
        return self.has_sms if channel == "sms" else self.has_voice


# A target resolves to levels tried one after another (primary operator, then secondary, …); the
# people of one level are told together. An empty level is an empty seat.
Levels = tuple[tuple[Recipient, ...], ...]


@dataclass(frozen=True, slots=True)
class RungFact:
    """One rung of the current version of the due time that is armed or has fired."""

    id: int
    key: str
    occurrence: int
    at: datetime
    fired: bool = False


@dataclass(frozen=True, slots=True)
class AlertFact:
    """One alert of the obligation, as far as the ladder cares."""

    id: int
    rung_id: int | None
    target: str
    position: int
    recipient: str
    channel: Channel
    alive: bool
    cancelled: bool = False
    acknowledged_at: datetime | None = None
    # Whoever confirmed did not hold the seat; ``off_seat_noted`` once that has been written down.
    off_seat: bool = False
    off_seat_noted: bool = False
    given_up: str | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything the ladder of one owed obligation decides on."""

    obligation_id: int
    ladder: LadderPlan
    opened_at: datetime
    due_at: datetime
    due_version: int
    rungs: tuple[RungFact, ...]
    alerts: tuple[AlertFact, ...]
    levels: Mapping[str, Levels]
    fallbacks: Mapping[str, tuple[str, ...]]
    last_resort: tuple[Recipient, ...] = ()
    no_report_noted: bool = False
    by_key: bool = False
    next_check_at: datetime | None = None
    fired_before: frozenset[str] = frozenset()
    clock_in_doubt: bool = False


@dataclass(frozen=True, slots=True)
class NoteNoReport:
    """The due time has passed without evidence."""


@dataclass(frozen=True, slots=True)
class FulfilByKey:
    """Somebody pressed the key that this obligation asks for."""

    at: datetime
    alert_id: int


@dataclass(frozen=True, slots=True)
class Fire:
    """A rung has been acted on."""

    rung_id: int
    reason: str


@dataclass(frozen=True, slots=True)
class EndRung:
    """Nothing more is to be done for a rung."""

    rung_id: int
    reason: str


@dataclass(frozen=True, slots=True)
class ArmAgain:
    """The repeating rung comes again."""

    key: str
    occurrence: int
    at: datetime


@dataclass(frozen=True, slots=True)
class Tell:
    """Queue one alert."""

    rung_id: int | None
    target: str
    position: int
    recipient: Recipient
    channel: Channel
    reason: str
    wording: str
    cause: str = "rung"
    # The alert this one stands in for, where it does.
    about: int | None = None


@dataclass(frozen=True, slots=True)
class Adopt:
    """A call to this person is on its way already: it now speaks for this rung as well."""

    alert_id: int
    rung_id: int
    target: str
    position: int
    wording: str


@dataclass(frozen=True, slots=True)
class Cancel:
    """Take an unsent alert back."""

    alert_id: int
    reason: str


@dataclass(frozen=True, slots=True)
class Gap:
    """A seat that a ladder asked for is empty, or the one who holds it has no usable number."""

    target: str
    reason: str


@dataclass(frozen=True, slots=True)
class Backlog:
    """Too old to call anybody about: recorded, and counted in one summary to the operator."""


@dataclass(frozen=True, slots=True)
class OffSeat:
    """A key came from somebody who no longer holds the seat."""

    alert_id: int
    target: str


@dataclass(frozen=True, slots=True)
class EndTakeOver:
    """The time at which whoever took over wanted to look again has come."""


Decision = (
    NoteNoReport
    | FulfilByKey
    | Fire
    | EndRung
    | ArmAgain
    | Tell
    | Adopt
    | Cancel
    | Gap
    | Backlog
    | OffSeat
    | EndTakeOver
)


@dataclass(slots=True)
class Plan:
    """The decisions of one pass over one obligation, and when to look again (None: never by itself)."""

    decisions: list[Decision] = field(default_factory=list)
    wake_at: datetime | None = None


def plan_of(facts: Facts, key: str) -> RungPlan:
    """Return the rung of the obligation's own ladder with that key."""
    return next(rung for rung in facts.ladder.rungs if rung.key == key)


def effective(facts: Facts, rung: RungFact) -> datetime:
    """Return when a rung fires: the repeated one rests while somebody has taken over."""
    if facts.next_check_at is not None and plan_of(facts, rung.key).repeat_every is not None:
        return max(rung.at, facts.next_check_at)
    return rung.at


def chain(facts: Facts, target: str) -> list[tuple[str, tuple[Recipient, ...]]]:
    """Return a target's levels followed by those of its fallbacks, each with the target it belongs to."""
    names = (target, *facts.fallbacks.get(target, ()))
    return [(name, level) for name in names for level in facts.levels.get(name, ((),))]

"""Who may sit where, as data and reasons. Pure.

Every refusal is a code; the page says it in words. *Hard* ones always refuse; none may be overridden
for somebody who left, is away, or sits elsewhere at the time.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal, get_args

from dutydesk.people.rules import Employment, Rank
from dutydesk.rosters.rules import Mode, Seat
from dutydesk.rulebook.types import EligibilityPlan

Fault = Literal[
    "LEFT",
    "NEVER",
    "AWAY",
    "DOUBLE",
    "REST",
    "RANK",
    "ALONE_EMPLOYMENT",
    "ALONE_NEW",
    "ALONE_UNTRAINED",
    "UNCONFIRMED",
]
FAULTS: tuple[Fault, ...] = get_args(Fault)
# Nobody may be on duty who left, may never be, is away, or sits elsewhere at the time; the rest needs a reason.
HARD: frozenset[Fault] = frozenset({"LEFT", "NEVER", "AWAY", "DOUBLE"})
_DAYS_IN_MONTH = 30.4375


@dataclass(frozen=True, slots=True)
class Turn:
    """A time somebody already sits somewhere, as planned or as it really is; ``shift_id`` None: a draft not stored yet."""

    starts_at: datetime
    ends_at: datetime
    unit_id: int
    seat: Seat
    shift_id: int | None = None


@dataclass(frozen=True, slots=True)
class Candidate:
    """A person with everything that decides whether they may sit somewhere.

    ``away`` are approved leaves as [from, until). ``confirmed`` tells whether a usable number was
    confirmed within the quarter.
    """

    person_id: int
    name: str
    unit_id: int
    rank: Rank
    employment: Employment
    joined_on: date | None
    trained_on: date | None
    retired_at: datetime | None
    confirmed: bool
    away: tuple[tuple[datetime, datetime], ...] = ()
    turns: tuple[Turn, ...] = ()


@dataclass(frozen=True, slots=True)
class Place:
    """A time on a seat that somebody is to hold. ``alone``: nobody else sits on an operator's seat with them."""

    unit_id: int
    is_desk: bool
    seat: Seat
    day: date
    starts_at: datetime
    ends_at: datetime
    mode: Mode
    alone: bool = True


def faults_of(
    one: Candidate, place: Place, plan: EligibilityPlan, *, ignoring: Collection[int] = ()
) -> list[Fault]:
    """Return every reason why *one* may not hold *place*; shifts whose ids are in *ignoring* do not count.

    Leaders need the rank; a new, untrained or not permanently employed person never sits alone
    (domain §1.1); an on-post seat asks for a confirmed number.
    """
    found: list[Fault] = []
    if one.retired_at is not None and one.retired_at < place.ends_at:
        found.append("LEFT")
    if one.employment in plan.never_employment:
        found.append("NEVER")
    if any(begins < place.ends_at and ends > place.starts_at for begins, ends in one.away):
        found.append("AWAY")
    found += _clashes(one.turns, place, plan.rest, ignoring)
    ranks = plan.leader_ranks if place.is_desk else plan.unit_leader_ranks
    if place.seat == "leader" and one.rank not in ranks:
        found.append("RANK")
    if place.seat.startswith("operator") and place.alone:
        found += _alone(one, place.day, plan)
    if place.mode == "on_post" and not one.confirmed:
        found.append("UNCONFIRMED")
    return found


def _clashes(turns: Sequence[Turn], place: Place, rest: timedelta, ignoring: Collection[int]) -> list[Fault]:
    others = [one for one in turns if one.shift_id is None or one.shift_id not in ignoring]
    if any(one.starts_at < place.ends_at and one.ends_at > place.starts_at for one in others):
        return ["DOUBLE"]
    near = (one.starts_at < place.ends_at + rest and one.ends_at + rest > place.starts_at for one in others)
    return ["REST"] if any(near) else []


def _alone(one: Candidate, day: date, plan: EligibilityPlan) -> list[Fault]:
    found: list[Fault] = []
    if one.employment not in plan.alone_employment:
        found.append("ALONE_EMPLOYMENT")
    if one.joined_on is not None and (day - one.joined_on).days < plan.least_months * _DAYS_IN_MONTH:
        found.append("ALONE_NEW")
    # Of long-standing staff nobody noted when they came, nor a training.
    if one.joined_on is not None and (one.trained_on is None or one.trained_on > day):
        found.append("ALONE_UNTRAINED")
    return found

"""What the API of seats, rotations and planning takes and answers."""

from datetime import time
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from dutydesk.calendars.rules import DayClass
from dutydesk.people.lists import Day, Id
from dutydesk.rosters.rules import Mode, Seat
from dutydesk.web.texts import Code

Name = Annotated[str, Field(min_length=1, max_length=30)]


class SpanBody(BaseModel):
    """One shift of a day: it starts at a site time, lasts so many minutes, and so many persons hold it."""

    starts: time
    minutes: Annotated[int, Field(ge=0, le=10_000)]
    count: Annotated[int, Field(ge=0, le=100)] = 1


class PatternBody(BaseModel):
    """How a seat is held on days of some classes from a day on; no spans: not at all."""

    unit: Code
    seat: Seat
    day_classes: list[DayClass]
    spans: list[SpanBody] = Field(max_length=12)
    mode: Mode = "on_call"
    signs_in: bool = False
    valid_from: Day


class DefaultBody(BaseModel):
    """Let a seat be held as the duty class of the unit asks, from a day on."""

    unit: Code
    seat: Seat
    valid_from: Day


class PatternAnswer(BaseModel):
    """One row of what a unit has laid down; ``valid_until`` is not part of it."""

    id: int
    unit: str
    seat: Seat
    day_class: DayClass
    starts: time
    minutes: int
    count: int
    mode: Mode
    signs_in: bool
    valid_from: Day
    valid_until: Day | None


class PatternList(BaseModel):
    """Some patterns."""

    items: list[PatternAnswer]
    next_cursor: str | None


class RotationBody(BaseModel):
    """A group that takes turns on a seat."""

    unit: Code
    seat: Seat
    name: Name
    day_classes: list[DayClass]
    pairs_weekend: bool = False
    pays_back: bool = True


class RotationChange(BaseModel):
    """What a rotation is to be from now on."""

    name: Name
    day_classes: list[DayClass]
    pairs_weekend: bool
    pays_back: bool


class MemberBody(BaseModel):
    """Somebody who takes turns from a day on, last in the order."""

    person: Id
    joined_on: Day


class LeaveBody(BaseModel):
    """From which day on a member takes no turns."""

    left_on: Day


class OrderBody(BaseModel):
    """The ids of members (not of persons) in their new order."""

    members: list[Id] = Field(max_length=500)


class MemberAnswer(BaseModel):
    """A member of a rotation."""

    id: int
    person: int
    joined_on: Day
    left_on: Day | None


class RotationAnswer(BaseModel):
    """A rotation with its members in order."""

    id: int
    unit: str
    seat: Seat
    name: str
    day_classes: list[DayClass]
    pairs_weekend: bool
    pays_back: bool
    ended: bool
    members: list[MemberAnswer]


class RotationList(BaseModel):
    """Some rotations."""

    items: list[RotationAnswer]
    next_cursor: str | None


class Done(BaseModel):
    """It is done."""

    done: bool = True


class GenerateBody(BaseModel):
    """Generate drafts from *start* to *end*, both within; a dry run changes nothing."""

    unit: Code
    start: Day
    end: Day
    seats: list[Seat] | None = None
    dry_run: bool = False


class HoleAnswer(BaseModel):
    """A place that nobody can fill, with the reasons of each member (person id → codes)."""

    seat: Seat
    day: Day
    refused: dict[int, list[str]]


class GeneratedAnswer(BaseModel):
    """What generating brought, or would bring."""

    made: int
    kept: int
    replaced: int
    holes: list[HoleAnswer]


class LoadAnswer(BaseModel):
    """What somebody served, or is to serve."""

    shifts: int
    hours: float
    nights: int
    weekends: int
    holidays: int
    sensitive: int


class AccountAnswer(BaseModel):
    """One person on one seat; balances are hours above the mean of those who take turns."""

    person: int
    active: bool
    served: LoadAnswer
    planned: LoadAnswer
    balance: float
    balance_ahead: float


class LedgerAnswer(BaseModel):
    """One seat."""

    seat: Seat
    accounts: list[AccountAnswer]


class FairnessAnswer(BaseModel):
    """How evenly duty is spread over a unit's seats."""

    model_config = ConfigDict(populate_by_name=True, serialize_by_alias=True)

    unit: str
    first: Annotated[Day, Field(alias="from")]
    until: Day
    seats: list[LedgerAnswer]


class WhyAnswer(BaseModel):
    """Why somebody has a shift: the code with its values, and a sentence."""

    shift: int
    person: int
    owner: int | None
    rotation: int | None
    why: dict[str, object]
    text: str

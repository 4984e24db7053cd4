"""Rosters: seats and patterns, rotations, shifts as planned, what changed, who was really there."""

from datetime import date, datetime, time
from typing import Any

from sqlalchemy import Column, Index, text
from sqlmodel import Field, UniqueConstraint

from dutydesk.calendars.rules import DayClass
from dutydesk.db import KeptJson, Record, word
from dutydesk.rosters.rules import (
    AttendanceHow,
    AttendanceKind,
    Away,
    ChangeKind,
    ChangeState,
    FeedKind,
    HolderKind,
    LeaveKind,
    LeaveState,
    Mode,
    RosterState,
    Seat,
    ShiftState,
)

_DUE = text("next_action_at IS NOT NULL")
_ASKED = text("state = 'requested'")


class SeatPattern(Record, table=True):
    """How a seat of a unit is held on days of one class, from ``valid_from`` on; a unit without any has the default.

    ``starts`` is site time. Two patterns with other hours split a day; ``count`` asks for several people.
    """

    __tablename__ = "seat_pattern"
    __table_args__ = (Index("ix_seat_pattern_unit_id_seat", "unit_id", "seat"),)

    id: int | None = Field(default=None, primary_key=True)
    unit_id: int = Field(foreign_key="unit.id")
    seat: Seat = word()
    day_class: DayClass = word()
    starts: time
    minutes: int
    count: int = 1
    mode: Mode = word()
    signs_in: bool = False
    valid_from: date
    valid_until: date | None = None
    created_at: datetime
    created_by: str


class Rotation(Record, table=True):
    """A group that takes turns on a seat; each class of days named in ``day_classes`` has a cursor of its own."""

    id: int | None = Field(default=None, primary_key=True)
    unit_id: int = Field(foreign_key="unit.id", index=True)
    seat: Seat = word()
    name: str
    day_classes: list[str] = Field(default_factory=list, sa_column=Column(KeptJson, nullable=False))
    # The same leader on both days of a weekend.
    pairs_weekend: bool = False
    # A turn somebody took for an absent member is given back when the other way round comes.
    pays_back: bool = True
    created_at: datetime
    created_by: str
    ended_at: datetime | None = None


class RotationMember(Record, table=True):
    """A member of a rotation from ``joined_on`` to the day before ``left_on``, in the order of ``position``."""

    __tablename__ = "rotation_member"

    id: int | None = Field(default=None, primary_key=True)
    rotation_id: int = Field(foreign_key="rotation.id", index=True)
    person_id: int = Field(foreign_key="person.id", index=True)
    position: int
    joined_on: date
    left_on: date | None = None


class Roster(Record, table=True):
    """A unit's duty table of one month (``month`` is its first day); its shifts count once it is published."""

    __table_args__ = (UniqueConstraint("unit_id", "month"),)

    id: int | None = Field(default=None, primary_key=True)
    unit_id: int = Field(foreign_key="unit.id")
    month: date = Field(index=True)
    state: RosterState = word(default="draft")
    version: int = 1
    created_at: datetime
    created_by: str
    published_at: datetime | None = None
    published_by: str = ""
    # What the quality report still said when it was published, and why that was accepted.
    remarks: str = ""


class Shift(Record, table=True):
    """A planned turn on a seat; ``ends_at`` is not part of it. Only published shifts are duty."""

    # Who is on duty now is a range of some days in one unit, answered from the index, whatever the number of years.
    # None on the end alone: the shifts of all units lie in it side by side, and a year of drafts would rewrite it.
    __table_args__ = (
        Index("ix_shift_unit_id_ends_at_starts_at", "unit_id", "ends_at", "starts_at"),
        Index("ix_shift_person_id_ends_at", "person_id", "ends_at"),
        Index("ix_shift_next_action_at", "next_action_at", sqlite_where=_DUE, postgresql_where=_DUE),
        Index("ix_shift_rotation_id_starts_at", "rotation_id", "starts_at"),
    )

    id: int | None = Field(default=None, primary_key=True)
    unit_id: int = Field(foreign_key="unit.id")
    seat: Seat = word()
    person_id: int = Field(foreign_key="person.id")
    starts_at: datetime
    ends_at: datetime
    mode: Mode = word()
    created_at: datetime
    state: ShiftState = word(default="published")
    roster_id: int | None = Field(default=None, foreign_key="roster.id", index=True)
    # Whose turn it was, apart from who was planned to serve; both in the same rotation.
    rotation_id: int | None = Field(default=None, foreign_key="rotation.id")
    owner_id: int | None = Field(default=None, foreign_key="person.id")
    day_class: DayClass | None = word(default=None)
    locked: bool = False
    signs_in: bool = False
    # Why this person: a code and its values, put into words where it is shown.
    why: dict[str, Any] = Field(default_factory=dict, sa_column=Column(KeptJson, nullable=False))
    # RFC 5545 SEQUENCE: how often the plan of a published shift changed.
    sequence: int = 0
    changed_at: datetime | None = None
    # The row is the schedule: when somebody has to be told of it, or looked for, next.
    next_action_at: datetime | None = None


class SeatHolder(Record, table=True):
    """Who really sat there, where that differs from the plan.

    With ``instead_of_shift_id`` the person replaces the one planned for that shift, and without a
    person nobody sits there (``vacated``: a leave struck it). Without it the person holds the seat
    *as well*: the outgoing operator who has not handed over yet. A row with ``voided_at`` never counts.
    """

    __tablename__ = "seat_holder"
    __table_args__ = (Index("ix_seat_holder_unit_id_until_at_from_at", "unit_id", "until_at", "from_at"),)

    id: int | None = Field(default=None, primary_key=True)
    unit_id: int = Field(foreign_key="unit.id")
    seat: Seat = word()
    person_id: int | None = Field(default=None, foreign_key="person.id", index=True)
    from_at: datetime
    until_at: datetime | None = None
    instead_of_shift_id: int | None = Field(default=None, foreign_key="shift.id", index=True)
    kind: HolderKind = word(default="substitute")
    change_id: int | None = Field(default=None, foreign_key="shift_change.id", index=True)
    leave_id: int | None = Field(default=None, foreign_key="leave_report.id", index=True)
    reason: str
    created_at: datetime
    voided_at: datetime | None = None
    voided_reason: str = ""


class ShiftChange(Record, table=True):
    """A substitution (代班) or a swap (换班) that somebody asks for; the seat changes hands when it is approved.

    ``from_at`` and ``until_at`` narrow a substitution to a part of the shift; of a swap they are when
    the earlier of both shifts begins and the later one ends. Not approved by ``from_at``, it expires.
    """

    __tablename__ = "shift_change"
    __table_args__ = (
        Index("ix_shift_change_asked", "from_at", sqlite_where=_ASKED, postgresql_where=_ASKED),
    )

    id: int | None = Field(default=None, primary_key=True)
    kind: ChangeKind = word()
    state: ChangeState = word(default="requested")
    unit_id: int = Field(foreign_key="unit.id", index=True)
    shift_id: int = Field(foreign_key="shift.id", index=True)
    other_shift_id: int | None = Field(default=None, foreign_key="shift.id", index=True)
    from_person_id: int | None = Field(default=None, foreign_key="person.id", index=True)
    to_person_id: int = Field(foreign_key="person.id", index=True)
    from_at: datetime
    until_at: datetime
    reason: str
    requested_at: datetime
    requested_by: str
    # Who asked, where the account belongs to a person: told what became of it.
    asker_id: int | None = Field(default=None, foreign_key="person.id")
    decided_at: datetime | None = None
    decided_by: str = ""
    decision: str = ""
    cancelled_at: datetime | None = None
    cancelled_by: str = ""


class LeaveReport(Record, table=True):
    """A leave or trip (Art. 57): who is away from post or city, until when, and every step the rules ask for."""

    __tablename__ = "leave_report"
    __table_args__ = (Index("ix_leave_report_person_id_ends_at", "person_id", "ends_at"),)

    id: int | None = Field(default=None, primary_key=True)
    person_id: int = Field(foreign_key="person.id")
    unit_id: int = Field(foreign_key="unit.id", index=True)
    kind: LeaveKind = word()
    away: Away = word()
    reason: str
    place: str = ""
    transport: str = ""
    # How the work is seen to meanwhile (外出期间的工作安排).
    arrangement: str = ""
    # Why head and deputy are away together: it is asked for, and stops nothing.
    together_reason: str = ""
    starts_at: datetime
    ends_at: datetime
    state: LeaveState = word(default="requested")
    urgent: bool = False
    phone_reported_at: datetime | None = None
    phone_reported_to: str = ""
    # When the written report arrived; the director's goes to the city's duty office, with the consent of the
    # city leader in charge, and is filed with the party committee's general office (Art. 57.1).
    written_at: datetime | None = None
    consent_by: str = ""
    consent_at: datetime | None = None
    receipt: str = ""
    filed_at: datetime | None = None
    # The deputy who runs the bureau meanwhile (Art. 5), whose term stands in ``post``.
    delegate_id: int | None = Field(default=None, foreign_key="person.id")
    delegate_post_id: int | None = Field(default=None, foreign_key="post.id")
    delegated_at: datetime | None = None
    requested_at: datetime
    requested_by: str
    # Who decided, and who wrote that down where it was somebody else.
    decided_at: datetime | None = None
    decided_by: str = ""
    decision: str = ""
    recorded_by: str = ""
    # The return (销假): when it was, and when and by whom it was reported.
    returned_at: datetime | None = None
    return_reported_at: datetime | None = None
    returned_by: str = ""
    cancelled_at: datetime | None = None
    cancelled_by: str = ""
    cancel_reason: str = ""


class LeaveAmendment(Record, table=True):
    """A change of a leave's dates or itinerary (行程变更); until it is approved the leave stands as it was."""

    __tablename__ = "leave_amendment"

    id: int | None = Field(default=None, primary_key=True)
    leave_id: int = Field(foreign_key="leave_report.id", index=True)
    state: ChangeState = word(default="requested")
    reason: str
    away: Away = word()
    place: str = ""
    transport: str = ""
    starts_at: datetime
    ends_at: datetime
    # What it replaces: dates as RFC 3339, and the itinerary.
    before: dict[str, Any] = Field(default_factory=dict, sa_column=Column(KeptJson, nullable=False))
    requested_at: datetime
    requested_by: str
    decided_at: datetime | None = None
    decided_by: str = ""
    decision: str = ""
    recorded_by: str = ""


class Attendance(Record, table=True):
    """Somebody signed in at the start of a shift, or was noted as being there: beside the plan, never over it."""

    id: int | None = Field(default=None, primary_key=True)
    shift_id: int = Field(foreign_key="shift.id", index=True)
    person_id: int = Field(foreign_key="person.id")
    kind: AttendanceKind = word()
    how: AttendanceHow = word()
    at: datetime
    recorded_at: datetime
    recorded_by: str
    note: str = ""


class CalendarFeed(Record, table=True):
    """A secret address under which a person's or a seat's shifts are read by a calendar program."""

    __tablename__ = "calendar_feed"

    id: int | None = Field(default=None, primary_key=True)
    kind: FeedKind = word()
    person_id: int | None = Field(default=None, foreign_key="person.id", index=True)
    unit_id: int | None = Field(default=None, foreign_key="unit.id")
    seat: Seat | None = word(default=None)
    token_hash: str = Field(unique=True)
    created_at: datetime
    created_by: str
    revoked_at: datetime | None = None
    last_read_at: datetime | None = None

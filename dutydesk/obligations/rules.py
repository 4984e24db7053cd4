"""Which duties an incident brings, from when, by when, and how they are judged. Pure functions.

What changes when the facts change is decided in ``settle``, with the words of this module.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import Literal

from dutydesk.rulebook.types import MAJOR_GRADES, Base, Grade, LadderPlan, Rule

OWED_STATES = frozenset({"open", "breached"})
FULFILLED_STATES = frozenset({"fulfilled", "fulfilled_late"})


@dataclass(frozen=True, slots=True)
class ReportFact:
    """A report that counts (not voided)."""

    id: int
    kind: str
    reported_at: datetime
    unchecked: bool = False
    # A phone report without reporter or number: they are owed within a quarter of an hour.
    incomplete_since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Subject:
    """Everything about an incident that decides its clocks.

    ``regraded_at`` is set only while a regrade is being settled and the incident was never major
    or suspected before it. ``live`` is False for withdrawn and merged incidents.
    """

    grade: Grade
    suspected: bool
    sensitive: bool
    occurred_at: datetime | None
    occurred_exactly: bool
    learned_at: datetime | None
    received_at: datetime
    live: bool = True
    close_cause: str = "WITHDRAWN"
    ended_at: datetime | None = None
    regraded_at: datetime | None = None
    reports: tuple[ReportFact, ...] = ()


@dataclass(frozen=True, slots=True)
class Standing:
    """An obligation as it stands in the database."""

    id: int
    rule_id: str
    sequence: int
    state: str
    base_kind: str
    base_at: datetime
    base_certain: bool
    due_at: datetime | None
    occurrence_due_at: datetime | None = None
    limit: timedelta | None = None
    evidence: str = ""
    evidence_report_id: int | None = None
    evidence_at: datetime | None = None
    evidence_unchecked: bool = False
    close_cause: str | None = None


@dataclass(frozen=True, slots=True)
class BasePoint:
    """The instant a clock runs from, of what kind, and whether anybody may still doubt it."""

    kind: str
    at: datetime
    certain: bool


@dataclass(frozen=True, slots=True)
class Clocking:
    """A base with the due time that follows from it (None: no limit is set)."""

    base: BasePoint
    due_at: datetime | None
    occurrence_due_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Open:
    """Open a new obligation under a rule."""

    rule: Rule
    sequence: int
    clocking: Clocking
    evidence: ReportFact | None = None


@dataclass(frozen=True, slots=True)
class Reopen:
    """Something that was closed is owed again, at the due time given."""

    obligation_id: int
    clocking: Clocking
    cause: str


@dataclass(frozen=True, slots=True)
class Move:
    """The base changed: the same obligation gets another due time, or a more certain base."""

    obligation_id: int
    clocking: Clocking


@dataclass(frozen=True, slots=True)
class Fulfil:
    """Evidence is in."""

    obligation_id: int
    evidence: ReportFact


@dataclass(frozen=True, slots=True)
class Withdraw:
    """It is no longer owed."""

    obligation_id: int
    cause: str


Change = Open | Reopen | Move | Fulfil | Withdraw


@dataclass(frozen=True, slots=True)
class Judgement:
    """On time or late, by how much, and whether it is final."""

    value: Literal["on_time", "late"]
    late_seconds: int
    provisional: bool


def counts_as_suspected(grade: Grade, *, suspected: bool) -> bool:
    """Tell whether an incident has to be treated as possibly major.

    Nobody knows the grade of a first report, so an ungraded incident counts as suspected until
    somebody grades it (design §5; domain §0.2).
    """
    return suspected or grade == "ungraded"


def is_major(grade: Grade, *, suspected: bool) -> bool:
    """Tell whether an incident is major, especially major, or has to be treated as such."""
    return grade in MAJOR_GRADES or counts_as_suspected(grade, suspected=suspected)


def applies(rule: Rule, subject: Subject) -> bool:
    """Tell whether a rule binds for an incident of that grade and with those flags."""
    wanted = rule.applies
    suspected = counts_as_suspected(subject.grade, suspected=subject.suspected)
    return (
        subject.grade in wanted.grades
        or (wanted.suspected and suspected)
        or (wanted.sensitive and subject.sensitive)
    )


def choose_base(
    bases: Sequence[Base], subject: Subject, last_report: datetime | None = None
) -> BasePoint | None:
    """Return the first base in the rule's order that is known; None when none is.

    Only an exactly known occurrence is certain where a rule counts from the occurrence; learning and
    receiving stand in for it and leave the verdict provisional (domain §2.7, case 2).
    """
    known: Mapping[str, datetime | None] = {
        "occurred_at": subject.occurred_at,
        "learned_at": subject.learned_at,
        "received_at": subject.received_at,
        "last_report": last_report,
        "ended_at": subject.ended_at,
    }
    for kind in bases:
        at = known[kind]
        if at is not None:
            stands_in = "occurred_at" in bases and kind != "occurred_at"
            guessed = kind == "occurred_at" and not subject.occurred_exactly
            return BasePoint(kind, at, certain=not (stands_in or guessed))
    return None


def due_time(base_at: datetime, limit: timedelta | None) -> datetime | None:
    """Return the absolute due time, to the second; None where no limit is set."""
    return None if limit is None else base_at + limit


def judge(
    due_at: datetime | None,
    evidence_at: datetime,
    *,
    base_certain: bool,
    unchecked: bool,
    clock_suspect: bool,
) -> Judgement:
    """Judge evidence against a due time: on time means ``evidence_at <= due_at`` (domain §0.1).

    The result is provisional while the base is estimated, the evidence was entered late and nobody
    checked it, or the machine's clock is in doubt (design §3).
    """
    late = 0 if due_at is None else max(0, int((evidence_at - due_at).total_seconds()))
    provisional = not base_certain or unchecked or clock_suspect
    return Judgement("late" if late else "on_time", late, provisional)


def minutes_late(seconds: int) -> int:
    """Return lateness as shown to people: whole minutes, rounded up (domain §2.7, case 1)."""
    return -(-seconds // 60)


def rung_times(
    ladder: LadderPlan, opened_at: datetime, base_at: datetime, due_at: datetime
) -> list[tuple[str, datetime]]:
    """Return each rung's key with its absolute time, in the ladder's order."""
    anchors = {"opened": opened_at, "base": base_at, "due": due_at}
    return [(rung.key, anchors[rung.anchor] + rung.offset) for rung in ladder.rungs]


def rules_in_force(rules: Sequence[Rule], subject: Subject, zone: tzinfo) -> list[Rule]:
    """Return, of each rule, the version in force on the site day of its base instant (design §5)."""
    chosen: dict[str, Rule] = {}
    for rule in rules:
        base = choose_base(rule.bases, subject)
        day = (base.at if base is not None else subject.received_at).astimezone(zone).date()
        if rule.in_force(day):
            chosen.setdefault(rule.id, rule)
    return list(chosen.values())

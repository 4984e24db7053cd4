"""Which duties an incident brings, from when, by when, and how they are judged. Pure functions.

``settle`` is the heart: it looks at everything known about one incident and says what has to change
so that its obligations agree with the facts. Logging, correcting, regrading, withdrawing, voiding
and ending all end in the same question, so a case that was forgotten in one of them cannot exist.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
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


def settle(subject: Subject, rules: Sequence[Rule], standing: Sequence[Standing]) -> list[Change]:
    """Return what has to change so that the obligations agree with the facts.

    Waived obligations stay waived. What a person's key or a person's entry fulfilled stays
    fulfilled; only its due time may still move.
    """
    if not subject.live:
        return [Withdraw(one.id, subject.close_cause) for one in standing if one.state in OWED_STATES]
    changes: list[Change] = []
    for rule in rules:
        mine = [one for one in standing if one.rule_id == rule.id]
        if not applies(rule, subject):
            changes += [Withdraw(one.id, "REGRADED") for one in mine if one.state in OWED_STATES]
        elif rule.opens_on == "first_report":
            changes += _settle_follow_ups(rule, subject, mine)
        elif rule.opens_on == "incomplete_report":
            changes += _settle_incomplete(rule, subject, mine)
        elif rule.opens_on == "incident" or subject.ended_at is not None:
            changes += _settle_single(rule, subject, mine)
        else:
            # The end of the handling was taken back: the final report is not owed yet.
            changes += [Withdraw(one.id, "REINSTATED") for one in mine if one.state in OWED_STATES]
    return changes + _settle_without_rule(subject, standing, {rule.id for rule in rules})


def _settle_without_rule(
    subject: Subject, standing: Sequence[Standing], known: Collection[str]
) -> list[Change]:
    """Let a report end what it is owed for, also where the rule has been edited away since (design §5)."""
    changes: list[Change] = []
    used = {one.evidence_report_id for one in standing}
    for one in standing:
        if one.rule_id in known or one.state not in OWED_STATES:
            continue
        fitting = [report for report in subject.reports if report.kind == one.evidence]
        fresh = [report for report in fitting if one.evidence != "follow_up" or report.id not in used]
        evidence = _first(fresh, one.evidence)
        if evidence is not None:
            changes.append(Fulfil(one.id, evidence))
    return changes


def _settle_single(rule: Rule, subject: Subject, mine: Sequence[Standing]) -> list[Change]:
    """Settle a rule that is owed once for each incident."""
    one = mine[0] if mine else None
    clocking = _clocking(rule, subject, one)
    if clocking is None:
        return []
    evidence = _first(subject.reports, rule.evidence)
    if one is None:
        return [Open(rule, 0, clocking, evidence)]
    return _settle_one(one, clocking, evidence, by_report=rule.evidence not in ("key", "entry"))


def _settle_one(
    one: Standing, clocking: Clocking, evidence: ReportFact | None, *, by_report: bool
) -> list[Change]:
    """Bring one standing obligation in line with its base and its evidence."""
    if one.state == "waived":
        return []
    changes: list[Change] = []
    if one.state == "withdrawn":
        changes.append(Reopen(one.id, clocking, "REINSTATED"))
    elif by_report and one.state in FULFILLED_STATES and evidence is None:
        changes.append(Reopen(one.id, clocking, "VOIDED"))
    elif _differs(one, clocking):
        changes.append(Move(one.id, clocking))
    if evidence is not None and (
        one.state not in FULFILLED_STATES
        or one.evidence_report_id != evidence.id
        or one.evidence_unchecked != evidence.unchecked
    ):
        changes.append(Fulfil(one.id, evidence))
    return changes


def _differs(one: Standing, clocking: Clocking) -> bool:
    return (one.base_kind, one.base_at, one.base_certain, one.due_at, one.occurrence_due_at) != (
        clocking.base.kind,
        clocking.base.at,
        clocking.base.certain,
        clocking.due_at,
        clocking.occurrence_due_at,
    )


def _clocking(rule: Rule, subject: Subject, one: Standing | None) -> Clocking | None:
    """Return the base and due time a single obligation should have.

    An upgrade of an incident that was never major or suspected starts its clocks at the upgrade
    (升级补判) and shows beside them what the occurrence would have asked (domain §2.7, case 4).
    """
    base = choose_base(rule.bases, subject)
    if base is None:
        return None
    # What is open keeps the limit it was opened with, whatever the file says by now.
    limit = rule.limit_for(subject.grade) if one is None else one.limit
    due_at = due_time(base.at, limit)
    if one is not None and one.base_kind == "regraded_at":
        kept = BasePoint("regraded_at", one.base_at, certain=one.base_certain)
        return Clocking(kept, due_time(one.base_at, limit), due_at)
    if one is None and subject.regraded_at is not None:
        upgraded = BasePoint("regraded_at", subject.regraded_at, certain=True)
        return Clocking(upgraded, due_time(subject.regraded_at, limit), due_at)
    return Clocking(base, due_at)


def _settle_incomplete(rule: Rule, subject: Subject, mine: Sequence[Standing]) -> list[Change]:
    """A phone report that does not say who called from which number: both are owed (design §5)."""
    lacking = {
        report.id: report.incomplete_since
        for report in subject.reports
        if report.incomplete_since is not None
    }
    changes: list[Change] = [
        Withdraw(one.id, "VOIDED") for one in mine if one.state in OWED_STATES and one.sequence not in lacking
    ]
    by_report = {one.sequence: one for one in mine}
    for report_id, since in lacking.items():
        clocking = Clocking(BasePoint("last_report", since, certain=True), due_time(since, rule.limit))
        one = by_report.get(report_id)
        if one is None:
            changes.append(Open(rule, report_id, clocking))
        elif one.state == "withdrawn":
            changes.append(Reopen(one.id, clocking, "REINSTATED"))
    return changes


def _settle_follow_ups(rule: Rule, subject: Subject, mine: Sequence[Standing]) -> list[Change]:
    """Settle the staged follow-ups (阶段续报): each report closes number *n* and opens *n* + 1."""
    counted = {report.id: report for report in subject.reports}
    by_number = {one.sequence: one for one in mine}
    standing = {one.sequence: one for one in mine if _stands(one, counted)}
    used = {one.evidence_report_id for one in standing.values()}
    waiting = sorted(
        (report for report in subject.reports if report.kind == "follow_up" and report.id not in used),
        key=lambda report: (report.reported_at, report.id),
    )
    if subject.ended_at is not None:
        # A report after the end of the handling is welcome; nobody was waiting for it any more.
        waiting = [report for report in waiting if report.reported_at <= subject.ended_at]
    told = [report for report in subject.reports if report not in waiting]
    changes: list[Change] = []
    number = _first_free(standing, 1)
    for report in waiting:
        last = _last(told, report.reported_at)
        changes += _follow_up(rule, subject, by_number.get(number), number, last, report)
        told.append(report)
        number = _first_free(standing, number + 1)
    if subject.ended_at is not None:
        return changes + [Withdraw(one.id, "ENDED") for one in _owed_from(mine, number)]
    base = _open_base(number, by_number.get(number), told, standing)
    if base is not None:
        changes += _follow_up(rule, subject, by_number.get(number), number, base, None)
    return changes + [Withdraw(one.id, "SUPERSEDED") for one in _owed_from(mine, number + 1)]


def _first_free(standing: Mapping[int, Standing], number: int) -> int:
    """Return the first number from *number* on that is not done for good."""
    while number in standing:
        number += 1
    return number


def _open_base(
    number: int, one: Standing | None, told: Sequence[ReportFact], standing: Mapping[int, Standing]
) -> datetime | None:
    """Return the report that the open follow-up counts from: the last one, but none that a later number took.

    So a follow-up whose report was voided in the middle of the chain returns to its original due time.
    """
    later = [row for sequence, row in standing.items() if sequence > number and row.evidence_at is not None]
    taken = {row.evidence_report_id for row in later}
    until = min((row.evidence_at for row in later if row.evidence_at is not None), default=None)
    before = [
        report.reported_at
        for report in told
        if report.id not in taken and (until is None or report.reported_at <= until)
    ]
    if before:
        return max(before)
    if one is not None and one.state != "withdrawn":
        return one.base_at
    return max((report.reported_at for report in told), default=None)


def _stands(one: Standing, counted: Mapping[int, ReportFact]) -> bool:
    """Tell whether a follow-up is done for good: waived, or fulfilled by a report that still counts."""
    return one.state == "waived" or (one.state in FULFILLED_STATES and one.evidence_report_id in counted)


def _owed_from(mine: Iterable[Standing], number: int) -> list[Standing]:
    return [one for one in mine if one.sequence >= number and one.state in OWED_STATES]


def _last(told: Sequence[ReportFact], before: datetime) -> datetime:
    """Return the latest report not after *before* (or *before* itself when it is the first word)."""
    return max((report.reported_at for report in told if report.reported_at <= before), default=before)


def _follow_up(
    rule: Rule,
    subject: Subject,
    one: Standing | None,
    number: int,
    last_report: datetime,
    evidence: ReportFact | None,
) -> list[Change]:
    limit = rule.limit_for(subject.grade) if one is None else one.limit
    base = BasePoint("last_report", last_report, certain=True)
    clocking = Clocking(base, due_time(last_report, limit))
    if one is None:
        return [Open(rule, number, clocking, evidence)]
    if one.state in FULFILLED_STATES and evidence is None:
        # Its report was voided: it counts from the report before that one, as it did.
        return [Reopen(one.id, clocking, "VOIDED")]
    if one.state in OWED_STATES and evidence is not None:
        return [Fulfil(one.id, evidence)]
    return _settle_one(one, clocking, evidence, by_report=True)


def _first(reports: Iterable[ReportFact], kind: str) -> ReportFact | None:
    """Return the earliest report of a kind: a later one cannot make the first one late."""
    of_kind = [report for report in reports if report.kind == kind]
    return min(of_kind, key=lambda report: (report.reported_at, report.id), default=None)


def rules_in_force(rules: Sequence[Rule], subject: Subject, zone: tzinfo) -> list[Rule]:
    """Return, of each rule, the version in force on the site day of its base instant (design §5)."""
    chosen: dict[str, Rule] = {}
    for rule in rules:
        base = choose_base(rule.bases, subject)
        day = (base.at if base is not None else subject.received_at).astimezone(zone).date()
        if rule.in_force(day):
            chosen.setdefault(rule.id, rule)
    return list(chosen.values())

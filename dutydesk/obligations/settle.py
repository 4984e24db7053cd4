"""What has to change so that an incident's obligations agree with the facts. Pure functions.

``settle`` is the heart: it looks at everything known about one incident. Logging, correcting,
regrading, withdrawing, voiding and ending all end in the same question, so a case that was forgotten
in one of them cannot exist.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime

from dutydesk.obligations.rules import (
    FULFILLED_STATES,
    OWED_STATES,
    BasePoint,
    Change,
    Clocking,
    Fulfil,
    Move,
    Open,
    Reopen,
    ReportFact,
    Standing,
    Subject,
    Withdraw,
    applies,
    choose_base,
    due_time,
)
from dutydesk.rulebook.types import Rule


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

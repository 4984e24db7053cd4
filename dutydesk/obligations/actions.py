"""Changing obligations. Every function works in the caller's transaction.

Closing an obligation must also cancel its unsent alerts; alerts are a layer above, so each function
says which obligations it closed or re-timed and the caller cancels (design §4: whoever ends a cause).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from dutydesk.audit.actions import record
from dutydesk.db import Session
from dutydesk.errors import ConflictError
from dutydesk.obligations import queries
from dutydesk.obligations.ladders import ladder_from_json, ladder_to_json
from dutydesk.obligations.model import (
    OWED,
    NoReport,
    Obligation,
    Rung,
    VerdictValue,
)
from dutydesk.obligations.rules import (
    FULFILLED_STATES,
    Change,
    Clocking,
    Fulfil,
    Move,
    Open,
    Reopen,
    Standing,
    Withdraw,
    rung_times,
)
from dutydesk.obligations.verdicts import judge_row, say
from dutydesk.rulebook.types import LadderPlan


@dataclass(frozen=True, slots=True)
class Owner:
    """What every obligation of one incident has in common; without one ``subject`` says what it is about."""

    incident_id: int | None
    number: str
    unit_id: int
    drill: bool
    subject: str = ""
    scope: str = ""
    person_id: int | None = None
    title: str = ""


@dataclass(slots=True)
class Settled:
    """What was done: obligation ids whose unsent alerts have to go, each with the reason."""

    opened: list[int] = field(default_factory=list)
    cancel: dict[int, str] = field(default_factory=dict)


def standing(row: Obligation) -> Standing:
    """Return the facts of a row that the rules decide on."""
    return Standing(
        id=row.id or 0,
        rule_id=row.rule_id,
        sequence=row.sequence,
        state=row.state,
        base_kind=row.base_kind,
        base_at=row.base_at,
        base_certain=row.base_certain,
        due_at=row.due_at,
        occurrence_due_at=row.occurrence_due_at,
        limit=None if row.limit_seconds is None else timedelta(seconds=row.limit_seconds),
        evidence=row.evidence,
        evidence_report_id=row.evidence_report_id,
        evidence_at=row.evidence_at,
        evidence_unchecked=row.evidence_unchecked,
        close_cause=row.close_cause,
    )


async def apply_changes(
    session: Session,
    now: datetime,
    actor: str,
    owner: Owner,
    ladders: Mapping[str, LadderPlan],
    rows: Sequence[Obligation],
    changes: Sequence[Change],
) -> Settled:
    """Write what ``rules.settle`` decided, with audit entries, in the caller's transaction."""
    by_id = {row.id: row for row in rows}
    done = Settled()
    doubt = await queries.clock_in_doubt(session)
    for change in changes:
        match change:
            case Open():
                row = await _open(session, now, owner, ladders[change.rule.ladder], change)
                done.opened.append(row.id or 0)
                if change.evidence is not None:
                    await _fulfil(session, now, actor, row, Fulfil(row.id or 0, change.evidence), doubt=doubt)
            case Reopen():
                row = by_id[change.obligation_id]
                await _reopen(session, now, actor, row, change)
                done.cancel[change.obligation_id] = "DUE_MOVED"
            case Move():
                row = by_id[change.obligation_id]
                if await _move(session, now, actor, row, change.clocking, doubt=doubt):
                    done.cancel[change.obligation_id] = "DUE_MOVED"
            case Fulfil():
                row = by_id[change.obligation_id]
                await _fulfil(session, now, actor, row, change, doubt=doubt)
                done.cancel[change.obligation_id] = "ALREADY_REPORTED"
            case Withdraw():
                row = by_id[change.obligation_id]
                await close(session, now, actor, row, "withdrawn", change.cause)
                done.cancel[change.obligation_id] = change.cause
    return done


async def _open(
    session: Session, now: datetime, owner: Owner, ladder: LadderPlan, change: Open
) -> Obligation:
    rule, clocking = change.rule, change.clocking
    limit = None
    if clocking.due_at is not None:
        limit = int((clocking.due_at - clocking.base.at).total_seconds())
    label = "、".join(part for part in (_upgrade_label(clocking), rule.label) if part)
    row = Obligation(
        rule_id=rule.id,
        rule_version=rule.version,
        article=rule.article,
        title=owner.title
        or (f"{rule.title}{change.sequence}" if rule.opens_on == "first_report" else rule.title),
        words=rule.words,
        label=label,
        binds=rule.binds,
        hard=rule.hard,
        evidence=rule.evidence,
        subject=owner.subject or f"incident/{owner.incident_id}",
        scope=owner.scope,
        incident_id=owner.incident_id,
        person_id=owner.person_id,
        number=owner.number,
        unit_id=owner.unit_id,
        drill=owner.drill,
        sequence=change.sequence,
        opened_at=now,
        base_kind=clocking.base.kind,
        base_at=clocking.base.at,
        base_certain=clocking.base.certain,
        limit_seconds=limit,
        due_at=clocking.due_at,
        occurrence_due_at=clocking.occurrence_due_at,
        state="open",
        ladder=ladder_to_json(ladder),
    )
    session.add(row)
    await session.flush()
    if change.evidence is None:
        await _lay_rungs(session, row)
    return row


def _upgrade_label(clocking: Clocking) -> str:
    return "升级补判" if clocking.base.kind == "regraded_at" else ""


async def _lay_rungs(session: Session, row: Obligation) -> None:
    """Write the rungs of the row's version of the due time and say when the first one falls due."""
    row.next_action_at = None
    if row.due_at is None:
        return
    times = rung_times(ladder_from_json(row.ladder), row.opened_at, row.base_at, row.due_at)
    session.add_all(
        Rung(obligation_id=row.id or 0, due_version=row.due_version, key=key, at=at) for key, at in times
    )
    row.next_action_at = min([row.due_at, *(at for _, at in times)])
    await session.flush()


def _take(row: Obligation, clocking: Clocking) -> None:
    row.base_kind = clocking.base.kind
    row.base_at = clocking.base.at
    row.base_certain = clocking.base.certain
    row.due_at = clocking.due_at
    row.occurrence_due_at = clocking.occurrence_due_at
    if row.limit_seconds is None and clocking.due_at is not None:
        row.limit_seconds = int((clocking.due_at - clocking.base.at).total_seconds())


async def _new_version(session: Session, row: Obligation) -> None:
    """Give the due time another version: old rungs are superseded, the new ones are all armed."""
    await queries.supersede_armed(session, row.id or 0)
    row.due_version += 1
    await _lay_rungs(session, row)


async def _reopen(session: Session, now: datetime, actor: str, row: Obligation, change: Reopen) -> None:
    _take(row, change.clocking)
    row.state = "open"
    row.closed_at = row.close_cause = None
    row.evidence_at = row.evidence_report_id = None
    row.evidence_unchecked = False
    row.taken_over_by = row.taken_over_reason = row.next_check_at = None
    await _new_version(session, row)
    await say(session, now, actor, row, "reopened", change.cause, provisional=True)
    record(session, now, actor, "obligation.reopened", f"obligation:{row.id}", cause=change.cause)


async def _move(
    session: Session, now: datetime, actor: str, row: Obligation, clocking: Clocking, *, doubt: bool
) -> bool:
    """Give a row another base; tell whether its due time moved."""
    before, moved = row.due_at, row.due_at != clocking.due_at
    _take(row, clocking)
    if row.state in FULFILLED_STATES:
        if moved:
            row.due_version += 1
        await judge_row(session, now, actor, row, "DUE_MOVED" if moved else "BASE_CHANGED", doubt=doubt)
    elif moved:
        if row.due_at is not None and row.due_at > now:
            row.state = "open"
        await _new_version(session, row)
    record(
        session,
        now,
        actor,
        "obligation.moved",
        f"obligation:{row.id}",
        base=row.base_kind,
        due_before=_text(before),
        due_after=_text(row.due_at),
    )
    return moved


def _text(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()


async def _fulfil(
    session: Session, now: datetime, actor: str, row: Obligation, change: Fulfil, *, doubt: bool
) -> None:
    row.evidence_report_id = change.evidence.id or None
    await fulfil(
        session,
        now,
        actor,
        row,
        change.evidence.reported_at,
        unchecked=change.evidence.unchecked,
        doubt=doubt,
        cause=f"REPORT_{change.evidence.kind.upper()}",
    )


async def fulfil(
    session: Session,
    now: datetime,
    actor: str,
    row: Obligation,
    evidence_at: datetime,
    *,
    cause: str,
    unchecked: bool = False,
    doubt: bool = False,
) -> None:
    """End an obligation by evidence given at *evidence_at*, with its verdict."""
    row.evidence_at = evidence_at
    row.evidence_unchecked = unchecked
    row.closed_at = row.closed_at or now
    row.close_cause = cause
    row.next_action_at = None
    await judge_row(session, now, actor, row, cause, doubt=doubt)
    record(session, now, actor, "obligation.fulfilled", f"obligation:{row.id}", state=row.state, cause=cause)


async def close(
    session: Session,
    now: datetime,
    actor: str,
    row: Obligation,
    state: VerdictValue,
    cause: str,
    reason: str = "",
) -> None:
    """End an obligation without evidence: ``waived`` or ``withdrawn``.

    Raises:
        ConflictError: when nothing is owed any more.
    """
    if row.state not in OWED:
        message = f"obligation {row.id} is {row.state}; only one that is still owed can be {state}"
        raise ConflictError(message)
    row.state = "waived" if state == "waived" else "withdrawn"
    row.closed_at = now
    row.close_cause = cause
    row.next_action_at = None
    await say(session, now, actor, row, state, cause, reason=reason)
    record(session, now, actor, f"obligation.{row.state}", f"obligation:{row.id}", cause=cause, reason=reason)


async def readdress(session: Session, now: datetime, actor: str, row: Obligation, unit_id: int) -> bool:
    """Let another unit owe it: the wrong one was written down; tell whether its ladder begins anew."""
    before, row.unit_id = row.unit_id, unit_id
    record(
        session,
        now,
        actor,
        "obligation.readdressed",
        f"obligation:{row.id}",
        unit_before=before,
        unit_id=unit_id,
    )
    if row.state not in OWED or row.due_at is None:
        return False
    await _new_version(session, row)
    return True


async def owe_in_person(
    session: Session, now: datetime, actor: str, row: Obligation, person_id: int | None
) -> bool:
    """Let somebody else owe it in person: the seat changed hands; tell whether its ladder begins anew."""
    if row.person_id == person_id or row.state not in OWED:
        return False
    before, row.person_id = row.person_id, person_id
    record(
        session,
        now,
        actor,
        "obligation.readdressed",
        f"obligation:{row.id}",
        person_before=before,
        person=person_id,
    )
    if row.due_at is None:
        return False
    await _new_version(session, row)
    return True


async def take_over(
    session: Session,
    now: datetime,
    actor: str,
    row: Obligation,
    who: str,
    reason: str,
    next_check_at: datetime,
) -> None:
    """Let a named person answer for an owed obligation until *next_check_at*.

    Rungs still ahead fire all the same; only the repeated call for a hand rests until then.

    Raises:
        ConflictError: when nothing is owed, or the time is not ahead.
    """
    if row.state not in OWED:
        message = f"obligation {row.id} is {row.state}; there is nothing to take over"
        raise ConflictError(message)
    if next_check_at <= now:
        message = "next_check_at must be in the future"
        raise ConflictError(message)
    row.taken_over_by, row.taken_over_reason, row.next_check_at = who, reason, next_check_at
    row.next_action_at = now
    record(
        session,
        now,
        actor,
        "obligation.taken_over",
        f"obligation:{row.id}",
        who=who,
        reason=reason,
        next_check_at=next_check_at.isoformat(),
    )


def note_no_report(session: Session, now: datetime, row: Obligation) -> None:
    """Write down, once for each version of the due time, that it passed without evidence."""
    if row.due_at is None:
        return
    row.state = "breached"
    session.add(
        NoReport(obligation_id=row.id or 0, due_version=row.due_version, due_at=row.due_at, noticed_at=now)
    )
    record(
        session,
        now,
        "clockwork",
        "obligation.no_report",
        f"obligation:{row.id}",
        due_at=row.due_at.isoformat(),
    )

"""Verdicts: derived from the facts, versioned, never overwritten; and the doubt that a clock that stepped casts on them."""

from datetime import datetime

from dutydesk.audit.actions import record
from dutydesk.db import Session
from dutydesk.errors import ConflictError
from dutydesk.obligations import queries
from dutydesk.obligations.model import ClockStep, Obligation, Verdict, VerdictValue
from dutydesk.obligations.rules import judge


async def judge_row(
    session: Session, now: datetime, actor: str, row: Obligation, cause: str, *, doubt: bool
) -> None:
    """Derive the verdict and write it down when it differs from the last one."""
    if row.evidence_at is None:
        return
    judged = judge(
        row.due_at,
        row.evidence_at,
        base_certain=row.base_certain,
        unchecked=row.evidence_unchecked,
        clock_suspect=doubt,
    )
    row.state = "fulfilled_late" if judged.value == "late" else "fulfilled"
    await say(
        session,
        now,
        actor,
        row,
        judged.value,
        cause,
        late_seconds=judged.late_seconds,
        provisional=judged.provisional,
    )


async def say(
    session: Session,
    now: datetime,
    actor: str,
    row: Obligation,
    value: VerdictValue,
    cause: str,
    *,
    late_seconds: int = 0,
    provisional: bool = False,
    reason: str = "",
) -> None:
    """Write the next version of the verdict, unless it says what the last one said."""
    earlier = await queries.verdicts_of(session, [row.id or 0])
    last = earlier[-1] if earlier else None
    said = (value, late_seconds, provisional, row.due_at, row.evidence_at)
    if last is not None and said == (
        last.value,
        last.late_seconds,
        last.provisional,
        last.due_at,
        last.evidence_at,
    ):
        return
    session.add(
        Verdict(
            obligation_id=row.id or 0,
            version=last.version + 1 if last is not None else 1,
            value=value,
            late_seconds=late_seconds,
            due_at=row.due_at,
            evidence_at=row.evidence_at,
            provisional=provisional,
            cause=cause,
            reason=reason,
            decided_by=actor,
            decided_at=now,
        )
    )
    await session.flush()


def note_clock_step(session: Session, now: datetime, seconds: float) -> ClockStep:
    """Write down that the wall clock moved by *seconds* against the monotonic one."""
    step = ClockStep(noticed_at=now, seconds=seconds)
    session.add(step)
    record(session, now, "clockwork", "clock.stepped", "clock", seconds=round(seconds, 3))
    return step


async def confirm_clock(session: Session, now: datetime, actor: str, reason: str) -> int:
    """Record that a person checked the clock; verdicts in doubt for it are judged again.

    Returns how many steps were confirmed.

    Raises:
        ConflictError: when the clock is not in doubt.
    """
    steps = await queries.unconfirmed_steps(session)
    if not steps:
        message = "the clock is not in doubt"
        raise ConflictError(message)
    for step in steps:
        step.confirmed_at, step.confirmed_by = now, actor
    record(session, now, actor, "clock.confirmed", "clock", reason=reason, steps=len(steps))
    await session.flush()
    for row in await queries.fulfilled_under_doubt(session):
        await judge_row(session, now, actor, row, "CLOCK_CONFIRMED", doubt=False)
    return len(steps)

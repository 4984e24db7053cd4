"""The SQL of obligations, their rungs and verdicts."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import func, or_, update
from sqlmodel import col, select

from dutydesk.db import Session
from dutydesk.obligations.model import (
    OWED,
    ClockStep,
    NoReport,
    Obligation,
    Rung,
    Verdict,
)


async def obligation(session: Session, obligation_id: int, *, lock: bool = False) -> Obligation | None:
    """Return one obligation; with *lock*, kept from everybody else until the transaction ends."""
    return await session.get(Obligation, obligation_id, with_for_update=lock, populate_existing=lock)


async def obligations_of(session: Session, incident_id: int, *, lock: bool = False) -> list[Obligation]:
    """Return an incident's obligations in the order they were opened.

    With *lock* they are read afresh and kept from the clockwork (and it from them) until the
    transaction ends: what it has queued for them is then seen, and can be taken back.
    """
    wanted = select(Obligation).where(col(Obligation.incident_id) == incident_id).order_by(col(Obligation.id))
    if lock:
        wanted = wanted.with_for_update().execution_options(populate_existing=True)
    return list(await session.exec(wanted))


async def obligations_in(
    session: Session, scope: str, about: Collection[str] | None = None
) -> list[Obligation]:
    """Return the obligations of a scope, kept from everybody else until the transaction ends.

    With *about* only what is still owed and what is about these subjects: a scope grows over the years.
    """
    wanted = select(Obligation).where(col(Obligation.scope) == scope)
    if about is not None:
        wanted = wanted.where(or_(col(Obligation.state).in_(OWED), col(Obligation.subject).in_(about)))
    found = await session.exec(
        wanted.order_by(col(Obligation.id)).with_for_update().execution_options(populate_existing=True)
    )
    return list(found)


async def due_obligations(session: Session, now: datetime, limit: int) -> list[Obligation]:
    """Return obligations whose next action is due, oldest first, locked against other nodes.

    On SQLite the lock clause is dropped by the dialect; the writer's lock already keeps others out.
    """
    found = await session.exec(
        select(Obligation)
        .where(col(Obligation.next_action_at) <= now)
        .order_by(col(Obligation.next_action_at), col(Obligation.id))
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return list(found)


async def earliest_action(session: Session) -> datetime | None:
    """Return when the next obligation has to be looked at."""
    found = await session.exec(
        select(func.min(col(Obligation.next_action_at))).where(col(Obligation.next_action_at).is_not(None))
    )
    return found.one()


async def rungs_of(session: Session, obligation_ids: Collection[int]) -> list[Rung]:
    """Return every rung of these obligations, all versions, in the order they were laid."""
    found = await session.exec(
        select(Rung).where(col(Rung.obligation_id).in_(obligation_ids)).order_by(col(Rung.at), col(Rung.id))
    )
    return list(found)


async def supersede_armed(session: Session, obligation_id: int) -> None:
    """Take back the rungs that have not fired: another version of the due time replaces them."""
    await session.exec(
        update(Rung)
        .where(col(Rung.obligation_id) == obligation_id, col(Rung.state).in_(("armed", "fired")))
        .values(state="superseded")
    )


async def no_reports_of(session: Session, obligation_ids: Collection[int]) -> list[NoReport]:
    """Return the facts that due times passed without evidence."""
    found = await session.exec(
        select(NoReport).where(col(NoReport.obligation_id).in_(obligation_ids)).order_by(col(NoReport.id))
    )
    return list(found)


async def verdicts_of(session: Session, obligation_ids: Collection[int]) -> list[Verdict]:
    """Return every verdict of these obligations, oldest version first."""
    found = await session.exec(
        select(Verdict)
        .where(col(Verdict.obligation_id).in_(obligation_ids))
        .order_by(col(Verdict.obligation_id), col(Verdict.version))
    )
    return list(found)


async def fulfilled_under_doubt(session: Session) -> list[Obligation]:
    """Return fulfilled obligations whose latest verdict is provisional."""
    latest = (
        select(col(Verdict.obligation_id), func.max(col(Verdict.version)).label("version"))
        .group_by(col(Verdict.obligation_id))
        .subquery()
    )
    found = await session.exec(
        select(Obligation)
        .join(Verdict, col(Verdict.obligation_id) == col(Obligation.id))
        .join(
            latest,
            (latest.c.obligation_id == col(Verdict.obligation_id))
            & (latest.c.version == col(Verdict.version)),
        )
        .where(col(Verdict.provisional), col(Obligation.state).in_(("fulfilled", "fulfilled_late")))
    )
    return list(found)


async def clock_in_doubt(session: Session) -> bool:
    """Tell whether the clock stepped and nobody has confirmed it since."""
    found = await session.exec(
        select(col(ClockStep.id)).where(col(ClockStep.confirmed_at).is_(None)).limit(1)
    )
    return found.first() is not None


async def unconfirmed_steps(session: Session) -> list[ClockStep]:
    """Return the steps of the clock that wait for a person."""
    found = await session.exec(select(ClockStep).where(col(ClockStep.confirmed_at).is_(None)))
    return list(found)


async def wake(session: Session, obligation_ids: Collection[int], now: datetime) -> None:
    """Have the next pass look at these obligations, if they are still owed."""
    await session.exec(
        update(Obligation)
        .where(col(Obligation.id).in_(obligation_ids), col(Obligation.state).in_(OWED))
        .values(next_action_at=now)
    )


async def list_obligations(
    session: Session,
    *,
    state: str | None = None,
    due_before: datetime | None = None,
    unit_id: int | None = None,
    after_id: int = 0,
    limit: int = 100,
) -> list[Obligation]:
    """Return obligations by id, filtered."""
    wanted: list[Any] = [col(Obligation.id) > after_id]
    if state is not None:
        wanted.append(col(Obligation.state) == state)
    if due_before is not None:
        wanted.append(col(Obligation.due_at) < due_before)
    if unit_id is not None:
        wanted.append(col(Obligation.unit_id) == unit_id)
    found = await session.exec(select(Obligation).where(*wanted).order_by(col(Obligation.id)).limit(limit))
    return list(found)


async def owed_by_rule(session: Session) -> dict[str, int]:
    """Count what is owed, rule by rule (for the metrics)."""
    found = await session.exec(
        select(col(Obligation.rule_id), func.count())
        .where(col(Obligation.state).in_(OWED))
        .group_by(col(Obligation.rule_id))
    )
    return dict(found.all())


async def oldest_undone(session: Session, now: datetime) -> datetime | None:
    """Return the oldest action that should have happened by now and has not (None: nothing is late)."""
    found = await session.exec(
        select(func.min(col(Obligation.next_action_at))).where(col(Obligation.next_action_at) <= now)
    )
    return found.one()

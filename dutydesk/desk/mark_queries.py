"""What tells whether something on the board has changed: plain columns, asked for after every commit."""

from collections.abc import Collection
from typing import Any

# SQLModel types at most four columns of a select.
from sqlalchemy import select as columns
from sqlmodel import col, func

from dutydesk.alerts.model import Acknowledgement, Alert, Attempt, AttemptItem
from dutydesk.db import Session
from dutydesk.obligations.model import OWED, Obligation, Rung, Verdict


async def marks_of(session: Session, incident_ids: Collection[int]) -> dict[int, tuple[object, ...]]:
    """Return what tells, incident by incident, whether anything a board shows of it has changed.

    Plain columns and no rows: a tenth of the work of reading everything, which a busy night repeats
    several times a second.
    """
    return await _marks(session, col(Obligation.incident_id), incident_ids)


async def marks_of_owed(session: Session, ids: Collection[int]) -> dict[int, tuple[object, ...]]:
    """Return the same, obligation by obligation."""
    return await _marks(session, col(Obligation.id), ids)


async def _marks(session: Session, key: Any, ids: Collection[int]) -> dict[int, tuple[object, ...]]:
    found: dict[int, list[object]] = {one: [] for one in ids}
    for statement in (*_owed_marks(key, ids), *_told_marks(key, ids)):
        for owner, *rest in await session.exec(statement):
            found[owner].append(rest)
    return {one: tuple(marks) for one, marks in found.items()}


def _owed_marks(key: Any, ids: Collection[int]) -> tuple[Any, ...]:
    owned = key.in_(ids)
    owed = owned & col(Obligation.state).in_(OWED)
    return (
        columns(
            key.label("owner"),
            col(Obligation.id),
            col(Obligation.state),
            col(Obligation.due_version),
            col(Obligation.due_at),
            col(Obligation.base_certain),
            col(Obligation.taken_over_by),
            col(Obligation.next_check_at),
            col(Obligation.faults),
        )
        .where(owned)
        .order_by(col(Obligation.id)),
        columns(key, func.max(col(Verdict.id)))
        .join(Verdict, col(Verdict.obligation_id) == col(Obligation.id))
        .where(owned)
        .group_by(key),
        columns(key, col(Rung.state), func.count(), func.max(col(Rung.id)))
        .join(Rung, col(Rung.obligation_id) == col(Obligation.id))
        .where(owed, col(Rung.due_version) == col(Obligation.due_version))
        .group_by(key, col(Rung.state))
        .order_by(col(Rung.state)),
    )


def _told_marks(key: Any, ids: Collection[int]) -> tuple[Any, ...]:
    told = key.in_(ids) & col(Obligation.state).in_(OWED) & (col(Alert.channel) != "screen")
    return (
        columns(
            key,
            col(Alert.id),
            col(Alert.state),
            col(Alert.target),
            col(Alert.exhausted_reason),
            col(Alert.acknowledged_at).is_(None),
        )
        .join(Alert, col(Alert.obligation_id) == col(Obligation.id))
        .where(told)
        .order_by(col(Alert.id)),
        columns(
            key,
            col(Attempt.id),
            col(Attempt.state),
            col(Attempt.live),
            col(Attempt.outcome),
            col(Attempt.answered_at).is_(None),
        )
        .join(Alert, col(Alert.obligation_id) == col(Obligation.id))
        .join(AttemptItem, col(AttemptItem.alert_id) == col(Alert.id))
        .join(Attempt, col(Attempt.id) == col(AttemptItem.attempt_id))
        .where(told)
        .order_by(col(AttemptItem.id)),
        columns(key, col(Acknowledgement.id), col(Acknowledgement.on_seat))
        .join(Alert, col(Alert.obligation_id) == col(Obligation.id))
        .join(Acknowledgement, col(Acknowledgement.alert_id) == col(Alert.id))
        .where(told)
        .order_by(col(Acknowledgement.id)),
    )

"""The SQL of the watch over the ladder: what should have moved and has not."""

from datetime import datetime

from sqlalchemy import exists, or_
from sqlmodel import col, select

from dutydesk.alerts.model import Alert, Attempt, AttemptItem
from dutydesk.db import Session
from dutydesk.obligations.model import OWED, Obligation, Rung


async def stuck_ladders(session: Session, before: datetime, limit: int) -> list[Obligation]:
    """Return owed obligations with an armed rung that should have fired before that moment.

    A row that fails is pushed back by itself and says so; one that somebody took over rests.
    """
    overdue = exists().where(
        col(Rung.obligation_id) == col(Obligation.id),
        col(Rung.due_version) == col(Obligation.due_version),
        col(Rung.state) == "armed",
        col(Rung.at) < before,
    )
    found = await session.exec(
        select(Obligation)
        .where(
            col(Obligation.state).in_(OWED),
            col(Obligation.faults) == 0,
            or_(col(Obligation.next_check_at).is_(None), col(Obligation.next_check_at) < before),
            overdue,
        )
        .order_by(col(Obligation.id))
        .limit(limit)
    )
    return list(found)


async def stranded_alerts(session: Session, before: datetime, limit: int) -> list[Alert]:
    """Return alerts on their way that no attempt carries any more, and queued ones with no time to be tried."""
    carried = exists().where(
        col(AttemptItem.alert_id) == col(Alert.id),
        col(Attempt.id) == col(AttemptItem.attempt_id),
        col(Attempt.live),
    )
    # An SMS that was accepted has left the house: whether a receipt comes or not, it is not sent again.
    under_way = (col(Alert.state) == "sending") | (
        (col(Alert.state) == "accepted") & (col(Alert.channel) == "voice")
    )
    on_its_way = under_way & (col(Alert.lease_until) < before) & ~carried
    forgotten = (col(Alert.state) == "queued") & col(Alert.next_try_at).is_(None)
    found = await session.exec(
        select(Alert)
        .where(
            or_(on_its_way, forgotten),
            col(Alert.channel) != "screen",
            col(Alert.acknowledged_at).is_(None),
            col(Alert.created_at) < before,
        )
        .order_by(col(Alert.id))
        .limit(limit)
    )
    return list(found)

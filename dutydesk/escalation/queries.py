"""The SQL of the watch over the ladder and its channels: what should have moved and has not, and what was used."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import exists, func, or_
from sqlmodel import col, select
from sqlmodel.sql.expression import Select

from dutydesk.alerts.model import Alert, Attempt, AttemptItem, Outcome
from dutydesk.db import Session
from dutydesk.obligations.model import OWED, Obligation, Rung
from dutydesk.rulebook.types import Channel


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


@dataclass(frozen=True, slots=True)
class Tally:
    """How often attempts by one provider and channel ended alike; ``outcome`` None: nothing final is known."""

    provider: str
    channel: Channel
    outcome: Outcome | None
    code: str | None
    count: int
    last_at: datetime


async def tallies(session: Session, since: datetime) -> list[Tally]:
    """Return how the attempts since then ended, by provider, channel, outcome and error code."""
    ended = (col(Attempt.provider), col(Attempt.channel), col(Attempt.outcome), col(Attempt.error_code))
    wanted: Select[str, Channel, Outcome | None, str | None, int, datetime] = (
        select(*ended, func.count(), func.max(col(Attempt.claimed_at)))  # type: ignore[call-overload]
        .where(col(Attempt.claimed_at) > since, col(Attempt.channel) != "screen")
        .group_by(*ended)
    )
    found = await session.exec(wanted)
    return [Tally(*row) for row in found]


async def latest_attempts(session: Session, limit: int) -> list[Attempt]:
    """Return the latest attempts by a provider, newest first."""
    found = await session.exec(
        select(Attempt).where(col(Attempt.channel) != "screen").order_by(col(Attempt.id).desc()).limit(limit)
    )
    return list(found)


async def busiest_numbers(session: Session, since: datetime, limit: int) -> list[tuple[str, int | None]]:
    """Return the numbers that were tried most since then, each with a person it belongs to."""
    found = await session.exec(
        select(col(Attempt.to_number), func.max(col(Attempt.person_id)))
        .where(col(Attempt.claimed_at) > since, col(Attempt.channel) != "screen")
        .group_by(col(Attempt.to_number))
        .order_by(func.count().desc(), col(Attempt.to_number))
        .limit(limit)
    )
    return [(number, person_id) for number, person_id in found]


async def own_tests(session: Session, recipient: str) -> list[Alert]:
    """Return the last test messages to somebody, newest first."""
    found = await session.exec(
        select(Alert)
        .where(col(Alert.recipient) == recipient, col(Alert.channel) == "sms")
        .order_by(col(Alert.id).desc())
        .limit(5)
    )
    return list(found)

"""The SQL of alerts, attempts and acknowledgements."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import exists, func, or_, update
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlmodel import col, select

from dutydesk.alerts.model import Acknowledgement, Alert, Attempt, AttemptItem
from dutydesk.alerts.rules import Try
from dutydesk.db import Session
from dutydesk.obligations.model import OWED, Obligation
from dutydesk.rulebook.types import Channel

# An alert in one of these states may still reach somebody.
ALIVE = ("queued", "sending", "accepted", "sent", "delivered")


async def add_alerts(session: Session, rows: Sequence[Mapping[str, Any]]) -> None:
    """Queue alerts; one whose ``unique_key`` is there already is left alone."""
    if not rows:
        return
    insert = sqlite_insert if session.get_bind().dialect.name == "sqlite" else postgresql_insert
    await session.exec(insert(Alert).on_conflict_do_nothing(index_elements=["unique_key"]), params=list(rows))


async def claimable(session: Session, now: datetime, limit: int) -> list[Alert]:
    """Return queued alerts that are due, most urgent lane first, locked against other nodes."""
    found = await session.exec(
        select(Alert)
        .where(col(Alert.state) == "queued", col(Alert.next_try_at) <= now)
        .order_by(col(Alert.lane), col(Alert.next_try_at), col(Alert.id))
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return list(found)


async def earliest_try(session: Session) -> datetime | None:
    """Return when the next queued alert is due."""
    found = await session.exec(select(func.min(col(Alert.next_try_at))).where(col(Alert.state) == "queued"))
    return found.one()


async def oldest_undone(session: Session, now: datetime) -> datetime | None:
    """Return the oldest try or look that should have happened by now and has not (None: nothing is late)."""
    tries = await session.exec(
        select(func.min(col(Alert.next_try_at))).where(
            col(Alert.state) == "queued", col(Alert.next_try_at) <= now
        )
    )
    looks = await session.exec(
        select(func.min(col(Attempt.outcome_due_at))).where(col(Attempt.outcome_due_at) <= now)
    )
    return min((moment for moment in (tries.one(), looks.one()) if moment is not None), default=None)


async def earliest_outcome(session: Session) -> datetime | None:
    """Return when the next attempt has to be asked about."""
    found = await session.exec(
        select(func.min(col(Attempt.outcome_due_at))).where(col(Attempt.outcome_due_at).is_not(None))
    )
    return found.one()


async def tries_of(session: Session, alert_ids: Collection[int]) -> dict[int, list[Try]]:
    """Return the finished attempts at each alert, oldest first."""
    found = await session.exec(
        select(AttemptItem, Attempt)
        .join(Attempt, col(Attempt.id) == col(AttemptItem.attempt_id))
        .where(col(AttemptItem.alert_id).in_(alert_ids), col(Attempt.ended_at).is_not(None))
        .order_by(col(Attempt.claimed_at), col(Attempt.id))
    )
    tries: dict[int, list[Try]] = {}
    for item, attempt in found:
        ended = attempt.ended_at or attempt.claimed_at
        # An alert spoken in somebody else's call counts from when it joined, not from the dialling.
        started = max(attempt.claimed_at, item.bound_at)
        tries.setdefault(item.alert_id, []).append(
            Try(attempt.to_number, attempt.provider, attempt.outcome, started, ended)
        )
    return tries


async def live_calls(session: Session, numbers: Collection[str]) -> set[str]:
    """Return which of these numbers have a call of ours under way."""
    found = await session.exec(
        select(col(Attempt.to_number)).where(
            col(Attempt.to_number).in_(numbers), col(Attempt.channel) == "voice", col(Attempt.live)
        )
    )
    return set(found)


async def unanswered_calls(session: Session, numbers: Collection[str]) -> list[Attempt]:
    """Return the calls to these numbers that nobody has picked up yet, but for those another node is at."""
    found = await session.exec(
        select(Attempt)
        .where(
            col(Attempt.to_number).in_(numbers),
            col(Attempt.channel) == "voice",
            col(Attempt.live),
            col(Attempt.answered_at).is_(None),
            col(Attempt.twiml_at).is_(None),
        )
        .with_for_update(skip_locked=True)
    )
    return list(found)


async def recent_tries(
    session: Session, numbers: Collection[str], since: datetime
) -> dict[tuple[str, str], list[datetime]]:
    """Return when each number was tried lately, by (channel, number).

    What a provider never took costs a number nothing: its failures are not the person's. Nor does a
    drill: it can never spend what a clock will need (design §6).
    """
    in_a_drill = exists().where(
        col(AttemptItem.attempt_id) == col(Attempt.id),
        col(Alert.id) == col(AttemptItem.alert_id),
        col(Alert.drill),
    )
    found = await session.exec(
        select(col(Attempt.channel), col(Attempt.to_number), col(Attempt.claimed_at)).where(
            ~in_a_drill,
            col(Attempt.to_number).in_(numbers),
            col(Attempt.claimed_at) > since,
            or_(col(Attempt.accepted_at).is_not(None), col(Attempt.ended_at).is_(None)),
        )
    )
    recent: dict[tuple[str, str], list[datetime]] = {}
    for channel, number, at in found:
        recent.setdefault((channel, number), []).append(at)
    return recent


async def attempt_by_token(session: Session, token: str, *, lock: bool = False) -> Attempt | None:
    """Return the attempt that a callback speaks of."""
    wanted = select(Attempt).where(col(Attempt.token) == token)
    found = await session.exec(wanted.with_for_update() if lock else wanted)
    return found.first()


async def alerts_carried(session: Session, attempt_id: int, *, lock: bool = False) -> list[Alert]:
    """Return the alerts an attempt carries, in the order they joined.

    With *lock* they are read afresh and kept until the transaction ends: one that is taken back at the
    same moment must not come back to life.
    """
    wanted = (
        select(Alert)
        .join(AttemptItem, col(AttemptItem.alert_id) == col(Alert.id))
        .where(col(AttemptItem.attempt_id) == attempt_id)
        .order_by(col(Alert.lane), col(AttemptItem.id))
    )
    if lock:
        wanted = wanted.with_for_update(of=Alert).execution_options(populate_existing=True)
    return list(await session.exec(wanted))


async def moot(session: Session, rows: Collection[Alert]) -> set[int]:
    """Return the ids of alerts whose matter is settled, or whose due time has moved on without them."""
    ids = {row.obligation_id for row in rows if row.obligation_id is not None}
    if not ids:
        return set()
    found = await session.exec(
        select(col(Obligation.id), col(Obligation.state), col(Obligation.due_version)).where(
            col(Obligation.id).in_(ids)
        )
    )
    known = {obligation_id: (state, version) for obligation_id, state, version in found}
    return {
        row.id or 0
        for row in rows
        if row.obligation_id is not None
        and (known[row.obligation_id][0] not in OWED or known[row.obligation_id][1] != row.due_version)
    }


async def alerts_spoken(session: Session, attempt_id: int) -> list[Alert]:
    """Return the alerts that were spoken in a call: the ones its key confirms."""
    found = await session.exec(
        select(Alert)
        .join(AttemptItem, col(AttemptItem.alert_id) == col(Alert.id))
        .where(col(AttemptItem.attempt_id) == attempt_id, col(AttemptItem.spoken_at).is_not(None))
        .order_by(col(Alert.drill), col(Alert.lane), col(AttemptItem.id))
    )
    return list(found)


async def waiting_for(session: Session, recipient: str, channel: Channel) -> list[Alert]:
    """Return queued alerts for one recipient: they join a call that has just been answered."""
    found = await session.exec(
        select(Alert)
        .where(col(Alert.recipient) == recipient, col(Alert.channel) == channel, col(Alert.state) == "queued")
        .order_by(col(Alert.lane), col(Alert.id))
    )
    return list(found)


async def mark_spoken(session: Session, attempt_id: int, alert_ids: Collection[int], now: datetime) -> None:
    """Record that these alerts were said in a call."""
    await session.exec(
        update(AttemptItem)
        .where(
            col(AttemptItem.attempt_id) == attempt_id,
            col(AttemptItem.alert_id).in_(alert_ids),
            col(AttemptItem.spoken_at).is_(None),
        )
        .values(spoken_at=now)
    )


async def overdue_attempts(session: Session, now: datetime, limit: int) -> list[Attempt]:
    """Return attempts whose outcome is overdue, locked against other nodes."""
    found = await session.exec(
        select(Attempt)
        .where(col(Attempt.outcome_due_at) <= now)
        .order_by(col(Attempt.outcome_due_at), col(Attempt.id))
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return list(found)


async def ask_about_claimed(session: Session, now: datetime) -> None:
    """Have every attempt that was claimed and never recorded looked into (when a single process starts)."""
    await session.exec(update(Attempt).where(col(Attempt.state) == "claimed").values(outcome_due_at=now))


async def bound_references(session: Session, references: Collection[str]) -> set[str]:
    """Return which provider references belong to an attempt already."""
    found = await session.exec(select(col(Attempt.reference)).where(col(Attempt.reference).in_(references)))
    return {reference for reference in found if reference is not None}


async def alive_alerts_of(session: Session, obligation_ids: Collection[int]) -> list[Alert]:
    """Return the alerts of these obligations that may still reach somebody."""
    found = await session.exec(
        select(Alert).where(col(Alert.obligation_id).in_(obligation_ids), col(Alert.state).in_(ALIVE))
    )
    return list(found)


async def alerts_of(session: Session, obligation_ids: Collection[int]) -> list[Alert]:
    """Return every alert of these obligations, oldest first."""
    found = await session.exec(
        select(Alert).where(col(Alert.obligation_id).in_(obligation_ids)).order_by(col(Alert.id))
    )
    return list(found)


async def alerts_about(session: Session, subjects: Collection[str]) -> list[Alert]:
    """Return every alert about these subjects (``shift/12``) that no obligation stands behind, oldest first."""
    found = await session.exec(
        select(Alert)
        .where(col(Alert.subject).in_(subjects), col(Alert.subject) != "")
        .order_by(col(Alert.id))
    )
    return list(found)


async def look_soon(session: Session, alert_ids: Collection[int], now: datetime) -> None:
    """Have the calls that ring for these alerts looked at: they may not be wanted any more.

    One whose request is still under way is not: whoever records it sees that it is not wanted.
    """
    carrying = select(col(AttemptItem.attempt_id)).where(col(AttemptItem.alert_id).in_(alert_ids))
    await session.exec(
        update(Attempt)
        .where(
            col(Attempt.id).in_(carrying),
            col(Attempt.live),
            col(Attempt.channel) == "voice",
            col(Attempt.state) != "claimed",
            col(Attempt.answered_at).is_(None),
        )
        .values(outcome_due_at=now)
    )


async def try_now(session: Session, recipient: str, channel: Channel, now: datetime) -> None:
    """Let everything that waited for a recipient's telephone be tried again."""
    await session.exec(
        update(Alert)
        .where(col(Alert.recipient) == recipient, col(Alert.channel) == channel, col(Alert.state) == "queued")
        .values(next_try_at=now)
    )


async def alert(session: Session, alert_id: int) -> Alert | None:
    """Return one alert."""
    return await session.get(Alert, alert_id)


async def desk_calls(session: Session) -> list[Alert]:
    """Return the calls to the desk's telephone, still wanted, that say: no screen shows the alarms."""
    found = await session.exec(
        select(Alert).where(
            col(Alert.target) == "desk:phone",
            col(Alert.wording) == "no_screen",
            col(Alert.state).in_(ALIVE),
            col(Alert.acknowledged_at).is_(None),
        )
    )
    return list(found)


async def screen_alerts(session: Session) -> list[Alert]:
    """Return what the board has to show and ring until somebody confirms it, newest first."""
    found = await session.exec(
        select(Alert)
        .where(
            col(Alert.recipient) == "screen:desk",
            col(Alert.state).in_(ALIVE),
            col(Alert.acknowledged_at).is_(None),
        )
        .order_by(col(Alert.id).desc())
    )
    return list(found)


async def screen_attempts(session: Session, alert_ids: Collection[int]) -> list[tuple[AttemptItem, Attempt]]:
    """Return the drawing attempts of screen alerts."""
    found = await session.exec(
        select(AttemptItem, Attempt)
        .join(Attempt, col(Attempt.id) == col(AttemptItem.attempt_id))
        .where(col(AttemptItem.alert_id).in_(alert_ids), col(Attempt.channel) == "screen")
    )
    return list(found.all())


@dataclass(frozen=True, slots=True)
class Told:
    """An alert with its attempts and acknowledgements, for pages and the API."""

    alert: Alert
    attempts: tuple[Attempt, ...]
    acknowledgements: tuple[Acknowledgement, ...]


async def told(
    session: Session,
    *,
    numbers: Collection[str] | None = None,
    state: str | None = None,
    after_id: int = 0,
    limit: int = 100,
) -> list[Told]:
    """Return alerts by id with everything that became of them; *numbers* are incident numbers."""
    wanted: list[Any] = [col(Alert.id) > after_id]
    if numbers is not None:
        wanted.append(col(Alert.number).in_(numbers))
    if state is not None:
        wanted.append(col(Alert.state) == state)
    alerts = list(await session.exec(select(Alert).where(*wanted).order_by(col(Alert.id)).limit(limit)))
    ids = [row.id for row in alerts]
    attempts: dict[int, list[Attempt]] = {}
    for item, attempt in await session.exec(
        select(AttemptItem, Attempt)
        .join(Attempt, col(Attempt.id) == col(AttemptItem.attempt_id))
        .where(col(AttemptItem.alert_id).in_(ids))
        .order_by(col(Attempt.id))
    ):
        attempts.setdefault(item.alert_id, []).append(attempt)
    confirmed: dict[int, list[Acknowledgement]] = {}
    for row in await session.exec(
        select(Acknowledgement)
        .where(col(Acknowledgement.alert_id).in_(ids))
        .order_by(col(Acknowledgement.id))
    ):
        confirmed.setdefault(row.alert_id, []).append(row)
    return [
        Told(row, tuple(attempts.get(row.id or 0, ())), tuple(confirmed.get(row.id or 0, ())))
        for row in alerts
    ]


async def acknowledgements_of(session: Session, alert_ids: Collection[int]) -> list[Acknowledgement]:
    """Return the acknowledgements of these alerts, oldest first."""
    found = await session.exec(
        select(Acknowledgement)
        .where(col(Acknowledgement.alert_id).in_(alert_ids))
        .order_by(col(Acknowledgement.id))
    )
    return list(found)


async def owed_by_alert(session: Session, alerts: Collection[Alert]) -> dict[int, Obligation]:
    """Return the obligations that these alerts speak of, by obligation id."""
    ids = {row.obligation_id for row in alerts if row.obligation_id is not None}
    if not ids:
        return {}
    found = await session.exec(select(Obligation).where(col(Obligation.id).in_(ids)))
    return {row.id or 0: row for row in found}

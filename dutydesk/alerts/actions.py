"""Queueing, cancelling and acknowledging alerts, in the caller's transaction."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from dutydesk.alerts import queries
from dutydesk.alerts.model import Acknowledgement, AcknowledgementKind, Alert, Attempt
from dutydesk.audit.actions import record
from dutydesk.db import Session
from dutydesk.errors import ConflictError, InvalidInputError
from dutydesk.obligations.queries import wake
from dutydesk.people.queries import desk_unit
from dutydesk.rulebook.types import LANES, Channel, Lane

SCREEN = "screen:desk"
# A fault of a provider or of ours is shown once in this many minutes, not once for each message.
_ALARM_EVERY_MINUTES = 10


def alert_row(
    now: datetime,
    *,
    unique_key: str,
    lane: Lane,
    cause: str,
    target: str,
    recipient: str,
    channel: Channel,
    reason: str,
    wording: str,
    **more: Any,
) -> dict[str, Any]:
    """Return the row of a new alert for ``queries.add_alerts`` (which takes many at once)."""
    row: dict[str, Any] = {
        "obligation_id": None,
        "due_version": 0,
        "rung_id": None,
        "number": "",
        "subject": "",
        "unit_id": None,
        "chain_position": 0,
        "person_id": None,
        "phone": None,
        "params": {},
        "drill": False,
    }
    return row | {
        "unique_key": unique_key,
        "created_at": now,
        "lane": LANES.index(lane),
        "cause": cause,
        "target": target,
        "recipient": recipient,
        "channel": channel,
        "reason": reason,
        "wording": wording,
        "state": "queued",
        "next_try_at": now,
        "tries": 0,
        "faults": 0,
        "resend": False,
        **more,
    }


async def alarm_desk(
    session: Session,
    now: datetime,
    *,
    about: str,
    wording: str,
    reason: str,
    params: Mapping[str, Any] | None = None,
) -> None:
    """Show the desk that something is wrong with a provider, a number, the clock, or us.

    The same *about* is shown once in ten minutes, however often it happens.
    """
    window = int(now.timestamp()) // (60 * _ALARM_EVERY_MINUTES)
    row = alert_row(
        now,
        unique_key=f"alarm/{wording}/{about}/{window}",
        lane="clock",
        cause="alarm",
        target="desk:operator",
        recipient=SCREEN,
        channel="screen",
        reason=reason,
        wording=wording,
        params=dict(params or {}),
    )
    await queries.add_alerts(session, [row])


async def cancel_for(session: Session, now: datetime, causes: Mapping[int, str]) -> None:
    """Take back what has not reached anybody yet, for obligations that ended: id → reason.

    Calls that are ringing are looked at by the next pass and cancelled at the provider. An SMS that
    has left stays on record as sent; screen alerts disappear from the board.
    """
    if not causes:
        return
    for row in await queries.alive_alerts_of(session, causes.keys()):
        if row.acknowledged_at is None and not _has_left(row):
            cancel(row, now, causes[row.obligation_id or 0])
    ids = [row.id or 0 for row in await queries.alerts_of(session, causes.keys())]
    await queries.look_soon(session, ids, now)


async def take_back(session: Session, now: datetime, rows: Collection[Alert], reason: str) -> None:
    """Take back those of these alerts that have reached nobody yet; a call that rings is ended at the provider."""
    ended = [
        row
        for row in rows
        if row.state in queries.ALIVE and row.acknowledged_at is None and not _has_left(row)
    ]
    for row in ended:
        cancel(row, now, reason)
    await queries.look_soon(session, [row.id or 0 for row in ended], now)


def _has_left(row: Alert) -> bool:
    """An SMS that a provider has taken cannot be taken back: it stays on record as what it is."""
    return row.channel == "sms" and row.state in ("accepted", "sent", "delivered")


def cancel(row: Alert, now: datetime, reason: str) -> None:
    """Take one alert back."""
    row.state = "cancelled"
    row.cancelled_at = now
    row.cancel_reason = reason
    row.next_try_at = None


async def give_up_turn(session: Session, row: Alert, now: datetime, reason: str) -> None:
    """Note that the next person's turn has come, once, and have the ladder look at it."""
    if row.exhausted_at is not None and row.exhausted_reason == reason:
        return
    row.exhausted_at = row.exhausted_at or now
    row.exhausted_reason = reason
    if row.obligation_id is not None:
        await wake(session, [row.obligation_id], now)


async def acknowledge(
    session: Session,
    now: datetime,
    rows: Collection[Alert],
    *,
    kind: AcknowledgementKind,
    at: datetime,
    who: str,
    how: str,
    recorded_by: str,
    attempt: Attempt | None = None,
) -> int:
    """Record that a person got these alerts; tell how many of them it confirmed for the first time.

    It ends that person's alerts of the same obligations; a click on the screen ends the screen alert
    only. It never stops a report clock (design §3).
    """
    fresh = [row for row in rows if row.acknowledged_at is None]
    for row in fresh:
        row.acknowledged_at = at
        row.next_try_at = None
        if row.state == "queued":
            row.state = "delivered"
        session.add(
            Acknowledgement(
                kind=kind,
                at=at,
                recorded_at=now,
                recorded_by=recorded_by,
                alert_id=row.id or 0,
                obligation_id=row.obligation_id,
                attempt_id=None if attempt is None else attempt.id,
                person_id=row.person_id,
                who=who,
                how=how,
            )
        )
        record(
            session,
            now,
            recorded_by,
            "alert.acknowledged",
            f"alert:{row.id}",
            kind=kind,
            who=who,
            at=at.isoformat(),
        )
    if kind != "screen":
        await _end_same_person(session, now, fresh)
        # Another call that still rings for the same is not wanted any more.
        await queries.look_soon(session, [row.id or 0 for row in fresh], now)
    await wake(session, {row.obligation_id for row in fresh if row.obligation_id is not None}, now)
    return len(fresh)


async def _end_same_person(session: Session, now: datetime, rows: Collection[Alert]) -> None:
    """An acknowledgement ends that person's other alerts of the same obligation."""
    # Of this version of the due time only: a key does not carry over to another one (design §5).
    keys = {(row.obligation_id, row.due_version, row.recipient) for row in rows}
    owned = {obligation_id for obligation_id, _, _ in keys if obligation_id is not None}
    ended: list[int] = []
    for other in await queries.alive_alerts_of(session, owned):
        in_line = (other.obligation_id, other.due_version, other.recipient) in keys
        if in_line and other.acknowledged_at is None and not _has_left(other):
            cancel(other, now, "ACKNOWLEDGED")
            ended.append(other.id or 0)
    await queries.look_soon(session, ended, now)
    # What no obligation stands behind is confirmed by what it is about: one key for the SMS and the call.
    about = {(row.subject, row.recipient) for row in rows if row.obligation_id is None and row.subject}
    others = await queries.alerts_about(session, {subject for subject, _ in about}) if about else []
    same = [other for other in others if (other.subject, other.recipient) in about]
    await take_back(session, now, same, "ACKNOWLEDGED")


async def acknowledge_by_hand(
    session: Session, now: datetime, row: Alert, *, who: str, how: str, at: datetime, recorded_by: str
) -> None:
    """Record that a person confirmed in another way: who, how, when (design §5).

    Raises:
        InvalidInputError: when *at* lies in the future or before the alert.
        ConflictError: when the alert was confirmed or cancelled before.
    """
    if at > now:
        message = "at: lies in the future"
        raise InvalidInputError(message)
    if at < row.created_at:
        message = "at: lies before the alert was made"
        raise InvalidInputError(message)
    if row.acknowledged_at is not None:
        message = f"alert {row.id} was confirmed already"
        raise ConflictError(message)
    if row.state == "cancelled":
        message = f"alert {row.id} was cancelled: {row.cancel_reason}"
        raise ConflictError(message)
    await acknowledge(session, now, [row], kind="by_hand", at=at, who=who, how=how, recorded_by=recorded_by)


async def acknowledge_on_screen(session: Session, now: datetime, row: Alert, who: str) -> None:
    """Record that somebody at the desk saw a screen alert.

    Raises:
        ConflictError: when it is not a screen alert.
    """
    if row.channel != "screen":
        message = f"alert {row.id} is not on the screen"
        raise ConflictError(message)
    await acknowledge(
        session, now, [row], kind="screen", at=now, who=who, how="值班台点击确认", recorded_by=who
    )


async def screen_drawn(session: Session, now: datetime, alert_ids: Collection[int], *, sound: bool) -> None:
    """Record that a board drew these alerts; only one whose sound is on counts as delivered."""
    if not sound:
        return
    await _end_desk_calls(session, now)
    wanted = {row.id: row for row in await queries.screen_alerts(session)}
    chosen = [alert_id for alert_id in alert_ids if alert_id in wanted]
    for item, attempt in await queries.screen_attempts(session, chosen):
        row = wanted[item.alert_id]
        if attempt.state != "delivered":
            attempt.state, attempt.outcome, attempt.ended_at = "delivered", "delivered", now
            attempt.outcome_due_at, attempt.live = None, False
            item.spoken_at = now
        row.state = "delivered"
        if row.exhausted_reason == "NO_SCREEN":
            row.exhausted_at = row.exhausted_reason = None


async def _end_desk_calls(session: Session, now: datetime) -> None:
    """A board with its sound on has come back: its telephone need not ring for alarms without a ladder."""
    ended = [row for row in await queries.desk_calls(session) if row.obligation_id is None]
    for row in ended:
        cancel(row, now, "SUPERSEDED")
    if ended:
        await queries.look_soon(session, [row.id or 0 for row in ended], now)


async def ring_desk_phone(session: Session, now: datetime, row: Alert) -> None:
    """Ring the desk's own telephone about an alarm that no board has drawn and no ladder stands behind.

    One such call is enough, however many alarms wait; the ladders ring for what belongs to them.
    """
    desk = await desk_unit(session)
    if desk is None or not desk.duty_phone or await queries.desk_calls(session):
        return
    call = alert_row(
        now,
        unique_key=f"no_screen/{row.id}",
        lane="clock",
        cause="no_screen",
        target="desk:phone",
        recipient=f"phone:{desk.duty_phone}",
        channel="voice",
        reason="NO_SCREEN",
        wording="no_screen",
        phone=desk.duty_phone,
        number=row.number,
    )
    await queries.add_alerts(session, [call])

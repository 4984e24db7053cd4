"""Asking the provider about attempts whose outcome is overdue.

A claimed attempt that was never recorded is reconciled: what is on record at the provider is
adopted, what is not is sent again and marked 重发 (design §6, *After a crash*). A call that is no
longer wanted is cancelled while it still rings.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from dutydesk.alerts import queries
from dutydesk.alerts.actions import alarm_desk, give_up_turn, ring_desk_phone
from dutydesk.alerts.claims import LEASE, Delivery
from dutydesk.alerts.model import Attempt
from dutydesk.alerts.providers.types import Found, Provider, Status
from dutydesk.alerts.transitions import FETCH_WITHIN, accept, apply_status, end_attempt
from dutydesk.db import Session
from dutydesk.logs import log

BATCH = 50
# Nobody else looks at an attempt while one look is under way.
_LOOK_LEASE = timedelta(seconds=25)
_LOOK_EVERY = timedelta(seconds=15)
_LOOK_AGAIN = timedelta(seconds=5)
# Providers record whole seconds and their clock is not ours.
_CLOCK_SLACK = timedelta(seconds=2)
_LONGEST_CALL = timedelta(minutes=5)
_SMS_LOOKS = 3
_SILENT_LOOKS = 4

_log = log("outcomes")


@dataclass(frozen=True, slots=True)
class Look:
    """One attempt that has to be asked about."""

    attempt_id: int
    token: str


async def overdue(delivery: Delivery, now: datetime) -> tuple[list[Look], int]:
    """Take the attempts whose outcome is overdue; screens are judged here, the rest needs its provider."""
    looks: list[Look] = []
    async with delivery.site.db.write() as session:
        rows = await queries.overdue_attempts(session, now, BATCH)
        for attempt in rows:
            if attempt.channel == "screen":
                await _not_drawn(session, attempt, now)
                continue
            if attempt.state == "claimed" and attempt.token in delivery.waiting:
                # It stands in our own queue and has not left: there is nothing to ask about yet.
                attempt.outcome_due_at = now + LEASE
                continue
            attempt.looks += 1
            attempt.outcome_due_at = now + _LOOK_LEASE
            looks.append(Look(attempt.id or 0, attempt.token))
    return looks, len(rows)


async def _not_drawn(session: Session, attempt: Attempt, now: datetime) -> None:
    """No board drew it with its sound on: the ladder rings the desk's telephone instead."""
    attempt.outcome_due_at = None
    for row in await queries.alerts_carried(session, attempt.id or 0):
        if row.state == "sent" and row.acknowledged_at is None:
            await give_up_turn(session, row, now, "NO_SCREEN")
            if row.obligation_id is None:
                await ring_desk_phone(session, now, row)


async def ask(delivery: Delivery, look: Look) -> None:
    """Ask the provider about one attempt and write down what follows."""
    async with delivery.site.db.read() as session:
        attempt = await queries.attempt_by_token(session, look.token)
        # Read right before the provider is asked: a call that was given up may have taken something along since.
        wanted = any(
            row.state not in ("cancelled", "failed") and row.acknowledged_at is None
            for row in await queries.alerts_carried(session, look.attempt_id)
        )
    if attempt is None:
        return
    provider = delivery.carriers.named(attempt.provider)
    if provider is None:
        await _end(delivery, look, "provider_fault")
    elif attempt.state == "claimed":
        await _reconcile(delivery, look, attempt, provider)
    elif attempt.channel == "voice":
        await _ask_about_call(delivery, look, attempt, provider, wanted=wanted)
    else:
        await _ask_about_sms(delivery, look, attempt, provider)


async def _end(delivery: Delivery, look: Look, outcome: str) -> None:
    now = delivery.site.clock.now()
    async with delivery.site.db.write() as session:
        attempt = await queries.attempt_by_token(session, look.token, lock=True)
        if attempt is not None and attempt.ended_at is None:
            await end_attempt(session, attempt, now, outcome)  # type: ignore[arg-type]


# ── reconciliation ───────────────────────────────────────────────────────────────────────────


async def _reconcile(delivery: Delivery, look: Look, attempt: Attempt, provider: Provider) -> None:
    found = await provider.find(attempt.channel, attempt.to_number, attempt.claimed_at - _CLOCK_SLACK)
    now = delivery.site.clock.now()
    async with delivery.site.db.write() as session:
        row = await queries.attempt_by_token(session, look.token, lock=True)
        if row is None or row.state != "claimed":
            return
        match_ = None if found is None else await _match(session, row, found)
        if match_ is not None:
            _log.info("adopted after an interruption", attempt=look.attempt_id)
            await accept(session, row, now, match_.reference, now + _LOOK_AGAIN)
            await apply_status(session, row, now, match_.status)
        elif row.looks > 1:
            row.error_text = row.error_text or "not found at the provider"
            await end_attempt(session, row, now, "unknown")
            if found is None:
                await _next_channel(session, row, now)
        else:
            # The provider's list may lag behind; one more look before it is sent again.
            row.outcome_due_at = now + _LOOK_AGAIN


async def _match(session: Session, attempt: Attempt, found: Sequence[Found]) -> Found | None:
    """An SMS matches by its code; a call if it is the only one that no other attempt is bound to."""
    if attempt.channel == "sms":
        return next((one for one in found if one.body.rstrip().endswith(attempt.code)), None)
    bound = await queries.bound_references(session, [one.reference for one in found])
    free = [one for one in found if one.reference not in bound]
    return free[0] if len(free) == 1 else None


# ── calls and SMS under way ──────────────────────────────────────────────────────────────────


async def _ask_about_call(
    delivery: Delivery, look: Look, attempt: Attempt, provider: Provider, *, wanted: bool
) -> None:
    if not wanted and attempt.answered_at is None and attempt.reference is not None:
        await provider.cancel_call(attempt.reference)
    status = None
    if attempt.reference is not None:
        status = await provider.look_up("voice", attempt.reference)
    now = delivery.site.clock.now()
    async with delivery.site.db.write() as session:
        row = await queries.attempt_by_token(session, look.token, lock=True)
        if row is None or row.ended_at is not None:
            return
        if status is not None and status.state in ("answered", "completed") and row.twiml_at is None:
            await _unreachable(session, row, now, status)
        elif status is not None:
            row.looks = 0
            _look_again(row, now, _LOOK_EVERY)
            await apply_status(session, row, now, status)
        else:
            _look_again(row, now, _LOOK_AGAIN)
        if row.live and _is_over(row, now):
            await end_attempt(session, row, now, "no_key" if row.answered_at else "unknown")


def _look_again(row: Attempt, now: datetime, after: timedelta) -> None:
    """End the lease of this look, unless somebody has asked for another one meanwhile."""
    if row.outcome_due_at is not None and row.outcome_due_at > now:
        row.outcome_due_at = now + after


async def _unreachable(session: Session, row: Attempt, now: datetime, status: Status) -> None:
    """Answered, and nobody fetched the words: our callback address cannot be reached; no contact is blamed."""
    row.answered_at = row.answered_at or now
    if status.state == "answered" and now - row.answered_at < FETCH_WITHIN:
        row.state = "answered"
        row.outcome_due_at = row.answered_at + FETCH_WITHIN
        return
    await alarm_desk(
        session, now, about="callback", wording="callback_unreachable", reason="CALLBACK_UNREACHABLE"
    )
    row.error_text = "answered, but our callback address was not reached"
    await end_attempt(session, row, now, "our_fault")
    # Another call would fare no better: the other channel and the next person at once.
    await _next_channel(session, row, now)


async def _next_channel(session: Session, row: Attempt, now: datetime) -> None:
    for carried in await queries.alerts_carried(session, row.id or 0):
        if carried.state == "queued" and carried.acknowledged_at is None:
            await give_up_turn(session, carried, now, "PROVIDER_FAILED")


def _is_over(row: Attempt, now: datetime) -> bool:
    """Tell whether a call has been silent or has lasted for so long that it counts as ended without a key."""
    return row.looks >= _SILENT_LOOKS or now - row.claimed_at > _LONGEST_CALL


async def _ask_about_sms(delivery: Delivery, look: Look, attempt: Attempt, provider: Provider) -> None:
    status = None
    if attempt.reference is not None:
        status = await provider.look_up("sms", attempt.reference)
    now = delivery.site.clock.now()
    async with delivery.site.db.write() as session:
        row = await queries.attempt_by_token(session, look.token, lock=True)
        if row is None or row.ended_at is not None:
            return
        _look_again(row, now, _LOOK_EVERY)
        if status is not None:
            await apply_status(session, row, now, status)
        if row.live and row.looks >= _SMS_LOOKS:
            await _no_receipt(session, row, now)


async def _no_receipt(session: Session, row: Attempt, now: datetime) -> None:
    """Handed over, and no receipt: receipts prove nothing, the ladder goes on.

    One that the provider took and never sent on may still leave late, so it is not sent again; the
    person is told by another channel.
    """
    row.outcome_due_at = None
    row.live = False
    if row.state != "accepted":
        return
    for carried in await queries.alerts_carried(session, row.id or 0):
        if carried.state == "accepted" and carried.acknowledged_at is None:
            await give_up_turn(session, carried, now, "CHANNEL_FAILED")

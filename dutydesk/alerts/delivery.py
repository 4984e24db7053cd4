"""Claim → send → record. The request happens outside any transaction; only the token may record.

A claim binds alerts to attempts and commits. Immediately before the request the alert is read again:
still wanted, token still ours. What became of it is written by token only, and an attempt that was
claimed and never recorded is reconciled with its provider (``outcomes``).
"""

import asyncio
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from dutydesk.alerts import queries, wording
from dutydesk.alerts.actions import alarm_desk, give_up_turn
from dutydesk.alerts.matters import matters_of
from dutydesk.alerts.model import Alert, Attempt, AttemptItem
from dutydesk.alerts.providers.types import CallPlan, Carriers, Provider, Sent
from dutydesk.alerts.rules import (
    FAILURE_CLASSES,
    Dial,
    GiveUp,
    Later,
    NextTry,
    Number,
    longest_window,
    next_try,
)
from dutydesk.alerts.transitions import accept, end_attempt, refuse_number
from dutydesk.db import Session
from dutydesk.logs import log
from dutydesk.metrics import Metrics
from dutydesk.people.queries import usable_contacts
from dutydesk.rulebook.types import Channel
from dutydesk.web.site import Site

LEASE = timedelta(seconds=15)
BATCH = 200
# httpx2 is fastest at 8–12 requests in flight; more only queue inside the client.
IN_FLIGHT = 10
# A call of ours is under way to that number: its end brings the alert back at once.
_BUSY_PAUSE = timedelta(seconds=30)
_RING_MARGIN = timedelta(seconds=15)
_SMS_ASK_AFTER = timedelta(seconds=60)
_CODE_ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"

_log = log("delivery")


@dataclass(frozen=True, slots=True)
class Job:
    """One claimed attempt that has to be handed to its provider."""

    attempt_id: int
    token: str
    channel: Channel
    provider: str
    due_at: datetime


@dataclass(slots=True)
class Delivery:
    """What sending needs: the site, the providers, and how many requests may be in flight."""

    site: Site
    carriers: Carriers
    metrics: Metrics
    gate: asyncio.Semaphore


def new_token() -> str:
    """Return an unguessable, URL-safe token for one attempt."""
    return secrets.token_urlsafe(18)


def new_code() -> str:
    """Return the short code an SMS ends with; reconciliation finds the SMS by it."""
    return "".join(secrets.choice(_CODE_ALPHABET) for _ in range(4))


async def claim(delivery: Delivery, now: datetime) -> tuple[list[Job], int]:
    """Bind what is due to attempts, in one transaction; return the jobs and how many alerts were looked at."""
    site = delivery.site
    async with site.db.write() as session:
        rows = await queries.claimable(session, now, BATCH)
        jobs = await _bind(session, delivery, rows, now) if rows else []
    return jobs, len(rows)


async def _bind(session: Session, delivery: Delivery, rows: Sequence[Alert], now: datetime) -> list[Job]:
    numbers = await _numbers(session, rows)
    every = {number.address for found in numbers.values() for number in found}
    caps = delivery.site.rulebook.caps
    tries = await queries.tries_of(session, [row.id or 0 for row in rows])
    recent = await queries.recent_tries(session, every, now - longest_window(caps))
    busy = await queries.live_calls(session, every)
    attempts: list[tuple[Attempt, list[Alert]]] = []
    texts: dict[tuple[str, str, str], tuple[Attempt, list[Alert]]] = {}
    for row in rows:
        if row.channel == "screen":
            attempts.append((_show(delivery, row, now), [row]))
            continue
        choice = next_try(
            row.channel,
            numbers[row.id or 0],
            [provider.name for provider in delivery.carriers.for_channel(row.channel)],
            tries.get(row.id or 0, []),
            row.round_from,
            {number: recent.get((row.channel, number), []) for number in every},
            caps,
            delivery.site.rulebook.pace,
            now,
        )
        if not await _can_dial(session, row, choice, busy, now):
            continue
        assert isinstance(choice, Dial)  # noqa: S101 (said by _can_dial)
        key = (row.recipient, choice.number.address, choice.provider)
        if row.channel == "sms" and key in texts:
            texts[key][1].append(row)
        else:
            made = (_attempt(row, choice, now), [row])
            attempts.append(made)
            if row.channel == "sms":
                texts[key] = made
            else:
                busy.add(choice.number.address)
        if choice.new_round or row.round_from is None:
            row.round_from = now
    session.add_all(attempt for attempt, _ in attempts)
    await session.flush()
    return [
        job for attempt, carried in attempts if (job := _claimed(session, attempt, carried, now)) is not None
    ]


async def _numbers(session: Session, rows: Sequence[Alert]) -> dict[int, list[Number]]:
    """Return the numbers each alert may be tried on: mobiles for SMS, every telephone for voice."""
    contacts = await usable_contacts(session, {row.person_id for row in rows if row.person_id is not None})
    found: dict[int, list[Number]] = {}
    for row in rows:
        kinds = ("mobile",) if row.channel == "sms" else ("mobile", "landline")
        points = contacts.get(row.person_id or 0, [])
        numbers = [Number(point.address, point.id) for point in points if point.kind in kinds]
        found[row.id or 0] = [Number(row.phone)] if row.phone is not None else numbers
    return found


async def _can_dial(session: Session, row: Alert, choice: NextTry, busy: set[str], now: datetime) -> bool:
    """Act on a choice that is not to dial now; tell whether it is to dial now."""
    match choice:
        case GiveUp(reason):
            row.state, row.next_try_at = "failed", None
            await give_up_turn(session, row, now, reason)
            return False
        case Later(at, exhausted):
            row.next_try_at = at
            if exhausted is not None:
                await give_up_turn(session, row, now, exhausted)
            if exhausted == "QUOTA_SPENT":
                await alarm_desk(
                    session,
                    now,
                    about=row.recipient,
                    wording="quota",
                    reason="QUOTA_SPENT",
                    params={"number": row.number},
                )
            return False
        case Dial(number, _, exhausted):
            if exhausted is not None:
                await give_up_turn(session, row, now, exhausted)
            if row.channel == "voice" and number.address in busy:
                row.next_try_at = now + _BUSY_PAUSE
                return False
            return True


def _attempt(row: Alert, choice: Dial, now: datetime) -> Attempt:
    return Attempt(
        channel=row.channel,
        provider=choice.provider,
        to_number=choice.number.address,
        person_id=row.person_id,
        contact_id=choice.number.contact_id,
        token=new_token(),
        code=new_code() if row.channel == "sms" else "",
        claimed_at=now,
        outcome_due_at=now + LEASE,
        resent=row.resend,
    )


def _show(delivery: Delivery, row: Alert, now: datetime) -> Attempt:
    """The screen needs no request: a board that is connected draws it and says so within seconds."""
    return Attempt(
        channel="screen",
        provider="screen",
        to_number="desk",
        token=new_token(),
        state="sent",
        live=False,
        claimed_at=now,
        accepted_at=now,
        outcome_due_at=now + delivery.site.rulebook.pace.no_screen_after,
    )


def _claimed(session: Session, attempt: Attempt, carried: Sequence[Alert], now: datetime) -> Job | None:
    """Write who carries what; return the job, or None where there is no request to make."""
    due_at = min(row.next_try_at or now for row in carried)
    for row in carried:
        session.add(AttemptItem(attempt_id=attempt.id or 0, alert_id=row.id or 0, bound_at=now))
        row.tries += 1
        row.next_try_at = None
        row.state = "sent" if attempt.channel == "screen" else "sending"
        row.token, row.lease_until = attempt.token, now + LEASE
    if attempt.channel == "screen":
        return None
    return Job(attempt.id or 0, attempt.token, attempt.channel, attempt.provider, due_at)


# ── sending ──────────────────────────────────────────────────────────────────────────────────


async def send(delivery: Delivery, job: Job) -> None:
    """Hand one attempt to its provider and record the answer."""
    async with delivery.gate:
        provider = delivery.carriers.named(job.provider)
        ready = await _ready(delivery, job)
        if ready is None:
            return
        if provider is None:
            sent = Sent("fault", code="no_provider", text=f"provider {job.provider} is not configured")
        else:
            sent = await _request(delivery, provider, job, ready)
    await _record(delivery, job, sent)


@dataclass(frozen=True, slots=True)
class _Ready:
    to: str
    body: str


async def _ready(delivery: Delivery, job: Job) -> _Ready | None:
    """Read everything again right before the request; None when it is no longer wanted or no longer ours."""
    site = delivery.site
    now = site.clock.now()
    async with site.db.read() as session:
        attempt = await queries.attempt_by_token(session, job.token)
        if attempt is None or attempt.state != "claimed" or now >= attempt.claimed_at + LEASE:
            return None
        wanted = [
            row for row in await queries.alerts_carried(session, job.attempt_id) if _is_wanted(row, job)
        ]
        body: str | None = None
        try:
            body = await _body(session, site, attempt, wanted) if wanted else ""
        except (KeyError, ValueError, IndexError, TypeError, AttributeError):
            _log.exception("an alert could not be put into words", attempt=job.attempt_id)
    if body is None:
        await _note_fault(delivery, job, now)
        return None
    if not wanted:
        async with site.db.write() as session:
            attempt = await queries.attempt_by_token(session, job.token, lock=True)
            if attempt is not None and attempt.state == "claimed":
                await end_attempt(session, attempt, now, "cancelled")
        return None
    return _Ready(attempt.to_number, body)


def _is_wanted(row: Alert, job: Job) -> bool:
    return row.state == "sending" and row.token == job.token and row.acknowledged_at is None


async def _body(session: Session, site: Site, attempt: Attempt, rows: Sequence[Alert]) -> str:
    if attempt.channel != "sms":
        return ""
    matters = await matters_of(session, rows, site.zone)
    return wording.sms(site.rulebook.wording, matters, attempt.code, resent=attempt.resent)


async def _note_fault(delivery: Delivery, job: Job, now: datetime) -> None:
    """Push back an alert whose words could not be made; the second time it says only its number."""
    async with delivery.site.db.write() as session:
        attempt = await queries.attempt_by_token(session, job.token, lock=True)
        if attempt is None or attempt.state != "claimed":
            return
        for row in await queries.alerts_carried(session, job.attempt_id):
            row.faults += 1
            if row.faults > 1:
                row.wording, row.params = "fixed", {}
        await alarm_desk(
            session, now, about=f"attempt:{job.attempt_id}", wording="fixed", reason="ROW_FAILED"
        )
        await end_attempt(session, attempt, now, "our_fault")


async def _request(delivery: Delivery, provider: Provider, job: Job, ready: _Ready) -> Sent:
    stem = f"{delivery.carriers.public_url}/webhooks/twilio/{job.provider}"
    if job.channel == "sms":
        return await provider.send_sms(ready.to, ready.body, f"{stem}/sms-status/{job.token}")
    plan = CallPlan(
        twiml_url=f"{stem}/voice/{job.token}",
        status_url=f"{stem}/call-status/{job.token}",
        ring_seconds=delivery.site.rulebook.pace.ring_seconds,
    )
    return await provider.place_call(ready.to, plan)


async def _record(delivery: Delivery, job: Job, sent: Sent) -> None:
    """Write what the provider answered, by token; a callback may have been quicker."""
    site = delivery.site
    now = site.clock.now()
    delivery.metrics.sends.labels(job.provider, sent.answer).inc()
    delivery.metrics.handed_over.labels(job.channel).observe(max(0.0, (now - job.due_at).total_seconds()))
    async with site.db.write() as session:
        attempt = await queries.attempt_by_token(session, job.token, lock=True)
        if attempt is None:
            return
        if sent.answer == "accepted":
            await accept(session, attempt, now, sent.reference, _ask_at(delivery, job.channel, now))
        elif sent.answer == "unknown" and attempt.state == "claimed":
            attempt.error_code, attempt.error_text = sent.code, sent.text
            attempt.outcome_due_at = now
        elif attempt.state == "claimed":
            await _refused(session, attempt, now, sent)


def _ask_at(delivery: Delivery, channel: Channel, now: datetime) -> datetime:
    """Return when the provider is asked if nothing was heard by then."""
    if channel == "sms":
        return now + _SMS_ASK_AFTER
    pace = delivery.site.rulebook.pace
    return now + timedelta(seconds=pace.ring_seconds) + _RING_MARGIN


async def _refused(session: Session, attempt: Attempt, now: datetime, sent: Sent) -> None:
    attempt.error_code, attempt.error_text = sent.code, sent.text
    kind = FAILURE_CLASSES.get(sent.code or "", "ours" if sent.answer == "refused" else "transient")
    if kind in ("contact", "no_sms"):
        await refuse_number(session, attempt, now, whole=kind == "contact")
        return
    await alarm_desk(session, now, about=attempt.provider, wording="provider_fault", reason="PROVIDER_FAILED")
    await end_attempt(session, attempt, now, "our_fault" if kind == "ours" else "provider_fault")

"""Claim → send → record. The request happens outside any transaction; only the token may record.

A claim binds alerts to attempts and commits. Immediately before the request the alert is read again:
still wanted, token still ours. What became of it is written by token only, and an attempt that was
claimed and never recorded is reconciled with its provider (``outcomes``).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from dutydesk.alerts import check_queries, queries, wording
from dutydesk.alerts.actions import alarm_desk
from dutydesk.alerts.claims import LEASE, Delivery, Job
from dutydesk.alerts.matters import matters_of
from dutydesk.alerts.model import Alert, Attempt
from dutydesk.alerts.providers.types import REQUEST_SECONDS, CallPlan, Provider, Sent
from dutydesk.alerts.rules import FAILURE_CLASSES
from dutydesk.alerts.transitions import accept, end_attempt, refuse_number
from dutydesk.db import Session
from dutydesk.logs import log
from dutydesk.rulebook.types import Channel
from dutydesk.web.site import Site

_LONGEST_REQUEST = timedelta(seconds=REQUEST_SECONDS)
_RING_MARGIN = timedelta(seconds=15)
_SMS_ASK_AFTER = timedelta(seconds=60)

_log = log("delivery")


async def send(delivery: Delivery, job: Job) -> None:
    """Hand one attempt to its provider and record the answer."""
    delivery.waiting.add(job.token)
    try:
        await delivery.gate.acquire()
    finally:
        delivery.waiting.discard(job.token)
    try:
        provider = delivery.carriers.named(job.provider)
        ready = await _ready(delivery, job)
        if ready is None:
            return
        if provider is None:
            sent = Sent("fault", code="no_provider", text=f"provider {job.provider} is not configured")
        else:
            sent = await _request(delivery, provider, job, ready)
    finally:
        delivery.gate.release()
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
        if attempt is None or not _is_ours(attempt):
            return None
        carried = await queries.alerts_carried(session, job.attempt_id)
        settled = await queries.moot(session, carried) | await check_queries.over(session, carried, now)
        wanted = [row for row in carried if _is_wanted(row, job) and row.id not in settled]
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
    if not await _hold_lease(delivery, job, attempt, now):
        return None
    return _Ready(attempt.to_number, body)


def _is_ours(attempt: Attempt) -> bool:
    """Tell whether nobody has asked the provider about a claimed attempt: who asks may send it again."""
    return attempt.state == "claimed" and attempt.looks == 0


async def _hold_lease(delivery: Delivery, job: Job, attempt: Attempt, now: datetime) -> bool:
    """See to it that the lease outlasts the request; tell whether the attempt is still ours to send."""
    if attempt.outcome_due_at is not None and attempt.outcome_due_at - now >= _LONGEST_REQUEST:
        return True
    async with delivery.site.db.write() as session:
        row = await queries.attempt_by_token(session, job.token, lock=True)
        if row is None or not _is_ours(row):
            return False
        row.outcome_due_at = now + LEASE
    return True


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

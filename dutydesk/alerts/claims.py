"""Binds alerts that are due to attempts: which number, by which provider, and what goes out together.

The first third of claim → send → record (``delivery``). One claim is one transaction.
"""

import asyncio
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy.exc import IntegrityError

from dutydesk.alerts import queries
from dutydesk.alerts.actions import alarm_desk, give_up_turn
from dutydesk.alerts.model import Alert, AlertState, Attempt, AttemptItem
from dutydesk.alerts.providers.types import Carriers
from dutydesk.alerts.rules import (
    Dial,
    GiveUp,
    Later,
    NextTry,
    Number,
    Try,
    caps_for,
    longest_window,
    next_try,
)
from dutydesk.db import Session
from dutydesk.logs import log
from dutydesk.metrics import Metrics
from dutydesk.people.queries import people_by_id, usable_contacts
from dutydesk.rulebook.types import Channel
from dutydesk.web.site import Site

LEASE = timedelta(seconds=15)
BATCH = 200
# httpx2 is fastest at 8–12 requests in flight; more only queue inside the client.
IN_FLIGHT = 10
# A call of ours is under way to that number: its end brings the alert back at once.
_BUSY_PAUSE = timedelta(seconds=30)
_FAULT_PAUSE = timedelta(seconds=30)
# What an alert is called while its attempt stands so.
_CARRIED_STATES: Mapping[str, AlertState] = {"claimed": "sending", "sent": "sent"}
_CODE_ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"

_log = log("claims")


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
    # Claimed and not sent, because others go first; only this process knows, and after a crash the lease does.
    waiting: set[str] = field(default_factory=set)


def new_token() -> str:
    """Return an unguessable, URL-safe token for one attempt."""
    return secrets.token_urlsafe(18)


def new_code() -> str:
    """Return the short code an SMS ends with; reconciliation finds the SMS by it."""
    return "".join(secrets.choice(_CODE_ALPHABET) for _ in range(4))


@dataclass(slots=True)
class _Binding:
    """What one claim has bound so far: new attempts, and calls that ring already and take more along."""

    made: list[tuple[Attempt, list[Alert]]]
    joined: list[tuple[Attempt, Alert]]
    # One SMS for everything that one provider is to send to one number (drills apart), one call for a number.
    # An SMS about several matters gives their numbers: what has none (a shift, a code) goes by itself.
    texts: dict[tuple[str, str, str, bool, int], list[Alert]]
    calls: dict[str, tuple[Attempt, list[Alert] | None]]
    busy: set[str]


async def claim(delivery: Delivery, now: datetime) -> tuple[list[Job], int]:
    """Bind what is due to attempts, in one transaction; return the jobs and how many alerts were looked at."""
    site = delivery.site
    try:
        async with site.db.write() as session:
            rows = await queries.claimable(session, now, BATCH)
            jobs = await _bind(session, delivery, rows, now) if rows else []
    except IntegrityError:
        # Another node bound a call to one of these numbers at the same moment: the next round sees it.
        _log.info("a number was taken by another node; claiming again")
        return [], 1
    return jobs, len(rows)


async def _bind(session: Session, delivery: Delivery, rows: Sequence[Alert], now: datetime) -> list[Job]:
    numbers = await _numbers(session, rows)
    every = {number.address for found in numbers.values() for number in found}
    caps = delivery.site.rulebook.caps
    tries = await queries.tries_of(session, [row.id or 0 for row in rows])
    recent = await queries.recent_tries(session, every, now - longest_window(caps))
    ringing = await queries.unanswered_calls(session, every)
    binding = _Binding(
        [],
        [],
        {},
        {attempt.to_number: (attempt, None) for attempt in ringing},
        await queries.live_calls(session, every),
    )
    for row in rows:
        if row.channel == "screen":
            binding.made.append((_show(delivery, now), [row]))
            continue
        lately = {number: recent.get((row.channel, number), []) for number in every}
        choice = _choice(delivery, row, numbers[row.id or 0], tries.get(row.id or 0, []), lately, now)
        dial = await _act_on(session, row, choice, now)
        if dial is None:
            continue
        bound = (
            _bind_text(binding, row, dial, now)
            if row.channel == "sms"
            else _bind_call(binding, row, dial, now)
        )
        if bound and (dial.new_round or row.round_from is None):
            row.round_from = now
    session.add_all(attempt for attempt, _ in binding.made)
    await session.flush()
    for attempt, row in binding.joined:
        _carry(session, attempt, row, now)
    jobs = [_claimed(session, attempt, carried, now) for attempt, carried in binding.made]
    return [job for job in jobs if job is not None]


def _choice(
    delivery: Delivery,
    row: Alert,
    numbers: Sequence[Number],
    tries: Sequence[Try],
    recent: Mapping[str, Sequence[datetime]],
    now: datetime,
) -> NextTry:
    """Return what to do for one alert; one that cannot be decided on is pushed back, its neighbours go on."""
    providers = [provider.name for provider in delivery.carriers.for_channel(row.channel)]
    book = delivery.site.rulebook
    try:
        return next_try(
            row.channel,
            numbers,
            providers,
            tries,
            row.round_from,
            recent,
            caps_for(row.lane, book.caps),
            book.pace,
            now,
        )
    except Exception:  # noqa: BLE001 (one broken row delays only itself; whatever it is, it is logged)
        _log.exception("an alert could not be decided on", alert=row.id)
        row.faults += 1
        return Later(now + _FAULT_PAUSE)


def _bind_text(binding: _Binding, row: Alert, dial: Dial, now: datetime) -> bool:
    alone = 0 if row.number else row.id or 0
    key = (row.recipient, dial.number.address, dial.provider, row.drill, alone)
    if key not in binding.texts:
        binding.texts[key] = []
        binding.made.append((_attempt(row, dial, now), binding.texts[key]))
    binding.texts[key].append(row)
    return True


def _bind_call(binding: _Binding, row: Alert, dial: Dial, now: datetime) -> bool:
    """One call for everything due to whoever answers; a call to somebody else on that number goes first."""
    number = dial.number.address
    under_way = binding.calls.get(number)
    if under_way is not None and under_way[0].person_id == row.person_id:
        attempt, carried = under_way
        if carried is None:
            binding.joined.append((attempt, row))
        else:
            carried.append(row)
        return True
    if number in binding.busy:
        row.next_try_at = now + _BUSY_PAUSE
        return False
    made = (_attempt(row, dial, now), [row])
    binding.made.append(made)
    binding.calls[number] = made
    binding.busy.add(number)
    return True


async def _numbers(session: Session, rows: Sequence[Alert]) -> dict[int, list[Number]]:
    """Return the numbers each alert may be tried on: mobiles for SMS, every telephone for voice."""
    contacts = await usable_contacts(session, {row.person_id for row in rows if row.person_id is not None})
    found: dict[int, list[Number]] = {}
    for row in rows:
        kinds = ("mobile",) if row.channel == "sms" else ("mobile", "landline")
        points = contacts.get(row.person_id or 0, [])
        numbers = [Number(point.address, point.id) for point in points if point.kind in kinds]
        if row.phone is not None:
            # One particular number: where it is one of the person's own, what becomes of it is said of that one.
            numbers = [one for one in numbers if one.address == row.phone] or [Number(row.phone)]
        found[row.id or 0] = numbers
    return found


async def _act_on(session: Session, row: Alert, choice: NextTry, now: datetime) -> Dial | None:
    """Write down what a choice means for the ladder; return it where it is to try now."""
    if isinstance(choice, GiveUp):
        row.state, row.next_try_at = "failed", None
        await give_up_turn(session, row, now, choice.reason)
        return None
    if choice.exhausted is not None:
        await give_up_turn(session, row, now, choice.exhausted)
    if isinstance(choice, Dial):
        return choice
    row.next_try_at = choice.at
    if choice.exhausted == "QUOTA_SPENT":
        await alarm_desk(
            session,
            now,
            about=row.recipient,
            wording="quota",
            reason="QUOTA_SPENT",
            params={"number": row.number, "name": await _called(session, row)},
        )
    return None


async def _called(session: Session, row: Alert) -> str:
    """Return whom an alert is for, as the desk knows them."""
    people = await people_by_id(session, [] if row.person_id is None else [row.person_id])
    return people[row.person_id].name if row.person_id in people else (row.phone or "")


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


def _show(delivery: Delivery, now: datetime) -> Attempt:
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
        _carry(session, attempt, row, now)
    if attempt.channel == "screen":
        return None
    return Job(attempt.id or 0, attempt.token, attempt.channel, attempt.provider, due_at)


def _carry(session: Session, attempt: Attempt, row: Alert, now: datetime) -> None:
    session.add(AttemptItem(attempt_id=attempt.id or 0, alert_id=row.id or 0, bound_at=now))
    row.tries += 1
    row.next_try_at = None
    row.state = _CARRIED_STATES.get(attempt.state, "accepted")
    row.token, row.lease_until = attempt.token, now + LEASE

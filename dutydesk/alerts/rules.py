"""How an alert is tried again, and what an answer of a provider means. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

from dutydesk.rulebook.types import LANES, Cap, Channel, Pace

FailureClass = Literal["contact", "no_sms", "transient", "policy", "ours"]

# Error codes of Twilio's API and message states (Twilio error dictionary), by what they ask of us.
FAILURE_CLASSES: Mapping[str, FailureClass] = {
    "21211": "contact",
    "21214": "contact",
    "21217": "contact",
    "60203": "contact",
    "30005": "contact",
    "21610": "no_sms",
    "21614": "no_sms",
    "30006": "no_sms",
    "21215": "policy",
    "21216": "policy",
    "21408": "policy",
    "30004": "policy",
    "30007": "policy",
    "60410": "policy",
    "60605": "policy",
    "20429": "transient",
    "30001": "transient",
    "30003": "transient",
    "30008": "transient",
    "20003": "ours",
    "11100": "ours",
    "21201": "ours",
    "21205": "ours",
    "21210": "ours",
    "21212": "ours",
    "21213": "ours",
    "21603": "ours",
    "21604": "ours",
    "21606": "ours",
    "21609": "ours",
    "90007": "ours",
}

_LAST_URGENT_LANE = LANES.index("call_out")

# Seconds to wait before a provider that failed is asked again.
BACKOFF = (2, 5, 15, 30, 60)
TEST_EVERY = timedelta(minutes=1)
# An SMS that three rounds could not place is followed by a call.
SMS_ROUNDS = 3

# States only move forward; a callback that would move back changes nothing.
STATE_RANK: Mapping[str, int] = {
    "claimed": 0,
    "accepted": 1,
    "sent": 2,
    "ringing": 2,
    "delivered": 3,
    "answered": 3,
    "completed": 4,
    "failed": 4,
}
ENDED_RANK = 4


@dataclass(frozen=True, slots=True)
class Number:
    """A telephone number to try; ``contact_id`` is None for a unit's own telephone."""

    address: str
    contact_id: int | None = None


@dataclass(frozen=True, slots=True)
class Try:
    """An earlier attempt at the same alert."""

    address: str
    provider: str
    outcome: str | None
    started_at: datetime
    ended_at: datetime


@dataclass(frozen=True, slots=True)
class Dial:
    """Try this number by this provider now; ``exhausted`` as in :class:`Later`."""

    number: Number
    provider: str
    exhausted: str | None = None
    new_round: bool = False


@dataclass(frozen=True, slots=True)
class Later:
    """Nothing can be tried before *at*; ``exhausted`` says why the next person's turn has come."""

    at: datetime
    exhausted: str | None = None


@dataclass(frozen=True, slots=True)
class GiveUp:
    """This channel cannot reach this person at all."""

    reason: str


NextTry = Dial | Later | GiveUp

# Outcomes that say nothing about the person: the fault lies with a provider or with us.
OUR_SIDE = frozenset({"provider_fault", "our_fault", "unknown"})


def next_try(
    channel: Channel,
    numbers: Sequence[Number],
    providers: Sequence[str],
    tries: Sequence[Try],
    round_from: datetime | None,
    recent: Mapping[str, Sequence[datetime]],
    caps: Sequence[Cap],
    pace: Pace,
    now: datetime,
) -> NextTry:
    """Return what to do next for one alert (design §5, *Pace*; §6, *Budgets*).

    A round goes through the numbers in order by the first provider, then by the next; a provider
    that fails is left for the rest of the round. After a round the person is called again when
    ``pace.redial_after`` has gone by. *recent* has the times at which each number was tried lately
    by anybody: the caps count all of them.
    """
    usable = [number for number in numbers if not _is_bad(number, tries)]
    if not usable:
        return GiveUp("NO_USABLE_NUMBER")
    if not providers:
        return GiveUp("PROVIDER_FAILED")
    if channel == "sms" and len(tries) >= SMS_ROUNDS * len(usable) * len(providers):
        return GiveUp("CHANNEL_FAILED")
    if channel == "sms" and sum(one.outcome == "unknown" for one in tries) > 1:
        return GiveUp("CHANNEL_FAILED")
    exhausted = _exhausted(usable, tries)
    waiting = _left_in_round(usable, providers, [one for one in tries if _in_round(one, round_from)])
    new_round = False
    if not waiting:
        # Every provider may have failed before each number had its turn: the next person need not wait for it.
        if exhausted is None and sum(one.outcome in OUR_SIDE for one in tries) > 1:
            exhausted = "PROVIDER_FAILED"
        pause = _pause(channel, tries, pace)
        if pause > now:
            return Later(pause, exhausted)
        waiting, new_round = [(number, provider) for provider in providers for number in usable], True
    return _within_caps(channel, waiting, recent, caps, now, exhausted, new_round=new_round)


def _is_bad(number: Number, tries: Sequence[Try]) -> bool:
    return any(one.outcome == "contact_fault" and one.address == number.address for one in tries)


def _in_round(one: Try, round_from: datetime | None) -> bool:
    return round_from is None or one.started_at >= round_from


def _left_in_round(
    numbers: Sequence[Number], providers: Sequence[str], tries: Sequence[Try]
) -> list[tuple[Number, str]]:
    failed = {one.provider for one in tries if one.outcome in OUR_SIDE}
    tried = {(one.address, one.provider) for one in tries}
    return [
        (number, provider)
        for provider in providers
        if provider not in failed
        for number in numbers
        if (number.address, provider) not in tried
    ]


def _exhausted(numbers: Sequence[Number], tries: Sequence[Try]) -> str | None:
    """Say why the next person's turn has come, if it has: every number was rung once without a key.

    A failure of a provider or of ours is nobody's silence: it is tried again, by the next provider where
    there is one, and only the second failure at a number brings the next channel and the next person.
    """
    outcomes = [[one.outcome for one in tries if one.address == number.address] for number in numbers]
    rung = [any(outcome not in OUR_SIDE for outcome in found) for found in outcomes]
    if all(rung):
        return "NO_KEY_PRESSED"
    done = all(one or len(found) > 1 for one, found in zip(rung, outcomes, strict=True))
    return "PROVIDER_FAILED" if done else None


def _pause(channel: Channel, tries: Sequence[Try], pace: Pace) -> datetime:
    """Return when the next round may begin: by the person's pace, or sooner where only a provider failed."""
    last = max(one.ended_at for one in tries)
    failures = 0
    for one in reversed(tries):
        if one.outcome not in OUR_SIDE and channel == "voice":
            break
        failures += 1
    if failures:
        return last + timedelta(seconds=BACKOFF[min(failures, len(BACKOFF)) - 1])
    return last + pace.redial_after


def _within_caps(
    channel: Channel,
    waiting: Sequence[tuple[Number, str]],
    recent: Mapping[str, Sequence[datetime]],
    caps: Sequence[Cap],
    now: datetime,
    exhausted: str | None,
    *,
    new_round: bool,
) -> NextTry:
    """Return the first number whose budget allows another try, or when the first budget is free again."""
    free_at: list[datetime] = []
    for number, provider in waiting:
        at = free_from(channel, recent.get(number.address, ()), caps, now)
        if at <= now:
            return Dial(number, provider, exhausted, new_round)
        free_at.append(at)
    return Later(min(free_at), exhausted or "QUOTA_SPENT")


def free_from(channel: Channel, recent: Sequence[datetime], caps: Sequence[Cap], now: datetime) -> datetime:
    """Return when a number may be tried again: now, or when its fullest window has room."""
    at = now
    for cap in caps:
        if cap.channel != channel:
            continue
        within = sorted(moment for moment in recent if moment > now - cap.window)
        if len(within) >= cap.count:
            at = max(at, within[-cap.count] + cap.window)
    return at


def caps_for(lane: int, caps: Sequence[Cap]) -> Sequence[Cap]:
    """Return the caps that hold for a lane: a third of every budget is kept for clocks and call-outs (design §6)."""
    if lane <= _LAST_URGENT_LANE:
        return caps
    return [replace(cap, count=max(1, cap.count * 2 // 3)) for cap in caps]


def own_test_refused(
    last_at: datetime | None, recent: Sequence[datetime], caps: Sequence[Cap], now: datetime
) -> Literal["TOO_SOON", "BUDGET"] | None:
    """Return why somebody may not be sent a test SMS now: once a minute, and never what a clock may need.

    *recent* are the SMS that went to the number lately: two thirds of every cap are left to the clocks.
    """
    if last_at is not None and now - last_at < TEST_EVERY:
        return "TOO_SOON"
    for cap in caps:
        within = sum(moment > now - cap.window for moment in recent)
        if cap.channel == "sms" and (within + 1) * 3 > cap.count:
            return "BUDGET"
    return None


def longest_window(caps: Sequence[Cap]) -> timedelta:
    """Return how far back tries count."""
    return max((cap.window for cap in caps), default=timedelta(0))


def moves_forward(before: str, after: str) -> bool:
    """Tell whether an attempt may go from one state to another: never back, never out of an end."""
    return STATE_RANK[before] < ENDED_RANK and STATE_RANK[after] > STATE_RANK[before]

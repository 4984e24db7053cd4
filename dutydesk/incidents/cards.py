"""What the pages show of an obligation: its clock, its verdict, who is being told and who confirmed. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from dutydesk.alerts.model import Acknowledgement, Alert, Attempt
from dutydesk.alerts.queries import Told
from dutydesk.obligations.ladders import ladder_from_json
from dutydesk.obligations.model import OWED, Obligation, Rung, Verdict
from dutydesk.obligations.rules import minutes_late
from dutydesk.rulebook.types import RungPlan
from dutydesk.web import words
from dutydesk.web.languages import say

# How a call stands: the word, and how much it asks of whoever looks on.
Standing = tuple[str, str]

_ANSWERED = ("answered", "completed")
# A target may fall back on a telephone that belongs to nobody in particular.
_TELEPHONES = {"unit": "单位值班电话", "desk": "值班电话"}


@dataclass(frozen=True, slots=True)
class Call:
    """One person told by one channel: how it stands, and who proved to have got it."""

    alert: Alert
    who: str
    role: str
    channel: str
    number: str
    why: str
    state: str
    tone: str
    at: datetime
    proof: Acknowledgement | None


@dataclass(frozen=True, slots=True)
class Recipient:
    """Everything one person (or one telephone) is being told about one obligation, the latest first."""

    who: str
    role: str
    number: str
    why: str
    calls: tuple[Call, ...]
    proof: Acknowledgement | None
    confirm: int | None

    @property
    def live(self) -> bool:
        """Tell whether something of it is still on its way or stands unconfirmed."""
        return any(call.tone != "quiet" for call in self.calls)


@dataclass(frozen=True, slots=True)
class Next:
    """The next rung of a ladder: when, and whom it will tell by what."""

    at: datetime
    tells: str


@dataclass(frozen=True, slots=True)
class Card:
    """One obligation with everything about it that is shown."""

    row: Obligation
    owed: bool
    verdict: str
    provisional: bool
    next: Next | None
    people: tuple[Recipient, ...]


def cards(
    obligations: Sequence[Obligation],
    rungs: Iterable[Rung],
    verdicts: Iterable[Verdict],
    told: Iterable[Told],
    names: Mapping[int, str],
    texts: Mapping[str, str],
    now: datetime,
) -> list[Card]:
    """Return a card for each obligation: what is owed first, by its due time, then what is settled."""
    laid: dict[int, list[Rung]] = {}
    for rung in rungs:
        laid.setdefault(rung.obligation_id, []).append(rung)
    latest = {verdict.obligation_id: verdict for verdict in verdicts}
    calls: dict[int, list[Call]] = {}
    for one in told:
        if one.alert.channel != "screen" and one.alert.obligation_id is not None:
            calls.setdefault(one.alert.obligation_id, []).append(_call(one, names, texts))
    made = [
        Card(
            row=row,
            owed=row.state in OWED,
            verdict=verdict_words(row, latest.get(row.id or 0)),
            provisional=bool((verdict := latest.get(row.id or 0)) and verdict.provisional),
            next=_next(row, laid.get(row.id or 0, []), now) if row.state in OWED else None,
            people=_people(calls.get(row.id or 0, [])),
        )
        for row in obligations
    ]
    return sorted(
        made, key=lambda card: (not card.owed, card.row.due_at is None, _due(card.row), card.row.id or 0)
    )


def _due(row: Obligation) -> float:
    return 0.0 if row.due_at is None else row.due_at.timestamp()


def _people(calls: Sequence[Call]) -> tuple[Recipient, ...]:
    """Put together what goes to the same person; whoever was told last comes first."""
    by_recipient: dict[str, list[Call]] = {}
    for call in sorted(calls, key=lambda call: (call.at, call.alert.id or 0), reverse=True):
        by_recipient.setdefault(call.alert.recipient, []).append(call)
    return tuple(_person(found) for found in by_recipient.values())


def _person(calls: Sequence[Call]) -> Recipient:
    last = calls[0]
    proofs = [call.proof for call in calls if call.proof is not None]
    waiting = [call.alert.id for call in calls if call.proof is None and call.alert.state != "cancelled"]
    return Recipient(
        who=last.who,
        role=last.role,
        number=next((call.number for call in calls if call.channel == "voice" and call.number), last.number),
        why=last.why,
        calls=tuple(_latest_by_channel(calls)),
        proof=proofs[0] if proofs else None,
        confirm=waiting[0] if waiting and not proofs else None,
    )


def _latest_by_channel(calls: Sequence[Call]) -> Iterable[Call]:
    """Ten calls to one number are one line, the last; the timeline has all of them."""
    found: dict[str, Call] = {}
    for call in calls:
        found.setdefault(call.channel, call)
    return found.values()


def verdict_words(row: Obligation, verdict: Verdict | None) -> str:
    """Return how an obligation was judged: ``按时``, ``迟报 3分钟``; what is owed has no verdict yet."""
    if row.state in OWED or verdict is None:
        return say(words.OBLIGATION_STATES[row.state])
    judged = say(words.VERDICTS[verdict.value])
    if verdict.value != "late":
        return judged
    if row.evidence == "record":
        judged = say("逾期")  # a hole filled late is no late report
    return say("{verdict} {minutes}分钟", verdict=judged, minutes=minutes_late(verdict.late_seconds))


def _next(row: Obligation, rungs: Sequence[Rung], now: datetime) -> Next | None:
    ahead = [
        rung
        for rung in rungs
        if rung.state == "armed" and rung.due_version == row.due_version and rung.at > now
    ]
    if not ahead:
        return None
    first = min(ahead, key=lambda rung: rung.at)
    try:
        plans = {plan.key: plan for plan in ladder_from_json(row.ladder).rungs}
    except (KeyError, TypeError, ValueError):
        return Next(first.at, "")  # a damaged copy is the worker's to report; the page still opens
    plan = plans.get(first.key)
    return Next(first.at, "" if plan is None else tells(plan))


def tells(plan: RungPlan) -> str:
    """Return whom a rung tells by what: ``带班领导（短信、电话）``."""
    return say("；").join(
        words.bracketed(
            words.listed(words.target(name) for name in tell.targets),
            words.listed(say(words.CHANNELS[channel]) for channel in tell.channels),
        )
        for tell in plan.tells
    )


def _call(one: Told, names: Mapping[int, str], texts: Mapping[str, str]) -> Call:
    alert, proof = one.alert, one.acknowledgements[0] if one.acknowledgements else None
    state, tone = standing(alert, one.attempts, proof)
    role = words.target(alert.target)
    last = one.attempts[-1] if one.attempts else None
    return Call(
        alert=alert,
        who=names.get(alert.person_id or 0) or say(_TELEPHONES.get(alert.target.partition(":")[0], role)),
        role=role,
        channel=alert.channel,
        number=last.to_number if last is not None else alert.phone or "",
        why=words.reason(texts, alert.reason),
        state=state,
        tone=tone,
        at=alert.created_at if last is None else last.claimed_at,
        proof=proof,
    )


def standing(alert: Alert, attempts: Sequence[Attempt], proof: Acknowledgement | None) -> Standing:
    """Return how a call or an SMS stands, in the words of 叫应 (for the template to translate), with its tone.

    Only a key, a click or an entry by hand is 已应答; a call picked up without a key is 接听未确认.
    """
    if proof is not None:
        return ("人工叫应" if proof.kind == "by_hand" else "已应答", "good")
    if alert.state == "cancelled":
        return ("已取消", "quiet")
    return _call_standing(alert, attempts) if alert.channel == "voice" else _sms_standing(alert)


def _call_standing(alert: Alert, attempts: Sequence[Attempt]) -> Standing:
    last = attempts[-1] if attempts else None
    if alert.state == "failed":
        return ("叫应失败", "bad")
    if last is None:
        return ("待叫", "busy")
    if last.live:
        return ("接听未确认", "warn") if last.state in _ANSWERED else ("呼叫中", "busy")
    if alert.exhausted_at is not None:
        return ("未应答，已升级", "bad")
    return ("接听未确认", "warn") if last.answered_at is not None else ("未应答", "bad")


def _sms_standing(alert: Alert) -> Standing:
    match alert.state:
        case "queued":
            return ("待发", "busy")
        case "sending":
            return ("发送中", "busy")
        case "failed":
            return ("发送失败", "bad")
        case "delivered":
            return ("已送达", "plain")
        case _:
            return ("已发出", "plain")

"""What an obligation's ladder asks for at this moment. Pure: facts and ``now`` in, decisions out.

One pass over one obligation: note that the due time passed, fire the rungs that are due (several at
once count as one), go on to the next person where the last one did not answer, end what a key
ended, and say when to look again. A ladder never simply ends.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from dutydesk.rulebook.types import Channel, LadderPlan, RungPlan

SCREEN = "screen:desk"
# A rung noticed later than this was not merely waiting for its turn in the pass.
LATE_AFTER = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Recipient:
    """Somebody (or some telephone) that can be told, and by what."""

    key: str
    person_id: int | None = None
    phone: str | None = None
    has_sms: bool = False
    has_voice: bool = False

    def takes(self, channel: Channel) -> bool:
        """Tell whether this recipient has a usable number for the channel."""
        return self.has_sms if channel == "sms" else self.has_voice


# A target resolves to levels tried one after another (primary operator, then secondary, …); the
# people of one level are told together. An empty level is an empty seat.
Levels = tuple[tuple[Recipient, ...], ...]


@dataclass(frozen=True, slots=True)
class RungFact:
    """One rung of the current version of the due time that is armed or has fired."""

    id: int
    key: str
    occurrence: int
    at: datetime
    fired: bool = False


@dataclass(frozen=True, slots=True)
class AlertFact:
    """One alert of the obligation, as far as the ladder cares."""

    id: int
    rung_id: int | None
    target: str
    position: int
    recipient: str
    channel: Channel
    alive: bool
    cancelled: bool = False
    acknowledged_at: datetime | None = None
    # Whoever confirmed did not hold the seat; ``off_seat_noted`` once that has been written down.
    off_seat: bool = False
    off_seat_noted: bool = False
    given_up: str | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything the ladder of one owed obligation decides on."""

    obligation_id: int
    ladder: LadderPlan
    opened_at: datetime
    due_at: datetime
    due_version: int
    rungs: tuple[RungFact, ...]
    alerts: tuple[AlertFact, ...]
    levels: Mapping[str, Levels]
    fallbacks: Mapping[str, tuple[str, ...]]
    last_resort: tuple[Recipient, ...] = ()
    no_report_noted: bool = False
    by_key: bool = False
    next_check_at: datetime | None = None
    fired_before: frozenset[str] = frozenset()
    clock_in_doubt: bool = False


@dataclass(frozen=True, slots=True)
class NoteNoReport:
    """The due time has passed without evidence."""


@dataclass(frozen=True, slots=True)
class FulfilByKey:
    """Somebody pressed the key that this obligation asks for."""

    at: datetime
    alert_id: int


@dataclass(frozen=True, slots=True)
class Fire:
    """A rung has been acted on."""

    rung_id: int
    reason: str


@dataclass(frozen=True, slots=True)
class EndRung:
    """Nothing more is to be done for a rung."""

    rung_id: int
    reason: str


@dataclass(frozen=True, slots=True)
class ArmAgain:
    """The repeating rung comes again."""

    key: str
    occurrence: int
    at: datetime


@dataclass(frozen=True, slots=True)
class Tell:
    """Queue one alert."""

    rung_id: int | None
    target: str
    position: int
    recipient: Recipient
    channel: Channel
    reason: str
    wording: str
    cause: str = "rung"
    # The alert this one stands in for, where it does.
    about: int | None = None


@dataclass(frozen=True, slots=True)
class Adopt:
    """A call to this person is on its way already: it now speaks for this rung as well."""

    alert_id: int
    rung_id: int
    target: str
    position: int
    wording: str


@dataclass(frozen=True, slots=True)
class Cancel:
    """Take an unsent alert back."""

    alert_id: int
    reason: str


@dataclass(frozen=True, slots=True)
class Gap:
    """A seat that a ladder asked for is empty, or the one who holds it has no usable number."""

    target: str
    reason: str


@dataclass(frozen=True, slots=True)
class Backlog:
    """Too old to call anybody about: recorded, and counted in one summary to the operator."""


@dataclass(frozen=True, slots=True)
class OffSeat:
    """A key came from somebody who no longer holds the seat."""

    alert_id: int
    target: str


@dataclass(frozen=True, slots=True)
class EndTakeOver:
    """The time at which whoever took over wanted to look again has come."""


Decision = (
    NoteNoReport
    | FulfilByKey
    | Fire
    | EndRung
    | ArmAgain
    | Tell
    | Adopt
    | Cancel
    | Gap
    | Backlog
    | OffSeat
    | EndTakeOver
)


@dataclass(slots=True)
class Plan:
    """The decisions of one pass over one obligation, and when to look again (None: never by itself)."""

    decisions: list[Decision] = field(default_factory=list)
    wake_at: datetime | None = None


def decide(facts: Facts, now: datetime, *, stale_after: timedelta) -> Plan:
    """Return what has to happen now for one owed obligation (design §5).

    Each step sees what the steps before it have decided, so that one pass says all there is to say.
    """
    noted = facts.due_at <= now and not facts.no_report_noted
    missed: list[Decision] = [NoteNoReport()] if noted else []
    key = _key_press(facts)
    if key is not None:
        pressed_at = key.acknowledged_at or now
        # What was confirmed in time is no missed report, however late the clockwork hears of it.
        return Plan([*(missed if pressed_at > facts.due_at else []), FulfilByKey(pressed_at, key.id)])
    past = [rung for rung in facts.rungs if not rung.fired and _effective(facts, rung) <= now]
    if past and _is_stale(facts, now, stale_after):
        return _backlog(facts, missed, now + stale_after)
    steps = _Steps(facts, missed)
    if past:
        steps.take(_fire(facts, past, now))
    for rung in facts.rungs:
        steps.take(_end(steps.facts, rung))
    for rung in steps.facts.rungs:
        if rung.fired:
            steps.take(_chase(steps.facts, rung))
    steps.take(_nobody_left(steps.facts))
    steps.take(_unseen_screens(steps.facts))
    return Plan(steps.decisions, _next_look(facts, steps.decisions, past, now))


@dataclass(slots=True)
class _Steps:
    """The decisions so far, and the facts as they are once those have been carried out."""

    facts: Facts
    decisions: list[Decision]

    def take(self, found: Iterable[Decision]) -> None:
        """Add what one step has decided."""
        fresh = list(found)
        self.decisions += fresh
        for one in fresh:
            self.facts = _after(self.facts, one)


def _after(facts: Facts, decision: Decision) -> Facts:
    """Return the facts once a decision has been carried out, as far as later steps care."""
    match decision:
        case Fire(rung_id, _):
            rungs = (replace(rung, fired=rung.fired or rung.id == rung_id) for rung in facts.rungs)
            return replace(facts, rungs=tuple(rungs))
        case EndRung(rung_id, _):
            return replace(facts, rungs=tuple(rung for rung in facts.rungs if rung.id != rung_id))
        case Cancel(alert_id, _):
            return _with_alert(facts, alert_id, alive=False, cancelled=True)
        case Adopt(alert_id, rung_id, target, position, _):
            return _with_alert(facts, alert_id, rung_id=rung_id, target=target, position=position)
        case Tell(rung_id, target, position, recipient, channel):
            queued = AlertFact(0, rung_id, target, position, recipient.key, channel, alive=True)
            return replace(facts, alerts=(*facts.alerts, queued))
        case _:
            return facts


def _with_alert(facts: Facts, alert_id: int, **changes: Any) -> Facts:
    alerts = (replace(one, **changes) if one.id == alert_id else one for one in facts.alerts)
    return replace(facts, alerts=tuple(alerts))


def _plan_of(facts: Facts, key: str) -> RungPlan:
    return next(rung for rung in facts.ladder.rungs if rung.key == key)


def _effective(facts: Facts, rung: RungFact) -> datetime:
    """Return when a rung fires: the repeated one rests while somebody has taken over."""
    if facts.next_check_at is not None and _plan_of(facts, rung.key).repeat_every is not None:
        return max(rung.at, facts.next_check_at)
    return rung.at


def _key_press(facts: Facts) -> AlertFact | None:
    """Return the earliest valid key where a key is the evidence.

    A click on the screen is none, nor is the key of an operator who is asked to lend a hand.
    """
    if not facts.by_key:
        return None
    rungs = {rung.id: _plan_of(facts, rung.key) for rung in facts.rungs}
    pressed = [
        alert
        for alert in facts.alerts
        if alert.acknowledged_at is not None
        and alert.channel != "screen"
        and alert.rung_id in rungs
        and rungs[alert.rung_id].until != "evidence"
        and not alert.off_seat
    ]
    return min(pressed, key=lambda alert: (alert.acknowledged_at, alert.id), default=None)


def _is_stale(facts: Facts, now: datetime, stale_after: timedelta) -> bool:
    """Tell whether the whole affair lay in an outage (or in the past) for longer than anybody should be woken for."""
    running = any(rung.fired and rung.at >= facts.due_at for rung in facts.rungs) or bool(facts.fired_before)
    # A clock that has jumped must not put a ladder to sleep.
    return not running and not facts.clock_in_doubt and now - facts.due_at > stale_after


def _backlog(facts: Facts, missed: list[Decision], again_at: datetime) -> Plan:
    """Call nobody, count it in the operator's summary, and come back to it: a ladder never simply ends."""
    ended = [EndRung(rung.id, "BACKLOG") for rung in facts.rungs]
    last = max((rung.occurrence for rung in facts.rungs), default=0)
    again = ArmAgain(facts.ladder.rungs[-1].key, last + 1, again_at)
    return Plan([*missed, Backlog(), *ended, again], again_at)


def _next_look(
    facts: Facts, decided: Sequence[Decision], past: Sequence[RungFact], now: datetime
) -> datetime | None:
    fired = {rung.id for rung in past}
    ahead = [_effective(facts, rung) for rung in facts.rungs if not rung.fired and rung.id not in fired]
    ahead += [decision.at for decision in decided if isinstance(decision, ArmAgain)]
    if facts.due_at > now:
        ahead.append(facts.due_at)
    return min(ahead, default=None)


# ── firing ───────────────────────────────────────────────────────────────────────────────────


def _fire(facts: Facts, past: Sequence[RungFact], now: datetime) -> Iterator[Decision]:
    """Fire every rung that is due as one: each person is told once, in the words of the latest that names them."""
    told: dict[tuple[str, Channel], Tell] = {}
    wording: dict[str, str] = {}
    gaps: dict[str, Gap] = {}
    for rung in past:
        reason = _reason(facts, rung, now)
        yield Fire(rung.id, reason)
        for tell in _tells(facts, rung, reason, gaps):
            told[tell.recipient.key, tell.channel] = tell
            wording[tell.recipient.key] = tell.wording
        yield from _arm_again(facts, rung, now)
    if any(facts.next_check_at is not None and _plan_of(facts, rung.key).repeat_every for rung in past):
        yield EndTakeOver()
    yield from gaps.values()
    latest = [replace(tell, wording=wording[tell.recipient.key]) for tell in told.values()]
    if not any(tell.channel != "screen" for tell in latest) and _asks_for_people(facts, past):
        latest = list(_last_resort(facts, past[-1]))
    yield from _without_doubles(facts, latest)


def _reason(facts: Facts, rung: RungFact, now: datetime) -> str:
    """Say why this rung fires now: the answer to "why was I called?"."""
    if rung.at < facts.opened_at and facts.due_version == 1:
        return "OPENED_LATE"
    late = now - rung.at > LATE_AFTER
    if facts.due_version > 1 and (late or rung.key in facts.fired_before):
        return "DUE_MOVED"
    if facts.next_check_at is not None and _plan_of(facts, rung.key).repeat_every is not None:
        return "TAKE_OVER_CHECK"
    if late:
        return "LATE_START"
    if rung.occurrence > 0:
        return "REPEATED"
    return "FIRST_RUNG" if rung.key == facts.ladder.rungs[0].key else "RUNG_DUE"


def _arm_again(facts: Facts, rung: RungFact, now: datetime) -> Iterator[ArmAgain]:
    every = _plan_of(facts, rung.key).repeat_every
    if every is not None:
        start = _effective(facts, rung)
        missed = int((now - start) / every)
        yield ArmAgain(rung.key, rung.occurrence + 1, start + every * (missed + 1))


def _tells(facts: Facts, rung: RungFact, reason: str, gaps: dict[str, Gap]) -> Iterator[Tell]:
    """Yield everyone a rung tells first, with empty seats skipped and noted."""
    plan = _plan_of(facts, rung.key)
    for tell in plan.tells:
        for target in tell.targets:
            for channel in tell.channels:
                if channel == "screen":
                    yield Tell(rung.id, target, 0, Recipient(SCREEN), "screen", reason, plan.wording)
                    continue
                yield from _first_level(facts, rung, target, channel, reason, gaps)


def _first_level(
    facts: Facts, rung: RungFact, target: str, channel: Channel, reason: str, gaps: dict[str, Gap]
) -> Iterator[Tell]:
    """Yield the first level of a target's chain that can be reached at all."""
    wording = _plan_of(facts, rung.key).wording
    for position, (name, people) in enumerate(_chain(facts, target)):
        if not people:
            gaps.setdefault(name, Gap(name, "SEAT_EMPTY"))
            reason = "SEAT_EMPTY"
            continue
        reachable = [person for person in people if person.has_sms or person.has_voice]
        for person in people:
            if person not in reachable:
                gaps.setdefault(f"{name}/{person.key}", Gap(name, "NO_USABLE_NUMBER"))
        if not reachable:
            reason = "NO_USABLE_NUMBER"
            continue
        for person in reachable:
            yield Tell(rung.id, target, position, person, _by(person, channel), reason, wording)
        return


def _by(person: Recipient, channel: Channel) -> Channel:
    """Return the channel asked for, or the other one where the person has no number for it."""
    if person.takes(channel):
        return channel
    return "voice" if channel == "sms" else "sms"


def _chain(facts: Facts, target: str) -> list[tuple[str, tuple[Recipient, ...]]]:
    """Return a target's levels followed by those of its fallbacks, each with the target it belongs to."""
    names = (target, *facts.fallbacks.get(target, ()))
    return [(name, level) for name in names for level in facts.levels.get(name, ((),))]


def _asks_for_people(facts: Facts, past: Sequence[RungFact]) -> bool:
    return any(
        channel != "screen"
        for rung in past
        for tell in _plan_of(facts, rung.key).tells
        for channel in tell.channels
    )


def _last_resort(facts: Facts, rung: RungFact) -> Iterator[Tell]:
    """Tell the numbers of last resort, and the screen, that nobody on the ladder can be told."""
    yield Tell(
        rung.id, "last_resort", 0, Recipient(SCREEN), "screen", "LAST_RESORT", "last_resort", "last_resort"
    )
    for person in facts.last_resort:
        for channel in ("sms", "voice"):
            yield Tell(
                rung.id, "last_resort", 0, person, channel, "LAST_RESORT", "last_resort", "last_resort"
            )


def _without_doubles(facts: Facts, told: Sequence[Tell]) -> Iterator[Decision]:
    """Yield what is to be queued; a call on its way is adopted, an older screen of this matter replaced."""
    for tell in told:
        on_its_way = [
            alert
            for alert in facts.alerts
            if alert.recipient == tell.recipient.key
            and alert.channel == tell.channel
            and alert.alive
            and alert.acknowledged_at is None
        ]
        if tell.channel == "voice" and on_its_way:
            yield Adopt(on_its_way[0].id, tell.rung_id or 0, tell.target, tell.position, tell.wording)
            continue
        if tell.channel == "screen":
            for alert in on_its_way:
                yield Cancel(alert.id, "SUPERSEDED")
        yield tell


# ── chasing ──────────────────────────────────────────────────────────────────────────────────


def _calls_of(facts: Facts, rung: RungFact) -> list[AlertFact]:
    """Return the SMS and calls of a rung.

    What was taken back (a named person took over, a key ended it) failed to reach nobody.
    """
    return [
        alert
        for alert in facts.alerts
        if alert.rung_id == rung.id and alert.channel != "screen" and not alert.cancelled
    ]


def _end(facts: Facts, rung: RungFact) -> Iterator[Decision]:
    """End a rung whose keys have been pressed, and take back what is still on its way for it."""
    mine = _calls_of(facts, rung)
    if rung.fired and _is_over(_plan_of(facts, rung.key), mine, [alert for alert in mine if _counts(alert)]):
        yield EndRung(rung.id, "ACKNOWLEDGED")
        for alert in mine:
            if alert.alive and alert.acknowledged_at is None:
                yield Cancel(alert.id, "ACKNOWLEDGED")


def _chase(facts: Facts, rung: RungFact) -> Iterator[Decision]:
    """Go on with a rung that has fired: by another channel, or to the next one in line."""
    plan = _plan_of(facts, rung.key)
    mine = _calls_of(facts, rung)
    for alert in mine:
        if alert.off_seat and not alert.off_seat_noted:
            yield OffSeat(alert.id, alert.target)
            yield from _tell_new_holder(facts, rung, alert, plan)
    yield from _other_channel(facts, rung, mine, plan)
    if plan.until != "none":
        yield from _next_in_line(facts, rung, mine, plan)


def _is_over(plan: RungPlan, mine: Sequence[AlertFact], acknowledged: Sequence[AlertFact]) -> bool:
    """Tell whether the keys pressed so far end the rung: one for ``any``, one for each target for ``each``."""
    if plan.until == "any":
        return bool(acknowledged)
    if plan.until == "each" and mine:
        return {alert.target for alert in mine} <= {alert.target for alert in acknowledged}
    return False


def _counts(alert: AlertFact) -> bool:
    """Tell whether somebody who held the seat confirmed this alert."""
    return alert.acknowledged_at is not None and not alert.off_seat


def _tell_new_holder(facts: Facts, rung: RungFact, alert: AlertFact, plan: RungPlan) -> Iterator[Decision]:
    told = {other.recipient for other in facts.alerts if other.rung_id == rung.id}
    waiting = {
        (other.recipient, other.channel)
        for other in facts.alerts
        if other.alive and other.acknowledged_at is None
    }
    for tell in _first_level(facts, rung, alert.target, alert.channel, "OFF_SEAT_KEY", {}):
        if tell.recipient.key not in told and (tell.recipient.key, tell.channel) not in waiting:
            yield Tell(
                rung.id,
                alert.target,
                tell.position,
                tell.recipient,
                tell.channel,
                "OFF_SEAT_KEY",
                plan.wording,
            )


def _other_channel(
    facts: Facts, rung: RungFact, mine: Sequence[AlertFact], plan: RungPlan
) -> Iterator[Decision]:
    """An SMS that could not be sent is followed by a call, a call that no provider carries by an SMS."""
    # Of any rung: a call may have come to speak for a later one.
    tried = {(alert.recipient, alert.channel) for alert in facts.alerts}
    for alert in mine:
        if alert.acknowledged_at is not None or not _channel_failed(alert):
            continue
        other: Channel = "voice" if alert.channel == "sms" else "sms"
        person = _recipient(facts, alert)
        if person is None or not person.takes(other) or (person.key, other) in tried:
            continue
        tried.add((person.key, other))
        yield Tell(rung.id, alert.target, alert.position, person, other, "CHANNEL_FAILED", plan.wording)


def _channel_failed(alert: AlertFact) -> bool:
    if alert.channel == "sms":
        return alert.given_up is not None
    return alert.given_up in ("PROVIDER_FAILED", "QUOTA_SPENT")


def _recipient(facts: Facts, alert: AlertFact) -> Recipient | None:
    everyone = (person for _, level in _chain(facts, alert.target) for person in level)
    return next((person for person in everyone if person.key == alert.recipient), None)


def _next_in_line(
    facts: Facts, rung: RungFact, mine: Sequence[AlertFact], plan: RungPlan
) -> Iterator[Decision]:
    """Turn to the next person where every number of the last one was rung once without a key.

    The first keeps being called by their own alert; nobody is told twice in one rung.
    """
    told = {alert.recipient for alert in facts.alerts if alert.rung_id == rung.id}
    targets = sorted({alert.target for alert in mine if alert.channel == "voice"})
    for target in targets:
        calls = [alert for alert in mine if alert.target == target and alert.channel == "voice"]
        reached = max(alert.position for alert in calls)
        last = [alert for alert in calls if alert.position == reached]
        if any(_counts(alert) for alert in calls):
            continue
        if not all(_gave_up(alert) for alert in last):
            continue
        following = list(_following(facts, rung, target, reached, last, told, plan))
        told |= {tell.recipient.key for tell in following}
        yield from following


def _gave_up(alert: AlertFact) -> bool:
    """Tell whether a person was rung in vain; a provider's failure is never a person's (design §5)."""
    return alert.given_up is not None and (alert.given_up != "PROVIDER_FAILED" or not alert.alive)


def _following(
    facts: Facts,
    rung: RungFact,
    target: str,
    reached: int,
    last: Sequence[AlertFact],
    told: set[str],
    plan: RungPlan,
) -> Iterator[Tell]:
    reason = last[0].given_up or "NO_KEY_PRESSED"
    ringing = {
        alert.recipient
        for alert in facts.alerts
        if alert.channel == "voice" and alert.alive and alert.acknowledged_at is None and not alert.given_up
    }
    for position, (_, people) in enumerate(_chain(facts, target)):
        if position <= reached:
            continue
        if any(person.key in ringing for person in people):
            # Another rung is calling them already: what comes of that decides who is next.
            return
        fresh = [person for person in people if person.key not in told and person.has_voice]
        if fresh:
            for person in fresh:
                yield Tell(rung.id, target, position, person, "voice", reason, plan.wording)
            return


def _nobody_left(facts: Facts) -> Iterator[Tell]:
    """Where nobody can be called any more and nobody is next in line, tell the last resort, once."""
    chased = [rung for rung in facts.rungs if rung.fired and _plan_of(facts, rung.key).until != "none"]
    ids = {rung.id for rung in chased}
    calls = [
        alert
        for alert in facts.alerts
        if alert.channel == "voice" and alert.rung_id in ids and not alert.cancelled
    ]
    lost = bool(calls) and all(alert.given_up is not None and not alert.alive for alert in calls)
    if lost and all(alert.target != "last_resort" for alert in facts.alerts):
        yield from _last_resort(facts, chased[-1])


def _unseen_screens(facts: Facts) -> Iterator[Tell]:
    """A screen alert that no board has drawn rings the desk's own telephone, once.

    The call belongs to no rung: a key at the desk says that somebody is there, not that the unit is.
    """
    unseen = [
        alert
        for alert in facts.alerts
        if alert.channel == "screen" and alert.given_up == "NO_SCREEN" and alert.alive
    ]
    levels = [[one for one in level if one.has_voice] for _, level in _chain(facts, "desk:phone")]
    desk = next((level for level in levels if level), [])
    names = {phone.key for phone in desk}
    ringing = any(
        alert.channel == "voice"
        and alert.recipient in names
        and alert.alive
        and alert.acknowledged_at is None
        for alert in facts.alerts
    )
    if unseen and not ringing:
        for phone in desk:
            yield Tell(
                None,
                "desk:phone",
                0,
                phone,
                "voice",
                "NO_SCREEN",
                "no_screen",
                cause="no_screen",
                about=unseen[0].id,
            )

"""What an obligation's ladder asks for at this moment. Pure: facts and ``now`` in, decisions out.

One pass over one obligation: note that the due time passed, fire the rungs that are due (several at
once count as one), go on to the next person where the last one did not answer, end what a key
ended, and say when to look again. A ladder never simply ends.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from dutydesk.escalation.rules.chasing import chase, end, nobody_left, unseen_screens
from dutydesk.escalation.rules.facts import (
    SCREEN,
    Adopt,
    AlertFact,
    ArmAgain,
    Backlog,
    Cancel,
    Decision,
    EndRung,
    EndTakeOver,
    Facts,
    Fire,
    FulfilByKey,
    Gap,
    Levels,
    NoteNoReport,
    OffSeat,
    Plan,
    Recipient,
    RungFact,
    Tell,
    effective,
    plan_of,
)
from dutydesk.escalation.rules.firing import fire, tell_again

__all__ = [
    "CALLED_OUT_BY_HAND",
    "SCREEN",
    "Adopt",
    "AlertFact",
    "ArmAgain",
    "Backlog",
    "Cancel",
    "Decision",
    "EndRung",
    "EndTakeOver",
    "Facts",
    "Fire",
    "FulfilByKey",
    "Gap",
    "Levels",
    "NoteNoReport",
    "OffSeat",
    "Plan",
    "Recipient",
    "RungFact",
    "Tell",
    "call_out",
    "decide",
    "was_called_out",
]

CALLED_OUT_BY_HAND = "CALLED_OUT_BY_HAND"
# What a call-out says of a report that is not due yet, where the ladder has no words for that.
_NOT_DUE_YET = "warning"
# A second click within this is the first one's echo.
_ECHO = timedelta(minutes=1)


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
    past = [rung for rung in facts.rungs if not rung.fired and effective(facts, rung) <= now]
    if past and _is_stale(facts, now, stale_after):
        return _backlog(facts, missed, now + stale_after)
    steps = _Steps(facts, missed)
    if past:
        steps.take(fire(facts, past, now))
    for rung in facts.rungs:
        steps.take(end(steps.facts, rung))
    for rung in steps.facts.rungs:
        if rung.fired:
            steps.take(chase(steps.facts, rung))
    steps.take(nobody_left(steps.facts))
    steps.take(unseen_screens(steps.facts))
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


def _key_press(facts: Facts) -> AlertFact | None:
    """Return the earliest valid key where a key is the evidence.

    A click on the screen is none, nor is the key of an operator who is asked to lend a hand.
    """
    if not facts.by_key:
        return None
    rungs = {rung.id: plan_of(facts, rung.key) for rung in facts.rungs}
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
    ahead = [effective(facts, rung) for rung in facts.rungs if not rung.fired and rung.id not in fired]
    ahead += [decision.at for decision in decided if isinstance(decision, ArmAgain)]
    if facts.due_at > now:
        ahead.append(facts.due_at)
    return min(ahead, default=None)


def call_out(facts: Facts, now: datetime) -> list[Decision]:
    """Return what tells people now, because somebody at the desk will not wait for the next rung's time.

    A rung brought forward comes again at its own time, unless somebody has confirmed by then. Before the
    due time nothing is said or used up that belongs after it. Empty when nobody is left to be told.
    """
    if now >= facts.due_at:
        following = _following(facts, facts.rungs)
        return [] if following is None else list(fire(facts, [following], now, by_hand=CALLED_OUT_BY_HAND))
    before = [rung for rung in facts.rungs if rung.at < facts.due_at]
    warning = _following(facts, before)
    if warning is not None:
        return list(fire(facts, [warning], now, by_hand=CALLED_OUT_BY_HAND))
    if before:
        last = max(before, key=lambda rung: (rung.at, rung.id))
        return list(tell_again(facts, last, now, CALLED_OUT_BY_HAND))
    later = _following(facts, facts.rungs)
    if later is None:
        return []
    return list(tell_again(facts, later, now, CALLED_OUT_BY_HAND, wording=_NOT_DUE_YET))


def _following(facts: Facts, rungs: Iterable[RungFact]) -> RungFact | None:
    """Return the next of these rungs; one that was brought forward already only where there is no other."""
    fired = {rung.key for rung in facts.rungs if rung.fired}
    ahead = [rung for rung in rungs if not rung.fired]
    return min(ahead, key=lambda rung: (rung.key in fired, effective(facts, rung), rung.id), default=None)


def was_called_out(fired: Iterable[tuple[str | None, datetime | None]], now: datetime) -> bool:
    """Tell whether one of these rungs or messages (reason, when) came about by hand a moment ago."""
    return any(reason == CALLED_OUT_BY_HAND and at is not None and now - at < _ECHO for reason, at in fired)

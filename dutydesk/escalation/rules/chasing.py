"""Going on with rungs that have fired: the other channel, the next in line, the last resort. Pure."""

from collections.abc import Iterator, Sequence

from dutydesk.escalation.rules.facts import (
    AlertFact,
    Cancel,
    Decision,
    EndRung,
    Facts,
    OffSeat,
    Recipient,
    RungFact,
    Tell,
    chain,
    plan_of,
)
from dutydesk.escalation.rules.firing import first_level, last_resort_tells
from dutydesk.rulebook.types import Channel, RungPlan


def _calls_of(facts: Facts, rung: RungFact) -> list[AlertFact]:
    """Return the SMS and calls of a rung.

    What was taken back (a named person took over, a key ended it) failed to reach nobody.
    """
    return [
        alert
        for alert in facts.alerts
        if alert.rung_id == rung.id and alert.channel != "screen" and not alert.cancelled
    ]


def end(facts: Facts, rung: RungFact) -> Iterator[Decision]:
    """End a rung whose keys have been pressed, and take back what is still on its way for it."""
    mine = _calls_of(facts, rung)
    if rung.fired and _is_over(plan_of(facts, rung.key), mine, [alert for alert in mine if _counts(alert)]):
        yield EndRung(rung.id, "ACKNOWLEDGED")
        for other in _its_own_time(facts, rung):
            yield EndRung(other.id, "ACKNOWLEDGED")
        for alert in mine:
            if alert.alive and alert.acknowledged_at is None:
                yield Cancel(alert.id, "ACKNOWLEDGED")


def _its_own_time(facts: Facts, rung: RungFact) -> list[RungFact]:
    """Return what is armed for the own time of a rung that was brought forward: it was confirmed before."""
    if plan_of(facts, rung.key).repeat_every is not None:
        return []
    return [other for other in facts.rungs if other.key == rung.key and not other.fired]


def chase(facts: Facts, rung: RungFact) -> Iterator[Decision]:
    """Go on with a rung that has fired: by another channel, or to the next one in line."""
    plan = plan_of(facts, rung.key)
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
    for tell in first_level(facts, rung, alert.target, alert.channel, "OFF_SEAT_KEY", {}):
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
    everyone = (person for _, level in chain(facts, alert.target) for person in level)
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
    for position, (_, people) in enumerate(chain(facts, target)):
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


def nobody_left(facts: Facts) -> Iterator[Tell]:
    """Where nobody can be called any more and nobody is next in line, tell the last resort, once."""
    chased = [rung for rung in facts.rungs if rung.fired and plan_of(facts, rung.key).until != "none"]
    ids = {rung.id for rung in chased}
    calls = [
        alert
        for alert in facts.alerts
        if alert.channel == "voice" and alert.rung_id in ids and not alert.cancelled
    ]
    lost = bool(calls) and all(alert.given_up is not None and not alert.alive for alert in calls)
    if lost and all(alert.target != "last_resort" for alert in facts.alerts):
        yield from last_resort_tells(facts, chased[-1])


def unseen_screens(facts: Facts) -> Iterator[Tell]:
    """A screen alert that no board has drawn rings the desk's own telephone, once.

    The call belongs to no rung: a key at the desk says that somebody is there, not that the unit is.
    """
    unseen = [
        alert
        for alert in facts.alerts
        if alert.channel == "screen" and alert.given_up == "NO_SCREEN" and alert.alive
    ]
    levels = [[one for one in level if one.has_voice] for _, level in chain(facts, "desk:phone")]
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

"""Firing rungs: whom they tell, in which words, and why now. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from dutydesk.escalation.rules.facts import (
    SCREEN,
    Adopt,
    ArmAgain,
    Cancel,
    Decision,
    EndTakeOver,
    Facts,
    Fire,
    Gap,
    Recipient,
    RungFact,
    Tell,
    chain,
    effective,
    plan_of,
)
from dutydesk.rulebook.types import Channel

# A rung noticed later than this was not merely waiting for its turn in the pass.
LATE_AFTER = timedelta(seconds=60)


# Nobody has to be named for these; who stands in for them is told as a matter of course.
_NEED_NOT_BE_HELD = frozenset({"unit:roster", "person"})


def fire(
    facts: Facts, past: Sequence[RungFact], now: datetime, *, by_hand: str | None = None
) -> Iterator[Decision]:
    """Fire every rung that is due as one: each person is told once, in the words of the latest that names them.

    *by_hand* is the reason where a person fires them before their time.
    """
    told: dict[tuple[str, Channel], Tell] = {}
    wording: dict[str, str] = {}
    gaps: dict[str, Gap] = {}
    for rung in past:
        reason = by_hand or _reason(facts, rung, now)
        yield Fire(rung.id, reason)
        for tell in _tells(facts, rung, reason, gaps):
            told[tell.recipient.key, tell.channel] = tell
            wording[tell.recipient.key] = tell.wording
        yield from _arm_again(facts, rung, now, by_hand=by_hand is not None)
    if any(facts.next_check_at is not None and plan_of(facts, rung.key).repeat_every for rung in past):
        yield EndTakeOver()
    yield from gaps.values()
    latest = [replace(tell, wording=wording[tell.recipient.key]) for tell in told.values()]
    if not any(tell.channel != "screen" for tell in latest) and _asks_for_people(facts, past):
        latest = list(last_resort_tells(facts, past[-1]))
    yield from _without_doubles(facts, latest)


def tell_again(
    facts: Facts, rung: RungFact, now: datetime, reason: str, *, wording: str | None = None
) -> Iterator[Decision]:
    """Tell once more whomever a rung tells, and leave the rung as it is.

    In other *wording*, it speaks for the matter and not for the rung: a key ends these calls and nothing
    else, unless a key is all that the matter asks for.
    """
    gaps: dict[str, Gap] = {}
    told = {(tell.recipient.key, tell.channel): tell for tell in _tells(facts, rung, reason, gaps)}
    yield from gaps.values()
    latest = list(told.values())
    if not any(tell.channel != "screen" for tell in latest) and _asks_for_people(facts, [rung]):
        latest = list(last_resort_tells(facts, rung))
    elif wording is not None:
        about = rung.id if facts.by_key else None
        latest = [replace(tell, wording=wording, rung_id=about) for tell in latest]
    stamp = int(now.timestamp())
    yield from _without_doubles(facts, [replace(tell, about=stamp) for tell in latest])


def _reason(facts: Facts, rung: RungFact, now: datetime) -> str:
    """Say why this rung fires now: the answer to "why was I called?"."""
    if rung.at < facts.opened_at and facts.due_version == 1:
        return "OPENED_LATE"
    late = now - rung.at > LATE_AFTER
    if facts.due_version > 1 and (late or rung.key in facts.fired_before):
        return "DUE_MOVED"
    if facts.next_check_at is not None and plan_of(facts, rung.key).repeat_every is not None:
        return "TAKE_OVER_CHECK"
    if late:
        return "LATE_START"
    if rung.occurrence > 0:
        return "REPEATED"
    return "FIRST_RUNG" if rung.key == facts.ladder.rungs[0].key else "RUNG_DUE"


def _arm_again(facts: Facts, rung: RungFact, now: datetime, *, by_hand: bool) -> Iterator[ArmAgain]:
    """A repeating rung comes again; one that was brought forward comes again at its own time."""
    every = plan_of(facts, rung.key).repeat_every
    start = rung.at if by_hand else effective(facts, rung)
    if start > now:
        yield ArmAgain(rung.key, rung.occurrence + 1, start)
    elif every is not None:
        missed = int((now - start) / every)
        yield ArmAgain(rung.key, rung.occurrence + 1, start + every * (missed + 1))


def _tells(facts: Facts, rung: RungFact, reason: str, gaps: dict[str, Gap]) -> Iterator[Tell]:
    """Yield everyone a rung tells first, with empty seats skipped and noted."""
    plan = plan_of(facts, rung.key)
    for tell in plan.tells:
        for target in tell.targets:
            for channel in tell.channels:
                if channel == "screen":
                    yield Tell(rung.id, target, 0, Recipient(SCREEN), "screen", reason, plan.wording)
                    continue
                yield from first_level(facts, rung, target, channel, reason, gaps)


def first_level(
    facts: Facts, rung: RungFact, target: str, channel: Channel, reason: str, gaps: dict[str, Gap]
) -> Iterator[Tell]:
    """Yield the first level of a target's chain that can be reached at all."""
    wording = plan_of(facts, rung.key).wording
    for position, (name, people) in enumerate(chain(facts, target)):
        if not people:
            if name not in _NEED_NOT_BE_HELD:
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


def _asks_for_people(facts: Facts, past: Sequence[RungFact]) -> bool:
    return any(
        channel != "screen"
        for rung in past
        for tell in plan_of(facts, rung.key).tells
        for channel in tell.channels
    )


def last_resort_tells(facts: Facts, rung: RungFact) -> Iterator[Tell]:
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
            # What speaks for no rung has nothing to add to a call that is on its way.
            if tell.rung_id is not None:
                yield Adopt(on_its_way[0].id, tell.rung_id, tell.target, tell.position, tell.wording)
            continue
        if tell.channel == "screen":
            for alert in on_its_way:
                yield Cancel(alert.id, "SUPERSEDED")
        yield tell

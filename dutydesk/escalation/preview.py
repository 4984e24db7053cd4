"""Who would be called, in which order, by which number, with what words: the ladder without an incident."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from dutydesk.alerts.wording import Matter, clock_time, day_of, details, fill, greeting, sms
from dutydesk.db import Session
from dutydesk.errors import InvalidInputError, NotFoundError
from dutydesk.escalation.facts import targets_of
from dutydesk.escalation.rules import AlertFact, Facts, Recipient, RungFact, Tell, decide
from dutydesk.escalation.targets import Directory, directory_at, last_resort_recipient
from dutydesk.obligations.rules import rung_times
from dutydesk.people.queries import people_by_id
from dutydesk.people.rules import Person, Unit
from dutydesk.rulebook.types import Channel, LadderPlan, Rule
from dutydesk.web.site import Site

# A ladder never ends; two rounds of its repeated rung show what goes on for ever.
_REPEATS_SHOWN = 2
_EXAMPLE = "示例-0001"
_EXAMPLE_CODE = "A0A0"


@dataclass(frozen=True, slots=True)
class Row:
    """One person (or the screen) that one rung would tell. ``turn`` 0 is told first, 1 if that one fails, …"""

    at: datetime
    rung: str
    target: str
    turn: int
    who: str
    channel: Channel
    numbers: tuple[str, ...]
    words: str


async def preview(session: Session, site: Site, rule_id: str, at: datetime, unit: Unit) -> list[Row]:
    """Return what a clock of that rule, based at *at*, would do for a unit if nobody ever answered.

    It is the ladder's own ``decide`` that is asked, rung by rung, each with whoever holds the seats
    at the rung's own time.

    Raises:
        NotFoundError: when no such rule is in force that day.
        InvalidInputError: when the rule has no limit: no clock, nobody is called.
    """
    rule = site.rulebook.rule(rule_id, at.astimezone(site.zone).date())
    if rule is None:
        message = f"rule {rule_id} is not in force on that day"
        raise NotFoundError(message)
    due_at = due_of(site, rule, at)
    if due_at is None:
        message = f"rule {rule_id} has no limit: it is owed, but no clock runs and nobody is called"
        raise InvalidInputError(message)
    ladder = site.rulebook.ladders[rule.ladder]
    matter = Matter(
        "",
        _EXAMPLE,
        unit.short_name,
        rule.title,
        clock_time(due_at, site.zone),
        day=day_of(due_at, site.zone),
    )
    rows: list[Row] = []
    for when, rung in _occurrences(ladder, at, due_at):
        directory = await directory_at(session, {unit.id}, when)
        names = await people_by_id(session, directory.contacts.keys())
        facts = _facts(site, ladder, at, due_at, rung, directory, unit)
        for turn, tell in _turns(facts, when, site):
            rows.append(_row(site, when, rung.key, turn, tell, matter, directory, names))
    return rows


def due_of(site: Site, rule: Rule, at: datetime) -> datetime | None:
    """Return when a clock of that rule, based at *at*, falls due; None: no clock runs.

    What the rosters owe falls due with the shift or the leave itself: here as far ahead as holes are looked for.
    """
    if rule.limit is None and rule.opens_on == "matter":
        return at + timedelta(days=site.rulebook.rosters.horizon_days)
    return None if rule.limit is None else at + rule.limit


def _occurrences(ladder: LadderPlan, at: datetime, due_at: datetime) -> Iterator[tuple[datetime, RungFact]]:
    plans = {rung.key: rung for rung in ladder.rungs}
    for index, (key, moment) in enumerate(rung_times(ladder, at, at, due_at)):
        every = plans[key].repeat_every
        for occurrence in range(1 if every is None else _REPEATS_SHOWN):
            when = moment if every is None else moment + every * occurrence
            yield when, RungFact(index + 1, key, occurrence, when)


def _facts(
    site: Site,
    ladder: LadderPlan,
    at: datetime,
    due_at: datetime,
    rung: RungFact,
    directory: Directory,
    unit: Unit,
) -> Facts:
    return Facts(
        obligation_id=0,
        ladder=ladder,
        opened_at=at,
        due_at=due_at,
        due_version=1,
        rungs=(rung,),
        alerts=(),
        levels={
            target: directory.levels(target, unit.id, _somebody(directory, unit))
            for target in targets_of(ladder, site.rulebook)
        },
        fallbacks=site.rulebook.fallbacks,
        last_resort=tuple(last_resort_recipient(number) for number in site.settings.last_resort),
        no_report_noted=True,
    )


def _somebody(directory: Directory, unit: Unit) -> int | None:
    """Return whom ``person`` means in a preview: whoever sits in that unit, else its head."""
    levels = (*directory.levels("unit:operator", unit.id), *directory.levels("unit:head", unit.id))
    return next((one.person_id for level in levels for one in level if one.person_id is not None), None)


def _turns(facts: Facts, when: datetime, site: Site) -> Iterator[tuple[int, Tell]]:
    """Yield whom a rung tells, and then, as if nobody ever pressed a key, who comes next."""
    told: dict[tuple[str, Channel], AlertFact] = {}
    turn = 0
    while True:
        plan = decide(facts, when, stale_after=site.rulebook.pace.stale_after)
        fresh = [
            decision
            for decision in plan.decisions
            if isinstance(decision, Tell) and (decision.recipient.key, decision.channel) not in told
        ]
        if not fresh:
            return
        for tell in fresh:
            yield turn, tell
            told[tell.recipient.key, tell.channel] = AlertFact(
                id=len(told) + 1,
                rung_id=tell.rung_id,
                target=tell.target,
                position=tell.position,
                recipient=tell.recipient.key,
                channel=tell.channel,
                alive=True,
                given_up="NO_KEY_PRESSED" if tell.channel == "voice" else None,
            )
        turn += 1
        facts = replace(
            facts, alerts=tuple(told.values()), rungs=tuple(replace(rung, fired=True) for rung in facts.rungs)
        )


def _row(
    site: Site,
    when: datetime,
    rung: str,
    turn: int,
    tell: Tell,
    matter: Matter,
    directory: Directory,
    names: dict[int, Person],
) -> Row:
    matter = replace(matter, key=tell.wording)
    if tell.channel == "screen":
        words = fill(site.rulebook.wording, f"screen.{tell.wording}", matter)
        return Row(when, rung, tell.target, turn, "值班台", "screen", (), words)
    who, numbers = _reached(tell.recipient, tell.channel, directory, names)
    words = _words(site, matter, tell.recipient, names, tell.channel)
    return Row(when, rung, tell.target, turn, who, tell.channel, numbers, words)


def _reached(
    person: Recipient, channel: Channel, directory: Directory, names: dict[int, Person]
) -> tuple[str, tuple[str, ...]]:
    if person.person_id is None:
        return "值班电话", (person.phone or "",)
    kinds = ("mobile",) if channel == "sms" else ("mobile", "landline")
    points = directory.contacts.get(person.person_id, [])
    known = names.get(person.person_id)
    who = f"{known.name} {known.title}".strip() if known is not None else f"#{person.person_id}(无可用号码)"
    return who, tuple(point.address for point in points if point.kind in kinds)


def _words(site: Site, matter: Matter, person: Recipient, names: dict[int, Person], channel: Channel) -> str:
    known = names.get(person.person_id or 0)
    named = replace(matter, name=known.name if known is not None else "")
    words = site.rulebook.wording
    if channel == "sms":
        return sms(words, [named], _EXAMPLE_CODE)
    return "".join([*greeting(words, [named]), *details(words, [named])])


def local(moment: datetime, site: Site) -> str:
    """Return ``11-23 02:20:00`` in site time."""
    return moment.astimezone(site.zone).strftime("%m-%d %H:%M:%S")


def lines(rows: list[Row], site: Site) -> list[str]:
    """Return a preview as text for the command line."""
    said: list[str] = []
    for row in rows:
        turn = "首先" if row.turn == 0 else f"无应答后第{row.turn}顺位"
        numbers = "、".join(row.numbers)
        said.append(f"{local(row.at, site)}  {row.target}  {row.channel}  {turn}  {row.who}  {numbers}")
        said.append(f"    {row.words}")
    return said

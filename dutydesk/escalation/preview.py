"""Who would be called, in which order, by which number, with what words: the ladder without an incident."""

from dataclasses import dataclass, replace
from datetime import datetime

from dutydesk.alerts.wording import Matter, clock_time, details, fill, greeting, sms
from dutydesk.db import Session
from dutydesk.errors import InvalidInputError, NotFoundError
from dutydesk.escalation.rules import Recipient
from dutydesk.escalation.targets import Directory, directory_at
from dutydesk.obligations.rules import rung_times
from dutydesk.people.queries import people_by_id
from dutydesk.people.rules import Person, Unit
from dutydesk.rulebook.types import Channel, Rule
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

    Every rung asks who holds the seats at its own time.

    Raises:
        NotFoundError: when no such rule is in force that day.
        InvalidInputError: when the rule has no limit: no clock, nobody is called.
    """
    rule = site.rulebook.rule(rule_id, at.astimezone(site.zone).date())
    if rule is None:
        message = f"rule {rule_id} is not in force on that day"
        raise NotFoundError(message)
    if rule.limit is None:
        message = f"rule {rule_id} has no limit: it is owed, but no clock runs and nobody is called"
        raise InvalidInputError(message)
    due_at = at + rule.limit
    ladder = site.rulebook.ladders[rule.ladder]
    plans = {rung.key: rung for rung in ladder.rungs}
    rows: list[Row] = []
    for key, moment in rung_times(ladder, at, at, due_at):
        every = plans[key].repeat_every
        moments = [moment] if every is None else [moment + every * n for n in range(_REPEATS_SHOWN)]
        for when in moments:
            directory = await directory_at(session, {unit.id}, when)
            names = await _names(session, directory)
            for tell in plans[key].tells:
                for target in tell.targets:
                    for channel in tell.channels:
                        rows += _rows(
                            site,
                            rule,
                            plans[key].wording,
                            unit,
                            due_at,
                            when,
                            key,
                            target,
                            channel,
                            directory,
                            names,
                        )
    return sorted(rows, key=lambda row: (row.at, row.turn))


async def _names(session: Session, directory: Directory) -> dict[int, Person]:
    return await people_by_id(session, directory.contacts.keys())


def _rows(
    site: Site,
    rule: Rule,
    wording: str,
    unit: Unit,
    due_at: datetime,
    at: datetime,
    rung: str,
    target: str,
    channel: Channel,
    directory: Directory,
    names: dict[int, Person],
) -> list[Row]:
    matter = Matter(
        key=wording,
        number=_EXAMPLE,
        unit=unit.short_name,
        owed=rule.title,
        due=clock_time(due_at, site.zone),
    )
    if channel == "screen":
        return [
            Row(
                at,
                rung,
                target,
                0,
                "值班台",
                channel,
                (),
                fill(site.rulebook.wording, f"screen.{wording}", matter),
            )
        ]
    rows: list[Row] = []
    turn = 0
    chain = (target, *(site.rulebook.fallbacks.get(target, ()) if channel == "voice" else ()))
    seen: set[str] = set()
    for name in chain:
        for level in directory.levels(name, unit.id):
            fresh = [person for person in level if person.key not in seen]
            seen |= {person.key for person in fresh}
            for person in fresh:
                who, numbers = _reached(person, channel, directory, names)
                rows.append(
                    Row(
                        at,
                        rung,
                        name,
                        turn,
                        who,
                        channel,
                        numbers,
                        _words(site, matter, person, names, channel),
                    )
                )
            turn += bool(fresh)
    if not rows:
        rows.append(
            Row(
                at,
                rung,
                target,
                0,
                "空缺",
                channel,
                tuple(site.settings.last_resort),
                "该席位及后备均无人,呼最后联系人",
            )
        )
    return rows


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

"""The live feed: the newest happenings over all incidents, in plain words, without a single number to call."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from dutydesk.alerts.model import Acknowledgement, Alert, Attempt
from dutydesk.db import Session
from dutydesk.desk import queries
from dutydesk.incidents.model import Incident, IncidentChange, Report
from dutydesk.incidents.timeline import CHANGES
from dutydesk.obligations.model import NoReport, Obligation
from dutydesk.web import words
from dutydesk.web.languages import say

SHOWN = 15
# What a telephone that belongs to nobody in particular is called.
_TELEPHONES = {"unit": "单位值班电话", "desk": "值班电话"}


@dataclass(frozen=True, slots=True)
class Happened:
    """The rows behind the feed."""

    alerts: tuple[tuple[Alert, str | None], ...]
    proofs: tuple[tuple[Acknowledgement, Alert, str | None], ...]
    missed: tuple[tuple[Attempt, str | None], ...]
    reports: tuple[tuple[Report, Incident], ...]
    changes: tuple[tuple[IncidentChange, Incident], ...]
    no_reports: tuple[tuple[NoReport, Obligation], ...]


@dataclass(frozen=True, slots=True)
class Line:
    """One happening. ``tone`` is good, bad or plain; ``sent`` marks what a channel is said to have carried."""

    key: str
    at: datetime
    icon: str
    tone: str
    number: str
    text: str
    drill: bool = False
    sent: bool = False


async def happened(session: Session) -> Happened:
    """Read the newest of everything that is worth a line."""
    return Happened(
        tuple(await queries.latest_alerts(session, SHOWN)),
        tuple(await queries.latest_proofs(session, SHOWN)),
        tuple(await queries.latest_missed_calls(session, SHOWN)),
        tuple(await queries.latest_reports(session, SHOWN)),
        tuple(await queries.latest_changes(session, SHOWN)),
        tuple(await queries.latest_no_reports(session, SHOWN)),
    )


def lines(found: Happened, texts: Mapping[str, str]) -> list[Line]:
    """Return the newest lines, the latest first, in the language of the page."""
    made = [
        *_alerts(found, texts),
        *_proofs(found),
        *_missed(found),
        *_reports(found),
        *_changes(found),
        *_no_reports(found),
    ]
    return sorted(made, key=lambda line: (line.at, line.key), reverse=True)[:SHOWN]


def _who(target: str, name: str | None) -> str:
    """Return who was told, as one knows them: by name and duty."""
    role = words.target(target)
    if name:
        return words.bracketed(name, role)
    return say(_TELEPHONES.get(target.partition(":")[0], role))


def _alerts(found: Happened, texts: Mapping[str, str]) -> Iterator[Line]:
    for row, name in found.alerts:
        said = say(
            "{channel}告知 {who}：{why}",
            channel=say(words.CHANNELS[row.channel]),
            who=_who(row.target, name),
            why=words.reason(texts, row.reason),
        )
        icon = "phone-outgoing" if row.channel == "voice" else "message"
        yield Line(f"a{row.id}", row.created_at, icon, "plain", row.number, said, row.drill, sent=True)


def _proofs(found: Happened) -> Iterator[Line]:
    for proof, row, name in found.proofs:
        # An entry by hand names whoever confirmed; a key is known by the person that was called.
        who = name if name and proof.kind != "by_hand" else proof.who
        if who.startswith(("person:", "phone:")):
            who = words.target(row.target)
        said = say("{who} 已应答：{how}", who=who, how=say(words.PROOFS[proof.kind]))
        if row.channel == "screen":
            said = say("{who} 已确认告警", who=who)
        yield Line(f"p{proof.id}", proof.at, "circle-check", "good", row.number, said, row.drill)


def _missed(found: Happened) -> Iterator[Line]:
    for row, name in found.missed:
        said = "{who} 转下一位" if row.outcome == "passed_on" else "{who} 未按键应答"
        at = row.ended_at or row.claimed_at
        yield Line(f"m{row.id}", at, "phone-x", "bad", "", say(said, who=name or say("值班电话")))


def _reports(found: Happened) -> Iterator[Line]:
    for row, incident in found.reports:
        said = say("{report}已到", report=words.report(row.kind, row.sequence))
        if row.voided_at is not None:
            said = say("{report}作废", report=words.report(row.kind, row.sequence))
        at = row.voided_at or row.logged_at
        yield Line(f"r{row.id}", at, "file-check", "plain", incident.number, said, incident.drill)


def _changes(found: Happened) -> Iterator[Line]:
    for row, incident in found.changes:
        said = say("{change}：{title}", change=say(CHANGES.get(row.kind, row.kind)), title=incident.title)
        yield Line(f"c{row.id}", row.at, "edit", "plain", incident.number, said, incident.drill)


def _no_reports(found: Happened) -> Iterator[Line]:
    for row, owed in found.no_reports:
        said = say("{report}到期未收到", report=words.duty(owed.title))
        yield Line(f"n{row.id}", row.noticed_at, "alert-triangle", "bad", owed.number, said, owed.drill)

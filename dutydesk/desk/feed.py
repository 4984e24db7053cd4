"""The live feed: the newest happenings over all incidents, in plain words, without a single number to call."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from dutydesk.alerts.model import Acknowledgement, Alert, Attempt
from dutydesk.db import Session
from dutydesk.desk import queries
from dutydesk.desk.addresses import address_of, address_of_owed
from dutydesk.incidents.model import Incident, IncidentChange, Report
from dutydesk.incidents.timeline import CHANGES
from dutydesk.obligations.model import NoReport, Obligation
from dutydesk.people.queries import units_by_id
from dutydesk.people.rules import Unit
from dutydesk.web import words
from dutydesk.web.languages import say
from dutydesk.web.site import Site

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
    # The units of what no incident brings: their rosters are where it is mended.
    units: Mapping[int, Unit]


@dataclass(frozen=True, slots=True)
class Line:
    """One happening. ``tone`` is good, bad or plain; ``sent`` marks what a channel is said to have carried.

    ``address`` is the page of what its ``number`` names.
    """

    key: str
    at: datetime
    icon: str
    tone: str
    number: str
    text: str
    address: str = ""
    drill: bool = False
    sent: bool = False


async def happened(session: Session) -> Happened:
    """Read the newest of everything that is worth a line."""
    alerts = await queries.latest_alerts(session, SHOWN)
    proofs = await queries.latest_proofs(session, SHOWN)
    no_reports = await queries.latest_no_reports(session, SHOWN)
    about = {
        row.unit_id for row in (*(row for row, _ in alerts), *(row for _, row, _ in proofs)) if row.subject
    }
    about |= {owed.unit_id for _, owed in no_reports if owed.incident_id is None}
    return Happened(
        tuple(alerts),
        tuple(proofs),
        tuple(await queries.latest_missed_calls(session, SHOWN)),
        tuple(await queries.latest_reports(session, SHOWN)),
        tuple(await queries.latest_changes(session, SHOWN)),
        tuple(no_reports),
        await units_by_id(session, {one for one in about if one is not None}),
    )


def lines(found: Happened, site: Site) -> list[Line]:
    """Return the newest lines, the latest first, in the language of the page."""
    made = [
        *_alerts(found, site),
        *_proofs(found, site),
        *_missed(found),
        *_reports(found),
        *_changes(found),
        *_no_reports(found, site),
    ]
    return sorted(made, key=lambda line: (line.at, line.key), reverse=True)[:SHOWN]


def _who(target: str, name: str | None) -> str:
    """Return who was told, as one knows them: by name and duty."""
    role = words.target(target)
    if name:
        return words.bracketed(name, role)
    return say(_TELEPHONES.get(target.partition(":")[0], role))


def _page(found: Happened, row: Alert, site: Site) -> str:
    unit = found.units.get(row.unit_id or 0)
    return address_of(row.number, row.subject, unit, row.created_at, site.zone)


def _alerts(found: Happened, site: Site) -> Iterator[Line]:
    texts = site.rulebook.wording.texts
    for row, name in found.alerts:
        said = say(
            "{channel}告知 {who}：{why}",
            channel=say(words.CHANNELS[row.channel]),
            who=_who(row.target, name),
            why=words.reason(texts, row.reason),
        )
        icon = "phone-outgoing" if row.channel == "voice" else "message"
        page = _page(found, row, site)
        yield Line(f"a{row.id}", row.created_at, icon, "plain", row.number, said, page, row.drill, sent=True)


def _proofs(found: Happened, site: Site) -> Iterator[Line]:
    for proof, row, name in found.proofs:
        # An entry by hand names whoever confirmed; a key is known by the person that was called.
        who = name if name and proof.kind != "by_hand" else proof.who
        if who.startswith(("person:", "phone:")):
            who = words.target(row.target)
        said = say("{who} 已应答：{how}", who=who, how=say(words.PROOFS[proof.kind]))
        if row.channel == "screen":
            said = say("{who} 已确认告警", who=who)
        page = _page(found, row, site)
        yield Line(f"p{proof.id}", proof.at, "circle-check", "good", row.number, said, page, row.drill)


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
        page = address_of(incident.number, "", None, at, UTC)
        yield Line(f"r{row.id}", at, "file-check", "plain", incident.number, said, page, incident.drill)


def _changes(found: Happened) -> Iterator[Line]:
    for row, incident in found.changes:
        said = say("{change}：{title}", change=say(CHANGES.get(row.kind, row.kind)), title=incident.title)
        page = address_of(incident.number, "", None, row.at, UTC)
        yield Line(f"c{row.id}", row.at, "edit", "plain", incident.number, said, page, incident.drill)


def _no_reports(found: Happened, site: Site) -> Iterator[Line]:
    for row, owed in found.no_reports:
        text = "{report}到期未收到" if owed.incident_id is not None else "{report}到期未办结"
        said = say(text, report=words.duty(owed.title))
        page = address_of_owed(owed, found.units.get(owed.unit_id), site.zone)
        yield Line(f"n{row.id}", row.noticed_at, "alert-triangle", "bad", owed.number, said, page, owed.drill)

"""Gathers what the board shows, with a fixed number of statements however much is going on."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from dutydesk.alerts.matters import matters_of
from dutydesk.alerts.model import Alert
from dutydesk.alerts.queries import screen_alerts
from dutydesk.alerts.wording import fill
from dutydesk.db import Session
from dutydesk.desk import queries
from dutydesk.incidents.cards import Card, Recipient, cards
from dutydesk.incidents.model import Incident
from dutydesk.obligations.queries import clock_in_doubt, rungs_of, verdicts_of
from dutydesk.people.queries import desk_unit, people_by_id, units_by_id, usable_contacts
from dutydesk.people.rules import ContactPoint, Person, Unit
from dutydesk.rosters.queries import next_change, who_holds
from dutydesk.rosters.rules import Holding, by_seat, empty_seats
from dutydesk.web import words
from dutydesk.web.site import Site

# More than this at once is no longer a board; the page says how many are not shown.
MOST_INCIDENTS = 40
MOST_CALLS = 600
PEOPLE_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Alarm:
    """An alert on the desk's screen, ringing until somebody confirms it."""

    alert: Alert
    text: str
    why: str


@dataclass(frozen=True, slots=True)
class OnDuty:
    """Somebody on one of the desk's seats now."""

    holding: Holding
    person: Person
    numbers: tuple[ContactPoint, ...]


@dataclass(frozen=True, slots=True)
class OpenIncident:
    """An incident on the board: what is owed and what is settled."""

    row: Incident
    unit: Unit
    owed: tuple[Card, ...]
    settled: tuple[Card, ...]


@dataclass(frozen=True, slots=True)
class Board:
    """Everything the board shows at one moment."""

    desk: Unit | None
    alarms: tuple[Alarm, ...]
    on_duty: tuple[OnDuty, ...]
    empty: tuple[str, ...]
    next_change: datetime | None
    incidents: tuple[OpenIncident, ...]
    not_shown: bool
    clock_in_doubt: bool

    @property
    def overdue(self) -> int:
        """Count the reports that are not in although they are due."""
        return sum(card.row.state == "breached" for one in self.incidents for card in one.owed)


async def alarms(session: Session, site: Site) -> tuple[Alarm, ...]:
    """Return what the screen has to ring for, newest first."""
    rows = await screen_alerts(session)
    matters = await matters_of(session, rows, site.zone)
    wording = site.rulebook.wording
    return tuple(
        Alarm(row, fill(wording, f"screen.{row.wording}", matter), words.reason(wording.texts, row.reason))
        for row, matter in zip(rows, matters, strict=True)
    )


async def board(session: Session, site: Site, now: datetime) -> Board:
    """Read the whole board."""
    desk = await desk_unit(session)
    on_duty, empty, change = await _duty(session, desk, now)
    incidents = await queries.incidents_on_board(session, MOST_INCIDENTS + 1)
    return Board(
        desk=desk,
        alarms=await alarms(session, site),
        on_duty=on_duty,
        empty=empty,
        next_change=change,
        incidents=await _open(session, site, now, incidents[:MOST_INCIDENTS]),
        not_shown=len(incidents) > MOST_INCIDENTS,
        clock_in_doubt=await clock_in_doubt(session),
    )


async def _duty(
    session: Session, desk: Unit | None, now: datetime
) -> tuple[tuple[OnDuty, ...], tuple[str, ...], datetime | None]:
    if desk is None:
        return (), (), None
    held = await who_holds(session, [desk.id], now)
    holdings = by_seat(holding for found in held.values() for holding in found)
    people = await people_by_id(session, {holding.person_id for holding in holdings})
    contacts = await usable_contacts(session, people.keys())
    on_duty = tuple(
        OnDuty(
            holding,
            people[holding.person_id],
            tuple(point for point in contacts.get(holding.person_id, []) if point.rings),
        )
        for holding in holdings
    )
    empty = tuple(words.SEATS[seat] for seat in empty_seats(holdings))
    return on_duty, empty, await next_change(session, desk.id, now)


async def _open(
    session: Session, site: Site, now: datetime, rows: Sequence[Incident]
) -> tuple[OpenIncident, ...]:
    obligations = await queries.obligations_of_incidents(session, [row.id or 0 for row in rows])
    ids = [one.id or 0 for one in obligations]
    told = await queries.latest_told(session, ids, MOST_CALLS)
    people = await people_by_id(
        session, {one.alert.person_id for one in told if one.alert.person_id is not None}
    )
    units = await units_by_id(session, {row.unit_id for row in rows})
    made = cards(
        obligations,
        await rungs_of(session, ids),
        await verdicts_of(session, ids),
        told,
        {person.id: person.name for person in people.values()},
        site.rulebook.wording.texts,
        now,
    )
    by_incident: dict[int, list[Card]] = {}
    for card in made:
        by_incident.setdefault(card.row.incident_id, []).append(card)
    shown = [
        OpenIncident(
            row,
            units[row.unit_id],
            tuple(card for card in by_incident.get(row.id or 0, []) if card.owed),
            _latest_of_each_rule([card for card in by_incident.get(row.id or 0, []) if not card.owed]),
        )
        for row in rows
    ]
    return tuple(sorted(shown, key=_urgency))


def _latest_of_each_rule(settled: Sequence[Card]) -> tuple[Card, ...]:
    """Ten follow-ups that came in are one line on the board: the last."""
    return tuple(
        {card.row.rule_id: card for card in sorted(settled, key=lambda card: card.row.id or 0)}.values()
    )


def _urgency(one: OpenIncident) -> tuple[bool, float, int]:
    """Real before drills, then by the earliest due time; without a clock the newest first."""
    due = [card.row.due_at.timestamp() for card in one.owed if card.row.due_at is not None]
    return one.row.drill, min(due, default=float("inf")), -(one.row.id or 0)


def shown_people(card: Card) -> Sequence[Recipient]:
    """Return those the board has room for; the incident's page has all of them."""
    return [person for person in card.people if person.live][:PEOPLE_SHOWN]

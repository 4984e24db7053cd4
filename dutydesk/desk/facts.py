"""Gathers what the board shows, with a fixed number of statements however much is going on.

Reading knows no language: the same rows are drawn for everybody who looks on.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from dutydesk.alerts.queries import Told
from dutydesk.calendars.queries import calendar_for
from dutydesk.calendars.rules import Calendar
from dutydesk.db import Session
from dutydesk.desk import feed, queries
from dutydesk.desk.alarms import Ringing, read_alarms
from dutydesk.desk.clocked import Clocked, clocked, names_of
from dutydesk.desk.health import Health, Pulse, health
from dutydesk.desk.mark_queries import marks_of
from dutydesk.desk.owings import OwedRows, read_owings
from dutydesk.incidents.cards import Card, cards
from dutydesk.incidents.model import Incident
from dutydesk.obligations.model import OWED, Obligation, Rung, Verdict
from dutydesk.obligations.queries import clock_in_doubt, verdicts_of
from dutydesk.people.queries import desk_unit, people_by_id, units_by_id, usable_contacts
from dutydesk.people.rules import ContactPoint, Person, Unit
from dutydesk.rosters.queries import next_change, who_holds
from dutydesk.rosters.rules import Holding, by_seat, empty_seats
from dutydesk.web import words
from dutydesk.web.site import Site

# More than this at once is no longer a board; the page says how many are not shown.
MOST_INCIDENTS = 60
# Of each clock, the newest.
MOST_CALLS = 30
_SOON = timedelta(hours=24)
_SOON_SHOWN = 8


@dataclass(frozen=True, slots=True)
class OnDuty:
    """Somebody on one of the desk's seats now."""

    holding: Holding
    person: Person
    numbers: tuple[ContactPoint, ...]


@dataclass(frozen=True, slots=True)
class IncidentRows:
    """Everything stored about one open incident that the board shows."""

    row: Incident
    unit: Unit
    obligations: tuple[Obligation, ...]
    rungs: tuple[Rung, ...]
    verdicts: tuple[Verdict, ...]
    told: tuple[Told, ...]
    names: tuple[tuple[int, str], ...]
    # What tells whether any of it has changed (mark_queries.marks_of).
    marks: tuple[object, ...]

    def stands(self, row: Incident, unit: Unit, marks: tuple[object, ...]) -> bool:
        """Tell whether nothing of it has changed: then it is neither read nor drawn again."""
        return self.marks == marks and self.unit == unit and _shown_fields(self.row) == _shown_fields(row)


def _shown_fields(row: Incident) -> tuple[object, ...]:
    return row.number, row.title, row.grade, row.suspected, row.sensitive, row.state, row.drill


@dataclass(frozen=True, slots=True)
class Rows:
    """Everything the board shows, as it was stored at one moment."""

    at: datetime
    desk: Unit | None
    on_duty: tuple[OnDuty, ...]
    empty: tuple[str, ...]
    next_change: datetime | None
    alarms: tuple[Ringing, ...]
    incidents: tuple[IncidentRows, ...]
    not_shown: bool
    clock_in_doubt: bool
    happened: feed.Happened
    soon: tuple[tuple[Obligation, Unit], ...]
    health: Health
    # Over all incidents, also those that are not shown.
    overdue: int
    # What is owed without an incident: holes in the rosters, sign-ins, filings, leaves.
    owings: OwedRows
    calendar: Calendar

    @property
    def changes_soon(self) -> bool:
        """Tell whether somebody's turn begins or ends within a day."""
        return self.next_change is not None and self.next_change - self.at <= _SOON


@dataclass(frozen=True, slots=True)
class OpenIncident:
    """An incident on the board: what is owed and what is settled."""

    row: Incident
    unit: Unit
    owed: tuple[Clocked, ...]
    settled: tuple[Card, ...]


async def read_board(
    session: Session,
    site: Site,
    now: datetime,
    pulse: Pulse | None,
    providers: Sequence[str],
    known: Sequence[IncidentRows] = (),
    owings: OwedRows | None = None,
) -> Rows:
    """Read everything the board shows; of the *known* incidents and *owings* only those that have changed."""
    desk = await desk_unit(session)
    today = now.astimezone(site.zone).date()
    on_duty, empty, change = await _duty(session, desk, now)
    rows = await queries.incidents_on_board(session, MOST_INCIDENTS + 1)
    due = await queries.due_between(session, now, now + _SOON, _SOON_SHOWN)
    units = await units_by_id(
        session, {row.unit_id for row in rows[:MOST_INCIDENTS]} | {one.unit_id for one in due}
    )
    return Rows(
        at=now,
        desk=desk,
        on_duty=on_duty,
        empty=empty,
        next_change=change,
        alarms=await read_alarms(session, site),
        incidents=await _incidents(session, rows[:MOST_INCIDENTS], units, known),
        not_shown=len(rows) > MOST_INCIDENTS,
        clock_in_doubt=await clock_in_doubt(session),
        happened=await feed.happened(session),
        soon=tuple((one, units[one.unit_id]) for one in due),
        health=await health(session, now, pulse, providers),
        overdue=await queries.count_overdue(session),
        owings=await read_owings(session, owings or OwedRows()),
        calendar=await calendar_for(session, today, today),
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


async def _incidents(
    session: Session, rows: Sequence[Incident], units: dict[int, Unit], known: Sequence[IncidentRows]
) -> tuple[IncidentRows, ...]:
    marks = await marks_of(session, [row.id or 0 for row in rows])
    before = {one.row.id: one for one in known}
    kept = [
        old
        for row in rows
        if (old := before.get(row.id)) is not None and old.stands(row, units[row.unit_id], marks[row.id or 0])
    ]
    ids = {one.row.id for one in kept}
    fresh = await _read_incidents(session, [row for row in rows if row.id not in ids], units, marks)
    return tuple(sorted([*kept, *fresh], key=_urgency))


async def _read_incidents(
    session: Session, rows: Sequence[Incident], units: dict[int, Unit], marks: dict[int, tuple[object, ...]]
) -> list[IncidentRows]:
    if not rows:
        return []
    obligations = await queries.obligations_of_incidents(session, [row.id or 0 for row in rows])
    ids = [one.id or 0 for one in obligations]
    owed = [one.id or 0 for one in obligations if one.state in OWED]
    told = await queries.latest_told(session, owed, MOST_CALLS)
    people = await people_by_id(
        session, {one.alert.person_id for one in told if one.alert.person_id is not None}
    )
    owner = {one.id or 0: one.incident_id or 0 for one in obligations}
    laid: dict[int, list[Rung]] = {}
    for rung in await queries.rungs_in_force(session, owed):
        laid.setdefault(owner[rung.obligation_id], []).append(rung)
    judged: dict[int, list[Verdict]] = {}
    for verdict in await verdicts_of(session, ids):
        judged.setdefault(owner[verdict.obligation_id], []).append(verdict)
    messages: dict[int, list[Told]] = {}
    for one in told:
        messages.setdefault(owner[one.alert.obligation_id or 0], []).append(one)
    mine: dict[int, list[Obligation]] = {}
    for obligation in obligations:
        mine.setdefault(obligation.incident_id or 0, []).append(obligation)
    return [
        IncidentRows(
            row=row,
            unit=units[row.unit_id],
            obligations=tuple(mine.get(row.id or 0, ())),
            rungs=tuple(laid.get(row.id or 0, ())),
            verdicts=tuple(judged.get(row.id or 0, ())),
            told=tuple(messages.get(row.id or 0, ())),
            names=names_of(messages.get(row.id or 0, ()), people),
            marks=marks[row.id or 0],
        )
        for row in rows
    ]


def _urgency(one: IncidentRows) -> tuple[bool, float, int]:
    """Real before drills, then by the earliest due time; without a clock the newest first."""
    due = [
        owed.due_at.timestamp() for owed in one.obligations if owed.state in OWED and owed.due_at is not None
    ]
    return one.row.drill, min(due, default=float("inf")), -(one.row.id or 0)


def open_incident(found: IncidentRows, site: Site, now: datetime) -> OpenIncident:
    """Return an incident as the board shows it, in the language of the page."""
    made = cards(
        found.obligations,
        found.rungs,
        found.verdicts,
        found.told,
        dict(found.names),
        site.rulebook.wording.texts,
        now,
    )
    settled = sorted((card for card in made if not card.owed), key=lambda card: card.row.id or 0)
    return OpenIncident(
        found.row,
        found.unit,
        tuple(clocked(card, found.rungs) for card in made if card.owed),
        # Ten follow-ups that came in are one line on the board: the last.
        tuple({card.row.rule_id: card for card in settled}.values()),
    )

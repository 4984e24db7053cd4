"""The fairness ledger of a unit: what each person served and is to serve on each seat, and the balance of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from dutydesk.db import Session
from dutydesk.people.queries import id_of, people_by_id
from dutydesk.people.rules import Person, Unit
from dutydesk.rosters.planning.queries import rotations_of
from dutydesk.rosters.queries import holder_fact, shift_fact
from dutydesk.rosters.rules import SEATS, Seat
from dutydesk.rosters.rules.fairness import Load, balances, loads_of, served_of
from dutydesk.rosters.view_queries import begin_of, holders_of_shifts, shifts_between
from dutydesk.web.site import Site


@dataclass(frozen=True, slots=True)
class Account:
    """One person on one seat: what was served, what is planned ahead, and hours above the mean now and then."""

    person: Person
    served: Load
    planned: Load
    balance: float
    ahead: float
    # Whether they take turns in a rotation of the seat today.
    active: bool


@dataclass(frozen=True, slots=True)
class SeatLedger:
    """A seat with everybody who served, is to serve, or takes turns on it; the heaviest first."""

    seat: Seat
    accounts: tuple[Account, ...]


async def read_ledgers(
    session: Session, site: Site, now: datetime, unit: Unit, start: date, end: date
) -> list[SeatLedger]:
    """Return the ledger of each seat of a unit over the site days of [start, end); drafts count as planned."""
    first, last = begin_of(start, site.zone), begin_of(end, site.zone)
    stored = [one for one in await shifts_between(session, [unit.id], first, last) if one.starts_at >= first]
    stored = [
        one for one in stored if one.starts_at < last and (one.state == "published" or one.starts_at > now)
    ]
    rows = [holder_fact(row) for row in await holders_of_shifts(session, [id_of(one.id) for one in stored])]
    classes = {id_of(one.id): one.day_class or "workday" for one in stored}
    found = served_of(map(shift_fact, stored), rows, classes, now)
    today = now.astimezone(site.zone).date()
    turning: dict[Seat, set[int]] = {}
    for rotation in (await rotations_of(session, [unit.id])).get(unit.id, []):
        members = {one.person_id for one in rotation.members if one.active(today)}
        turning[rotation.seat] = turning.get(rotation.seat, set()) | members
    ids = {one.person_id for one in found} | {one for each in turning.values() for one in each}
    persons = await people_by_id(session, ids)
    ledgers: list[SeatLedger] = []
    for seat in SEATS:
        mine = [one for one in found if one.seat == seat]
        members = turning.get(seat, set())
        if not mine and not members:
            continue
        served = loads_of((one for one in mine if not one.planned), site.zone)
        planned = loads_of((one for one in mine if one.planned), site.zone)
        ledgers.append(SeatLedger(seat, tuple(_accounts(served, planned, members, persons))))
    return ledgers


def _accounts(
    served: dict[int, Load], planned: dict[int, Load], members: set[int], persons: dict[int, Person]
) -> Sequence[Account]:
    everybody = sorted(served.keys() | planned.keys() | members)
    # The mean is that of those who take turns; where there is no rotation, of all who serve.
    among = members or set(everybody)
    now = balances({one: served.get(one, Load(one)) for one in among})
    whole = {
        one: Load(one, hours=served.get(one, Load(one)).hours + planned.get(one, Load(one)).hours)
        for one in everybody
    }
    ahead = balances({one: whole[one] for one in among})
    mean, mean_ahead = _mean(served, among), _mean(whole, among)
    accounts = [
        Account(
            persons[one],
            served.get(one, Load(one)),
            planned.get(one, Load(one)),
            now.get(one, served.get(one, Load(one)).hours - mean),
            ahead.get(one, whole[one].hours - mean_ahead),
            one in members,
        )
        for one in everybody
        if one in persons
    ]
    return sorted(accounts, key=lambda one: (-one.served.hours, -one.planned.hours, one.person.id))


def _mean(loads: dict[int, Load], among: set[int]) -> float:
    return sum(loads.get(one, Load(one)).hours for one in among) / len(among) if among else 0.0

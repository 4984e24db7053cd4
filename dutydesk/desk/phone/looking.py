"""Looks up who may be calling: the directory, the units' duty phones, the roster, earlier calls."""

from datetime import datetime

from dutydesk.db import Session
from dutydesk.desk.phone import queries
from dutydesk.dutylog.model import LogEntry
from dutydesk.dutylog.queries import calls_from, calls_of_unit
from dutydesk.dutylog.rules.callers import FEWEST_DIGITS, Caller, digits_of, ranked
from dutydesk.people.queries import people_by_id, usable_contacts
from dutydesk.people.rules import Unit
from dutydesk.rosters.queries import who_holds

_MOST = 6
# So many digits name one subscriber even without the area code: 2388 0002.
_WHOLE = 7


async def looked_up(session: Session, number: str, typed: str) -> list[Caller]:
    """Return whose number this is, or whose number ends like it; nothing while it is too short to say."""
    digits = digits_of(typed)
    if len(digits) < FEWEST_DIGITS:
        return []
    found = [
        Caller(person.name, person.title, person.unit_id, address, "contact", _same(address, number, digits))
        for person, address in await queries.people_at(session, number, digits, _MOST)
    ]
    found += [
        Caller(
            "", "", unit.id, unit.duty_phone or "", "duty_phone", _same(unit.duty_phone or "", number, digits)
        )
        for unit in await queries.units_at(session, number, digits, _MOST)
    ]
    found += [
        _earlier(row, exact=_same(row.number, number, digits))
        for row in await calls_from(session, number, digits, _MOST)
    ]
    return ranked(found, _MOST)


async def of_unit(session: Session, unit: Unit, now: datetime) -> list[Caller]:
    """Return who is on duty for a unit, and who called from it before."""
    holdings = [one for held in (await who_holds(session, [unit.id], now)).values() for one in held]
    people = await people_by_id(session, {one.person_id for one in holdings})
    contacts = await usable_contacts(session, set(people))
    found = [
        Caller(person.name, person.title, unit.id, contacts[person.id][0].address, "on_duty")
        for person in people.values()
        if person.id in contacts
    ]
    found += [_earlier(row, exact=False) for row in await calls_of_unit(session, unit.id, _MOST)]
    return ranked(found, _MOST)


def _earlier(row: LogEntry, *, exact: bool) -> Caller:
    return Caller(row.person, row.title, row.unit_id, row.number, "earlier", exact)


def _same(address: str, number: str, digits: str) -> bool:
    return address == number or (len(digits) >= _WHOLE and address.endswith(digits))

"""Where the desk's pages lead for what they name: an incident, or what no incident brings."""

from datetime import datetime, tzinfo
from urllib.parse import quote

from dutydesk.obligations.model import Obligation
from dutydesk.people.rules import Unit
from dutydesk.rosters.rules.places import place_of


def address_of(number: str, subject: str, unit: Unit | None, at: datetime, zone: tzinfo) -> str:
    """Return the page of what a message is about; nothing where it is about nothing that has a page.

    ``subject`` is given only where no incident is (``Alert.subject``); *at* is near the time it is about.
    """
    if subject:
        return place_of(subject, "" if unit is None else unit.code, at, zone)
    return f"/incidents/{quote(number)}" if number else ""


def address_of_owed(row: Obligation, unit: Unit | None, zone: tzinfo) -> str:
    """Return the page on which what is owed is dealt with."""
    subject = row.subject if row.incident_id is None else ""
    return address_of(row.number, subject, unit, row.due_at or row.base_at, zone)

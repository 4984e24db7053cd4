"""Calendar feeds as files (iCalendar, RFC 5545): the same bytes for everybody, so Chinese whatever the language."""

from collections.abc import Mapping, Sequence
from datetime import timedelta

from icalendar import Calendar
from icalendar import Event as CalendarEvent

from dutydesk.people.rules import Person, Unit
from dutydesk.rosters.model import CalendarFeed
from dutydesk.rosters.rules.feeding import Event
from dutydesk.web import words


def name_of(row: CalendarFeed, owner: Person | None, units: Mapping[int, Unit]) -> str:
    """Return what a feed's calendar is called."""
    if row.kind == "person":
        return f"{owner.name}值班" if owner is not None else "值班"
    unit = units.get(row.unit_id or 0)
    return f"{unit.short_name if unit else ''}{words.SEATS_SHORT[row.seat or 'leader']}"


def written(
    events: Sequence[Event], units: Mapping[int, Unit], persons: Mapping[int, Person], name: str
) -> bytes:
    """Return events as an iCalendar stream (RFC 5545), times in UTC; *persons* are named where the feed is a seat's.

    Nothing in it is a telephone number or the name of a sensitive period: calendars are copied to many places.
    """
    made = Calendar()
    made.add("prodid", "-//dutydesk//rosters//ZH")
    made.add("version", "2.0")
    made.add("calscale", "GREGORIAN")
    made.add("method", "PUBLISH")
    made.add("x-wr-calname", name)
    made.add("refresh-interval", timedelta(hours=1), parameters={"VALUE": "DURATION"})
    made.add("x-published-ttl", "PT1H")
    for one in events:
        made.add_component(_component(one, units, persons))
    return bytes(made.to_ical())


def _component(one: Event, units: Mapping[int, Unit], persons: Mapping[int, Person]) -> CalendarEvent:
    unit, person = units.get(one.unit_id), persons.get(one.person_id)
    summary = words.SEATS_SHORT[one.seat] + (f" {person.name}" if person is not None else "")
    made = CalendarEvent()
    made.add("uid", one.uid)
    # Of a stream that is only published, the stamp is when the event last changed (§3.8.7.2): same content, same bytes.
    made.add("dtstamp", one.modified)
    made.add("last-modified", one.modified)
    made.add("sequence", one.sequence)
    made.add("dtstart", one.starts_at)
    made.add("dtend", one.ends_at)
    made.add("summary", f"{summary} {unit.short_name if unit else ''}（{words.MODES[one.mode]}）")
    made.add("status", "CANCELLED" if one.cancelled else "CONFIRMED")
    made.add("transp", "TRANSPARENT" if one.cancelled else "OPAQUE")
    made.add("class", "PRIVATE")
    if unit is not None:
        made.add("location", unit.name)
    return made

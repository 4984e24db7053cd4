"""What is wrong with the calendar, and where, in the reader's language."""

from datetime import date

from dutydesk.calendars.rules.faults import Fault, Place, Row, Value
from dutydesk.web import words
from dutydesk.web.languages import say


def told(one: Fault) -> str:
    """Return what is wrong, without its place."""
    return say(one.text, **{name: _word(value) for name, value in one.values.items()})


def where(place: Place) -> str:
    """Return what people call a place; nothing for the whole."""
    return say("第{number}行", number=place.number) if isinstance(place, Row) else place


def _word(value: Value) -> str:
    match value:
        case date():
            return words.day(value)
        case Row():
            return where(value)
        case tuple():
            return words.listed(say(one) for one in value)
    return str(value)

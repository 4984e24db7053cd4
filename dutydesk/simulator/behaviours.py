"""What a handset does by itself when it is called or written to."""

from dataclasses import dataclass
from enum import StrEnum

from dutydesk.errors import InvalidInputError

KEYS = frozenset("0123456789*#")


class Behaviour(StrEnum):
    """How the handset's owner, or the phone itself, meets a call or a message."""

    PERSON = "person"
    """Rings until somebody uses the handset, through its API or the page."""
    ANSWER = "answer"
    """Picks up and presses a key each time the keypad is listened to."""
    IGNORE = "ignore"
    """Rings until the caller gives up."""
    BUSY = "busy"
    """The line is busy."""
    VOICEMAIL = "voicemail"
    """A machine answers, presses nothing and hangs up."""
    OFF = "off"
    """Switched off: calls are not answered, messages are undelivered with 30003."""
    LANDLINE = "landline"
    """A person's landline: rings like one, but messages are undelivered with 30006."""


@dataclass(frozen=True, slots=True)
class Manner:
    """A behaviour together with the key that ``answer`` presses."""

    behaviour: Behaviour = Behaviour.PERSON
    key: str = "1"


def manner(name: str, key: str = "1") -> Manner:
    """Return the manner called *name*.

    Raises:
        InvalidInputError: no such behaviour, or *key* is not on a keypad.
    """
    try:
        behaviour = Behaviour(name)
    except ValueError as error:
        raise InvalidInputError(f"没有这种行为：{name}") from error
    if not key or not KEYS.issuperset(key):
        raise InvalidInputError(f"电话上没有这个键：{key}")
    return Manner(behaviour, key)

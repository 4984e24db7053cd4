"""The forms of Twilio's REST API, read and checked as Twilio does."""

import re
from collections.abc import Collection
from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import FormData

from dutydesk.simulator.orders import CallOrder, MessageOrder
from dutydesk.simulator.records import Callback
from dutydesk.simulator.refusals import TwilioRefusal

E164: Final = re.compile(r"\+[1-9]\d{6,14}")
FORMATTING: Final = str.maketrans("", "", " -.()")
LONGEST_BODY: Final = 1600
EVENTS: Final = frozenset({"initiated", "ringing", "answered", "completed"})
LONGEST_RINGING: Final = 600


def message_order(account_sid: str, form: FormData, from_numbers: Collection[str] | None) -> MessageOrder:
    """Return what a form for ``Messages.json`` asks for.

    Raises:
        TwilioRefusal: 21604, 21211, 21603, 21212, 21606, 21602, 21617 or 21609.
    """
    to = _number(form, "To", missing=21604, invalid=21211)
    service = _text(form, "MessagingServiceSid")
    sender = None if service else _number(form, "From", missing=21603, invalid=21212)
    if sender is not None and from_numbers is not None and sender not in from_numbers:
        raise TwilioRefusal(21606, f"The 'From' phone number {sender} is not a valid number of this account")
    body = _text(form, "Body")
    if not body:
        raise TwilioRefusal(21602)
    if len(body) > LONGEST_BODY:
        raise TwilioRefusal(21617)
    callback = _callback(form, "StatusCallback", None, invalid=21609)
    return MessageOrder(account_sid, to, sender, body, callback, service)


def call_order(account_sid: str, form: FormData, from_numbers: Collection[str] | None) -> CallOrder:
    """Return what a form for ``Calls.json`` asks for.

    Raises:
        TwilioRefusal: 21201, 21211, 21213, 21212, 21210, 21205, 21609 or 20001.
    """
    to = _number(form, "To", missing=21201, invalid=21211)
    caller = _number(form, "From", missing=21213, invalid=21212)
    if from_numbers is not None and caller not in from_numbers:
        raise TwilioRefusal(21210, f"The source phone number provided, {caller}, is not yet verified")
    twiml = _text(form, "Twiml")
    script = _callback(form, "Url", "Method", invalid=21205)
    if script is None and twiml is None:
        raise TwilioRefusal(21205, "Url parameter is required")
    return CallOrder(
        account_sid,
        to,
        caller,
        # Twilio takes the document itself where both are given.
        script=None if twiml else script,
        twiml=twiml,
        fallback=_callback(form, "FallbackUrl", "FallbackMethod", invalid=21205),
        callback=_callback(form, "StatusCallback", "StatusCallbackMethod", invalid=21609),
        callback_events=_events(form),
        timeout=_timeout(form),
        detect_machine=_text(form, "MachineDetection") is not None,
    )


def _text(form: FormData, name: str) -> str | None:
    value = form.get(name)
    return value if isinstance(value, str) and value else None


def _number(form: FormData, name: str, *, missing: int, invalid: int) -> str:
    given = _text(form, name)
    if given is None:
        raise TwilioRefusal(missing)
    number = given.translate(FORMATTING)
    if not E164.fullmatch(number):
        raise TwilioRefusal(invalid, f"The '{name}' number {given} is not a valid phone number.")
    return number


def _callback(form: FormData, name: str, method_name: str | None, *, invalid: int) -> Callback | None:
    url = _text(form, name)
    if url is None:
        return None
    try:
        parts = urlsplit(url)
        valid = parts.scheme in {"http", "https"} and bool(parts.hostname)
    except ValueError:
        valid = False
    if not valid:
        raise TwilioRefusal(invalid, f"{name} is not a valid URL: {url}")
    method = (_text(form, method_name) if method_name else None) or "POST"
    if method.upper() not in {"GET", "POST"}:
        raise TwilioRefusal(20001, f"{method_name} is neither GET nor POST")
    return Callback(url, method.upper())


def _events(form: FormData) -> frozenset[str]:
    given = {word for value in form.getlist("StatusCallbackEvent") for word in str(value).split()}
    if unknown := given - EVENTS:
        raise TwilioRefusal(20001, f"StatusCallbackEvent is not valid: {', '.join(sorted(unknown))}")
    return frozenset(given) or frozenset({"completed"})


def _timeout(form: FormData) -> float:
    given = _text(form, "Timeout") or "60"
    if not given.isdecimal():
        raise TwilioRefusal(20001, f"Timeout is not a number: {given}")
    return float(min(max(int(given), 1), LONGEST_RINGING))

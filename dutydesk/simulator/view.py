"""What the page draws: the handsets and the event log as plain JSON values, newest last."""

from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from dutydesk.simulator.calls import WORDS
from dutydesk.simulator.exchange import Exchange
from dutydesk.simulator.handset import Handset
from dutydesk.simulator.records import Call, CallStatus, Message

ITEMS_SHOWN, EVENTS_SHOWN = 30, 100
STATUS_WORDS: Final = WORDS | {CallStatus.RINGING: "来电", CallStatus.IN_PROGRESS: "通话中"}


def state_json(exchange: Exchange, zone: ZoneInfo) -> dict[str, Any]:
    """Return everything the page shows, its times written in *zone*."""
    return {
        "version": exchange.journal.version,
        "now": _time(exchange.clock.now(), zone),
        "handsets": [_handset(handset, zone) for handset in exchange.handsets.values()],
        "events": [
            {"number": event.number, "at": _time(event.at, zone), "phone": event.phone, "text": event.text}
            for event in list(exchange.journal.events)[-EVENTS_SHOWN:]
        ],
    }


def _handset(handset: Handset, zone: ZoneInfo) -> dict[str, Any]:
    return {
        "number": handset.number,
        "name": handset.name,
        "title": handset.title,
        "behaviour": handset.manner.behaviour.value,
        "key": handset.manner.key,
        "call": None if handset.call is None else _call(handset.call, zone),
        "items": _items(handset, zone),
    }


def _items(handset: Handset, zone: ZoneInfo) -> list[dict[str, Any]]:
    """Return what the phone remembers: messages that arrived and calls that are over, in that order of time."""
    arrived = [
        (message.delivered_at, _message(message, zone))
        for message in handset.inbox
        if message.delivered_at is not None
    ]
    ended = [(call.ended_at, _call(call, zone)) for call in handset.calls if call.ended_at is not None]
    in_order = sorted([*arrived, *ended], key=lambda pair: pair[0])
    return [item for _, item in in_order[-ITEMS_SHOWN:]]


def _message(message: Message, zone: ZoneInfo) -> dict[str, Any]:
    return {
        "kind": "sms",
        "sid": message.sid,
        "from": message.from_ or message.messaging_service_sid,
        "at": _time(message.delivered_at or message.created_at, zone),
        "body": message.body,
    }


def _call(call: Call, zone: ZoneInfo) -> dict[str, Any]:
    return {
        "kind": "call",
        "sid": call.sid,
        "from": call.from_,
        "at": _time(call.answered_at or call.created_at, zone),
        "status": call.status.value,
        "words": STATUS_WORDS.get(call.status, call.status.value),
        "answered": call.answered_at is not None,
        "seconds": call.seconds,
        "listening": call.listening,
        "pressed": "".join(call.pressed),
        "heard": [{"at": _time(heard.at, zone), "text": heard.text} for heard in call.heard],
    }


def _time(moment: datetime, zone: ZoneInfo) -> str:
    return moment.astimezone(zone).strftime("%H:%M:%S")

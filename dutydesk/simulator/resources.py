"""Messages and calls as the JSON that Twilio's REST API answers with, every field of it.

https://www.twilio.com/docs/messaging/api/message-resource, https://www.twilio.com/docs/voice/api/call-resource
"""

from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any, Final

from dutydesk.simulator.records import Call, CallStatus, Message

VERSION: Final = "2010-04-01"
GSM7: Final = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§"
    "¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
GSM7_DOUBLE: Final = frozenset("^{}\\[~]|€\f")
CALL_PARTS: Final = (
    "notifications",
    "recordings",
    "payments",
    "events",
    "siprec",
    "streams",
    "transcriptions",
    "user_defined_message_subscriptions",
    "user_defined_messages",
)


def segments(body: str) -> int:
    """Return into how many pieces a text is cut.

    160 characters of GSM 03.38 (153 each when cut), or 70 UTF-16 units (67 each) when one character is
    outside it, as every Chinese one is: https://www.twilio.com/docs/glossary/what-is-gsm-7-character-encoding
    """
    if all(character in GSM7 or character in GSM7_DOUBLE for character in body):
        units = sum(2 if character in GSM7_DOUBLE else 1 for character in body)
        whole, piece = 160, 153
    else:
        units = len(body.encode("utf-16-le")) // 2
        whole, piece = 70, 67
    return 1 if units <= whole else -(-units // piece)


def message_json(message: Message) -> dict[str, Any]:
    """Return a message as Twilio shows it."""
    uri = f"/{VERSION}/Accounts/{message.account_sid}/Messages/{message.sid}"
    return {
        "account_sid": message.account_sid,
        "api_version": VERSION,
        "body": message.body,
        "date_created": _date(message.created_at),
        "date_sent": _date(message.sent_at),
        "date_updated": _date(message.updated_at),
        "direction": "outbound-api",
        "error_code": message.error_code,
        "error_message": None,
        "from": message.from_,
        "messaging_service_sid": message.messaging_service_sid,
        "num_media": "0",
        "num_segments": str(segments(message.body)),
        "price": None,
        "price_unit": "USD",
        "sid": message.sid,
        "status": message.status.value,
        "subresource_uris": {"media": f"{uri}/Media.json"},
        "to": message.to,
        "uri": f"{uri}.json",
    }


def call_json(call: Call) -> dict[str, Any]:
    """Return a call as Twilio shows it; a dialled call that does not ring yet is still ``queued`` there."""
    uri = f"/{VERSION}/Accounts/{call.account_sid}/Calls/{call.sid}"
    status = CallStatus.QUEUED if call.status is CallStatus.INITIATED else call.status
    return {
        "account_sid": call.account_sid,
        "answered_by": call.answered_by,
        "api_version": VERSION,
        "caller_name": None,
        "date_created": _date(call.created_at),
        "date_updated": _date(call.updated_at),
        "direction": "outbound-api",
        "duration": None if call.seconds is None else str(call.seconds),
        "end_time": _date(call.ended_at),
        "forwarded_from": None,
        "from": call.from_,
        "from_formatted": call.from_,
        "group_sid": None,
        "parent_call_sid": None,
        "phone_number_sid": None,
        "price": None,
        "price_unit": "USD",
        "queue_time": "0",
        "sid": call.sid,
        "start_time": _date(call.started_at),
        "status": status.value,
        "subresource_uris": {part: f"{uri}/{part.title().replace('_', '')}.json" for part in CALL_PARTS},
        "to": call.to,
        "to_formatted": call.to,
        "trunk_sid": None,
        "uri": f"{uri}.json",
    }


def _date(moment: datetime | None) -> str | None:
    """Return RFC 2822 in UTC, which knows whole seconds only."""
    return None if moment is None else format_datetime(moment.astimezone(UTC))

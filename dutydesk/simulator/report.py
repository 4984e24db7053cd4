"""What Twilio tells an application about a call (https://www.twilio.com/docs/voice/twiml#request-parameters)."""

import math
from datetime import datetime
from email.utils import format_datetime
from typing import Final

from dutydesk.simulator.records import Call

GEOGRAPHY: Final = tuple(
    f"{end}{part}"
    for end in ("From", "To", "Caller", "Called")
    for part in ("City", "State", "Zip", "Country")
)
"""Fields that Twilio sends, and signs, although they are blank for most numbers."""


def call_fields(call: Call) -> dict[str, str]:
    """Return the form fields that come with every request about a call."""
    fields = dict.fromkeys(GEOGRAPHY, "") | {
        "CallSid": call.sid,
        "AccountSid": call.account_sid,
        "ApiVersion": "2010-04-01",
        "Direction": "outbound-api",
        "CallStatus": call.status.value,
        "From": call.from_,
        "Caller": call.from_,
        "To": call.to,
        "Called": call.to,
    }
    if call.answered_by is not None:
        fields["AnsweredBy"] = call.answered_by
    return fields


def progress_fields(call: Call, at: datetime) -> dict[str, str]:
    """Return the form fields of a status callback; ``Duration`` is in minutes begun, ``CallDuration`` in seconds."""
    fields = call_fields(call) | {
        "CallbackSource": "call-progress-events",
        "SequenceNumber": str(call.callbacks_sent),
        "Timestamp": format_datetime(at),
    }
    if call.status.over:
        seconds = call.seconds or 0
        fields |= {"CallDuration": str(seconds), "Duration": str(math.ceil(seconds / 60))}
    return fields

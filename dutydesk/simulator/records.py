"""What the exchange remembers: messages and calls, as plain data that tests and pages may read."""

import uuid
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class MessageStatus(StrEnum):
    """Where a message is (https://www.twilio.com/docs/messaging/api/message-resource)."""

    QUEUED = "queued"
    SENDING = "sending"
    SENT = "sent"
    DELIVERED = "delivered"
    UNDELIVERED = "undelivered"
    FAILED = "failed"


class CallStatus(StrEnum):
    """Where a call is (https://www.twilio.com/docs/voice/api/call-resource#call-status-values)."""

    QUEUED = "queued"
    INITIATED = "initiated"
    RINGING = "ringing"
    IN_PROGRESS = "in-progress"
    COMPLETED = "completed"
    BUSY = "busy"
    NO_ANSWER = "no-answer"
    CANCELED = "canceled"
    FAILED = "failed"

    @property
    def over(self) -> bool:
        """Whether nothing more can happen to the call."""
        return self not in {
            CallStatus.QUEUED,
            CallStatus.INITIATED,
            CallStatus.RINGING,
            CallStatus.IN_PROGRESS,
        }


@dataclass(frozen=True, slots=True)
class Callback:
    """Where Twilio is told to report to: the exact URL and the HTTP method."""

    url: str
    method: str = "POST"


@dataclass(frozen=True, slots=True)
class Heard:
    """One sentence spoken to the person on the phone."""

    at: datetime
    text: str
    language: str
    voice: str


@dataclass(frozen=True, slots=True)
class LogLine:
    """One thing that happened to a message or call, for people who look for the reason."""

    at: datetime
    text: str


@dataclass(slots=True)
class Message:
    """A text message; ``body`` is kept exactly as it came.

    ``sequence`` rises over the messages and calls of one exchange together.
    """

    sid: str
    sequence: int
    account_sid: str
    to: str
    from_: str | None
    body: str
    created_at: datetime
    updated_at: datetime
    callback: Callback | None = None
    messaging_service_sid: str | None = None
    status: MessageStatus = MessageStatus.QUEUED
    sent_at: datetime | None = None
    delivered_at: datetime | None = None
    error_code: int | None = None
    log: list[LogLine] = field(default_factory=list)

    def note(self, at: datetime, text: str) -> None:
        """Write one line into the message's own log."""
        self.log.append(LogLine(at, text))


@dataclass(slots=True)
class Call:
    """A telephone call, with all that was said and pressed in it.

    ``listening`` tells whether the keypad would be heard now; ``timeout`` is the ringing time in seconds.
    """

    sid: str
    sequence: int
    account_sid: str
    to: str
    from_: str
    created_at: datetime
    updated_at: datetime
    script: Callback | None
    twiml: str | None = None
    fallback: Callback | None = None
    callback: Callback | None = None
    callback_events: frozenset[str] = frozenset({"completed"})
    callbacks_sent: int = 0
    timeout: float = 60.0
    detect_machine: bool = False
    status: CallStatus = CallStatus.QUEUED
    started_at: datetime | None = None
    answered_at: datetime | None = None
    answered_by: str | None = None
    ended_at: datetime | None = None
    listening: bool = False
    heard: list[Heard] = field(default_factory=list)
    pressed: list[str] = field(default_factory=list)
    log: list[LogLine] = field(default_factory=list)

    @property
    def said(self) -> list[str]:
        """The texts that were spoken, in order."""
        return [heard.text for heard in self.heard]

    @property
    def live(self) -> bool:
        """Whether the call occupies the line: it rings or is being held."""
        return self.status in {CallStatus.RINGING, CallStatus.IN_PROGRESS}

    @property
    def seconds(self) -> int | None:
        """The length in whole seconds, once a call that was answered is over."""
        if self.answered_at is None or self.ended_at is None:
            return None
        return round((self.ended_at - self.answered_at).total_seconds())

    def note(self, at: datetime, text: str) -> None:
        """Write one line into the call's own log."""
        self.log.append(LogLine(at, text))


def new_sid(prefix: str) -> str:
    """Return a fresh identifier in Twilio's form: two letters and 32 hexadecimal digits."""
    return prefix + uuid.uuid4().hex

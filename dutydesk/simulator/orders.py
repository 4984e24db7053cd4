"""What an application asks for, after it was found valid."""

from dataclasses import dataclass

from dutydesk.simulator.records import Callback


@dataclass(frozen=True, slots=True)
class MessageOrder:
    """A message to be sent."""

    account_sid: str
    to: str
    from_: str | None
    body: str
    callback: Callback | None = None
    messaging_service_sid: str | None = None


@dataclass(frozen=True, slots=True)
class CallOrder:
    """A call to be made: with the document at ``script``, or with ``twiml`` itself.

    ``timeout`` is the ringing time in seconds (Twilio's default is 60).
    """

    account_sid: str
    to: str
    from_: str
    script: Callback | None
    twiml: str | None = None
    fallback: Callback | None = None
    callback: Callback | None = None
    callback_events: frozenset[str] = frozenset({"completed"})
    timeout: float = 60.0
    detect_machine: bool = False

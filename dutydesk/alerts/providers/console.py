"""A developer's channel: it prints what would be sent. It is not a way of telling anybody."""

from collections.abc import Mapping
from datetime import datetime

from dutydesk.alerts.providers.types import CallPlan, Found, Sent, Status
from dutydesk.logs import log, mask_number
from dutydesk.rulebook.types import Channel

_log = log("console")


class ConsoleProvider:
    """Writes messages to the log. Calls made by it are never answered."""

    channels: tuple[Channel, ...] = ("sms", "voice")

    def __init__(self, name: str = "console") -> None:
        """Take the name under which attempts are recorded."""
        self.name = name
        self._count = 0

    async def send_sms(self, to: str, body: str, status_url: str) -> Sent:  # noqa: ARG002 (protocol)
        """Print an SMS."""
        _log.info("sms not sent (no real sending)", to=mask_number(to), body=body)
        return self._accepted()

    async def place_call(self, to: str, plan: CallPlan) -> Sent:  # noqa: ARG002 (protocol)
        """Print a call."""
        _log.info("call not placed (no real sending)", to=mask_number(to))
        return self._accepted()

    async def look_up(self, channel: Channel, reference: str) -> Status | None:  # noqa: ARG002 (protocol)
        """Say that an SMS went out and that a call was not answered."""
        return Status("sent") if channel == "sms" else Status("failed", text="console")

    async def find(self, channel: Channel, to: str, since: datetime) -> list[Found] | None:  # noqa: ARG002
        """Nothing is ever on record."""
        return []

    async def cancel_call(self, reference: str) -> None:
        """There is nothing to cancel."""

    def is_genuine(self, url: str, form: Mapping[str, str], signature: str) -> bool:  # noqa: ARG002 (protocol)
        """Nobody calls back for a console."""
        return False

    def _accepted(self) -> Sent:
        self._count += 1
        return Sent("accepted", reference=f"{self.name}-{self._count}")

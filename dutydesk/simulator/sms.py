"""The life of a text message: queued, sending, sent, then delivered or undelivered.

https://www.twilio.com/docs/messaging/guides/outbound-message-status-in-status-callbacks
"""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from dutydesk.simulator.behaviours import Behaviour
from dutydesk.simulator.handset import Handset
from dutydesk.simulator.network import Network
from dutydesk.simulator.records import Message, MessageStatus

UNREACHABLE: Final = {
    Behaviour.OFF: 30003,  # unreachable destination handset
    Behaviour.LANDLINE: 30006,  # landline or unreachable carrier
}


class MessageLine:
    """Carries messages to handsets and reports to the application what became of them."""

    def __init__(self, network: Network, handset: Callable[[str], Handset]) -> None:
        self._network = network
        self._handset = handset

    def send(self, message: Message) -> None:
        """Take a new message on; nothing leaves before its creator has got the answer."""
        self._plan(message, message.created_at, self._network.timings.sms_sending, self._sending)

    def _plan(
        self,
        message: Message,
        moment: datetime,
        delay: float,
        step: Callable[[Message, datetime], Awaitable[None]],
    ) -> None:
        self._network.agenda.add(moment + timedelta(seconds=delay), message.sid, partial(step, message))

    async def _sending(self, message: Message, moment: datetime) -> None:
        message.status, message.updated_at = MessageStatus.SENDING, moment
        self._plan(message, moment, self._network.timings.sms_sent, self._sent)

    async def _sent(self, message: Message, moment: datetime) -> None:
        message.status, message.sent_at = MessageStatus.SENT, moment
        self._network.note(message, moment, "短信已发出")
        self._plan(message, moment, self._network.timings.sms_delivered, self._receipt)
        await self._report(message, moment)

    async def _receipt(self, message: Message, moment: datetime) -> None:
        message.error_code = UNREACHABLE.get(self._handset(message.to).manner.behaviour)
        if message.error_code is None:
            message.status, message.delivered_at = MessageStatus.DELIVERED, moment
            self._network.note(message, moment, "短信已送达")
        else:
            message.status = MessageStatus.UNDELIVERED
            self._network.note(message, moment, f"短信未送达（{message.error_code}）")
        await self._report(message, moment)

    async def _report(self, message: Message, moment: datetime) -> None:
        if message.callback is not None:
            await self._network.report(
                message, message.callback, message.status, callback_fields(message), moment
            )


def callback_fields(message: Message) -> dict[str, str]:
    """Return the form fields of a message's status callback."""
    fields = {
        "MessageSid": message.sid,
        "SmsSid": message.sid,
        "MessageStatus": message.status.value,
        "SmsStatus": message.status.value,
        "AccountSid": message.account_sid,
        "From": message.from_ or "",
        "To": message.to,
        "ApiVersion": "2010-04-01",
    }
    if message.messaging_service_sid is not None:
        fields["MessagingServiceSid"] = message.messaging_service_sid
    if message.error_code is not None:
        fields["ErrorCode"] = str(message.error_code)
    return fields

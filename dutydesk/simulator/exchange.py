"""The exchange: it takes messages and calls on and carries them to handsets, in its clock's time.

It knows nothing of HTTP except for the callbacks it sends.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

import httpx2

from dutydesk.clock import Clock
from dutydesk.simulator.agenda import Agenda
from dutydesk.simulator.callbacks import CallbackSender
from dutydesk.simulator.calls import CallLine
from dutydesk.simulator.faults import Faults
from dutydesk.simulator.handset import Handset
from dutydesk.simulator.journal import Journal
from dutydesk.simulator.network import Network
from dutydesk.simulator.orders import CallOrder, MessageOrder
from dutydesk.simulator.records import Call, CallStatus, Message, new_sid
from dutydesk.simulator.sms import MessageLine
from dutydesk.simulator.timings import Timings


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose handset it is, for the page."""

    number: str
    name: str = ""
    title: str = ""


class Exchange:
    """Messages, calls and handsets of one simulated network.

    Time passes only through ``run_due`` (tests) or ``run_forever`` (live); the handsets' buttons act at
    once, at the clock's present moment.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        accounts: Mapping[str, str],
        callback_client: httpx2.AsyncClient,
        timings: Timings | None = None,
        from_numbers: Iterable[str] | None = None,
        handsets: Iterable[Owner] = (),
    ) -> None:
        """Serve *accounts* (SID to authentication token).

        *from_numbers* restricts who may be named as sender or caller; None allows everybody.
        """
        self.clock = clock
        self.accounts = dict(accounts)
        self.from_numbers = None if from_numbers is None else frozenset(from_numbers)
        self.faults = Faults()
        self.journal = Journal()
        self.messages: dict[str, Message] = {}
        self.calls: dict[str, Call] = {}
        self.handsets: dict[str, Handset] = {}
        self._sequence = 0
        self._agenda = Agenda(clock)
        network = Network(
            clock,
            self._agenda,
            CallbackSender(callback_client, self.accounts),
            self.faults,
            timings or Timings(),
            self.journal,
        )
        self._message_line = MessageLine(network, self.handset)
        self._call_line = CallLine(network, self.handset)
        for owner in handsets:
            self.name_handset(owner)

    def handset(self, number: str) -> Handset:
        """Return the handset with that number (E.164); one nobody named yet appears when it is first used."""
        if number not in self.handsets:
            self.handsets[number] = Handset(number, self._call_line)
        return self.handsets[number]

    def name_handset(self, owner: Owner) -> Handset:
        """Give a handset its owner's name and title, and show it on the page."""
        handset = self.handset(owner.number)
        handset.name, handset.title = owner.name, owner.title
        self.journal.touch()
        return handset

    def create_message(self, order: MessageOrder) -> Message:
        """Take a message on; it is ``queued``, and leaves in its own time."""
        now = self.clock.now()
        message = Message(
            new_sid("SM"),
            self._next(),
            order.account_sid,
            order.to,
            order.from_,
            order.body,
            now,
            now,
            callback=order.callback,
            messaging_service_sid=order.messaging_service_sid,
        )
        self.messages[message.sid] = message
        self.handset(message.to).messages.append(message)
        self._message_line.send(message)
        self.journal.write(now, message.to, "收到短信请求")
        return message

    def create_call(self, order: CallOrder) -> Call:
        """Take a call on; it is ``queued``, and is dialled in its own time."""
        now = self.clock.now()
        call = Call(
            new_sid("CA"),
            self._next(),
            order.account_sid,
            order.to,
            order.from_,
            now,
            now,
            order.script,
            twiml=order.twiml,
            fallback=order.fallback,
            callback=order.callback,
            callback_events=order.callback_events,
            timeout=order.timeout,
            detect_machine=order.detect_machine,
        )
        self.calls[call.sid] = call
        self.handset(call.to).calls.append(call)
        self._call_line.dial(call)
        self.journal.write(now, call.to, "收到呼叫请求")
        return call

    def cancel_call(self, call: Call) -> None:
        """Withdraw a call that was not answered yet; one that was goes on, as with Twilio."""
        if not call.status.over and call.status is not CallStatus.IN_PROGRESS:
            self._call_line.end_soon(call, CallStatus.CANCELED)

    def complete_call(self, call: Call) -> None:
        """End a call whatever it does; one that nobody answered is ``canceled``."""
        if call.status is CallStatus.IN_PROGRESS:
            self._call_line.end_soon(call, CallStatus.COMPLETED)
        else:
            self.cancel_call(call)

    def next_event(self) -> datetime | None:
        """Return when something happens next by itself, or None."""
        return self._agenda.next_moment()

    async def run_due(self, now: datetime) -> None:
        """Let happen everything up to *now*; all its callbacks have been answered on return."""
        await self._agenda.run_due(now)

    async def run_forever(self) -> None:
        """Let everything happen in its time, until cancelled."""
        await self._agenda.run_forever()

    def close(self) -> None:
        """Let go of held requests and end the pages' event streams, before the process ends."""
        self.faults.clear()
        self.journal.close()

    def _next(self) -> int:
        self._sequence += 1
        return self._sequence

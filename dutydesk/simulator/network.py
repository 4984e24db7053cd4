"""What every part of the exchange shares."""

from dataclasses import dataclass
from datetime import datetime

from dutydesk.clock import Clock
from dutydesk.simulator.agenda import Agenda
from dutydesk.simulator.callbacks import CallbackError, CallbackSender
from dutydesk.simulator.faults import Faults
from dutydesk.simulator.journal import Journal
from dutydesk.simulator.records import Call, Callback, Message
from dutydesk.simulator.timings import Timings


@dataclass(frozen=True, slots=True)
class Network:
    """The clock, the event queue, the way to the application, and what is written down."""

    clock: Clock
    agenda: Agenda
    callbacks: CallbackSender
    faults: Faults
    timings: Timings
    journal: Journal

    def note(self, record: Message | Call, at: datetime, text: str) -> None:
        """Write a line into a record's own log and into the journal, and mark the record as changed."""
        record.updated_at = at
        record.note(at, text)
        self.journal.write(at, record.to, text)

    async def report(
        self, record: Message | Call, to: Callback, event: str, fields: dict[str, str], at: datetime
    ) -> None:
        """Send a status callback; what goes wrong is written down, for Twilio does not try again either."""
        if self.faults.loses_callback(record.to, event):
            return
        try:
            answer = await self.callbacks.send(record.account_sid, to, fields)
        except CallbackError as error:
            self.note(record, at, f"状态回调 {event} 未送达：{str(error) or type(error).__name__}")
            return
        if not answer.is_success:
            self.note(record, at, f"状态回调 {event} 被答复 {answer.status_code}")

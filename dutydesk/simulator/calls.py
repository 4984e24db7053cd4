"""The life of a call: queued, dialled, ringing, held, over."""

from collections import defaultdict
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from dutydesk.simulator.agenda import Entry
from dutydesk.simulator.behaviours import Behaviour
from dutydesk.simulator.conversation import Conversation
from dutydesk.simulator.handset import Handset
from dutydesk.simulator.network import Network
from dutydesk.simulator.records import Call, CallStatus
from dutydesk.simulator.report import progress_fields

WORDS: Final = {
    CallStatus.COMPLETED: "通话结束",
    CallStatus.BUSY: "占线",
    CallStatus.NO_ANSWER: "无人接听",
    CallStatus.CANCELED: "呼叫已取消",
    CallStatus.FAILED: "呼叫失败",
}
MOST_KEYS = 20
"""Keys that ``answer`` presses in one call, so that a menu that wants another key ends, too."""


class CallLine:
    """Puts calls through to handsets, and is what the handsets' buttons act upon."""

    def __init__(self, network: Network, handset: Callable[[str], Handset]) -> None:
        self._network = network
        self._handset = handset
        self._conversations: dict[str, Conversation] = {}
        self._plans: defaultdict[str, list[Entry]] = defaultdict(list)

    def dial(self, call: Call) -> None:
        """Take a new call on; nothing rings before its creator has got the answer."""
        self._plan(call, call.created_at, self._network.timings.call_initiated, self._initiate)

    def end_soon(self, call: Call, status: CallStatus) -> None:
        """End a call at the application's wish; the callback follows when the answer is out."""
        now = self._network.clock.now()
        self._close(call, status, now)
        self._network.agenda.add(now, call.sid, partial(self._report, call, "completed"))

    async def answer(self, call: Call) -> None:
        """Pick up: the application is told and its document carried out up to the first wait."""
        await self._answer(call, self._network.clock.now())

    async def reject(self, call: Call) -> None:
        """Turn away: ``busy`` to the caller, as mobile networks do it."""
        await self._end(call, CallStatus.BUSY, self._network.clock.now())

    async def press(self, call: Call, key: str) -> None:
        """Hear one key of the handset."""
        await self._conversations[call.sid].press(key, self._network.clock.now())

    async def hang_up(self, call: Call) -> None:
        """End the call from the handset's side."""
        await self._end(call, CallStatus.COMPLETED, self._network.clock.now())

    def _plan(
        self,
        call: Call,
        moment: datetime,
        delay: float,
        step: Callable[[Call, datetime], Awaitable[None]],
    ) -> None:
        planned = moment + timedelta(seconds=delay)
        self._plans[call.sid].append(self._network.agenda.add(planned, call.sid, partial(step, call)))

    async def _initiate(self, call: Call, moment: datetime) -> None:
        call.status, call.started_at = CallStatus.INITIATED, moment
        self._network.note(call, moment, "正在呼叫")
        self._plan(call, moment, self._network.timings.call_ringing, self._ring)
        await self._report(call, "initiated", moment)

    async def _ring(self, call: Call, moment: datetime) -> None:
        handset = self._handset(call.to)
        if handset.call is not None or handset.manner.behaviour is Behaviour.BUSY:
            await self._end(call, CallStatus.BUSY, moment)
            return
        if handset.manner.behaviour is Behaviour.OFF:
            await self._end(call, CallStatus.NO_ANSWER, moment)
            return
        call.status = CallStatus.RINGING
        self._network.note(call, moment, "振铃")
        self._plan(call, moment, call.timeout, self._give_up)
        self._plan_pick_up(call, handset.manner.behaviour, moment)
        await self._report(call, "ringing", moment)

    def _plan_pick_up(self, call: Call, behaviour: Behaviour, moment: datetime) -> None:
        timings = self._network.timings
        if behaviour is Behaviour.ANSWER:
            self._plan(call, moment, timings.pick_up, self._answer)
        elif behaviour is Behaviour.VOICEMAIL:
            self._plan(call, moment, timings.voicemail_picks_up, self._answer_by_machine)

    async def _give_up(self, call: Call, moment: datetime) -> None:
        await self._end(call, CallStatus.NO_ANSWER, moment)

    async def _answer_by_machine(self, call: Call, moment: datetime) -> None:
        self._network.note(call, moment, "转入语音信箱")
        await self._answer(call, moment, by="machine_start")

    async def _answer(self, call: Call, moment: datetime, by: str = "human") -> None:
        self._drop_plans(call)
        call.status, call.answered_at = CallStatus.IN_PROGRESS, moment
        call.answered_by = by if call.detect_machine else None
        self._network.note(call, moment, "已接听")
        conversation = Conversation(call, self._network, end=self._complete, listening=self._keypad_open)
        self._conversations[call.sid] = conversation
        if by != "human":
            self._plan(call, moment, self._network.timings.voicemail_lasts, self._complete)
        await self._report(call, "answered", moment)
        if not call.status.over:
            await conversation.begin(moment)

    def _keypad_open(self, call: Call, moment: datetime) -> None:
        manner = self._handset(call.to).manner
        if manner.behaviour is Behaviour.ANSWER and len(call.pressed) < MOST_KEYS:
            self._plan(call, moment, self._network.timings.reaction, self._press_by_itself)

    async def _press_by_itself(self, call: Call, moment: datetime) -> None:
        for key in self._handset(call.to).manner.key:
            if conversation := self._conversations.get(call.sid):
                await conversation.press(key, moment)

    async def _complete(self, call: Call, moment: datetime) -> None:
        await self._end(call, CallStatus.COMPLETED, moment)

    async def _end(self, call: Call, status: CallStatus, moment: datetime) -> None:
        if call.status.over:
            return
        self._close(call, status, moment)
        await self._report(call, "completed", moment)

    def _close(self, call: Call, status: CallStatus, moment: datetime) -> None:
        self._drop_plans(call)
        if conversation := self._conversations.pop(call.sid, None):
            conversation.stop()
        call.status, call.ended_at = status, moment
        self._network.note(call, moment, WORDS[status])

    def _drop_plans(self, call: Call) -> None:
        for entry in self._plans.pop(call.sid, []):
            entry.cancel()

    async def _report(self, call: Call, event: str, moment: datetime) -> None:
        """Tell the application, if it asked for this event; the fields are those of this very moment."""
        if call.callback is None or event not in call.callback_events:
            return
        fields = progress_fields(call, moment)
        call.callbacks_sent += 1
        await self._network.report(call, call.callback, event, fields, moment)

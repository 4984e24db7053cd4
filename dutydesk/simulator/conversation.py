"""What is said and pressed in an answered call: the TwiML documents carried out."""

from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urljoin

from dutydesk.simulator.agenda import Action, Entry
from dutydesk.simulator.callbacks import CallbackError
from dutydesk.simulator.network import Network
from dutydesk.simulator.records import Call, Callback, Heard
from dutydesk.simulator.report import call_fields
from dutydesk.simulator.twiml import Gather, Hangup, Pause, Redirect, Say, TwimlError, Unknown, Verb, parse

APPLICATION_ERROR = "应用程序错误"
"""What the caller hears when a document cannot be had or carried out, before the line goes dead."""
MOST_DOCUMENTS = 200
"""Documents in one call, so that one that redirects to itself without a pause ends, too."""


@dataclass(frozen=True, slots=True)
class Listen:
    """The place in the script where the prompts of a Gather are over and its time-out begins."""


class Conversation:
    """One answered call; it goes on by itself until it has to wait for time or for a key."""

    def __init__(
        self,
        call: Call,
        network: Network,
        *,
        end: Callable[[Call, datetime], Awaitable[None]],
        listening: Callable[[Call, datetime], None],
    ) -> None:
        """Tell *end* when the script is over, and *listening* when only a key is waited for."""
        self._call = call
        self._network = network
        self._end = end
        self._listening = listening
        self._script: deque[Verb | Listen] = deque()
        self._source = call.script or Callback("")
        self._gather: Gather | None = None
        self._digits = ""
        self._prompting = False
        self._timer: Entry | None = None
        self._documents = 0
        self._stopped = False

    async def begin(self, moment: datetime) -> None:
        """Fetch the first document, or take the one given with the call, and carry it out."""
        if self._call.twiml is None:
            moment = await self._fetch(self._source, {}, moment)
        else:
            self._take(self._call.twiml.encode(), moment)
        await self._go_on(moment)

    async def press(self, key: str, moment: datetime) -> None:
        """Hear a key; it interrupts the prompts, and may complete what a Gather waits for."""
        self._call.pressed.append(key)
        gather = self._gather
        self._network.note(self._call, moment, f"按键 {key}" if gather else f"按键 {key}（此时未在收听）")
        if gather is None:
            return
        self._cancel_timer()
        finished = key == gather.finish_key
        if not finished:
            self._digits += key
        if finished or len(self._digits) == gather.digits:
            await self._submit(gather, moment, key if finished else None)
            return
        # The first key silences what is still being said, up to where the time-out would begin.
        while self._prompting and not isinstance(self._script.popleft(), Listen):
            pass
        self._listen(gather, moment)

    def stop(self) -> None:
        """End the conversation because the call is over."""
        self._stopped = True
        self._cancel_timer()
        self._script.clear()
        self._close()

    async def _go_on(self, moment: datetime) -> None:
        while self._script and not self._stopped:
            verb = self._script.popleft()
            if isinstance(verb, Hangup):
                break
            if isinstance(verb, Redirect):
                target = Callback(urljoin(self._source.url, verb.url), verb.method)
                moment = await self._fetch(target, {}, moment)
            elif self._waits(verb, moment):
                return
        if not self._stopped:
            await self._end(self._call, moment)

    def _waits(self, verb: Say | Pause | Gather | Listen | Unknown, moment: datetime) -> bool:
        """Carry a verb out; return whether the script must wait after it."""
        match verb:
            case Say():
                return self._hear(verb, moment)
            case Pause(seconds):
                self._wait(moment, seconds, self._go_on)
                return True
            case Gather():
                self._open(verb)
            case Listen() if self._gather is not None:
                self._listen(self._gather, moment)
                self._listening(self._call, moment)
                return True
            case Unknown(name):
                self._network.note(self._call, moment, f"不支持的指令 {name}（12200）")
        return False

    def _hear(self, say: Say, moment: datetime) -> bool:
        self._call.heard.append(Heard(moment, say.text, say.language, say.voice))
        self._network.note(self._call, moment, f"语音：{say.text}")
        seconds = len(say.text) * self._network.timings.speech_per_character
        if seconds:
            self._wait(moment, seconds, self._go_on)
        return bool(seconds)

    def _wait(self, moment: datetime, seconds: float, action: Action) -> None:
        self._timer = self._network.agenda.add(moment + timedelta(seconds=seconds), self._call.sid, action)

    def _open(self, gather: Gather) -> None:
        self._gather, self._digits = gather, ""
        self._call.listening = self._prompting = True
        self._script.extendleft(reversed([*gather.prompts, Listen()]))

    def _listen(self, gather: Gather, moment: datetime) -> None:
        self._prompting = False
        self._wait(moment, gather.timeout, self._no_more_keys)

    def _close(self) -> None:
        self._gather, self._call.listening = None, False

    async def _no_more_keys(self, moment: datetime) -> None:
        gather = self._gather
        if gather is not None and (self._digits or gather.action_on_empty):
            await self._submit(gather, moment, None)
            return
        self._close()
        await self._go_on(moment)

    async def _submit(self, gather: Gather, moment: datetime, finished_on: str | None) -> None:
        self._close()
        url = urljoin(self._source.url, gather.action) if gather.action else self._source.url
        fields = {"Digits": self._digits, "msg": "Gather End"}
        if finished_on is not None:
            fields["FinishedOnKey"] = finished_on
        moment = await self._fetch(Callback(url, gather.method), fields, moment)
        await self._go_on(moment)

    async def _fetch(self, source: Callback, fields: dict[str, str], moment: datetime) -> datetime:
        """Take the document at *source* as the script; return when it came (a fetch takes real time)."""
        asked = self._network.clock.now()
        self._script.clear()
        self._documents += 1
        try:
            content = await self._load(source, fields)
        except TwimlError as error:
            came = moment + (self._network.clock.now() - asked)
            fallback = self._call.fallback
            if fallback is not None and source != fallback:
                self._network.note(self._call, came, f"{error}（{error.code}），改用后备地址")
                details = {"ErrorCode": str(error.code), "ErrorUrl": source.url}
                return await self._fetch(fallback, details, came)
            self._apologise(error, came)
            return came
        came = moment + (self._network.clock.now() - asked)
        self._source = source
        self._take(content, came)
        return came

    async def _load(self, source: Callback, fields: dict[str, str]) -> bytes:
        if self._documents > MOST_DOCUMENTS:
            raise TwimlError(11206, "too many documents in one call")
        try:
            answer = await self._network.callbacks.send(
                self._call.account_sid, source, call_fields(self._call) | fields
            )
        except CallbackError as error:
            raise TwimlError(
                11200, f"HTTP retrieval failure: {str(error) or type(error).__name__}"
            ) from error
        if not answer.is_success:
            raise TwimlError(11200, f"HTTP retrieval failure: {answer.status_code}")
        return answer.content

    def _take(self, document: bytes, moment: datetime) -> None:
        if self._stopped:
            return
        try:
            self._script = deque(parse(document))
        except TwimlError as error:
            self._apologise(error, moment)

    def _apologise(self, error: TwimlError, moment: datetime) -> None:
        self._network.note(self._call, moment, f"{error}（{error.code}）")
        self._script = deque([Say(APPLICATION_ERROR, "zh-CN", ""), Hangup()])

    def _cancel_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

"""A phone that can be written to and called, and the fingers of its owner."""

from dataclasses import dataclass, field
from typing import Protocol

from dutydesk.errors import ConflictError
from dutydesk.simulator.behaviours import Manner, manner
from dutydesk.simulator.records import Call, CallStatus, Message, MessageStatus


class Controls(Protocol):
    """What the exchange does when the owner of a handset touches it."""

    async def answer(self, call: Call) -> None:
        """Pick up a ringing call."""

    async def reject(self, call: Call) -> None:
        """Turn a ringing call away."""

    async def press(self, call: Call, key: str) -> None:
        """Press one key during a call."""

    async def hang_up(self, call: Call) -> None:
        """End a call from the handset's side."""


@dataclass(slots=True)
class Handset:
    """A phone with everything that came to it.

    ``messages`` and ``calls`` hold whatever was addressed to it, in the order of creation, also what never
    reached it; ``inbox`` is what can be read on it.
    """

    number: str
    controls: Controls = field(repr=False)
    name: str = ""
    title: str = ""
    manner: Manner = field(default_factory=Manner)
    messages: list[Message] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)

    @property
    def inbox(self) -> list[Message]:
        """The messages that were delivered."""
        return [message for message in self.messages if message.status is MessageStatus.DELIVERED]

    @property
    def call(self) -> Call | None:
        """The call that rings or is being held now."""
        return next((call for call in reversed(self.calls) if call.live), None)

    @property
    def heard(self) -> list[str]:
        """The texts spoken in the current or, when there is none, the last call."""
        return self.calls[-1].said if self.calls else []

    def behave(self, behaviour: str, key: str = "1") -> None:
        """Meet the calls and messages to come in this manner (see ``behaviours``).

        Raises:
            InvalidInputError: no such behaviour or key.
        """
        self.manner = manner(behaviour, key)

    async def answer(self) -> Call:
        """Pick up the ringing call and return it, after its first words and up to its first wait.

        Raises:
            ConflictError: nothing rings.
        """
        call = self._current(CallStatus.RINGING, "没有来电")
        await self.controls.answer(call)
        return call

    async def reject(self) -> Call:
        """Turn the ringing call away: the caller gets ``busy``.

        Raises:
            ConflictError: nothing rings.
        """
        call = self._current(CallStatus.RINGING, "没有来电")
        await self.controls.reject(call)
        return call

    async def press(self, keys: str) -> Call:
        """Press keys one after the other; one that nobody listens to is recorded and changes nothing.

        Raises:
            ConflictError: no call is being held, or it ended before the last key.
            InvalidInputError: no such key.
        """
        manner("answer", keys)
        call = self._current(CallStatus.IN_PROGRESS, "没有通话")
        for key in keys:
            await self.controls.press(self._current(CallStatus.IN_PROGRESS, "通话已结束"), key)
        return call

    async def hang_up(self) -> Call:
        """End the call that is being held.

        Raises:
            ConflictError: no call is being held.
        """
        call = self._current(CallStatus.IN_PROGRESS, "没有通话")
        await self.controls.hang_up(call)
        return call

    def _current(self, status: CallStatus, otherwise: str) -> Call:
        call = self.call
        if call is None or call.status is not status:
            raise ConflictError(f"{self.number} {otherwise}")
        return call

"""Misfortunes that tests order: asked before a request is answered and before a callback is sent."""

import asyncio
from dataclasses import dataclass, field
from typing import Final

CREATIONS: Final = frozenset({"messages.create", "calls.create"})
"""The operations a rule covers unless it says otherwise; the others are ``messages.list``,
``messages.fetch``, ``calls.list``, ``calls.fetch`` and ``calls.update``."""


@dataclass(frozen=True, slots=True)
class Hold:
    """Accept the connection, register nothing, never answer: claimed, but not sent."""


@dataclass(frozen=True, slots=True)
class Withhold:
    """Do what is asked, but never answer: sent, but not recorded."""


@dataclass(frozen=True, slots=True)
class Refuse:
    """Answer with an HTTP status and Twilio's code, and do nothing."""

    status: int
    code: int
    message: str = "Refused by a rule of the simulator"


Treatment = Hold | Withhold | Refuse


@dataclass(slots=True)
class Rule:
    """One ordered misfortune: for a number (None: any) and some operations, so many times (None: always)."""

    treatment: Treatment
    number: str | None
    operations: frozenset[str]
    times: int | None

    def covers(self, operation: str, number: str | None) -> bool:
        """Whether the rule still applies to this request."""
        return (
            operation in self.operations
            and (self.number is None or self.number == number)
            and (self.times is None or self.times > 0)
        )


@dataclass(slots=True)
class Faults:
    """The rules in force; the first that covers a request decides."""

    rules: list[Rule] = field(default_factory=list)
    waiting: int = 0
    """How many requests are being held or have their answer withheld now."""
    _released: asyncio.Event = field(default_factory=asyncio.Event)
    _arrived: asyncio.Event = field(default_factory=asyncio.Event)

    def order(
        self,
        treatment: Treatment,
        number: str | None = None,
        *,
        operations: frozenset[str] = CREATIONS,
        times: int | None = None,
    ) -> Rule:
        """Put a rule in force; *times* limits how often, ``clear`` ends it."""
        rule = Rule(treatment, number, operations, times)
        self.rules.append(rule)
        return rule

    def clear(self) -> None:
        """End all rules and let go of every waiting request (see ``wait``)."""
        self.rules.clear()
        self._released.set()
        self._released = asyncio.Event()

    def treatment(self, operation: str, number: str | None) -> Treatment | None:
        """Return what a request must suffer, and count it; None means that it is treated as usual."""
        for rule in self.rules:
            if rule.covers(operation, number):
                if rule.times is not None:
                    rule.times -= 1
                return rule.treatment
        return None

    def loses_callback(self, number: str, event: str) -> bool:
        """Whether the callback about *event* to *number*'s call or message gets lost on its way."""
        # The seam for lost, late, repeated and reordered callbacks; there are no such rules yet.
        del number, event
        return False

    async def wait(self) -> None:
        """Keep a request waiting until ``clear`` is called, or its task is cancelled with the asking side's."""
        self.waiting += 1
        self._arrived.set()
        try:
            await self._released.wait()
        finally:
            self.waiting -= 1

    async def until_waiting(self) -> None:
        """Return as soon as at least one request is kept waiting (tests act then)."""
        while self.waiting == 0:
            self._arrived.clear()
            await self._arrived.wait()

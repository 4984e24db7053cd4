"""The exchange's event log, and word to those who watch it that something changed."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime

KEPT = 500


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened, in words for the page."""

    number: int
    at: datetime
    phone: str
    text: str


class Journal:
    """The last events; ``version`` rises with each change that a watcher might want to draw."""

    def __init__(self) -> None:
        self.events: deque[Event] = deque(maxlen=KEPT)
        self.version = 0
        self._count = 0
        self._closed = False
        self._changed = asyncio.Event()

    def write(self, at: datetime, phone: str, text: str) -> None:
        """Add an event about the phone with that number."""
        self._count += 1
        self.events.append(Event(self._count, at, phone, text))
        self.touch()

    def touch(self) -> None:
        """Tell the watchers that something changed."""
        self.version += 1
        self._changed.set()
        self._changed = asyncio.Event()

    def close(self) -> None:
        """End every watch, so that open pages do not hold up the end of the process."""
        self._closed = True
        self.touch()

    async def watch(self) -> AsyncIterator[int]:
        """Yield the version now and after changes; a slow watcher skips versions instead of queueing them."""
        seen = -1
        while not self._closed:
            changed = self._changed
            if seen != self.version:
                seen = self.version
                yield seen
            else:
                await changed.wait()

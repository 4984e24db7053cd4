"""Tells every open page of this process that something was committed."""

import asyncio
from collections.abc import AsyncGenerator


class Bell:
    """A counter that rises with every commit; listeners wake and read what they show again.

    It carries no data on purpose: a listener that missed ten rings reads the newest state once.
    """

    def __init__(self) -> None:
        """Start silent."""
        self._count = 0
        self._closed = False
        self._waiting: set[asyncio.Event] = set()

    @property
    def count(self) -> int:
        """Return how often it has rung: what was read at the same count is still the newest."""
        return self._count

    def ring(self) -> None:
        """Wake every listener (called after a commit, on the event loop's thread)."""
        self._count += 1
        for event in self._waiting:
            event.set()

    def close(self) -> None:
        """End every listener: an open page must not hold up the end of the process."""
        self._closed = True
        self.ring()

    async def listen(self) -> AsyncGenerator[int]:
        """Yield at once, and then after every ring; rings in between are taken together."""
        event = asyncio.Event()
        self._waiting.add(event)
        try:
            yield self._count
            # Whoever begins to listen after the end must not wait for it.
            while True:
                if not self._closed:
                    await event.wait()
                if self._closed:
                    return
                event.clear()
                yield self._count
        finally:
            self._waiting.discard(event)

"""What will happen next: the exchange's own event queue.

Tests ask for the next moment, set their clock to it and run what is due. A live process sleeps until the
next moment instead, and is woken when something earlier is added.
"""

import asyncio
import heapq
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from dutydesk.clock import Clock
from dutydesk.logs import log

Action = Callable[[datetime], Awaitable[None]]
"""Something that happens at a planned moment, which it is given."""

_log = log("simulator")


@dataclass(order=True, slots=True)
class Entry:
    """An action planned for a moment; those of one ``lane`` never overtake one another."""

    moment: datetime
    order: int
    lane: str = field(compare=False)
    action: Action = field(compare=False)
    cancelled: bool = field(default=False, compare=False)

    def cancel(self) -> None:
        """Take the action back, if it has not begun."""
        self.cancelled = True


class Agenda:
    """A queue of actions by moment; equal moments keep the order in which they were added."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._heap: list[Entry] = []
        self._count = 0
        self._changed = asyncio.Event()
        self._tails: dict[str, asyncio.Task[None]] = {}

    def add(self, moment: datetime, lane: str, action: Action) -> Entry:
        """Plan *action* for *moment*, in the lane of one message or call."""
        self._count += 1
        entry = Entry(moment, self._count, lane, action)
        heapq.heappush(self._heap, entry)
        self._changed.set()
        return entry

    def next_moment(self) -> datetime | None:
        """Return when the next action is planned, or None."""
        while self._heap and self._heap[0].cancelled:
            heapq.heappop(self._heap)
        return self._heap[0].moment if self._heap else None

    async def run_due(self, now: datetime) -> None:
        """Do everything planned up to *now*, one after the other; what it plans in turn, too.

        An action gets its planned moment, so that moving the clock by an hour in one go tells the same
        story as moving it step by step.
        """
        while entry := self._take(now):
            await entry.action(entry.moment)

    async def run_forever(self) -> None:
        """Do everything when it is due, side by side, until cancelled."""
        async with asyncio.TaskGroup() as group:
            while True:
                self._changed.clear()
                while entry := self._take(self._clock.now()):
                    self._start(group, entry)
                await self._wait()

    def _take(self, now: datetime) -> Entry | None:
        moment = self.next_moment()
        if moment is None or moment > now:
            return None
        return heapq.heappop(self._heap)

    def _start(self, group: asyncio.TaskGroup, entry: Entry) -> None:
        task = group.create_task(_in_turn(self._tails.get(entry.lane), entry))
        self._tails[entry.lane] = task
        task.add_done_callback(lambda done: self._forget(entry.lane, done))

    def _forget(self, lane: str, done: asyncio.Task[None]) -> None:
        if self._tails.get(lane) is done:
            del self._tails[lane]

    async def _wait(self) -> None:
        """Sleep until the next moment, or until something is added that may come before it."""
        waiting: list[asyncio.Future[Any]] = [asyncio.ensure_future(self._changed.wait())]
        moment = self.next_moment()
        if moment is not None:
            delay = (moment - self._clock.now()).total_seconds()
            waiting.append(asyncio.ensure_future(self._clock.sleep(delay)))
        try:
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for future in waiting:
                future.cancel()


async def _in_turn(before: "asyncio.Task[None] | None", entry: Entry) -> None:
    """Do the entry's action after the one before it in its lane; a failure stays its own."""
    if before is not None:
        await asyncio.wait([before])
    if entry.cancelled:
        return
    try:
        await entry.action(entry.moment)
    except Exception:  # noqa: BLE001 (one broken event must not stop the exchange)
        _log.exception("simulated event failed", lane=entry.lane)

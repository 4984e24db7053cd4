"""The only reader of the time.

Everything else takes ``now`` as an argument, or a :class:`Clock` where a process has to wait. A
lint rule (ruff TID251) refuses ``datetime.now`` and ``time.time`` in every other file.
"""

import asyncio
import time
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """What a process needs to know about time.

    ``now`` is the wall clock (aware UTC): the one people and due times speak of; it may jump.
    ``monotonic`` counts seconds and never jumps: the one that tells that the wall clock did.
    """

    def now(self) -> datetime:
        """Return the wall time, aware and in UTC."""
        ...

    def monotonic(self) -> float:
        """Return seconds on a clock that never goes back, in the same scale as ``now``."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait for that many seconds of this clock."""
        ...

    def real_moment(self, moment: datetime) -> datetime:
        """Return when *moment* of this clock comes on the machine's own clock (for timers)."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """Return the machine's wall time in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Return the machine's monotonic seconds."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Sleep on the event loop."""
        await asyncio.sleep(max(0.0, seconds))

    def real_moment(self, moment: datetime) -> datetime:
        """Return *moment* itself: this clock is the machine's."""
        return moment


class FastClock:
    """The machine's clock running *speed* times faster from the moment it was made (demo only)."""

    def __init__(self, speed: float) -> None:
        """Start at the present moment.

        Raises:
            ValueError: when *speed* is not positive.
        """
        if speed <= 0:
            message = "speed must be positive"
            raise ValueError(message)
        self._speed = speed
        self._started = datetime.now(UTC)
        self._origin = time.monotonic()

    def now(self) -> datetime:
        """Return the start plus the time gone by, multiplied by the speed."""
        return self._started + timedelta(seconds=(time.monotonic() - self._origin) * self._speed)

    def monotonic(self) -> float:
        """Return scaled monotonic seconds, so that both readings move alike."""
        return time.monotonic() * self._speed

    async def sleep(self, seconds: float) -> None:
        """Sleep for the scaled-down time."""
        await asyncio.sleep(max(0.0, seconds / self._speed))

    def real_moment(self, moment: datetime) -> datetime:
        """Map a moment of this clock onto the machine's own."""
        return datetime.now(UTC) + (moment - self.now()) / self._speed

"""A clock that only moves when a test moves it."""

import asyncio
from datetime import datetime, timedelta


class FakeClock:
    """Wall and monotonic time moved by hand; they move alike unless the wall clock is stepped."""

    def __init__(self, start: datetime) -> None:
        """Start at an aware moment."""
        self._now = start
        self._monotonic = 1000.0

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return self._monotonic

    async def sleep(self, seconds: float) -> None:
        """Let time pass by itself: nobody waits in a test."""
        self.move(seconds)
        await asyncio.sleep(0)

    def real_moment(self, moment: datetime) -> datetime:
        return moment

    def set(self, moment: datetime) -> None:
        """Let time pass until *moment*."""
        self.move((moment - self._now).total_seconds())

    def move(self, seconds: float) -> None:
        """Let that many seconds pass on both clocks."""
        self._now += timedelta(seconds=seconds)
        self._monotonic += seconds

    def step_wall(self, seconds: float) -> None:
        """Let the wall clock jump as a bad time server would; the monotonic one stays."""
        self._now += timedelta(seconds=seconds)

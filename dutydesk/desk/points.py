"""When a running clock changes its look: at the ladder's own points. Pure.

Cached pages carry a mark where the time left stands; it becomes words at the moment the page is sent.
"""

import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

# Without a rung before the due time a clock is near its end so long before.
_NEAR = timedelta(minutes=5)
# Drawn anew in every process: nobody can type a mark into a title.
_SECRET = secrets.token_hex(8)
_OPENS, _CLOSES = f"\ue000{_SECRET}:", "\ue001"
_MARK = re.compile(rf"{_OPENS}(\d+),(\d+),(\d*),([a-z]+){_CLOSES}")
_MILLI = timedelta(milliseconds=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Points:
    """``near``: the last rung before the due time; ``raised``: the first rung after it (None: there is none)."""

    due: datetime
    near: datetime
    raised: datetime | None

    def state(self, now: datetime) -> str:
        """Return ``left``, ``near``, ``over`` or ``raised`` (over, and the next ones were told)."""
        if now > self.due:
            return "raised" if self.raised is not None and now >= self.raised else "over"
        return "near" if now >= self.near else "left"

    def mark(self, what: str) -> str:
        """Return what stands for ``state``, ``label`` or ``text`` of this clock until the page is sent."""
        raised = "" if self.raised is None else str(milliseconds(self.raised))
        return f"{_OPENS}{milliseconds(self.due)},{milliseconds(self.near)},{raised},{what}{_CLOSES}"


def points(due: datetime, rungs: Iterable[datetime]) -> Points:
    """Return the points of a clock whose ladder has rungs at these times."""
    times = sorted(rungs)
    before = [at for at in times if at < due]
    after = [at for at in times if at > due]
    return Points(due, before[-1] if before else due - _NEAR, after[0] if after else None)


def milliseconds(moment: datetime) -> int:
    """Return a moment as the scripts count time."""
    return (moment - _EPOCH) // _MILLI


def find_marks(text: str) -> Iterable[tuple[int, int, Points, str]]:
    """Yield (start, end, the clock, what is asked of it) for every mark in a text."""
    for found in _MARK.finditer(text):
        due, near = (_moment(found[place]) for place in (1, 2))
        raised = _moment(found[3]) if found[3] else None
        yield found.start(), found.end(), Points(due, near, raised), found[4]


def _moment(milli: str) -> datetime:
    return _EPOCH + int(milli) * _MILLI

"""Whether the clocks are kept and the providers carry, as plainly as a board can say it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, Protocol

from dutydesk.alerts import queries as alert_queries
from dutydesk.alerts.rules import OUR_SIDE
from dutydesk.db import Session
from dutydesk.desk import queries
from dutydesk.obligations import queries as owed_queries

# As /readyz has it: three beats of the safety loop.
LATE_AFTER = timedelta(seconds=15)
_LOOKED_AT = 200

Worker = Literal["ok", "late", "failed", "starting"]
Carrier = Literal["ok", "failed", "unused"]


class Pulse(Protocol):
    """What the board asks the clockwork of this process (``worker.Clockwork``)."""

    def age(self, now: datetime) -> timedelta | None:
        """Return how long ago the last full pass ended; None before the first."""
        ...

    @property
    def last_failed(self) -> bool:
        """Tell whether a row failed in the last pass."""
        ...


@dataclass(frozen=True, slots=True)
class ProviderHealth:
    """How the last SMS or call by one provider ended, and when."""

    name: str
    state: Carrier
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Health:
    """The clockwork and the providers."""

    worker: Worker
    providers: tuple[ProviderHealth, ...]

    @property
    def well(self) -> bool:
        """Tell whether nobody has to look into anything."""
        return self.worker == "ok" and all(one.state != "failed" for one in self.providers)


async def health(session: Session, now: datetime, pulse: Pulse | None, names: Sequence[str]) -> Health:
    """Read how things stand; where another process keeps the clocks, what is left undone tells on it."""
    last: dict[str, ProviderHealth] = {}
    for name, outcome, ended in await queries.latest_outcomes(session, _LOOKED_AT):
        if outcome is not None and outcome != "cancelled" and name not in last:
            last[name] = ProviderHealth(name, "failed" if outcome in OUR_SIDE else "ok", ended)
    return Health(
        await _worker(session, now, pulse),
        tuple(last.get(name, ProviderHealth(name, "unused")) for name in names),
    )


async def _worker(session: Session, now: datetime, pulse: Pulse | None) -> Worker:
    undone = (await owed_queries.oldest_undone(session, now), await alert_queries.oldest_undone(session, now))
    if any(moment is not None and now - moment > LATE_AFTER for moment in undone):
        return "late"
    if pulse is None:
        return "ok"
    age = pulse.age(now)
    if age is None:
        return "starting"
    if age > LATE_AFTER:
        return "late"
    return "failed" if pulse.last_failed else "ok"

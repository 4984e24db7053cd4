"""Watches the ladder from outside: looks for what should have moved, moves it, and says so (design §5).

Nothing here should ever be found. What is found is a fault of ours, and silence about it would be the
worse one.
"""

from datetime import datetime, timedelta

from dutydesk.alerts.actions import alarm_desk
from dutydesk.escalation import queries
from dutydesk.logs import log
from dutydesk.web.site import Site

# A pass runs every few seconds; what is a minute late has been forgotten.
PATIENCE = timedelta(seconds=60)
_MOST = 200

_log = log("watch")


async def set_moving(site: Site, now: datetime) -> int:
    """Set stuck ladders and stranded alerts moving again; return how many there were."""
    before = now - PATIENCE
    async with site.db.read() as session:
        found = len(await queries.stuck_ladders(session, before, _MOST))
        found += len(await queries.stranded_alerts(session, before, _MOST))
    if not found:
        return 0
    async with site.db.write() as session:
        ladders = await queries.stuck_ladders(session, before, _MOST)
        alerts = await queries.stranded_alerts(session, before, _MOST)
        for row in ladders:
            row.next_action_at = now
        for alert in alerts:
            alert.state, alert.next_try_at, alert.token = "queued", now, None
        if ladders or alerts:
            _log.error("found what should have moved", ladders=len(ladders), alerts=len(alerts))
            await alarm_desk(
                session,
                now,
                about="watch",
                wording="stuck",
                reason="STUCK",
                params={"count": len(ladders) + len(alerts)},
            )
        return len(ladders) + len(alerts)

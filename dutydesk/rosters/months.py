"""The duty table of one month of one unit, and the note that its holes have to be looked for again."""

from datetime import date, datetime

from dutydesk.audit.actions import record
from dutydesk.db import Session
from dutydesk.rosters import queries
from dutydesk.rosters.model import Roster

_DECEMBER = 12


def month_of(day: date) -> date:
    """Return the first day of a day's month."""
    return day.replace(day=1)


def next_month(month: date) -> date:
    """Return the first day of the month after."""
    if month.month == _DECEMBER:
        return month.replace(year=month.year + 1, month=1)
    return month.replace(month=month.month + 1)


async def roster_for(session: Session, now: datetime, actor: str, unit_id: int, month: date) -> Roster:
    """Return a unit's roster of a month, made as a draft if there is none, locked until the transaction ends."""
    row = await queries.roster_of(session, unit_id, month, lock=True)
    if row is None:
        row = Roster(unit_id=unit_id, month=month, created_at=now, created_by=actor)
        session.add(row)
        await session.flush()
        record(session, now, actor, "roster.begun", f"roster:{row.id}", unit=unit_id, month=f"{month:%Y-%m}")
    return row

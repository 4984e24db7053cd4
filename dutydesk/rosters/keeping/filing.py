"""Units file next month's roster, the desk publishes its own: by when, and who has not (Art. 48, domain row 48.7)."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from dutydesk.alerts.actions import cancel_for
from dutydesk.audit.actions import record
from dutydesk.calendars.queries import calendar_for
from dutydesk.calendars.rules import Calendar
from dutydesk.db import Session
from dutydesk.obligations import queries as owed_queries
from dutydesk.obligations.model import OWED
from dutydesk.obligations.owings import Owing, settle_owings
from dutydesk.people.model import Unit
from dutydesk.people.queries import id_of
from dutydesk.rosters.keeping import queries
from dutydesk.rosters.months import next_month
from dutydesk.rosters.rules.filing import filing_due, is_filed, month_span
from dutydesk.rosters.rules.slots import gaps_in, slots_of
from dutydesk.web.site import Site

ACTOR = "clockwork"
FILE_RULE, PUBLISH_RULE = "48.7", "48.1-publish"
# A filing is asked for so long before it is due.
_OPENS = timedelta(days=10)


def scope_of(unit_id: int) -> str:
    """Return the scope in which a unit's filings are settled."""
    return f"filing/{unit_id}"


def subject_of(unit_id: int, month: date) -> str:
    """Return what the filing of a month is about."""
    return f"filing/{unit_id}/{month:%Y-%m}"


async def settle_filing(session: Session, site: Site, now: datetime, unit: Unit, calendar: Calendar) -> None:
    """Ask for next month's roster in time, take it when it is there, and put away the months that are over."""
    unit_id = id_of(unit.id)
    this = now.astimezone(site.zone).date().replace(day=1)
    for roster in await queries.archive_before(session, unit_id, this):
        record(session, now, ACTOR, "roster.archived", f"roster:{roster.id}", month=f"{roster.month:%Y-%m}")
    months = (this, next_month(this))
    rows = await owed_queries.obligations_in(session, scope_of(unit_id), ())
    known = {row.subject for row in rows if row.state in OWED}
    wanted: list[Owing] = []
    done: dict[str, datetime] = {}
    for month in months if unit.retired_at is None else ():
        due_at = filing_due(month, site.rulebook.rosters, site.zone, is_desk=unit.kind == "desk")
        subject = subject_of(unit_id, month)
        # This month's is only gone on with: nobody is asked anew for a month that runs.
        asked = subject in known or (month > this and due_at - _OPENS <= now and unit.created_at < due_at)
        if not asked:
            continue
        filed_at = await _filed_at(session, site, now, unit, month, calendar)
        if filed_at is not None:
            done[subject] = filed_at
            continue
        wanted.append(
            Owing(
                subject=subject,
                rule_id=PUBLISH_RULE if unit.kind == "desk" else FILE_RULE,
                number=f"{month.month}月",
                unit_id=unit_id,
                base_at=due_at - _OPENS,
                due_at=due_at,
            )
        )
    settled = await settle_owings(
        session, site, now, ACTOR, scope_of(unit_id), wanted, done, gone="SHIFT_OVER"
    )
    await cancel_for(session, now, settled.cancel)


async def _filed_at(
    session: Session, site: Site, now: datetime, unit: Unit, month: date, calendar: Calendar
) -> datetime | None:
    """Return when a month's roster was there: published, or planned otherwise without a hole (import, API)."""
    unit_id = id_of(unit.id)
    roster = (await queries.rosters_between(session, unit_id, month, month)).get(month)
    if roster is not None and is_filed(roster.state):
        return roster.published_at or now
    if await month_is_covered(session, site, unit, month, calendar):
        return now
    return None


async def month_is_covered(
    session: Session, site: Site, unit: Unit, month: date, calendar: Calendar | None = None
) -> bool:
    """Tell whether every seat a unit has to hold in a month is planned (one that holds none has nothing to file)."""
    unit_id = id_of(unit.id)
    start, end = month_span(month, site.zone)
    last = next_month(month)
    calendar = calendar or await calendar_for(session, month, last)
    patterns = await queries.unit_patterns(session, unit, site.rulebook.rosters)
    slots = slots_of(patterns, calendar, unit_id, month, last, site.zone)
    ends = max([end, *(slot.ends_at for slot in slots)])
    found = await queries.sitting(session, [unit_id], start, ends)
    return not gaps_in(slots, found.shifts, ())


@dataclass(frozen=True, slots=True)
class NotFiled:
    """A unit whose roster of a month is not there; ``late``: 未报备."""

    unit_id: int
    due_at: datetime
    late: bool


async def not_filed(session: Session, month: date, now: datetime) -> list[NotFiled]:
    """Return the units that still owe the roster of the month beginning on *month*, the desk among them."""
    rows = await queries.owed_filings(session, (FILE_RULE, PUBLISH_RULE), f"/{month:%Y-%m}")
    return [NotFiled(row.unit_id, row.due_at, row.due_at <= now) for row in rows if row.due_at is not None]

"""What the quality report of a month is made of, read once."""

from datetime import date, datetime, timedelta

from sqlmodel import col, func, select

from dutydesk.calendars.queries import calendar_for
from dutydesk.calendars.rules import days_between
from dutydesk.db import Session
from dutydesk.errors import NotFoundError
from dutydesk.people import queries as people
from dutydesk.rosters.candidate_queries import candidates
from dutydesk.rosters.model import ShiftChange
from dutydesk.rosters.months import next_month
from dutydesk.rosters.queries import holder_fact, shift_fact
from dutydesk.rosters.rules.quality import QualityFacts
from dutydesk.rosters.view_queries import begin_of, holders_between, shifts_between, slots_between
from dutydesk.web.site import Site


async def quality_facts(
    session: Session, site: Site, now: datetime, unit_id: int, month: date
) -> QualityFacts:
    """Read what ``rules.quality.quality_of`` needs of a unit's month (``month`` is its first day), drafts too.

    Raises:
        NotFoundError: there is no such unit.
    """
    unit = (await people.units_by_id(session, [unit_id])).get(unit_id)
    if unit is None:
        raise NotFoundError(f"there is no unit {unit_id}")
    until = next_month(month)
    start, end = begin_of(month, site.zone), begin_of(until, site.zone)
    calendar = await calendar_for(session, month, until)
    plan = site.rulebook.rosters
    slots = (await slots_between(session, plan, [unit], calendar, month, until, site.zone))[unit_id]
    # The last day's duty ends in the next month, and the first day's morning is the month before's.
    last = max((slot.ends_at for slot in slots), default=end)
    touching = await shifts_between(session, [unit_id], start, last)
    shifts = [one for one in touching if start <= one.starts_at < end]
    rows = await holders_between(session, [unit_id], start, last)
    ids = {one.person_id for one in shifts}
    ids |= {one.person_id for one in rows if one.person_id is not None}
    found = await candidates(session, ids, start - timedelta(days=1), last, now)
    points = await people.usable_contacts(session, ids)
    changes = await _changes(session, unit_id, start, end)
    return QualityFacts(
        unit_id=unit_id,
        is_desk=unit.kind == "desk",
        month=month,
        zone=site.zone,
        slots=slots,
        shifts=[shift_fact(one) for one in touching if one.ends_at > start],
        holders=[holder_fact(one) for one in rows],
        people=found,
        reachable=frozenset(one for one in found if any(point.rings for point in points.get(one, ()))),
        confirmed=frozenset(one for one, person in found.items() if person.confirmed),
        day_classes={day: calendar.day_class(day, unit_id) for day in days_between(month, until)},
        plan=plan.eligibility,
        now=now,
        drafts=sum(one.state == "draft" for one in shifts),
        swaps=changes.get("swap", 0),
        substitutions=changes.get("substitute", 0),
        reasoned=frozenset(one.id for one in shifts if one.id is not None and one.why.get("reason")),
    )


async def _changes(session: Session, unit_id: int, start: datetime, end: datetime) -> dict[str, int]:
    row = ShiftChange
    found = await session.exec(
        select(col(row.kind), func.count())
        .where(
            col(row.unit_id) == unit_id,
            col(row.state) == "approved",
            col(row.from_at) >= start,
            col(row.from_at) < end,
        )
        .group_by(col(row.kind))
    )
    return dict(found.all())

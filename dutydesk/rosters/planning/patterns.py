"""Laying down how the seats of a unit are held, from a date on: the past is never rewritten."""

from collections.abc import Collection
from datetime import date, datetime

from dutydesk.audit.actions import record
from dutydesk.calendars.rules import DayClass
from dutydesk.db import Session
from dutydesk.errors import FieldFault, InvalidInputError
from dutydesk.people.rules import Unit
from dutydesk.rosters.candidate_queries import patterns_of
from dutydesk.rosters.model import SeatPattern
from dutydesk.rosters.planning import setup_queries as queries
from dutydesk.rosters.queries import look_for_holes
from dutydesk.rosters.rules import Seat
from dutydesk.rosters.rules.patterning import Held, pattern_faults
from dutydesk.rosters.rules.slots import Pattern, default_patterns
from dutydesk.web.languages import say
from dutydesk.web.site import Site

# Where the default of the duty class is written down: as if it had always been there.
_EVER = date(2000, 1, 1)


async def patterns_in_force(session: Session, site: Site, unit: Unit) -> list[Pattern]:
    """Return how a unit's seats are held: as it laid down, else as its duty class asks."""
    own = (await patterns_of(session, [unit.id])).get(unit.id)
    return own or default_patterns(site.rulebook.rosters, unit.id, unit.duty_class)


async def lay_down(
    session: Session,
    site: Site,
    now: datetime,
    actor: str,
    unit: Unit,
    classes: Collection[DayClass],
    held: Held,
    valid_from: date,
) -> None:
    """Hold a seat on days of *classes* as *held* says, from *valid_from* on.

    Raises:
        InvalidInputError: with a sentence beside every field that is wrong.
    """
    today = now.astimezone(site.zone).date()
    faults = [
        FieldFault(one.field, say(one.text, **dict(one.values)) if one.values else say(one.text))
        for one in pattern_faults(held, valid_from, today)
    ]
    if not classes:
        faults.append(FieldFault("day_classes", say("请至少选择一种日类")))
    if faults:
        raise InvalidInputError(faults[0].message, tuple(faults))
    await _write_default(session, site, now, actor, unit)
    await queries.end_patterns(session, unit.id, held.seat, classes, valid_from)
    session.add_all(
        SeatPattern(
            unit_id=unit.id,
            seat=held.seat,
            day_class=day_class,
            starts=span.starts,
            minutes=span.minutes,
            count=span.count,
            mode=held.mode,
            signs_in=held.signs_in,
            valid_from=valid_from,
            created_at=now,
            created_by=actor,
        )
        for day_class in sorted(classes)
        for span in held.spans
    )
    await session.flush()
    await look_for_holes(session, [unit.id], now)
    record(
        session,
        now,
        actor,
        "pattern.changed",
        f"unit:{unit.id}",
        seat=held.seat,
        day_classes=sorted(classes),
        spans=[[f"{one.starts:%H:%M}", one.minutes, one.count] for one in held.spans],
        mode=held.mode,
        signs_in=held.signs_in,
        valid_from=valid_from.isoformat(),
    )


async def back_to_default(
    session: Session, site: Site, now: datetime, actor: str, unit: Unit, seat: Seat, valid_from: date
) -> None:
    """Hold a seat from *valid_from* on as the duty class of the unit asks; not at all, where it asks for nothing.

    Raises:
        InvalidInputError: the date is not ahead.
    """
    if valid_from <= now.astimezone(site.zone).date():
        message = say("生效日期最早为明天，已经过去的日子不能改写")
        raise InvalidInputError(message, (FieldFault("valid_from", message),))
    if not await queries.has_patterns(session, unit.id):
        return
    default = [
        one for one in default_patterns(site.rulebook.rosters, unit.id, unit.duty_class) if one.seat == seat
    ]
    classes: tuple[DayClass, ...] = ("workday", "makeup", "rest", "holiday", "sensitive")
    await queries.end_patterns(session, unit.id, seat, classes, valid_from)
    session.add_all(_row(one, valid_from, now, actor) for one in default)
    await session.flush()
    await look_for_holes(session, [unit.id], now)
    record(
        session,
        now,
        actor,
        "pattern.default",
        f"unit:{unit.id}",
        seat=seat,
        valid_from=valid_from.isoformat(),
    )


async def _write_default(session: Session, site: Site, now: datetime, actor: str, unit: Unit) -> None:
    """A unit that lays down its first pattern keeps the default of everything else, and of the time before."""
    if not await queries.has_patterns(session, unit.id):
        default = default_patterns(site.rulebook.rosters, unit.id, unit.duty_class)
        session.add_all(_row(one, _EVER, now, actor) for one in default)
        await session.flush()


def _row(one: Pattern, valid_from: date, now: datetime, actor: str) -> SeatPattern:
    return SeatPattern(
        unit_id=one.unit_id,
        seat=one.seat,
        day_class=one.day_class,
        starts=one.starts,
        minutes=one.minutes,
        count=one.count,
        mode=one.mode,
        signs_in=one.signs_in,
        valid_from=valid_from,
        created_at=now,
        created_by=actor,
    )

"""All the SQL of the calendar."""

from collections.abc import Collection
from datetime import date

from sqlalchemy import func, or_
from sqlmodel import col, select

from dutydesk.calendars.days import library_year
from dutydesk.calendars.model import CalendarDay, CalendarYear, SensitivePeriod
from dutydesk.calendars.rules import Calendar, Day, Period
from dutydesk.db import Session
from dutydesk.errors import NotFoundError

_CALENDAR_LOCK = 0x63616C64


async def calendar_for(session: Session, start: date, end: date) -> Calendar:
    """Return everything known about the days from *start* to *end* (both within), and the years they touch.

    Working-day arithmetic may leave the span by weeks: whole years are read, and one on either side.
    """
    years = range(start.year - 1, end.year + 2)
    first, last = date(years[0], 1, 1), date(years[-1], 12, 31)
    rows = await session.exec(
        select(CalendarDay).where(col(CalendarDay.day) >= first, col(CalendarDay.day) <= last)
    )
    confirmed = await session.exec(select(col(CalendarYear.year)).where(col(CalendarYear.year).in_(years)))
    library: dict[date, Day] = {}
    for year in years:
        library |= library_year(year)
    return Calendar(
        library=library,
        table={row.day: Day(row.kind, row.name) for row in rows},
        confirmed_years=frozenset(confirmed),
        periods=tuple(await periods_between(session, first, last)),
    )


async def periods_between(session: Session, start: date, end: date) -> list[Period]:
    """Return the sensitive periods that touch [start, end], the earliest first."""
    row = SensitivePeriod
    found = await session.exec(
        select(row)
        .where(col(row.cancelled_at).is_(None), col(row.starts_on) <= end, col(row.ends_on) >= start)
        .order_by(col(row.starts_on), col(row.id))
    )
    return [period_fact(one) for one in found]


def period_fact(row: SensitivePeriod) -> Period:
    """Return a stored period as a fact."""
    return Period(row.id or 0, row.name, row.starts_on, row.ends_on, row.unit_id)


async def lock_calendar(session: Session) -> None:
    """Let nobody else change the calendar until the transaction ends: two changes can contradict each other.

    On SQLite there is one writer anyway.
    """
    if session.get_bind().dialect.name == "postgresql":
        await session.exec(select(func.pg_advisory_xact_lock(_CALENDAR_LOCK)))


async def laid_day(session: Session, day: date) -> CalendarDay | None:
    """Return what somebody laid down for a day, if anything."""
    return (await session.exec(select(CalendarDay).where(col(CalendarDay.day) == day))).first()


async def laid_days(session: Session, year: int, source: str = "") -> list[CalendarDay]:
    """Return what was laid down for a year, in order, and whatever else came with that *source*."""
    row = CalendarDay
    within = col(row.day).between(date(year, 1, 1), date(year, 12, 31))
    wanted = or_(within, col(row.source) == source) if source else within
    return list(await session.exec(select(row).where(wanted).order_by(col(row.day))))


async def confirmed_year(session: Session, year: int) -> CalendarYear | None:
    """Return by which notice a year was confirmed, if it was."""
    return await session.get(CalendarYear, year)


async def list_periods(
    session: Session, *, units: Collection[int] | None = None, after: int = 0, limit: int | None = None
) -> list[SensitivePeriod]:
    """Return every sensitive period ever laid down in order of id, from the one after *after*.

    With *units* only those that hold for one of them, or for everybody.
    """
    row = SensitivePeriod
    wanted = select(row).where(col(row.id) > after)
    if units is not None:
        wanted = wanted.where(or_(col(row.unit_id).is_(None), col(row.unit_id).in_(set(units))))
    return list(await session.exec(wanted.order_by(col(row.id)).limit(limit)))


async def stored_period(session: Session, period_id: int) -> SensitivePeriod:
    """Return a sensitive period.

    Raises:
        NotFoundError: when there is none with this id.
    """
    row = await session.get(SensitivePeriod, period_id)
    if row is None:
        raise NotFoundError(f"there is no sensitive period {period_id}")
    return row

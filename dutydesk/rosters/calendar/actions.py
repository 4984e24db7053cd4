"""Changing the calendar: days, confirmed years, sensitive periods. Each in the caller's transaction.

They stand here and not in ``calendars``, because after each of them the rosters have to be looked at for holes
(docs/adr/0011).
"""

from collections.abc import Sequence
from datetime import date, datetime, timedelta, tzinfo

from dutydesk.audit.actions import record
from dutydesk.calendars import queries
from dutydesk.calendars.model import CalendarDay, CalendarYear, SensitivePeriod
from dutydesk.calendars.rules import FIRST_DAY, LAST_DAY, Day, DayKind, Period
from dutydesk.calendars.rules.faults import (
    Entry,
    Fault,
    break_fault,
    entry_fault,
    is_over,
    out_of_range,
    period_faults,
    with_entries,
)
from dutydesk.calendars.rules.years import (
    Change,
    changes_of,
    confirm_fault,
    import_faults,
    source_of,
)
from dutydesk.calendars.telling import told, where
from dutydesk.db import Session
from dutydesk.errors import ConflictError, FieldFault, InvalidInputError, NotFoundError
from dutydesk.people.queries import list_units
from dutydesk.rosters.queries import look_for_holes
from dutydesk.web.languages import say

BY_HAND = "hand"


async def lay_day(
    session: Session, now: datetime, actor: str, day: date, *, kind: DayKind, name: str, reason: str = ""
) -> CalendarDay:
    """Lay down what kind of day it is; it beats the library's until it is taken back.

    Raises:
        InvalidInputError: the day contradicts its weekday or the days around it.
        ConflictError: it stands like that already.
    """
    await queries.lock_calendar(session)
    entry = Entry(day, kind, name)
    if (fault := entry_fault(entry)) is not None:
        raise _invalid("kind", told(fault))
    calendar = await queries.calendar_for(session, day, day)
    row = await queries.laid_day(session, day)
    if row is not None and (row.kind, row.name) == (kind, name):
        raise ConflictError("没有改动")
    if (fault := break_fault(with_entries(calendar, [entry]), [day])) is not None:
        raise _invalid("kind", told(fault))
    before = calendar.day(day)
    row = row or CalendarDay(day=day, kind=kind, changed_at=now, changed_by=actor)
    _write(row, entry, now, actor, BY_HAND)
    session.add(row)
    detail = {"before": _said(before), "after": _said(Day(kind, name)), "reason": reason}
    record(session, now, actor, "calendar.day_laid", f"calendar:{day}", **detail)
    await _look(session, now)
    return row


async def take_back_day(session: Session, now: datetime, actor: str, day: date, *, reason: str = "") -> Day:
    """Let the library, or else the weekday, say again what kind of day it is; return what it says.

    Raises:
        NotFoundError: nobody laid down anything for this day.
        InvalidInputError: without it the calendar would contradict itself.
    """
    await queries.lock_calendar(session)
    row = await queries.laid_day(session, day)
    if row is None:
        raise NotFoundError("这一天没有改动过，不必收回")
    calendar = await queries.calendar_for(session, day, day)
    after = with_entries(calendar, (), [day])
    if (fault := break_fault(after, [day])) is not None:
        raise _invalid("kind", told(fault))
    await session.delete(row)
    detail = {"before": _said(calendar.day(day)), "after": _said(after.day(day)), "reason": reason}
    record(session, now, actor, "calendar.day_taken_back", f"calendar:{day}", **detail)
    await _look(session, now)
    return after.day(day)


async def look_over(
    session: Session, entries: Sequence[Entry], year: int, *, notice: str = ""
) -> tuple[list[Change], list[Fault]]:
    """Return what importing a year would change, and everything that is wrong with it; nothing is written."""
    if (fault := out_of_range(date(year, 1, 1))) is not None:
        return [], [fault]
    rows = await queries.laid_days(session, year, source_of(year))
    calendar = await queries.calendar_for(session, date(year, 1, 1), date(year, 12, 31))
    replaced = [row.day for row in rows]
    faults = import_faults(calendar, replaced, entries, year)
    changes = changes_of({row.day: Day(row.kind, row.name) for row in rows}, entries)
    if not faults and notice:
        missing = confirm_fault(with_entries(calendar, entries, replaced), year)
        faults += [] if missing is None else [missing]
    return changes, faults


async def import_year(
    session: Session, now: datetime, actor: str, entries: Sequence[Entry], year: int, *, notice: str = ""
) -> list[Change]:
    """Lay down a year's days in the place of those laid down for it before; with its *notice* it is confirmed.

    Raises:
        InvalidInputError: with every fault; nothing is written then.
        ConflictError: everything stands like that already.
    """
    await queries.lock_calendar(session)
    changes, faults = await look_over(session, entries, year, notice=notice)
    if faults:
        raise InvalidInputError(
            "导入内容有误，未作任何改动",
            tuple(FieldFault("file", _with_place(one)) for one in faults),
        )
    real = [one for one in changes if one.step != "same"]
    if not real and not notice:
        raise ConflictError("与已登记的完全相同，没有改动")
    rows = {row.day: row for row in await queries.laid_days(session, year, source_of(year))}
    wanted = {one.day: one for one in entries}
    for one in real:
        if one.step == "taken_back":
            await session.delete(rows[one.day])
            continue
        row = rows.get(one.day) or await queries.laid_day(session, one.day)
        row = row or CalendarDay(day=one.day, kind="rest", changed_at=now, changed_by=actor)
        _write(row, wanted[one.day], now, actor, source_of(year))
        session.add(row)
    if real:
        record(session, now, actor, "calendar.imported", f"calendar:{year}", **_summary(real))
        await _look(session, now)
    if notice:
        await confirm_year(session, now, actor, year, notice=notice)
    return real


async def confirm_year(
    session: Session, now: datetime, actor: str, year: int, *, notice: str
) -> CalendarYear:
    """Say by which official notice a year's days were entered: it is no longer provisional.

    Raises:
        InvalidInputError: the notice has no number, or the year does not have all of its holidays.
        ConflictError: it was confirmed by this notice already.
    """
    await queries.lock_calendar(session)
    if (fault := out_of_range(date(year, 1, 1))) is not None:
        raise _invalid("year", told(fault))
    if not notice.strip():
        raise _invalid("notice", "请填写通知文号，例如 国办发明电〔2026〕7号")
    await session.flush()
    calendar = await queries.calendar_for(session, date(year, 1, 1), date(year, 12, 31))
    if (fault := confirm_fault(calendar, year)) is not None:
        raise _invalid("notice", told(fault))
    row = await queries.confirmed_year(session, year)
    before = "" if row is None else row.notice
    if before == notice:
        raise ConflictError("已按这份通知确认，没有改动")
    row = row or CalendarYear(year=year, notice=notice, confirmed_at=now, confirmed_by=actor)
    row.notice, row.confirmed_at, row.confirmed_by = notice, now, actor
    session.add(row)
    record(session, now, actor, "calendar.year_confirmed", f"calendar:{year}", notice=notice, before=before)
    return row


async def revoke_year(session: Session, now: datetime, actor: str, year: int) -> None:
    """Take back that a year was confirmed.

    Raises:
        NotFoundError: it was not.
    """
    await queries.lock_calendar(session)
    row = await queries.confirmed_year(session, year)
    if row is None:
        raise NotFoundError("这一年没有确认过")
    await session.delete(row)
    record(session, now, actor, "calendar.year_revoked", f"calendar:{year}", notice=row.notice)


async def create_period(
    session: Session,
    now: datetime,
    actor: str,
    *,
    name: str,
    starts_on: date,
    ends_on: date,
    unit_id: int | None = None,
    reason: str = "",
) -> SensitivePeriod:
    """Lay a sensitive period over the days from *starts_on* to *ends_on* (Art. 48), for everybody or for one unit.

    Raises:
        InvalidInputError: it ends before it begins, is too long, or lies over one of the same name.
    """
    await queries.lock_calendar(session)
    await _check_period(session, Period(0, name, starts_on, ends_on, unit_id))
    row = SensitivePeriod(
        name=name,
        starts_on=starts_on,
        ends_on=ends_on,
        unit_id=unit_id,
        reason=reason,
        created_at=now,
        created_by=actor,
    )
    session.add(row)
    await session.flush()
    record(session, now, actor, "period.created", f"period:{row.id}", **_period_said(row), reason=reason)
    await _look(session, now, unit_id)
    return row


async def change_period(
    session: Session,
    now: datetime,
    zone: tzinfo,
    actor: str,
    period_id: int,
    *,
    name: str,
    starts_on: date,
    ends_on: date,
    reason: str,
) -> SensitivePeriod:
    """Let a sensitive period begin or end earlier or later, or call it something else.

    Raises:
        NotFoundError: there is no such period.
        ConflictError: it is over or was cancelled, or nothing was changed.
        InvalidInputError: as for a new one; or it would have been over before today.
    """
    await queries.lock_calendar(session)
    row = await queries.stored_period(session, period_id)
    today = now.astimezone(zone).date()
    _check_open(row, today)
    before = _period_said(row)
    wanted = Period(period_id, name, starts_on, ends_on, row.unit_id)
    await _check_period(session, wanted)
    if ends_on < today - timedelta(days=1):
        # What was in force until yesterday was: only what lies ahead can still be changed.
        raise _invalid("ends_on", "结束日期最早为昨天；登记有误请取消")
    row.name, row.starts_on, row.ends_on = name, starts_on, ends_on
    if _period_said(row) == before:
        raise ConflictError("没有改动")
    session.add(row)
    detail = {"before": before, "after": _period_said(row), "reason": reason}
    record(session, now, actor, "period.changed", f"period:{period_id}", **detail)
    await _look(session, now, row.unit_id)
    return row


async def cancel_period(
    session: Session, now: datetime, zone: tzinfo, actor: str, period_id: int, *, reason: str
) -> SensitivePeriod:
    """Take a sensitive period back as a whole.

    Raises:
        NotFoundError: there is no such period.
        ConflictError: it is over, or was cancelled already.
    """
    await queries.lock_calendar(session)
    row = await queries.stored_period(session, period_id)
    _check_open(row, now.astimezone(zone).date())
    row.cancelled_at = now
    session.add(row)
    record(session, now, actor, "period.cancelled", f"period:{period_id}", **_period_said(row), reason=reason)
    await _look(session, now, row.unit_id)
    return row


def _with_place(one: Fault) -> str:
    return say("{place}：{text}", place=where(one.place), text=told(one)) if one.place else told(one)


def _check_open(row: SensitivePeriod, today: date) -> None:
    if row.cancelled_at is not None:
        raise ConflictError("这个敏感时期已经取消，不能再改动")
    if is_over(queries.period_fact(row), today):
        raise ConflictError("这个敏感时期已经结束，不能再改动")


async def _check_period(session: Session, wanted: Period) -> None:
    others = await queries.periods_between(session, FIRST_DAY, LAST_DAY)
    faults = [(field, told(one)) for field, one in period_faults(wanted, others)]
    if faults:
        detail = say("；").join(text for _, text in faults)
        raise InvalidInputError(detail, tuple(FieldFault(field, text) for field, text in faults))


async def _look(session: Session, now: datetime, unit_id: int | None = None) -> None:
    """Have the rosters looked at for holes: of one unit, or of all."""
    await session.flush()
    units = [unit_id] if unit_id is not None else [unit.id for unit in await list_units(session)]
    await look_for_holes(session, units, now)


def _write(row: CalendarDay, entry: Entry, now: datetime, actor: str, source: str) -> None:
    row.kind, row.name, row.source = entry.kind, entry.name, source
    row.changed_at, row.changed_by = now, actor


def _summary(changes: Sequence[Change]) -> dict[str, object]:
    """Return what an import did, day by day, for the trail."""
    laid = {one.day.isoformat(): _said(one.after) for one in changes if one.after is not None}
    return {"days": laid, "taken_back": [one.day.isoformat() for one in changes if one.after is None]}


def _said(day: Day) -> dict[str, str]:
    return {"kind": day.kind, "name": day.name}


def _period_said(row: SensitivePeriod) -> dict[str, object]:
    return {
        "name": row.name,
        "starts_on": row.starts_on.isoformat(),
        "ends_on": row.ends_on.isoformat(),
        "unit_id": row.unit_id,
    }


def _invalid(field: str, message: str) -> InvalidInputError:
    return InvalidInputError(f"{field}: {message}", (FieldFault(field, message),))

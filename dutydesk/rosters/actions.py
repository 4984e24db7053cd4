"""Planning shifts, and saying who really sits there: each in the caller's transaction."""

from datetime import datetime

from dutydesk.audit.actions import record
from dutydesk.db import Session
from dutydesk.errors import ConflictError, FieldFault, InvalidInputError
from dutydesk.people import queries as people
from dutydesk.rosters import queries
from dutydesk.rosters.model import SeatHolder, Shift
from dutydesk.rosters.rules import Mode, Seat, shift_fault


async def plan_shift(
    session: Session,
    now: datetime,
    actor: str,
    *,
    unit: str,
    seat: Seat,
    person: int,
    starts_at: datetime,
    ends_at: datetime,
    mode: Mode,
) -> Shift:
    """Plan a person for a seat of a unit in [starts_at, ends_at), at most seven days.

    A leader may come from another unit, and a seat may be planned for several persons.

    Raises:
        NotFoundError: there is no such unit or person.
        InvalidInputError: the shift ends before it begins, or is too long.
        ConflictError: the person is planned on this seat already at some time in between.
    """
    fault = shift_fault(starts_at, ends_at)
    if fault is not None:
        raise _invalid("ends_at", fault)
    where = await people.unit_by_code(session, unit)
    planned = await people.person(session, person)
    await queries.lock_person(session, planned.id)
    if await queries.overlapping_shift(session, where.id, seat, planned.id, starts_at, ends_at):
        raise ConflictError(f"person {person} is planned on the seat {seat} of {unit} already at that time")
    shift = Shift(
        unit_id=where.id,
        seat=seat,
        person_id=planned.id,
        starts_at=starts_at,
        ends_at=ends_at,
        mode=mode,
        created_at=now,
    )
    session.add(shift)
    await session.flush()
    record(session, now, actor, "shift.planned", f"shift:{shift.id}", unit=unit, seat=seat, person=person)
    await queries.look_for_holes(session, [where.id], now)
    return shift


async def stand_in(
    session: Session,
    now: datetime,
    actor: str,
    *,
    shift_id: int,
    person: int,
    reason: str,
    from_at: datetime | None = None,
    until_at: datetime | None = None,
) -> SeatHolder:
    """Let *person* really hold the seat of a shift instead of the one planned.

    Without *from_at* from now on, or from the beginning of a shift still ahead; without *until_at*
    to the end of the shift. A later entry for the same time corrects an earlier one.

    Raises:
        NotFoundError: there is no such shift or person.
        ConflictError: the shift is over, so that nobody can stand in from now on.
        InvalidInputError: the time does not lie within the shift.
    """
    shift = await queries.stored_shift(session, shift_id)
    if from_at is None and now >= shift.ends_at:
        raise ConflictError("the shift is over; say from and until to correct it")
    begins = from_at or max(now, shift.starts_at)
    ends = until_at or shift.ends_at
    if not shift.starts_at <= begins < ends <= shift.ends_at:
        raise _invalid("from", "and until must lie within the shift, in this order")
    # Calendars see that who sits there has changed.
    shift.sequence += 1
    shift.changed_at = now
    session.add(shift)
    return await hold_seat(
        session,
        now,
        actor,
        unit_id=shift.unit_id,
        seat=shift.seat,
        person=person,
        from_at=begins,
        until_at=ends,
        reason=reason,
        instead_of_shift_id=shift_id,
    )


async def hold_seat(
    session: Session,
    now: datetime,
    actor: str,
    *,
    unit_id: int,
    seat: Seat,
    person: int,
    from_at: datetime,
    reason: str,
    until_at: datetime | None = None,
    instead_of_shift_id: int | None = None,
) -> SeatHolder:
    """Say who really holds a seat in [from_at, until_at), where that differs from the plan.

    With *instead_of_shift_id* the person replaces the one planned for that shift (:func:`stand_in`
    checks the times); without it, the person is there as well, as is an outgoing operator until both
    have signed the handover (``until_at`` None, ended by :func:`release_seat`).

    Raises:
        NotFoundError: there is no such person.
        InvalidInputError: it ends before it begins.
    """
    if until_at is not None and until_at <= from_at:
        raise _invalid("until", "must be after from")
    holder = await people.person(session, person)
    row = SeatHolder(
        unit_id=unit_id,
        seat=seat,
        person_id=holder.id,
        from_at=from_at,
        until_at=until_at,
        instead_of_shift_id=instead_of_shift_id,
        reason=reason,
        created_at=now,
    )
    session.add(row)
    await session.flush()
    subject = f"seat_holder:{row.id}" if instead_of_shift_id is None else f"shift:{instead_of_shift_id}"
    record(session, now, actor, "seat.held", subject, seat=seat, person=person, reason=reason)
    await queries.look_for_holes(session, [unit_id], now)
    return row


async def release_seat(
    session: Session, now: datetime, actor: str, holder_id: int, *, at: datetime | None = None
) -> SeatHolder:
    """End a holder row at *at* (now, if not given): the handover is signed, or the substitute is relieved.

    A row that ends earlier already stays as it is.

    Raises:
        NotFoundError: there is no such row.
        InvalidInputError: it would end before it began.
    """
    row = await queries.stored_holder(session, holder_id)
    ends = at or now
    if ends < row.from_at:
        raise _invalid("at", "must not be before the seat was taken")
    if row.until_at is None or row.until_at > ends:
        row.until_at = ends
        session.add(row)
        record(session, now, actor, "seat.released", f"seat_holder:{holder_id}", at=ends.isoformat())
        await queries.look_for_holes(session, [row.unit_id], now)
    return row


def _invalid(field: str, message: str) -> InvalidInputError:
    return InvalidInputError(f"{field} {message}", (FieldFault(field, message),))

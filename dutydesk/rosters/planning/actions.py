"""Planning a unit's shifts by hand, beside what ``generating`` makes of its rotations; each in the caller's transaction."""

from collections.abc import Collection, Mapping
from datetime import date, datetime, timedelta

from dutydesk.alerts.queries import add_alerts
from dutydesk.audit.actions import record
from dutydesk.calendars.queries import calendar_for
from dutydesk.db import Session
from dutydesk.errors import ConflictError, FieldFault, InvalidInputError
from dutydesk.people import queries as people
from dutydesk.people.queries import id_of
from dutydesk.people.rules import Unit
from dutydesk.rosters.candidate_queries import candidates
from dutydesk.rosters.model import Roster, Shift
from dutydesk.rosters.months import month_of, roster_for
from dutydesk.rosters.notices import shift_notice
from dutydesk.rosters.planning import queries
from dutydesk.rosters.planning.generating import Plan, generate, generate_long, preview, replaceable
from dutydesk.rosters.queries import lock_person, look_for_holes, stored_shift
from dutydesk.rosters.rules import LONGEST_SHIFT, Seat
from dutydesk.rosters.rules.eligibility import HARD, Fault, Place, faults_of
from dutydesk.rosters.rules.slots import Slot
from dutydesk.rosters.view_queries import slots_between
from dutydesk.web import words
from dutydesk.web.languages import say
from dutydesk.web.site import Site

__all__ = [
    "Plan",
    "add_shift",
    "assign",
    "clear_drafts",
    "faults_for",
    "generate",
    "generate_long",
    "lock",
    "place_of",
    "preview",
    "remove",
]


async def clear_drafts(
    session: Session,
    now: datetime,
    actor: str,
    unit_id: int,
    start: datetime,
    end: datetime,
    seats: Collection[Seat] | None = None,
) -> int:
    """Take away the drafts ahead that begin in [start, end) and are not locked; return how many."""
    stored = await queries.shifts_begun_in(session, unit_id, start, end, seats)
    gone = await queries.delete_drafts(session, [id_of(one.id) for one in stored if replaceable(one, now)])
    record(session, now, actor, "roster.cleared", f"unit:{unit_id}", start=start.isoformat(), drafts=gone)
    return gone


async def lock(session: Session, now: datetime, actor: str, shift_id: int, locked: bool) -> Shift:
    """Keep a shift as it is when its span is generated again, or let it go.

    Raises:
        NotFoundError: there is no such shift.
        ConflictError: it was cancelled.
    """
    shift = await stored_shift(session, shift_id)
    if shift.state == "cancelled":
        raise ConflictError(say("这个班次已取消"))
    if shift.locked != locked:
        shift.locked = locked
        session.add(shift)
        record(session, now, actor, "shift.locked" if locked else "shift.unlocked", f"shift:{shift_id}")
    return shift


async def faults_for(
    session: Session,
    site: Site,
    now: datetime,
    place: Place,
    person_ids: Collection[int],
    ignoring: Collection[int] = (),
) -> Mapping[int, list[Fault]]:
    """Return for each of these persons why they may not hold *place* (nothing: they may).

    Shifts whose ids are in *ignoring* do not count as double: that which is to be given to somebody else.
    """
    found = await candidates(session, person_ids, place.starts_at, place.ends_at, now)
    plan = site.rulebook.rosters.eligibility
    return {one.person_id: faults_of(one, place, plan, ignoring=ignoring) for one in found.values()}


async def place_of(session: Session, site: Site, shift: Shift) -> Place:
    """Return the place that a shift fills."""
    unit = (await people.units_by_id(session, [shift.unit_id]))[shift.unit_id]
    return Place(
        shift.unit_id,
        unit.kind == "desk",
        shift.seat,
        shift.starts_at.astimezone(site.zone).date(),
        shift.starts_at,
        shift.ends_at,
        shift.mode,
        not await queries.operators_beside(session, shift),
    )


async def assign(
    session: Session,
    site: Site,
    now: datetime,
    actor: str,
    *,
    shift_id: int,
    person_id: int,
    reason: str = "",
) -> Shift:
    """Plan somebody else for a shift that has not begun; it is locked then, and the owner of the turn stays.

    A draft is changed; of a published shift the row is cancelled and a new published one takes its
    place (the answer is the row that counts now), and its roster is *changed*.

    Raises:
        NotFoundError: there is no such shift or person.
        ConflictError: the shift has begun or was cancelled; or the person left, is away, sits elsewhere at
            that time or may never hold a seat (:data:`HARD`).
        InvalidInputError: something else speaks against it (``REST``, ``RANK``, …) and no *reason* is given.
    """
    shift = await _ahead(session, now, shift_id)
    if shift.person_id == person_id:
        raise ConflictError(say("本来就由这一位值班，没有改动"))
    await lock_person(session, person_id)
    await _refuse(session, site, now, await place_of(session, site, shift), person_id, reason, [shift_id])
    before = shift.person_id
    why = {"code": "BY_HAND", "by": actor, "reason": reason, "before": before}
    if shift.state == "draft":
        shift.person_id, shift.why, shift.locked, shift.changed_at = person_id, why, True, now
        session.add(shift)
        counts = shift
    else:
        await _refuse_if_given(session, shift)
        counts = Shift(
            **shift.model_dump(exclude={"id", "person_id", "why", "next_action_at"}),
            person_id=person_id,
            why=why,
        )
        counts.created_at = counts.changed_at = counts.next_action_at = now
        counts.sequence, counts.locked = shift.sequence + 1, True
        await _cancel(session, now, actor, shift)
        session.add(counts)
    await session.flush()
    told = [person_id] if shift.state == "draft" else [before, person_id]
    await _changed(session, site, now, counts, told)
    record(
        session,
        now,
        actor,
        "shift.assigned",
        f"shift:{counts.id}",
        person=person_id,
        before=before,
        instead_of=shift_id,
        reason=reason,
    )
    return counts


async def add_shift(
    session: Session,
    site: Site,
    now: datetime,
    actor: str,
    *,
    unit_id: int,
    seat: Seat,
    day: date,
    person_id: int,
    starts_at: datetime | None = None,
    reason: str = "",
) -> Shift:
    """Plan somebody for a place that nobody has yet: of the seat's slot that begins on *day* (at *starts_at*, if it has several).

    It becomes a draft, or a published shift in a month whose roster is published; it is locked. In a
    slot that runs already it begins now, and counts at once.

    Raises:
        NotFoundError: there is no such person.
        InvalidInputError: the seat has no such slot that day; or a soft fault without a *reason*.
        ConflictError: every place of the slot is taken, or it is over; or as :func:`assign`.
    """
    unit = (await people.units_by_id(session, [unit_id]))[unit_id]
    person = await people.person(session, person_id)
    await lock_person(session, person.id)
    slot, place = await _free_place(session, site, now, unit, seat, day, starts_at)
    await _refuse(session, site, now, place, person_id, reason, [])
    roster = await roster_for(session, now, actor, unit_id, month_of(day))
    counts = roster.state in ("published", "changed") or slot.starts_at <= now
    made = Shift(
        unit_id=unit_id,
        seat=seat,
        person_id=person_id,
        starts_at=place.starts_at,
        ends_at=slot.ends_at,
        mode=slot.mode,
        created_at=now,
        state="published" if counts else "draft",
        roster_id=roster.id,
        day_class=slot.day_class,
        locked=True,
        signs_in=slot.signs_in,
        why={"code": "BY_HAND", "by": actor, "reason": reason},
        next_action_at=now if counts else None,
    )
    session.add(made)
    await session.flush()
    _touch(session, roster)
    await _changed(session, site, now, made, [person_id])
    told = {"unit": unit.code, "seat": seat, "person": person_id, "reason": reason}
    record(session, now, actor, "shift.added", f"shift:{made.id}", **told)
    return made


async def remove(session: Session, now: datetime, actor: str, shift_id: int, reason: str = "") -> None:
    """Take away a draft, or cancel a published shift that has not begun (with a *reason*): its seat is a gap then.

    Raises:
        NotFoundError: there is no such shift.
        ConflictError: it has begun or was cancelled, or somebody stands in for it.
        InvalidInputError: a published shift without a *reason*.
    """
    shift = await _ahead(session, now, shift_id)
    if shift.state == "draft":
        await session.delete(shift)
    else:
        if not reason:
            message = say("已发布的班次须写明理由")
            raise InvalidInputError(message, (FieldFault("reason", message),))
        await _refuse_if_given(session, shift)
        await _cancel(session, now, actor, shift)
    await look_for_holes(session, [shift.unit_id], now)
    record(session, now, actor, "shift.removed", f"shift:{shift_id}", reason=reason)


async def _ahead(session: Session, now: datetime, shift_id: int) -> Shift:
    shift = await stored_shift(session, shift_id)
    if shift.state == "cancelled":
        raise ConflictError(say("这个班次已取消"))
    if shift.starts_at <= now:
        raise ConflictError(say("班次已经开始，请改用代班"))
    return shift


async def _refuse(
    session: Session,
    site: Site,
    now: datetime,
    place: Place,
    person_id: int,
    reason: str,
    ignoring: Collection[int],
) -> None:
    person = await people.person(session, person_id)
    faults = (await faults_for(session, site, now, place, [person_id], ignoring))[person_id]
    said = words.listed(say(words.FAULTS[one]) for one in faults)
    if HARD.intersection(faults):
        message = say("不能安排{name}：{faults}", name=person.name, faults=said)
        raise ConflictError(message, (FieldFault("person", message),))
    if faults and not reason:
        message = say("{name}：{faults}。确需安排的，请写明理由", name=person.name, faults=said)
        raise InvalidInputError(message, (FieldFault("reason", message),))


async def _refuse_if_given(session: Session, shift: Shift) -> None:
    """Somebody stands in by approval: that has to be taken back first, so that nobody is left out unawares."""
    if await queries.is_given(session, id_of(shift.id)):
        raise ConflictError(say("这个班次已有批准的代班或换班，请先撤销"))


async def _cancel(session: Session, now: datetime, actor: str, shift: Shift) -> None:
    shift.state, shift.changed_at, shift.next_action_at = "cancelled", now, None
    shift.sequence += 1
    session.add(shift)
    if shift.roster_id is not None:
        roster = await session.get(Roster, shift.roster_id)
        if roster is not None:
            _touch(session, roster)
    record(session, now, actor, "shift.cancelled", f"shift:{shift.id}")


def _touch(session: Session, roster: Roster) -> None:
    """A roster that everybody has is another one now."""
    if roster.state in ("published", "changed"):
        roster.state = "changed"
        roster.version += 1
        session.add(roster)


async def _changed(session: Session, site: Site, now: datetime, shift: Shift, told: Collection[int]) -> None:
    if shift.state == "published":
        await add_alerts(session, [shift_notice(now, shift, one, "changed", site.zone) for one in told])
    await look_for_holes(session, [shift.unit_id], now)


async def _free_place(
    session: Session, site: Site, now: datetime, unit: Unit, seat: Seat, day: date, starts_at: datetime | None
) -> tuple[Slot, Place]:
    """Return the slot of a seat that begins on *day*, and the place in it that nobody has: what is left of it."""
    slot, beside = await _slot(session, site, unit, seat, day, starts_at)
    if slot.ends_at <= now:
        raise ConflictError(say("这个时段已经过去，不能再排班"))
    begins = max(slot.starts_at, now.replace(microsecond=0))
    stored = await queries.shifts_begun_in(session, unit.id, slot.starts_at - LONGEST_SHIFT, slot.ends_at)
    sitting = [one for one in stored if one.starts_at <= begins < one.ends_at]
    if sum(one.seat == seat for one in sitting) >= slot.count:
        raise ConflictError(say("这个时段已经排满"))
    alone = not beside and not any(one.seat.startswith("operator") for one in sitting)
    is_desk = unit.kind == "desk"
    return slot, Place(unit.id, is_desk, seat, day, begins, slot.ends_at, slot.mode, alone)


async def _slot(
    session: Session, site: Site, unit: Unit, seat: Seat, day: date, starts_at: datetime | None
) -> tuple[Slot, bool]:
    """Return the slot, and whether another operator is asked for at its beginning."""
    after = day + timedelta(days=1)
    calendar = await calendar_for(session, day, after)
    found = (await slots_between(session, site.rulebook.rosters, [unit], calendar, day, after, site.zone))[
        unit.id
    ]
    slots = [one for one in found if one.seat == seat and starts_at in (None, one.starts_at)]
    if not slots:
        message = say("这一天没有这个席位的时段，请先在席位设置中设定")
        raise InvalidInputError(message, (FieldFault("day", message),))
    beside = slots[0].count > 1 or any(
        one is not slots[0]
        and one.seat.startswith("operator")
        and one.starts_at <= slots[0].starts_at < one.ends_at
        for one in found
    )
    return slots[0], beside

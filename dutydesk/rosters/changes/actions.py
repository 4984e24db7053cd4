"""Substitutions (代班) and swaps (换班): asked for, approved before the shift, taken back; each in the caller's transaction."""

from collections.abc import Iterable
from datetime import datetime

from dutydesk.accounts.rules import Actor
from dutydesk.audit.actions import record
from dutydesk.db import Session
from dutydesk.errors import ConflictError, FieldFault, InvalidInputError, NotAllowedError, NotFoundError
from dutydesk.people import queries as people
from dutydesk.rosters.changes import queries
from dutydesk.rosters.changes.handing import (
    announce,
    give_back,
    persons_of,
    refuse,
    refuse_unfit,
    said,
    shifts_of,
    takers,
    tell_refused,
    told_of,
)
from dutydesk.rosters.model import SeatHolder, Shift, ShiftChange
from dutydesk.rosters.queries import lock_person, who_holds
from dutydesk.rosters.rules import ChangeKind
from dutydesk.rosters.rules.changes import (
    Asked,
    asking_refusal,
    cancel_refusal,
    change_refusal,
    decision_refusal,
)
from dutydesk.rosters.rules.pieces import Refusal
from dutydesk.web.languages import say
from dutydesk.web.site import Site

# So many requests at most expire in one transaction.
_BATCH = 100
# What the trail keeps of a request.
_AS_ASKED = {
    "kind",
    "shift_id",
    "other_shift_id",
    "from_person_id",
    "to_person_id",
    "from_at",
    "until_at",
    "reason",
}


async def ask(
    session: Session,
    site: Site,
    now: datetime,
    actor: Actor,
    *,
    kind: ChangeKind,
    shift_id: int,
    reason: str,
    person_id: int | None = None,
    other_shift_id: int | None = None,
    from_at: datetime | None = None,
    until_at: datetime | None = None,
) -> ShiftChange:
    """Ask for a substitute (*person_id*, for the whole shift or [from_at, until_at)) or a swap with *other_shift_id*.

    Raises:
        NotFoundError: there is no such shift or person for this caller.
        NotAllowedError: the caller may not ask for this shift.
        InvalidInputError: the request breaks a rule, which the sentence beside the field names.
        ConflictError: a request about the same time waits for a decision already.
    """
    asked = await _asked(
        session,
        kind,
        shift_id,
        person_id=person_id,
        other_shift_id=other_shift_id,
        from_at=from_at,
        until_at=until_at,
    )
    if not actor.sees_unit(asked.mine.shift.unit_id):
        raise NotFoundError(f"there is no shift {shift_id}")
    if asked.other is None and not actor.sees_unit((await people.person(session, asked.to_id)).unit_id):
        raise NotFoundError(f"there is no person {asked.to_id}")
    refuse(change_refusal(asked, now))
    refused = asking_refusal(actor, asked)
    if refused is not None:
        raise NotAllowedError(said(refused))
    if not reason.strip():
        refuse(Refusal("reason", "请填写事由"))
    await _refuse_twin(session, asked)
    await refuse_unfit(session, site, now, asked)
    row = _request(asked, actor, now, reason)
    session.add(row)
    await session.flush()
    asked_for = row.model_dump(mode="json", include=_AS_ASKED)
    record(session, now, actor.name, "change.requested", f"change:{row.id}", **asked_for)
    return row


async def decide(
    session: Session,
    site: Site,
    now: datetime,
    actor: Actor,
    change_id: int,
    *,
    approve: bool,
    opinion: str = "",
) -> ShiftChange:
    """Approve a request, so that the seats change hands, or send it back with an *opinion*.

    Everything is looked at again: what was possible when it was asked for may not be any more.

    Raises:
        NotFoundError: there is no such change for this caller.
        NotAllowedError: the caller may not decide this one.
        ConflictError: it was decided already, or the shift has begun.
        InvalidInputError: it would break a rule now; or it is sent back without an opinion.
    """
    row = await queries.change(session, change_id, unit_id=actor.unit_id, lock=True)
    if row.state != "requested":
        raise ConflictError(say("这项申请已经办理，请刷新后查看结果"))
    refused = await refusal_of(session, actor, row)
    if refused is not None:
        raise NotAllowedError(said(refused))
    if row.from_at <= now:
        raise ConflictError(say("班次已经开始，这项申请不能再审批"))
    if approve:
        await _approve(session, site, now, row)
    elif not opinion.strip():
        refuse(Refusal("opinion", "退回须写明原因"))
    row.state = "approved" if approve else "rejected"
    row.decided_at, row.decided_by, row.decision = now, actor.name, opinion
    session.add(row)
    record(session, now, actor.name, f"change.{row.state}", f"change:{row.id}", opinion=opinion)
    if not approve:
        await tell_refused(session, site, now, row)
    return row


async def cancel(
    session: Session, site: Site, now: datetime, actor: Actor, change_id: int, reason: str = ""
) -> ShiftChange:
    """Take back a request, or an approved change that has not begun: the seat returns to whoever gave it up.

    Raises:
        NotFoundError: there is no such change for this caller.
        NotAllowedError: the caller neither asked for it nor is the office.
        ConflictError: it is over or has begun, later changes depend on it, or the seat cannot return.
    """
    row = await queries.change(session, change_id, unit_id=actor.unit_id, lock=True)
    refused = cancel_refusal(
        actor,
        state=row.state,
        asked_by=row.requested_by,
        asker_id=row.asker_id,
        starts_at=row.from_at,
        now=now,
    )
    if refused is not None:
        raise ConflictError(said(refused))
    if row.state == "approved":
        await give_back(session, site, now, row, reason)
    row.state = "cancelled"
    row.cancelled_at, row.cancelled_by = now, actor.name
    session.add(row)
    record(session, now, actor.name, "change.cancelled", f"change:{row.id}", reason=reason)
    return row


async def expire(session: Session, site: Site, now: datetime) -> int:
    """End the requests that nobody decided before the shift began, and tell those concerned; return how many.

    Wanted again at :func:`change_queries.next_expiry`.
    """
    found = await queries.expired(session, now, _BATCH)
    for row in found:
        row.state, row.decided_at = "expired", now
        session.add(row)
        record(session, now, "clockwork", "change.expired", f"change:{row.id}")
        await tell_refused(session, site, now, row)
    return len(found)


async def drop_requests(
    session: Session, site: Site, now: datetime, actor: str, person_id: int, start: datetime, end: datetime
) -> int:
    """Cancel the undecided requests that hang on somebody who is away in [start, end); return how many."""
    found = [
        row
        for row in await queries.asked_about(session, person_id, start, end)
        # Between the two shifts of a swap somebody may well be away.
        if any(
            one.starts_at < end and one.ends_at > start
            for one in await queries.shifts_by_id(session, shifts_of(row))
        )
    ]
    for row in found:
        row.state, row.decision = "cancelled", "请假外出"
        row.cancelled_at, row.cancelled_by = now, actor
        session.add(row)
        record(session, now, actor, "change.cancelled", f"change:{row.id}", reason="请假外出")
        await tell_refused(session, site, now, row)
    return len(found)


async def refusal_of(session: Session, actor: Actor, row: ShiftChange) -> Refusal | None:
    """Return why this caller may not decide a request, or None."""
    shifts = await queries.shifts_by_id(session, shifts_of(row))
    return decision_refusal(
        actor,
        asked_by=row.requested_by,
        concerned=persons_of(row),
        of_leaders=all(one.seat == "leader" for one in shifts),
        leads=await _leads(session, actor, shifts),
    )


# ── asking ───────────────────────────────────────────────────────────────────────────────────


async def _asked(
    session: Session,
    kind: ChangeKind,
    shift_id: int,
    *,
    person_id: int | None,
    other_shift_id: int | None,
    from_at: datetime | None,
    until_at: datetime | None,
    lock: bool = False,
) -> Asked:
    swapped = other_shift_id if kind == "swap" else None
    ids = [one for one in (shift_id, swapped) if one is not None]
    given = await queries.given_shifts(session, ids, lock=lock)
    mine, other = given[shift_id], None if swapped is None else given[swapped]
    if kind == "substitute":
        if person_id is None:
            raise InvalidInputError(say("请选择代班人"), (FieldFault("person", say("请选择")),))
        taker = await people.person(session, person_id)
        return Asked(
            kind, mine, None, taker.id, from_at or mine.shift.starts_at, until_at or mine.shift.ends_at
        )
    both = [one.shift for one in (mine, other) if one is not None]
    to = next((one.person_id for one in other.pieces), None) if other is not None else None
    return Asked(
        kind, mine, other, to or 0, min(one.starts_at for one in both), max(one.ends_at for one in both)
    )


def _request(asked: Asked, actor: Actor, now: datetime, reason: str) -> ShiftChange:
    return ShiftChange(
        kind=asked.kind,
        unit_id=asked.mine.shift.unit_id,
        shift_id=asked.mine.shift.id,
        other_shift_id=None if asked.other is None else asked.other.shift.id,
        from_person_id=asked.from_id,
        to_person_id=asked.to_id,
        from_at=asked.from_at,
        until_at=asked.until_at,
        reason=reason,
        requested_at=now,
        requested_by=actor.name,
        asker_id=actor.person_id,
    )


async def _refuse_twin(session: Session, asked: Asked) -> None:
    ids = [one.shift.id for one in (asked.mine, asked.other) if one is not None]
    for row in await queries.asked_for(session, ids):
        if row.from_at < asked.until_at and row.until_at > asked.from_at:
            raise ConflictError(say("该班次已有待审批的申请，请等待审批或先撤销"))


# ── deciding ─────────────────────────────────────────────────────────────────────────────────


async def _leads(session: Session, actor: Actor, shifts: Iterable[Shift]) -> bool:
    """Tell whether the actor is the leader on one of these shifts."""
    if actor.person_id is None:
        return False
    for shift in shifts:
        held = await who_holds(session, [shift.unit_id], shift.starts_at)
        leaders = held.get((shift.unit_id, "leader"), [])
        if any(one.person_id == actor.person_id for one in leaders):
            return True
    return False


async def _approve(session: Session, site: Site, now: datetime, row: ShiftChange) -> None:
    for person_id in sorted(persons_of(row)):
        await lock_person(session, person_id)
    asked = await _asked(
        session,
        row.kind,
        row.shift_id,
        person_id=row.to_person_id,
        other_shift_id=row.other_shift_id,
        from_at=row.from_at,
        until_at=row.until_at,
        lock=True,
    )
    refuse(change_refusal(asked, now))
    if (asked.from_id, asked.to_id) != (row.from_person_id, row.to_person_id):
        raise ConflictError(say("申请后值班人已有变动，请退回后重新申请"))
    await refuse_unfit(session, site, now, asked)
    for given, person_id, _ in takers(asked):
        shift = given.shift
        session.add(
            SeatHolder(
                unit_id=shift.unit_id,
                seat=shift.seat,
                person_id=person_id,
                from_at=asked.from_at if asked.other is None else shift.starts_at,
                until_at=asked.until_at if asked.other is None else shift.ends_at,
                instead_of_shift_id=shift.id,
                kind=row.kind,
                change_id=row.id,
                reason=row.reason,
                created_at=now,
            )
        )
    await announce(session, site, now, shifts_of(row), told_of(row))

"""What a leave brings about: struck shifts, whoever runs the bureau, and what is owed; each in the caller's transaction."""

from collections.abc import Collection
from datetime import datetime

from dutydesk.accounts.rules import Actor
from dutydesk.alerts.actions import cancel_for
from dutydesk.audit.actions import record
from dutydesk.calendars.queries import calendar_for
from dutydesk.calendars.rules import Calendar
from dutydesk.db import Session
from dutydesk.obligations.owings import Owing, settle_owings
from dutydesk.people import queries as people
from dutydesk.people.rules import Person, Rank
from dutydesk.people.stand_ins import appoint, dismiss
from dutydesk.rosters.candidate_queries import leaves_of
from dutydesk.rosters.changes import queries as change_queries
from dutydesk.rosters.changes.actions import drop_requests
from dutydesk.rosters.changes.handing import announce
from dutydesk.rosters.leaves import queries
from dutydesk.rosters.model import LeaveReport, SeatHolder
from dutydesk.rosters.queries import look_for_holes, shift_fact
from dutydesk.rosters.rules.leaves import Around, Delegate, Leave, is_counterpart, owed_by
from dutydesk.rosters.rules.pieces import pieces_of
from dutydesk.web.site import Site

# What everybody reads on a struck shift: not why somebody is away.
STRUCK = "请假外出"
_OF_BUREAU: tuple[Rank, ...] = ("bureau_head", "bureau_deputy")
_OF_UNIT: tuple[Rank, ...] = ("unit_head", "unit_deputy")


def scope_of(leave_id: int) -> str:
    """Return under which scope a leave's obligations are settled, and what acts for it is found by."""
    return f"leave/{leave_id}"


async def is_director(session: Session, person: Person, at: datetime) -> bool:
    """Tell whether the whole of Art. 57 holds for a person: the post of chief at the desk, or the rank."""
    if person.rank == "bureau_head":
        return True
    _, own, _ = await queries.directors(session, at)
    return person.id in own


async def fact_of(session: Session, row: LeaveReport, now: datetime) -> Leave:
    """Return a stored leave as the rules look at it."""
    person = await people.person(session, row.person_id)
    return Leave(
        is_director=await is_director(session, person, now),
        away=row.away,
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        state=row.state,
        requested_at=row.requested_at,
        reason=row.reason,
        place=row.place,
        urgent=row.urgent,
        phone_reported_at=row.phone_reported_at,
        phone_reported_to=row.phone_reported_to,
        written_at=row.written_at,
        delegate_id=row.delegate_id,
        delegated_at=row.delegated_at,
        return_reported_at=row.return_reported_at,
    )


async def calendar_of(session: Session, site: Site, row: LeaveReport | Leave) -> Calendar:
    """Return the calendar around a leave."""
    first, last = (at.astimezone(site.zone).date() for at in (row.starts_at, row.ends_at))
    return await calendar_for(session, first, last)


async def around(
    session: Session,
    site: Site,
    person: Person,
    start: datetime,
    end: datetime,
    *,
    together_reason: str = "",
    but: int | None = None,
) -> Around:
    """Return what else goes on in [start, end): other leaves of the person, delegations, counterparts away."""
    own = [row for row in await queries.leaves_between(session, [person.id], start, end) if row.id != but]
    span = "" if not own else span_text(own[0].starts_at, own[0].ends_at, site)
    delegated = await queries.delegated_to(session, person.id, start, end)
    return Around(
        span,
        delegated=any(row.id != but for row in delegated),
        together=await _together(session, person, start, end),
        together_reason=together_reason,
    )


def span_text(start: datetime, end: datetime, site: Site) -> str:
    """Return from when until when, in site time, as a sentence has it."""
    first, last = start.astimezone(site.zone), end.astimezone(site.zone)
    return f"{first:%Y-%m-%d %H:%M}—{last:%Y-%m-%d %H:%M}"


async def _together(session: Session, person: Person, start: datetime, end: datetime) -> list[str]:
    """Return the names of the person's counterparts (正职, 副职) who are away at the same time."""
    of_bureau = person.rank in _OF_BUREAU
    ranks = _OF_BUREAU if of_bureau else _OF_UNIT
    ids = await queries.ranked(session, ranks, unit_id=None if of_bureau else person.unit_id)
    others = {
        one.id: one
        for one in (await people.people_by_id(session, ids)).values()
        if one.id != person.id and is_counterpart(person.rank, one.rank)
    }
    away = await queries.leaves_between(session, others.keys(), start, end)
    return list(dict.fromkeys(others[row.person_id].name for row in away))


async def delegate_fact(
    session: Session, delegate: Person, start: datetime, end: datetime, cause: str
) -> Delegate:
    """Return what decides whether somebody may run the bureau in [start, end)."""
    desk = await people.desk_unit(session)
    acting = [] if desk is None else await queries.acting_chiefs(session, desk.id, start, end, but=cause)
    return Delegate(
        delegate.id,
        delegate.name,
        delegate.rank,
        left=delegate.retired_at is not None and delegate.retired_at < end,
        away=bool(await leaves_of(session, [delegate.id], start, end)),
        acting=bool(acting),
    )


# ── shifts ───────────────────────────────────────────────────────────────────────────────────


async def strike(session: Session, site: Site, now: datetime, actor: str, row: LeaveReport) -> None:
    """Take the person off every shift that the leave touches from now on, and off the drafts.

    What was before now stays as it was recorded. Whoever stands in for the person already stays.
    """
    start, end = max(row.starts_at, now), row.ends_at
    if start >= end:
        return
    shifts = await queries.shifts_of_person(session, row.person_id, start, end)
    rows = await change_queries.facts_of(session, [shift.id or 0 for shift in shifts])
    struck: list[int] = []
    for shift in shifts:
        for piece in pieces_of(shift_fact(shift), rows.get(shift.id or 0, ())):
            if piece.person_id == row.person_id and piece.since < end and piece.until > start:
                session.add(
                    SeatHolder(
                        unit_id=shift.unit_id,
                        seat=shift.seat,
                        person_id=None,
                        from_at=max(piece.since, start),
                        until_at=min(piece.until, end),
                        instead_of_shift_id=shift.id,
                        kind="vacated",
                        leave_id=row.id,
                        reason=STRUCK,
                        created_at=now,
                    )
                )
                struck.append(shift.id or 0)
                record(session, now, actor, "shift.vacated", f"shift:{shift.id}", leave=row.id)
    await announce(session, site, now, struck)
    await drop_requests(session, site, now, actor, row.person_id, start, end)
    await _clear_drafts(session, now, actor, row, start)
    await look_for_holes(session, {row.unit_id}, now)


async def _clear_drafts(
    session: Session, now: datetime, actor: str, row: LeaveReport, start: datetime
) -> None:
    """Nothing that is not published yet may name somebody who will be away; a new generation fills the place."""
    for shift in await queries.drafts_of_person(session, row.person_id, start, row.ends_at):
        record(session, now, actor, "draft.cleared", f"shift:{shift.id}", leave=row.id)
        await look_for_holes(session, {shift.unit_id}, now)
        await session.delete(shift)


async def unstrike(session: Session, now: datetime, row: LeaveReport, reason: str) -> list[int]:
    """Give struck shifts back from now on and return their ids; whoever stands in stays: that row is the later one."""
    given_back: list[int] = []
    for one in await queries.struck_by(session, row.id or 0):
        if one.until_at is not None and one.until_at <= now:
            continue
        if one.from_at < now:
            one.until_at = now
        else:
            one.voided_at, one.voided_reason = now, reason
        session.add(one)
        given_back.append(one.instead_of_shift_id or 0)
    await session.flush()
    return given_back


async def tell_returned(
    session: Session, site: Site, now: datetime, row: LeaveReport, shift_ids: Collection[int]
) -> None:
    """Tell the person that they really sit on some of these shifts again: of the first one, in one message."""
    given = await change_queries.given_shifts(session, shift_ids)
    again = [
        one.shift
        for one in given.values()
        if any(piece.person_id == row.person_id and piece.until > now for piece in one.pieces)
    ]
    again.sort(key=lambda one: one.starts_at)
    told = [(one.id, row.person_id) for one in again[:1]]
    await announce(session, site, now, [one.id for one in again], told)


async def drop_amendment(session: Session, now: datetime, row: LeaveReport) -> None:
    """A leave that is over cannot be changed any more: what was asked for falls away."""
    asked = await queries.asked_amendment(session, row.id or 0, lock=True)
    if asked is not None:
        asked.state, asked.decided_at = "cancelled", now
        session.add(asked)


# ── who runs the bureau ──────────────────────────────────────────────────────────────────────


async def let_act(session: Session, now: datetime, actor: str, row: LeaveReport) -> None:
    """Let the delegate of an approved leave hold the director's post for its span, from now on at the earliest."""
    if row.delegate_post_id is not None:
        await dismiss(session, now, actor, row.delegate_post_id, now)
        row.delegate_post_id = None
    desk = await people.desk_unit(session)
    start = max(row.starts_at, now)
    if row.delegate_id is not None and desk is not None and start < row.ends_at:
        post = await appoint(
            session,
            now,
            actor,
            unit_id=desk.id,
            post=queries.CHIEF,
            person_id=row.delegate_id,
            from_at=start,
            until_at=row.ends_at,
            cause=scope_of(row.id or 0),
        )
        row.delegate_post_id = post.id
    session.add(row)


async def end_acting(session: Session, now: datetime, actor: str, row: LeaveReport) -> None:
    """The director is back, or does not go: whoever acts for the director does so no more."""
    if row.delegate_post_id is not None:
        await dismiss(session, now, actor, row.delegate_post_id, now)


async def lose_delegations(session: Session, site: Site, now: datetime, actor: str, row: LeaveReport) -> None:
    """Whoever goes away themself cannot run the bureau: the director owes another delegation (Art. 5)."""
    for other in await queries.delegated_to(session, row.person_id, row.starts_at, row.ends_at):
        if other.delegate_post_id is not None:
            await dismiss(session, now, actor, other.delegate_post_id, max(now, row.starts_at))
        other.delegate_id = other.delegate_post_id = other.delegated_at = None
        session.add(other)
        record(session, now, actor, "leave.delegate_lost", scope_of(other.id or 0), person=row.person_id)
        await settle(session, site, now, actor, other)


# ── what is owed ─────────────────────────────────────────────────────────────────────────────


async def settle(session: Session, site: Site, now: datetime, actor: str, row: LeaveReport) -> None:
    """Bring the obligations of a leave in line with the record; its ladders carry the times."""
    await session.flush()
    leave = await fact_of(session, row, now)
    calendar = await calendar_of(session, site, row)
    due, done = owed_by(leave, now, calendar, site.rulebook.rosters, site.zone)
    scope = scope_of(row.id or 0)
    local = row.starts_at.astimezone(site.zone)
    wanted = [
        Owing(
            subject=f"{scope}/{one.part}",
            rule_id=one.rule_id,
            number=f"{local.month}月{local.day}日外出",
            unit_id=row.unit_id,
            base_at=one.base_at,
            due_at=one.due_at,
            person_id=row.person_id,
        )
        for one in due
    ]
    given = {f"{scope}/{part}": at for part, at in done.items()}
    settled = await settle_owings(session, site, now, actor, scope, wanted, given)
    await cancel_for(session, now, settled.cancel)


def seen_by(actor: Actor) -> queries.Seen:
    """Return which leaves a reader sees at all (``rules.leaves.sees_all`` says of which the reason)."""
    if actor.role == "unit":
        return queries.Seen(everything=False, unit_id=actor.unit_id or 0)
    everything = actor.may("leave:approve") or actor.may("roster:write")
    return queries.Seen(everything, None, actor.person_id, actor.name)

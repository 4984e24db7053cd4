"""Changes of a leave's dates or itinerary (行程变更): approved anew, and the shifts are struck anew."""

from dataclasses import dataclass
from datetime import datetime

from dutydesk.accounts.rules import Actor
from dutydesk.audit.actions import record
from dutydesk.db import Session
from dutydesk.errors import ConflictError, FieldFault, InvalidInputError
from dutydesk.people import queries as people
from dutydesk.rosters.changes.handing import refuse, said
from dutydesk.rosters.leaves import actions as leaves
from dutydesk.rosters.leaves import effects, queries
from dutydesk.rosters.model import LeaveAmendment, LeaveReport
from dutydesk.rosters.queries import lock_person
from dutydesk.rosters.rules import Away
from dutydesk.rosters.rules.leaves import amend_refusals, delegate_refusal
from dutydesk.rosters.rules.pieces import Refusal
from dutydesk.web.languages import say
from dutydesk.web.site import Site


@dataclass(frozen=True, slots=True, kw_only=True)
class Itinerary:
    """Where and from when to when somebody goes instead, and why it changes; times are aware."""

    away: Away
    place: str
    transport: str
    starts_at: datetime
    ends_at: datetime
    reason: str


async def amend(
    session: Session, site: Site, now: datetime, actor: Actor, leave_id: int, asked: Itinerary
) -> LeaveAmendment:
    """Ask for another itinerary. One that is not approved yet is changed at once; else the leave stands until the decision.

    Raises:
        NotFoundError: there is no such leave for this caller.
        NotAllowedError: the caller may not change this leave.
        ConflictError: the leave is over, or another change waits for a decision.
        InvalidInputError: the dates cannot be, nothing changes, or the reason is missing.
    """
    row = await leaves.open_one(session, actor, leave_id)
    if await queries.asked_amendment(session, leave_id) is not None:
        raise ConflictError(say("已有待审批的行程变更，请等待审批"))
    await _refuse_amendment(session, site, now, row, asked)
    made = LeaveAmendment(
        leave_id=leave_id,
        reason=asked.reason,
        away=asked.away,
        place=asked.place,
        transport=asked.transport,
        starts_at=asked.starts_at,
        ends_at=asked.ends_at,
        before=_itinerary_of(row),
        requested_at=now,
        requested_by=actor.name,
    )
    session.add(made)
    await session.flush()
    subject = effects.scope_of(leave_id)
    record(session, now, actor.name, "leave.amended", subject, **_itinerary_of(made), reason=asked.reason)
    if row.state == "requested":
        # Nobody decided the leave yet: there is nothing to approve apart.
        made.state, made.decided_at = "approved", now
        session.add(made)
        await _apply(session, site, now, actor, row, made)
    return made


async def decide(
    session: Session,
    site: Site,
    now: datetime,
    actor: Actor,
    leave_id: int,
    *,
    approve: bool,
    opinion: str = "",
    decided_by: str = "",
) -> LeaveAmendment:
    """Approve a change of a leave, which strikes its shifts anew, or send it back with an *opinion*.

    Raises:
        NotFoundError: there is no such leave for this caller.
        NotAllowedError: the caller may not decide it.
        ConflictError: there is nothing to decide.
        InvalidInputError: the change is not possible any more, or something is missing.
    """
    row = await leaves.mine(session, actor, leave_id, lock=True)
    asked = await queries.asked_amendment(session, leave_id, lock=True)
    if asked is None or row.state != "approved":
        raise ConflictError(say("没有待审批的行程变更，请刷新后查看"))
    person = await people.person(session, row.person_id)
    leaves.permit(await leaves.refusal_of(session, actor, person, now, decided_by=decided_by))
    if not approve and not opinion.strip():
        refuse(Refusal("opinion", "退回须写明原因"))
    asked.state = "approved" if approve else "rejected"
    asked.decided_at, asked.decision = now, opinion
    asked.decided_by = decided_by.strip() or actor.name
    asked.recorded_by = actor.name if asked.decided_by != actor.name else ""
    session.add(asked)
    record(
        session,
        now,
        actor.name,
        f"leave.amendment_{asked.state}",
        effects.scope_of(leave_id),
        decided_by=asked.decided_by,
        opinion=opinion,
    )
    if approve:
        itinerary = Itinerary(
            away=asked.away,
            place=asked.place,
            transport=asked.transport,
            starts_at=asked.starts_at,
            ends_at=asked.ends_at,
            reason=asked.reason,
        )
        await _refuse_amendment(session, site, now, row, itinerary)
        await _apply(session, site, now, actor, row, asked)
    return asked


async def _refuse_amendment(
    session: Session, site: Site, now: datetime, row: LeaveReport, asked: Itinerary
) -> None:
    if not asked.reason.strip():
        refuse(Refusal("reason", "请填写变更的原因"))
    if asked.away != "post" and not asked.place.strip():
        refuse(Refusal("place", "第五十七条：离津、出境须写明地点"))
    if _itinerary_of(row) == _itinerary_of(asked):
        raise InvalidInputError(say("行程没有变化"))
    leave = await effects.fact_of(session, row, now)
    calendar = await effects.calendar_of(session, site, row)
    found = amend_refusals(leave, asked.starts_at, asked.ends_at, now, calendar, site.zone)
    if found:
        faults = tuple(FieldFault(one.field, said(one)) for one in found)
        raise InvalidInputError(say("；").join(one.message for one in faults), faults)
    person = await people.person(session, row.person_id)
    around = await effects.around(session, site, person, asked.starts_at, asked.ends_at, but=row.id)
    if around.other_leave:
        refuse(Refusal("starts_at", "与另一项请假（{span}）时间重叠", {"span": around.other_leave}))


async def _apply(
    session: Session, site: Site, now: datetime, actor: Actor, row: LeaveReport, made: LeaveAmendment
) -> None:
    await lock_person(session, row.person_id)
    row.away, row.place, row.transport = made.away, made.place, made.transport
    row.starts_at, row.ends_at = made.starts_at, made.ends_at
    session.add(row)
    await session.flush()
    if row.delegate_id is not None:
        chosen = await people.person(session, row.delegate_id)
        scope = effects.scope_of(row.id or 0)
        fact = await effects.delegate_fact(session, chosen, max(row.starts_at, now), row.ends_at, scope)
        if delegate_refusal(fact, row.person_id) is not None:
            # For the new dates somebody else has to be found: obligation 5 opens again.
            row.delegate_id = row.delegated_at = None
    if row.state == "approved":
        back = await effects.unstrike(session, now, row, "行程变更")
        await effects.strike(session, site, now, actor.name, row)
        await effects.tell_returned(session, site, now, row, back)
        await effects.let_act(session, now, actor.name, row)
        await effects.lose_delegations(session, site, now, actor.name, row)
    await effects.settle(session, site, now, actor.name, row)


def _itinerary_of(one: LeaveReport | LeaveAmendment | Itinerary) -> dict[str, str]:
    return {
        "away": one.away,
        "place": one.place,
        "transport": one.transport,
        "starts_at": one.starts_at.isoformat(),
        "ends_at": one.ends_at.isoformat(),
    }

"""Leaves and trips (Art. 57): reported, decided, changed, taken back, ended; each in the caller's transaction."""

from dataclasses import dataclass
from datetime import datetime

from dutydesk.accounts.rules import Actor
from dutydesk.audit.actions import record
from dutydesk.db import Session
from dutydesk.errors import ConflictError, FieldFault, InvalidInputError, NotAllowedError, NotFoundError
from dutydesk.people import queries as people
from dutydesk.people.rules import Person
from dutydesk.rosters.changes.handing import refuse, said
from dutydesk.rosters.leaves import effects, queries
from dutydesk.rosters.model import LeaveReport
from dutydesk.rosters.queries import lock_person, look_for_holes
from dutydesk.rosters.rules import Away, LeaveKind
from dutydesk.rosters.rules.leaves import (
    Leave,
    ask_refusals,
    consent_refusal,
    decision_refusal,
    delegate_refusal,
    filing_refusal,
    return_refusal,
    sees_all,
)
from dutydesk.rosters.rules.pieces import Refusal
from dutydesk.web.languages import say
from dutydesk.web.site import Site


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A leave as somebody reports it; times are aware."""

    person_id: int
    kind: LeaveKind
    away: Away
    reason: str
    starts_at: datetime
    ends_at: datetime
    place: str = ""
    transport: str = ""
    arrangement: str = ""
    together_reason: str = ""
    urgent: bool = False
    phone_reported_at: datetime | None = None
    phone_reported_to: str = ""
    delegate_id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Steps:
    """Steps of Art. 57 that were taken meanwhile; what is None or empty stays as it is."""

    consent_by: str = ""
    consent_at: datetime | None = None
    written_at: datetime | None = None
    receipt: str = ""
    filed_at: datetime | None = None


async def report(
    session: Session, site: Site, now: datetime, actor: Actor, asked: Report, steps: Steps | None = None
) -> LeaveReport:
    """Report a leave, which is decided later.

    Raises:
        NotFoundError: there is no such person for this caller.
        NotAllowedError: the caller may not report this person's leave.
        InvalidInputError: Art. 5 or 57 does not allow it in this way; each sentence stands beside its field.
    """
    person = await people.person(session, asked.person_id)
    if not actor.sees_unit(person.unit_id):
        raise NotFoundError(f"there is no person {asked.person_id}")
    permit(filing_refusal(actor, person.id, person.unit_id))
    taken = steps or Steps()
    await lock_person(session, person.id)
    leave = await _as_asked(session, person, asked, taken, now)
    calendar = await effects.calendar_of(session, site, leave)
    around = await effects.around(
        session, site, person, asked.starts_at, asked.ends_at, together_reason=asked.together_reason
    )
    _refuse_all(ask_refusals(leave, around, now, calendar, site.zone))
    if asked.delegate_id is not None:
        _must_direct(leave)
        await _refuse_delegate(session, asked.delegate_id, person.id, asked.starts_at, asked.ends_at, "")
    row = LeaveReport(
        **{name: getattr(asked, name) for name in Report.__dataclass_fields__},
        **{name: getattr(taken, name) for name in Steps.__dataclass_fields__},
        unit_id=person.unit_id,
        delegated_at=now if asked.delegate_id is not None else None,
        requested_at=now,
        requested_by=actor.name,
    )
    session.add(row)
    await session.flush()
    record(
        session,
        now,
        actor.name,
        "leave.requested",
        effects.scope_of(row.id or 0),
        person=person.id,
        away=row.away,
        starts_at=row.starts_at.isoformat(),
        ends_at=row.ends_at.isoformat(),
        urgent=row.urgent,
    )
    await effects.settle(session, site, now, actor.name, row)
    return row


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
    steps: Steps | None = None,
) -> LeaveReport:
    """Approve a leave, which strikes the shifts it touches, or send it back with an *opinion*.

    An administrator writes down what *decided_by* decided. The director's leave needs the city leader's
    consent (in *steps*, or noted before).

    Raises:
        NotFoundError: there is no such leave for this caller.
        NotAllowedError: the caller may not decide this one.
        ConflictError: it was decided already.
        InvalidInputError: something is missing, or a rule does not allow it any more.
    """
    row = await mine(session, actor, leave_id, lock=True)
    if row.state != "requested":
        raise ConflictError(say("这项请假已经办理，请刷新后查看结果"))
    person = await people.person(session, row.person_id)
    permit(await refusal_of(session, actor, person, now, decided_by=decided_by))
    if not approve and not opinion.strip():
        refuse(Refusal("opinion", "退回须写明原因"))
    take(row, steps or Steps())
    if approve:
        await _let_go(session, now, row, person)
    row.state = "approved" if approve else "rejected"
    row.decided_at, row.decision = now, opinion
    row.decided_by = decided_by.strip() or actor.name
    row.recorded_by = actor.name if row.decided_by != actor.name else ""
    session.add(row)
    subject = effects.scope_of(leave_id)
    record(
        session, now, actor.name, f"leave.{row.state}", subject, decided_by=row.decided_by, opinion=opinion
    )
    if approve:
        await session.flush()
        await effects.strike(session, site, now, actor.name, row)
        await effects.let_act(session, now, actor.name, row)
        await effects.lose_delegations(session, site, now, actor.name, row)
    await effects.settle(session, site, now, actor.name, row)
    return row


async def _let_go(session: Session, now: datetime, row: LeaveReport, person: Person) -> None:
    """What was allowed when it was asked for may not be any more."""
    await lock_person(session, person.id)
    leave = await effects.fact_of(session, row, now)
    if row.ends_at <= now and not row.urgent:
        raise ConflictError(say("返回时间已过，不能再批准，请退回"))
    if leave.is_director:
        refuse(consent_refusal(row.consent_by, row.consent_at, now))
    if row.delegate_id is not None:
        await _refuse_delegate(
            session, row.delegate_id, person.id, row.starts_at, row.ends_at, effects.scope_of(row.id or 0)
        )
    others = await queries.leaves_between(session, [person.id], row.starts_at, row.ends_at, approved=True)
    if any(one.id != row.id for one in others):
        raise ConflictError(say("与此人另一项已批准的请假时间重叠，请退回"))


async def delegate(
    session: Session, site: Site, now: datetime, actor: Actor, leave_id: int, person_id: int
) -> LeaveReport:
    """Name the deputy who runs the bureau while the director is away (Art. 5), or another one than before.

    Raises:
        NotFoundError: there is no such leave or person for this caller.
        NotAllowedError: the caller may not change this leave.
        ConflictError: the leave is over.
        InvalidInputError: that person may not run the bureau then, or it is not the director who leaves.
    """
    row = await open_one(session, actor, leave_id)
    _must_direct(await effects.fact_of(session, row, now))
    subject = effects.scope_of(leave_id)
    await _refuse_delegate(session, person_id, row.person_id, max(row.starts_at, now), row.ends_at, subject)
    row.delegate_id, row.delegated_at = person_id, now
    session.add(row)
    record(session, now, actor.name, "leave.delegated", subject, person=person_id)
    if row.state == "approved":
        await effects.let_act(session, now, actor.name, row)
    await effects.settle(session, site, now, actor.name, row)
    return row


async def note_steps(
    session: Session, site: Site, now: datetime, actor: Actor, leave_id: int, steps: Steps
) -> LeaveReport:
    """Write down steps of Art. 57 that were taken: consent, written report, receipt, filing.

    Raises:
        NotFoundError: there is no such leave for this caller.
        NotAllowedError: the caller may not change this leave.
        ConflictError: it was sent back or taken back.
        InvalidInputError: a time lies ahead, or nothing was filled in.
    """
    row = await _own(session, actor, leave_id)
    if row.state in ("rejected", "cancelled"):
        raise ConflictError(say("这项请假已经退回或撤销，不再登记"))
    given = {name: value for name in Steps.__dataclass_fields__ if (value := getattr(steps, name))}
    if not given:
        raise InvalidInputError(say("没有填写任何内容"))
    for name, value in given.items():
        if isinstance(value, datetime) and value > now:
            refuse(Refusal(name, "不能晚于现在"))
    take(row, steps)
    session.add(row)
    told = {
        name: value.isoformat() if isinstance(value, datetime) else value for name, value in given.items()
    }
    record(session, now, actor.name, "leave.noted", effects.scope_of(leave_id), **told)
    await effects.settle(session, site, now, actor.name, row)
    return row


async def cancel(
    session: Session, site: Site, now: datetime, actor: Actor, leave_id: int, reason: str
) -> LeaveReport:
    """Take back a leave that has not begun: struck shifts return where nobody stands in yet.

    Raises:
        NotFoundError: there is no such leave for this caller.
        NotAllowedError: the caller may not change this leave.
        ConflictError: it is over, or has begun (then the return is noted).
        InvalidInputError: without a *reason*.
    """
    row = await open_one(session, actor, leave_id)
    if row.state == "approved" and row.starts_at <= now:
        raise ConflictError(say("已经离开，不能撤销；返回后请办理销假"))
    if not reason.strip():
        refuse(Refusal("reason", "请填写撤销的原因"))
    was_approved = row.state == "approved"
    row.state = "cancelled"
    row.cancelled_at, row.cancelled_by, row.cancel_reason = now, actor.name, reason
    session.add(row)
    record(session, now, actor.name, "leave.cancelled", effects.scope_of(leave_id), reason=reason)
    await effects.drop_amendment(session, now, row)
    if was_approved:
        back = await effects.unstrike(session, now, row, "撤销请假")
        await effects.tell_returned(session, site, now, row, back)
        await effects.end_acting(session, now, actor.name, row)
        await look_for_holes(session, {row.unit_id}, now)
    await effects.settle(session, site, now, actor.name, row)
    return row


async def note_return(
    session: Session, site: Site, now: datetime, actor: Actor, leave_id: int, returned_at: datetime
) -> LeaveReport:
    """End a leave (销假). Struck shifts do not come back by themselves: whoever took them keeps them.

    Raises:
        NotFoundError: there is no such leave for this caller.
        NotAllowedError: the caller may not change this leave.
        InvalidInputError: it is not running, or the time cannot be.
    """
    row = await _own(session, actor, leave_id)
    leave = await effects.fact_of(session, row, now)
    refuse(return_refusal(leave, returned_at, now))
    row.state = "returned"
    row.returned_at, row.return_reported_at, row.returned_by = returned_at, now, actor.name
    session.add(row)
    subject = effects.scope_of(leave_id)
    record(session, now, actor.name, "leave.returned", subject, returned_at=returned_at.isoformat())
    await effects.drop_amendment(session, now, row)
    await effects.end_acting(session, now, actor.name, row)
    await look_for_holes(session, {row.unit_id}, now)
    await effects.settle(session, site, now, actor.name, row)
    return row


async def mine(session: Session, actor: Actor, leave_id: int, *, lock: bool = False) -> LeaveReport:
    """Return a leave that the caller may see with its reason.

    Raises:
        NotFoundError: when there is none for this caller.
    """
    row = await queries.leave(session, leave_id, lock=lock)
    if not sees_all(actor, row.person_id, row.unit_id) and row.requested_by != actor.name:
        raise NotFoundError(f"there is no leave {leave_id}")
    return row


async def refusal_of(
    session: Session,
    actor: Actor,
    person: Person,
    now: datetime,
    *,
    decided_by: str = "",
    asking: bool = False,
) -> Refusal | None:
    """Return why this caller may not decide a leave of this person or its amendment, or None."""
    _, _, at_present = await queries.directors(session, now)
    return decision_refusal(
        actor,
        applicant_id=person.id,
        applicant=person.name,
        is_director=await effects.is_director(session, person, now),
        rank=person.rank,
        directors=at_present,
        decided_by=decided_by,
        asking=asking,
    )


def take(row: LeaveReport, steps: Steps) -> None:
    """Write steps into a leave; what is None or empty stays as it is."""
    for name in Steps.__dataclass_fields__:
        if getattr(steps, name):
            setattr(row, name, getattr(steps, name))


def permit(refused: Refusal | None) -> None:
    """Refuse who may not do it (403); what is only missing is said beside its field (422)."""
    if refused is not None and refused.field in ("", "person"):
        raise NotAllowedError(said(refused))
    refuse(refused)


def _refuse_all(found: list[Refusal]) -> None:
    if found:
        faults = tuple(FieldFault(one.field, said(one)) for one in found)
        raise InvalidInputError(say("；").join(one.message for one in faults), faults)


def _must_direct(leave: Leave) -> None:
    if not leave.is_director:
        refuse(Refusal("delegate", "第五条：只有局长外出须委托副局长主持工作，这一项请留空"))


async def _own(session: Session, actor: Actor, leave_id: int) -> LeaveReport:
    row = await mine(session, actor, leave_id, lock=True)
    if not actor.may("leave:approve"):
        permit(filing_refusal(actor, row.person_id, row.unit_id))
    return row


async def open_one(session: Session, actor: Actor, leave_id: int) -> LeaveReport:
    """Return a leave that the caller may change, locked.

    Raises:
        NotFoundError: there is none for this caller.
        NotAllowedError: the caller may not change it.
        ConflictError: it is over.
    """
    row = await _own(session, actor, leave_id)
    if row.state not in ("requested", "approved"):
        raise ConflictError(say("这项请假已经办结，不能再改"))
    return row


async def _as_asked(session: Session, person: Person, asked: Report, steps: Steps, now: datetime) -> Leave:
    return Leave(
        is_director=await effects.is_director(session, person, now),
        away=asked.away,
        starts_at=asked.starts_at,
        ends_at=asked.ends_at,
        requested_at=now,
        reason=asked.reason,
        place=asked.place,
        urgent=asked.urgent,
        phone_reported_at=asked.phone_reported_at,
        phone_reported_to=asked.phone_reported_to,
        written_at=steps.written_at,
    )


async def _refuse_delegate(
    session: Session, person_id: int, applicant_id: int, start: datetime, end: datetime, cause: str
) -> None:
    chosen = await people.person(session, person_id)
    await lock_person(session, chosen.id)
    fact = await effects.delegate_fact(session, chosen, start, end, cause)
    refuse(delegate_refusal(fact, applicant_id))

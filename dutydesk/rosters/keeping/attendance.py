"""Signing in at the start of a turn (到岗签到): at the desk, by the rotating code, or noted by hand with a reason."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from dutydesk.accounts.model import SignInFailure
from dutydesk.accounts.queries import failures_since, forget_failures
from dutydesk.accounts.rules import WINDOW, Actor, wait_until
from dutydesk.audit.actions import record
from dutydesk.db import Session
from dutydesk.errors import ConflictError, FieldFault, InvalidInputError, NotAllowedError, NotFoundError
from dutydesk.people.queries import units_by_id
from dutydesk.rosters.keeping import queries
from dutydesk.rosters.keeping.reminders import settle_sign_in, turn_of
from dutydesk.rosters.model import Attendance, Shift
from dutydesk.rosters.queries import shift_fact
from dutydesk.rosters.rules import AttendanceHow
from dutydesk.rosters.rules.codes import code_at, is_right
from dutydesk.rosters.rules.reminding import sits_on
from dutydesk.web.languages import say
from dutydesk.web.site import Site

# Where wrong codes are counted, beside the failed sign-ins of the pages.
_ADDRESS = "duty code"
_LONGEST_NOTE = 200


@dataclass(frozen=True, slots=True)
class SignedIn:
    """What signing in brought: who is there, from when, and how late."""

    attendance: Attendance
    late_seconds: int


class WrongCodeError(InvalidInputError):
    """The code was wrong. The failure is kept: whoever guesses must wait, so nothing may be rolled back for it."""


def present_code(site: Site, now: datetime) -> str:
    """Return the code the duty room shows now."""
    return code_at(site.signing_key, now)


async def check_code(site: Site, now: datetime, actor: Actor, typed: str) -> None:
    """Check the rotating code somebody typed, in a transaction of its own: a wrong one is counted.

    Raises:
        ConflictError: too many wrong codes lately; says how long to wait.
        WrongCodeError: the code is neither this minute's nor the last one's.
    """
    login = f"account:{actor.account_id}"
    async with site.db.write() as session:
        failed = await failures_since(session, now - WINDOW, _ADDRESS, login)
        until = wait_until(failed, (), now)
        if until is not None:
            seconds = int((until - now).total_seconds()) + 1
            message = say("到岗码多次有误，请{seconds}秒后再试，或请值班室登记", seconds=seconds)
            raise ConflictError(message)
        right = is_right(site.signing_key, typed.strip(), now)
        if right:
            await forget_failures(session, login, _ADDRESS)
        else:
            session.add(SignInFailure(login=login, address=_ADDRESS, at=now))
            record(session, now, actor.name, "attendance.wrong_code", f"person:{actor.person_id}")
    if not right:
        sentence = "到岗码不对，请看值班室屏幕上的六位数字"
        raise WrongCodeError(sentence, (FieldFault("code", sentence),))


async def sign_in(
    session: Session,
    site: Site,
    now: datetime,
    actor: Actor,
    shift_id: int,
    *,
    how: AttendanceHow,
    at: datetime | None = None,
    note: str = "",
) -> SignedIn:
    """Note that whoever really sits on a shift is there, which ends the duty to sign in (rule 48.2).

    ``desk``: on the bureau's own shifts, by whoever uses the desk's screen. ``code``: by the person
    themself, after :func:`check_code`. ``by_hand``: by the desk or the office, with a reason, and with
    *at* where it was earlier.

    Raises:
        NotFoundError: there is no such shift.
        NotAllowedError: the actor may not sign in for it in this way.
        ConflictError: it is too early, the shift is over, nobody sits there, or they signed in before.
        InvalidInputError: an entry by hand without a reason, or at an impossible time.
    """
    shift, found = await _found(session, now, actor, shift_id)
    when = _moment(site, now, shift, at if how == "by_hand" else None)
    if how == "by_hand" and not note.strip():
        raise _invalid("note", "请填写原因")
    signed = (await queries.attendances_of(session, [shift_id])).get(shift_id, [])
    person_id = _whoever(shift, found, signed, when)
    await _check_may(session, actor, shift, person_id, how)
    row = Attendance(
        shift_id=shift_id,
        person_id=person_id,
        kind="in",
        how=how,
        at=when,
        recorded_at=now,
        recorded_by=actor.name,
        note=note.strip()[:_LONGEST_NOTE],
    )
    session.add(row)
    await session.flush()
    turn = turn_of(shift, found, (), [*signed, row], now)
    await settle_sign_in(session, site, now, shift, turn)
    late = max(0, int((when - shift.starts_at).total_seconds()))
    record(
        session,
        now,
        actor.name,
        "attendance.signed_in",
        f"shift:{shift_id}",
        person=person_id,
        how=how,
        at=when.isoformat(),
        late_seconds=late,
        note=row.note,
    )
    return SignedIn(row, late)


async def _found(
    session: Session, now: datetime, actor: Actor, shift_id: int
) -> tuple[Shift, queries.Sitting]:
    """Return a shift that the actor may see, locked, with who really sits on it."""
    shift = await queries.locked_shift(session, shift_id)
    missing = f"there is no shift {shift_id}"
    if shift is None or shift.state != "published":
        raise NotFoundError(missing)
    found = await queries.sitting_on(session, [shift])
    # A unit contact may serve in another unit: then the turn is theirs, and nothing else there is.
    own = actor.person_id is not None and actor.person_id == sits_on(shift_fact(shift), found.rows, now)
    if not actor.sees_unit(shift.unit_id) and not own:
        raise NotFoundError(missing)
    return shift, found


def _whoever(shift: Shift, found: queries.Sitting, signed: Sequence[Attendance], when: datetime) -> int:
    """Return who sits there and has not signed in yet."""
    person_id = sits_on(shift_fact(shift), found.rows, when)
    if person_id is None:
        message = "这个席位目前无人，请先安排人员"
        raise ConflictError(message)
    if any(one.kind == "in" and one.person_id == person_id for one in signed):
        message = say("{name}已经签到", name=found.persons[person_id].name)
        raise ConflictError(message)
    return person_id


def _moment(site: Site, now: datetime, shift: Shift, at: datetime | None) -> datetime:
    early = site.rulebook.rosters.sign_in_early
    opens = shift.starts_at - early
    if now < opens:
        minutes = int(early.total_seconds()) // 60
        message = say("到岗签到最早在班前{minutes}分钟", minutes=minutes)
        raise ConflictError(message)
    if now >= shift.ends_at and at is None:
        message = "这一班已经结束，请由值班室补登并说明原因"
        raise ConflictError(message)
    when = at or now
    if when > now:
        raise _invalid("at", "不能晚于现在")
    if not opens <= when < shift.ends_at:
        raise _invalid("at", "应在班前允许签到的时间与下班之间")
    return when


async def _check_may(
    session: Session, actor: Actor, shift: Shift, person_id: int, how: AttendanceHow
) -> None:
    if how == "desk":
        unit = (await units_by_id(session, [shift.unit_id]))[shift.unit_id]
        allowed = unit.kind == "desk" and actor.may("desk:use")
    elif how == "code":
        allowed = actor.person_id == person_id
    else:
        allowed = actor.may("desk:use") or actor.may("roster:write")
    if not allowed:
        message = "只能由本人凭到岗码签到，或请值班室登记"
        raise NotAllowedError(message)


def _invalid(field: str, sentence: str) -> InvalidInputError:
    return InvalidInputError(f"{field}: {sentence}", (FieldFault(field, sentence),))

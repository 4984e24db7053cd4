"""Telling people of their turns, and asking for their sign-in: what is due of published shifts, in the caller's transaction.

Every look starts from how things stand, so a late one, a second one and one after a change of holder all
end in the same.
"""

from collections.abc import Sequence
from datetime import datetime

from dutydesk.accounts.rules import Actor
from dutydesk.alerts import queries as alert_queries
from dutydesk.alerts.actions import acknowledge, alarm_desk, cancel_for, take_back
from dutydesk.alerts.model import AcknowledgementKind, Alert
from dutydesk.db import Session
from dutydesk.errors import ConflictError
from dutydesk.obligations.owings import Owing, settle_owings
from dutydesk.people.queries import people_by_id, units_by_id
from dutydesk.rosters.keeping import queries
from dutydesk.rosters.model import Attendance, Shift
from dutydesk.rosters.notices import SEAT_WORDS, Kind, shift_notice, subject_of
from dutydesk.rosters.queries import shift_fact
from dutydesk.rosters.rules.holes import day_word
from dutydesk.rosters.rules.reminding import Moments, Turn, moments_of, next_look, sits_on, stage_of
from dutydesk.rulebook.types import Channel
from dutydesk.web.site import Site

ACTOR = "clockwork"
SIGN_IN_RULE = "48.2"
# What is only of use to whoever sits there; that a turn has changed hands is told to the other one, too.
_FOR_THE_HOLDER = frozenset({"shift_tomorrow", "shift_soon"})


async def look_after(session: Session, site: Site, now: datetime, shifts: Sequence[Shift]) -> None:
    """Tell whoever really sits on these shifts what is due, ask for sign-ins, and take back what is over."""
    subjects = {subject_of(one.id or 0): one.id or 0 for one in shifts}
    told: dict[int, list[Alert]] = {}
    for row in await alert_queries.alerts_about(session, subjects.keys()):
        told.setdefault(subjects[row.subject], []).append(row)
    found = await queries.sitting_on(session, [one for one in shifts if one.state == "published"])
    signed = await queries.attendances_of(session, subjects.values())
    for shift in shifts:
        mine = told.get(shift.id or 0, [])
        if shift.state != "published":
            # Cancelled, or a draft again: whatever was on its way about it is not wanted.
            await take_back(
                session, now, [one for one in mine if one.wording in _FOR_THE_HOLDER], "SHIFT_OVER"
            )
            await settle_sign_in(session, site, now, shift, None)
            shift.next_action_at = None
            continue
        turn = turn_of(shift, found, mine, signed.get(shift.id or 0, ()), now)
        await _look(session, site, now, shift, turn, mine)


def turn_of(
    shift: Shift, found: queries.Sitting, told: Sequence[Alert], signed: Sequence[Attendance], now: datetime
) -> Turn:
    """Return a shift as it stands: who really sits there, whether they confirmed and signed in."""
    fact = shift_fact(shift)
    counted = [
        one.at for one in signed if one.kind == "in" and one.person_id == sits_on(fact, found.rows, one.at)
    ]
    return Turn(
        starts_at=shift.starts_at,
        ends_at=shift.ends_at,
        seat=shift.seat,
        mode=shift.mode,
        signs_in=shift.signs_in,
        person_id=sits_on(fact, found.rows, now),
        confirmed_by=frozenset(
            one.person_id for one in told if one.acknowledged_at is not None and one.person_id is not None
        ),
        signed_in_at=min(counted, default=None),
    )


async def _look(
    session: Session, site: Site, now: datetime, shift: Shift, turn: Turn, told: Sequence[Alert]
) -> None:
    at = moments_of(shift.starts_at, shift.ends_at, site.rulebook.rosters, site.zone)
    stage = stage_of(at, now)
    over = stage in ("running", "over")
    moot = [
        one for one in told if over or (one.wording in _FOR_THE_HOLDER and one.person_id != turn.person_id)
    ]
    await take_back(session, now, moot, "SHIFT_OVER")
    if stage in ("day_before", "soon") and turn.person_id is not None:
        await _tell(session, site, now, shift, turn, at, told)
    if shift.signs_in:
        asked = now >= at.hour_before and stage != "over"
        await settle_sign_in(session, site, now, shift, turn if asked else None)
    shift.next_action_at = next_look(at, turn, now)


async def _tell(
    session: Session,
    site: Site,
    now: datetime,
    shift: Shift,
    turn: Turn,
    at: Moments,
    told: Sequence[Alert],
) -> None:
    person_id = turn.person_id or 0
    notices: list[tuple[Kind, Channel]] = []
    if now < at.hour_before:
        # Tomorrow's turn; for one of today the message would name the wrong day.
        if now.astimezone(site.zone).date() < shift.starts_at.astimezone(site.zone).date():
            notices = [("tomorrow", "sms")]
    else:
        notices = [("soon", "sms")]
        if turn.is_rung_for and not turn.confirmed:
            if now < at.rings_until:
                notices.append(("soon", "voice"))
            else:
                await _not_answered(session, now, shift, person_id, told)
    # A change of another part of the turn is no reason to say the same again.
    said = {
        (one.wording, one.channel) for one in told if one.person_id == person_id and one.state != "cancelled"
    }
    rows = [
        shift_notice(now, shift, person_id, kind, site.zone, channel)
        for kind, channel in notices
        if (f"shift_{kind}", channel) not in said
    ]
    await alert_queries.add_alerts(session, rows)


async def _not_answered(
    session: Session, now: datetime, shift: Shift, person_id: int, told: Sequence[Alert]
) -> None:
    """Stop ringing for a turn nobody has confirmed: the number's budget is the clocks'; the desk asks by hand."""
    calls = [one for one in told if one.channel == "voice" and one.person_id == person_id]
    if not any(one.state in alert_queries.ALIVE and one.acknowledged_at is None for one in calls):
        return
    await take_back(session, now, calls, "NO_KEY_PRESSED")
    people = await people_by_id(session, [person_id])
    units = await units_by_id(session, [shift.unit_id])
    await alarm_desk(
        session,
        now,
        about=subject_of(shift.id or 0),
        wording="shift_unanswered",
        reason="SHIFT_REMINDER",
        params={
            "name": people[person_id].name,
            "unit": units[shift.unit_id].short_name,
            "seat": SEAT_WORDS[shift.seat],
        },
    )


async def settle_sign_in(
    session: Session, site: Site, now: datetime, shift: Shift, turn: Turn | None
) -> None:
    """Bring the duty to sign in for a shift in line: owed by whoever really sits there; without *turn* by nobody.

    An empty seat owes no sign-in: its hole has an obligation of its own.
    """
    subject = f"sign-in/{shift.id}"
    wanted: list[Owing] = []
    done: dict[str, datetime] = {}
    if turn is not None and turn.signed_in_at is not None:
        done[subject] = turn.signed_in_at
    elif turn is not None and turn.person_id is not None:
        wanted.append(
            Owing(
                subject=subject,
                rule_id=SIGN_IN_RULE,
                number=f"{day_word(shift.starts_at, site.zone)}{SEAT_WORDS[shift.seat]}",
                unit_id=shift.unit_id,
                base_at=shift.starts_at,
                person_id=turn.person_id,
            )
        )
    settled = await settle_owings(session, site, now, ACTOR, subject, wanted, done, gone="SHIFT_OVER")
    await cancel_for(session, now, settled.cancel)


async def confirm(
    session: Session,
    now: datetime,
    actor: Actor,
    shift: Shift,
    person_id: int,
    *,
    kind: AcknowledgementKind = "page",
    how: str = "本人点击确认",
    who: str = "",
) -> int:
    """Take somebody's word that they know of their turn, exactly as a key on the phone; return what it confirmed.

    Raises:
        ConflictError: when that person was told nothing yet that could be confirmed.
    """
    rows = [
        one
        for one in await alert_queries.alerts_about(session, [subject_of(shift.id or 0)])
        if one.person_id == person_id and one.channel != "screen"
    ]
    if any(one.acknowledged_at is not None for one in rows):
        return 0
    fresh = [one for one in rows if one.state in alert_queries.ALIVE]
    if not fresh:
        message = "这一班次还没有发出提醒，不需要确认"
        raise ConflictError(message)
    return await acknowledge(
        session,
        now,
        fresh,
        kind=kind,
        at=now,
        who=who or actor.name,
        how=how,
        recorded_by=actor.name,
    )

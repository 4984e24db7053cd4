"""What happens to an attempt and its alerts when something becomes known. Attempts only move forward."""

from datetime import datetime, timedelta

from dutydesk.alerts import queries
from dutydesk.alerts.actions import alarm_desk, give_up_turn
from dutydesk.alerts.check_rules import CAUSE
from dutydesk.alerts.model import Alert, Attempt, Outcome
from dutydesk.alerts.providers.types import Status
from dutydesk.alerts.rules import FAILURE_CLASSES, OUR_SIDE, moves_forward
from dutydesk.db import Session
from dutydesk.people.actions import disable_contact
from dutydesk.people.queries import people_by_id

# An answered call whose words are not fetched by then cannot reach our address (design §6).
FETCH_WITHIN = timedelta(seconds=5)
_CARRYING = ("sending", "accepted", "sent", "delivered")


async def accept(
    session: Session, attempt: Attempt, now: datetime, reference: str | None, ask_at: datetime
) -> None:
    """The provider has taken it: keep its reference; the state moves only if nothing newer is known."""
    if attempt.reference is None:
        attempt.reference = reference
    if not moves_forward(attempt.state, "accepted"):
        return
    attempt.state, attempt.accepted_at, attempt.outcome_due_at = "accepted", now, ask_at
    for row in await _carried(session, attempt):
        if row.state == "sending":
            row.state = "accepted"
        elif row.state == "cancelled":
            # It was taken back while the request was under way: a ringing call is cancelled at once.
            attempt.outcome_due_at = now


async def apply_status(session: Session, attempt: Attempt, now: datetime, status: Status) -> bool:
    """Move an attempt on to what the provider says; tell whether that changed anything."""
    if attempt.ended_at is not None or not moves_forward(attempt.state, status.state):
        return False
    attempt.error_code = status.code or attempt.error_code
    attempt.error_text = status.text or attempt.error_text
    if attempt.channel == "sms":
        await _sms(session, attempt, now, status)
    else:
        await _call(session, attempt, now, status)
    return True


async def _sms(session: Session, attempt: Attempt, now: datetime, status: Status) -> None:
    if status.state == "failed":
        kind = FAILURE_CLASSES.get(status.code or "", "transient")
        if kind in ("contact", "no_sms"):
            await refuse_number(session, attempt, now, whole=kind == "contact")
        else:
            await end_attempt(session, attempt, now, "undelivered")
        return
    attempt.state = "delivered" if status.state == "delivered" else "sent"
    if status.state == "delivered":
        attempt.ended_at, attempt.outcome, attempt.live = now, "delivered", False
        attempt.outcome_due_at = None
    for row in await _carried(session, attempt):
        if row.state in _CARRYING:
            row.state = "delivered" if status.state == "delivered" else "sent"


async def _call(session: Session, attempt: Attempt, now: datetime, status: Status) -> None:
    match status.state:
        case "completed" if attempt.answered_at is not None and attempt.twiml_at is None:
            # Somebody answered and heard nothing of ours: no contact is blamed, nobody else is called for it.
            await alarm_desk(
                session, now, about="callback", wording="callback_unreachable", reason="CALLBACK_UNREACHABLE"
            )
            await end_attempt(session, attempt, now, "our_fault", state=status.state)
        case "completed" | "failed":
            outcome: Outcome = "no_key" if attempt.outcome is None else attempt.outcome
            carried = await _carried(session, attempt)
            if (
                outcome == "no_key"
                and attempt.answered_at is None
                and carried
                and all(row.state == "cancelled" for row in carried)
            ):
                # We took the call back while it rang: that is nobody's silence.
                outcome = "cancelled"
            await end_attempt(session, attempt, now, outcome, state=status.state)
        case "answered":
            attempt.state = "answered"
            attempt.answered_at = attempt.answered_at or now
            if attempt.twiml_at is None:
                attempt.outcome_due_at = now + FETCH_WITHIN
        case "ringing":
            attempt.state = "ringing"
        case _:
            attempt.state = "accepted"


async def end_attempt(
    session: Session, attempt: Attempt, now: datetime, outcome: Outcome, *, state: str = "failed"
) -> None:
    """Close an attempt and let whatever it carried and is still wanted be tried again.

    Only a key press proves a human: every other end of a call brings the alert back to the queue.
    """
    attempt.state = "completed" if state == "completed" else "failed"
    attempt.outcome = outcome
    attempt.ended_at = now
    attempt.live = False
    attempt.outcome_due_at = None
    # The unique index allows one live call per number: say so before anything else is bound.
    await session.flush()
    carried = await queries.alerts_carried(session, attempt.id or 0, lock=True)
    settled = await queries.moot(session, carried)
    for row in carried:
        if row.id in settled and row.channel == "voice" and row.acknowledged_at is None:
            row.state, row.next_try_at = "cancelled", None
            row.cancelled_at, row.cancel_reason = now, row.cancel_reason or "SUPERSEDED"
        elif row.cause == CAUSE and row.channel == "voice" and outcome not in OUR_SIDE:
            # Nobody is rung again and again to ask whether the number is right.
            row.state = "failed" if attempt.answered_at is None else "delivered"
            row.next_try_at = row.token = row.lease_until = None
        elif row.state in _CARRYING and row.acknowledged_at is None:
            row.state, row.next_try_at = "queued", now
            row.token = row.lease_until = None
            if outcome == "unknown":
                row.resend = True
            if outcome == "passed_on":
                await give_up_turn(session, row, now, "PASSED_ON")
    if attempt.channel == "voice":
        for row in carried:
            await queries.try_now(session, row.recipient, "voice", now)
    if outcome in OUR_SIDE and outcome != "our_fault":
        await alarm_desk(
            session, now, about=attempt.provider, wording="provider_fault", reason="PROVIDER_FAILED"
        )


async def refuse_number(session: Session, attempt: Attempt, now: datetime, *, whole: bool) -> None:
    """The number is bad: mark it where it is bad for everything, show it to the desk, go on with the next."""
    if whole and attempt.contact_id is not None:
        await disable_contact(
            session, now, attempt.provider, attempt.contact_id, f"{attempt.error_code}: {attempt.error_text}"
        )
    people = await people_by_id(session, [] if attempt.person_id is None else [attempt.person_id])
    name = people[attempt.person_id].name if attempt.person_id in people else attempt.to_number[-4:]
    await alarm_desk(
        session,
        now,
        about=attempt.to_number,
        wording="number_unusable",
        reason="NUMBER_UNUSABLE",
        params={"name": name},
    )
    await end_attempt(session, attempt, now, "contact_fault")


async def _carried(session: Session, attempt: Attempt) -> list[Alert]:
    return await queries.alerts_carried(session, attempt.id or 0)

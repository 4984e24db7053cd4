"""What a person decides about a duty: done, waived, taken over. In the caller's transaction."""

from datetime import datetime

from dutydesk.accounts.rules import Actor
from dutydesk.alerts.actions import cancel_for
from dutydesk.db import Session
from dutydesk.errors import ConflictError, InvalidInputError
from dutydesk.obligations import actions as owed
from dutydesk.obligations import queries as owed_queries
from dutydesk.obligations.model import OWED, Obligation


async def fulfil_by_entry(
    session: Session, now: datetime, actor: Actor, row: Obligation, at: datetime, how: str
) -> None:
    """Record by hand that a duty was done which no report and no key can prove.

    Raises:
        ConflictError: when its evidence is a report or a key, or nothing is owed.
        InvalidInputError: when *at* lies in the future or before its base.
    """
    if row.evidence != "entry":
        message = f"obligation {row.id} is fulfilled by {row.evidence}, not by an entry"
        raise ConflictError(message)
    if row.state not in OWED:
        message = f"obligation {row.id} is {row.state}"
        raise ConflictError(message)
    if at > now or at < row.base_at:
        message = "at: must lie between the base of the clock and now"
        raise InvalidInputError(message)
    doubt = await owed_queries.clock_in_doubt(session)
    await owed.fulfil(session, now, actor.name, row, at, cause=f"ENTRY:{how}"[:200], doubt=doubt)
    await cancel_for(session, now, {row.id or 0: "ALREADY_REPORTED"})


async def waive(session: Session, now: datetime, actor: Actor, row: Obligation, reason: str) -> None:
    """Free somebody from a duty, with a reason.

    Raises:
        ConflictError: when nothing is owed.
    """
    await owed.close(session, now, actor.name, row, "waived", "WAIVED", reason)
    await cancel_for(session, now, {row.id or 0: "WAIVED"})


async def take_over(
    session: Session,
    now: datetime,
    actor: Actor,
    row: Obligation,
    who: str,
    reason: str,
    next_check_at: datetime,
) -> None:
    """Let a named person answer for a duty: the calls under way end, the ladder goes on at its next rung.

    Raises:
        ConflictError: when nothing is owed or the time is not ahead.
    """
    await owed.take_over(session, now, actor.name, row, who, reason, next_check_at)
    await cancel_for(session, now, {row.id or 0: "TAKEN_OVER"})

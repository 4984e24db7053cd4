"""The SQL of number checks, and of the numbers that failed lately."""

from collections.abc import Collection
from datetime import datetime

from sqlmodel import col, select

from dutydesk.alerts.check_rules import CAUSE, FAILED_FOR, FAILING, TELLING, Asked, Tried, failed_numbers
from dutydesk.alerts.model import Alert, Attempt, AttemptItem
from dutydesk.alerts.queries import ALIVE
from dutydesk.db import Session
from dutydesk.errors import NotFoundError
from dutydesk.people.model import ContactCheck


def asked_of(row: ContactCheck) -> Asked:
    """Return a check as a fact."""
    return Asked(row.code, row.method, row.expires_at, row.tries, row.closed_at is not None)


def result_of(row: ContactCheck, now: datetime) -> str:
    """Return how a check ended, or nothing while it runs; one nobody answered has expired by itself."""
    if row.closed_at is not None:
        return row.result or "expired"
    return "expired" if now >= row.expires_at else ""


async def checks_of(session: Session, contact_id: int, limit: int = 10) -> list[ContactCheck]:
    """Return the latest checks of a number, newest first."""
    row = ContactCheck
    found = await session.exec(
        select(row).where(col(row.contact_id) == contact_id).order_by(col(row.id).desc()).limit(limit)
    )
    return list(found)


async def open_checks(session: Session, contact_id: int) -> list[ContactCheck]:
    """Return the checks of a number that nobody has closed, locked."""
    row = ContactCheck
    found = await session.exec(
        select(row).where(col(row.contact_id) == contact_id, col(row.closed_at).is_(None)).with_for_update()
    )
    return list(found)


async def check(session: Session, check_id: int, *, lock: bool = False) -> ContactCheck:
    """Return a check.

    Raises:
        NotFoundError: when there is none with this id.
    """
    wanted = select(ContactCheck).where(col(ContactCheck.id) == check_id)
    if lock:
        wanted = wanted.with_for_update().execution_options(populate_existing=True)
    row = (await session.exec(wanted)).first()
    if row is None:
        raise NotFoundError(f"there is no number check {check_id}")
    return row


async def alerts_of(session: Session, check_id: int) -> list[Alert]:
    """Return what was sent for a check."""
    keys = [key_of(check_id, channel) for channel in ("sms", "voice")]
    return list(await session.exec(select(Alert).where(col(Alert.unique_key).in_(keys))))


def key_of(check_id: int, channel: str) -> str:
    """Return the key of what goes out for a check by one channel."""
    return f"check/{check_id}/{channel}"


async def attempts_of(session: Session, alert_ids: Collection[int]) -> dict[int, list[Attempt]]:
    """Return the attempts at these alerts, oldest first."""
    found = await session.exec(
        select(col(AttemptItem.alert_id), Attempt)
        .join(Attempt, col(Attempt.id) == col(AttemptItem.attempt_id))
        .where(col(AttemptItem.alert_id).in_(alert_ids))
        .order_by(col(Attempt.id))
    )
    made: dict[int, list[Attempt]] = {}
    for alert_id, attempt in found:
        made.setdefault(alert_id, []).append(attempt)
    return made


async def over(session: Session, rows: Collection[Alert], now: datetime) -> set[int]:
    """Return the ids of alerts that belong to a check which is closed or expired: nobody needs its code."""
    asked = {row.id or 0: int(row.params.get("check", 0)) for row in rows if row.cause == CAUSE}
    if not asked:
        return set()
    found = await session.exec(
        select(col(ContactCheck.id)).where(
            col(ContactCheck.id).in_(set(asked.values())),
            col(ContactCheck.closed_at).is_(None),
            col(ContactCheck.expires_at) > now,
        )
    )
    running = set(found)
    return {alert_id for alert_id, check_id in asked.items() if check_id not in running}


async def unsent_for(session: Session, subject: str) -> list[Alert]:
    """Return what was queued for the checks of a number and may still go out."""
    found = await session.exec(
        select(Alert).where(
            col(Alert.subject) == subject,
            col(Alert.cause) == CAUSE,
            col(Alert.state).in_(ALIVE),
            col(Alert.acknowledged_at).is_(None),
        )
    )
    return list(found)


async def numbers_that_failed(session: Session, now: datetime) -> dict[str, Tried]:
    """Return the numbers that failed within a month and did not work since, with the attempt that says so."""
    since = now - FAILED_FOR
    row = Attempt
    bad = await session.exec(
        select(col(row.to_number))
        .where(col(row.claimed_at) > since, col(row.outcome).in_(FAILING), col(row.channel) != "screen")
        .distinct()
    )
    numbers = list(bad)
    if not numbers:
        return {}
    found = await session.exec(
        select(col(row.to_number), col(row.channel), col(row.outcome), col(row.claimed_at)).where(
            col(row.to_number).in_(numbers), col(row.claimed_at) > since, col(row.outcome).in_(TELLING)
        )
    )
    tried = [
        Tried(number, channel, outcome, at) for number, channel, outcome, at in found if outcome is not None
    ]
    return failed_numbers(tried, now)

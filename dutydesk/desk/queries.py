"""The SQL of the board."""

from collections.abc import Collection

from sqlmodel import col, or_, select

from dutydesk.alerts.model import Acknowledgement, Alert, Attempt, AttemptItem
from dutydesk.alerts.queries import Told
from dutydesk.db import Session
from dutydesk.incidents.model import Incident
from dutydesk.obligations.model import OWED, Obligation


async def incidents_on_board(session: Session, limit: int) -> list[Incident]:
    """Return the incidents that somebody is dealing with or that still owe something, newest first."""
    owing = select(col(Obligation.incident_id)).where(col(Obligation.state).in_(OWED))
    found = await session.exec(
        select(Incident)
        .where(or_(col(Incident.state) == "open", col(Incident.id).in_(owing)))
        .order_by(col(Incident.id).desc())
        .limit(limit)
    )
    return list(found)


async def obligations_of_incidents(session: Session, incident_ids: Collection[int]) -> list[Obligation]:
    """Return the obligations of these incidents in the order they were opened."""
    found = await session.exec(
        select(Obligation).where(col(Obligation.incident_id).in_(incident_ids)).order_by(col(Obligation.id))
    )
    return list(found)


async def latest_told(session: Session, obligation_ids: Collection[int], limit: int) -> list[Told]:
    """Return the newest messages to people about these obligations, oldest first, with what became of them."""
    wanted = (
        select(Alert)
        .where(col(Alert.obligation_id).in_(obligation_ids), col(Alert.channel) != "screen")
        .order_by(col(Alert.id).desc())
        .limit(limit)
    )
    alerts = list(await session.exec(wanted))[::-1]
    ids = [row.id for row in alerts]
    attempts: dict[int, list[Attempt]] = {}
    for alert_id, attempt in await session.exec(
        select(col(AttemptItem.alert_id), Attempt)
        .join(Attempt, col(Attempt.id) == col(AttemptItem.attempt_id))
        .where(col(AttemptItem.alert_id).in_(ids))
        .order_by(col(Attempt.id))
    ):
        attempts.setdefault(alert_id, []).append(attempt)
    proofs: dict[int, list[Acknowledgement]] = {}
    for row in await session.exec(
        select(Acknowledgement)
        .where(col(Acknowledgement.alert_id).in_(ids))
        .order_by(col(Acknowledgement.id))
    ):
        proofs.setdefault(row.alert_id, []).append(row)
    return [
        Told(row, tuple(attempts.get(row.id or 0, ())), tuple(proofs.get(row.id or 0, ()))) for row in alerts
    ]

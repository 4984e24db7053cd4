"""The SQL of the board, the wall screen and the leaders' page."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

# SQLModel types at most four columns of a select.
from sqlalchemy import select as columns
from sqlmodel import col, func, or_, select

from dutydesk.accounts.model import Account, SignIn
from dutydesk.accounts.rules import Role
from dutydesk.alerts.model import Acknowledgement, Alert, Attempt, AttemptItem
from dutydesk.alerts.queries import ALIVE, Told
from dutydesk.db import Session
from dutydesk.incidents.model import Incident, IncidentChange, Report
from dutydesk.obligations.model import OWED, NoReport, Obligation, Rung
from dutydesk.people.model import Person


async def incidents_on_board(session: Session, limit: int) -> list[Incident]:
    """Return the incidents that somebody is dealing with or that still owe something, the most urgent first.

    What is real comes before drills, then what is due next; without a clock the newest first.
    """
    owing = select(col(Obligation.incident_id)).where(col(Obligation.state).in_(OWED))
    earliest = (
        select(func.min(col(Obligation.due_at)))
        .where(col(Obligation.incident_id) == col(Incident.id), col(Obligation.state).in_(OWED))
        .scalar_subquery()
    )
    found = await session.exec(
        select(Incident)
        .where(or_(col(Incident.state) == "open", col(Incident.id).in_(owing)))
        .order_by(col(Incident.drill), earliest.asc().nulls_last(), col(Incident.id).desc())
        .limit(limit)
    )
    return list(found)


async def count_overdue(session: Session) -> int:
    """Count the reports that are not in although they are due, whether a board has room for them or not."""
    wanted = (
        select(func.count())
        .select_from(Obligation)
        .where(col(Obligation.state) == "breached", col(Obligation.incident_id).is_not(None))
    )
    return int((await session.exec(wanted)).one())


async def count_owings(session: Session) -> tuple[int, int]:
    """Count what is owed without an incident, and what of it is overdue."""
    found = await session.exec(
        select(col(Obligation.state), func.count())
        .where(col(Obligation.state).in_(OWED), col(Obligation.incident_id).is_(None))
        .group_by(col(Obligation.state))
    )
    counts = dict(found.all())
    return sum(counts.values()), counts.get("breached", 0)


async def owings_on_board(session: Session, limit: int) -> list[Obligation]:
    """Return what is owed without an incident, the earliest due time first."""
    found = await session.exec(
        select(Obligation)
        .where(col(Obligation.state).in_(OWED), col(Obligation.incident_id).is_(None))
        .order_by(col(Obligation.due_at).asc().nulls_last(), col(Obligation.id))
        .limit(limit)
    )
    return list(found)


async def obligations_of_incidents(session: Session, incident_ids: Collection[int]) -> list[Obligation]:
    """Return the obligations of these incidents in the order they were opened."""
    found = await session.exec(
        select(Obligation).where(col(Obligation.incident_id).in_(incident_ids)).order_by(col(Obligation.id))
    )
    return list(found)


async def rungs_in_force(session: Session, obligation_ids: Collection[int]) -> list[Rung]:
    """Return the rungs of the present due times of these obligations, in the order they come."""
    found = await session.exec(
        select(Rung)
        .join(
            Obligation,
            (col(Obligation.id) == col(Rung.obligation_id))
            & (col(Obligation.due_version) == col(Rung.due_version)),
        )
        .where(col(Rung.obligation_id).in_(obligation_ids))
        .order_by(col(Rung.at), col(Rung.id))
    )
    return list(found)


async def latest_told(session: Session, obligation_ids: Collection[int], limit: int) -> list[Told]:
    """Return the newest messages to people about each of these obligations, oldest first, with what became of them.

    The limit is each one's own: what rings all night takes no line from its neighbours.
    """
    place = func.row_number().over(partition_by=col(Alert.obligation_id), order_by=col(Alert.id).desc())
    newest = (
        select(col(Alert.id), place.label("place"))
        .where(col(Alert.obligation_id).in_(obligation_ids), col(Alert.channel) != "screen")
        .subquery()
    )
    wanted = select(Alert).join(newest, newest.c.id == col(Alert.id)).where(newest.c.place <= limit)
    return await _with_outcomes(session, list(await session.exec(wanted.order_by(col(Alert.id)))))


async def told_to(session: Session, person_id: int, limit: int) -> list[Told]:
    """Return the newest messages to one person, newest first, with what became of them."""
    wanted = (
        select(Alert).where(col(Alert.person_id) == person_id).order_by(col(Alert.id).desc()).limit(limit)
    )
    return await _with_outcomes(session, list(await session.exec(wanted)))


async def open_told_to(session: Session, person_id: int) -> list[Told]:
    """Return everything one person was told about what still waits for their answer, however long ago."""
    mine = (col(Alert.person_id) == person_id) & col(Alert.acknowledged_at).is_(None)
    waiting = (
        select(col(Obligation.id))
        .join(Alert, col(Alert.obligation_id) == col(Obligation.id))
        .where(
            mine,
            col(Alert.state) != "cancelled",
            col(Alert.due_version) == col(Obligation.due_version),
            col(Obligation.state).in_(OWED),
        )
    )
    alone = mine & col(Alert.obligation_id).is_(None) & col(Alert.state).in_(ALIVE)
    found = await session.exec(
        select(Alert).where(
            col(Alert.person_id) == person_id, or_(alone, col(Alert.obligation_id).in_(waiting))
        )
    )
    return await _with_outcomes(session, list(found))


async def _with_outcomes(session: Session, alerts: Sequence[Alert]) -> list[Told]:
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


async def alerts_to(session: Session, person_id: int, obligation_id: int) -> list[Alert]:
    """Return what one person was told about one obligation, to confirm it; kept until the transaction ends."""
    found = await session.exec(
        select(Alert)
        .where(col(Alert.person_id) == person_id, col(Alert.obligation_id) == obligation_id)
        .order_by(col(Alert.id))
        .with_for_update()
    )
    return list(found)


async def obligations_by_id(session: Session, ids: Collection[int]) -> dict[int, Obligation]:
    """Return these obligations."""
    found = await session.exec(select(Obligation).where(col(Obligation.id).in_(ids)))
    return {row.id or 0: row for row in found}


async def due_between(session: Session, start: datetime, end: datetime, limit: int) -> list[Obligation]:
    """Return what is owed and falls due in that time, the earliest first; with an incident or without."""
    found = await session.exec(
        select(Obligation)
        .where(col(Obligation.state).in_(OWED), col(Obligation.due_at) > start, col(Obligation.due_at) <= end)
        .order_by(col(Obligation.due_at), col(Obligation.id))
        .limit(limit)
    )
    return list(found)


# ---------------------------------------------------------------------------------------------------------------------
# What happened last


# A bureau's reminders of tomorrow's shifts, and their answers, would leave no line for what is owed.
_OF_SOMETHING_OWED = or_(col(Alert.subject) == "", col(Alert.obligation_id).is_not(None))


async def latest_alerts(session: Session, limit: int) -> list[tuple[Alert, str | None]]:
    """Return the newest messages to people, with the name of each."""
    found = await session.exec(
        select(Alert, col(Person.name))
        .join(Person, col(Person.id) == col(Alert.person_id), isouter=True)
        .where(col(Alert.channel) != "screen", _OF_SOMETHING_OWED)
        .order_by(col(Alert.id).desc())
        .limit(limit)
    )
    return list(found.all())


async def latest_proofs(session: Session, limit: int) -> list[tuple[Acknowledgement, Alert, str | None]]:
    """Return the newest acknowledgements with what they confirm and by whom."""
    found = await session.exec(
        select(Acknowledgement, Alert, col(Person.name))
        .join(Alert, col(Alert.id) == col(Acknowledgement.alert_id))
        .join(Person, col(Person.id) == col(Acknowledgement.person_id), isouter=True)
        .where(_OF_SOMETHING_OWED)
        .order_by(col(Acknowledgement.id).desc())
        .limit(limit)
    )
    return list(found.all())


async def latest_missed_calls(session: Session, limit: int) -> list[tuple[Attempt, str | None]]:
    """Return the newest calls that ended without a key, with the name of whoever was called."""
    found = await session.exec(
        select(Attempt, col(Person.name))
        .join(Person, col(Person.id) == col(Attempt.person_id), isouter=True)
        .where(col(Attempt.channel) == "voice", col(Attempt.outcome).in_(("no_key", "passed_on")))
        .order_by(col(Attempt.id).desc())
        .limit(limit)
    )
    return list(found.all())


async def latest_reports(session: Session, limit: int) -> list[tuple[Report, Incident]]:
    """Return the newest reports with their incidents."""
    found = await session.exec(
        select(Report, Incident)
        .join(Incident, col(Incident.id) == col(Report.incident_id))
        .order_by(col(Report.id).desc())
        .limit(limit)
    )
    return list(found.all())


async def latest_changes(session: Session, limit: int) -> list[tuple[IncidentChange, Incident]]:
    """Return the newest changes of incidents, their logging among them."""
    found = await session.exec(
        select(IncidentChange, Incident)
        .join(Incident, col(Incident.id) == col(IncidentChange.incident_id))
        .order_by(col(IncidentChange.id).desc())
        .limit(limit)
    )
    return list(found.all())


async def latest_no_reports(session: Session, limit: int) -> list[tuple[NoReport, Obligation]]:
    """Return the newest due times that passed without a report."""
    found = await session.exec(
        select(NoReport, Obligation)
        .join(Obligation, col(Obligation.id) == col(NoReport.obligation_id))
        .order_by(col(NoReport.id).desc())
        .limit(limit)
    )
    return list(found.all())


async def latest_outcomes(session: Session, limit: int) -> list[tuple[str, str | None, datetime | None]]:
    """Return (provider, outcome, when it ended) of the newest SMS and calls, newest first."""
    found = await session.exec(
        select(col(Attempt.provider), col(Attempt.outcome), col(Attempt.ended_at))
        .where(col(Attempt.channel) != "screen")
        .order_by(col(Attempt.id).desc())
        .limit(limit)
    )
    return list(found.all())


# ---------------------------------------------------------------------------------------------------------------------
# Who looks on


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A sign-in as an open page depends on it; ``closed``: the account is, or must choose a password first."""

    at: datetime
    seen_at: datetime
    ended_at: datetime | None
    role: Role
    closed: bool


async def sign_ins(session: Session, ids: Collection[int]) -> dict[int, SignedIn]:
    """Return how these sign-ins and their accounts stand. Plain columns: it is asked for after every change."""
    wanted: Any = (
        columns(
            col(SignIn.id),
            col(SignIn.at),
            col(SignIn.seen_at),
            col(SignIn.ended_at),
            col(Account.role),
            or_(col(Account.disabled_at).is_not(None), col(Account.must_change)),
        )
        .join(Account, col(Account.id) == col(SignIn.account_id))
        .where(col(SignIn.id).in_(ids))
    )
    return {sign_in_id: SignedIn(*rest) for sign_in_id, *rest in await session.exec(wanted)}

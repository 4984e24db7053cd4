"""Gathers what the ladder decides on: one read of everything for a whole batch, then facts row by row."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from dutydesk.alerts import queries as alert_queries
from dutydesk.alerts.model import Acknowledgement, Alert
from dutydesk.db import Session
from dutydesk.escalation.rules import AlertFact, Facts, RungFact
from dutydesk.escalation.targets import Directory, directory_at, last_resort_recipient
from dutydesk.obligations import queries
from dutydesk.obligations.ladders import ladder_from_json
from dutydesk.obligations.model import Obligation, Rung
from dutydesk.rulebook.types import LadderPlan, Rulebook


@dataclass(frozen=True, slots=True)
class Gathered:
    """Everything read for a batch of obligations."""

    directory: Directory
    rungs: dict[int, list[Rung]]
    alerts: dict[int, list[Alert]]
    acknowledgements: dict[int, list[Acknowledgement]]
    off_seat: set[int]
    noted: set[tuple[int, int]]
    clock_in_doubt: bool


async def gather(
    session: Session, rows: Sequence[Obligation], now: datetime, fallbacks: Mapping[str, Sequence[str]]
) -> Gathered:
    """Read rungs, alerts, acknowledgements and who holds which seat for these obligations."""
    ids = [row.id or 0 for row in rows]
    rungs: dict[int, list[Rung]] = defaultdict(list)
    for rung in await queries.rungs_of(session, ids):
        rungs[rung.obligation_id].append(rung)
    alerts: dict[int, list[Alert]] = defaultdict(list)
    for alert in await alert_queries.alerts_of(session, ids):
        alerts[alert.obligation_id or 0].append(alert)
    acknowledged: dict[int, list[Acknowledgement]] = defaultdict(list)
    confirmed = [one.id or 0 for found in alerts.values() for one in found if one.acknowledged_at]
    for one in await alert_queries.acknowledgements_of(session, confirmed):
        acknowledged[one.alert_id].append(one)
    noted = {(fact.obligation_id, fact.due_version) for fact in await queries.no_reports_of(session, ids)}
    directory = await directory_at(
        session,
        {row.unit_id for row in rows},
        now,
        {row.person_id for row in rows if row.person_id is not None},
    )
    off_seat = {
        alert.id or 0
        for row in rows
        for alert in alerts[row.id or 0]
        for proof in acknowledged.get(alert.id or 0, [])
        if not proof.on_seat or not await _on_seat(session, row, alert, proof, directory, fallbacks)
    }
    doubt = await queries.clock_in_doubt(session)
    return Gathered(directory, rungs, alerts, acknowledged, off_seat, noted, doubt)


async def _on_seat(
    session: Session,
    row: Obligation,
    alert: Alert,
    proof: Acknowledgement,
    now: Directory,
    fallbacks: Mapping[str, Sequence[str]],
) -> bool:
    """Tell whether whoever confirmed is in the target's line, or was when they did.

    A seat may change hands long after its key was pressed, so the roster of that moment decides; it is
    read only for those who are not in line now.
    """
    if alert.person_id is None:
        return True
    line = (alert.target, *fallbacks.get(alert.target, ()))
    if now.names(line, row.unit_id, alert.recipient, row.person_id):
        return True
    then = await directory_at(session, {row.unit_id}, proof.at)
    return then.names(line, row.unit_id, alert.recipient)


def facts_of(row: Obligation, found: Gathered, rulebook: Rulebook, last_resort: Sequence[str]) -> Facts:
    """Return the facts of one obligation.

    Raises:
        KeyError, TypeError, ValueError: when the row is damaged; the caller pushes back that row alone.
    """
    obligation_id = row.id or 0
    ladder = ladder_from_json(row.ladder)
    if row.due_at is None:
        message = f"obligation {obligation_id} has no due time and cannot be due"
        raise ValueError(message)
    mine = found.rungs[obligation_id]
    return Facts(
        obligation_id=obligation_id,
        ladder=ladder,
        opened_at=row.opened_at,
        due_at=row.due_at,
        due_version=row.due_version,
        rungs=tuple(
            RungFact(rung.id or 0, rung.key, rung.occurrence, rung.at, fired=rung.state == "fired")
            for rung in mine
            if rung.due_version == row.due_version and rung.state in ("armed", "fired")
        ),
        alerts=tuple(
            _alert_fact(alert, found)
            for alert in found.alerts[obligation_id]
            if alert.due_version == row.due_version
        ),
        levels={
            target: found.directory.levels(target, row.unit_id, row.person_id)
            for target in targets_of(ladder, rulebook)
        },
        fallbacks=rulebook.fallbacks,
        last_resort=tuple(last_resort_recipient(number) for number in last_resort),
        no_report_noted=(obligation_id, row.due_version) in found.noted,
        by_key=row.evidence == "key",
        next_check_at=row.next_check_at,
        clock_in_doubt=found.clock_in_doubt,
        fired_before=frozenset(
            rung.key for rung in mine if rung.due_version < row.due_version and rung.fired_at is not None
        ),
    )


def _alert_fact(row: Alert, found: Gathered) -> AlertFact:
    proofs = found.acknowledgements.get(row.id or 0, [])
    return AlertFact(
        id=row.id or 0,
        rung_id=row.rung_id,
        target=row.target,
        position=row.chain_position,
        recipient=row.recipient,
        channel=row.channel,
        alive=row.state in alert_queries.ALIVE,
        cancelled=row.state == "cancelled",
        acknowledged_at=row.acknowledged_at,
        off_seat=row.id in found.off_seat,
        off_seat_noted=any(not one.on_seat for one in proofs),
        given_up=None if row.exhausted_at is None else row.exhausted_reason,
    )


def targets_of(ladder: LadderPlan, rulebook: Rulebook) -> set[str]:
    """Return every target the ladder may come to, fallbacks included."""
    named = {target for rung in ladder.rungs for tell in rung.tells for target in tell.targets} | {
        "desk:phone"
    }
    return named | {name for target in named for name in rulebook.fallbacks.get(target, ())}

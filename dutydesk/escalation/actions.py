"""Applies what the ladder decided to the obligation, its rungs and its alerts."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from dutydesk.alerts import queries as alert_queries
from dutydesk.alerts.actions import alarm_desk, alert_row, cancel, cancel_for
from dutydesk.audit.actions import record
from dutydesk.db import Session
from dutydesk.escalation.facts import Gathered
from dutydesk.escalation.rules import (
    SCREEN,
    Adopt,
    ArmAgain,
    Backlog,
    Cancel,
    Decision,
    EndRung,
    EndTakeOver,
    Fire,
    FulfilByKey,
    Gap,
    NoteNoReport,
    OffSeat,
    Plan,
    Tell,
)
from dutydesk.obligations import queries
from dutydesk.obligations.actions import fulfil, note_no_report
from dutydesk.obligations.model import Obligation, Rung
from dutydesk.rulebook.types import Lane

# How empty seats are named to people.
SEAT_NAMES = {
    "operator": "值班员",
    "leader": "带班领导",
    "standby": "备班",
    "phone": "值班电话",
    "head": "主要负责人",
    "chief": "总带班",
    "office_director": "办公室主任",
}


@dataclass(slots=True)
class Applied:
    """What a pass gathered up to write at once, and how many obligations were too old to call about."""

    zone: ZoneInfo
    rows: list[dict[str, Any]] = field(default_factory=list)
    backlog: int = 0


async def apply(
    session: Session, now: datetime, row: Obligation, plan: Plan, found: Gathered, applied: Applied
) -> None:
    """Write one obligation's decisions; the alerts are only collected, the caller adds them at once."""
    row.next_action_at = plan.wake_at
    rungs = {rung.id: rung for rung in found.rungs[row.id or 0]}
    for decision in plan.decisions:
        await _apply_one(session, now, row, decision, rungs, found, applied)


async def _apply_one(
    session: Session,
    now: datetime,
    row: Obligation,
    decision: Decision,
    rungs: dict[int | None, Rung],
    found: Gathered,
    applied: Applied,
) -> None:
    alerts = {alert.id: alert for alert in found.alerts[row.id or 0]}
    match decision:
        case NoteNoReport():
            note_no_report(session, now, row)
        case FulfilByKey(at, alert_id):
            await _fulfil_by_key(session, now, row, at, alert_id)
        case Fire(rung_id, reason):
            rungs[rung_id].state, rungs[rung_id].fired_at, rungs[rung_id].reason = "fired", now, reason
        case EndRung(rung_id, _):
            rungs[rung_id].state = "ended"
        case ArmAgain(key, occurrence, at):
            session.add(
                Rung(
                    obligation_id=row.id or 0,
                    due_version=row.due_version,
                    key=key,
                    occurrence=occurrence,
                    at=at,
                )
            )
        case Tell():
            applied.rows.append(_row(now, row, decision))
        case Adopt(alert_id, rung_id, target, position, wording):
            alert = alerts[alert_id]
            alert.rung_id, alert.target = rung_id, target
            alert.chain_position, alert.wording = position, wording
        case Cancel(alert_id, reason):
            cancel(alerts[alert_id], now, reason)
            await alert_queries.look_soon(session, [alert_id], now)
        case Gap():
            applied.rows.append(_gap_row(now, row, decision, applied.zone))
        case Backlog():
            applied.backlog += 1
        case OffSeat(alert_id, _):
            await _off_seat(session, now, alert_id, found)
        case EndTakeOver():
            row.taken_over_by = row.taken_over_reason = row.next_check_at = None


async def _fulfil_by_key(
    session: Session, now: datetime, row: Obligation, at: datetime, alert_id: int
) -> None:
    doubt = await queries.clock_in_doubt(session)
    await fulfil(session, now, f"alert:{alert_id}", row, at, cause="ACKNOWLEDGED", doubt=doubt)
    await cancel_for(session, now, {row.id or 0: "ACKNOWLEDGED"})


def _row(now: datetime, row: Obligation, tell: Tell) -> dict[str, Any]:
    # A damaged ladder names no lane; a broken row travels in the most urgent one.
    kept: Any = row.ladder
    lane: Lane = kept.get("lane", "clock") if isinstance(kept, dict) else "clock"
    about = f"/{tell.about}" if tell.about is not None else ""
    return alert_row(
        now,
        unique_key=(
            f"{row.id}/{row.due_version}/{tell.rung_id}/{tell.cause}/{tell.recipient.key}/{tell.channel}{about}"
        ),
        lane=lane,
        cause=tell.cause,
        target=tell.target,
        recipient=tell.recipient.key,
        channel=tell.channel,
        reason=tell.reason,
        wording=tell.wording,
        obligation_id=row.id,
        due_version=row.due_version,
        rung_id=tell.rung_id,
        number=row.number,
        unit_id=row.unit_id,
        chain_position=tell.position,
        person_id=tell.recipient.person_id,
        phone=tell.recipient.phone,
        drill=row.drill,
    )


def _gap_row(now: datetime, row: Obligation, gap: Gap, zone: ZoneInfo) -> dict[str, Any]:
    """A gap is shown once a day for each seat, not once for each rung that met it."""
    side, _, role = gap.target.partition(":")
    owner = row.unit_id if side == "unit" else 0
    return alert_row(
        now,
        unique_key=f"gap/{owner}/{gap.target}/{gap.reason}/{now.astimezone(zone).date()}",
        lane="clock",
        cause="gap",
        target="desk:operator",
        recipient=SCREEN,
        channel="screen",
        reason=gap.reason,
        wording="gap",
        params={"seat": SEAT_NAMES.get(role, role)},
        number=row.number,
        # A gap of the desk or of a post names no unit: the seat's name says it.
        unit_id=row.unit_id if side == "unit" else None,
        drill=row.drill,
    )


async def _off_seat(session: Session, now: datetime, alert_id: int, found: Gathered) -> None:
    """Keep the key as evidence, and say that it did not come from whoever holds the seat now."""
    for one in found.acknowledgements.get(alert_id, []):
        one.on_seat = False
        record(session, now, "clockwork", "alert.off_seat", f"alert:{alert_id}", who=one.who)
        await alarm_desk(
            session,
            now,
            about=f"alert:{alert_id}",
            wording="off_seat",
            reason="OFF_SEAT_KEY",
            params={"name": one.who},
        )


async def finish(session: Session, now: datetime, applied: Applied) -> None:
    """Queue everything collected, and one summary for what was too old to call anybody about."""
    await alert_queries.add_alerts(session, applied.rows)
    if applied.backlog:
        await alarm_desk(
            session,
            now,
            about="backlog",
            wording="backlog",
            reason="BACKLOG",
            params={"count": applied.backlog},
        )


def fixed_text(now: datetime, row: Obligation, directory_rows: Sequence[Tell]) -> list[dict[str, Any]]:
    """Return the alerts of a row that failed twice: only its number, to the desk (design §5)."""
    return [_row(now, row, tell) for tell in directory_rows]

"""Applies what the ladder decided to the obligation, its rungs and its alerts."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from dutydesk.alerts import queries as alert_queries
from dutydesk.alerts.actions import alarm_desk, alert_row, cancel, cancel_for
from dutydesk.alerts.model import ADOPTED, Alert
from dutydesk.audit.actions import record
from dutydesk.db import Session
from dutydesk.errors import ConflictError
from dutydesk.escalation.facts import Gathered, facts_of, gather
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
    call_out,
    was_called_out,
)
from dutydesk.obligations import queries
from dutydesk.obligations.actions import fulfil, note_no_report
from dutydesk.obligations.model import OWED, Obligation, Rung
from dutydesk.people.queries import people_by_id
from dutydesk.rulebook.types import Lane
from dutydesk.web.site import Site

# How empty seats are named to people.
SEAT_NAMES = {
    "operator": "值班员",
    "leader": "带班领导",
    "standby": "备班",
    "phone": "值班电话",
    "head": "主要负责人",
    "chief": "总带班",
    "office_director": "办公室主任",
    "roster": "排班负责人",
    "person": "本人",
}


@dataclass(slots=True)
class Applied:
    """What a pass gathered up to write at once, and how many obligations were too old to call about."""

    zone: ZoneInfo
    rows: list[dict[str, Any]] = field(default_factory=list)
    backlog: int = 0


@dataclass(frozen=True, slots=True)
class _Hand:
    """One obligation while its decisions are written; the alerts are only collected, ``finish`` adds them."""

    session: Session
    now: datetime
    row: Obligation
    rungs: dict[int, Rung]
    alerts: dict[int, Alert]
    found: Gathered
    applied: Applied


async def apply(
    session: Session, now: datetime, row: Obligation, plan: Plan, found: Gathered, applied: Applied
) -> None:
    """Write one obligation's decisions; the alerts are only collected, the caller adds them at once."""
    row.next_action_at = plan.wake_at
    rungs = {rung.id or 0: rung for rung in found.rungs[row.id or 0]}
    alerts = {alert.id or 0: alert for alert in found.alerts[row.id or 0]}
    hand = _Hand(session, now, row, rungs, alerts, found, applied)
    for decision in plan.decisions:
        await _apply_one(hand, decision)


async def _apply_one(hand: _Hand, decision: Decision) -> None:
    row, now = hand.row, hand.now
    match decision:
        case NoteNoReport():
            note_no_report(hand.session, now, row)
        case FulfilByKey():
            await _fulfil_by_key(hand, decision)
        case Fire() | EndRung() | ArmAgain():
            _move_rung(hand, decision)
        case Tell():
            hand.applied.rows.append(alert_of(now, row, decision))
        case Adopt() | Cancel() | OffSeat():
            await _change_alert(hand, decision)
        case Gap():
            hand.applied.rows.append(_gap_row(now, row, decision, hand.applied.zone))
        case Backlog():
            hand.applied.backlog += 1
        case EndTakeOver():
            who = row.taken_over_by
            row.taken_over_by = row.taken_over_reason = row.next_check_at = None
            record(
                hand.session, now, "clockwork", "obligation.take_over_ended", f"obligation:{row.id}", who=who
            )


def _move_rung(hand: _Hand, decision: Fire | EndRung | ArmAgain) -> None:
    match decision:
        case Fire(rung_id, reason):
            rung = hand.rungs[rung_id]
            rung.state, rung.fired_at, rung.reason = "fired", hand.now, reason
        case EndRung(rung_id, _):
            hand.rungs[rung_id].state = "ended"
        case ArmAgain(key, occurrence, at):
            owner, version = hand.row.id or 0, hand.row.due_version
            hand.session.add(
                Rung(obligation_id=owner, due_version=version, key=key, occurrence=occurrence, at=at)
            )


async def _change_alert(hand: _Hand, decision: Adopt | Cancel | OffSeat) -> None:
    match decision:
        case Adopt(alert_id, rung_id, target, position, wording):
            alert = hand.alerts[alert_id]
            # Evidence: for whom and what it was made stays readable beside what it now speaks for.
            was = {"at": hand.now.isoformat(), "target": alert.target, "wording": alert.wording}
            alert.params = alert.params | {ADOPTED: [*alert.params.get(ADOPTED, ()), was]}
            alert.rung_id, alert.target = rung_id, target
            alert.chain_position, alert.wording = position, wording
        case Cancel(alert_id, reason):
            cancel(hand.alerts[alert_id], hand.now, reason)
            await alert_queries.look_soon(hand.session, [alert_id], hand.now)
        case OffSeat(alert_id, _):
            await _off_seat(hand, alert_id)


async def _fulfil_by_key(hand: _Hand, decision: FulfilByKey) -> None:
    doubt = await queries.clock_in_doubt(hand.session)
    who = f"alert:{decision.alert_id}"
    await fulfil(hand.session, hand.now, who, hand.row, decision.at, cause="ACKNOWLEDGED", doubt=doubt)
    await cancel_for(hand.session, hand.now, {hand.row.id or 0: "ACKNOWLEDGED"})


def alert_of(now: datetime, row: Obligation, tell: Tell) -> dict[str, Any]:
    """Return the alert that tells somebody about an obligation, for ``finish``."""
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
        subject=_about(row),
        unit_id=row.unit_id,
        chain_position=tell.position,
        person_id=tell.recipient.person_id,
        phone=tell.recipient.phone,
        drill=row.drill,
    )


def _about(row: Obligation) -> str:
    """An incident is found by its number; what no incident brings, by its subject."""
    return row.subject if row.incident_id is None else ""


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
        params={"seat": SEAT_NAMES.get(role or side, role)},
        number=row.number,
        subject=_about(row),
        # A gap of the desk or of a post names no unit: the seat's name says it.
        unit_id=row.unit_id if side == "unit" else None,
        drill=row.drill,
    )


async def _off_seat(hand: _Hand, alert_id: int) -> None:
    """Keep the key as evidence, and say that it did not come from whoever holds the seat now."""
    session, now, about = hand.session, hand.now, f"alert:{alert_id}"
    for proof in hand.found.acknowledgements.get(alert_id, []):
        proof.on_seat = False
        record(session, now, "clockwork", "alert.off_seat", about, who=proof.who)
    people = await people_by_id(session, [hand.alerts[alert_id].person_id or 0])
    names = [person.name for person in people.values()]
    await alarm_desk(
        session,
        now,
        about=about,
        wording="off_seat",
        reason="OFF_SEAT_KEY",
        params={"name": names[0] if names else ""},
    )


async def finish(session: Session, now: datetime, applied: Applied) -> None:
    """Queue everything collected, and one summary for what was too old to call anybody about."""
    await alert_queries.add_alerts(session, applied.rows)
    if applied.backlog:
        await alarm_desk(
            session,
            now,
            about=f"backlog/{now.isoformat()}",
            wording="backlog",
            reason="BACKLOG",
            params={"count": applied.backlog},
        )


async def call_out_now(session: Session, site: Site, now: datetime, actor: str, row: Obligation) -> bool:
    """Tell people about a locked obligation now; return False where that was done a moment ago.

    Raises:
        ConflictError: when nothing is owed any more, or nobody is left to be told.
    """
    if row.state not in OWED or row.due_at is None:
        message = f"obligation {row.id} is {row.state}; nobody has to be told"
        raise ConflictError(message)
    found = await gather(session, [row], now, site.rulebook.fallbacks)
    done = [(rung.reason, rung.fired_at) for rung in found.rungs[row.id or 0]]
    done += [(alert.reason, alert.created_at) for alert in found.alerts[row.id or 0]]
    if was_called_out(done, now):
        return False
    decisions = call_out(facts_of(row, found, site.rulebook, site.settings.last_resort), now)
    if not decisions:
        message = f"obligation {row.id} has no rung left to fire"
        raise ConflictError(message)
    applied = Applied(site.zone)
    # The pass looks at once: it goes on with whoever cannot be reached, and arms what comes next.
    await apply(session, now, row, Plan(decisions, wake_at=now), found, applied)
    await finish(session, now, applied)
    record(session, now, actor, "obligation.called_out", f"obligation:{row.id}", number=row.number)
    return True

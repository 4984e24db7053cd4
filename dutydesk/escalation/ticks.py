"""The pass over everything that is due: one claimed batch, one transaction, each row guarded on its own."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from dutydesk.db import Session
from dutydesk.escalation.actions import Applied, apply, finish, fixed_text
from dutydesk.escalation.facts import Gathered, facts_of, gather
from dutydesk.escalation.rules import SCREEN, Recipient, Tell, decide
from dutydesk.logs import log
from dutydesk.obligations import queries
from dutydesk.obligations.model import OWED, Obligation
from dutydesk.web.site import Site

BATCH = 100
# A row that failed is looked at again after this many seconds, each time later.
_PUSH_SECONDS = (30, 60, 300)
# Failing this often, a row says only its number.
_FIXED_AFTER = 2

_log = log("escalation")


@dataclass(frozen=True, slots=True)
class Pass:
    """How many rows were looked at, and how many of them failed."""

    looked_at: int
    failed: int


async def escalate(site: Site, now: datetime) -> Pass:
    """Act on one batch of obligations that are due.

    The batch is written together; when that fails, every row is done again in a transaction of its
    own, so that a poisoned row delays only itself.
    """
    try:
        async with site.db.write() as session:
            rows = await queries.due_obligations(session, now, BATCH)
            return await _act(session, site, rows, now) if rows else Pass(0, 0)
    except Exception:
        _log.exception("a batch of the ladder failed; its rows are done one by one")
    return await _one_by_one(site, now)


async def _one_by_one(site: Site, now: datetime) -> Pass:
    async with site.db.read() as session:
        ids = [row.id or 0 for row in await queries.due_obligations(session, now, BATCH)]
    failed = 0
    for obligation_id in ids:
        try:
            async with site.db.write() as session:
                row = await queries.obligation(session, obligation_id)
                if row is not None and row.next_action_at is not None and row.next_action_at <= now:
                    failed += (await _act(session, site, [row], now)).failed
        except Exception as error:
            _log.exception("an obligation could not be acted on", obligation=obligation_id)
            failed += 1
            async with site.db.write() as session:
                row = await queries.obligation(session, obligation_id)
                if row is not None:
                    await _push(session, site, row, error, now)
    return Pass(len(ids), failed)


async def _act(session: Session, site: Site, rows: list[Obligation], now: datetime) -> Pass:
    found = await gather(session, rows, now)
    applied = Applied(site.zone)
    failed = 0
    for row in rows:
        if row.state not in OWED:
            row.next_action_at = None
            continue
        try:
            facts = facts_of(row, found, site.rulebook, site.settings.last_resort)
            plan = decide(facts, now, stale_after=site.rulebook.pace.stale_after)
        except Exception as error:
            # Deciding changes nothing, so its neighbours go on; the row says loudly that it is broken.
            _log.exception("an obligation could not be decided on", obligation=row.id)
            failed += 1
            await _push(session, site, row, error, now, found)
            continue
        await apply(session, now, row, plan, found, applied)
        row.faults = 0
    await finish(session, now, applied)
    return Pass(len(rows), failed)


async def _push(
    session: Session,
    site: Site,
    row: Obligation,
    error: Exception,
    now: datetime,
    found: Gathered | None = None,
) -> None:
    """Delay a broken row and, the second time, let it say its number to the desk and its leader."""
    row.faults += 1
    row.last_fault = f"{type(error).__name__}: {error}"[:500]
    wait = _PUSH_SECONDS[min(row.faults, len(_PUSH_SECONDS)) - 1]
    row.next_action_at = now + timedelta(seconds=wait)
    tells = [
        Tell(
            None, "desk:operator", 0, Recipient(SCREEN), "screen", "ROW_FAILED", "fixed", "fault", row.faults
        )
    ]
    if row.faults >= _FIXED_AFTER:
        found = found or await gather(session, [row], now)
        for target in ("desk:operator", "desk:leader"):
            for person in found.directory.levels(target, row.unit_id)[0]:
                for channel in ("sms", "voice"):
                    if person.takes(channel):
                        tells.append(Tell(None, target, 0, person, channel, "ROW_FAILED", "fixed", "fault"))
    await finish(session, now, Applied(site.zone, fixed_text(now, row, tells)))

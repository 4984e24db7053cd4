"""The pass over everything that is due: one claimed batch, one transaction, each row guarded on its own."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from dutydesk.db import Session
from dutydesk.escalation.actions import Applied, alert_of, apply, finish
from dutydesk.escalation.facts import facts_of, gather
from dutydesk.escalation.rules import SCREEN, Recipient, Tell, decide
from dutydesk.escalation.targets import Directory, directory_at, last_resort_recipient
from dutydesk.logs import log
from dutydesk.obligations import queries
from dutydesk.obligations.model import OWED, Obligation
from dutydesk.rulebook.types import Channel
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
    except Exception:  # noqa: BLE001 (whatever one row has done to the batch, its neighbours go on)
        _log.exception("a batch of the ladder failed; its rows are done one by one")
    return await _one_by_one(site, now)


async def _one_by_one(site: Site, now: datetime) -> Pass:
    async with site.db.read() as session:
        ids = [row.id or 0 for row in await queries.due_obligations(session, now, BATCH)]
    failed = 0
    for obligation_id in ids:
        try:
            async with site.db.write() as session:
                row = await queries.obligation(session, obligation_id, lock=True)
                if row is not None and row.next_action_at is not None and row.next_action_at <= now:
                    failed += (await _act(session, site, [row], now)).failed
        except Exception as error:  # noqa: BLE001 (as above)
            _log.exception("an obligation could not be acted on", obligation=obligation_id)
            failed += 1
            await _push_alone(site, obligation_id, error, now)
    return Pass(len(ids), failed)


async def _push_alone(site: Site, obligation_id: int, error: Exception, now: datetime) -> None:
    """Push back one row by itself; even this failing must not hold up the rows behind it."""
    try:
        async with site.db.write() as session:
            row = await queries.obligation(session, obligation_id, lock=True)
            if row is not None:
                directory = await directory_at(session, {row.unit_id}, now)
                await _push(session, site, row, error, now, directory)
    except Exception:  # noqa: BLE001 (as above)
        _log.exception("a broken obligation could not even be pushed back", obligation=obligation_id)


async def _act(session: Session, site: Site, rows: list[Obligation], now: datetime) -> Pass:
    found = await gather(session, rows, now, site.rulebook.fallbacks)
    applied = Applied(site.zone)
    failed = 0
    for row in rows:
        if row.state not in OWED:
            row.next_action_at = None
            continue
        try:
            facts = facts_of(row, found, site.rulebook, site.settings.last_resort)
            plan = decide(facts, now, stale_after=site.rulebook.pace.stale_after)
        except Exception as error:  # noqa: BLE001 (deciding changes nothing, so the row's neighbours go on)
            _log.exception("an obligation could not be decided on", obligation=row.id)
            failed += 1
            await _push(session, site, row, error, now, found.directory)
            continue
        await apply(session, now, row, plan, found, applied)
        row.faults = 0
    await finish(session, now, applied)
    return Pass(len(rows), failed)


async def _push(
    session: Session, site: Site, row: Obligation, error: Exception, now: datetime, directory: Directory
) -> None:
    """Delay a broken row, show it on the screen, and the second time let it say its number to people."""
    row.faults += 1
    row.last_fault = f"{type(error).__name__}: {error}"[:500]
    wait = _PUSH_SECONDS[min(row.faults, len(_PUSH_SECONDS)) - 1]
    row.next_action_at = now + timedelta(seconds=wait)
    # Each failure is shown; people are told once for each hour of it.
    tells = [_fixed("desk:operator", Recipient(SCREEN), "screen", about=int(now.timestamp()))]
    if row.faults >= _FIXED_AFTER:
        hour = int(now.timestamp()) // 3600
        tells += [replace(tell, about=hour) for tell in _number_only(site, row, directory)]
    await finish(session, now, Applied(site.zone, [alert_of(now, row, tell) for tell in tells]))


def _number_only(site: Site, row: Obligation, directory: Directory) -> list[Tell]:
    """Return the fixed text to the desk and its leader, or whoever stands in; to the last resort if nobody does."""
    people: dict[str, tuple[str, Recipient]] = {}
    for target in ("desk:operator", "desk:leader"):
        for name in (target, *site.rulebook.fallbacks.get(target, ())):
            levels = [
                [one for one in level if one.has_voice] for level in directory.levels(name, row.unit_id)
            ]
            first = next((level for level in levels if level), [])
            people |= {one.key: (target, one) for one in first}
            if first:
                break
    if not people:
        last = [last_resort_recipient(number) for number in site.settings.last_resort]
        people = {one.key: ("last_resort", one) for one in last}
    channels: tuple[Channel, ...] = ("sms", "voice")
    return [
        _fixed(target, one, channel)
        for target, one in people.values()
        for channel in channels
        if one.takes(channel)
    ]


def _fixed(target: str, to: Recipient, channel: Channel, about: int | None = None) -> Tell:
    return Tell(None, target, 0, to, channel, "ROW_FAILED", "fixed", "fault", about)

"""The clockwork: acts on what is due, and sees to it that it is woken in time.

APScheduler only wakes us: one one-shot job at the earliest due column, armed again after every pass
and whenever a commit may have brought an earlier one. Behind it a plain loop on monotonic time, at
most five seconds apart, reads the columns again: a timer that died or a clock that stepped is noticed
there. Deadlines live in the database, so a restart loses nothing.
"""

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar

from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.date import DateTrigger

from dutydesk.alerts import claims, delivery, outcomes
from dutydesk.alerts import queries as alert_queries
from dutydesk.alerts.actions import alarm_desk
from dutydesk.audit.queries import head
from dutydesk.audit.ticks import seal
from dutydesk.escalation.ticks import Pass, escalate
from dutydesk.escalation.watch import set_moving
from dutydesk.logs import log
from dutydesk.obligations import queries as obligation_queries
from dutydesk.obligations.verdicts import note_clock_step
from dutydesk.rosters.keeping.ticks import Kept, keep
from dutydesk.rosters.keeping.ticks import next_due as rosters_due
from dutydesk.wiring import Wired

SAFETY_SECONDS = 5.0
SEAL_SECONDS = 1.0
HEARTBEAT_SECONDS = 60.0
WATCH_SECONDS = 60.0
# Wall time may differ from monotonic time by this much before the clock is in doubt (design §5).
STEP_SECONDS = 2.0
_AFTER_FAILURE_SECONDS = 1.0
# Rows that another node holds are due and cannot be had: no spinning on them.
_BETWEEN_PASSES_SECONDS = 0.01
# A pass goes on while there is work; this bound only keeps a fault from spinning for ever.
_MOST_ROUNDS = 1000

_log = log("clockwork")
_T = TypeVar("_T")


@dataclass(slots=True)
class Pulse:
    """What the process knows about its own last pass (times of its clock)."""

    last_full_pass: datetime | None = None
    last_failed: bool = False


class Clockwork:
    """The one worker of a process. ``run_pass`` does the work; the rest decides when."""

    def __init__(self, wired: Wired) -> None:
        """Take what the process is made of; nothing runs before :meth:`start`."""
        self._wired = wired
        self._site = wired.site
        self.pulse = Pulse()
        self._scheduler = AsyncIOScheduler(timezone="UTC")
        self._passing = asyncio.Lock()
        self._poked = asyncio.Event()
        self._due = asyncio.Event()
        self._sending: set[asyncio.Task[None]] = set()
        self._loops: list[asyncio.Task[None]] = []
        self._offset: float | None = None
        self._last_seal = self._last_beat = self._last_watch = float("-inf")
        self._stopping = False
        self._broken_stages = 0

    # ── starting and stopping ────────────────────────────────────────────────────────────────

    async def start(self) -> None:
        """Look into what an earlier run left unfinished, then begin to tick."""
        await self.recover()
        self._scheduler.start()
        self._site.db.on_commit(self.poke)
        self._loops = [
            asyncio.create_task(self._arm_when_poked(), name="clockwork-arm"),
            asyncio.create_task(self._pass_loop(), name="clockwork-pass"),
        ]
        self.poke()

    async def recover(self) -> None:
        """Have every attempt that was claimed and never recorded looked into at its provider.

        Where there may be other nodes, their requests are under way now: there an attempt is lost only
        when its lease has run out, which every pass notices.
        """
        if not self._site.db.is_sqlite:
            return
        now = self._site.clock.now()
        async with self._site.db.write() as session:
            await alert_queries.ask_about_claimed(session, now)

    async def stop(self) -> None:
        """Stop ticking, let the requests under way be recorded, and end."""
        self._stopping = True
        for loop in self._loops:
            loop.cancel()
        for loop in self._loops:
            with suppress(asyncio.CancelledError):
                await loop
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)
        async with self._passing:
            pass
        await self.drain()

    async def drain(self) -> None:
        """Wait until every request that is under way has been recorded."""
        while self._sending:
            await asyncio.gather(*self._sending, return_exceptions=True)

    # ── waking ───────────────────────────────────────────────────────────────────────────────

    def poke(self) -> None:
        """Say that a commit may have brought an earlier deadline (quick, never raises)."""
        self._poked.set()

    async def next_due(self) -> datetime | None:
        """Return the earliest due column: of an obligation, a roster, an alert's try, an attempt's outcome."""
        async with self._site.db.read() as session:
            found = [
                await obligation_queries.earliest_action(session),
                await rosters_due(session),
                await alert_queries.earliest_try(session),
                await alert_queries.earliest_outcome(session),
            ]
        return min((moment for moment in found if moment is not None), default=None)

    async def _arm_when_poked(self) -> None:
        while True:
            await self._poked.wait()
            self._poked.clear()
            try:
                await self._arm()
            except Exception:  # noqa: BLE001 (the pass loop goes on without the timer)
                _log.exception("arming the timer failed; the pass loop goes on")
                await asyncio.sleep(SAFETY_SECONDS)

    async def _arm(self) -> None:
        due = await self.next_due()
        if due is None:
            return
        self._scheduler.add_job(
            self._wake,
            DateTrigger(self._site.clock.real_moment(due)),
            id="clockwork",
            replace_existing=True,
            # The default grace of one second would drop a wake-up that is late.
            misfire_grace_time=None,
        )

    async def _wake(self) -> None:
        """Run the next pass now (the timer's whole job, so that it can never be late for its own next one)."""
        self._due.set()

    async def _pass_loop(self) -> None:
        """Run a pass whenever the timer or a commit asks for it, and at least every five seconds.

        The waiting is the event loop's own, on monotonic time: a timer that died and a wall clock
        that stepped are noticed here.
        """
        while True:
            try:
                await self.run_pass()
            except Exception:  # noqa: BLE001 (whatever it was, the next pass has to come)
                _log.exception("a pass failed; the next one comes all the same")
                await asyncio.sleep(_AFTER_FAILURE_SECONDS)
            self.poke()
            await asyncio.sleep(_BETWEEN_PASSES_SECONDS)
            with suppress(TimeoutError):
                async with asyncio.timeout(SEAL_SECONDS if self._site.db.is_sqlite else SAFETY_SECONDS):
                    await self._due.wait()
            self._due.clear()

    # ── the pass ─────────────────────────────────────────────────────────────────────────────

    async def run_pass(self) -> None:
        """Act on everything that is due now: ladders, overdue outcomes, deliveries; then the housekeeping.

        Requests to providers are only started here; a provider that hangs never holds up a pass.
        """
        async with self._passing:
            try:
                await self._watch_clock()
                failed = await self._work_off()
                await self._look_around()
                await self._seal()
            except Exception:
                self.pulse.last_failed = True
                self._wired.metrics.passes.labels("failed").inc()
                raise
            self.pulse.last_full_pass = self._site.clock.now()
            self.pulse.last_failed = failed > 0
            self._wired.metrics.passes.labels("full" if not failed else "with_faults").inc()
        if not failed:
            self._beat()

    async def _work_off(self) -> int:
        """Go on until nothing is due; return how many rows failed."""
        failed = 0
        for _ in range(_MOST_ROUNDS):
            now = self._site.clock.now()
            due = await self.next_due()
            if due is None or due > now:
                break
            before = self._broken_stages
            acted = await self._stage(escalate(self._site, now), Pass(0, 0))
            kept = await self._stage(keep(self._site, now), Kept(0, 0))
            looks, overdue = await self._stage(outcomes.overdue(self._wired.delivery, now), ([], 0))
            jobs, claimed = await self._stage(claims.claim(self._wired.delivery, now), ([], 0))
            failed += self._broken_stages - before
            for look in looks:
                self._spawn(outcomes.ask(self._wired.delivery, look))
            for job in jobs:
                self._spawn(delivery.send(self._wired.delivery, job))
            failed += acted.failed + kept.failed
            if not (acted.looked_at or kept.looked_at or overdue or claimed):
                break
            if (acted.failed or kept.failed) and not (overdue or claimed):
                break
        return failed

    async def _stage(self, work: Coroutine[Any, Any, _T], nothing: _T) -> _T:
        """Do one part of a pass; if it breaks down, the other parts go on and the pass counts as failed."""
        try:
            return await work
        except Exception:  # noqa: BLE001 (a fault in one part must not hold up the others)
            _log.exception("a part of the pass broke down")
            self._broken_stages += 1
            return nothing

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(self._guarded(work))
        self._sending.add(task)
        task.add_done_callback(self._sending.discard)

    async def _guarded(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except Exception:  # noqa: BLE001 (one request's trouble is not another's)
            # The lease runs out and the attempt is looked into: nothing is lost with this task.
            _log.exception("a request was not recorded; it will be looked into")

    async def _watch_clock(self) -> None:
        """Notice when the wall clock moved against the monotonic one by more than two seconds."""
        now = self._site.clock.now()
        offset = now.timestamp() - self._site.clock.monotonic()
        known = self._offset
        if known is None or abs(offset - known) <= STEP_SECONDS:
            self._offset = offset
            return
        _log.error("the wall clock stepped", seconds=round(offset - known, 3))
        async with self._site.db.write() as session:
            step = note_clock_step(session, now, offset - known)
            await session.flush()
            await alarm_desk(
                session, now, about=f"clock/{step.id}", wording="clock_stepped", reason="CLOCK_STEPPED"
            )
        # Only now that it is on record: a write that failed is tried again by the next pass.
        self._offset = offset

    async def _look_around(self) -> None:
        """Once a minute, look for ladders and alerts that should have moved."""
        monotonic = self._site.clock.monotonic()
        if monotonic - self._last_watch >= WATCH_SECONDS:
            self._last_watch = monotonic
            if await set_moving(self._site, self._site.clock.now()):
                self._due.set()

    async def _seal(self) -> None:
        monotonic = self._site.clock.monotonic()
        if monotonic - self._last_seal >= SEAL_SECONDS:
            self._last_seal = monotonic
            await seal(self._site.db, self._site.clock.now())

    def _beat(self) -> None:
        """Tell the watcher outside that every due row was really looked at."""
        monotonic = self._site.clock.monotonic()
        if self._site.settings.heartbeat_url and monotonic - self._last_beat >= HEARTBEAT_SECONDS:
            self._last_beat = monotonic
            self._spawn(self._send_heartbeat())

    async def _send_heartbeat(self) -> None:
        async with self._site.db.read() as session:
            sealed = await head(session)
        outcome = await self._wired.heartbeat(self._site.settings.heartbeat_url, sealed)
        self._wired.metrics.heartbeats.labels(outcome).inc()

    @property
    def last_failed(self) -> bool:
        """Tell whether a row failed in the last pass, or the pass itself."""
        return self.pulse.last_failed

    def age(self, now: datetime) -> timedelta | None:
        """Return how long ago the last full pass ended; None before the first."""
        return None if self.pulse.last_full_pass is None else now - self.pulse.last_full_pass

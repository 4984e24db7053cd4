"""Lists on their way into workbooks.

A job reads the database in batches on the event loop, inside one read transaction, and writes the workbook in a thread. Jobs
live in this process only, belong to the account that started them, and are forgotten with their files after ten minutes.
"""

import asyncio
import secrets
import shutil
import tempfile
import weakref
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from contextlib import aclosing
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event
from typing import Any, Literal

from dutydesk.accounts.rules import Actor
from dutydesk.audit.actions import record
from dutydesk.documents.sheets import Cell, write_sheet
from dutydesk.errors import ConflictError, DutydeskError, InvalidInputError, NotFoundError
from dutydesk.logs import log
from dutydesk.search import queries
from dutydesk.search.actions import account_of
from dutydesk.search.lists import Batches, Listing
from dutydesk.search.rules import Scope, scope_of
from dutydesk.web.languages import say
from dutydesk.web.site import Site

_log = log("exports")

JobState = Literal["queued", "running", "done", "failed"]

MOST_ROWS = 50_000
AT_ONCE_PER_ACCOUNT = 2
# Each holds a database connection and a thread, which the clocks need too.
_AT_ONCE = 2
_KEPT_PER_ACCOUNT = 5
_KEPT_SECONDS = 600.0
_QUICK_SECONDS = 1.0
_LOOK_AGAIN = 0.2
_FAILED = "没有导出，请稍后重试"


class _StoppedError(Exception):
    """The process is about to end, or nobody waits for the list any more."""


@dataclass(slots=True)
class Job:
    """One list on its way; ``done`` of ``total`` rows are written."""

    id: str
    account_id: int
    actor: str
    scope: Scope
    listing: Listing
    file: Path
    name: str
    state: JobState = "queued"
    done: int = 0
    total: int = 0
    fault: str = ""
    stop: Event = field(default_factory=Event)
    task: asyncio.Task[None] | None = None

    @property
    def percent(self) -> int:
        """How far it is; 100 only when the file is there."""
        if self.state == "done":
            return 100
        return min(99, 100 * self.done // self.total) if self.total else 0

    @property
    def over(self) -> bool:
        """Tell whether nothing more will come of it."""
        return self.state in ("done", "failed")


class Exports:
    """The exports of one process."""

    def __init__(
        self,
        site: Site,
        *,
        most_rows: int = MOST_ROWS,
        kept_seconds: float = _KEPT_SECONDS,
        quick_seconds: float = _QUICK_SECONDS,
    ) -> None:
        """Prepare; the folder is made with the first file."""
        self._site = site
        self._most_rows, self._kept_seconds, self._quick_seconds = most_rows, kept_seconds, quick_seconds
        self._jobs: dict[str, Job] = {}
        self._turns = asyncio.Semaphore(_AT_ONCE)
        self._folder: Path | None = None
        self._closed = False

    def start(self, actor: Actor, listing: Listing) -> Job:
        """Begin to export a list.

        Raises:
            ConflictError: the account has two under way already, or the process is about to end.
        """
        account = account_of(actor)
        own = [job for job in self._jobs.values() if job.account_id == account]
        if self._closed or sum(not job.over for job in own) >= AT_ONCE_PER_ACCOUNT:
            raise ConflictError("已有两个导出正在进行，请等其中一个完成")
        for old in [job for job in own if job.over][: 1 - _KEPT_PER_ACCOUNT]:
            self._drop(old)
        identity = secrets.token_urlsafe(16)
        now = self._site.clock.now().astimezone(self._site.zone)
        name = f"{say(listing.name)}_{now:%Y%m%d_%H%M%S}.xlsx"
        job = Job(
            identity, account, actor.name, scope_of(actor), listing, self._place() / f"{identity}.xlsx", name
        )
        self._jobs[identity] = job
        job.task = asyncio.create_task(self._run(job))
        return job

    def job(self, actor: Actor, identity: str) -> Job:
        """Return one of the actor's own jobs; a change of what they may see ends their claim to it.

        Raises:
            NotFoundError: there is none, or it is somebody else's.
        """
        found = self._jobs.get(identity)
        if found is None or found.account_id != actor.account_id:
            raise NotFoundError("没有这个导出，或已经过期")
        if found.scope != scope_of(actor) or not actor.may(found.listing.permission):
            raise NotFoundError("没有这个导出，或已经过期")
        return found

    async def settle(self, job: Job) -> bool:
        """Wait a moment for a job that may be a quick one; tell whether its file is there."""
        if job.task is not None:
            await asyncio.wait({job.task}, timeout=self._quick_seconds)
        return job.state == "done"

    async def close(self) -> None:
        """Stop what is under way and delete every file."""
        self._closed = True
        for job in self._jobs.values():
            job.stop.set()
        tasks = [job.task for job in self._jobs.values() if job.task is not None]
        if tasks:
            await asyncio.wait(tasks)
        for job in list(self._jobs.values()):
            self._drop(job)
        if self._folder is not None:
            await asyncio.to_thread(shutil.rmtree, self._folder, ignore_errors=True)
            self._folder = None

    def _place(self) -> Path:
        if self._folder is None:
            self._folder = Path(tempfile.mkdtemp(prefix="dutydesk-exports-"))
            # Should the process end without closing, the files of its users still do not stay behind.
            weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)
        return self._folder

    def _drop(self, job: Job) -> None:
        job.stop.set()
        self._jobs.pop(job.id, None)
        job.file.unlink(missing_ok=True)

    # -----------------------------------------------------------------------------------------------------------------

    async def _run(self, job: Job) -> None:
        try:
            async with self._turns:
                if not job.stop.is_set():
                    job.state = "running"
                    await self._export(job)
                    job.state = "done"
        except DutydeskError as error:
            job.fault = error.detail
        except _StoppedError:
            job.fault = _FAILED
        except Exception:  # noqa: BLE001 (whatever it was, its page says that there is no file)
            _log.exception("a list was not exported", kind=job.listing.kind)
            job.fault = _FAILED
        finally:
            # A cancelled task must not leave its thread behind.
            job.stop.set()
            if job.state != "done":
                job.state = "failed"
                job.file.unlink(missing_ok=True)
            if not self._closed:
                asyncio.get_running_loop().call_later(self._kept_seconds, self._drop, job)

    async def _export(self, job: Job) -> None:
        """Write the file, then the audit row: no list leaves the house without one."""
        async with self._site.db.read() as session:
            await queries.one_state(session)
            job.total = await job.listing.count(session, self._most_rows)
            if job.total > self._most_rows:
                limit = say("符合条件的超过{count}条，请缩小范围后再导出", count=self._most_rows)
                raise InvalidInputError(limit)
            async with aclosing(job.listing.batches(session)) as batches:
                rows = await self._written(job, batches)

        subject, filters = f"list:{job.listing.kind}", job.listing.asked()
        # No board shows it.
        async with self._site.db.write(quiet=True) as session:
            now = self._site.clock.now()
            record(session, now, job.actor, "list.exported", subject, filters=filters, rows=rows)

    async def _written(self, job: Job, batches: Batches) -> int:
        loop = asyncio.get_running_loop()

        def lines() -> Iterator[Sequence[Cell]]:
            while batch := _from_loop(loop, batches, job):
                for found in batch:
                    yield job.listing.cells(found)

        def progress(done: int) -> None:
            job.done = done
            if job.stop.is_set():
                raise _StoppedError

        return await asyncio.to_thread(
            write_sheet,
            job.file,
            say(job.listing.name),
            job.listing.columns(),
            lines(),
            zone=self._site.zone,
            moment=self._site.clock.now(),
            progress=progress,
        )


def _from_loop(loop: asyncio.AbstractEventLoop, batches: Batches, job: Job) -> list[Any] | None:
    """Fetch the next batch from the loop's side, in the writing thread; None at the end.

    Looks up now and then: a loop that has ended never answers.
    """

    async def following() -> list[Any] | None:
        return await anext(batches, None)

    if job.stop.is_set():
        raise _StoppedError
    asked: Future[list[Any] | None] = asyncio.run_coroutine_threadsafe(following(), loop)
    while True:
        try:
            return asked.result(_LOOK_AGAIN)
        except TimeoutError:
            if asked.done():
                raise
            if job.stop.is_set():
                asked.cancel()
                raise _StoppedError from None

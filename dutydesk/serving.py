"""Runs the web part and the clockwork in one event loop until a signal comes."""

import asyncio
import fcntl
import signal
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from ipaddress import ip_address
from pathlib import Path
from typing import IO

import uvicorn

from dutydesk.app import create_app
from dutydesk.clock import Clock
from dutydesk.db import Database
from dutydesk.errors import RefusedToStartError
from dutydesk.migrations import refuse_unless_current
from dutydesk.settings import Settings
from dutydesk.web.pages import vendor_missing
from dutydesk.wiring import Wired, close, wire
from dutydesk.worker import Clockwork

_FAREWELL_SECONDS = 3


def is_loopback_address(host: str) -> bool:
    """Tell whether only this machine can reach a service that listens on *host*."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


class OneProcess:
    """SQLite belongs to one serving process; the lock lies beside the file and dies with the process."""

    def __init__(self, db: Database) -> None:
        """Take the lock, where the database is a file.

        Raises:
            RefusedToStartError: when another process serves it.
        """
        self._file: IO[str] | None = None
        if db.path is None or db.path == ":memory:":
            return
        path = Path(f"{db.path}.lock")
        self._file = path.open("w", encoding="utf-8")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            message = (
                f"{db.path} is served by another dutydesk process; SQLite allows one. "
                "Stop that one first, or use PostgreSQL for several processes."
            )
            raise RefusedToStartError(message) from error

    def release(self) -> None:
        """Let the next process have it."""
        if self._file is not None:
            self._file.close()


@asynccontextmanager
async def opened(settings: Settings, clock: Clock, *, loopback: bool = True) -> AsyncIterator[Wired]:
    """Wire a process up, refuse a database of another version, and close everything at the end.

    *loopback* says that only this machine can reach the service.

    Raises:
        RefusedToStartError: naming everything that is wrong.
    """
    wired = wire(settings, clock, loopback=loopback)
    try:
        await refuse_unless_current(wired.site.db)
        yield wired
    finally:
        await close(wired)


async def serve(
    wired: Wired,
    host: str,
    port: int,
    *,
    worker: bool = True,
    ready: Callable[[], None] | None = None,
    stop: asyncio.Event | None = None,
) -> None:
    """Serve until a signal (or *stop*) comes; with *worker* the same process keeps the clocks.

    Raises:
        RefusedToStartError: when the pages were never built, the port is taken, or SQLite is served already.
    """
    missing = vendor_missing()
    if missing is not None:
        raise RefusedToStartError(missing)
    if not worker and wired.site.db.is_sqlite:
        message = "--no-worker: on SQLite one process does everything; use PostgreSQL for several processes"
        raise RefusedToStartError(message)
    lock = OneProcess(wired.site.db)
    try:
        clockwork = Clockwork(wired) if worker else None
        config = uvicorn.Config(
            create_app(wired, clockwork),
            host=host,
            port=port,
            lifespan="on",
            log_config=None,
            access_log=False,
            server_header=False,
            # Only a proxy that is named may say who it asks for: the throttle and the audit trail believe it.
            proxy_headers=bool(wired.site.settings.trusted_proxies),
            forwarded_allow_ips=list(wired.site.settings.trusted_proxies),
            timeout_graceful_shutdown=_FAREWELL_SECONDS,
        )
        if stop is None:
            stop = asyncio.Event()
            stop_on_signals(stop)
        await _run(_Server(config), ready, stop, wired.site.bell.close)
    finally:
        lock.release()


class _Server(uvicorn.Server):
    """A server that leaves the process's signals to us: the clockwork and the phones end with it, in order."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield


async def _run(
    server: uvicorn.Server,
    ready: Callable[[], None] | None,
    stop: asyncio.Event,
    close_pages: Callable[[], None],
) -> None:
    task = asyncio.create_task(_served(server))
    watcher = asyncio.create_task(_watch(server, ready, stop, close_pages))
    try:
        await task
    finally:
        stop.set()
        await watcher


async def _served(server: uvicorn.Server) -> None:
    try:
        await server.serve()
    except SystemExit as error:
        message = f"port {server.config.port} on {server.config.host} cannot be had: is something else using it? Try --port"
        raise RefusedToStartError(message) from error


async def _watch(
    server: uvicorn.Server,
    ready: Callable[[], None] | None,
    stop: asyncio.Event,
    close_pages: Callable[[], None],
) -> None:
    # uvicorn tells that it has started by a flag alone.
    while not server.started and not stop.is_set():  # noqa: ASYNC110
        await asyncio.sleep(0.02)
    if server.started and ready is not None:
        ready()
    await stop.wait()
    close_pages()
    server.should_exit = True


def stop_on_signals(stop: asyncio.Event) -> None:
    """Set *stop* when the process is asked to end."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)

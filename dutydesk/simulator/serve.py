"""The exchange as a live server, for the demo, for drills and for developers."""

import asyncio
import contextlib
import socket
from collections.abc import Callable, Iterable, Iterator, Mapping

import httpx2
import uvicorn

from dutydesk.clock import Clock
from dutydesk.simulator.app import simulator_app
from dutydesk.simulator.exchange import Exchange, Owner
from dutydesk.simulator.timings import LIVE, Timings

CALLBACK_SECONDS = 15.0
"""How long Twilio waits for an application's answer."""
FAREWELL_SECONDS = 3
"""How long open connections may hold up the end."""


class _EmbeddedServer(uvicorn.Server):
    """A server that leaves the process's signals to whoever runs it: the main application may be beside it."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def serve_simulator(
    clock: Clock,
    *,
    host: str = "127.0.0.1",
    port: int = 4010,
    accounts: Mapping[str, str],
    handsets: Iterable[Owner] = (),
    stop: asyncio.Event,
    timings: Timings = LIVE,
    from_numbers: Iterable[str] | None = None,
    zone: str = "Asia/Shanghai",
    ready: Callable[[Exchange], None] | None = None,
) -> None:
    """Serve an exchange until *stop* is set, then end within a few seconds.

    *ready* is told the exchange once its port is open. Callbacks go out over the real network.

    Raises:
        OSError: the port cannot be had.
    """
    async with httpx2.AsyncClient(timeout=CALLBACK_SECONDS) as callback_client:
        exchange = Exchange(
            clock,
            accounts=accounts,
            callback_client=callback_client,
            timings=timings,
            from_numbers=from_numbers,
            handsets=handsets,
        )
        await _serve(exchange, host, port, zone, stop, ready)


async def _serve(
    exchange: Exchange,
    host: str,
    port: int,
    zone: str,
    stop: asyncio.Event,
    ready: Callable[[Exchange], None] | None,
) -> None:
    config = uvicorn.Config(
        simulator_app(exchange, zone=zone),
        lifespan="off",
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=FAREWELL_SECONDS,
    )
    server = _EmbeddedServer(config)
    # Bound here, so that a port in use is an ordinary error: uvicorn would end the whole process.
    listener = socket.create_server((host, port), family=_family(host))
    if ready is not None:
        ready(exchange)
    passing_time = asyncio.create_task(exchange.run_forever())
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    stopping = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait([passing_time, serving, stopping], return_when=asyncio.FIRST_COMPLETED)
    finally:
        exchange.close()
        server.should_exit = True
        passing_time.cancel()
        stopping.cancel()
        await asyncio.wait([passing_time, serving, stopping])
        listener.close()
    await serving


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET

"""How heavy a full board is, how fast it is served, and how long a change takes to every open one."""

import asyncio
import socket
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import httpx2
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from dutydesk.clock import SystemClock

_HOST = "127.0.0.1"
_READY_SECONDS = 180
_CHANGE_SECONDS = 30
_APART = 0.4
_console = Console()


@dataclass(frozen=True, slots=True)
class Load:
    """What is put on the service."""

    incidents: int
    clients: int
    changes: int
    requests: int


@dataclass(slots=True)
class Board:
    """One open stream: when the newest change arrived, by its mark."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    heard: dict[bytes, float]


async def measure(load: Load) -> None:
    """Start a service in a process of its own, measure, print a table, and clean up."""
    with tempfile.TemporaryDirectory(prefix="dutydesk-bench-") as folder:
        port = _free_port()
        command = ("-m", "dutydesk.bench.served", folder, str(port), str(load.incidents), str(load.clients))
        service = await asyncio.create_subprocess_exec(
            sys.executable, *command, stdout=asyncio.subprocess.PIPE
        )
        try:
            with Progress(console=_console) as progress:
                await _measured(load, port, service, progress)
        finally:
            service.terminate()
            await service.wait()


async def _measured(load: Load, port: int, service: asyncio.subprocess.Process, progress: Progress) -> None:
    steps = progress.add_task("starting the service", total=None)
    assert service.stdout is not None  # noqa: S101 (it is a pipe)
    async with asyncio.timeout(_READY_SECONDS):
        said = [(await service.stdout.readline()).decode().strip() for _ in range(load.clients + 1)]
    token, cookies = said[0], said[1:]
    progress.update(steps, description="requests for the page", total=load.requests, completed=0)
    async with httpx2.AsyncClient(
        base_url=f"http://{_HOST}:{port}", cookies={"dutydesk": cookies[0]}, timeout=30
    ) as browser:
        size, times = await _page(browser, load.requests, lambda: progress.advance(steps))
        progress.update(steps, description="opening boards", total=load.clients, completed=0)
        # As a browser does: the page brings the board, the stream what changes on it.
        version = (await browser.get("/desk")).text.partition('data-at="')[2].partition('"')[0]
        boards = []
        for cookie in cookies:
            boards.append(await _open(port, cookie, version))
            progress.advance(steps)
        reading = [asyncio.create_task(_read(board)) for board in boards]
        await asyncio.sleep(3)
        progress.update(steps, description="changes", total=load.changes, completed=0)
        arrivals: list[float] = []
        for number in range(load.changes):
            arrivals += await _change(browser, token, number, boards)
            progress.advance(steps)
        for task in reading:
            task.cancel()
    _print(load, size, times, arrivals)


async def _page(browser: httpx2.AsyncClient, count: int, done: object) -> tuple[int, list[float]]:
    """Return the size of the page on the wire and how long each request took, one after the other."""
    size, times = 0, []
    for _ in range(20):
        await browser.get("/desk")
    for _ in range(count):
        start = time.perf_counter()
        answer = await browser.get("/desk", headers={"Accept-Encoding": "gzip"})
        times.append(time.perf_counter() - start)
        answer.raise_for_status()
        size = answer.num_bytes_downloaded
        if callable(done):
            done()
    return size, times


async def _open(port: int, cookie: str, version: str) -> Board:
    """Open one board's stream with as little as possible on our side: we share the machine with the service."""
    reader, writer = await asyncio.open_connection(_HOST, port, limit=4_000_000)
    writer.write(
        f"GET /desk/events?view=board&have={version} HTTP/1.1\r\nHost: {_HOST}:{port}\r\n"
        f"Cookie: dutydesk={cookie}\r\nSec-Fetch-Site: same-origin\r\n\r\n".encode()
    )
    await writer.drain()
    return Board(reader, writer, {})


async def _read(board: Board) -> None:
    """Note when each change arrives; it is known by the mark in the title it brings."""
    rest = b""
    while chunk := await board.reader.read(1_000_000):
        now = time.perf_counter()
        text = rest + chunk
        place = text.find("标记".encode())
        while place >= 0:
            mark = text[place : place + 12]
            board.heard.setdefault(mark, now)
            place = text.find("标记".encode(), place + 1)
        rest = text[-12:]


async def _change(
    browser: httpx2.AsyncClient, token: str, number: int, boards: Sequence[Board]
) -> list[float]:
    """Change a title and return how long it took to every board, from the moment the change was sent."""
    mark = f"标记{number:06d}"
    year = SystemClock().now().astimezone(ZoneInfo("Asia/Shanghai")).year
    start = time.perf_counter()
    answer = await browser.post(
        f"/api/v1/incidents/{year}-0001/correct",
        headers={"Authorization": f"Bearer {token}"},
        json={"title": f"管道爆裂漫水 {mark}", "reason": "measured"},
    )
    answer.raise_for_status()
    # Here a service that lost a board shows itself: the measurement ends with a time-out.
    async with asyncio.timeout(_CHANGE_SECONDS):
        while any(mark.encode() not in board.heard for board in boards):  # noqa: ASYNC110 (many readers)
            await asyncio.sleep(0.01)
    found = [board.heard[mark.encode()] - start for board in boards]
    await asyncio.sleep(_APART)
    return found


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((_HOST, 0))
        return int(probe.getsockname()[1])


def _share(times: Sequence[float], share: float) -> float:
    """Return the time in milliseconds that this share of all stays under."""
    ordered = sorted(times)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] * 1000


def _print(load: Load, size: int, times: Sequence[float], arrivals: Sequence[float]) -> None:
    table = Table(title=f"{load.incidents} open incidents, {load.clients} open boards")
    for heading in ("", "measured", "budget"):
        table.add_column(heading, justify="left" if not heading else "right")
    table.add_row("page, compressed", f"{size / 1000:.1f} kB", "60 kB")
    table.add_row("page, p50", f"{_share(times, 0.5):.1f} ms", "")
    table.add_row("page, p99", f"{_share(times, 0.99):.1f} ms", "30 ms")
    table.add_row("change to board, p50", f"{_share(arrivals, 0.5):.0f} ms", "")
    table.add_row("change to board, p99", f"{_share(arrivals, 0.99):.0f} ms", "300 ms")
    _console.print(table)

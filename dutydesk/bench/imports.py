"""Importing the month of a large bureau from one workbook, part by part."""

import asyncio
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from io import BytesIO
from pathlib import Path

from rich.console import Console
from rich.progress import Progress
from rich.table import Table
from xlsxwriter import Workbook

from dutydesk.bench.roster_rows import lay_units
from dutydesk.clock import SystemClock
from dutydesk.migrations import upgrade
from dutydesk.people.queries import list_units
from dutydesk.rosters.files.importing import dry_run_many, read_tables
from dutydesk.rosters.files.uncollected import uncollected
from dutydesk.rosters.files.writes import write_many
from dutydesk.settings import Settings
from dutydesk.web.site import Site
from dutydesk.wiring import close, wire

_MONTH = date(2026, 12, 1)
_NOW = datetime(2026, 11, 23, 6, tzinfo=UTC)
_DAYS = 31
_BUDGET = 5.0
# As roster_rows lays them: the first person of each seat's members, five to a place.
_SEATS = (
    ("带班领导", 0, 1),
    ("值班主任", 5, 1),
    ("值班员（主班）", 10, 1),
    ("值班员（副班）", 15, 2),
    ("备班", 25, 1),
)
_PER_UNIT = 30
_console = Console()


@dataclass(frozen=True, slots=True)
class Load:
    """How many units, how many of their seats the table has, and whether each has a sheet of its own."""

    units: int
    seats: int
    sheets: bool


@dataclass(frozen=True, slots=True)
class Measured:
    """Seconds for each part; how much was written, and for how long no event was served at most."""

    reading: float
    checking: float
    writing: float
    shifts: int
    held: float

    @property
    def total(self) -> float:
        """Return the time from the file to the drafts."""
        return self.reading + self.checking + self.writing


async def measure(load: Load, url: str | None = None) -> Measured:
    """Measure on *url* (an empty database), or on SQLite in a folder of its own; print a table.

    Raises:
        RuntimeError: when the table is not understood.
    """
    with tempfile.TemporaryDirectory(prefix="dutydesk-bench-") as folder:
        settings = Settings(database_url=url or f"sqlite+aiosqlite:///{Path(folder)}/bench.db")
        await upgrade(settings.database_url)
        wired = wire(settings, SystemClock())
        try:
            with Progress(console=_console) as progress:
                step = progress.add_task("laying units", total=load.units)
                await lay_units(
                    wired.site, range(1, load.units + 1), lambda count: progress.advance(step, count)
                )
                data = await asyncio.to_thread(workbook, load)
                progress.update(step, description="importing", total=None)
                with uncollected():  # as the page does
                    found = await _measured(wired.site, data)
        finally:
            await close(wired)
    _print(load, len(data), found)
    return found


async def _measured(site: Site, data: bytes) -> Measured:
    held: list[float] = []
    watch = asyncio.create_task(_watch(held))
    began = time.perf_counter()
    tables = await asyncio.to_thread(read_tables, data, None)
    read = time.perf_counter()
    async with site.db.read() as session:
        run = await dry_run_many(session, site, _NOW, await list_units(session), tables)
    checked = time.perf_counter()
    if run.grave:
        message = f"the table is not understood: {run.all_troubles[:3]}"
        raise RuntimeError(message)
    await write_many(site, _NOW, "bench", run)
    written = time.perf_counter()
    watch.cancel()
    return Measured(read - began, checked - read, written - checked, run.changes, max(held, default=0.0))


async def _watch(held: list[float]) -> None:
    """Note by how much a pause of a millisecond is exceeded: so long nobody else was served."""
    while True:
        began = time.perf_counter()
        await asyncio.sleep(0.001)
        held.append(time.perf_counter() - began - 0.001)


def workbook(load: Load) -> bytes:
    """Return the month of all units as a workbook."""
    kept = BytesIO()
    book = Workbook(kept, {"in_memory": True})
    heading = ["单位", "日期", "星期", *(name for name, _, _ in _SEATS[: load.seats]), "备注"]
    row, sheet = 0, None
    for unit in range(1, load.units + 1):
        if sheet is None or load.sheets:
            sheet, row = book.add_worksheet(f"第{unit}单位"), 1
            sheet.write_row(0, 0, heading)
        for cells in _rows(unit, load.seats):
            sheet.write_row(row, 0, cells)
            row += 1
    book.close()
    return kept.getvalue()


def _rows(unit: int, seats: int) -> Iterator[list[str]]:
    for number in range(_DAYS):
        day = _MONTH + timedelta(days=number)
        cells = [
            f"第{unit}单位",
            f"{day.year}年{day.month}月{day.day}日",
            "星期" + "一二三四五六日"[day.weekday()],
        ]
        for _, first, places in _SEATS[:seats]:
            cells.append("、".join(_name(unit, first + 5 * place + number % 5) for place in range(places)))
        yield [*cells, ""]


def _name(unit: int, place: int) -> str:
    return f"人员{(unit - 1) * _PER_UNIT + place + 1}"


def _print(load: Load, size: int, found: Measured) -> None:
    kind = "a sheet each" if load.sheets else "one sheet"
    title = f"import of {load.units} units, {found.shifts} shifts, {kind}, {size / 1e6:.1f} MB"
    table = Table(title=title)
    for heading in ("", "measured", "budget"):
        table.add_column(heading, justify="left" if not heading else "right")
    table.add_row("reading the workbook", f"{found.reading:.2f} s", "")
    table.add_row("names, changes, eligibility", f"{found.checking:.2f} s", "")
    table.add_row("writing", f"{found.writing:.2f} s", "")
    table.add_row("total", f"{found.total:.2f} s", f"{_BUDGET:.0f} s")
    table.add_row("total / budget", f"{found.total / _BUDGET:.2f}", "1")
    table.add_row("event loop held at most", f"{found.held * 1000:.0f} ms", "50 ms")
    _console.print(table)

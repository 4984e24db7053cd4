"""A year of rosters for a large bureau, and who is on duty among three years of shifts."""

import random
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from rich.console import Console
from rich.progress import Progress
from rich.table import Table
from sqlalchemy import bindparam, text

from dutydesk.bench.roster_rows import Writes, lay_shifts, lay_units
from dutydesk.clock import SystemClock
from dutydesk.migrations import upgrade
from dutydesk.people.queries import desk_unit
from dutydesk.rosters.model import Shift
from dutydesk.rosters.planning.bulk import Totals, generate_many
from dutydesk.rosters.queries import who_holds
from dutydesk.settings import Settings
from dutydesk.web.site import Site
from dutydesk.wiring import close, wire

_START = date(2027, 1, 1)
_NOW = datetime(2026, 11, 23, 6, tzinfo=UTC)
_DAY = timedelta(days=1)
_LONGEST = timedelta(days=7)
_BY = "bench"
_MOMENT = Shift.__table__.c.ends_at.type  # type: ignore[attr-defined] # SQLModel does not declare it
# What the question of who is on duty cannot cost less than: one range of the index.
_BARE = text(
    "SELECT seat, person_id FROM shift"
    " WHERE unit_id = :unit AND ends_at > :at AND ends_at <= :until AND starts_at <= :at"
).bindparams(bindparam("at", type_=_MOMENT), bindparam("until", type_=_MOMENT))
_console = Console()


@dataclass(frozen=True, slots=True)
class Load:
    """What is measured: so many units and days to generate; so many units and days of shifts to look among."""

    units: int
    days: int
    held_units: int
    held_days: int
    looks: int


@dataclass(frozen=True, slots=True)
class Measured:
    """Seconds, and milliseconds of each look: the question asked by the service, and a bare select by the index."""

    totals: Totals
    generating: float
    writes: Writes
    looks: Sequence[float]
    bare: Sequence[float]


async def measure(load: Load, url: str | None = None) -> Measured:
    """Measure on *url* (an empty database), or on SQLite in a folder of its own; print a table.

    Raises:
        ValueError: when the database holds units already.
    """
    with tempfile.TemporaryDirectory(prefix="dutydesk-bench-") as folder:
        settings = Settings(database_url=url or f"sqlite+aiosqlite:///{Path(folder)}/bench.db")
        await upgrade(settings.database_url)
        wired = wire(settings, SystemClock())
        try:
            with Progress(console=_console) as progress:
                found = await _measured(load, wired.site, progress)
        finally:
            await close(wired)
    _print(load, found)
    return found


async def _measured(load: Load, site: Site, progress: Progress) -> Measured:
    async with site.db.read() as session:
        if await desk_unit(session) is not None:
            message = "the bench needs an empty database"
            raise ValueError(message)
    step = progress.add_task("laying units and rotations", total=load.units)
    units = range(1, load.units + 1)
    await lay_units(site, units, lambda count: progress.advance(step, count))
    progress.update(step, description="generating", total=load.units, completed=0)
    began = time.perf_counter()
    end = _START + load.days * _DAY
    totals = await generate_many(
        site, _NOW, _BY, units, _START, end, lambda count: progress.advance(step, count)
    )
    generating = time.perf_counter() - began
    progress.update(step, description="laying years of shifts", total=load.held_units, completed=0)
    await lay_units(site, range(load.units + 1, load.held_units + 1), lambda _: None)
    held = range(1, load.held_units + 1)
    writes = await lay_shifts(site, held, _START, load.held_days, lambda count: progress.advance(step, count))
    progress.update(step, description="asking who is on duty", total=load.looks, completed=0)
    looks, bare = await _looks(load, site, lambda: progress.advance(step))
    return Measured(totals, generating, writes, looks, bare)


async def _looks(load: Load, site: Site, done: Callable[[], None]) -> tuple[list[float], list[float]]:
    """Ask about one unit at random instants, by turns as the service does and by a bare select."""
    chosen = random.Random(1)
    looks: list[float] = []
    plain: list[float] = []
    for _ in range(load.looks):
        unit_id = chosen.randint(1, load.held_units)
        at = datetime(_START.year, 1, 1, tzinfo=UTC) - chosen.random() * load.held_days * _DAY
        async with site.db.read() as session:
            began = time.perf_counter()
            await who_holds(session, [unit_id], at)
            looks.append((time.perf_counter() - began) * 1000)
        async with site.db.read() as session:
            began = time.perf_counter()
            told = {"unit": unit_id, "at": at, "until": at + _LONGEST}
            (await (await session.connection()).execute(_BARE, told)).all()
            plain.append((time.perf_counter() - began) * 1000)
        done()
    return looks, plain


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value that *share* of them do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def _print(load: Load, found: Measured) -> None:
    table = Table("", "", "budget")
    rate = found.totals.made / found.generating
    bare_rate = found.writes.rows / found.writes.seconds
    table.add_row(
        f"generate {load.days} days for {load.units} units × 6 places ({found.totals.made:,} shifts)",
        f"{found.generating:.1f} s ({bare_rate / rate:.1f} × writing as many rows and nothing else), {found.totals.holes:,} holes",
        "10 s for a year of 500 units",
    )
    p99, bare = percentile(found.looks, 0.99), percentile(found.bare, 0.99)
    table.add_row(
        f"who is on duty, {load.held_units} units × {load.held_days} days, p99",
        f"{p99:.2f} ms ({p99 / bare:.1f} × a bare indexed SELECT of {bare:.2f} ms)",
        "5 ms",
    )
    table.add_row("longest write of 1,000 rows", f"{found.writes.longest * 1000:.0f} ms", "50 ms")
    _console.print(table)

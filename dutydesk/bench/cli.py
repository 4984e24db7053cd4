"""The commands of the bench."""

import asyncio
from typing import Annotated

import typer

from dutydesk.bench import boards, imports, rosters

app = typer.Typer(help="Measurements against the budgets.", no_args_is_help=True)


@app.callback()
def bench() -> None:
    """Measure on this machine; nothing of an installation is read or changed."""


@app.command(name="boards")
def boards_command(
    incidents: Annotated[int, typer.Option(min=1, max=60, help="Open incidents on the board.")] = 50,
    clients: Annotated[int, typer.Option(min=1, max=2000, help="Open boards.")] = 500,
    changes: Annotated[
        int, typer.Option(min=1, max=500, help="Changes whose way to every board is timed.")
    ] = 40,
    requests: Annotated[int, typer.Option(min=10, max=5000, help="Requests for the page.")] = 300,
) -> None:
    """Size and server time of the board's page, and how long a change takes to every open board."""
    asyncio.run(boards.measure(boards.Load(incidents, clients, changes, requests)))


@app.command(name="rosters")
def rosters_command(
    units: Annotated[
        int, typer.Option(min=1, max=2000, help="Units to generate for, six persons on duty each.")
    ] = 500,
    days: Annotated[int, typer.Option(min=1, max=400, help="Days to generate.")] = 365,
    held_units: Annotated[int, typer.Option(min=1, max=5000, help="Units with years of shifts.")] = 1000,
    held_days: Annotated[int, typer.Option(min=1, max=4000, help="Days of shifts behind.")] = 1096,
    looks: Annotated[int, typer.Option(min=10, max=100_000, help="Questions of who is on duty.")] = 2000,
    database: Annotated[
        str | None, typer.Option(help="URL of an empty database; without it SQLite in a folder of its own.")
    ] = None,
) -> None:
    """Generate a year for many units; then ask who is on duty among years of shifts."""
    load = rosters.Load(units, days, max(units, held_units), held_days, looks)
    asyncio.run(rosters.measure(load, database))


@app.command(name="imports")
def imports_command(
    units: Annotated[int, typer.Option(min=1, max=600, help="Units in the workbook.")] = 500,
    seats: Annotated[int, typer.Option(min=1, max=5, help="Seats that the table has columns for.")] = 3,
    sheets: Annotated[bool, typer.Option(help="A sheet for each unit instead of one with a column.")] = False,
    database: Annotated[
        str | None, typer.Option(help="URL of an empty database; without it SQLite in a folder of its own.")
    ] = None,
) -> None:
    """Import the month of many units from one workbook."""
    asyncio.run(imports.measure(imports.Load(units, seats, sheets), database))

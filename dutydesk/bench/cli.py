"""The commands of the bench."""

import asyncio
from typing import Annotated

import typer

from dutydesk.bench import boards

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

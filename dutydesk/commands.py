"""What every command needs: to run, to open the database of the settings, to say something."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Annotated, Any

import typer
from fastapi import FastAPI

from dutydesk import serving
from dutydesk.clock import SystemClock
from dutydesk.logs import configure_logs
from dutydesk.settings import Settings, load_settings
from dutydesk.web.site import Site

AT_THE_MACHINE = "command line"

UnitCode = Annotated[str | None, typer.Option("--unit", help="The unit's code.")]


def run(work: Coroutine[Any, Any, Any]) -> Any:
    """Run a command's work to its end."""
    return asyncio.run(work)


def say(*said: str) -> None:
    """Print one line for each text."""
    for line in said:
        print(line)


def with_site(work: Callable[[Site], Coroutine[Any, Any, Any]], settings: Settings | None = None) -> Any:
    """Open the database of the settings, do something with it, and close it."""

    async def opened() -> Any:
        async with serving.opened(settings or load_settings(), SystemClock()) as wired:
            return await work(wired.site)

    configure_logs(level="WARNING")
    return run(opened())


def of_the_application(said: Callable[[FastAPI], str]) -> str:
    """Return what is said of the application; no database is opened for it."""

    async def work() -> str:
        from dutydesk.app import create_app
        from dutydesk.wiring import close, wire

        wired = wire(load_settings(), SystemClock())
        try:
            return said(create_app(wired))
        finally:
            await close(wired)

    return str(run(work()))

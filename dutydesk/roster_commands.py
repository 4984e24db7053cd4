"""Commands for duty tables as files."""

import asyncio
from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from dutydesk.commands import AT_THE_MACHINE, UnitCode, say, with_site
from dutydesk.errors import ConflictError, InvalidInputError
from dutydesk.people.queries import list_units, unit_by_code
from dutydesk.rosters.files import import_words
from dutydesk.rosters.files.importing import DryRun, dry_run_many, dry_run_unit, read_tables
from dutydesk.rosters.files.pages import workbook_of
from dutydesk.rosters.files.writes import write_many, write_unit
from dutydesk.web.site import Site

roster = typer.Typer(help="Duty tables as files.", no_args_is_help=True)

Month = Annotated[str | None, typer.Option("--month", help="The month, e.g. 2026-12; else as the file says.")]


def _month(text: str) -> date:
    """Read a month.

    Raises:
        InvalidInputError: when it is none.
    """
    try:
        return date.fromisoformat(f"{text}-01")
    except ValueError as error:
        message = f"--month: {text!r} is not a month like 2026-12"
        raise InvalidInputError(message) from error


@roster.command(name="import")
def roster_import(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="A workbook (xlsx).")],
    unit: UnitCode = None,
    month: Month = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be done.")] = False,
) -> None:
    """Import duty tables as drafts: of one unit, or of every unit the file names. All of it or nothing."""
    wanted = None if month is None else _month(month)

    async def work(site: Site) -> tuple[list[str], bool]:
        data = await asyncio.to_thread(file.read_bytes)
        tables = await asyncio.to_thread(read_tables, data, wanted)
        now = site.clock.now()
        async with site.db.read() as session:
            if unit is None:
                run = await dry_run_many(session, site, now, await list_units(session), tables)
            else:
                known = wanted or next((one.month for one in tables if one.month is not None), None)
                if known is None:
                    message = "the file does not say of which month it is: give --month"
                    raise InvalidInputError(message)
                run = await dry_run_unit(session, site, now, await unit_by_code(session, unit), known, tables)
        said = _lines(run)
        if run.grave:
            return [*said, "nothing was imported"], False
        if dry_run or not run.changes:
            return said, True
        if unit is None:
            await write_many(site, now, AT_THE_MACHINE, run)
        elif run.plans[0].at_once:
            message = "shifts that are in force would change: import the file on the unit's page"
            raise ConflictError(message)
        else:
            await site.db.run(lambda session: write_unit(session, site, now, AT_THE_MACHINE, run.plans[0]))
        return [*said, "imported as drafts"], True

    lines, good = with_site(work)
    say(*lines)
    if not good:
        raise typer.Exit(1)


def _lines(run: DryRun) -> list[str]:
    several = len({one.sheet for one in run.all_troubles}) > 1
    found = [
        f"{'FAULT' if one.grave else 'note '}  {f'{one.sheet}!' if several else ''}{import_words.place(one)}"
        f"  {import_words.sentence(one)}"
        for one in run.all_troubles
    ]
    return [*found, f"{len(run.plans)} units, {run.changes} shifts to change"]


@roster.command(name="export")
def roster_export(
    file: Annotated[Path, typer.Argument(dir_okay=False, help="Where to write the workbook.")],
    month: Annotated[str, typer.Option("--month", help="The month, e.g. 2026-12.")],
    unit: UnitCode = None,
) -> None:
    """Write a unit's duty table, or those of all units with a sheet for each. Numbers are not masked."""
    wanted = _month(month)

    async def work(site: Site) -> bytes:
        async with site.db.read() as session:
            units = [await unit_by_code(session, unit)] if unit else await list_units(session)
            live = [one for one in units if one.retired_at is None]
            return await workbook_of(session, site, site.clock.now(), live, wanted, masked=False)

    content = with_site(work)
    file.write_bytes(content)
    say(f"{file}: {len(content)} bytes")

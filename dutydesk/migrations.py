"""Bringing a database to the schema this version needs, and refusing to run on any other.

The migrations themselves are in ``alembic/`` beside the package, in an installed package in ``dutydesk/_alembic``.
"""

import asyncio
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.script.revision import RevisionError
from alembic.util.exc import CommandError
from sqlalchemy import Connection, MetaData, inspect, text
from sqlmodel import SQLModel

from dutydesk.accounts import model as accounts
from dutydesk.alerts import model as alerts
from dutydesk.audit import model as audit
from dutydesk.calendars import model as calendars
from dutydesk.db import Database
from dutydesk.desk import model as desk
from dutydesk.dutylog import model as dutylog
from dutydesk.errors import RefusedToStartError
from dutydesk.incidents import model as incidents
from dutydesk.obligations import model as obligations
from dutydesk.people import model as people
from dutydesk.rosters import model as rosters
from dutydesk.web import model as web

SchemaState = Literal["current", "older", "newer", "empty", "foreign"]

# Every file called model.py: a table is known to the metadata once its file was imported.
MODELS: tuple[ModuleType, ...] = (
    accounts,
    alerts,
    audit,
    calendars,
    desk,
    dutylog,
    incidents,
    obligations,
    people,
    rosters,
    web,
)

_PACKAGE = Path(__file__).resolve().parent
_ADVISORY_LOCK = 0x64757479  # "duty"
_VERSION_TABLE = "alembic_version"
_WHAT_TO_DO: dict[SchemaState, str] = {
    "empty": "the database is empty: run `dutydesk db upgrade` first",
    "older": "the database has an older schema than this version of dutydesk needs: run `dutydesk db upgrade`",
    "newer": "the database was upgraded by a newer version of dutydesk: install that version (or a later one)",
    "foreign": "the database holds tables that are not dutydesk's: name one of its own in DUTYDESK_DATABASE_URL",
}


def all_models() -> MetaData:
    """Return the metadata with the table of every model."""
    return SQLModel.metadata


def alembic_config(url: str) -> Config:
    """Return Alembic's configuration for the database *url*, with the migrations of this installation."""
    installed = _PACKAGE / "_alembic"
    folder = installed if installed.is_dir() else _PACKAGE.parent / "alembic"
    config = Config()
    # Alembic reads options with %-interpolation; the URL goes around it, for its password may hold a %.
    config.set_main_option("script_location", str(folder).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["database_url"] = url
    return config


async def upgrade(database_url: str) -> None:
    """Bring a database to the newest schema; one that has it already stays as it is.

    Raises:
        RefusedToStartError: when the database is newer than this version, or is not dutydesk's.
    """
    db = Database(database_url)
    try:
        state = await schema_state(db)
    finally:
        await db.dispose()
    if state in {"newer", "foreign"}:
        raise RefusedToStartError(_WHAT_TO_DO[state])
    if state != "current":
        # Alembic's commands run an event loop of their own.
        await asyncio.to_thread(command.upgrade, alembic_config(database_url), "head")


async def downgrade(database_url: str, revision: str = "base") -> None:
    """Take a database back to *revision*; ``base`` is before the first one."""
    await asyncio.to_thread(command.downgrade, alembic_config(database_url), revision)


async def schema_state(db: Database) -> SchemaState:
    """Tell how a database's schema stands to the one this version needs."""
    async with db.engine.connect() as connection:
        tables, revisions = await connection.run_sync(_found)
    if not tables:
        return "empty"
    if not revisions or not tables & set(all_models().tables):
        return "foreign"
    scripts = await asyncio.to_thread(ScriptDirectory.from_config, alembic_config(db.url))
    return await asyncio.to_thread(_compared, scripts, revisions)


async def refuse_unless_current(db: Database) -> None:
    """Let the process start on the right schema only.

    Raises:
        RefusedToStartError: saying what to do.
    """
    state = await schema_state(db)
    if state != "current":
        raise RefusedToStartError(_WHAT_TO_DO[state])


async def drift(database_url: str) -> list[str]:
    """Return what differs between the database and the models, one line each; nothing when they agree."""
    db = Database(database_url)
    try:
        async with db.engine.connect() as connection:
            found = await connection.run_sync(_differences)
    finally:
        await db.dispose()
    return [_line(difference) for difference in found]


def one_at_a_time(connection: Connection) -> None:
    """Let two processes that upgrade the same PostgreSQL database follow each other; SQLite does it by itself."""
    if connection.dialect.name == "postgresql":
        connection.execute(text(f"SELECT pg_advisory_xact_lock({_ADVISORY_LOCK})"))


def _found(connection: Connection) -> tuple[set[str], tuple[str, ...]]:
    """Return the tables of a database but Alembic's own, and the revisions it is at."""
    tables = set(inspect(connection).get_table_names()) - {_VERSION_TABLE}
    return tables, MigrationContext.configure(connection).get_current_heads()


def _compared(scripts: ScriptDirectory, revisions: tuple[str, ...]) -> SchemaState:
    if set(revisions) == set(scripts.get_heads()):
        return "current"
    for revision in revisions:
        try:
            scripts.get_revision(revision)
        except (CommandError, RevisionError):
            return "newer"
    return "older"


def _differences(connection: Connection) -> list[Any]:
    found: list[Any] = []
    for difference in compare_metadata(MigrationContext.configure(connection), all_models()):
        # Changes of one column come as a list of their own.
        found.extend(difference if isinstance(difference, list) else [difference])
    return found


def _line(difference: tuple[Any, ...]) -> str:
    """Turn Alembic's tuple (what, then a table, column or index, or names and values) into a line to read."""
    what, *parts = difference
    words = [str(getattr(part, "name", part)) for part in parts if part is not None]
    table = getattr(getattr(parts[-1], "table", None), "name", None)
    place = f" of {table}" if table else ""
    return f"{what.replace('_', ' ')}: {' '.join(words)}{place}"

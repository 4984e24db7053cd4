"""What Alembic runs for every command: on SQLite and PostgreSQL, one transaction for all migrations of a run."""

import asyncio

from alembic import context
from sqlalchemy import Connection, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry

from dutydesk.db import Database
from dutydesk.migrations import all_models, one_at_a_time
from dutydesk.settings import load_settings


def migrate(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=all_models(),
        # SQLite cannot alter a column: the table is copied instead.
        render_as_batch=True,
        # SQLite can take back a CREATE TABLE, and db.py begins its transactions: a failed run leaves nothing behind.
        transactional_ddl=True,
    )
    with context.begin_transaction():
        one_at_a_time(connection)
        context.run_migrations()


async def main() -> None:
    url = context.config.attributes.get("database_url") or load_settings().database_url
    db = Database(url)
    if db.is_sqlite:

        @event.listens_for(db.engine.sync_engine, "connect")
        def copies_may_break_references(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
            # With it on, dropping the old table after a copy would delete or refuse what refers to it.
            cursor = connection.cursor()
            cursor.execute("PRAGMA foreign_keys=OFF")
            cursor.close()

    try:
        async with db.engine.execution_options(sqlite_begin="IMMEDIATE").connect() as connection:
            await connection.run_sync(migrate)
    finally:
        await db.dispose()


asyncio.run(main())

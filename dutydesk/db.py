"""Sessions and transactions for SQLite (default) and PostgreSQL.

One ``write()`` is one transaction, opened and committed here and nowhere else. On SQLite writers
wait for one process-wide lock and begin with ``BEGIN IMMEDIATE``; reads never wait. After a commit
the hooks set by ``wiring`` run, so that the timer and the boards notice.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, nullcontext
from typing import Any, TypeVar

from sqlalchemy import JSON, Connection, Dialect, TypeDecorator, event, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry
from sqlmodel import AutoString, Field, SQLModel
from sqlmodel.ext.asyncio.session import AsyncSession

Session = AsyncSession

# Before any model: constraint names must be the same in every migration and on both databases.
SQLModel.metadata.naming_convention = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}

_T = TypeVar("_T")
_TRIES = 4
# PostgreSQL: serialization_failure, deadlock_detected.
_TRY_AGAIN = frozenset({"40001", "40P01"})

_SQLITE_PRAGMAS = (
    "PRAGMA journal_mode=WAL",
    # FULL costs 15 % and keeps an acknowledged alarm through a power cut.
    "PRAGMA synchronous=FULL",
    "PRAGMA busy_timeout=10000",
    "PRAGMA foreign_keys=ON",
)


class Record(SQLModel):
    """The parent of every table: it makes sure that the naming convention is set first."""


class KeptJson(TypeDecorator[Any]):
    """JSON; text that is none any more reads as nothing, so that one damaged row spoils no list it is in."""

    impl = JSON
    cache_ok = True

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], Any]:
        read = super().result_processor(dialect, coltype)

        def tolerant(value: Any) -> Any:
            try:
                return value if read is None else read(value)
            except ValueError:
                return {}

        return tolerant


def word(**options: Any) -> Any:
    """Return a model field for a ``Literal`` of strings: text in the database, checked by the type checker."""
    return Field(sa_type=AutoString, **options)


class Database:
    """One database and the transactions on it."""

    def __init__(self, url: str) -> None:
        """Prepare the engine; nothing is opened before the first use.

        Raises:
            ValueError: when the URL is neither ``sqlite+aiosqlite`` nor ``postgresql+psycopg``.
        """
        parsed = make_url(url)
        if parsed.drivername not in {"sqlite+aiosqlite", "postgresql+psycopg"}:
            message = f"database URL must begin with sqlite+aiosqlite:// or postgresql+psycopg://, not {parsed.drivername}://"
            raise ValueError(message)
        self.url = url
        self.is_sqlite = parsed.get_backend_name() == "sqlite"
        self.path = parsed.database if self.is_sqlite else None
        self._engine = create_async_engine(url, pool_pre_ping=not self.is_sqlite)
        self._writing_engine = self._engine
        self._writer: Any = nullcontext()
        if self.is_sqlite:
            _make_sqlite_safe(self._engine)
            self._writing_engine = self._engine.execution_options(sqlite_begin="IMMEDIATE")
            self._writer = asyncio.Lock()
        self._after_commit: list[Callable[[], None]] = []

    @property
    def engine(self) -> AsyncEngine:
        """The engine, for migrations and checks."""
        return self._engine

    def on_commit(self, hook: Callable[[], None]) -> None:
        """Call *hook* (quick, never raising) after every committed write."""
        self._after_commit.append(hook)

    @asynccontextmanager
    async def write(self, *, quiet: bool = False) -> AsyncIterator[Session]:
        """Open one transaction, commit it at the end, roll it back on any exception.

        A *quiet* one writes nothing that anybody waits for or looks at (what is being typed): no hook runs.
        """
        async with self._writer, Session(self._writing_engine, expire_on_commit=False) as session:
            yield session
            await session.commit()
        for hook in () if quiet else self._after_commit:
            hook()

    async def run(self, work: Callable[[Session], Awaitable[_T]]) -> _T:
        """Run *work* in one transaction, and once more where PostgreSQL ended it to break a deadlock.

        For what must not be lost to somebody else's timing: a report, a key that was pressed. *work*
        must do nothing but database work, because it may run several times.
        """
        for _ in range(_TRIES - 1):
            try:
                async with self.write() as session:
                    return await work(session)
            except DBAPIError as error:
                if getattr(error.orig, "sqlstate", None) not in _TRY_AGAIN:
                    raise
        async with self.write() as session:
            return await work(session)

    @asynccontextmanager
    async def read(self) -> AsyncIterator[Session]:
        """Open a session that sees one consistent state and changes nothing."""
        async with Session(self._engine, expire_on_commit=False) as session:
            yield session

    async def dispose(self) -> None:
        """Close every connection."""
        await self._engine.dispose()


def _make_sqlite_safe(engine: AsyncEngine) -> None:
    """Turn off the driver's own transactions and begin ours as the connection asks."""

    @event.listens_for(engine.sync_engine, "connect")
    def _on_connect(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in _SQLITE_PRAGMAS:
            cursor.execute(pragma)
        cursor.close()

    @event.listens_for(engine.sync_engine, "begin")
    def _on_begin(connection: Connection) -> None:
        kind = connection.get_execution_options().get("sqlite_begin", "DEFERRED")
        connection.exec_driver_sql(f"BEGIN {kind}")

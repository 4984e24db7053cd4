"""The schema: there and back again on both databases, and no start on any other than the right one."""

import asyncio
import os
import re
import shutil
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path

import pytest
from alembic import command
from sqlalchemy import inspect, text

from dutydesk.db import Database
from dutydesk.errors import RefusedToStartError
from dutydesk.migrations import (
    MODELS,
    alembic_config,
    all_models,
    downgrade,
    drift,
    refuse_unless_current,
    schema_state,
    upgrade,
)

ROOT = Path(__file__).resolve().parent.parent
VERSIONS = sorted((ROOT / "alembic" / "versions").glob("*.py"))

# What the next version of dutydesk brings, in these tests.
NEXT = '''"""one more thing"""

import sqlalchemy as sa
from alembic import op

revision = "one_more_thing"
down_revision = "{head}"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table("one_more_thing", sa.Column("id", sa.Integer(), primary_key=True))
    {then}


def downgrade() -> None:
    op.drop_table("one_more_thing")
'''

# Takes a URL and what to do with it: upgrade, or refuse to start; prints one line for each.
TELL = """
import asyncio, sys
from dutydesk.db import Database
from dutydesk.errors import RefusedToStartError
from dutydesk.migrations import refuse_unless_current, upgrade

async def main(url, *steps):
    db = Database(url)
    for step in steps:
        try:
            await (upgrade(url) if step == "upgrade" else refuse_unless_current(db))
            print("done")
        except RefusedToStartError as refused:
            print(refused)
    await db.dispose()

asyncio.run(main(*sys.argv[1:]))
"""


def head() -> str:
    """Return the newest revision, read from the files: the one that no other comes after."""
    found = [file.read_text(encoding="utf-8") for file in VERSIONS]
    revisions = {re.search(r'^revision = "(\w+)"', one, re.MULTILINE)[1] for one in found}
    before = {
        match[1] for one in found if (match := re.search(r'^down_revision = "(\w+)"', one, re.MULTILINE))
    }
    (newest,) = revisions - before
    return newest


def migrations_of_the_next_version(folder: Path, then: str = "") -> Path:
    """Copy alembic/ to *folder* and add a migration that does *then* at the end."""
    shutil.copytree(ROOT / "alembic", folder, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "versions" / "one_more_thing.py").write_text(
        NEXT.format(head=head(), then=then), encoding="utf-8"
    )
    return folder


@pytest.fixture(scope="session")
def next_version(tmp_path_factory):
    """The next version of dutydesk as pip installs it, without a checkout: start it with the steps to take."""
    site = tmp_path_factory.mktemp("next")
    leave = shutil.ignore_patterns("__pycache__", "static", "templates")
    shutil.copytree(ROOT / "dutydesk", site / "dutydesk", ignore=leave)
    # Its migration takes a while, so that a second process comes while the first is at it.
    migrations_of_the_next_version(site / "dutydesk" / "_alembic", then='__import__("time").sleep(1)')

    def start(url: str, *steps: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-c", TELL, url, *steps],
            cwd=site,
            env={**os.environ, "PYTHONPATH": str(site)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    return start


def said(process: subprocess.Popen[str]) -> list[str]:
    return process.communicate(timeout=60)[0].splitlines()


async def tables(url: str) -> set[str]:
    db = Database(url)
    try:
        async with db.engine.connect() as connection:
            return await connection.run_sync(lambda sync: set(inspect(sync).get_table_names()))
    finally:
        await db.dispose()


async def state(url: str) -> str:
    db = Database(url)
    try:
        return await schema_state(db)
    finally:
        await db.dispose()


async def refusal(url: str) -> str:
    """Return the sentence with which a process refuses to start on this database."""
    db = Database(url)
    try:
        with pytest.raises(RefusedToStartError) as refused:
            await refuse_unless_current(db)
    finally:
        await db.dispose()
    return str(refused.value)


async def execute(url: str, statement: str) -> None:
    db = Database(url)
    try:
        async with db.write() as session:
            await session.exec(text(statement))
    finally:
        await db.dispose()


# ----------------------------------------------------------------------------------------------------------------------


async def test_the_schema_goes_up_and_down_and_up_again(empty_database_url):
    await upgrade(empty_database_url)
    assert await tables(empty_database_url) == {*all_models().tables, "alembic_version"}
    await downgrade(empty_database_url)
    assert await tables(empty_database_url) == {"alembic_version"}
    assert await state(empty_database_url) == "empty"
    await upgrade(empty_database_url)
    assert await state(empty_database_url) == "current"


async def test_the_migrations_make_what_the_models_say(database_url):
    assert await drift(database_url) == []


async def test_what_no_migration_made_is_named(database_url):
    await execute(database_url, "ALTER TABLE unit DROP COLUMN short_name")
    await execute(database_url, "DROP INDEX ix_incident_state")
    await execute(database_url, "CREATE TABLE stray (id INTEGER PRIMARY KEY)")
    found = await drift(database_url)
    assert len(found) == 3
    assert any("add column" in line and "unit" in line and "short_name" in line for line in found)
    assert any("add index" in line and "ix_incident_state" in line for line in found)
    assert any("remove table" in line and "stray" in line for line in found)


async def test_a_second_upgrade_changes_nothing(db, database_url, clock):
    await execute(database_url, "INSERT INTO number_series (name, last) VALUES ('2026', 7)")
    await upgrade(database_url)
    async with db.read() as session:
        assert (await session.exec(text("SELECT last FROM number_series"))).all() == [(7,)]


async def test_on_the_right_schema_a_process_starts(db):
    assert await schema_state(db) == "current"
    await refuse_unless_current(db)


async def test_on_an_empty_database_a_process_says_how_to_make_the_schema(empty_database_url):
    assert await state(empty_database_url) == "empty"
    assert "run `dutydesk db upgrade`" in await refusal(empty_database_url)


async def test_another_programs_database_is_left_alone(empty_database_url):
    await execute(empty_database_url, "CREATE TABLE wp_posts (id INTEGER PRIMARY KEY)")
    assert await state(empty_database_url) == "foreign"
    assert "DUTYDESK_DATABASE_URL" in await refusal(empty_database_url)
    with pytest.raises(RefusedToStartError, match="not dutydesk's"):
        await upgrade(empty_database_url)
    assert await tables(empty_database_url) == {"wp_posts"}


async def test_another_programs_database_that_alembic_knows_is_left_alone_too(empty_database_url):
    await execute(empty_database_url, "CREATE TABLE wp_posts (id INTEGER PRIMARY KEY)")
    await execute(empty_database_url, "CREATE TABLE alembic_version (version_num VARCHAR(32) PRIMARY KEY)")
    await execute(empty_database_url, "INSERT INTO alembic_version VALUES ('theirs')")
    assert await state(empty_database_url) == "foreign"


async def test_on_an_older_schema_the_next_version_says_how_to_upgrade_and_does_it(
    database_url, next_version
):
    before, upgraded, after = said(next_version(database_url, "start", "upgrade", "start"))
    assert "older schema" in before
    assert "run `dutydesk db upgrade`" in before
    assert (upgraded, after) == ("done", "done")


async def test_on_a_newer_schema_this_version_says_to_install_the_newer_one(database_url, tmp_path):
    config = alembic_config(database_url)
    config.set_main_option("script_location", str(migrations_of_the_next_version(tmp_path / "alembic")))
    await asyncio.to_thread(command.upgrade, config, "head")
    assert await state(database_url) == "newer"
    assert "newer version of dutydesk: install that version" in await refusal(database_url)
    with pytest.raises(RefusedToStartError, match="newer version"):
        await upgrade(database_url)


async def test_an_upgrade_that_fails_leaves_nothing_behind(empty_database_url, tmp_path):
    broken = migrations_of_the_next_version(tmp_path / "alembic", then='op.drop_table("never_was")')
    config = alembic_config(empty_database_url)
    config.set_main_option("script_location", str(broken))
    with pytest.raises(Exception, match="never_was"):
        await asyncio.to_thread(command.upgrade, config, "head")
    assert await tables(empty_database_url) == set()


async def test_two_processes_may_upgrade_at_the_same_moment(empty_database_url, next_version):
    both = [next_version(empty_database_url, "upgrade") for _ in range(2)]
    assert [said(process) for process in both] == [["done"], ["done"]]
    assert "one_more_thing" in await tables(empty_database_url)


async def test_the_event_loop_goes_on_while_the_schema_is_made(empty_database_url):
    beats = [time.monotonic()]

    async def beat() -> None:
        while True:
            await asyncio.sleep(0.001)
            beats.append(time.monotonic())

    beating = asyncio.create_task(beat())
    await upgrade(empty_database_url)
    beating.cancel()
    beats.append(time.monotonic())
    longest = max(later - earlier for earlier, later in pairwise(beats))
    assert longest < (beats[-1] - beats[0]) / 2


async def test_a_copied_table_keeps_what_refers_to_it(database_url, tmp_path):
    """On SQLite a changed table is copied and the old one dropped: its children must not go with it."""
    await execute(
        database_url,
        "INSERT INTO unit (code, name, short_name, kind, created_at) VALUES ('d', 'd', 'd', 'desk', '2026-11-23')",
    )
    await execute(
        database_url,
        "INSERT INTO person (name, unit_id, title, created_at) VALUES ('p', 1, '', '2026-11-23')",
    )
    then = 'with op.batch_alter_table("unit", recreate="auto") as table: table.alter_column("name", nullable=True)'
    config = alembic_config(database_url)
    config.set_main_option("script_location", str(migrations_of_the_next_version(tmp_path / "alembic", then)))
    await asyncio.to_thread(command.upgrade, config, "head")
    db = Database(database_url)
    async with db.read() as session:
        assert (await session.exec(text("SELECT name, unit_id FROM person"))).all() == [("p", 1)]
    await db.dispose()


# ----------------------------------------------------------------------------------------------------------------------


def test_every_model_is_known_to_the_migrations():
    files = {Path(module.__file__).resolve() for module in MODELS}
    assert files == {file.resolve() for file in (ROOT / "dutydesk").rglob("model.py")}


@pytest.mark.parametrize("file", VERSIONS, ids=lambda file: file.stem)
def test_a_migration_never_imports_the_application(file):
    source = file.read_text(encoding="utf-8")
    assert re.search(r"^\s*(from|import) (dutydesk|tests)\b", source, re.MULTILINE) is None


@pytest.mark.parametrize("file", VERSIONS, ids=lambda file: file.stem)
def test_a_migration_waits_for_no_lock_longer_than_seconds(file):
    source = file.read_text(encoding="utf-8")
    assert "SET LOCAL lock_timeout" in source
    assert source.count("    wait_for_no_lock_longer_than_5s()\n") == 2


def test_nothing_makes_the_folder_of_migrations_hide_the_library():
    assert not (ROOT / "alembic" / "__init__.py").exists()


def test_there_is_one_newest_migration():
    assert head()

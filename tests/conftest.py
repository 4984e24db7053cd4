"""What every test may ask for. A test that asks for a database runs on SQLite and on PostgreSQL."""

import os
import socket
from collections import Counter
from contextlib import AsyncExitStack
from datetime import datetime
from ipaddress import ip_address
from pathlib import Path
from zoneinfo import ZoneInfo

import httpx2
import hypothesis
import pytest
from pydantic import SecretStr

from dutydesk.accounts.actions import create_token
from dutydesk.db import Database
from dutydesk.people.queries import unit_by_code
from dutydesk.rulebook.loader import load_rulebook
from dutydesk.settings import PREFIX, Settings
from dutydesk.web.site import Site
from tests.builders import sign_in
from tests.databases import PostgresTemplate, SqliteTemplate, postgres_server
from tests.fakes.clock import FakeClock

ROOT = Path(__file__).resolve().parent.parent
HERE = "http://127.0.0.1:8000"
DATABASES = ("sqlite", "postgresql")

# How long an example takes says how busy the machine is, and nothing of the code.
hypothesis.settings.register_profile("untimed", deadline=None)
hypothesis.settings.load_profile("untimed")

# What a developer has set for his own service must not reach the tests.
for _name in [
    name for name in os.environ if name.startswith(PREFIX) and not name.startswith(f"{PREFIX}TEST_")
]:
    del os.environ[_name]


# ----------------------------------------------------------------------------------------------------------------------
# The network is closed, except for this machine.


class NetworkClosedError(Exception):
    """A test tried to reach something outside this machine."""


def _refuse_outside(host):
    """Let pass Unix sockets (a path), loopback addresses and ``localhost``."""
    try:
        inside = ip_address(host).is_loopback
    except ValueError:
        inside = host in {"", "localhost"}
    if not inside:
        raise NetworkClosedError(f"tests reach nothing outside this machine, not {host}")


def _guarded(method):
    def connect(self, address):
        if self.family in {socket.AF_INET, socket.AF_INET6}:
            _refuse_outside(address[0])
        return method(self, address)

    return connect


def _guarded_lookup(method):
    def getaddrinfo(host, *args, **kwargs):
        if host is not None:
            _refuse_outside(host.decode() if isinstance(host, bytes) else host)
        return method(host, *args, **kwargs)

    return getaddrinfo


socket.socket.connect = _guarded(socket.socket.connect)
socket.socket.connect_ex = _guarded(socket.socket.connect_ex)
socket.getaddrinfo = _guarded_lookup(socket.getaddrinfo)


# ----------------------------------------------------------------------------------------------------------------------
# Databases.


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory):
    return SqliteTemplate(tmp_path_factory.mktemp("sqlite"))


@pytest.fixture(scope="session")
def postgres_template():
    with postgres_server() as server:
        template = PostgresTemplate(server)
        yield template
        template.close()


@pytest.fixture(params=DATABASES)
def database_url(request, tmp_path):
    """The URL of a fresh database with the newest schema, one of each kind."""
    if request.param == "sqlite":
        yield request.getfixturevalue("sqlite_template").copy_to(tmp_path)
        return
    template = request.getfixturevalue("postgres_template")
    url = template.copy()
    yield url
    template.drop(url)


@pytest.fixture
def empty_database_url(database_url, request, tmp_path):
    """The URL of a fresh database without any schema, one of each kind."""
    if database_url.startswith("sqlite"):
        yield f"sqlite+aiosqlite:///{tmp_path}/empty.db"
        return
    template = request.getfixturevalue("postgres_template")
    url = template.create()
    yield url
    template.drop(url)


@pytest.fixture
async def _own_db(database_url):
    db = Database(database_url)
    yield db
    await db.dispose()


@pytest.fixture
def db(request, database_url):
    """The database; the same object that the application uses, where a test has one."""
    if "wired" in request.fixturenames:
        return request.getfixturevalue("wired").site.db
    return request.getfixturevalue("_own_db")


# ----------------------------------------------------------------------------------------------------------------------
# The process.


@pytest.fixture
def clock():
    """Monday 23 November 2026, 14:00 at the site, until the test moves it."""
    return FakeClock(datetime(2026, 11, 23, 6, 0, tzinfo=ZoneInfo("UTC")))


@pytest.fixture
def settings(database_url):
    """The defaults: nothing is really sent."""
    return Settings(
        database_url=database_url,
        secret_key=SecretStr("only for tests"),
        last_resort=("+8613900000091", "+8613900000092"),
    )


@pytest.fixture(scope="session")
def rulebook():
    """The rulebook as shipped."""
    return load_rulebook(ROOT / "config", "zh-CN")


@pytest.fixture
def site(request, database_url, clock):
    """What a request needs; the application's own, where a test has one."""
    if "wired" in request.fixturenames:
        return request.getfixturevalue("wired").site
    settings, rulebook = request.getfixturevalue("settings"), request.getfixturevalue("rulebook")
    return Site(request.getfixturevalue("db"), clock, settings, rulebook)


@pytest.fixture
async def wired(settings, clock):
    """A whole process as `wiring` builds it."""
    from dutydesk.wiring import close, wire

    process = wire(settings, clock)
    yield process
    await close(process)


@pytest.fixture
def app(wired):
    from dutydesk.app import create_app

    return create_app(wired)


@pytest.fixture
def token_for(site):
    """Make API tokens of a role and, for a unit contact, of the unit with that code."""

    async def make(role, unit=None):
        async with site.db.write() as session:
            unit_id = None if unit is None else (await unit_by_code(session, unit)).id
            return await create_token(session, site.clock.now(), f"the {role}", role, unit_id)

    return make


@pytest.fixture
async def browser_of(app, site):
    """Open a browser that somebody with this role is signed in with; requests as our own pages make them."""
    async with AsyncExitStack() as stack:

        async def open_one(role, *, unit=None, name="", person_id=None):
            unit_id = None
            if unit is not None:
                async with site.db.read() as session:
                    unit_id = (await unit_by_code(session, unit)).id
            cookie = await sign_in(
                site.db, site.clock.now(), role, name=name, unit_id=unit_id, person_id=person_id
            )
            client = httpx2.AsyncClient(
                transport=httpx2.ASGITransport(app),
                base_url=HERE,
                headers={"Sec-Fetch-Site": "same-origin"},
                cookies={"dutydesk": cookie},
            )
            return await stack.enter_async_context(client)

        yield open_one


@pytest.fixture
async def anyone(app):
    """A caller without a token."""
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url=HERE) as client:
        yield client


@pytest.fixture
async def api(app, token_for):
    """A caller with an administrator's token."""
    headers = {"Authorization": f"Bearer {await token_for('administrator')}"}
    transport = httpx2.ASGITransport(app)
    async with httpx2.AsyncClient(transport=transport, base_url=HERE, headers=headers) as client:
        yield client


# ----------------------------------------------------------------------------------------------------------------------
# Both databases, or it does not count.

_passed: Counter[str] = Counter()


def pytest_collection_modifyitems(items):
    for item in items:
        kind = getattr(item, "callspec", None) and item.callspec.params.get("database_url")
        if kind:
            # Properties travel with the reports, also from pytest-xdist's workers.
            item.user_properties.append(("database", kind))


def pytest_runtest_logreport(report):
    if report.when == "call" and report.passed:
        _passed.update(value for name, value in report.user_properties if name == "database")


def _differ(config):
    """Tell whether a whole run passed more tests on one database than on the other."""
    option = config.option
    chosen = (
        option.keyword
        or option.markexpr
        or option.deselect
        or option.collectonly
        or getattr(option, "lf", False)
    )
    whole = config.args_source is not pytest.Config.ArgsSource.ARGS and not chosen
    return whole and len({_passed[kind] for kind in DATABASES}) > 1


def pytest_sessionfinish(session):
    if _differ(session.config) and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter, config):
    terminalreporter.write_line("  ".join(f"{kind}: {_passed[kind]} passed" for kind in DATABASES))
    if _differ(config):
        terminalreporter.write_line("The same tests must pass on both databases.", red=True)

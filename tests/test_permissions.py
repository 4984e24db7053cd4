"""Every route names its permission, and every role gets exactly what it may: all routes, all roles, and a stranger."""

import asyncio
import re
from dataclasses import replace
from pathlib import Path

import pytest

from dutydesk.accounts.permissions import permission_table, permissions_of
from dutydesk.accounts.rules import PERMISSIONS, ROLES
from dutydesk.app import create_app
from dutydesk.people.actions import create_unit
from tests.builders import sign_in

TABLE = Path(__file__).parents[1] / "docs" / "permissions.md"

# What holds no data and asks nobody: the description of the API, and the static files.
OPEN = {"GET,HEAD /api/openapi.json", "/static"}
OPEN_TO_ALL = {"public", "provider"}
KNOWN = frozenset().union(*PERMISSIONS.values()) | OPEN_TO_ALL
FILLED = {
    "number": "2026-0001",
    "provider": "twilio",
    "token": "unknown",
    "unit": "canteen",
    "code": "canteen",
    "month": "2026-12",
    "day": "2026-12-01",
    "year": "2027",
    "seat": "leader",
}
READING = {one for one in KNOWN if one.endswith(":read")}
HOST = "127.0.0.1:8000"


def routes(app) -> list[tuple[str, str, str]]:
    """Return every route that names a permission: method, path with its parameters filled, permission."""
    found = []
    for said, permission in permissions_of(app):
        if said in OPEN:
            continue
        methods, path = said.split(" ")
        filled = re.sub(r"\{(\w+)[^}]*\}", lambda name: FILLED.get(name[1], "1"), path)
        found.append((methods.split(",")[0], filled, permission))
    return found


def is_page(path: str) -> bool:
    return not path.startswith(("/api/", "/webhooks/"))


async def ask(app, method: str, path: str, **headers: str) -> tuple[int, str]:
    """Return the status a request gets and where it is sent to; whoever asked leaves then, so that a stream ends."""
    body = b"" if method == "GET" else b"{}"
    sent = [{"type": "http.request", "body": body}]
    gone = asyncio.Event()
    answers = []

    async def receive():
        if sent:
            return sent.pop()
        await gone.wait()
        return {"type": "http.disconnect"}

    async def send(message):
        if message["type"] == "http.response.start":
            answers.append(message)
            gone.set()

    told = {"host": HOST, "content-type": "application/json", "sec-fetch-site": "same-origin"} | {
        name.replace("_", "-"): value for name, value in headers.items()
    }
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": b"",
        "headers": [(name.encode(), value.encode()) for name, value in told.items()],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 8000),
    }
    await app(scope, receive, send)
    place = dict(answers[0]["headers"]).get(b"location", b"").decode()
    return answers[0]["status"], place


@pytest.fixture
async def bystander(site, token_for):
    """Whom the walk may close, sign out and revoke: account, sign-in, token and unit 1."""
    async with site.db.write() as session:
        await create_unit(
            session, site.clock.now(), "test", code="canteen", name="机关食堂", kind="subordinate"
        )
    await sign_in(site.db, site.clock.now(), "operator", name="旁观者")
    await token_for("operator")


def test_every_route_names_a_permission_that_exists(app):
    said = dict(permissions_of(app))
    assert set(said) >= OPEN
    assert {route: found for route, found in said.items() if found not in KNOWN and route not in OPEN} == {}


def test_the_table_of_routes_and_roles_is_the_programs_own(app):
    assert TABLE.read_text(encoding="utf-8") == permission_table(app), (
        "run `dutydesk permissions > docs/permissions.md`"
    )


def test_every_permission_is_held_by_somebody_and_asked_for_somewhere(app):
    asked = {permission for _, _, permission in routes(app)}
    held = frozenset().union(*PERMISSIONS.values())
    assert asked - OPEN_TO_ALL <= held
    # Numbers are shown or masked by what is asked of the actor.
    assert held - asked <= {"numbers:read"}


def test_what_is_written_needs_more_than_reading(app):
    # To walk the trail anew is to read it; a list is made into a workbook; one's own search is kept.
    reads = re.compile(r"/settings/audit/verify|/exports?\b|/search\b")
    writing = [
        (path, permission)
        for method, path, permission in routes(app)
        if method not in ("GET", "HEAD") and permission in READING and not reads.search(path)
    ]
    assert writing == []


async def test_every_api_route_answers_every_role_as_its_permissions_say(app, bystander, token_for):
    wrong = []
    for role in ROLES:
        bearer = f"Bearer {await token_for(role, 'canteen' if role == 'unit' else None)}"
        for method, path, permission in routes(app):
            if path.startswith("/api/"):
                status, _ = await ask(app, method, path, authorization=bearer)
                refused = status in (401, 403)
                if refused == (permission in PERMISSIONS[role]) or status >= 500:
                    wrong.append((role, method, path, permission, status))
    assert wrong == []


async def test_every_page_answers_every_role_as_its_permissions_say(app, bystander, site):
    wrong = []
    now = site.clock.now()
    for role in ROLES:
        unit_id = 1 if role == "unit" else None
        cookie = ""
        for method, path, permission in routes(app):
            if not is_page(path) or permission == "public":
                continue
            # What was posted may have signed this one out.
            if not cookie or method != "GET":
                cookie = await sign_in(site.db, now, role, unit_id=unit_id)
            status, _ = await ask(app, method, path, accept="text/html", cookie=f"dutydesk={cookie}")
            refused = status in (401, 403)
            if refused == (permission in PERMISSIONS[role]) or status >= 500:
                wrong.append((role, method, path, permission, status))
    assert wrong == []


async def test_a_stranger_gets_into_no_api_route(app, bystander):
    wrong = []
    for method, path, _ in routes(app):
        if path.startswith("/api/"):
            for headers in (
                {},
                {"authorization": "Bearer dd_guessed"},
                {"authorization": "Basic ZGQ6ZGQ="},
                {"cookie": "dutydesk=guessed"},
            ):
                status, _ = await ask(app, method, path, **headers)
                if status != 401:
                    wrong.append((method, path, headers, status))
    assert wrong == []


async def test_a_stranger_is_sent_from_every_page_to_where_one_signs_in(app, bystander):
    wrong = []
    for method, path, permission in routes(app):
        if not is_page(path) or permission == "public":
            continue
        for headers in ({}, {"cookie": "dutydesk=guessed"}, {"authorization": "Bearer dd_guessed"}):
            status, place = await ask(app, method, path, accept="text/html", **headers)
            sent_away = status == 303 and place.startswith("/signin?next=")
            if not (sent_away if method == "GET" else status == 401):
                wrong.append((method, path, headers, status, place))
    assert wrong == []


async def test_a_cookie_opens_no_api_route(app, bystander, site):
    cookie = await sign_in(site.db, site.clock.now(), "administrator")
    assert (await ask(app, "GET", "/api/v1/units", cookie=f"dutydesk={cookie}"))[0] == 401


async def test_public_routes_never_fail_for_a_stranger(app, bystander):
    for method, path, permission in routes(app):
        if permission == "public":
            status, _ = await ask(app, method, path, accept="text/html")
            assert status < 500, (method, path)


async def test_a_provider_is_asked_for_its_signature_everywhere(app):
    hooks = [(method, path) for method, path, permission in routes(app) if permission == "provider"]
    assert len(hooks) == 4
    for method, path in hooks:
        assert (await ask(app, method, path))[0] == 403


async def test_who_comes_over_the_network_is_asked_the_same(wired, bystander):
    app = create_app(replace(wired, site=replace(wired.site, loopback=False)))
    for method, path, permission in routes(app):
        if permission not in OPEN_TO_ALL:
            status, _ = await ask(app, method, path, accept="text/html")
            assert status in (303, 401), (method, path)


def test_the_administrator_may_do_what_an_operator_may_and_the_auditor_only_reads():
    assert PERMISSIONS["operator"] < PERMISSIONS["administrator"]
    assert all(one.endswith(":read") or one == "account:own" for one in PERMISSIONS["auditor"])
    assert all(one.endswith(":read") or one == "account:own" for one in PERMISSIONS["inspector"])
    assert "audit:read" not in PERMISSIONS["administrator"]
    assert "accounts:manage" not in PERMISSIONS["auditor"]
    assert "alert:read" not in PERMISSIONS["unit"]

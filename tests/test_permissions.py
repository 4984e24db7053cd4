"""Every route names its permission, and every role gets exactly what it may: all routes, all roles, and a stranger."""

import re
from dataclasses import replace

import httpx2
import pytest

from dutydesk.accounts.permissions import permissions_of
from dutydesk.accounts.rules import PERMISSIONS, ROLES
from dutydesk.app import create_app
from dutydesk.people.actions import create_unit
from tests.conftest import HERE

# What anybody may read without being asked who they are, and what is no route of ours.
OPEN = {"GET,HEAD /api/openapi.json", "/static"}
KNOWN = frozenset().union(*PERMISSIONS.values()) | {"public", "provider"}
FILLED = {"number": "2026-0001", "provider": "twilio", "token": "unknown"}


def routes(app) -> list[tuple[str, str, str]]:
    """Return every route that names a permission: method, path with its parameters filled, permission."""
    found = []
    for said, permission in permissions_of(app):
        if said in OPEN:
            continue
        methods, path = said.split(" ")
        filled = re.sub(r"\{(\w+)\}", lambda name: FILLED.get(name[1], "1"), path)
        found.append((methods.split(",")[0], filled, permission))
    return found


@pytest.fixture
async def unit(site):
    async with site.db.write() as session:
        await create_unit(
            session, site.clock.now(), "test", code="canteen", name="机关食堂", kind="subordinate"
        )
    return "canteen"


def test_every_route_names_a_permission_that_exists(app):
    said = dict(permissions_of(app))
    assert set(said) >= OPEN
    assert {route: found for route, found in said.items() if found not in KNOWN and route not in OPEN} == {}


def test_every_permission_is_held_by_somebody_and_asked_for_somewhere(app):
    asked = {permission for _, _, permission in routes(app)}
    held = frozenset().union(*PERMISSIONS.values())
    assert asked - {"public", "provider"} <= held
    # There is no page of the audit trail yet; numbers are shown or masked by what is asked of the actor.
    assert held - asked == {"audit:read", "numbers:read"}


def test_what_is_written_needs_more_than_reading(app):
    readers = {
        "public",
        "provider",
        "directory:read",
        "roster:read",
        "incident:read",
        "alert:read",
        "audit:read",
    }
    writing = [
        (path, permission) for method, path, permission in routes(app) if method not in ("GET", "HEAD")
    ]
    assert [one for one in writing if one[1] in readers - {"provider"}] == []


async def test_every_api_route_answers_every_role_as_its_permissions_say(app, anyone, token_for, unit):
    wrong = []
    headers = {
        role: {"Authorization": f"Bearer {await token_for(role, unit if role == 'unit' else None)}"}
        for role in ROLES
    }
    for method, path, permission in routes(app):
        if not path.startswith("/api/"):
            continue
        for role in ROLES:
            answer = await anyone.request(method, path, headers=headers[role], **body(method))
            allowed = permission in PERMISSIONS[role]
            refused = answer.status_code in (401, 403)
            if refused == allowed or answer.status_code >= 500:
                wrong.append((role, method, path, permission, answer.status_code))
    assert wrong == []


async def test_a_stranger_gets_into_no_api_route(app, anyone):
    for method, path, permission in routes(app):
        if path.startswith("/api/"):
            for headers in ({}, {"Authorization": "Bearer dd_guessed"}, {"Authorization": "Basic ZGQ6ZGQ="}):
                answer = await anyone.request(method, path, headers=headers, **body(method))
                assert answer.status_code == 401, (method, path, permission)


async def test_a_provider_is_asked_for_its_signature_everywhere(app, anyone):
    hooks = [(method, path) for method, path, permission in routes(app) if permission == "provider"]
    assert len(hooks) == 4
    for method, path in hooks:
        assert (await anyone.request(method, path, data={})).status_code == 403


async def test_the_pages_are_closed_to_everybody_when_others_can_reach_the_service(wired):
    app = create_app(replace(wired, site=replace(wired.site, loopback=False)))
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url=HERE) as http:
        for method, path, permission in routes(app):
            if not path.startswith(("/api/", "/webhooks/")) and permission != "public":
                answer = await http.request(
                    method, path, headers={"Origin": HERE, "Sec-Fetch-Site": "same-origin"}
                )
                assert answer.status_code == 403, (method, path)


def test_every_page_is_for_what_the_operator_at_this_machine_may_do(app):
    pages = {
        permission for _, path, permission in routes(app) if not path.startswith(("/api/", "/webhooks/"))
    }
    assert pages <= PERMISSIONS["operator"] | {"public"}


def test_the_administrator_may_do_what_an_operator_may_and_the_auditor_only_reads():
    assert PERMISSIONS["operator"] < PERMISSIONS["administrator"]
    assert all(one.endswith(":read") for one in PERMISSIONS["auditor"] | PERMISSIONS["inspector"])
    assert "audit:read" not in PERMISSIONS["administrator"]
    assert "alert:read" not in PERMISSIONS["unit"]


def body(method: str) -> dict:
    return {} if method == "GET" else {"json": {}}

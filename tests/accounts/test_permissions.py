"""Routes name their permission, and keep to it."""

from typing import Annotated

import httpx2
import pytest
from fastapi import APIRouter, Depends, FastAPI

from dutydesk.accounts.actions import create_token
from dutydesk.accounts.permissions import allow, allow_page, open_to, permissions_of
from dutydesk.accounts.rules import Actor
from dutydesk.web.problems import add_problem_handlers
from tests.builders import sign_in


def app_of(site) -> FastAPI:
    app = FastAPI()
    app.state.site = site
    add_problem_handlers(app)
    router = APIRouter(prefix="/api/v1")

    @router.get("/name")
    async def name(actor: Annotated[Actor, Depends(allow("roster:read"))]) -> str:
        return actor.name

    @router.get("/write")
    async def write(actor: Annotated[Actor, Depends(allow("directory:write"))]) -> str:
        return actor.name

    @app.get("/page")
    async def page(actor: Annotated[Actor, Depends(allow_page("desk:use"))]) -> str:
        return actor.name

    @app.get("/office-page")
    async def office_page(actor: Annotated[Actor, Depends(allow_page("directory:write"))]) -> str:
        return actor.name

    @app.get("/healthz", dependencies=[Depends(open_to("public"))])
    async def healthz() -> str:
        return "ok"

    @app.get("/forgotten")
    async def forgotten() -> str:
        return "ok"

    app.include_router(router)
    return app


def caller(site) -> httpx2.AsyncClient:
    return httpx2.AsyncClient(transport=httpx2.ASGITransport(app_of(site)), base_url="http://127.0.0.1")


async def bearer(site, role: str) -> dict[str, str]:
    async with site.db.write() as session:
        plain = await create_token(session, site.clock.now(), f"the {role}", role)
    return {"Authorization": f"Bearer {plain}"}


async def test_a_token_whose_role_may_gets_in(site):
    async with caller(site) as client:
        answer = await client.get("/api/v1/name", headers=await bearer(site, "operator"))
    assert (answer.status_code, answer.json()) == (200, "the operator")


async def test_a_role_that_may_not_is_told_so(site):
    async with caller(site) as client:
        answer = await client.get("/api/v1/write", headers=await bearer(site, "operator"))
    assert answer.status_code == 403
    assert answer.json()["code"] == "not_allowed"


@pytest.mark.parametrize("header", [None, "Bearer dd_unknown", "Bearer ", "Basic dd_unknown", "dd_unknown"])
async def test_without_a_valid_token_nobody_gets_in(site, header):
    async with caller(site) as client:
        answer = await client.get("/api/v1/name", headers={"Authorization": header} if header else {})
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.headers["content-type"] == "application/problem+json"


async def test_pages_are_for_whoever_signed_in_and_may(site):
    cookie = await sign_in(site.db, site.clock.now(), "operator", name="陈静")
    async with caller(site) as client:
        client.cookies["dutydesk"] = cookie
        assert (await client.get("/page")).json() == "陈静"
        assert (await client.get("/office-page")).status_code == 403
        client.cookies["dutydesk"] = "guessed"
        assert (await client.get("/page")).status_code == 401


async def test_a_public_route_asks_nobody(site):
    async with caller(site) as client:
        assert (await client.get("/healthz")).status_code == 200


async def test_every_route_tells_its_permission_and_a_forgotten_one_is_found(site):
    found = dict(permissions_of(app_of(site)))
    assert found["GET /api/v1/name"] == "roster:read"
    assert found["GET /page"] == "desk:use"
    assert found["GET /healthz"] == "public"
    assert found["GET /forgotten"] is None


async def test_a_permission_given_to_a_whole_router_counts_for_its_routes(site):
    router = APIRouter(dependencies=[Depends(allow("audit:read"))])

    @router.get("/inside")
    async def inside() -> str:
        return "ok"

    app = app_of(site)
    app.include_router(router)
    assert dict(permissions_of(app))["GET /inside"] == "audit:read"


def test_a_route_without_an_actor_says_so():
    with pytest.raises(ValueError, match="open_to"):
        allow("public")
    assert allow("incident:write").permission == "incident:write"

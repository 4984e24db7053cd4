"""The application as a whole: what it answers to nobody in particular, and how it begins and ends."""

import httpx2
import pytest

from dutydesk import __version__
from dutydesk.app import create_app
from tests.conftest import HERE


async def test_the_openapi_document_can_be_read_by_anybody_and_names_every_api_route(app, anyone):
    document = (await anyone.get("/api/openapi.json")).json()
    assert document["info"]["version"] == __version__
    assert {"/api/v1/incidents", "/api/v1/alerts", "/api/v1/preview"} <= set(document["paths"])
    assert all(path.startswith("/api/v1/") for path in document["paths"])


@pytest.mark.parametrize("path", ["/docs", "/redoc", "/openapi.json"])
async def test_there_are_no_documentation_pages_from_elsewhere(anyone, path):
    assert (await anyone.get(path)).status_code == 404


async def test_an_unknown_api_address_is_a_problem_document(anyone):
    answer = await anyone.get("/api/v1/nothing")
    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")


async def test_a_body_larger_than_anybody_needs_is_refused(api):
    answer = await api.post(
        "/api/v1/units", content=b"x" * 1_000_001, headers={"Content-Type": "application/json"}
    )
    assert answer.status_code == 413


async def test_every_answer_forbids_what_no_page_of_ours_does(anyone):
    headers = (await anyone.get("/healthz")).headers
    assert "default-src" in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert "unsafe-inline" not in headers["content-security-policy"]


class Beats:
    """A clockwork that only says what was asked of it."""

    last_failed = False

    def __init__(self) -> None:
        self.told = []

    async def start(self) -> None:
        self.told.append("start")

    async def stop(self) -> None:
        self.told.append("stop")

    def age(self, now):
        return None


async def test_the_clockwork_lives_exactly_as_long_as_the_application(wired):
    beats = Beats()
    app = create_app(wired, beats)
    async with app.router.lifespan_context(app):
        assert beats.told == ["start"]
    assert beats.told == ["start", "stop"]


async def test_a_web_node_without_a_clockwork_is_ready_by_itself(wired):
    app = create_app(wired)
    async with (
        app.router.lifespan_context(app),
        httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url=HERE) as http,
    ):
        answer = await http.get("/readyz")
    assert (answer.status_code, answer.json()["sending"]) == (200, "console")

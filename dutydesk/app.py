"""The web part of a process: every route, in one application."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from fastapi import Depends, FastAPI, Response
from fastapi.responses import JSONResponse
from fastapi.staticfiles import StaticFiles
from prometheus_client import generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from starlette.middleware.gzip import GZipMiddleware
from starlette.routing import BaseRoute
from starlette.types import Scope

from dutydesk import __version__
from dutydesk.accounts import pages as account_pages
from dutydesk.accounts import trail
from dutydesk.accounts.permissions import open_to
from dutydesk.alerts import api as alerts_api
from dutydesk.alerts import queries as alert_queries
from dutydesk.alerts import webhooks
from dutydesk.db import Session
from dutydesk.desk import leader_pages
from dutydesk.desk import log as log_pages
from dutydesk.desk import pages as desk_pages
from dutydesk.desk.boards import Boards
from dutydesk.desk.phone import pages as phone_pages
from dutydesk.escalation import api as escalation_api
from dutydesk.escalation import channels
from dutydesk.escalation import pages as settings_pages
from dutydesk.incidents import api as incidents_api
from dutydesk.incidents import owed_api
from dutydesk.incidents import pages as incident_pages
from dutydesk.incidents.papers import pages as paper_pages
from dutydesk.obligations import queries
from dutydesk.people import admin, tokens
from dutydesk.people import api as people_api
from dutydesk.rosters.keeping.ticks import oldest_undone as rosters_undone
from dutydesk.rosters.routes import add_rosters
from dutydesk.search import pages as search_pages
from dutydesk.search.exports import Exports
from dutydesk.web.languages import Languages
from dutydesk.web.pages import error_page
from dutydesk.web.problems import add_problem_handlers
from dutydesk.web.security import add_security
from dutydesk.web.site import TheSite
from dutydesk.wiring import Keeper, Wired

_STATIC = Path(__file__).parent / "web" / "static"
# Twice the safety loop's beat and some: without a full pass for that long nobody keeps the clocks.
READY_WITHIN = timedelta(seconds=15)
_LARGEST_BODY = 1_000_000


class Versioned(StaticFiles):
    """Static files; one asked for with its version never changes, and no browser asks for it twice."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """Return the file."""
        answer = await super().get_response(path, scope)
        if scope["query_string"].startswith(b"v=") and answer.status_code == 200:
            answer.headers["Cache-Control"] = "public, max-age=31536000, immutable"
        return answer


def create_app(wired: Wired, clockwork: Keeper | None = None) -> FastAPI:
    """Return the application; with a *clockwork* the same process also keeps the clocks."""
    exports = Exports(wired.site)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        if clockwork is not None:
            await clockwork.start()
        yield
        await exports.close()
        if clockwork is not None:
            await clockwork.stop()

    app = FastAPI(
        title="dutydesk",
        version=__version__,
        openapi_url="/api/openapi.json",
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
        max_body_size=_LARGEST_BODY,
        routes=[*_routes()],
    )
    app.state.site = wired.site
    app.state.carriers = wired.carriers
    app.state.clockwork = clockwork
    app.state.boards = Boards(wired.site, [one.name for one in wired.carriers.providers], clockwork)
    app.state.exports = exports
    add_problem_handlers(app, error_page)
    add_security(app, wired.site)
    app.add_middleware(Languages)  # around the refusals: they are said in the page's language too
    # An event stream passes as it is: what is compressed waits in the compressor.
    app.add_middleware(GZipMiddleware, minimum_size=1000, compresslevel=6)
    _add_health(app, wired, clockwork)
    app.mount("/static", Versioned(directory=_STATIC), name="static")
    return app


@cache
def _routes() -> list[BaseRoute]:
    """Return what every application answers, whatever it is wired to.

    Made once in a process: FastAPI works out each route's parameters at its first request, which takes longer than
    the request, and keeps them with the route.
    """
    made = FastAPI(max_body_size=_LARGEST_BODY, openapi_url=None)
    for feature in (people_api, incidents_api, owed_api, alerts_api, escalation_api):
        made.include_router(feature.router)
    for pages in (
        account_pages,
        desk_pages,
        phone_pages,
        log_pages,
        leader_pages,
        incident_pages,
        paper_pages,
        search_pages,
        webhooks,
    ):
        made.include_router(pages.router)
    for settings in (settings_pages, channels, trail, admin, tokens):
        made.include_router(settings.router)
    add_rosters(made)
    return made.routes


def _add_health(app: FastAPI, wired: Wired, clockwork: Keeper | None) -> None:
    public = [Depends(open_to("public"))]

    @app.get("/healthz", dependencies=public, include_in_schema=False)
    async def healthz() -> dict[str, str]:
        """Say that the process answers."""
        return {"status": "ok"}

    @app.get("/readyz", dependencies=public, include_in_schema=False)
    async def readyz(site: TheSite) -> JSONResponse:
        """Say whether the clocks are kept: the age of the last full pass and of the oldest undone deadline."""
        now = site.clock.now()
        body = await _readiness(wired, clockwork, now)
        return JSONResponse(body, status_code=200 if body["ready"] else 503)

    @app.get("/metrics", dependencies=public, include_in_schema=False)
    async def metrics(site: TheSite) -> Response:
        """Answer with Prometheus metrics."""
        now = site.clock.now()
        async with site.db.read() as session:
            oldest = await _oldest_undone(session, now)
            owed = await queries.owed_by_rule(session)
        wired.metrics.oldest_undone.set(0 if oldest is None else (now - oldest).total_seconds())
        wired.metrics.owed.clear()
        for rule, count in owed.items():
            wired.metrics.owed.labels(rule).set(count)
        age = clockwork.age(now) if clockwork is not None else None
        wired.metrics.last_pass_age.set(-1 if age is None else age.total_seconds())
        return Response(generate_latest(wired.metrics.registry), media_type=CONTENT_TYPE_LATEST)


async def _oldest_undone(session: Session, now: datetime) -> datetime | None:
    """Return the oldest deadline nobody has acted on: of a ladder, a roster, a message, or the outcome of one."""
    found = (
        await queries.oldest_undone(session, now),
        await rosters_undone(session, now),
        await alert_queries.oldest_undone(session, now),
    )
    return min((moment for moment in found if moment is not None), default=None)


async def _readiness(wired: Wired, clockwork: Keeper | None, now: datetime) -> dict[str, Any]:
    async with wired.site.db.read() as session:
        oldest = await _oldest_undone(session, now)
        doubt = await queries.clock_in_doubt(session)
    undone = 0.0 if oldest is None else (now - oldest).total_seconds()
    age = clockwork.age(now) if clockwork is not None else None
    kept = clockwork is None or (age is not None and age <= READY_WITHIN and not clockwork.last_failed)
    return {
        "ready": kept and undone <= READY_WITHIN.total_seconds(),
        "sending": wired.site.sending,
        "last_full_pass_seconds": None if age is None else round(age.total_seconds(), 3),
        "oldest_undone_seconds": round(undone, 3),
        "clock_in_doubt": doubt,
    }

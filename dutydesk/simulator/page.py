"""The handsets' page for people, and the small JSON interface that its script uses.

Whoever reaches the simulator may touch every handset, so it belongs on the loopback interface.
"""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated, Any, Final
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, FastAPI, Header, Request
from fastapi.responses import FileResponse, JSONResponse
from fastapi.staticfiles import StaticFiles
from pydantic import BaseModel, Field
from sse_starlette import EventSourceResponse

from dutydesk.errors import DutydeskError, NotAllowedError, NotFoundError
from dutydesk.simulator.exchange import Exchange, Owner
from dutydesk.simulator.handset import Handset
from dutydesk.simulator.view import state_json

STATIC: Final = Path(__file__).with_name("static")
HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}


class OwnerForm(BaseModel):
    """A handset with its owner."""

    number: str = Field(pattern=r"^\+[1-9]\d{6,14}$")
    name: str = ""
    title: str = ""


class KeysForm(BaseModel):
    """Keys to press."""

    keys: str = Field(min_length=1, max_length=20)


class MannerForm(BaseModel):
    """How the handset behaves from now on."""

    behaviour: str
    key: str = "1"


def same_origin(sec_fetch_site: Annotated[str, Header()] = "none") -> None:
    """Refuse what another site's page sends; browsers say so, other clients do not.

    Raises:
        NotAllowedError: the request comes from another site.
    """
    if sec_fetch_site not in {"same-origin", "none"}:
        raise NotAllowedError("只接受本页面的请求")


def _known(exchange: Exchange, number: str) -> Handset:
    if number not in exchange.handsets:
        raise NotFoundError(f"没有这部话机：{number}")
    return exchange.handsets[number]


def add_page(app: FastAPI, exchange: Exchange, zone: ZoneInfo) -> None:
    """Put the page at ``/`` and its interface under ``/simulator``; times are shown in *zone*."""
    app.add_api_route("/", _index, methods=["GET"])
    app.mount("/simulator/static", StaticFiles(directory=STATIC))
    app.include_router(_reading(exchange, zone))
    app.include_router(_touching(exchange))
    app.add_exception_handler(DutydeskError, _render_error)


async def _index() -> FileResponse:
    return FileResponse(STATIC / "index.html", headers=HEADERS)


def _reading(exchange: Exchange, zone: ZoneInfo) -> APIRouter:
    router = APIRouter(prefix="/simulator")

    @router.get("/state")
    async def state() -> JSONResponse:
        return JSONResponse(state_json(exchange, zone), headers={"Cache-Control": "no-store"})

    @router.get("/events")
    async def events() -> EventSourceResponse:
        return EventSourceResponse(_versions(exchange))

    return router


async def _versions(exchange: Exchange) -> AsyncIterator[dict[str, str]]:
    """Yield one event per change; it ends when the exchange closes, and with it the connection."""
    async for version in exchange.journal.watch():
        yield {"event": "changed", "data": str(version)}


def _touching(exchange: Exchange) -> APIRouter:
    router = APIRouter(prefix="/simulator/handsets", dependencies=[Depends(same_origin)])

    @router.post("", status_code=201)
    async def name(form: OwnerForm) -> dict[str, Any]:
        exchange.name_handset(Owner(form.number, form.name, form.title))
        return form.model_dump()

    @router.post("/{number}/answer", status_code=204)
    async def answer(number: str) -> None:
        await _known(exchange, number).answer()

    @router.post("/{number}/reject", status_code=204)
    async def reject(number: str) -> None:
        await _known(exchange, number).reject()

    @router.post("/{number}/hang-up", status_code=204)
    async def hang_up(number: str) -> None:
        await _known(exchange, number).hang_up()

    @router.post("/{number}/press", status_code=204)
    async def press(number: str, form: KeysForm) -> None:
        await _known(exchange, number).press(form.keys)

    @router.post("/{number}/behaviour", status_code=204)
    async def behave(number: str, form: MannerForm) -> None:
        _known(exchange, number).behave(form.behaviour, form.key)
        exchange.journal.touch()

    return router


async def _render_error(_request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, DutydeskError):
        raise error
    body = {"title": error.title, "status": error.status, "code": error.code, "detail": error.detail}
    return JSONResponse(body, error.status, media_type="application/problem+json")

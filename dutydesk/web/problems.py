"""Errors as RFC 9457 problem details."""

from collections.abc import Callable
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from sqlalchemy.exc import IntegrityError
from starlette.exceptions import HTTPException

from dutydesk.errors import DutydeskError, FieldFault

MEDIA_TYPE = "application/problem+json"
_MACHINES = ("/api", "/webhooks", "/healthz", "/readyz", "/metrics")


class ProblemFault(BaseModel):
    """One thing wrong with one field."""

    field: str
    message: str


class Problem(BaseModel):
    """A problem document (RFC 9457)."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    code: str
    errors: list[ProblemFault] = []


def problem(
    status: int, title: str, detail: str, code: str, faults: tuple[FieldFault, ...] = ()
) -> JSONResponse:
    """Return a problem response."""
    body = Problem(
        title=title,
        status=status,
        detail=detail,
        code=code,
        errors=[ProblemFault(field=fault.field, message=fault.message) for fault in faults],
    )
    headers = {"WWW-Authenticate": "Bearer"} if status == 401 else None
    return JSONResponse(body.model_dump(), status_code=status, media_type=MEDIA_TYPE, headers=headers)


def declared(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return the ``responses`` of a route that may answer with these problems (for OpenAPI)."""
    return {status: {"model": Problem, "content": {MEDIA_TYPE: {}}} for status in (401, 403, 422, *statuses)}


def add_problem_handlers(
    app: FastAPI, page_of: Callable[[Request, int, str], Response] | None = None
) -> None:
    """Make every error of *app* a problem document; an address for people gets a page from *page_of*."""

    @app.exception_handler(DutydeskError)
    async def _ours(_request: Request, error: DutydeskError) -> JSONResponse:
        return problem(error.status, error.title, error.detail, error.code, error.faults)

    @app.exception_handler(RequestValidationError)
    async def _malformed(_request: Request, error: RequestValidationError) -> JSONResponse:
        faults = tuple(
            FieldFault(".".join(str(part) for part in fault["loc"][1:]) or str(fault["loc"][0]), fault["msg"])
            for fault in error.errors()
        )
        detail = "; ".join(f"{fault.field}: {fault.message}" for fault in faults)
        return problem(422, "Invalid input", detail, "invalid_input", faults)

    @app.exception_handler(IntegrityError)
    async def _twin(_request: Request, _error: IntegrityError) -> JSONResponse:
        # Two requests did the same at the same moment; the database let one of them through.
        return problem(409, "Conflict", "somebody else has just done the same; read it again", "conflict")

    @app.exception_handler(HTTPException)
    async def _plain(request: Request, error: HTTPException) -> Response:
        if page_of is not None and not request.url.path.startswith(_MACHINES):
            return page_of(request, error.status_code, str(error.detail))
        return problem(error.status_code, str(error.detail), str(error.detail), f"http_{error.status_code}")

"""The search page: one box over several lists, filters, lists kept under a name, and lists as workbooks."""

from collections.abc import Mapping
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from fastapi.responses import FileResponse, JSONResponse, RedirectResponse
from pydantic import BaseModel

from dutydesk.accounts.model import SavedView
from dutydesk.accounts.permissions import allow_page
from dutydesk.accounts.rules import Actor
from dutydesk.errors import DutydeskError, NotAllowedError
from dutydesk.people.queries import list_units
from dutydesk.search import actions, columns, queries
from dutydesk.search.exports import Exports, Job
from dutydesk.search.forms import KIND_NAMES, NAME, filled, filters_of, values_of
from dutydesk.search.found import Found
from dutydesk.search.lists import KINDS, Searched, of_page
from dutydesk.search.rules import (
    COUNTED,
    PAGE,
    Filters,
    Scope,
    excerpt,
    has_hit,
    is_meant,
    pieces,
    scope_of,
    terms,
)
from dutydesk.web.forms import Form, typed
from dutydesk.web.pages import PageRoute, render
from dutydesk.web.site import Site, TheSite
from dutydesk.web.texts import Name

router = APIRouter(route_class=PageRoute, include_in_schema=False)

Reader = Annotated[Actor, Depends(allow_page("incident:read"))]
# What somebody keeps or exports is their own; what they may read is asked besides.
Owner = Annotated[Actor, Depends(allow_page("account:own"))]

_WORKBOOK = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_LARGEST_KEY = 2**33
Before = Annotated[int | None, Query(ge=0, le=_LARGEST_KEY)]


class _Named(BaseModel):
    name: Name


def exports_of(request: Request) -> Exports:
    """Return the exports of this process (a FastAPI dependency)."""
    found: Exports = request.app.state.exports
    return found


TheExports = Annotated[Exports, Depends(exports_of)]


def _reading(actor: Actor) -> Scope:
    scope = scope_of(actor)
    if "incidents" not in scope.kinds:
        raise NotAllowedError("无权查询")
    return scope


# ---------------------------------------------------------------------------------------------------------------------
# The list


@router.get("/search")
async def search(request: Request, actor: Reader, site: TheSite, before: Before = None) -> Response:
    """Show what is meant, newest first; an address is a list, so that it can be kept and sent."""
    return await _listed(request, site, actor, request.query_params, before=before)


async def _listed(
    request: Request,
    site: Site,
    actor: Actor,
    values: Mapping[str, str],
    status: int = 200,
    *,
    before: int | None = None,
    naming: Form | None = None,
    refused: str = "",
) -> Response:
    scope = _reading(actor)
    async with site.db.read() as session:
        form = filled(values, await list_units(session, only=scope.unit_id), scope)
        filters = filters_of(form)
        views = (
            []
            if actor.account_id is None
            else await queries.views_of(session, actor.account_id, actions.WHERE)
        )
        found: list[Found] = []
        count = 0
        if filters is not None:
            asked = (filters, scope, site.zone)
            if before is None:
                found, count = await queries.newest(session, *asked, limit=PAGE + 1, most=COUNTED)
            else:
                found = await queries.older(session, *asked, before=before, limit=PAGE + 1)
                count = await queries.count(session, *asked, most=COUNTED)
    if refused:
        form.fault("", refused)
    shown = filters or Filters(next(kind for kind in scope.kinds if kind == form.value("kind")))
    return render(
        request,
        "search/search.html",
        status if filters is not None else 422,
        form=form,
        filters=shown,
        valid=filters is not None,
        kinds=[(kind, KIND_NAMES[kind], _other(shown, kind)) for kind in scope.kinds],
        views=views,
        naming=naming or Form((NAME,)),
        found=found[:PAGE],
        older=found[PAGE - 1].key if len(found) > PAGE else None,
        before=before,
        count=count,
        most=COUNTED,
        **_marking(shown, scope),
    )


def _other(filters: Filters, kind: Any) -> str:
    """Return the address of another list with what means the same there."""
    return Filters(
        kind, filters.q, unit=filters.unit, from_day=filters.from_day, until_day=filters.until_day
    ).query()


def _marking(filters: Filters, scope: Scope) -> dict[str, Any]:
    """Return what a template needs to mark hits."""
    asked = terms(filters.q)
    plain = columns.plain(masked=not scope.numbers)
    return {
        "marked": lambda text: pieces(plain(text), asked),
        "excerpt": lambda text: excerpt(plain(text), asked),
        "has_hit": lambda text: has_hit(plain(text), asked),
        "meant": lambda number: scope.numbers and is_meant(number, asked),
        "number_of": lambda address, kind: columns.number_of(address, kind, masked=not scope.numbers),
        "entry_kinds": columns.ENTRY_KINDS,
        "first_report": columns.first_report,
        "asked": bool(asked),
    }


# ---------------------------------------------------------------------------------------------------------------------
# Kept under a name


async def _named(request: Request) -> tuple[Form, str | None]:
    form = await typed(request, (NAME,))
    form.check_required()
    checked = None if form.faults else form.check(_Named, {"name": form.value("name")})
    if checked is not None and len(checked.name) > NAME.longest:
        form.fault("name", "最多30字")
    return form, None if checked is None or form.faults else checked.name


@router.post("/search/views")
async def save_view(request: Request, actor: Owner, site: TheSite) -> Response:
    """Keep the present filters under a name."""
    scope = _reading(actor)
    form, name = await _named(request)
    sent = (await request.form()).get("query")
    values = values_of(sent if isinstance(sent, str) else "")
    async with site.db.read() as session:
        filters = filters_of(filled(values, await list_units(session, only=scope.unit_id), scope))
    if name is None or filters is None:
        return await _listed(request, site, actor, values, 422, naming=form)

    try:
        async with site.db.write(quiet=True) as session:
            await actions.save_view(session, site.clock.now(), actor, name, filters)
    except DutydeskError as error:
        return await _listed(request, site, actor, values, form.refused(error), naming=form)
    return RedirectResponse(f"/search?{filters.query()}", 303)


ViewId = Annotated[int, Path(ge=1, le=2**31 - 1)]


@router.get("/search/views")
async def views_page(request: Request, actor: Owner, site: TheSite) -> Response:
    """Show one's own views, to rename and delete them."""
    _reading(actor)
    return await _views(request, site, actor)


async def _views(
    request: Request, site: Site, actor: Actor, status: int = 200, faulty: tuple[int, Form] | None = None
) -> Response:
    async with site.db.read() as session:
        views = await queries.views_of(session, actions.account_of(actor), actions.WHERE)
    forms = {one.id: Form((NAME,), {"name": one.name}) for one in views}
    if faulty is not None:
        forms[faulty[0]] = faulty[1]
    return render(request, "search/views.html", status, views=views, forms=forms, named=_said)


def _said(view: SavedView) -> str:
    """Return which list a view is of."""
    return next((KIND_NAMES[kind] for kind in KIND_NAMES if kind == values_of(view.query).get("kind")), "")


@router.post("/search/views/{view_id}/rename")
async def rename_view(request: Request, view_id: ViewId, actor: Owner, site: TheSite) -> Response:
    """Give a view another name."""
    _reading(actor)
    async with site.db.read() as session:
        await queries.view(session, actions.account_of(actor), view_id)
    form, name = await _named(request)
    if name is None:
        return await _views(request, site, actor, 422, (view_id, form))

    try:
        async with site.db.write(quiet=True) as session:
            await actions.rename_view(session, site.clock.now(), actor, view_id, name)
    except DutydeskError as error:
        return await _views(request, site, actor, form.refused(error), (view_id, form))
    return RedirectResponse("/search/views", 303)


@router.post("/search/views/{view_id}/delete")
async def delete_view(view_id: ViewId, actor: Owner, site: TheSite) -> Response:
    """Forget a view."""
    _reading(actor)
    async with site.db.write(quiet=True) as session:
        await actions.delete_view(session, site.clock.now(), actor, view_id)
    return RedirectResponse("/search/views", 303)


# ---------------------------------------------------------------------------------------------------------------------
# As a workbook


@router.post("/search/exports")
async def start_export(request: Request, actor: Owner, site: TheSite, exports: TheExports) -> Response:
    """Begin to export a list, and lead to its file or, where it takes longer than a second, to its progress.

    Never by an address alone: a link on a foreign page must not start anything.
    """
    sent = await request.form()
    values = {name: value for name, value in sent.items() if isinstance(value, str)}
    if values.get("kind") in KINDS:
        return await _begun(exports, exports.start(actor, of_page(site, actor, values)))
    scope = _reading(actor)
    async with site.db.read() as session:
        filters = filters_of(filled(values, await list_units(session, only=scope.unit_id), scope))
    if filters is None:
        return await _listed(request, site, actor, values, 422)
    try:
        job = exports.start(actor, Searched(site, scope, filters))
    except DutydeskError as error:
        return await _listed(request, site, actor, values, error.status, refused=error.detail)
    return await _begun(exports, job)


async def _begun(exports: Exports, job: Job) -> Response:
    there = await exports.settle(job)
    return RedirectResponse(f"/search/exports/{job.id}{'/file' if there else ''}", 303)


@router.get("/search/exports/{job_id}")
async def export_page(request: Request, job_id: str, actor: Reader, exports: TheExports) -> Response:
    """Show how far an export is, and its file at the end."""
    job = exports.job(actor, job_id)
    return render(request, "search/export.html", job=job)


@router.get("/search/exports/{job_id}/progress")
async def export_progress(job_id: str, actor: Reader, exports: TheExports) -> Response:
    """Say how far an export is, for the page's script."""
    job = exports.job(actor, job_id)
    said = {"state": job.state, "done": job.done, "total": job.total, "percent": job.percent}
    return JSONResponse(said | {"over": job.over})


@router.get("/search/exports/{job_id}/file")
async def export_file(job_id: str, actor: Reader, exports: TheExports) -> Response:
    """Hand the file over; one that is not there yet has a page that says so."""
    job = exports.job(actor, job_id)
    return _file(job) if job.state == "done" else RedirectResponse(f"/search/exports/{job.id}", 303)


def _file(job: Job) -> Response:
    """A file with its name in Chinese (RFC 5987) and, for old readers, in ASCII."""
    plain = f"{job.listing.kind}{job.name[job.name.index('_') :]}"
    disposition = f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(job.name, safe='')}"
    return FileResponse(job.file, media_type=_WORKBOOK, headers={"Content-Disposition": disposition})

"""Importing duty tables in the browser: a file, a preview of every day and fault, and then all of it or nothing."""

import asyncio
import hashlib
from dataclasses import dataclass
from datetime import date
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse
from starlette.datastructures import UploadFile

from dutydesk.accounts.permissions import allow_page
from dutydesk.accounts.rules import Actor
from dutydesk.db import Session
from dutydesk.documents.workbooks import LARGEST_WORKBOOK
from dutydesk.errors import ConflictError, DutydeskError, InvalidInputError
from dutydesk.people.queries import list_units, people_by_id
from dutydesk.people.rules import Unit
from dutydesk.rosters.files import import_words
from dutydesk.rosters.files import kept as kept_files
from dutydesk.rosters.files.importing import DryRun, dry_run_many, dry_run_unit, read_tables
from dutydesk.rosters.files.preview import days_of, seats_in
from dutydesk.rosters.files.uncollected import uncollected
from dutydesk.rosters.files.writes import write_many, write_unit
from dutydesk.rosters.keeping.publishing import publish
from dutydesk.rosters.view_queries import visible
from dutydesk.rosters.views.month_pages import month_named
from dutydesk.web.forms import Form, Input, typed
from dutydesk.web.pages import PageRoute, render
from dutydesk.web.site import Site, TheSite

router = APIRouter(prefix="/rosters", route_class=PageRoute, include_in_schema=False)

Filer = Annotated[Actor, Depends(allow_page("roster:file"))]
Planner = Annotated[Actor, Depends(allow_page("roster:write"))]

# A larger file is read to its end and then refused with a sentence; what is larger still, by the server.
_LARGEST_FORM = 30_000_000
_FORM_PARTS = 4
_FILE = Input("file", "Excel工作簿", "file", required=True, hint="xlsx，不超过5MB")
_HIDDEN = (Input("kept", "", "hidden"), Input("shown", "", "hidden"), Input("seal", "", "hidden"))
_PUBLISH = Input("publish", "导入后直接发布", "tick", hint="不勾选则存为草稿，核对后再发布")
_AT_ONCE = Input("at_once", "立即生效，并告知有变动的人员", "tick", hint="本月值班表已发布")
_REMARKS = Input(
    "remarks", "发布说明", "text", hint="有空缺、待核实的班次或没有号码的人员时填写", longest=500
)


@dataclass(frozen=True, slots=True)
class _Where:
    """What is imported into: one unit's month, or (without) the months the file names."""

    unit: Unit | None = None
    month: date | None = None

    @property
    def address(self) -> str:
        """Return the address of the import's page."""
        if self.unit is None or self.month is None:
            return "/rosters/import"
        return f"/rosters/{self.unit.code}/{self.month:%Y-%m}/import"

    @property
    def back(self) -> str:
        """Return where to go afterwards."""
        return self.address.removesuffix("/import")


@router.get("/import")
async def many_form(request: Request, _actor: Planner) -> Response:
    """Ask for a workbook of many units."""
    return _form_page(request, _Where(), Form([_FILE]))


@router.post("/import", max_body_size=_LARGEST_FORM)
async def many_preview(request: Request, actor: Planner, site: TheSite) -> Response:
    """Show what a workbook would make of the months of many units."""
    with uncollected():
        return await _look_over(request, site, actor, _Where())


@router.post("/import/confirm")
async def many_confirm(request: Request, actor: Planner, site: TheSite) -> Response:
    """Import it: all units or none, as drafts."""
    with uncollected():
        return await _confirm(request, site, actor, _Where())


@router.get("/{unit}/{month}/import")
async def unit_form(request: Request, unit: str, month: str, actor: Filer, site: TheSite) -> Response:
    """Ask for a workbook of one unit's month."""
    return _form_page(request, await _where(site, actor, unit, month), Form([_FILE]))


@router.post("/{unit}/{month}/import", max_body_size=_LARGEST_FORM)
async def unit_preview(request: Request, unit: str, month: str, actor: Filer, site: TheSite) -> Response:
    """Show what a workbook would make of the month, day by day."""
    return await _look_over(request, site, actor, await _where(site, actor, unit, month))


@router.post("/{unit}/{month}/import/confirm")
async def unit_confirm(request: Request, unit: str, month: str, actor: Filer, site: TheSite) -> Response:
    """Import it: the whole month or nothing."""
    return await _confirm(request, site, actor, await _where(site, actor, unit, month))


async def _where(site: Site, actor: Actor, unit: str, month: str) -> _Where:
    wanted = month_named(month)
    async with site.db.read() as session:
        return _Where(await visible(session, actor, unit), wanted)


def _form_page(request: Request, where: _Where, form: Form, status: int = 200) -> Response:
    return render(request, "rosters/import.html", status, where=where, form=form)


async def _look_over(request: Request, site: Site, actor: Actor, where: _Where) -> Response:
    form = Form([_FILE])
    async with request.form(max_files=1, max_fields=_FORM_PARTS) as sent:
        upload = sent.get("file")
        if not isinstance(upload, UploadFile) or not upload.filename:
            form.fault("file", "请选择文件")
            return _form_page(request, where, form, 422)
        # One byte more than allowed is enough to refuse it.
        data = await upload.read(LARGEST_WORKBOOK + 1)
    try:
        run = await _run(site, actor, where, data)
    except InvalidInputError as error:
        return _form_page(request, where, form, form.refused(error))
    name = (
        ""
        if run.grave
        else await asyncio.to_thread(kept_files.keep, site.settings.files_dir, data, site.clock.now())
    )
    return await _preview_page(request, site, actor, where, run, name)


async def _run(site: Site, actor: Actor, where: _Where, data: bytes) -> DryRun:
    tables = await asyncio.to_thread(read_tables, data, where.month)
    async with site.db.read() as session:
        if where.unit is not None and where.month is not None:
            return await dry_run_unit(session, site, site.clock.now(), where.unit, where.month, tables)
        units = await list_units(session, only=actor.unit_id, serving=True)
        return await dry_run_many(session, site, site.clock.now(), units, tables)


async def _preview_page(
    request: Request,
    site: Site,
    actor: Actor,
    where: _Where,
    run: DryRun,
    name: str,
    form: Form | None = None,
    status: int = 200,
) -> Response:
    shown = _digest(run)
    if form is None:
        form = Form(_inputs(where, run))
    days = days_of(run.plans[0]) if where.unit is not None and run.plans else []
    before = {one.shift.person_id for plan in run.plans for one in plan.facts.shifts} if days else set()
    async with site.db.read() as session:
        names = {one.id: one.name for one in (await people_by_id(session, before)).values()}
    form.values |= {"kept": name, "shown": shown, "seal": _seal(site, actor, where, name, shown)}
    return render(
        request,
        "rosters/import_preview.html",
        422 if run.grave else status,
        where=where,
        run=run,
        form=form,
        days=days,
        seats=seats_in(days),
        names=names,
        troubles=run.all_troubles,
        place=import_words.place,
        sentence=import_words.sentence,
    )


def _inputs(where: _Where, run: DryRun) -> tuple[Input, ...]:
    """One unit's month may be published with it; changing one that is in force takes effect at once."""
    if where.unit is None:
        return _HIDDEN
    if any(one.at_once for one in run.plans):
        return (*_HIDDEN, _AT_ONCE)
    return (*_HIDDEN, _PUBLISH, _REMARKS)


def _digest(run: DryRun) -> str:
    return hashlib.sha256("".join(one.digest() for one in run.plans).encode()).hexdigest()


def _seal(site: Site, actor: Actor, where: _Where, name: str, shown: str) -> str:
    return kept_files.seal(site.signing_key, actor.caller, str(actor.account_id), where.address, name, shown)


async def _confirm(request: Request, site: Site, actor: Actor, where: _Where) -> Response:
    """Read the kept file again and decide again: nothing of what the browser sends back is believed."""
    form = await typed(request, (*_HIDDEN, _PUBLISH, _AT_ONCE, _REMARKS))
    name, shown = form.value("kept"), form.value("shown")
    if form.value("seal") != _seal(site, actor, where, name, shown):
        message = "预览已过期，请重新选择文件"
        raise ConflictError(message)
    data = await asyncio.to_thread(kept_files.taken_out, site.settings.files_dir, name)
    run = await _run(site, actor, where, data)
    form.inputs = _inputs(where, run)
    if run.grave or _digest(run) != shown:
        form.fault("", "在预览之后情况有了变动，请核对下表后再确认")
        return await _preview_page(request, site, actor, where, run, name, form, 409)
    try:
        if where.unit is None:
            await write_many(site, site.clock.now(), actor.name, run)
        else:
            await _write(site, actor, where, run, form)
    except DutydeskError as error:
        return await _preview_page(request, site, actor, where, run, name, form, form.refused(error))
    return RedirectResponse(
        f"{where.back}?month={run.month:%Y-%m}" if where.unit is None else where.back, 303
    )


async def _write(site: Site, actor: Actor, where: _Where, run: DryRun, form: Form) -> None:
    (plan,) = run.plans
    if plan.at_once and not form.ticked("at_once"):
        raise InvalidInputError("at_once: 本月值班表已发布，请勾选后确认")

    async def work(session: Session) -> None:
        now = site.clock.now()
        # Decided once more in the same transaction: nothing may come in between.
        if where.unit is None or where.month is None:
            return
        again = await dry_run_unit(session, site, now, where.unit, where.month, run.tables)
        if again.grave or _digest(again) != form.value("shown"):
            raise ConflictError("在预览之后情况有了变动，请重新核对")
        await write_unit(session, site, now, actor.name, again.plans[0])
        if form.ticked("publish") and not plan.at_once:
            await publish(session, site, now, actor.name, where.unit.id, where.month, form.value("remarks"))

    await site.db.run(work)

"""Duty tables as files: exported, as a template to fill in, and printed."""

import asyncio
from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated, Literal
from urllib.parse import quote

from fastapi import APIRouter, Depends, Request, Response

from dutydesk.accounts.permissions import allow, allow_page
from dutydesk.accounts.rules import Actor
from dutydesk.db import Session
from dutydesk.documents.formsheets import FormSheet, write_forms
from dutydesk.people import queries as people
from dutydesk.people.rules import Unit
from dutydesk.rosters.files.duty_form import COLUMNS, DutyForm, read_form, sheet_of, shown_short
from dutydesk.rosters.view_queries import visible
from dutydesk.rosters.views.month_pages import month_named
from dutydesk.web.pages import PageRoute, on_paper, render
from dutydesk.web.problems import declared
from dutydesk.web.site import Site, TheSite

router = APIRouter(prefix="/rosters", route_class=PageRoute, include_in_schema=False)
api = APIRouter(prefix="/api/v1/rosters", tags=["rosters"])

Reader = Annotated[Actor, Depends(allow_page("roster:read"))]
Filer = Annotated[Actor, Depends(allow_page("roster:file"))]
Caller = Annotated[Actor, Depends(allow("roster:read"))]

_WORKBOOK = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_PEOPLE_COLUMNS = (("姓名", 14.0), ("职务", 20.0), ("手机", 18.0), ("说明", 40.0))


@router.get("/export")
async def export_all(actor: Reader, site: TheSite, month: str) -> Response:
    """Give the month of every unit that the reader sees: a sheet for each."""
    wanted = month_named(month)
    async with site.db.read() as session:
        units = await people.list_units(session, only=actor.unit_id, serving=True)
        content = await workbook_of(session, site, site.clock.now(), units, wanted, masked=_masked(actor))
    return given(content, f"{wanted.year}年{wanted.month}月值班表.xlsx")


@router.get("/{unit}/{month}/export")
async def export_one(unit: str, month: str, actor: Reader, site: TheSite) -> Response:
    """Give a unit's month as a workbook."""
    return await _one(unit, month, actor, site)


@api.get(
    "/{unit}/{month}.xlsx",
    response_class=Response,
    responses={200: {"content": {_WORKBOOK: {}}}, **declared(404)},
    summary="A unit's duty table of a month as a workbook",
)
async def get_workbook(unit: str, month: str, actor: Caller, site: TheSite) -> Response:
    """*month* is written 2026-12. What is exported can be imported again."""
    return await _one(unit, month, actor, site)


async def _one(unit: str, month: str, actor: Actor, site: Site) -> Response:
    wanted = month_named(month)
    async with site.db.read() as session:
        found = await visible(session, actor, unit)
        content = await workbook_of(session, site, site.clock.now(), [found], wanted, masked=_masked(actor))
    return given(content, f"{found.name}{wanted.year}年{wanted.month}月值班表.xlsx")


@router.get("/{unit}/{month}/template")
async def template(unit: str, month: str, actor: Filer, site: TheSite) -> Response:
    """Give a table to fill in: the unit's days with nobody in them, and its people on a second sheet."""
    now, wanted = site.clock.now(), month_named(month)
    masked = _masked(actor)
    async with site.db.read() as session:
        found = await visible(session, actor, unit)
        form = await read_form(session, site, now, found, wanted, masked=masked)
        own = await _people_sheet(session, found, masked=masked)
    content = await asyncio.to_thread(write_forms, [sheet_of(form, blank=True), own], now)
    return given(content, f"{found.name}{wanted.year}年{wanted.month}月值班表模板.xlsx")


@router.get("/{unit}/{month}/print")
async def print_page(
    request: Request,
    unit: str,
    month: str,
    actor: Reader,
    site: TheSite,
    paper: Literal["a4", "a3"] = "a4",
) -> Response:
    """Show a unit's month in the form, to be printed on A4 or A3, landscape."""
    wanted = month_named(month)
    async with site.db.read() as session:
        found = await visible(session, actor, unit)
        form = await read_form(session, site, site.clock.now(), found, wanted, masked=_masked(actor))
    title = sheet_of(form).title
    shown = {"title": title, "table": form.table}
    sheet = on_paper(site, "rosters/print_form.html", **shown, form=form, columns=_printed(form))
    return render(request, "rosters/print.html", **shown, sheet=sheet, paper=paper)


def _printed(form: DutyForm) -> list[tuple[int, str]]:
    """The columns of people that are printed: 带班 and 值班员 always, the others where somebody is in them."""
    names = [heading for heading, _ in COLUMNS[3:7]]
    used = {number for day in form.days for number, cell in enumerate(day.cells) if cell}
    return [(number, name) for number, name in enumerate(names) if number in used or number in (0, 2)]


async def workbook_of(
    session: Session, site: Site, now: datetime, units: Sequence[Unit], month: date, *, masked: bool
) -> bytes:
    """Return the months of these units as a workbook, a sheet for each, in the form that can be imported again."""
    forms = [await read_form(session, site, now, one, month, masked=masked) for one in units]
    return await asyncio.to_thread(_written, forms, now)


def _written(forms: Sequence[DutyForm], now: datetime) -> bytes:
    return write_forms([sheet_of(one) for one in forms], now)


async def _people_sheet(session: Session, unit: Unit, *, masked: bool) -> FormSheet:
    persons = [one for one in await people.list_people(session, unit_id=unit.id) if one.retired_at is None]
    points = await people.usable_contacts(session, [one.id for one in persons])
    rows: list[list[str | date]] = []
    for one in persons:
        numbers = [point.address for point in points.get(one.id, ()) if point.rings]
        rows.append([one.name, one.title, shown_short(numbers[0], masked=masked) if numbers else "", ""])
    return FormSheet(
        name="人员",
        title=f"{unit.name}人员",
        below_title="请按此表的姓名填写值班表；导入时本表不读取。",
        columns=_PEOPLE_COLUMNS,
        rows=rows,
    )


def _masked(actor: Actor) -> bool:
    return not actor.may("numbers:read")


def given(content: bytes, name: str) -> Response:
    """Return a workbook to be saved, under its Chinese name where the browser can."""
    return Response(
        content,
        media_type=_WORKBOOK,
        headers={
            "Content-Disposition": f"attachment; filename=\"roster.xlsx\"; filename*=UTF-8''{quote(name)}",
            "X-Content-Type-Options": "nosniff",
        },
    )

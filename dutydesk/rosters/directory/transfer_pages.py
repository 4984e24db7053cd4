"""The directory out of a workbook and into one: a template, a trial that changes nothing, and all or nothing."""

import asyncio
import json
from typing import Any
from urllib.parse import quote

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse
from starlette.datastructures import UploadFile

from dutydesk.accounts.rules import Actor
from dutydesk.audit.actions import record
from dutydesk.db import Session
from dutydesk.documents.workbooks import LARGEST_WORKBOOK, read_workbook
from dutydesk.errors import DutydeskError, InvalidInputError
from dutydesk.people.import_acts import carry_out
from dutydesk.people.import_acts import known as whole_directory
from dutydesk.people.import_lines import Line, Wrong, lines_of
from dutydesk.people.importing import Known, Plan, plan_of
from dutydesk.rosters.directory.shown import Reader, Writer, page
from dutydesk.rosters.directory.workbook import BOOK, TEMPLATE, directory_book, template_book
from dutydesk.web.forms import Form, Input
from dutydesk.web.pages import PageRoute
from dutydesk.web.site import Site, TheSite

router = APIRouter(prefix="/directory", route_class=PageRoute, include_in_schema=False)

_WORKBOOK = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
# A larger file is read to its end and then refused with a sentence; what is larger still, by the server.
_LARGEST_FORM = 30_000_000
_LARGEST_ROWS = 20_000_000
_FILE = (
    Input(
        "file", "Excel工作簿", "file", required=True, hint="xlsx，不超过5MB；“单位”“人员”两张表，可只有一张"
    ),
)
# The page shows the first of them; there is no use in reading more before they are put right.
_MOST_SHOWN = 200


@router.get("/import")
async def import_form(request: Request, _actor: Writer) -> Response:
    """Ask for a workbook."""
    return _page(request, Form(_FILE))


def _page(request: Request, form: Form, status: int = 200, wrong: tuple[Wrong, ...] = ()) -> Response:
    return page(
        request,
        "import.html",
        status,
        form=form,
        wrong=wrong[:_MOST_SHOWN],
        count=len(wrong),
        most=_MOST_SHOWN,
    )


@router.get("/import/template")
async def template(_actor: Writer, site: TheSite) -> Response:
    """Give the workbook to fill in."""
    moment = site.clock.now()
    return _workbook(
        await asyncio.to_thread(template_book, site.zone, moment),
        f"{TEMPLATE}.xlsx",
        "directory-template.xlsx",
    )


def _workbook(content: bytes, name: str, plain: str) -> Response:
    disposition = f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name)}"
    return Response(content, media_type=_WORKBOOK, headers={"Content-Disposition": disposition})


@router.post("/import", max_body_size=_LARGEST_FORM)
async def try_import(request: Request, _actor: Writer, site: TheSite) -> Response:
    """Read a workbook and show what it would change; nothing is written yet."""
    form = Form(_FILE)
    async with request.form(max_files=1, max_fields=4) as sent:
        upload = sent.get("file")
        if not isinstance(upload, UploadFile) or not upload.filename:
            form.fault("file", "请选择文件")
            return _page(request, form, 422)
        data = await upload.read(LARGEST_WORKBOOK + 1)
    try:
        lines, wrong = await asyncio.to_thread(lambda: lines_of(read_workbook(data)))
    except InvalidInputError as error:
        return _page(request, form, form.refused(error))
    if wrong:
        return _page(request, form, 422, tuple(wrong))
    plan, _ = await _planned(site, lines)
    if plan.wrong:
        return _page(request, form, 422, tuple(plan.wrong))
    return page(
        request,
        "import_preview.html",
        plan=plan,
        units_new=sum(one.unit is None for one in plan.units),
        people_new=sum(one.person is None for one in plan.people),
        numbers=sum(len(one.contacts) for one in plan.people),
        rows=json.dumps([_kept(line) for line in lines], ensure_ascii=False),
        nothing=not plan.units and not plan.people,
        most=_MOST_SHOWN,
    )


async def _planned(site: Site, lines: list[Line]) -> tuple[Plan, Known]:
    async with site.db.read() as session:
        base = await whole_directory(session)
    return await asyncio.to_thread(plan_of, lines, base), base


def _kept(line: Line) -> list[Any]:
    """Return a line as the page carries it to its second step, where it is checked all over again."""
    return [line.sheet, line.row, dict(line.cells), dict(line.columns)]


def _lines(text: str) -> list[Line]:
    """Return the lines a page carried.

    Raises:
        InvalidInputError: somebody changed them on the way.
    """
    try:
        found = [
            Line(
                str(sheet),
                int(row),
                {str(key): str(value) for key, value in cells.items()},
                {str(key): int(value) for key, value in columns.items()},
            )
            for sheet, row, cells, columns in json.loads(text)
        ]
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise InvalidInputError("file: 试导入的内容已失效，请重新选择文件") from error
    return found


@router.post("/import/done", max_body_size=_LARGEST_FORM)
async def do_import(request: Request, actor: Writer, site: TheSite) -> Response:
    """Take over what was shown: all of it or nothing."""
    form = Form(_FILE)
    async with request.form(max_files=0, max_fields=4, max_part_size=_LARGEST_ROWS) as sent:
        text = sent.get("rows")
    try:
        lines = await asyncio.to_thread(_lines, text if isinstance(text, str) else "")
        plan, base = await _planned(site, lines)
        if plan.wrong:
            return _page(request, form, 422, tuple(plan.wrong))

        async def work(session: Session) -> None:
            await carry_out(session, site.clock.now(), actor.name, plan, base)

        await site.db.run(work)
    except DutydeskError as error:
        return _page(request, form, form.refused(error))
    return RedirectResponse("/directory/people" if plan.people else "/directory", 303)


@router.post("/export")
async def export(actor: Reader, site: TheSite) -> Response:
    """Give the directory as a workbook that can be imported again; numbers hidden from whom they are hidden.

    Never by an address alone: no list leaves the house without a line in the trail.
    """
    now = site.clock.now()
    async with site.db.read() as session:
        found = _visible(await whole_directory(session), actor)
    content = await asyncio.to_thread(
        directory_book, found, site.zone, now, masked=not actor.may("numbers:read")
    )
    async with site.db.write(quiet=True) as session:
        record(session, now, actor.name, "list.exported", "list:directory", rows=len(found.persons))
    local = now.astimezone(site.zone)
    stamp = f"{local:%Y%m%d_%H%M%S}"
    return _workbook(content, f"{BOOK}_{stamp}.xlsx", f"directory_{stamp}.xlsx")


def _visible(found: Known, actor: Actor) -> Known:
    """Return who takes part; a unit contact's own unit only."""
    units = {
        key: unit for key, unit in found.units.items() if unit.retired_at is None and actor.sees_unit(unit.id)
    }
    persons = {
        key: one for key, one in found.persons.items() if one.retired_at is None and one.unit_id in units
    }
    # What stands above may lie outside; it is named all the same.
    return Known(found.units if actor.role != "unit" else units, persons, found.points)

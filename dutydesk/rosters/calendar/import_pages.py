"""A year's days taken over from a workbook or from the pasted notice: looked over first, then all or nothing."""

import asyncio
from datetime import date
from urllib.parse import quote

from fastapi import APIRouter, Request, Response
from starlette.datastructures import UploadFile

from dutydesk.calendars import queries
from dutydesk.calendars.reading import read_days, template_name, write_template
from dutydesk.calendars.rules import FIRST_DAY, LAST_DAY
from dutydesk.calendars.rules.faults import Entry, Fault
from dutydesk.calendars.rules.notice import lines_of, read_notice
from dutydesk.calendars.rules.years import Change
from dutydesk.calendars.telling import told, where
from dutydesk.db import Session
from dutydesk.documents.workbooks import LARGEST_WORKBOOK
from dutydesk.errors import DutydeskError, InvalidInputError
from dutydesk.rosters.calendar import actions
from dutydesk.rosters.calendar.pages import Editor, Year, to_year
from dutydesk.web.forms import Form, Input, typed
from dutydesk.web.pages import PageRoute, render
from dutydesk.web.site import Site, TheSite

router = APIRouter(prefix="/rosters/calendar/import", route_class=PageRoute, include_in_schema=False)

_LONGEST_NOTICE = 10_000
_FORM_PARTS = 8
# A larger file is read to its end and then refused with a sentence; what is larger still, by the server.
_LARGEST_FORM = 30_000_000
_WORKBOOK = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_INPUTS = (
    Input("year", "年份", required=True, longest=4),
    Input("notice", "通知文号", hint="填写后，该年即不再标为暂定，例如 国办发明电〔2026〕7号", longest=50),
    Input("file", "Excel工作簿", "file", hint="xlsx，不超过5MB；每行一天：日期、日类、名称"),
    Input(
        "text",
        "或粘贴通知原文",
        "lines",
        hint="例如 一、元旦：1月1日（周五）至3日（周日）放假，共3天。1月4日（周一）上班。",
        longest=_LONGEST_NOTICE,
    ),
)


@router.get("")
async def import_form(request: Request, _actor: Editor, site: TheSite, year: Year | None = None) -> Response:
    """Ask for a year's days."""
    shown = year or site.clock.now().astimezone(site.zone).year + 1
    return _page(request, Form(_INPUTS, {"year": str(shown)}))


def _page(request: Request, form: Form, status: int = 200, *, faults: list[Fault] | None = None) -> Response:
    said = [(where(one.place), told(one)) for one in faults or ()]
    return render(request, "rosters/calendar_import.html", status, form=form, faults=said)


@router.get("/template")
async def template(_actor: Editor, site: TheSite, year: Year) -> Response:
    """Give the workbook to fill in, with what is known of the year already."""
    async with site.db.read() as session:
        calendar = await queries.calendar_for(session, date(year, 1, 1), date(year, 12, 31))
    moment = site.clock.now()
    content = await asyncio.to_thread(write_template, calendar, year, zone=site.zone, moment=moment)
    name = f"{template_name(year)}.xlsx"
    disposition = f"attachment; filename=\"calendar-{year}.xlsx\"; filename*=UTF-8''{quote(name)}"
    return Response(content, media_type=_WORKBOOK, headers={"Content-Disposition": disposition})


@router.post("", max_body_size=_LARGEST_FORM)
async def look_over(request: Request, _actor: Editor, site: TheSite) -> Response:
    """Read what was brought and show what it would change; nothing is written yet."""
    async with request.form(max_files=1, max_fields=_FORM_PARTS, max_part_size=1_000_000) as sent:
        values = {one.name: value for one in _INPUTS if isinstance(value := sent.get(one.name), str)}
        form, upload = Form(_INPUTS, values), sent.get("file")
        year = _year_of(form)
        brought = isinstance(upload, UploadFile) and bool(upload.filename)
        if not brought and not form.value("text"):
            form.fault("file", "请选择文件，或粘贴通知原文")
        if brought and form.value("text"):
            form.fault("file", "文件和通知原文请只用一种")
        if year is None or form.faults:
            return _page(request, form, 422)
        try:
            if isinstance(upload, UploadFile) and brought:
                entries, faults = await _read(upload, year)
            else:
                entries, faults = read_notice(form.value("text")[:_LONGEST_NOTICE], year)
        except InvalidInputError as error:
            return _page(request, form, form.refused(error))
    notice, changes = _notice_of(form), list[Change]()
    if not faults:
        async with site.db.read() as session:
            changes, faults = await actions.look_over(session, entries, year, notice=notice)
    if faults:
        return _page(request, form, 422, faults=faults)
    return await _preview(request, site, year, notice, entries, changes)


async def _read(upload: UploadFile, year: int) -> tuple[list[Entry], list[Fault]]:
    """Read a workbook beside the event loop; one byte more than allowed is enough to refuse it."""
    data = await upload.read(LARGEST_WORKBOOK + 1)
    return await asyncio.to_thread(read_days, data, year)


async def _preview(
    request: Request, site: Site, year: int, notice: str, entries: list[Entry], changes: list[Change]
) -> Response:
    """Show day by day what will change, with a button that does it."""
    async with site.db.read() as session:
        calendar = await queries.calendar_for(session, date(year, 1, 1), date(year, 12, 31))
    once = list({one.day: one for one in entries}.values())
    return render(
        request,
        "rosters/calendar_preview.html",
        year=year,
        notice=notice,
        lines=lines_of(sorted(once, key=lambda one: one.day)),
        changes=[(one, calendar.day(one.day)) for one in changes if one.step != "same"],
        same=sum(one.step == "same" for one in changes),
    )


@router.post("/done")
async def take_over(request: Request, actor: Editor, site: TheSite) -> Response:
    """Take over what was shown: all of it or nothing."""
    form = await typed(request, _INPUTS)
    year = _year_of(form)
    if year is None:
        return _page(request, form, 422)
    entries, faults = read_notice(form.value("text"), year)
    if faults:
        return _page(request, form, 422, faults=faults)

    async def work(session: Session) -> None:
        await actions.import_year(
            session, site.clock.now(), actor.name, entries, year, notice=_notice_of(form)
        )

    try:
        await site.db.run(work)
    except DutydeskError as error:
        return _page(request, form, form.refused(error))
    return to_year(year)


def _year_of(form: Form) -> int | None:
    """Return the year that was typed; notes a fault when it is none."""
    said = form.value("year")
    if said.isascii() and said.isdigit() and FIRST_DAY.year <= int(said) <= LAST_DAY.year:
        return int(said)
    form.fault("year", "请填写四位年份，例如 2027")
    return None


def _notice_of(form: Form) -> str:
    """Return the notice's number, one line that any database takes."""
    return "".join(one for one in form.value("notice") if one.isprintable())[:50]

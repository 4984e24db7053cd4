"""The files of an incident in the browser: taken in, given out, declared a mistake."""

import asyncio

from fastapi import APIRouter, Request, Response
from fastapi.responses import StreamingResponse
from starlette.datastructures import UploadFile

from dutydesk.db import Session
from dutydesk.errors import DutydeskError
from dutydesk.incidents import attachments, files, forms, queries
from dutydesk.incidents.acting import Act, Filer, Reader, about, act_page, address, do, found
from dutydesk.incidents.model import Attachment, Incident
from dutydesk.web.forms import Form, Input, typed
from dutydesk.web.pages import PageRoute
from dutydesk.web.site import Site, TheSite

router = APIRouter(route_class=PageRoute, include_in_schema=False)

# A file of the largest size with what a form puts around it.
_LARGEST_FORM = files.LARGEST_FILE + 100_000
_FORM_PARTS = 4

_ADD = Act(
    "上传附件",
    "上传",
    (
        Input(
            "file",
            "文件",
            "file",
            required=True,
            hint="照片、录音、PDF、Word、Excel、PPT或文本，不超过20MB；严禁上传涉密文件",
        ),
    ),
    "附件存档后不能改动，只能作废。",
)
_VOID = Act("作废附件", "作废", forms.BY_REASON, "传错的附件作废，文件和记录保留。")


@router.get("/incidents/{number}/attachments")
async def add_form(request: Request, number: str, actor: Filer, site: TheSite) -> Response:
    """Ask for a file."""
    row = await found(site, actor, number)
    return act_page(request, _ADD, about(row), address(number), {}, multipart=True)


@router.post("/incidents/{number}/attachments", max_body_size=_LARGEST_FORM)
async def add(request: Request, number: str, actor: Filer, site: TheSite) -> Response:
    """Take in a file: it is streamed to disk, looked into, and stored under its SHA-256."""
    row = await found(site, actor, number)
    form, folder = Form(_ADD.inputs), site.settings.files_dir
    # Parts beyond the first megabyte go to a temporary file while they arrive.
    async with request.form(max_files=1, max_fields=_FORM_PARTS) as sent:
        upload = sent.get("file")
        if not isinstance(upload, UploadFile) or not upload.filename:
            form.fault("file", "请选择文件")
            return _add_page(request, row, form, 422)
        try:
            incoming = await asyncio.to_thread(files.take_in, folder, upload.file, upload.filename)
        except DutydeskError as error:
            return _add_page(request, row, form, form.refused(error))

    async def work(session: Session, locked: Incident) -> None:
        await attachments.attach(session, site.clock.now(), actor, locked, incoming.stored)
        # Before the commit, so that no file is listed that is not there; only what is listed is kept.
        await asyncio.to_thread(files.keep, folder, incoming)

    try:
        return await do(request, site, actor, _ADD, row, form, work)
    finally:
        await asyncio.to_thread(files.turn_away, incoming)


def _add_page(request: Request, row: Incident, form: Form, status: int) -> Response:
    return act_page(request, _ADD, about(row), address(row.number), form, status, multipart=True)


@router.get("/incidents/{number}/attachments/{attachment_id}")
async def give(number: str, attachment_id: int, actor: Reader, site: TheSite) -> Response:
    """Give out a file, always to be saved and never shown in the browser, after its hash was checked."""
    kept = await _attachment(site, number, attachment_id, actor.unit_id)
    file = await asyncio.to_thread(files.open_checked, site.settings.files_dir, kept.sha256, kept.size)
    return StreamingResponse(
        files.chunks(file),
        media_type=kept.media_type,
        headers={
            "Content-Disposition": files.disposition(kept.name),
            "Content-Length": str(kept.size),
            "X-Content-Type-Options": "nosniff",
            "Content-Security-Policy": "default-src 'none'; sandbox; frame-ancestors 'none'",
        },
    )


async def _attachment(site: Site, number: str, attachment_id: int, unit_id: int | None) -> Attachment:
    async with site.db.read() as session:
        row = await queries.incident_by_number(session, number, unit_id=unit_id)
        return await queries.attachment(session, row.id or 0, attachment_id, unit_id=unit_id)


@router.get("/incidents/{number}/attachments/{attachment_id}/void")
async def void_form(
    request: Request, number: str, attachment_id: int, actor: Filer, site: TheSite
) -> Response:
    """Ask why a file is a mistake."""
    kept = await _attachment(site, number, attachment_id, actor.unit_id)
    return act_page(request, _VOID, f"{number} {kept.name}", address(number), {})


@router.post("/incidents/{number}/attachments/{attachment_id}/void")
async def void(request: Request, number: str, attachment_id: int, actor: Filer, site: TheSite) -> Response:
    """Declare a file a mistake."""
    row, form = await found(site, actor, number), await typed(request, _VOID.inputs)
    reason = forms.why(form)
    if reason is None:
        return act_page(request, _VOID, about(row), address(number), form, 422)

    async def work(session: Session, locked: Incident) -> None:
        await attachments.void_attachment(session, site.clock.now(), actor, locked, attachment_id, reason)

    return await do(request, site, actor, _VOID, row, form, work)

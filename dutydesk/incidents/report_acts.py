"""What is done to a report: logged or filed, completed, checked by a second person, voided."""

import secrets
from collections.abc import Awaitable, Callable
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from dutydesk.db import Session
from dutydesk.incidents import forms, queries, reporting
from dutydesk.incidents.acting import Act, Filer, Writer, about, act_page, address, do, found
from dutydesk.incidents.model import Incident, Report, ReportKind
from dutydesk.web import words
from dutydesk.web.forms import Form, typed
from dutydesk.web.pages import PageRoute
from dutydesk.web.site import Site, TheSite

router = APIRouter(route_class=PageRoute, include_in_schema=False)

_LOG = Act("登记报告", "登记")
_FILE = Act("报送报告", "报送", note="以本系统收到的时间为准。先报知道的，其余续报补充；文件请在附件中上传。")
_COMPLETE = Act("补全报告人", "登记", forms.COMPLETE, "已经登记的内容不改写；登记有误的，作废后重新登记。")
_VOID = Act(
    "作废报告",
    "作废",
    forms.BY_REASON,
    "登记有误的报告作废，原内容保留。",
    ("由这份报告办结的时限，恢复按原到期时间计时",),
)
_CHECK = Act(
    "核对补录",
    "核对无误",
    forms.BY_REASON,
    "补录的报告由登记人以外的第二人核对时间，核对后判定不再待核。请写明核对依据。",
)


@router.get("/incidents/{number}/reports")
async def report_form(
    request: Request,
    number: str,
    actor: Filer,
    site: TheSite,
    kind: Annotated[ReportKind | None, Query()] = None,
) -> Response:
    """Ask for a report that came in, or (a unit) for one that is filed."""
    row = await found(site, actor, number)
    of_a_unit = actor.role == "unit"
    values = {
        "kind": kind or ("written" if of_a_unit else "phone"),
        "reported_at": forms.local(site.clock.now(), site.zone),
        "reporter": actor.name if of_a_unit else "",
        "once": secrets.token_urlsafe(16),
    }
    form = Form(forms.report_inputs(actor), values)
    return act_page(request, _FILE if of_a_unit else _LOG, about(row), address(number), form)


@router.post("/incidents/{number}/reports")
async def report(request: Request, number: str, actor: Filer, site: TheSite) -> Response:
    """Log a report or take in one that is filed; what it fulfils is judged at once."""
    row, form = await found(site, actor, number), await typed(request, forms.report_inputs(actor))
    act = _FILE if actor.role == "unit" else _LOG
    new = forms.new_report(form, site.zone)
    if new is None:
        return act_page(request, act, about(row), address(number), form, 422)

    async def work(session: Session, locked: Incident) -> None:
        await reporting.add_report(session, site, site.clock.now(), actor, locked, new)

    return await do(request, site, actor, act, row, form, work)


async def _read(site: Site, report_id: int) -> tuple[Report, Incident]:
    async with site.db.read() as session:
        report = await queries.report(session, report_id)
        return report, await queries.incident(session, report.incident_id)


def _about(report: Report, row: Incident) -> str:
    return f"{about(row)} {words.report(report.kind, report.sequence)}"


@router.get("/reports/{report_id}/complete")
async def complete_form(request: Request, report_id: int, _actor: Writer, site: TheSite) -> Response:
    """Ask who called and from which number."""
    report, row = await _read(site, report_id)
    values = {"reporter": report.reporter, "reporter_phone": report.reporter_phone}
    return act_page(request, _COMPLETE, _about(report, row), address(row.number), values)


@router.post("/reports/{report_id}/complete")
async def complete(request: Request, report_id: int, actor: Writer, site: TheSite) -> Response:
    """Add who called to a phone report that lacked it."""
    form = await typed(request, forms.COMPLETE)
    report, row = await _read(site, report_id)
    said = forms.completion(form)
    if said is None:
        return act_page(request, _COMPLETE, _about(report, row), address(row.number), form, 422)
    reporter, phone = said

    async def work(session: Session, _locked: Incident) -> None:
        stored = await queries.report(session, report_id)
        await reporting.complete_report(session, site, site.clock.now(), actor, stored, reporter, phone)

    return await do(request, site, actor, _COMPLETE, row, form, work)


_BY_REASON: dict[str, tuple[Act, Callable[..., Awaitable[Any]]]] = {
    "void": (_VOID, reporting.void_report),
    "check": (_CHECK, reporting.check_report),
}


def _named(request: Request) -> tuple[Act, Callable[..., Awaitable[Any]]]:
    return _BY_REASON[request.url.path.rpartition("/")[2]]


@router.get("/reports/{report_id}/void")
@router.get("/reports/{report_id}/check")
async def reason_form(request: Request, report_id: int, _actor: Writer, site: TheSite) -> Response:
    """Ask why a report is void, or on what a late entry was checked."""
    report, row = await _read(site, report_id)
    return act_page(request, _named(request)[0], _about(report, row), address(row.number), {})


@router.post("/reports/{report_id}/void")
@router.post("/reports/{report_id}/check")
async def with_reason(request: Request, report_id: int, actor: Writer, site: TheSite) -> Response:
    """Declare a report a mistake, or confirm the time of a late entry as the second person."""
    act, action = _named(request)
    form = await typed(request, act.inputs)
    report, row = await _read(site, report_id)
    reason = forms.why(form)
    if reason is None:
        return act_page(request, act, _about(report, row), address(row.number), form, 422)

    async def work(session: Session, _locked: Incident) -> None:
        stored = await queries.report(session, report_id)
        await action(session, site, site.clock.now(), actor, stored, reason)

    return await do(request, site, actor, act, row, form, work)

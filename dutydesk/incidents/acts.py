"""What an operator does to an incident or an obligation in the browser.

Each is a form of its own, so that what is being typed survives the live page; what an action refuses
is said on the form, with everything that was typed.
"""

import secrets
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import RedirectResponse
from sqlalchemy.exc import IntegrityError

from dutydesk.accounts.permissions import allow_page
from dutydesk.accounts.rules import Actor
from dutydesk.db import Session
from dutydesk.errors import DutydeskError, NotFoundError
from dutydesk.incidents import actions, duties, forms, queries, reporting
from dutydesk.incidents.model import Incident, ReportKind
from dutydesk.obligations import queries as owed_queries
from dutydesk.obligations.model import Obligation
from dutydesk.web.forms import Form, Input, typed
from dutydesk.web.model import IdempotentAnswer
from dutydesk.web.pages import PageRoute, render
from dutydesk.web.queries import remembered_answer
from dutydesk.web.site import Site, TheSite

router = APIRouter(route_class=PageRoute, include_in_schema=False)

Writer = Annotated[Actor, Depends(allow_page("incident:write"))]
Filer = Annotated[Actor, Depends(allow_page("report:file"))]
Decider = Annotated[Actor, Depends(allow_page("obligation:decide"))]

Work = Callable[[Session], Awaitable[str]]

_CHECK_AGAIN_AFTER = timedelta(minutes=30)


def _address(number: str) -> str:
    return f"/incidents/{quote(number)}"


def to_incident(number: str) -> RedirectResponse:
    """Send the browser to an incident's page, to be fetched by GET."""
    return RedirectResponse(_address(number), 303)


async def once_only(site: Site, actor: Actor, key: str, work: Work) -> str:
    """Do *work* in one transaction, and only once for each form that was drawn; return the incident's number."""
    caller = f"page:{actor.name}"

    async def once(session: Session) -> str:
        earlier = await remembered_answer(session, caller, key) if key else None
        if earlier is not None:
            return earlier.body
        number = await work(session)
        if key:
            now = site.clock.now()
            session.add(
                IdempotentAnswer(
                    caller=caller, key=key[:255], request_hash="", status=303, body=number, created_at=now
                )
            )
        return number

    try:
        return await site.db.run(once)
    except IntegrityError:
        # Its twin was committed while this one ran.
        async with site.db.read() as session:
            earlier = await remembered_answer(session, caller, key)
        if earlier is None:
            raise
        return earlier.body


@dataclass(frozen=True, slots=True)
class Act:
    """What the page of such a form says."""

    title: str
    submit: str
    inputs: Sequence[Input]
    note: str = ""


_REPORT = Act("登记报告", "登记", forms.REPORT)
_WITHDRAW = Act("撤回事件", "撤回", forms.WITHDRAW, "误报、不实时撤回：停止计时，记录保留。")
_REINSTATE = Act("恢复事件", "恢复", forms.REINSTATE, "恢复后，各项时限仍按原到期时间。")
_END = Act("处置结束", "登记结束", forms.END, "续报停止，开始计终报时限。")
_REGRADE = Act("变动级别", "变动级别", forms.REGRADE)
_CORRECT = Act("更正", "更正", forms.CORRECT, "改正登记错误，原内容保留在记录中。")
_TAKE_OVER = Act(
    "人工接管", "接管", forms.TAKE_OVER, "接管后停止反复提醒，到复核时间仍无结果再提醒；后面的叫应照常进行。"
)
_ENTRY = Act("登记办结", "登记", forms.ENTRY)
_COMPLETE = Act("补全报告人", "登记", forms.COMPLETE)


def _page(
    request: Request, act: Act, about: str, number: str, values: dict[str, str] | Form, status: int = 200
) -> Response:
    form = values if isinstance(values, Form) else Form(act.inputs, values)
    return render(
        request,
        "act.html",
        status,
        title=act.title,
        about=about,
        note=act.note,
        form=form,
        submit=act.submit,
        back=_address(number),
    )


async def _found(site: Site, actor: Actor, number: str) -> Incident:
    async with site.db.read() as session:
        return await queries.incident_by_number(session, number, unit_id=actor.unit_id)


def _about(row: Incident) -> str:
    return f"{row.number} {row.title}"


async def _do(
    request: Request,
    site: Site,
    actor: Actor,
    act: Act,
    row: Incident,
    form: Form,
    work: Callable[[Session, Incident], Awaitable[Any]],
) -> Response:
    """Run an action on a locked incident; what it refuses is said on the form, with everything typed."""

    async def locked(session: Session) -> str:
        await work(session, await queries.incident(session, row.id or 0, lock=True))
        return row.number

    try:
        return to_incident(await once_only(site, actor, form.value("once"), locked))
    except DutydeskError as error:
        return _page(request, act, _about(row), row.number, form, form.refused(error))


@router.get("/incidents/{number}/reports")
async def report_form(
    request: Request,
    number: str,
    actor: Filer,
    site: TheSite,
    kind: Annotated[ReportKind, Query()] = "phone",
) -> Response:
    """Ask for a report that came in."""
    row = await _found(site, actor, number)
    values = {
        "kind": kind,
        "reported_at": forms.local(site.clock.now(), site.zone),
        "once": secrets.token_urlsafe(16),
    }
    return _page(request, _REPORT, _about(row), number, values)


@router.post("/incidents/{number}/reports")
async def report(request: Request, number: str, actor: Filer, site: TheSite) -> Response:
    """Log a report; what it fulfils is judged at once."""
    row, form = await _found(site, actor, number), await typed(request, forms.REPORT)
    new = forms.new_report(form, site.zone)
    if new is None:
        return _page(request, _REPORT, _about(row), number, form, 422)

    async def work(session: Session, locked: Incident) -> None:
        await reporting.add_report(session, site, site.clock.now(), actor, locked, new)

    return await _do(request, site, actor, _REPORT, row, form, work)


_BY_REASON: dict[str, tuple[Act, Callable[..., Awaitable[Any]]]] = {
    "withdraw": (_WITHDRAW, actions.withdraw),
    "reinstate": (_REINSTATE, actions.reinstate),
    "end": (_END, actions.end),
}


def _named(request: Request) -> tuple[Act, Callable[..., Awaitable[Any]]]:
    return _BY_REASON[request.url.path.rpartition("/")[2]]


@router.get("/incidents/{number}/withdraw")
@router.get("/incidents/{number}/reinstate")
@router.get("/incidents/{number}/end")
async def reason_form(request: Request, number: str, actor: Writer, site: TheSite) -> Response:
    """Ask why an incident is withdrawn or comes back, or how its handling ended."""
    row = await _found(site, actor, number)
    return _page(request, _named(request)[0], _about(row), number, {})


@router.post("/incidents/{number}/withdraw")
@router.post("/incidents/{number}/reinstate")
@router.post("/incidents/{number}/end")
async def with_reason(request: Request, number: str, actor: Writer, site: TheSite) -> Response:
    """Withdraw a false report, undo that (or a merge), or record that the handling has ended."""
    act, action = _named(request)
    row, form = await _found(site, actor, number), await typed(request, act.inputs)
    reason = forms.why(form)
    if reason is None:
        return _page(request, act, _about(row), number, form, 422)

    async def work(session: Session, locked: Incident) -> None:
        await action(session, site, site.clock.now(), actor, locked, reason)

    return await _do(request, site, actor, act, row, form, work)


@router.get("/incidents/{number}/regrade")
async def regrade_form(request: Request, number: str, actor: Decider, site: TheSite) -> Response:
    """Ask for the new grade."""
    row = await _found(site, actor, number)
    ticks = {"suspected": row.suspected, "sensitive": row.sensitive, "confirmed": row.grade_confirmed}
    values = {"grade": row.grade} | {name: "yes" for name, ticked in ticks.items() if ticked}
    return _page(request, _REGRADE, _about(row), number, values)


@router.post("/incidents/{number}/regrade")
async def regrade(request: Request, number: str, actor: Decider, site: TheSite) -> Response:
    """Give an incident another grade or other flags."""
    row, form = await _found(site, actor, number), await typed(request, forms.REGRADE)
    body = forms.regrading(form)
    if body is None:
        return _page(request, _REGRADE, _about(row), number, form, 422)

    async def work(session: Session, locked: Incident) -> None:
        await actions.regrade(
            session,
            site,
            site.clock.now(),
            actor,
            locked,
            grade=body.grade,
            suspected=bool(body.suspected),
            sensitive=bool(body.sensitive),
            confirmed=body.confirmed,
            leader=body.leader,
            reason=body.reason,
        )

    return await _do(request, site, actor, _REGRADE, row, form, work)


@router.get("/incidents/{number}/correct")
async def correct_form(request: Request, number: str, actor: Writer, site: TheSite) -> Response:
    """Show what stands there now, to be corrected."""
    row = await _found(site, actor, number)
    return _page(request, _CORRECT, _about(row), number, forms.as_it_is(row, site.zone))


@router.post("/incidents/{number}/correct")
async def correct(request: Request, number: str, actor: Writer, site: TheSite) -> Response:
    """Correct what was written down wrongly; due times that follow from it move."""
    row, form = await _found(site, actor, number), await typed(request, forms.CORRECT)
    found = forms.corrections(form, row, site.zone)
    if found is None:
        return _page(request, _CORRECT, _about(row), number, form, 422)
    values, reason = found

    async def work(session: Session, locked: Incident) -> None:
        await actions.correct(session, site, site.clock.now(), actor, locked, values, reason)

    return await _do(request, site, actor, _CORRECT, row, form, work)


# ---------------------------------------------------------------------------------------------------------------------
# Doing something to one obligation or one report


async def _owed(session: Session, actor: Actor, obligation_id: int, *, lock: bool = False) -> Obligation:
    row = await owed_queries.obligation(session, obligation_id, lock=lock)
    if row is None or not actor.sees_unit(row.unit_id):
        raise NotFoundError(f"there is no obligation {obligation_id}")
    return row


async def _read_owed(site: Site, actor: Actor, obligation_id: int) -> Obligation:
    async with site.db.read() as session:
        return await _owed(session, actor, obligation_id)


def _duty(row: Obligation) -> str:
    return f"{row.number} {row.title}"


async def _do_owed(
    request: Request,
    site: Site,
    actor: Actor,
    act: Act,
    row: Obligation,
    form: Form,
    work: Callable[[Session, Obligation], Awaitable[None]],
) -> Response:
    async def done(session: Session) -> None:
        await work(session, await _owed(session, actor, row.id or 0, lock=True))

    try:
        await site.db.run(done)
    except DutydeskError as error:
        return _page(request, act, _duty(row), row.number, form, form.refused(error))
    return to_incident(row.number)


@router.get("/obligations/{obligation_id}/take-over")
async def take_over_form(request: Request, obligation_id: int, actor: Decider, site: TheSite) -> Response:
    """Ask who takes over and when they will look again."""
    row = await _read_owed(site, actor, obligation_id)
    check_at = site.clock.now() + _CHECK_AGAIN_AFTER
    return _page(
        request, _TAKE_OVER, _duty(row), row.number, {"next_check_at": forms.local(check_at, site.zone)}
    )


@router.post("/obligations/{obligation_id}/take-over")
async def take_over(request: Request, obligation_id: int, actor: Decider, site: TheSite) -> Response:
    """Let a named person answer for a duty."""
    row, form = await _read_owed(site, actor, obligation_id), await typed(request, forms.TAKE_OVER)
    body = forms.taking_over(form, site.zone)
    if body is None:
        return _page(request, _TAKE_OVER, _duty(row), row.number, form, 422)

    async def work(session: Session, locked: Obligation) -> None:
        now = site.clock.now()
        await duties.take_over(session, now, actor, locked, body.who, body.reason, body.next_check_at)

    return await _do_owed(request, site, actor, _TAKE_OVER, row, form, work)


@router.get("/obligations/{obligation_id}/entry")
async def entry_form(request: Request, obligation_id: int, actor: Writer, site: TheSite) -> Response:
    """Ask when and how a duty was done that no report and no key can prove."""
    row = await _read_owed(site, actor, obligation_id)
    return _page(request, _ENTRY, _duty(row), row.number, {"at": forms.local(site.clock.now(), site.zone)})


@router.post("/obligations/{obligation_id}/entry")
async def entry(request: Request, obligation_id: int, actor: Writer, site: TheSite) -> Response:
    """Record by hand that a duty was done."""
    row, form = await _read_owed(site, actor, obligation_id), await typed(request, forms.ENTRY)
    found = forms.entry(form, site.zone)
    if found is None:
        return _page(request, _ENTRY, _duty(row), row.number, form, 422)
    at, how = found

    async def work(session: Session, locked: Obligation) -> None:
        await duties.fulfil_by_entry(session, site.clock.now(), actor, locked, at, how)

    return await _do_owed(request, site, actor, _ENTRY, row, form, work)


@router.get("/reports/{report_id}/complete")
async def complete_form(request: Request, report_id: int, _actor: Writer, site: TheSite) -> Response:
    """Ask who called and from which number."""
    async with site.db.read() as session:
        found = await queries.report(session, report_id)
        row = await queries.incident(session, found.incident_id)
    values = {"reporter": found.reporter, "reporter_phone": found.reporter_phone}
    return _page(request, _COMPLETE, _about(row), row.number, values)


@router.post("/reports/{report_id}/complete")
async def complete(request: Request, report_id: int, actor: Writer, site: TheSite) -> Response:
    """Add who called to a phone report that lacked it."""
    form = await typed(request, forms.COMPLETE)
    async with site.db.read() as session:
        found = await queries.report(session, report_id)
        row = await queries.incident(session, found.incident_id)
    said = forms.completion(form)
    if said is None:
        return _page(request, _COMPLETE, _about(row), row.number, form, 422)
    reporter, phone = said

    async def work(session: Session, _locked: Incident) -> None:
        stored = await queries.report(session, report_id)
        await reporting.complete_report(session, site, site.clock.now(), actor, stored, reporter, phone)

    return await _do(request, site, actor, _COMPLETE, row, form, work)

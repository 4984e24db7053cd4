"""What is done to a paper in the browser: move it on or back, and correct what was signed."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse

from dutydesk.accounts.permissions import allow_page
from dutydesk.accounts.rules import Actor
from dutydesk.db import Session
from dutydesk.errors import ConflictError, DutydeskError
from dutydesk.incidents.forms import local
from dutydesk.incidents.papers import actions as paper_actions
from dutydesk.incidents.papers import forms as paper_forms
from dutydesk.incidents.papers import queries as paper_queries
from dutydesk.incidents.papers import rules as paper_rules
from dutydesk.incidents.papers.forms import TEXT, step_inputs, version_of
from dutydesk.incidents.papers.rules import MOVES, Move
from dutydesk.incidents.papers.shown import paper_page, read, to_paper
from dutydesk.web.forms import Form, typed
from dutydesk.web.once import once_only
from dutydesk.web.pages import PageRoute, render
from dutydesk.web.site import Site, TheSite

router = APIRouter(route_class=PageRoute, include_in_schema=False)

Drafter = Annotated[Actor, Depends(allow_page("paper:draft"))]
Checker = Annotated[Actor, Depends(allow_page("paper:check"))]
Signer = Annotated[Actor, Depends(allow_page("paper:sign"))]

_TITLES: dict[Move, tuple[str, str]] = {
    "return": ("退回修改", "退回后由起草人修改，再提交审核。"),
    "decline": ("退回修改", "退回后由起草人修改，再审核、签发。"),
    "send": ("登记报送", "系统不代为发送，也不发短信：按所选方式报送后在此登记。"),
    "receive": ("登记签收", "签收是已收到的凭据，不影响报告时限。"),
    "sent-back": ("登记上级退回", "退回后改为草稿，期号不变；修改后重新审核、签发。"),
    "void": ("作废", "作废的材料不再办理，记录保留。"),
    "revoke": ("作废", "作废的材料不再报送，期号不再使用，记录保留。"),
}


def _move(request: Request) -> Move:
    name = request.url.path.rpartition("/")[2]
    return next(move for move in MOVES if move == name)


async def _ask(request: Request, paper_id: int, actor: Actor, site: Site) -> Response:
    """Ask what is written down with a move."""
    move, now = _move(request), site.clock.now()
    paper, _ = await read(site, paper_id)
    inputs = step_inputs(move, site.rulebook.papers)
    values = {"version": str(paper.version), "at": local(now, site.zone)}
    if move == "send":
        sent = [text for text in (paper.send_to, paper.copy_to) if text]
        values |= {"to": site.rulebook.papers.listed(sent)}
    return await _act_page(request, site, actor, paper_id, Form(inputs, values))


async def _do(request: Request, paper_id: int, actor: Actor, site: Site) -> Response:
    """Move a paper; what is refused is said where it was asked."""
    move = _move(request)
    asked = move in _TITLES
    form = await typed(request, step_inputs(move, site.rulebook.papers))
    said = paper_forms.step_typed(form, site.zone) if asked else ("", None, {})
    if said is None:
        return await _act_page(request, site, actor, paper_id, form, 422)
    reason, at, detail = said

    async def work(session: Session) -> None:
        await paper_actions.move(
            session,
            site,
            site.clock.now(),
            actor,
            paper_id,
            version_of(form),
            move,
            reason=reason,
            at=at,
            detail=detail,
        )

    try:
        await site.db.run(work)
    except paper_actions.StaleError as error:
        return await paper_page(request, site, actor, paper_id, error, version_of(form))
    except DutydeskError as error:
        if asked and error.faults:
            return await _act_page(request, site, actor, paper_id, form, form.refused(error))
        return await paper_page(request, site, actor, paper_id, error)
    return to_paper(paper_id)


async def _act_page(
    request: Request, site: Site, actor: Actor, paper_id: int, form: Form, status: int = 200
) -> Response:
    paper, _ = await read(site, paper_id)
    move = _move(request)
    async with site.db.read() as session:
        writers = (await paper_queries.writers_of(session, [paper_id]))[paper_id]
    standing = paper_rules.Standing(paper.state, writers, paper.checker)
    if fault := paper_rules.move_fault(move, standing, actor):
        return await paper_page(request, site, actor, paper_id, ConflictError(fault))
    title, note = _TITLES[move]
    return render(
        request,
        "act.html",
        status,
        title=title,
        about=paper.title,
        note=note,
        form=form,
        submit=MOVES[move].button,
        back=f"/papers/{paper_id}",
    )


@router.get("/papers/{paper_id}/send")
@router.get("/papers/{paper_id}/receive")
@router.get("/papers/{paper_id}/sent-back")
@router.get("/papers/{paper_id}/void")
async def ask_drafter(request: Request, paper_id: int, actor: Drafter, site: TheSite) -> Response:
    """Ask to whom it went, who received it, or why it goes back or away."""
    return await _ask(request, paper_id, actor, site)


@router.post("/papers/{paper_id}/submit")
@router.post("/papers/{paper_id}/send")
@router.post("/papers/{paper_id}/receive")
@router.post("/papers/{paper_id}/sent-back")
@router.post("/papers/{paper_id}/void")
async def by_drafter(request: Request, paper_id: int, actor: Drafter, site: TheSite) -> Response:
    """Hand a draft in, write down that it went out, was received or came back, or do away with it."""
    return await _do(request, paper_id, actor, site)


@router.get("/papers/{paper_id}/return")
async def ask_checker(request: Request, paper_id: int, actor: Checker, site: TheSite) -> Response:
    """Ask why it goes back."""
    return await _ask(request, paper_id, actor, site)


@router.post("/papers/{paper_id}/pass")
@router.post("/papers/{paper_id}/return")
async def by_checker(request: Request, paper_id: int, actor: Checker, site: TheSite) -> Response:
    """Pass a text on to a leader, or send it back."""
    return await _do(request, paper_id, actor, site)


@router.get("/papers/{paper_id}/decline")
@router.get("/papers/{paper_id}/revoke")
async def ask_signer(request: Request, paper_id: int, actor: Signer, site: TheSite) -> Response:
    """Ask why it goes back or away."""
    return await _ask(request, paper_id, actor, site)


@router.post("/papers/{paper_id}/sign")
@router.post("/papers/{paper_id}/decline")
@router.post("/papers/{paper_id}/revoke")
async def by_signer(request: Request, paper_id: int, actor: Signer, site: TheSite) -> Response:
    """Sign, send back, or do away with what was signed and not sent."""
    return await _do(request, paper_id, actor, site)


@router.post("/papers/{paper_id}/correct")
async def correct(request: Request, paper_id: int, actor: Drafter, site: TheSite) -> Response:
    """Begin the correction of a signed paper."""
    form = await typed(request, TEXT)

    async def work(session: Session) -> str:
        made = await paper_actions.correct(session, site, site.clock.now(), actor, paper_id)
        return str(made.id)

    try:
        made = await once_only(site, actor.name, form.value("once"), work)
    except DutydeskError as error:
        return await paper_page(request, site, actor, paper_id, error)
    return RedirectResponse(f"/papers/{made}/edit", 303)

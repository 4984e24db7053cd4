"""Writing papers in the browser: a form beside a preview.

A form carries the version it was drawn from: who comes second sees what changed, and keeps what he typed.
"""

import secrets
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Depends, Query, Request, Response

from dutydesk.accounts.permissions import allow_page
from dutydesk.accounts.rules import Actor
from dutydesk.db import Session
from dutydesk.errors import ConflictError, DutydeskError
from dutydesk.incidents import queries
from dutydesk.incidents.model import Incident, Paper, PaperKind
from dutydesk.incidents.papers import actions as paper_actions
from dutydesk.incidents.papers import forms as paper_forms
from dutydesk.incidents.papers import queries as paper_queries
from dutydesk.incidents.papers import rules as paper_rules
from dutydesk.incidents.papers.facts import Proposal, Typed, current_words, propose
from dutydesk.incidents.papers.forms import TEXT, typed_text, unchecked_text, version_of
from dutydesk.incidents.papers.shown import changes, read, to_paper
from dutydesk.incidents.papers.text import sheet_of
from dutydesk.web.forms import Form, typed
from dutydesk.web.once import once_only
from dutydesk.web.pages import PageRoute, render
from dutydesk.web.site import Site, TheSite

router = APIRouter(route_class=PageRoute, include_in_schema=False)

Drafter = Annotated[Actor, Depends(allow_page("paper:draft"))]

# ---------------------------------------------------------------------------------------------------------------------
# Beginning


@router.get("/incidents/{number}/papers/new")
async def new_form(
    request: Request,
    number: str,
    actor: Drafter,
    site: TheSite,
    kind: Annotated[PaperKind, Query()] = "special_report",
    part: Annotated[str, Query(max_length=20)] = "",
) -> Response:
    """Show the next paper of an incident as it drafts itself."""
    async with site.db.read() as session:
        row = await queries.incident_by_number(session, number, unit_id=actor.unit_id)
        try:
            found = await propose(session, site, row, kind, part)
        except ConflictError as error:
            found = await propose(session, site, row, kind)
            return _new_page(request, site, actor, row, _proposed(found, error), 409)
    return _new_page(request, site, actor, row, _proposed(found))


def _proposed(found: Proposal, error: ConflictError | None = None) -> Form:
    values = paper_forms.text_values(found.typed) | {
        "kind": found.kind,
        "part": found.part,
        "once": secrets.token_urlsafe(16),
    }
    form = Form(TEXT, values)
    if error is not None:
        form.refused(error)
    return form


@router.post("/incidents/{number}/papers")
async def begin(request: Request, number: str, actor: Drafter, site: TheSite) -> Response:
    """Keep a new paper as a draft, or hand it in at once; a preview keeps nothing."""
    form = await typed(request, TEXT)
    async with site.db.read() as session:
        row = await queries.incident_by_number(session, number, unit_id=actor.unit_id)
    kind = _kind(form)
    if form.value("do") == "preview":
        return _new_page(request, site, actor, row, form)
    text = typed_text(form)
    if text is None:
        return _new_page(request, site, actor, row, form, 422)

    async def work(session: Session) -> str:
        now = site.clock.now()
        made = await paper_actions.begin(session, site, now, actor, row, kind, form.value("part"), text)
        if form.value("do") == "submit":
            await paper_actions.move(session, site, now, actor, made.id or 0, made.version, "submit")
        return str(made.id)

    try:
        return to_paper(await once_only(site, actor.name, form.value("once"), work))
    except DutydeskError as error:
        return _new_page(request, site, actor, row, form, form.refused(error))


@router.post("/incidents/{number}/papers/preview")
async def preview_new(request: Request, number: str, actor: Drafter, site: TheSite) -> Response:
    """Return a new paper as it would look."""
    form = await typed(request, TEXT)
    async with site.db.read() as session:
        row = await queries.incident_by_number(session, number, unit_id=actor.unit_id)
    return render(
        request, "incidents/paper_sheet.html", sheet=_sheet(site, _unsaved(site, actor, row, form), row)
    )


def _kind(form: Form) -> PaperKind:
    return "bulletin" if form.value("kind") == "bulletin" else "special_report"


def _unsaved(site: Site, actor: Actor, row: Incident, form: Form) -> Paper:
    fresh = Paper(
        incident_id=row.id or 0,
        kind=_kind(form),
        stage=form.value("part"),
        title="",
        drafter=actor.name,
        created_at=site.clock.now(),
    )
    return _with(fresh, form)


def _sheet(site: Site, paper: Paper, row: Incident) -> object:
    words = current_words(site, site.clock.now(), paper, row)
    return sheet_of(words, site.rulebook.papers, draft=True)


def _new_page(
    request: Request, site: Site, actor: Actor, row: Incident, form: Form, status: int = 200
) -> Response:
    return render(
        request,
        "incidents/paper_edit.html",
        status,
        form=form,
        incident=row,
        paper=None,
        rules=paper_rules,
        sheet=_sheet(site, _unsaved(site, actor, row, form), row),
        address=f"/incidents/{quote(row.number)}/papers",
        changed=None,
    )


# ---------------------------------------------------------------------------------------------------------------------
# Writing


@router.get("/papers/{paper_id}/edit")
async def edit_form(request: Request, paper_id: int, actor: Drafter, site: TheSite) -> Response:
    """Show a draft's text beside what it will look like."""
    paper, row = await read(site, paper_id)
    if fault := paper_rules.edit_fault(paper.state, actor):
        raise ConflictError(fault)
    values = paper_forms.text_values(paper) | {"version": str(paper.version)}
    return _edit_page(request, site, paper, row, Form(TEXT, values))


@router.post("/papers/{paper_id}/edit")
async def edit(request: Request, paper_id: int, actor: Drafter, site: TheSite) -> Response:
    """Keep what was typed, and hand it in where that was asked; a preview keeps nothing."""
    form = await typed(request, TEXT)
    paper, row = await read(site, paper_id)
    if form.value("do") == "preview":
        return _edit_page(request, site, paper, row, form)
    text = typed_text(form)
    if text is None:
        return _edit_page(request, site, paper, row, form, 422)

    async def work(session: Session) -> None:
        await _saved(session, site, actor, paper_id, form, text)

    try:
        await site.db.run(work)
    except paper_actions.StaleError as error:
        return await _overtaken(request, site, paper_id, form, error)
    except DutydeskError as error:
        return _edit_page(request, site, paper, row, form, form.refused(error))
    return to_paper(paper_id)


async def _saved(session: Session, site: Site, actor: Actor, paper_id: int, form: Form, text: Typed) -> None:
    now = site.clock.now()
    saved = await paper_actions.save(session, site, now, actor, paper_id, version_of(form), text)
    if form.value("do") == "submit":
        await paper_actions.move(session, site, now, actor, paper_id, saved.version, "submit")


async def _overtaken(
    request: Request, site: Site, paper_id: int, form: Form, error: paper_actions.StaleError
) -> Response:
    """Show what somebody else changed since the form was drawn; what was typed stays, and nothing of it is saved."""
    paper, row = await read(site, paper_id)
    async with site.db.read() as session:
        steps = await paper_queries.steps_of(session, paper_id)
    seen = version_of(form)
    form.refused(error)
    form.values["version"] = str(paper.version)
    return _edit_page(request, site, paper, row, form, error.status, changes(steps, seen, paper.version))


@router.post("/papers/{paper_id}/preview")
async def preview(request: Request, paper_id: int, _actor: Drafter, site: TheSite) -> Response:
    """Return a draft as it would look with what is typed."""
    form = await typed(request, TEXT)
    paper, row = await read(site, paper_id)
    return render(request, "incidents/paper_sheet.html", sheet=_sheet(site, _with(paper, form), row))


def _with(paper: Paper, form: Form) -> Paper:
    """Return the paper with what is typed; a copy, for nothing of it is kept."""
    return Paper(**paper.model_dump() | paper_forms.text_values(unchecked_text(form)))


def _edit_page(
    request: Request,
    site: Site,
    paper: Paper,
    row: Incident,
    form: Form,
    status: int = 200,
    changed: object = None,
) -> Response:
    return render(
        request,
        "incidents/paper_edit.html",
        status,
        form=form,
        incident=row,
        paper=paper,
        rules=paper_rules,
        sheet=_sheet(site, _with(paper, form), row),
        address=f"/papers/{paper.id}",
        changed=changed,
    )

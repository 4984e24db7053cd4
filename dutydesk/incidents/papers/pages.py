"""Papers in the browser: the list with what waits for the reader first, each paper with its history, docx and print."""

import asyncio
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Depends, Query, Request, Response

from dutydesk.accounts.permissions import allow_page
from dutydesk.accounts.rules import Actor
from dutydesk.documents.official import write_document
from dutydesk.errors import ConflictError, InvalidInputError, NotFoundError
from dutydesk.incidents import queries
from dutydesk.incidents.model import Incident, Paper
from dutydesk.incidents.papers import acts as paper_acts
from dutydesk.incidents.papers import queries as paper_queries
from dutydesk.incidents.papers import rules as paper_rules
from dutydesk.incidents.papers import writing as paper_writing
from dutydesk.incidents.papers.facts import words_of
from dutydesk.incidents.papers.rules import FROZEN, STATES, Standing
from dutydesk.incidents.papers.shown import as_read_by, changes, paper_page, step_word, words_at
from dutydesk.incidents.papers.text import Words, document_of, file_name, sheet_of
from dutydesk.incidents.reading import plain_for
from dutydesk.web.languages import say
from dutydesk.web.pages import PageRoute, render
from dutydesk.web.site import Site, TheSite

router = APIRouter(route_class=PageRoute, include_in_schema=False)
router.include_router(paper_writing.router)
router.include_router(paper_acts.router)

Reader = Annotated[Actor, Depends(allow_page("paper:read"))]

_DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
_LISTED = 200


@dataclass(frozen=True, slots=True)
class Waiting:
    """Papers that wait for the reader, under what has to be done with them."""

    title: str
    papers: tuple[Paper, ...]


@router.get("/papers")
async def listed(
    request: Request, actor: Reader, site: TheSite, state: Annotated[str, Query(max_length=20)] = ""
) -> Response:
    """List what waits for the reader, and below it the newest papers, of one state where that is asked."""
    wanted = [state] if state in STATES else []
    async with site.db.read() as session:
        rows = await paper_queries.list_papers(session, states=wanted, limit=_LISTED)
        under_way = await paper_queries.list_papers(
            session, states=("draft", "checking", "signing", "signed", "sent"), limit=_LISTED
        )
        ids = {paper.id or 0 for paper, _ in (*rows, *under_way)}
        writers = await paper_queries.writers_of(session, ids)
        returned = await paper_queries.returned_of(session, ids)
        moved = await paper_queries.moved_at(session, ids)
    waiting = _waiting([paper for paper, _ in under_way], writers, returned, actor)
    return render(
        request,
        "incidents/papers.html",
        rows=[paper for paper, _ in rows],
        incidents={paper.id: incident for paper, incident in (*rows, *under_way)},
        waiting=waiting,
        returned=returned,
        moved=moved,
        chosen=state if wanted else "",
        full=len(rows) == _LISTED,
        rules=paper_rules,
    )


def _waiting(
    papers: list[Paper], writers: dict[int, frozenset[str]], returned: set[int], actor: Actor
) -> list[Waiting]:
    """Return what waits for this reader: to check, to sign, to write again, to send, to have received."""

    def may(move: paper_rules.Move, paper: Paper) -> bool:
        standing = Standing(paper.state, writers[paper.id or 0], paper.checker)
        return paper_rules.move_fault(move, standing, actor) is None

    def mine(paper: Paper) -> bool:
        came_back = paper.state == "draft" and paper.id in returned
        return came_back and actor.may("paper:draft") and actor.name in writers[paper.id or 0]

    groups = (
        ("待我签发", [paper for paper in papers if may("sign", paper)]),
        ("待我审核", [paper for paper in papers if may("pass", paper)]),
        ("退回我修改", [paper for paper in papers if mine(paper)]),
        ("待报送", [paper for paper in papers if may("send", paper)]),
        ("待登记签收", [paper for paper in papers if may("receive", paper)]),
    )
    return [Waiting(title, tuple(found)) for title, found in groups if found]


@router.get("/papers/{paper_id}")
async def paper(request: Request, paper_id: int, actor: Reader, site: TheSite) -> Response:
    """Show a paper with its way, its text and its history."""
    return await paper_page(request, site, actor, paper_id)


@router.get("/papers/{paper_id}/versions/{version}")
async def version(
    request: Request,
    paper_id: int,
    version: int,
    actor: Reader,
    site: TheSite,
    since: Annotated[int | None, Query(ge=0)] = None,
) -> Response:
    """Show the text as it stood after one step, and what that step changed."""
    async with site.db.read() as session:
        row = await paper_queries.paper(session, paper_id)
        steps = await paper_queries.steps_of(session, paper_id)
    step = next((one for one in steps if one.version == version), None)
    if step is None:
        raise NotFoundError(f"paper {paper_id} has no version {version}")
    words = words_at(steps, version)
    if words is None:
        raise ConflictError("这一版的文本与登记时的校验值不符，不能使用，请立即告知管理员")
    earlier = version - 1 if since is None else since
    return render(
        request,
        "incidents/paper_version.html",
        paper=row,
        step=step,
        step_word=step_word,
        sha256=words.sha256,
        plain=plain_for(actor),
        sheet=sheet_of(as_read_by(actor, words), site.rulebook.papers, draft=step.after not in FROZEN),
        changed=changes(steps, earlier, version, plain_for(actor)) if earlier else None,
    )


async def _printed(site: Site, actor: Actor, paper_id: int) -> tuple[Paper, Incident, Words]:
    async with site.db.read() as session:
        row = await paper_queries.paper(session, paper_id)
        incident = await queries.incident(session, row.incident_id)
        if row.state == "void":
            raise ConflictError("材料已经作废，不能打印、下载")
        words = await words_of(session, site, site.clock.now(), row, incident)
        return row, incident, as_read_by(actor, words)


@router.get("/papers/{paper_id}/print")
async def print_page(request: Request, paper_id: int, actor: Reader, site: TheSite) -> Response:
    """Show a paper in the official format, to be printed."""
    row, _, words = await _printed(site, actor, paper_id)
    sheet = sheet_of(words, site.rulebook.papers, draft=row.state not in FROZEN)
    return render(request, "incidents/paper_print.html", paper=row, sheet=sheet)


@router.get("/papers/{paper_id}/document.docx")
async def document(paper_id: int, actor: Reader, site: TheSite) -> Response:
    """Return a paper as a document; of a signed one, what was signed and the same bytes every time."""
    row, _, words = await _printed(site, actor, paper_id)
    draft, plan = row.state not in FROZEN, site.rulebook.papers
    made = document_of(words, plan, draft=draft)
    moment = row.signed_at or site.clock.now()
    try:
        # Computing a document takes some 30 ms: not on the event loop, where clocks fall due.
        content = await asyncio.to_thread(write_document, made, templates=plan.templates, moment=moment)
    except InvalidInputError as error:
        message = say("公文模板不能使用，请告知管理员：{why}", why=error.detail)
        raise ConflictError(message) from error
    name = file_name(words, plan, draft=draft)
    disposition = f"attachment; filename=\"paper-{row.id}.docx\"; filename*=UTF-8''{quote(name, safe='')}"
    return Response(content, media_type=_DOCX, headers={"Content-Disposition": disposition})

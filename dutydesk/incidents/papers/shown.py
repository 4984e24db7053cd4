"""What the page of a paper shows: its way, what may be done now, its text, and its history."""

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from fastapi import Request, Response
from fastapi.responses import RedirectResponse

from dutydesk.accounts.rules import Actor
from dutydesk.errors import DutydeskError
from dutydesk.incidents import queries
from dutydesk.incidents.model import Incident, Paper, PaperStep
from dutydesk.incidents.papers import queries as paper_queries
from dutydesk.incidents.papers import rules as paper_rules
from dutydesk.incidents.papers.facts import TEXTS, words_of
from dutydesk.incidents.papers.rules import FROZEN, MOVES, Mark, Standing, line_diff
from dutydesk.incidents.papers.text import Words, kept_words, lines_of, sheet_of
from dutydesk.incidents.reading import plain_for
from dutydesk.web.pages import render
from dutydesk.web.sentences import sentence
from dutydesk.web.site import Site


@dataclass(frozen=True, slots=True)
class Changed:
    """What another version says differently: who made it, and the lines of both."""

    since: int
    until: int
    who: tuple[str, ...]
    lines: tuple[tuple[Mark, str], ...]


def as_read_by(actor: Actor, words: Words) -> Words:
    """Return the words of a paper as this reader may see them; their SHA-256 is that of the whole."""
    plain = plain_for(actor)
    texts: dict[str, Any] = {name: plain(getattr(words, name)) for name in TEXTS}
    return replace(words, **texts)


def changes(steps: Sequence[PaperStep], since: int, until: int, plain: Callable[[str], str] = str) -> Changed:
    """Return what changed between two versions of a paper's text."""
    between = [step for step in steps if since < step.version <= until]
    found = line_diff(_lines_at(steps, since), _lines_at(steps, until))
    lines = [(mark, plain(line)) for mark, line in found]
    return Changed(since, until, tuple(dict.fromkeys(step.actor for step in between)), tuple(lines))


def words_at(steps: Sequence[PaperStep], version: int) -> Words | None:
    """Return the words of one version, or None where there is none or they are damaged."""
    return next((kept_words(step.text) for step in steps if step.version == version), None)


def _lines_at(steps: Sequence[PaperStep], version: int) -> list[str]:
    words = words_at(steps, version)
    return [] if words is None else lines_of(words)


def step_word(step: PaperStep) -> str:
    """Return what a step is called in the history."""
    return paper_rules.step_word(step.before, step.after, step.version)


def is_returned(steps: Sequence[PaperStep]) -> bool:
    """Tell whether a draft came back and was not handed in since."""
    moved = [step for step in steps if step.before != step.after]
    return bool(moved) and moved[-1].after == "draft"


async def read(site: Site, paper_id: int) -> tuple[Paper, Incident]:
    """Return a paper with its incident."""
    async with site.db.read() as session:
        paper = await paper_queries.paper(session, paper_id)
        return paper, await queries.incident(session, paper.incident_id)


def to_paper(paper_id: int | str) -> RedirectResponse:
    """Send the browser to a paper's page, to be fetched by GET."""
    return RedirectResponse(f"/papers/{paper_id}", 303)


async def paper_page(
    request: Request,
    site: Site,
    actor: Actor,
    paper_id: int,
    error: DutydeskError | None = None,
    seen: int | None = None,
) -> Response:
    """Return the page of a paper; *error* is why something was refused, *seen* the version that was overtaken."""
    async with site.db.read() as session:
        paper = await paper_queries.paper(session, paper_id)
        incident = await queries.incident(session, paper.incident_id)
        steps = await paper_queries.steps_of(session, paper_id)
        writers = (await paper_queries.writers_of(session, [paper_id]))[paper_id]
        chain = await paper_queries.papers_of_incident(session, paper.incident_id)
        words = await words_of(session, site, site.clock.now(), paper, incident)
    standing = Standing(paper.state, writers, paper.checker)
    return render(
        request,
        "incidents/paper.html",
        200 if error is None else error.status,
        paper=paper,
        incident=incident,
        steps=steps[::-1],
        chain=chain,
        words_kept=words,
        plain=plain_for(actor),
        sheet=sheet_of(as_read_by(actor, words), site.rulebook.papers, draft=paper.state not in FROZEN),
        state=paper_rules.state_word(paper.state, returned=is_returned(steps)),
        returned=is_returned(steps),
        moves=paper_rules.moves_for(standing, actor),
        may_edit=paper_rules.edit_fault(paper.state, actor) is None,
        may_correct=paper_rules.correction_fault(paper.state, actor) is None,
        why_not=_why_not(standing, actor),
        rules=paper_rules,
        step_word=step_word,
        fault=None if error is None else sentence(error.detail),
        changed=None if seen is None else changes(steps, seen, paper.version, plain_for(actor)),
        once=secrets.token_urlsafe(16),
    )


def _why_not(standing: Standing, actor: Actor) -> str | None:
    """Return why the next move is not this actor's, where his role would let him."""
    for move in ("pass", "sign"):
        way = MOVES[move]
        if standing.state in way.before and actor.may(way.permission):
            return paper_rules.move_fault(move, standing, actor)
    return None

"""What a paper is made of: the proposal that drafts itself from the facts, and the words as they stand."""

from dataclasses import dataclass
from datetime import datetime

from dutydesk.db import Session
from dutydesk.errors import ConflictError
from dutydesk.incidents import queries
from dutydesk.incidents.model import Incident, Paper, PaperKind
from dutydesk.incidents.papers import draft as paper_draft
from dutydesk.incidents.papers import queries as paper_queries
from dutydesk.incidents.papers import rules as paper_rules
from dutydesk.incidents.papers.rules import Link
from dutydesk.incidents.papers.text import Words, kept_words
from dutydesk.incidents.rules import COUNTS
from dutydesk.people.queries import desk_unit, units_by_id
from dutydesk.web.pages import shown_number
from dutydesk.web.site import Site

TEXTS = ("title", "body", "send_to", "copy_to", "contact", "contact_phone")


@dataclass(frozen=True, slots=True, kw_only=True)
class Typed:
    """What people write in a paper."""

    title: str
    body: str
    send_to: str
    copy_to: str = ""
    contact: str = ""
    contact_phone: str = ""


@dataclass(frozen=True, slots=True)
class Proposal:
    """A paper that nobody has saved yet: which report it would be, and the draft from the facts."""

    kind: PaperKind
    part: str
    sequence: int
    typed: Typed


async def propose(
    session: Session, site: Site, incident: Incident, kind: PaperKind, part: str = ""
) -> Proposal:
    """Return the next paper of an incident as it drafts itself; *part* chooses another than the next report.

    Raises:
        ConflictError: when the chain cannot have another one of these.
    """
    papers = await paper_queries.papers_of_incident(session, incident.id or 0)
    chain = [link(paper) for paper in papers]
    if kind == "bulletin":
        part = "digest"
    elif part not in paper_rules.CHOICES[kind]:
        part = paper_rules.proposed_part(chain, ended=incident.state == "ended")
    if fault := paper_rules.part_fault(chain, part):
        raise ConflictError(fault)
    plan, sequence = site.rulebook.papers, paper_rules.next_sequence(chain, part)
    facts = await _facts(session, site, incident, papers)
    desk = await desk_unit(session)
    phone = plan.contact_phone or shown_number(desk.duty_phone if desk is not None else "")
    typed = Typed(
        title=paper_draft.draft_title(facts, part, sequence, plan),
        body=paper_draft.draft_body(facts, part, plan),
        send_to=plan.listed(plan.report_to),
        copy_to=plan.listed(plan.copy_to),
        contact_phone=phone,
    )
    return Proposal(kind, part, sequence, typed)


def link(paper: Paper) -> Link:
    """Return a paper as a link of its incident's chain."""
    return Link(paper.stage, paper.sequence, paper.state)


async def _facts(session: Session, site: Site, incident: Incident, papers: list[Paper]) -> paper_draft.Facts:
    """Gather what was logged about an incident, as far as a paper tells it."""
    standing = [paper for paper in papers if paper.state != "void" and paper.kind == "special_report"]
    since = max((paper.created_at for paper in standing), default=None)
    unit = (await units_by_id(session, [incident.unit_id]))[incident.unit_id]
    # What was counted and reported of an incident that was merged into this one is about the same event.
    ids = [incident.id or 0, *(one.id or 0 for one in await queries.merged_into(session, incident.id or 0))]
    counted = await paper_queries.latest_casualties(session, *ids)
    plan = site.rulebook.papers
    return paper_draft.Facts(
        title=incident.title,
        unit=unit.name,
        unit_short=unit.short_name,
        zone=site.zone,
        occurred_at=incident.occurred_at,
        occurred_kind=incident.occurred_at_kind,
        received_at=incident.received_at,
        place=incident.place,
        source=incident.source,
        narrative=incident.narrative,
        elements=incident.elements,
        count=None
        if counted is None
        else paper_draft.Count(
            counted.as_of,
            {name: getattr(counted, name) for name, _ in COUNTS},
            counted.note,
        ),
        news=[
            paper_draft.Told(one.reported_at, one.reporter, one.content)
            for one in await paper_queries.reports_since(session, ids, since)
        ],
        issues=[plan.say("issue.number", issue=paper.issue) for paper in standing if paper.issue],
        ended_at=incident.ended_at,
    )


# ---------------------------------------------------------------------------------------------------------------------
# The words of a paper


def current_words(site: Site, now: datetime, paper: Paper, incident: Incident) -> Words:
    """Return a paper's words as they stand in its row, dated today until it is signed."""
    day = (paper.signed_at or now).astimezone(site.zone).date()
    return Words(
        kind=paper.kind,
        part=paper.stage,
        sequence=paper.sequence,
        issue=paper.issue,
        day=day.isoformat(),
        drill=incident.drill,
        drafter=paper.drafter,
        checker=paper.checker,
        signer=paper.signer,
        **{name: getattr(paper, name) for name in TEXTS},
    )


async def words_of(session: Session, site: Site, now: datetime, paper: Paper, incident: Incident) -> Words:
    """Return a paper's words; of a signed one those that were signed, whatever its row says.

    Raises:
        ConflictError: when the signed words are not what their SHA-256 says.
    """
    if paper.signed_at is None:
        return current_words(site, now, paper, incident)
    steps = await paper_queries.steps_of(session, paper.id or 0)
    signed = [step for step in steps if step.after == "signed"]
    words = kept_words(signed[-1].text) if signed else None
    if words is None:
        message = "已签发的文本与签发时的校验值不符，不能使用，请立即告知管理员"
        raise ConflictError(message)
    return words

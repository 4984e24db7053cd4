"""Begins, changes and moves papers. Every step keeps the whole text as it stood, and leaves an audit row.

Nothing here ends a duty: a report clock is stopped by the report itself, not by a draft, a signature or a receipt
(design §5). Nothing is sent from here either: who reports by what way writes it down.
"""

from collections.abc import Mapping
from datetime import datetime

from dutydesk.accounts.rules import Actor
from dutydesk.audit.actions import record
from dutydesk.db import Session
from dutydesk.errors import ConflictError, FieldFault, InvalidInputError, NotAllowedError
from dutydesk.incidents import queries
from dutydesk.incidents.model import Incident, Paper, PaperKind, PaperStep
from dutydesk.incidents.papers import queries as paper_queries
from dutydesk.incidents.papers import rules as paper_rules
from dutydesk.incidents.papers.facts import TEXTS, Typed, current_words, link, words_of
from dutydesk.incidents.papers.rules import MOVES, Move, Standing
from dutydesk.incidents.papers.text import Words, corrected
from dutydesk.web.site import Site


class StaleError(ConflictError):
    """Somebody else changed the paper meanwhile; ``version`` is what stands there now."""

    def __init__(self, detail: str, version: int) -> None:
        """Keep the version beside the sentence."""
        super().__init__(detail)
        self.version = version


# ---------------------------------------------------------------------------------------------------------------------
# Beginning


async def begin(
    session: Session,
    site: Site,
    now: datetime,
    actor: Actor,
    incident: Incident,
    kind: PaperKind,
    part: str,
    typed: Typed,
) -> Paper:
    """Begin a paper; the incident is locked meanwhile, so that two people never begin the same follow-up.

    Raises:
        ConflictError: when the chain has this report already.
        InvalidInputError: when a paper of this kind is no such report.
    """
    if part not in paper_rules.CHOICES[kind]:
        raise InvalidInputError("材料和阶段不符，请重新拟稿")
    incident = await queries.incident(session, incident.id or 0, lock=True)
    chain = [link(one) for one in await paper_queries.papers_of_incident(session, incident.id or 0)]
    if fault := paper_rules.part_fault(chain, part):
        raise ConflictError(fault)
    sequence = paper_rules.next_sequence(chain, part)
    return await _begin(session, site, now, actor, incident, kind, part, sequence, typed, {})


async def correct(session: Session, site: Site, now: datetime, actor: Actor, paper_id: int) -> Paper:
    """Begin the correction of a signed paper: a new one with its own number, which names what it corrects.

    Raises:
        ConflictError: when the paper is not signed, or its signed text is damaged.
        NotAllowedError: when the actor drafts no papers.
    """
    old = await paper_queries.paper(session, paper_id)
    _allow(paper_rules.correction_fault(old.state, actor), not actor.may("paper:draft"))
    incident = await queries.incident(session, old.incident_id, lock=True)
    chain = [link(one) for one in await paper_queries.papers_of_incident(session, old.incident_id)]
    count = paper_rules.next_sequence(chain, "correction")
    signed = await words_of(session, site, now, old, incident)
    words = corrected(signed, site.rulebook.papers, count, now.astimezone(site.zone).date())
    typed = Typed(**{name: getattr(words, name) for name in TEXTS})
    detail = {"corrects": old.issue}
    return await _begin(session, site, now, actor, incident, old.kind, "correction", count, typed, detail)


async def _begin(
    session: Session,
    site: Site,
    now: datetime,
    actor: Actor,
    incident: Incident,
    kind: PaperKind,
    part: str,
    sequence: int,
    typed: Typed,
    detail: dict[str, str],
) -> Paper:
    paper = Paper(
        incident_id=incident.id or 0,
        kind=kind,
        stage=part,
        sequence=sequence,
        drafter=actor.name,
        created_at=now,
        **{name: getattr(typed, name) for name in TEXTS},
    )
    session.add(paper)
    await session.flush()
    words = current_words(site, now, paper, incident)
    _step(session, now, actor, paper, "draft", words, "", detail)
    record(
        session,
        now,
        actor.name,
        "paper.begun",
        f"paper:{paper.id}",
        incident=incident.number,
        kind=kind,
        part=part,
        sequence=sequence,
        sha256=words.sha256,
        **detail,
    )
    return paper


# ---------------------------------------------------------------------------------------------------------------------
# Changing


async def save(
    session: Session, site: Site, now: datetime, actor: Actor, paper_id: int, version: int, typed: Typed
) -> Paper:
    """Change a draft's text; what is as it was leaves no step.

    Raises:
        ConflictError: when the text cannot be changed any more.
        NotAllowedError: when the actor drafts no papers.
        StaleError: when somebody changed it since *version* was shown.
    """
    paper = await paper_queries.paper(session, paper_id, lock=True)
    _allow(paper_rules.edit_fault(paper.state, actor), not actor.may("paper:draft"))
    _fresh(paper, version)
    changed = {name: value for name in TEXTS if (value := getattr(typed, name)) != getattr(paper, name)}
    if not changed:
        return paper
    for name, value in changed.items():
        setattr(paper, name, value)
    paper.version += 1
    session.add(paper)
    words = current_words(site, now, paper, await queries.incident(session, paper.incident_id))
    _step(session, now, actor, paper, "draft", words)
    record(
        session,
        now,
        actor.name,
        "paper.saved",
        f"paper:{paper.id}",
        version=paper.version,
        fields=sorted(changed),
        sha256=words.sha256,
    )
    return paper


async def move(
    session: Session,
    site: Site,
    now: datetime,
    actor: Actor,
    paper_id: int,
    version: int,
    named: Move,
    *,
    reason: str = "",
    at: datetime | None = None,
    detail: Mapping[str, str] | None = None,
) -> Paper:
    """Move a paper on, back, or out of the way; a signature takes its number in the same transaction.

    *at* is when it went out or was received, where that was not just now.

    Raises:
        ConflictError: when its state does not allow that.
        InvalidInputError: when a reason is needed and not given, or *at* cannot be true.
        NotAllowedError: when this actor may not, e.g. check what he wrote himself.
        StaleError: when somebody changed or moved it since *version* was shown.
    """
    paper = await paper_queries.paper(session, paper_id, lock=True)
    way = MOVES[named]
    writers = (await paper_queries.writers_of(session, [paper_id]))[paper_id]
    standing = Standing(paper.state, writers, paper.checker)
    fault = paper_rules.move_fault(named, standing, actor)
    _allow(fault, paper.state in way.before or not actor.may(way.permission))
    _fresh(paper, version)
    if way.reason and not reason.strip():
        raise InvalidInputError("reason: 请填写", (FieldFault("reason", "请填写"),))
    if at is not None and (fault := paper_rules.moment_fault(at, paper.sent_at or paper.signed_at, now)):
        raise InvalidInputError(fault, (FieldFault("at", fault),))
    before, incident = paper.state, await queries.incident(session, paper.incident_id)
    if named == "sign":
        await _sign(session, site, now, actor, paper, incident)
    else:
        _note(paper, named, actor, at or now)
    paper.state, paper.version = way.after, paper.version + 1
    session.add(paper)
    words = current_words(site, now, paper, incident)
    if paper.signed_at is not None and named != "sign":
        words = await words_of(session, site, now, paper, incident)
    _step(session, now, actor, paper, before, words, reason.strip(), dict(detail or {}))
    record(
        session,
        now,
        actor.name,
        f"paper.{named}",
        f"paper:{paper.id}",
        before=before,
        after=paper.state,
        version=paper.version,
        issue=paper.issue,
        reason=reason.strip(),
        sha256=words.sha256,
        **(detail or {}),
    )
    return paper


def _note(paper: Paper, named: Move, actor: Actor, at: datetime) -> None:
    """Write down in the row who did it or when."""
    if MOVES[named].after == "draft":
        # What comes back is nobody's word any more; its number stays its own.
        paper.checker, paper.signer = "", ""
        paper.signed_at = paper.sent_at = paper.received_at = None
    elif named == "pass":
        paper.checker = actor.name
    elif named == "send":
        paper.sent_at = at
    elif named == "receive":
        paper.received_at = at


async def _sign(
    session: Session, site: Site, now: datetime, actor: Actor, paper: Paper, incident: Incident
) -> None:
    """Put a leader's name, the moment and a number to a paper; one that came back keeps the number it had."""
    paper.signer, paper.signed_at = actor.name, now
    if paper.issue:
        return
    year = now.astimezone(site.zone).year
    count = await queries.next_number(
        session, paper_rules.series_name(paper.kind, year, drill=incident.drill)
    )
    key = "issue.drill" if incident.drill else "issue.real"
    issue = site.rulebook.papers.say(key, year=year, count=count)
    if await paper_queries.issue_taken(session, paper.kind, issue):
        message = "这个期号已经用过，没有签发；请告知管理员核对编号"
        raise ConflictError(message)
    paper.issue = issue


def _fresh(paper: Paper, version: int) -> None:
    if paper.version == version:
        return
    message = "这份材料刚刚有了改动，您看到的不是最新内容，请看清改动再办"
    raise StaleError(message, paper.version)


def _allow(fault: str | None, person: bool) -> None:
    """Refuse; *person* says that the fault lies with who asks, not with how the paper stands."""
    if fault is not None:
        raise NotAllowedError(fault) if person else ConflictError(fault)


def _step(
    session: Session,
    now: datetime,
    actor: Actor,
    paper: Paper,
    before: paper_rules.State,
    words: Words,
    reason: str = "",
    detail: Mapping[str, str] | None = None,
) -> None:
    session.add(
        PaperStep(
            paper_id=paper.id or 0,
            at=now,
            actor=actor.name,
            before=before,
            after=paper.state,
            reason=reason,
            version=paper.version,
            text=words.kept(**(detail or {})),
        )
    )

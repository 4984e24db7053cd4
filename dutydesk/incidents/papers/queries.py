"""The SQL of papers and their steps."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy.orm import defer
from sqlmodel import col, func, or_, select

from dutydesk.db import Session
from dutydesk.errors import NotFoundError
from dutydesk.incidents.model import Casualties, Incident, Paper, PaperStep, Report


class Moved(NamedTuple):
    """A step together with the paper that took it."""

    paper: Paper
    step: PaperStep


async def papers_of_incident(session: Session, *incident_ids: int) -> list[Paper]:
    """Return the papers of these incidents, oldest first, the void ones too."""
    found = await session.exec(
        select(Paper).where(col(Paper.incident_id).in_(incident_ids)).order_by(col(Paper.id))
    )
    return list(found)


async def steps_of_incident(session: Session, *incident_ids: int) -> list[Moved]:
    """Return how the papers of these incidents were begun and moved, in order; what was only saved is left out."""
    found = await session.exec(
        select(Paper, PaperStep)
        .join(PaperStep, col(PaperStep.paper_id) == col(Paper.id))
        .where(
            col(Paper.incident_id).in_(incident_ids),
            or_(col(PaperStep.before) != col(PaperStep.after), col(PaperStep.version) == 1),
        )
        .order_by(col(PaperStep.id))
    )
    return [Moved(paper, step) for paper, step in found]


async def paper(session: Session, paper_id: int, *, lock: bool = False) -> Paper:
    """Return a paper, with *lock* for this transaction alone.

    Raises:
        NotFoundError: when there is none.
    """
    wanted = select(Paper).where(col(Paper.id) == paper_id)
    found = (await session.exec(wanted.with_for_update() if lock else wanted)).first()
    if found is None:
        message = f"there is no paper {paper_id}"
        raise NotFoundError(message)
    return found


async def steps_of(session: Session, paper_id: int) -> list[PaperStep]:
    """Return every step of a paper, what was only saved too, oldest first."""
    found = await session.exec(
        select(PaperStep).where(col(PaperStep.paper_id) == paper_id).order_by(col(PaperStep.id))
    )
    return list(found)


async def writers_of(session: Session, paper_ids: Collection[int]) -> dict[int, frozenset[str]]:
    """Return who wrote on each of these papers: whoever began or saved one."""
    found = await session.exec(
        select(PaperStep.paper_id, PaperStep.actor)
        .where(
            col(PaperStep.paper_id).in_(paper_ids),
            col(PaperStep.before) == "draft",
            col(PaperStep.after) == "draft",
        )
        .distinct()
    )
    rows = list(found)
    return {paper_id: frozenset(actor for of, actor in rows if of == paper_id) for paper_id in set(paper_ids)}


async def returned_of(session: Session, paper_ids: Collection[int]) -> set[int]:
    """Return which of these papers were sent back at least once (a draft among them waits for a better text)."""
    found = await session.exec(
        select(PaperStep.paper_id)
        .where(
            col(PaperStep.paper_id).in_(paper_ids),
            col(PaperStep.before) != "draft",
            col(PaperStep.after) == "draft",
        )
        .distinct()
    )
    return set(found)


async def moved_at(session: Session, paper_ids: Collection[int]) -> dict[int, datetime]:
    """Return when each of these papers was last moved or saved."""
    found = await session.exec(
        select(PaperStep.paper_id, func.max(PaperStep.at))
        .where(col(PaperStep.paper_id).in_(paper_ids))
        .group_by(col(PaperStep.paper_id))
    )
    return dict(found.all())


async def list_papers(
    session: Session, *, states: Sequence[str] = (), limit: int
) -> list[tuple[Paper, Incident]]:
    """Return the newest papers with their incidents, newest first, without their bodies; *states* limits them."""
    wanted = (
        select(Paper, Incident)
        .join(Incident, col(Incident.id) == col(Paper.incident_id))
        .options(defer(Paper.body, raiseload=True))  # type: ignore[arg-type]
    )
    if states:
        wanted = wanted.where(col(Paper.state).in_(states))
    return list(await session.exec(wanted.order_by(col(Paper.id).desc()).limit(limit)))


async def issue_taken(session: Session, kind: str, issue: str) -> bool:
    """Tell whether a paper of that kind has this number already."""
    found = await session.exec(
        select(Paper.id).where(col(Paper.kind) == kind, col(Paper.issue) == issue).limit(1)
    )
    return found.first() is not None


async def latest_casualties(session: Session, *incident_ids: int) -> Casualties | None:
    """Return what was last known about how many people were harmed; of two of one moment, the later entry."""
    found = await session.exec(
        select(Casualties)
        .where(col(Casualties.incident_id).in_(incident_ids))
        .order_by(col(Casualties.as_of).desc(), col(Casualties.id).desc())
        .limit(1)
    )
    return found.first()


async def reports_since(
    session: Session, incident_ids: Collection[int], since: datetime | None
) -> list[Report]:
    """Return the reports of these incidents that stand and were logged after *since*, as they were made."""
    wanted = select(Report).where(col(Report.incident_id).in_(incident_ids), col(Report.voided_at).is_(None))
    if since is not None:
        wanted = wanted.where(col(Report.logged_at) > since)
    return list(await session.exec(wanted.order_by(col(Report.reported_at), col(Report.id))))

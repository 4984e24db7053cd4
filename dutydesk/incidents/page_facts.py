"""Gathers what the page of an incident shows, for whoever looks on."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from dutydesk.accounts.rules import Actor
from dutydesk.alerts.queries import Told, told
from dutydesk.db import Record, Session
from dutydesk.dutylog.queries import entries_of_incident
from dutydesk.incidents import queries
from dutydesk.incidents.cards import Card, cards
from dutydesk.incidents.casualties import history
from dutydesk.incidents.lines import GROUPS
from dutydesk.incidents.model import Incident
from dutydesk.incidents.papers import rules as paper_rules
from dutydesk.incidents.papers.queries import papers_of_incident
from dutydesk.incidents.reading import as_read, is_of_another_unit, plain_for
from dutydesk.incidents.rules import COUNTS, Element, elements_of
from dutydesk.incidents.timeline import latest
from dutydesk.obligations import queries as owed_queries
from dutydesk.people.queries import people_by_id, units_by_id
from dutydesk.web.site import Site

_Row = TypeVar("_Row", bound=Record)
# Cards show each person's latest calls; the timeline has all of them.
_MOST_TOLD = 1000
# Both report clocks stand in the head of the page.
HEAD_RULES = ("49.1", "49.2")


async def incident_facts(
    session: Session, site: Site, row: Incident, actor: Actor, *, group: str, before: int
) -> dict[str, Any]:
    """Return what the templates of an incident's page need.

    A unit contact gets its own clocks, reports, files and verdicts; nothing of the desk's people, numbers,
    messages, log and papers.
    """
    of_a_unit = actor.role == "unit"
    masked = not actor.may("numbers:read")
    merged = [] if of_a_unit else await queries.merged_into(session, row.id or 0)
    survivors = await queries.incidents_by_id(
        session, [row.merged_into_id] if row.merged_into_id is not None else []
    )
    survivor = survivors.get(row.merged_into_id or 0)
    page = await latest(session, row, site, actor, group=group, before=before)
    # What came to an incident that was merged into this one is this one's, under the other's number.
    family = [row.id or 0, *(one.id or 0 for one in merged)]
    casualties = [] if of_a_unit else history(await queries.casualties_of(session, *family))
    reads_log = actor.may("log:read") and not of_a_unit
    reads_papers = actor.may("paper:read") and not of_a_unit
    reports = await queries.reports_of(session, *family)
    found = await _cards(session, site, row, actor)
    return {
        "incident": row,
        "unit": (await units_by_id(session, [row.unit_id]))[row.unit_id],
        "survivor": survivor if survivor is not None and actor.sees_unit(survivor.unit_id) else None,
        "merged": merged,
        "cards": found,
        "head": [card for card in found if card.row.rule_id in HEAD_RULES],
        "reports": as_read(reports, row, actor),
        "withheld": {one.id for one in reports if is_of_another_unit(one, row, actor)},
        "numbers": {one.id: one.number for one in merged},
        "elements": [] if of_a_unit else _elements(row, counted=bool(casualties)),
        "casualties": casualties,
        "counts": COUNTS,
        "entries": await entries_of_incident(session, *family) if reads_log else [],
        "papers": await papers_of_incident(session, *family) if reads_papers else [],
        "paper_words": paper_rules,
        "attachments": await queries.attachments_of(session, family, unit_id=actor.unit_id),
        "lines": page.lines[::-1],
        "older": page.more,
        "groups": _groups(of_a_unit=of_a_unit),
        "group": group,
        "before": before,
        "of_a_unit": of_a_unit,
        "masked": masked,
        "plain": plain_for(actor),
    }


def _groups(*, of_a_unit: bool) -> dict[str, str]:
    shown = ("report", "owed", "attachment") if of_a_unit else tuple(GROUPS)
    return {name: GROUPS[name] for name in shown}


def _elements(row: Incident, *, counted: bool) -> list[tuple[Element, str]]:
    """Return every required element with its text; times and counts are shown from where they are kept."""
    found = elements_of(row.model_dump(), row.elements, counted=counted)
    return [(one, str(row.elements.get(one.name, ""))) for one in found]


async def _cards(session: Session, site: Site, row: Incident, actor: Actor) -> list[Card]:
    of_a_unit, plain = actor.role == "unit", plain_for(actor)
    obligations = [
        _told_plainly(one, plain, "taken_over_by", "taken_over_reason")
        for one in await owed_queries.obligations_of(session, row.id or 0)
        if one.binds == "unit" or not of_a_unit
    ]
    ids = [one.id or 0 for one in obligations]
    messages = [
        replace(
            one, acknowledgements=tuple(_told_plainly(proof, plain, "how") for proof in one.acknowledgements)
        )
        for one in (() if of_a_unit else await _newest(session, row.number))
    ]
    people = await people_by_id(
        session, {one.alert.person_id for one in messages if one.alert.person_id is not None}
    )
    return cards(
        obligations,
        [] if of_a_unit else await owed_queries.rungs_of(session, ids),
        await owed_queries.verdicts_of(session, ids),
        messages,
        {person.id: person.name for person in people.values()},
        site.rulebook.wording.texts,
        site.clock.now(),
    )


def _told_plainly(row: _Row, plain: Callable[[str], str], *names: str) -> _Row:
    """Return a copy of a row in which these texts are as their reader may see them."""
    return type(row)(**row.model_dump() | {name: plain(getattr(row, name) or "") or None for name in names})


async def _newest(session: Session, number: str) -> Sequence[Told]:
    alerts = await queries.newest_alerts(session, [number], _MOST_TOLD)
    if not alerts:
        return ()
    return await told(session, numbers=[number], after_id=(alerts[0].id or 1) - 1, limit=_MOST_TOLD)

"""Gathers what the API says of an incident, for whoever asks."""

from dutydesk.accounts.rules import Actor
from dutydesk.db import Session
from dutydesk.incidents import queries
from dutydesk.incidents.model import Incident
from dutydesk.incidents.reading import all_masked, as_read
from dutydesk.incidents.views import IncidentOut, for_unit, incident_out
from dutydesk.obligations import queries as owed_queries
from dutydesk.people.queries import units_by_id


async def shown(session: Session, row: Incident, actor: Actor) -> IncidentOut:
    """Return an incident with everything that belongs to it and that this caller may see, for the API."""
    return (await shown_all(session, [row], actor))[0]


async def shown_all(session: Session, rows: list[Incident], actor: Actor) -> list[IncidentOut]:
    """Return incidents as this caller may see them; a unit contact gets its own clocks and files only."""
    units = await units_by_id(session, {row.unit_id for row in rows})
    survivors = await queries.incidents_by_id(
        session, {row.merged_into_id for row in rows if row.merged_into_id is not None}
    )
    of_a_unit = actor.role == "unit"
    made = []
    for row in rows:
        key = row.id or 0
        owed = await owed_queries.obligations_of(session, key)
        obligations = [one for one in owed if one.binds == "unit" or not of_a_unit]
        verdicts = {
            one.obligation_id: one
            for one in await owed_queries.verdicts_of(session, [one.id or 0 for one in obligations])
        }
        survivor = survivors.get(row.merged_into_id or 0)
        named = survivor is not None and actor.sees_unit(survivor.unit_id)
        one = incident_out(
            row,
            units[row.unit_id].code,
            survivor.number if survivor is not None and named else None,
            obligations,
            verdicts,
            as_read(await queries.reports_of(session, key), row, actor),
            await queries.casualties_of(session, key),
            await queries.attachments_of(session, [key], unit_id=actor.unit_id),
        )
        made.append(for_unit(one) if of_a_unit else one)
    if actor.may("numbers:read"):
        return made
    return [IncidentOut(**all_masked(one.model_dump())) for one in made]

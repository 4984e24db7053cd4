"""What an alert is about, read fresh: the words follow the state at the moment they are said."""

from collections.abc import Sequence
from datetime import tzinfo

from dutydesk.alerts import queries
from dutydesk.alerts.model import Alert
from dutydesk.alerts.wording import Matter, clock_time, day_of
from dutydesk.db import Session
from dutydesk.people.queries import people_by_id, units_by_id


async def matters_of(session: Session, rows: Sequence[Alert], zone: tzinfo) -> list[Matter]:
    """Return what these alerts say, in their order."""
    owed = await queries.owed_by_alert(session, rows)
    units = await units_by_id(session, {row.unit_id for row in rows if row.unit_id is not None})
    people = await people_by_id(session, {row.person_id for row in rows if row.person_id is not None})
    made: list[Matter] = []
    for row in rows:
        obligation = owed.get(row.obligation_id or 0)
        unit = units.get(row.unit_id or 0)
        person = people.get(row.person_id or 0)
        made.append(
            Matter(
                key=row.wording,
                number=row.number,
                unit="" if unit is None else unit.short_name,
                owed="" if obligation is None else obligation.title,
                due="" if obligation is None else clock_time(obligation.due_at, zone),
                day="" if obligation is None else day_of(obligation.due_at, zone),
                name="" if person is None else person.name,
                drill=row.drill,
                params=row.params,
            )
        )
    return made

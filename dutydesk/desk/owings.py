"""What is owed without an incident, as the board shows it: holes in the rosters, sign-ins, filings, leaves."""

from collections.abc import Sequence
from dataclasses import dataclass

from dutydesk.alerts.queries import Told
from dutydesk.db import Session
from dutydesk.desk import queries
from dutydesk.desk.addresses import address_of_owed
from dutydesk.desk.clocked import Clocked, clocked, names_of
from dutydesk.desk.mark_queries import marks_of_owed
from dutydesk.incidents.cards import cards
from dutydesk.obligations.model import Obligation, Rung
from dutydesk.people.queries import people_by_id, units_by_id
from dutydesk.people.rules import Unit
from dutydesk.web.site import Site

# More than this is a page of its own; the board says how many are not shown.
MOST_OWED = 8
# Of each, the newest.
_MOST_CALLS = 20


@dataclass(frozen=True, slots=True)
class OwedRows:
    """Everything stored about what is owed without an incident, the most urgent first."""

    rows: tuple[Obligation, ...] = ()
    units: tuple[Unit, ...] = ()
    rungs: tuple[Rung, ...] = ()
    told: tuple[Told, ...] = ()
    names: tuple[tuple[int, str], ...] = ()
    # How many there are in all, and how many of them are overdue.
    count: int = 0
    overdue: int = 0
    # What tells whether any of it has changed (mark_queries.marks_of_owed).
    marks: tuple[object, ...] = ()

    @property
    def more(self) -> int:
        """Return how many are not shown."""
        return max(self.count - len(self.rows), 0)


@dataclass(frozen=True, slots=True)
class OpenOwing:
    """One thing that is owed: its unit, its clock, and the page on which it is mended."""

    unit: Unit
    one: Clocked
    address: str


async def read_owings(session: Session, known: OwedRows) -> OwedRows:
    """Read what is owed without an incident; nothing is read again of what stands as it is *known*."""
    count, overdue = await queries.count_owings(session)
    if not count:
        return OwedRows()
    rows = await queries.owings_on_board(session, MOST_OWED)
    ids = [row.id or 0 for row in rows]
    found = await units_by_id(session, {row.unit_id for row in rows})
    units = tuple(found[row.unit_id] for row in rows)
    marks = (ids, units, count, overdue, await marks_of_owed(session, ids))
    if marks == known.marks:
        return known
    told = await queries.latest_told(session, ids, _MOST_CALLS)
    people = await people_by_id(
        session, {one.alert.person_id for one in told if one.alert.person_id is not None}
    )
    return OwedRows(
        rows=tuple(rows),
        units=units,
        rungs=tuple(await queries.rungs_in_force(session, ids)),
        told=tuple(told),
        names=names_of(told, people),
        count=count,
        overdue=overdue,
        marks=marks,
    )


def open_owings(found: OwedRows, site: Site) -> Sequence[OpenOwing]:
    """Return what the board shows of each, in the language of the page, in the order they were read."""
    units = dict(zip((row.id for row in found.rows), found.units, strict=True))
    made = cards(
        found.rows,
        found.rungs,
        (),
        found.told,
        dict(found.names),
        site.rulebook.wording.texts,
        site.clock.now(),
    )
    return [
        OpenOwing(
            units[card.row.id],
            clocked(card, found.rungs),
            address_of_owed(card.row, units[card.row.id], site.zone),
        )
        for card in made
    ]

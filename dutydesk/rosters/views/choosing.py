"""Who can be put on a place of the table: everybody who might, those who may before those who may not."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from dutydesk.db import Session
from dutydesk.people import queries as people
from dutydesk.people.rules import Person, Unit
from dutydesk.rosters.planning import actions as planning
from dutydesk.rosters.rules import PlannedShift
from dutydesk.rosters.rules.eligibility import HARD, Fault, Place
from dutydesk.rosters.rules.slots import Slot
from dutydesk.rosters.views.choosing_queries import possible_people, turn_counts
from dutydesk.web.site import Site

_AROUND = timedelta(days=31)


@dataclass(frozen=True, slots=True)
class Option:
    """A person with what speaks against them and how often they sit on this seat around that time."""

    person: Person
    faults: Sequence[Fault]
    turns: int

    @property
    def barred(self) -> bool:
        """Tell whether no reason helps."""
        return any(one in HARD for one in self.faults)


async def options_for(
    session: Session,
    site: Site,
    now: datetime,
    unit: Unit,
    place: Place,
    *,
    ignoring: Collection[int] = (),
    text: str = "",
) -> list[Option]:
    """Return who might hold *place*: its unit's people, its rotations' members, leaders; and whoever *text* names.

    Those without any fault come first, then by how few turns they have around that time.
    """
    plan = site.rulebook.rosters.eligibility
    ranks = plan.leader_ranks if place.is_desk and place.seat == "leader" else ()
    ids = await possible_people(session, unit.id, place.seat, ranks, text)
    persons = await people.people_by_id(session, ids)
    faults = await planning.faults_for(session, site, now, place, persons.keys(), ignoring)
    turns = await turn_counts(
        session, persons.keys(), place.seat, place.starts_at - _AROUND, place.ends_at + _AROUND
    )
    found = [Option(one, faults.get(one.id, []), turns.get(one.id, 0)) for one in persons.values()]
    found.sort(key=lambda one: (one.barred, len(one.faults), one.turns, one.person.id))
    return found


def place_of_slot(
    slot: Slot, slots: Sequence[Slot], shifts: Sequence[PlannedShift], *, is_desk: bool
) -> Place:
    """Return the place that a slot nobody has yet offers; *slots* and *shifts* are the unit's around that time.

    Nobody sits alone where another operator is there, or is asked for.
    """
    seats: list[Slot | PlannedShift] = [*(one for one in slots if one != slot), *shifts]
    company = slot.count > 1 or any(
        one.seat.startswith("operator") and one.starts_at < slot.ends_at and one.ends_at > slot.starts_at
        for one in seats
    )
    return Place(
        unit_id=slot.unit_id,
        is_desk=is_desk,
        seat=slot.seat,
        day=slot.day,
        starts_at=slot.starts_at,
        ends_at=slot.ends_at,
        mode=slot.mode,
        alone=not company,
    )

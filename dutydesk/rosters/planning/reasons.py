"""Everything that is known of one shift, read together."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from dutydesk.db import Session
from dutydesk.people.queries import people_by_id, units_by_id
from dutydesk.people.rules import Person, Unit
from dutydesk.rosters.keeping.queries import attendances_of
from dutydesk.rosters.model import Attendance, Rotation, SeatHolder, Shift, ShiftChange
from dutydesk.rosters.planning.explaining import Names
from dutydesk.rosters.planning.queries import all_holder_rows, changes_of_shift
from dutydesk.rosters.queries import stored_shift


@dataclass(frozen=True, slots=True)
class ShiftStory:
    """A shift with its unit, whose turn it was, who sat there instead, what was asked and who signed in."""

    row: Shift
    unit: Unit
    rotation: Rotation | None
    persons: Mapping[int, Person]
    names: Names
    holders: Sequence[SeatHolder]
    changes: Sequence[ShiftChange]
    attendances: Sequence[Attendance]

    def name(self, person_id: int | None) -> str:
        """Return what a person is called, nothing for nobody."""
        found = self.persons.get(person_id or 0)
        return "" if found is None else found.name


async def read_shift(session: Session, shift_id: int) -> ShiftStory:
    """Return a shift with everything known of it.

    Raises:
        NotFoundError: there is none with this id.
    """
    row = await stored_shift(session, shift_id)
    unit = (await units_by_id(session, [row.unit_id]))[row.unit_id]
    rotation = await session.get(Rotation, row.rotation_id) if row.rotation_id is not None else None
    holders = await all_holder_rows(session, shift_id)
    changes = await changes_of_shift(session, shift_id)
    attendances = (await attendances_of(session, [shift_id])).get(shift_id, [])
    before = row.why.get("before")
    ids = {row.person_id, row.owner_id, before if isinstance(before, int) else None}
    ids |= {one.person_id for one in holders} | {one.person_id for one in attendances}
    ids |= {person for one in changes for person in (one.from_person_id, one.to_person_id)}
    persons = await people_by_id(session, [one for one in ids if one is not None])
    owner = persons.get(row.owner_id or 0)
    names = Names(
        "" if owner is None else owner.name,
        "" if rotation is None else rotation.name,
        row.day_class,
        {one.id: one.name for one in persons.values()},
    )
    return ShiftStory(row, unit, rotation, persons, names, holders, changes, attendances)

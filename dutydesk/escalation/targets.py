"""Who a ladder's targets are at this moment: whoever really holds the seat when the rung fires."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from dutydesk.db import Session
from dutydesk.escalation.rules import Levels, Recipient
from dutydesk.people import queries as people
from dutydesk.people.rules import ContactPoint
from dutydesk.rosters.queries import who_holds
from dutydesk.rosters.rules import Holding

_OPERATOR_SEATS = ("operator_primary", "operator_secondary")


@dataclass(frozen=True, slots=True)
class Directory:
    """Seats, posts, numbers and telephones at one moment, read with a handful of statements."""

    desk_id: int | None
    seats: Mapping[tuple[int, str], list[Holding]]
    unit_posts: Mapping[tuple[int, str], list[int]]
    bureau_posts: Mapping[str, list[int]]
    contacts: Mapping[int, list[ContactPoint]]
    phones: Mapping[int, str | None]

    def levels(self, target: str, unit_id: int, person_id: int | None = None) -> Levels:
        """Return the levels of a target for a matter of that unit; an empty level is an empty seat.

        *person_id* is whoever in particular owes it: the target ``person``.
        """
        side, _, role = target.partition(":")
        if side in {"person", "post"}:
            named = [] if person_id is None else [person_id]
            return (self._persons(self.bureau_posts.get(role, []) if side == "post" else named),)
        owner = unit_id if side == "unit" else self.desk_id
        if owner is None:
            return ((),)
        match role:
            case "phone":
                phone = self.phones.get(owner)
                return ((phone_recipient(phone),) if phone else (),)
            case "head" | "chief" | "roster":
                return (self._persons(self._holders(owner, role)),)
            case "operator":
                first, second = (self._seat(owner, seat) for seat in _OPERATOR_SEATS)
                return (first, second) if second else (first,)
            case _:
                return (self._seat(owner, role),)

    def names(
        self, targets: Iterable[str], unit_id: int, recipient: str, person_id: int | None = None
    ) -> bool:
        """Tell whether somebody is among the people of these targets."""
        return any(
            person.key == recipient
            for target in targets
            for level in self.levels(target, unit_id, person_id)
            for person in level
        )

    def _holders(self, owner: int, post: str) -> list[int]:
        """The bureau's desk has no head and no keeper of the roster of its own: the chief and the office's director are."""
        found = self.unit_posts.get((owner, post), [])
        if found or owner != self.desk_id:
            return found
        if post == "roster":
            return self.bureau_posts.get("office_director", [])
        return self.unit_posts.get((owner, "chief"), []) if post == "head" else found

    def _seat(self, unit_id: int, seat: str) -> tuple[Recipient, ...]:
        return self._persons(holding.person_id for holding in self.seats.get((unit_id, seat), []))

    def _persons(self, ids: Iterable[int]) -> tuple[Recipient, ...]:
        return tuple(person_recipient(one, self.contacts.get(one, [])) for one in dict.fromkeys(ids))


def phone_recipient(number: str) -> Recipient:
    """Return a telephone that belongs to nobody in particular: voice only (a duty phone is a landline)."""
    return Recipient(f"phone:{number}", phone=number, has_voice=True)


def last_resort_recipient(number: str) -> Recipient:
    """Return one of the numbers of last resort: told by SMS and by voice."""
    return Recipient(f"phone:{number}", phone=number, has_voice=True, has_sms=True)


def person_recipient(person_id: int, points: Iterable[ContactPoint]) -> Recipient:
    """Return a person with what their usable numbers can carry."""
    kinds = {point.kind for point in points}
    return Recipient(
        f"person:{person_id}",
        person_id=person_id,
        has_sms="mobile" in kinds,
        has_voice=bool(kinds & {"mobile", "landline"}),
    )


async def directory_at(
    session: Session, unit_ids: Collection[int], at: datetime, person_ids: Collection[int] = ()
) -> Directory:
    """Read who holds what at *at*, for these units and the desk, with seven statements however many units.

    *person_ids* are those whom obligations name in person.
    """
    desk = await people.desk_unit(session)
    ids = set(unit_ids) | ({desk.id} if desk is not None else set())
    seats = await who_holds(session, ids, at)
    unit_posts = await people.post_holders(session, ids, at)
    bureau_posts = await people.bureau_post_holders(session, at)
    named = {holding.person_id for holdings in seats.values() for holding in holdings}
    named |= set(person_ids)
    named |= {one for found in (*unit_posts.values(), *bureau_posts.values()) for one in found}
    units = await people.units_by_id(session, ids)
    return Directory(
        desk_id=None if desk is None else desk.id,
        seats={(unit_id, str(seat)): found for (unit_id, seat), found in seats.items()},
        unit_posts=unit_posts,
        bureau_posts=bureau_posts,
        contacts=await people.usable_contacts(session, named),
        phones={unit_id: unit.duty_phone for unit_id, unit in units.items()},
    )

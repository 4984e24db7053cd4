"""An obligation as the board shows it: its card, when its clock changes its look, and whom there is room for."""

from collections.abc import Iterable
from dataclasses import dataclass

from dutydesk.alerts.queries import Told
from dutydesk.desk.points import Points, points
from dutydesk.incidents.cards import Card, Recipient
from dutydesk.obligations.model import Rung
from dutydesk.people.rules import Person

PEOPLE_SHOWN = 4


@dataclass(frozen=True, slots=True)
class Clocked:
    """A card with the points of its clock; ``people`` are those who are being told now."""

    card: Card
    points: Points | None
    people: tuple[Recipient, ...]


def clocked(card: Card, rungs: Iterable[Rung]) -> Clocked:
    """Return a card with what its clock needs; of the people only those that something is still on its way to."""
    due = card.row.due_at
    times = [rung.at for rung in rungs if rung.obligation_id == card.row.id]
    live = [person for person in card.people if person.live][:PEOPLE_SHOWN]
    return Clocked(card, None if due is None else points(due, times), tuple(live))


def names_of(told: Iterable[Told], people: dict[int, Person]) -> tuple[tuple[int, str], ...]:
    """Return (person id, name) of everybody who was told."""
    ids = {one.alert.person_id for one in told if one.alert.person_id is not None}
    return tuple((one, people[one].name) for one in sorted(ids))

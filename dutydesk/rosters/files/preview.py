"""What an import would make of a month, day by day, as the preview's table shows it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from dutydesk.rosters.rules import SEATS, Seat
from dutydesk.rosters.rules.importing import Existing, How, UnitPlan
from dutydesk.rosters.rules.reading import Trouble


@dataclass(frozen=True, slots=True)
class Turn:
    """Somebody on a seat of a day; ``before`` is who is planned there now, where that changes."""

    name: str
    how: How
    before: int | None = None


@dataclass(slots=True)
class PreviewDay:
    """A day of the preview: who would sit on each seat, who would go, and what was noticed."""

    day: date
    row: int
    turns: dict[Seat, list[Turn]] = field(default_factory=dict)
    gone: list[Existing] = field(default_factory=list)
    troubles: list[Trouble] = field(default_factory=list)


def days_of(plan: UnitPlan) -> list[PreviewDay]:
    """Return the days a table speaks of, in order."""
    days: dict[date, PreviewDay] = {}
    for item in plan.items:
        day = days.setdefault(item.day, PreviewDay(item.day, item.row))
        before = (
            item.was.shift.person_id if item.was is not None and item.how in ("changed", "begun") else None
        )
        day.turns.setdefault(item.seat, []).append(Turn(item.person.name, item.how, before))
    for one in plan.removed:
        days.setdefault(one.day, PreviewDay(one.day, -1)).gone.append(one)
    by_row: Mapping[int, PreviewDay] = {day.row: day for day in days.values()}
    for trouble in plan.troubles:
        if trouble.row in by_row:
            by_row[trouble.row].troubles.append(trouble)
    return sorted(days.values(), key=lambda one: one.day)


def seats_in(days: Sequence[PreviewDay]) -> list[Seat]:
    """Return the seats that somebody sits on in any of these days, leaders first."""
    found = {seat for day in days for seat in day.turns} | {
        one.shift.seat for day in days for one in day.gone
    }
    return [seat for seat in SEATS if seat in found]

"""Who may not sit where a table that is imported has them, looked at across all units of the file. Pure."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from dutydesk.rosters.rules.eligibility import HARD, Candidate, Place, Turn, faults_of
from dutydesk.rosters.rules.importing import OPERATORS, Item, UnitPlan
from dutydesk.rosters.rules.reading import Trouble
from dutydesk.rulebook.types import EligibilityPlan

_MARGIN = timedelta(days=9)


def judge(plans: Sequence[UnitPlan], people: Mapping[int, Candidate], rules: EligibilityPlan) -> None:
    """Note on every plan who may not sit where the table has them, across all units of the file.

    Of what is planned already and stays only what is plainly impossible is said, and as a warning:
    importing a table twice changes nothing.
    """
    replaced = {one.shift.id for plan in plans for one in plan.facts.shifts}
    # By the id of each item: its own turn, which does not speak against it.
    own = [[_turn(plan, one) for one in plan.items] for plan in plans]
    turns: dict[int, list[Turn]] = {
        person_id: [turn for turn in one.turns if turn.shift_id not in replaced]
        for person_id, one in people.items()
    }
    for plan, mine in zip(plans, own, strict=True):
        for item, turn in zip(plan.items, mine, strict=True):
            turns.setdefault(item.person.person_id, []).append(turn)
        kept = {one.was.shift.id for one in plan.items if one.was} | {one.shift.id for one in plan.removed}
        # Of seats and days the table does not speak of.
        for stays in plan.facts.shifts:
            if stays.shift.id not in kept:
                shift = stays.shift
                turns.setdefault(stays.really or shift.person_id, []).append(
                    Turn(shift.starts_at, shift.ends_at, shift.unit_id, shift.seat, shift.id)
                )
    for plan, mine in zip(plans, own, strict=True):
        _judge_unit(plan, mine, people, turns, rules)


def _turn(plan: UnitPlan, one: Item) -> Turn:
    return Turn(one.starts_at, one.ends_at, plan.facts.unit_id, one.seat)


def _judge_unit(
    plan: UnitPlan,
    own: Sequence[Turn],
    people: Mapping[int, Candidate],
    turns: Mapping[int, Sequence[Turn]],
    rules: EligibilityPlan,
) -> None:
    at_desk: dict[datetime, set[int]] = {}
    for one in plan.items:
        if one.seat in OPERATORS:
            at_desk.setdefault(one.starts_at, set()).add(one.person.person_id)
    for one, turn in zip(plan.items, own, strict=True):
        candidate = people.get(one.person.person_id)
        if candidate is None or one.how == "begun":
            continue
        first, last = one.starts_at - _MARGIN, one.ends_at + _MARGIN
        near = [
            other
            for other in turns[one.person.person_id]
            if other is not turn and other.starts_at < last and other.ends_at > first
        ]
        place = Place(
            plan.facts.unit_id,
            plan.facts.is_desk,
            one.seat,
            one.day,
            one.starts_at,
            one.ends_at,
            one.slot.mode,
            len(at_desk.get(one.starts_at, ())) <= 1,
        )
        for fault in faults_of(_sitting(candidate, near), place, rules):
            hard = fault in HARD
            if one.how == "same" and not hard:
                continue
            values = (one.person.name, fault)
            grave = hard and one.how != "same"
            plan.troubles.append(Trouble(plan.sheet, one.row, one.column, "FAULT", values, grave))


def _sitting(one: Candidate, turns: Sequence[Turn]) -> Candidate:
    """Return a candidate with just these turns; written out, because it is done for every line of a large file."""
    return Candidate(
        one.person_id,
        one.name,
        one.unit_id,
        one.rank,
        one.employment,
        one.joined_on,
        one.trained_on,
        one.retired_at,
        one.confirmed,
        one.away,
        tuple(turns),
    )

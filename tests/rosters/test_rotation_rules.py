"""Who serves when: random units, rotations, leaves and locks, and the promises that hold for all of them."""

from collections import Counter, defaultdict
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dutydesk.calendars.days import library_year
from dutydesk.calendars.rules import DAY_CLASSES, Calendar, Period
from dutydesk.rosters.rules.eligibility import Candidate, Place, Turn, faults_of
from dutydesk.rosters.rules.filling import Facts, Kept, StoodIn, fill
from dutydesk.rosters.rules.rotation import LastTurn, Member, Rotation
from dutydesk.rosters.rules.slots import Pattern, slots_of
from dutydesk.rosters.rules.standing import Standing
from dutydesk.rulebook.types import EligibilityPlan

ZONE = ZoneInfo("Asia/Shanghai")
PLAN = EligibilityPlan()
YEAR = date(2026, 1, 1)
DAY = timedelta(days=1)
CALENDAR = Calendar(
    library=library_year(2026), periods=(Period(1, "两会", date(2026, 3, 3), date(2026, 3, 13)),)
)
ALL = frozenset(DAY_CLASSES)


def at(day, hour=8, minute=30):
    return datetime.combine(day, time(hour, minute), ZONE).astimezone(UTC)


def someone(person_id, **changes):
    told = {
        "person_id": person_id,
        "name": f"某{person_id}",
        "unit_id": 1,
        "rank": "unit_head",
        "employment": "staff",
        "joined_on": None,
        "trained_on": None,
        "retired_at": None,
        "confirmed": True,
    }
    return Candidate(**told | changes)


def slots_for(start, days, *, seat="leader", mode="on_call", count=1, calendar=CALENDAR, **more):
    patterns = [
        Pattern(
            unit_id=1,
            seat=seat,
            day_class=day_class,
            starts=time(8, 30),
            minutes=24 * 60,
            mode=mode,
            count=count,
            **more,
        )
        for day_class in DAY_CLASSES
    ]
    return slots_of(patterns, calendar, 1, start, start + days * DAY, ZONE)


def group(*members, number=1, **changes):
    people = tuple(one if isinstance(one, Member) else Member(one) for one in members)
    told = {"id": number, "seat": "leader", "day_classes": ALL, "members": people}
    return Rotation(**told | changes)


def facts(slots, *rotations, people=None, **changes):
    persons = people or {
        one.person_id: someone(one.person_id) for rotation in rotations for one in rotation.members
    }
    return Facts(slots=slots, rotations=rotations, candidates=persons, eligibility=PLAN, **changes)


def served(made):
    return [one.person_id for one in made]


def owners(made):
    return [one.owner_id for one in made]


MONDAY = date(2026, 6, 1)


def test_turns_go_round_in_the_order_of_the_members():
    made = fill(facts(slots_for(MONDAY, 5), group(7, 3, 5)))
    assert served(made) == [7, 3, 5, 7, 3]
    assert made[1].why == {"code": "TURN", "at": 2}


def test_days_of_rest_have_an_order_of_their_own():
    made = fill(facts(slots_for(MONDAY, 14), group(1, 2, 3, 4)))
    rest = [one.owner_id for one in made if one.slot.day_class == "rest"]
    work = [one.owner_id for one in made if one.slot.day_class == "workday"]
    assert rest == [1, 2, 3, 4]
    assert work == [1, 2, 3, 4, 1, 2, 3, 4, 1, 2]


def test_the_order_goes_on_where_the_last_turn_before_the_span_left_it():
    last = {(1, "workday"): LastTurn(3, 3, MONDAY - 3 * DAY)}
    made = fill(facts(slots_for(MONDAY, 2), group(7, 3, 5), last_turns=last))
    assert served(made) == [5, 7]


def test_the_order_goes_on_after_somebody_who_left_it():
    last = {(1, "workday"): LastTurn(3, 3, MONDAY - 3 * DAY)}
    rotation = group(7, Member(3, left_on=MONDAY), 5)
    assert served(fill(facts(slots_for(MONDAY, 3), rotation, last_turns=last))) == [5, 7, 5]


def test_a_member_takes_turns_from_the_day_of_joining_on():
    rotation = group(1, 2, Member(3, joined_on=MONDAY + 3 * DAY))
    assert served(fill(facts(slots_for(MONDAY, 5), rotation))) == [1, 2, 1, 2, 3]


def test_an_absent_owner_is_stood_in_for_and_gives_the_turn_back():
    people = {one: someone(one) for one in (1, 2, 3, 4)}
    people[2] = replace(people[2], away=((at(MONDAY + DAY, 0), at(MONDAY + 2 * DAY, 12)),))
    made = fill(facts(slots_for(MONDAY, 18), group(1, 2, 3, 4, day_classes={"workday"}), people=people))
    made = [one for one in made if one.slot.day_class == "workday"]
    assert owners(made)[:4] == [1, 2, 3, 4]
    substitute = made[1].person_id
    assert substitute not in {1, 2, 3}  # neither just served, nor away, nor next
    assert made[1].why["code"] == "INSTEAD"
    assert made[1].why["faults"] == ["AWAY"]
    back = next(one for one in made if one.why["code"] == "PAYBACK")
    assert (back.owner_id, back.person_id) == (substitute, 2)
    counts = Counter(served(made))
    assert max(counts.values()) - min(counts.values()) <= 1


def test_whoever_has_the_very_next_turn_stands_in_only_if_nobody_else_can():
    people = {one: someone(one) for one in (1, 2, 3)}
    people[1] = replace(people[1], away=((at(MONDAY, 0), at(MONDAY + DAY, 0)),))
    # 2 has the least balance, but also the turn of the day after.
    stood = [StoodIn(1, "workday", 2, 3, 1)]
    made = fill(facts(slots_for(MONDAY, 2), group(1, 2, 3), people=people, stood_in=stood))
    assert served(made) == [3, 2]


def test_without_paying_back_nothing_is_given_back():
    people = {one: someone(one) for one in (1, 2, 3, 4)}
    people[2] = replace(people[2], away=((at(MONDAY + DAY, 0), at(MONDAY + 2 * DAY, 12)),))
    made = fill(facts(slots_for(MONDAY, 20), group(1, 2, 3, 4, pays_back=False), people=people))
    assert all(one.why["code"] != "PAYBACK" for one in made)


def test_a_debt_from_before_the_span_is_given_back_in_it():
    stood = [StoodIn(1, "workday", 2, 4, 1)]
    made = fill(facts(slots_for(MONDAY, 5), group(1, 2, 3, 4), stood_in=stood))
    assert [(one.owner_id, one.person_id) for one in made if one.owner_id != one.person_id] == [(4, 2)]


def test_both_days_of_a_weekend_are_one_turn_of_one_person():
    rotation = group(1, 2, 3, pairs_weekend=True, day_classes={"rest"})
    made = [one for one in fill(facts(slots_for(MONDAY, 28), rotation)) if one.slot.day_class == "rest"]
    assert served(made) == [1, 1, 2, 2, 3, 3]
    assert made[1].why == {"code": "TURN", "at": 1, "pair": True}


def test_a_weekend_that_began_before_the_span_ends_with_the_same_person():
    sunday = MONDAY + 6 * DAY
    rotation = group(1, 2, 3, pairs_weekend=True, day_classes={"rest"})
    last = {(1, "rest"): LastTurn(2, 2, sunday - DAY)}
    made = fill(facts(slots_for(sunday, 8), rotation, last_turns=last))
    assert served([one for one in made if one.slot.day_class == "rest"]) == [2, 3, 3]


def test_a_slot_that_nobody_can_serve_stays_empty_with_everybodys_reasons():
    people = {
        1: someone(1, away=((at(MONDAY, 0), at(MONDAY + DAY, 0)),)),
        2: someone(2, rank="staff"),
        3: someone(3, employment="external"),
    }
    made = fill(facts(slots_for(MONDAY, 2, mode="on_post"), group(1, 2, 3), people=people))
    assert made[0].person_id is None
    assert made[0].refused == {1: ("AWAY",), 2: ("RANK",), 3: ("NEVER",)}
    # The turn was not used up.
    assert made[1].owner_id == made[0].owner_id == 1


def test_a_seat_without_a_rotation_is_a_hole_that_says_so():
    made = fill(facts(slots_for(MONDAY, 1), group(1, day_classes={"holiday"})))
    assert [(one.person_id, one.why["code"]) for one in made] == [(None, "NO_ROTATION")]


def test_on_call_too_little_rest_is_better_than_nobody_and_on_post_it_is_not():
    at_home = fill(facts(slots_for(MONDAY, 3), group(1)))
    assert served(at_home) == [1, 1, 1]
    assert at_home[1].why["tired"] is True
    on_post = fill(facts(slots_for(MONDAY, 3, mode="on_post"), group(1)))
    assert served(on_post) == [1, None, 1]


def test_two_rotations_of_a_seat_share_its_places():
    day, night = group(1, 2, 3), group(4, 5, 6, number=2)
    made = fill(facts(slots_for(MONDAY, 2, count=2), day, night))
    assert [(one.rotation_id, one.person_id) for one in made] == [(1, 1), (2, 4), (1, 2), (2, 5)]


def test_a_locked_turn_out_of_order_counts_as_that_members_next():
    slot = slots_for(MONDAY, 1)[0]
    kept = [Kept("leader", slot.starts_at, slot.ends_at, 3, 3, 1)]
    people = {
        one: someone(one, turns=(Turn(slot.starts_at, slot.ends_at, 1, "leader", 9),) if one == 3 else ())
        for one in (1, 2, 3)
    }
    made = fill(facts(slots_for(MONDAY, 5), group(1, 2, 3), people=people, kept=kept))
    assert served(made) == [1, 2, 1, 2]


# ----------------------------------------------------------------------------------------------------------------------
# What holds whatever the unit, its rotations and its leaves.

SEATS = ("leader", "supervisor", "operator_primary", "standby")


@st.composite
def people_of(draw, ids):
    found = {}
    for person_id in ids:
        leaves = []
        for _ in range(draw(st.integers(0, 2))):
            begins = YEAR + draw(st.integers(0, 100)) * DAY
            leaves.append((at(begins, 0), at(begins + draw(st.integers(1, 20)) * DAY, 0)))
        found[person_id] = someone(
            person_id,
            rank=draw(st.sampled_from(("unit_head", "unit_deputy", "staff"))),
            employment=draw(st.sampled_from(("staff", "staff", "contract", "external"))),
            joined_on=draw(st.sampled_from((None, None, date(2025, 12, 1), date(2026, 2, 1)))),
            trained_on=draw(st.sampled_from((None, date(2026, 1, 20)))),
            retired_at=draw(st.sampled_from((None, None, None, at(date(2026, 2, 20), 0)))),
            confirmed=draw(st.sampled_from((True, True, False))),
            away=tuple(sorted(leaves)),
        )
    return found


@st.composite
def a_unit(draw):
    ids = range(1, draw(st.integers(2, 12)) + 1)
    rotations = []
    for number, seat in enumerate(draw(st.lists(st.sampled_from(SEATS), min_size=1, max_size=4)), start=1):
        members = draw(st.lists(st.sampled_from(list(ids)), min_size=1, max_size=len(ids), unique=True))
        joined = draw(st.lists(st.sampled_from((date.min, date(2026, 2, 1))), min_size=len(members)))
        left = draw(st.lists(st.sampled_from((None, None, date(2026, 3, 1))), min_size=len(members)))
        rotations.append(
            Rotation(
                id=number,
                seat=seat,
                day_classes=draw(st.sampled_from((ALL, frozenset({"rest", "holiday"}), ALL - {"rest"}))),
                members=tuple(map(Member, members, joined, left)),
                pairs_weekend=draw(st.booleans()),
                pays_back=draw(st.booleans()),
            )
        )
    patterns = [
        Pattern(
            unit_id=1,
            seat=seat,
            day_class=day_class,
            starts=time(8, 30),
            minutes=draw(st.sampled_from((24 * 60, 9 * 60))),
            count=draw(st.sampled_from((1, 1, 2))),
            mode=draw(st.sampled_from(("on_call", "on_post"))),
        )
        for seat in SEATS
        for day_class in DAY_CLASSES
    ]
    start = YEAR + draw(st.integers(0, 40)) * DAY
    slots = slots_of(patterns, CALENDAR, 1, start, start + draw(st.integers(1, 90)) * DAY, ZONE)
    return facts(slots, *rotations, people=draw(people_of(ids)))


@given(a_unit())
@settings(max_examples=150)
def test_nobody_sits_twice_or_where_they_may_not(unit):
    by_person = defaultdict(list)
    for one in fill(unit):
        if one.person_id is not None:
            by_person[one.person_id].append(one)
    for person_id, turns in by_person.items():
        turns.sort(key=lambda one: one.slot.starts_at)
        assert all(a.slot.ends_at <= b.slot.starts_at for a, b in pairwise(turns))
        for one in turns:
            slot = one.slot
            place = Place(
                1,
                False,
                slot.seat,
                slot.day,
                slot.starts_at,
                slot.ends_at,
                slot.mode,
                alone=False,
            )
            assert faults_of(unit.candidates[person_id], place, PLAN) == []


@given(a_unit())
@settings(max_examples=100)
def test_every_place_is_filled_or_shown_as_a_hole_with_reasons(unit):
    made = fill(unit)
    assert len(made) == sum(slot.count for slot in unit.slots)
    for one in made:
        assert one.person_id is not None or one.why["code"] in {"NOBODY", "NO_ROTATION"}
        if one.person_id is None:
            assert all(one.refused.values())


@given(a_unit(), st.randoms(use_true_random=False))
@settings(max_examples=60)
def test_the_same_facts_bring_the_same_plan_in_whatever_order_they_are_read(unit, random):
    people = list(unit.candidates.items())
    rotations = list(unit.rotations)
    random.shuffle(people)
    random.shuffle(rotations)
    assert fill(replace(unit, candidates=dict(people), rotations=rotations)) == fill(unit)


@given(a_unit())
@settings(max_examples=150)
def test_turns_are_spread_as_evenly_as_they_can_be(unit):
    made = fill(unit)
    for rotation in unit.rotations:
        through = [
            one.person_id
            for one in rotation.members
            if unit.slots and one.active(unit.slots[0].day) and one.active(unit.slots[-1].day)
        ]
        for day_class in rotation.day_classes:
            turns = [
                one for one in made if one.rotation_id == rotation.id and one.slot.day_class == day_class
            ]
            turns = [one for one in turns if one.person_id is not None and not one.why.get("pair")]
            if rotation.pairs_weekend and day_class == "rest":
                days = [(one.slot.day, one.owner_id) for one in turns]
                turns = [one for one in turns if (one.slot.day - DAY, one.owner_id) not in days]
            counts = Counter(one.owner_id for one in turns)
            had = [counts[one] for one in through]
            assert not had or max(had) - min(had) <= 1


@given(a_unit(), st.randoms(use_true_random=False), st.integers(0, 60))
@settings(max_examples=100)
def test_generating_again_around_what_is_kept_changes_nothing_of_it_and_is_stable(unit, random, past):
    """Kept are the first days and some locked at random; nothing else changes, so the plan stays the plan."""
    made = fill(unit)
    border = unit.slots[0].starts_at + past * DAY if unit.slots else None
    kept = [
        one
        for one in made
        if one.person_id is not None and (one.slot.starts_at < border or random.random() < 0.2)
    ]
    again = fill(
        replace(
            unit,
            kept=[
                Kept(
                    one.slot.seat,
                    one.slot.starts_at,
                    one.slot.ends_at,
                    one.person_id,
                    one.owner_id,
                    one.rotation_id,
                )
                for one in kept
            ],
            candidates={
                person_id: replace(
                    person,
                    turns=tuple(
                        Turn(one.slot.starts_at, one.slot.ends_at, 1, one.slot.seat, number)
                        for number, one in enumerate(kept)
                        if one.person_id == person_id
                    ),
                )
                for person_id, person in unit.candidates.items()
            },
        )
    )
    places = Counter(one.slot for one in made) - Counter(one.slot for one in kept)
    assert Counter(one.slot for one in again) == places
    busy = defaultdict(list)
    for one in [*kept, *again]:
        if one.person_id is not None:
            busy[one.person_id].append(one.slot)
    for slots in busy.values():
        slots.sort(key=lambda slot: slot.starts_at)
        assert all(a.ends_at <= b.starts_at for a, b in pairwise(slots))


@given(
    people_of([1]),
    st.sampled_from(SEATS),
    st.sampled_from(("on_call", "on_post")),
    st.booleans(),
    st.booleans(),
    st.lists(st.integers(0, 100), max_size=3),
)
@settings(max_examples=200)
def test_the_quick_answer_is_that_of_the_rules(people, seat, mode, alone, is_desk, busy):
    turns = tuple(Turn(at(YEAR + day * DAY), at(YEAR + (day + 1) * DAY), 1, "leader", day) for day in busy)
    person = replace(people[1], turns=turns)
    standing = Standing(person, PLAN, is_desk=is_desk)
    for slot in slots_for(YEAR, 110, seat=seat, mode=mode):
        place = Place(1, is_desk, seat, slot.day, slot.starts_at, slot.ends_at, mode, alone)
        found = faults_of(person, place, PLAN)
        assert standing.fits(slot, alone=alone) == (not found)
        assert standing.fits(slot, alone=alone, resting=False) == (not set(found) - {"REST"})
        assert standing.faults(slot, alone=alone) == tuple(found)


@pytest.mark.parametrize("rotation", [group(), group(Member(1, left_on=MONDAY))])
def test_a_rotation_without_members_leaves_a_hole(rotation):
    made = fill(facts(slots_for(MONDAY, 1), rotation))
    assert [(one.person_id, one.why["code"]) for one in made] == [(None, "NOBODY")]

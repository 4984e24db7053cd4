"""Seats and rotations of a unit: rules, actions, pages and API."""

from datetime import date, time, timedelta

import pytest
from sqlmodel import col, select

from dutydesk.audit.model import AuditEntry
from dutydesk.calendars.rules import Calendar
from dutydesk.errors import ConflictError, InvalidInputError
from dutydesk.people import queries as people
from dutydesk.rosters.candidate_queries import patterns_of
from dutydesk.rosters.model import RotationMember, SeatPattern
from dutydesk.rosters.planning import patterns, rotations
from dutydesk.rosters.planning.queries import rotations_of
from dutydesk.rosters.planning.setup_views import seat_views
from dutydesk.rosters.rules.patterning import Held, Span, hours_of, minutes_of, pattern_faults
from dutydesk.rosters.rules.slots import slots_of
from tests.builders import build_bureau

TODAY = date(2026, 11, 23)
TOMORROW = TODAY + timedelta(days=1)
ALL = ["workday", "makeup", "rest", "holiday", "sensitive"]


def spans(*told):
    return tuple(Span(time.fromisoformat(starts), minutes, *more) for starts, minutes, *more in told)


def faults(seat, *told, valid_from=TOMORROW):
    return [(one.field, one.text) for one in pattern_faults(Held(seat, spans(*told)), valid_from, TODAY)]


# ----------------------------------------------------------------------------------------------------------------------
# What a pattern must be


@pytest.mark.parametrize(
    "told",
    [
        [("08:30", 1440)],
        [("08:30", 540), ("17:30", 900)],
        [("00:00", 480), ("08:00", 480), ("16:00", 480, 2)],
    ],
)
def test_a_whole_day_is_accepted(told):
    assert faults("leader", *told) == []


def test_a_hole_in_what_is_held_around_the_clock_is_refused_with_its_times():
    found = pattern_faults(Held("leader", spans(("08:30", 540), ("18:00", 870))), TOMORROW, TODAY)
    assert [one.field for one in found] == ["spans"]
    assert dict(found[0].values) == {"from_at": "17:30", "until_at": "18:00"}


def test_a_hole_is_nothing_where_the_seat_need_not_be_held_around_the_clock():
    assert faults("standby", ("18:00", 870)) == []
    assert faults("standby") == []


@pytest.mark.parametrize(
    "told",
    [[("08:30", 600), ("17:30", 900)], [("08:30", 1440), ("20:00", 60)], [("08:30", 1440), ("08:30", 1440)]],
)
def test_overlapping_shifts_are_refused(told):
    assert [field for field, _ in faults("supervisor", *told)] == ["spans"]


@pytest.mark.parametrize(
    ("told", "field"),
    [
        (("08:30", 0), "hours1"),
        (("08:30", 1441), "hours1"),
        (("08:30", 1440, 0), "count1"),
        (("08:30", 1440, 10), "count1"),
    ],
)
def test_lengths_and_numbers_that_cannot_be_are_refused(told, field):
    assert [one for one, _ in faults("leader", told)] == [field]


def test_a_seat_that_must_be_held_needs_a_shift():
    assert [field for field, _ in faults("operator_primary")] == ["spans"]


def test_the_past_is_not_rewritten():
    assert [field for field, _ in faults("leader", ("08:30", 1440), valid_from=TODAY)] == ["valid_from"]


@pytest.mark.parametrize(
    ("typed", "minutes"), [("24", 1440), ("9.5", 570), ("9:30", 570), ("14：30", 870), ("0", 0)]
)
def test_hours_are_typed_as_people_write_them(typed, minutes):
    assert minutes_of(typed) == minutes


@pytest.mark.parametrize("typed", ["", "一天", "9.55", "-3", "1e3", "240000"])
def test_what_is_no_length_is_none(typed):
    assert minutes_of(typed) is None


def test_a_length_is_shown_as_it_is_typed():
    assert [hours_of(1440), hours_of(570)] == ["24", "9:30"]


# ----------------------------------------------------------------------------------------------------------------------
# Laying down


@pytest.fixture
async def canteen(db, clock):
    bureau = await build_bureau(db, clock.now())
    async with db.read() as session:
        return bureau, await people.unit_by_code(session, "canteen")


async def laid(db, unit):
    async with db.read() as session:
        return (await patterns_of(session, [unit.id])).get(unit.id, [])


async def lay(db, site, clock, unit, held, classes=ALL, valid_from=TOMORROW):
    async with db.write() as session:
        await patterns.lay_down(session, site, clock.now(), "吴芳", unit, classes, held, valid_from)


async def test_the_first_pattern_of_a_unit_leaves_everything_else_as_it_was(db, site, clock, canteen):
    _, unit = canteen
    async with db.read() as session:
        before = await patterns.patterns_in_force(session, site, unit)
    two = Held("leader", spans(("08:30", 720), ("20:30", 720)), "on_post", signs_in=True)
    await lay(db, site, clock, unit, two, ["rest"], date(2026, 12, 1))
    after = await laid(db, unit)

    def slots(which, first, last):
        return [
            (one.seat, one.starts_at, one.ends_at, one.mode)
            for one in slots_of(which, Calendar(), unit.id, first, last, site.zone)
        ]

    # Until the end of November nothing has changed, not even in the past.
    assert slots(after, date(2026, 10, 1), date(2026, 12, 1)) == slots(
        before, date(2026, 10, 1), date(2026, 12, 1)
    )
    # 5 December 2026 is a Saturday.
    weekend = slots(after, date(2026, 12, 5), date(2026, 12, 6))
    assert [(seat, mode) for seat, _, _, mode in weekend if seat == "leader"] == [("leader", "on_post")] * 2
    assert slots(after, date(2026, 12, 7), date(2026, 12, 9)) == slots(
        before, date(2026, 12, 7), date(2026, 12, 9)
    )


async def test_a_later_pattern_replaces_what_was_to_hold_from_then_on(db, site, clock, canteen):
    _, unit = canteen
    await lay(db, site, clock, unit, Held("leader", spans(("09:00", 1440))), valid_from=date(2026, 12, 10))
    await lay(db, site, clock, unit, Held("leader", spans(("07:00", 1440))), valid_from=date(2026, 12, 5))
    starts = {
        one.starts
        for one in await laid(db, unit)
        if one.seat == "leader" and one.holds(date(2026, 12, 20), "workday")
    }
    assert starts == {time(7, 0)}


async def test_back_to_the_default_of_the_duty_class(db, site, clock, canteen):
    _, unit = canteen
    await lay(db, site, clock, unit, Held("leader", spans(("09:00", 1440))))
    await lay(db, site, clock, unit, Held("standby", spans(("18:00", 870))))
    async with db.write() as session:
        for seat in ("leader", "standby"):
            await patterns.back_to_default(session, site, clock.now(), "吴芳", unit, seat, date(2026, 12, 1))
    views = {one.seat: one for one in seat_views(await laid(db, unit), date(2026, 12, 2))}
    assert {one.starts for line in views["leader"].lines for one in line.patterns} == {time(8, 30)}
    assert "standby" not in views


async def test_a_refused_pattern_leaves_nothing_behind(db, site, clock, canteen):
    _, unit = canteen
    with pytest.raises(InvalidInputError):
        await lay(db, site, clock, unit, Held("leader", spans(("08:30", 600))))
    assert await laid(db, unit) == []


# ----------------------------------------------------------------------------------------------------------------------
# Rotations


async def begun(db, site, clock, unit, **changes):
    told = {"seat": "leader", "name": "带班领导", "day_classes": ALL} | changes
    async with db.write() as session:
        return (await rotations.begin_rotation(session, site, clock.now(), "吴芳", unit, **told)).id


async def order(db, unit, day=TODAY):
    async with db.read() as session:
        found = (await rotations_of(session, [unit.id]))[unit.id]
    return [one.person_id for one in found[0].members if one.active(day)]


async def test_members_join_at_the_end_move_and_leave_from_a_day_on(db, site, clock, canteen):
    bureau, unit = canteen
    key = await begun(db, site, clock, unit)
    people_ids = [bureau.canteen_leader.id, bureau.canteen_head.id, bureau.canteen_operator.id]
    async with db.write() as session:
        made = [
            await rotations.join(session, clock.now(), "吴芳", unit, key, person_id=one, joined_on=TODAY)
            for one in people_ids
        ]
    assert await order(db, unit) == people_ids
    async with db.write() as session:
        await rotations.reorder(session, clock.now(), "吴芳", unit, key, [made[2].id, made[0].id, made[1].id])
        await rotations.leave(session, clock.now(), "吴芳", unit, key, made[0].id, TOMORROW)
    assert await order(db, unit) == [people_ids[2], people_ids[0], people_ids[1]]
    assert await order(db, unit, TOMORROW) == [people_ids[2], people_ids[1]]
    async with db.write() as session:
        with pytest.raises(InvalidInputError, match="早于加入"):
            await rotations.leave(
                session, clock.now(), "吴芳", unit, key, made[1].id, TODAY - timedelta(days=1)
            )
        with pytest.raises(InvalidInputError, match="已在这个轮值组"):
            await rotations.join(
                session, clock.now(), "吴芳", unit, key, person_id=people_ids[1], joined_on=TODAY
            )
        # Who left may come back.
        await rotations.join(
            session, clock.now(), "吴芳", unit, key, person_id=people_ids[0], joined_on=date(2026, 12, 10)
        )
    assert await order(db, unit, date(2026, 12, 10)) == [people_ids[2], people_ids[1], people_ids[0]]


async def test_a_seat_of_one_person_has_one_rotation_for_each_class_of_days(db, site, clock, canteen):
    _, unit = canteen
    await begun(db, site, clock, unit, day_classes=["workday"])
    await begun(db, site, clock, unit, name="休息日", day_classes=["rest", "holiday"])
    with pytest.raises(InvalidInputError, match="已有轮值组"):
        await begun(db, site, clock, unit, name="又一组", day_classes=["makeup", "rest"])


async def test_an_ended_rotation_is_not_changed_any_more(db, site, clock, canteen):
    bureau, unit = canteen
    key = await begun(db, site, clock, unit)
    async with db.write() as session:
        await rotations.end_rotation(session, clock.now(), "吴芳", unit, key)
    async with db.write() as session:
        with pytest.raises(ConflictError, match="已停用"):
            await rotations.join(
                session, clock.now(), "吴芳", unit, key, person_id=bureau.canteen_head.id, joined_on=TODAY
            )
    async with db.read() as session:
        assert await rotations_of(session, [unit.id]) == {}


# ----------------------------------------------------------------------------------------------------------------------
# Pages and API


async def test_the_office_lays_down_a_pattern_on_its_page(browser_of, db, canteen):
    office = await browser_of("office")
    shown = await office.get("/rosters/setup/canteen/seats/leader?day_class=rest")
    assert 'value="24"' in shown.text
    sent = {
        "class_rest": "yes",
        "starts1": "8:30",
        "hours1": "9",
        "count1": "1",
        "starts2": "18:00",
        "hours2": "14:30",
        "mode": "on_post",
        "signs_in": "yes",
        "valid_from": "2026-12-01",
    }
    refused = await office.post("/rosters/setup/canteen/seats/leader", data=sent)
    assert refused.status_code == 422
    assert "17:30至18:00没有人值班" in refused.text
    assert 'value="14:30"' in refused.text
    done = await office.post(
        "/rosters/setup/canteen/seats/leader", data=sent | {"starts2": "17:30", "hours2": "15"}
    )
    assert done.status_code == 303
    page = (await office.get("/rosters/setup/canteen")).text
    assert "2026-12-01起" in page
    async with db.read() as session:
        rows = list(
            await session.exec(select(SeatPattern).where(col(SeatPattern.valid_from) == date(2026, 12, 1)))
        )
        told = list(await session.exec(select(AuditEntry).where(col(AuditEntry.action) == "pattern.changed")))
    assert [(one.day_class, one.minutes, one.mode, one.signs_in) for one in rows] == [
        ("rest", 540, "on_post", True),
        ("rest", 900, "on_post", True),
    ]
    assert len(told) == 1


async def test_a_unit_contact_keeps_the_rotations_of_its_own_unit_only(browser_of, db, canteen):
    bureau, _ = canteen
    contact = await browser_of("unit", unit="canteen")
    assert (await contact.get("/rosters/setup")).headers["location"] == "/rosters/setup/canteen"
    assert (await contact.get("/rosters/setup/motor")).status_code == 404
    assert (await contact.get("/rosters/setup/canteen/seats/leader")).status_code == 403
    form = {"seat": "leader", "name": "带班领导", "pays_back": "yes"} | {f"class_{one}": "yes" for one in ALL}
    made = await contact.post("/rosters/setup/canteen/rotations/new", data=form)
    assert made.status_code == 303
    there = made.headers["location"]
    assert (await contact.post(f"{there.replace('canteen', 'motor')}/members", data={})).status_code == 404
    foreign = {"person": str(bureau.motor_leader.id), "joined_on": "2026-11-23"}
    assert (await contact.post(f"{there}/members", data=foreign)).status_code == 422
    own = {"person": str(bureau.canteen_leader.id), "joined_on": "2026-11-23"}
    assert (await contact.post(f"{there}/members", data=own)).status_code == 303
    assert "王敏" in (await contact.get(there)).text
    async with db.read() as session:
        assert [one.person_id for one in await session.exec(select(RotationMember))] == [
            bureau.canteen_leader.id
        ]


async def test_a_rotation_is_kept_through_the_api(api, canteen):
    bureau, _ = canteen
    made = await api.post(
        "/api/v1/rotations",
        json={"unit": "canteen", "seat": "leader", "name": "带班领导", "day_classes": ALL},
        headers={"Idempotency-Key": "one"},
    )
    assert made.status_code == 201
    key = made.json()["id"]
    for person in (bureau.canteen_leader.id, bureau.canteen_head.id):
        joined = await api.post(
            f"/api/v1/rotations/{key}/members", json={"person": person, "joined_on": "2026-11-23"}
        )
        assert joined.status_code == 201
    ids = [one["id"] for one in joined.json()["members"]]
    turned = await api.post(f"/api/v1/rotations/{key}/order", json={"members": ids[::-1]})
    assert [one["id"] for one in turned.json()["members"]] == ids[::-1]
    left = await api.post(f"/api/v1/rotations/{key}/members/{ids[0]}/leave", json={"left_on": "2026-12-01"})
    assert left.json()["members"][1]["left_on"] == "2026-12-01"
    listed = (await api.get("/api/v1/rotations?unit=canteen")).json()
    assert [one["name"] for one in listed["items"]] == ["带班领导"]
    ended = await api.post(f"/api/v1/rotations/{key}/end")
    assert ended.json()["ended"] is True
    assert (await api.post(f"/api/v1/rotations/{key}/end")).status_code == 409
    assert (await api.get("/api/v1/rotations?unit=canteen")).json()["items"] == []


async def test_a_pattern_is_laid_down_through_the_api(api, canteen):
    body = {
        "unit": "canteen",
        "seat": "standby",
        "day_classes": ["rest"],
        "spans": [{"starts": "18:00", "minutes": 870, "count": 2}],
        "valid_from": "2026-12-01",
    }
    assert (await api.post("/api/v1/seat-patterns", json=body)).status_code == 201
    listed = (await api.get("/api/v1/seat-patterns?unit=canteen&limit=500")).json()["items"]
    assert [(one["starts"], one["count"]) for one in listed if one["seat"] == "standby"] == [("18:00:00", 2)]
    refused = await api.post(
        "/api/v1/seat-patterns", json=body | {"spans": [{"starts": "18:00", "minutes": 0}]}
    )
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["field"] == "hours1"
    back = {"unit": "canteen", "seat": "standby", "valid_from": "2026-12-05"}
    assert (await api.post("/api/v1/seat-patterns/default", json=back)).status_code == 201

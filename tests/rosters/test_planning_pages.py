"""Generating on the page and through the API, why somebody has a shift, the ledger, and many units at once."""

from datetime import UTC, date, datetime, timedelta
from zlib import crc32
from zoneinfo import ZoneInfo

import pytest
from sqlmodel import col, select

from dutydesk.bench import rosters as bench
from dutydesk.people.actions import NewContact, create_person, create_unit
from dutydesk.people.model import ContactPoint, Person
from dutydesk.rosters.model import Rotation, RotationMember, SeatHolder, Shift
from dutydesk.rosters.planning import actions as planning
from dutydesk.rosters.planning.bulk import generate_many
from dutydesk.rosters.planning.explaining import Names, explained
from dutydesk.rosters.rules import HolderRow, PlannedShift
from dutydesk.rosters.rules.fairness import Load, Served, balances, holds_night, loads_of, served_of
from dutydesk.settings import Settings

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
DECEMBER, JANUARY = date(2026, 12, 1), date(2027, 1, 1)
ALL = ["workday", "makeup", "rest", "holiday", "sensitive"]
NAMES = ("王敏", "李强", "赵杰", "孙丽")


async def a_unit(session, now, code, *, people=None):
    """A unit with rotations of both seats; *people* sit in it instead of its own."""
    made = await create_unit(
        session, now, "office", code=code, name=f"{code}单位", kind="subordinate", parent="DESK"
    )
    for seat in ("leader", "operator_primary"):
        members = (people or {}).get(seat)
        if members is None:
            members = []
            for at, name in enumerate(NAMES):
                digits = crc32(f"{code}{seat}".encode()) % 10_000_000
                number = f"138{digits:07d}{at}"
                contact = [NewContact("mobile", number)]
                title = f"{name}{seat[:1]}"
                one = await create_person(session, now, "office", name=title, unit=code, contacts=contact)
                (await session.get(Person, one.id)).rank = "unit_deputy"
                members.append(one.id)
        rotation = Rotation(
            unit_id=made.id, seat=seat, name=f"{seat}组", day_classes=ALL, created_at=now, created_by="office"
        )
        session.add(rotation)
        await session.flush()
        session.add_all(
            RotationMember(rotation_id=rotation.id, person_id=one, position=at, joined_on=date(2026, 1, 1))
            for at, one in enumerate(members)
        )
        yield seat, members
    for point in await session.exec(select(ContactPoint)):
        point.confirmed_at = now + 20 * DAY
        session.add(point)
    yield "unit", made


async def built(session, now, code, **more):
    return {name: found async for name, found in a_unit(session, now, code, **more)}


@pytest.fixture
async def canteen(db, clock):
    now = clock.now()
    async with db.write() as session:
        await create_unit(session, now, "office", code="DESK", name="局值班室", kind="desk")
        return await built(session, now, "canteen")


SPAN = {"start": "2026-12-01", "end": "2026-12-31", "seat_leader": "yes", "seat_operator_primary": "yes"}


async def test_the_preview_writes_nothing_and_the_button_does(browser_of, db, canteen):
    office = await browser_of("office")
    asked = await office.get("/rosters/canteen/2026-12/generate")
    assert 'value="2026-12-31"' in asked.text
    shown = await office.get("/rosters/canteen/2026-12/generate", params=SPAN | {"show": "yes"})
    assert shown.status_code == 200
    assert "62班" in shown.text
    async with db.read() as session:
        assert list(await session.exec(select(Shift))) == []
    written = await office.post("/rosters/canteen/2026-12/generate", data=SPAN)
    assert (written.status_code, written.headers["location"]) == (303, "/rosters/canteen/2026-12")
    async with db.read() as session:
        assert len(list(await session.exec(select(Shift)))) == 62
    cleared = await office.post("/rosters/canteen/2026-12/clear")
    assert cleared.status_code == 303
    async with db.read() as session:
        assert list(await session.exec(select(Shift))) == []


async def test_the_preview_shows_a_hole_with_each_members_reason(browser_of, db, canteen):
    async with db.write() as session:
        for person_id in canteen["leader"]:
            (await session.get(Person, person_id)).rank = "staff"
    office = await browser_of("office")
    shown = await office.get("/rosters/canteen/2026-12/generate", params=SPAN | {"show": "yes"})
    assert "王敏l：职务不够带班条件" in shown.text


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"end": "2026-11-01"}, "结束日期不能早于开始日期"),
        ({"end": "2029-11-01"}, "一次最多生成400天"),
        ({"start": "昨天"}, "日期格式不对"),
        ({"seat_leader": "", "seat_operator_primary": ""}, "请至少选择一个席位"),
    ],
)
async def test_a_span_that_cannot_be_is_refused_with_a_sentence(browser_of, canteen, changes, said):
    office = await browser_of("office")
    refused = await office.get("/rosters/canteen/2026-12/generate", params=SPAN | {"show": "yes"} | changes)
    assert refused.status_code == 422
    assert said in refused.text


async def test_a_unit_contact_generates_its_own_unit_only(browser_of, db, clock, canteen):
    async with db.write() as session:
        await built(session, clock.now(), "motor")
    contact = await browser_of("unit", unit="canteen")
    assert (await contact.post("/rosters/canteen/2026-12/generate", data=SPAN)).status_code == 303
    assert (await contact.post("/rosters/motor/2026-12/generate", data=SPAN)).status_code == 404
    assert (await contact.get("/rosters/motor/fairness")).status_code == 404


async def test_the_api_previews_and_generates(api, db, canteen):
    body = {"unit": "canteen", "start": "2026-12-01", "end": "2026-12-31", "dry_run": True}
    dry = await api.post("/api/v1/rosters/generate", json=body)
    assert dry.json() == {"made": 62, "kept": 0, "replaced": 0, "holes": []}
    async with db.read() as session:
        assert list(await session.exec(select(Shift))) == []
    assert (await api.post("/api/v1/rosters/generate", json=body | {"dry_run": False})).json()["made"] == 62
    again = await api.post("/api/v1/rosters/generate", json=body | {"dry_run": False})
    assert again.json()["replaced"] == 62
    year = await api.post("/api/v1/rosters/generate", json=body | {"end": "2027-11-30", "dry_run": False})
    assert year.status_code == 422


# ----------------------------------------------------------------------------------------------------------------------
# Why me?


def said(why, **names):
    return explained(
        why, Names(**{"owner": "王敏", "rotation": "带班领导", "day_class": "rest"} | names), UTC
    )


def test_a_turn_is_explained_by_its_rotation_and_day():
    assert said({"code": "TURN", "at": 3}) == "按轮值组“带班领导”第3位，休息日轮到本人"


def test_a_substitution_is_explained_by_the_leave_and_when_it_is_given_back():
    why = {
        "code": "INSTEAD",
        "at": 3,
        "faults": ["AWAY"],
        "back": True,
        "from": "2026-12-05T00:00:00+00:00",
        "until": "2026-12-09T00:00:00+00:00",
    }
    assert said(why) == "轮到王敏（12月5日至12月8日请假），由本人代，下次轮到本人时由王敏还班"


def test_what_was_given_back_is_explained():
    assert said({"code": "PAYBACK", "at": 1}) == "轮到王敏，由本人还班：王敏此前代过本人的班"


def test_what_somebody_decided_is_explained_by_who_and_why():
    why = {"code": "BY_HAND", "by": "吴芳", "reason": "换届会", "before": 7}
    assert said(why, persons={7: "李强"}, owner="") == "由吴芳指定，原为李强，理由：换届会"


def test_a_damaged_or_missing_reason_says_nothing():
    assert said({}) == ""
    assert said({"code": "OTHER"}) == ""
    assert "请假外出" in said({"code": "INSTEAD", "faults": ["AWAY"], "from": "?", "until": None})


async def test_the_page_of_a_shift_says_why_and_who_was_really_there(browser_of, db, site, clock, canteen):
    async with db.write() as session:
        await planning.generate(session, site, clock.now(), "吴芳", canteen["unit"].id, DECEMBER, JANUARY)
    async with db.write() as session:
        row = (await session.exec(select(Shift).where(col(Shift.seat) == "leader"))).first()
        session.add(
            SeatHolder(
                unit_id=row.unit_id,
                seat=row.seat,
                person_id=canteen["leader"][2],
                from_at=row.starts_at,
                until_at=row.ends_at,
                instead_of_shift_id=row.id,
                reason="临时出差",
                created_at=clock.now(),
            )
        )
    operator = await browser_of("operator")
    page = (await operator.get(f"/rosters/shifts/{row.id}")).text
    assert "按轮值组“leader组”第1位" in page
    assert "临时出差" in page
    other = await browser_of("unit", unit="DESK")
    assert (await other.get(f"/rosters/shifts/{row.id}")).status_code == 404
    assert (await operator.get("/rosters/shifts/99999")).status_code == 404


async def test_the_api_says_why(api, db, site, clock, canteen):
    async with db.write() as session:
        await planning.generate(session, site, clock.now(), "吴芳", canteen["unit"].id, DECEMBER, JANUARY)
        row = (await session.exec(select(Shift).where(col(Shift.seat) == "leader"))).first()
    answer = (await api.get(f"/api/v1/shifts/{row.id}/why")).json()
    assert answer["why"] == {"code": "TURN", "at": 1}
    assert answer["text"].startswith("按轮值组")
    assert (answer["person"], answer["owner"]) == (row.person_id, row.owner_id)


# ----------------------------------------------------------------------------------------------------------------------
# Fairness


AT = datetime(2026, 12, 4, 0, 30, tzinfo=UTC)


def a_shift(number, person, begins, hours=24):
    return PlannedShift(number, 1, "leader", person, begins, begins + hours * HOUR, "on_call")


def test_a_substitute_is_credited_with_what_was_served():
    shift = a_shift(1, 7, AT)
    row = HolderRow(1, 1, "leader", 8, AT + 18 * HOUR, AT + 24 * HOUR, 1)
    found = loads_of(served_of([shift], [row], {1: "holiday"}, AT + 2 * DAY), UTC)
    assert found[7] == Load(7, shifts=1, hours=18, nights=1, holidays=1)
    assert found[8] == Load(8, hours=6)


def test_a_vacated_seat_is_nobodys_turn():
    row = HolderRow(1, 1, "leader", None, AT, AT + DAY, 1)
    assert served_of([a_shift(1, 7, AT)], [row], {}, AT) == []


def test_what_is_ahead_is_planned():
    found = served_of([a_shift(1, 7, AT), a_shift(2, 7, AT + DAY)], [], {}, AT + HOUR)
    assert [one.planned for one in found] == [False, True]


def test_balances_are_hours_from_the_mean():
    loads = {1: Load(1, hours=48), 2: Load(2, hours=24), 3: Load(3)}
    assert balances(loads) == {1: 24, 2: 0, 3: -24}
    assert balances({}) == {}


@pytest.mark.parametrize(
    ("begins", "hours", "night"), [(8, 9, False), (13, 9, False), (13, 10, True), (5, 4, True), (6, 2, False)]
)
def test_a_night_is_any_hour_from_22_to_6(begins, hours, night):
    starts = datetime(2026, 12, 4, begins, tzinfo=UTC)
    assert holds_night(starts, starts + hours * HOUR, UTC) is night


def test_loads_count_classes_of_days_apart():
    turns = [
        Served(7, "leader", day_class, AT + at * DAY, AT + at * DAY + 9 * HOUR)
        for at, day_class in enumerate(["workday", "rest", "rest", "holiday", "sensitive"])
    ]
    assert loads_of(turns, ZoneInfo("Asia/Shanghai"))[7] == Load(7, 5, 45.0, 0, 2, 1, 1)


async def test_the_ledger_shows_what_was_served_and_what_is_planned(
    browser_of, api, db, site, clock, canteen
):
    async with db.write() as session:
        await planning.generate(session, site, clock.now(), "吴芳", canteen["unit"].id, DECEMBER, JANUARY)
        for row in await session.exec(select(Shift)):
            row.state = "published"
    clock.set(datetime(2026, 12, 16, 0, tzinfo=UTC))
    told = {"unit": "canteen", "from": "2026-12-01", "until": "2026-12-31"}
    answer = (await api.get("/api/v1/fairness", params=told)).json()
    leaders = next(one for one in answer["seats"] if one["seat"] == "leader")["accounts"]
    assert sum(one["served"]["shifts"] for one in leaders) == 15
    assert sum(one["planned"]["shifts"] for one in leaders) == 16
    assert abs(sum(one["balance"] for one in leaders)) < 0.1
    office = await browser_of("office")
    page = await office.get("/rosters/canteen/fairness", params=told)
    assert page.status_code == 200
    assert "王敏l" in page.text
    wrong = await office.get(
        "/rosters/canteen/fairness", params={"from": "2026-12-31", "until": "2026-12-01"}
    )
    assert wrong.status_code == 422


# ----------------------------------------------------------------------------------------------------------------------
# Many units


async def test_many_units_at_once_are_planned_as_each_alone_and_nobody_twice(db, site, clock, canteen):
    now = clock.now()
    async with db.write() as session:
        motor = await built(session, now, "motor")
        # The archive has no leaders of its own: the canteen's serve there as well.
        archive = await built(session, now, "archive", people={"leader": canteen["leader"]})
        alone = await planning.preview(session, site, now, motor["unit"].id, DECEMBER, JANUARY)
    told = []
    units = [one["unit"].id for one in (canteen, motor, archive)]
    totals = await generate_many(site, now, "吴芳", units, DECEMBER, JANUARY, told.append)
    assert (totals.units, sum(told)) == (3, 3)
    async with db.read() as session:
        rows = list(await session.exec(select(Shift).order_by(col(Shift.starts_at), col(Shift.id))))
    assert len(rows) == totals.made
    mine = [(one.starts_at, one.seat, one.person_id) for one in rows if one.unit_id == motor["unit"].id]
    assert sorted(mine) == sorted((one.slot.starts_at, one.slot.seat, one.person_id) for one in alone.made)
    taken = [(one.starts_at, one.person_id) for one in rows]
    assert len(set(taken)) == len(taken)
    # Doing it again replaces every draft by the same.
    await generate_many(site, now, "吴芳", units, DECEMBER, JANUARY)
    async with db.read() as session:
        again = list(await session.exec(select(Shift).order_by(col(Shift.starts_at), col(Shift.id))))
    key = [(one.unit_id, one.starts_at, one.seat, one.person_id) for one in rows]
    assert sorted(key) == sorted((one.unit_id, one.starts_at, one.seat, one.person_id) for one in again)


async def test_the_bench_measures_a_small_bureau(database_url):
    load = bench.Load(units=2, days=10, held_units=3, held_days=20, looks=10)
    found = await bench.measure(load, Settings(database_url=database_url).database_url)
    assert (found.totals.made, found.totals.holes) == (120, 0)
    assert len(found.looks) == len(found.bare) == 10

"""Who held which seat over a span: pure segments, then the page, the API and the command."""

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dutydesk.errors import InvalidInputError
from dutydesk.rosters.actions import stand_in
from dutydesk.rosters.queries import list_shifts
from dutydesk.rosters.rules import HolderRow, PlannedShift, holders
from dutydesk.rosters.rules.spans import Segment, segments_of
from dutydesk.rosters.views.lines import span_lines
from dutydesk.rosters.views.who import checked_span
from tests.builders import build_bureau

ZONE = ZoneInfo("Asia/Shanghai")
T = datetime(2026, 12, 1, 0, 30, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def shift(number, person, starts, ends, seat="leader"):
    return PlannedShift(number, 1, seat, person, starts, ends, "on_call")


def row(number, person, from_at, until_at, instead=None, seat="leader"):
    return HolderRow(number, 1, seat, person, from_at, until_at, instead)


def told(segments):
    return [(one.person_id, one.since, one.until, one.planned) for one in segments]


def test_a_substitute_for_some_hours_cuts_the_shift_in_three():
    found = segments_of([shift(1, 7, T, T + DAY)], [row(1, 8, T + HOUR, T + 3 * HOUR, 1)], T, T + DAY)
    assert told(found) == [
        (7, T, T + HOUR, True),
        (8, T + HOUR, T + 3 * HOUR, False),
        (7, T + 3 * HOUR, T + DAY, True),
    ]


def test_two_turns_of_the_same_person_in_a_row_are_one_segment():
    found = segments_of([shift(1, 7, T, T + DAY), shift(2, 7, T + DAY, T + 2 * DAY)], [], T, T + 2 * DAY)
    assert told(found) == [(7, T, T + 2 * DAY, True)]


def test_nobody_sits_where_a_leave_struck_the_shift():
    found = segments_of([shift(1, 7, T, T + DAY)], [row(1, None, T, T + DAY, 1)], T, T + DAY)
    assert found == []


def test_an_unsigned_handover_keeps_the_outgoing_one_beside_the_incoming_one_to_the_end_of_the_span():
    shifts = [shift(1, 7, T - DAY, T), shift(2, 8, T, T + DAY)]
    found = segments_of(shifts, [row(1, 7, T, None)], T - HOUR, T + HOUR)
    assert told(found) == [
        (7, T - HOUR, T, True),
        (7, T, T + HOUR, False),
        (8, T, T + HOUR, True),
    ]


def test_a_span_cuts_what_reaches_beyond_it():
    found = segments_of([shift(1, 7, T - DAY, T + DAY)], [], T, T + HOUR)
    assert found == [Segment(1, "leader", 7, T, T + HOUR, planned=True, mode="on_call")]


@st.composite
def plans(draw):
    hours = st.integers(0, 72)
    shifts = []
    for number in range(draw(st.integers(0, 6))):
        begins, length = draw(hours), draw(st.integers(1, 48))
        seat = draw(st.sampled_from(["leader", "operator_primary"]))
        person = draw(st.integers(1, 4))
        shifts.append(shift(number + 1, person, T + begins * HOUR, T + (begins + length) * HOUR, seat))
    rows = []
    for number in range(draw(st.integers(0, 5))):
        begins = draw(hours)
        until = draw(st.one_of(st.none(), st.integers(begins + 1, 130)))
        instead = draw(st.one_of(st.none(), st.sampled_from(shifts))) if shifts else None
        person = draw(st.integers(1, 4)) if instead is None else draw(st.one_of(st.none(), st.integers(1, 4)))
        rows.append(
            row(
                number + 1,
                person,
                T + begins * HOUR,
                None if until is None else T + until * HOUR,
                None if instead is None else instead.id,
                "leader" if instead is None else instead.seat,
            )
        )
    return shifts, rows


@given(plans(), st.integers(0, 119))
def test_segments_say_at_every_instant_what_holders_says(plan, hour):
    shifts, rows = plan
    at = T + hour * HOUR + timedelta(minutes=30)
    segments = segments_of(shifts, rows, T, T + 120 * HOUR)
    found = {(one.seat, one.person_id, one.planned) for one in segments if one.since <= at < one.until}
    assert found == {(one.seat, one.person_id, one.planned) for one in holders(shifts, rows, at)}


@given(plans())
def test_no_two_segments_of_a_person_on_a_seat_overlap_or_could_be_joined(plan):
    shifts, rows = plan
    last = {}
    for one in segments_of(shifts, rows, T, T + 120 * HOUR):
        before = last.get((one.seat, one.person_id))
        assert before is None or before.until < one.since or before.planned != one.planned
        last[one.seat, one.person_id] = one


def test_a_span_that_ends_before_it_begins_or_is_too_long_says_so():
    with pytest.raises(InvalidInputError, match="晚于开始时间"):
        checked_span(T, T, several=False)
    checked_span(T, T + 99 * DAY, several=False)
    with pytest.raises(InvalidInputError, match="只查一个单位"):
        checked_span(T, T + 99 * DAY, several=True)


@pytest.fixture
async def substituted(site):
    """The bureau, with 孙丽华 on the desk leader's seat from 15:00 to 17:00 today."""
    now = site.clock.now()
    bureau = await build_bureau(site.db, now, until=now + 7 * DAY)
    async with site.db.write() as session:
        planned = next(
            one
            for one in await list_shifts(session, unit_id=bureau.desk.id, from_at=now, until_at=now + HOUR)
            if one.seat == "leader"
        )
        await stand_in(
            session,
            now,
            "办公室",
            shift_id=planned.id,
            person=bureau.desk_standby.id,
            reason="开会",
            from_at=now + HOUR,
            until_at=now + 3 * HOUR,
        )
    return bureau


def as_typed(moment):
    return f"{moment.astimezone(ZONE):%Y-%m-%dT%H:%M}"


async def test_the_page_shows_over_a_span_who_sat_there_and_whom_the_plan_had(site, browser_of, substituted):
    now = site.clock.now()
    office = await browser_of("office")
    asked = {"unit": "desk", "from": as_typed(now), "until": as_typed(now + 4 * HOUR)}
    text = (await office.get("/rosters/who", params=asked)).text
    line = re.search(r"<tr>(?:(?!</tr>).)*孙丽华.*?</tr>", text, re.DOTALL)[0]
    assert "15:00" in line
    assert "17:00" in line
    assert "赵建国" in line
    assert "调" in line


async def test_the_page_says_who_is_there_now_and_at_a_time_that_is_typed(site, browser_of, substituted):
    office = await browser_of("office")
    now = site.clock.now()
    assert "赵建国" in (await office.get("/rosters/who?unit=desk")).text
    later = await office.get("/rosters/who", params={"unit": "desk", "at": as_typed(now + 2 * HOUR)})
    leader = re.search(r"带班领导</span>.*?</li>", later.text, re.DOTALL)[0]
    assert "孙丽华" in leader
    assert "赵建国" not in leader


async def test_an_empty_seat_is_shouted_on_the_page(site, browser_of, substituted):
    office = await browser_of("office")
    far = as_typed(site.clock.now() + 20 * DAY)
    text = (await office.get("/rosters/who", params={"unit": "canteen", "at": far})).text
    assert text.count("空缺") == 2


async def test_numbers_are_masked_for_whoever_may_not_read_them(browser_of, substituted):
    full = substituted.desk_leader.mobile[3:]
    shown = re.sub(r"\s", "", (await (await browser_of("operator")).get("/rosters/who?unit=desk")).text)
    hidden = re.sub(r"\s", "", (await (await browser_of("inspector")).get("/rosters/who?unit=desk")).text)
    assert full in shown
    assert full not in hidden


async def test_half_a_span_and_a_time_that_is_none_keep_what_was_typed_and_say_what_is_wrong(
    browser_of, substituted
):
    office = await browser_of("office")
    half = await office.get("/rosters/who", params={"from": "2026-11-23T08:30"})
    assert half.status_code == 422
    assert 'value="2026-11-23T08:30"' in half.text
    wrong = await office.get("/rosters/who", params={"at": "yesterday"})
    assert wrong.status_code == 422
    assert "时间格式不对" in wrong.text
    backwards = {"unit": "desk", "from": "2026-11-24T08:30", "until": "2026-11-23T08:30"}
    assert "结束时间应晚于开始时间" in (await office.get("/rosters/who", params=backwards)).text


async def test_a_unit_contact_sees_its_own_unit_only(browser_of, substituted):
    contact = await browser_of("unit", unit="canteen")
    text = (await contact.get("/rosters/who")).text
    assert "机关食堂" in text
    assert "公务用车中心" not in text
    assert (await contact.get("/rosters/who?unit=motor")).status_code == 404


async def test_the_api_answers_a_span_with_segments_and_gaps(site, api, substituted):
    now = site.clock.now()
    asked = {"unit": "desk", "from": now.isoformat(), "until": (now + 4 * HOUR).isoformat()}
    answer = (await api.get("/api/v1/on-duty", params=asked)).json()
    leaders = [one for one in answer["segments"] if one["seat"] == "leader"]
    assert [one["person"]["name"] for one in leaders] == ["赵建国", "孙丽华", "赵建国"]
    assert leaders[1]["planned"] is False
    assert leaders[1]["instead_of"] == [{"id": substituted.desk_leader.id, "name": "赵建国"}]
    assert answer["gaps"] == []
    far = now + 30 * DAY
    later = {"unit": "desk", "from": far.isoformat(), "until": (far + HOUR).isoformat()}
    gaps = (await api.get("/api/v1/on-duty", params=later)).json()["gaps"]
    assert {one["seat"] for one in gaps} >= {"leader", "operator_primary"}
    assert all(datetime.fromisoformat(one["since"]) == far for one in gaps)


async def test_the_api_still_answers_an_instant_and_refuses_half_a_span(site, api, substituted):
    now = site.clock.now().isoformat()
    assert (await api.get("/api/v1/on-duty", params={"unit": "desk", "at": now})).json()["at"]
    assert (await api.get("/api/v1/on-duty", params={"from": now})).status_code == 422
    assert (await api.get("/api/v1/on-duty", params={"from": now, "until": now})).status_code == 422
    both = {"at": now, "from": now, "until": now}
    assert (await api.get("/api/v1/on-duty", params=both)).status_code == 422


async def test_the_command_prints_a_span(site, substituted):
    now = site.clock.now()
    async with site.db.read() as session:
        lines = await span_lines(session, site, now, now + 4 * HOUR, "desk")
    assert "  带班领导: 孙丽华 11-23 15:00–11-23 17:00 实际在位(原排 赵建国)" in lines

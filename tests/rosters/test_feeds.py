"""Calendar feeds: right across swaps, strikes and republication, readable by the book, and private."""

from datetime import UTC, datetime, timedelta

import pytest
from icalendar import Calendar
from sqlmodel import select

from dutydesk.rosters.actions import plan_shift, stand_in
from dutydesk.rosters.model import CalendarFeed, SeatHolder, Shift
from dutydesk.rosters.planning import actions as planning
from dutydesk.rosters.rules import HolderRow, PlannedShift
from dutydesk.rosters.rules.feeding import FeedRow, FeedShift, events_of
from tests.builders import build_bureau

NOW = datetime(2026, 11, 23, 6, tzinfo=UTC)
BEGINS = datetime(2026, 12, 1, 0, 30, tzinfo=UTC)
ENDS = BEGINS + timedelta(days=1)
PLANNED, OTHER = 1, 2


# ---------------------------------------------------------------------------------------------------------------------
# Which events there are, without a database


def shift(*rows, cancelled=False, sequence=0, changed_at=NOW):
    planned = PlannedShift(7, 3, "leader", PLANNED, BEGINS, ENDS, "on_post")
    return FeedShift(planned, cancelled, sequence, changed_at, rows)


def instead(person_id, *, from_at=BEGINS, until_at=ENDS, at=NOW, voided_at=None, number=1):
    return FeedRow(HolderRow(number, 3, "leader", person_id, from_at, until_at, 7), at, voided_at)


def of(person_id, *shifts, now=NOW):
    return [(one.uid, one.cancelled, one.sequence) for one in events_of(shifts, person_id, now)]


def test_a_turn_is_one_event_with_a_name_that_never_changes():
    assert of(PLANNED, shift()) == [("shift-7-1@dutydesk", False, 0)]


def test_whoever_gave_a_turn_away_is_told_and_whoever_took_it_has_it():
    given = shift(instead(OTHER))
    assert of(PLANNED, given) == [("shift-7-1@dutydesk", True, 1)]
    assert of(OTHER, given) == [("shift-7-2@dutydesk", False, 1)]


def test_a_change_that_was_taken_back_turns_both_round_with_a_higher_sequence():
    back = shift(instead(OTHER, voided_at=NOW + timedelta(hours=1)))
    assert of(PLANNED, back) == [("shift-7-1@dutydesk", False, 2)]
    assert of(OTHER, back) == [("shift-7-2@dutydesk", True, 2)]


def test_a_struck_and_a_cancelled_turn_are_told_as_cancelled():
    assert of(PLANNED, shift(instead(None))) == [("shift-7-1@dutydesk", True, 1)]
    assert of(PLANNED, shift(cancelled=True, sequence=1)) == [("shift-7-1@dutydesk", True, 1)]


def test_what_was_lost_is_told_for_sixty_days():
    lost = shift(cancelled=True, sequence=1)
    assert of(PLANNED, lost, now=NOW + timedelta(days=60)) != []
    assert of(PLANNED, lost, now=NOW + timedelta(days=60, seconds=1)) == []


def test_a_turn_somebody_interrupts_is_two_events_and_the_part_taken_is_another():
    noon, evening = BEGINS + timedelta(hours=4), BEGINS + timedelta(hours=10)
    one = shift(instead(OTHER, from_at=noon, until_at=evening))
    held = events_of([one], PLANNED, NOW)
    assert [(event.starts_at, event.ends_at) for event in held] == [(BEGINS, noon), (evening, ENDS)]
    assert len({event.uid for event in held}) == 2
    (taken,) = events_of([one], OTHER, NOW)
    assert (taken.starts_at, taken.ends_at) == (noon, evening)


def test_the_sequence_only_grows_whatever_happens():
    states = [
        shift(),
        shift(instead(OTHER)),
        shift(instead(OTHER, voided_at=NOW)),
        shift(instead(OTHER, voided_at=NOW), instead(None, number=2)),
        shift(instead(OTHER, voided_at=NOW), instead(None, number=2), cancelled=True, sequence=1),
    ]
    numbers = [one.number for one in states]
    assert numbers == sorted(set(numbers))


# ---------------------------------------------------------------------------------------------------------------------
# The address


@pytest.fixture
async def bureau(db, clock):
    return await build_bureau(db, clock.now(), until=clock.now() + timedelta(days=7))


@pytest.fixture
async def december(bureau, site):
    """The canteen's leader and the head lead on the 1st and the 2nd of December."""
    made = []
    async with site.db.write() as session:
        for day, person in enumerate((bureau.canteen_leader, bureau.canteen_head)):
            begins = BEGINS + timedelta(days=day)
            made.append(
                await plan_shift(
                    session,
                    site.clock.now(),
                    "办公室",
                    unit="canteen",
                    seat="leader",
                    person=person.id,
                    starts_at=begins,
                    ends_at=begins + timedelta(days=1),
                    mode="on_post",
                )
            )
    return made


async def made_feed(browser, address="/rosters/feeds/own", **values):
    page = await browser.post(address, data=values)
    assert page.status_code == 200, page.text
    return page.text.partition("<code")[2].partition(">")[2].partition("<")[0].partition(":8000")[2]


@pytest.fixture
async def feed_of(browser_of):
    async def make(person):
        return await made_feed(await browser_of("leader", person_id=person.id))

    return make


async def events(anyone, address):
    answer = await anyone.get(address)
    assert answer.status_code == 200
    made = Calendar.from_ical(answer.content)
    found = [one for one in made.walk("VEVENT") if one["DTSTART"].dt >= datetime(2026, 12, 1, tzinfo=UTC)]
    return {(str(one["UID"]), str(one["STATUS"])): one for one in found}


async def test_a_feed_is_valid_and_says_when_where_and_which_seat_in_utc(bureau, december, feed_of, anyone):
    address = await feed_of(bureau.canteen_leader)
    answer = await anyone.get(address)
    assert answer.headers["content-type"] == "text/calendar; charset=utf-8"
    assert all(len(line) <= 75 for line in answer.content.split(b"\r\n"))
    assert b"\n" not in answer.content.replace(b"\r\n", b"")
    made = Calendar.from_ical(answer.content)
    assert (made["VERSION"], made["METHOD"]) == ("2.0", "PUBLISH")
    ((_, event),) = (await events(anyone, address)).items()
    assert str(event["SUMMARY"]) == "带班领导 机关食堂（在岗）"
    assert (event["DTSTART"].dt, event["DTEND"].dt) == (BEGINS, ENDS)
    assert event["DTSTART"].to_ical() == b"20261201T003000Z"
    assert {"DTSTAMP", "LAST-MODIFIED", "SEQUENCE", "UID", "STATUS"} <= set(event)


async def test_a_swap_moves_the_events_of_both_and_taking_it_back_moves_them_again(
    bureau, december, feed_of, anyone, site
):
    mine, other = await feed_of(bureau.canteen_leader), await feed_of(bureau.canteen_head)
    first, second = december
    for theirs, person in ((first, bureau.canteen_head), (second, bureau.canteen_leader)):
        async with site.db.write() as session:
            await stand_in(
                session, site.clock.now(), "办公室", shift_id=theirs.id, person=person.id, reason="换班"
            )
    given = await events(anyone, mine)
    assert set(given) == {
        (f"shift-{first.id}-{bureau.canteen_leader.id}@dutydesk", "CANCELLED"),
        (f"shift-{second.id}-{bureau.canteen_leader.id}@dutydesk", "CONFIRMED"),
    }
    assert set(await events(anyone, other)) == {
        (f"shift-{first.id}-{bureau.canteen_head.id}@dutydesk", "CONFIRMED"),
        (f"shift-{second.id}-{bureau.canteen_head.id}@dutydesk", "CANCELLED"),
    }
    async with site.db.write() as session:
        for row in await session.exec(select(SeatHolder)):
            row.voided_at = site.clock.now()
            session.add(row)
    ((key, event),) = [item for item in (await events(anyone, mine)).items() if item[0][1] == "CONFIRMED"]
    assert key[0] == f"shift-{first.id}-{bureau.canteen_leader.id}@dutydesk"
    assert event["SEQUENCE"] > given[key[0], "CANCELLED"]["SEQUENCE"]


async def test_a_turn_that_is_given_to_another_after_publication_is_cancelled_for_the_first(
    bureau, december, feed_of, anyone, site
):
    mine, other = await feed_of(bureau.canteen_leader), await feed_of(bureau.canteen_operator)
    async with site.db.write() as session:
        new = await planning.assign(
            session,
            site,
            site.clock.now(),
            "办公室",
            shift_id=december[0].id,
            person_id=bureau.canteen_operator.id,
            reason="工作需要",
        )
    ((key, event),) = (await events(anyone, mine)).items()
    assert key == (f"shift-{december[0].id}-{bureau.canteen_leader.id}@dutydesk", "CANCELLED")
    assert event["SEQUENCE"] >= 1
    assert set(await events(anyone, other)) == {
        (f"shift-{new.id}-{bureau.canteen_operator.id}@dutydesk", "CONFIRMED")
    }


async def test_drafts_are_nobodys_duty(bureau, december, feed_of, anyone, site):
    address = await feed_of(bureau.canteen_leader)
    async with site.db.write() as session:
        row = await session.get(Shift, december[0].id)
        row.state = "draft"
        session.add(row)
    assert await events(anyone, address) == {}


async def test_a_seats_feed_names_who_sits_there_and_no_number(bureau, december, browser_of, anyone):
    office = await browser_of("office")
    address = await made_feed(office, "/rosters/feeds/seat", unit="canteen", seat="leader")
    found = await events(anyone, address)
    assert sorted(str(one["SUMMARY"]) for one in found.values()) == [
        "带班领导 王敏 机关食堂（在岗）",
        "带班领导 黄志明 机关食堂（在岗）",
    ]
    content = (await anyone.get(address)).text
    assert "138" not in content.replace("\r\n ", "")


async def test_a_feed_has_a_tag_and_is_not_sent_again_while_nothing_changed(
    bureau, december, feed_of, anyone, clock
):
    address = await feed_of(bureau.canteen_leader)
    first = await anyone.get(address)
    clock.move(3600)
    again = await anyone.get(address, headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


async def test_the_address_is_kept_from_caches_robots_and_referers(bureau, feed_of, anyone):
    headers = (await anyone.get(await feed_of(bureau.canteen_leader))).headers
    assert headers["cache-control"].startswith("private")
    assert "noindex" in headers["x-robots-tag"]
    assert headers["referrer-policy"] == "no-referrer"


async def test_only_the_hash_of_an_address_is_stored_and_reading_it_is_noted(
    bureau, feed_of, anyone, db, clock
):
    address = await feed_of(bureau.canteen_leader)
    token = address.rpartition("/")[2].removesuffix(".ics")
    await anyone.get(address)
    async with db.read() as session:
        (row,) = await session.exec(select(CalendarFeed))
    assert token not in str(row)
    assert row.last_read_at == clock.now()


async def test_a_revoked_and_an_unknown_address_are_told_alike(bureau, browser_of, anyone, db):
    browser = await browser_of("leader", person_id=bureau.canteen_leader.id)
    address = await made_feed(browser)
    async with db.read() as session:
        (row,) = await session.exec(select(CalendarFeed))
    stranger = await browser_of("leader", person_id=bureau.canteen_head.id)
    assert (await stranger.post(f"/rosters/feeds/{row.id}/revoke")).status_code == 404
    assert (await anyone.get(address)).status_code == 200
    assert (await browser.post(f"/rosters/feeds/{row.id}/revoke")).status_code == 303
    gone, never = await anyone.get(address), await anyone.get("/calendar-feeds/never.ics")
    assert (gone.status_code, gone.content) == (never.status_code, never.content) == (404, b"")


async def test_a_unit_contact_makes_feeds_of_its_own_units_seats_only(bureau, browser_of):
    contact = await browser_of("unit", unit="canteen")
    assert (
        await contact.post("/rosters/feeds/seat", data={"unit": "motor", "seat": "leader"})
    ).status_code == 422
    assert await made_feed(contact, "/rosters/feeds/seat", unit="canteen", seat="leader")
    operator = await browser_of("operator")
    assert (
        await operator.post("/rosters/feeds/seat", data={"unit": "canteen", "seat": "leader"})
    ).status_code == 403


async def test_somebody_who_left_has_no_feed_any_more(bureau, feed_of, anyone, site):
    from dutydesk.people.model import Person

    address = await feed_of(bureau.canteen_leader)
    async with site.db.write() as session:
        row = await session.get(Person, bureau.canteen_leader.id)
        row.retired_at = site.clock.now()
        session.add(row)
    assert (await anyone.get(address)).status_code == 404

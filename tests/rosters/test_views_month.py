"""The month table: what its cells say, and how the office changes them by plain forms."""

import re
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlmodel import select

from dutydesk.people.model import Person
from dutydesk.rosters.keeping.gaps import settle_gaps
from dutydesk.rosters.model import LeaveReport, Roster, SeatHolder, Shift
from dutydesk.rosters.planning import actions as planning
from dutydesk.rosters.rules import HolderRow, PlannedShift
from dutydesk.rosters.rules.monthly import MonthFacts, month_rows, neighbours
from dutydesk.rosters.rules.slots import Pattern, slots_of
from dutydesk.rosters.view_queries import shifts_between
from tests.builders import build_bureau

ZONE = ZoneInfo("Asia/Shanghai")
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
MONTH, NEXT = date(2026, 12, 1), date(2027, 1, 1)


def at(day, hour=8, minute=30):
    return datetime(2026, 12, day, hour, minute, tzinfo=ZONE).astimezone(UTC)


def shift(number, person, starts, ends, seat="leader"):
    return PlannedShift(number, 1, seat, person, starts, ends, "on_call")


def table(shifts, holders=(), **more):
    from dutydesk.calendars.rules import Calendar

    kinds = ("workday", "rest", "holiday", "makeup", "sensitive")
    patterns = [
        Pattern(unit_id=1, seat="leader", day_class=kind, starts=at(1).astimezone(ZONE).time(), minutes=1440)
        for kind in kinds
    ]
    slots = slots_of(patterns, Calendar(), 1, MONTH, NEXT, ZONE)
    given = {"leaves": {}, "slots": slots} | more
    return month_rows(
        MonthFacts(
            unit_id=1, start=MONTH, end=NEXT, zone=ZONE, now=at(1), shifts=shifts, holders=holders, **given
        )
    )


# ---------------------------------------------------------------------------------------------------------------------
# The table itself


def test_every_day_is_a_row_and_whoever_begins_that_day_stands_in_it():
    rows = table([shift(1, 7, at(3), at(4))])
    assert [row.day.day for row in rows] == list(range(1, 32))
    assert [one.sits for one in rows[2].cells[0].entries] == [7]
    assert rows[2].holes == 0
    assert sum(row.holes for row in rows) == 30


def test_shifts_that_share_a_day_stand_in_the_order_of_time_and_a_part_left_over_is_a_hole():
    rows = table([shift(2, 8, at(3, 14), at(4)), shift(1, 7, at(3), at(3, 12))])
    cell = rows[2].cells[0]
    assert [one.shift.id for one in cell.entries] == [1, 2]
    assert [(one.gap.from_at, one.gap.until_at, one.whole) for one in cell.holes] == [
        (at(3, 12), at(3, 14), False)
    ]


def test_a_substitute_stands_in_the_cell_with_the_mark_and_a_part_of_it_leaves_the_planned_name():
    whole = HolderRow(1, 1, "leader", 8, at(3), at(4), 1)
    entry = table([shift(1, 7, at(3), at(4))], [whole])[2].cells[0].entries[0]
    assert (entry.sits, entry.changed, entry.part) == (8, True, False)
    part = HolderRow(1, 1, "leader", 8, at(3, 10), at(3, 12), 1)
    entry = table([shift(1, 7, at(3), at(4))], [part])[2].cells[0].entries[0]
    assert (entry.sits, entry.changed, entry.part) == (7, True, True)


def test_a_vacated_shift_has_nobody_and_a_hole():
    cell = table([shift(1, 7, at(3), at(4))], [HolderRow(1, 1, "leader", None, at(3), at(4), 1)])[2].cells[0]
    assert cell.entries[0].sits is None
    assert cell.holes[0].whole


def test_a_leave_of_whoever_really_sits_there_is_a_clash():
    leaves = {7: [(at(3, 20), at(5))]}
    shifts = [shift(1, 7, at(3), at(4)), shift(2, 8, at(4), at(5))]
    rows = table(shifts, leaves=leaves)
    assert rows[2].cells[0].entries[0].away
    assert not rows[3].cells[0].entries[0].away
    relieved = table(shifts, [HolderRow(1, 1, "leader", 8, at(3), at(4), 1)], leaves=leaves)
    assert not relieved[2].cells[0].entries[0].away


def test_exchange_is_offered_for_what_lies_ahead_on_the_same_seat_by_somebody_else():
    mine = shift(1, 7, at(3), at(4))
    others = [
        shift(2, 8, at(2), at(3)),
        shift(3, 8, at(5), at(6)),
        shift(4, 7, at(7), at(8)),
        shift(5, 9, at(8), at(9), "standby"),
    ]
    assert [one.id for one in neighbours([mine, *others], mine, after=at(2, 12))] == [3]


# ---------------------------------------------------------------------------------------------------------------------
# The pages


@pytest.fixture
async def bureau(site):
    """A bureau with nobody planned in December, whose leaders may lead and whose people are known for long."""
    now = site.clock.now()
    made = await build_bureau(site.db, now, until=now + DAY)
    async with site.db.write() as session:
        for person in await session.exec(select(Person)):
            person.rank = "bureau_deputy" if "局长" in person.title else person.rank
            person.rank = "unit_deputy" if person.title in ("副主任", "主任") else person.rank
            session.add(person)
    return made


async def plan(site, bureau, day, person=None, *, seat="leader", unit=None):
    """Draft somebody for a seat on a day of December; return the shift's id."""
    async with site.db.write() as session:
        made = await planning.add_shift(
            session,
            site,
            site.clock.now(),
            "办公室",
            unit_id=(unit or bureau.desk).id,
            seat=seat,
            day=date(2026, 12, day),
            person_id=(person or bureau.desk_leader).id,
            reason="预排",
        )
        return made.id


async def planned(site, bureau, day, seat="leader"):
    """Return who is planned for a seat of the desk that begins on a day of December."""
    async with site.db.read() as session:
        rows = await shifts_between(session, [bureau.desk.id], at(day), at(day) + HOUR)
        return [row for row in rows if row.seat == seat and row.starts_at == at(day)]


def hidden(text, name="seen"):
    return re.search(rf'name="{name}" value="([^"]*)"', text)[1]


def cell(text, day, seat="leader"):
    return re.search(rf'data-cell="2026-12-{day:02d}/{seat}">(.*?)</td>', text, re.DOTALL)[1]


async def test_the_table_has_a_row_for_each_day_with_weekday_class_and_loud_holes(browser_of, bureau):
    text = (await (await browser_of("office")).get("/rosters/desk/2026-12")).text
    assert len(re.findall(r'<tr id="d-2026-12-\d\d"', text)) == 31
    third = re.search(r'<tr id="d-2026-12-05".*?</tr>', text, re.DOTALL)[0]
    assert "星期六" in third
    assert "休" in third
    assert "空缺" in cell(text, 5)
    assert "#alert-triangle" in cell(text, 5)


async def test_a_draft_a_lock_a_clash_and_a_change_are_marked_in_words(site, browser_of, bureau):
    now = site.clock.now()
    first = await plan(site, bureau, 3)
    second = await plan(site, bureau, 6)
    async with site.db.write() as session:
        leave = LeaveReport(
            person_id=bureau.desk_leader.id,
            unit_id=bureau.desk.id,
            kind="leave",
            away="city",
            reason="探亲",
            starts_at=at(3),
            ends_at=at(4),
            state="approved",
            requested_at=now,
            requested_by="赵建国",
        )
        session.add(leave)
        row = await session.get(Shift, second)
        session.add(
            SeatHolder(
                unit_id=bureau.desk.id,
                seat="leader",
                person_id=bureau.chief.id,
                from_at=row.starts_at,
                until_at=row.ends_at,
                instead_of_shift_id=second,
                reason="开会",
                created_at=now,
            )
        )
    text = (await (await browser_of("office")).get("/rosters/desk/2026-12")).text
    assert f"/rosters/shifts/{first}/assign" in cell(text, 3)
    assert all(word in cell(text, 3) for word in ("赵建国", "已锁定", "草稿", "请假"))
    assert all(word in cell(text, 6) for word in ("郑国栋", "调", "原赵建国"))


async def test_whoever_only_reads_gets_a_plain_table_without_forms(site, browser_of, bureau):
    await plan(site, bureau, 3)
    text = (await (await browser_of("operator")).get("/rosters/desk/2026-12")).text
    assert 'role="grid"' not in text
    assert "/assign" not in text
    assert "赵建国" in cell(text, 3)
    office = (await (await browser_of("office")).get("/rosters/desk/2026-12")).text
    assert 'role="grid"' in office


async def test_the_office_fills_a_hole_and_the_table_shows_the_name(site, browser_of, bureau):
    office = await browser_of("office")
    text = (await office.get("/rosters/desk/2026-12")).text
    link = re.search(r'href="([^"]*fill[^"]*)"', cell(text, 9))[1].replace("&amp;", "&")
    form = (await office.get(link)).text
    assert "赵建国" in form
    answer = await office.post(link, data={"person": str(bureau.desk_leader.id), "reason": "轮到"})
    assert answer.status_code == 303
    assert answer.headers["location"] == "/rosters/desk/2026-12#d-2026-12-09"
    assert [row.person_id for row in await planned(site, bureau, 9)] == [bureau.desk_leader.id]
    assert "赵建国" in cell((await office.get("/rosters/desk/2026-12")).text, 9)


async def test_the_chooser_puts_those_who_may_first_and_says_why_the_others_may_not(site, browser_of, bureau):
    taken = await plan(site, bureau, 9, bureau.chief, seat="operator_primary")
    number = await plan(site, bureau, 9)
    office = await browser_of("office")
    text = (await office.get(f"/rosters/shifts/{number}/assign")).text
    options = re.findall(r"<li(?: class=\"refused\")?><label>.*?</label></li>", text, re.DOTALL)
    names = [re.search(r"<strong>(.*?)</strong>", one)[1] for one in options]
    chief = next(one for one in options if "郑国栋" in one)
    operator = next(one for one in options if "陈静" in one)
    assert taken
    assert "同一时间另有班次" in chief
    assert "disabled" in chief
    assert "职务不够带班条件" in operator
    assert "disabled" not in operator
    assert names.index("赵建国") < names.index("陈静") < names.index("郑国栋")


async def test_somebody_who_may_not_sit_there_is_refused_with_the_reason_and_nothing_typed_is_lost(
    site, browser_of, bureau
):
    number = await plan(site, bureau, 9)
    await plan(site, bureau, 9, bureau.chief, seat="operator_primary")
    office = await browser_of("office")
    page = (await office.get(f"/rosters/shifts/{number}/assign")).text
    sent = {"person": str(bureau.chief.id), "reason": "局长要求", "seen": hidden(page)}
    answer = await office.post(f"/rosters/shifts/{number}/assign", data=sent)
    assert answer.status_code == 409
    assert "同一时间另有班次" in answer.text
    assert "局长要求" in answer.text
    assert [row.person_id for row in await planned(site, bureau, 9)] == [bureau.desk_leader.id]


async def test_what_somebody_else_changed_meanwhile_is_not_overwritten_unseen(site, browser_of, bureau):
    number = await plan(site, bureau, 9)
    one, other = await browser_of("office"), await browser_of("administrator")
    drawn = [(await who.get(f"/rosters/shifts/{number}/assign")).text for who in (one, other)]
    for who, text, person in ((one, drawn[0], bureau.chief), (other, drawn[1], bureau.desk_standby)):
        sent = {"person": str(person.id), "reason": "换人", "seen": hidden(text)}
        answer = await who.post(f"/rosters/shifts/{number}/assign", data=sent)
    assert answer.status_code == 409
    assert "别人改动" in answer.text
    assert "现为郑国栋" in answer.text
    assert [row.person_id for row in await planned(site, bureau, 9)] == [bureau.chief.id]
    again = {"person": str(bureau.desk_standby.id), "reason": "换人", "seen": hidden(answer.text)}
    assert (await other.post(f"/rosters/shifts/{number}/assign", data=again)).status_code == 303


async def test_a_shift_is_locked_unlocked_and_emptied(site, browser_of, bureau):
    number = await plan(site, bureau, 9)
    office = await browser_of("office")
    for word, expected in (("no", False), ("yes", True)):
        await office.post(f"/rosters/shifts/{number}/lock", data={"locked": word})
        assert [row.locked for row in await planned(site, bureau, 9)] == [expected]
    page = (await office.get(f"/rosters/shifts/{number}/remove")).text
    assert (
        await office.post(f"/rosters/shifts/{number}/remove", data={"seen": hidden(page)})
    ).status_code == 303
    assert await planned(site, bureau, 9) == []


async def publish(site, number):
    async with site.db.write() as session:
        row = await session.get(Shift, number)
        row.state = "published"
        roster = await session.get(Roster, row.roster_id)
        roster.state = "published"
        session.add_all([row, roster])


async def test_a_published_shift_is_changed_and_emptied_only_with_a_reason_and_then_marked(
    site, browser_of, bureau
):
    number = await plan(site, bureau, 9)
    await publish(site, number)
    office = await browser_of("office")
    for form in ("assign", "remove"):
        page = (await office.get(f"/rosters/shifts/{number}/{form}")).text
        sent = {"person": str(bureau.chief.id), "seen": hidden(page)}
        assert (await office.post(f"/rosters/shifts/{number}/{form}", data=sent)).status_code == 422
    sent["reason"] = "赵建国另有公务"
    assert (await office.post(f"/rosters/shifts/{number}/assign", data=sent)).status_code == 303
    text = (await office.get("/rosters/desk/2026-12")).text
    assert "郑国栋" in cell(text, 9)
    assert "mark-changed" in cell(text, 9)
    assert "已调整" in text


async def test_two_shifts_change_places_in_one_step(site, browser_of, bureau):
    mine, theirs = await plan(site, bureau, 9), await plan(site, bureau, 12, bureau.chief)
    office = await browser_of("office")
    page = (await office.get(f"/rosters/shifts/{mine}/move?to={theirs}")).text
    assert "对调两班" in page
    sent = {"seen": hidden(page), "reason": "本人商定"}
    assert (await office.post(f"/rosters/shifts/{mine}/move?to={theirs}", data=sent)).status_code == 303
    assert [row.person_id for row in await planned(site, bureau, 9)] == [bureau.chief.id]
    assert [row.person_id for row in await planned(site, bureau, 12)] == [bureau.desk_leader.id]


async def test_a_shift_moves_to_a_hole_and_leaves_one_behind(site, browser_of, bureau):
    mine = await plan(site, bureau, 9)
    office = await browser_of("office")
    address = f"/rosters/shifts/{mine}/move?to=2026-12-20T08:30:00"
    page = (await office.get(address)).text
    assert "将成为空缺" in page
    assert (await office.post(address, data={"seen": hidden(page), "reason": "改期"})).status_code == 303
    assert await planned(site, bureau, 9) == []
    assert [row.person_id for row in await planned(site, bureau, 20)] == [bureau.desk_leader.id]


async def test_an_exchange_that_breaks_a_rule_half_way_changes_nothing(site, browser_of, bureau):
    """The operator may be put on the leader's seat for a reason only; without one neither shift changes."""
    mine, theirs = await plan(site, bureau, 9), await plan(site, bureau, 12, bureau.desk_operator)
    office = await browser_of("office")
    page = (await office.get(f"/rosters/shifts/{mine}/move?to={theirs}")).text
    assert "职务不够带班条件" in page
    answer = await office.post(f"/rosters/shifts/{mine}/move?to={theirs}", data={"seen": hidden(page)})
    assert answer.status_code == 422
    assert [row.person_id for row in await planned(site, bureau, 9)] == [bureau.desk_leader.id]
    assert [row.person_id for row in await planned(site, bureau, 12)] == [bureau.desk_operator.id]


async def test_an_exchange_across_seats_is_refused(site, browser_of, bureau):
    mine = await plan(site, bureau, 9)
    other = await plan(site, bureau, 12, bureau.desk_operator, seat="operator_primary")
    answer = await (await browser_of("office")).get(f"/rosters/shifts/{mine}/move?to={other}")
    assert answer.status_code == 409
    assert "同一席位" in answer.text


async def test_a_unit_contact_plans_its_own_unit_and_finds_no_other(site, browser_of, bureau):
    contact = await browser_of("unit", unit="canteen")
    own = await contact.get("/rosters/canteen/2026-12")
    assert 'role="grid"' in own.text
    number = await plan(site, bureau, 9)
    for address in (
        "/rosters/desk/2026-12",
        "/rosters/desk/week/2026-12-09",
        "/rosters/desk/2026-12/quality",
        f"/rosters/shifts/{number}/assign",
        f"/rosters/shifts/{number}/remove",
        f"/rosters/people/{bureau.desk_leader.id}",
        "/rosters/desk/2026-12/fill?seat=leader&at=2026-12-10T08:30",
    ):
        assert (await contact.get(address)).status_code == 404, address
    assert (await contact.post(f"/rosters/shifts/{number}/lock", data={"locked": "no"})).status_code == 404
    overview = (await contact.get("/rosters?month=2026-12")).text
    assert "机关食堂" in overview
    assert "公务用车中心" not in overview
    text = "q=赵建国&seat=leader&at=2026-12-10T08:30"
    assert "赵建国" not in (await contact.get(f"/rosters/canteen/2026-12/fill?{text}")).text


async def test_an_operator_may_change_nothing(site, browser_of, bureau):
    number = await plan(site, bureau, 9)
    operator = await browser_of("operator")
    assert (await operator.get(f"/rosters/shifts/{number}/assign")).status_code == 403
    assert (await operator.post(f"/rosters/shifts/{number}/lock", data={})).status_code == 403


async def test_months_days_and_slots_that_are_none_are_not_found(browser_of, bureau):
    office = await browser_of("office")
    for address in (
        "/rosters/desk/2026-13",
        "/rosters/desk/9999-12",
        "/rosters/nowhere/2026-12",
        "/rosters/desk/week/2026-02-30",
        "/rosters?month=soon",
        "/rosters/desk/2026-12/fill?seat=leader&at=2026-12-10T09:30",
        "/rosters/desk/2026-12/fill?seat=pilot&at=2026-12-10T08:30",
        "/rosters/desk/2026-12/fill?seat=leader&at=0001-01-01T00:00",
        "/rosters/shifts/999/assign",
    ):
        assert (await office.get(address)).status_code == 404, address


async def test_a_unit_is_found_by_its_code_and_by_its_id(browser_of, bureau):
    office = await browser_of("office")
    assert "机关食堂" in (await office.get(f"/rosters/{bureau.canteen.id}/2026-12")).text
    assert "机关食堂" in (await office.get("/rosters/canteen/2026-12")).text


async def test_the_overview_counts_holes_and_people_and_begins_with_the_desk(site, browser_of, bureau):
    await plan(site, bureau, 9)
    text = (await (await browser_of("office")).get("/rosters?month=2026-12")).text
    rows = re.findall(r"<tr(?: class=\"overview-desk\")?>\s*<th scope=\"row\">.*?</tr>", text, re.DOTALL)
    assert "局值班室" in rows[0]
    assert "草稿" in rows[0]
    assert "61处" in rows[0]
    assert "1人" in rows[0]
    assert "62处" in rows[1]
    assert "未开始" in rows[1]


async def test_a_month_that_was_not_filed_in_time_says_so_and_one_that_is_not_due_yet_does_not(
    site, clock, browser_of, bureau
):
    assert "未报备" in (await (await browser_of("office")).get("/rosters?month=2026-11")).text
    for now, said in ((at(1) - 7 * DAY, False), (at(1) - 2 * DAY, True)):
        clock.set(now)
        async with site.db.write() as session:
            await settle_gaps(session, site, now, bureau.canteen.id)
        page = await (await browser_of("office")).get("/rosters?month=2026-12")
        assert page.status_code == 200
        assert ("未报备" in page.text) is said, now


async def test_the_quality_page_gives_a_verdict_and_links_to_where_it_is_mended(site, browser_of, bureau):
    await plan(site, bureau, 9)
    office = await browser_of("office")
    chosen = await office.get("/rosters/quality?unit=desk&month=2026-12")
    assert chosen.headers["location"] == "/rosters/desk/2026-12/quality"
    text = (await office.get("/rosters/desk/2026-12/quality")).text
    assert "有61处须补排或更正" in text
    assert "61/62" in text
    assert 'href="/rosters/desk/2026-12#d-2026-12-01"' in text


async def test_the_week_draws_who_really_sits_there_and_lists_it(site, browser_of, bureau):
    number = await plan(site, bureau, 9)
    await publish(site, number)
    text = (await (await browser_of("operator")).get("/rosters/desk/week/2026-12-11")).text
    assert "12月7日至12月13日" in text
    assert re.search(r'class="block block-held" x="1"', text)
    assert text.count("block-gap") >= 2
    assert "12月9日 08:30" in text


async def test_a_persons_page_shows_shifts_served_and_given_away_and_the_balance(site, browser_of, bureau):
    mine, theirs = await plan(site, bureau, 9), await plan(site, bureau, 12, bureau.chief)
    async with site.db.write() as session:
        row = await session.get(Shift, theirs)
        session.add(
            SeatHolder(
                unit_id=bureau.desk.id,
                seat="leader",
                person_id=bureau.desk_leader.id,
                from_at=row.starts_at,
                until_at=row.ends_at,
                instead_of_shift_id=theirs,
                reason="开会",
                created_at=site.clock.now(),
            )
        )
    assert mine
    office = await browser_of("office")
    asked = "?from=2026-12-01&until=2026-12-31"
    text = (await office.get(f"/rosters/people/{bureau.desk_leader.id}{asked}")).text
    assert "代郑国栋" in text
    assert "48.0" in text
    chief = (await office.get(f"/rosters/people/{bureau.chief.id}{asked}")).text
    assert "由赵建国值班" in chief
    wrong = await office.get(f"/rosters/people/{bureau.chief.id}?from=2026-12-31&until=2026-12-01")
    assert wrong.status_code == 422
    assert "结束时间应晚于开始时间" in wrong.text


async def test_the_form_is_printed_in_chinese_whatever_language_the_page_is_in(browser_of, bureau):
    office = await browser_of("office")
    office.cookies.set("language", "en")
    page = (await office.get("/rosters/desk/2026-12/print")).text
    assert 'class="printing-bar" lang="en"' in page
    form = page[page.index("<main") : page.index("</main>")]
    assert all(said in form for said in ("2026年12月值班表</h1>", "值班电话：", "星期二", "工作日", "备注"))

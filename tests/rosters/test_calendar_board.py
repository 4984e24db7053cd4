"""What the board, the wall and every page of the rosters say of the calendar."""

from datetime import date, timedelta

import pytest

from dutydesk.calendars.rules.faults import Entry
from dutydesk.rosters.calendar import actions
from tests.builders import build_bureau

TODAY = date(2026, 11, 23)
WARNING = "2027年假日安排未公布，暂定"
HOLIDAYS_2027 = {
    "元旦": (1, 1),
    "春节": (2, 6),
    "清明节": (4, 5),
    "劳动节": (5, 1),
    "端午节": (6, 9),
    "中秋节": (9, 15),
    "国庆节": (10, 1),
}


@pytest.fixture
async def bureau(site):
    return await build_bureau(site.db, site.clock.now())


async def lay_period(site, **more):
    async with site.db.write() as session:
        await actions.create_period(
            session,
            site.clock.now(),
            "吴芳",
            name="安保三号",
            starts_on=TODAY,
            ends_on=TODAY + timedelta(days=1),
            **more,
        )


async def test_a_sensitive_period_is_named_on_the_board_and_only_marked_on_the_wall(site, bureau, browser_of):
    await lay_period(site)
    browser = await browser_of("operator")
    assert "敏感时期 安保三号" in (await browser.get("/desk/board")).text
    wall = (await browser.get("/wall")).text
    assert "敏感时期" in wall
    assert "安保三号" not in wall


async def test_another_units_period_is_not_the_boards(site, bureau, browser_of):
    await lay_period(site, unit_id=bureau.canteen.id)
    assert "敏感时期" not in (await (await browser_of("operator")).get("/desk/board")).text


async def test_before_the_change_of_shift_the_board_says_by_which_day_the_shift_was_planned(
    site, bureau, browser_of
):
    site.clock.move(-86400 + 8 * 3600)  # Sunday 22 November, 22:00
    browser = await browser_of("operator")
    assert "当班为" not in (await browser.get("/desk/board")).text
    site.clock.move(5 * 3600)  # Monday, 03:00: Sunday's shift is still on duty
    page = (await browser.get("/desk/board")).text
    assert "工作日" in page
    assert "当班为11月22日（休息日）" in page
    site.clock.move(5.5 * 3600)  # Monday, 08:30
    assert "当班为" not in (await browser.get("/desk/board")).text


async def test_the_warning_stands_on_board_wall_and_roster_pages_until_the_notice_is_entered(
    site, bureau, browser_of
):
    browser = await browser_of("office")
    places = ("/desk/board", "/wall", "/rosters/calendar", "/rosters/calendar/periods")
    for place in places:
        assert WARNING in (await browser.get(place)).text
    days = [Entry(date(2027, *day), "holiday", name) for name, day in HOLIDAYS_2027.items()]
    async with site.db.write() as session:
        now = site.clock.now()
        await actions.import_year(session, now, "吴芳", days, 2027, notice="国办发明电〔2026〕7号")
    for place in places:
        assert WARNING not in (await browser.get(place)).text


async def test_in_october_nobody_is_warned(site, bureau, browser_of):
    site.clock.move(-23 * 86400)  # 31 October
    browser = await browser_of("office")
    for place in ("/desk/board", "/rosters/calendar"):
        assert "未公布" not in (await browser.get(place)).text


async def test_no_text_that_leaves_the_house_has_a_place_for_the_name_of_a_period(rulebook):
    leaving = {
        key: text for key, text in rulebook.wording.texts.items() if key.startswith(("sms.", "voice."))
    }
    assert leaving
    assert not [key for key, text in leaving.items() if "{period" in text or "敏感" in text]

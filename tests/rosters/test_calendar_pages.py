"""The calendar in the browser, as the office uses it."""

import re
from datetime import date
from io import BytesIO

import pytest
from openpyxl import Workbook

from dutydesk.calendars.queries import calendar_for, laid_days, list_periods
from dutydesk.calendars.rules import Day
from tests.builders import build_bureau

NOTICE = "国办发明电〔2026〕7号"
TEXT_2027 = """一、元旦：1月1日（周五）至3日（周日）放假，共3天。
二、春节：2月5日（周五）至11日（周四）放假调休，共7天。2月20日（周六）上班。
三、清明节：4月3日（周六）至5日（周一）放假，共3天。
四、劳动节：5月1日（周六）至5日（周三）放假调休，共5天。5月8日（周六）上班。
五、端午节：6月9日（周三）放假，共1天。
六、中秋节：9月15日（周三）放假，共1天。
七、国庆节：10月1日（周五）至7日（周四）放假调休，共7天。
"""


@pytest.fixture
async def bureau(site):
    return await build_bureau(site.db, site.clock.now())


@pytest.fixture
async def office(browser_of, bureau):
    return await browser_of("office", name="吴芳")


def workbook(*rows):
    book, file = Workbook(), BytesIO()
    for row in (["日期", "日类", "名称"], *rows):
        book.active.append(row)
    book.save(file)
    return file.getvalue()


async def day_of(site, day):
    async with site.db.read() as session:
        return (await calendar_for(session, day, day)).day(day)


def cell(page, day):
    """Return a day's cell as it is read aloud and seen."""
    found = re.search(rf'<td class="([^"]*)"><a [^>]*data-day="{day}".*?</td>', page, re.DOTALL)
    return found[1] + re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", found[0]))


# ----------------------------------------------------------------------------------------------------------------------
# A year


async def test_the_year_marks_every_class_of_day_by_a_word_and_not_by_colour_alone(office):
    page = (await office.get("/rosters/calendar?year=2026")).text
    assert page.count("<caption>") == 12
    for day, letter, word in (
        ("2026-10-01", "假", "法定节假日"),
        ("2026-10-10", "班", "调休补班"),
        ("2026-11-22", "休", "休息日"),
        ("2026-11-23", "", "工作日"),
    ):
        said = cell(page, day)
        assert letter in said
        assert word in said
    assert "重阳节" in cell(page, "2026-10-18")
    assert "十五" in cell(page, "2026-11-23")
    assert "暂定" not in cell(page, "2026-11-23")


async def test_a_year_without_its_notice_is_marked_provisional_everywhere(office):
    page = (await office.get("/rosters/calendar?year=2027")).text
    assert len(re.findall(r"<caption>[^<]*<span[^>]*>暂定</span>", page)) == 12
    assert "暂定" in cell(page, "2027-10-01")
    assert "暂定" in (await office.get("/rosters/calendar/days/2027-10-01")).text


async def test_a_year_out_of_range_and_a_day_that_does_not_exist_are_refused(office):
    assert (await office.get("/rosters/calendar?year=1999")).status_code == 422
    assert (await office.get("/rosters/calendar/days/2026-02-30")).status_code == 422
    assert (await office.get("/rosters/calendar/days/1999-12-31")).status_code == 404


async def test_one_day_is_changed_with_a_reason_and_taken_back(office, site):
    day = "/rosters/calendar/days/2026-11-24"
    unreasoned = await office.post(day, data={"kind": "rest", "name": "局庆"})
    assert (unreasoned.status_code, 'value="局庆"' in unreasoned.text) == (422, True)
    changed = await office.post(day, data={"kind": "rest", "name": "局庆", "reason": "局长批准"})
    assert changed.status_code == 303
    assert await day_of(site, date(2026, 11, 24)) == Day("rest", "局庆")
    assert "局庆" in cell((await office.get(changed.headers["location"])).text, "2026-11-24")
    assert (await office.post(f"{day}/take-back", data={"reason": "改期"})).status_code == 303
    assert await day_of(site, date(2026, 11, 24)) == Day("workday")


async def test_a_day_that_contradicts_its_weekday_is_refused_beside_the_field(office, site):
    said = await office.post(
        "/rosters/calendar/days/2026-11-24", data={"kind": "makeup", "name": "", "reason": "误填"}
    )
    assert said.status_code == 422
    assert "不是周末，不能设为调休补班" in said.text
    assert await day_of(site, date(2026, 11, 24)) == Day("workday")


@pytest.mark.parametrize("role", ["operator", "leader", "inspector"])
async def test_whoever_may_only_look_is_offered_nothing_to_change(browser_of, bureau, role):
    browser = await browser_of(role)
    page = (await browser.get("/rosters/calendar/days/2026-11-24")).text
    assert "改动这一天" not in page
    assert (await browser.post("/rosters/calendar/days/2026-11-24", data={})).status_code == 403


# ----------------------------------------------------------------------------------------------------------------------
# Importing a year


async def look_over(office, **fields):
    files = fields.pop("files", None)
    return await office.post("/rosters/calendar/import", data={"year": "2027"} | fields, files=files)


def brought(content):
    return {"file": ("2027.xlsx", content)}


def carried(page):
    """Return what the preview hands on to the button that does it."""
    text = re.search(r'<textarea name="text" hidden>\n(.*?)</textarea>', page, re.DOTALL)[1]
    return {
        "year": re.search(r'name="year" value="(\d+)"', page)[1],
        "notice": re.search(r'name="notice" value="([^"]*)"', page)[1],
        "text": text,
    }


async def test_the_pasted_notice_is_looked_over_first_and_then_taken_over_whole(office, site):
    preview = await look_over(office, text=TEXT_2027, notice=NOTICE)
    assert preview.status_code == 200
    assert "29天有变动" in preview.text
    assert await day_of(site, date(2027, 10, 1)) == Day("workday", known=False)
    done = await office.post("/rosters/calendar/import/done", data=carried(preview.text))
    assert done.status_code == 303
    assert await day_of(site, date(2027, 10, 1)) == Day("holiday", "国庆节")
    assert await day_of(site, date(2027, 2, 20)) == Day("makeup", "春节")
    page = (await office.get(done.headers["location"])).text
    assert f"依据{NOTICE}" in page
    assert "暂定" not in page


async def test_a_workbook_is_taken_over_and_stays_provisional_without_a_notice(office, site):
    content = workbook([date(2027, 1, 1), "法定节假日", "元旦"], ["2027年1月2日", "放假", "元旦"])
    preview = await look_over(office, files=brought(content))
    assert "仍标为暂定" in preview.text
    assert (await office.post("/rosters/calendar/import/done", data=carried(preview.text))).status_code == 303
    assert await day_of(site, date(2027, 1, 2)) == Day("holiday", "元旦", known=False)


async def test_every_fault_of_a_workbook_is_named_by_cell_and_nothing_is_taken_over(office, site):
    content = workbook(
        [date(2027, 1, 1), "法定节假日", "元旦"],
        [date(2027, 1, 1), "休息日", ""],
        [date(2027, 3, 3), "补班", ""],
        ["某日", "法定节假日", ""],
    )
    first = await look_over(office, files=brought(content))
    assert first.status_code == 422
    assert "<strong>A5</strong>" in first.text
    content = workbook(
        [date(2027, 1, 1), "法定节假日", "元旦"],
        [date(2027, 1, 1), "休息日", ""],
        [date(2027, 3, 3), "补班", ""],
    )
    second = (await look_over(office, files=brought(content))).text
    assert "<strong>A3</strong>" in second
    assert "<strong>A4</strong>" in second
    async with site.db.read() as session:
        assert await laid_days(session, 2027) == []


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"no workbook at all", "不是Excel工作簿"),
        (b"PK\x03\x04" + b"\0" * 1000, "不是Excel工作簿"),
        (b"\0" * 20_000_000, "文件超过5MB"),
        (b"", "不是Excel工作簿"),
    ],
    ids=["text", "broken", "20 MB", "empty"],
)
async def test_a_file_that_is_no_workbook_or_too_large_is_refused_with_a_sentence(office, content, said):
    answer = await look_over(office, files=brought(content))
    assert answer.status_code == 422
    assert said in answer.text


async def test_neither_file_nor_text_or_both_at_once_are_refused(office):
    assert "请选择文件，或粘贴通知原文" in (await look_over(office)).text
    both = await look_over(
        office, text=TEXT_2027, files=brought(workbook([date(2027, 1, 1), "放假", "元旦"]))
    )
    assert "请只用一种" in both.text
    assert TEXT_2027.splitlines()[0] in both.text


async def test_the_template_of_a_year_is_given_and_taken_back_unchanged(office):
    template = await office.get("/rosters/calendar/import/template?year=2026")
    assert template.headers["content-disposition"].startswith("attachment")
    again = await office.post(
        "/rosters/calendar/import", data={"year": "2026"}, files={"file": ("2026.xlsx", template.content)}
    )
    assert "39天有变动" in again.text


async def test_a_year_is_confirmed_only_when_it_has_all_of_its_holidays(office):
    page = await office.post("/rosters/calendar/years/2027", data={"notice": NOTICE})
    assert page.status_code == 422
    assert "还没有登记：元旦、春节、清明节" in page.text


# ----------------------------------------------------------------------------------------------------------------------
# Sensitive periods

PERIODS = "/rosters/calendar/periods"
MEETING = {
    "name": "市两会",
    "starts_on": "2026-11-23",
    "ends_on": "2026-11-25",
    "unit": "",
    "reason": "市委通知",
}


async def test_a_ready_made_period_fills_in_the_form(office):
    page = (await office.get(PERIODS)).text
    address = re.search(rf'href="({PERIODS}/new\?[^"]*%E6%B1%9B%E6%9C%9F[^"]*)"', page)[1].replace(
        "&amp;", "&"
    )
    form = (await office.get(address)).text
    assert 'value="汛期"' in form
    assert 'value="2027-06-15"' in form


async def test_a_period_is_laid_down_shortened_and_cancelled(office, site):
    assert (await office.post(f"{PERIODS}/new", data=MEETING)).status_code == 303
    page = (await office.get("/rosters/calendar?year=2026")).text
    assert "敏" in cell(page, "2026-11-25")
    assert "敏感时期" in cell(page, "2026-11-25")
    assert "敏" not in cell(page, "2026-11-26")
    shorter = {"name": "市两会", "starts_on": "2026-11-23", "ends_on": "2026-11-24", "reason": "提前闭幕"}
    assert (await office.post(f"{PERIODS}/1", data=shorter)).status_code == 303
    assert "敏" not in cell((await office.get("/rosters/calendar")).text, "2026-11-25")
    assert (await office.post(f"{PERIODS}/1/cancel", data={"reason": "登记有误"})).status_code == 303
    async with site.db.read() as session:
        (row,) = await list_periods(session)
    assert row.cancelled_at is not None
    assert "已取消" in (await office.get(PERIODS)).text


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"ends_on": "2026-11-22"}, "结束日期早于开始日期"),
        ({"starts_on": "1999-01-01"}, "日期应在2000年至2099年之间"),
        ({"ends_on": "明天"}, "日期格式不对"),
        ({"name": ""}, "请填写"),
        ({"unit": "nowhere"}, "请选择"),
        ({"ends_on": "2028-11-23"}, "最长366天"),
    ],
)
async def test_an_impossible_period_is_refused_and_what_was_typed_stays(office, site, changed, said):
    answer = await office.post(f"{PERIODS}/new", data=MEETING | changed)
    assert (answer.status_code, said in answer.text) == (422, True)
    assert 'value="市委通知"' in answer.text
    async with site.db.read() as session:
        assert await list_periods(session) == []


async def test_a_unit_contact_sees_the_periods_of_its_own_unit_and_of_everybody(office, browser_of):
    for name, unit in (("市两会", ""), ("食堂检修", "canteen"), ("车队检修", "motor")):
        await office.post(f"{PERIODS}/new", data=MEETING | {"name": name, "unit": unit})
    contact = await browser_of("unit", unit="canteen")
    for place in (PERIODS, "/rosters/calendar", "/rosters/calendar/days/2026-11-23"):
        page = (await contact.get(place)).text
        assert "食堂检修" in page
        assert "市两会" in page
        assert "车队检修" not in page
    assert (await contact.get("/rosters/calendar?unit=motor")).status_code == 404
    assert (await contact.post(f"{PERIODS}/new", data=MEETING)).status_code == 403

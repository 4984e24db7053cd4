"""Lists as workbooks: the same rows as on the page, for the same eyes, without holding anything up."""

import asyncio
from urllib.parse import quote

import pytest
from sqlalchemy import text, update
from sqlmodel import select

from dutydesk.accounts.model import Account
from dutydesk.audit.model import AuditEntry
from dutydesk.incidents.model import Incident
from dutydesk.search.exports import Exports
from tests.search.conftest import numbers_in, table, text_of, until_over, workbook
from tests.search.test_pages import many

pytestmark = pytest.mark.usefixtures("exports")


@pytest.fixture
async def operator(room, browser_of):
    return await browser_of("operator", name="陈静（操作）")


def column(lines, heading):
    place = lines[0].index(heading)
    return [line[place] for line in lines[1:]]


async def exported(site):
    async with site.db.read() as session:
        rows = await session.exec(select(AuditEntry).where(AuditEntry.action == "list.exported"))
        return list(rows)


async def test_the_file_has_the_rows_of_the_page_in_their_order(room, operator):
    await room.called("配电室起火", "李强", "+8613800000005", place="二号楼")
    await room.incident("电梯困人", unit_id=room.bureau.motor.id)
    await room.incident("车库起火", unit_id=room.bureau.motor.id)
    lines = await workbook(operator, kind="incidents", q="起火")
    assert column(lines, "编号") == numbers_in(await text_of(operator, q="起火"))
    assert column(lines, "事件") == ["车库起火", "配电室起火"]
    assert column(lines, "来电号码") == ["", "138 0000 0005"]
    assert column(lines, "单位") == ["公务用车中心", "机关食堂"]


async def test_a_short_list_goes_straight_to_its_file(room, operator, app, site):
    app.state.exports = Exports(site, quick_seconds=30)  # however busy this machine is
    await room.incident("起火")
    posted = await operator.post("/search/exports", data={"kind": "incidents"})
    assert posted.status_code == 303
    assert posted.headers["location"].endswith("/file")
    answer = await operator.get(posted.headers["location"])
    assert answer.status_code == 200
    assert answer.headers["content-type"].endswith("spreadsheetml.sheet")
    await app.state.exports.close()
    name = quote("事件_20261123_140000.xlsx")
    assert answer.headers["content-disposition"] == (
        f"attachment; filename=\"incidents_20261123_140000.xlsx\"; filename*=UTF-8''{name}"
    )
    assert answer.headers["cache-control"] == "no-store"


async def test_the_log_and_the_people_are_exported_too(room, operator):
    await room.entry("询问供暖", person="张伟", number="+8613912345678")
    lines = await workbook(operator, kind="log")
    assert column(lines, "内容") == ["询问供暖"]
    assert column(lines, "号码") == ["139 1234 5678"]
    lines = await workbook(operator, kind="people", q="李强")
    assert lines[1:] == [["李强", "值班员", "机关食堂", "138 0000 0005", "", ""]]


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t="])
async def test_a_formula_stays_text(room, operator, start):
    evil = f'{start}HYPERLINK("http://x","y")'
    await room.incident(evil.strip(), narrative=evil)
    lines = await workbook(operator, kind="incidents")
    assert column(lines, "事件") == [evil.strip()]
    assert not [cell for line in lines for cell in line if cell.startswith("FORMULA")]


@pytest.mark.parametrize("role", ["unit", "inspector"])
async def test_a_file_shows_nobody_more_than_the_page(room, browser_of, role):
    await room.called("食堂起火", "李强", "13800000005")
    await room.called("车库起火", "周涛", "13800000007", unit_id=room.bureau.motor.id)
    browser = await browser_of(role, unit="canteen" if role == "unit" else None)
    lines = await workbook(browser, kind="incidents")
    seen = {"食堂起火"} if role == "unit" else {"食堂起火", "车库起火"}
    assert set(column(lines, "事件")) == seen
    people = await workbook(browser, kind="people")
    everything = str(lines) + str(people)
    assert "13800000005" not in everything
    assert "138 0000 0005" not in everything
    if role == "unit":
        assert "周涛" not in everything
        assert "公务用车中心" not in everything
        assert (await browser.post("/search/exports", data={"kind": "log"})).status_code == 403
        assert (await browser.post("/search/exports", data={"unit": "motor"})).status_code == 422


async def test_an_export_is_its_accounts_own(room, operator, browser_of):
    posted = await operator.post("/search/exports", data={"kind": "incidents"})
    address = posted.headers["location"].removesuffix("/file")
    await until_over(operator, address)
    other = await browser_of("administrator")
    for path in (address, f"{address}/file", f"{address}/progress", "/search/exports/unknown"):
        assert (await other.get(path)).status_code == 404, path
    assert (await operator.get(address)).status_code == 200


async def test_who_may_see_less_now_does_not_get_the_file_of_before(room, app, browser_of, site):
    browser = await browser_of("operator", name="调岗的人")
    posted = await browser.post("/search/exports", data={"kind": "people"})
    async with site.db.write() as session:
        await session.exec(update(Account).where(Account.name == "调岗的人").values(role="inspector"))
    assert (await browser.get(posted.headers["location"])).status_code == 404


async def test_it_is_recorded_who_exported_what_and_how_many_rows(room, operator, site):
    await room.incident("起火")
    await workbook(operator, kind="incidents", q="起火", unit="canteen")
    [row] = await exported(site)
    assert (row.actor, row.subject) == ("陈静（操作）", "list:incidents")
    assert row.detail == {"filters": {"kind": "incidents", "q": "起火", "unit": "canteen"}, "rows": 1}


async def test_what_is_wrong_with_the_filters_is_said_and_nothing_starts(room, operator, site):
    answer = await operator.post("/search/exports", data={"kind": "incidents", "from": "x"})
    assert answer.status_code == 422
    assert "日期不对" in answer.text
    assert await exported(site) == []


async def test_no_address_alone_starts_an_export(room, operator, exports, site):
    for path in ("/search/export.xlsx", "/search/exports", "/search/exports?kind=incidents"):
        assert (await operator.get(path)).status_code in {404, 405}, path
    assert exports._jobs == {}
    assert await exported(site) == []


async def test_a_long_list_has_a_page_with_its_progress_up_to_the_last_percent(room, operator, site, app):
    await many(room, 3000)
    writing = await held(site, app)  # nothing is over before its audit row is written
    started = await operator.post("/search/exports", data={"kind": "incidents"})
    address = started.headers["location"]
    assert not address.endswith("/file"), "longer than a second"
    page = (await operator.get(address)).text
    assert "<progress" in page
    assert "export.js" in page
    assert '<noscript><meta http-equiv="refresh"' in page
    early = (await operator.get(f"{address}/progress")).json()
    assert early["percent"] < 100
    assert not early["over"]
    assert (await operator.get(f"{address}/file")).headers["location"] == address, "there is no file yet"
    writing.set()
    said = await until_over(operator, address)
    percents = [one["percent"] for one in said]
    assert percents == sorted(percents)
    assert said[-1] == {"state": "done", "done": 3000, "total": 3000, "percent": 100, "over": True}
    page = (await operator.get(address)).text
    assert 'value="100"' in page
    assert f'href="{address}/file"' in page
    assert "refresh" not in page
    assert len((await operator.get(f"{address}/file")).content) > 10_000


async def held(site, app):
    """Hold up every writer of this database until the event is set; it says that reading needs none."""
    free, begun = asyncio.Event(), asyncio.Event()

    async def hold():
        async with site.db.write() as session:
            if not site.db.is_sqlite:
                await session.exec(text("LOCK TABLE audit_entry IN SHARE MODE"))
            begun.set()
            await free.wait()

    app.state.holding = asyncio.create_task(hold())
    await begun.wait()
    return free


async def test_two_are_under_way_at_once_and_a_third_is_refused(room, operator, browser_of, site, app):
    other = await browser_of("office")
    free = await held(site, app)
    addresses = [
        (await operator.post("/search/exports", data={"kind": "incidents"})).headers["location"] for _ in "12"
    ]
    third = await operator.post("/search/exports", data={"kind": "incidents", "q": "起火"})
    assert third.status_code == 409
    assert "已有两个导出正在进行" in third.text
    assert 'value="起火"' in third.text
    waiting = (await other.post("/search/exports", data={"kind": "incidents"})).headers["location"]
    assert "排队" in (await other.get(waiting)).text, "somebody else waits for a turn, and is told"
    free.set()
    for browser, address in ((operator, addresses[0]), (operator, addresses[1]), (other, waiting)):
        assert (await until_over(browser, address))[-1]["state"] == "done"


async def test_too_many_rows_are_refused_in_plain_words(room, operator, app, site):
    app.state.exports = Exports(site, most_rows=9, quick_seconds=30)
    await many(room, 10)
    started = await operator.post("/search/exports", data={"kind": "incidents"})
    page = (await operator.get(started.headers["location"])).text
    assert "符合条件的超过9条，请缩小范围后再导出" in page
    assert await exported(site) == []
    assert len(await workbook(operator, kind="incidents", q="巡查第1号")) == 2
    await app.state.exports.close()


async def test_files_are_deleted_after_a_while_and_at_the_end(room, operator, app, site):
    app.state.exports = short = Exports(site, kept_seconds=0.05, quick_seconds=30)
    started = await operator.post("/search/exports", data={"kind": "incidents"})
    folder = short._folder
    async with asyncio.timeout(10):
        while (await operator.get(started.headers["location"])).status_code != 404:  # noqa: ASYNC110 (a timer's)
            await asyncio.sleep(0.02)
    assert list(folder.iterdir()) == []
    await short.close()
    assert not folder.exists()

    app.state.exports = long = Exports(site, quick_seconds=30)
    await operator.post("/search/exports", data={"kind": "incidents"})
    [file] = list(long._folder.iterdir())
    await long.close()
    assert not file.exists()
    assert (await operator.post("/search/exports", data={"kind": "incidents"})).status_code == 409


async def test_no_more_than_a_few_files_of_one_account_are_kept(room, operator, exports):
    for _ in range(8):
        started = await operator.post("/search/exports", data={"kind": "incidents"})
        await until_over(operator, started.headers["location"].removesuffix("/file"))
    assert len(list(exports._folder.iterdir())) <= 5


async def test_a_process_that_ends_waits_for_no_export(room, operator, exports):
    await many(room, 3000)
    started = asyncio.create_task(operator.post("/search/exports", data={"kind": "incidents"}))
    async with asyncio.timeout(10):
        while not any(job.done for job in exports._jobs.values()):  # noqa: ASYNC110 (counted in a thread)
            await asyncio.sleep(0)
    jobs = list(exports._jobs.values())
    async with asyncio.timeout(10):
        await exports.close()
    assert [job.state for job in jobs] == ["failed"]
    assert (await started).status_code == 303


async def test_a_list_is_of_one_moment_and_holds_up_no_writer(room, operator, site, exports):
    await many(room, 3000)
    started = asyncio.create_task(operator.post("/search/exports", data={"kind": "incidents"}))
    async with asyncio.timeout(60):
        while not any(job.done for job in exports._jobs.values()):  # noqa: ASYNC110 (counted in a thread)
            await asyncio.sleep(0)
        async with site.db.write() as session:  # while the export is under way
            await session.exec(update(Incident).values(title="改了"))
    [job] = exports._jobs.values()
    under_way = not job.over
    location = (await started).headers["location"].removesuffix("/file")
    await until_over(operator, location)
    lines = table((await operator.get(f"{location}/file")).content)
    assert under_way, "the write was over before the export"
    assert len(lines) == 3001
    assert "改了" not in column(lines, "事件")

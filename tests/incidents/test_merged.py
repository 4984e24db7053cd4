"""A report of an incident that was merged counts for the survivor, whatever becomes of it later."""

import pytest

from dutydesk.alerts.model import Alert
from dutydesk.dutylog.model import LogEntry
from dutydesk.incidents.model import Attachment, Paper, PaperStep
from dutydesk.incidents.queries import incident_by_number
from tests.builders import build_bureau
from tests.incidents.conftest import seen

FIRE = {
    "title": "配电室起火",
    "unit": "canteen",
    "occurred_at": "2026-11-23T13:50:00",
    "occurred_at_kind": "exact",
    "grade": "major",
    "category": "accident",
    "received_at": "2026-11-23T13:58:00",
}


@pytest.fixture
async def browser(browser_of, site):
    await build_bureau(site.db, site.clock.now())
    return await browser_of("operator", name="陈晓")


async def test_completing_a_report_of_a_merged_incident_settles_the_survivor_and_its_survivor(desk):
    for _ in range(3):
        await desk.log()
    lacking = desk.phoned(reporter="", reporter_phone="")
    report = await desk.post("incidents/2026-0001/reports", lacking, 201)
    await desk.post("incidents/2026-0001/merge", {"into": "2026-0002", "reason": "同一起"})
    await desk.post("incidents/2026-0002/merge", {"into": "2026-0003", "reason": "同一起"})
    assert (await desk.clocks("2026-0003"))["49.1-source"]["state"] == "open"
    who = {"reporter": "李强", "reporter_phone": "13800000005"}
    await desk.post(f"reports/{report['id']}/complete", who)
    assert (await desk.clocks("2026-0003"))["49.1-source"]["state"] == "fulfilled"


async def test_checking_a_late_entry_of_a_merged_incident_settles_the_survivor(desk):
    occurred = desk.clock.now()
    await desk.log(occurred_at=occurred)
    await desk.log(occurred_at=occurred)
    desk.clock.move(19 * 60)
    late = desk.phoned(reported_at=occurred)
    report = await desk.post("incidents/2026-0001/reports", late, 201)
    assert report["late_entry"] is True
    await desk.post("incidents/2026-0001/merge", {"into": "2026-0002", "reason": "同一起"})
    assert (await desk.clocks("2026-0002"))["49.1"]["verdict"]["provisional"] is True
    await desk.post(f"reports/{report['id']}/check", {"reason": "已听录音"}, role="administrator")
    assert (await desk.clocks("2026-0002"))["49.1"]["verdict"]["provisional"] is False


async def test_voiding_it_opens_the_survivors_clock_again(desk):
    for _ in range(3):
        await desk.log()
    report = await desk.post("incidents/2026-0001/reports", desk.phoned(), 201)
    await desk.post("incidents/2026-0001/merge", {"into": "2026-0002", "reason": "同一起"})
    await desk.post("incidents/2026-0002/merge", {"into": "2026-0003", "reason": "同一起"})
    assert (await desk.clocks("2026-0003"))["49.1"]["state"] == "fulfilled"
    await desk.post(f"reports/{report['id']}/void", {"reason": "登记错了"})
    assert (await desk.clocks("2026-0003"))["49.1"]["state"] == "open"


async def test_what_is_recorded_of_a_caller_is_not_written_over(desk):
    await desk.log()
    report = await desk.post("incidents/2026-0001/reports", desk.phoned(reporter_phone=""), 201)
    path = f"reports/{report['id']}/complete"
    await desk.post(path, {"reporter": "张三", "reporter_phone": "13800000005"}, 409)
    await desk.post(path, {"reporter": "李强", "reporter_phone": "13800000005"})
    await desk.post(f"reports/{report['id']}/void", {"reason": "登记错了"})
    await desk.post(path, {"reporter": "李强", "reporter_phone": "13800000005"}, 409)


async def test_who_decides_about_a_clock_regrades_by_page_and_by_api_alike(desk, browser_of):
    await desk.log()
    body = {"grade": "especially_major", "reason": "伤亡扩大"}
    for role, status in (("inspector", 403), ("canteen", 403), ("leader", 200), ("operator", 200)):
        await desk.post("incidents/2026-0001/regrade", body, status, role)
    for role, status in (("inspector", 403), ("leader", 200), ("operator", 200), ("office", 403)):
        page = await (await browser_of(role)).get("/incidents/2026-0001/regrade")
        assert page.status_code == status, role


async def test_the_form_of_a_merge_offers_what_still_runs_and_says_what_happens(browser):
    for title in ("甲", "乙", "丙", "丁"):
        await browser.post("/incidents", data=FIRE | {"title": title})
    await browser.post("/incidents", data=FIRE | {"title": "演习", "drill": "yes"})
    await browser.post(
        "/incidents/2026-0003/withdraw",
        data=await seen(browser, "/incidents/2026-0003/withdraw") | {"reason": "误报"},
    )
    form = (await browser.get("/incidents/2026-0001/merge")).text
    for shown in ("2026-0002 乙", "2026-0004 丁", "保留的事件取两者中最早的起算时间"):
        assert shown in form
    for hidden in ('value="2026-0001"', "2026-0003", "演习"):
        assert hidden not in form
    for into, status in (("", 422), ("2026-0003", 422), ("2026-0001", 422), ("2026-9999", 422)):
        answer = await browser.post(
            "/incidents/2026-0001/merge",
            data=await seen(browser, "/incidents/2026-0001/merge") | {"into": into, "reason": "同一起"},
        )
        assert (answer.status_code, "同一起" in answer.text) == (status, True), into
    done = await browser.post(
        "/incidents/2026-0001/merge",
        data=await seen(browser, "/incidents/2026-0001/merge") | {"into": "2026-0002", "reason": "同一起"},
    )
    assert done.status_code == 303
    again = await browser.post(
        "/incidents/2026-0001/merge",
        data=await seen(browser, "/incidents/2026-0001/merge") | {"into": "2026-0004", "reason": "又"},
    )
    assert (again.status_code, "已归并" in again.text) == (409, True)


async def test_the_steps_of_a_paper_are_told_and_the_paper_is_listed(browser, site, clock, browser_of):
    fire = (await browser.post("/incidents", data=FIRE)).headers["location"]
    async with site.db.write() as session:
        row = await incident_by_number(session, "2026-0001")
        paper = Paper(
            incident_id=row.id, kind="special_report", title="关于配电室起火的报告", drafter="陈晓",
            state="checking", created_at=clock.now(),
        )  # fmt: skip
        session.add(paper)
        await session.flush()
        session.add(
            PaperStep(
                paper_id=paper.id, at=clock.now(), actor="陈晓", before="draft", after="checking", version=2
            )
        )
    page = (await browser.get(fire)).text
    assert "突发事件信息专报《关于配电室起火的报告》：提交审核（陈晓）" in page
    assert "草稿 → 待审核" in page
    assert f'href="/papers/{paper.id}"' in page
    contact = await browser_of("unit", unit="canteen")
    assert "关于配电室起火的报告" not in (await contact.get(fire)).text


async def test_the_survivor_shows_all_that_came_to_the_other_under_its_number(desk, browser_of, site):
    await desk.log(title="甲处起火")
    desk.clock.move(30)
    await desk.log(title="乙处起火")
    now = desk.clock.now()
    async with site.db.write() as session:
        row = await incident_by_number(session, "2026-0001")
        session.add(
            LogEntry(
                kind="instruction", at=now, logged_at=now, logged_by="陈晓", incident_id=row.id,
                person="赵建国", title="主任", content="全力救治伤员",
            )
        )  # fmt: skip
        paper = Paper(
            incident_id=row.id, kind="special_report", title="关于甲处起火的报告", drafter="陈晓",
            state="checking", created_at=now,
        )  # fmt: skip
        session.add(paper)
        await session.flush()
        session.add(
            PaperStep(paper_id=paper.id, at=now, actor="陈晓", before="draft", after="checking", version=2)
        )
        session.add(
            Alert(
                unique_key="merged", created_at=now, lane=1, cause="incident", number=row.number,
                target="seat:operator", recipient="x", phone="+8613800000005", channel="sms",
                reason="DUE", wording="x", state="delivered",
            )
        )  # fmt: skip
    count = {"as_of": now, "badly_injured": 2, "note": "市第一医院通报"}
    await desk.post("incidents/2026-0001/casualties", count, 201)
    await desk.post("incidents/2026-0001/correct", {"place": "东配电室", "reason": "现场更正"})
    await desk.post("incidents/2026-0001/merge", {"into": "2026-0002", "reason": "同一起"})

    browser = await browser_of("operator")
    page = (await browser.get("/incidents/2026-0002")).text
    body, timeline = page.split('id="timeline-title"')
    for text in ("全力救治伤员", "市第一医院通报", "重伤2人", f'href="/papers/{paper.id}"'):
        assert text in body, text
    assert body.count('<span class="mark">2026-0001</span>') == 3
    for text in (
        "2026-0001 领导批示 赵建国 主任：全力救治伤员",
        "2026-0001 伤亡情况",
        "2026-0001 突发事件信息专报《关于甲处起火的报告》：提交审核",
        "2026-0001 事件更正：现场更正",
        "2026-0001 事件归并：同一起",
        "2026-0001 短信告知",
    ):
        assert text in timeline, text
    assert "2026-0002 事件登记" not in timeline
    told = (await desk.get("incidents/2026-0002/timeline"))["items"]
    assert any(line["text"].startswith("2026-0001 短信告知") for line in told)
    assert any(line["text"].startswith("2026-0001 伤亡情况") for line in told)
    # The next count starts from what is known, whichever incident it came to.
    assert 'value="2"' in (await browser.get("/incidents/2026-0002/casualties")).text


async def test_a_file_of_the_other_is_read_where_it_lies(desk, browser_of, site):
    await desk.log()
    await desk.log()
    async with site.db.write() as session:
        row = await incident_by_number(session, "2026-0001")
        session.add(
            Attachment(
                incident_id=row.id, sha256="0" * 64, name="现场.png", media_type="image/png", size=1,
                added_at=desk.clock.now(), added_by="陈晓",
            )
        )  # fmt: skip
    await desk.post("incidents/2026-0001/merge", {"into": "2026-0002", "reason": "同一起"})
    page = (await (await browser_of("operator")).get("/incidents/2026-0002")).text
    assert 'href="/incidents/2026-0001/attachments/1"' in page

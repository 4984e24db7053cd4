"""The timeline has everything that happened, with what it was and what it became; nothing is cut off silently."""

import re
from datetime import timedelta

import pytest

from dutydesk.accounts.rules import Actor
from dutydesk.alerts.actions import acknowledge_by_hand
from dutydesk.alerts.model import Alert, Attempt, AttemptItem
from dutydesk.dutylog.model import LogEntry
from dutydesk.incidents import timeline
from dutydesk.incidents.queries import audited, incident_by_number, newest_alerts, reports_of
from dutydesk.obligations.queries import obligations_of
from dutydesk.obligations.verdicts import note_clock_step
from tests.builders import build_bureau
from tests.incidents.conftest import seen

FIRE = {
    "title": "配电室起火",
    "unit": "canteen",
    "occurred_at": "2026-11-23T13:50:00",
    "occurred_at_kind": "exact",
    "place": "二号楼",
    "grade": "major",
    "category": "accident",
    "received_at": "2026-11-23T13:58:00",
}
DESK = Actor("the operator", "operator")


@pytest.fixture
def settings(settings, tmp_path):
    return settings.model_copy(update={"files_dir": tmp_path / "files"})


@pytest.fixture
async def bureau(site):
    return await build_bureau(site.db, site.clock.now())


@pytest.fixture
async def browser(browser_of, bureau):
    return await browser_of("operator", name="陈晓")


@pytest.fixture
async def second(browser_of, bureau):
    return await browser_of("operator", name="林晨")


@pytest.fixture
async def fire(browser):
    return (await browser.post("/incidents", data=FIRE)).headers["location"]


async def row_of(site):
    async with site.db.read() as session:
        return await incident_by_number(session, "2026-0001")


async def owed(site, rule):
    async with site.db.read() as session:
        rows = await obligations_of(session, (await incident_by_number(session, "2026-0001")).id)
    return next(one for one in rows if one.rule_id == rule)


async def base(browser, address):
    return re.search(r'name="base" value="(\d+)"', (await browser.get(address)).text)[1]


async def page_of(browser, fire, kind=""):
    return (await browser.get(f"{fire}?kind={kind}")).text


def messages(row, now, count, obligation_id=None):
    """Return that many SMS about an incident, a second apart."""
    return [
        Alert(
            unique_key=f"test {number}",
            created_at=now + timedelta(seconds=number),
            lane=0,
            cause="test",
            number=row.number,
            obligation_id=obligation_id,
            target="unit:operator",
            recipient="test",
            phone=f"+8613800{number:06d}",
            channel="sms",
            reason="RUNG_DUE",
            wording="missed",
            state="cancelled",
            cancelled_at=now + timedelta(seconds=number),
            cancel_reason="ALREADY_REPORTED",
        )
        for number in range(count)
    ]


async def test_reports_with_their_check_their_completion_and_their_end(browser, second, fire, site, clock):
    clock.move(15 * 60)
    told = {"kind": "phone", "reported_at": "2026-11-23T14:01:00", "reporter": "李强"}
    await browser.post(f"{fire}/reports", data=told)
    async with site.db.read() as session:
        [report] = await reports_of(session, (await incident_by_number(session, "2026-0001")).id)
    await browser.post(
        f"/reports/{report.id}/complete", data={"reporter": "李强", "reporter_phone": "13800000005"}
    )
    own = await browser.post(f"/reports/{report.id}/check", data={"reason": "本人核对"})
    assert (own.status_code, "第二人" in own.text) == (409, True)
    await second.post(f"/reports/{report.id}/check", data={"reason": "已听录音"})
    again = await second.post(f"/reports/{report.id}/check", data={"reason": "再核"})
    assert (again.status_code, "不需要核对" in again.text) == (409, True)
    await browser.post(f"/reports/{report.id}/void", data={"reason": "登记错单位"})
    assert (await browser.post(f"/reports/{report.id}/void", data={"reason": "x"})).status_code == 409
    page = await page_of(browser, fire, "report")
    for text in (
        "电话报告已登记（陈晓，补录）",
        "电话报告补全报告人（陈晓）",
        "来电号码：空 → 138 0000 0005",
        "电话报告补录时间已核对（林晨）",
        "已听录音",
        "电话报告作废：登记错单位（陈晓）",
    ):
        assert text in page, text
    async with site.db.read() as session:
        [entry] = await audited(session, ["incident:2026-0001"], ["report.completed"])
    assert entry.detail["before"] == {"reporter": "李强", "reporter_phone": ""}
    assert entry.detail["after"] == {"reporter": "李强", "reporter_phone": "+8613800000005"}
    verdicts = await page_of(browser, fire, "owed")
    assert "重新计时" in verdicts


async def test_the_whole_life_of_an_incident_with_old_and_new_values(browser, second, fire):
    await browser.post(
        f"{fire}/regrade",
        data={
            "grade": "especially_major",
            "sensitive": "yes",
            "confirmed": "yes",
            "reason": "伤亡扩大",
            "base": await base(browser, f"{fire}/regrade"),
        },
    )
    await second.post(f"{fire}/end", data=await seen(second, f"{fire}/end") | {"reason": "明火扑灭"})
    await second.post(f"{fire}/reinstate", data=await seen(second, f"{fire}/reinstate") | {"reason": "复燃"})
    await browser.post(f"{fire}/withdraw", data=await seen(browser, f"{fire}/withdraw") | {"reason": "误报"})
    await browser.post(
        f"{fire}/reinstate", data=await seen(browser, f"{fire}/reinstate") | {"reason": "属实"}
    )
    other = (await browser.post("/incidents", data=FIRE | {"title": "同一起火"})).headers["location"]
    assert (
        await browser.post(
            f"{fire}/merge",
            data=await seen(browser, f"{fire}/merge") | {"into": "2026-0002", "reason": "同一起"},
        )
    ).status_code == 303
    page = await page_of(browser, fire, "incident")
    for text in (
        "事件登记（陈晓）",
        "级别变动：伤亡扩大（陈晓）",
        "级别：重大 → 特别重大",
        "敏感：否 → 是",
        "级别已核定：否 → 是",
        "处置结束：明火扑灭（林晨）",
        "状态：处置中 → 已结束",
        "事件恢复：复燃（林晨）",
        "状态：已结束 → 处置中",
        "事件撤回：误报（陈晓）",
        "状态：处置中 → 已撤回",
        "事件归并：同一起（陈晓）",
        "归并到：空 → 2026-0002",
    ):
        assert text in page, text
    survivor = await page_of(browser, other, "incident")
    assert "归并 2026-0001:同一起" in survivor
    assert "级别：重大 → 特别重大" in survivor
    assert "已并入 2026-0001" in survivor


async def test_takeover_its_end_a_waiver_and_a_moved_due_time(browser, fire, site, clock, wired):
    from dutydesk.escalation.ticks import escalate

    phone, written = await owed(site, "49.1"), await owed(site, "49.2")
    taken = {"who": "孙丽华 科长", "reason": "已与负责人通话", "next_check_at": "2026-11-23T14:30:00"}
    await browser.post(
        f"/obligations/{phone.id}/take-over",
        data=await seen(browser, f"/obligations/{phone.id}/take-over") | taken,
    )
    shown = await browser.get(f"/obligations/{written.id}/waive")
    assert "判定记为免除" in shown.text
    assert (
        await browser.post(
            f"/obligations/{written.id}/waive",
            data=await seen(browser, f"/obligations/{written.id}/waive") | {"reason": " "},
        )
    ).status_code == 422
    waived = await browser.post(
        f"/obligations/{written.id}/waive",
        data=await seen(browser, f"/obligations/{written.id}/waive") | {"reason": "按较大事件办理"},
    )
    assert waived.status_code == 303
    again = await browser.post(
        f"/obligations/{written.id}/waive",
        data=await seen(browser, f"/obligations/{written.id}/waive") | {"reason": "x"},
    )
    assert (again.status_code, "已经了结" in again.text) == (409, True)
    page = await page_of(browser, fire, "owed")
    for text in (
        "由孙丽华 科长接管（登记人 陈晓）",
        "已与负责人通话；11-23 14:30:00复核",
        "免除",
        "按较大事件办理",
    ):
        assert text in page, text
    clock.move(31 * 60)
    for _ in range(3):
        await escalate(site, clock.now())
        clock.move(30)
    page = await page_of(browser, fire, "owed")
    assert "的接管到复核时间，恢复提醒" in page
    assert "接管人 孙丽华 科长" in page
    assert "首报（电话）到期未收到" in page


async def test_a_clock_that_stepped_and_who_confirmed_it(browser, fire, site):
    assert "时钟没有存疑" in (await browser.get("/clock/confirm")).text
    refused = await browser.post("/clock/confirm", data={"reason": "已核对"})
    assert (refused.status_code, "没有存疑" in refused.text) == (409, True)
    async with site.db.write() as session:
        note_clock_step(session, site.clock.now(), -7.5)
    assert "时钟跳变-7.5秒" in (await browser.get("/clock/confirm")).text
    assert (await browser.post("/clock/confirm", data={"reason": ""})).status_code == 422
    assert (await browser.post("/clock/confirm", data={"reason": "与12117核对"})).status_code == 303
    page = await page_of(browser, fire, "owed")
    for text in ("时钟跳变-7.5秒，判定暂为待核", "时钟已核对确认（陈晓）", "与12117核对"):
        assert text in page, text


async def test_messages_with_every_attempt_its_outcome_and_who_confirmed(browser, fire, site, clock):
    now, row = clock.now(), await row_of(site)
    duty = await owed(site, "49.1")
    async with site.db.write() as session:
        [alert] = messages(row, now, 1, duty.id)
        alert.channel, alert.state, alert.cancelled_at, alert.cancel_reason = "voice", "sent", None, None
        alert.exhausted_at, alert.exhausted_reason = now, "NO_KEY_PRESSED"
        first = Attempt(
            channel="voice", provider="t", to_number="+8613800000001", token="a", live=False, state="failed",
            claimed_at=now, ended_at=now, outcome="contact_fault", error_code="21211", error_text="Invalid",
        )  # fmt: skip
        again = Attempt(
            channel="voice", provider="t", to_number="+8613800000002", token="b", live=False, state="completed",
            claimed_at=now, answered_at=now, ended_at=now, outcome="no_key", resent=True,
        )  # fmt: skip
        session.add_all([alert, first, again])
        await session.flush()
        for one in (first, again):
            session.add(AttemptItem(attempt_id=one.id, alert_id=alert.id, bound_at=now))
        await session.flush()
        await acknowledge_by_hand(
            session, now, alert, who="王敏 副主任", how="值班手机通话", at=now, recorded_by="陈晓"
        )
    page = await page_of(browser, fire, "told")
    for text in (
        "单位值班员：已到时点，尚未办结",
        "号码不可用",
        "通道答复 21211 Invalid",
        "138 0000 0002（重发）",
        "已接听",
        "未按键",
        "未果，转下一位",
        "王敏 副主任 已确认",
        "人工登记：值班手机通话（登记人 陈晓）",
    ):
        assert text in page, text


async def test_counts_files_and_what_the_duty_log_says_of_it(browser, fire, site, clock):
    await browser.post(f"{fire}/casualties", data={"as_of": "2026-11-23T13:59:00", "dead": "1"})
    await browser.post(f"{fire}/attachments", files={"file": ("现场.pdf", b"%PDF-1.7\n")})
    row = await row_of(site)
    async with site.db.write() as session:
        session.add(
            LogEntry(
                kind="instruction",
                at=clock.now(),
                logged_at=clock.now(),
                logged_by="陈晓",
                incident_id=row.id,
                person="赵建国",
                title="副局长",
                content="全力救治",
                conveyed_to="机关食堂",
                conveyed_at=clock.now(),
            )
        )
    page = await page_of(browser, fire)
    for text in (
        "伤亡情况（截至11-23 13:59:00）（陈晓）",
        "死亡 0 → 1（核增1）",
        "附件：现场.pdf（陈晓）",
        "领导批示 赵建国 副局长：全力救治",
        "已传达 机关食堂",
    ):
        assert text in page, text
    assert "全力救治" in page.partition('id="log"')[2].partition("</section>")[0]


async def test_each_group_shows_its_own_and_unknown_ones_show_all(browser, fire):
    every = await page_of(browser, fire)
    for group in timeline.GROUPS:
        shown = set(re.findall(r'<li class="line-(\w+)">', await page_of(browser, fire, group)))
        assert shown <= {group}, group
    kinds = r'<li class="line-\w+">'
    assert re.findall(kinds, await page_of(browser, fire, "nonsense")) == re.findall(kinds, every)
    assert (await browser.get(f"{fire}?before=-1")).status_code == 422


async def test_a_long_history_is_paged_and_not_one_line_is_lost(browser, fire, site, clock):
    row = await row_of(site)
    async with site.db.write() as session:
        session.add_all(messages(row, clock.now() + timedelta(minutes=1), 2 * timeline.MOST_ON_A_PAGE + 20))
    clock.move(3600)
    await browser.post(f"{fire}/withdraw", data=await seen(browser, f"{fire}/withdraw") | {"reason": "误报"})
    found, address, pages = [], fire, 0
    while address:
        page = (await browser.get(address)).text
        found += re.findall(r'<span class="line-text">([^<]*)</span>', page)
        more = re.search(r'href="([^"]*before=\d+)#timeline"', page)
        assert ("告知记录较多" in page) == (more is not None)
        address, pages = more and more[1].replace("&amp;", "&"), pages + 1
    assert pages == 3
    async with site.db.read() as session:
        whole = await timeline.everything_after(session, await row_of(site), site, DESK)
    assert whole.more == 0
    assert len(found) == len(whole.lines)
    assert sum("取消" in line for line in found) >= 2 * timeline.MOST_ON_A_PAGE + 20
    assert sum("事件登记" in line for line in found) == 1
    assert sum("事件撤回" in line for line in found) == 1


async def test_the_api_pages_forward_and_loses_nothing(desk, site, clock):
    await desk.log()
    row = await row_of(site)
    async with site.db.write() as session:
        session.add_all(messages(row, clock.now(), 2500))
    first = await desk.get("incidents/2026-0001/timeline")
    assert first["next_cursor"]
    rest = await desk.get(f"incidents/2026-0001/timeline?cursor={first['next_cursor']}")
    assert rest["next_cursor"] is None
    lines = first["items"] + rest["items"]
    async with site.db.read() as session:
        count = len(await newest_alerts(session, ["2026-0001"], 10_000))
    assert sum(line["kind"] == "alert.queued" for line in lines) == count >= 2500
    assert sum(line["kind"] == "incident.logged" for line in lines) == 1
    assert [line["at"] for line in lines] == sorted(line["at"] for line in lines)


async def test_a_reader_without_numbers_sees_none_in_any_line(browser, fire, browser_of):
    await browser.post(
        f"{fire}/reports",
        data={
            "kind": "phone",
            "reported_at": "2026-11-23T14:00:00",
            "reporter": "李强",
            "reporter_phone": "13800000005",
            "content": "请回电 13900001234",
        },
    )
    inspector = await browser_of("inspector")
    for page in ((await inspector.get(fire)).text, (await inspector.get(f"{fire}/live?kind=report")).text):
        assert not re.search(r"138 ?0000 ?0005|13900001234|022 ?2345 ?67", page)
        assert "李强" in page
        assert "作废</a>" not in page
        assert f"{fire}/correct" not in page

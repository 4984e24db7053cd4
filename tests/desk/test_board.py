"""The board: calm when all is well, plain when it is not, and the same for everybody with the same rights."""

import gzip
import re
from datetime import timedelta

import pytest

from dutydesk.accounts.rules import Actor
from dutydesk.alerts.queries import told
from dutydesk.incidents.actions import NewIncident, log_incident
from dutydesk.incidents.reporting import NewReport, add_report
from dutydesk.obligations.model import ClockStep
from dutydesk.obligations.queries import obligations_of
from tests.builders import MOBILES

OPERATOR = Actor("desk", "operator")
MASKED = re.compile(r"138\D?0000\D?0\d\d\d|\+?8613800000\d\d\d")


@pytest.fixture
def log(site, bureau):
    """Log an incident of some minutes ago."""

    async def logged(title="后厨配电室起火", *, minutes=10, unit=None, **more):
        now = site.clock.now()
        new = NewIncident(
            title=title,
            category="accident",
            grade="ungraded",
            unit_id=unit or bureau.canteen.id,
            occurred_at=now - timedelta(minutes=minutes),
            occurred_at_kind="exact",
            **more,
        )
        async with site.db.write() as session:
            return await log_incident(session, site, now, OPERATOR, new)

    return logged


async def obligation_of(site, incident, rule):
    async with site.db.read() as session:
        return next(one for one in await obligations_of(session, incident.id) if one.rule_id == rule)


# ---------------------------------------------------------------------------------------------------------------------
# What it shows


async def test_a_board_with_nothing_to_do_is_calm(browser, bureau):
    page = (await browser.get("/desk/board")).text
    for text in ("没有告警", "没有未了事件", "工作日", "时限看护 正常", "没有到期事项", "还没有动态"):
        assert text in page
    for alarming in ("data-alert", "count-big", "health-bad", "mark-over", "fault"):
        assert alarming not in page


async def test_it_says_holiday_make_up_workday_lunar_date_and_a_year_without_notice(
    browser_of, bureau, clock
):
    said = (
        (-53, "法定节假日 国庆节"),
        (-44, "调休补班"),
        (0, "十月十五"),
        (-36, "重阳节"),
        (0, "2027年假日安排未公布，暂定"),
        (365 * 4, "2030年假日安排未公布，暂定"),
    )
    for day, text in said:
        clock.move(day * 86400)
        assert text in (await (await browser_of("operator")).get("/desk/board")).text
        clock.move(-day * 86400)


async def test_it_names_who_is_on_duty_with_mode_numbers_and_the_next_change(browser, bureau):
    page = (await browser.get("/desk/board")).text
    for text in (
        "赵建国",
        "带班领导",
        "通讯畅通",
        "陈静",
        "在岗",
        "孙丽华",
        "备班",
        "138 0000 0001",
        "下次变动",
    ):
        assert text in page


async def test_a_clock_carries_the_ladders_points_and_more_than_a_colour(browser, log, site):
    fire = await log()
    due = (await obligation_of(site, fire, "49.1")).due_at
    page = (await browser.get("/desk/board")).text
    milli = int(due.timestamp() * 1000)
    assert f'data-due="{milli}" data-near="{milli - 300_000}" data-raised="{milli + 180_000}"' in page
    assert 'data-state="left"' in page
    for word in ("剩余", "10分00秒", "临期", "超时，已升级"):
        assert word in page
    assert "\ue000" not in page


async def test_the_time_left_is_that_of_the_request_not_of_the_drawing(browser, log, clock):
    await log()
    assert "10分00秒" in (await browser.get("/desk/board")).text
    clock.move(1)
    assert "9分59秒" in (await browser.get("/desk/board")).text


async def test_the_most_urgent_comes_first_and_drills_last(browser, log):
    await log("先发生的", minutes=2)
    await log("快到期的", minutes=18)
    await log("演练中的", minutes=19, drill=True)
    page = (await browser.get("/desk/board")).text
    page = page[page.index('id="r-incidents"') : page.index('class="board-side"')]
    assert page.index("快到期的") < page.index("先发生的") < page.index("演练中的")


async def test_the_feed_says_who_was_told_who_answered_and_what_came_in(browser, log, site, clock, work):
    fire = await log()
    await work()
    clock.move(60)
    async with site.db.read() as session:
        sms = next(one.alert for one in await told(session) if one.alert.channel == "sms")
    await browser.post(
        f"/desk/alerts/{sms.id}/by-hand",
        data={"who": "赵建国", "how": "值班手机", "at": "2026-11-23T14:00:30"},
    )
    async with site.db.write() as session:
        report = NewReport("phone", site.clock.now(), "李强", "13800000005", "火已扑灭")
        await add_report(session, site, site.clock.now(), OPERATOR, fire, report)
    page = (await browser.get("/desk/board")).text
    feed = page[page.index('id="r-feed"') :]
    for text in (
        "短信告知 赵建国（带班领导）",
        "赵建国 已应答：人工登记",
        "电话报告已到",
        "事件登记：后厨配电室起火",
    ):
        assert text in feed
    assert feed.index("电话报告已到") < feed.index("事件登记")
    assert not MASKED.search(feed)


async def test_what_falls_due_within_a_day_is_listed(browser, log):
    await log()
    page = (await browser.get("/desk/board")).text
    soon = page[page.index('id="r-soon"') :]
    assert "14:10:00" in soon
    assert "首报（书面）" in soon


async def test_without_real_sending_nothing_reads_as_if_it_had_reached_anybody(browser, log, work):
    await log()
    await work()
    page = (await browser.get("/desk/board")).text
    assert "未实际发送" in page
    for claim in ("已送达", "已发出", "呼叫中"):
        assert claim not in page


async def test_a_dead_clockwork_is_said(browser, log, clock):
    await log()
    clock.move(60)
    assert "超过15秒未巡检" in (await browser.get("/desk/board")).text


async def test_what_people_typed_stays_text(browser, log):
    await log("<script>alert(1)</script><img src=x onerror=alert(2)>", place="<b>楼</b>")
    for address in ("/desk", "/wall"):
        page = (await browser.get(address)).text
        assert "&lt;script&gt;alert(1)" in page
        assert "<script>alert" not in page
        assert "<img" not in page


# ---------------------------------------------------------------------------------------------------------------------
# For whom


async def test_an_inspector_sees_masked_numbers_and_nothing_to_press(browser_of, log, work):
    await log()
    await work()
    page = (await (await browser_of("inspector")).get("/desk")).text
    assert "后厨配电室起火" in page
    assert not MASKED.search(page)
    board = page[page.index('id="board"') :]
    for button in ("<form", "<button", "登记应答", "电话报告已到", "登记事件", "一键叫应"):
        assert button not in board
    assert 'id="sound"' not in page


async def test_two_roles_never_see_each_others_drawing(browser_of, log, work):
    await log()
    await work()
    operator, inspector = await browser_of("operator"), await browser_of("inspector")
    for _ in range(2):
        assert MASKED.search((await operator.get("/desk/board")).text)
        assert not MASKED.search((await inspector.get("/desk/board")).text)


async def test_a_unit_contact_has_no_board_and_no_wall(browser_of, bureau):
    unit = await browser_of("unit", unit="canteen")
    for address in ("/desk", "/desk/board", "/wall", "/wall/board", "/my"):
        assert (await unit.get(address)).status_code == 403


async def test_only_the_desk_can_say_that_it_drew_an_alarm(browser_of, log, work):
    await log()
    await work()
    for role in ("inspector", "leader", "office", "auditor"):
        browser = await browser_of(role)
        assert (await browser.post("/desk/drawn", json={"alerts": [1], "sound": True})).status_code == 403


# ---------------------------------------------------------------------------------------------------------------------
# 一键叫应


async def told_by(site, incident, reason):
    async with site.db.read() as session:
        found = await told(session, numbers=[incident.number])
    return [one.alert for one in found if one.alert.reason == reason and one.alert.channel != "screen"]


async def test_a_click_calls_the_leader_out_now_and_only_once(browser, log, site, clock, work):
    fire = await log()
    await work()
    owed = await obligation_of(site, fire, "49.3")
    assert "一键叫应" in (await browser.get("/desk/board")).text
    for _ in range(2):
        answer = await browser.post(f"/desk/obligations/{owed.id}/call-out", headers={"X-Live": "1"})
        assert answer.status_code == 204
    called = await told_by(site, fire, "CALLED_OUT_BY_HAND")
    assert [(one.channel, one.target) for one in called] == [("voice", "desk:leader")]
    await work()
    assert "值班员一键叫应，立即告知" in (await browser.get("/desk/board")).text
    clock.move(60)  # the rung's own time: the leader is being rung already
    await work()
    assert [one.channel for one in await told_by(site, fire, "REPEATED")] == []
    clock.move(30)
    await browser.post(f"/desk/obligations/{owed.id}/call-out")
    # Before the due time nobody of the due rung is told.
    targets = {one.target for one in await told_by(site, fire, "CALLED_OUT_BY_HAND")}
    assert targets == {"desk:leader"}


async def test_a_click_when_nothing_is_owed_any_more_tells_nobody(browser, log, site):
    fire = await log()
    async with site.db.write() as session:
        report = NewReport("phone", site.clock.now(), "李强", "13800000005", "火已扑灭")
        await add_report(session, site, site.clock.now(), OPERATOR, fire, report)
    owed = await obligation_of(site, fire, "49.1")
    answer = await browser.post(f"/desk/obligations/{owed.id}/call-out")
    assert answer.status_code == 409
    assert "已经了结" in answer.text
    assert await told_by(site, fire, "CALLED_OUT_BY_HAND") == []
    assert (await browser.post("/desk/obligations/999/call-out")).status_code == 404


async def test_only_the_desk_calls_out(browser_of, log, site):
    owed = await obligation_of(site, await log(), "49.3")
    for role in ("leader", "inspector", "office"):
        answer = await (await browser_of(role)).post(f"/desk/obligations/{owed.id}/call-out")
        assert answer.status_code == 403


# ---------------------------------------------------------------------------------------------------------------------
# Many


@pytest.mark.parametrize("count", [1, 50])
async def test_every_open_incident_is_there_and_the_page_stays_small(browser, log, work, clock, count):
    for number in range(count):
        await log(f"第{number + 1}起事件", minutes=number % 15 + 5)
    clock.move(16 * 60)
    await work()
    page = (await browser.get("/desk")).text
    assert page.count('class="incident"') == count
    assert len(gzip.compress(page.encode(), 6)) <= 60_000


async def test_all_static_parts_of_the_board_are_small_and_kept_for_good(browser, bureau):
    page = (await browser.get("/desk")).text
    addresses = set(re.findall(r'(?:src|href)="(/static/[^"#]+)', page))
    assert len(addresses) >= 6
    size = 0
    for address in addresses:
        answer = await browser.get(address.replace("&amp;", "&"), headers={"Accept-Encoding": "gzip"})
        assert answer.status_code == 200
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
        size += answer.num_bytes_downloaded
    assert size <= 250_000


def test_no_mobile_is_overlooked_by_the_pattern():
    assert all(MASKED.search(number) for number in MOBILES.values())


async def test_whoever_may_confirms_the_clock_from_the_board(site, bureau, browser, browser_of):
    async with site.db.write() as session:
        session.add(ClockStep(noticed_at=site.clock.now(), seconds=90.0))
    assert 'href="/clock/confirm"' in (await browser.get("/desk")).text
    page = (await (await browser_of("inspector")).get("/desk")).text
    assert "本机时钟发生跳变" in page
    assert "/clock/confirm" not in page

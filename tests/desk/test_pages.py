"""The board as a browser gets it, without its script."""

import pytest

from dutydesk.alerts.queries import screen_alerts, told
from dutydesk.obligations.queries import obligations_of


async def shown_alerts(site):
    async with site.db.read() as session:
        return await screen_alerts(session)


async def test_the_first_page_is_the_board(browser, bureau):
    answer = await browser.get("/")
    assert (answer.status_code, answer.headers["location"]) == (303, "/desk")


async def test_an_empty_board_names_who_is_on_duty_the_date_and_how_it_sends(browser, bureau):
    page = (await browser.get("/desk")).text
    assert "没有未了事件" in page
    assert "2026年11月23日 星期一" in page
    assert "未启用真实发送" in page
    assert "本系统为非涉密系统，严禁存储、处理、传输国家秘密" in page
    for text in ("赵建国", "带班领导", "陈静", "值班员（主班）", "138 0000 0001", "022 2345 6789"):
        assert text in page
    assert "空岗" not in page


async def test_a_bureau_that_was_never_set_up_still_has_a_board(browser, site):
    page = (await browser.get("/desk")).text
    assert "未登记值班电话" in page


async def test_an_empty_seat_is_named(browser_of, bureau, clock):
    clock.move(60 * 24 * 3600)
    browser = await browser_of("operator")
    page = (await browser.get("/desk")).text
    assert "带班领导 空岗" in page
    assert "值班员（主班） 空岗" in page


async def test_the_board_counts_down_and_says_what_comes_next(browser, fire):
    page = (await browser.get("/desk/board")).text
    assert "<html" not in page
    for text in ("2026-0001", "后厨配电室起火", "待定级", "首报", "剩余", "10分00秒", "下一步", "单位值班员"):
        assert text in page
    assert f"/incidents/{fire.number}/reports?kind=phone" in page


async def test_a_missed_report_is_said_in_words(browser, fire, clock, work):
    clock.move(11 * 60)
    await work()
    page = (await browser.get("/desk/board")).text
    assert "已超" in page
    assert "1分00秒" in page
    assert "2项已超时" in page  # the leader was not reached in time either
    assert "李强" in page
    assert "已到时点" in page


async def test_an_alarm_stays_until_somebody_confirms_it_and_only_that_one(browser, fire, site, clock, work):
    clock.move(6 * 60)
    await work()
    first, *others = await shown_alerts(site)
    assert others
    page = (await browser.get("/desk/alarms")).text
    assert f'data-alert="{first.id}"' in page
    assert "机关食堂" in page
    answer = await browser.post(f"/desk/alerts/{first.id}/confirm")
    assert (answer.status_code, answer.headers["location"]) == (303, "/desk")
    assert [row.id for row in await shown_alerts(site)] == [row.id for row in others]
    async with site.db.read() as session:
        proof = next(one for one in await told(session) if one.alert.id == first.id).acknowledgements
    assert [(one.kind, one.who) for one in proof] == [("screen", "desk")]


async def test_confirming_twice_is_no_error(browser, fire, site, work):
    await work()
    alert = (await shown_alerts(site))[0]
    for _ in range(2):
        answer = await browser.post(f"/desk/alerts/{alert.id}/confirm", headers={"X-Live": "1"})
        assert answer.status_code == 204
    async with site.db.read() as session:
        found = next(one for one in await told(session) if one.alert.id == alert.id)
    assert len(found.acknowledgements) == 1


async def test_only_a_board_with_sound_makes_an_alert_delivered(browser, fire, site, work):
    await work()
    ids = [alert.id for alert in await shown_alerts(site)]
    for sound, states in ((False, {"sent", "sending", "accepted"}), (True, {"delivered"})):
        answer = await browser.post("/desk/drawn", json={"alerts": ids, "sound": sound})
        assert answer.status_code == 204
        assert {alert.state for alert in await shown_alerts(site)} <= states


async def test_a_confirmation_by_hand_needs_who_how_and_when(browser, fire, site, clock, work):
    await work()
    async with site.db.read() as session:
        alert = next(one.alert for one in await told(session) if one.alert.channel == "sms")
    clock.move(120)
    address = f"/desk/alerts/{alert.id}/by-hand"
    asked = (await browser.get(address)).text
    assert "赵建国" in asked
    lacking = await browser.post(address, data={"who": "赵建国", "how": "", "at": "2026-11-23T14:02:00"})
    assert lacking.status_code == 422
    assert "请填写" in lacking.text
    assert 'value="赵建国"' in lacking.text
    early = await browser.post(address, data={"who": "赵建国", "how": "手机", "at": "2026-11-23T13:00:00"})
    assert early.status_code == 422
    assert "早于告警发出时间" in early.text
    done = await browser.post(address, data={"who": "赵建国", "how": "手机通话", "at": "2026-11-23T14:01:00"})
    assert (done.status_code, done.headers["location"]) == (303, f"/incidents/{fire.number}")
    assert "人工叫应" in (await browser.get("/desk/board")).text
    again = await browser.post(
        address, data={"who": "赵建国", "how": "手机通话", "at": "2026-11-23T14:01:30"}
    )
    assert again.status_code == 409
    assert "已有人确认" in again.text


async def test_a_leader_confirmed_by_hand_has_been_called_out(browser, fire, site, clock, work):
    await work()
    async with site.db.read() as session:
        alert = next(one.alert for one in await told(session) if one.alert.channel == "sms")
    clock.move(60)
    await browser.post(
        f"/desk/alerts/{alert.id}/by-hand",
        data={"who": "赵建国", "how": "手机通话", "at": "2026-11-23T14:00:30"},
    )
    await work()
    async with site.db.read() as session:
        call_out = next(one for one in await obligations_of(session, fire.id) if one.rule_id == "49.3")
    assert call_out.state == "fulfilled"


@pytest.mark.parametrize("address", ["/desk/alerts/999/by-hand", "/incidents/2026-9999"])
async def test_what_does_not_exist_is_a_plain_page(browser, bureau, address):
    answer = await browser.get(address)
    assert answer.status_code == 404
    assert "没有找到" in answer.text
    assert answer.headers["content-type"].startswith("text/html")


async def test_a_drill_says_so(browser, bureau, site):
    units = (await browser.get("/incidents/new")).text
    assert bureau.canteen.name in units
    form = {
        "title": "消防演练",
        "unit": "canteen",
        "occurred_at": "2026-11-23T13:55:00",
        "occurred_at_kind": "exact",
        "grade": "ungraded",
        "category": "accident",
        "received_at": "2026-11-23T14:00:00",
        "drill": "yes",
    }
    made = await browser.post("/incidents", data=form)
    assert made.status_code == 303
    page = (await browser.get(made.headers["location"])).text
    assert "演练-2026-1" in page
    board = (await browser.get("/desk/board")).text
    assert 'mark-drill">演练' in board

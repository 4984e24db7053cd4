"""An incident from its first call to its end, in forms that lose nothing."""

import re

import pytest

from dutydesk.incidents.queries import incident_by_number, list_incidents, reports_of
from dutydesk.obligations.queries import obligations_of
from tests.builders import build_bureau
from tests.incidents.conftest import seen

FIRE = {
    "title": "后厨配电室起火",
    "unit": "canteen",
    "occurred_at": "2026-11-23T13:50:00",
    "occurred_at_kind": "exact",
    "place": "二号楼",
    "grade": "ungraded",
    "category": "accident",
    "received_at": "2026-11-23T13:58:00",
    "narrative": "人员已疏散\n伤亡待核实",
}
PHONED = {
    "kind": "phone",
    "reported_at": "2026-11-23T14:01:00",
    "reporter": "李强",
    "reporter_phone": "13800000005",
}


@pytest.fixture
async def bureau(site):
    return await build_bureau(site.db, site.clock.now())


@pytest.fixture
async def browser(browser_of, bureau):
    return await browser_of("operator", name="desk")


@pytest.fixture
async def fire(browser):
    """The address of an incident that was logged in the form."""
    return (await browser.post("/incidents", data=FIRE)).headers["location"]


async def logged(site):
    async with site.db.read() as session:
        return await list_incidents(session)


async def base(browser, address):
    """Return what a form was drawn from, as it is sent back with it."""
    return re.search(r'name="base" value="(\d+)"', (await browser.get(address)).text)[1]


async def owed(site, rule):
    async with site.db.read() as session:
        row = await incident_by_number(session, "2026-0001")
        return [one for one in await obligations_of(session, row.id) if one.rule_id == rule][-1]


async def test_the_empty_form_is_received_now_and_ungraded(browser):
    page = (await browser.get("/incidents/new")).text
    assert 'value="2026-11-23T14:00:00"' in page
    assert re.search(r'value="ungraded" selected', page)
    assert re.search(r'value="exact" selected', page)
    assert re.search(r'name="occurred_at"[^>]*required', page) is None


async def test_what_was_typed_in_site_time_is_counted_from(browser, fire, site):
    assert fire == "/incidents/2026-0001"
    page = (await browser.get(fire)).text
    for text in (
        "后厨配电室起火",
        "机关食堂",
        "第四十九条",
        "必须在20分钟内向局值班室电话报告",
        "14:10:00",
        "剩余",
        "伤亡待核实",
    ):
        assert text in page
    assert (await owed(site, "49.1")).due_at.isoformat() == "2026-11-23T06:10:00+00:00"


async def test_everything_wrong_is_said_at_once_beside_its_field_and_nothing_typed_is_lost(browser, site):
    wrong = FIRE | {"title": " ", "unit": "", "occurred_at": "2026-11-23T15:00:00", "reporter": "李强"}
    answer = await browser.post("/incidents", data=wrong)
    assert answer.status_code == 422
    page = answer.text
    for text in ("请填写", "请选择", "不能晚于现在", "是电话报告请勾选"):
        assert text in page
    for name in ("title", "unit", "occurred_at", "is_phone_report"):
        assert f'id="f-{name}-fault"' in page
    for kept in ("2026-11-23T15:00:00", "二号楼", "人员已疏散\n伤亡待核实", 'value="李强"'):
        assert kept in page
    assert await logged(site) == []


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"occurred_at": ""}, "准确程度选“不详”"),
        ({"occurred_at_kind": "unknown"}, "选了“不详”就不要填写"),
        ({"occurred_at": "gestern"}, "时间格式不对"),
        ({"occurred_at": "9999-99-99T00:00"}, "时间格式不对"),
        ({"received_at": "2026-11-23T13:00:00"}, "早于事发时间"),
        ({"title": "长" * 201}, "最多200字"),
        ({"place": "暗\u202e号"}, "控制字符"),
        ({"unit": "nowhere"}, "没有这个单位"),
        ({"grade": "huge"}, "请选择"),
    ],
)
async def test_a_form_that_cannot_be_true_comes_back(browser, site, change, sentence):
    answer = await browser.post("/incidents", data=FIRE | change)
    assert answer.status_code == 422
    assert sentence in answer.text
    assert await logged(site) == []


async def test_time_place_and_one_line_are_enough(browser):
    least = {
        name: FIRE[name]
        for name in ("title", "unit", "occurred_at", "occurred_at_kind", "received_at", "grade", "category")
    }
    answer = await browser.post("/incidents", data=least)
    assert answer.status_code == 303
    assert "待核实" in (await browser.get(answer.headers["location"])).text


async def test_an_unknown_time_is_counted_from_the_report(browser, site):
    await browser.post("/incidents", data=FIRE | {"occurred_at": "", "occurred_at_kind": "unknown"})
    assert (await owed(site, "49.1")).base_kind == "received_at"


async def test_a_form_sent_twice_logs_one_incident(browser, site):
    once = re.search(r'name="once" value="([^"]+)"', (await browser.get("/incidents/new")).text)[1]
    answers = [await browser.post("/incidents", data=FIRE | {"once": once}) for _ in range(2)]
    assert [answer.headers["location"] for answer in answers] == ["/incidents/2026-0001"] * 2
    assert len(await logged(site)) == 1


async def test_the_first_call_may_be_the_phone_report_itself(browser, site):
    told = {"is_phone_report": "yes", "reporter": "李强", "reporter_phone": "138 0000 0005"}
    await browser.post("/incidents", data=FIRE | told)
    assert (await owed(site, "49.1")).state == "fulfilled"
    async with site.db.read() as session:
        report = (await reports_of(session, (await logged(site))[0].id))[0]
    assert (report.reporter, report.reporter_phone) == ("李强", "+8613800000005")
    assert report.reported_at.isoformat() == "2026-11-23T05:58:00+00:00"


async def test_a_phone_report_stops_its_clock_and_is_judged(browser, fire, site, clock):
    clock.move(120)
    asked = (await browser.get(f"{fire}/reports?kind=phone")).text
    assert 'value="phone" selected' in asked
    assert 'value="2026-11-23T14:02:00"' in asked
    answer = await browser.post(f"{fire}/reports", data=PHONED)
    assert (answer.status_code, answer.headers["location"]) == (303, fire)
    page = (await browser.get(fire)).text
    assert "按时" in page
    assert "138 0000 0005" in page
    assert (await owed(site, "49.1")).state == "fulfilled"


async def test_a_late_report_is_late_by_whole_minutes(browser, fire, clock):
    clock.move(15 * 60)
    await browser.post(f"{fire}/reports", data=PHONED | {"reported_at": "2026-11-23T14:12:30"})
    assert "迟报 3分钟" in (await browser.get(fire)).text


async def test_a_report_from_the_future_comes_back_as_it_was_typed(browser, fire):
    answer = await browser.post(f"{fire}/reports", data=PHONED | {"content": "明火已扑灭"})
    assert answer.status_code == 422
    assert "不能晚于现在" in answer.text
    assert "明火已扑灭" in answer.text


async def test_a_number_nobody_can_dial_does_not_hold_up_a_report(browser, fire, site, clock):
    clock.move(120)
    await browser.post(f"{fire}/reports", data=PHONED | {"reporter_phone": "总机转8001"})
    assert (await owed(site, "49.1")).state == "fulfilled"


async def test_a_report_without_a_caller_is_completed_later(browser, fire, site, clock):
    clock.move(120)
    await browser.post(f"{fire}/reports", data=PHONED | {"reporter": "", "reporter_phone": ""})
    address = re.search(r'href="(/reports/\d+/complete)"', (await browser.get(fire)).text)[1]
    lacking = await browser.post(address, data={"reporter": "李强", "reporter_phone": ""})
    assert lacking.status_code == 422
    done = await browser.post(address, data={"reporter": "李强", "reporter_phone": "13800000005"})
    assert done.headers["location"] == fire
    assert (await owed(site, "49.1-source")).state == "fulfilled"


async def test_withdrawing_needs_a_reason_and_can_be_undone(browser, fire, site):
    assert (
        await browser.post(f"{fire}/withdraw", data=await seen(browser, f"{fire}/withdraw") | {"reason": " "})
    ).status_code == 422
    await browser.post(f"{fire}/withdraw", data=await seen(browser, f"{fire}/withdraw") | {"reason": "误报"})
    assert (await owed(site, "49.1")).state == "withdrawn"
    refused = await browser.post(
        f"{fire}/end", data=await seen(browser, f"{fire}/end") | {"reason": "处置完毕"}
    )
    assert refused.status_code == 409
    assert "事件已撤回" in refused.text
    assert "处置完毕" in refused.text
    await browser.post(
        f"{fire}/reinstate", data=await seen(browser, f"{fire}/reinstate") | {"reason": "情况属实"}
    )
    assert (await owed(site, "49.1")).state == "open"


async def test_the_end_opens_the_final_report(browser, fire, site):
    await browser.post(f"{fire}/end", data=await seen(browser, f"{fire}/end") | {"reason": "明火扑灭"})
    assert "终报" in (await browser.get(fire)).text
    assert (await owed(site, "49.4-final")).state == "open"


async def test_a_downgrade_that_stops_a_clock_needs_a_leader(browser, fire, site):
    lower = {"grade": "ordinary", "reason": "现场核实为小火", "base": await base(browser, f"{fire}/regrade")}
    refused = await browser.post(f"{fire}/regrade", data=lower)
    assert refused.status_code == 422
    assert 'id="f-leader-fault"' in refused.text
    assert (await browser.post(f"{fire}/regrade", data=lower | {"leader": "赵建国"})).status_code == 303
    assert (await owed(site, "49.1")).state == "withdrawn"


async def test_a_corrected_time_moves_the_due_time_and_leaves_the_rest_alone(browser, fire, site):
    form = (await browser.get(f"{fire}/correct")).text
    assert 'value="2026-11-23T13:50:00"' in form
    unchanged = ("title", "unit", "category", "occurred_at_kind", "received_at", "place", "narrative")
    values = {name: FIRE[name] for name in unchanged} | {"base": await base(browser, f"{fire}/correct")}
    nothing = await browser.post(
        f"{fire}/correct", data=values | {"occurred_at": FIRE["occurred_at"], "reason": "核对"}
    )
    assert nothing.status_code == 422
    assert "没有改动" in nothing.text
    done = await browser.post(
        f"{fire}/correct", data=values | {"occurred_at": "2026-11-23T13:55:00", "reason": "来电更正"}
    )
    assert done.status_code == 303
    assert (await owed(site, "49.1")).due_at.isoformat() == "2026-11-23T06:15:00+00:00"


async def test_taking_over_names_somebody_and_a_time(browser, fire, site):
    row = await owed(site, "49.1")
    address = f"/obligations/{row.id}/take-over"
    assert 'value="2026-11-23T14:30:00"' in (await browser.get(address)).text
    taken = {"who": "孙丽华 科长", "reason": "已与该单位负责人通话", "next_check_at": "2026-11-23T14:20:00"}
    taken |= await seen(browser, address)
    past = await browser.post(address, data=taken | {"next_check_at": "2026-11-23T13:00:00"})
    assert past.status_code == 409
    assert "复核时间应晚于现在" in past.text
    assert "孙丽华 科长" in past.text
    assert (await browser.post(address, data=taken)).headers["location"] == fire
    assert "孙丽华 科长 已接管" in (await browser.get(fire)).text


async def test_a_duty_that_no_report_proves_is_entered(browser, fire, site):
    row = await owed(site, "19")
    done = await browser.post(
        f"/obligations/{row.id}/entry", data={"at": "2026-11-23T13:59:00", "reason": "电话报市委值班室"}
    )
    assert done.status_code == 303
    assert (await owed(site, "19")).state == "fulfilled"
    phone = await owed(site, "49.1")
    refused = await browser.post(
        f"/obligations/{phone.id}/entry", data={"at": "2026-11-23T13:59:00", "reason": "说过了"}
    )
    assert (refused.status_code, "不能手工登记" in refused.text) == (409, True)


async def test_the_live_part_is_the_page_without_its_frame(browser, fire):
    live = (await browser.get(f"{fire}/live")).text
    assert "<html" not in live
    assert "经过" in live
    assert live.strip() in (await browser.get(fire)).text


async def test_what_is_typed_is_shown_as_text_and_never_as_markup(browser, site):
    answer = await browser.post(
        "/incidents", data=FIRE | {"title": "<b>火</b>", "narrative": "</textarea><script>1</script>"}
    )
    page = (await browser.get(answer.headers["location"])).text
    assert "<b>火" not in page
    assert "<script>1" not in page
    assert "&lt;b&gt;火" in page


async def test_a_wrong_address_is_a_plain_page(browser):
    for address in ("/obligations/9/take-over", "/reports/9/complete", "/incidents/x/reports"):
        answer = await browser.get(address)
        assert answer.status_code == 404
        assert "没有找到" in answer.text
    assert (await browser.get("/obligations/x/take-over")).status_code == 422

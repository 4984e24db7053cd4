"""The pages of leaves, as the office, the director's deputies and everybody else see them."""

import re
from html import unescape

import pytest

from dutydesk.rosters.model import LeaveReport
from tests.rosters.duty import on_duty

NEW = "/rosters/leaves/new"


@pytest.fixture
async def duty(site):
    return await on_duty(site)


@pytest.fixture
async def office(browser_of, duty):
    return await browser_of("office", name="吴芳")


@pytest.fixture
async def admin(browser_of, duty):
    return await browser_of("administrator", name="系统管理")


def text(page) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", unescape(page.text)).split())


def trip(duty, name, **more):
    return {
        "person": str(duty.people[name]),
        "kind": "trip",
        "away": "city",
        "place": "北京",
        "starts_at": "2026-12-04T09:00",
        "ends_at": "2026-12-06T18:00",
        "reason": "参加会议",
    } | more


async def reported(browser, duty, name, **more):
    answer = await browser.post(f"{NEW}?unit=desk", data=trip(duty, name, **more))
    assert answer.status_code == 303, text(answer)
    return answer.headers["location"]


async def approved(office, admin, duty, name, **more):
    place = await reported(office, duty, name, **more)
    answer = await admin.post(f"{place}/decide", data={"decision": "approve", "decided_by": "郑国栋"})
    assert answer.status_code == 303, text(answer)
    return place


async def test_every_fault_stands_beside_its_field_and_nothing_typed_is_lost(office, duty):
    soon = trip(
        duty, "郑国栋", starts_at="2026-11-25T09:00", ends_at="2026-11-26T09:00", place="", reason="开会"
    )
    answer = await office.post(f"{NEW}?unit=desk", data=soon)
    assert answer.status_code == 422
    page = text(answer)
    assert "第五十七条：局长外出须提前5个工作日书面报告，本次最迟应于2026年11月18日报送" in page
    assert "第五十七条：离津、出境须写明地点" in page
    assert "开会" in answer.text
    backwards = trip(duty, "陈静", ends_at="2026-12-04T08:00")
    assert "返回时间须晚于离开时间" in text(await office.post(f"{NEW}?unit=desk", data=backwards))
    empty = await office.post(f"{NEW}?unit=desk", data={"person": "99999999999"})
    assert (empty.status_code, "请填写" in text(empty)) == (422, True)
    assert await duty.rows(LeaveReport) == []


async def test_it_is_reported_once_however_often_the_form_is_sent(office, duty):
    first = await reported(office, duty, "赵建国", once="key")
    assert await reported(office, duty, "赵建国", once="key") == first
    assert len(await duty.rows(LeaveReport)) == 1


async def test_the_directors_part_is_there_for_the_director_only(office, browser_of, duty):
    assert "主持工作的副局长" in text(await office.get(f"{NEW}?unit=desk"))
    assert "主持工作的副局长" not in text(await office.get(f"{NEW}?unit=canteen"))
    operator = await browser_of("operator", name="陈静", person_id=duty.people["陈静"])
    page = await operator.get(NEW)
    assert "主持工作的副局长" not in text(page)
    assert page.text.count("<option") < 12
    assert "您的账号没有关联人员" in text(await (await browser_of("operator")).get(NEW))


async def test_others_see_only_that_somebody_is_away(office, admin, browser_of, duty):
    place = await approved(office, admin, duty, "赵建国", reason="陪护病人")
    waiting = await reported(office, duty, "钱伟", reason="私事")
    operator = await browser_of("operator", name="刘洋", person_id=duty.people["刘洋"])
    page = text(await operator.get("/rosters/leaves?box=ahead"))
    assert "赵建国" in page
    assert "北京" not in page
    assert "陪护病人" not in page
    assert "钱伟" not in page
    for hidden in (place, waiting, f"{place}/amend"):
        assert (await operator.get(hidden)).status_code == 404
    own = await browser_of("leader", name="赵建国", person_id=duty.people["赵建国"])
    assert "陪护病人" in text(await own.get(place))
    contact = await browser_of("unit", unit="canteen", name="王小明")
    assert "赵建国" not in text(await contact.get("/rosters/leaves?box=ahead"))
    assert (await contact.get(place)).status_code == 404


async def test_what_waits_is_shown_to_whoever_may_decide_it(office, browser_of, duty):
    place = await reported(office, duty, "赵建国")
    director = await browser_of("leader", name="郑国栋", person_id=duty.people["郑国栋"])
    deputy = await browser_of("leader", name="钱伟", person_id=duty.people["钱伟"])
    assert "待我审批 1" in text(await director.get("/rosters/leaves"))
    assert "没有待审批的请假" in text(await deputy.get("/rosters/leaves?box=waiting"))
    assert "局领导外出由局长审批" in text(await deputy.get(place))
    assert (await director.post(f"{place}/decide", data={"decision": "approve"})).status_code == 303
    assert "郑国栋" in text(await deputy.get(place))


async def test_the_page_shows_struck_shifts_until_somebody_stands_in(office, admin, duty):
    place = await approved(
        office, admin, duty, "赵建国", starts_at="2026-11-28T07:00", ends_at="2026-11-29T18:00"
    )
    page = await office.get(place)
    assert "撤出的班次" in page.text
    assert f"/rosters/changes/new?shift={duty.shifts['leader', 28]}" in page.text
    assert "撤出的班次不自动退还" in text(page)


async def test_the_director_goes_step_by_step(office, admin, browser_of, duty, site):
    place = await reported(office, duty, "郑国栋")
    page = text(await office.get(place))
    assert "应于11月27日 17:30前送达市政府总值班室" in page
    assert "尚未落实（第五条）" in page
    refused = await admin.post(f"{place}/decide", data={"decision": "approve", "decided_by": "王副市长"})
    assert (refused.status_code, "须报分管市领导同意" in text(refused)) == (422, True)
    assert "王副市长" in refused.text
    consent = {"consent_by": "王副市长", "consent_at": "2026-11-23T10:00"}
    verdict = {"decision": "approve", "decided_by": "王副市长"}
    assert (await admin.post(f"{place}/decide", data=verdict | consent)).status_code == 303
    sent = {"written_at": "2026-11-23T13:00", "receipt": "津值收12号", "filed_at": "2026-11-23T13:30"}
    assert (await office.post(f"{place}/steps", data=sent)).status_code == 303
    chosen = {"delegate": str(duty.people["钱伟"])}
    assert (await office.post(f"{place}/delegate", data=chosen)).status_code == 303
    page = text(await office.get(place))
    for part in ("津值收12号", "主持工作 钱伟", "由系统管理登记", "委托主持工作"):
        assert part in page, part
    wrong = await office.post(f"{place}/delegate", data={"delegate": str(duty.people["陈静"])})
    assert (wrong.status_code, "陈静不能受托" in text(wrong)) == (422, True)
    site.clock.set(duty.at(36, 20))
    office = await browser_of("office", name="吴芳（次日）")
    assert (await office.post(f"{place}/return", data={"returned_at": "2026-12-06T17:00"})).status_code == 303
    assert "12月6日 17:00返回" in text(await office.get(place))


async def test_dates_are_changed_and_approved_anew(office, admin, duty):
    place = await approved(office, admin, duty, "赵建国")
    form = await office.get(f"{place}/amend")
    assert 'value="2026-12-04T09:00"' in form.text
    other = {
        "away": "city",
        "place": "上海",
        "transport": "",
        "starts_at": "2026-12-05T09:00",
        "ends_at": "2026-12-05T08:00",
        "reason": "改期",
    }
    refused = await office.post(f"{place}/amend", data=other)
    assert (refused.status_code, "返回时间须晚于离开时间" in text(refused)) == (422, True)
    assert "上海" in refused.text
    answer = await office.post(f"{place}/amend", data=other | {"ends_at": "2026-12-07T08:00"})
    assert answer.status_code == 303
    assert "行程变更待审批" in text(await admin.get("/rosters/leaves"))
    verdict = {"decision": "approve", "decided_by": "郑国栋"}
    assert (await admin.post(f"{place}/amendment", data=verdict)).status_code == 303
    assert "离津 上海" in text(await office.get(place))


async def test_it_is_taken_back_with_a_reason_before_departure(office, admin, browser_of, duty, site):
    place = await approved(office, admin, duty, "赵建国")
    assert (await office.post(f"{place}/cancel", data={})).status_code == 422
    assert (await office.post(f"{place}/cancel", data={"reason": "会议取消"})).status_code == 303
    assert "会议取消" in text(await office.get(place))
    other = await approved(office, admin, duty, "钱伟")
    site.clock.set(duty.at(34, 10))
    office = await browser_of("office", name="吴芳（次日）")
    assert "返回后请办理销假" in text(await office.post(f"{other}/cancel", data={"reason": "x"}))

"""The pages of substitutions and swaps, as those who ask and those who decide see them."""

import re
from html import unescape

import pytest

from dutydesk.rosters.model import ShiftChange
from tests.rosters.duty import on_duty

NEW = "/rosters/changes/new"


@pytest.fixture
async def duty(site):
    return await on_duty(site)


@pytest.fixture
async def office(browser_of, duty):
    return await browser_of("office", name="吴芳")


@pytest.fixture
async def operator(browser_of, duty):
    return await browser_of("operator", name="陈静", person_id=duty.people["陈静"])


def text(page) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", unescape(page.text)).split())


def substitute(duty, **more):
    return {
        "person": str(duty.people["周涛"]),
        "from_at": "2026-11-24T08:30",
        "until_at": "2026-11-25T08:30",
        "reason": "家中有事",
    } | more


async def asked(operator, duty, **more):
    shift = duty.shifts["operator_primary", 24]
    answer = await operator.post(f"{NEW}?shift={shift}&kind=substitute", data=substitute(duty, **more))
    assert answer.status_code == 303, text(answer)
    return answer.headers["location"]


async def test_an_operator_is_offered_the_own_shifts_and_the_office_those_of_a_unit(operator, office, duty):
    own = await operator.get(NEW)
    assert set(re.findall(r"changes/new\?shift=(\d+)\"", own.text)) == {
        str(duty.shifts["operator_primary", day]) for day in (24, 28, 32)
    }
    theirs = await office.get(f"{NEW}?unit=desk")
    assert f'changes/new?shift={duty.shifts["leader", 25]}"' in theirs.text
    assert "没有可以申请的班次" in text(await office.get(f"{NEW}?unit=canteen"))


async def test_an_account_without_a_person_is_told_so(browser_of, duty):
    nobody = await browser_of("operator")
    assert "您的账号没有关联人员" in text(await nobody.get(NEW))


async def test_who_may_not_take_it_is_offered_with_the_reason(operator, duty):
    page = text(await operator.get(f"{NEW}?shift={duty.shifts['operator_primary', 24]}"))
    assert "刘洋（与前后班次间隔不足）" in page
    page = text(await operator.get(f"{NEW}?shift={duty.shifts['operator_primary', 24]}&kind=swap"))
    assert "2026年11月25日 星期三 08:30 值班员（主班） 刘洋" in page
    assert "赵建国" not in page.split("换哪一班")[1]


async def test_it_is_asked_for_once_however_often_the_form_is_sent(operator, duty):
    first = await asked(operator, duty, once="key")
    assert await asked(operator, duty, once="key") == first
    assert len(await duty.rows(ShiftChange)) == 1


async def test_what_is_refused_stands_beside_the_field_and_nothing_typed_is_lost(operator, duty):
    shift = duty.shifts["operator_primary", 24]
    answer = await operator.post(
        f"{NEW}?shift={shift}", data=substitute(duty, person=str(duty.people["刘洋"]), reason="老人住院")
    )
    assert answer.status_code == 422
    assert "刘洋不能值值班员（主班）：与前后班次间隔不足" in text(answer)
    assert "老人住院" in answer.text
    assert f'value="{duty.people["刘洋"]}" selected' in answer.text
    answer = await operator.post(f"{NEW}?shift={shift}", data={"person": "x", "from_at": "?", "reason": ""})
    assert answer.status_code == 422
    assert "时间格式不对" in text(answer)
    assert await duty.rows(ShiftChange) == []


async def test_a_struck_part_of_a_shift_is_what_a_substitute_is_asked_for_at_first(office, duty, site):
    from dutydesk.rosters.model import SeatHolder

    async with site.db.write() as session:
        session.add(
            SeatHolder(
                unit_id=duty.units["desk"],
                seat="leader",
                person_id=None,
                from_at=duty.at(24, 12),
                until_at=duty.at(24, 20),
                instead_of_shift_id=duty.shifts["leader", 24],
                kind="vacated",
                reason="请假外出",
                created_at=site.clock.now(),
            )
        )
    page = await office.get(f"{NEW}?shift={duty.shifts['leader', 24]}")
    assert 'value="2026-11-24T12:00"' in page.text
    assert 'value="2026-11-24T20:00"' in page.text
    assert "空缺" in text(page)


async def test_the_inboxes_show_each_what_concerns_them(operator, office, browser_of, duty):
    place = await asked(operator, duty)
    assert "家中有事" in text(await operator.get("/rosters/changes"))
    assert "家中有事" in text(await office.get("/rosters/changes"))
    leader = await browser_of("leader", name="钱伟", person_id=duty.people["钱伟"])
    # 24日带班的是赵建国,不是钱伟。
    assert "没有待您审批的申请" in text(await leader.get("/rosters/changes"))
    page = text(await leader.get(place))
    assert "值班员的代班换班由当班带班领导或办公室审批" in page
    assert "批准" not in page.split("办理经过")[0]
    on_shift = await browser_of("leader", name="赵建国", person_id=duty.people["赵建国"])
    assert "待我审批 1" in text(await on_shift.get("/rosters/changes"))


async def test_a_request_is_approved_on_its_page_and_shows_who_sits_there_beside_who_was_planned(
    operator, office, duty
):
    place = await asked(operator, duty)
    refused = await office.post(f"{place}/decide", data={"decision": "reject"})
    assert (refused.status_code, "退回须写明原因" in text(refused)) == (422, True)
    answer = await office.post(f"{place}/decide", data={"decision": "approve", "opinion": "同意"})
    assert (answer.status_code, answer.headers["location"]) == (303, place)
    page = text(await operator.get(place))
    assert "已批准" in page
    assert re.search(r"主班） 陈静 周涛 周涛", page)
    assert "吴芳 批准 同意" in page
    again = await office.post(f"{place}/decide", data={"decision": "approve"})
    assert (again.status_code, "已经办理" in text(again)) == (409, True)


async def test_the_asker_takes_it_back(operator, duty):
    place = await asked(operator, duty)
    answer = await operator.post(f"{place}/cancel", data={"reason": "不必了"})
    assert answer.status_code == 303
    assert "已撤销" in text(await operator.get(place))
    assert (await operator.post(f"{place}/cancel", data={})).status_code == 409


async def test_a_unit_contact_sees_nothing_of_another_unit(operator, browser_of, duty):
    place = await asked(operator, duty)
    contact = await browser_of("unit", unit="canteen", name="王小明")
    assert (await contact.get(place)).status_code == 404
    assert (await contact.get(f"{NEW}?shift={duty.shifts['leader', 24]}")).status_code == 404
    assert (await contact.post(f"{place}/cancel", data={})).status_code == 404
    assert "家中有事" not in text(await contact.get("/rosters/changes?box=all"))


async def test_who_may_not_ask_has_no_page(browser_of, duty):
    inspector = await browser_of("inspector")
    assert (await inspector.get("/rosters/changes")).status_code == 403

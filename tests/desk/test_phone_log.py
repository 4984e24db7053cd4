"""The duty log in the browser: by shift and day, corrected by later rows, masked for those who need no numbers."""

import re
from datetime import timedelta

import pytest

from dutydesk.accounts.rules import Actor
from dutydesk.dutylog.actions import NewEntry, add_entry
from dutydesk.dutylog.queries import Wanted, list_entries

OPERATOR = Actor("陈静", "operator")
SAID = {
    "person": "赵建国",
    "title": "副局长",
    "at": "14:00:00",
    "stamp": "14:00:00",
    "channel": "phone",
    "content": "立即疏散，每30分钟报告一次",
    "conveyed_to": "机关食堂 王敏",
    "conveyed_at": "刚才",
}


@pytest.fixture
def write(site, bureau):
    async def one(**fields):
        now = site.clock.now()
        async with site.db.write() as session:
            new = NewEntry(**{"kind": "call_in", "at": now, "content": "询问值班安排"} | fields)
            return await add_entry(session, site, now, OPERATOR, new)

    return one


async def entries(site):
    async with site.db.read() as session:
        return await list_entries(session, Wanted())


async def test_a_leaders_instruction_is_logged_with_its_incident(browser, bureau, fire, site):
    page = (await browser.get(f"/log/new?kind=instruction&incident={fire.number}")).text
    assert f'value="{fire.number}" selected' in page
    once = re.search(r'name="once" value="([^"]+)"', page)[1]
    body = SAID | {"incident": fire.number, "once": once}
    answers = [await browser.post("/log/new?kind=instruction", data=body) for _ in range(2)]
    (row,) = await entries(site)
    assert [answer.headers["location"] for answer in answers] == [f"/log/{row.id}"] * 2
    assert (row.kind, row.incident_id, row.channel, row.late_entry) == (
        "instruction",
        fire.id,
        "phone",
        False,
    )
    assert row.conveyed_at == site.clock.now()
    page = (await browser.get(f"/log/{row.id}")).text
    for text in ("领导批示", "赵建国", "副局长", "立即疏散", "机关食堂 王敏", fire.number):
        assert text in page


async def test_an_outgoing_call_is_logged(browser, bureau, site):
    body = {"at": "刚才", "unit": "motor", "person": "周涛", "number": "13800000007", "content": "通知备车"}
    answer = await browser.post("/log/new?kind=call_out", data=body)
    (row,) = await entries(site)
    assert answer.headers["location"] == f"/log/{row.id}"
    assert (row.kind, row.unit_id, row.number) == ("call_out", bureau.motor.id, "+8613800000007")


async def test_what_lacks_is_said_beside_its_field_and_all_is_kept(browser, bureau, site):
    answer = await browser.post(
        "/log/new?kind=instruction", data=SAID | {"content": "", "channel": "x", "at": "哈"}
    )
    assert answer.status_code == 422
    for name in ("content", "channel", "at"):
        assert f'id="f-{name}-fault"' in answer.text
    assert "机关食堂 王敏" in answer.text
    assert await entries(site) == []


async def test_an_incoming_call_has_the_phone_log(browser, bureau):
    assert (await browser.get("/log/new?kind=call_in")).headers["location"] == "/phone"
    assert (await browser.get("/log/new?kind=visitor")).headers["location"] == "/phone"


async def test_a_correction_shows_the_old_text_struck_through_with_who_when_and_why(browser, write, clock):
    row = await write(person="李强")
    clock.move(120)
    form = (await browser.get(f"/log/{row.id}/correct")).text
    assert 'value="14:00:00"' in form
    body = {"at": "14:00:00", "person": "李强", "content": "询问值班和降雪安排"}
    assert (await browser.post(f"/log/{row.id}/correct", data=body)).status_code == 422
    done = await browser.post(f"/log/{row.id}/correct", data=body | {"reason": "漏记一项"})
    assert done.status_code == 303
    page = (await browser.get(done.headers["location"])).text
    for text in ("漏记一项", "14:02:00", "desk"):
        assert text in page
    assert re.search(r"<del>.*询问值班安排.*</del>", page)
    assert re.search(r"<ins>.*询问值班和降雪安排.*</ins>", page)
    assert (await browser.get(f"/log/{row.id}")).text.count("询问值班和降雪安排") == page.count(
        "询问值班和降雪安排"
    )


async def test_the_second_of_two_who_correct_sees_what_changed_and_loses_nothing(browser, write):
    row = await write()
    body = {"at": "14:00:00", "reason": "漏记"}
    first = await browser.post(f"/log/{row.id}/correct", data=body | {"content": "甲"})
    second = await browser.post(f"/log/{row.id}/correct", data=body | {"content": "乙"})
    assert second.status_code == 409
    assert "已由别人更正" in second.text
    assert "乙</textarea>" in second.text
    assert f'action="{first.headers["location"]}/correct"' in second.text
    again = await browser.post(f"{first.headers['location']}/correct", data=body | {"content": "乙"})
    assert again.status_code == 303


async def test_the_log_is_laid_out_by_shifts_and_by_days(browser, write, clock):
    await write(content="白天的事")
    await write(content="凌晨的事", at=clock.now() - timedelta(hours=12))
    shifts = {day: (await browser.get(f"/log?day=2026-11-{day}")).text for day in (22, 23)}
    assert ("凌晨的事" in shifts[22], "白天的事" in shifts[22]) == (True, False)
    assert ("凌晨的事" in shifts[23], "白天的事" in shifts[23]) == (False, True)
    day = (await browser.get("/log?day=2026-11-23&by=calendar")).text
    assert day.index("白天的事") < day.index("凌晨的事")


async def test_the_log_is_narrowed_and_paged(browser, write, bureau):
    for count in range(51):
        await write(content=f"第{count}件")
    await write(kind="call_out", content="去电的事", unit_id=bureau.canteen.id)
    first = (await browser.get("/log")).text
    assert "去电的事" in first
    assert "第0件" not in first
    assert "第0件" in (await browser.get("/log?page=2")).text
    assert "/log?page=2" in first
    narrowed = (await browser.get("/log?kind=call_out&unit=canteen&text=去电")).text
    assert "去电的事" in narrowed
    assert "第50件" not in narrowed
    assert "没有符合条件的记录" in (await browser.get("/log?text=无此事")).text
    for day in ("gestern", "0001-01-01", "9999-12-31"):
        wrong = await browser.get(f"/log?day={day}")
        assert (wrong.status_code, "日期格式不对" in wrong.text) == (200, True)


async def test_numbers_are_masked_for_those_who_do_not_need_them(browser, browser_of, write):
    row = await write(number="+8613800000005", person="李强")
    inspector = await browser_of("inspector")
    for address in ("/log", f"/log/{row.id}"):
        assert "138 0000 0005" in (await browser.get(address)).text
        page = await inspector.get(address)
        assert page.status_code == 200
        assert "0000 0005" not in page.text
        assert "3800000005" not in page.text


async def test_readers_read_and_only_the_desk_writes(browser_of, write):
    row = await write()
    body = SAID | {"reason": "不该"}
    for role in ("leader", "office", "inspector", "auditor"):
        browser = await browser_of(role)
        assert (await browser.get("/log")).status_code == 200
        page = await browser.get(f"/log/{row.id}")
        assert "/correct" not in page.text
        for address in ("/log/new?kind=instruction", f"/log/{row.id}/correct"):
            assert (await browser.get(address)).status_code == 403
            assert (await browser.post(address, data=body)).status_code == 403
    contact = await browser_of("unit", unit="canteen")
    for address in ("/log", f"/log/{row.id}"):
        assert (await contact.get(address)).status_code == 403


async def test_another_site_cannot_write_the_log(browser, write, site):
    row = await write()
    for address in ("/log/new?kind=instruction", f"/log/{row.id}/correct"):
        answer = await browser.post(address, data=SAID, headers={"Sec-Fetch-Site": "cross-site"})
        assert answer.status_code == 403
    assert len(await entries(site)) == 1


async def test_scripts_in_the_log_stay_text(browser, write):
    nasty = "<script>1</script>"
    row = await write(kind="instruction", content=nasty, person=nasty, conveyed_to=nasty, handling=nasty)
    for address in ("/log", f"/log/{row.id}", f"/log/{row.id}/correct", f"/log?text={nasty}"):
        page = (await browser.get(address)).text
        assert nasty not in page
        assert "&lt;script&gt;" in page


async def test_an_entry_that_does_not_exist_is_not_found(browser, bureau):
    for address in ("/log/9", "/log/9/correct"):
        assert (await browser.get(address)).status_code == 404
    refused = await browser.post("/log/new?kind=instruction", data=SAID | {"incident": "2026-9999"})
    assert refused.status_code == 404
    assert "立即疏散" in refused.text

"""The phone log: one form, one transaction, nothing lost."""

import asyncio
import re
from datetime import timedelta
from html import unescape

import pytest
from sqlmodel import select

from dutydesk.desk.phone.form import units_named
from dutydesk.dutylog.model import LogEntry
from dutydesk.incidents.model import Incident, Report
from dutydesk.incidents.queries import incident_by_number, reports_of
from dutydesk.obligations.queries import obligations_of
from dutydesk.people.rules import Unit

FIRE = {
    "number": "13800000005",
    "unit": "canteen",
    "person": "李强",
    "title": "值班员",
    "what": "后厨配电室起火",
    "kind": "incident",
    "occurred": "1350",
    "place": "二号楼",
}


def hidden(page, name):
    return unescape(re.search(rf'name="{name}" value="([^"]*)"', page)[1])


def shown(page, name):
    return unescape(re.search(rf'name="{name}" id="f-{name}" value="([^"]*)"', page)[1])


@pytest.fixture
async def phone(browser, bureau):
    """Open a form and send it: what it was opened with, and what is typed."""

    async def call(_opened=None, **fields):
        page = _opened or (await browser.get("/phone?new=1")).text
        values = {
            "key": hidden(page, "key"),
            "at": shown(page, "at"),
            "category": "accident",
            "grade": "ungraded",
        }
        return await browser.post("/phone", data=values | fields)

    return call


async def rows(site, table):
    async with site.db.read() as session:
        return list(await session.exec(select(table).order_by(table.id)))


async def owed(site, number, rule):
    async with site.db.read() as session:
        row = await incident_by_number(session, number)
        return [one for one in await obligations_of(session, row.id) if one.rule_id == rule][-1]


async def test_the_form_is_stamped_with_the_moment_it_is_opened_and_waits_at_the_number(browser, bureau):
    page = (await browser.get("/phone")).text
    assert shown(page, "at") == "14:00:00"
    assert re.search(r'name="number"[^>]*autofocus', page)
    assert "本系统为非涉密系统" in page


async def test_one_call_is_an_entry_an_incident_and_its_phone_report(phone, site, bureau, clock):
    answer = await phone(**FIRE)
    assert (answer.status_code, answer.headers["location"]) == (303, "/incidents/2026-0001")
    (entry,), (incident,), (report,) = [await rows(site, table) for table in (LogEntry, Incident, Report)]
    assert (entry.incident_id, entry.unit_id, entry.kind) == (incident.id, bureau.canteen.id, "call_in")
    assert (entry.person, entry.title, entry.number) == ("李强", "值班员", "+8613800000005")
    assert (incident.grade, incident.occurred_at_kind, incident.place) == ("ungraded", "exact", "二号楼")
    assert (report.kind, report.reporter, report.reporter_phone) == ("phone", "李强 值班员", "+8613800000005")
    assert entry.at == report.reported_at == incident.received_at == clock.now()
    assert (entry.late_entry, report.late_entry) == (False, False)
    assert (await owed(site, "2026-0001", "49.1")).state == "fulfilled"
    assert (await owed(site, "2026-0001", "49.2")).state == "open"


async def test_time_place_and_one_line_are_enough(phone, site):
    answer = await phone(what="锅炉房冒烟", kind="incident", occurred="1355", place="三号楼")
    assert answer.status_code == 303
    (incident,) = await rows(site, Incident)
    assert "待核实" in incident.source


async def test_not_even_the_time_and_the_place_hold_up_a_first_report(phone, site):
    assert (await phone(what="锅炉房冒烟", kind="incident", unit="canteen")).status_code == 303
    (incident,) = await rows(site, Incident)
    assert (incident.occurred_at, incident.occurred_at_kind) == (None, "unknown")
    assert (await owed(site, incident.number, "49.1")).base_kind == "received_at"


async def test_an_estimated_time_is_one(phone, site, clock):
    await phone(**FIRE | {"occurred": "10分钟前"})
    (incident,) = await rows(site, Incident)
    assert (incident.occurred_at_kind, clock.now() - incident.occurred_at) == (
        "estimated",
        timedelta(minutes=10),
    )


async def test_it_may_have_happened_in_another_unit_than_the_callers(phone, site, bureau):
    await phone(**FIRE | {"where_unit": "公务用车中心"})
    (incident,), (entry,) = await rows(site, Incident), await rows(site, LogEntry)
    assert (incident.unit_id, entry.unit_id) == (bureau.motor.id, bureau.canteen.id)


async def test_a_call_that_is_only_a_call_is_an_entry(phone, site):
    answer = await phone(
        number="总机转8001", unit="市委总值班室", person="周某", what="询问降雪值守", kind="call"
    )
    (entry,) = await rows(site, LogEntry)
    assert answer.headers["location"] == f"/log/{entry.id}"
    assert (entry.number, entry.title, entry.unit_id) == ("总机转8001", "市委总值班室", None)
    assert await rows(site, Incident) == []


async def test_a_call_about_a_known_incident_is_its_report(phone, site, fire):
    answer = await phone(**FIRE | {"kind": "report", "incident": fire.number})
    assert answer.headers["location"] == f"/incidents/{fire.number}"
    assert (await owed(site, fire.number, "49.1")).state == "fulfilled"
    await phone(what="明火已扑灭", kind="report", incident=fire.number)
    async with site.db.read() as session:
        assert [one.kind for one in await reports_of(session, fire.id)] == ["phone", "follow_up"]
    assert [one.incident_id for one in await rows(site, LogEntry)] == [fire.id] * 2


async def test_an_incident_whose_times_cannot_be_true_leaves_no_entry_either(phone, site, fire):
    answer = await phone(what="说是还没发生", kind="report", incident="2026-9999")
    assert answer.status_code == 404
    assert "说是还没发生" in answer.text
    early = await phone(**FIRE | {"kind": "report", "incident": fire.number, "at": "13:00"})
    assert early.status_code == 422
    assert await rows(site, LogEntry) == []
    assert await rows(site, Report) == []


@pytest.mark.parametrize(
    ("change", "name", "sentence"),
    [
        ({"what": " "}, "what", "请填写"),
        ({"kind": ""}, "kind", "请选择"),
        ({"occurred": "昨儿个"}, "occurred", "时间看不懂"),
        ({"occurred": "1410"}, "occurred", "不能晚于来电时间"),
        ({"at": "1410"}, "at", "不能晚于现在"),
        ({"at": "哈"}, "at", "时间看不懂"),
        ({"unit": "某公司"}, "unit", "单位名册中没有"),
        ({"where_unit": "某处"}, "where_unit", "没有这个单位"),
        ({"what": "长" * 201}, "what", "最多200字"),
        ({"place": "暗\u202e号"}, "place", "控制字符"),
        ({"grade": "huge"}, "", "请选择"),
        ({"kind": "report", "incident": ""}, "incident", "请选择"),
    ],
)
async def test_what_cannot_be_understood_is_said_beside_its_field_and_all_is_kept(
    phone, site, change, name, sentence
):
    answer = await phone(**FIRE | change)
    assert answer.status_code == 422
    assert sentence in answer.text
    if name:
        assert f'id="f-{name}-fault"' in answer.text
    kept = FIRE | change
    assert shown(answer.text, "person") == "李强"
    assert shown(answer.text, "occurred") == kept["occurred"]
    assert await rows(site, LogEntry) == []
    assert await rows(site, Incident) == []


# ---------------------------------------------------------------------------------------------------------------------
# 补录


async def test_the_call_is_dated_when_the_form_was_opened_however_long_the_typing_takes(
    browser, phone, site, clock
):
    page = (await browser.get("/phone?new=1")).text
    opened = clock.now()
    clock.move(9 * 60)
    await phone(page, **FIRE)
    (entry,) = await rows(site, LogEntry)
    assert (entry.at, entry.logged_at, entry.late_entry) == (opened, clock.now(), False)


async def test_a_form_saved_after_more_than_ten_minutes_is_a_late_entry(browser, phone, site, clock):
    page = (await browser.get("/phone?new=1")).text
    clock.move(10 * 60 + 1)
    answer = await phone(page, **FIRE)
    (entry,), (report,) = await rows(site, LogEntry), await rows(site, Report)
    assert (entry.late_entry, report.late_entry) == (True, True)
    assert "补录" in (await browser.get(answer.headers["location"])).text
    assert "补录" in (await browser.get("/log")).text


async def test_a_corrected_time_of_the_call_is_a_late_entry(phone, site):
    await phone(**FIRE | {"at": "13:58:00"})
    assert (await rows(site, LogEntry))[0].late_entry


async def test_a_forged_stamp_proves_nothing(browser, phone, site, clock):
    page = (await browser.get("/phone?new=1")).text
    seconds, rest = hidden(page, "key").split("-", 1)
    await phone(page, **FIRE | {"key": f"{int(seconds) - 300}-{rest}", "at": "13:55:00"})
    assert (await rows(site, LogEntry))[0].late_entry


async def test_a_stamp_of_another_account_proves_nothing(browser, browser_of, phone, site):
    other = await browser_of("operator", name="林晨")
    page = (await other.get("/phone?new=1")).text
    await phone(page, **FIRE)
    assert (await rows(site, LogEntry))[0].late_entry


# ---------------------------------------------------------------------------------------------------------------------
# Once


async def test_twin_submissions_of_one_form_log_one_call(browser, phone, site):
    page = (await browser.get("/phone?new=1")).text
    answers = await asyncio.gather(*(phone(page, **FIRE) for _ in range(3)))
    assert {answer.headers["location"] for answer in answers} == {"/incidents/2026-0001"}
    assert [len(await rows(site, table)) for table in (LogEntry, Incident, Report)] == [1, 1, 1]


async def test_another_call_typed_into_a_form_that_was_saved_elsewhere_is_not_lost(browser, phone, site):
    page = (await browser.get("/phone?new=1")).text
    first = await phone(page, what="询问降雪值守", kind="call")
    second = await phone(page, what="电梯困人", kind="incident", unit="motor")
    assert second.status_code == 409
    assert first.headers["location"] in second.text
    assert shown(second.text, "what") == "电梯困人"
    assert await rows(site, Incident) == []
    again = await phone(second.text, what="电梯困人", kind="incident", unit="motor")
    assert again.headers["location"] == "/incidents/2026-0001"


async def test_a_script_is_told_where_to_go_so_that_it_drops_its_copy_first(browser, phone):
    page = (await browser.get("/phone?new=1")).text
    values = {"key": hidden(page, "key"), "at": shown(page, "at")} | FIRE
    answer = await browser.post("/phone", data=values, headers={"X-Live": "1"})
    assert (answer.status_code, answer.headers["location"]) == (201, "/incidents/2026-0001")


# ---------------------------------------------------------------------------------------------------------------------
# 归并

AGAIN = FIRE | {"what": "食堂后厨着火，配电室冒烟", "occurred": "1352", "person": "王敏", "number": ""}


async def test_an_event_told_twice_is_asked_about_before_it_is_logged(phone, site):
    await phone(**FIRE)
    asked = await phone(**AGAIN)
    assert asked.status_code == 409
    for text in (
        "可能是同一事件",
        "作为该事件的报告",
        "仍新登记",
        "登记并归并到该事件",
        "2026-0001",
        "同一单位",
    ):
        assert text in asked.text
    assert hidden(asked.text, "seen") == "2026-0001"
    assert shown(asked.text, "person") == "王敏"
    assert len(await rows(site, LogEntry)) == 1
    assert len(await rows(site, Incident)) == 1


async def test_it_can_be_the_known_events_report(phone, site):
    await phone(**FIRE)
    answer = await phone(**AGAIN, decision="report:2026-0001", seen="2026-0001")
    assert answer.headers["location"] == "/incidents/2026-0001"
    assert len(await rows(site, Incident)) == 1
    assert [one.kind for one in await rows(site, Report)] == ["phone", "follow_up"]


async def test_it_can_be_another_event_all_the_same(phone, site):
    await phone(**FIRE)
    answer = await phone(**AGAIN, decision="new", seen="2026-0001")
    assert answer.headers["location"] == "/incidents/2026-0002"


async def test_it_can_be_logged_and_merged_at_once(phone, site):
    await phone(**FIRE)
    answer = await phone(**AGAIN, decision="merge:2026-0001", seen="2026-0001")
    assert answer.headers["location"] == "/incidents/2026-0001"
    first, second = await rows(site, Incident)
    assert (second.state, second.merged_into_id) == ("merged", first.id)
    assert len(await rows(site, LogEntry)) == 2


async def test_what_was_not_seen_is_asked_about_although_something_was_decided(phone, site):
    await phone(**FIRE)
    answer = await phone(**AGAIN, decision="new", seen="")
    assert answer.status_code == 409
    assert len(await rows(site, Incident)) == 1


async def test_of_two_operators_who_log_one_event_at_once_the_second_is_asked(browser_of, bureau, site):
    async def log(name):
        browser = await browser_of("operator", name=name)
        page = (await browser.get("/phone?new=1")).text
        return await browser.post("/phone", data=FIRE | {"key": hidden(page, "key"), "at": shown(page, "at")})

    answers = await asyncio.gather(log("甲"), log("乙"))
    assert sorted(answer.status_code for answer in answers) == [303, 409]
    assert [len(await rows(site, table)) for table in (LogEntry, Incident, Report)] == [1, 1, 1]


async def test_a_drill_is_never_the_same_event_as_a_real_one(phone):
    await phone(**FIRE)
    answer = await phone(**AGAIN, drill="yes")
    assert "%E6%BC%94%E7%BB%83" in answer.headers["location"]


async def test_duplicates_and_the_reading_of_the_time_are_shown_while_typing(browser, phone):
    await phone(**FIRE)
    part = (await browser.post("/phone/check", data=AGAIN | {"at": "14:00:00", "occurred": "10分钟前"})).text
    for text in ("13:50:00", "大致", "待核实", "来电号码", "可能是同一事件", 'data-seen="2026-0001"'):
        assert text in part
    assert "<html" not in part


# ---------------------------------------------------------------------------------------------------------------------
# Who is calling


async def test_a_persons_number_tells_who_calls(browser, bureau):
    part = (await browser.get("/phone/caller", params={"number": "138 0000 0005"})).text
    assert 'data-person="李强" data-title="值班员" data-unit="机关食堂"' in part
    assert "通讯录" in part


async def test_a_duty_phone_tells_the_unit_but_nobodys_name(browser, bureau):
    for number in ("022-23456701", "23456701"):
        part = (await browser.get("/phone/caller", params={"number": number})).text
        assert 'data-fill data-person="" data-title="" data-unit="机关食堂"' in part
        assert "李强" in part  # on duty there, offered to be picked
        assert "在班" in part


async def test_who_called_before_is_known(browser, phone):
    await phone(number="139 1234 5678", person="老周", unit="motor", what="车辆故障", kind="call")
    part = (await browser.get("/phone/caller", params={"number": "13912345678"})).text
    assert 'data-person="老周"' in part
    assert "以往来电" in part


async def test_the_last_digits_are_a_hint_and_fill_nothing(browser, bureau):
    part = (await browser.get("/phone/caller", params={"number": "0005"})).text
    assert "李强" in part
    assert 'data-fill data-person="" data-title="" data-unit=""' in part
    assert "李强" not in (await browser.get("/phone/caller", params={"number": "005"})).text


async def test_a_unit_tells_who_is_on_duty_there(browser, bureau):
    part = (await browser.get("/phone/caller", params={"unit": "食堂"})).text
    for text in ("李强", "在班", "机关食堂"):
        assert text in part
    assert "按外单位登记" in (await browser.get("/phone/caller", params={"unit": "某公司"})).text


async def test_only_who_writes_the_log_can_look_numbers_up(browser_of, bureau):
    for role in ("leader", "office", "inspector", "auditor"):
        browser = await browser_of(role)
        for address in ("/phone", "/phone/caller?number=13800000005", "/drafts/phone/x"):
            assert (await browser.get(address)).status_code == 403
        assert (await browser.post("/phone", data=FIRE)).status_code == 403
    contact = await browser_of("unit", unit="canteen")
    assert (await contact.get("/phone/caller?number=13800000005")).status_code == 403


def test_a_unit_is_named_by_its_code_its_short_name_or_a_part_of_its_name():
    canteen = Unit(1, "canteen", "机关食堂管理处", "机关食堂", "division", None, None)
    house = Unit(2, "house", "机关服务中心", "服务中心", "subordinate", None, None)
    units = [canteen, house]
    for text in ("canteen", "CANTEEN", "can", "食堂", "机关食堂", " 机关食堂管理处 "):
        assert units_named(text, units) == [canteen]
    assert units_named("机关", units) == units
    assert units_named("", units) == units_named("某公司", units) == []


async def test_another_site_cannot_log_a_call(browser, bureau, site):
    answer = await browser.post("/phone", data=FIRE, headers={"Sec-Fetch-Site": "cross-site"})
    assert answer.status_code == 403
    assert await rows(site, LogEntry) == []


async def test_what_is_typed_is_shown_as_text_and_never_as_markup(browser, phone):
    nasty = "<script>1</script>"
    fields = {"person": nasty, "title": nasty, "what": nasty, "narrative": f"</textarea>{nasty}"}
    answer = await phone(**FIRE | fields | {"number": "13912345678"})
    pages = [
        (await browser.get(answer.headers["location"])).text,
        (await browser.get("/log")).text,
        (await browser.get("/phone/caller?number=13912345678")).text,
        (await phone(**FIRE | fields | {"kind": ""})).text,
        (await phone(**FIRE | fields)).text,
    ]
    for page in pages:
        assert nasty not in page
        assert "&lt;script&gt;" in page


async def test_the_form_can_be_opened_for_a_known_incident(browser, fire):
    page = (await browser.get(f"/phone?incident={fire.number}")).text
    assert re.search(r'value="report"[^>]*checked', page)
    assert f'<option value="{fire.number}" selected>' in page

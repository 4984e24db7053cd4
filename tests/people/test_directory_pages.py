"""The directory's pages: who sees what, what the forms do, and files that are none."""

import re
from datetime import timedelta
from io import BytesIO

import pytest
from openpyxl import load_workbook
from sqlmodel import select

from dutydesk.audit.model import AuditEntry
from dutydesk.people.import_acts import known
from dutydesk.people.model import ContactPoint, Person, Unit
from tests.builders import build_bureau, someone
from tests.people.test_importing import NEW, NEW_UNIT, book

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
PAGES = ("/directory", "/directory/people", "/directory/troubles", "/directory/tonight")


@pytest.fixture
async def bureau(site):
    return await build_bureau(site.db, site.clock.now())


@pytest.fixture
async def office(browser_of, bureau):
    return await browser_of("office", name="吴芳")


def hidden(page, name):
    return re.search(rf'name="{name}" value="([^"]*)"', page.text)[1]


async def people_named(site, name):
    async with site.db.read() as session:
        return list(await session.exec(select(Person).where(Person.name == name)))


async def test_every_page_opens_for_every_role_that_reads_the_directory(browser_of, bureau):
    own = ("/directory/units/canteen", f"/directory/people/{bureau.canteen_operator.id}")
    for role in ("operator", "leader", "office", "inspector", "administrator", "auditor"):
        browser = await browser_of(role)
        for path in (*PAGES, *own):
            assert (await browser.get(path)).status_code == 200, (role, path)
    unit = await browser_of("unit", unit="canteen")
    for path in (*PAGES, *own):
        assert (await unit.get(path)).status_code == 200, path


async def test_a_unit_contact_sees_its_own_unit_only_and_no_number(browser_of, bureau):
    unit = await browser_of("unit", unit="canteen")
    for path in ("/directory", "/directory/people", f"/directory/people/{bureau.canteen_operator.id}"):
        text = (await unit.get(path)).text
        assert "公务用车中心" not in text
        assert "周涛" not in text
        assert not re.search(r"138 ?0000 ?0\d\d\d", text)
    assert (await unit.get("/directory/units/motor")).status_code == 404
    assert (await unit.get(f"/directory/people/{bureau.motor_operator.id}")).status_code == 404
    assert (await unit.get("/directory/people/new")).status_code == 403


async def test_people_are_found_by_unit_name_number_and_state(office, site, bureau):
    async def names(**query):
        text = (await office.get("/directory/people", params=query)).text
        return {one.name for one in bureau.people if f">{one.name}</a>" in text}

    assert await names(unit="motor") == {"周涛", "吴秀英", "徐海燕"}
    assert await names(text="调度") == {"周涛"}
    assert await names(text="138 0000 0005") == {"李强"}
    assert await names(text="0005") == {"李强"}
    async with site.db.write() as session:
        for row in await session.exec(select(ContactPoint)):
            row.confirmed_at = site.clock.now()
    assert await names(standing="unconfirmed") == set()
    async with site.db.write() as session:
        row = (
            await session.exec(select(ContactPoint).where(ContactPoint.person_id == bureau.motor_head.id))
        ).one()
        row.confirmed_at = site.clock.now() - timedelta(days=93)
    assert await names(standing="unconfirmed") == {"徐海燕"}
    async with site.db.write() as session:
        wanted = select(ContactPoint).where(ContactPoint.person_id == bureau.chief.id)
        (await session.exec(wanted)).one().disabled_reason = "停机"
    assert await names(standing="unusable") == {"郑国栋"}
    assert await names(standing="disabled") == {"郑国栋"}
    assert await names(standing="left") == set()


async def test_whoever_may_not_read_numbers_cannot_find_by_them(browser_of, bureau):
    inspector = await browser_of("inspector")
    text = (await inspector.get("/directory/people", params={"text": "13800000005"})).text
    assert "李强" not in text


async def test_a_person_is_added_once_however_often_the_form_is_sent(office, site):
    page = await office.get("/directory/people/new", params={"unit": "canteen"})
    data = {
        "name": "新人",
        "unit": "canteen",
        "title": "值班员",
        "rank": "staff",
        "employment": "staff",
        "joined_on": "2026-11-01",
        "mobile": "13911112222",
        "once": hidden(page, "once"),
    }
    first = await office.post("/directory/people/new", data=data)
    second = await office.post("/directory/people/new", data=data)
    assert first.status_code == second.status_code == 303
    assert first.headers["location"] == second.headers["location"]
    assert len(await people_named(site, "新人")) == 1


async def test_a_bad_number_stands_beside_its_field_and_nothing_typed_is_lost(office, site):
    data = {
        "name": "新人",
        "unit": "canteen",
        "rank": "staff",
        "employment": "staff",
        "mobile": "13911112222",
        "landline": "13911113333",
    }
    answer = await office.post("/directory/people/new", data=data)
    assert answer.status_code == 422
    assert re.search(r'id="f-landline-fault">.*是手机号码', answer.text, re.DOTALL)
    assert 'value="13911113333"' in answer.text
    assert await people_named(site, "新人") == []


async def test_two_who_change_the_same_person_do_not_overwrite_each_other(office, site, bureau):
    where = f"/directory/people/{bureau.canteen_operator.id}/edit"
    seen = hidden(await office.get(where), "seen")
    data = {"name": "李强", "unit": "canteen", "rank": "staff", "employment": "staff", "seen": seen}
    assert (await office.post(where, data=data | {"title": "班长"})).status_code == 303
    late = await office.post(where, data=data | {"title": "组长"})
    assert (late.status_code, "已由别人修改" in late.text, 'value="组长"' in late.text) == (409, True, True)


async def test_a_circle_of_units_is_refused_beside_the_field(office, site, bureau):
    async with site.db.write() as session:
        (await session.get_one(Unit, bureau.motor.id)).parent_id = bureau.canteen.id
    page = await office.get("/directory/units/canteen/edit")
    data = {
        "name": "机关食堂",
        "short_name": "",
        "duty_phone": "",
        "parent": "motor",
        "duty_class": "always",
        "seen": hidden(page, "seen"),
    }
    answer = await office.post("/directory/units/canteen/edit", data=data)
    assert answer.status_code == 422
    assert re.search(r'id="f-parent-fault">.*本单位的下级', answer.text, re.DOTALL)


async def test_leaving_names_the_shifts_and_asks_before_it_empties_them(office, site, bureau):
    where = f"/directory/people/{bureau.canteen_operator.id}/retire"
    assert re.search(r"还有\d+个班次未值", (await office.get(where)).text)
    refused = await office.post(where, data={"reason": "退休"})
    assert (refused.status_code, "请先换人" in refused.text) == (409, True)
    done = await office.post(where, data={"reason": "退休", "with_shifts": "yes"})
    assert done.status_code == 303
    page = await office.get(done.headers["location"])
    assert "已离任" in page.text
    assert "恢复在职" in page.text
    # Not offered any more, and found under who left.
    assert "李强" not in (await office.get("/directory/units/canteen/posts/new")).text
    assert "李强" in (await office.get("/directory/people", params={"standing": "left"})).text
    back = await office.post(
        f"/directory/people/{bureau.canteen_operator.id}/reinstate", data={"reason": "误办"}
    )
    assert back.status_code == 303
    assert "恢复在职" in (await office.get(back.headers["location"])).text


async def test_a_number_that_failed_is_listed_for_the_office_and_the_units_contact(browser_of, site, bureau):
    async with site.db.write() as session:
        wanted = select(ContactPoint).where(ContactPoint.person_id == bureau.canteen_operator.id)
        row = (await session.exec(wanted)).one()
        row.disabled_reason, row.disabled_at = "21211: Invalid 'To' Phone Number", site.clock.now()
    for browser, path in (
        (await browser_of("office"), "/directory/troubles"),
        (await browser_of("office"), "/directory/units/canteen"),
        (await browser_of("unit", unit="canteen"), "/directory/units/canteen"),
    ):
        text = (await browser.get(path)).text
        assert "通道判定号码无效（21211）" in text
        assert "Invalid" not in text
    other = await browser_of("unit", unit="motor")
    assert "李强" not in (await other.get("/directory/troubles")).text


async def test_a_mobile_in_two_names_is_pointed_out(office, site, bureau):
    async with site.db.write() as session:
        now = site.clock.now()
        twin = await someone(session, now, "motor", "李强二", bureau.canteen_operator.mobile)
    assert "与李强同号" in (await office.get(f"/directory/people/{twin.id}")).text


async def test_posts_are_given_in_words_and_ended(office, site, bureau):
    data = {"post": "roster", "person": str(bureau.canteen_leader.id), "from": "2026-11-23T08:00"}
    assert (await office.post("/directory/units/canteen/posts/new", data=data)).status_code == 303
    text = (await office.get("/directory/units/canteen")).text
    assert "排班负责人" in text
    post = re.findall(r"/directory/posts/(\d+)/end", text)[-1]
    early = await office.post(f"/directory/posts/{post}/end", data={"until": "2020-01-01T00:00"})
    assert (early.status_code, "须晚于任职开始时间" in early.text) == (422, True)
    assert (
        await office.post(f"/directory/posts/{post}/end", data={"until": "2026-11-23T14:00"})
    ).status_code == 303


# ── workbooks ────────────────────────────────────────────────────────────────────────────────


async def send(browser, data, name="通讯录.xlsx"):
    return await browser.post("/directory/import", files={"file": (name, data, XLSX)})


async def test_a_trial_changes_nothing_and_its_confirmation_everything(office, site):
    async with site.db.read() as session:
        before = await known(session)
    page = await send(office, book([NEW_UNIT], [NEW]))
    assert page.status_code == 200
    assert "新增单位 1个" in page.text
    async with site.db.read() as session:
        assert await known(session) == before
    rows = re.search(r'<textarea name="rows"[^>]*>(.*?)</textarea>', page.text, re.DOTALL)[1]
    from html import unescape

    done = await office.post("/directory/import/done", files={"rows": (None, unescape(rows))})
    assert done.status_code == 303
    assert len(await people_named(site, "钱多")) == 1
    async with site.db.read() as session:
        trail = await session.exec(select(AuditEntry).where(AuditEntry.action == "directory.imported"))
        assert trail.one().actor == "吴芳"


async def test_what_is_wrong_is_listed_by_sheet_and_cell(office, site):
    page = await send(office, book([], [NEW | {"单位": "nowhere"}, NEW | {"手机": "1"}]))
    assert page.status_code == 422
    assert "人员 A2" in page.text
    assert "人员 H3" in page.text


@pytest.mark.parametrize("data", [b"", b"not a workbook", b"PK\x03\x04broken", b"x" * 20_000_000])
async def test_a_file_that_is_no_workbook_or_too_large_gets_a_sentence(office, data):
    page = await send(office, data)
    assert page.status_code == 422
    assert re.search(r"不是Excel工作簿|文件超过5MB", page.text)


@pytest.mark.parametrize("rows", ["", "[]", "{}", "[1]", "[[1,2,3]]", '[["人员","x",{},{}]]', "[" * 50_000])
async def test_a_confirmation_that_was_tampered_with_does_nothing(office, site, rows):
    answer = await office.post("/directory/import/done", files={"rows": (None, rows)})
    assert answer.status_code in (303, 422)


async def test_what_is_exported_can_be_imported_again_and_is_in_the_trail(office, site, bureau):
    answer = await office.post("/directory/export")
    assert answer.headers["content-type"] == XLSX
    sheet = load_workbook(BytesIO(answer.content))["人员"]
    assert sheet.max_row == 13
    page = await send(office, answer.content)
    assert "没有需要导入的改动" in page.text
    async with site.db.read() as session:
        trail = await session.exec(select(AuditEntry).where(AuditEntry.action == "list.exported"))
        assert trail.one().detail == {"rows": 12}


async def test_an_export_hides_numbers_and_other_units_from_a_unit_contact(browser_of, bureau):
    unit = await browser_of("unit", unit="canteen")
    found = load_workbook(BytesIO((await unit.post("/directory/export")).content))
    text = str([[cell.value for cell in row] for sheet in found for row in sheet.iter_rows()])
    assert "李强" in text
    assert "周涛" not in text
    assert not re.search(r"138 ?0000 ?0\d\d\d", text)


async def test_the_template_has_both_sheets_and_says_how(office):
    found = load_workbook(BytesIO((await office.get("/directory/import/template")).content))
    assert found.sheetnames == ["单位", "人员", "填写说明"]

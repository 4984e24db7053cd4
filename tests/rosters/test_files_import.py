"""Importing duty tables: faults by cell, a dry run first, all of it or nothing; and what is exported comes back unchanged."""

import re
import zipfile
from datetime import UTC, date, datetime, timedelta
from io import BytesIO

import pytest
from openpyxl import load_workbook
from sqlmodel import select

from dutydesk.documents.workbooks import LARGEST_WORKBOOK
from dutydesk.errors import ConflictError
from dutydesk.people.queries import list_units, unit_by_code
from dutydesk.rosters.files import import_words
from dutydesk.rosters.files.importing import dry_run_many, dry_run_unit, read_tables
from dutydesk.rosters.files.writes import write_many, write_unit
from dutydesk.rosters.keeping.publishing import publish
from dutydesk.rosters.model import LeaveReport, Roster, Shift
from dutydesk.rosters.planning import actions as planning
from tests.builders import build_bureau
from tests.rosters.tables import FIRST, canteen_table, days, desk_table, of_rows

HEADING = ["日期", "星期", "带班领导", "值班员", "备注"]
NOTED = "有一处说明"


@pytest.fixture
async def bureau(db, clock):
    return await build_bureau(db, clock.now(), until=clock.now() + timedelta(days=7))


@pytest.fixture
def look(site):
    """Dry-run a file for a unit's December."""

    async def run(data, unit="canteen", month=FIRST):
        async with site.db.read() as session:
            where = await unit_by_code(session, unit)
            return await dry_run_unit(session, site, site.clock.now(), where, month, read_tables(data, month))

    return run


@pytest.fixture
def bring(site, look):
    """Import a file for a unit's December."""

    async def run(data, unit="canteen", *, now=None, published=False):
        dry = await look(data, unit)
        assert said(dry, grave=True) == []

        async def work(session):
            at = now or site.clock.now()
            await write_unit(session, site, at, "办公室", dry.plans[0])
            if published:
                await publish(session, site, at, "办公室", dry.plans[0].facts.unit_id, FIRST, NOTED)

        await site.db.run(work)
        return dry

    return run


def said(dry, *, grave=None):
    return [
        f"{import_words.place(one)} {one.code}"
        for one in dry.all_troubles
        if grave is None or one.grave == grave
    ]


def month_of(*, leader="王敏", operator="李强", other=None):
    """A plain table of December; *other* are rows by their day."""
    rows = [[f"12月{day.day}日", "", leader, operator if day.day % 2 else "黄志明", ""] for day in days()]
    for day, row in (other or {}).items():
        rows[day - 1] = row
    return of_rows(HEADING, *[row for row in rows if row])


async def shifts_of(db, unit_id, state="draft"):
    async with db.read() as session:
        rows = await session.exec(
            select(Shift)
            .where(
                Shift.unit_id == unit_id,
                Shift.state == state,
                Shift.starts_at >= datetime(2026, 12, 1, tzinfo=UTC) - timedelta(hours=8),
            )
            .order_by(Shift.starts_at, Shift.seat)
        )
        return list(rows)


# ---------------------------------------------------------------------------------------------------------------------
# What an import writes


async def test_a_units_table_becomes_locked_drafts_by_its_patterns(bureau, db, bring):
    await bring(canteen_table())
    shifts = await shifts_of(db, bureau.canteen.id)
    assert len(shifts) == 62
    assert {(one.state, one.locked) for one in shifts} == {("draft", True)}
    first = shifts[0]
    assert (first.seat, first.person_id, first.starts_at, first.ends_at) == (
        "leader",
        bureau.canteen_leader.id,
        datetime(2026, 12, 1, 0, 30, tzinfo=UTC),
        datetime(2026, 12, 2, 0, 30, tzinfo=UTC),
    )
    operators = [one.person_id for one in shifts if one.seat == "operator_primary"]
    assert operators[:3] == [bureau.motor_operator.id, bureau.canteen_operator.id, bureau.motor_operator.id]
    async with db.read() as session:
        (roster,) = await session.exec(select(Roster).where(Roster.unit_id == bureau.canteen.id))
    assert (roster.month, roster.state) == (FIRST, "draft")
    assert {one.roster_id for one in shifts} == {roster.id}


async def test_the_desks_table_seats_leaders_operators_and_two_on_standby(bureau, db, look, bring):
    dry = await look(desk_table(), "desk")
    assert said(dry, grave=True) == []
    await bring(desk_table(), "desk")
    shifts = await shifts_of(db, bureau.desk.id)
    first = [(one.seat, one.person_id) for one in shifts if one.starts_at < datetime(2026, 12, 2, tzinfo=UTC)]
    assert sorted(first) == sorted(
        [
            ("leader", bureau.desk_leader.id),
            ("operator_primary", bureau.desk_operator.id),
            ("operator_secondary", bureau.desk_second.id),
            ("standby", bureau.desk_standby.id),
            ("standby", bureau.motor_leader.id),
        ]
    )


async def test_importing_the_same_table_again_changes_nothing(bureau, db, look, bring):
    await bring(canteen_table())
    before = await shifts_of(db, bureau.canteen.id)
    dry = await look(canteen_table())
    assert (dry.changes, said(dry, grave=True)) == (0, [])
    await bring(canteen_table())
    assert await shifts_of(db, bureau.canteen.id) == before


async def test_only_what_differs_is_replaced_and_seats_without_a_column_stay(bureau, db, look, bring):
    await bring(month_of())
    kept = {one.id: one.person_id for one in await shifts_of(db, bureau.canteen.id)}
    table = of_rows(
        ["日期", "带班领导"], *[[f"12月{n}日", "黄志明" if n == 5 else "王敏"] for n in range(1, 32)]
    )
    dry = await look(table)
    assert [(one.day.day, one.how) for one in dry.plans[0].items if one.how != "same"] == [(5, "changed")]
    await bring(table)
    now = {one.id: one.person_id for one in await shifts_of(db, bureau.canteen.id)}
    assert len(set(kept.items()) - set(now.items())) == 1
    assert len(now) == 62


async def test_what_has_begun_is_never_touched(bureau, db, look, bring, clock, site):
    await bring(month_of(), published=True)
    clock.set(datetime(2026, 12, 10, 4, tzinfo=UTC))
    dry = await look(month_of(leader="黄志明", operator="李强"))
    begun = [one.day.day for one in dry.plans[0].items if one.how == "begun"]
    assert begun == list(range(1, 11))
    assert dry.plans[0].removed == []


async def test_with_the_tick_of_a_publisher_the_month_is_published_in_the_same_transaction(bureau, db, bring):
    await bring(month_of(), published=True)
    assert len(await shifts_of(db, bureau.canteen.id, "published")) == 62


async def test_a_published_month_changes_at_once_by_new_rows_and_everybody_is_told(bureau, db, bring, look):
    await bring(month_of(), published=True)
    # Leader and operator of the 5th change seats: neither is ever seen twice.
    table = month_of(other={5: ["12月5日", "", "李强", "王敏", ""]})
    dry = await look(table)
    assert dry.plans[0].at_once
    await bring(table)
    gone = await shifts_of(db, bureau.canteen.id, "cancelled")
    assert {one.person_id for one in gone} == {bureau.canteen_leader.id, bureau.canteen_operator.id}
    assert {one.sequence for one in gone} == {1}
    there = [one for one in await shifts_of(db, bureau.canteen.id, "published") if one.sequence]
    assert {(one.seat, one.person_id) for one in there} == {
        ("leader", bureau.canteen_operator.id),
        ("operator_primary", bureau.canteen_leader.id),
    }
    async with db.read() as session:
        (roster,) = await session.exec(select(Roster).where(Roster.unit_id == bureau.canteen.id))
    assert (roster.state, roster.version) == ("changed", 2)


# ---------------------------------------------------------------------------------------------------------------------
# What is refused, by cell


@pytest.mark.parametrize(
    ("other", "trouble"),
    [
        ({5: ["12月5日", "", "王珉", "李强", ""]}, "C6 UNKNOWN_PERSON"),
        ({5: ["12月5日", "", "王敏", "李强、刘伟", ""]}, "D6 UNKNOWN_PERSON"),
        ({5: ["12月4日", "", "王敏", "李强", ""], 6: None}, "A6 DAY_TWICE"),
        ({5: ["1月5日", "", "王敏", "李强", ""]}, "A6 DAY_OUTSIDE"),
        ({5: ["初五", "", "王敏", "李强", ""]}, "A6 DAY_UNREADABLE"),
        ({5: None}, "A1 DAY_MISSING"),
        ({5: ["12月5日", "", "李强", "李强", ""]}, "C6 FAULT"),
    ],
)
async def test_a_fault_is_said_of_its_cell(bureau, look, other, trouble):
    assert trouble in said(await look(month_of(other=other)), grave=True)


async def test_an_unknown_name_comes_with_the_nearest_and_namesakes_with_how_to_tell_them_apart(
    bureau, look, site
):
    from dutydesk.people.actions import create_person

    async with site.db.write() as session:
        await create_person(session, site.clock.now(), "办公室", name="李强", unit="canteen", title="厨师")
    dry = await look(month_of(other={5: ["12月5日", "", "王珉", "李强", ""]}))
    sentences = [import_words.sentence(one) for one in dry.all_troubles if one.grave]
    assert "通讯录中没有王珉，是否为：王敏" in sentences
    assert "叫李强的有李强（机关食堂值班员）、李强（机关食堂厨师），请在姓名后写明手机或职务" in sentences


async def test_whoever_is_on_an_approved_leave_is_refused_on_those_days(bureau, look, site):
    async with site.db.write() as session:
        session.add(
            LeaveReport(
                person_id=bureau.canteen_operator.id,
                unit_id=bureau.canteen.id,
                kind="leave",
                away="city",
                reason="探亲",
                starts_at=datetime(2026, 12, 7, tzinfo=UTC),
                ends_at=datetime(2026, 12, 8, tzinfo=UTC),
                state="approved",
                requested_at=site.clock.now(),
                requested_by="李强",
            )
        )
    dry = await look(month_of())
    assert said(dry, grave=True) == ["D8 FAULT"]
    assert [import_words.sentence(one) for one in dry.all_troubles if one.grave] == ["李强：请假外出"]


async def test_what_speaks_softly_against_somebody_is_a_warning(bureau, look):
    dry = await look(month_of())
    assert ("C2 FAULT" in said(dry, grave=False), said(dry, grave=True)) == (True, [])


async def test_a_plan_with_a_fault_writes_nothing(bureau, db, look, site):
    dry = await look(month_of(other={5: ["12月5日", "", "王珉", "李强", ""]}))
    with pytest.raises(ConflictError):
        await site.db.run(lambda session: write_unit(session, site, site.clock.now(), "办公室", dry.plans[0]))
    assert await shifts_of(db, bureau.canteen.id) == []


async def test_two_tables_in_a_workbook_are_refused_and_none_as_well(bureau, look):
    assert said(await look(of_rows(["姓名", "手机"]))) == ["A1 NO_TABLE"]


# ---------------------------------------------------------------------------------------------------------------------
# Out and in again


def exported(answer):
    assert answer.status_code == 200
    return answer.content


async def test_what_is_exported_comes_back_unchanged(bureau, browser_of, bring, look):
    await bring(desk_table(), "desk")
    office, unit = await browser_of("office"), await browser_of("inspector")
    for browser in (office, unit):
        dry = await look(exported(await browser.get("/rosters/desk/2026-12/export")), "desk")
        assert (dry.changes, said(dry, grave=True)) == (0, [])
        assert len(dry.plans[0].items) == 31 * 5


async def test_a_swap_and_a_struck_turn_come_back_unchanged_too(bureau, browser_of, bring, look, site):
    from dutydesk.rosters.actions import stand_in
    from dutydesk.rosters.model import SeatHolder

    await bring(month_of(), published=True)
    shifts = await shifts_of(site.db, bureau.canteen.id, "published")
    leader, other = (
        next(one for one in shifts if one.seat == "leader" and one.starts_at.day == day) for day in (4, 6)
    )
    async with site.db.write() as session:
        await stand_in(
            session,
            site.clock.now(),
            "办公室",
            shift_id=leader.id,
            person=bureau.canteen_head.id,
            reason="开会",
        )
        session.add(
            SeatHolder(
                unit_id=bureau.canteen.id,
                seat="leader",
                person_id=None,
                from_at=other.starts_at,
                until_at=other.ends_at,
                instead_of_shift_id=other.id,
                kind="vacated",
                reason="请假",
                created_at=site.clock.now(),
            )
        )
    data = exported(await (await browser_of("office")).get("/rosters/canteen/2026-12/export"))
    sheet = load_workbook(BytesIO(data)).active
    assert "黄志明（调" in sheet["D7"].value
    assert sheet["I7"].value == "带班领导调，原为王敏"
    assert sheet["D9"].value == "空缺（调）"
    dry = await look(data)
    assert (dry.changes, said(dry, grave=True)) == (0, [])


async def test_numbers_are_masked_for_those_who_do_not_need_them(bureau, browser_of, bring):
    await bring(month_of())
    for role, shown in (("office", True), ("inspector", False)):
        data = exported(await (await browser_of(role)).get("/rosters/canteen/2026-12/export"))
        text = str([cell.value for row in load_workbook(BytesIO(data)).active for cell in row])
        assert ("13800000006" in text) is shown
        assert "王敏" in text


async def test_the_template_has_the_units_days_and_people_and_is_a_table_that_can_be_imported(
    bureau, browser_of, look
):
    office = await browser_of("office")
    data = exported(await office.get("/rosters/canteen/2026-12/template"))
    book = load_workbook(BytesIO(data))
    assert [row[0].value for row in book["人员"].iter_rows(min_row=4)] == ["李强", "王敏", "黄志明"]
    table = book.worksheets[0]
    assert table["A4"].value.date() == FIRST
    assert table["B4"].value.startswith("星期二")
    for row in range(4, 35):
        table.cell(row, 4, "王敏")
        table.cell(row, 6, "李强" if row % 2 else "黄志明")
    filled = BytesIO()
    book.save(filled)
    dry = await look(filled.getvalue())
    assert (said(dry, grave=True), dry.changes) == ([], 62)


async def test_every_unit_has_a_sheet_in_the_export_of_all_and_a_unit_contact_gets_its_own(
    bureau, browser_of
):
    data = exported(await (await browser_of("office")).get("/rosters/export?month=2026-12"))
    assert load_workbook(BytesIO(data)).sheetnames == ["局值班室", "机关食堂", "公务用车中心"[:10]]
    data = exported(await (await browser_of("unit", unit="canteen")).get("/rosters/export?month=2026-12"))
    assert load_workbook(BytesIO(data)).sheetnames == ["机关食堂"]


async def test_the_api_gives_a_months_workbook(bureau, api, look):
    answer = await api.get("/api/v1/rosters/canteen/2026-12.xlsx")
    assert answer.status_code == 200
    assert (await look(answer.content)).changes == 0
    assert (await api.get("/api/v1/rosters/canteen/2026-13.xlsx")).status_code == 404


# ---------------------------------------------------------------------------------------------------------------------
# Pages


async def sent(browser, data, address="/rosters/canteen/2026-12/import", name="值班表.xlsx"):
    return await browser.post(address, files={"file": (name, data)})


def hidden(page):
    return dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', page.text))


async def test_a_month_is_previewed_confirmed_and_stands_in_the_table(bureau, browser_of, db):
    office = await browser_of("office")
    preview = await sent(office, month_of())
    assert preview.status_code == 200
    assert "可以导入：62个班次有变动" in preview.text
    assert await shifts_of(db, bureau.canteen.id) == []
    done = await office.post("/rosters/canteen/2026-12/import/confirm", data=hidden(preview))
    assert (done.status_code, done.headers["location"]) == (303, "/rosters/canteen/2026-12")
    assert len(await shifts_of(db, bureau.canteen.id)) == 62


async def test_publishing_with_the_import_asks_for_a_remark_and_else_leaves_nothing(bureau, browser_of, db):
    office = await browser_of("office")
    values = hidden(await sent(office, month_of())) | {"publish": "yes"}
    refused = await office.post("/rosters/canteen/2026-12/import/confirm", data=values)
    assert refused.status_code == 422
    assert "请写明原因后再发布" in refused.text
    assert await shifts_of(db, bureau.canteen.id) == []
    values |= hidden(refused) | {"remarks": NOTED}
    done = await office.post("/rosters/canteen/2026-12/import/confirm", data=values)
    assert done.status_code == 303
    assert len(await shifts_of(db, bureau.canteen.id, "published")) == 62


async def test_a_published_month_is_only_changed_when_that_is_ticked(bureau, browser_of, db, bring):
    await bring(month_of(), published=True)
    office = await browser_of("office")
    values = hidden(await sent(office, month_of(leader="黄志明", operator="李强")))
    values = hidden(await sent(office, month_of(other={5: ["12月5日", "", "黄志明", "李强", ""]})))
    address = "/rosters/canteen/2026-12/import/confirm"
    assert (await office.post(address, data=values)).status_code == 422
    assert (await office.post(address, data=values | {"at_once": "yes"})).status_code == 303
    assert len(await shifts_of(db, bureau.canteen.id, "cancelled")) == 1


async def test_what_changed_since_the_preview_is_shown_again_and_not_written(bureau, browser_of, db, bring):
    office = await browser_of("office")
    values = hidden(await sent(office, month_of()))
    await bring(
        month_of(
            leader="黄志明",
            operator="李强",
            other={n: [f"12月{n}日", "", "黄志明", "李强", ""] for n in range(2, 32, 2)},
        )
    )
    again = await office.post("/rosters/canteen/2026-12/import/confirm", data=values)
    assert again.status_code == 409
    assert {one.person_id for one in await shifts_of(db, bureau.canteen.id) if one.seat == "leader"} == {
        bureau.canteen_head.id
    }


async def test_a_preview_is_only_good_for_whoever_saw_it_and_for_that_month(bureau, browser_of, db):
    office, other = await browser_of("office"), await browser_of("office")
    values = hidden(await sent(office, month_of()))
    assert (await other.post("/rosters/canteen/2026-12/import/confirm", data=values)).status_code == 409
    assert (await office.post("/rosters/motor/2026-12/import/confirm", data=values)).status_code == 409
    forged = values | {"kept": "0" * 64}
    assert (await office.post("/rosters/canteen/2026-12/import/confirm", data=forged)).status_code == 409
    assert await shifts_of(db, bureau.canteen.id) == []


async def test_a_unit_contact_imports_its_own_month_only(bureau, browser_of):
    contact = await browser_of("unit", unit="canteen")
    assert (await sent(contact, month_of())).status_code == 200
    assert (await sent(contact, month_of(), "/rosters/motor/2026-12/import")).status_code == 404
    assert (await sent(contact, month_of(), "/rosters/import")).status_code == 403


async def test_faults_stand_on_the_page_by_cell(bureau, browser_of):
    page = await sent(await browser_of("office"), month_of(other={5: ["12月5日", "", "王珉", "李强", ""]}))
    assert page.status_code == 422
    assert "有1处须改正，未作任何改动" in page.text
    assert "C6" in page.text
    assert "通讯录中没有王珉，是否为：王敏" in page.text
    assert "确认导入" not in page.text


def bomb():
    kept = BytesIO()
    with zipfile.ZipFile(kept, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("[Content_Types].xml", "<Types/>")
        packed.writestr("xl/worksheets/sheet1.xml", b"0" * 120_000_000)
    return kept.getvalue()


def changed_part(data, name, change):
    kept = BytesIO()
    with zipfile.ZipFile(BytesIO(data)) as good, zipfile.ZipFile(kept, "w", zipfile.ZIP_DEFLATED) as packed:
        for part in good.infolist():
            text = good.read(part)
            packed.writestr(part.filename, change(text) if part.filename == name else text)
    return kept.getvalue()


def million_rows():
    rows = b"".join(b'<row r="%d"><c r="A%d"><v>1</v></c></row>' % (n, n) for n in range(1, 1_000_001))
    return changed_part(
        of_rows(HEADING),
        "xl/worksheets/sheet1.xml",
        lambda text: re.sub(
            rb"<sheetData>.*</sheetData>", b"<sheetData>" + rows + b"</sheetData>", text, flags=re.DOTALL
        ),
    )


def merged_to_the_end():
    merged = b'</sheetData><mergeCells count="1"><mergeCell ref="A1:XFD1048576"/></mergeCells>'
    return changed_part(
        of_rows(HEADING), "xl/worksheets/sheet1.xml", lambda text: text.replace(b"</sheetData>", merged)
    )


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (lambda: b"0" * 20_000_000, "文件超过5MB"),
        (lambda: b"0" * (LARGEST_WORKBOOK + 1), "文件超过5MB"),
        (lambda: b"%PDF-1.7", "不是Excel工作簿"),
        (lambda: b"", "不是Excel工作簿"),
        (bomb, "文件展开后过大"),
        (million_rows, "文件展开后过大"),
    ],
)
async def test_what_cannot_be_a_duty_table_is_refused_with_a_sentence(bureau, browser_of, data, sentence):
    page = await sent(await browser_of("office"), data())
    assert page.status_code == 422
    assert sentence in page.text


async def test_an_area_merged_to_the_end_of_the_sheet_costs_nothing(bureau, look):
    assert said(await look(merged_to_the_end()), grave=True) == ["A1 NO_TABLE"]


# ---------------------------------------------------------------------------------------------------------------------
# Many units


def many_table(units=("机关食堂", "公务用车中心"), *, wrong=""):
    people = {"机关食堂": ("王敏", "李强", "黄志明"), "公务用车中心": ("吴秀英", "周涛", "徐海燕")}
    rows = []
    for unit in units:
        leader, one, other = people[unit]
        rows += [
            [
                unit,
                f"2026-12-{day.day:02d}",
                wrong if wrong and day.day == 9 else leader,
                one if day.day % 2 else other,
            ]
            for day in days()
        ]
    return of_rows(["单位", "日期", "带班领导", "值班员"], *rows)


async def look_at_many(site, data):
    async with site.db.read() as session:
        units = await list_units(session)
        return await dry_run_many(session, site, site.clock.now(), units, read_tables(data, None))


async def test_many_units_in_one_sheet_are_imported_at_once(bureau, site, db):
    dry = await look_at_many(site, many_table())
    assert said(dry, grave=True) == []
    assert await write_many(site, site.clock.now(), "办公室", dry) == 2
    assert len(await shifts_of(db, bureau.canteen.id)) == len(await shifts_of(db, bureau.motor.id)) == 62
    assert (await look_at_many(site, many_table())).changes == 0


async def test_a_fault_in_one_unit_keeps_all_of_them_out(bureau, site, db, browser_of):
    office = await browser_of("office")
    page = await sent(office, many_table(wrong="王珉"), "/rosters/import")
    assert page.status_code == 422
    dry = await look_at_many(site, many_table(wrong="王珉"))
    with pytest.raises(ConflictError):
        await write_many(site, site.clock.now(), "办公室", dry)
    assert await shifts_of(db, bureau.canteen.id) == []


async def test_the_office_imports_many_units_in_the_browser(bureau, browser_of, db):
    office = await browser_of("office")
    preview = await sent(office, many_table(), "/rosters/import")
    assert "可以导入：2个单位，124个班次有变动" in preview.text
    done = await office.post("/rosters/import/confirm", data=hidden(preview))
    assert (done.status_code, done.headers["location"]) == (303, "/rosters?month=2026-12")
    assert len(await shifts_of(db, bureau.motor.id)) == 62


async def test_when_one_unit_fails_midway_what_others_got_is_taken_back(bureau, site, db):
    dry = await look_at_many(site, many_table())
    async with site.db.write() as session:
        await planning.add_shift(
            session,
            site,
            site.clock.now(),
            "办公室",
            unit_id=bureau.motor.id,
            seat="leader",
            day=date(2026, 12, 3),
            person_id=bureau.motor_leader.id,
            reason="先排一班",
        )
    with pytest.raises(ConflictError, match="预览之后"):
        # Each unit in a transaction of its own.
        await write_many(site, site.clock.now(), "办公室", dry, at_once=62)
    assert await shifts_of(db, bureau.canteen.id) == []
    assert len(await shifts_of(db, bureau.motor.id)) == 1


async def test_an_unknown_unit_is_said_of_its_cell(bureau, site):
    data = of_rows(["单位", "日期", "带班领导"], ["后勤处", "2026-12-01", "王敏"])
    assert said(await look_at_many(site, data)) == ["A2 UNIT_UNKNOWN"]

"""The directory from a workbook: what is found again, what is wrong by cell, all or nothing."""

from datetime import date
from io import BytesIO

import pytest
from openpyxl import Workbook

from dutydesk.documents.workbooks import read_workbook
from dutydesk.people.import_acts import carry_out, known
from dutydesk.people.import_lines import PERSON_COLUMNS, UNIT_COLUMNS, lines_of
from dutydesk.people.importing import plan_of
from tests.builders import build_bureau


def book(units=(), people=(), *, heads=True):
    """Return a workbook with these rows, each a mapping of headings."""
    made = Workbook()
    made.remove(made.active)
    for title, columns, rows in (("单位", UNIT_COLUMNS, units), ("人员", PERSON_COLUMNS, people)):
        sheet = made.create_sheet(title)
        if heads:
            sheet.append(columns)
        for row in rows:
            sheet.append([row.get(heading) for heading in columns])
    data = BytesIO()
    made.save(data)
    return data.getvalue()


@pytest.fixture
async def bureau(db, clock):
    return await build_bureau(db, clock.now())


async def planned(db, units=(), people=()):
    async with db.read() as session:
        base = await known(session)
    lines, wrong = lines_of(read_workbook(book(units, people)))
    assert wrong == []
    return plan_of(lines, base), base


def said(plan):
    return [(one.where, one.message) for one in plan.wrong]


NEW_UNIT = {
    "代码": "print",
    "名称": "文印中心",
    "类别": "局属单位",
    "上级单位": "局值班室",
    "值班电话": "022-23456744",
}
NEW = {"单位": "print", "姓名": "钱多", "职务": "主任", "职级": "单位主要负责人", "手机": "13911112222"}


async def test_units_people_and_numbers_come_in_together(db, clock, bureau):
    plan, base = await planned(
        db,
        [NEW_UNIT, {"代码": "canteen", "值班类别": "常年在岗"}],
        [
            NEW | {"到岗日期": date(2020, 1, 2), "固定电话": "022-23456745"},
            {
                "单位": "机关食堂",
                "姓名": " 李 强 ",
                "职务": "班长",
                "手机2": 13922223333,
                "培训日期": "2026年3月1日",
            },
        ],
    )
    assert said(plan) == []
    async with db.write() as session:
        await carry_out(session, clock.now(), "吴芳", plan, base)
    async with db.read() as session:
        after = await known(session)
    unit = next(one for one in after.units.values() if one.code == "print")
    assert (unit.kind, unit.parent_id, unit.short_name, unit.duty_phone) == (
        "subordinate",
        bureau.desk.id,
        "文印中心",
        "+862223456744",
    )
    assert after.units[bureau.canteen.id].duty_class == "always"
    (new,) = [one for one in after.persons.values() if one.unit_id == unit.id]
    assert (new.name, new.rank, new.joined_on) == ("钱多", "unit_head", date(2020, 1, 2))
    assert [one.address for one in after.points[new.id]] == ["+8613911112222", "+862223456745"]
    # The one who was there is changed, never made again; the number that was there stays the first.
    old = after.persons[bureau.canteen_operator.id]
    assert (old.title, old.trained_on, old.rank) == ("班长", date(2026, 3, 1), "staff")
    assert [one.address for one in after.points[old.id]] == [bureau.canteen_operator.mobile, "+8613922223333"]
    assert len(after.persons) == len(base.persons) + 1


async def test_the_same_file_a_second_time_changes_nothing(db, clock, bureau):
    people = [NEW, {"单位": "canteen", "姓名": "李强", "职务": "班长"}]
    plan, base = await planned(db, [NEW_UNIT], people)
    async with db.write() as session:
        await carry_out(session, clock.now(), "吴芳", plan, base)
    again, _ = await planned(db, [NEW_UNIT], people)
    assert (again.units, again.people, again.wrong, again.same) == ([], [], [], 3)


@pytest.mark.parametrize(
    ("row", "where", "part"),
    [
        (NEW | {"单位": "nowhere"}, "人员 A2", "没有这个单位"),
        (NEW | {"单位": None}, "人员 A2", "请填写单位"),
        ({"单位": "canteen", "手机": "13911112222"}, "人员 B2", "请填写姓名"),
        (NEW | {"单位": "canteen", "职级": "大王"}, "人员 D2", "应为：局长"),
        (NEW | {"单位": "canteen", "用工性质": "临时"}, "人员 E2", "在编"),
        (NEW | {"单位": "canteen", "手机": "12345"}, "人员 H2", "不是有效的电话号码"),
        (NEW | {"单位": "canteen", "手机": "022-23456745"}, "人员 H2", "不是手机号码"),
        (NEW | {"单位": "canteen", "手机2": "13911112222"}, "人员 I2", "与本行另一个号码相同"),
        (NEW | {"单位": "canteen", "手机": "13800000001"}, "人员 H2", "陈静名下"),
        (NEW | {"单位": "canteen", "手机": "138****0001"}, "人员 H2", "已遮盖"),
    ],
)
async def test_what_is_wrong_is_named_by_its_cell(db, bureau, row, where, part):
    plan, _ = await planned(db, (), [row])
    ((at, message),) = said(plan)
    assert at == where
    assert part in message
    assert plan.people == []


@pytest.mark.parametrize(
    ("rows", "where", "part"),
    [
        ([NEW_UNIT | {"代码": "文印"}], "单位 A2", "字母"),
        ([NEW_UNIT | {"类别": "厂"}], "单位 D2", "局属单位"),
        ([NEW_UNIT | {"类别": "局值班室", "上级单位": None}], "单位 D2", "只有一个"),
        ([NEW_UNIT | {"上级单位": "没有的"}], "单位 E2", "没有这个单位"),
        ([{"代码": "canteen", "上级单位": "canteen"}], "单位 E2", "本单位"),
        (
            [{"代码": "canteen", "上级单位": "motor"}, {"代码": "motor", "上级单位": "canteen"}],
            "单位 E3",
            "本单位",
        ),
        ([NEW_UNIT, NEW_UNIT], "单位 A3", "与第2行代码相同"),
        ([{"代码": "desk", "值班类别": "通讯畅通"}], "单位 G2", "常年在岗"),
        ([{"代码": "canteen", "类别": "处室"}], "单位 D2", "不能改"),
    ],
)
async def test_circles_and_twins_of_units_are_named_by_their_cell(db, bureau, rows, where, part):
    plan, _ = await planned(db, rows)
    assert [(at, part in message) for at, message in said(plan)] == [(where, True)]


async def test_the_same_name_twice_in_a_unit_cannot_be_told_apart(db, bureau):
    plan, _ = await planned(
        db, (), [NEW | {"单位": "canteen"}, NEW | {"单位": "机关食堂", "手机": "13933334444"}]
    )
    assert said(plan) == [("人员 B3", "与第2行同单位同姓名，请合并，或在页面上分别登记")]


async def test_one_mistake_and_nothing_at_all_is_done(db, clock, bureau):
    plan, base = await planned(db, [NEW_UNIT], [NEW, NEW | {"姓名": "坏", "手机": "1"}])
    async with db.write() as session:
        with pytest.raises(Exception, match="没有导入"):
            await carry_out(session, clock.now(), "吴芳", plan, base)
    async with db.read() as session:
        assert await known(session) == base


async def test_a_plan_made_before_somebody_changed_the_directory_is_refused(db, clock, bureau):
    plan, base = await planned(db, [NEW_UNIT], [NEW])
    twin, _ = await planned(db, [NEW_UNIT], [NEW])
    async with db.write() as session:
        await carry_out(session, clock.now(), "吴芳", plan, base)
    async with db.write() as session:
        with pytest.raises(Exception, match="刚刚有改动"):
            await carry_out(session, clock.now(), "吴芳", twin, base)


def test_a_workbook_without_the_sheets_or_headings_says_what_is_missing():
    other = Workbook()
    data = BytesIO()
    other.save(data)
    assert "没有名为" in lines_of(read_workbook(data.getvalue()))[1][0].message
    _, wrong = lines_of(read_workbook(book(people=[NEW], heads=False)))
    assert "没有找到表头" in wrong[0].message


def test_a_day_that_is_none_is_named_by_its_cell():
    _, wrong = lines_of(read_workbook(book(people=[NEW | {"到岗日期": "去年"}])))
    assert [(one.where, "日期" in one.message) for one in wrong] == [("人员 F2", True)]

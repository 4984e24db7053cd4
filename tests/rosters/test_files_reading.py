"""Reading tables people really have, without a database: where the heading is, which day, who is meant."""

from datetime import date, datetime

import pytest

from dutydesk.rosters.files.importing import as_day_of, read_tables
from dutydesk.rosters.rules.headings import kind_of
from dutydesk.rosters.rules.naming import Directory, Known, matches_of, mentions_in
from dutydesk.rosters.rules.reading import day_in
from tests.rosters.tables import FIRST, canteen_table, days, desk_table, halves_table, of_rows

HEADING = ["日期", "星期", "带班领导", "值班员", "备注"]


def read(data, month=FIRST):
    (sheet,) = [one for one in read_tables(data, month) if one.is_roster]
    return sheet


def texts(day, seat):
    return [cell.text for cell in day.cells if cell.seat == seat]


def codes(sheet):
    return [trouble.code for trouble in sheet.troubles]


# ---------------------------------------------------------------------------------------------------------------------
# Whole tables


def test_a_units_own_table_is_read_with_its_merged_weeks_and_its_notes_left_out():
    sheet = read(canteen_table(), None)
    assert sheet.month == FIRST
    assert [one.day for one in sheet.days] == days()
    assert {text for one in sheet.days for text in texts(one, "leader")} == {"王敏"}
    assert sheet.days[1].cells[1].phones == "138 0000 0005"
    assert codes(sheet) == []


def test_the_bureaus_table_is_read_with_its_two_heading_rows_and_same_as_above():
    sheet = read(desk_table(), None)
    assert sheet.month == FIRST
    assert [one.day for one in sheet.days] == days()
    assert sheet.seats == {"leader", "operator_primary", "operator_secondary", "standby"}
    assert [texts(one, "leader") for one in sheet.days[:5]] == [
        ["赵建国（副局长）"],
        ["赵建国（副局长）"],
        ["赵建国（副局长）"],
        ["局长 郑国栋"],
        ["局长 郑国栋"],
    ]
    assert texts(sheet.days[2], "operator_primary") == ["陈静\n13800000001"]
    assert codes(sheet) == []


def test_two_halves_side_by_side_are_one_month():
    sheet = read(halves_table())
    assert sorted(one.day for one in sheet.days) == days()


def test_a_day_over_several_merged_rows_is_one_day_with_several_people():
    from openpyxl import Workbook

    from tests.rosters.tables import saved

    book = Workbook()
    for row in (
        HEADING,
        ["12月1日", "", "王敏", "李强"],
        [None, None, None, "周涛"],
        ["12月2日", "", "王敏", "李强"],
    ):
        book.active.append(row)
    book.active.merge_cells("A2:A3")
    book.active.merge_cells("C2:C3")
    sheet = read(saved(book))
    assert [one.day.day for one in sheet.days] == [1, 2]
    assert texts(sheet.days[0], "operator") == ["李强", "周涛"]
    assert texts(sheet.days[0], "leader") == ["王敏"]


def test_a_sheet_without_a_heading_in_the_first_ten_rows_is_no_duty_table():
    (sheet,) = read_tables(of_rows(["通讯录"], ["姓名", "手机"], ["王敏", "13800000006"]), FIRST)
    assert not sheet.is_roster


def test_the_month_is_taken_from_full_dates_where_no_title_says_it():
    sheet = read(
        of_rows(HEADING, ["2026.12.1", "二", "王敏", "李强"], ["2026.12.2", "三", "王敏", "李强"]), None
    )
    assert sheet.month == FIRST
    assert codes(read(of_rows(HEADING, ["1", "二", "王敏", "李强"]), None)) == ["NO_MONTH"]


# ---------------------------------------------------------------------------------------------------------------------
# What is wrong with a row


def test_a_table_of_another_month_is_noticed_by_its_title():
    assert codes(read(of_rows(["2026年11月值班表"], HEADING, [1, "", "王敏", "李强"]))) == ["OTHER_MONTH"]


@pytest.mark.parametrize(
    ("row", "code", "at"),
    [
        (["下周", "", "王敏", "李强"], "DAY_UNREADABLE", (1, 0)),
        (["", "", "王敏", "李强"], "NO_DAY", (1, 0)),
        (["12月1日", "星期三", "王敏", "李强"], "WEEKDAY", (1, 1)),
        (["12月1日", "", "同上", "李强"], "NOTHING_ABOVE", (1, 2)),
        (["12月1日", "", "王敏" * 300, "李强"], "UNREADABLE", (1, 2)),
    ],
)
def test_what_is_wrong_is_said_of_its_cell(row, code, at):
    (trouble,) = read(of_rows(HEADING, row)).troubles
    assert (trouble.code, (trouble.row, trouble.column)) == (code, at)


def test_a_column_nobody_can_place_is_named():
    sheet = read(of_rows([*HEADING, "车号"], ["12月1日", "二", "王敏", "李强", "", "津A12345"]))
    assert [(one.code, one.values, one.grave) for one in sheet.troubles] == [
        ("COLUMN_UNREAD", ("车号",), False)
    ]


# ---------------------------------------------------------------------------------------------------------------------
# Headings and days


@pytest.mark.parametrize(
    ("heading", "kind"),
    [
        ("日 期", "day"),
        ("值班日期", "day"),
        ("日期（星期）", "day"),
        ("星期/节日（农历）", "weekday"),
        ("带班领导（职务、手机）", "leader"),
        ("带班局领导", "leader"),
        ("总带班", "other"),
        ("值班主任", "supervisor"),
        ("值班室负责人", "supervisor"),
        ("值班员", "operator"),
        ("值班人员及电话", "operator"),
        ("值班员（主班）", "operator_primary"),
        ("值班员（主/副、手机）", "operator"),
        ("副班", "operator_secondary"),
        ("备勤人员", "standby"),
        ("带班领导电话", "phone"),
        ("手机号码", "phone"),
        ("值班电话", "other"),
        ("职务", "title"),
        ("单位名称", "unit"),
        ("备 注", "note"),
    ],
)
def test_columns_are_known_however_people_head_them(heading, kind):
    assert kind_of(heading)[0] == kind


@pytest.mark.parametrize(
    ("value", "day"),
    [
        ("12月1日", (2026, 12, 1)),
        ("12 月 1 日", (2026, 12, 1)),
        ("１２月１日", (2026, 12, 1)),
        ("2026.12.1", (2026, 12, 1)),
        ("2026/12/1", (2026, 12, 1)),
        ("12/1", (2026, 12, 1)),
        ("12-01（星期二）", (2026, 12, 1)),
        ("12月1日 周二", (2026, 12, 1)),
        ("1日", (2026, 12, 1)),
        ("1号", (2026, 12, 1)),
        (1, (2026, 12, 1)),
        (46357, (2026, 12, 1)),
        ("46357", (2026, 12, 1)),
        ("2026-12-01 00:00:00", (2026, 12, 1)),
        (datetime(2026, 12, 1), (2026, 12, 1)),  # noqa: DTZ001 (a workbook knows no zones)
        (date(2026, 12, 1), (2026, 12, 1)),
        ("1月1日", (2027, 1, 1)),
        (12.31, (2026, 12, 31)),
    ],
)
def test_a_day_is_found_in_a_table_of_december(value, day):
    assert day_in(value, str(value), FIRST, None, as_day_of) == date(*day)


def test_twelve_point_one_below_the_ninth_is_the_tenth():
    assert day_in(12.1, "12.1", FIRST, date(2026, 12, 9), as_day_of) == date(2026, 12, 10)
    assert day_in(12.1, "12.1", FIRST, None, as_day_of) == date(2026, 12, 1)


@pytest.mark.parametrize(
    "value", ["", "周一", "12月", "值班员", 0, 40, True, "13月1日", "12月32日", -1, 5000, 12.99]
)
def test_what_is_no_day_is_none(value):
    assert day_in(value, str(value), FIRST, None, as_day_of) is None


# ---------------------------------------------------------------------------------------------------------------------
# People

CANTEEN, MOTOR, DESK = 2, 3, 1
DIRECTORY = Directory(
    [
        Known(1, "王敏", CANTEEN, "机关食堂", "副主任", ("+8613800000006",)),
        Known(2, "李强", CANTEEN, "机关食堂", "值班员", ("+8613800000005",)),
        Known(3, "赵建国", DESK, "局值班室", "副局长", ("+8613800000003",)),
        Known(4, "王敏", MOTOR, "公车中心", "司机", ("+8613800000099",)),
        Known(5, "欧阳丽华", CANTEEN, "机关食堂", "厨师"),
        Known(6, "张伟", CANTEEN, "机关食堂", "厨师", ("+8613800000061",)),
        Known(7, "张伟", CANTEEN, "机关食堂", "会计", ("+8613800000062",)),
        Known(8, "孙丽（大）", CANTEEN, "机关食堂"),
        Known(9, "钱进", CANTEEN, "机关食堂", retired=True),
        Known(10, "钱进", MOTOR, "公车中心"),
    ]
)


def found(text, phones="", titles="", unit=CANTEEN):
    return [
        one.person.person_id if one.person else None
        for one in matches_of(mentions_in(text, phones, titles), DIRECTORY, unit)
    ]


@pytest.mark.parametrize(
    ("text", "people"),
    [
        ("王敏", [1]),
        ("王 敏", [1]),
        ("王　敏", [1]),
        ("王敏、李强", [1, 2]),
        ("王敏,李强；赵建国", [1, 2, 3]),
        ("王敏／李强", [1, 2]),
        ("王敏\n李强", [1, 2]),
        ("王敏 李强", [1, 2]),
        ("王 敏 李 强", [1, 2]),
        ("欧阳 丽华", [5]),
        ("赵建国副局长", [3]),
        ("副局长赵建国", [3]),
        ("赵建国（副局长）", [3]),
        ("赵建国(副局长，138-0000-0003)", [3]),
        ("赵建国 副局长 李强", [3, 2]),
        ("局领导：赵建国", [3]),
        ("王敏13800000006 李强13800000005", [1, 2]),
        ("王敏\n138 0000 0006", [1]),
        ("主班：王敏 副班：李强", [1, 2]),
        ("王敏（公车中心）", [4]),
        ("王敏13800000099", [4]),
        ("王敏+86138******99", [4]),
        ("孙丽（大）", [8]),
        ("钱进", [10]),
        ("空缺", [None]),
        ("王敏（调）", [1]),
        ("", []),
        ("、、", []),
    ],
)
def test_a_cell_names_these_people(text, people):
    assert found(text) == people


def test_the_units_own_people_come_before_the_bureaus():
    assert (found("王敏", unit=CANTEEN), found("王敏", unit=MOTOR)) == ([1], [4])
    assert found("李强", unit=MOTOR) == [2]


def test_namesakes_in_a_unit_are_told_apart_by_number_or_title_and_else_named():
    assert found("张伟13800000062") == [7]
    assert found("张伟（会计）") == [7]
    assert found("张伟", phones="13800000061") == [6]
    assert found("张伟", titles="会计") == [7]
    (match,) = matches_of(mentions_in("张伟"), DIRECTORY, CANTEEN)
    assert [(one.name, one.unit, one.title) for one in match.twins] == [
        ("张伟", "机关食堂", "厨师"),
        ("张伟", "机关食堂", "会计"),
    ]


def test_an_unknown_name_brings_the_nearest_ones_of_the_unit():
    (match,) = matches_of(mentions_in("王珉"), DIRECTORY, CANTEEN)
    assert (match.person, match.name, match.others) == (None, "王珉", ("王敏",))


def test_a_number_that_is_somebody_elses_is_noticed():
    (match,) = matches_of(mentions_in("李强13900000000"), DIRECTORY, CANTEEN)
    assert match.person.person_id == 2
    assert match.other_number


def test_several_numbers_beside_several_names_are_given_out_in_order():
    assert found("王敏、王敏", phones="13800000006/13800000099") == [1, 4]


def test_main_and_second_operators_are_marked():
    marks = [one.part for one in mentions_in("王敏（主）、李强（副，13800000005）")]
    assert marks == ["operator_primary", "operator_secondary"]

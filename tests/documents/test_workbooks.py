"""Workbooks that people bring: read as people see them, refused where they are none or made to explode."""

import zipfile
from datetime import date, datetime
from io import BytesIO

import pytest
from openpyxl import Workbook

from dutydesk.documents.workbooks import LARGEST_WORKBOOK, as_day, as_text, cell_name, read_workbook
from dutydesk.errors import InvalidInputError


def saved(book):
    kept = BytesIO()
    book.save(kept)
    return kept.getvalue()


def test_merged_cells_are_filled_with_what_stands_in_their_first_cell():
    book = Workbook()
    sheet = book.active
    sheet.append(["日期", "带班领导"])
    sheet["A2"], sheet["A3"], sheet["B2"] = "12月1日", "12月2日", "赵建国"
    sheet.merge_cells("B2:B3")
    (read,) = read_workbook(saved(book))
    assert [list(row) for row in read.rows] == [
        ["日期", "带班领导"],
        ["12月1日", "赵建国"],
        ["12月2日", "赵建国"],
    ]


def test_hidden_sheets_are_not_read():
    book = Workbook()
    book.active.title = "看得见"
    book.create_sheet("藏着的").sheet_state = "hidden"
    assert [sheet.name for sheet in read_workbook(saved(book))] == ["看得见"]


@pytest.mark.parametrize("data", [b"", b"no workbook at all", b"PK\x03\x04 cut off"])
def test_what_is_no_workbook_is_refused_with_a_sentence(data):
    with pytest.raises(InvalidInputError, match="xlsx"):
        read_workbook(data)


def test_an_archive_of_something_else_is_refused():
    kept = BytesIO()
    with zipfile.ZipFile(kept, "w") as packed:
        packed.writestr("readme.txt", "hello")
    with pytest.raises(InvalidInputError, match="xlsx"):
        read_workbook(kept.getvalue())


def test_a_workbook_that_would_unpack_to_far_too_much_is_refused_before_it_is_unpacked():
    kept = BytesIO()
    with zipfile.ZipFile(kept, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("[Content_Types].xml", "<Types/>")
        packed.writestr("xl/worksheets/sheet1.xml", b"0" * 120_000_000)
    assert len(kept.getvalue()) < LARGEST_WORKBOOK
    with pytest.raises(InvalidInputError, match="展开后过大"):
        read_workbook(kept.getvalue())


def test_a_file_that_is_too_large_is_refused_unread():
    with pytest.raises(InvalidInputError, match="5MB"):
        read_workbook(b"0" * (LARGEST_WORKBOOK + 1))


def test_a_sheet_of_very_many_rows_is_refused():
    book = Workbook()
    book.active["A10001"] = "最后一行"
    with pytest.raises(InvalidInputError, match="10000行"):
        read_workbook(saved(book))


def test_entities_in_a_workbook_are_never_expanded():
    kept = BytesIO()
    with zipfile.ZipFile(BytesIO(saved(Workbook()))) as good, zipfile.ZipFile(kept, "w") as packed:
        for part in good.infolist():
            text = good.read(part)
            if part.filename == "xl/worksheets/sheet1.xml":
                text = b'<!DOCTYPE x [<!ENTITY a "aaaa">]>' + text
            packed.writestr(part.filename, text)
    with pytest.raises(InvalidInputError):
        read_workbook(kept.getvalue())


@pytest.mark.parametrize(
    "value",
    [
        date(2026, 12, 1),
        datetime(2026, 12, 1, 8, 30),  # noqa: DTZ001 (a workbook knows no zones)
        46357,
        46357.35,
        "2026-12-01",
        "2026/12/1",
        "2026.12.1",
        "2026年12月1日",
        "12月1日",
        "12.1",
        " 12-1 ",
        "2026年12月1日 星期二",
    ],
)
def test_a_day_is_read_however_it_is_written(value):
    assert as_day(value, 2026) == date(2026, 12, 1)


@pytest.mark.parametrize("value", ["", "张三", "13月1日", "2月30日", 0, True, None, "12月", 10**9])
def test_what_is_no_day_is_none(value):
    assert as_day(value, 2026) is None


def test_numbers_are_read_as_people_see_them():
    assert [as_text(one) for one in (13800010001.0, 1.5, None, " 王 敏 ")] == [
        "13800010001",
        "1.5",
        "",
        "王 敏",
    ]


def test_cells_are_named_as_in_a_workbook():
    assert [cell_name(0, 0), cell_name(6, 1), cell_name(9, 27)] == ["A1", "B7", "AB10"]

"""Workbooks: what stands in the cells, how they print, and that text never becomes a formula."""

import tempfile
import weakref
import xml.etree.ElementTree as ET
from datetime import UTC, date, datetime, time, timedelta
from io import BytesIO
from zipfile import ZipFile
from zoneinfo import ZoneInfo

import pytest

from dutydesk.documents import sheets
from dutydesk.documents.sheets import Column, write_sheet
from dutydesk.errors import InvalidInputError

ZONE = ZoneInfo("Asia/Shanghai")
MOMENT = datetime(2026, 11, 3, 1, 30, tzinfo=UTC)
NS = {"": "http://schemas.openxmlformats.org/spreadsheetml/2006/main"}


def workbook(rows, *, columns=("内容",), title="值班日志", **options):
    """Write a workbook and open its package."""
    target = BytesIO()
    headings = [one if isinstance(one, Column) else Column(one) for one in columns]
    write_sheet(target, title, headings, rows, zone=ZONE, moment=MOMENT, **options)
    return ZipFile(target)


def part(package, name):
    return ET.fromstring(package.read(name))  # noqa: S314 # we wrote it


def sheet(package):
    return part(package, "xl/worksheets/sheet1.xml")


def cells(package):
    """Every row as (type, text) of each cell; numbers have the type n."""
    return [
        [(cell.get("t", "n"), "".join(cell.itertext())) for cell in row.findall("c", NS)]
        for row in sheet(package).iterfind("sheetData/row", NS)
    ]


def number_format(package, reference):
    """The number format of a cell, as its style says."""
    styles = part(package, "xl/styles.xml")
    cell = sheet(package).find(f".//c[@r='{reference}']", NS)
    look = styles.find("cellXfs", NS)[int(cell.get("s"))]
    codes = {one.get("numFmtId"): one.get("formatCode") for one in styles.iterfind("numFmts/numFmt", NS)}
    return codes.get(look.get("numFmtId"), look.get("numFmtId"))


def serial(text):
    """A time of day as a spreadsheet counts it, in days since the end of 1899."""
    return (datetime.fromisoformat(text) - datetime(1899, 12, 30)) / timedelta(days=1)  # noqa: DTZ001 # as in a cell


# ----------------------------------------------------------------------------------------------------------------------
# Cells.


@pytest.mark.parametrize(
    "text",
    ["=1+1", "+1", "-1", "@SUM(A1)", "{=1+1}", "http://example.org/", "mailto:a@example.org", "internal:Sheet1!A1",
     "0123", "<w:p>&amp;", "{{ 7*7 }}", "_x0041_", "TRUE", "🔥𠮷"],
)  # fmt: skip
def test_text_stays_text(text):
    package = workbook([[text]])
    (_, [(kind, found)]) = cells(package)
    assert kind == "inlineStr"
    assert found.replace("_x005F_", "_") == text
    assert package.testzip() is None
    assert sheet(package).find(".//f", NS) is None
    assert sheet(package).find(".//hyperlink", NS) is None


def test_a_heading_stays_text_too():
    package = workbook([], columns=("=1+1", "@2\n行"))
    assert cells(package) == [[("inlineStr", "=1+1"), ("inlineStr", "@2 行")]]


def test_characters_that_xml_cannot_say_are_dropped():
    assert cells(workbook([["起\x00火\x1f\ufffe\ud800"]]))[1] == [("inlineStr", "起火")]


def test_a_time_is_a_date_cell_in_site_time():
    package = workbook([[datetime(2026, 11, 2, 18, 20, tzinfo=UTC)]])
    ((kind, found),) = cells(package)[1]
    assert (kind, float(found)) == ("n", pytest.approx(serial("2026-11-03 02:20")))
    assert number_format(package, "A2") == "yyyy-mm-dd hh:mm"


def test_a_day_is_a_date_cell():
    package = workbook([[date(2026, 11, 3)]])
    assert float(cells(package)[1][0][1]) == serial("2026-11-03")
    assert number_format(package, "A2") == "yyyy-mm-dd"


def test_a_time_of_day_is_a_cell_that_can_be_counted_with():
    package = workbook([[time(8, 30)]])
    assert float(cells(package)[1][0][1]) == pytest.approx(8.5 / 24)
    assert number_format(package, "A2") == "hh:mm"


def test_a_day_before_the_calendar_of_spreadsheets_stays_text():
    assert cells(workbook([[date(1899, 1, 2)]]))[1] == [("inlineStr", "1899-01-02")]


def test_a_time_without_a_zone_is_refused():
    with pytest.raises(ValueError, match="no time zone"):
        workbook([[datetime(2026, 11, 3)]])  # noqa: DTZ001 # the mistake itself


def test_numbers_are_numbers_until_a_spreadsheet_would_round_them():
    found = cells(workbook([[3], [2.5], [999_999_999_999_999], [13_900_000_000_000_001], [float("nan")]]))
    assert [row[0] for row in found[1:]] == [
        ("n", "3"),
        ("n", "2.5"),
        ("n", "999999999999999"),
        ("inlineStr", "13900000000000001"),
        ("inlineStr", "nan"),
    ]


def test_yes_no_and_nothing():
    (_, row) = cells(workbook([[True, False, None]], columns=("甲", "乙", "丙")))
    assert [text for _, text in row] == ["是", "否", ""]


@pytest.mark.parametrize("character", ["长", "𠮷"])
def test_a_text_longer_than_a_cell_is_cut_and_says_so(character):
    (_, [(_, found)]) = cells(workbook([[character * 40_000]]))
    assert 32_765 <= len(found.encode("utf-16-le")) // 2 <= 32_767
    assert found.endswith("（过长，已截断）")


def test_a_row_of_another_length_is_refused():
    with pytest.raises(ValueError, match="zip"):
        workbook([["甲", "乙"]])


# ----------------------------------------------------------------------------------------------------------------------
# The sheet.


def test_the_heading_is_frozen_filtered_and_repeated_on_every_page():
    package = workbook([["甲", 1], ["乙", 2]], columns=("内容", "数量"))
    pane = sheet(package).find(".//pane", NS)
    assert (pane.get("ySplit"), pane.get("state")) == ("1", "frozen")
    assert sheet(package).find("autoFilter", NS).get("ref") == "A1:B3"
    names = {
        name.get("name"): name.text
        for name in part(package, "xl/workbook.xml").iterfind(".//definedName", NS)
    }
    assert names["_xlnm.Print_Titles"] == "值班日志!$1:$1"


def test_it_prints_on_a4_landscape_one_page_wide():
    page = sheet(workbook([["甲"]]))
    assert (
        page.find("pageSetup", NS).attrib.items()
        >= {"paperSize": "9", "orientation": "landscape", "fitToHeight": "0"}.items()
    )
    assert page.find("sheetPr/pageSetUpPr", NS).get("fitToPage") == "1"


def test_a_column_is_as_wide_as_its_content_within_reason():
    rows = [["短", "一二三四五六七八九十", "长" * 500, "长" * 500]]
    columns = ("甲", "乙", "丙", Column("丁", width=12))
    widths = [
        float(column.get("width"))
        for column in sheet(workbook(rows, columns=columns)).iterfind("cols/col", NS)
    ]
    assert widths == [pytest.approx(wanted, abs=1) for wanted in (6.7, 21.7, 60.7, 12.7)]


def test_a_chinese_type_is_named():
    fonts = part(workbook([["甲"]]), "xl/styles.xml").iterfind("fonts/font/name", NS)
    assert {font.get("val") for font in fonts} == {"宋体", "黑体"}


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("值班日志", "值班日志"),
        ("2026/11: [甲]?*\\", "2026 11   甲"),
        ("长" * 40, "长" * 31),
        ("'引'", "引"),
        ("", "表"),
        ("History", "表"),
        ("🔥" * 20, "🔥" * 15),
    ],
)
def test_the_sheet_is_named_by_the_title_as_far_as_it_may_be(title, name):
    (found,) = part(workbook([["甲"]], title=title), "xl/workbook.xml").iterfind("sheets/sheet", NS)
    assert found.get("name") == name


def test_an_ampersand_in_the_title_is_printed_as_one():
    header = sheet(workbook([["甲"]], title="A&B")).find("headerFooter/oddHeader", NS)
    assert header.text.endswith("A&&B")


def test_the_same_rows_at_the_same_moment_are_the_same_bytes(tmp_path):
    targets = [tmp_path / "one.xlsx", tmp_path / "two.xlsx"]
    for target in targets:
        done = write_sheet(target, "日志", [Column("内容")], [["甲"]], zone=ZONE, moment=MOMENT)
        assert done == 1
    assert targets[0].read_bytes() == targets[1].read_bytes()
    package = ZipFile(targets[0])
    assert b"2026-11-03T01:30:00Z" in package.read("docProps/core.xml")
    assert {one.date_time[0] for one in package.infolist()} == {1980}, "no part is dated by the clock"


# ----------------------------------------------------------------------------------------------------------------------
# The work.


def test_progress_is_told_every_so_often_and_at_the_end():
    told = []
    workbook(([number] for number in range(1200)), progress=told.append)
    assert told == [500, 1000, 1200]


def test_rows_are_taken_one_by_one():
    """What was written is on the disk, not in memory: a row may be forgotten as soon as it was given."""

    class Row(list):
        __hash__ = object.__hash__

    alive = weakref.WeakSet()

    def rows():
        for number in range(2000):
            row = Row([f"第{number}条"])
            alive.add(row)
            yield row
            del row
            assert len(alive) <= 2

    workbook(rows())


def test_work_that_was_stopped_leaves_nothing_behind(tmp_path, monkeypatch):
    class StoppedError(Exception):
        pass

    def stop(_done):
        raise StoppedError

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    target = tmp_path / "log.xlsx"
    with pytest.raises(StoppedError):
        write_sheet(target, "日志", [Column("内容")], [["甲"]] * 600, zone=ZONE, moment=MOMENT, progress=stop)
    assert list(tmp_path.iterdir()) == []


def test_more_rows_than_a_sheet_holds_are_refused(monkeypatch):
    monkeypatch.setattr(sheets, "_LAST_ROW", 3)  # a million rows take too long for a test
    workbook([["甲"]] * 3)
    with pytest.raises(InvalidInputError, match="at most 3 rows"):
        workbook([["甲"]] * 4)

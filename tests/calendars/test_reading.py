"""A year's days from the workbooks people fill in."""

from datetime import UTC, date, datetime
from io import BytesIO
from zoneinfo import ZoneInfo

import pytest
from openpyxl import Workbook

from dutydesk.calendars.days import library_year
from dutydesk.calendars.reading import read_days, write_template
from dutydesk.calendars.rules import Calendar
from dutydesk.errors import InvalidInputError

ZONE, NOW = ZoneInfo("Asia/Shanghai"), datetime(2026, 11, 23, 6, tzinfo=UTC)


def workbook(*rows):
    book, file = Workbook(), BytesIO()
    for row in rows:
        book.active.append(row)
    book.save(file)
    return file.getvalue()


def test_days_are_read_as_dates_moments_serials_and_text():
    data = workbook(
        ["2027年假日安排"],
        ["日期", "日类", "名称"],
        [date(2027, 1, 1), "法定节假日", "元旦"],
        [datetime(2027, 1, 2), "放假", "元旦"],  # noqa: DTZ001
        [46390, "法定节假日", "元旦"],
        ["2027年2月6日", "法定节假日", "春节"],
        ["2月7日", "法定节假日", "春节"],
        [None, None, None],
        ["2027-2-20", "调休补班", None],
    )
    entries, faults = read_days(data, 2027)
    assert faults == []
    assert [one.day for one in entries] == [
        date(2027, 1, 1),
        date(2027, 1, 2),
        date(2027, 1, 3),
        date(2027, 2, 6),
        date(2027, 2, 7),
        date(2027, 2, 20),
    ]
    assert entries[-1].kind == "makeup"


def test_every_fault_is_named_by_its_cell():
    data = workbook(
        ["日期", "日类", "名称"],
        ["元旦那天", "法定节假日", "元旦"],
        [date(2027, 1, 2), "节日", "元旦"],
        [None, "", "元旦"],
    )
    entries, faults = read_days(data, 2027)
    assert entries == []
    assert [fault.place for fault in faults] == ["A2", "B3", "A4", "B4"]


def test_a_workbook_without_our_heading_and_a_file_that_is_none_are_refused():
    assert "下载模板" in read_days(workbook(["甲", "乙"]), 2027)[1][0].text
    assert "下载模板" in read_days(workbook(), 2027)[1][0].text
    with pytest.raises(InvalidInputError, match="不是Excel工作簿"):
        read_days(b"PK no workbook", 2027)


def test_the_template_of_a_known_year_is_read_back_as_that_year():
    calendar = Calendar(library_year(2026))
    entries, faults = read_days(write_template(calendar, 2026, zone=ZONE, moment=NOW), 2026)
    assert faults == []
    assert {one.day: (one.kind, one.name) for one in entries} == {
        day: (kind.kind, kind.name)
        for day, kind in library_year(2026).items()
        if kind.kind in {"holiday", "makeup"}
    }


def test_the_template_of_an_unknown_year_has_its_heading_only():
    assert read_days(write_template(Calendar(), 2027, zone=ZONE, moment=NOW), 2027) == ([], [])

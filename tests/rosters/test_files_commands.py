"""`dutydesk roster import` and `export`, as somebody at the machine types them."""

from datetime import date

import pytest
from openpyxl import load_workbook

from dutydesk.clock import SystemClock
from tests.builders import build_bureau
from tests.rosters.tables import days, of_rows
from tests.test_cli import dutydesk

# The commands read the machine's clock: a month that lies ahead whenever this runs.
MONTH = date(2090, 12, 1)
HEADING = ["日期", "带班领导", "值班员"]


@pytest.fixture
async def bureau(db):
    return await build_bureau(db, SystemClock().now())


def table(tmp_path, *, leader="王敏"):
    file = tmp_path / "值班表.xlsx"
    rows = [
        [f"{day.month}月{day.day}日", leader if day.day == 9 else "王敏", "李强" if day.day % 2 else "黄志明"]
        for day in days(first=MONTH)
    ]
    file.write_bytes(of_rows(["机关食堂2090年12月值班表"], HEADING, *rows))
    return str(file)


async def test_a_file_is_tried_imported_and_exported_again(bureau, database_url, tmp_path):
    file, out = table(tmp_path), tmp_path / "out.xlsx"
    url = {"DATABASE_URL": database_url}
    tried = await dutydesk("roster", "import", file, "--unit", "canteen", "--dry-run", **url)
    assert (tried.code, tried.lines[-1]) == (0, "1 units, 62 shifts to change")
    done = await dutydesk("roster", "import", file, "--unit", "canteen", "--month", "2090-12", **url)
    assert (done.code, done.lines[-1]) == (0, "imported as drafts")
    again = await dutydesk("roster", "import", file, **url)
    assert (again.code, again.lines[-1]) == (0, "1 units, 0 shifts to change")
    told = await dutydesk("roster", "export", "--unit", "canteen", "--month", "2090-12", str(out), **url)
    assert told.code == 0
    sheet = load_workbook(out).active
    assert (sheet["A4"].value.date(), sheet["D4"].value) == (MONTH, "王敏（副主任，13800000006）")


async def test_a_fault_is_printed_by_cell_and_ends_with_a_code(bureau, database_url, tmp_path):
    said = await dutydesk("roster", "import", table(tmp_path, leader="王珉"), DATABASE_URL=database_url)
    assert said.code == 1
    assert "FAULT  B11  通讯录中没有王珉，是否为：王敏" in said.lines
    assert said.lines[-1] == "nothing was imported"


async def test_a_month_that_is_none_is_refused_with_a_sentence(database_url, tmp_path):
    said = await dutydesk(
        "roster", "import", table(tmp_path), "--month", "2090-13", DATABASE_URL=database_url
    )
    assert (said.code, said.err.strip()) == (1, "--month: '2090-13' is not a month like 2026-12")

"""Duty tables as people really make them, as workbooks: the zoo that the import has to understand."""

from datetime import date, datetime, timedelta
from io import BytesIO

from openpyxl import Workbook

FIRST = date(2026, 12, 1)
WEEKDAYS = "一二三四五六日"


def saved(book: Workbook) -> bytes:
    """Return a workbook as a file."""
    kept = BytesIO()
    book.save(kept)
    return kept.getvalue()


def of_rows(*rows, name="值班表") -> bytes:
    """Return a workbook with just these rows."""
    book = Workbook()
    book.active.title = name
    for row in rows:
        book.active.append(list(row))
    return saved(book)


def days(count=31, first=FIRST):
    """The days of December 2026."""
    return [first + timedelta(days=number) for number in range(count)]


def canteen_table() -> bytes:
    """A unit's own table: titles above, a leader for each week in a merged cell, phones beside, notes below."""
    book = Workbook()
    sheet = book.active
    sheet.append(["机关食堂管理处2026年12月值班表"])
    sheet.merge_cells("A1:F1")
    sheet.append(["填表单位：机关食堂", None, None, None, "填表日期：2026年11月20日"])
    sheet.merge_cells("A2:D2")
    sheet.append(["日期", "星期", "带班领导", "值班人员", "联系电话", "备注"])
    for number, day in enumerate(days()):
        row = number + 4
        sheet.append([f"{day.month}月{day.day}日", WEEKDAYS[day.weekday()]])
        sheet.cell(row, 4, "李　强" if number % 2 else "周 涛")
        sheet.cell(row, 5, "138 0000 0005" if number % 2 else 13800000007)
        if number % 7 == 0:
            sheet.cell(row, 3, "王敏")
            sheet.merge_cells(start_row=row, end_row=min(row + 6, 34), start_column=3, end_column=3)
    sheet.append(["备注：1.值班人员须坚守岗位。"])
    sheet.merge_cells("A35:F35")
    sheet.append(["值班电话：022-23456701", None, None, "制表：黄志明"])
    return saved(book)


def desk_table() -> bytes:
    """The bureau's: two heading rows, titles and phones in the cells, real dates, 同上."""
    book = Workbook()
    sheet = book.active
    sheet.append(["局机关值班表", None, None, None, None, None])
    sheet.append(["（2026年12月）"])
    sheet.append(["日期", "星期/节日", "带班领导", "值班员", None, "备班"])
    sheet.append([None, None, "姓名（职务）", "主班", "副班", None])
    sheet.merge_cells("A3:A4")
    sheet.merge_cells("D3:E3")
    for number, day in enumerate(days()):
        leader = "赵建国（副局长）" if number == 0 else "同上" if number % 3 else "局长 郑国栋"
        sheet.append(
            [
                datetime.combine(day, datetime.min.time()),
                f"星期{WEEKDAYS[day.weekday()]}",
                leader,
                "陈静\n13800000001" if number % 2 else "〃" if number else "陈静13800000001",
                "刘洋",
                "孙丽华、吴秀英",
            ]
        )
    return saved(book)


def halves_table() -> bytes:
    """Two halves of the month side by side, days as plain numbers."""
    rows = [["值班日期", "带班", "值班员", "值班日期", "带班", "值班员"]]
    rows += [
        [
            n + 1,
            "王敏",
            "李强",
            n + 17 if n < 15 else None,
            "王敏" if n < 15 else None,
            "周涛" if n < 15 else None,
        ]
        for n in range(16)
    ]
    return of_rows(["2026年12月"], *rows)

"""The rows of a directory workbook: the two sheets, their headings, and each row as text."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from dutydesk.documents.workbooks import Sheet, Value, as_day, as_text, cell_name
from dutydesk.people.rules import ContactKind
from dutydesk.web.languages import say

UNITS, PEOPLE = "单位", "人员"
UNIT_COLUMNS = ("代码", "名称", "简称", "类别", "上级单位", "值班电话", "值班类别")
PERSON_COLUMNS = (
    "单位",
    "姓名",
    "职务",
    "职级",
    "用工性质",
    "到岗日期",
    "培训日期",
    "手机",
    "手机2",
    "固定电话",
    "固定电话2",
    "电子邮箱",
)
NUMBERS: Mapping[str, ContactKind] = {
    "手机": "mobile",
    "手机2": "mobile",
    "固定电话": "landline",
    "固定电话2": "landline",
    "电子邮箱": "email",
}
_COLUMNS = {UNITS: UNIT_COLUMNS, PEOPLE: PERSON_COLUMNS}
_DAYS = ("到岗日期", "培训日期")


@dataclass(frozen=True, slots=True)
class Wrong:
    """One thing that is wrong, with where it stands (``人员 C7``)."""

    where: str
    message: str


@dataclass(frozen=True, slots=True)
class Line:
    """One row as text under its headings (days as ISO), with the column each stands in."""

    sheet: str
    row: int
    cells: Mapping[str, str]
    columns: Mapping[str, int]

    def where(self, heading: str) -> str:
        """Return how people name a cell of the line."""
        return f"{self.sheet} {cell_name(self.row, self.columns.get(heading, 0))}"

    def get(self, heading: str) -> str:
        """Return what stands under a heading, nothing where there is no such column."""
        return self.cells.get(heading, "")


def lines_of(sheets: Sequence[Sheet]) -> tuple[list[Line], list[Wrong]]:
    """Return the rows of the two sheets, and what is wrong with the sheets themselves.

    The headings stand in the first row that has the first two of them; other sheets are left alone.
    """
    found: list[Line] = []
    wrong: list[Wrong] = []
    wanted = [sheet for sheet in sheets if sheet.name.strip() in _COLUMNS]
    if not wanted:
        message = say("没有名为“{units}”或“{people}”的表，请使用模板", units=UNITS, people=PEOPLE)
        return [], [Wrong(say("工作簿"), message)]
    for sheet in wanted:
        name = sheet.name.strip()
        head = next((at for at, row in enumerate(sheet.rows[:10]) if _is_head(name, row)), None)
        if head is None:
            first, second = _needed(name)
            text = "没有找到表头，至少要有“{first}”“{second}”两列，请使用模板"
            wrong.append(Wrong(name, say(text, first=first, second=second)))
            continue
        texts = [as_text(value).replace("*", "").replace(" ", "") for value in sheet.rows[head]]
        columns = {heading: texts.index(heading) for heading in _COLUMNS[name] if heading in texts}
        unknown = [text for text in texts if text and text not in _COLUMNS[name]]
        wrong += [
            Wrong(
                f"{name} {cell_name(head, texts.index(one))}",
                say("没有“{column}”这一列，请按模板填写", column=one),
            )
            for one in unknown
        ]
        for at, row in enumerate(sheet.rows[head + 1 :], start=head + 1):
            line, bad = _line(name, at, row, columns)
            wrong += bad
            if any(line.cells.values()):
                found.append(line)
    if not found and not wrong:
        wrong.append(Wrong(say("工作簿"), "没有可以导入的行"))
    return found, wrong


def _needed(name: str) -> tuple[str, str]:
    return (UNIT_COLUMNS[0], UNIT_COLUMNS[1]) if name == UNITS else (PERSON_COLUMNS[0], PERSON_COLUMNS[1])


def _is_head(name: str, row: Sequence[Value]) -> bool:
    texts = {as_text(value).replace("*", "").replace(" ", "") for value in row}
    return set(_needed(name)) <= texts


def _line(name: str, at: int, row: Sequence[Value], columns: Mapping[str, int]) -> tuple[Line, list[Wrong]]:
    cells: dict[str, str] = {}
    wrong: list[Wrong] = []
    for heading, column in columns.items():
        value = row[column] if column < len(row) else None
        text = as_text(value)
        if heading in _DAYS and text:
            day = as_day(value)
            if day is None or not 1930 <= day.year <= 2199:
                wrong.append(Wrong(f"{name} {cell_name(at, column)}", "日期看不懂，例如 2026-11-23"))
            text = "" if day is None else day.isoformat()
        cells[heading] = text
    return Line(name, at, cells, columns), wrong

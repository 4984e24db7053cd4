"""Forms as workbooks (xlsx): a title, a table with borders and wrapped cells, notes below; ready to be printed on one page."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from io import BytesIO
from typing import Any

from xlsxwriter import Workbook

from dutydesk.documents.parts import one_line, speakable
from dutydesk.documents.sheets import FONT, HEADING_FONT

_TITLE_FONT = "方正小标宋简体"
_LONGEST_NAME, _LONGEST_TEXT = 31, 32_000
_A4 = 9
_LINE = 15.0  # points that a line of 10.5 pt takes
_NOT_IN_NAMES = str.maketrans(dict.fromkeys("[]:*?/\\", " "))


@dataclass(frozen=True, slots=True)
class FormSheet:
    """One sheet: ``columns`` are headings with their width in characters; rows may be shaded (rest days)."""

    name: str
    title: str
    below_title: str
    columns: Sequence[tuple[str, float]]
    rows: Sequence[Sequence[str | date]]
    shaded: frozenset[int] = frozenset()
    notes: Sequence[str] = ()


def write_forms(sheets: Sequence[FormSheet], moment: datetime) -> bytes:
    """Return the sheets as a workbook; *moment* (aware) is its date, and the same sheets give the same bytes.

    Text stays text whatever it begins with: nothing becomes a formula or a link. Works for as long as
    the rows last, so it does not belong on the event loop.
    """
    kept = BytesIO()
    options = {
        "in_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
    }
    book = Workbook(kept, options)
    looks = _Looks(book)
    taken: set[str] = set()
    for one in sheets:
        _write(book, looks, one, _name(one.name, taken))
    book.set_properties({"created": moment.astimezone(UTC).replace(tzinfo=None)})
    book.close()
    return kept.getvalue()


class _Looks:
    """The formats, made once for the workbook."""

    def __init__(self, book: Workbook) -> None:
        def look(**more: Any) -> Any:
            return book.add_format({"font_name": FONT, "font_size": 10.5, "valign": "vcenter", **more})

        cell = {"border": 1, "text_wrap": True, "align": "center"}
        self.title = look(font_name=_TITLE_FONT, font_size=18, align="center")
        self.below = look(align="left")
        self.heading = look(font_name=HEADING_FONT, bg_color="#E7ECF3", **cell)
        self.text = {
            False: look(num_format="@", **cell),
            True: look(num_format="@", bg_color="#F0F0F0", **cell),
        }
        self.day = {
            False: look(num_format='m"月"d"日"', **cell),
            True: look(num_format='m"月"d"日"', bg_color="#F0F0F0", **cell),
        }
        self.note = look(text_wrap=True, align="left")


def _write(book: Workbook, looks: _Looks, form: FormSheet, name: str) -> None:
    sheet = book.add_worksheet(name)
    last = len(form.columns) - 1
    sheet.merge_range(0, 0, 0, last, _text(form.title), looks.title)
    sheet.set_row(0, 30)
    sheet.merge_range(1, 0, 1, last, _text(form.below_title), looks.below)
    for place, (heading, width) in enumerate(form.columns):
        sheet.set_column(place, place, width)
        sheet.write_string(2, place, heading, looks.heading)
    sheet.set_row(2, 2 * _LINE)
    for number, row in enumerate(form.rows):
        shaded = number in form.shaded
        for place, value in enumerate(row):
            if isinstance(value, date):
                sheet.write_datetime(3 + number, place, datetime.combine(value, time()), looks.day[shaded])
            else:
                sheet.write_string(3 + number, place, _text(value), looks.text[shaded])
        sheet.set_row(3 + number, _height(row, form.columns))
    below = 3 + len(form.rows)
    for note in form.notes:
        sheet.merge_range(below, 0, below, last, _text(note), looks.note)
        below += 1
    sheet.freeze_panes(3, 1)
    sheet.repeat_rows(2)
    sheet.set_landscape()
    sheet.set_paper(_A4)
    sheet.fit_to_pages(1, 1 if len(form.rows) <= 31 else 0)
    sheet.set_margins(left=0.4, right=0.4, top=0.5, bottom=0.5)
    sheet.center_horizontally()


def _height(row: Sequence[str | date], columns: Sequence[tuple[str, float]]) -> float:
    """Return the height of a row: programs that open it do not work out how high wrapped text is."""
    lines = 1
    for value, (_, width) in zip(row, columns, strict=True):
        if isinstance(value, str):
            lines = max(lines, sum(max(1, -(-2 * len(line) // int(width))) for line in value.split("\n")))
    return min(lines * _LINE + 3, 400)


def _text(text: str) -> str:
    return speakable(text).replace("\r\n", "\n").replace("\r", "\n")[:_LONGEST_TEXT]


def _name(text: str, taken: set[str]) -> str:
    """Return a name that a sheet may have and none has yet."""
    wanted = one_line(text).translate(_NOT_IN_NAMES).strip(" '")[:_LONGEST_NAME].strip(" '") or "表"
    if wanted.lower() == "history":
        wanted = "表"
    name, number = wanted, 2
    while name.lower() in taken:
        name, number = f"{wanted[: _LONGEST_NAME - 4]}({number})", number + 1
    taken.add(name.lower())
    return name

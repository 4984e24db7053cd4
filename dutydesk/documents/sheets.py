"""Tables as workbooks (xlsx), row by row: a table of any length takes no more memory than one row of it."""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Any, TypeAlias
from unicodedata import east_asian_width
from zoneinfo import ZoneInfo

from xlsxwriter import Workbook
from xlsxwriter.worksheet import Worksheet

from dutydesk.documents.parts import one_line, speakable
from dutydesk.errors import InvalidInputError

Cell: TypeAlias = str | int | float | bool | date | datetime | time | None

FONT, HEADING_FONT = "宋体", "黑体"
PROGRESS_EVERY = 500
_LAST_ROW = 1_048_575  # Excel's own limits, counted from 0
_LONGEST_TEXT, _LONGEST_NAME = 32_767, 31
_TOO_MANY_DIGITS = 10**15  # from here on Excel rounds
_DAY = timedelta(days=1)
_FIRST_DAY = date(1900, 3, 1)  # Excel believes in a 29 February 1900
_NARROWEST, _WIDEST = 6, 60
_A4 = 9
_TOO_LONG = "……（过长，已截断）"


@dataclass(frozen=True, slots=True)
class Column:
    """A column's heading, and its width in characters where the content shall not decide it."""

    heading: str
    width: float | None = None


def write_sheet(
    target: Path | IO[bytes],
    title: str,
    columns: Sequence[Column],
    rows: Iterable[Sequence[Cell]],
    *,
    zone: ZoneInfo,
    moment: datetime,
    progress: Callable[[int], None] | None = None,
) -> int:
    """Write *rows* under *columns* as a workbook of one sheet, ready to be filtered and printed; return their number.

    Times (aware) become date cells in site time *zone*. Text stays text whatever it begins with: nothing in it becomes
    a formula or a link. *moment* (aware) is the workbook's date; the same rows at the same moment are the same bytes.
    *progress* is told the number of rows done, every 500 and at the end; an exception from it stops the work, and
    nothing is written. Works for as long as the rows last, so it does not belong on the event loop.

    Raises:
        InvalidInputError: when there are more rows than a sheet can hold.
        ValueError: when a row has not as many cells as there are columns, or a time has no zone.
    """
    with TemporaryDirectory(prefix="dutydesk-sheet-") as folder:
        options = {
            "constant_memory": True,
            "tmpdir": folder,
            "strings_to_formulas": False,
            "strings_to_urls": False,
            "strings_to_numbers": False,
            "default_format_properties": {"font_name": FONT, "font_size": 11},
        }
        workbook = Workbook(target, options)
        try:
            sheet = workbook.add_worksheet(_sheet_name(title))
            done = _Table(workbook, sheet, columns, zone).write(rows, progress)
        except BaseException:
            for one in workbook.worksheets():
                one._opt_close()  # noqa: SLF001 # the only way to close the file that holds the rows
            raise
        _lay_out(sheet, title, len(columns), done)
        workbook.set_properties(
            {"title": one_line(title)[:255], "created": moment.astimezone(UTC).replace(tzinfo=None)}
        )
        workbook.close()
    return done


@dataclass(frozen=True, slots=True)
class Page:
    """One sheet of a workbook of several."""

    title: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell]] = ()


def write_book(
    target: Path | IO[bytes], title: str, pages: Sequence[Page], *, zone: ZoneInfo, moment: datetime
) -> None:
    """Write several small tables as one workbook, each on a sheet of its own; otherwise as :func:`write_sheet`.

    Works for as long as the rows last, so it does not belong on the event loop.

    Raises:
        InvalidInputError: when there are more rows than a sheet can hold.
        ValueError: when a row has not as many cells as there are columns, or a time has no zone.
    """
    options = {
        "in_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
        "default_format_properties": {"font_name": FONT, "font_size": 11},
    }
    workbook = Workbook(target, options)
    for page in pages:
        sheet = workbook.add_worksheet(_sheet_name(page.title))
        done = _Table(workbook, sheet, page.columns, zone).write(page.rows, None)
        _lay_out(sheet, page.title, len(page.columns), done)
    workbook.set_properties(
        {"title": one_line(title)[:255], "created": moment.astimezone(UTC).replace(tzinfo=None)}
    )
    workbook.close()


class _Table:
    """Writes cells, and remembers how wide each column has to be."""

    def __init__(
        self, workbook: Workbook, sheet: Worksheet, columns: Sequence[Column], zone: ZoneInfo
    ) -> None:
        self._sheet, self._columns, self._zone = sheet, columns, zone
        self._widths = [_width(column.heading) + 3 for column in columns]  # the filter's arrow needs room

        def look(**more: Any) -> Any:
            return workbook.add_format(
                {"font_name": FONT, "font_size": 11, "valign": "vcenter", "border": 1, **more}
            )

        self._heading = look(font_name=HEADING_FONT, align="center", bg_color="#E7ECF3", text_wrap=True)
        self._text = look(num_format="@", text_wrap=True)
        self._number = look()
        self._day = look(num_format="yyyy-mm-dd", align="center")
        self._moment = look(num_format="yyyy-mm-dd hh:mm", align="center")
        self._time = look(num_format="hh:mm", align="center")

    def write(self, rows: Iterable[Sequence[Cell]], progress: Callable[[int], None] | None) -> int:
        """Write the heading and all rows, then the widths; return how many rows there were."""
        for place, column in enumerate(self._columns):
            self._sheet.write_string(0, place, one_line(column.heading), self._heading)
        done = 0
        for done, row in enumerate(rows, start=1):
            if done > _LAST_ROW:
                raise InvalidInputError(
                    f"a sheet holds at most {_LAST_ROW} rows; narrow the period or the filter"
                )
            for place, (value, _column) in enumerate(zip(row, self._columns, strict=True)):
                self._widths[place] = max(self._widths[place], self._cell(done, place, value))
            if progress and done % PROGRESS_EVERY == 0:
                progress(done)
        if progress:
            progress(done)
        for place, column in enumerate(self._columns):
            width = column.width or min(max(self._widths[place] + 1, _NARROWEST), _WIDEST)
            self._sheet.set_column(place, place, width)
        return done

    def _cell(self, row: int, place: int, value: Cell) -> int:
        """Write one cell as what it is; return how wide it is."""
        match value:
            case datetime():
                if value.tzinfo is None:
                    raise ValueError(f"row {row}: {value} has no time zone")
                return self._dated(
                    row, place, value.astimezone(self._zone).replace(tzinfo=None), self._moment
                )
            case date():
                return self._dated(row, place, datetime.combine(value, time()), self._day)
            case time():
                self._sheet.write_number(
                    row, place, timedelta(hours=value.hour, minutes=value.minute) / _DAY, self._time
                )
                return len("08:30")
            case bool():
                return self._string(row, place, "是" if value else "否")
            case int() | float() if math.isfinite(value) and abs(value) < _TOO_MANY_DIGITS:
                self._sheet.write_number(row, place, value, self._number)
                return len(str(value))
        return self._string(row, place, "" if value is None else str(value))

    def _dated(self, row: int, place: int, local: datetime, look: Any) -> int:
        """Write a date cell; what lies before Excel's calendar stays text."""
        if local.date() < _FIRST_DAY:
            return self._string(row, place, str(local if look is self._moment else local.date()))
        self._sheet.write_datetime(row, place, local, look)
        return len("2026-11-23 02:20" if look is self._moment else "2026-11-23")

    def _string(self, row: int, place: int, text: str) -> int:
        """Write text, and nothing but text."""
        text = speakable(text).replace("\r\n", "\n").replace("\r", "\n")
        if _cut(text, _LONGEST_TEXT) != text:
            text = _cut(text, _LONGEST_TEXT - len(_TOO_LONG)) + _TOO_LONG
        self._sheet.write_string(row, place, text, self._text)
        return max((_width(line) for line in text[:1000].split("\n")), default=0)


def _lay_out(sheet: Worksheet, title: str, columns: int, rows: int) -> None:
    """Make the sheet fit to be read on a screen and printed on A4, landscape, one page wide."""
    last = max(columns - 1, 0)
    sheet.freeze_panes(1, 0)
    sheet.autofilter(0, 0, rows, last)
    sheet.repeat_rows(0)
    sheet.set_landscape()
    sheet.set_paper(_A4)
    sheet.fit_to_pages(1, 0)
    sheet.set_margins(left=0.5, right=0.5, top=0.8, bottom=0.7)
    # An ampersand begins a code in headers, so one that is meant is written twice; 255 characters are the limit.
    heading = one_line(title).replace("&", "&&")[:200]
    sheet.set_header(f'&C&"{HEADING_FONT},Regular"&14 {heading}')
    sheet.set_footer(f'&C&"{FONT},Regular"&10 第&P页，共&N页')


def _sheet_name(title: str) -> str:
    """Return *title* without what a sheet's name must not have; Excel also keeps “History” for itself."""
    name = "".join(" " if character in "[]:*?/\\" else character for character in one_line(title))
    name = _cut(name.strip(" '"), _LONGEST_NAME).strip(" '")
    return name if name and name.lower() != "history" else "表"


def _cut(text: str, units: int) -> str:
    """Return as much of *text* as fits into so many UTF-16 units: a spreadsheet counts a rare character as two."""
    return text.encode("utf-16-le")[: units * 2].decode("utf-16-le", errors="ignore")


def _width(text: str) -> int:
    """Return how wide *text* is in characters of a Western type; a Chinese one takes two."""
    return sum(2 if east_asian_width(character) in "WFA" else 1 for character in text)

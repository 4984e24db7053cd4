"""Workbooks that people bring (xlsx), read into plain rows; what is no workbook, or made to explode, is refused."""

import re
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from io import BytesIO
from typing import Any, TypeAlias

from openpyxl import load_workbook
from openpyxl.utils import column_index_from_string, get_column_letter

from dutydesk.errors import FieldFault, InvalidInputError

Value: TypeAlias = str | int | float | bool | date | datetime | time | None

LARGEST_WORKBOOK = 5_000_000
# What it unpacks to: a bureau's year of rosters is far below it.
_LARGEST_UNPACKED = 100_000_000
# A sheet for each of some hundred units, with what belongs to it.
_MOST_PARTS = 3_000
_MOST_ROWS, _MOST_COLUMNS = 10_000, 200
# Of all sheets together: more takes longer to read than anybody waits.
_MOST_CELLS = 400_000
_PIECE = 1_000_000
_NOT_PACKED = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError)
_MERGED = re.compile(
    rb"<(?:\w+:)?mergeCell\s[^<>]*?\bref\s*=\s*[\"']([A-Z]{1,3})(\d{1,7})(?::([A-Z]{1,3})(\d{1,7}))?[\"']"
)
_CELL = re.compile(rb"<(?:\w+:)?(?:c|row)[\s>/]")
_FIRST_SERIAL = date(1899, 12, 30)  # Excel counts days from here (its 29 February 1900 included)
_LAST_SERIAL = 2_958_465
_NO_WORKBOOK = "不是Excel工作簿（xlsx），请另存为xlsx后再导入"


@dataclass(frozen=True, slots=True)
class Sheet:
    """One sheet: its rows, merged cells filled with what stands in their first cell.

    ``repeated`` are the cells (row, column, from 0) that only repeat the first of their merged area.
    """

    name: str
    rows: Sequence[Sequence[Value]]
    repeated: frozenset[tuple[int, int]] = frozenset()


def cell_name(row: int, column: int) -> str:
    """Return how people name a cell (``B7``), both counted from 0."""
    return f"{get_column_letter(column + 1)}{row + 1}"


def read_workbook(data: bytes, field: str = "file", *, most_rows: int = _MOST_ROWS) -> list[Sheet]:
    """Return the visible sheets of a workbook. Formulas give the values that were stored with them.

    Works for as long as the cells last, so it does not belong on the event loop.

    Raises:
        InvalidInputError: naming *field*, when it is too large, no workbook, or would unpack to too much.
    """
    if len(data) > LARGEST_WORKBOOK:
        raise _refused(field, f"文件超过{LARGEST_WORKBOOK // 1_000_000}MB，请只保留需要导入的表")
    _look_inside(data, field)
    # Row by row: read as a whole, the library makes a cell of everything that a merged area or a link covers.
    try:
        book = load_workbook(BytesIO(data), data_only=True, keep_links=False, read_only=True)
        visible = [one for one in book.worksheets if one.sheet_state == "visible"]
        with zipfile.ZipFile(BytesIO(data)) as packed:
            return [_sheet(one, packed, field, most_rows) for one in visible]
    except InvalidInputError:
        raise
    except Exception as error:
        raise _refused(field, _NO_WORKBOOK) from error


def as_day(value: Value, year: int | None = None) -> date | None:
    """Return a day however a cell has it: as a date, a serial number, or text (2026-12-1, 2026年12月1日, 12月1日, 12.1).

    Text without a year is of *year*; None when it is no day.
    """
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        whole = int(value)
        return _FIRST_SERIAL + timedelta(days=whole) if 0 < whole <= _LAST_SERIAL else None
    return _day_of_text(value, year) if isinstance(value, str) else None


def as_text(value: Value) -> str:
    """Return a cell as people read it: whole numbers without a point, no spaces around."""
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip()


def _day_of_text(text: str, year: int | None) -> date | None:
    for mark in "年月日号./－—":
        text = text.replace(mark, "-")
    parts = [part for part in text.split()[0].split("-") if part] if text.split() else []
    if not all(part.isascii() and part.isdigit() for part in parts):
        return None
    numbers = [int(part) for part in parts]
    if len(numbers) == 2 and year is not None:
        numbers = [year, *numbers]
    try:
        return date(*numbers) if len(numbers) == 3 else None
    except (ValueError, OverflowError):
        return None


def _look_inside(data: bytes, field: str) -> None:
    """Refuse what would unpack to far more than it weighs, before anything is unpacked."""
    try:
        with zipfile.ZipFile(BytesIO(data)) as packed:
            parts = packed.infolist()
            if not any(part.filename == "[Content_Types].xml" for part in parts):
                raise _refused(field, _NO_WORKBOOK)
            unpacked = sum(part.file_size for part in parts)
            if len(parts) > _MOST_PARTS or unpacked > _LARGEST_UNPACKED or _cells_in(packed) > _MOST_CELLS:
                raise _refused(field, "文件展开后过大，请只保留需要导入的表，删去空行空列")
    except _NOT_PACKED as error:
        raise _refused(field, _NO_WORKBOOK) from error


def _cells_in(packed: zipfile.ZipFile) -> int:
    """Count rows and cells without making anything of them; a part that unpacks to more than it says fails."""
    found = 0
    for part in packed.infolist():
        with packed.open(part) as stream:
            while found <= _MOST_CELLS and (piece := stream.read(_PIECE)):
                found += len(_CELL.findall(piece))
    return found


def _sheet(sheet: Any, packed: zipfile.ZipFile, field: str, most_rows: int) -> Sheet:
    """Read a sheet row by row: what it says of its own size, and of areas without cells, is not believed."""
    sheet.reset_dimensions()
    rows: list[list[Value]] = []
    for row in sheet.iter_rows(values_only=True):
        if len(rows) == most_rows or len(row) > _MOST_COLUMNS:
            raise _refused(field, f"表“{sheet.title}”超过{most_rows}行或{_MOST_COLUMNS}列，请删去空行空列")
        rows.append([_value(cell) for cell in row])
    width = max((len(row) for row in rows), default=0)
    for short in rows:
        short.extend([None] * (width - len(short)))
    # The library, reading row by row, leaves merged areas out.
    areas = _merged(packed, sheet._worksheet_path)  # noqa: SLF001
    return Sheet(sheet.title, rows, _fill(rows, areas, width))


def _merged(packed: zipfile.ZipFile, path: str) -> list[tuple[int, int, int, int]]:
    """Return the merged areas (first column, first row, last column, last row, from 1) of a sheet."""
    found: list[tuple[int, int, int, int]] = []
    with packed.open(path) as stream:
        rest = b""
        while piece := stream.read(_PIECE):
            text = rest + piece
            for area in _MERGED.finditer(text):
                first, top, last, bottom = area[1], area[2], area[3] or area[1], area[4] or area[2]
                found.append((_number(first), int(top), _number(last), int(bottom)))
            # An element that is cut in two is found whole with the next piece, and only there.
            rest = text[text.rfind(b"<") :]
    return found


def _number(letters: bytes) -> int:
    return int(column_index_from_string(letters.decode("ascii")))


def _fill(
    rows: list[list[Value]], areas: list[tuple[int, int, int, int]], width: int
) -> frozenset[tuple[int, int]]:
    """Fill merged areas with what stands in their first cell; return the cells that only repeat it."""
    repeated: set[tuple[int, int]] = set()
    for first, top, last, bottom in areas:
        places = range(first - 1, min(last, width))
        numbers = range(top - 1, min(bottom, len(rows)))
        if not places or not numbers or len(repeated) > _MOST_CELLS:
            continue
        value = rows[numbers.start][places.start]
        for number in numbers:
            for place in places:
                rows[number][place] = value
                repeated.add((number, place))
        repeated.discard((numbers.start, places.start))
    return frozenset(repeated)


def _value(cell: object) -> Value:
    return cell if isinstance(cell, str | int | float | date | time) or cell is None else str(cell)


def _refused(field: str, message: str) -> InvalidInputError:
    return InvalidInputError(f"{field}: {message}", (FieldFault(field, message),))

"""What a sheet says of each day: the rows below its heading. Pure.

The sheets are those people really have: merged cells, 同上, days as text, numbers or dates, notes at the end.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Literal

from dutydesk.rosters.rules.headings import (
    Asked,
    Column,
    Grid,
    Heading,
    Value,
    as_seat,
    bare,
    find_heading,
    plain,
)
from dutydesk.rosters.rules.naming import Known

# How a cell is read as a day; the year is that of a text without one.
AsDay = Callable[[Value, int | None], date | None]

TroubleCode = Literal[
    "NO_MONTH",
    "OTHER_MONTH",
    "NO_DAY",
    "DAY_UNREADABLE",
    "DAY_OUTSIDE",
    "DAY_TWICE",
    "DAY_MISSING",
    "WEEKDAY",
    "NOTHING_ABOVE",
    "COLUMN_UNREAD",
    "UNREADABLE",
    "UNKNOWN_PERSON",
    "TWINS",
    "OTHER_NUMBER",
    "ELSEWHERE",
    "FAULT",
    "EXTRA",
    "NO_SLOT",
    "EMPTY",
    "BEGUN",
    "UNIT_UNKNOWN",
    "UNIT_FOREIGN",
    "UNIT_TWICE",
    "NO_TABLE",
    "SEVERAL_TABLES",
    "PUBLISHED",
    "ARCHIVED",
]
_LONGEST_CELL = 500
_MOST_DAYS = 31
_ROWS_ASKED = 100
_MONTHS = 12
_HALF_A_YEAR = 183
_FIRST_SERIAL = 10_000  # as a day in 1927: a smaller number is no serial of a duty table
_DITTO = frozenset({"同上", "同前", "〃", "″", '"', "''", "”", "“", "′′"})
_WEEKDAYS = "一二三四五六日"
_WEEKDAY = r"(?:星期|周|礼拜)([一二三四五六日天])"
_TITLE_MONTH = re.compile(r"(\d{4})\s*年\s*(\d{1,2})\s*月")
_NOTE = re.compile(
    r"备注|注|说明|要求|附|值班电话|带班电话|制表|审核|填表|联系|合计|共|第.+周|[一二三四五六七八九十\d]+[、.)]"
)
_LIKE_A_DAY = re.compile(r"\d{1,4}[年月日号./-]\d|\d{1,2}[日号]")


@dataclass(frozen=True, slots=True)
class Trouble:
    """What is wrong with a cell (row and column from 0), as a code and its values.

    Days and people among them are written out, and several values listed, where the sentence is shown.
    """

    sheet: str
    row: int
    column: int
    code: TroubleCode
    values: tuple[str | date | Known, ...] = ()
    grave: bool = True


@dataclass(frozen=True, slots=True)
class ReadCell:
    """What stands under a seat on a day, with what stands beside it."""

    seat: Asked
    row: int
    column: int
    text: str
    phones: str = ""
    titles: str = ""


@dataclass(frozen=True, slots=True)
class ReadDay:
    """One day as the sheet has it."""

    day: date
    row: int
    column: int
    unit: str = ""
    unit_column: int = 0
    cells: tuple[ReadCell, ...] = ()


@dataclass(slots=True)
class ReadSheet:
    """A sheet as it was understood. ``seats`` are those it has columns for: only of these does it speak."""

    name: str
    title: str = ""
    month: date | None = None
    heading: int = -1
    day_column: int = 0
    has_units: bool = False
    seats: frozenset[Asked] = frozenset()
    days: list[ReadDay] = field(default_factory=list)
    troubles: list[Trouble] = field(default_factory=list)

    @property
    def is_roster(self) -> bool:
        """Tell whether a heading was found."""
        return self.heading >= 0


def read_sheet(grid: Grid, month: date | None, as_day: AsDay) -> ReadSheet:
    """Return the days of a sheet; *month* (its first day) is taken from the sheet itself where it is None.

    A sheet without a heading in its first ten rows is no duty table (``is_roster``).
    """
    read = ReadSheet(grid.name)
    heading = find_heading(grid)
    if heading is None:
        return read
    read.heading, read.seats = heading.row, heading.seats
    read.title = " ".join(dict.fromkeys(text for row in grid.texts[: heading.row] for text in row if text))
    read.day_column = heading.panels[0][0].place
    read.has_units = any(one.kind == "unit" for one in heading.panels[0])
    read.month = month or _month_of(grid, heading, read.title, as_day)
    if read.month is None:
        read.troubles.append(Trouble(grid.name, heading.row, read.day_column, "NO_MONTH"))
        return read
    _check_title(read, read.month)
    for panel in heading.panels:
        _Panel(grid, heading, panel, as_day, read, read.month).read()
    return read


def _month_of(grid: Grid, heading: Heading, title: str, as_day: AsDay) -> date | None:
    """Return the month a sheet says it is of: in its title, its name, or most of its full dates."""
    for text in (title, grid.name):
        said = _TITLE_MONTH.search(plain(text))
        if said and 1 <= int(said[2]) <= _MONTHS:
            return date(int(said[1]), int(said[2]), 1)
    place = heading.panels[0][0].place
    below = grid.values[heading.last + 1 : heading.last + 1 + _ROWS_ASKED]
    cells = (row[place] for row in below if place < len(row))
    full = (one for one in cells if not isinstance(one, int | float) or one >= _FIRST_SERIAL)
    months = Counter(day.replace(day=1) for one in full if (day := as_day(one, None)) is not None)
    return months.most_common(1)[0][0] if months else None


def _check_title(read: ReadSheet, month: date) -> None:
    said = {(int(year), int(number)) for year, number in _TITLE_MONTH.findall(plain(read.title))}
    if said and (month.year, month.month) not in said:
        year, number = min(said)
        read.troubles.append(Trouble(read.name, 0, 0, "OTHER_MONTH", (f"{year}", f"{number}")))


# ---------------------------------------------------------------------------------------------------------------------
# Days


def day_in(value: Value, text: str, month: date, before: date | None, as_day: AsDay) -> date | None:
    """Return the day a cell of a table of *month* names, *before* being the one above it; None when it is none.

    A number up to 31 is a day of the month; 12.1 as a number is the 1st, or the 10th below the 9th.
    """
    if isinstance(value, date | datetime):
        return as_day(value, None)
    if isinstance(value, int | float):
        return None if isinstance(value, bool) else _day_of_number(value, month, before, as_day)
    words = re.sub(rf"\(.*?\)|{_WEEKDAY}", "", plain(text))
    words = re.sub(r"[T\s]+\d{1,2}:\d{2}(:\d{2})?(\.\d+)?$", "", words)
    words = "".join(words.split())
    number = re.fullmatch(r"(\d{1,2}|\d{5})[日号]?", words)
    if number:
        return _day_of_number(int(number[1]), month, before, as_day)
    found = as_day(words, month.year)
    has_year = as_day(words, None) is not None
    return found if found is None or has_year else _nearest_year(found, month)


def _day_of_number(value: float, month: date, before: date | None, as_day: AsDay) -> date | None:
    whole = int(value)
    if 1 <= value <= _MOST_DAYS and whole == value:
        return _of_month(month, whole)
    if not 1 <= whole <= _MONTHS:
        return as_day(value, None) if value >= _FIRST_SERIAL else None
    digits = f"{value:.2f}".partition(".")[2].rstrip("0")
    number = int(digits)
    follows = before is not None and before.month == whole and before.day == number * 10 - 1
    found = _of_month(month.replace(month=whole), number * 10 if len(digits) == 1 and follows else number)
    return None if found is None else _nearest_year(found, month)


def _of_month(month: date, day: int) -> date | None:
    try:
        return month.replace(day=day)
    except ValueError:
        return None


def _nearest_year(day: date, month: date) -> date:
    """A table of December may end on 1月1日: of the year after."""
    for year in (day.year - 1, day.year + 1):
        if abs((day - month).days) > _HALF_A_YEAR and (day.month, day.day) != (2, 29):
            other = day.replace(year=year)
            day = other if abs((other - month).days) < _HALF_A_YEAR else day
    return day


class _Panel:
    """Reads the rows below a heading, for one half of the sheet."""

    def __init__(
        self,
        grid: Grid,
        heading: Heading,
        columns: Sequence[Column],
        as_day: AsDay,
        read: ReadSheet,
        month: date,
    ) -> None:
        self._grid, self._heading, self._month, self._as_day, self._read = grid, heading, month, as_day, read
        self._columns, self._day = columns, columns[0]
        self._seats = [(one, seat) for one in columns if (seat := as_seat(one.kind)) is not None]
        self._unit = next((one for one in columns if one.kind == "unit"), None)
        self._weekday = next((one for one in columns if one.kind == "weekday"), None)
        self._beside = {(one.kind, one.of): one.place for one in columns if one.of is not None}
        # What each column last said, for 同上.
        self._above: dict[int, str] = {}
        self._unread: set[Column] = set()
        # What stands in a cell as text is the same day wherever it stands.
        self._days: dict[str, date | None] = {}

    def read(self) -> None:
        """Read every row into the sheet's days."""
        before: ReadDay | None = None
        for row in range(self._heading.last + 1, len(self._grid.texts)):
            if self._is_note(row):
                continue
            place = self._day.place
            day = self._day_of(row, before)
            if day is None:
                text = self._grid.text(row, place)
                self._trouble(row, place, "DAY_UNREADABLE" if text else "NO_DAY", text)
                continue
            unit = ("", 0) if self._unit is None else (self._ditto(row, self._unit.place), self._unit.place)
            # A merged day with several rows, of the same unit.
            more = (row, place) in self._grid.repeated and before is not None
            more = more and before is not None and (before.day, before.unit) == (day, unit[0])
            cells = tuple(self._cells(row, more=more))
            self._note_unread(row)
            if more and before is not None:
                before = replace(before, cells=before.cells + cells)
                self._read.days[-1] = before
                continue
            self._check_weekday(row, day)
            before = ReadDay(day, row, place, *unit, cells)
            self._read.days.append(before)
        for one in sorted(self._unread, key=lambda one: one.place):
            self._trouble(self._heading.row, one.place, "COLUMN_UNREAD", one.heading, grave=False)

    def _day_of(self, row: int, before: ReadDay | None) -> date | None:
        text = self._grid.text(row, self._day.place)
        if not text:
            return None
        value = self._grid.values[row][self._day.place]
        if not isinstance(value, str):
            return day_in(value, text, self._month, None if before is None else before.day, self._as_day)
        if text not in self._days:
            self._days[text] = day_in(value, text, self._month, None, self._as_day)
        return self._days[text]

    def _is_note(self, row: int) -> bool:
        """Tell whether a row says nothing of a day: empty, a heading again, or a note."""
        day = self._grid.text(row, self._day.place)
        said = next((text for one in self._columns if (text := self._grid.text(row, one.place))), "")
        if not said or (day and day == self._grid.text(self._heading.row, self._day.place)):
            return True
        if self._day_of(row, None) is not None:
            return False
        seats = {self._grid.text(row, one.place) for one, _ in self._seats} - {""}
        over_all = not seats or seats == {said}
        return (over_all or _NOTE.match(bare(said)) is not None) and _LIKE_A_DAY.match(bare(day)) is None

    def _cells(self, row: int, *, more: bool) -> Iterator[ReadCell]:
        for one, seat in self._seats:
            if more and (row, one.place) in self._grid.repeated:
                continue
            text = self._ditto(row, one.place)
            if len(text) > _LONGEST_CELL:
                self._trouble(row, one.place, "UNREADABLE", text[:20])
                text = ""
            yield ReadCell(
                seat, row, one.place, text, self._next_to(row, one, "phone"), self._next_to(row, one, "title")
            )

    def _next_to(self, row: int, column: Column, kind: Literal["phone", "title"]) -> str:
        place = self._beside.get((kind, column.place))
        return "" if place is None else self._ditto(row, place)

    def _ditto(self, row: int, place: int) -> str:
        """Return a cell's text, or that of the one above where it says 同上."""
        text = self._grid.text(row, place)
        if text in _DITTO or plain(text) in _DITTO:
            if place not in self._above:
                self._trouble(row, place, "NOTHING_ABOVE", text)
            text = self._above.get(place, "")
        self._above[place] = text
        return text

    def _check_weekday(self, row: int, day: date) -> None:
        """A weekday that does not fit shows a table of another year, or a row that slipped."""
        if self._weekday is None:
            return
        text = bare(self._grid.text(row, self._weekday.place))
        said = re.match(_WEEKDAY, text) or re.fullmatch("([一二三四五六日天])", text)
        if said and said[1].replace("天", "日") != _WEEKDAYS[day.weekday()]:
            self._trouble(row, self._weekday.place, "WEEKDAY", day, grave=False)

    def _note_unread(self, row: int) -> None:
        passed = r"电话|传真|序号|日类|类别|总带班"
        self._unread |= {
            one
            for one in self._columns
            if one.kind == "other" and not re.search(passed, one.heading) and self._grid.text(row, one.place)
        }

    def _trouble(
        self, row: int, place: int, code: TroubleCode, *values: str | date, grave: bool = True
    ) -> None:
        self._read.troubles.append(Trouble(self._read.name, row, place, code, values, grave))

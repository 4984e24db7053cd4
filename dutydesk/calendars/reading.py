"""A year's days as a workbook: read from the one people fill in, and written as the template they fill in."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from io import BytesIO
from zoneinfo import ZoneInfo

from dutydesk.calendars.rules import Calendar, Day, sentences
from dutydesk.calendars.rules.faults import Entry, Fault
from dutydesk.calendars.rules.notice import KIND_WORDS, LONGEST_NAME, kind_of
from dutydesk.documents.sheets import Column, write_sheet
from dutydesk.documents.workbooks import Sheet, Value, as_day, as_text, cell_name, read_workbook

_HEADINGS = ("日期", "日类", "名称")
# A heading may stand below a title.
_LOOK_FOR_HEADING = 10
_MOST_DAYS = 800


def read_days(data: bytes, year: int) -> tuple[list[Entry], list[Fault]]:
    """Return the days a workbook lays down, and everything wrong with it, each with its sheet's cell.

    Works for as long as the cells last, so it does not belong on the event loop. Days without a year are of *year*.

    Raises:
        InvalidInputError: it is no workbook, or too large.
    """
    sheets = [one for one in read_workbook(data) if any(as_text(cell) for row in one.rows for cell in row)]
    found = next(((one, *at) for one in sheets if (at := _heading(one)) is not None), None)
    if found is None:
        return [], [Fault("", sentences.NO_HEADING)]
    sheet, heading, columns = found
    entries: list[Entry] = []
    faults: list[Fault] = []
    for number, row in enumerate(sheet.rows[heading + 1 :], start=heading + 1):
        if any(as_text(cell) for cell in row):
            _read_row(row, number, columns, year, entries, faults)
    if len(entries) > _MOST_DAYS:
        return [], [Fault("", sentences.TOO_MANY_DAYS, {"count": _MOST_DAYS})]
    return entries, faults


def template_name(year: int) -> str:
    """Return what the template of a year is called, and saved as."""
    return f"{year}年假日安排"


def write_template(calendar: Calendar, year: int, *, zone: ZoneInfo, moment: datetime) -> bytes:
    """Return the template of a year: what is known of it already, one special day a line.

    Takes a moment, so it does not belong on the event loop.
    """
    words = {kind: word for word, kind in reversed(KIND_WORDS.items())}
    file = BytesIO()
    rows = ((day, words[laid.kind], laid.name) for day, laid in _special(calendar, year))
    columns = [Column(_HEADINGS[0], 14), Column(_HEADINGS[1], 16), Column(_HEADINGS[2], 24)]
    write_sheet(file, template_name(year), columns, rows, zone=zone, moment=moment)
    return file.getvalue()


def _special(calendar: Calendar, year: int) -> Iterable[tuple[date, Day]]:
    for ordinal in range(date(year, 1, 1).toordinal(), date(year + 1, 1, 1).toordinal()):
        day = date.fromordinal(ordinal)
        laid = calendar.day(day)
        if laid.kind in {"holiday", "makeup"} or day in calendar.table:
            yield day, laid


def _heading(sheet: Sheet) -> tuple[int, list[int]] | None:
    """Return the row of the heading, and where the columns stand; None when there is none."""
    for number, row in enumerate(sheet.rows[:_LOOK_FOR_HEADING]):
        said = [as_text(cell).replace(" ", "") for cell in row]
        places = [next((at for at, one in enumerate(said) if one.startswith(name)), -1) for name in _HEADINGS]
        if places[0] >= 0 and places[1] >= 0:
            return number, places
    return None


def _read_row(
    row: Sequence[Value],
    number: int,
    columns: Sequence[int],
    year: int,
    entries: list[Entry],
    faults: list[Fault],
) -> None:
    date_at, kind_at, name_at = columns
    day, kind = as_day(row[date_at], year), kind_of(as_text(row[kind_at]))
    name = as_text(row[name_at]) if name_at >= 0 else ""
    if day is None:
        said = as_text(row[date_at])
        what = sentences.NO_DAY if said else sentences.DAY_MISSING
        faults.append(Fault(cell_name(number, date_at), what, {"said": said[:20], "year": year}))
    if kind is None:
        said = as_text(row[kind_at])
        what = sentences.NO_KIND if said else sentences.KIND_MISSING
        faults.append(Fault(cell_name(number, kind_at), what, {"said": said[:20]}))
    if len(name) > LONGEST_NAME or not name.isprintable():
        faults.append(Fault(cell_name(number, name_at), sentences.NAME_TOO_LONG, {"count": LONGEST_NAME}))
    elif day is not None and kind is not None:
        entries.append(Entry(day, kind, name, cell_name(number, date_at)))

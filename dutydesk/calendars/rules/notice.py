"""Reads a pasted notice on holidays, in the State Council's own words or one day a line. Pure.

一、元旦：1月1日（周五）至3日（周日）放假调休，共3天。1月4日（周一）上班。
2027-01-01 法定节假日 元旦
"""

import re
from collections.abc import Iterator
from datetime import date, timedelta

from dutydesk.calendars.rules import DayKind, sentences
from dutydesk.calendars.rules.faults import Entry, Fault, Place, Row, Value

# What people write for each kind of day; the first word of a kind is how we write it.
KIND_WORDS: dict[str, DayKind] = {
    "工作日": "workday",
    "调休补班": "makeup",
    "调休补班日": "makeup",
    "补班": "makeup",
    "上班": "makeup",
    "休息日": "rest",
    "休息": "rest",
    "周末": "rest",
    "法定节假日": "holiday",
    "法定休假日": "holiday",
    "节假日": "holiday",
    "放假": "holiday",
}
LONGEST_NAME = 50
_LONGEST_HOLIDAY = 31
_ONE_DAY = timedelta(days=1)
_WEEKDAYS = "一二三四五六日"
_LINE = re.compile(r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?[\s,，\t]+([^\s,，]+)(?:[\s,，]+(.*))?")
_DAY = r"(?:(\d{4})年)?(?:(\d{1,2})月)?(\d{1,2})日(?:[（(]([^）)]*)[）)])?"
_SPAN = re.compile(rf"{_DAY}(?:\s*(?:至|到|—+|-|~|～)\s*{_DAY})?")
_WEEKDAY = re.compile(r"(?:周|星期)([一二三四五六日天])")
_TOTAL = re.compile(r"共(\d{1,2})天")
_HEADING = re.compile(
    r"^(?:[（(]?[一二三四五六七八九十]+[）)]?[、.．]?|\d+[、.．])?\s*([^：:，。\d]{2,20})[：:](.*)$"
)


def kind_of(text: str) -> DayKind | None:
    """Return which kind of day a word means, or None."""
    return KIND_WORDS.get(text.strip())


def read_notice(text: str, year: int) -> tuple[list[Entry], list[Fault]]:
    """Return the days a pasted text lays down, and what in it cannot be right, line by line.

    Lines without any day (a heading, a greeting) say nothing. Days without a year are of *year*, those of December
    that come before January in the same span of the year before.
    """
    entries: list[Entry] = []
    faults: list[Fault] = []
    name = ""
    for number, line in enumerate(text.splitlines(), start=1):
        said, place = line.strip(), Row(number)
        plain = _LINE.fullmatch(said)
        if plain is not None:
            _read_line(plain, place, entries, faults)
            continue
        heading = _HEADING.match(said)
        if heading is not None and "日" not in heading[1]:
            name, said = heading[1].strip(), heading[2]
        for sentence in re.split(r"[。；;]", said):
            _read_sentence(sentence, year, name, place, entries, faults)
    if not entries and not faults:
        faults.append(Fault("", sentences.NO_DAYS))
    return entries, faults


def lines_of(entries: list[Entry]) -> str:
    """Return days as :func:`read_notice` reads them again, one a line."""
    words = {kind: word for word, kind in reversed(KIND_WORDS.items())}
    return "\n".join(f"{one.day.isoformat()} {words[one.kind]} {one.name}".strip() for one in entries)


def _read_line(found: re.Match[str], place: Place, entries: list[Entry], faults: list[Fault]) -> None:
    kind, name = kind_of(found[4]), (found[5] or "").strip()
    try:
        day = date(int(found[1]), int(found[2]), int(found[3]))
    except ValueError:
        faults.append(Fault(place, sentences.NO_SUCH_DAY))
        return
    if kind is None:
        faults.append(Fault(place, sentences.WRONG_KIND))
    elif len(name) > LONGEST_NAME or not name.isprintable():
        faults.append(Fault(place, sentences.NAME_TOO_LONG, {"count": LONGEST_NAME}))
    else:
        entries.append(Entry(day, kind, name, place))


def _read_sentence(
    sentence: str, year: int, name: str, place: Place, entries: list[Entry], faults: list[Fault]
) -> None:
    kind: DayKind
    if "上班" in sentence or "补班" in sentence:
        kind = "makeup"
    elif "放假" in sentence or "休息" in sentence:
        kind = "holiday"
    else:
        return
    month: int | None = None
    before = len(entries)
    for found in _SPAN.finditer(sentence):
        try:
            first, last, month = _span(found, year, month)
        except ValueError:
            faults.append(Fault(place, sentences.NO_SUCH_DAY_IN, {"said": found[0]}))
            return
        faults += _weekday_faults(found, first, last, place)
        if not 0 <= (last - first).days < _LONGEST_HOLIDAY:
            faults.append(Fault(place, sentences.WRONG_SPAN, {"said": found[0]}))
            return
        entries += [Entry(day, kind, name[:LONGEST_NAME], place) for day in _days(first, last)]
    total = _TOTAL.search(sentence)
    if total is not None and kind == "holiday" and int(total[1]) != len(entries) - before:
        values: dict[str, Value] = {"count": len(entries) - before, "said": total[0]}
        faults.append(Fault(place, sentences.WRONG_TOTAL, values))


def _span(found: re.Match[str], year: int, month: int | None) -> tuple[date, date, int]:
    """Return the first and the last day of a span, and the month later days without one are of.

    Raises:
        ValueError: for a day that no calendar has, or one without a month.
    """
    first_month = int(found[2]) if found[2] else month
    if first_month is None:
        message = "a day without a month"
        raise ValueError(message)
    last_month = int(found[6]) if found[6] else first_month
    last_year = (
        int(found[5]) if found[5] else int(found[1]) if found[1] and last_month >= first_month else year
    )
    before = not found[1] and found[7] is not None and first_month > last_month
    first_year = int(found[1]) if found[1] else last_year - 1 if before else last_year
    first = date(first_year, first_month, int(found[3]))
    last = date(last_year, last_month, int(found[7])) if found[7] else first
    return first, last, last_month


def _weekday_faults(found: re.Match[str], first: date, last: date, place: Place) -> Iterator[Fault]:
    """Say where the weekday in brackets is not that of the day: one of the two is a slip."""
    for day, said in ((first, found[4]), (last, found[8])):
        weekday = _WEEKDAY.search(said or "")
        if weekday is not None and _WEEKDAYS[day.weekday()] != weekday[1].replace("天", "日"):
            right = (sentences.WEEKDAYS[day.weekday()],)
            values: dict[str, Value] = {"day": day, "weekday": right, "said": weekday[0]}
            yield Fault(place, sentences.WRONG_WEEKDAY, values)


def _days(first: date, last: date) -> Iterator[date]:
    for offset in range((last - first).days + 1):
        yield first + offset * _ONE_DAY

"""The 值班表 in the form people know: what stands in each cell, for the workbook and for paper.

It is an official document: Chinese, whatever language the pages are in.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, tzinfo

import phonenumbers

from dutydesk.db import Session
from dutydesk.documents.formsheets import FormSheet
from dutydesk.logs import mask_number
from dutydesk.people import queries as people
from dutydesk.people.rules import ContactPoint, Person, Unit
from dutydesk.rosters.queries import holder_fact
from dutydesk.rosters.rules import HolderRow, PlannedShift, Seat
from dutydesk.rosters.rules.monthly import Cell, Entry, mode_of
from dutydesk.rosters.rules.pieces import pieces_of
from dutydesk.rosters.view_queries import holders_of_shifts
from dutydesk.rosters.views.tables import MonthTable, read_month
from dutydesk.web import words
from dutydesk.web.site import Site

COLUMNS: tuple[tuple[str, float], ...] = (
    ("日期", 10),
    ("星期/节日（农历）", 15),
    ("日类", 9),
    ("带班领导（职务、手机）", 22),
    ("值班主任", 18),
    ("值班员（主/副、手机）", 24),
    ("备班", 18),
    ("值班电话", 14),
    ("备注", 30),
)
_GROUPS: tuple[tuple[Seat, ...], ...] = (
    ("leader",),
    ("supervisor",),
    ("operator_primary", "operator_secondary"),
    ("standby",),
)
_VACANT = "空缺"


@dataclass(frozen=True, slots=True)
class Named:
    """Somebody as a cell of the form has them; ``part`` is 主 or 副 where there are both; nobody: 空缺."""

    name: str
    title: str = ""
    number: str = ""
    part: str = ""
    adjusted: bool = False

    @property
    def text(self) -> str:
        """Return the entry as text that an import understands."""
        inside = [one for one in (_outside_brackets(self.title), self.part, self.number) if one]
        if self.adjusted:
            inside.insert(0, "调")
        return f"{self.name}（{'，'.join(inside)}）" if inside else self.name


@dataclass(frozen=True, slots=True)
class FormDay:
    """A day of the form: who is in each of its four columns of people, and the notes."""

    day: date
    cells: tuple[tuple[Named, ...], ...]
    notes: tuple[str, ...]
    # 在岗带班 that day (Art. 48).
    leader_on_post: bool = False


@dataclass(frozen=True, slots=True)
class DutyForm:
    """A unit's month in the form; numbers are masked already where the reader may not see them."""

    table: MonthTable
    days: Sequence[FormDay]
    phone: str


def shown_short(number: str, *, masked: bool) -> str:
    """Return a number as a duty table has it: 13800000001, 022-23456789; or masked."""
    if masked:
        return mask_number(number)
    try:
        parsed = phonenumbers.parse(number, None)
    except phonenumbers.NumberParseException:
        return number
    if parsed.country_code != 86:
        return number
    said = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.NATIONAL)
    digits = "".join(one for one in said if one.isdigit())
    if digits.startswith("1"):
        return digits
    area = phonenumbers.length_of_geographical_area_code(parsed) + 1
    return f"{digits[:area]}-{digits[area:]}" if area > 1 else digits


async def read_form(
    session: Session, site: Site, now: datetime, unit: Unit, month: date, *, masked: bool
) -> DutyForm:
    """Read a unit's month as the form; numbers are masked for those who do not need them."""
    table = await read_month(session, site, now, unit, month)
    points = await people.usable_contacts(session, table.persons.keys())
    rows = [holder_fact(one) for one in await holders_of_shifts(session, [one.id for one in table.shifts])]
    writer = _Writer(table, points, rows, site.zone, masked=masked)
    phone = shown_short(unit.duty_phone, masked=False) if unit.duty_phone else ""
    return DutyForm(table, writer.days(), phone)


class _Writer:
    """Puts a month's cells into words."""

    def __init__(
        self,
        table: MonthTable,
        points: Mapping[int, Sequence[ContactPoint]],
        rows: Sequence[HolderRow],
        zone: tzinfo,
        *,
        masked: bool,
    ) -> None:
        self._table, self._points, self._rows, self._zone, self._masked = table, points, rows, zone, masked
        # 主 and 副 are written where somebody could take one for the other.
        self._parts = (
            {"operator_primary": "主", "operator_secondary": "副"}
            if "operator_secondary" in table.seats
            else {}
        )

    def days(self) -> list[FormDay]:
        """Return every day of the month."""
        found: list[FormDay] = []
        for row in self._table.rows:
            cells = {cell.seat: cell for cell in row.cells}
            columns = [[cells[seat] for seat in group if seat in cells] for group in _GROUPS]
            notes = [note for column in columns for cell in column for note in self._notes(cell)]
            period = self._table.faces[row.day].period
            if period is not None:
                notes.insert(0, f"敏感时期：{period.name}")
            found.append(
                FormDay(
                    row.day,
                    tuple(tuple(one for cell in column for one in self._named(cell)) for column in columns),
                    tuple(notes),
                    any(
                        mode_of(cells[seat], self._table.slots) == "on_post"
                        for seat in cells
                        if seat == "leader"
                    ),
                )
            )
        return found

    def _named(self, cell: Cell) -> list[Named]:
        """Everybody of a seat in order of time; a place nobody has is said where others follow in the cell."""
        at: list[tuple[datetime, Named]] = [(one.shift.starts_at, self._entry(one)) for one in cell.entries]
        if at or cell.seat in self._parts:
            at += [
                (one.gap.slot.starts_at, Named(_VACANT, part=self._parts.get(cell.seat, "")))
                for one in cell.holes
                if one.whole and not any(entry.sits is None for entry in cell.entries)
            ]
        return [one for _, one in sorted(at, key=lambda one: one[0])]

    def _entry(self, one: Entry) -> Named:
        part = self._parts.get(one.shift.seat, "")
        person = self._table.persons.get(one.sits or 0)
        if person is None:
            return Named(_VACANT, part=part, adjusted=True)
        return Named(person.name, person.title, self._number(person), part, one.changed)

    def _number(self, person: Person) -> str:
        ringing = [one for one in self._points.get(person.id, ()) if one.rings]
        mobiles = [one for one in ringing if one.kind == "mobile"] or ringing
        return shown_short(mobiles[0].address, masked=self._masked) if mobiles else ""

    def _notes(self, cell: Cell) -> list[str]:
        return [note for one in cell.entries if one.changed and (note := self._adjusted(one.shift, one))]

    def _adjusted(self, shift: PlannedShift, one: Entry) -> str:
        """Who was planned, and who sits there for how long."""
        seat = words.SEATS_SHORT[shift.seat]
        if one.part:
            parts = [
                f"{self._time(piece.since)}至{self._time(piece.until)}{self._table.name(piece.person_id) or _VACANT}"
                for piece in pieces_of(shift, self._rows)
                if piece.person_id != shift.person_id
            ]
            return f"{seat}调：{'、'.join(parts)}" if parts else ""
        return "" if one.sits == shift.person_id else f"{seat}调，原为{self._table.name(shift.person_id)}"

    def _time(self, moment: datetime) -> str:
        return f"{moment.astimezone(self._zone):%H:%M}"


def _outside_brackets(title: str) -> str:
    """A title in brackets of its own would end the brackets around it."""
    return title.translate(str.maketrans("（）()【】[]", "        ")).strip()


def sheet_of(form: DutyForm, *, blank: bool = False) -> FormSheet:
    """Return the form as a sheet; *blank* leaves the people out, for a template to fill in."""
    table = form.table
    rows: list[list[str | date]] = []
    for one in form.days:
        face = table.faces[one.day]
        named = [words.WEEKDAYS[one.day.weekday()], *face.titles, f"（{face.lunar}）"]
        kind = words.DAY_CLASSES[face.day_class] + ("（暂定）" if face.provisional else "")
        cells = ["\n".join(person.text for person in people_of) for people_of in one.cells]
        shown = ["", "", "", ""] if blank else cells
        rows.append(
            [one.day, " ".join(named), kind, *shown, form.phone, "" if blank else "；".join(one.notes)]
        )
    shaded = frozenset(
        number for number, one in enumerate(form.days) if table.faces[one.day].kind in ("rest", "holiday")
    )
    month = f"{table.month.year}年{table.month.month}月"
    state = "" if table.roster is None else f"第{table.roster.version}版"
    below = f"值班电话：{form.phone}　{state}" if form.phone else state
    return FormSheet(
        name=table.unit.short_name,
        title=f"{table.unit.name}{month}值班表",
        below_title=below,
        columns=COLUMNS,
        rows=rows,
        shaded=shaded,
    )

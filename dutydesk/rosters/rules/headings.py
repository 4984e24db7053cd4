"""What the columns of a duty table are: its heading, however people word it. Pure.

Titles stand above it, it may take two rows (值班员 over 主班 and 副班), and two halves of a month may
stand side by side.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from dutydesk.rosters.rules import Seat

Value: TypeAlias = object
Asked = Seat | Literal["operator"]
Kind = Asked | Literal["unit", "day", "weekday", "phone", "title", "note", "other"]

_WITHIN = 10
_PHONE = "电话|手机|联系方式|号码|联络方式"
_JOINED = r"[及和与、/+].{0,2}"
_SEAT_WORDS: tuple[tuple[str, Asked], ...] = (
    (r"备班|备勤|候班|预备|备岗|替班", "standby"),
    (r"带班|值班领导|局领导|^领导", "leader"),
    (r"主班|主值|^(值班员|值班人员|值班人)[1一]$|A角", "operator_primary"),
    (r"副班|副值|^(值班员|值班人员|值班人)[2二]$|B角", "operator_secondary"),
    (r"值班.{0,3}(主任|处长|长|负责人)|^主任$", "supervisor"),
    (r"值班员|值班人|值班干部|值班同志|值守人|^值班$", "operator"),
)
_IN_BRACKETS: tuple[tuple[str, Asked], ...] = (("主", "operator_primary"), ("副", "operator_secondary"))
_KINDS: tuple[tuple[str, Kind], ...] = (
    (r"总带班", "other"),
    (r"^(值班)?(单位|部门|处室|科室)(名称|简称)?$", "unit"),
    (r"备注|说明", "note"),
    (r"值班(室)?(电话|传真)|^传真", "other"),
    (_PHONE, "phone"),
    (r"职务|职称|职位", "title"),
    (r"^(值班)?(日期|时间|日|月日|年月日)(/?[及和]?星期)?$", "day"),
    (r"星期|^周|农历|节日", "weekday"),
)
_SECOND_ROW = re.compile(rf"姓名|名单|职务|主班|副班|主值|副值|{_PHONE}")


@dataclass(frozen=True, slots=True)
class Grid:
    """One sheet: its cells as text and as they are, and which of them only repeat a merged one's first cell."""

    name: str
    texts: Sequence[Sequence[str]]
    values: Sequence[Sequence[Value]]
    repeated: frozenset[tuple[int, int]] = frozenset()

    def text(self, row: int, column: int) -> str:
        """Return what stands in a cell; nothing outside the sheet."""
        cells = self.texts[row]
        return cells[column] if column < len(cells) else ""


@dataclass(frozen=True, slots=True)
class Column:
    """What a column is; ``of`` is the column that a telephone or a title belongs to."""

    place: int
    kind: Kind
    heading: str = ""
    of: int | None = None


@dataclass(frozen=True, slots=True)
class Heading:
    """The rows of a heading, and its columns by halves: each begins with its day."""

    row: int
    last: int
    panels: Sequence[Sequence[Column]]

    @property
    def seats(self) -> frozenset[Asked]:
        """Return the seats that the table speaks of."""
        found = (as_seat(one.kind) for panel in self.panels for one in panel)
        return frozenset(seat for seat in found if seat is not None)


def plain(text: str) -> str:
    """Return a text with full-width signs made half-width, as people mix them."""
    return text if text.isascii() else unicodedata.normalize("NFKC", text).strip()


def bare(text: str) -> str:
    """Return a text without any space."""
    return "".join(plain(text).split())


def as_seat(kind: Kind) -> Asked | None:
    """Return the seat a column is of, if it is a seat's."""
    match kind:
        case "leader" | "supervisor" | "operator_primary" | "operator_secondary" | "standby" | "operator":
            return kind
    return None


def kind_of(heading: str) -> tuple[Kind, Asked | None]:
    """Return what a column with this heading is, and the seat that a telephone's or title's heading names.

    What stands in brackets only tells 主班 from 副班: 带班领导(职务、手机) is a column of leaders.
    """
    text = bare(heading)
    core = re.sub(r"[\[(【].*?[\])】]", "", text) or text
    seat = _seat_of(core, text)
    kind = next((kind for pattern, kind in _KINDS if re.search(pattern, core)), None)
    if kind in ("phone", "title"):
        # 值班员及电话: the names are in it as well.
        named_with = seat is not None and re.search(rf"{_JOINED}({_PHONE}|职务|职称)", core) is not None
        return (seat, None) if named_with and seat is not None else (kind, seat)
    return (kind or seat or "other"), None


def find_heading(grid: Grid) -> Heading | None:
    """Return the heading in the first ten rows: a column of days and at least one of a seat."""
    for row in range(min(_WITHIN, len(grid.texts))):
        headings = grid.texts[row]
        if not any(kind_of(text)[0] == "day" for text in headings if text):
            continue
        last = row + 1 if _goes_on(grid, row) else row
        both = [_joined(text, grid.text(last, place)) for place, text in enumerate(headings)]
        found = Heading(row, last, _panels(_columns(both)))
        if found.seats:
            return found
    return None


def _joined(above: str, below: str) -> str:
    return above if below in ("", above) else f"{above}{below}"


def _seat_of(core: str, text: str) -> Asked | None:
    seat = next((seat for pattern, seat in _SEAT_WORDS if re.search(pattern, core)), None)
    if seat != "operator" or core == text:
        return seat
    inside = text.partition("(")[2]
    named = [one for mark, one in _IN_BRACKETS if mark in inside]
    return named[0] if len(named) == 1 else seat


def _goes_on(grid: Grid, row: int) -> bool:
    """Tell whether the row below still belongs to the heading: 姓名, 电话, 主班 below, and no day."""
    if row + 1 >= len(grid.texts):
        return False
    below = grid.texts[row + 1]
    days = [place for place, text in enumerate(grid.texts[row]) if kind_of(text)[0] == "day"]
    if any((row + 1, place) not in grid.repeated and grid.text(row + 1, place) for place in days):
        return False
    return any(
        text != grid.text(row, place) and _SECOND_ROW.search(bare(text)) for place, text in enumerate(below)
    )


def _columns(headings: Sequence[str]) -> list[Column]:
    found: list[Column] = []
    for place, heading in enumerate(headings):
        if not heading:
            continue
        kind, named = kind_of(heading)
        of = None
        if kind in ("phone", "title"):
            seats = [one for one in found if as_seat(one.kind) is not None]
            own = [one for one in seats if named is None or one.kind == named]
            of = own[-1].place if own else None
        found.append(Column(place, kind, heading, of))
    return found


def _panels(columns: Sequence[Column]) -> list[list[Column]]:
    """A unit's column before the days belongs to every half."""
    shared = [one for one in columns if one.kind == "unit"]
    panels: list[list[Column]] = []
    for one in columns:
        if one.kind == "day":
            # A merged heading over two columns is one column of days.
            if not panels or panels[-1][-1].kind != "day" or panels[-1][-1].heading != one.heading:
                panels.append([one])
        elif panels and one.kind != "unit":
            panels[-1].append(one)
    return [[*panel, *shared] for panel in panels]

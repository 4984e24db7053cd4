"""The directory as a workbook: what an import takes is what an export gives."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from io import BytesIO
from zoneinfo import ZoneInfo

from dutydesk.documents.sheets import Cell, Column, Page, write_book
from dutydesk.people.import_lines import NUMBERS, PEOPLE, PERSON_COLUMNS, UNIT_COLUMNS, UNITS
from dutydesk.people.importing import Known
from dutydesk.people.numbers import shown_address
from dutydesk.people.rules import ContactPoint, Person, Unit
from dutydesk.web import words
from dutydesk.web.pages import shown_number

# What the workbooks are saved as.
BOOK, TEMPLATE = "通讯录", "通讯录模板"
_WIDTHS = {"名称": 28, "职务": 20, "手机": 16, "手机2": 16, "固定电话": 16, "固定电话2": 16, "电子邮箱": 24}
_HELP: tuple[tuple[str, str, str], ...] = (
    (UNITS, "代码", "必填，建立后不改；按代码找到已有单位"),
    (UNITS, "名称", "新单位必填"),
    (UNITS, "简称", "短信里用，最多10个字；不填按名称截取"),
    (UNITS, "类别", "、".join(words.UNIT_KINDS.values())),
    (UNITS, "上级单位", "单位代码或全称"),
    (UNITS, "值班电话", "固定电话带区号，例如 022-23301234"),
    (UNITS, "值班类别", "、".join(words.DUTY_CLASSES.values())),
    (PEOPLE, "单位", "必填，单位代码、全称或简称"),
    (PEOPLE, "姓名", "必填；按单位和姓名找到已有人员，找到则修改，不重复登记"),
    (PEOPLE, "职级", "、".join(words.RANKS.values())),
    (PEOPLE, "用工性质", "、".join(words.EMPLOYMENTS.values())),
    (PEOPLE, "到岗日期、培训日期", "例如 2026-11-23"),
    (PEOPLE, "手机、固定电话、电子邮箱", "按从左到右的先后拨打；已登记的号码不会删除"),
    ("", "", "留空的格表示不改；本表不导入"),
)


def template_book(zone: ZoneInfo, moment: datetime) -> bytes:
    """Return the workbook to fill in: two empty sheets, and one that says how."""
    helps = Page("填写说明", [Column("表", 10), Column("栏目", 28), Column("怎样填", 70)], _HELP)
    return _book(
        [Page(UNITS, _columns(UNIT_COLUMNS)), Page(PEOPLE, _columns(PERSON_COLUMNS)), helps], zone, moment
    )


def directory_book(found: Known, zone: ZoneInfo, moment: datetime, *, masked: bool) -> bytes:
    """Return the directory; whoever left, and what was retired, is not in it."""
    units = [one for one in found.units.values() if one.retired_at is None]
    persons = sorted(found.persons.values(), key=lambda one: (one.unit_id, one.id))
    pages = [
        Page(UNITS, _columns(UNIT_COLUMNS), [_unit(one, found, masked=masked) for one in units]),
        Page(
            PEOPLE,
            _columns(PERSON_COLUMNS),
            [_person(one, found.units, found.points.get(one.id, ()), masked=masked) for one in persons],
        ),
    ]
    return _book(pages, zone, moment)


def _book(pages: Sequence[Page], zone: ZoneInfo, moment: datetime) -> bytes:
    target = BytesIO()
    write_book(target, BOOK, pages, zone=zone, moment=moment)
    return target.getvalue()


def _columns(headings: Sequence[str]) -> list[Column]:
    return [Column(heading, _WIDTHS.get(heading)) for heading in headings]


def _unit(one: Unit, found: Known, *, masked: bool) -> list[Cell]:
    above = found.units.get(one.parent_id or 0)
    return [
        one.code,
        one.name,
        one.short_name,
        words.UNIT_KINDS[one.kind],
        "" if above is None else above.code,
        shown_number(one.duty_phone, masked),
        words.DUTY_CLASSES[one.duty_class],
    ]


def _person(
    one: Person, units: Mapping[int, Unit], points: Sequence[ContactPoint], *, masked: bool
) -> list[Cell]:
    return [
        units[one.unit_id].code,
        one.name,
        one.title,
        words.RANKS[one.rank],
        words.EMPLOYMENTS[one.employment],
        one.joined_on,
        one.trained_on,
        *_numbers(points, masked=masked),
    ]


def _numbers(points: Sequence[ContactPoint], *, masked: bool) -> list[str]:
    """Return the usable numbers in the columns of their kinds; what has no column is left out."""
    left = [point for point in points if point.usable]
    made: list[str] = []
    for kind in NUMBERS.values():
        point = next((one for one in left if one.kind == kind), None)
        if point is None:
            made.append("")
            continue
        left.remove(point)
        address = shown_address(point, masked=masked)
        made.append(address if masked or kind == "email" else shown_number(address))
    return made

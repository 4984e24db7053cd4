"""The directory from a workbook: its rows compared with what there is, and what is wrong named by sheet and cell.

Nothing here touches the database: the same workbook and the same directory give the same plan. A person is
found again by unit and name; an empty cell leaves what there is; nothing is ever removed.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from dutydesk.errors import InvalidInputError
from dutydesk.people.import_lines import NUMBERS, PEOPLE, UNITS, Line, Wrong
from dutydesk.people.numbers import parse_address, parse_number
from dutydesk.people.rules import ContactKind, ContactPoint, Person, Unit, makes_circle
from dutydesk.rulebook.wording import SHORT_NAME_UNITS, clip, utf16_units
from dutydesk.web import words
from dutydesk.web.languages import say
from dutydesk.web.sentences import sentence

_CODE = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_-]{0,31}")
_LONGEST_NAME, _LONGEST_TITLE, _LONGEST_UNIT = 50, 100, 200


@dataclass(frozen=True, slots=True)
class Known:
    """The directory as it is."""

    units: Mapping[int, Unit]
    persons: Mapping[int, Person]
    points: Mapping[int, Sequence[ContactPoint]]


@dataclass(slots=True)
class UnitPlan:
    """A unit to add (``unit`` None) or to change; ``parent`` is a code."""

    line: Line
    code: str
    unit: Unit | None
    values: dict[str, Any]
    parent: str | None = None


@dataclass(slots=True)
class PersonPlan:
    """A person to add (``person`` None) or to change, with the numbers to add."""

    line: Line
    unit_code: str
    name: str
    person: Person | None
    values: dict[str, Any]
    contacts: list[tuple[ContactKind, str]] = field(default_factory=list)


@dataclass(slots=True)
class Plan:
    """What an import would do; with anything wrong it does nothing."""

    units: list[UnitPlan] = field(default_factory=list)
    people: list[PersonPlan] = field(default_factory=list)
    same: int = 0
    wrong: list[Wrong] = field(default_factory=list)


def plan_of(lines: Sequence[Line], known: Known) -> Plan:
    """Return what these rows would change, and everything that is wrong with them, by cell."""
    plan = Plan()
    units = [line for line in lines if line.sheet == UNITS]
    seen: dict[str, Line] = {}
    for line in units:
        code = line.get("代码")
        if code in seen:
            message = say("与第{row}行代码相同", row=seen[code].row + 1)
            plan.wrong.append(Wrong(line.where("代码"), message))
            continue
        seen[code] = line
        _plan_unit(plan, line, known)
    _check_above(plan, known)
    _People(plan, known).add([line for line in lines if line.sheet == PEOPLE])
    return plan


def _plan_unit(plan: Plan, line: Line, known: Known) -> None:
    code, name = line.get("代码"), line.get("名称")
    unit = next((one for one in known.units.values() if one.code == code), None)
    before = len(plan.wrong)
    plan.wrong += [Wrong(line.where(heading), message) for heading, message in _unit_faults(line, unit)]
    kind = _chosen(line, "类别", words.UNIT_KINDS, plan)
    duty = _chosen(line, "值班类别", words.DUTY_CLASSES, plan)
    phone = _number(line, "值班电话", plan)
    is_desk = kind == "desk" or (unit is not None and unit.kind == "desk")
    _check_kind(plan, line, unit, kind, known)
    if is_desk and duty not in ("", "always"):
        plan.wrong.append(Wrong(line.where("值班类别"), "局值班室须常年在岗"))
    if len(plan.wrong) > before:
        return
    given = {
        "name": name,
        "short_name": line.get("简称"),
        "duty_phone": phone,
        "duty_class": duty,
        "kind": kind,
    }
    values = {key: value for key, value in given.items() if value}
    if unit is not None:
        values = {key: value for key, value in values.items() if getattr(unit, key) != value}
    else:
        values.setdefault("short_name", clip(name, SHORT_NAME_UNITS).rstrip())
        values.setdefault("duty_class", "always" if is_desk else "sensitive")
    plan.units.append(UnitPlan(line, code, unit, values, line.get("上级单位") or None))


def _unit_faults(line: Line, unit: Unit | None) -> Iterator[tuple[str, str]]:
    code, name, short = line.get("代码"), line.get("名称"), line.get("简称")
    if not _CODE.fullmatch(code):
        yield "代码", "以字母或数字开头，只含字母、数字、横线，最多32位" if code else "请填写单位代码"
    if unit is None and not name:
        yield "名称", "新单位须填写名称"
    if len(name) > _LONGEST_UNIT or not name.isprintable():
        yield "名称", "最多200字，不含控制字符"
    if utf16_units(short) > SHORT_NAME_UNITS or not short.isprintable():
        yield "简称", "最多10个字"
    if unit is not None and unit.retired_at is not None:
        yield "代码", "单位已撤销，不能导入"


def _check_kind(plan: Plan, line: Line, unit: Unit | None, kind: str, known: Known) -> None:
    """A unit stays of its kind, and there is one desk."""
    message = ""
    if unit is None and not line.get("类别"):
        message = "新单位须填写类别：局值班室、处室或局属单位"
    elif unit is not None and kind and kind != unit.kind:
        message = say("已登记为{kind}，类别不能改", kind=say(words.UNIT_KINDS[unit.kind]))
    elif unit is None and kind == "desk":
        desks = any(one.kind == "desk" for one in known.units.values())
        if desks or any(one.values.get("kind") == "desk" for one in plan.units):
            message = "局值班室只有一个"
    if message:
        plan.wrong.append(Wrong(line.where("类别"), message))


def _check_above(plan: Plan, known: Known) -> None:
    """See to it that whoever stands above exists, in the directory or in the file, and that nothing goes round."""
    codes = {one.code: one.id for one in known.units.values() if one.retired_at is None}
    names = {one.name: one.code for one in known.units.values() if one.retired_at is None}
    # A unit of the file that is not stored yet gets a number of its own, below all stored ones.
    codes |= {one.code: -at for at, one in enumerate(plan.units, start=1) if one.unit is None}
    names |= {str(one.values["name"]): one.code for one in plan.units if "name" in one.values}
    parents = {one.id: one.parent_id for one in known.units.values()}
    for one in list(plan.units):
        if one.parent is None:
            continue
        above = one.parent if one.parent in codes else names.get(one.parent, "")
        own = codes.get(one.code, 0)
        is_desk = one.values.get("kind") == "desk" or (one.unit is not None and one.unit.kind == "desk")
        message = ""
        if above not in codes:
            message = "没有这个单位，请填单位代码或全称"
        elif is_desk:
            message = "局值班室没有上级单位"
        elif makes_circle(parents, own, codes[above]):
            message = "上级单位不能是本单位或本单位的下级"
        if message:
            plan.wrong.append(Wrong(one.line.where("上级单位"), message))
            continue
        parents[own] = codes[above]
        one.parent = None if one.unit is not None and one.unit.parent_id == codes[above] else above
    plan.same += sum(one.unit is not None and not one.values and one.parent is None for one in plan.units)
    plan.units = [one for one in plan.units if one.unit is None or one.values or one.parent]


class _People:
    """Compares the rows of people with the directory; it remembers whom and which numbers it has met."""

    def __init__(self, plan: Plan, known: Known) -> None:
        self._plan, self._known = plan, known
        new = [one for one in plan.units if one.unit is None]
        serving = [one for one in known.units.values() if one.retired_at is None]
        self._codes = {one.code: one.code for one in serving} | {one.code: one.code for one in new}
        for one in serving:
            self._codes.setdefault(one.name, one.code)
            self._codes.setdefault(one.short_name, one.code)
        for added in new:
            self._codes.setdefault(str(added.values["name"]), added.code)
        self._by_name: dict[tuple[str, str], list[Person]] = {}
        for person in known.persons.values():
            key = (known.units[person.unit_id].code, person.name)
            self._by_name.setdefault(key, []).append(person)
        self._owners = {
            point.address: known.persons[person_id]
            for person_id, points in known.points.items()
            for point in points
            if point.kind == "mobile" and point.usable and known.persons[person_id].retired_at is None
        }
        self._met: dict[tuple[str, str], Line] = {}
        self._mobiles: dict[str, Line] = {}

    def add(self, lines: Sequence[Line]) -> None:
        """Plan these rows."""
        for line in lines:
            before = len(self._plan.wrong)
            planned = self._planned(line)
            if planned is None or len(self._plan.wrong) > before:
                continue
            if planned.person is None or planned.values or planned.contacts:
                self._plan.people.append(planned)
            else:
                self._plan.same += 1

    def _wrong(self, line: Line, heading: str, message: str) -> None:
        self._plan.wrong.append(Wrong(line.where(heading), message))

    def _planned(self, line: Line) -> PersonPlan | None:
        code, name = (
            self._codes.get(line.get("单位"), ""),
            line.get("姓名").replace(" ", "").replace("\u3000", ""),
        )
        if not code:
            self._wrong(
                line, "单位", "没有这个单位，请填单位代码或全称" if line.get("单位") else "请填写单位"
            )
        if not name or len(name) > _LONGEST_NAME or not name.isprintable():
            self._wrong(line, "姓名", "最多50字，不含控制字符" if name else "请填写姓名")
        if len(line.get("职务")) > _LONGEST_TITLE or not line.get("职务").isprintable():
            self._wrong(line, "职务", "最多100字，不含控制字符")
        rank = _chosen(line, "职级", words.RANKS, self._plan)
        employment = _chosen(line, "用工性质", words.EMPLOYMENTS, self._plan)
        person = self._found(line, code, name) if code and name else None
        contacts = self._numbers(line, person)
        days = {
            key: line.get(heading) for key, heading in (("joined_on", "到岗日期"), ("trained_on", "培训日期"))
        }
        given: dict[str, Any] = {"title": line.get("职务"), "rank": rank, "employment": employment}
        given |= {key: date.fromisoformat(text) for key, text in days.items() if text}
        values = {key: value for key, value in given.items() if value}
        if person is not None:
            values = {key: value for key, value in values.items() if getattr(person, key) != value}
        return PersonPlan(line, code, name, person, values, contacts) if code and name else None

    def _found(self, line: Line, code: str, name: str) -> Person | None:
        """Return who is meant; two of that name in one unit cannot be told apart by a workbook."""
        twin = self._met.setdefault((code, name), line)
        if twin is not line:
            text = "与第{row}行同单位同姓名，请合并，或在页面上分别登记"
            self._wrong(line, "姓名", say(text, row=twin.row + 1))
        every = self._by_name.get((code, name), [])
        serving = [one for one in every if one.retired_at is None]
        if len(serving) > 1:
            text = "本单位已有{count}名同名人员，请在页面上修改"
            self._wrong(line, "姓名", say(text, count=len(serving)))
        if every and not serving:
            self._wrong(line, "姓名", "此人已离任，如返聘请先在页面上恢复在职")
        return serving[0] if serving else None

    def _numbers(self, line: Line, person: Person | None) -> list[tuple[ContactKind, str]]:
        there = (
            {one.address for one in self._known.points.get(person.id, ())} if person is not None else set()
        )
        found: list[tuple[ContactKind, str]] = []
        given: set[str] = set()
        for heading, kind in NUMBERS.items():
            address = _number(line, heading, self._plan, kind)
            if not address:
                continue
            if address in given:
                self._wrong(line, heading, "与本行另一个号码相同")
            given.add(address)
            if kind == "mobile":
                self._refuse_shared(line, heading, address, person)
            if address not in there:
                found.append((kind, address))
        return found

    def _refuse_shared(self, line: Line, heading: str, address: str, person: Person | None) -> None:
        """A mobile in two people's names is one of them entered twice, or a slip of the pen."""
        first = self._mobiles.setdefault(address, line)
        if first is not line:
            self._wrong(line, heading, say("与第{row}行的手机相同", row=first.row + 1))
        owner = self._owners.get(address)
        if owner is not None and (person is None or owner.id != person.id):
            unit = self._known.units[owner.unit_id].short_name
            self._wrong(line, heading, say("已登记在{unit}{name}名下", unit=unit, name=owner.name))


def _chosen(line: Line, heading: str, table: Mapping[str, str], plan: Plan) -> str:
    """Return the key of what stands there in words; nothing for an empty cell."""
    text = line.get(heading)
    found = next((key for key, said in table.items() if text in (said, key)), "")
    if text and not found:
        # The words themselves are Chinese in every language: no others are understood in a workbook.
        message = say("应为：{choices}", choices=words.listed(table.values()))
        plan.wrong.append(Wrong(line.where(heading), message))
    return found


def _number(line: Line, heading: str, plan: Plan, kind: ContactKind | None = None) -> str:
    """Return a number in its stored form; nothing for an empty cell."""
    text = line.get(heading)
    if not text:
        return ""
    if "*" in text:
        plan.wrong.append(Wrong(line.where(heading), "号码已遮盖，请填写完整号码，或留空表示不改"))
        return ""
    try:
        return parse_number(text) if kind is None else parse_address(kind, text)
    except InvalidInputError as error:
        plan.wrong.append(Wrong(line.where(heading), sentence(error.faults[0].message)))
        return ""

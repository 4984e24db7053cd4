"""The lists as tables: headings and cells, in the reader's language, numbers masked for who does not need them."""

from collections.abc import Callable, Sequence
from datetime import datetime

from dutydesk.documents.sheets import Cell, Column
from dutydesk.incidents.model import Report
from dutydesk.incidents.reading import without_numbers
from dutydesk.logs import mask_number
from dutydesk.search.forms import KIND_NAMES
from dutydesk.search.found import Found, FoundEntry, FoundIncident, FoundNumber, FoundPerson
from dutydesk.search.rules import Kind
from dutydesk.web import words
from dutydesk.web.languages import say
from dutydesk.web.pages import shown_number

ENTRY_KINDS = {"call_in": "来电", "call_out": "去电", "instruction": "领导批示"}
HEADINGS: dict[Kind, tuple[tuple[str, float | None], ...]] = {
    "incidents": (
        ("编号", None),
        ("事件", 40),
        ("类别", None),
        ("级别", None),
        ("疑似", None),
        ("敏感", None),
        ("演练", None),
        ("状态", None),
        ("单位", 24),
        ("事发时间", None),
        ("准确程度", None),
        ("知悉时间", None),
        ("接报时间", None),
        ("地点", 24),
        ("来源", 16),
        ("情况", 60),
        ("电话报告", None),
        ("书面报告", None),
        ("续报次数", None),
        ("终报", None),
        ("迟报", None),
        ("报告人", None),
        ("来电号码", None),
        ("登记时间", None),
        ("登记人", None),
    ),
    "log": (
        ("时间", None),
        ("类型", None),
        ("单位", 24),
        ("对方", None),
        ("职务", None),
        ("号码", None),
        ("内容", 60),
        ("办理", 40),
        ("传达", None),
        ("传达时间", None),
        ("事件编号", None),
        ("补录", None),
        ("已更正", None),
        ("登记时间", None),
        ("登记人", None),
    ),
    "people": (
        ("姓名", None),
        ("职务", None),
        ("单位", 24),
        ("号码", 40),
        ("停用号码", 40),
        ("备注", None),
    ),
}


def title(kind: Kind) -> str:
    """Return what a list is called."""
    return say(KIND_NAMES[kind])


def columns(kind: Kind) -> list[Column]:
    """Return the headings of a list."""
    return [Column(say(heading), width) for heading, width in HEADINGS[kind]]


def cells(found: Found, *, masked: bool) -> Sequence[Cell]:
    """Return a line of a list."""
    match found:
        case FoundIncident():
            return _incident(found, masked=masked)
        case FoundEntry():
            return _entry(found, masked=masked)
        case FoundPerson():
            return _person(found, masked=masked)


def number_of(address: str, kind: str, *, masked: bool) -> str:
    """Return a number or an e-mail address as it may be shown."""
    if kind != "email":
        return shown_typed(address, masked=masked)
    box, _, domain = address.partition("@")
    return f"{box[:1]}***@{domain}" if masked else address


def shown_typed(number: str, *, masked: bool) -> str:
    """Return a number somebody typed; what is in the stored form is shown as people write it."""
    return mask_number(number) if masked else shown_number(number)


def first_report(found: FoundIncident, kind: str) -> Report | None:
    """Return the first report of a kind that was not voided."""
    return next((one for one in found.reports if one.kind == kind and one.voided_at is None), None)


def _at(report: Report | None) -> datetime | None:
    return None if report is None else report.reported_at


def _yes(value: bool) -> str:
    return say("是") if value else ""


def plain(*, masked: bool) -> Callable[[str], str]:
    """Return how what somebody typed is shown: numbers inside it are hidden from whom numbers are hidden."""
    return without_numbers if masked else str


def _incident(found: FoundIncident, *, masked: bool) -> list[Cell]:
    row, text = found.row, plain(masked=masked)
    valid = [one for one in found.reports if one.voided_at is None]
    told = [one for one in found.told if one.voided_at is None]
    caller = next((one for one in told if one.reporter or one.reporter_phone), None)
    return [
        row.number,
        text(row.title),
        say(words.CATEGORIES[row.category]),
        say(words.GRADES[row.grade]),
        _yes(row.suspected),
        _yes(row.sensitive),
        _yes(row.drill),
        say(words.INCIDENT_STATES[row.state]),
        found.unit.name,
        row.occurred_at,
        say(words.OCCURRED_KINDS[row.occurred_at_kind]),
        row.learned_at,
        row.received_at,
        text(row.place),
        text(found.source),
        text(found.narrative),
        _at(first_report(found, "phone")),
        _at(first_report(found, "written")),
        sum(one.kind == "follow_up" for one in valid),
        _at(first_report(found, "final")),
        _yes(found.late),
        "" if caller is None else text(caller.reporter),
        "" if caller is None else shown_typed(caller.reporter_phone, masked=masked),
        row.logged_at,
        found.logged_by,
    ]


def _entry(found: FoundEntry, *, masked: bool) -> list[Cell]:
    row, text = found.row, plain(masked=masked)
    return [
        row.at,
        say(ENTRY_KINDS.get(row.kind, row.kind)),
        "" if found.unit is None else found.unit.name,
        text(row.person),
        text(row.title),
        shown_typed(row.number, masked=masked),
        text(row.content),
        text(row.handling),
        text(row.conveyed_to),
        row.conveyed_at,
        found.incident,
        _yes(row.late_entry),
        _yes(found.replaced),
        row.logged_at,
        row.logged_by,
    ]


def _person(found: FoundPerson, *, masked: bool) -> list[Cell]:
    def listed(*, usable: bool) -> str:
        return say("、").join(_number(one, masked=masked) for one in found.numbers if one.usable == usable)

    text = plain(masked=masked)
    note = say("值班电话") if found.is_unit else say("已离任") if found.retired else ""
    return [
        text(found.name),
        text(found.title),
        found.unit.name,
        listed(usable=True),
        listed(usable=False),
        note,
    ]


def _number(one: FoundNumber, *, masked: bool) -> str:
    return number_of(one.address, one.kind, masked=masked)

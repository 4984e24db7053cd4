"""The form of the phone log: its fields, and what was typed into them."""

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Literal

from pydantic import BaseModel

from dutydesk.desk.phone.stamp import Stamp
from dutydesk.dutylog.rules.times import Typed, read_time
from dutydesk.errors import InvalidInputError
from dutydesk.incidents.model import Incident, ReportKind
from dutydesk.incidents.rules import time_faults
from dutydesk.people.numbers import parse_number
from dutydesk.people.rules import Unit
from dutydesk.rulebook.types import Category, Grade
from dutydesk.web import words
from dutydesk.web.forms import Form, Input
from dutydesk.web.sentences import sentence
from dutydesk.web.texts import LongText, ShortText, Title

Kind = Literal["call", "incident", "report"]
KINDS: tuple[tuple[Kind, str], ...] = (
    ("call", "来电登记"),
    ("incident", "新突发事件（首报）"),
    ("report", "已有事件的报告"),
)
_REPORTS = (("", "自动（首次为电话报告，其后为续报）"), *words.REPORTS.items())
_LONG = 20_000

INPUTS = (
    Input("number", "来电号码", longest=40),
    Input("unit", "来电单位", longest=100),
    Input("person", "来电人", longest=50),
    Input("title", "职务", longest=50),
    Input("what", "何事（一句话）", longest=200),
    Input("kind", "这是什么", "choice", choices=KINDS),
    Input("occurred", "事发时间", longest=40),
    Input("place", "地点", longest=100),
    Input("where_unit", "事发单位", hint="与来电单位不同时填写", longest=100),
    Input("incident", "哪一起事件", "choice"),
    Input("report_kind", "报告种类", "choice", choices=_REPORTS),
    Input("narrative", "经过、伤亡、措施", "lines", longest=_LONG),
    Input("handling", "处理情况", "lines", longest=1000),
    Input("category", "类别", "choice", choices=tuple(words.CATEGORIES.items())),
    Input("grade", "级别", "choice", choices=tuple(words.GRADES.items())),
    Input("suspected", "疑似重大以上", "tick"),
    Input("sensitive", "涉敏感时期、敏感地区或敏感群体", "tick"),
    Input("drill", "演练", "tick"),
    Input("at", "来电时间", longest=40),
    Input("decision", "可能是同一事件", "choice"),
)
# What goes with the form and is never typed: its key, how often it was changed, and the duplicates it has shown.
CARRIED = (Input("key", "", "hidden"), Input("rev", "", "hidden"), Input("seen", "", "hidden"))
NAMES = frozenset(one.name for one in INPUTS)
# A form in which nothing of these stands is empty, whatever it was filled with in advance.
TYPED = ("number", "unit", "person", "title", "what", "occurred", "place", "narrative", "handling")


class _CallIn(BaseModel):
    number: ShortText
    person: ShortText
    title: ShortText
    what: Title
    place: ShortText
    narrative: LongText
    handling: LongText
    kind: Kind


class _IncidentIn(BaseModel):
    category: Category
    grade: Grade


class _ReportIn(BaseModel):
    report_kind: ReportKind | Literal[""]


@dataclass(frozen=True, slots=True)
class Call:
    """A call as it is to be written down; ``unit`` called, ``where`` is the unit it happened in."""

    at: datetime
    stamped: bool
    number: str
    unit: Unit | None
    person: str
    title: str
    what: str
    narrative: str
    handling: str
    kind: Kind
    occurred: Typed
    place: str
    where: Unit | None
    incident: str
    report_kind: ReportKind | Literal[""]
    category: Category
    grade: Grade
    suspected: bool
    sensitive: bool
    drill: bool
    decision: str
    seen: frozenset[str]

    @property
    def content(self) -> str:
        """What was said, with everything that was written under the line."""
        return f"{self.what}\n{self.narrative}".strip()

    @property
    def reporter(self) -> str:
        """Who called, as a report names them."""
        return f"{self.person} {self.title}".strip() if self.person else ""


def is_empty(values: Iterable[tuple[str, str]]) -> bool:
    """Tell whether nobody has typed anything yet."""
    return not any(text.strip() for name, text in values if name in TYPED)


def stored_number(text: str) -> str:
    """Return a number in E.164 where it can be read as one, else as it was typed: nothing is refused at 3 a.m."""
    plain = unicodedata.normalize("NFKC", text).strip()
    try:
        return parse_number(plain) if plain else ""
    except InvalidInputError:
        return plain


def units_named(text: str, units: Sequence[Unit]) -> list[Unit]:
    """Return the unit with this code or name, else every unit whose code, short name or name contains it."""
    wanted = _folded(text)
    if not wanted:
        return []
    units = [unit for unit in units if unit.retired_at is None]
    same = [
        unit for unit in units if wanted in {_folded(unit.code), _folded(unit.short_name), _folded(unit.name)}
    ]
    if same:
        return same[:1]
    return [
        unit
        for unit in units
        if wanted in _folded(unit.name)
        or wanted in _folded(unit.short_name)
        or _folded(unit.code).startswith(wanted)
    ]


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKC", text).strip().casefold()


def read_call(
    form: Form, units: Sequence[Unit], stamp: Stamp | None, now: datetime, zone: tzinfo
) -> Call | None:
    """Return the call that was typed, or None with what is wrong noted on the form.

    Refused is only what cannot be true or understood; what is not known yet stays empty and is shown as 待核实.
    """
    at, stamped = _call_time(form, stamp, now, zone)
    unit, outside = _unit(form, "unit", units)
    where, unknown_where = _unit(form, "where_unit", units)
    if unknown_where:
        form.fault("where_unit", "没有这个单位")
    kind = form.value("kind")
    if not kind:
        form.fault("kind", "请选择")
    if kind == "incident" and outside and where is None:
        form.fault("unit", "单位名册中没有；外单位来电请在“事发单位”中选定事发单位")
    names = ("person", "what", "place", "narrative", "handling", "kind")
    texts = {name: form.value(name) for name in names}
    texts |= {
        "number": stored_number(form.value("number")),
        "title": f"{outside} {form.value('title')}".strip(),
    }
    said = form.check(_CallIn, texts) if kind else None
    event = form.check(
        _IncidentIn,
        {"category": form.value("category") or "accident", "grade": form.value("grade") or "ungraded"},
    )
    report = form.check(_ReportIn, {"report_kind": form.value("report_kind")})
    occurred = _occurred(form, at, zone) if kind == "incident" else Typed(None, "unknown")
    if kind == "report" and not form.value("incident"):
        form.fault("incident", "请选择")
    if form.faults or said is None or event is None or report is None or occurred is None:
        return None
    return Call(
        at=at,
        stamped=stamped,
        number=said.number,
        unit=unit,
        person=said.person,
        title=said.title,
        what=said.what,
        narrative=said.narrative,
        handling=said.handling,
        kind=said.kind,
        occurred=occurred,
        place=said.place,
        where=where or unit,
        incident=form.value("incident"),
        report_kind=report.report_kind,
        category=event.category,
        grade=event.grade,
        suspected=form.ticked("suspected"),
        sensitive=form.ticked("sensitive"),
        drill=form.ticked("drill"),
        decision=form.value("decision"),
        seen=frozenset(form.value("seen").split()),
    )


def _call_time(form: Form, stamp: Stamp | None, now: datetime, zone: tzinfo) -> tuple[datetime, bool]:
    """Return when the call came, and whether that is what the server stamped the form with."""
    said = read_time(form.value("at"), now, zone)
    if said is None:
        form.fault("at", "时间看不懂，例如 1405、14时05分、昨天23:50")
        return now, False
    if said.at is None:
        return (stamp.at, stamp.proved) if stamp is not None else (now, False)
    if said.at > now:
        form.fault("at", sentence("lies in the future"))
    return said.at, stamp is not None and stamp.proved and said.at == stamp.at


def _occurred(form: Form, at: datetime, zone: tzinfo) -> Typed | None:
    said = read_time(form.value("occurred"), at, zone)
    if said is None:
        form.fault("occurred", "时间看不懂，例如 1405、14时05分、10分钟前、昨天23:50，不知道可以空着")
        return None
    contradictions = time_faults(
        occurred_at=said.at, kind=said.certainty, learned_at=None, received_at=at, now=at
    )
    for name, text in contradictions:
        if name == "occurred_at":
            form.fault("occurred", "不能晚于来电时间" if text == "lies in the future" else sentence(text))
    return said


def _unit(form: Form, name: str, units: Sequence[Unit]) -> tuple[Unit | None, str]:
    """Return the unit that was named, or the text where the directory has none like it (an outside caller)."""
    text = form.value(name)
    found = units_named(text, units)
    if len(found) > 1:
        form.fault(name, "有几个单位都像，请多写几个字")
    return (found[0], "") if len(found) == 1 else (None, text if not found else "")


def incident_choices(
    rows: Sequence[Incident], units: dict[int, Unit], first: int | None
) -> list[tuple[str, str]]:
    """Return the open incidents to choose from, those of the calling unit first; an own sort keeps newest first."""
    ordered = sorted(rows, key=lambda row: row.unit_id != first)
    return [(row.number, f"{row.number} {units[row.unit_id].short_name} {row.title}") for row in ordered]

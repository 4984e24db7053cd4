"""The forms of the duty log: which fields each kind of entry has, and what was typed into them."""

from collections.abc import Sequence
from datetime import datetime, tzinfo
from typing import Any

from pydantic import BaseModel

from dutydesk.desk.phone.form import stored_number, units_named
from dutydesk.dutylog.actions import CORRECTABLE, NewEntry
from dutydesk.dutylog.model import LogEntry, LogKind
from dutydesk.dutylog.rules.times import read_time, shown_time
from dutydesk.people.rules import Unit
from dutydesk.web import words
from dutydesk.web.forms import Form, Input
from dutydesk.web.texts import LongText, ShortText

_TIME_HINT = "例如 1405、14时05分、昨天23:50；与登记相差10分钟以上的为补录"
_UNREADABLE = "时间看不懂，例如 1405、14时05分、昨天23:50"
_CHANNELS = (("", "请选择"), *words.LOG_CHANNELS.items())
_REASON = Input("reason", "更正理由", required=True, longest=200)

# A kind of entry is a line here, its words in words.LOG_KINDS, and its name in the model's LogKind.
FIELDS: dict[LogKind, tuple[Input, ...]] = {
    "call_in": (
        Input("at", "来电时间", required=True, hint=_TIME_HINT, longest=40),
        Input("number", "来电号码", longest=40),
        Input("unit", "来电单位", longest=100),
        Input("person", "来电人", longest=50),
        Input("title", "职务", longest=50),
        Input("content", "内容", "lines", required=True, longest=20_000),
        Input("handling", "处理情况", "lines", longest=1000),
    ),
    "call_out": (
        Input("at", "去电时间", required=True, hint=_TIME_HINT, longest=40),
        Input("number", "去电号码", longest=40),
        Input("unit", "受话单位", longest=100),
        Input("person", "受话人", longest=50),
        Input("title", "职务", longest=50),
        Input("content", "事由和内容", "lines", required=True, longest=20_000),
        Input("handling", "答复和结果", "lines", longest=1000),
    ),
    "instruction": (
        Input("person", "批示领导", required=True, longest=50),
        Input("title", "职务", longest=50),
        Input("at", "批示时间", required=True, hint=_TIME_HINT, longest=40),
        Input("channel", "批示渠道", "choice", required=True, choices=_CHANNELS),
        Input("content", "批示原文", "lines", required=True, longest=20_000),
        Input("conveyed_to", "传达对象", hint="单位、姓名，可写几个", longest=200),
        Input("conveyed_at", "传达时间", hint="还没有传达可空着，以后用“更正”补上", longest=40),
        Input("handling", "落实情况", "lines", longest=1000),
    ),
}


class _EntryIn(BaseModel):
    number: ShortText = ""
    person: ShortText = ""
    title: ShortText = ""
    channel: ShortText = ""
    content: LongText = ""
    conveyed_to: LongText = ""
    handling: LongText = ""


def new_inputs(kind: LogKind, incidents: Sequence[tuple[str, str]]) -> tuple[Input, ...]:
    """Return the form of a new entry, which may belong to one of these incidents."""
    bound = Input("incident", "关联事件", "choice", choices=(("", "不关联"), *incidents))
    return (*FIELDS[kind], bound, Input("stamp", "", "hidden"), Input("once", "", "hidden"))


def correction_inputs(kind: LogKind) -> tuple[Input, ...]:
    """Return the form of a correction."""
    return (*FIELDS[kind], _REASON)


def read_entry(
    form: Form, kind: LogKind, units: Sequence[Unit], now: datetime, zone: tzinfo
) -> NewEntry | None:
    """Return the entry that was typed, or None with what is wrong noted on the form; the incident is not looked up."""
    values = _read(form, kind, units, now, zone)
    if values is None:
        return None
    return NewEntry(kind=kind, stamped=form.value("at") == form.value("stamp"), **values)


def as_it_is(row: LogEntry, units: Sequence[Unit], now: datetime, zone: tzinfo) -> dict[str, str]:
    """Return what stands in the correction's form before anything is typed."""
    unit = next((one for one in units if one.id == row.unit_id), None)
    texts = {name: getattr(row, name) for name in _EntryIn.model_fields}
    return texts | {
        "at": shown_time(row.at, now, zone),
        "conveyed_at": "" if row.conveyed_at is None else shown_time(row.conveyed_at, now, zone),
        "unit": "" if unit is None else unit.short_name,
    }


def read_correction(
    form: Form, row: LogEntry, units: Sequence[Unit], now: datetime, zone: tzinfo
) -> tuple[dict[str, Any], str] | None:
    """Return what a correction says and why, or None with what is wrong noted on the form."""
    values = _read(form, row.kind, units, now, zone)
    if values is None:
        return None
    before = as_it_is(row, units, now, zone)
    named = {"unit": "unit_id"}
    # The form shows whole seconds and short names: an untouched field must not change what is stored.
    changed = {
        named.get(one.name, one.name): values[named.get(one.name, one.name)]
        for one in FIELDS[row.kind]
        if form.value(one.name) != before[one.name].strip()
    }
    return {name: value for name, value in changed.items() if name in CORRECTABLE}, form.value("reason")


def _read(
    form: Form, kind: LogKind, units: Sequence[Unit], now: datetime, zone: tzinfo
) -> dict[str, Any] | None:
    form.check_required()
    shown = {one.name for one in FIELDS[kind]}
    texts = {name: form.value(name) for name in _EntryIn.model_fields if name in shown}
    if texts.get("channel") and texts["channel"] not in words.LOG_CHANNELS:
        form.fault("channel", "请选择")
    if "number" in texts:
        texts["number"] = stored_number(texts["number"])
    unit_id = None
    if "unit" in shown and form.value("unit"):
        found = units_named(form.value("unit"), units)
        if len(found) > 1:
            form.fault("unit", "有几个单位都像，请多写几个字")
        elif found:
            unit_id = found[0].id
        else:
            texts["title"] = f"{form.value('unit')} {form.value('title')}".strip()
    at = _time(form, "at", now, zone)
    conveyed_at = _time(form, "conveyed_at", now, zone) if "conveyed_at" in shown else None
    body = form.check(_EntryIn, texts)
    if form.faults or body is None or at is None:
        return None
    return {**body.model_dump(), "at": at, "unit_id": unit_id, "conveyed_at": conveyed_at}


def _time(form: Form, name: str, now: datetime, zone: tzinfo) -> datetime | None:
    said = read_time(form.value(name), now, zone)
    if said is None or (said.at is None and form.value(name)):
        form.fault(name, _UNREADABLE)
        return None
    return said.at

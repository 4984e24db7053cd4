"""Correcting an incident, filling in its elements and regrading it, when two people may do so at once.

A form carries the id of the last change it was drawn from. When something changed since, nothing is
written: the form comes back with what changed, what was typed is kept, fields nobody touched take their
new values, and a second submit is then a decision.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any

from dutydesk.incidents.acting import Seen
from dutydesk.incidents.forms import WHY, local
from dutydesk.incidents.lines import CHANGES, Tongue, colon, flat
from dutydesk.incidents.model import Incident, IncidentChange
from dutydesk.incidents.rules import ELEMENTS, WRITTEN, values_before
from dutydesk.incidents.views import CorrectIn, RegradeIn
from dutydesk.people.rules import Unit
from dutydesk.web import words
from dutydesk.web.forms import Form, Input
from dutydesk.web.languages import say

BASE = Input("base", "", "hidden")
# What is done with a reason alone, and only to what whoever does it has seen.
BY_REASON = (WHY, BASE)
_LABELS = dict(ELEMENTS)
_GRADES = tuple(words.GRADES.items())
_TIMES = ("occurred_at", "learned_at", "received_at")
_TEXTS = ("title", "category", "occurred_at_kind", "place", "source", "narrative")
_TICKS = {"suspected": "suspected", "sensitive": "sensitive", "confirmed": "grade_confirmed"}
_HINTS = {
    "scope": "涉及的区域、人员、单位、服务",
    "property": "没有损失的写“无”",
    "leaders": "谁、何时到场，在何处指挥",
    "on_site": "姓名、职务、电话",
    "measures": "分条写，一条一行",
}
_WHY_ELEMENTS = Input("reason", "依据", hint="例如：14时20分来电核实；可不填", longest=200)

REGRADE = (
    Input("grade", "级别", "choice", required=True, choices=_GRADES),
    Input("suspected", "疑似重大以上", "tick"),
    Input("sensitive", "涉敏感时期、敏感地区或敏感群体", "tick"),
    Input("confirmed", "已经核定", "tick"),
    Input("leader", "决定的领导", hint="变动会停止计时的，必须填写", longest=50),
    WHY,
    BASE,
)


class ChangedMeanwhileError(Exception):
    """Somebody else changed the incident after the form was drawn: news for whoever typed, and nobody's fault."""


@dataclass(frozen=True, slots=True)
class Known:
    """What an incident's forms need to word its values: the units by id, and the site's time zone."""

    units: Mapping[int, Unit]
    zone: tzinfo

    def tongue(self) -> Tongue:
        """Return how changes are worded."""
        names = {key: unit.name for key, unit in self.units.items()}
        return Tongue(zone=self.zone, texts={}, units=names, incidents={}, people={})

    def shown(self, name: str, value: Any) -> str:
        """Return a stored value (or its JSON) as a form has it."""
        if name == "unit":
            unit = self.units.get(value)
            return "" if unit is None else unit.code
        if isinstance(value, bool):
            return "yes" if value else ""
        if name in _TIMES:
            moment = datetime.fromisoformat(value) if isinstance(value, str) and value else value
            return local(moment or None, self.zone)
        return one_break(str(value or ""))


def one_break(text: str) -> str:
    """Return a text as it is stored: browsers send two characters for each end of a line."""
    return text.replace("\r\n", "\n").replace("\r", "\n").strip()


def _element_inputs() -> tuple[Input, ...]:
    return tuple(
        Input(name, _LABELS[name], "lines", hint=_HINTS.get(name, ""), longest=5000) for name in WRITTEN
    )


def correct_inputs(known: Known) -> tuple[Input, ...]:
    """Return the form of a correction: everything that was written down."""
    return (
        Input("title", "事件（一句话）", required=True, longest=200),
        Input(
            "unit",
            "事发单位",
            "choice",
            required=True,
            choices=tuple((unit.code, unit.name) for unit in known.units.values()),
            hint="更正后由新的单位承担时限，并重新告知",
        ),
        Input("category", "类别", "choice", choices=tuple(words.CATEGORIES.items())),
        Input("occurred_at", "事发时间", "moment", hint="更正后，由它起算的到期时间随之变动"),
        Input("occurred_at_kind", "事发时间是否准确", "choice", choices=tuple(words.OCCURRED_KINDS.items())),
        Input("learned_at", "单位知悉时间", "moment"),
        Input("received_at", "接报时间", "moment", required=True),
        Input("place", "地点"),
        Input("source", "信息来源", hint="单位或个人"),
        Input("narrative", "基本经过", "lines", longest=20_000),
        *_element_inputs(),
        WHY,
        BASE,
    )


def element_inputs(_known: Known) -> tuple[Input, ...]:
    """Return the form of what is still to be verified."""
    return (
        Input("source", "信息来源", hint="单位或个人"),
        Input("place", "地点"),
        Input("narrative", "基本经过", "lines", longest=20_000),
        *_element_inputs(),
        _WHY_ELEMENTS,
        BASE,
    )


def as_it_is(row: Incident, known: Known, base: int) -> dict[str, str]:
    """Return what stands in these forms before anything is typed; *base* is the last change that is seen."""
    columns = {name: known.shown(name, getattr(row, name)) for name in (*_TIMES, *_TEXTS)}
    written = {name: one_break(str(row.elements.get(name, ""))) for name in WRITTEN}
    return columns | written | {"unit": known.shown("unit", row.unit_id), "base": str(base)}


def graded_as_it_is(row: Incident, base: int) -> dict[str, str]:
    """Return what stands in the form of a regrade before anything is typed."""
    ticks = {name: "yes" for name, column in _TICKS.items() if getattr(row, column)}
    return {"grade": row.grade, "base": str(base)} | ticks


def corrections(form: Form, row: Incident, known: Known) -> tuple[dict[str, Any], str] | None:
    """Return only the values that were changed, with the reason; or None with the faults on the form."""
    form.check_required()
    before = as_it_is(row, known, 0)
    names = [one.name for one in form.inputs if one.name in before and one.name != "base"]
    typed: dict[str, Any] = {name: one_break(form.value(name)) for name in names}
    typed |= {name: form.moment(name, known.zone) for name in names if name in _TIMES}
    needs_reason = any(one.name == "reason" and one.required for one in form.inputs)
    reason = form.value("reason") or ("" if needs_reason else say("补充要素"))
    written = {name: typed[name] for name in names if name in WRITTEN}
    body = form.check(CorrectIn, {k: v for k, v in typed.items() if k not in written} | {"reason": reason})
    for name in written:
        # Each on its own, so that the sentence stands beside its field.
        _check_lines(form, name, typed[name])
    if form.faults or body is None:
        return None
    # The form shows whole seconds: an untouched field must not cut the fraction off what is stored.
    changed = [name for name in names if one_break(form.value(name)) != before[name]]
    if not changed:
        form.fault("", "没有改动")
        return None
    values = {name: getattr(body, name) for name in changed if name not in written and name != "unit"}
    if "unit" in changed:
        values["unit_id"] = next(key for key, unit in known.units.items() if unit.code == typed["unit"])
    if elements := {name: written[name] for name in changed if name in written}:
        values["elements"] = elements
    return values, body.reason


def _check_lines(form: Form, name: str, text: str) -> None:
    checked = Form((Input("narrative", ""),))
    if checked.check(CorrectIn, {"narrative": text, "reason": "-"}) is None:
        for fault in checked.faults.get("narrative", ()):
            form.fault(name, fault)


def regrading(form: Form) -> RegradeIn | None:
    """Return the regrade that was typed, or None with the faults on the form."""
    form.check_required()
    ticks = {name: form.ticked(name) for name in ("suspected", "sensitive", "confirmed")}
    texts = {name: form.value(name) for name in ("grade", "leader", "reason")}
    body = form.check(RegradeIn, {**texts, **ticks})
    return None if form.faults else body


def base_of(form: Form, name: str = "base") -> int:
    """Return the last change that whoever typed had seen; 0 when the form does not say."""
    said = form.value(name)
    return int(said) if said.isascii() and said.isdigit() and len(said) < 10 else 0


def refuse_if_changed(form: Form, last: int) -> None:
    """Refuse to write over what whoever typed has not seen.

    Raises:
        ChangedMeanwhileError: when there is a later change than the form was drawn from.
    """
    if base_of(form) != last:
        raise ChangedMeanwhileError("the incident was changed meanwhile")


def adopt(
    form: Form, changes: Sequence[IncidentChange], current: Mapping[str, str], known: Known
) -> list[Seen]:
    """Bring a form up to what changed since it was drawn; return what that was, oldest first.

    *changes* are those after the form's base, *current* is what a fresh form would show. A field that was
    typed into keeps what was typed, and says what stands there now; every other takes its new value.
    """
    before = _as_shown(values_before([_really_changed(one) for one in changes]), known)
    for one in form.inputs:
        if one.name not in current or one.name == "base" or one.name not in before:
            continue
        was, typed, now = before[one.name], one_break(form.value(one.name)), current[one.name]
        if typed == was:
            form.values[one.name] = now
        elif typed != now:
            form.fault(one.name, say("别人已改为：{value}。保留的是您填的内容", value=_said(one, now)))
    form.values["base"] = current["base"]
    return seen_of(changes, known)


def seen_of(changes: Sequence[IncidentChange], known: Known) -> list[Seen]:
    """Return what these changes were, by whom and when."""
    tongue = known.tongue()
    return [
        Seen(
            words.bracketed(
                colon(CHANGES[one.kind], one.reason), f"{words.actor(one.actor)} {tongue.time(one.at)}"
            ),
            tongue.became(one.before, one.after) if one.kind != "logged" else "",
        )
        for one in changes
    ]


def _really_changed(change: IncidentChange) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what a change changed, element by element: they are stored together."""
    before, after = flat(change.before), flat(change.after)
    names = {*before, *after}
    written = {name: before.get(name, "") for name in names}, {name: after.get(name, "") for name in names}
    changed = [name for name in names if written[0][name] != written[1][name]]
    return {name: written[0][name] for name in changed}, {name: written[1][name] for name in changed}


def _as_shown(values: Mapping[str, Any], known: Known) -> dict[str, str]:
    """Return stored values under the names of the inputs, as a form has them."""
    found = {name: known.shown(name, value) for name, value in values.items() if name != "unit_id"}
    if "unit_id" in values:
        found["unit"] = known.shown("unit", values["unit_id"])
    if "grade_confirmed" in values:
        found["confirmed"] = found["grade_confirmed"]
    return found


def _said(one: Input, value: str) -> str:
    """Return a form's value as a person reads it."""
    if one.kind == "tick":
        return say("是") if value else say("否")
    if one.kind == "choice":
        return say(dict(one.choices).get(value, value))
    return value.replace("T", " ") if one.kind == "moment" else (value or say("空"))

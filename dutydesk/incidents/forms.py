"""The forms by which an operator does things to an incident: their fields, and what they mean to the actions."""

from collections.abc import Sequence
from datetime import datetime, tzinfo
from typing import Any

from dutydesk.errors import InvalidInputError
from dutydesk.incidents.actions import NewIncident
from dutydesk.incidents.model import Incident
from dutydesk.incidents.reporting import NewReport
from dutydesk.incidents.rules import time_faults
from dutydesk.incidents.views import (
    CompleteIn,
    CorrectIn,
    IncidentIn,
    ReasonIn,
    RegradeIn,
    ReportIn,
    TakeOverIn,
)
from dutydesk.people.numbers import parse_number
from dutydesk.people.rules import Unit
from dutydesk.web import words
from dutydesk.web.forms import Form, Input
from dutydesk.web.words import sentence

_GRADES = tuple(words.GRADES.items())
_CATEGORIES = tuple(words.CATEGORIES.items())
_KINDS = tuple(words.OCCURRED_KINDS.items())
_WHY = Input("reason", "理由", "lines", required=True, longest=1000)
# One key for one intention: a form sent twice does its work once.
ONCE = Input("once", "", "hidden")


def local(moment: datetime | None, zone: tzinfo) -> str:
    """Return an instant as a form shows it."""
    return "" if moment is None else f"{moment.astimezone(zone):%Y-%m-%dT%H:%M:%S}"


def _numbered(text: str) -> str:
    """Return a number in E.164 where it can be read as one, else as it was typed: nothing is refused at 3 a.m."""
    if not text:
        return ""
    try:
        return parse_number(text)
    except InvalidInputError:
        return text


def incident_inputs(units: Sequence[Unit]) -> tuple[Input, ...]:
    """Return the form of a new incident: what decides the clocks comes first."""
    named = (("", "请选择"), *((unit.code, unit.name) for unit in units))
    return (
        Input("title", "事件（一句话）", required=True, longest=200),
        Input("unit", "事发单位", "choice", required=True, choices=named),
        Input("occurred_at", "事发时间", "moment", hint="时限从事发时间起算"),
        Input("occurred_at_kind", "事发时间是否准确", "choice", choices=_KINDS),
        Input("place", "地点"),
        Input("grade", "级别", "choice", choices=_GRADES, hint="待定级按疑似重大计时"),
        Input("suspected", "疑似重大以上", "tick"),
        Input("sensitive", "涉敏感时期、敏感地区或敏感群体", "tick"),
        Input("category", "类别", "choice", choices=_CATEGORIES),
        Input("received_at", "接报时间", "moment", required=True),
        Input("learned_at", "单位知悉时间", "moment"),
        Input("source", "信息来源", hint="单位或个人"),
        Input(
            "narrative",
            "简要情况",
            "lines",
            longest=20_000,
            hint="伤亡、影响、已采取措施；不清楚的写“待核实”",
        ),
        Input(
            "is_phone_report",
            "这次来电就是事发单位的电话报告",
            "tick",
            hint="勾选后，首报（电话）按接报时间判定，不再催报",
        ),
        Input("reporter", "报告人"),
        Input("reporter_phone", "来电号码"),
        Input("drill", "演练", "tick", hint="单独编号，不计入统计"),
        ONCE,
    )


def new_incident(form: Form, units: Sequence[Unit], zone: tzinfo, now: datetime) -> NewIncident | None:
    """Return the incident that was typed, or None with the faults on the form."""
    form.check_required()
    ids = {unit.code: unit.id for unit in units}
    if form.value("unit") and form.value("unit") not in ids:
        form.fault("unit", "没有这个单位")
    said = form.value("reporter") or form.value("reporter_phone")
    if said and not form.ticked("is_phone_report"):
        form.fault("is_phone_report", "填写了报告人：是电话报告请勾选，不是请清空报告人")
    moments = {name: form.moment(name, zone) for name in ("occurred_at", "learned_at", "received_at")}
    texts = {name: form.value(name) for name in ("title", "unit", "place", "source", "narrative")}
    choices = {name: form.value(name) for name in ("category", "grade", "occurred_at_kind")}
    ticks = {name: form.ticked(name) for name in ("suspected", "sensitive", "drill")}
    report = {"kind": "phone", "reported_at": moments["received_at"]} | _reporter(form)
    contradictions = time_faults(
        occurred_at=moments["occurred_at"],
        kind=choices["occurred_at_kind"],
        learned_at=moments["learned_at"],
        received_at=moments["received_at"] or now,
        now=now,
    )
    for name, text in contradictions:
        form.fault(name, sentence(text))
    body = form.check(IncidentIn, {**moments, **texts, **choices, **ticks})
    told = form.check(ReportIn, report)
    if form.faults or body is None or told is None:
        return None
    given = body.model_dump(exclude={"unit", "reports"})
    reports = (_report(told),) if form.ticked("is_phone_report") else ()
    return NewIncident(unit_id=ids[body.unit], reports=reports, **given)


def _reporter(form: Form) -> dict[str, Any]:
    return {"reporter": form.value("reporter"), "reporter_phone": form.value("reporter_phone")}


def _report(body: ReportIn) -> NewReport:
    return NewReport(body.kind, body.reported_at, body.reporter, _numbered(body.reporter_phone), body.content)


REPORT = (
    Input("kind", "种类", "choice", required=True, choices=tuple(words.REPORTS.items())),
    Input(
        "reported_at",
        "报告时间",
        "moment",
        required=True,
        hint="电话为通话时间，书面为收到时间；早于登记10分钟以上的为补录",
    ),
    Input("reporter", "报告人", hint="不知道可先空着，稍后补全"),
    Input("reporter_phone", "来电号码"),
    Input("content", "内容", "lines", longest=20_000),
    ONCE,
)


def new_report(form: Form, zone: tzinfo) -> NewReport | None:
    """Return the report that was typed, or None with the faults on the form."""
    form.check_required()
    given = {name: form.value(name) for name in ("kind", "content")} | _reporter(form)
    body = form.check(ReportIn, given | {"reported_at": form.moment("reported_at", zone)})
    return None if form.faults or body is None else _report(body)


WITHDRAW = (_WHY,)
END = (_WHY,)
REINSTATE = (_WHY,)


def why(form: Form) -> str | None:
    """Return the reason that was typed, or None with the fault on the form."""
    form.check_required()
    body = form.check(ReasonIn, {"reason": form.value("reason")})
    return None if form.faults or body is None else body.reason


REGRADE = (
    Input("grade", "级别", "choice", required=True, choices=_GRADES),
    Input("suspected", "疑似重大以上", "tick"),
    Input("sensitive", "涉敏感时期、敏感地区或敏感群体", "tick"),
    Input("confirmed", "已经核定", "tick"),
    Input("leader", "决定的领导", hint="变动会停止计时的，必须填写", longest=50),
    _WHY,
)


def regrading(form: Form) -> RegradeIn | None:
    """Return the regrade that was typed, or None with the faults on the form."""
    form.check_required()
    ticks = {name: form.ticked(name) for name in ("suspected", "sensitive", "confirmed")}
    texts = {name: form.value(name) for name in ("grade", "leader", "reason")}
    body = form.check(RegradeIn, {**texts, **ticks})
    return None if form.faults else body


CORRECT = (
    Input("title", "事件（一句话）", required=True, longest=200),
    Input("occurred_at", "事发时间", "moment", hint="更正后，由它起算的到期时间随之变动"),
    Input("occurred_at_kind", "事发时间是否准确", "choice", choices=_KINDS),
    Input("learned_at", "单位知悉时间", "moment"),
    Input("received_at", "接报时间", "moment", required=True),
    Input("place", "地点"),
    _WHY,
)
_CORRECTED_TIMES = ("occurred_at", "learned_at", "received_at")
_CORRECTED_TEXTS = ("title", "occurred_at_kind", "place")


def as_it_is(row: Incident, zone: tzinfo) -> dict[str, str]:
    """Return what stands in the correction's form before anything is typed."""
    return {name: local(getattr(row, name), zone) for name in _CORRECTED_TIMES} | {
        name: str(getattr(row, name)) for name in _CORRECTED_TEXTS
    }


def corrections(form: Form, row: Incident, zone: tzinfo) -> tuple[dict[str, Any], str] | None:
    """Return only the values that were changed, with the reason; or None with the faults on the form."""
    form.check_required()
    before = as_it_is(row, zone)
    moments = {name: form.moment(name, zone) for name in _CORRECTED_TIMES}
    texts = {name: form.value(name) for name in _CORRECTED_TEXTS}
    body = form.check(CorrectIn, moments | texts | {"reason": form.value("reason")})
    if form.faults or body is None:
        return None
    # The form shows whole seconds: an untouched field must not cut the fraction off what is stored.
    changed = {name: getattr(body, name) for name in before if form.value(name) != before[name]}
    if not changed:
        form.fault("", "没有改动")
        return None
    return changed, body.reason


TAKE_OVER = (
    Input("who", "由谁接管", required=True, hint="姓名和职务", longest=50),
    Input(
        "reason", "理由", "lines", required=True, longest=1000, hint="例如：已与该单位负责人通话，正在核实"
    ),
    Input("next_check_at", "何时复核", "moment", required=True, hint="到时仍无报告，重新提醒"),
)


def taking_over(form: Form, zone: tzinfo) -> TakeOverIn | None:
    """Return who takes over, why and until when; or None with the faults on the form."""
    form.check_required()
    moment = form.moment("next_check_at", zone)
    if form.faults or moment is None:
        return None
    body = form.check(
        TakeOverIn, {"who": form.value("who"), "reason": form.value("reason"), "next_check_at": moment}
    )
    return None if form.faults else body


ENTRY = (
    Input("at", "办结时间", "moment", required=True),
    Input(
        "reason", "怎样办结的", required=True, hint="例如：14时20分电话报市委值班室，李××接报", longest=200
    ),
)


def entry(form: Form, zone: tzinfo) -> tuple[datetime, str] | None:
    """Return when and how a duty was done; or None with the faults on the form."""
    form.check_required()
    at = form.moment("at", zone)
    body = form.check(ReasonIn, {"reason": form.value("reason")})
    return None if form.faults or at is None or body is None else (at, body.reason)


COMPLETE = (
    Input("reporter", "报告人", required=True, longest=50),
    Input("reporter_phone", "来电号码", required=True),
)


def completion(form: Form) -> tuple[str, str] | None:
    """Return who called and from where; or None with the faults on the form."""
    form.check_required()
    body = form.check(CompleteIn, _reporter(form))
    return None if form.faults or body is None else (body.reporter, _numbered(body.reporter_phone))

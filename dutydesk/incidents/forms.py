"""The forms by which an operator does things to an incident: their fields, and what they mean to the actions."""

from collections.abc import Sequence
from datetime import datetime, tzinfo
from typing import Any

from dutydesk.accounts.rules import Actor
from dutydesk.errors import InvalidInputError
from dutydesk.incidents.actions import NewIncident
from dutydesk.incidents.casualties import counts_of
from dutydesk.incidents.model import Casualties, Incident
from dutydesk.incidents.reporting import NewReport
from dutydesk.incidents.rules import COUNTS, time_faults
from dutydesk.incidents.views import (
    CasualtiesIn,
    CompleteIn,
    IncidentIn,
    MergeIn,
    ReasonIn,
    ReportIn,
    TakeOverIn,
)
from dutydesk.people.numbers import parse_number
from dutydesk.people.rules import Unit
from dutydesk.web import words
from dutydesk.web.forms import Form, Input
from dutydesk.web.sentences import sentence

_GRADES = tuple(words.GRADES.items())
_CATEGORIES = tuple(words.CATEGORIES.items())
_KINDS = tuple(words.OCCURRED_KINDS.items())
WHY = Input("reason", "理由", "lines", required=True, longest=1000)
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


_FILED = ("written", "follow_up", "final", "verification")


def report_inputs(actor: Actor) -> tuple[Input, ...]:
    """Return the form of a report; a unit files what counts at its receipt, the desk says when it was told."""
    content = Input("content", "内容", "lines", longest=20_000, required=actor.role == "unit")
    reporter = Input("reporter", "报告人", hint="不知道可先空着，稍后补全")
    if actor.role == "unit":
        kinds = tuple((kind, words.REPORTS[kind]) for kind in _FILED)
        return (
            Input("kind", "种类", "choice", required=True, choices=kinds),
            Input("reporter", "报告人"),
            Input("reporter_phone", "联系电话"),
            content,
            ONCE,
        )
    when = "电话为通话时间，书面为收到时间；早于登记10分钟以上的为补录"
    return (
        Input("kind", "种类", "choice", required=True, choices=tuple(words.REPORTS.items())),
        Input("reported_at", "报告时间", "moment", required=True, hint=when),
        reporter,
        Input("reporter_phone", "来电号码"),
        content,
        ONCE,
    )


def new_report(form: Form, zone: tzinfo) -> NewReport | None:
    """Return the report that was typed, or None with the faults on the form."""
    form.check_required()
    given = {name: form.value(name) for name in ("kind", "content")} | _reporter(form)
    if not any(
        value == given["kind"] for one in form.inputs if one.name == "kind" for value, _ in one.choices
    ):
        form.fault("kind", "请选择")
    body = form.check(ReportIn, given | {"reported_at": form.moment("reported_at", zone)})
    return None if form.faults or body is None else _report(body)


BY_REASON = (WHY,)


def why(form: Form) -> str | None:
    """Return the reason that was typed, or None with the fault on the form."""
    form.check_required()
    body = form.check(ReasonIn, {"reason": form.value("reason")})
    return None if form.faults or body is None else body.reason


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


def merge_inputs(others: Sequence[Incident]) -> tuple[Input, ...]:
    """Return the form of a merge: the survivor among the incidents that still run."""
    named = (("", "请选择"), *((one.number, f"{one.number} {one.title}") for one in others))
    hint = "保留的一起继续计时，本事件归并到它" if others else "没有可以归并到的事件"
    return (Input("into", "归并到", "choice", required=True, choices=named, hint=hint), WHY)


def merging(form: Form) -> tuple[str, str] | None:
    """Return the survivor's number and the reason; or None with the faults on the form."""
    form.check_required()
    known = {value for one in form.inputs if one.name == "into" for value, _ in one.choices}
    if form.value("into") and form.value("into") not in known:
        form.fault("into", "没有这一事件，或它已不在处置")
    body = form.check(MergeIn, {"into": form.value("into"), "reason": form.value("reason")})
    return None if form.faults or body is None else (body.into, body.reason)


COUNT = (
    Input("as_of", "截至时间", "moment", required=True, hint="这些人数是截至什么时间的"),
    *(Input(name, label, longest=8) for name, label in COUNTS),
    Input("note", "说明", hint="例如：据120现场通报；伤者送市第一医院"),
    ONCE,
)


def count_values(last: Casualties | None, now: datetime, zone: tzinfo) -> dict[str, str]:
    """Return what stands in the form of a count: the numbers as last known, as of now."""
    return {name: str(value) for name, value in counts_of(last).items()} | {"as_of": local(now, zone)}


def counted(form: Form, zone: tzinfo) -> tuple[datetime, dict[str, int], str] | None:
    """Return as of when how many people; or None with the faults on the form. An empty field is none."""
    form.check_required()
    as_of = form.moment("as_of", zone)
    counts: dict[str, int] = {}
    for name, _ in COUNTS:
        said = form.value(name) or "0"
        if said.isascii() and said.isdigit():
            counts[name] = int(said)
        else:
            form.fault(name, "请填写0或正整数")
    if form.faults or as_of is None:
        return None
    body = form.check(CasualtiesIn, {**counts, "as_of": as_of, "note": form.value("note")})
    if form.faults or body is None:
        return None
    return body.as_of, counts, body.note

"""Everything that happened about an incident, in order, in plain Chinese."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any

from dutydesk.alerts import queries as alert_queries
from dutydesk.alerts.queries import Told
from dutydesk.db import Session
from dutydesk.incidents import queries
from dutydesk.incidents.model import Incident, IncidentChange, Report
from dutydesk.obligations import queries as owed_queries
from dutydesk.obligations.model import NoReport, Obligation, Verdict
from dutydesk.obligations.rules import minutes_late
from dutydesk.people.queries import people_by_id
from dutydesk.web import words
from dutydesk.web.site import Site

CHANGES = {
    "logged": "事件登记",
    "corrected": "更正",
    "regraded": "级别变动",
    "withdrawn": "撤回",
    "reinstated": "恢复",
    "merged": "归并",
    "ended": "处置结束",
}
FIELDS = {
    "title": "标题",
    "category": "类别",
    "grade": "级别",
    "grade_confirmed": "级别已确认",
    "suspected": "疑似重大",
    "sensitive": "敏感",
    "unit_id": "单位",
    "occurred_at": "事发时间",
    "occurred_at_kind": "事发时间准确程度",
    "learned_at": "知悉时间",
    "received_at": "接报时间",
    "place": "地点",
    "source": "信息来源",
    "narrative": "经过",
    "state": "状态",
    "merged_into_id": "归并到",
    "ended_at": "处置结束时间",
    "ever_major": "曾按重大计时",
}
VALUES = words.GRADES | words.CATEGORIES | words.OCCURRED_KINDS | words.INCIDENT_STATES
CAUSES = {
    "REPORT_PHONE": "电话报告",
    "REPORT_WRITTEN": "书面报告",
    "REPORT_FOLLOW_UP": "续报",
    "REPORT_FINAL": "终报",
    "BASE_CHANGED": "起算时间确认",
    "CLOCK_CONFIRMED": "时钟已确认",
    "REINSTATED": "恢复计时",
    "VOIDED": "报告作废",
}
OUTCOMES = {
    "key": "已按键确认",
    "passed_on": "按9转交",
    "no_key": "未按键",
    "delivered": "已送达",
    "undelivered": "未送达",
    "provider_fault": "通道故障",
    "contact_fault": "号码不可用",
    "our_fault": "本系统故障",
    "unknown": "结果不明",
    "cancelled": "已取消",
}


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that happened."""

    at: datetime
    kind: str
    text: str
    detail: str = ""


async def timeline(session: Session, row: Incident, site: Site) -> list[Line]:
    """Return everything that happened about an incident, oldest first; times inside the texts are site time."""
    obligations = {one.id or 0: one for one in await owed_queries.obligations_of(session, row.id or 0)}
    told = await alert_queries.told(session, numbers=[row.number], limit=5000)
    named = {one.alert.person_id for one in told if one.alert.person_id is not None}
    names = {person.id: person.name for person in (await people_by_id(session, named)).values()}
    zone = site.zone
    lines = [
        line for change in await queries.changes_of(session, row.id or 0) for line in _change(change, zone)
    ]
    for report in await queries.reports_of(session, row.id or 0):
        lines += _report(report, zone)
    lines += [_opened(one, zone) for one in obligations.values()]
    for fact in await owed_queries.no_reports_of(session, obligations.keys()):
        lines.append(_no_report(fact, obligations[fact.obligation_id], zone))
    for verdict in await owed_queries.verdicts_of(session, obligations.keys()):
        lines.append(_verdict(verdict, obligations[verdict.obligation_id], site))
    for one in told:
        lines += _told(one, names, site)
    return sorted(lines, key=lambda line: line.at)


def _time(moment: datetime | None, zone: tzinfo) -> str:
    return "" if moment is None else moment.astimezone(zone).strftime("%m-%d %H:%M:%S")


def _value(value: Any, zone: tzinfo) -> str:
    """Return a field's value as a person reads it."""
    if value is None or value == "":
        return "空"
    if isinstance(value, bool):
        return "是" if value else "否"
    text = str(value)
    try:
        return _time(datetime.fromisoformat(text), zone) if "T" in text else VALUES.get(text, text)
    except ValueError:
        return text


def _change(change: IncidentChange, zone: tzinfo) -> Iterator[Line]:
    changed = {} if change.kind == "logged" else change.after
    detail = "；".join(
        f"{FIELDS.get(name, name)}：{_value(change.before.get(name), zone)} → {_value(value, zone)}"
        for name, value in changed.items()
    )
    reason = f"：{change.reason}" if change.reason else ""
    text = f"{CHANGES[change.kind]}{reason}（{words.actor(change.actor)}）"
    yield Line(change.at, f"incident.{change.kind}", text, detail)


def _report(report: Report, zone: tzinfo) -> Iterator[Line]:
    name = words.REPORTS[report.kind] + (str(report.sequence) if report.kind == "follow_up" else "")
    mark = "，补录" if report.late_entry else ""
    told = f"报告时间 {_time(report.reported_at, zone)}"
    detail = " ".join(part for part in (report.reporter, report.reporter_phone, told) if part)
    text = f"{name}已登记（{words.actor(report.logged_by)}{mark}）"
    yield Line(report.logged_at, f"report.{report.kind}", text, detail)
    if report.checked_at is not None:
        yield Line(report.checked_at, "report.checked", f"{name}补录时间已核对（{report.checked_by}）")
    if report.voided_at is not None:
        text = f"{name}作废：{report.void_reason}（{words.actor(report.voided_by or '')}）"
        yield Line(report.voided_at, "report.voided", text)


def _opened(row: Obligation, zone: tzinfo) -> Line:
    due = "不计时" if row.due_at is None else f"到期 {_time(row.due_at, zone)}"
    return Line(row.opened_at, "obligation.opened", f"{row.article} {row.title}", due)


def _no_report(fact: NoReport, row: Obligation, zone: tzinfo) -> Line:
    detail = f"到期 {_time(fact.due_at, zone)}"
    return Line(fact.noticed_at, "obligation.no_report", f"{row.title}到期未收到", detail)


def _verdict(verdict: Verdict, row: Obligation, site: Site) -> Line:
    late = f" {minutes_late(verdict.late_seconds)}分钟" if verdict.late_seconds else ""
    mark = "（待核）" if verdict.provisional else ""
    text = f"{row.title}：{words.VERDICTS[verdict.value]}{late}{mark}"
    detail = f"第{verdict.version}版 {_cause(verdict.cause, site)} {verdict.reason}".strip()
    return Line(verdict.decided_at, "verdict", text, detail)


def _cause(cause: str, site: Site) -> str:
    if cause.startswith("ENTRY:"):
        return f"登记办结：{cause.removeprefix('ENTRY:')}"
    return CAUSES.get(cause) or _reason(cause, site)


def _reason(reason: str | None, site: Site) -> str:
    return site.rulebook.wording.texts.get(f"reason.{reason}", reason or "")


def _told(one: Told, names: dict[int, str], site: Site) -> Iterator[Line]:
    alert = one.alert
    who = names.get(alert.person_id or 0) or (alert.phone or "值班台")
    channel = words.CHANNELS[alert.channel]
    why = f"{words.target(alert.target)}：{_reason(alert.reason, site)}"
    yield Line(alert.created_at, "alert.queued", f"{channel}告知 {who}", why)
    for attempt in one.attempts:
        if attempt.channel == "screen":
            continue
        yield Line(attempt.claimed_at, "attempt.claimed", f"{channel} {who}", attempt.to_number)
        if attempt.answered_at is not None:
            yield Line(attempt.answered_at, "attempt.answered", f"{who} 已接听")
        if attempt.ended_at is not None and attempt.outcome is not None:
            text = f"{channel} {who}：{OUTCOMES[attempt.outcome]}"
            yield Line(attempt.ended_at, f"attempt.{attempt.outcome}", text, attempt.error_code or "")
    for proof in one.acknowledgements:
        mark = "" if proof.on_seat else "（已不在席位，仅作记录）"
        yield Line(proof.at, "acknowledged", f"{who} 已确认{mark}", proof.how)
    if alert.cancelled_at is not None:
        reason = _reason(alert.cancel_reason, site)
        yield Line(alert.cancelled_at, "alert.cancelled", f"{channel}告知 {who} 取消", reason)

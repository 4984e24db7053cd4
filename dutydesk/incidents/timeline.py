"""Everything that happened about an incident, in order, in plain Chinese."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from dutydesk.alerts import queries as alert_queries
from dutydesk.alerts.queries import Told
from dutydesk.db import Session
from dutydesk.incidents import queries
from dutydesk.incidents.model import Incident, IncidentChange, Report
from dutydesk.obligations import queries as owed_queries
from dutydesk.obligations.model import NoReport, Obligation, Verdict
from dutydesk.obligations.rules import minutes_late
from dutydesk.people.queries import people_by_id
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
REPORTS = {
    "phone": "电话报告",
    "written": "书面报告",
    "follow_up": "续报",
    "final": "终报",
    "verification": "核报",
}
CHANNELS = {"screen": "值班台", "sms": "短信", "voice": "电话"}
VERDICTS = {
    "on_time": "按时",
    "late": "迟报",
    "waived": "免除",
    "withdrawn": "不再计时",
    "reopened": "重新计时",
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
    """Return everything that happened about an incident, oldest first."""
    obligations = {one.id or 0: one for one in await owed_queries.obligations_of(session, row.id or 0)}
    told = await alert_queries.told(session, numbers=[row.number], limit=5000)
    names = {
        person.id: person.name
        for person in (
            await people_by_id(
                session, {one.alert.person_id for one in told if one.alert.person_id is not None}
            )
        ).values()
    }
    lines: list[Line] = []
    lines += [line for change in await queries.changes_of(session, row.id or 0) for line in _change(change)]
    lines += [line for report in await queries.reports_of(session, row.id or 0) for line in _report(report)]
    lines += [_opened(one) for one in obligations.values()]
    for fact in await owed_queries.no_reports_of(session, obligations.keys()):
        lines.append(_no_report(fact, obligations[fact.obligation_id]))
    for verdict in await owed_queries.verdicts_of(session, obligations.keys()):
        lines.append(_verdict(verdict, obligations[verdict.obligation_id]))
    for one in told:
        lines += _told(one, names, site)
    return sorted(lines, key=lambda line: line.at)


def _change(change: IncidentChange) -> Iterator[Line]:
    detail = (
        ""
        if change.kind == "logged"
        else ";".join(f"{name}: {change.before.get(name)} → {value}" for name, value in change.after.items())
    )
    text = CHANGES[change.kind] + (f":{change.reason}" if change.reason else "")
    yield Line(change.at, f"incident.{change.kind}", f"{text}({change.actor})", detail)


def _report(report: Report) -> Iterator[Line]:
    name = REPORTS[report.kind] + (str(report.sequence) if report.kind == "follow_up" else "")
    mark = "(补录)" if report.late_entry else ""
    who = " ".join(part for part in (report.reporter, report.reporter_phone) if part)
    told = report.reported_at.isoformat()
    yield Line(
        report.logged_at,
        f"report.{report.kind}",
        f"{name}已登记{mark}({report.logged_by})",
        f"{who} {told}".strip(),
    )
    if report.checked_at is not None:
        yield Line(report.checked_at, "report.checked", f"{name}补录时间已核对({report.checked_by})")
    if report.voided_at is not None:
        yield Line(report.voided_at, "report.voided", f"{name}作废:{report.void_reason}({report.voided_by})")


def _opened(row: Obligation) -> Line:
    due = "不计时" if row.due_at is None else f"到期 {row.due_at.isoformat()}"
    return Line(row.opened_at, "obligation.opened", f"{row.article} {row.title}", due)


def _no_report(fact: NoReport, row: Obligation) -> Line:
    return Line(fact.noticed_at, "obligation.no_report", f"{row.title}到期未收到", fact.due_at.isoformat())


def _verdict(verdict: Verdict, row: Obligation) -> Line:
    late = f" {minutes_late(verdict.late_seconds)}分钟" if verdict.late_seconds else ""
    mark = "(待核)" if verdict.provisional else ""
    return Line(
        verdict.decided_at,
        "verdict",
        f"{row.title}:{VERDICTS[verdict.value]}{late}{mark}",
        f"第{verdict.version}版 {verdict.cause} {verdict.reason}".strip(),
    )


def _told(one: Told, names: dict[int, str], site: Site) -> Iterator[Line]:
    alert = one.alert
    who = names.get(alert.person_id or 0) or (alert.phone or "值班台")
    channel = CHANNELS[alert.channel]
    why = site.rulebook.wording.texts.get(f"reason.{alert.reason}", alert.reason)
    yield Line(alert.created_at, "alert.queued", f"{channel}告知 {who}", f"{alert.target} {why}")
    for attempt in one.attempts:
        if attempt.channel == "screen":
            continue
        yield Line(attempt.claimed_at, "attempt.claimed", f"{channel} {who}", attempt.provider)
        if attempt.answered_at is not None:
            yield Line(attempt.answered_at, "attempt.answered", f"{who} 已接听")
        if attempt.ended_at is not None and attempt.outcome is not None:
            yield Line(
                attempt.ended_at,
                f"attempt.{attempt.outcome}",
                f"{channel} {who}:{OUTCOMES[attempt.outcome]}",
                " ".join(part for part in (attempt.error_code, attempt.error_text) if part),
            )
    for proof in one.acknowledgements:
        mark = "" if proof.on_seat else "(已不在席位,仅作记录)"
        yield Line(proof.at, "acknowledged", f"{who} 已确认{mark}", proof.how)
    if alert.cancelled_at is not None:
        reason = site.rulebook.wording.texts.get(f"reason.{alert.cancel_reason}", alert.cancel_reason or "")
        yield Line(alert.cancelled_at, "alert.cancelled", f"{channel}告知 {who} 取消", reason)

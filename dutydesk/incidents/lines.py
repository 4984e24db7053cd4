"""The lines of a timeline: what each thing that happened is called, with what it was and what it became. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any

from dutydesk.alerts.model import ADOPTED, Attempt
from dutydesk.alerts.queries import Told
from dutydesk.incidents.casualties import Counted
from dutydesk.incidents.model import Attachment, IncidentChange, Report
from dutydesk.incidents.rules import COUNTS, ELEMENTS
from dutydesk.obligations.model import NoReport, Obligation, Verdict
from dutydesk.obligations.rules import minutes_late
from dutydesk.web import words
from dutydesk.web.languages import say

# What a timeline can be narrowed to, with the kinds of lines that belong there.
GROUPS = {
    "incident": "事件变动",
    "report": "报告",
    "owed": "时限与判定",
    "told": "告知与应答",
    "log": "批示与通话",
    "casualties": "伤亡",
    "attachment": "附件",
    "paper": "专报快报",
}
_GROUP_OF = {
    "obligation": "owed",
    "verdict": "owed",
    "clock": "owed",
    "alert": "told",
    "attempt": "told",
    "acknowledged": "told",
}
CHANGES = {
    "logged": "事件登记",
    "corrected": "事件更正",
    "regraded": "级别变动",
    "withdrawn": "事件撤回",
    "reinstated": "事件恢复",
    "merged": "事件归并",
    "ended": "处置结束",
}
FIELDS = dict(ELEMENTS) | {
    "title": "标题",
    "category": "类别",
    "grade": "级别",
    "grade_confirmed": "级别已核定",
    "suspected": "疑似重大以上",
    "sensitive": "敏感",
    "unit_id": "事发单位",
    "occurred_at_kind": "事发时间准确程度",
    "learned_at": "单位知悉时间",
    "state": "状态",
    "merged_into_id": "归并到",
    "ended_at": "处置结束时间",
    "ever_major": "曾按重大计时",
}
_VALUES = words.GRADES | words.CATEGORIES | words.OCCURRED_KINDS | words.INCIDENT_STATES
_COUNTED = dict(COUNTS)
_CAUSES = {
    "REPORT_PHONE": "电话报告",
    "REPORT_WRITTEN": "书面报告",
    "REPORT_FOLLOW_UP": "续报",
    "REPORT_FINAL": "终报",
    "BASE_CHANGED": "起算时间确认",
    "CLOCK_CONFIRMED": "时钟已确认",
    "REINSTATED": "恢复计时",
    "VOIDED": "报告作废",
}
_OUTCOMES = {
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

    @property
    def group(self) -> str:
        """Return which of GROUPS it belongs to."""
        first = self.kind.partition(".")[0]
        return _GROUP_OF.get(first, first)


@dataclass(frozen=True, slots=True)
class Tongue:
    """How lines are worded: times of the site, names by id, the rulebook's reasons, and for whom.

    With *reader* (a unit contact's own name) whoever else did something is the duty room, unnamed.
    """

    zone: tzinfo
    texts: Mapping[str, str]
    units: Mapping[int, str]
    incidents: Mapping[int, str]
    people: Mapping[int, str]
    reader: str | None = None

    def time(self, moment: datetime | None) -> str:
        """Return an instant as a line tells it."""
        return "" if moment is None else moment.astimezone(self.zone).strftime("%m-%d %H:%M:%S")

    def who(self, name: str | None) -> str:
        """Return who did something."""
        if self.reader is not None and name != self.reader:
            return say("值班室")
        return words.actor(name or "")

    def reason(self, code: str | None) -> str:
        """Return a decision's reason in plain words."""
        return words.reason(self.texts, code)

    def value(self, name: str, value: Any) -> str:
        """Return a field's value as a person reads it."""
        if value is None or value == "":
            return say("空")
        if isinstance(value, bool):
            return say("是") if value else say("否")
        named = {"unit_id": self.units, "merged_into_id": self.incidents}.get(name)
        if named is not None:
            return named.get(value, str(value))
        text = str(value)
        if name.endswith("_at"):
            return self.time(datetime.fromisoformat(text))
        return (
            say(_VALUES.get(text, text))
            if name in {"grade", "category", "occurred_at_kind", "state"}
            else text
        )

    def became(self, before: Mapping[str, Any], after: Mapping[str, Any]) -> str:
        """Return every field that changed with what it was and what it is: 地点：空 → 二号楼."""
        old, new = flat(before), flat(after)
        return say("；").join(
            colon(FIELDS.get(name, name), f"{self.value(name, old.get(name))} → {self.value(name, value)}")
            for name, value in new.items()
            if old.get(name) != value and not (not value and not old.get(name))
        )


def flat(values: Mapping[str, Any]) -> dict[str, Any]:
    """Put the elements beside the columns: each is a field of its own to whoever reads."""
    written = values.get("elements")
    return {name: value for name, value in values.items() if name != "elements"} | dict(written or {})


def colon(text: str, more: str) -> str:
    """Return one of our words with what it says of itself behind a colon."""
    return say("{text}：{more}", text=say(text), more=more) if more else say(text)


def change_lines(change: IncidentChange, tongue: Tongue) -> Iterator[Line]:
    """Yield what was done to the incident."""
    detail = "" if change.kind == "logged" else tongue.became(change.before, change.after)
    text = words.bracketed(colon(CHANGES[change.kind], change.reason), tongue.who(change.actor))
    yield Line(change.at, f"incident.{change.kind}", text, detail)


def report_lines(report: Report, checked: str, elsewhere: str, tongue: Tongue) -> Iterator[Line]:
    """Yield a report with its check and its end; *elsewhere* is the number of a merged incident it came to."""
    name = words.report(report.kind, report.sequence)
    if elsewhere:
        name = f"{elsewhere} {name}"
    told = say("报告时间 {time}", time=tongue.time(report.reported_at))
    detail = " ".join(part for part in (report.reporter, report.reporter_phone, told) if part)
    logged = "{report}已登记（{who}，补录）" if report.late_entry else "{report}已登记（{who}）"
    text = say(logged, report=name, who=tongue.who(report.logged_by))
    yield Line(report.logged_at, f"report.{report.kind}", text, detail)
    if report.checked_at is not None:
        text = say("{report}补录时间已核对（{who}）", report=name, who=tongue.who(report.checked_by))
        yield Line(report.checked_at, "report.checked", text, checked)
    if report.voided_at is not None:
        who = tongue.who(report.voided_by)
        text = words.bracketed(colon(say("{report}作废", report=name), report.void_reason or ""), who)
        yield Line(report.voided_at, "report.voided", text)


def opened_line(row: Obligation, tongue: Tongue) -> Line:
    """Return that a duty began."""
    due = say("不计时") if row.due_at is None else say("到期 {time}", time=tongue.time(row.due_at))
    return Line(row.opened_at, "obligation.opened", f"{say(row.article)} {words.duty(row.title)}", due)


def no_report_line(fact: NoReport, row: Obligation, tongue: Tongue) -> Line:
    """Return that a due time passed without evidence."""
    detail = say("到期 {time}", time=tongue.time(fact.due_at))
    text = say("{report}到期未收到", report=words.duty(row.title))
    return Line(fact.noticed_at, "obligation.no_report", text, detail)


def verdict_line(verdict: Verdict, row: Obligation, tongue: Tongue) -> Line:
    """Return one version of a verdict."""
    judged = say(words.VERDICTS[verdict.value])
    if verdict.late_seconds:
        late = minutes_late(verdict.late_seconds)
        judged = say("{verdict} {minutes}分钟", verdict=judged, minutes=late)
    text = words.bracketed(colon(words.duty(row.title), judged), say("待核") if verdict.provisional else "")
    version = say("第{version}版", version=verdict.version)
    parts = (version, _cause(verdict.cause, tongue), verdict.reason, tongue.who(verdict.decided_by))
    return Line(verdict.decided_at, "verdict", text, " ".join(part for part in parts if part))


def _cause(cause: str, tongue: Tongue) -> str:
    if cause.startswith("ENTRY:"):
        return say("登记办结：{how}", how=cause.removeprefix("ENTRY:"))
    return say(_CAUSES.get(cause, "")) or tongue.reason(cause)


def told_lines(one: Told, tongue: Tongue, seen: set[int]) -> Iterator[Line]:
    """Yield a message with every attempt, who confirmed and why it ended.

    A call that speaks of several matters is one call: attempts that are in *seen* are left out.
    """
    alert = one.alert
    who = tongue.people.get(alert.person_id or 0) or (alert.phone or say("值班台"))
    channel = say(words.CHANNELS[alert.channel])
    adopted = alert.params.get(ADOPTED, [])
    first = adopted[0]["target"] if adopted else alert.target
    why = colon(words.target(first), tongue.reason(alert.reason))
    yield Line(alert.created_at, "alert.queued", say("{channel}告知 {who}", channel=channel, who=who), why)
    then = [one["target"] for one in adopted[1:]] + [alert.target]
    for was, now_for in zip(adopted, then, strict=False):
        text = say("{who} 的通话改为同时叫应{target}", who=who, target=words.target(now_for))
        yield Line(datetime.fromisoformat(was["at"]), "alert.adopted", text)
    for attempt in one.attempts:
        if attempt.id in seen:
            continue
        seen.add(attempt.id or 0)
        if attempt.channel != "screen":
            number = words.bracketed(attempt.to_number, say("重发") if attempt.resent else "")
            yield Line(attempt.claimed_at, "attempt.claimed", f"{channel} {who}", number)
        if attempt.answered_at is not None:
            yield Line(attempt.answered_at, "attempt.answered", say("{who} 已接听", who=who))
        if attempt.ended_at is not None and attempt.outcome is not None:
            text = colon(f"{channel} {who}", say(_OUTCOMES[attempt.outcome]))
            yield Line(attempt.ended_at, f"attempt.{attempt.outcome}", text, _fault(attempt))
    for proof in one.acknowledgements:
        # A key is known by the person that was called.
        named = proof.who and not proof.who.startswith(("person:", "phone:"))
        shown = proof.who if named else who
        yield _proof_line(proof.at, proof.kind, shown, proof.how, proof.recorded_by, proof.on_seat)
    if alert.exhausted_at is not None:
        text = say("{channel}告知 {who} 未果，转下一位", channel=channel, who=who)
        yield Line(alert.exhausted_at, "alert.exhausted", text, tongue.reason(alert.exhausted_reason))
    if alert.cancelled_at is not None:
        text = say("{channel}告知 {who} 取消", channel=channel, who=who)
        yield Line(alert.cancelled_at, "alert.cancelled", text, tongue.reason(alert.cancel_reason))


def _fault(attempt: Attempt) -> str:
    """Return what the provider said of a failure; of a success there is nothing to add."""
    if attempt.outcome in ("delivered", "key", "passed_on", "no_key", "cancelled"):
        return ""
    said = " ".join(part for part in (attempt.error_code, attempt.error_text) if part)
    return say("通道答复 {said}", said=said) if said else ""


def _proof_line(at: datetime, kind: str, who: str, how: str, recorded_by: str, on_seat: bool) -> Line:
    off = "" if on_seat else say("已不在席位，仅作记录")
    text = words.bracketed(say("{who} 已确认", who=words.actor(who)), off)
    detail = colon(words.PROOFS[kind], words.proof(how))
    if kind == "by_hand":
        detail = words.bracketed(detail, say("登记人 {who}", who=words.actor(recorded_by)))
    return Line(at, "acknowledged", text, detail)


def counted_line(one: Counted, tongue: Tongue) -> Line:
    """Return one count of people, with what was raised and what was lowered."""
    raised = say("；").join(
        say(
            "{what} {before} → {after}（核增{by}）"
            if after > before
            else "{what} {before} → {after}（核减{by}）",
            what=say(_COUNTED[name]),
            before=before,
            after=after,
            by=abs(after - before),
        )
        for name, before, after in one.changes
    )
    text = say("伤亡情况（截至{time}）", time=tongue.time(one.row.as_of))
    detail = " ".join(part for part in (raised or say("各项人数无变化"), one.row.note) if part)
    return Line(one.row.logged_at, "casualties", words.bracketed(text, tongue.who(one.row.logged_by)), detail)


def attachment_lines(row: Attachment, tongue: Tongue) -> Iterator[Line]:
    """Yield a file that was added, and that it was declared a mistake."""
    text = words.bracketed(colon("附件", row.name), tongue.who(row.added_by))
    yield Line(row.added_at, "attachment.added", text, f"SHA-256 {row.sha256[:16]}")
    if row.voided_at is not None:
        who = tongue.who(row.voided_by)
        text = say("附件作废：{name}（{who}）", name=row.name, who=who)
        yield Line(row.voided_at, "attachment.voided", text, row.void_reason or "")

"""What the pages call things, in the words of the trade. Pure."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Literal, NamedTuple

GRADES = {
    "ungraded": "待定级",
    "especially_major": "特别重大",
    "major": "重大",
    "considerable": "较大",
    "ordinary": "一般",
}
CATEGORIES = {
    "accident": "事故灾难",
    "natural_disaster": "自然灾害",
    "public_health": "公共卫生事件",
    "social_security": "社会安全事件",
}
INCIDENT_STATES = {"open": "处置中", "ended": "已结束", "withdrawn": "已撤回", "merged": "已归并"}
OBLIGATION_STATES = {
    "open": "计时中",
    "breached": "已超时",
    "fulfilled": "按时",
    "fulfilled_late": "迟报",
    "waived": "已免除",
    "withdrawn": "不再计时",
}
VERDICTS = {
    "on_time": "按时",
    "late": "迟报",
    "waived": "免除",
    "withdrawn": "不再计时",
    "reopened": "重新计时",
}
BASES = {
    "occurred_at": "事发时间",
    "learned_at": "知悉时间",
    "received_at": "接报时间",
    "last_report": "上一次报告",
    "ended_at": "处置结束",
    "regraded_at": "级别变动",
}
OCCURRED_KINDS = {"exact": "准确", "estimated": "大致", "unknown": "不详"}
REPORTS = {
    "phone": "电话报告",
    "written": "书面报告",
    "follow_up": "续报",
    "final": "终报",
    "verification": "核报",
}
CHANNELS = {"screen": "值班台", "sms": "短信", "voice": "电话"}
PROOFS = {"keypad": "电话按键", "screen": "值班台点击", "by_hand": "人工登记"}
SEATS = {
    "leader": "带班领导",
    "supervisor": "值班主任",
    "operator_primary": "值班员（主班）",
    "operator_secondary": "值班员（副班）",
    "standby": "备班",
}
MODES = {"on_call": "通讯畅通", "on_post": "在岗"}
TARGETS = {
    "unit:operator": "单位值班员",
    "unit:leader": "单位带班领导",
    "unit:phone": "单位值班电话",
    "unit:head": "单位主要负责人",
    "desk:operator": "值班员",
    "desk:leader": "带班领导",
    "desk:standby": "备班",
    "desk:phone": "值班电话",
    "desk:chief": "总带班",
    "post:office_director": "办公室主任",
    "last_resort": "最后联系人",
}
SENDING = {"console": "未启用真实发送", "simulated": "模拟通道，不拨打真实电话", "real": "真实发送"}
ACTORS = {"desk": "值班台", "clockwork": "系统"}
WEEKDAYS = "一二三四五六日"

# What the rules say about a field or a state (for the API, in English) as the pages say it.
_SENTENCES = (
    (r"lies in the future", "不能晚于现在"),
    (r"is given although occurred_at_kind is unknown", "选了“不详”就不要填写，或改选“准确”“大致”"),
    (r"is needed when occurred_at_kind is \w+", "请填写；确实不知道时，准确程度选“不详”"),
    (r"lies before the incident happened", "早于事发时间"),
    (r"lies before the unit learned of it", "早于单位知悉时间"),
    (r"is needed when a clock is stopped", "此次变动会停止计时，须填写决定的领导姓名"),
    (r"lies before the alert was made", "早于告警发出时间"),
    (r"must lie between the base of the clock and now", "应在起算时间与现在之间"),
    (r"next_check_at must be in the future", "复核时间应晚于现在"),
    (r"must be in the future", "应晚于现在"),
    (r"alert \d+ was confirmed already", "这条告警已有人确认，不必再登记"),
    (r"alert \d+ was cancelled.*", "这条告警已取消，不必再登记"),
    (r"alert \d+ is not on the screen", "这不是值班台告警"),
    (r"incident \S+ is open.*", "事件正在处置中，不能这样办理"),
    (r"incident \S+ is ended.*", "事件已结束，不能这样办理"),
    (r"incident \S+ is withdrawn.*", "事件已撤回，不能这样办理"),
    (r"incident \S+ is merged.*", "事件已归并，请到归并后的事件办理"),
    (r"obligation \d+ is fulfilled by .*", "这一项以报告或按键为证据，不能手工登记"),
    (r"obligation \d+ is \w+.*", "这一项已经了结，不必再办"),
    (r"what was recorded is not overwritten.*", "已登记的报告人不能改写"),
)


class Countdown(NamedTuple):
    """``label`` (剩余, 已超), ``text`` (18分24秒) and the ``state`` that colours and marks it."""

    label: str
    text: str
    state: Literal["left", "near", "over"]


def countdown(due: datetime, now: datetime, near_seconds: int = 300) -> Countdown:
    """Return how much time is left until *due*, or how much has gone by since."""
    seconds = (due - now).total_seconds()
    if seconds < 0:
        return Countdown("已超", span(-seconds), "over")
    return Countdown("剩余", span(seconds), "near" if seconds <= near_seconds else "left")


def span(seconds: float) -> str:
    """Return a length of time in its two largest units: 18分24秒, 1时05分, 2天3时."""
    whole = int(seconds)
    days, hours, minutes, rest = whole // 86400, whole // 3600 % 24, whole // 60 % 60, whole % 60
    if days:
        return f"{days}天{hours}时"
    if hours:
        return f"{hours}时{minutes:02d}分"
    return f"{minutes}分{rest:02d}秒" if minutes else f"{rest}秒"


def target(name: str) -> str:
    """Return whom a ladder's target means."""
    return TARGETS.get(name, name)


def actor(name: str) -> str:
    """Return who did something, as a person reads it."""
    return ACTORS.get(name, name)


def reason(texts: Mapping[str, str], code: str | None) -> str:
    """Return a decision's reason in plain words; one without words is shown as it is."""
    return "" if not code else texts.get(f"reason.{code}", code)


def sentence(text: str) -> str:
    """Return what a rule or an action said, in Chinese where there are words for it."""
    said = re.sub(r"^[a-z_.]+: ", "", text)
    return next((chinese for pattern, chinese in _SENTENCES if re.fullmatch(pattern, said)), said)

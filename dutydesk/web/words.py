"""What the pages call things, in the words of the trade.

The tables are Chinese: templates translate what they take from them with ``|t``. The functions answer in the language
of the page.
"""

import re
from collections.abc import Iterable, Mapping
from datetime import date as calendar_date
from datetime import datetime
from typing import Literal, NamedTuple

from dutydesk.web.languages import say

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
LOG_KINDS = {"call_in": "来电", "call_out": "去电", "instruction": "领导批示"}
LOG_CHANNELS = {"in_person": "当面", "phone": "电话", "message": "短信", "written": "书面"}
CHANNELS = {"screen": "值班台", "sms": "短信", "voice": "电话"}
PROOFS = {"keypad": "电话按键", "screen": "值班台点击", "by_hand": "人工登记", "page": "本人点击收到"}
SEATS = {
    "leader": "带班领导",
    "supervisor": "值班主任",
    "operator_primary": "值班员（主班）",
    "operator_secondary": "值班员（副班）",
    "standby": "备班",
}
# As the column of a table has them.
SEATS_SHORT = SEATS | {"operator_primary": "主班", "operator_secondary": "副班"}
# A table that was not begun, and one that was not filed in time, have states of their own.
ROSTER_STATES = {
    "none": "未开始",
    "draft": "草稿",
    "unfiled": "未报备",
    "published": "已发布",
    "changed": "已调整",
    "archived": "已归档",
}
# What a month's quality report looks at (rosters/rules/quality.py).
QUALITY = {
    "GAP": "空缺的时段",
    "DOUBLE": "一人同时在两处值班",
    "AWAY": "请假期间仍排班",
    "LEFT": "已调离或退休仍排班",
    "NEVER": "不得值班的人员",
    "RANK": "职务不够带班条件",
    "ALONE": "不得单独值班的人员单独值班",
    "UNREACHABLE": "没有可用号码的人员",
    "OVERFULL": "排班人数超过席位设置",
    "REST": "与前后班次间隔不足",
    "UNCONFIRMED": "号码本季度未确认的人员",
    "UNEVEN": "班次分配不均的席位",
}
ROLES = {
    "operator": "值班员",
    "leader": "带班领导",
    "office": "办公室",
    "unit": "单位联系人",
    "inspector": "检查员",
    "administrator": "管理员",
    "auditor": "审计员",
}
UNIT_KINDS = {"desk": "局值班室", "division": "处室", "subordinate": "局属单位"}
SHIFT_STATES = {"draft": "草稿", "published": "已发布", "cancelled": "已取消"}
DUTY_CLASSES = {"always": "常年在岗", "sensitive": "节假日和敏感时期在岗", "reachable": "通讯畅通"}
RANKS = {
    "bureau_head": "局长",
    "bureau_deputy": "副局长",
    "bureau_leader": "其他局领导",
    "unit_head": "单位主要负责人",
    "unit_deputy": "单位副职",
    "staff": "工作人员",
}
EMPLOYMENTS = {"staff": "在编", "contract": "非在编", "external": "外单位人员"}
# What a post is called; one that only a ladder names stands as it is written there.
POSTS = {
    "head": "主要负责人",
    "chief": "总带班",
    "office_director": "办公室主任",
    "roster": "排班负责人",
}
CONTACT_KINDS = {"mobile": "手机", "landline": "固定电话", "email": "电子邮箱"}
CHECK_METHODS = {"keypad": "按键输入", "read_back": "回读"}
# What is wrong with somebody's numbers (people/rules.py, rosters/directory/rules.py).
TROUBLES = {
    "NO_NUMBER": "没有可用号码",
    "UNCONFIRMED": "号码未确认",
    "DISABLED": "有停用号码",
    "FAILED": "号码近期不通",
    "LEFT": "已离任",
}
MODES = {"on_call": "通讯畅通", "on_post": "在岗"}
# A sensitive period lies over every kind of day.
DAY_KINDS = {"workday": "工作日", "makeup": "调休补班", "rest": "休息日", "holiday": "法定节假日"}
DAY_CLASSES = DAY_KINDS | {"sensitive": "敏感时期"}
# As a calendar's small cell has them; a plain workday has none.
DAY_MARKS = {"makeup": "班", "rest": "休", "holiday": "假"}
# Why somebody may not sit somewhere (rosters/rules/eligibility.py).
FAULTS = {
    "LEFT": "已调离或退休",
    "NEVER": "非本单位人员，不得值班",
    "AWAY": "请假外出",
    "DOUBLE": "同一时间另有班次",
    "REST": "与前后班次间隔不足",
    "RANK": "职务不够带班条件",
    "ALONE_EMPLOYMENT": "非在编人员不得单独值班",
    "ALONE_NEW": "新到岗人员不得单独值班",
    "ALONE_UNTRAINED": "未经培训，不得单独值班",
    "UNCONFIRMED": "联系号码本季度未确认，不得在岗值班",
}
# How somebody signed in at the start of a turn.
SIGN_INS = {"desk": "值班台签到", "code": "到岗码签到", "by_hand": "人工登记"}
CHANGE_KINDS = {"substitute": "代班", "swap": "换班"}
CHANGE_STATES = {
    "requested": "待审批",
    "approved": "已批准",
    "rejected": "已退回",
    "cancelled": "已撤销",
    "expired": "逾期未批",
}
# What was done about a change or a leave, as the trail names it.
CHANGE_STEPS = {
    "change.requested": "提出申请",
    "change.approved": "批准",
    "change.rejected": "退回",
    "change.cancelled": "撤销",
    "change.expired": "班次开始仍未审批，失效",
}
LEAVE_STEPS = {
    "leave.requested": "报备",
    "leave.approved": "批准",
    "leave.rejected": "退回",
    "leave.noted": "登记报告情况",
    "leave.delegated": "委托主持工作",
    "leave.delegate_lost": "受托人外出，委托失效",
    "leave.amended": "提出行程变更",
    "leave.amendment_approved": "批准行程变更",
    "leave.amendment_rejected": "退回行程变更",
    "leave.cancelled": "撤销",
    "leave.returned": "销假",
    "post.acting": "主持工作任期登记",
    "post.acting_ended": "主持工作结束",
}
LEAVE_KINDS = {"leave": "请假", "trip": "出差", "study": "学习", "other": "其他"}
AWAY = {"post": "离岗", "city": "离津", "abroad": "出境"}
LEAVE_STATES = {
    "requested": "待审批",
    "approved": "已批准",
    "rejected": "已退回",
    "cancelled": "已撤销",
    "returned": "已销假",
}
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
    "unit:roster": "单位排班负责人",
    "person": "本人",
    "last_resort": "最后联系人",
}
SENDING = {"console": "未启用真实发送", "simulated": "模拟通道，不拨打真实电话", "real": "真实发送"}
# What obligations/actions.py puts before a label when a regrade started the clock.
UPGRADED = "升级补判"
ACTORS = {"desk": "值班台", "clockwork": "系统", "command line": "本机命令"}
WEEKDAYS = ("星期一", "星期二", "星期三", "星期四", "星期五", "星期六", "星期日")
WEEKDAY_LETTERS = ("一", "二", "三", "四", "五", "六", "日")
_MONTHS = ("1月", "2月", "3月", "4月", "5月", "6月", "7月", "8月", "9月", "10月", "11月", "12月")
# As alerts/webhooks.py records a key: "+8613800000001 按键1".
_PRESSED = re.compile(r"(\S+) \u6309\u952e(\d)")


class Countdown(NamedTuple):
    """``label`` (剩余, 已超), ``text`` (18分24秒) and the ``state`` that colours and marks it."""

    label: str
    text: str
    state: Literal["left", "near", "over"]


def countdown(due: datetime, now: datetime, near_seconds: int = 300) -> Countdown:
    """Return how much time is left until *due*, or how much has gone by since."""
    seconds = (due - now).total_seconds()
    if seconds < 0:
        return Countdown(say("已超"), span(-seconds), "over")
    return Countdown(say("剩余"), span(seconds), "near" if seconds <= near_seconds else "left")


def span(seconds: float) -> str:
    """Return a length of time in its two largest units: 18分24秒, 1时05分, 2天3时; ``18 min 24 s``.

    The script has the same messages (layout.html hands them over).
    """
    whole = int(seconds)
    days, hours, minutes, rest = whole // 86400, whole // 3600 % 24, whole // 60 % 60, whole % 60
    if days:
        return say("{days}天{hours}时", days=days, hours=hours)
    if hours:
        return say("{hours}时{minutes}分", hours=hours, minutes=f"{minutes:02d}")
    if minutes:
        return say("{minutes}分{seconds}秒", minutes=minutes, seconds=f"{rest:02d}")
    return say("{seconds}秒", seconds=rest)


def day_of_year(then: calendar_date) -> str:
    """Return a day without its year: 11月23日, ``23 Nov``."""
    return say("{month}{day}日", month=say(_MONTHS[then.month - 1]), day=then.day)


def day(then: calendar_date) -> str:
    """Return a day: 2026年11月23日, ``23 Nov 2026``."""
    return say("{year}年{month}{day}日", year=then.year, month=say(_MONTHS[then.month - 1]), day=then.day)


def month(then: calendar_date) -> str:
    """Return a month: 2026年11月, ``Nov 2026``."""
    return say("{year}年{month}", year=then.year, month=say(_MONTHS[then.month - 1]))


def date(then: datetime) -> str:
    """Return a day with its weekday: 2026年11月23日 星期一, ``Mon 23 Nov 2026``."""
    return say(
        "{year}年{month}{day}日 {weekday}",
        year=then.year,
        month=say(_MONTHS[then.month - 1]),
        day=then.day,
        weekday=say(WEEKDAYS[then.weekday()]),
    )


def target(name: str) -> str:
    """Return whom a ladder's target means."""
    return say(TARGETS[name]) if name in TARGETS else name


def actor(name: str) -> str:
    """Return who did something, as a person reads it."""
    return say(ACTORS[name]) if name in ACTORS else name


def report(kind: str, sequence: int) -> str:
    """Return what a report is called; follow-ups are counted: 续报2."""
    if kind == "follow_up":
        return say("续报{number}", number=sequence)
    return say(REPORTS[kind])


def reason(texts: Mapping[str, str], code: str | None) -> str:
    """Return a decision's reason in plain words; one without words is shown as it is."""
    return "" if not code else say(texts.get(f"reason.{code}", code))


def listed(items: Iterable[str]) -> str:
    """Return a list as a sentence has it: 短信、电话."""
    return say("、").join(items)


def bracketed(text: str, inside: str) -> str:
    """Return a text with what stands in brackets behind it; no brackets for nothing."""
    return say("{text}（{inside}）", text=text, inside=inside) if inside else text


def duty(title: str) -> str:
    """Return what an obligation is called; that of a follow-up ends with its number (续报1)."""
    counted = re.fullmatch(r"(.+?)(\d+)", title)
    name = title if counted is None else counted[1]
    said = say(name)
    return title if said == name else f"{said} {counted[2]}" if counted is not None else said


def label(text: str) -> str:
    """Return an obligation's label, which may carry the mark of a regrade before its rule's own."""
    mark, joint, rest = text.partition("、")
    if say(text) == text and joint and mark == UPGRADED:
        return listed((say(mark), say(rest)))
    return say(text)


def proof(how: str) -> str:
    """Return how somebody confirmed; what a person typed stays as it is."""
    pressed = _PRESSED.fullmatch(how)
    return say(how) if pressed is None else say("{number} 按{key}键", number=pressed[1], key=pressed[2])

"""The rulebook in the words of the settings pages."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

from dutydesk.rulebook.types import GRADES, Anchor, LadderPlan, Rule, RungPlan
from dutydesk.web import words
from dutydesk.web.languages import say

BINDS = {"unit": "事发单位", "desk": "值班室", "office": "办公室"}
OPENS = {
    "incident": "登记事件时",
    "first_report": "首报之后",
    "incomplete_report": "电话报告未写明报告人时",
    "end": "处置结束时",
    "matter": "值班表或请假记录产生时",
}
EVIDENCE = {
    "phone": "登记电话报告",
    "written": "收到书面报告",
    "follow_up": "收到续报",
    "final": "收到终报",
    "key": "本人按键确认",
    "entry": "值班室登记办结",
    "record": "值班表、签到或请假记录",
}
UNTIL = {
    "none": "告知一次，不待确认",
    "any": "任一人按键确认",
    "each": "每人都按键确认",
    "evidence": "收到证据、撤回或有人接管",
}
LANES = {
    "clock": "报告时限，最先发送",
    "call_out": "叫应，其次",
    "reminder": "提醒，再次",
    "roll_call": "查岗",
    "digest": "汇总，最后",
}
LADDERS = {
    "phone_report": "电话首报",
    "written_report": "书面首报",
    "call_out": "叫应带班领导",
    "follow_up": "续报、终报",
    "upward": "向上请示报告",
    "statement": "发布权威信息",
    "press": "新闻发布会",
    "entry": "补全登记",
    "seat_gap": "席位空缺",
    "reach": "号码确认",
    "sign_in": "到岗签到",
    "roster_due": "值班表报送、发布",
    "leave": "请假、销假",
    "delegate": "主持工作委托",
}
_AT: dict[Anchor, tuple[str, str, str]] = {
    "opened": ("开启时", "开启前{length}", "开启后{length}"),
    "base": ("起算时", "起算前{length}", "起算后{length}"),
    "due": ("到期时", "到期前{length}", "到期后{length}"),
}
_SECOND, _MINUTE, _HOUR, _DAY = (
    timedelta(seconds=1),
    timedelta(minutes=1),
    timedelta(hours=1),
    timedelta(days=1),
)


def length(span: timedelta) -> str:
    """Return a duration of the rulebook in the largest unit that it is a whole number of: 20分钟, 5小时."""
    units = ((2 * _DAY, _DAY, "{count}天"), (_HOUR, _HOUR, "{count}小时"), (_MINUTE, _MINUTE, "{count}分钟"))
    for least, unit, text in units:
        if span >= least and not span % unit:
            return say(text, count=span // unit)
    return say("{count}秒", count=span // _SECOND)


def moment(anchor: Anchor, offset: timedelta) -> str:
    """Return when a rung fires: 到期前5分钟."""
    now, before, after = _AT[anchor]
    if not offset:
        return say(now)
    return say(before if offset < timedelta(0) else after, length=length(abs(offset)))


def when(rung: RungPlan) -> str:
    """Return when a rung fires, and how often."""
    first = moment(rung.anchor, rung.offset)
    if rung.repeat_every is None:
        return first
    return say("{first}起，每{length}", first=first, length=length(rung.repeat_every))


def tells(rung: RungPlan) -> Iterator[tuple[str, str]]:
    """Yield who is told by a rung, and by which channels."""
    for tell in rung.tells:
        channels = words.listed(say(words.CHANNELS[channel]) for channel in tell.channels)
        yield words.listed(words.target(target) for target in tell.targets), channels


@dataclass(frozen=True, slots=True)
class Step:
    """One rung of a ladder in words."""

    at: str
    tells: list[tuple[str, str]]
    until: str


def steps(ladder: LadderPlan) -> list[Step]:
    """Return a ladder's rungs in words, in the order of the file."""
    return [Step(when(rung), list(tells(rung)), say(UNTIL[rung.until])) for rung in ladder.rungs]


def ladder_name(name: str) -> str:
    """Return what a ladder is called; one of the office's own stands as it is."""
    return say(LADDERS[name]) if name in LADDERS else name


def binds(rule: Rule) -> str:
    """Return whom a rule binds; what no incident brings binds whoever's it is."""
    return say("本单位" if rule.binds == "unit" and rule.opens_on == "matter" else BINDS[rule.binds])


def applies(rule: Rule) -> str:
    """Return for which incidents a rule holds."""
    if rule.opens_on == "matter":
        return say("不涉及事件")
    grades = [say(words.GRADES[grade]) for grade in GRADES if grade in rule.applies.grades]
    if rule.applies.suspected:
        grades.append(say("疑似重大以上（含未定级）"))
    if rule.applies.sensitive:
        grades.append(say("敏感事件"))
    return words.listed(grades)


def bases(rule: Rule) -> str:
    """Return from which instant a rule counts."""
    if not rule.bases:
        return say("发现或应办之时")
    named = [say(words.BASES[base]) for base in rule.bases]
    if len(named) == 1:
        return named[0]
    return say("{first}；不详时依次为{rest}", first=named[0], rest=words.listed(named[1:]))


def limits(rule: Rule) -> list[str]:
    """Return a rule's limit, by grade where it depends on it; empty where no clock runs."""
    if not rule.limits_by_grade:
        return [] if rule.limit is None else [length(rule.limit)]
    return [
        say("{grade}{length}", grade=say(words.GRADES[grade]), length=length(rule.limits_by_grade[grade]))
        for grade in GRADES
        if grade in rule.limits_by_grade
    ]


def chain(targets: Sequence[str]) -> str:
    """Return who stands in, one after the other."""
    return words.listed(words.target(target) for target in targets)

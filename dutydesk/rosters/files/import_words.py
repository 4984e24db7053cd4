"""What is wrong with a cell of a table that is imported, as a sentence that says what to do."""

from datetime import date

from dutydesk.documents.workbooks import cell_name
from dutydesk.rosters.rules.naming import Known
from dutydesk.rosters.rules.reading import Trouble
from dutydesk.web import words
from dutydesk.web.languages import say

_SENTENCES = {
    "NO_MONTH": "看不出是哪一年哪一月，请在标题中写明，如“2026年12月值班表”",
    "OTHER_MONTH": "标题写的是{0}年{1}月，与所选月份不符，请核对",
    "NO_DAY": "这一行没有日期，请补上；一天占几行的，请合并日期单元格",
    "DAY_UNREADABLE": "“{0}”看不出是哪一天，请写成2026-12-1或12月1日",
    "DAY_OUTSIDE": "{0}不在所导入的月份，请删去或改正",
    "DAY_TWICE": "{0}与第{1}行重复，请只保留一行",
    "DAY_MISSING": "缺少{0}月{1}日，请补齐",
    "WEEKDAY": "{0}是{1}，与表中所写不符，请核对是否错行",
    "NOTHING_ABOVE": "写的是“{0}”，但上面没有可以沿用的内容，请写明",
    "COLUMN_UNREAD": "“{0}”一栏没有读取",
    "UNREADABLE": "内容过长，不像人员姓名：“{0}”",
    "FAULT": "{0}：{1}",
    "EXTRA": "{0}排在{1}，席位设置中当日没有这一席，按同日其他席位的时间排入",
    "NO_SLOT": "{0}排在{1}，席位设置中当日没有任何席位，请先在席位设置中设定",
    "EMPTY": "{0}没有排人，导入后为空缺",
    "BEGUN": "{0}：班次已经开始，按现有安排，不再更改",
    "OTHER_NUMBER": "{0}的号码{1}与通讯录不符，按通讯录，请核对",
    "ELSEWHERE": "{0}是{1}的人员，请核对",
    "UNIT_FOREIGN": "另有{0}行是其他单位的，没有读取",
    "UNIT_TWICE": "同一单位在表“{0}”中已有，请只保留一份",
    "NO_TABLE": "没有找到值班表：前十行中须有表头，含“日期”和“带班领导”“值班员”等栏",
    "SEVERAL_TABLES": "工作簿里有几张值班表（{0}），请只保留一张，或以单位名称命名各表",
    "PUBLISHED": "本月值班表已发布，请在该单位的页面导入",
    "ARCHIVED": "本月值班表已归档，不能再改",
}


def place(one: Trouble) -> str:
    """Return how people name the cell: ``B7``."""
    return cell_name(one.row, one.column)


def sentence(one: Trouble) -> str:
    """Return what is wrong and what to do about it."""
    if one.code == "UNKNOWN_PERSON":
        name, *near = _said(one)
        if near:
            return say("通讯录中没有{name}，是否为：{near}", name=name, near=words.listed(near))
        return say("通讯录中没有{name}，请核对姓名，或先登记到通讯录", name=name)
    if one.code == "TWINS":
        name, *people = _said(one)
        return say("叫{name}的有{people}，请在姓名后写明手机或职务", name=name, people=words.listed(people))
    if one.code == "UNIT_UNKNOWN":
        return say("没有名为“{name}”的单位，请按通讯录中的名称填写", name=_said(one)[0])
    text = say(_SENTENCES[one.code])
    for number, value in enumerate(_placed(one)):
        text = text.replace(f"{{{number}}}", value)
    return text


def _placed(one: Trouble) -> list[str]:
    """The values for the numbered places of a sentence."""
    said = _said(one)
    match one.code:
        case "DAY_MISSING":
            return [said[0], words.listed(said[1:])]
        case "SEVERAL_TABLES":
            return [words.listed(said)]
        case "WEEKDAY":
            return [
                *said,
                *(say(words.WEEKDAYS[day.weekday()]) for day in one.values if isinstance(day, date)),
            ]
        case "FAULT":
            # The first is a name.
            return [said[0], *(say(words.FAULTS.get(fault, fault)) for fault in said[1:])]
    return said


def _said(one: Trouble) -> list[str]:
    """The values in words: seats are codes."""
    return [_word(value) for value in one.values]


def _word(value: str | date | Known) -> str:
    if isinstance(value, Known):
        return words.bracketed(value.name, f"{value.unit}{value.title}")
    if isinstance(value, date):
        return words.day_of_year(value)
    return say(words.SEATS_SHORT[value]) if value in words.SEATS_SHORT else value

"""“Why me?”: the reason of an assignment, in plain words of the reader's language."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo

from dutydesk.calendars.rules import DayClass
from dutydesk.rosters.rules.groups import Why
from dutydesk.web import words
from dutydesk.web.languages import say

_A_MOMENT = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Names:
    """Whom an explanation speaks of: whose turn it was, the rotation, the kind of day; and anybody named in the reason."""

    owner: str = ""
    rotation: str = ""
    day_class: DayClass | None = None
    persons: Mapping[int, str] | None = None


def explained(why: Why, names: Names, zone: tzinfo) -> str:
    """Return in a sentence why somebody has a shift, nothing where nobody noted it."""
    code = why.get("code")
    if code == "TURN":
        return _turn(why, names)
    if code == "INSTEAD":
        return _instead(why, names, zone)
    if code == "PAYBACK":
        return say("轮到{owner}，由本人还班：{owner}此前代过本人的班", owner=names.owner)
    if code == "BY_HAND":
        return _by_hand(why, names)
    return ""


def _turn(why: Why, names: Names) -> str:
    said = say(
        "按轮值组“{rotation}”第{at}位，{day}轮到本人",
        rotation=names.rotation,
        at=why.get("at"),
        day=say(words.DAY_CLASSES[names.day_class]) if names.day_class else "",
    )
    if why.get("pair"):
        said += say("，休息日连排，与前一日同一人")
    return said + (_tired(why))


def _instead(why: Why, names: Names, zone: tzinfo) -> str:
    reasons: list[str] = []
    faults = why.get("faults")
    for one in faults if isinstance(faults, list) else []:
        away = _away(why, zone) if one == "AWAY" else ""
        reasons.append(away or say(words.FAULTS.get(str(one), str(one))))
    said = say("轮到{owner}，由本人代", owner=words.bracketed(names.owner, words.listed(reasons)))
    if why.get("back"):
        said += say("，下次轮到本人时由{owner}还班", owner=names.owner)
    return said + _tired(why)


def _by_hand(why: Why, names: Names) -> str:
    said = say("由{by}指定", by=words.actor(str(why.get("by", ""))))
    before = (names.persons or {}).get(_number(why.get("before")))
    if before:
        said += say("，原为{name}", name=before)
    if names.owner:
        said += say("，本次轮值为{owner}", owner=names.owner)
    if why.get("reason"):
        said += say("，理由：{reason}", reason=why.get("reason"))
    return said


def _tired(why: Why) -> str:
    return say("；与前后班次间隔不足，因没有其他人员可排") if why.get("tired") else ""


def _away(why: Why, zone: tzinfo) -> str:
    begins, ends = _moment(why.get("from")), _moment(why.get("until"))
    if begins is None or ends is None:
        return ""
    first, last = begins.astimezone(zone), (ends - _A_MOMENT).astimezone(zone)
    if first.date() == last.date():
        return say("{day}请假", day=words.day_of_year(first))
    return say("{first}至{last}请假", first=words.day_of_year(first), last=words.day_of_year(last))


def _moment(text: object) -> datetime | None:
    try:
        return datetime.fromisoformat(str(text))
    except ValueError:
        return None


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0

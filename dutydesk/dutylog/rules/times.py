"""Times as somebody types them with a receiver at the ear. Pure."""

import re
import unicodedata
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Literal

Certainty = Literal["exact", "estimated", "unknown"]

# A time of day that lies further ahead than this was yesterday's: 2350 typed ten past midnight. What lies a little
# ahead is a slip, which the form says.
_SLIP = timedelta(minutes=30)
_DAYS = {
    "今天": 0,
    "今日": 0,
    "今晨": 0,
    "今早": 0,
    "今晚": 0,
    "昨天": 1,
    "昨日": 1,
    "昨晚": 1,
    "昨夜": 1,
    "前天": 2,
    "前日": 2,
}
_JUST_NOW = {"刚才", "刚刚", "刚", "现在", "此刻", "now", "."}
_UNKNOWN = {"不详", "不明", "不清楚", "不知道", "未知", "待核实", "?"}
_ABOUT = re.compile(r"^(大约|大概|约|估计|可能)|(左右|前后|许|多)$")
_PARTS_OF_DAY = ("凌晨", "清晨", "早上", "早晨", "上午", "中午", "下午", "傍晚", "晚上", "夜里", "夜间", "晚")
_AFTERNOON = frozenset({"下午", "傍晚", "晚上", "晚", "夜里", "夜间"})
_NIGHT = frozenset({"晚上", "晚", "夜里", "夜间"})
_NOON, _SIESTA, _DAYBREAK = 12, 3, 6
_DIGITS = str.maketrans({"零": "0", "一": "1", "二": "2", "两": "2", "三": "3", "四": "4", "五": "5", "六": "6", "七": "7", "八": "8", "九": "9"})  # fmt: skip

_AGO = re.compile(r"(\d{1,3}|半)(?:个)?(分钟|分|小时|钟头|刻钟)(?:之)?前")
# A day is only one with 日 or 号 behind it, or a month before it and a space behind it.
_DATE = re.compile(
    r"(?:(?:(\d{4})[-/.年])?(\d{1,2})[-/.月])?(\d{1,2})(?:[日号] ?|(?<=[-/.月]\d) |(?<=[-/.月]\d\d) )"
)
_CLOCK = re.compile(r"(\d{1,2})[:点时](?:(\d{1,2})(?:[:分](?:(\d{1,2})秒?)?)?|(半)|(整))?")
_BARE = re.compile(r"(\d{1,2})(\d\d)(\d\d)?")
_STAMP = re.compile(r"(\d{4}-\d{1,2}-\d{1,2})[t ]?(\d{1,2}:\d\d(?::\d\d)?)")


@dataclass(frozen=True, slots=True)
class Typed:
    """What a typed time means; ``at`` is aware UTC, and None where the time is not known."""

    at: datetime | None
    certainty: Certainty


def read_time(text: str, now: datetime, zone: tzinfo) -> Typed | None:
    """Return what somebody meant, seen from *now*; None for what cannot be read. Nothing typed is ``unknown``.

    Understood are 1405, 14:05, 14:05:30, 14时05分, 下午2点半, 刚才 (or now), 10分钟前, 半小时前, 昨天23:50, 昨晚11点,
    22日23:50, 11月22日23时50分, 2026-11-22 23:50, 不详; 约 before or 左右 after any of them makes it an estimate,
    as 刚才 and 10分钟前 are by themselves. A time of day that has not come yet was yesterday's.
    """
    said = unicodedata.normalize("NFKC", text).strip().casefold().rstrip("。，,")
    said = re.sub(r"\s+", " ", said)
    if not said or said in _UNKNOWN:
        return Typed(None, "unknown")
    plain = _ABOUT.sub("", _ABOUT.sub("", said)).strip()
    certainty: Certainty = "estimated" if plain != said else "exact"
    if plain in _JUST_NOW:
        return Typed(now, "estimated")
    ago = _AGO.fullmatch(_numerals(plain).replace(" ", ""))
    if ago is not None:
        return Typed(now - _length(ago[1], ago[2]), "estimated")
    at = _moment(plain, now, zone)
    return None if at is None else Typed(at, certainty)


def shown_time(at: datetime, now: datetime, zone: tzinfo) -> str:
    """Return a moment as a form shows it and :func:`read_time` reads it: the time alone on the same day."""
    then = at.astimezone(zone)
    return f"{then:%H:%M:%S}" if then.date() == now.astimezone(zone).date() else f"{then:%Y-%m-%d %H:%M:%S}"


def is_late(at: datetime, now: datetime, allowed: timedelta, *, stamped: bool) -> bool:
    """Tell whether an entry is 补录: written long after it happened, or at a time that no form was stamped with."""
    return not stamped or now - at > allowed


def _numerals(text: str) -> str:
    """Return 十五 as 15 and 二十 as 20, as far as times need it."""
    text = text.translate(_DIGITS)
    text = re.sub(r"(\d)十(\d)", r"\1\2", text)
    text = re.sub(r"(\d)十", r"\g<1>0", text)
    return re.sub(r"十(\d)", r"1\1", text).replace("十", "10")


def _length(count: str, unit: str) -> timedelta:
    number = 0.5 if count == "半" else float(count)
    minutes = {"分钟": 1, "分": 1, "刻钟": 15, "小时": 60, "钟头": 60}[unit]
    return timedelta(minutes=number * minutes)


def _moment(text: str, now: datetime, zone: tzinfo) -> datetime | None:
    today = now.astimezone(zone).date()
    try:
        stamp = _STAMP.fullmatch(text)
        if stamp is not None:
            day = date(*(int(part) for part in stamp[1].split("-")))
            return _at(day, _since_midnight(stamp[2]), zone)
        named, rest, in_the_evening = _split_day(_numerals(text), today)
        clock = _since_midnight(rest, in_the_evening=in_the_evening)
        if clock is None or named is not None:
            return _at(named or today, clock, zone)
        found = _at(today, clock, zone)
        yesterday = today - timedelta(days=1)
        return found if found is None or found <= now + _SLIP else _at(yesterday, clock, zone)
    except (ValueError, OverflowError):
        return None


def _at(day: date, clock: timedelta | None, zone: tzinfo) -> datetime | None:
    if clock is None:
        return None
    minutes, second = divmod(clock.seconds, 60)
    of_day = time(minutes // 60, minutes % 60, second)
    return datetime.combine(day + timedelta(days=clock.days), of_day, zone).astimezone(UTC)


def _split_day(text: str, today: date) -> tuple[date | None, str, bool]:
    """Return the day that was named, what is left of the text, and whether 昨晚 or 今晚 said that it was evening.

    Raises:
        ValueError: for a day that no calendar has.
    """
    for word, back in _DAYS.items():
        if text.startswith(word):
            return today - timedelta(days=back), text.removeprefix(word).strip(), word[-1] in "晚夜"
    found = _DATE.match(text)
    if found is None:
        return None, text, False
    year, month, day = found.groups()
    named = date(int(year or today.year), int(month or today.month), int(day))
    if named > today and year is None:
        # The 30th, said on the 1st, was last month's.
        named = _back(named, whole_year=month is not None)
    return named, text[found.end() :], False


def _back(day: date, *, whole_year: bool) -> date:
    if whole_year:
        return day.replace(year=day.year - 1)
    last = day.replace(day=1) - timedelta(days=1)
    return last.replace(day=day.day)


def _since_midnight(text: str, *, in_the_evening: bool = False) -> timedelta | None:
    """Return a time of day; what evening calls 12 or 1 o'clock lies behind the day's end.

    Raises:
        ValueError: for a time that no clock shows.
    """
    text = text.replace(" ", "")
    part = next((one for one in _PARTS_OF_DAY if text.startswith(one)), "")
    text = text.removeprefix(part)
    found, bare = _CLOCK.fullmatch(text), _BARE.fullmatch(text)
    if found is not None:
        said = time(int(found[1]), 30 if found[4] else int(found[2] or 0), int(found[3] or 0))
    elif bare is not None:
        said = time(int(bare[1]), int(bare[2]), int(bare[3] or 0))
    else:
        return None
    plain = timedelta(hours=said.hour, minutes=said.minute, seconds=said.second)
    return plain + _shift(said.hour, "晚" if in_the_evening else part)


def _shift(hour: int, part: str) -> timedelta:
    """Return what lies between an hour as it is said and as a clock of 24 hours shows it."""
    if part in _NIGHT and (hour < _DAYBREAK or hour == _NOON):
        return timedelta(hours=24 if hour < _DAYBREAK else 12)
    if (part in _AFTERNOON and hour < _NOON) or (part == "中午" and hour < _SIESTA):
        return timedelta(hours=12)
    return timedelta(0)

"""Turns what is due into words: an SMS of at most 70 UTF-16 units, speech read digit by digit.

Wording is data (``config/wording.*.toml``); here is only how it is put together.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, tzinfo
from typing import Any

from dutydesk.rulebook.types import Wording
from dutydesk.rulebook.wording import PLACEHOLDERS, SHORT_NAME_UNITS, SMS_UNITS, clip, utf16_units

_SPOKEN = {
    **dict(zip("0123456789", "零一二三四五六七八九", strict=True)),
    "-": "杠",
    ":": "点",
}
# Two numbers of drills, the longest there are.
_NUMBERS_UNITS = 25


@dataclass(frozen=True, slots=True)
class Matter:
    """One thing an SMS or a call speaks of. ``due`` (``14:25``) and ``day`` (``12月1日``) are site time."""

    key: str
    number: str = ""
    unit: str = ""
    owed: str = ""
    due: str = ""
    name: str = ""
    drill: bool = False
    params: Mapping[str, Any] = field(default_factory=dict)
    day: str = ""


def clock_time(moment: datetime | None, zone: tzinfo) -> str:
    """Return ``14:05`` in site time; nothing for no moment."""
    return "" if moment is None else moment.astimezone(zone).strftime("%H:%M")


def day_of(moment: datetime | None, zone: tzinfo) -> str:
    """Return ``12月1日`` in site time; nothing for no moment."""
    if moment is None:
        return ""
    local = moment.astimezone(zone)
    return f"{local.month}月{local.day}日"


def spoken(text: str) -> str:
    """Return *text* with every digit as a word, so that numbers and times are read digit by digit."""
    return "".join(_SPOKEN.get(character, character) for character in text)


def fill(wording: Wording, key: str, matter: Matter) -> str:
    """Return the text *key* filled with what the matter knows; what it does not know stays empty."""
    return wording.text(key).format(**known_of(matter))


def known_of(matter: Matter) -> dict[str, Any]:
    """Return a value for every placeholder."""
    values: dict[str, Any] = dict.fromkeys(PLACEHOLDERS, "")
    values |= {
        "number": matter.number,
        "numbers": matter.number,
        "unit": clip(matter.unit, SHORT_NAME_UNITS),
        "owed": matter.owed,
        "due": matter.due,
        "day": matter.day,
        "name": clip(matter.name, SHORT_NAME_UNITS),
    }
    return values | {name: value for name, value in matter.params.items() if name in PLACEHOLDERS}


def sms(wording: Wording, matters: Sequence[Matter], code: str, *, resent: bool = False) -> str:
    """Return one SMS about one matter or several, ending with the attempt's short code.

    It never exceeds 70 UTF-16 units: the text is cut, the signature and the code are not.
    """
    first = matters[0]
    if len(matters) == 1:
        text = fill(wording, f"sms.{first.key}", first)
    else:
        text = wording.text("sms.merged").format(numbers=_numbers(matters), count=len(matters))
    head = f"【{wording.text('signature')}】"
    # One real matter among drills makes it real: nobody may take an alarm for an exercise.
    if all(matter.drill for matter in matters):
        head += wording.text("drill.sms")
    if resent:
        head += wording.text("sms.resent")
    tail = f" {code}"
    return head + clip(text, SMS_UNITS - utf16_units(head + tail)) + tail


def _numbers(matters: Sequence[Matter]) -> str:
    """Return as many whole numbers as fit into a merged SMS: half a number would name another matter."""
    said = ""
    for number in dict.fromkeys(matter.number for matter in matters if matter.number):
        longer = f"{said}、{number}" if said else number
        if utf16_units(longer) > _NUMBERS_UNITS:
            break
        said = longer
    return said


def greeting(wording: Wording, matters: Sequence[Matter]) -> list[str]:
    """Return what a call says first: who calls, whom it wants, the numbers, and which keys there are."""
    numbers = "、".join(dict.fromkeys(spoken(matter.number) for matter in matters if matter.number))
    name = next((matter.name for matter in matters if matter.name), "值班人员")
    opening = "voice.greeting" if numbers else "voice.greeting_unnumbered"
    parts = [wording.text(opening).format(name=name, numbers=numbers)]
    if all(matter.drill for matter in matters):
        parts.insert(0, wording.text("drill.voice"))
    return [*parts, wording.text("voice.menu")]


def details(wording: Wording, matters: Sequence[Matter]) -> list[str]:
    """Return what a call says after the key: each matter, read digit by digit; a drill says so first."""
    return [
        (wording.text("drill.voice") if matter.drill else "") + spoken(_told(wording, matter))
        for matter in matters
    ]


def _told(wording: Wording, matter: Matter) -> str:
    """Return a matter's words; one whose text is broken says its number, its neighbours go on (design §5)."""
    try:
        return fill(wording, f"voice.{matter.key}", matter)
    except (KeyError, ValueError, IndexError, TypeError, AttributeError):
        return fill(wording, "voice.fixed", replace(matter, params={}))

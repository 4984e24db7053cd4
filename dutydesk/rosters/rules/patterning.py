"""What a seat's pattern must be: whole, without overlap, without a hole in what is held around the clock. Pure."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, time

from dutydesk.rosters.rules import NEEDED_SEATS, Mode, Seat

_DAY = 24 * 60
_MOST = 9
_LENGTH = re.compile(r"(\d{1,2})(?:[:\uff1a](\d{2})|\.(\d))?")


@dataclass(frozen=True, slots=True)
class Span:
    """One shift of a day: when it starts (site time), how many minutes it lasts, how many persons hold it."""

    starts: time
    minutes: int
    count: int = 1

    @property
    def begins(self) -> int:
        """Return the minute of the day it starts at."""
        return self.starts.hour * 60 + self.starts.minute


@dataclass(frozen=True, slots=True)
class Held:
    """How a seat is to be held on days of some classes; no spans: not at all."""

    seat: Seat
    spans: tuple[Span, ...]
    mode: Mode = "on_call"
    signs_in: bool = False


@dataclass(frozen=True, slots=True)
class PatternFault:
    """What is wrong: the field (``spans``, ``starts1``, ``hours1``, ``count1``, ``valid_from``), a sentence and its values."""

    field: str
    text: str
    values: tuple[tuple[str, object], ...] = ()


def pattern_faults(held: Held, valid_from: date, today: date) -> list[PatternFault]:
    """Return everything that is wrong with a pattern that is to hold from *valid_from* on."""
    found = [fault for number, span in enumerate(held.spans, start=1) for fault in _span_faults(number, span)]
    if valid_from <= today:
        found.append(PatternFault("valid_from", "生效日期最早为明天，已经过去的日子不能改写"))
    if not held.spans and held.seat in NEEDED_SEATS:
        found.append(PatternFault("spans", "这一席位须全天有人，至少填写一个时段"))
    if not found:
        found = _overlaps(held.spans) or _holes(held)
    return found


def minutes_of(typed: str) -> int | None:
    """Return a length in minutes that was typed as hours: 24, 9.5, 9:30; None where it is none."""
    found = _LENGTH.fullmatch(typed.strip())
    if found is None:
        return None
    hours, minutes, tenths = found.groups()
    return int(hours) * 60 + (int(minutes) if minutes else int(tenths) * 6 if tenths else 0)


def hours_of(minutes: int) -> str:
    """Return a length as people type it: 24, 9:30."""
    hours, rest = divmod(minutes, 60)
    return f"{hours}:{rest:02d}" if rest else str(hours)


def _span_faults(number: int, span: Span) -> list[PatternFault]:
    found: list[PatternFault] = []
    if span.minutes <= 0:
        found.append(PatternFault(f"hours{number}", "时长须大于0"))
    if span.minutes > _DAY:
        found.append(PatternFault(f"hours{number}", "时长不能超过24小时"))
    if not 1 <= span.count <= _MOST:
        found.append(PatternFault(f"count{number}", "人数须为1至9人"))
    return found


def _overlaps(spans: Sequence[Span]) -> list[PatternFault]:
    """On a dial of 24 hours, because the day after may be of the same class."""
    ordered = sorted(spans, key=lambda one: one.begins)
    for one, after in zip(ordered, [*ordered[1:], ordered[0]] if ordered else [], strict=True):
        until_next = (after.begins - one.begins) % _DAY or (_DAY if one is after else 0)
        if one.minutes > until_next:
            values = (("one", _said(one)), ("other", _said(after)))
            return [PatternFault("spans", "时段重叠：{one}与{other}", values)]
    return []


def _holes(held: Held) -> list[PatternFault]:
    if held.seat not in NEEDED_SEATS:
        return []
    ordered = sorted(held.spans, key=lambda one: one.begins)
    for one, after in zip(ordered, [*ordered[1:], ordered[0]], strict=True):
        ends = (one.begins + one.minutes) % _DAY
        if ends != after.begins:
            values = (("from_at", _clock(ends)), ("until_at", _clock(after.begins)))
            text = "这一席位须全天有人，{from_at}至{until_at}没有人值班，请补齐时段"
            return [PatternFault("spans", text, values)]
    return []


def _said(span: Span) -> str:
    return f"{_clock(span.begins)}–{_clock((span.begins + span.minutes) % _DAY)}"


def _clock(minute: int) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}"

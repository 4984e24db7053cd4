"""A day as tables, prints and the board show it: its class, what it is called, its lunar date, the period over it."""

from dataclasses import dataclass
from datetime import date

from dutydesk.calendars.days import HOLIDAYS
from dutydesk.calendars.lunar import festival, lunar_short, lunar_text
from dutydesk.calendars.rules import Calendar, DayClass, DayKind, Period

_OFFICIAL = frozenset(HOLIDAYS.values())


@dataclass(frozen=True, slots=True)
class Face:
    """Everything that is written beside one day. ``provisional``: its year's notice is not out (暂定)."""

    day: date
    kind: DayKind
    day_class: DayClass
    # The holiday's name, by the notice; ``festival`` is the day's own, or the solar term.
    name: str
    festival: str
    lunar: str
    lunar_short: str
    period: Period | None
    provisional: bool

    @property
    def titles(self) -> tuple[str, ...]:
        """What the day is called, each name once (春节 is a holiday and a festival)."""
        same = self.festival in self.name or (bool(self.name) and self.name.startswith(self.festival[:2]))
        return tuple(one for one in (self.name, "" if same else self.festival) if one)

    @property
    def cell(self) -> str:
        """What a small cell has room for: the festival on its own day, a name of our own, else the lunar day."""
        ours = self.kind != "makeup" and not all(one in _OFFICIAL for one in self.name.split("、"))
        return self.festival or (self.name if ours else "") or self.lunar_short


def face_of(calendar: Calendar, day: date, unit_id: int | None = None) -> Face:
    """Return what is written beside a day, seen by a unit."""
    laid, period = calendar.day(day), calendar.period(day, unit_id)
    return Face(
        day=day,
        kind=laid.kind,
        day_class="sensitive" if period is not None else laid.kind,
        name=laid.name,
        festival=festival(day),
        lunar=lunar_text(day),
        lunar_short=lunar_short(day),
        period=period,
        provisional=not laid.known,
    )

"""Draws the board and the wall screen in regions, so that a change sends only what it changed.

Each region is cached with a mark where a running clock stands; ``filled`` puts the time left there
at the moment it is sent, so that what has not changed compares equal.
"""

import html
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Literal

from dutydesk.accounts.rules import PERMISSIONS, Actor, Permission
from dutydesk.calendars.faces import Face, face_of
from dutydesk.calendars.rules import duty_day, warning_for
from dutydesk.desk import feed
from dutydesk.desk.addresses import address_of_owed
from dutydesk.desk.alarms import alarms_of, not_readable
from dutydesk.desk.facts import IncidentRows, Rows, open_incident
from dutydesk.desk.owings import open_owings
from dutydesk.desk.points import Points, find_marks
from dutydesk.logs import log
from dutydesk.rosters.keeping.attendance import present_code
from dutydesk.web import words
from dutydesk.web.languages import language, say
from dutydesk.web.pages import environment
from dutydesk.web.site import Site

View = Literal["board", "wall"]

_log = log("board")

# What on a board depends on who looks at it.
_MATTERS: frozenset[Permission] = frozenset(
    {
        "numbers:read",
        "desk:use",
        "report:file",
        "clock:confirm",
        "incident:write",
        "alert:acknowledge",
        "obligation:decide",
        "log:write",
    }
)
_TEMPLATES: dict[View, str] = {"board": "desk/regions.html", "wall": "desk/wall_regions.html"}
_REGIONS: dict[View, tuple[str, ...]] = {
    "board": ("alarms", "head", "duty", "count", "owings", "feed", "soon"),
    "wall": ("alarms", "head", "duty", "count", "owings", "feed"),
}


@dataclass(frozen=True, slots=True)
class Variant:
    """For whom a board is drawn: everybody with the same one gets the same bytes."""

    view: View
    language: str
    may: frozenset[Permission]


@dataclass(frozen=True, slots=True)
class Drawn:
    """An incident as it was drawn last, and from what."""

    rows: IncidentRows
    day: date
    html: str


@dataclass(frozen=True, slots=True)
class Today:
    """What the head says of the day: ``duty`` is the duty day that is running, until the morning yesterday's.

    ``warned`` is the year whose notice has to be entered.
    """

    face: Face
    duty: Face
    warned: int | None

    @property
    def duty_differs(self) -> bool:
        """Tell whether the shift that is on duty was planned by the class of another day."""
        return self.duty.day_class != self.face.day_class


def variant_of(view: View, actor: Actor) -> Variant:
    """Return the variant somebody sees; the wall shows everybody the same."""
    may = PERMISSIONS[actor.role] & _MATTERS if view == "board" else frozenset[Permission]()
    return Variant(view, language(), may)


def filled(text: str, now: datetime) -> str:
    """Return a region with the time left in the place of every mark, in the language of the page."""
    parts: list[str] = []
    end = 0
    for start, stop, clock, what in find_marks(text):
        parts += (text[end:start], html.escape(_said(clock, what, now)))
        end = stop
    return "".join((*parts, text[end:]))


def _said(clock: Points, what: str, now: datetime) -> str:
    if what == "state":
        return clock.state(now)
    left = words.countdown(clock.due, now)
    return left.label if what == "label" else left.text


def strokes(variant: Variant, site: Site, rows: Rows, now: datetime) -> "Strokes":
    """Return the templates of a variant, ready to draw these rows."""
    template: Any = environment(site.zone, variant.language).get_template(_TEMPLATES[variant.view])
    module = template.make_module({"now": now, "site": site, "may": variant.may, "say": say})
    return Strokes(variant, site, rows, now, module)


@dataclass(frozen=True, slots=True)
class Strokes:
    """One drawing of a board: its fixed regions, and incident after incident."""

    variant: Variant
    site: Site
    rows: Rows
    now: datetime
    macros: Any
    # What each region was drawn from, for the next time.
    inputs: dict[str, object] = field(default_factory=dict)

    @property
    def day(self) -> date:
        """The site's date: times of another day are shown with it."""
        return self.now.astimezone(self.site.zone).date()

    def regions(self, inputs: dict[str, object], before: dict[str, str]) -> dict[str, str]:
        """Draw everything but the incidents; a region whose *inputs* are those of *before* stands as it is."""
        rows, today = self.rows, self._today()
        # By it somebody elsewhere proves that they are in touch with the room: only the room's screens show it.
        shows_code = self.variant.view == "wall" or "desk:use" in self.variant.may
        code = present_code(self.site, self.now) if shows_code else ""
        lines = feed.lines(rows.happened, self.site)
        soon = [(one, unit, address_of_owed(one, unit, self.site.zone)) for one, unit in rows.soon]
        known: dict[str, tuple[object, Callable[[], str]]] = {
            "alarms": (
                [one.marks for one in rows.alarms],
                lambda: self.macros.alarms(alarms_of(rows.alarms, self.site)),
            ),
            "head": (
                (rows.desk, rows.health, rows.clock_in_doubt, today),
                lambda: self.macros.head(rows, today),
            ),
            "duty": (
                (rows.on_duty, rows.empty, rows.next_change, code),
                lambda: self.macros.duty(rows, code),
            ),
            "count": (
                (len(rows.incidents), rows.not_shown, rows.overdue),
                lambda: self.macros.count(rows),
            ),
            "owings": (
                rows.owings.marks,
                lambda: self.macros.owings(open_owings(rows.owings, self.site), rows.owings),
            ),
            "feed": (lines, lambda: self.macros.feed(lines)),
            "soon": (
                (
                    rows.next_change,
                    rows.changes_soon,
                    [(one.id, one.due_at, one.title, unit) for one, unit in rows.soon],
                ),
                lambda: self.macros.soon(rows, soon),
            ),
        }
        made: dict[str, str] = {}
        for name in _REGIONS[self.variant.view]:
            given, draw = known[name]
            self.inputs[name] = (self.day, given)
            same = name in before and inputs.get(name) == self.inputs[name]
            made[name] = before[name] if same else str(draw())
        return made

    def _today(self) -> Today:
        rows, starts = self.rows, self.site.rulebook.rosters.duty_starts
        desk = None if rows.desk is None else rows.desk.id
        duty = duty_day(self.now, self.site.zone, starts)
        return Today(
            face_of(rows.calendar, self.day, desk),
            face_of(rows.calendar, duty, desk),
            warning_for(rows.calendar, self.day),
        )

    def incident(self, found: IncidentRows) -> Drawn:
        """Draw one incident; one that is damaged says its number, and its neighbours stand."""
        try:
            text = str(self.macros.incident(open_incident(found, self.site, self.now)))
        except Exception:  # noqa: BLE001 (whatever is wrong with one incident, the others must be seen)
            _log.exception("an incident cannot be drawn", incident=found.row.number)
            text = str(self.macros.incident_fault(found.row.number, not_readable(found.row.number)))
        return Drawn(found, self.day, text)

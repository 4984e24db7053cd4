"""What ``dutydesk check`` looks at: everything that would let an alarm be missed tonight."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from dutydesk.calendars.queries import calendar_for
from dutydesk.calendars.rules import warning_for
from dutydesk.db import Session
from dutydesk.errors import NotFoundError
from dutydesk.obligations import queries
from dutydesk.people.queries import (
    bureau_post_holders,
    desk_unit,
    list_units,
    post_holders,
    unit_by_code,
    usable_contacts,
)
from dutydesk.people.rules import ContactPoint, Unit
from dutydesk.rosters.candidate_queries import patterns_of
from dutydesk.rosters.keeping.queries import Sitting, sitting
from dutydesk.rosters.rules import LONGEST_SHIFT, NEEDED_SEATS, Holding, Seat, holders
from dutydesk.rosters.rules.holes import Hole, holes_in
from dutydesk.rosters.rules.slots import default_patterns, slots_of
from dutydesk.web.site import Site
from dutydesk.wiring import unreadable

_LOOK_AHEAD = timedelta(hours=24)
_ONE_DAY = timedelta(days=1)
_FEWEST_LAST_RESORTS = 2


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    about: str
    ok: bool
    text: str


def after_days(now: datetime, days: int) -> datetime:
    """Return the moment that many days later."""
    return now + timedelta(days=days)


async def preview_unit(session: Session, code: str | None) -> Unit:
    """Return the unit to preview for: the one named, else the first that is not the desk.

    Raises:
        NotFoundError: when there is none.
    """
    if code is not None:
        return await unit_by_code(session, code)
    units = [unit for unit in await list_units(session) if unit.kind != "desk"]
    if not units:
        message = "there is no unit yet; name one with --unit"
        raise NotFoundError(message)
    return units[0]


async def findings(site: Site) -> list[Finding]:
    """Return every finding; config and database were checked when the process was wired."""
    now = site.clock.now()
    rules = len(site.rulebook.rules)
    found = [
        Finding("config", ok=True, text=f"{rules} rules, {len(site.rulebook.ladders)} ladders"),
        Finding("database", ok=True, text="current"),
        _sending(site),
        Finding(
            "last resort",
            ok=len(set(site.settings.last_resort)) >= _FEWEST_LAST_RESORTS and not unreadable(site.settings),
            text=f"{len(set(site.settings.last_resort))} numbers (at least {_FEWEST_LAST_RESORTS} are needed)"
            + "".join(f", {one!r} is none" for one in unreadable(site.settings)),
        ),
    ]
    async with site.db.read() as session:
        found.append(await _calendar(session, site, now))
        doubt = await queries.clock_in_doubt(session)
        found.append(Finding("clock", ok=not doubt, text="stepped and not confirmed" if doubt else "trusted"))
        desk = await desk_unit(session)
        if desk is None:
            found.append(
                Finding("desk", ok=False, text="there is no desk: POST /api/v1/units with kind desk")
            )
            return found
        tonight = await _tonight(session, site, now)
        found += _seats(tonight, site, now)
        found += await _posts(session, tonight.units, now)
    return found


def _sending(site: Site) -> Finding:
    texts = {
        "console": "未启用真实发送: nobody can be told; set DUTYDESK_SEND_FOR_REAL and the provider's secrets",
        "simulated": "a simulator on loopback: nobody can be told for real",
        "real": "real",
    }
    return Finding("sending", ok=site.sending == "real", text=texts[site.sending])


@dataclass(frozen=True, slots=True)
class _Tonight:
    """Who sits where within a day from now, in all units, and how they are reached."""

    units: Sequence[Unit]
    holes: Sequence[Hole]
    held: Sequence[tuple[datetime, Holding]]
    sitting: Sitting
    points: Mapping[int, Sequence[ContactPoint]]


async def _calendar(session: Session, site: Site, now: datetime) -> Finding:
    """Say which year's days are known. A provisional one is no fault: no alarm of tonight waits for it."""
    today = now.astimezone(site.zone).date()
    calendar = await calendar_for(session, today, today)
    year = warning_for(calendar, today)
    if year is not None:
        text = f"{year} is provisional (暂定): enter its official notice under /rosters/calendar/import"
    else:
        ahead = "known" if calendar.is_known(today.year + 1) else "provisional until its notice is out"
        text = f"{today.year} known, {today.year + 1} {ahead}"
    return Finding("calendar", ok=True, text=text)


async def _tonight(session: Session, site: Site, now: datetime) -> _Tonight:
    """Read the needed seats of every unit for the next day, to the second; whoever is on leave is not there."""
    end = now + _LOOK_AHEAD
    units = await list_units(session, serving=True)
    first = (now - LONGEST_SHIFT).astimezone(site.zone).date()
    last = end.astimezone(site.zone).date()
    calendar = await calendar_for(session, first, last)
    own = await patterns_of(session, [unit.id for unit in units])
    slots = [
        slot
        for unit in units
        for slot in slots_of(
            own.get(unit.id) or default_patterns(site.rulebook.rosters, unit.id, unit.duty_class),
            calendar,
            unit.id,
            first,
            last + _ONE_DAY,
            site.zone,
        )
        if slot.seat in NEEDED_SEATS and slot.ends_at > now and slot.starts_at < end
    ]
    begins = min((slot.starts_at for slot in slots), default=now)
    ends = max((slot.ends_at for slot in slots), default=end)
    found = await sitting(session, [unit.id for unit in units], begins, ends)
    holes = [
        one for one in holes_in(slots, found.shifts, found.rows) if one.until_at > now and one.from_at < end
    ]
    held: dict[tuple[int, Seat, int], tuple[datetime, Holding]] = {}
    for at in _moments(found, now, end):
        for one in holders(found.shifts, found.rows, at):
            if one.seat in NEEDED_SEATS:
                held.setdefault((one.unit_id, one.seat, one.person_id), (at, one))
    points = await usable_contacts(session, found.persons.keys())
    return _Tonight(units, holes, list(held.values()), found, points)


def _moments(found: Sitting, now: datetime, end: datetime) -> list[datetime]:
    """Return now and every moment until *end* at which somebody's turn begins or ends."""
    moments = {one.starts_at for one in found.shifts} | {one.ends_at for one in found.shifts}
    moments |= {at for one in found.rows for at in (one.from_at, one.until_at) if at is not None}
    return [now, *sorted(at for at in moments if now < at < end)]


def _seats(tonight: _Tonight, site: Site, now: datetime) -> Iterator[Finding]:
    """Yield what is empty or out of reach anywhere, who sits at the desk, and how many units were looked at."""
    codes = {unit.id: unit.code for unit in tonight.units}
    desk = next(unit.id for unit in tonight.units if unit.kind == "desk")
    bad = 0
    for hole in tonight.holes:
        bad += 1
        when = _when(max(hole.from_at, now), site)
        yield Finding(f"seat {codes[hole.unit_id]} {hole.seat} {when}", ok=False, text="empty")
    for at, one in tonight.held:
        fault = _unreachable(tonight.points.get(one.person_id, ()), now)
        bad += bool(fault)
        if fault or one.unit_id == desk:
            text = tonight.sitting.persons[one.person_id].name + (f": {fault}" if fault else "")
            about = f"seat {codes[one.unit_id]} {one.seat} {_when(at, site)}"
            yield Finding(about, ok=not fault, text=text)
    until = _when(now + _LOOK_AHEAD, site)
    yield Finding("seats", ok=not bad, text=f"{len(tonight.units)} units until {until}, {bad} faults")


def _unreachable(points: Sequence[ContactPoint], now: datetime) -> str:
    ringing = [point for point in points if point.rings]
    if not ringing:
        return "no usable number"
    return "" if any(point.confirmed(now) for point in ringing) else "no number confirmed within the quarter"


async def _posts(session: Session, units: Sequence[Unit], now: datetime) -> list[Finding]:
    """Return which units have nobody who answers for their roster, and nobody at their head."""
    held = await post_holders(session, [unit.id for unit in units], now)
    bureau = await bureau_post_holders(session, now)
    found: list[Finding] = []
    for unit in units:
        # The office answers for the desk's own roster; elsewhere the head does where nobody else was named.
        head = bureau.get("office_director") if unit.kind == "desk" else held.get((unit.id, "head"))
        if not head:
            post = "office_director" if unit.kind == "desk" else f"head of {unit.code}"
            found.append(Finding(f"post {post}", ok=False, text="nobody"))
        if not head and not held.get((unit.id, "roster")):
            found.append(
                Finding(f"post roster of {unit.code}", ok=False, text="nobody answers for its roster")
            )
    return found or [Finding("posts", ok=True, text=f"{len(units)} units have a head")]


def _when(at: datetime, site: Site) -> str:
    return at.astimezone(site.zone).strftime("%m-%d %H:%M")

"""What ``dutydesk check`` looks at: everything that would let an alarm be missed tonight."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from dutydesk.db import Session
from dutydesk.errors import NotFoundError
from dutydesk.escalation.targets import directory_at
from dutydesk.obligations import queries
from dutydesk.people.queries import desk_unit, list_units, people_by_id, unit_by_code
from dutydesk.people.rules import Unit
from dutydesk.rosters.queries import who_holds
from dutydesk.rosters.rules import NEEDED_SEATS
from dutydesk.web.site import Site
from dutydesk.wiring import unreadable

_LOOK_AHEAD = (timedelta(0), timedelta(hours=12), timedelta(hours=24))
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
        doubt = await queries.clock_in_doubt(session)
        found.append(Finding("clock", ok=not doubt, text="stepped and not confirmed" if doubt else "trusted"))
        desk = await desk_unit(session)
        if desk is None:
            found.append(
                Finding("desk", ok=False, text="there is no desk: POST /api/v1/units with kind desk")
            )
            return found
        for ahead in _LOOK_AHEAD:
            found += await _seats(session, site, desk, now + ahead)
    return found


def _sending(site: Site) -> Finding:
    texts = {
        "console": "未启用真实发送: nobody can be told; set DUTYDESK_SEND_FOR_REAL and the provider's secrets",
        "simulated": "a simulator on loopback: nobody can be told for real",
        "real": "real",
    }
    return Finding("sending", ok=site.sending == "real", text=texts[site.sending])


async def _seats(session: Session, site: Site, desk: Unit, at: datetime) -> list[Finding]:
    """Return what is empty or out of reach at the desk at one moment."""
    held = await who_holds(session, [desk.id], at)
    directory = await directory_at(session, [desk.id], at)
    names = await people_by_id(
        session, {holding.person_id for holdings in held.values() for holding in holdings}
    )
    when = at.astimezone(site.zone).strftime("%m-%d %H:%M")

    def _each() -> Iterator[Finding]:
        for seat in NEEDED_SEATS:
            holdings = held.get((desk.id, seat), [])
            if not holdings:
                yield Finding(f"seat {seat} {when}", ok=False, text="empty")
            for holding in holdings:
                reachable = bool(directory.contacts.get(holding.person_id))
                text = names[holding.person_id].name + ("" if reachable else ": no usable number")
                yield Finding(f"seat {seat} {when}", ok=reachable, text=text)

    return list(_each())

"""The duty log in the browser: by day and shift, an entry with its corrections, and the forms that write it."""

import secrets
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from itertools import groupby
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import RedirectResponse

from dutydesk.accounts.permissions import allow_page
from dutydesk.accounts.rules import Actor
from dutydesk.calendars.rules import day_bounds, duty_day
from dutydesk.db import Session
from dutydesk.desk.logforms import (
    FIELDS,
    as_it_is,
    correction_inputs,
    new_inputs,
    read_correction,
    read_entry,
)
from dutydesk.desk.phone.form import incident_choices
from dutydesk.desk.phone.queries import open_incidents
from dutydesk.dutylog import queries
from dutydesk.dutylog.actions import add_entry, correct_entry
from dutydesk.dutylog.model import LogEntry, LogKind
from dutydesk.dutylog.rules.times import shown_time
from dutydesk.errors import DutydeskError, NotFoundError
from dutydesk.incidents.queries import incident_by_number, incidents_by_id
from dutydesk.incidents.reading import plain_for
from dutydesk.people.queries import list_units
from dutydesk.people.rules import Unit
from dutydesk.web import words
from dutydesk.web.forms import Form, typed
from dutydesk.web.once import once_only
from dutydesk.web.pages import PageRoute, render
from dutydesk.web.site import Site, TheSite

router = APIRouter(route_class=PageRoute, include_in_schema=False)

Reader = Annotated[Actor, Depends(allow_page("log:read"))]
Writer = Annotated[Actor, Depends(allow_page("log:write"))]

_PER_PAGE = 50
_OPEN = 100
_LAST_PAGE = 10_000
# Beyond these no site has a time zone that could be computed with.
_FIRST, _LAST = date(1900, 1, 1), date(9000, 1, 1)
_Asked = Annotated[str, Query(max_length=100)]


# ---------------------------------------------------------------------------------------------------------------------
# Looking


@router.get("/log")
async def log(
    request: Request,
    actor: Reader,
    site: TheSite,
    day: _Asked = "",
    by: _Asked = "shift",
    kind: _Asked = "",
    unit: _Asked = "",
    text: _Asked = "",
    page: Annotated[int, Query(ge=1, le=_LAST_PAGE)] = 1,
) -> Response:
    """Show the duty log, what happened last first, in the days of its shifts or of the calendar."""
    by_shift = by != "calendar"
    picked = _day(day)
    masked = not actor.may("numbers:read")
    async with site.db.read() as session:
        units = await list_units(session)
        chosen = next((one for one in units if one.code == unit), None)
        starts = _starts(site, by_shift=by_shift)
        since, until = (None, None) if picked is None else day_bounds(picked, site.zone, starts)
        wanted = queries.Wanted(kind, None if chosen is None else chosen.id, text, since, until, masked)
        rows = await queries.list_entries(session, wanted, offset=(page - 1) * _PER_PAGE, limit=_PER_PAGE + 1)
        shown = await _shown(session, rows[:_PER_PAGE], units)
    asked = {"day": day if picked else "", "by": by, "kind": kind, "unit": unit, "text": text}
    return render(
        request,
        "desk/log.html",
        days=_by_day(shown, site, by_shift=by_shift),
        asked=asked,
        bad_day=bool(day) and picked is None,
        picked=picked,
        around=None if picked is None else _around(picked, asked, site),
        units=units,
        masked=masked,
        plain=plain_for(actor),
        by_shift=by_shift,
        newer=_address(asked, page - 1) if page > 1 else "",
        older=_address(asked, page + 1) if len(rows) > _PER_PAGE else "",
    )


def _starts(site: Site, *, by_shift: bool) -> time:
    """Return when the days that are shown begin: with the shift, or at midnight."""
    return site.rulebook.rosters.duty_starts if by_shift else time()


def _day(text: str) -> date | None:
    try:
        found = date.fromisoformat(text)
    except ValueError:
        return None
    return found if _FIRST < found < _LAST else None


def _address(asked: dict[str, str], page: int = 1) -> str:
    given = {name: value for name, value in asked.items() if value and (name, value) != ("by", "shift")}
    if page > 1:
        given["page"] = str(page)
    return f"/log?{urlencode(given)}" if given else "/log"


def _around(day: date, asked: dict[str, str], site: Site) -> dict[str, str]:
    """Return the addresses of the day before, of the day after unless it is still to come, and of today."""
    starts = _starts(site, by_shift=asked["by"] != "calendar")
    today = duty_day(site.clock.now(), site.zone, starts)
    one = timedelta(days=1)
    named = {"before": day - one, "after": day + one, "today": today}
    return {
        name: _address(asked | {"day": then.isoformat()}) if then <= today else ""
        for name, then in named.items()
    }


def _by_day(
    shown: Sequence[dict[str, Any]], site: Site, *, by_shift: bool
) -> list[tuple[datetime, list[dict[str, Any]]]]:
    """Return the entries under the beginnings of their days."""
    starts = _starts(site, by_shift=by_shift)

    def day_of(one: dict[str, Any]) -> date:
        return duty_day(one["row"].at, site.zone, starts)

    return [(day_bounds(day, site.zone, starts)[0], list(entries)) for day, entries in groupby(shown, day_of)]


async def _shown(session: Session, rows: Sequence[LogEntry], units: Sequence[Unit]) -> list[dict[str, Any]]:
    """Return entries with the unit and the incident they name."""
    by_id = {unit.id: unit for unit in units}
    incidents = await incidents_by_id(
        session, {row.incident_id for row in rows if row.incident_id is not None}
    )
    return [
        {"row": row, "unit": by_id.get(row.unit_id or 0), "incident": incidents.get(row.incident_id or 0)}
        for row in rows
    ]


@router.get("/log/new")
async def new_form(
    request: Request,
    _actor: Writer,
    site: TheSite,
    kind: _Asked = "call_out",
    incident: _Asked = "",
) -> Response:
    """Ask for an outgoing call or an instruction; an incoming call has the phone log."""
    wanted = _kind(kind)
    if wanted is None or wanted == "call_in":
        return RedirectResponse("/phone", 303)
    now = site.clock.now()
    stamp = shown_time(now, now, site.zone)
    values = {"at": stamp, "stamp": stamp, "incident": incident, "once": secrets.token_urlsafe(16)}
    return await _new_page(request, site, wanted, values)


@router.post("/log/new")
async def write(request: Request, actor: Writer, site: TheSite, kind: _Asked = "call_out") -> Response:
    """Write an entry."""
    wanted = _kind(kind)
    if wanted is None or wanted == "call_in":
        return RedirectResponse("/phone", 303)
    form = await typed(request, new_inputs(wanted, ()))
    async with site.db.read() as session:
        units = await list_units(session)
    new = read_entry(form, wanted, units, site.clock.now(), site.zone)
    if new is None:
        return await _new_page(request, site, wanted, form.values, form.faults, 422)

    async def work(session: Session) -> str:
        bound = await incident_by_number(session, form.value("incident")) if form.value("incident") else None
        entry = new if bound is None else replace(new, incident_id=bound.id)
        return str((await add_entry(session, site, site.clock.now(), actor, entry)).id)

    try:
        return RedirectResponse(f"/log/{await once_only(site, actor.name, form.value('once'), work)}", 303)
    except DutydeskError as error:
        status = form.refused(error)
        return await _new_page(request, site, wanted, form.values, form.faults, status)


def _kind(text: str) -> LogKind | None:
    return next((kind for kind in FIELDS if kind == text), None)


async def _new_page(
    request: Request,
    site: Site,
    kind: LogKind,
    values: dict[str, str],
    faults: dict[str, list[str]] | None = None,
    status: int = 200,
) -> Response:
    async with site.db.read() as session:
        units = await list_units(session)
        rows = await open_incidents(session, _OPEN)
        by_id = {unit.id: unit for unit in units}
        choices = incident_choices(rows, by_id, None)
        asked = values.get("incident", "")
        if asked and asked not in dict(choices):
            # One that has ended can still be talked about; one that does not exist is no choice.
            with suppress(NotFoundError):
                choices += incident_choices([await incident_by_number(session, asked)], by_id, None)
    form = Form(new_inputs(kind, choices), values, faults or {})
    return render(request, "desk/log_form.html", status, form=form, kind=kind, units=units, entry=None)


# ---------------------------------------------------------------------------------------------------------------------
# One entry


@router.get("/log/{entry_id}")
async def entry(request: Request, entry_id: int, actor: Reader, site: TheSite) -> Response:
    """Show an entry as it stands, and everything it said before."""
    masked = not actor.may("numbers:read")
    async with site.db.read() as session:
        row = await queries.entry(session, entry_id)
        versions = await queries.versions_of(session, row)
        shown = await _shown(session, versions, await list_units(session))
    return render(
        request,
        "desk/log_entry.html",
        entry=shown[-1],
        versions=shown[::-1],
        masked=masked,
        plain=plain_for(actor),
        may_write=actor.may("log:write"),
        fields=FIELDS[shown[-1]["row"].kind],
    )


@router.get("/log/{entry_id}/correct")
async def correct_form(request: Request, entry_id: int, _actor: Writer, site: TheSite) -> Response:
    """Show what stands there now, to be corrected."""
    async with site.db.read() as session:
        row = await queries.entry(session, entry_id)
        latest = (await queries.versions_of(session, row))[-1]
        units = await list_units(session)
    if latest.id != row.id:
        return RedirectResponse(f"/log/{latest.id}/correct", 303)
    values = as_it_is(row, units, site.clock.now(), site.zone)
    return _correct_page(request, Form(correction_inputs(row.kind), values), row, units)


@router.post("/log/{entry_id}/correct")
async def correct(request: Request, entry_id: int, actor: Writer, site: TheSite) -> Response:
    """Write the correction; what was written before stays, struck through."""
    async with site.db.read() as session:
        row = await queries.entry(session, entry_id)
        units = await list_units(session)
    form = await typed(request, correction_inputs(row.kind))
    found = read_correction(form, row, units, site.clock.now(), site.zone)
    if found is None:
        return _correct_page(request, form, row, units, 422)
    values, reason = found

    async def work(session: Session) -> int:
        locked = await queries.entry(session, entry_id, lock=True)
        return (await correct_entry(session, site.clock.now(), actor, locked, values, reason)).id or 0

    try:
        return RedirectResponse(f"/log/{await site.db.run(work)}", 303)
    except DutydeskError as error:
        status = form.refused(error)
        async with site.db.read() as session:
            latest = (await queries.versions_of(session, row))[-1]
        return _correct_page(request, form, latest, units, status, moved=latest.id != row.id)


def _correct_page(
    request: Request,
    form: Form,
    row: LogEntry,
    units: Sequence[Unit],
    status: int = 200,
    *,
    moved: bool = False,
) -> Response:
    return render(
        request,
        "desk/log_form.html",
        status,
        form=form,
        kind=row.kind,
        units=units,
        entry=row,
        moved=moved,
        said=words.LOG_KINDS[row.kind],
    )

"""The phone log in the browser: one form that is typed without a mouse, and what helps while it is typed."""

import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import RedirectResponse

from dutydesk.accounts.permissions import allow_page
from dutydesk.accounts.rules import Actor
from dutydesk.db import Session
from dutydesk.desk.model import Draft
from dutydesk.desk.phone import drafts, queries
from dutydesk.desk.phone.actions import (
    DuplicatesError,
    SavedBeforeError,
    Submission,
    duplicates,
    once,
    save_call,
)
from dutydesk.desk.phone.form import (
    CARRIED,
    INPUTS,
    NAMES,
    incident_choices,
    read_call,
    stored_number,
    units_named,
)
from dutydesk.desk.phone.looking import looked_up, of_unit
from dutydesk.desk.phone.stamp import Stamp, make_key, read_key
from dutydesk.dutylog.rules.callers import Caller, certain, ranked
from dutydesk.dutylog.rules.duplicates import Candidate, Event
from dutydesk.dutylog.rules.times import read_time, shown_time
from dutydesk.errors import DutydeskError
from dutydesk.incidents.queries import incident_by_number
from dutydesk.people.queries import list_units
from dutydesk.people.rules import Unit
from dutydesk.web.forms import Form, typed
from dutydesk.web.languages import say
from dutydesk.web.pages import PageRoute, render
from dutydesk.web.site import Site, TheSite

router = APIRouter(route_class=PageRoute, include_in_schema=False)
router.include_router(drafts.router)

Writer = Annotated[Actor, Depends(allow_page("log:write"))]

_OPEN = 100
_LONGEST_QUERY = 100
REASONS = {
    "SAME_UNIT": "同一单位",
    "SAME_PLACE": "地点相同",
    "SIMILAR_WORDS": "说法相近",
    "CLOSE_IN_TIME": "时间相近",
    "SAME_CATEGORY": "同一类别",
}


ORIGINS = {"contact": "通讯录", "duty_phone": "值班电话", "on_duty": "在班", "earlier": "以往来电"}
# What a first report lacks and the form has a field for: shown as 待核实, never a block.
_LACKING = (
    ("occurred", "事发时间"),
    ("place", "地点"),
    ("unit", "事发单位"),
    ("person", "来电人"),
    ("number", "来电号码"),
    ("narrative", "经过、伤亡、措施"),
)


@dataclass(frozen=True, slots=True)
class Offered:
    """An incident that may be the same event, as the form offers it."""

    candidate: Candidate
    title: str
    unit: str
    place: str
    at: Any

    @property
    def why(self) -> list[str]:
        """The reasons in words."""
        return [REASONS[reason] for reason in self.candidate.reasons]


# ---------------------------------------------------------------------------------------------------------------------
# The form


@router.get("/phone")
async def phone(
    request: Request,
    actor: Writer,
    site: TheSite,
    new: str = "",
    draft: str = "",
    incident: Annotated[str, Query(max_length=_LONGEST_QUERY)] = "",
) -> Response:
    """Open the form; the call comes in at this moment. What was being typed before is shown again."""
    now = site.clock.now()
    async with site.db.read() as session:
        kept = await drafts.unsaved(session, actor)
        known = _read(site, actor, draft)
        if known is not None and known.proved and await drafts.state_of(session, actor, draft) == "saved":
            known, draft = None, ""
        units = await list_units(session)
    chosen = next((one for one in kept if one.form == drafts.FORM + draft), None)
    if not new and not draft and not incident:
        chosen = next(iter(kept), None)
    if chosen is not None:
        key = chosen.form.removeprefix(drafts.FORM)
        values = {name: str(text) for name, text in chosen.fields.items()} | {"key": key}
    elif known is not None and known.proved:
        values = _fresh(site, draft, known)
    else:
        key = _key(site, actor, Stamp(now, proved=True))
        values = _fresh(site, key, Stamp(now.replace(microsecond=0), proved=True))
        if incident:
            values |= {"kind": "report", "incident": incident}
    form = Form((*INPUTS, *CARRIED), values)
    return await _page(
        request,
        site,
        actor,
        form,
        units,
        restored=chosen is not None,
        others=[one for one in kept if one is not chosen],
    )


def _fresh(site: Site, key: str, stamp: Stamp) -> dict[str, str]:
    shown = shown_time(stamp.at, site.clock.now(), site.zone)
    return {"key": key, "rev": "0", "at": shown, "category": "accident", "grade": "ungraded"}


def _read(site: Site, actor: Actor, key: str) -> Stamp | None:
    return read_key(key, actor.account_id or 0, site.signing_key)


def _key(site: Site, actor: Actor, stamp: Stamp) -> str:
    secret = site.signing_key
    return make_key(stamp.at, secrets.token_urlsafe(12), actor.account_id or 0, secret)


async def _page(
    request: Request,
    site: Site,
    actor: Actor,
    form: Form,
    units: Sequence[Unit],
    status: int = 200,
    *,
    restored: bool = False,
    others: Sequence[Draft] = (),
    offered: Sequence[Offered] = (),
    saved_at: str = "",
) -> Response:
    by_id = {unit.id: unit for unit in units}
    named = units_named(form.value("where_unit") or form.value("unit"), units)
    async with site.db.read() as session:
        rows = await queries.open_incidents(session, _OPEN)
    choices = incident_choices(rows, by_id, named[0].id if len(named) == 1 else None)
    stamp = _read(site, actor, form.value("key"))
    return render(
        request,
        "desk/phone.html",
        status,
        form=form,
        fields={one.name: one for one in form.inputs},
        units=units,
        incidents=choices,
        account=actor.account_id,
        opened=stamp.at if stamp is not None else site.clock.now(),
        restored=restored,
        others=[_shown_draft(one) for one in others],
        offered=offered,
        saved_at=saved_at,
        names=json.dumps(sorted(NAMES)),
    )


def _shown_draft(row: Draft) -> dict[str, Any]:
    return {
        "key": row.form.removeprefix(drafts.FORM),
        "opened_at": row.opened_at,
        "what": str(row.fields.get("what") or row.fields.get("person") or row.fields.get("number") or ""),
    }


# ---------------------------------------------------------------------------------------------------------------------
# While it is typed


@router.get("/phone/caller")
async def caller(
    request: Request,
    _actor: Writer,
    site: TheSite,
    number: Annotated[str, Query(max_length=_LONGEST_QUERY)] = "",
    unit: Annotated[str, Query(max_length=_LONGEST_QUERY)] = "",
) -> Response:
    """Return who may be calling: by the number, or by the unit where no number is known."""
    async with site.db.read() as session:
        units = await list_units(session)
        named = units_named(unit, units)
        found: list[Caller] = await looked_up(session, stored_number(number), number)
        fill = certain(found)
        of = next((one for one in units if one.id == fill.unit_id), None)
        if not found and len(named) == 1:
            found = await of_unit(session, named[0], site.clock.now())
        elif of is not None and not fill.person:
            # A duty phone: whoever is on duty there is the likeliest to be at it.
            found = ranked([*found, *await of_unit(session, of, site.clock.now())])
    return render(
        request,
        "desk/phone_caller.html",
        callers=found,
        fill=fill,
        units={one.id: one for one in units},
        origins=ORIGINS,
        named=named,
        asked=unit.strip(),
    )


@router.post("/phone/check")
async def check(request: Request, _actor: Writer, site: TheSite) -> Response:
    """Return how the time is understood, what is still 待核实, and which known incident this may be."""
    form = await typed(request, (*INPUTS, *CARRIED))
    now = site.clock.now()
    said = read_time(form.value("at"), now, site.zone)
    at = said.at if said is not None and said.at is not None else now
    occurred = read_time(form.value("occurred"), at, site.zone)
    async with site.db.read() as session:
        units = await list_units(session)
        named = units_named(form.value("where_unit") or form.value("unit"), units)
        unit = named[0] if len(named) == 1 else None
        offered: Sequence[Offered] = ()
        if form.value("kind") == "incident" and form.value("what"):
            happened = occurred.at if occurred is not None and occurred.at is not None else at
            new = Event(
                "",
                unit.id if unit else None,
                form.value("what"),
                form.value("place"),
                form.value("category"),
                happened,
            )
            found = await duplicates(session, new, drill=form.ticked("drill"))
            offered = await _offered(session, found, units)
        rows = await queries.open_incidents(session, _OPEN) if form.value("kind") == "report" else []
    return render(
        request,
        "desk/phone_check.html",
        form=form,
        at=at,
        occurred=occurred,
        lacking=_lacking(form),
        offered=offered,
        incidents=incident_choices(rows, {one.id: one for one in units}, unit.id if unit else None),
    )


def _lacking(form: Form) -> list[str]:
    there = {name for name, _ in _LACKING if form.value(name)}
    if form.value("where_unit"):
        there.add("unit")
    return [say(text) for name, text in _LACKING if name not in there]


async def _offered(session: Session, found: Sequence[Candidate], units: Sequence[Unit]) -> list[Offered]:
    names = {unit.id: unit.short_name for unit in units}
    rows = [await incident_by_number(session, one.number) for one in found]
    return [
        Offered(one, row.title, names[row.unit_id], row.place, row.occurred_at or row.received_at)
        for one, row in zip(found, rows, strict=True)
    ]


# ---------------------------------------------------------------------------------------------------------------------
# Saving


@router.post("/phone")
async def save(request: Request, actor: Writer, site: TheSite) -> Response:
    """Write the call down with what it says about an incident, all of it or nothing."""
    now = site.clock.now()
    form = await typed(request, (*INPUTS, *CARRIED))
    async with site.db.read() as session:
        units = await list_units(session)
    stamp = _read(site, actor, form.value("key"))
    if stamp is None or not stamp.proved:
        # Nothing is lost for a key that is none of ours; its time just proves nothing.
        form.values["key"] = _key(site, actor, Stamp(now, proved=True))
        stamp = None if stamp is None else replace(stamp, proved=False)
    call = read_call(form, units, stamp, now, site.zone)
    if call is None:
        return await _page(request, site, actor, form, units, 422)
    key = form.value("key")

    async def work(session: Session) -> str:
        address = await save_call(session, site, site.clock.now(), actor, call)
        await drafts.forget(session, actor, key)
        return address

    try:
        address = await once(site, Submission(drafts.caller_of(actor), key, _digest(form)), work)
    except DuplicatesError as error:
        return await _asked(request, site, actor, form, units, error)
    except SavedBeforeError as error:
        # Two windows showed one draft: the second call keeps its words, under a key of its own.
        form.values["key"] = _key(site, actor, stamp or Stamp(now, proved=False))
        form.fault("", say("这份登记已在另一窗口保存；这里的内容没有登记，如是另一来电，请再次保存"))
        return await _page(request, site, actor, form, units, 409, saved_at=error.address)
    except DutydeskError as error:
        return await _page(request, site, actor, form, units, form.refused(error))
    return _gone_to(request, address)


def _gone_to(request: Request, address: str) -> Response:
    """Send the browser on; a script is told where to, so that it drops its own copy first."""
    if request.headers.get("x-live") == "1":
        return Response(status_code=201, headers={"Location": address})
    return RedirectResponse(address, 303)


async def _asked(
    request: Request, site: Site, actor: Actor, form: Form, units: Sequence[Unit], error: DuplicatesError
) -> Response:
    async with site.db.read() as session:
        offered = await _offered(session, error.found, units)
    shown = {one.candidate.number for one in offered}
    form.values["seen"] = " ".join(sorted(shown))
    if form.value("decision").partition(":")[2] not in shown:
        # What was decided before another incident came up is decided anew.
        form.values["decision"] = ""
    form.fault("decision", "可能是同一事件，请选定后再保存")
    return await _page(request, site, actor, form, units, 409, offered=offered)


def _digest(form: Form) -> str:
    words = {name: form.value(name) for name in sorted(NAMES - {"decision"})}
    return sha256(json.dumps(words, ensure_ascii=False).encode()).hexdigest()

"""Calendar feeds in the browser: made, shown once, revoked; and the address itself, which asks nobody who they are."""

from typing import Annotated

from fastapi import APIRouter, Depends, Header, Request, Response

from dutydesk.accounts.permissions import allow_page, open_to
from dutydesk.accounts.rules import Actor
from dutydesk.db import Session
from dutydesk.errors import DutydeskError, NotFoundError
from dutydesk.people import queries as people
from dutydesk.people.rules import Unit
from dutydesk.rosters.files import feed_queries as queries
from dutydesk.rosters.files import feeds
from dutydesk.rosters.rules import SEATS, Seat
from dutydesk.web import words
from dutydesk.web.forms import Form, Input, typed
from dutydesk.web.languages import say
from dutydesk.web.pages import PageRoute, render
from dutydesk.web.site import Site, TheSite

router = APIRouter(prefix="/rosters/feeds", route_class=PageRoute, include_in_schema=False)
open_router = APIRouter(include_in_schema=False)

Asker = Annotated[Actor, Depends(allow_page("roster:ask"))]
Planner = Annotated[Actor, Depends(allow_page("roster:file"))]

_LONGEST_TOKEN = 100
_HEADERS = {
    # Whoever has the address reads it: it must not leak into a search engine, a shared cache or a Referer.
    "Cache-Control": "private, max-age=300",
    "X-Robots-Tag": "noindex, nofollow, noarchive",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
}


@open_router.get("/calendar-feeds/{token}.ics", dependencies=[Depends(open_to("public"))])
async def feed(token: str, site: TheSite, if_none_match: Annotated[str, Header()] = "") -> Response:
    """Give the shifts of a secret address; an unknown and a revoked one are told alike."""
    now = site.clock.now()
    if len(token) > _LONGEST_TOKEN:
        return Response(status_code=404, headers=_HEADERS)
    async with site.db.read() as session:
        found = await feeds.read_feed(session, now, token)
    if found is None:
        return Response(status_code=404, headers=_HEADERS)
    row, answer = found
    if feeds.is_due(row, now):
        async with site.db.write(quiet=True) as session:
            await feeds.note_read(session, now, feeds.feed_id(row))
    headers = _HEADERS | {"ETag": f'"{answer.etag}"'}
    if f'"{answer.etag}"' in if_none_match:
        return Response(status_code=304, headers=headers)
    return Response(answer.content, media_type="text/calendar; charset=utf-8", headers=headers)


def _inputs(units: list[Unit]) -> tuple[Input, Input]:
    return (
        Input("unit", "单位", "choice", required=True, choices=[(one.code, one.name) for one in units]),
        Input("seat", "席位", "choice", required=True, choices=[(seat, words.SEATS[seat]) for seat in SEATS]),
    )


async def _units(session: Session, actor: Actor) -> list[Unit]:
    if not actor.may("roster:file"):
        return []
    return await people.list_units(session, only=actor.unit_id, serving=True)


@router.get("")
async def overview(request: Request, actor: Asker, site: TheSite) -> Response:
    """List the addresses that the reader may revoke, and offer new ones."""
    return await _page(request, actor, site)


async def _page(
    request: Request, actor: Actor, site: Site, form: Form | None = None, status: int = 200
) -> Response:
    async with site.db.read() as session:
        units = await _units(session, actor)
        own = [] if actor.person_id is None else await queries.live_feeds(session, person_id=actor.person_id)
        seats = await queries.live_feeds(session, unit_id=actor.unit_id, seats=True) if units else []
    return render(
        request,
        "rosters/feeds.html",
        status,
        own=own,
        seats=seats,
        units={one.id: one for one in units},
        form=form or Form(_inputs(units)),
    )


@router.post("/own")
async def make_own(request: Request, actor: Asker, site: TheSite) -> Response:
    """Make an address of the reader's own shifts and show it, once."""
    if actor.person_id is None:
        raise NotFoundError("there is no person of this account")
    try:
        _, token = await site.db.run(
            lambda session: feeds.create_feed(session, site.clock.now(), actor, person_id=actor.person_id)
        )
    except DutydeskError as error:
        async with site.db.read() as session:
            form = Form(_inputs(await _units(session, actor)))
        return await _page(request, actor, site, form, form.refused(error))
    return _shown_once(request, site, token, say("我的班次"))


@router.post("/seat")
async def make_seat(request: Request, actor: Planner, site: TheSite) -> Response:
    """Make an address of a unit's seat and show it, once."""
    async with site.db.read() as session:
        units = await _units(session, actor)
    form = await typed(request, _inputs(units))
    form.check_required()
    unit = next((one for one in units if one.code == form.value("unit")), None)
    seat: Seat | None = next((one for one in SEATS if one == form.value("seat")), None)
    if form.faults or unit is None or seat is None:
        form.fault("unit" if unit is None else "seat", "请选择")
        return await _page(request, actor, site, form, 422)
    try:
        _, token = await site.db.run(
            lambda session: feeds.create_feed(session, site.clock.now(), actor, unit_id=unit.id, seat=seat)
        )
    except DutydeskError as error:
        return await _page(request, actor, site, form, form.refused(error))
    return _shown_once(request, site, token, f"{unit.name} {say(words.SEATS[seat])}")


@router.post("/{feed_id}/revoke")
async def revoke(feed_id: int, actor: Asker, site: TheSite) -> Response:
    """Make an address useless."""
    await site.db.run(lambda session: feeds.revoke_feed(session, site.clock.now(), actor, feed_id))
    return Response(status_code=303, headers={"Location": "/rosters/feeds"})


def _shown_once(request: Request, site: Site, token: str, about: str) -> Response:
    address = f"{site.settings.public_url.rstrip('/')}/calendar-feeds/{token}.ics"
    return render(request, "rosters/feed_once.html", address=address, about=about)

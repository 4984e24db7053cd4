"""The board: alarms, clocks, who is on duty, who is being told; live by server-sent events."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import BaseModel, Field
from sse_starlette import EventSourceResponse, ServerSentEvent

from dutydesk.accounts.permissions import allow_page
from dutydesk.accounts.rules import Actor
from dutydesk.alerts import actions, queries
from dutydesk.alerts.model import Alert
from dutydesk.db import Session
from dutydesk.desk import facts
from dutydesk.errors import DutydeskError, NotFoundError
from dutydesk.people.queries import people_by_id
from dutydesk.web import words
from dutydesk.web.forms import Form, Input, typed
from dutydesk.web.pages import PageRoute, render
from dutydesk.web.site import Site, TheSite

router = APIRouter(route_class=PageRoute, include_in_schema=False)

DeskUser = Annotated[Actor, Depends(allow_page("desk:use"))]
Confirmer = Annotated[Actor, Depends(allow_page("alert:acknowledge"))]

# A burst of commits is drawn at most four times a second; a page that hears nothing for two beats is cut off.
_DRAWN_EVERY = 0.25
_BEAT_SECONDS = 5

_BY_HAND = (
    Input("who", "谁确认的", required=True, hint="姓名和职务", longest=50),
    Input("how", "怎样确认的", required=True, hint="例如：值班手机通话，本人答复收到", longest=200),
    Input("at", "确认时间", "moment", required=True),
)


class Drawn(BaseModel):
    """Which alerts a board shows, and whether its sound is on."""

    alerts: Annotated[list[int], Field(max_length=500)]
    sound: bool


@router.get("/")
async def home(_actor: DeskUser) -> RedirectResponse:
    """The board is the first page."""
    return RedirectResponse("/desk", 303)


@router.get("/desk")
async def desk(request: Request, actor: DeskUser, site: TheSite) -> Response:
    """Show the board."""
    return await _board(request, actor, site, "desk/desk.html")


@router.get("/desk/board")
async def board(request: Request, actor: DeskUser, site: TheSite) -> Response:
    """Return the part of the board that changes."""
    return await _board(request, actor, site, "desk/board.html")


async def _board(request: Request, actor: Actor, site: Site, template: str) -> Response:
    async with site.db.read() as session:
        found = await facts.board(session, site, site.clock.now())
    return render(
        request, template, board=found, shown_people=facts.shown_people, masked=not actor.may("numbers:read")
    )


@router.get("/desk/alarms")
async def alarms(request: Request, _actor: DeskUser, site: TheSite) -> Response:
    """Return the alarms alone: every other page shows and rings them too."""
    async with site.db.read() as session:
        found = await facts.alarms(session, site)
    return render(request, "desk/alarms.html", alarms=found)


@router.get("/desk/events")
async def events(_actor: DeskUser, site: TheSite) -> EventSourceResponse:
    """Say when something changed, and every five seconds that the line still stands.

    No database session is held: the page asks for what it shows.
    """
    return EventSourceResponse(
        _changes(site), ping=_BEAT_SECONDS, ping_message_factory=lambda: _event("beat", site), send_timeout=10
    )


async def _changes(site: Site) -> AsyncIterator[ServerSentEvent]:
    async with aclosing(site.bell.listen()) as rings:
        async for _ in rings:
            yield _event("board", site)
            await asyncio.sleep(_DRAWN_EVERY)


def _event(name: str, site: Site) -> ServerSentEvent:
    """Every event carries the site's time, in milliseconds: countdowns are set by it."""
    return ServerSentEvent(str(int(site.clock.now().timestamp() * 1000)), event=name, retry=2000)


@router.post("/desk/drawn", status_code=204)
async def drawn(body: Drawn, _actor: DeskUser, site: TheSite) -> Response:
    """Take a board's word that it drew these alerts; only with sound do they count as delivered."""
    if body.sound and body.alerts:
        async with site.db.write() as session:
            await actions.screen_drawn(session, site.clock.now(), body.alerts, sound=True)
    return Response(status_code=204)


@router.post("/desk/alerts/{alert_id}/confirm")
async def confirm(request: Request, alert_id: int, actor: Confirmer, site: TheSite) -> Response:
    """Confirm an alert on the screen; it ends that alert only."""

    async def clicked(session: Session) -> None:
        row = await _alert(session, alert_id)
        # Two boards, two clicks: the second one finds it done.
        if row.acknowledged_at is None and row.state != "cancelled":
            await actions.acknowledge_on_screen(session, site.clock.now(), row, actor.name)

    await site.db.run(clicked)
    if request.headers.get("X-Live"):
        return Response(status_code=204)
    return RedirectResponse("/desk", 303)


async def _alert(session: Session, alert_id: int) -> Alert:
    row = await queries.alert(session, alert_id)
    if row is None:
        raise NotFoundError(f"there is no alert {alert_id}")
    return row


@router.get("/desk/alerts/{alert_id}/by-hand")
async def by_hand_form(request: Request, alert_id: int, _actor: Confirmer, site: TheSite) -> Response:
    """Ask who confirmed, how and when."""
    now = site.clock.now()
    async with site.db.read() as session:
        row = await _alert(session, alert_id)
        who = await _told(session, row)
    form = Form(_BY_HAND, {"who": who, "at": f"{now.astimezone(site.zone):%Y-%m-%dT%H:%M:%S}"})
    return _by_hand_page(request, row, form)


@router.post("/desk/alerts/{alert_id}/by-hand")
async def by_hand(request: Request, alert_id: int, actor: Confirmer, site: TheSite) -> Response:
    """Record by hand that a person confirmed."""
    form = await typed(request, _BY_HAND)
    at = form.moment("at", site.zone)
    form.check_required()
    async with site.db.read() as session:
        row = await _alert(session, alert_id)
    if form.faults or at is None:
        return _by_hand_page(request, row, form, 422)
    try:
        await _record_by_hand(site, actor, alert_id, form, at)
    except DutydeskError as error:
        return _by_hand_page(request, row, form, form.refused(error))
    return RedirectResponse(f"/incidents/{row.number}" if row.number else "/desk", 303)


async def _record_by_hand(site: Site, actor: Actor, alert_id: int, form: Form, at: datetime) -> None:
    async def recorded(session: Session) -> None:
        row = await _alert(session, alert_id)
        await actions.acknowledge_by_hand(
            session,
            site.clock.now(),
            row,
            who=form.value("who")[:50],
            how=form.value("how")[:200],
            # Typed to the minute, the alert may be seconds younger than its own confirmation.
            at=max(at, row.created_at) if at.replace(second=59) >= row.created_at else at,
            recorded_by=actor.name,
        )

    await site.db.run(recorded)


async def _told(session: Session, row: Alert) -> str:
    """Return the name of whoever the alert was for."""
    if row.person_id is None:
        return ""
    return (await people_by_id(session, [row.person_id]))[row.person_id].name


def _by_hand_page(request: Request, row: Alert, form: Form, status: int = 200) -> Response:
    channel, target = words.CHANNELS[row.channel], words.target(row.target)
    return render(
        request,
        "act.html",
        status,
        title="人工登记应答",
        about=f"{row.number} {channel}告知 {target}".strip(),
        note="打通了电话、当面告知等，由值班员登记；谁、怎样、何时都会存档。",
        form=form,
        submit="登记",
        back=f"/incidents/{row.number}" if row.number else "/desk",
    )

"""The board and the wall screen: alarms, clocks, who is on duty, who is being told; live by server-sent events."""

import hashlib
from collections.abc import AsyncIterator
from contextlib import aclosing
from datetime import datetime
from functools import cache
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import JSONResponse, RedirectResponse
from pydantic import BaseModel, Field
from sse_starlette import EventSourceResponse

from dutydesk import __version__
from dutydesk.accounts.permissions import allow_page
from dutydesk.accounts.rules import Actor
from dutydesk.alerts import actions, queries
from dutydesk.alerts.model import Alert
from dutydesk.db import Session
from dutydesk.desk.addresses import address_of
from dutydesk.desk.alarms import alarms_of, read_alarms
from dutydesk.desk.boards import Boards, Stream
from dutydesk.desk.drawing import View, variant_of
from dutydesk.desk.points import milliseconds
from dutydesk.errors import DutydeskError, NotFoundError
from dutydesk.escalation.actions import call_out_now
from dutydesk.obligations.queries import obligation
from dutydesk.people.queries import people_by_id, units_by_id
from dutydesk.web import words
from dutydesk.web.forms import Form, Input, typed
from dutydesk.web.languages import say
from dutydesk.web.pages import PageRoute, render, static_address
from dutydesk.web.site import Site, TheSite

router = APIRouter(route_class=PageRoute, include_in_schema=False)

SignedIn = Annotated[Actor, Depends(allow_page("account:own"))]
Reader = Annotated[Actor, Depends(allow_page("board:read"))]
DeskUser = Annotated[Actor, Depends(allow_page("desk:use"))]
Confirmer = Annotated[Actor, Depends(allow_page("alert:acknowledge"))]

# A page that is not read for so long is cut off.
_SEND_SECONDS = 10

_BY_HAND = (
    Input("who", "谁确认的", required=True, hint="姓名和职务", longest=50),
    Input("how", "怎样确认的", required=True, hint="例如：值班手机通话，本人答复收到", longest=200),
    Input("at", "确认时间", "moment", required=True),
)


class Drawn(BaseModel):
    """Which alerts a board shows, and whether its sound is on."""

    alerts: Annotated[list[int], Field(max_length=500)]
    sound: bool


def boards_of(request: Request) -> Boards:
    """Return the open boards of this process (a FastAPI dependency)."""
    boards: Boards = request.app.state.boards
    return boards


TheBoards = Annotated[Boards, Depends(boards_of)]


@cache
def release() -> str:
    """Return what tells one release's pages from another's: an open board of an older one loads itself anew."""
    parts = [__version__, *(static_address(name) for name in ("desk.js", "line.js", "desk.css", "board.css"))]
    return hashlib.sha256(" ".join(parts).encode()).hexdigest()[:12]


@router.get("/")
async def home(actor: SignedIn) -> RedirectResponse:
    """Go where somebody of this role works: a leader sees his calls, a unit its incidents, others the board."""
    first = {"leader": "/my", "unit": "/incidents"}
    return RedirectResponse(first.get(actor.role, "/desk"), 303)


@router.get("/desk")
async def desk(request: Request, actor: Reader, boards: TheBoards) -> Response:
    """Show the board."""
    return await _page(request, actor, boards, "board", "desk/desk.html")


@router.get("/desk/board")
async def board(request: Request, actor: Reader, boards: TheBoards) -> Response:
    """Return the part of the board that changes, for a page that missed something."""
    return await _page(request, actor, boards, "board", "desk/board.html")


@router.get("/wall")
async def wall(request: Request, actor: Reader, boards: TheBoards) -> Response:
    """Show the screen on the wall: to be read from across the room, and nothing else."""
    return await _page(request, actor, boards, "wall", "desk/wall.html")


@router.get("/wall/board")
async def wall_board(request: Request, actor: Reader, boards: TheBoards) -> Response:
    """Return the part of the wall screen that changes."""
    return await _page(request, actor, boards, "wall", "desk/wall_board.html")


async def _page(request: Request, actor: Actor, boards: Boards, view: View, template: str) -> Response:
    picture = await boards.picture(variant_of(view, actor))
    return render(request, template, board=picture, release=release())


@router.get("/desk/alarms")
async def alarms(request: Request, _actor: DeskUser, site: TheSite) -> Response:
    """Return the alarms alone: every other page shows and rings them too."""
    async with site.db.read() as session:
        found = await read_alarms(session, site)
    return render(request, "desk/alarms.html", alarms=alarms_of(found, site), confirms=True)


@router.get("/desk/events")
async def events(
    actor: SignedIn,
    boards: TheBoards,
    view: Annotated[Literal["board", "wall", "ring"], Query()] = "ring",
    have: Annotated[str, Query(max_length=40)] = "",
) -> EventSourceResponse:
    """Push to a board what changed on it, and tell other pages that something did; no database session is held.

    A unit contact has no board and no business with what others do: its stream only beats.
    """
    stream: Stream = "ring" if view == "ring" else variant_of(view, actor)
    told = _told_to(boards, stream if actor.may("board:read") else "beat", actor, have)
    return EventSourceResponse(told, ping=0, send_timeout=_SEND_SECONDS)


async def _told_to(boards: Boards, stream: Stream, actor: Actor, have: str) -> AsyncIterator[bytes]:
    yield f"event: release\r\ndata: {release()}\r\nretry: 2000\r\n\r\n".encode()
    async with aclosing(boards.listen(stream, actor, have)) as chunks:
        async for chunk in chunks:
            yield chunk


@router.get("/desk/time")
async def time_now(_actor: SignedIn, site: TheSite) -> JSONResponse:
    """Tell the site's time, and by answering that the sign-in still holds."""
    return JSONResponse({"now": milliseconds(site.clock.now())})


@router.post("/desk/obligations/{obligation_id}/call-out")
async def call_out(request: Request, obligation_id: int, actor: DeskUser, site: TheSite) -> Response:
    """Tell whoever is next now (一键叫应, 立即催报); a second click within a minute changes nothing."""

    async def clicked(session: Session) -> None:
        row = await obligation(session, obligation_id, lock=True)
        if row is None:
            raise NotFoundError(f"there is no obligation {obligation_id}")
        await call_out_now(session, site, site.clock.now(), actor.name, row)

    await site.db.run(clicked)
    if request.headers.get("X-Live"):
        return Response(status_code=204)
    return RedirectResponse("/desk", 303)


@router.post("/desk/drawn", status_code=204)
async def drawn(body: Drawn, _actor: DeskUser, site: TheSite) -> Response:
    """Take a board's word that it drew these alerts; only with sound do they count as delivered."""
    if body.sound and body.alerts:
        async with site.db.read() as session:
            ringing = any(row.obligation_id is None for row in await queries.desk_calls(session))
            fresh = await _not_yet_delivered(session, body.alerts)
        if ringing or fresh:
            # Many boards draw the same: only a telephone that need not ring any more is news to anybody.
            async with site.db.write(quiet=not ringing) as session:
                await actions.screen_drawn(session, site.clock.now(), body.alerts, sound=True)
    return Response(status_code=204)


async def _not_yet_delivered(session: Session, ids: list[int]) -> bool:
    """Tell whether one of these alerts on the screen does not count as delivered yet."""
    rows = {row.id: row for row in await queries.screen_alerts(session) if row.id in ids}
    return any(
        attempt.state != "delivered"
        or rows[item.alert_id].state != "delivered"
        or rows[item.alert_id].exhausted_reason == "NO_SCREEN"
        for item, attempt in await queries.screen_attempts(session, [one or 0 for one in rows])
    )


@router.post("/desk/alerts/{alert_id}/confirm")
async def confirm(request: Request, alert_id: int, actor: DeskUser, site: TheSite) -> Response:
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
        back = await _address(session, site, row)
    form = Form(_BY_HAND, {"who": who, "at": f"{now.astimezone(site.zone):%Y-%m-%dT%H:%M:%S}"})
    return _by_hand_page(request, row, back, form)


@router.post("/desk/alerts/{alert_id}/by-hand")
async def by_hand(request: Request, alert_id: int, actor: Confirmer, site: TheSite) -> Response:
    """Record by hand that a person confirmed."""
    form = await typed(request, _BY_HAND)
    at = form.moment("at", site.zone)
    form.check_required()
    async with site.db.read() as session:
        row = await _alert(session, alert_id)
        back = await _address(session, site, row)
    if form.faults or at is None:
        return _by_hand_page(request, row, back, form, 422)
    try:
        await _record_by_hand(site, actor, alert_id, form, at)
    except DutydeskError as error:
        return _by_hand_page(request, row, back, form, form.refused(error))
    return RedirectResponse(back, 303)


async def _address(session: Session, site: Site, row: Alert) -> str:
    """Return the page of what an alert is about; the board, where it has none."""
    units = await units_by_id(session, [] if row.unit_id is None else [row.unit_id])
    unit = units.get(row.unit_id or 0)
    return address_of(row.number, row.subject, unit, row.created_at, site.zone) or "/desk"


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


def _by_hand_page(request: Request, row: Alert, back: str, form: Form, status: int = 200) -> Response:
    told = say("{channel}告知 {who}", channel=say(words.CHANNELS[row.channel]), who=words.target(row.target))
    return render(
        request,
        "act.html",
        status,
        title="人工登记应答",
        about=f"{row.number} {told}".strip(),
        note="打通了电话、当面告知等，由值班员登记；谁、怎样、何时都会存档。",
        form=form,
        submit="登记",
        back=back,
    )

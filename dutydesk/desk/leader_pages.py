"""The leaders' page: what an SMS or a call was about, and one large button that says it was received."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse

from dutydesk.accounts.permissions import allow_page
from dutydesk.accounts.rules import Actor
from dutydesk.db import Session
from dutydesk.desk import leader
from dutydesk.web.pages import PageRoute, render
from dutydesk.web.site import Site, TheSite

router = APIRouter(route_class=PageRoute, include_in_schema=False)

Called = Annotated[Actor, Depends(allow_page("calls:own"))]


@router.get("/my")
async def my(request: Request, actor: Called, site: TheSite) -> Response:
    """Show what the one who is signed in was told about."""
    return await _page(request, actor, site, "desk/my.html")


@router.get("/my/live")
async def live(request: Request, actor: Called, site: TheSite) -> Response:
    """Return the part of the page that changes."""
    return await _page(request, actor, site, "desk/my_live.html")


async def _page(request: Request, actor: Actor, site: Site, template: str) -> Response:
    async with site.db.read() as session:
        phone = await leader.desk_phone(session)
        calls = (
            []
            if actor.person_id is None
            else await leader.calls_of(session, site, site.clock.now(), actor.person_id)
        )
    return render(request, template, calls=calls, linked=actor.person_id is not None, desk_phone=phone)


@router.post("/my/alerts/{alert_id}/received")
async def received(request: Request, alert_id: int, actor: Called, site: TheSite) -> Response:
    """Say that one got it; saying it twice is no error."""

    async def clicked(session: Session) -> None:
        await leader.received(session, site.clock.now(), actor, alert_id)

    await site.db.run(clicked)
    if request.headers.get("X-Live"):
        return Response(status_code=204)
    return RedirectResponse("/my", 303)

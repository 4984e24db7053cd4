"""What every form of an incident shares: its page, doing the work once, and where to go afterwards.

Each is a form of its own, so that what is being typed survives the live page; what an action refuses
is said on the form, with everything that was typed.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import Depends, Request, Response
from fastapi.responses import RedirectResponse

from dutydesk.accounts.permissions import allow_page
from dutydesk.accounts.rules import Actor
from dutydesk.db import Session
from dutydesk.errors import DutydeskError
from dutydesk.incidents import queries
from dutydesk.incidents.model import Incident
from dutydesk.web.forms import Form, Input
from dutydesk.web.once import once_only
from dutydesk.web.pages import render
from dutydesk.web.site import Site

Reader = Annotated[Actor, Depends(allow_page("incident:read"))]
Writer = Annotated[Actor, Depends(allow_page("incident:write"))]
Filer = Annotated[Actor, Depends(allow_page("report:file"))]
Decider = Annotated[Actor, Depends(allow_page("obligation:decide"))]
Confirmer = Annotated[Actor, Depends(allow_page("clock:confirm"))]


@dataclass(frozen=True, slots=True)
class Act:
    """What the page of such a form says: why there is one, and (line by line) what will happen."""

    title: str
    submit: str
    inputs: Sequence[Input] = ()
    note: str = ""
    effects: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Seen:
    """Something that changed while a form was open: what, by whom, when, and field by field what it was and is."""

    what: str
    detail: str


def address(number: str) -> str:
    """Return where an incident's page is."""
    return f"/incidents/{quote(number)}"


def to_incident(number: str) -> RedirectResponse:
    """Send the browser to an incident's page, to be fetched by GET."""
    return RedirectResponse(address(number), 303)


def act_page(
    request: Request,
    act: Act,
    about: str,
    back: str,
    values: dict[str, str] | Form,
    status: int = 200,
    *,
    seen: Sequence[Seen] = (),
    multipart: bool = False,
) -> Response:
    """Return the page of a form; *back* is where Return leads, *seen* what changed while it was open."""
    form = values if isinstance(values, Form) else Form(act.inputs, values)
    return render(
        request,
        "incidents/act.html",
        status,
        act=act,
        about=about,
        form=form,
        back=back,
        seen=seen,
        multipart=multipart,
    )


def about(row: Incident) -> str:
    """Return what stands under the title of a form: which incident it is."""
    return f"{row.number} {row.title}"


async def found(site: Site, actor: Actor, number: str) -> Incident:
    """Return the incident of an address.

    Raises:
        NotFoundError: when there is none for this caller.
    """
    async with site.db.read() as session:
        return await queries.incident_by_number(session, number, unit_id=actor.unit_id)


async def do(
    request: Request,
    site: Site,
    actor: Actor,
    act: Act,
    row: Incident,
    form: Form,
    work: Callable[[Session, Incident], Awaitable[Any]],
) -> Response:
    """Run an action on a locked incident; what it refuses is said on the form, with everything typed."""

    async def locked(session: Session) -> str:
        # Read again under the lock: it may have been given to another unit meanwhile.
        mine = await queries.incident_by_number(session, row.number, unit_id=actor.unit_id, lock=True)
        await work(session, mine)
        return row.number

    try:
        return to_incident(await once_only(site, actor.name, form.value("once"), locked))
    except DutydeskError as error:
        return act_page(request, act, about(row), address(row.number), form, form.refused(error))

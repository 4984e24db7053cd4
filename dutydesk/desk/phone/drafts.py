"""What is being typed into the phone log, kept on the server from the first keystroke until saved or thrown away."""

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import JSONResponse, RedirectResponse
from pydantic import BaseModel, Field
from sqlalchemy.exc import IntegrityError

from dutydesk.accounts.permissions import allow_page
from dutydesk.accounts.rules import Actor
from dutydesk.db import Session
from dutydesk.desk.model import Draft
from dutydesk.desk.phone import queries
from dutydesk.desk.phone.form import NAMES, is_empty
from dutydesk.desk.phone.stamp import Stamp, read_key
from dutydesk.errors import ConflictError, NotFoundError
from dutydesk.web.model import IdempotentAnswer
from dutydesk.web.pages import PageRoute
from dutydesk.web.queries import remembered_answer
from dutydesk.web.site import Site, TheSite

router = APIRouter(route_class=PageRoute, include_in_schema=False)

Writer = Annotated[Actor, Depends(allow_page("log:write"))]
State = Literal["open", "saved", "abandoned", "unknown"]

FORM = "phone:"
# Nobody takes so many calls at once; beyond this something is amiss.
_MOST = 20
_Text = Annotated[str, Field(max_length=20_000)]


class Kept(BaseModel):
    """What stands in a form, and how often it was changed: a late or lost message never undoes a newer one."""

    key: Annotated[str, Field(max_length=120)]
    rev: Annotated[int, Field(ge=0)] = 0
    fields: Annotated[dict[str, _Text], Field(max_length=len(NAMES))]


@router.put("/drafts/phone")
@router.post("/drafts/phone")
async def keep(kept: Kept, actor: Writer, site: TheSite) -> Response:
    """Keep what is being typed; what was saved or thrown away meanwhile is not kept again."""
    stamp = own_stamp(site, actor, kept.key)
    fields = {name: text for name, text in kept.fields.items() if name in NAMES}
    for last in (False, True):
        try:
            # Nobody looks at a draft: boards are not drawn anew for every keystroke.
            async with site.db.write(quiet=True) as session:
                await _keep(session, site.clock.now(), actor, kept, stamp, fields)
            break
        except IntegrityError:
            # The first two messages of one form arrived together.
            if last:
                raise
    return Response(status_code=204)


@router.get("/drafts/phone/{key}")
async def look(key: str, actor: Writer, site: TheSite) -> Response:
    """Say what became of a form, so that a browser knows whether to keep its own copy."""
    own_stamp(site, actor, key)
    async with site.db.read() as session:
        return JSONResponse({"state": await state_of(session, actor, key)})


@router.post("/drafts/phone/abandon")
async def abandon(request: Request, actor: Writer, site: TheSite) -> Response:
    """Throw away what was typed into a form."""
    key = str((await request.form()).get("key", ""))
    own_stamp(site, actor, key)
    async with site.db.write(quiet=True) as session:
        await forget(session, actor, key)
        if await remembered_answer(session, _dropped_by(actor), key) is None:
            session.add(
                IdempotentAnswer(
                    caller=_dropped_by(actor),
                    key=key,
                    request_hash="",
                    status=303,
                    body="/phone",
                    created_at=site.clock.now(),
                )
            )
    return RedirectResponse("/phone", 303)


def own_stamp(site: Site, actor: Actor, key: str) -> Stamp:
    """Return when the form with this key was opened.

    Raises:
        NotFoundError: when the server opened no such form for this account.
    """
    stamp = read_key(key, actor.account_id or 0, site.signing_key)
    if stamp is None or not stamp.proved:
        raise NotFoundError("there is no such form")
    return stamp


def caller_of(actor: Actor) -> str:
    """Return under whose name the keys of saved forms are remembered."""
    return f"phone:{actor.account_id}"


def _dropped_by(actor: Actor) -> str:
    return f"phone-dropped:{actor.account_id}"


async def state_of(session: Session, actor: Actor, key: str) -> State:
    """Tell what became of a form."""
    if await remembered_answer(session, caller_of(actor), key) is not None:
        return "saved"
    if await remembered_answer(session, _dropped_by(actor), key) is not None:
        return "abandoned"
    found = await queries.draft(session, actor.account_id or 0, FORM + key)
    return "unknown" if found is None else "open"


async def unsaved(session: Session, actor: Actor) -> list[Draft]:
    """Return what an account is still typing, the latest first; not what a straggling message brought back."""
    rows = await queries.drafts_of(session, actor.account_id or 0, FORM)
    return [row for row in rows if await state_of(session, actor, row.form.removeprefix(FORM)) == "open"]


async def forget(session: Session, actor: Actor, key: str) -> None:
    """Remove what was being typed into a form: it is saved now, or nobody wants it."""
    found = await queries.draft(session, actor.account_id or 0, FORM + key)
    if found is not None:
        await session.delete(found)


async def _keep(
    session: Session, now: datetime, actor: Actor, kept: Kept, stamp: Stamp, fields: dict[str, str]
) -> None:
    account_id = actor.account_id or 0
    if await state_of(session, actor, kept.key) in ("saved", "abandoned"):
        return
    found = await queries.draft(session, account_id, FORM + kept.key)
    if found is None:
        if is_empty(fields.items()):
            return
        if len(await queries.drafts_of(session, account_id, FORM)) >= _MOST:
            raise ConflictError("too many drafts")
        found = Draft(account_id=account_id, form=FORM + kept.key, opened_at=stamp.at, saved_at=now)
    elif kept.rev < int(found.fields.get("rev", 0)):
        return
    elif is_empty(fields.items()):
        await session.delete(found)
        return
    found.fields = {**fields, "rev": str(kept.rev)}
    found.saved_at = now
    session.add(found)

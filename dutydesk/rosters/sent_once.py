"""A form that makes something makes it once, however often it is sent."""

from collections.abc import Awaitable, Callable

from sqlalchemy.exc import IntegrityError

from dutydesk.accounts.rules import Actor
from dutydesk.db import Session
from dutydesk.web.model import IdempotentAnswer
from dutydesk.web.queries import remembered_answer
from dutydesk.web.site import Site

_LONGEST_KEY = 255


async def once_only(site: Site, actor: Actor, key: str, work: Callable[[Session], Awaitable[int]]) -> int:
    """Do *work* in one transaction, once for each form that was drawn with *key*; return the id it answered."""
    caller, key = f"page:{actor.name}", key[:_LONGEST_KEY]

    async def once(session: Session) -> int:
        earlier = await remembered_answer(session, caller, key) if key else None
        if earlier is not None:
            return int(earlier.body)
        made = await work(session)
        if key:
            session.add(
                IdempotentAnswer(
                    caller=caller,
                    key=key,
                    request_hash="",
                    status=303,
                    body=str(made),
                    created_at=site.clock.now(),
                )
            )
        return made

    try:
        return await site.db.run(once)
    except IntegrityError:
        # Its twin was committed while this one ran.
        async with site.db.read() as session:
            earlier = await remembered_answer(session, caller, key)
        if earlier is None:
            raise
        return int(earlier.body)

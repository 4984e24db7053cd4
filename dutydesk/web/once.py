"""A form that makes something makes it once, however often it is sent."""

from collections.abc import Awaitable, Callable

from sqlalchemy.exc import IntegrityError

from dutydesk.db import Session
from dutydesk.web.model import IdempotentAnswer
from dutydesk.web.queries import remembered_answer
from dutydesk.web.site import Site

Work = Callable[[Session], Awaitable[str]]

_LONGEST_KEY = 255


async def once_only(site: Site, by: str, key: str, work: Work) -> str:
    """Do *work* in one transaction, once for each form that was drawn; return what tells its record from others.

    *by* is who sent it, *key* what the form was drawn with; without one the work is done each time.
    """
    caller, key = f"page:{by}", key[:_LONGEST_KEY]

    async def once(session: Session) -> str:
        earlier = await remembered_answer(session, caller, key) if key else None
        if earlier is not None:
            return earlier.body
        made = await work(session)
        if key:
            now = site.clock.now()
            session.add(
                IdempotentAnswer(
                    caller=caller, key=key, request_hash="", status=303, body=made, created_at=now
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
        return earlier.body

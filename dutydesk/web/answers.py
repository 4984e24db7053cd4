"""One POST = one transaction, done once per ``Idempotency-Key``."""

import hashlib
from collections.abc import Awaitable, Callable

from fastapi import Request, Response
from pydantic import BaseModel
from sqlalchemy.exc import IntegrityError

from dutydesk.db import Session
from dutydesk.errors import ConflictError, InvalidInputError
from dutydesk.web import queries
from dutydesk.web.model import IdempotentAnswer
from dutydesk.web.site import site_of

Work = Callable[[Session], Awaitable[BaseModel]]

_LONGEST_KEY = 255


async def once(request: Request, caller: str, status: int, work: Work) -> Response:
    """Run *work* in one transaction and answer with what it returns.

    With an ``Idempotency-Key`` header (IETF draft-ietf-httpapi-idempotency-key-header) the answer is
    stored in the same transaction; the same key brings the same answer again and does nothing.

    Raises:
        ConflictError: when the key was used with another request.
        InvalidInputError: when the key is longer than 255 characters.
    """
    key = request.headers.get("Idempotency-Key")
    if key is None:
        made = await site_of(request).db.run(work)
        return _json(made.model_dump_json(), status)
    if not 0 < len(key) <= _LONGEST_KEY:
        message = f"Idempotency-Key must have 1 to {_LONGEST_KEY} characters"
        raise InvalidInputError(message)
    try:
        return await _remembering(request, caller, key, status, work)
    except IntegrityError:
        # A twin of this request was committed while ours ran: its answer is the answer.
        async with site_of(request).db.read() as session:
            earlier = await queries.remembered_answer(session, caller, key)
        if earlier is None:
            raise
        return _replay(earlier, await _fingerprint(request))


async def _remembering(request: Request, caller: str, key: str, status: int, work: Work) -> Response:
    site = site_of(request)
    fingerprint = await _fingerprint(request)

    async def remembered(session: Session) -> Response:
        earlier = await queries.remembered_answer(session, caller, key)
        if earlier is not None:
            return _replay(earlier, fingerprint)
        body = (await work(session)).model_dump_json()
        session.add(
            IdempotentAnswer(
                caller=caller,
                key=key,
                request_hash=fingerprint,
                status=status,
                body=body,
                created_at=site.clock.now(),
            )
        )
        return _json(body, status)

    return await site.db.run(remembered)


async def _fingerprint(request: Request) -> str:
    """Hash what makes two requests the same one."""
    said = f"{request.method} {request.url.path}\n".encode() + await request.body()
    return hashlib.sha256(said).hexdigest()


def _replay(earlier: IdempotentAnswer, fingerprint: str) -> Response:
    if earlier.request_hash != fingerprint:
        message = "this Idempotency-Key was already used with another request"
        raise ConflictError(message)
    answer = _json(earlier.body, earlier.status)
    answer.headers["Idempotent-Replayed"] = "true"
    return answer


def _json(body: str, status: int) -> Response:
    return Response(body, status_code=status, media_type="application/json")

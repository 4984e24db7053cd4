"""The SQL of API tokens."""

from sqlmodel import col, select

from dutydesk.accounts.model import ApiToken
from dutydesk.db import Session
from dutydesk.errors import NotFoundError


async def token_by_hash(session: Session, token_hash: str) -> ApiToken | None:
    """Return the token whose plain text has this SHA-256, if there is one, valid or not."""
    found = await session.exec(select(ApiToken).where(col(ApiToken.token_hash) == token_hash))
    return found.first()


async def stored_token(session: Session, token_id: int) -> ApiToken:
    """Return a token by id, to revoke it.

    Raises:
        NotFoundError: when there is none.
    """
    token = await session.get(ApiToken, token_id)
    if token is None:
        raise NotFoundError(f"there is no token {token_id}")
    return token

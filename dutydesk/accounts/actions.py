"""Making, checking and revoking API tokens."""

import hashlib
import secrets
from datetime import datetime
from typing import cast

from dutydesk.accounts import queries
from dutydesk.accounts.model import ApiToken
from dutydesk.accounts.rules import Actor, Role, is_valid_token, may_give, token_faults
from dutydesk.audit.actions import record
from dutydesk.db import Session
from dutydesk.errors import InvalidInputError

_PREFIX = "dd_"
_RANDOM_BYTES = 32


async def create_token(
    session: Session,
    now: datetime,
    name: str,
    role: str,
    unit_id: int | None = None,
    expires_at: datetime | None = None,
    *,
    by: str = "command line",
    giver: Actor | None = None,
) -> str:
    """Store a new token and return its plain text, which is shown once and kept nowhere.

    The text carries 256 random bits, so its SHA-256 cannot be guessed backwards however fast it is
    computed; a slow password hash would only make every request slow. The prefix lets secret
    scanners find a token that was committed somewhere by mistake. *giver* is the administrator who
    asks for it, None whoever sits at the machine.

    Raises:
        InvalidInputError: unknown role, no name, a unit contact without a unit, another role with one,
            an end that is already over, or a role that the giver may not hand out.
    """
    faults = token_faults(now, name, role, unit_id, expires_at)
    if not may_give(giver, role):
        faults.append("审计员的账号和令牌只能在本机用命令建立")
    if faults:
        raise InvalidInputError("; ".join(faults))
    plain = _PREFIX + secrets.token_urlsafe(_RANDOM_BYTES)
    token = ApiToken(
        name=name.strip(),
        role=cast("Role", role),
        unit_id=unit_id,
        token_hash=_hash(plain),
        created_at=now,
        expires_at=expires_at,
    )
    session.add(token)
    await session.flush()
    record(session, now, by, "token.created", f"token:{token.id}", name=token.name, role=role)
    return plain


async def actor_for_token(session: Session, plain: str, now: datetime) -> Actor | None:
    """Return who presents this token; None when it is unknown, expired or revoked."""
    token = await queries.token_by_hash(session, _hash(plain))
    if token is None or not is_valid_token(token.expires_at, token.revoked_at, now):
        return None
    return Actor(token.name, token.role, token.unit_id, token.id)


async def revoke_token(session: Session, now: datetime, token_id: int, *, by: str) -> None:
    """Make a token useless from now on; a second time changes nothing.

    Raises:
        NotFoundError: when there is no such token.
    """
    token = await queries.stored_token(session, token_id)
    if token.revoked_at is None:
        token.revoked_at = now
        session.add(token)
        record(session, now, by, "token.revoked", f"token:{token_id}", name=token.name)


def _hash(plain: str) -> str:
    return hashlib.sha256(plain.encode()).hexdigest()

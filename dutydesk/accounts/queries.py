"""The SQL of accounts, sign-ins and API tokens."""

from datetime import datetime

from sqlalchemy import delete, update
from sqlmodel import col, func, select

from dutydesk.accounts.model import Account, ApiToken, SignIn, SignInFailure
from dutydesk.db import Session
from dutydesk.errors import NotFoundError

# Any fixed number will do, as long as nothing else in this database takes the same one ("accounts" in ASCII, cut).
_ACCOUNTS_LOCK = 0x61636374
_SIGN_INS_LOCK = _ACCOUNTS_LOCK + 1


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


async def list_tokens(session: Session) -> list[ApiToken]:
    """Return every token, newest first."""
    return list(await session.exec(select(ApiToken).order_by(col(ApiToken.id).desc())))


async def lock_accounts(session: Session) -> None:
    """Let no other node add an account until this transaction ends: each is judged by all that exist.

    On SQLite a writer is alone anyway.
    """
    if session.get_bind().dialect.name == "postgresql":
        await session.exec(select(func.pg_advisory_xact_lock(_ACCOUNTS_LOCK)))


async def lock_sign_ins(session: Session) -> None:
    """Let no other node note a sign-in until this transaction ends: each is judged by all before it."""
    if session.get_bind().dialect.name == "postgresql":
        await session.exec(select(func.pg_advisory_xact_lock(_SIGN_INS_LOCK)))


async def any_account(session: Session) -> bool:
    """Tell whether anybody can sign in at all."""
    return (await session.exec(select(col(Account.id)).limit(1))).first() is not None


async def list_accounts(session: Session) -> list[Account]:
    """Return every account by login."""
    return list(await session.exec(select(Account).order_by(col(Account.login))))


async def account(session: Session, account_id: int) -> Account:
    """Return an account.

    Raises:
        NotFoundError: when there is none.
    """
    found = await session.get(Account, account_id)
    if found is None:
        raise NotFoundError(f"there is no account {account_id}")
    return found


async def account_by_login(session: Session, login: str) -> Account | None:
    """Return the account with this login, if there is one."""
    return (await session.exec(select(Account).where(col(Account.login) == login))).first()


async def sign_in_by_hash(session: Session, token_hash: str) -> tuple[SignIn, Account] | None:
    """Return the sign-in whose cookie has this SHA-256, with its account, live or not."""
    found = await session.exec(
        select(SignIn, Account)
        .join(Account, col(Account.id) == col(SignIn.account_id))
        .where(col(SignIn.token_hash) == token_hash)
    )
    return found.first()


async def live_sign_ins(session: Session, account_id: int | None = None) -> list[tuple[SignIn, Account]]:
    """Return the sign-ins nobody ended, of one account or of all, last seen first."""
    wanted = (
        select(SignIn, Account)
        .join(Account, col(Account.id) == col(SignIn.account_id))
        .where(col(SignIn.ended_at).is_(None))
        .order_by(col(SignIn.seen_at).desc())
    )
    if account_id is not None:
        wanted = wanted.where(col(SignIn.account_id) == account_id)
    return list(await session.exec(wanted))


async def last_seen(session: Session) -> dict[int, datetime]:
    """Return when each account was last used in a browser; those that never were are left out."""
    wanted = select(col(SignIn.account_id), func.max(col(SignIn.seen_at))).group_by(col(SignIn.account_id))
    return dict((await session.exec(wanted)).all())


async def sign_in(session: Session, sign_in_id: int) -> SignIn:
    """Return a sign-in.

    Raises:
        NotFoundError: when there is none.
    """
    found = await session.get(SignIn, sign_in_id)
    if found is None:
        raise NotFoundError(f"there is no sign-in {sign_in_id}")
    return found


async def end_sign_ins(
    session: Session, account_id: int, now: datetime, by: str, *, but: int | None = None
) -> int:
    """End every live sign-in of an account but one; return how many."""
    wanted = (
        update(SignIn)
        .where(col(SignIn.account_id) == account_id, col(SignIn.ended_at).is_(None))
        .values(ended_at=now, ended_by=by)
    )
    if but is not None:
        wanted = wanted.where(col(SignIn.id) != but)
    return (await session.exec(wanted)).rowcount


async def seen(session: Session, sign_in_id: int, now: datetime) -> None:
    """Note that a sign-in is being used."""
    await session.exec(update(SignIn).where(col(SignIn.id) == sign_in_id).values(seen_at=now))


async def failures_since(
    session: Session, since: datetime, address: str, login: str | None = None
) -> list[datetime]:
    """Return when sign-ins from this address (of this login) failed since then."""
    wanted = select(col(SignInFailure.at)).where(
        col(SignInFailure.address) == address, col(SignInFailure.at) > since
    )
    if login is not None:
        wanted = wanted.where(col(SignInFailure.login) == login)
    return list(await session.exec(wanted))


async def forget_failures(session: Session, login: str, address: str) -> None:
    """Start counting anew for somebody who signed in from there; the audit trail keeps what happened."""
    await session.exec(
        delete(SignInFailure).where(col(SignInFailure.login) == login, col(SignInFailure.address) == address)
    )


async def count_accounts(session: Session, role: str) -> int:
    """Count the accounts of a role that may sign in."""
    wanted = select(func.count()).where(col(Account.role) == role, col(Account.disabled_at).is_(None))
    return int((await session.exec(wanted)).one())

"""Accounts of people: making them, signing in and out, passwords."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import cast

from dutydesk.accounts import queries, rules
from dutydesk.accounts.model import Account, SignIn, SignInFailure
from dutydesk.accounts.passwords import hashed, matches, one_time_password
from dutydesk.accounts.rules import Actor, Holder, Role
from dutydesk.audit.actions import record
from dutydesk.db import Database, Session
from dutydesk.errors import FieldFault, InvalidInputError, NotAllowedError, NotFoundError

# A board on the wall asks every few seconds: that it is in use is written down this often only.
_SEEN_EVERY = timedelta(minutes=10)
_LONGEST_BROWSER = 200
_NOT_HERE = "本人的账号和审计员的账号不能在这里办理"
AT_THE_MACHINE = "审计员的账号和令牌只能在本机用命令建立"


@dataclass(frozen=True, slots=True)
class NewAccount:
    """An account as it is asked for; ``password`` empty means: make one for the first sign-in."""

    login: str
    name: str
    role: str
    unit_id: int | None = None
    person_id: int | None = None
    password: str = ""


@dataclass(frozen=True, slots=True)
class Lifetime:
    """How long a browser stays signed in: without being used, and at all."""

    idle: timedelta
    longest: timedelta


async def create_account(
    db: Database,
    now: datetime,
    by: str,
    new: NewAccount,
    *,
    giver: Actor | None = None,
    only_first: bool = False,
) -> tuple[Account, str]:
    """Store an account; return it with the password for the first sign-in ("" when one was given).

    *giver* is the administrator who asks for it, None whoever sits at the machine. *only_first*: there
    must be no other one yet.

    Raises:
        InvalidInputError: field by field, for a login or name that is taken, a weak password, a unit
            contact without a unit, one person as both administrator and auditor, or a role that the
            giver may not hand out.
        NotFoundError: when only the first account was wanted and somebody was quicker.
    """
    plain = new.password or one_time_password()
    stored = await hashed(plain)

    async def made(session: Session) -> Account:
        await queries.lock_accounts(session)
        if only_first and await queries.any_account(session):
            raise NotFoundError("the first account was made already")
        holders = await _holders(session)
        faults = rules.account_faults(new.login, new.name, new.role, new.unit_id, new.person_id, holders)
        if not rules.may_give(giver, new.role):
            faults.append(("role", AT_THE_MACHINE))
        weak = rules.password_fault(new.password, new.login, new.name) if new.password else None
        _refuse(faults + ([("password", weak)] if weak else []))
        row = Account(
            login=new.login,
            name=new.name.strip(),
            role=cast("Role", new.role),
            unit_id=new.unit_id,
            person_id=new.person_id,
            password_hash=stored,
            must_change=not new.password,
            created_at=now,
            created_by=by,
        )
        session.add(row)
        await session.flush()
        record(session, now, by, "account.created", f"account:{row.login}", name=row.name, role=row.role)
        return row

    return await db.run(made), "" if new.password else plain


def _refuse(faults: list[tuple[str, str]]) -> None:
    if faults:
        raise InvalidInputError(
            "; ".join(f"{field}: {sentence}" for field, sentence in faults),
            tuple(FieldFault(field, sentence) for field, sentence in faults),
        )


async def sign_in(
    db: Database, now: datetime, login: str, password: str, address: str, browser: str
) -> str | datetime | None:
    """Return the cookie of a new sign-in; when to come back after too many failures; or None: wrong.

    A new secret is made for every sign-in, so that nobody can plant one beforehand. A login that does
    not exist, one that was closed and a wrong password are told alike and take the same time.
    """
    login = "".join(one for one in login.strip().casefold()[:64] if one.isprintable())
    async with db.read() as session:
        until = await _wait_until(session, now, login, address)
        found = await queries.account_by_login(session, login)
    if until is not None:
        return until
    usable = found is not None and found.disabled_at is None
    right = await matches(password[: rules.LONGEST_PASSWORD], found.password_hash if found else None)
    plain = secrets.token_urlsafe(32)

    async def noted(session: Session) -> str | datetime | None:
        # Many guesses at once are all hashed before the first has failed: those that come too late tell nothing.
        await queries.lock_sign_ins(session)
        late = await _wait_until(session, now, login, address)
        if late is not None:
            return late
        # The password may have been changed, or the account closed, while this one was hashed.
        present = await queries.account_by_login(session, login)
        changed = found is not None and (
            present is None or present.password_hash != found.password_hash or present.disabled_at is not None
        )
        if found is None or changed or not (usable and right):
            session.add(SignInFailure(login=login, address=address, at=now))
            # What nobody is called may be a password typed into the wrong field: it is not kept for ever.
            known = "?" if found is None else found.login
            record(session, now, known, "sign_in.failed", f"account:{known}", address=address)
            return None
        session.add(
            SignIn(
                account_id=found.id or 0,
                token_hash=digest(plain),
                at=now,
                seen_at=now,
                address=address,
                browser=browser[:_LONGEST_BROWSER],
            )
        )
        await queries.forget_failures(session, login, address)
        record(session, now, found.name, "sign_in.done", f"account:{login}", address=address)
        return plain

    return await db.run(noted)


async def _wait_until(session: Session, now: datetime, login: str, address: str) -> datetime | None:
    since = now - rules.WINDOW
    return rules.wait_until(
        await queries.failures_since(session, since, address, login),
        await queries.failures_since(session, since, address),
        now,
    )


async def actor_for_cookie(
    db: Database, plain: str, now: datetime, lifetime: Lifetime
) -> tuple[Actor, bool] | None:
    """Return who shows this cookie, and whether they must choose a password first; None: nobody any more."""
    async with db.read() as session:
        found = await queries.sign_in_by_hash(session, digest(plain))
    if found is None:
        return None
    row, account = found
    live = rules.is_live_sign_in(row.at, row.seen_at, row.ended_at, now, lifetime.idle, lifetime.longest)
    if not live or account.disabled_at is not None:
        return None
    if now - row.seen_at > _SEEN_EVERY:
        async with db.write(quiet=True) as session:
            await queries.seen(session, row.id or 0, now)
    return (
        Actor(
            account.name,
            account.role,
            account.unit_id,
            account_id=account.id,
            person_id=account.person_id,
            sign_in_id=row.id,
        ),
        account.must_change,
    )


async def end_sign_in(session: Session, now: datetime, sign_in_id: int, by: str) -> None:
    """Sign a browser out; a second time changes nothing."""
    row = await queries.sign_in(session, sign_in_id)
    if row.ended_at is None:
        row.ended_at, row.ended_by = now, by
        session.add(row)
        record(session, now, by, "sign_in.ended", f"sign_in:{sign_in_id}", account=row.account_id)


async def change_password(db: Database, now: datetime, actor: Actor, old: str, new: str) -> None:
    """Give oneself another password; every other browser is signed out.

    Raises:
        InvalidInputError: when the old one is wrong or the new one weak.
    """
    async with db.read() as session:
        found = await queries.account(session, actor.account_id or 0)
    weak = rules.password_fault(new, found.login, found.name)
    if weak is None and new == old:
        weak = "与原密码相同"
    right = await matches(old, found.password_hash)
    _refuse(([] if right else [("old", "原密码不对")]) + ([("new", weak)] if weak else []))
    stored = await hashed(new)
    async with db.write() as session:
        await queries.lock_sign_ins(session)
        row = await queries.account(session, actor.account_id or 0)
        row.password_hash, row.must_change = stored, False
        session.add(row)
        await queries.end_sign_ins(session, row.id or 0, now, actor.name, but=actor.sign_in_id)
        record(session, now, actor.name, "account.password_changed", f"account:{row.login}")


async def reset_password(db: Database, now: datetime, actor: Actor | None, account_id: int) -> str:
    """Give somebody a password for one sign-in and end all theirs; *actor* None is who sits at the machine.

    Raises:
        NotAllowedError: for one's own account and for an auditor's (see :func:`rules.may_manage`).
    """
    plain = one_time_password()
    stored = await hashed(plain)
    by = "command line" if actor is None else actor.name
    async with db.write() as session:
        await queries.lock_sign_ins(session)
        row = await _managed(session, actor, account_id)
        row.password_hash, row.must_change = stored, True
        session.add(row)
        await queries.end_sign_ins(session, account_id, now, by)
        record(session, now, by, "account.password_reset", f"account:{row.login}")
    return plain


async def set_open(
    db: Database, now: datetime, actor: Actor | None, account_id: int, *, is_open: bool
) -> None:
    """Close an account, ending its sign-ins, or open it again.

    Raises:
        NotAllowedError: as for :func:`reset_password`.
        InvalidInputError: when somebody else has an account for the same person by now.
    """
    by = "command line" if actor is None else actor.name
    async with db.write() as session:
        await queries.lock_accounts(session)
        await queries.lock_sign_ins(session)
        row = await _managed(session, actor, account_id)
        if is_open:
            others = [one for one in await _holders(session) if one.login != row.login]
            fault = rules.link_fault(row.role, row.person_id, others)
            _refuse([] if fault is None else [("person", fault)])
        row.disabled_at = None if is_open else now
        session.add(row)
        if not is_open:
            await queries.end_sign_ins(session, account_id, now, by)
        record(session, now, by, "account.opened" if is_open else "account.closed", f"account:{row.login}")


async def link_person(
    db: Database, now: datetime, actor: Actor, account_id: int, person_id: int | None
) -> None:
    """Say whose account it is, so that they see their own calls; None: nobody's in the directory.

    Raises:
        NotAllowedError: for one's own account and for an auditor's.
        InvalidInputError: when the person has an account, or would be administrator and auditor.
    """
    async with db.write() as session:
        await queries.lock_accounts(session)
        row = await queries.account(session, account_id)
        # One's own neither: it would make a leader of whoever keeps the accounts.
        if not rules.may_manage(actor, row.role, own=row.id == actor.account_id):
            raise NotAllowedError(_NOT_HERE)
        others = [one for one in await _holders(session) if one.login != row.login]
        fault = rules.link_fault(row.role, person_id, others)
        _refuse([] if fault is None else [("person", fault)])
        before, row.person_id = row.person_id, person_id
        session.add(row)
        record(
            session,
            now,
            actor.name,
            "account.linked",
            f"account:{row.login}",
            before=before,
            person=person_id,
        )


async def _holders(session: Session) -> list[Holder]:
    return [
        Holder(one.login, one.name, one.role, one.person_id, one.disabled_at is None)
        for one in await queries.list_accounts(session)
    ]


async def sign_out_everywhere(db: Database, now: datetime, actor: Actor, account_id: int) -> None:
    """End every sign-in of an account; it stays open.

    Raises:
        NotAllowedError: as for :func:`reset_password`.
    """
    async with db.write() as session:
        row = await _managed(session, actor, account_id)
        ended = await queries.end_sign_ins(session, account_id, now, actor.name)
        record(session, now, actor.name, "account.signed_out", f"account:{row.login}", browsers=ended)


async def end_anybodys_sign_in(db: Database, now: datetime, actor: Actor, sign_in_id: int) -> None:
    """Sign one browser out: one's own, or somebody's whom the actor manages.

    Raises:
        NotAllowedError: as for :func:`reset_password`.
    """
    async with db.write() as session:
        found = await queries.sign_in(session, sign_in_id)
        if found.account_id != actor.account_id:
            await _managed(session, actor, found.account_id)
        await end_sign_in(session, now, sign_in_id, actor.name)


async def _managed(session: Session, actor: Actor | None, account_id: int) -> Account:
    row = await queries.account(session, account_id)
    if actor is not None and not rules.may_manage(actor, row.role, own=row.id == actor.account_id):
        raise NotAllowedError(_NOT_HERE)
    return row


def digest(plain: str) -> str:
    """Return what is stored of a cookie: 256 random bits cannot be guessed backwards however fast the hash is."""
    return hashlib.sha256(plain.encode()).hexdigest()

"""Commands for accounts of people and for API tokens."""

from typing import Annotated

import typer

from dutydesk.accounts.actions import create_token, revoke_token
from dutydesk.accounts.queries import account_by_login, list_tokens
from dutydesk.accounts.rules import is_valid_token
from dutydesk.accounts.signing import NewAccount, create_account, reset_password
from dutydesk.checks import after_days
from dutydesk.commands import AT_THE_MACHINE, UnitCode, say, with_site
from dutydesk.errors import NotFoundError
from dutydesk.people.queries import unit_by_code
from dutydesk.web.site import Site

token = typer.Typer(help="API tokens.", no_args_is_help=True)
user = typer.Typer(help="Accounts of people.", no_args_is_help=True)


@token.command(name="create")
def token_create(
    name: Annotated[str, typer.Option(help="Whose it is, for the audit trail.")],
    role: Annotated[
        str, typer.Option(help="operator, leader, office, unit, inspector, administrator or auditor.")
    ],
    unit: UnitCode = None,
    days: Annotated[int, typer.Option(min=1, max=3650, help="How long it is valid.")] = 365,
) -> None:
    """Make an API token; it is printed once, alone on the last line."""

    async def work(site: Site) -> str:
        now = site.clock.now()
        async with site.db.write() as session:
            unit_id = None if unit is None else (await unit_by_code(session, unit)).id
            return await create_token(session, now, name, role, unit_id, after_days(now, days))

    say(with_site(work))


@token.command(name="list")
def token_list() -> None:
    """List the API tokens, newest first."""

    async def work(site: Site) -> list[str]:
        now = site.clock.now()
        async with site.db.read() as session:
            rows = await list_tokens(session)
        return [
            f"{row.id}  {row.role}  {'valid' if is_valid_token(row.expires_at, row.revoked_at, now) else 'ended'}  {row.name}"
            for row in rows
        ]

    say(*with_site(work))


@token.command(name="revoke")
def token_revoke(token_id: Annotated[int, typer.Argument(help="Its number in `token list`.")]) -> None:
    """Make an API token useless from now on."""

    async def work(site: Site) -> None:
        async with site.db.write() as session:
            await revoke_token(session, site.clock.now(), token_id, by=AT_THE_MACHINE)

    with_site(work)
    say(f"token {token_id} is revoked")


@user.command(name="add")
def user_add(
    login: Annotated[str, typer.Option(help="What is typed to sign in.")],
    name: Annotated[str, typer.Option(help="The person's name, which the records show.")],
    role: Annotated[
        str, typer.Option(help="operator, leader, office, unit, inspector, administrator or auditor.")
    ],
    unit: UnitCode = None,
) -> None:
    """Make an account; the password for the first sign-in is printed once, alone on the last line."""

    async def work(site: Site) -> str:
        async with site.db.read() as session:
            unit_id = None if unit is None else (await unit_by_code(session, unit)).id
        new = NewAccount(login, name, role, unit_id)
        return (await create_account(site.db, site.clock.now(), AT_THE_MACHINE, new))[1]

    say(with_site(work))


@user.command(name="reset")
def user_reset(login: Annotated[str, typer.Option(help="The account's login.")]) -> None:
    """Give somebody a password for one sign-in, printed once; all their sign-ins end."""

    async def work(site: Site) -> str:
        async with site.db.read() as session:
            found = await account_by_login(session, login)
        if found is None:
            message = f"there is no account {login}"
            raise NotFoundError(message)
        return await reset_password(site.db, site.clock.now(), None, found.id or 0)

    say(with_site(work))

"""A believable bureau on one machine: 12 units, 64 people with numbers, three months of shifts, and their phones.

Nothing to configure: the service and a telephone exchange run in one process on loopback. What was
logged is kept in a folder, so that a stopped demo goes on as if it had never been away.
"""

import asyncio
import secrets
from datetime import datetime, timedelta
from pathlib import Path

from dutydesk.accounts.actions import create_token
from dutydesk.accounts.queries import any_account
from dutydesk.accounts.signing import NewAccount, create_account
from dutydesk.clock import Clock
from dutydesk.demo import staff, stories, turns
from dutydesk.demo.bureau import ACCOUNTS, FROM_NUMBER, LAST_RESORT, OPERATOR, PASSWORD
from dutydesk.demo.staff import ACTOR
from dutydesk.people import queries as people
from dutydesk.settings import ProviderSecrets, Settings
from dutydesk.simulator.exchange import Owner
from dutydesk.wiring import Wired

__all__ = ["ACCOUNTS", "OPERATOR", "PASSWORD", "demo_settings", "logins", "owners", "seed"]


def demo_settings(folder: Path, service_port: int, exchange_port: int) -> tuple[Settings, dict[str, str]]:
    """Return the settings of a demo and the exchange's accounts (secrets are new at every start).

    Real sending is refused here whatever the environment says: the address of the provider is the
    exchange on loopback.
    """
    sid, token = "AC" + secrets.token_hex(16), secrets.token_hex(16)
    exchange = ProviderSecrets(
        account_sid=sid,
        auth_token=token,  # type: ignore[arg-type]
        from_number=FROM_NUMBER,
        api_base_url=f"http://127.0.0.1:{exchange_port}",
    )
    settings = Settings(
        database_url=f"sqlite+aiosqlite:///{folder / 'demo.db'}",
        public_url=f"http://127.0.0.1:{service_port}",
        files_dir=folder / "files",
        secret_key=_kept_key(folder),  # type: ignore[arg-type]
        send_for_real=False,
        last_resort=LAST_RESORT,
        heartbeat_url="",
        # Both spellings: what the environment says of the one would otherwise be mixed in.
        providers={"twilio": exchange},
        twilio=exchange,
    )
    return settings, {sid: token}


def _kept_key(folder: Path) -> str:
    """Return the demo's key, made at its first start: forms that are open stay good over a restart."""
    file = folder / "secret.key"
    if not file.exists():
        file.touch(mode=0o600)
        file.write_text(secrets.token_hex(32), encoding="utf-8")
    return file.read_text(encoding="utf-8")


def logins() -> tuple[tuple[str, str, str, str], ...]:
    """Return the demo's accounts for its sign-in page: login, name, what it is, password."""
    return tuple((login, name, what, PASSWORD) for login, name, _, _, what in ACCOUNTS)


async def seed(wired: Wired, clock: Clock) -> str:
    """Fill an empty database, see to it that this month and the next are planned, and return a fresh API token."""
    now = clock.now()
    site = wired.site
    async with site.db.write() as session:
        await staff.hire(session, now)
        await turns.lay_down(session, site, now)
        await turns.plan_months(session, site, now)
        await turns.sign_everybody_in(session, now)
        token = await create_token(session, now, "demo", "administrator", None, now + timedelta(days=7))
    await _accounts(wired, now)
    await stories.tell(site, now)
    return token


async def _accounts(wired: Wired, now: datetime) -> None:
    db = wired.site.db
    async with db.read() as session:
        if await any_account(session):
            return
        units = {unit.code: unit.id for unit in await people.list_units(session)}
        persons = {person.name: person.id for person in await people.list_people(session)}
    # A password takes its time to hash; several of them at once.
    await asyncio.gather(
        *(
            create_account(
                db, now, ACTOR, NewAccount(login, name, role, units.get(unit), persons.get(name), PASSWORD)
            )
            for login, name, role, unit, _ in ACCOUNTS
        )
    )


async def owners(wired: Wired) -> list[Owner]:
    """Return the handsets of everybody in the bureau, the duty phones among them."""
    async with wired.site.db.read() as session:
        units = {unit.id: unit for unit in await people.list_units(session)}
        everybody = {person.id: person for person in await people.list_people(session)}
        contacts = await people.usable_contacts(session, everybody.keys())
    made = [
        Owner(
            point.address,
            everybody[person_id].name,
            f"{units[everybody[person_id].unit_id].short_name} {everybody[person_id].title}",
        )
        for person_id, points in contacts.items()
        for point in points
    ]
    made += [
        Owner(unit.duty_phone, unit.short_name, "值班电话") for unit in units.values() if unit.duty_phone
    ]
    return made + [Owner(number, "最后联系人", "") for number in LAST_RESORT]

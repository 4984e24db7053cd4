"""A service of its own for a measurement: a fresh database in a folder, a small bureau, and open incidents."""

import asyncio
import os
import secrets
import sys
from datetime import datetime, timedelta
from pathlib import Path

import uvicorn

from dutydesk.accounts.actions import create_token
from dutydesk.accounts.model import Account, SignIn
from dutydesk.accounts.rules import Actor
from dutydesk.accounts.signing import digest
from dutydesk.app import create_app
from dutydesk.clock import SystemClock
from dutydesk.db import Session
from dutydesk.incidents.actions import NewIncident, log_incident
from dutydesk.logs import configure_logs
from dutydesk.migrations import upgrade
from dutydesk.people.actions import NewContact, create_person, create_unit
from dutydesk.rosters.actions import plan_shift
from dutydesk.rosters.rules import Seat
from dutydesk.settings import Settings
from dutydesk.wiring import Wired, close, wire
from dutydesk.worker import Clockwork

_BY = "bench"
_OPERATOR = Actor(_BY, "operator")
_SEATS: tuple[tuple[str, str, Seat], ...] = (
    ("desk", "陈静", "operator_primary"),
    ("desk", "赵建国", "leader"),
    ("unit", "李强", "operator_primary"),
    ("unit", "王敏", "leader"),
)


def main() -> None:
    """Serve: folder, port, incidents, boards. Prints the token and the cookies, one a line, when it is ready."""
    folder, port, incidents, boards = sys.argv[1:5]
    configure_logs(level="ERROR")
    asyncio.run(_serve(Path(folder), int(port), int(incidents), int(boards)))


async def _serve(folder: Path, port: int, incidents: int, boards: int) -> None:
    # Nothing that somebody has set for his own service may reach a measurement.
    for name in [name for name in os.environ if name.startswith("DUTYDESK_")]:
        del os.environ[name]
    settings = Settings(database_url=f"sqlite+aiosqlite:///{folder}/bench.db")
    await upgrade(settings.database_url)
    wired = wire(settings, SystemClock())
    now = wired.site.clock.now()
    async with wired.site.db.write() as session:
        unit = await _bureau(session, now)
        token = await create_token(session, now, _BY, "operator", None)
        cookies = await _sign_ins(session, now, boards)
    for number in range(incidents):
        await _incident(wired, now, unit, number)
    # The ladders tell everybody who is due, and then rest: what is measured is the boards, not the night.
    clockwork = Clockwork(wired)
    for _ in range(3):
        await clockwork.run_pass()
        await clockwork.drain()
    config = uvicorn.Config(create_app(wired), host="127.0.0.1", port=port, log_config=None, backlog=4096)
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    while not (server.started or serving.done()):  # noqa: ASYNC110 (uvicorn tells it by a flag alone)
        await asyncio.sleep(0.02)
    print(token, *cookies, sep="\n", flush=True)
    await serving
    await close(wired)


async def _bureau(session: Session, now: datetime) -> int:
    await create_unit(
        session, now, _BY, code="desk", name="局值班室", kind="desk", duty_phone="+862223880000"
    )
    unit = await create_unit(
        session, now, _BY, code="unit", name="机关食堂管理处", kind="division", parent="desk"
    )
    for number, (code, name, seat) in enumerate(_SEATS):
        contact = NewContact("mobile", f"+861380000{number:04d}")
        person = await create_person(session, now, _BY, name=name, unit=code, contacts=[contact])
        starts = now - timedelta(hours=1)
        await plan_shift(
            session,
            now,
            _BY,
            unit=code,
            seat=seat,
            person=person.id,
            starts_at=starts,
            ends_at=starts + timedelta(days=1),
            mode="on_call",
        )
    return unit.id


async def _sign_ins(session: Session, now: datetime, count: int) -> list[str]:
    account = Account(
        login=_BY,
        name=_BY,
        role="operator",
        password_hash="-",  # noqa: S106 (nobody signs in with it)
        created_at=now,
        created_by=_BY,
    )
    session.add(account)
    await session.flush()
    cookies = [secrets.token_urlsafe(16) for _ in range(count)]
    session.add_all(
        SignIn(account_id=account.id or 0, token_hash=digest(one), at=now, seen_at=now) for one in cookies
    )
    return cookies


async def _incident(wired: Wired, now: datetime, unit: int, number: int) -> None:
    new = NewIncident(
        title=f"第{number + 1}号楼地下车库管道爆裂漫水",
        category="accident",
        grade="major",
        unit_id=unit,
        # Some have just happened, some are near their end, some are over.
        occurred_at=now - timedelta(minutes=number % 30),
        occurred_at_kind="exact",
    )
    async with wired.site.db.write() as session:
        await log_incident(session, wired.site, now, _OPERATOR, new)


if __name__ == "__main__":
    main()

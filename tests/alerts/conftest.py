"""A telephone line: alerts in, a real exchange behind the real provider, time moved by hand, no ladder."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI
from sqlmodel import col, select

from dutydesk.alerts import claims, delivery, outcomes, queries
from dutydesk.alerts.actions import alert_row
from dutydesk.alerts.claims import Delivery, Job
from dutydesk.alerts.model import Acknowledgement, Alert, Attempt, AttemptItem, ForeignCallback
from dutydesk.app import create_app
from dutydesk.people.actions import NewContact, create_person, create_unit
from dutydesk.people.queries import find_unit
from dutydesk.settings import ProviderSecrets
from dutydesk.simulator.app import create_simulator
from dutydesk.simulator.callbacks import signature
from dutydesk.simulator.exchange import Exchange
from dutydesk.wiring import Wired, close, wire
from tests.fakes.clock import FakeClock

PUBLIC = "http://desk.test"
PROVIDER = "http://127.0.0.1:4010"
SID, TOKEN = "AC" + "0" * 32, "a-shared-secret"
LI, WANG = "+8613800000001", "+8613800000002"
HOOK = "/webhooks/twilio/twilio"


class Network(httpx2.AsyncBaseTransport):
    """The hosts that exist; any of them may be unplugged."""

    def __init__(self) -> None:
        self.hosts: dict[str, httpx2.AsyncBaseTransport] = {}
        self.unplugged: set[str] = set()
        self.seen: list[httpx2.Request] = []

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        self.seen.append(request)
        if request.url.host in self.unplugged:
            raise httpx2.ConnectError("unplugged", request=request)
        return await self.hosts[request.url.host].handle_async_request(request)


@dataclass
class Line:
    """One process and its exchange in one test."""

    clock: FakeClock
    wired: Wired
    app: FastAPI
    exchange: Exchange
    network: Network
    web: httpx2.AsyncClient
    made: int = 0

    @property
    def delivery(self) -> Delivery:
        return self.wired.delivery

    # ── alerts ───────────────────────────────────────────────────────────────────────────────

    async def queue(self, phone: str | None = LI, channel: str = "sms", **more: Any) -> int:
        """Queue one alert to a telephone (or *more*) and return its id."""
        self.made += 1
        key = f"test/{self.made}"
        row = alert_row(
            self.clock.now(),
            **{
                "unique_key": key,
                "lane": "clock",
                "cause": "rung",
                "target": "unit:operator",
                "recipient": "screen:desk" if channel == "screen" else f"phone:{phone}",
                "channel": channel,
                "reason": "RUNG_DUE",
                "wording": "missed",
                "phone": phone,
                "number": f"2026-{self.made:04d}",
            }
            | more,
        )
        async with self.wired.site.db.write() as session:
            await queries.add_alerts(session, [row])
        async with self.wired.site.db.read() as session:
            return (await session.exec(select(col(Alert.id)).where(Alert.unique_key == key))).one()

    async def person(self, name: str, *numbers: str) -> int:
        """Add a person with these mobiles and return the id."""
        now = self.clock.now()
        async with self.wired.site.db.write() as session:
            if await find_unit(session, "u") is None:
                await create_unit(session, now, "test", code="u", name="机关食堂", kind="subordinate")
            contacts = [NewContact("mobile", number) for number in numbers]
            made = await create_person(session, now, "test", name=name, unit="u", contacts=contacts)
        return made.id

    async def alert(self, alert_id: int) -> Alert:
        async with self.wired.site.db.read() as session:
            return await session.get_one(Alert, alert_id)

    async def attempts(self, alert_id: int) -> list[Attempt]:
        async with self.wired.site.db.read() as session:
            found = await session.exec(
                select(Attempt)
                .join(AttemptItem, col(AttemptItem.attempt_id) == col(Attempt.id))
                .where(col(AttemptItem.alert_id) == alert_id)
                .order_by(col(Attempt.id))
            )
            return list(found)

    async def alarms(self) -> list[Alert]:
        """What was shown to the desk as an alarm, in order."""
        return await self.all(select(Alert).where(col(Alert.cause) == "alarm").order_by(col(Alert.id)))

    async def alarm_words(self) -> list[str]:
        return [row.wording for row in await self.alarms()]

    async def acknowledgements(self) -> list[Acknowledgement]:
        return await self.all(select(Acknowledgement).order_by(col(Acknowledgement.id)))

    async def foreign(self) -> list[ForeignCallback]:
        return await self.all(select(ForeignCallback).order_by(col(ForeignCallback.id)))

    async def all(self, statement: Any) -> list[Any]:
        async with self.wired.site.db.read() as session:
            return list(await session.exec(statement))

    async def change(self, table: Any, row_id: int, **values: Any) -> None:
        """Change a row as another node, or an accident, would."""
        async with self.wired.site.db.write() as session:
            row = await session.get_one(table, row_id)
            for name, value in values.items():
                setattr(row, name, value)

    # ── time ─────────────────────────────────────────────────────────────────────────────────

    async def claim(self) -> list[Job]:
        jobs, _ = await claims.claim(self.delivery, self.clock.now())
        return jobs

    async def send(self, job: Job) -> None:
        await delivery.send(self.delivery, job)

    async def look(self) -> int:
        """Look into every attempt whose outcome is overdue; return how many there were."""
        looks, count = await outcomes.overdue(self.delivery, self.clock.now())
        for look in looks:
            await outcomes.ask(self.delivery, look)
        return count

    async def go(self) -> None:
        """Do everything that is due at this moment, in the exchange and here."""
        for _ in range(50):
            now = self.clock.now()
            await self.exchange.run_due(now)
            looked = await self.look()
            jobs, claimed = await claims.claim(self.delivery, now)
            for job in jobs:
                await self.send(job)
            event = self.exchange.next_event()
            if not looked and not claimed and (event is None or event > now):
                return
        raise AssertionError("it does not come to rest")

    async def pass_time(self, seconds: float) -> None:
        """Let time pass, stopping at everything that is due on the way."""
        target = self.clock.now() + timedelta(seconds=seconds)
        await self.go()
        while (step := await self._next(target)) < target:
            self.clock.set(step)
            await self.go()
        self.clock.set(target)
        await self.go()

    async def _next(self, target: datetime) -> datetime:
        async with self.wired.site.db.read() as session:
            found = [await queries.earliest_try(session), await queries.earliest_outcome(session)]
        found.append(self.exchange.next_event())
        return min(
            [target, *(moment for moment in found if moment is not None and moment > self.clock.now())]
        )

    # ── the provider's voice ─────────────────────────────────────────────────────────────────

    async def hook(
        self, path: str, form: dict[str, str], *, token: str = TOKEN, signed_path: str | None = None
    ) -> httpx2.Response:
        """Call a webhook as the provider would, signed with *token* over the public address."""
        full = f"{HOOK}/{path}"
        sign = signature(token, PUBLIC + (f"{HOOK}/{signed_path}" if signed_path else full), form)
        return await self.web.post(full, data=form, headers={"X-Twilio-Signature": sign})

    async def ringing(self, phone: str = LI, **more: Any) -> tuple[int, Attempt]:
        """Queue a call and let it ring; return the alert's id and its attempt."""
        alert_id = await self.queue(phone, "voice", **more)
        await self.pass_time(2)
        return alert_id, (await self.attempts(alert_id))[-1]


@pytest.fixture
async def line(settings, clock):
    network = Network()
    settings = settings.model_copy(
        update={
            "public_url": PUBLIC,
            "twilio": ProviderSecrets(
                account_sid=SID, auth_token=TOKEN, from_number="+15005550006", api_base_url=PROVIDER
            ),
        }
    )
    wired = wire(settings, clock, transport=network)
    app = create_app(wired)
    callbacks = httpx2.AsyncClient(transport=network)
    simulator = create_simulator(clock, accounts={SID: TOKEN}, callback_client=callbacks)
    network.hosts = {"desk.test": httpx2.ASGITransport(app), "127.0.0.1": httpx2.ASGITransport(simulator)}
    web = httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url=PUBLIC)
    yield Line(clock, wired, app, simulator.state.exchange, network, web)
    await web.aclose()
    await callbacks.aclose()
    await close(wired)

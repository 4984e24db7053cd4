"""The clockwork with the machine's own clock: in a real process that is stopped, killed and started again."""

import asyncio
import os
import signal
import socket
import sys
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import httpx2
import pytest
from sqlalchemy import text
from sqlmodel import col, select, update

from dutydesk.accounts.actions import create_token
from dutydesk.accounts.rules import Actor
from dutydesk.alerts import queries as alert_queries
from dutydesk.alerts.actions import alert_row
from dutydesk.alerts.model import Alert, Attempt
from dutydesk.app import READY_WITHIN, create_app
from dutydesk.clock import SystemClock
from dutydesk.db import Database
from dutydesk.incidents.actions import NewIncident, log_incident
from dutydesk.obligations import queries as obligation_queries
from dutydesk.obligations.model import ClockStep, Obligation
from dutydesk.people.queries import unit_by_code
from dutydesk.settings import ProviderSecrets
from dutydesk.simulator.serve import serve_simulator
from dutydesk.simulator.timings import Timings
from dutydesk.wiring import close, wire
from dutydesk.worker import Clockwork
from tests.builders import build_bureau

SID, TOKEN = "AC" + "0" * 32, "a-shared-secret"
DUTYDESK = (sys.executable, "-c", "from dutydesk.cli import main; main()")
# Generous: the machine may have other things to do.
PATIENCE = 60
ROOT = Path(__file__).parents[1]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def now() -> datetime:
    return SystemClock().now()


async def eventually(check):
    """Return what *check* finds as soon as it finds something."""
    async with asyncio.timeout(PATIENCE):
        while True:
            if found := await check():
                return found
            await asyncio.sleep(0.02)


@dataclass
class Service:
    """`dutydesk serve` on a SQLite file, as an operator runs it."""

    url: str
    port: int
    environment: dict[str, str]
    output: Path
    process: asyncio.subprocess.Process | None = None
    started: int = field(default=0)

    async def start(self) -> None:
        self.started += 1
        self.process = await self.run("serve", "--port", str(self.port))
        await eventually(self._ready)

    async def run(self, *arguments: str) -> asyncio.subprocess.Process:
        with self.output.open("ab") as output:
            return await asyncio.create_subprocess_exec(
                *DUTYDESK, *arguments, env=self.environment, stdout=output, stderr=output, cwd=ROOT
            )

    async def _ready(self) -> bool:
        assert self.process.returncode is None, self.output.read_text()
        return (await self.get("/readyz")).get("ready", False)

    async def get(self, path: str) -> dict:
        async with httpx2.AsyncClient() as http:
            try:
                return (await http.get(f"http://127.0.0.1:{self.port}{path}")).json()
            except httpx2.HTTPError:
                return {}

    async def end(self, how: signal.Signals) -> int:
        self.process.send_signal(how)
        async with asyncio.timeout(5):
            return await self.process.wait()


@asynccontextmanager
async def phones():
    """An exchange on loopback in this process."""
    port, stop = free_port(), asyncio.Event()
    ready: asyncio.Future = asyncio.get_running_loop().create_future()
    quick = Timings(
        sms_sending=0.01, sms_sent=0.01, sms_delivered=0.01, call_initiated=0.01, call_ringing=0.01
    )
    serving = asyncio.create_task(
        serve_simulator(
            SystemClock(), port=port, accounts={SID: TOKEN}, stop=stop, timings=quick, ready=ready.set_result
        )
    )
    yield await ready, port
    stop.set()
    await serving


@pytest.fixture
async def service(sqlite_template, tmp_path):
    async with phones() as (exchange, exchange_port):
        port, url = free_port(), sqlite_template.copy_to(tmp_path)
        environment = {
            name: value for name, value in os.environ.items() if not name.startswith("DUTYDESK_")
        } | {
            "DUTYDESK_DATABASE_URL": url,
            "DUTYDESK_PUBLIC_URL": f"http://127.0.0.1:{port}",
            "DUTYDESK_TWILIO__ACCOUNT_SID": SID,
            "DUTYDESK_TWILIO__AUTH_TOKEN": TOKEN,
            "DUTYDESK_TWILIO__FROM_NUMBER": "+15005550006",
            "DUTYDESK_TWILIO__API_BASE_URL": f"http://127.0.0.1:{exchange_port}",
        }
        one = Service(url, port, environment, tmp_path / "output")
        db = Database(url)
        one.bureau = await build_bureau(db, now())
        async with db.write() as session:
            one.token = await create_token(session, now(), "test", "operator")
        one.db, one.exchange = db, exchange
        yield one
        if one.process is not None and one.process.returncode is None:
            one.process.kill()
            await one.process.wait()
        await db.dispose()


async def log(service, due_in: float) -> dict:
    """Log an incident whose phone report is due in so many seconds."""
    occurred = now() - timedelta(minutes=20) + timedelta(seconds=due_in)
    body = {
        "title": "演练用事件",
        "category": "accident",
        "grade": "major",
        "unit": "canteen",
        "occurred_at": occurred.isoformat(),
        "occurred_at_kind": "exact",
    }
    async with httpx2.AsyncClient(headers={"Authorization": f"Bearer {service.token}"}) as http:
        answer = await http.post(f"http://127.0.0.1:{service.port}/api/v1/incidents", json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def missed(service) -> list:
    """The SMS that say a report was missed, on the unit operator's phone."""
    inbox = service.exchange.handset(service.bureau.canteen_operator.mobile).inbox
    return [one for one in inbox if "首报（电话）" in one.body and "已到期" in one.body]


# ── a real process ───────────────────────────────────────────────────────────────────────────


async def test_a_clock_due_in_two_seconds_fires_then_and_the_process_ends_cleanly(service):
    await service.start()
    incident = await log(service, 2)
    due = next(
        datetime.fromisoformat(one["due_at"]) for one in incident["obligations"] if one["rule"] == "49.1"
    )
    (message,) = await eventually(lambda: missed(service))
    assert timedelta(0) <= message.created_at - due < timedelta(seconds=3)
    assert await service.end(signal.SIGTERM) == 0


async def test_a_killed_process_goes_on_and_what_fell_due_meanwhile_fires_at_once(service):
    await service.start()
    incident = await log(service, 1.5)
    assert await service.end(signal.SIGKILL) == -signal.SIGKILL
    due = next(
        datetime.fromisoformat(one["due_at"]) for one in incident["obligations"] if one["rule"] == "49.1"
    )

    async def is_past() -> bool:
        return now() > due + timedelta(seconds=1)

    await eventually(is_past)
    assert await missed(service) == []
    restarted = now()
    await service.start()
    (message,) = await eventually(lambda: missed(service))
    assert message.created_at - restarted < timedelta(seconds=PATIENCE)
    await service.end(signal.SIGTERM)
    assert len(await missed(service)) == 1


async def test_a_second_process_on_the_same_sqlite_file_is_refused(service):
    await service.start()
    second = await asyncio.create_subprocess_exec(
        *DUTYDESK,
        "serve",
        "--port",
        str(free_port()),
        env=service.environment,
        stderr=asyncio.subprocess.PIPE,
        cwd=ROOT,
    )
    _, said = await second.communicate()
    assert second.returncode == 2
    assert "SQLite allows one" in said.decode()
    assert await service.end(signal.SIGTERM) == 0


async def test_what_another_process_writes_is_noticed_within_the_safety_loop(service):
    """The commands write to the same file: nobody tells the service, it reads again by itself."""
    await service.start()
    async with service.db.write() as session:
        await alert_queries.add_alerts(session, [an_sms(now(), "+8613811110000")])

    async def arrived():
        return service.exchange.handset("+8613811110000").inbox

    (message,) = await eventually(arrived)
    assert "2026-0007" in message.body


async def test_an_idle_service_rests(service):
    """Commits poke the timer: a pass that commits though nothing is due would go on for ever."""
    await service.start()
    busy = os.sysconf("SC_CLK_TCK")

    def used() -> float:
        fields = Path(f"/proc/{service.process.pid}/stat").read_text().rsplit(") ", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / busy

    def passes(text: str) -> float:
        return sum(
            float(line.split()[-1]) for line in text.splitlines() if line.startswith("dutydesk_passes_total")
        )

    async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{service.port}") as http:
        before, since = passes((await http.get("/metrics")).text), now()
        cpu = used()

        async def later() -> bool:
            return now() - since > timedelta(seconds=4)

        await eventually(later)
        after = passes((await http.get("/metrics")).text)
    assert 1 <= after - before <= 8
    assert used() - cpu < 1.5


# ── in this process, with the machine's clock ────────────────────────────────────────────────


def an_sms(at: datetime, phone: str = "+8613811110000", **more):
    return alert_row(
        at,
        **{
            "unique_key": f"test/{phone}/{at.isoformat()}",
            "lane": "clock",
            "cause": "rung",
            "target": "unit:operator",
            "recipient": f"phone:{phone}",
            "channel": "sms",
            "reason": "RUNG_DUE",
            "wording": "missed",
            "phone": phone,
            "number": "2026-0007",
        }
        | more,
    )


class Post(httpx2.AsyncBaseTransport):
    """Everything that leaves the process, with its moment; ``status`` may be changed."""

    def __init__(self, clock) -> None:
        self.clock, self.status = clock, 201
        self.sent: list[tuple[datetime, httpx2.Request]] = []
        self.arrived = asyncio.Event()

    async def handle_async_request(self, request):
        self.sent.append((self.clock.now(), request))
        self.arrived.set()
        return httpx2.Response(self.status, json={"sid": f"SM{len(self.sent)}", "status": "queued"})

    def to(self, host: str) -> list[httpx2.Request]:
        return [request for _, request in self.sent if request.url.host == host]


@pytest.fixture
async def process(settings):
    """Make a process with a clock of the test's choice, sending to nowhere but a list."""
    made = []

    async def make(clock, **changes):
        twilio = ProviderSecrets(
            account_sid=SID,
            auth_token=TOKEN,
            from_number="+15005550006",
            api_base_url="http://127.0.0.1:4010",
        )
        wired = wire(settings.model_copy(update={"twilio": twilio} | changes), clock, transport=Post(clock))
        made.append(wired)
        return wired, Clockwork(wired), wired.http._transport

    yield make
    for wired in made:
        await close(wired)


async def test_a_commit_with_an_earlier_deadline_arms_the_timer(process):
    wired, clockwork, post = await process(SystemClock())
    await clockwork.start()
    try:
        due = now() + timedelta(seconds=0.5)
        async with wired.site.db.write() as session:
            await alert_queries.add_alerts(
                session,
                [
                    an_sms(due + timedelta(hours=1), "+8613811110001")
                    | {"next_try_at": due + timedelta(hours=1)}
                ],
            )
        async with wired.site.db.write() as session:
            await alert_queries.add_alerts(session, [an_sms(due)])
        async with asyncio.timeout(PATIENCE):
            await post.arrived.wait()
        # Without the timer PostgreSQL's node would look again after five seconds only.
        assert timedelta(0) <= post.sent[0][0] - due < timedelta(seconds=4)
    finally:
        await clockwork.stop()
    assert len(post.sent) == 1


async def test_stopping_waits_for_the_requests_under_way(process):
    wired, clockwork, post = await process(SystemClock())
    await clockwork.start()
    async with wired.site.db.write() as session:
        await alert_queries.add_alerts(session, [an_sms(now())])
    async with asyncio.timeout(PATIENCE):
        await post.arrived.wait()
    await clockwork.stop()
    async with wired.site.db.read() as session:
        (attempt,) = await session.exec(select(Attempt))
    assert (attempt.state, attempt.reference) == ("accepted", "SM1")


async def test_a_pass_that_fails_is_told_and_the_next_one_comes(process):
    """The alerts' table is gone for a while: passes fail, readiness says so, and afterwards everything goes on."""
    wired, clockwork, post = await process(SystemClock())
    db = wired.site.db
    await clockwork.start()
    try:
        async with db.write() as session:
            await session.exec(text("ALTER TABLE alert RENAME TO alert_away"))

        async def failing():
            return clockwork.last_failed

        await eventually(failing)
        async with db.write() as session:
            await session.exec(text("ALTER TABLE alert_away RENAME TO alert"))
        async with db.write() as session:
            await alert_queries.add_alerts(session, [an_sms(now())])
        async with asyncio.timeout(PATIENCE):
            await post.arrived.wait()

        async def healthy():
            return not clockwork.last_failed

        await eventually(healthy)
    finally:
        await clockwork.stop()
    failed = wired.metrics.passes.labels("failed")._value.get()
    assert 1 <= failed < 2 * PATIENCE


# ── with a clock moved by hand ───────────────────────────────────────────────────────────────


async def test_the_next_deadline_is_the_earliest_of_ladders_tries_and_outcomes(process, clock):
    wired, clockwork, _ = await process(clock)
    db = wired.site.db
    assert await clockwork.next_due() is None
    later = clock.now() + timedelta(minutes=9)
    async with db.write() as session:
        await alert_queries.add_alerts(session, [an_sms(later)])
    assert await clockwork.next_due() == later
    sooner = clock.now() + timedelta(minutes=5)
    async with db.write() as session:
        session.add(
            Attempt(
                channel="sms",
                provider="twilio",
                to_number="+1",
                token="t",
                claimed_at=clock.now(),
                outcome_due_at=sooner,
            )
        )
    assert await clockwork.next_due() == sooner


async def test_a_pass_acts_on_what_is_due_and_leaves_the_rest(process, clock):
    wired, clockwork, post = await process(clock)
    async with wired.site.db.write() as session:
        await alert_queries.add_alerts(
            session, [an_sms(clock.now()), an_sms(clock.now() + timedelta(seconds=1), "+8613811110002")]
        )
    await clockwork.run_pass()
    await clockwork.drain()
    assert len(post.sent) == 1
    clock.move(1)
    await clockwork.run_pass()
    await clockwork.drain()
    assert len(post.sent) == 2


async def test_a_node_that_starts_asks_about_its_own_lost_attempts_and_not_about_other_nodes_requests(
    process, clock
):
    """On PostgreSQL another node may be sending at this moment: only its lease says when it is lost."""
    wired, clockwork, _ = await process(clock)
    lease = clock.now() + timedelta(seconds=15)
    async with wired.site.db.write() as session:
        session.add(
            Attempt(
                channel="sms",
                provider="twilio",
                to_number="+1",
                token="t",
                claimed_at=clock.now(),
                outcome_due_at=lease,
            )
        )
    await clockwork.recover()
    async with wired.site.db.read() as session:
        (attempt,) = await session.exec(select(Attempt))
    assert attempt.outcome_due_at == (clock.now() if wired.site.db.is_sqlite else lease)


async def test_a_wall_clock_that_steps_is_noted_once_and_alarms_the_desk(process, clock):
    wired, clockwork, _ = await process(clock)
    await clockwork.run_pass()
    clock.step_wall(2)
    await clockwork.run_pass()
    async with wired.site.db.read() as session:
        assert not list(await session.exec(select(ClockStep)))
    clock.step_wall(-3600)
    await clockwork.run_pass()
    await clockwork.run_pass()
    async with wired.site.db.read() as session:
        (step,) = await session.exec(select(ClockStep))
        (alarm,) = await session.exec(select(Alert).where(col(Alert.wording) == "clock_stepped"))
        assert await obligation_queries.clock_in_doubt(session)
    assert step.seconds == -3600
    assert alarm.channel == "screen"


WATCHER = "http://127.0.0.1:9/beat"


async def test_the_watcher_outside_hears_of_full_passes_once_a_minute(process, clock):
    wired, clockwork, post = await process(clock, heartbeat_url=WATCHER)
    for seconds in (0, 1, 58, 1, 60):
        clock.move(seconds)
        await clockwork.run_pass()
        await clockwork.drain()
    beats = [request for request in post.to("127.0.0.1") if request.url.path == "/beat"]
    assert len(beats) == 3
    assert ":" in beats[0].url.params["audit"]
    assert wired.metrics.heartbeats.labels("sent")._value.get() == 3


async def test_the_watcher_outside_hears_nothing_of_a_pass_in_which_a_row_failed(process, clock):
    wired, clockwork, post = await process(clock, heartbeat_url=WATCHER)
    await build_bureau(wired.site.db, clock.now())
    await an_incident(wired, clock)
    async with wired.site.db.write() as session:
        await session.exec(
            update(Obligation).where(col(Obligation.rule_id) == "49.3").values(ladder={"broken": True})
        )
    await clockwork.run_pass()
    await clockwork.drain()
    assert clockwork.last_failed
    assert not [one for one in post.to("127.0.0.1") if one.url.path == "/beat"]


async def test_a_watcher_that_does_not_answer_disturbs_nothing(process, clock):
    wired, clockwork, post = await process(clock, heartbeat_url=WATCHER)
    post.status = 500
    await clockwork.run_pass()
    await clockwork.drain()
    assert wired.metrics.heartbeats.labels("failed")._value.get() == 1
    assert not clockwork.last_failed


async def an_incident(wired, clock):
    async with wired.site.db.write() as session:
        unit = await unit_by_code(session, "canteen")
        new = NewIncident(
            title="火情",
            category="accident",
            grade="major",
            unit_id=unit.id,
            occurred_at=clock.now(),
            occurred_at_kind="exact",
        )
        return await log_incident(session, wired.site, clock.now(), Actor("test", "operator"), new)


# ── readiness ────────────────────────────────────────────────────────────────────────────────


@asynccontextmanager
async def visitor(wired, clockwork=None):
    transport = httpx2.ASGITransport(create_app(wired, clockwork))
    async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000") as http:
        yield http


async def test_a_process_is_ready_after_its_first_full_pass_and_not_when_passes_stay_away(process, clock):
    wired, clockwork, _ = await process(clock)
    async with visitor(wired, clockwork) as http:
        assert (await http.get("/healthz")).status_code == 200
        before = await http.get("/readyz")
        assert (before.status_code, before.json()["last_full_pass_seconds"]) == (503, None)
        await clockwork.run_pass()
        assert (await http.get("/readyz")).status_code == 200
        clock.move(READY_WITHIN.total_seconds())
        assert (await http.get("/readyz")).status_code == 200
        clock.move(1)
        assert (await http.get("/readyz")).status_code == 503
        assert (await http.get("/healthz")).status_code == 200


@pytest.mark.parametrize("what", ["obligation", "alert", "attempt"])
async def test_a_process_is_not_ready_while_something_due_stays_undone(process, clock, what):
    wired, clockwork, _ = await process(clock)
    await build_bureau(wired.site.db, clock.now())
    await clockwork.run_pass()
    async with wired.site.db.write() as session:
        if what == "alert":
            await alert_queries.add_alerts(session, [an_sms(clock.now())])
        elif what == "attempt":
            session.add(
                Attempt(
                    channel="sms",
                    provider="x",
                    to_number="+1",
                    token="t",
                    claimed_at=clock.now(),
                    outcome_due_at=clock.now(),
                )
            )
    if what == "obligation":
        await an_incident(wired, clock)
    clock.move(READY_WITHIN.total_seconds() + 1)
    # Another worker keeps passing and does not get at it.
    clockwork.pulse.last_full_pass = clock.now()
    async with visitor(wired, clockwork) as http:
        answer = await http.get("/readyz")
        assert answer.status_code == 503
        assert answer.json()["oldest_undone_seconds"] == 16


async def test_a_process_is_not_ready_after_a_pass_with_faults(process, clock):
    wired, clockwork, _ = await process(clock)
    await clockwork.run_pass()
    clockwork.pulse.last_failed = True
    async with visitor(wired, clockwork) as http:
        assert (await http.get("/readyz")).status_code == 503


async def test_readiness_says_how_messages_leave_and_whether_the_clock_is_in_doubt(process, clock):
    wired, clockwork, _ = await process(clock)
    await clockwork.run_pass()
    clock.step_wall(10)
    await clockwork.run_pass()
    async with visitor(wired, clockwork) as http:
        body = (await http.get("/readyz")).json()
    assert (body["sending"], body["clock_in_doubt"]) == ("simulated", True)


async def test_the_metrics_have_the_names_that_dashboards_know(process, clock):
    wired, clockwork, _ = await process(clock)
    await build_bureau(wired.site.db, clock.now())
    await an_incident(wired, clock)
    await clockwork.run_pass()
    await clockwork.drain()
    async with visitor(wired, clockwork) as http:
        answer = await http.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain")
    for line in (
        'dutydesk_due_to_handed_over_seconds_count{channel="sms"}',
        'dutydesk_sends_total{outcome="accepted",provider="twilio"}',
        'dutydesk_passes_total{outcome="full"} 1.0',
        "dutydesk_oldest_undone_seconds 0.0",
        "dutydesk_last_full_pass_age_seconds 0.0",
        'dutydesk_open_obligations{rule="49.1"} 1.0',
    ):
        assert line in answer.text

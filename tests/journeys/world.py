"""A bureau, its phones and its time, moved by hand: journeys are told as phone conversations.

Nothing here waits. ``until`` walks from one due moment to the next, of the clockwork and of the
telephone exchange, exactly as the real timer would, and every SMS or call that a journey did not
expect fails it: at the end time moves on by a day to see that nothing more comes.
"""

import asyncio
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any

import httpx2

from dutydesk.accounts.actions import create_token
from dutydesk.alerts import queries as alert_queries
from dutydesk.alerts.actions import screen_drawn
from dutydesk.alerts.matters import matters_of
from dutydesk.alerts.wording import fill
from dutydesk.app import create_app
from dutydesk.calendars.rules import DAY_CLASSES
from dutydesk.db import Session
from dutydesk.people.actions import NewContact, create_person, create_unit, give_post
from dutydesk.rosters.actions import plan_shift
from dutydesk.rosters.model import SeatPattern
from dutydesk.rosters.rules import LONGEST_SHIFT, NEEDED_SEATS, Seat
from dutydesk.settings import ProviderSecrets, Settings
from dutydesk.simulator.app import create_simulator
from dutydesk.simulator.exchange import Exchange
from dutydesk.simulator.handset import Handset
from dutydesk.simulator.records import Call, Message
from dutydesk.simulator.timings import Timings
from dutydesk.wiring import Wired, close, wire
from dutydesk.worker import Clockwork
from tests.builders import confirm_numbers
from tests.fakes.clock import FakeClock

PUBLIC = "http://desk.test"
PROVIDER = "http://127.0.0.1:4010"
DAY = timedelta(days=1)
SID, TOKEN = "AC" + "0" * 32, "a-shared-secret"

# Who is who on a quiet night; a second number is tried after the first.
PEOPLE: dict[str, tuple[str, str, str, tuple[str, ...]]] = {
    "unit operator": ("canteen", "王小明", "值班员", ("+8613800000001",)),
    "unit leader": ("canteen", "李静", "副主任", ("+8613800000002",)),
    "unit head": ("canteen", "赵刚", "主任", ("+8613800000003",)),
    "operator": ("desk", "陈晓", "值班员", ("+8613800000011",)),
    "leader": ("desk", "刘建国", "副局长", ("+8613800000012", "+8613800000112")),
    "chief": ("desk", "孙志强", "局长", ("+8613800000013",)),
    "standby": ("desk", "周敏", "备班", ("+8613800000014",)),
    "director": ("desk", "吴芳", "办公室主任", ("+8613800000015",)),
}
SEATS = {
    "unit operator": ("canteen", "operator_primary"),
    "unit leader": ("canteen", "leader"),
    "operator": ("desk", "operator_primary"),
    "leader": ("desk", "leader"),
    "standby": ("desk", "standby"),
}
POSTS = {
    "unit head": ("canteen", "head"),
    "chief": ("desk", "chief"),
    "director": ("desk", "office_director"),
}
DESK_PHONE, UNIT_PHONE = "+862223000000", "+862223000001"
# The network takes no time: a story is told in the moments that its people care about.
AT_ONCE = Timings(sms_sending=0, sms_sent=0, sms_delivered=0, call_initiated=0, call_ringing=0)
LAST_RESORT = ("+8613900000001", "+8613900000002")
# Screens that only say how the ladder goes; every other one has to be expected.
ORDINARY_SCREENS = {"warning", "missed", "escalated", "call_out", "by_hand"}


@dataclass
class World:
    """One running bureau in one test."""

    clock: FakeClock
    settings: Settings
    network: "_Network"
    exchange: Exchange
    wired: Wired
    clockwork: Clockwork
    api: httpx2.AsyncClient
    board_open: bool = True
    tokens: dict[str, str] = field(default_factory=dict)
    ids: dict[str, int] = field(default_factory=dict)
    screens: list[tuple[str, str]] = field(default_factory=list)
    _seen: set[int] = field(default_factory=set)
    _seen_screens: set[int] = field(default_factory=set)
    _expected_screens: set[str] = field(default_factory=set)

    @property
    def zone(self) -> Any:
        """The site's time zone."""
        return self.wired.site.zone

    # ── time ─────────────────────────────────────────────────────────────────────────────────

    def at(self, text: str) -> datetime:
        """Return ``"02:20"`` or ``"02:20:30"`` of the present site day, ``"+1 08:30"`` of a later one."""
        days, _, clock = text.rpartition(" ")
        parts = [int(part) for part in clock.split(":")]
        today = self.clock.now().astimezone(self.zone)
        moment = today.replace(
            hour=parts[0], minute=parts[1], second=parts[2] if len(parts) > 2 else 0, microsecond=0
        )
        return moment + timedelta(days=int(days or 0))

    def told(self, moment: str) -> str:
        """Return a moment that the API gave as ``02:20:00`` of site time."""
        return f"{datetime.fromisoformat(moment).astimezone(self.zone):%H:%M:%S}"

    async def until(self, text: str) -> None:
        """Let time pass until that moment, stopping wherever something is due."""
        await self.until_moment(self.at(text))

    async def pass_time(self, **length: float) -> None:
        """Let that much time pass."""
        await self.until_moment(self.clock.now() + timedelta(**length))

    async def until_moment(self, target: datetime) -> None:
        """Walk from due moment to due moment until *target*."""
        await self.tick()
        while True:
            due = [await self.clockwork.next_due(), self.exchange.next_event()]
            ahead = [moment for moment in due if moment is not None and moment > self.clock.now()]
            step = min([*ahead, target])
            if step >= target:
                break
            self.clock.set(step)
            await self.tick()
        self.clock.set(target)
        await self.tick()

    async def tick(self) -> None:
        """Do everything that is due at this moment, in the exchange and in the clockwork."""
        now = self.clock.now()
        for _ in range(50):
            await self.exchange.run_due(now)
            due = await self.clockwork.next_due()
            if due is None or due > now:
                event = self.exchange.next_event()
                if event is None or event > now:
                    return
                continue
            await self.clockwork.run_pass()
            await self.clockwork.drain()
            await self._draw()
        message = f"the clockwork does not come to rest at {self.clock.now()}"
        raise AssertionError(message)

    async def _draw(self) -> None:
        """The board in the duty room: draws what is new, with its sound on."""
        site = self.wired.site
        async with site.db.read() as session:
            rows = [
                row for row in await alert_queries.screen_alerts(session) if row.id not in self._seen_screens
            ]
            if not rows:
                return
            matters = await matters_of(session, rows, site.zone)
        for row, matter in zip(rows, matters, strict=True):
            if row.state == "queued":
                continue
            self._seen_screens.add(row.id or 0)
            self.screens.append((row.wording, fill(site.rulebook.wording, f"screen.{row.wording}", matter)))
        drawn = [row.id or 0 for row in rows if row.state == "sent"]
        if self.board_open and drawn:
            async with site.db.write() as session:
                await screen_drawn(session, self.clock.now(), drawn, sound=True)

    async def step_clock(self, seconds: float) -> None:
        """Let the wall clock jump, as a bad time server would, and the clockwork look at it."""
        self.clock.step_wall(seconds)
        await self.clockwork.run_pass()
        await self.clockwork.drain()
        await self._draw()
        await self.tick()

    # ── phones ───────────────────────────────────────────────────────────────────────────────

    def phone(self, who: str) -> Handset:
        """Return a person's first phone, or the phone with that number."""
        return self.exchange.handset(PEOPLE[who][3][0] if who in PEOPLE else who)

    def expect_sms(self, who: str, *parts: str) -> Message:
        """Take the next unseen SMS on a phone; it must contain every part."""
        unseen = [message for message in self.phone(who).inbox if message.sequence not in self._seen]
        assert unseen, f"{who}: no SMS came by {self._time()}; " + self._unexpected()
        message = unseen[0]
        self._seen.add(message.sequence)
        for part in parts:
            assert part in message.body, f"{who}: {part!r} is not in {message.body!r}"
        return message

    def no_sms(self, who: str) -> None:
        """Nobody has sent this phone anything that was not spoken of."""
        unseen = [message.body for message in self.phone(who).messages if message.sequence not in self._seen]
        assert not unseen, f"{who}: {unseen}"

    def expect_call(self, who: str, status: str = "no-answer") -> Call:
        """Take the next unseen call to a phone; that became of it."""
        unseen = [call for call in self.phone(who).calls if call.sequence not in self._seen]
        assert unseen, f"{who}: no call came by {self._time()}; " + self._unexpected()
        call = unseen[0]
        self._seen.add(call.sequence)
        assert call.status.value == status, f"{who}: the call is {call.status.value}, not {status}"
        return call

    def expect_ringing(self, who: str) -> Handset:
        """Take the call that rings on a phone now."""
        self.expect_call(who, "ringing")
        return self.phone(who)

    async def pick_up(self, who: str, *parts: str, key: str = "1") -> None:
        """Answer the call that rings now, press a key ("" for none), hear these parts, and hang up."""
        phone = self.expect_ringing(who)
        await phone.answer()
        if key:
            await phone.press(key)
        said = "".join(phone.heard)
        for part in parts:
            assert part in said, f"{who}: {part!r} is not in {said!r}"
        if phone.call is not None:
            await phone.hang_up()
        await self.tick()

    def expect_screen(self, wording: str, *parts: str) -> None:
        """There must be a screen alert of that kind with these parts."""
        self._expected_screens.add(wording)
        found = [text for kind, text in self.screens if kind == wording]
        assert found, f"no screen {wording!r}; there are {self.screens}"
        assert any(all(part in text for part in parts) for text in found), f"{parts} in none of {found}"

    def forget(self, *people: str) -> None:
        """Whatever came to these phones is not what this journey is about."""
        for who in people:
            self._seen |= {one.sequence for one in (*self.phone(who).messages, *self.phone(who).calls)}

    def nothing_more(self) -> None:
        """Fail if any SMS, call or unusual screen came that the journey has not spoken of."""
        assert not self._unexpected(), self._unexpected()

    def _unexpected(self) -> str:
        said = [
            f"SMS to {message.to} at {message.created_at.astimezone(self.zone):%H:%M:%S}: {message.body}"
            for message in self.exchange.messages.values()
            if message.sequence not in self._seen
        ]
        said += [
            f"call to {call.to} at {call.created_at.astimezone(self.zone):%H:%M:%S} ({call.status.value})"
            for call in self.exchange.calls.values()
            if call.sequence not in self._seen
        ]
        usual = ORDINARY_SCREENS | self._expected_screens
        said += [f"screen {kind}: {text}" for kind, text in self.screens if kind not in usual]
        return f"unexpected by {self._time()}: {said[:8]}" if said else ""

    def _time(self) -> str:
        return f"{self.clock.now().astimezone(self.zone):%H:%M:%S}"

    # ── the desk ─────────────────────────────────────────────────────────────────────────────

    async def post(
        self, path: str, body: dict[str, Any], status: int = 200, role: str = "operator"
    ) -> dict[str, Any]:
        """Post to the API as a role; times are given as moments."""
        answer = await self.api.post(
            f"/api/v1/{path}", json=_plain(body), headers={"Authorization": f"Bearer {self.tokens[role]}"}
        )
        assert answer.status_code == status, f"{path}: {answer.status_code} {answer.text}"
        made: dict[str, Any] = answer.json()
        return made

    async def get(self, path: str, role: str = "operator") -> Any:
        """Read from the API as a role."""
        answer = await self.api.get(
            f"/api/v1/{path}", headers={"Authorization": f"Bearer {self.tokens[role]}"}
        )
        assert answer.status_code == 200, f"{path}: {answer.status_code} {answer.text}"
        return answer.json()

    async def log(self, **fields: Any) -> dict[str, Any]:
        """Log an incident of the canteen; the grade is open unless the journey says otherwise."""
        body = {
            "title": "机关食堂疑似食物中毒",
            "category": "public_health",
            "grade": "ungraded",
            "unit": "canteen",
            "occurred_at": self.clock.now(),
            "occurred_at_kind": "exact",
            "place": "机关大院一号食堂",
            "source": "食堂值班员",
        } | fields
        return await self.post("incidents", body, 201)

    async def report(self, number: str, kind: str, **fields: Any) -> dict[str, Any]:
        """Log a report by the desk, with who called."""
        body = {
            "kind": kind,
            "reported_at": self.clock.now(),
            "reporter": "王小明",
            "reporter_phone": "+8613800000001",
            "content": "情况正在核实",
        } | fields
        return await self.post(f"incidents/{number}/reports", body, 201)

    async def called_out(self) -> None:
        """The leader on duty hears of a new incident by SMS and answers the call a minute later."""
        await self.pass_time(seconds=70)
        self.expect_sms("leader", "有突发事件，请接听来电")
        await self.pick_up("leader", "有突发事件")

    async def withdraw(self, number: str, reason: str = "误报") -> dict[str, Any]:
        """Withdraw an incident, which ends every clock it has."""
        return await self.post(f"incidents/{number}/withdraw", {"reason": reason})

    async def clocks(self, number: str) -> dict[str, dict[str, Any]]:
        """Return an incident's obligations by rule; follow-ups as ``49.4#1``."""
        incident = await self.get(f"incidents/{number}")
        return {
            f"{one['rule']}#{one['sequence']}" if one["rule"] == "49.4" else one["rule"]: one
            for one in incident["obligations"]
        }

    # ── the process ──────────────────────────────────────────────────────────────────────────

    async def restart(self, settings: Settings | None = None) -> None:
        """End the process, whatever it was doing, and start another one on the same database."""
        sending = self.clockwork._sending
        # What the provider does not keep waiting has been answered and recorded by then.
        while len(sending) > self.exchange.faults.waiting:
            await asyncio.wait(sending, return_when=asyncio.FIRST_COMPLETED)
        for request in sending:
            request.cancel()
        await asyncio.gather(*sending, return_exceptions=True)
        await self.close()
        self.settings = settings or self.settings
        self.wired, self.clockwork, self.api = _process(self.clock, self.settings, self.network)
        await self.clockwork.recover()
        await self._draw()

    async def close(self) -> None:
        """End the process."""
        await self.api.aclose()
        await close(self.wired)

    async def finish(self) -> None:
        """A day later, nothing that nobody expected has come."""
        self.nothing_more()
        await self.pass_time(hours=24)
        self.nothing_more()


def _plain(body: Any) -> Any:
    if isinstance(body, datetime):
        return body.isoformat()
    if isinstance(body, dict):
        return {key: _plain(value) for key, value in body.items()}
    if isinstance(body, list | tuple):
        return [_plain(value) for value in body]
    return body


class _Network(httpx2.AsyncBaseTransport):
    """Two addresses that exist: the service and the exchange. Nothing leaves the process."""

    def __init__(self) -> None:
        self.apps: dict[str, httpx2.ASGITransport] = {}

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        return await self.apps[request.url.host].handle_async_request(request)


def _process(
    clock: FakeClock, settings: Settings, network: _Network
) -> tuple[Wired, Clockwork, httpx2.AsyncClient]:
    """Start a process: what it is made of, its clockwork, and a client of its API."""
    wired = wire(settings, clock, transport=network)
    app = httpx2.ASGITransport(create_app(wired))
    network.apps["desk.test"] = app
    return wired, Clockwork(wired), httpx2.AsyncClient(transport=app, base_url="http://127.0.0.1:8000")


async def open_world(
    clock: FakeClock, settings: Settings, *, without: tuple[str, ...] = (), missed: bool = False
) -> World:
    """Build the bureau; *without* leaves seats or posts of these people empty, or a unit's telephone.

    Nobody asks for the seats left empty in that way, as if the units did not hold them; with *missed*
    they have to be held as the rules say, and their holes are told of.
    """
    secrets = ProviderSecrets(
        account_sid=SID, auth_token=TOKEN, from_number="+15005550006", api_base_url=PROVIDER
    )
    settings = settings.model_copy(
        update={"public_url": PUBLIC, "last_resort": LAST_RESORT, "twilio": secrets}
    )
    network = _Network()
    simulator = create_simulator(
        clock,
        accounts={SID: TOKEN},
        callback_client=httpx2.AsyncClient(transport=network),
        timings=AT_ONCE,
    )
    network.apps["127.0.0.1"] = httpx2.ASGITransport(simulator)
    exchange: Exchange = simulator.state.exchange
    world = World(clock, settings, network, exchange, *_process(clock, settings, network))
    async with world.wired.site.db.write() as session:
        await _people_the_bureau(world, session, without)
        if without and not missed:
            for code in ("desk", "canteen"):
                empty = {seat for who, (unit, seat) in SEATS.items() if who in without and unit == code}
                held = [seat for seat in NEEDED_SEATS if seat not in empty]
                await needs(session, clock.now(), world.ids[code], *held)
    return world


async def _people_the_bureau(world: World, session: Session, without: tuple[str, ...]) -> None:
    now = world.clock.now()
    for code, name, kind, phone in (
        ("desk", "局值班室", "desk", DESK_PHONE),
        ("canteen", "机关食堂", "division", UNIT_PHONE),
    ):
        number = None if f"{code} phone" in without else phone
        made = await create_unit(session, now, "测试", code=code, name=name, kind=kind, duty_phone=number)
        world.ids[code] = made.id
    for role in ("administrator", "operator", "leader"):
        world.tokens[role] = await create_token(session, now, f"测试{role}", role)
    world.tokens["unit"] = await create_token(session, now, "食堂联系人", "unit", world.ids["canteen"])
    for who, (unit, name, title, numbers) in PEOPLE.items():
        contacts = [NewContact("mobile", number) for number in numbers]
        person = await create_person(
            session, now, "测试", name=name, unit=unit, title=title, contacts=contacts
        )
        world.ids[who] = person.id
        await confirm_numbers(session, now, person.id)
    for who, (unit, seat) in SEATS.items():
        if who not in without:
            await sit(world, session, who, unit, seat)
    for who, (unit, post) in POSTS.items():
        if who not in without:
            await give_post(
                session, now, "测试", unit=unit, post=post, person=world.ids[who], from_at=now - DAY
            )


async def sit(world: World, session: Session, who: str, unit: str, seat: Any, **times: datetime) -> None:
    """Plan a person for a seat, from yesterday for seven weeks unless other times are given."""
    now = world.clock.now()
    begins, ends = times.get("starts_at", now - DAY), times.get("ends_at", now + 48 * DAY)
    while begins < ends:
        change = min(begins + LONGEST_SHIFT, ends)
        await plan_shift(
            session,
            now,
            "测试",
            unit=unit,
            seat=seat,
            person=world.ids[who],
            starts_at=begins,
            ends_at=change,
            mode="on_call",
        )
        begins = change


async def needs(session: Session, now: datetime, unit_id: int, *seats: Seat) -> None:
    """Lay down that a unit holds these seats around the clock, and no others (any more)."""
    session.add_all(
        SeatPattern(
            unit_id=unit_id,
            seat=seat,
            day_class=day_class,
            starts=time(8, 30),
            minutes=24 * 60,
            mode="on_call",
            valid_from=date(2020, 1, 1),
            valid_until=None if seat in seats else date(2020, 1, 2),
            created_at=now,
            created_by="测试",
        )
        for seat in NEEDED_SEATS
        for day_class in DAY_CLASSES
    )

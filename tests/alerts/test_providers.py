"""The providers: what they ask of Twilio, what they make of its answers, and that nothing hangs or goes astray."""

import asyncio
import json
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs

import httpx2
import jsonschema
import pytest

from dutydesk.alerts.claims import LEASE
from dutydesk.alerts.providers.console import ConsoleProvider
from dutydesk.alerts.providers.twilio import TwilioProvider, attempt_state
from dutydesk.alerts.providers.types import REQUEST_SECONDS, CallPlan, Carriers, Sent, Status
from dutydesk.simulator.app import create_simulator
from dutydesk.simulator.callbacks import signature
from dutydesk.simulator.faults import Hold, Refuse, Withhold
from tests.alerts.conftest import LI, SID, TOKEN

DOCUMENT = Path(__file__).parents[2] / ".state" / "twilio_api_v2010.json"
ACCOUNTS = "/2010-04-01/Accounts/{AccountSid}"
PLAN = CallPlan("https://desk.example/voice/t", "https://desk.example/call-status/t", 30)
STATUS = "https://desk.example/sms-status/t"
FROM = "+15005550006"
SHORT = 0.2


def twilio(transport: httpx2.AsyncBaseTransport | httpx2.AsyncClient, **more) -> TwilioProvider:
    http = transport if isinstance(transport, httpx2.AsyncClient) else httpx2.AsyncClient(transport=transport)
    return TwilioProvider(
        "twilio", ("sms", "voice"), account_sid=SID, auth_token=TOKEN, from_number=FROM, http=http, **more
    )


class Recorder(httpx2.AsyncBaseTransport):
    """Answers every request alike and keeps it."""

    def __init__(self, status: int = 201, body: dict | None = None, error: Exception | None = None) -> None:
        self.requests: list[httpx2.Request] = []
        self._status, self._body, self._error = status, body or {"sid": "SM1", "status": "queued"}, error

    async def handle_async_request(self, request):
        self.requests.append(request)
        if self._error is not None:
            raise self._error
        return httpx2.Response(self._status, json=self._body)


# ── against Twilio's own document ────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def document():
    assert DOCUMENT.exists(), (
        f"{DOCUMENT} is missing: Twilio's OpenAPI document is fetched by `make test` (tools/fetch_openapi.py)"
    )
    return json.loads(DOCUMENT.read_text())


def check_request(document, path: str, request: httpx2.Request) -> dict:
    """Validate a create request's form against the schema of Twilio's document; return the form."""
    content = document["paths"][ACCOUNTS + path]["post"]["requestBody"]["content"]
    schema = content["application/x-www-form-urlencoded"]["schema"]
    form = {}
    for name, values in parse_qs(
        request.content.decode(), keep_blank_values=True, strict_parsing=True
    ).items():
        wanted = schema["properties"][name]
        form[name] = (
            values
            if wanted["type"] == "array"
            else int(values[0])
            if wanted["type"] == "integer"
            else values[0]
        )
    jsonschema.Draft4Validator(schema | {"additionalProperties": False}).validate(form)
    assert set(schema.get("required", ())) <= set(form)
    assert request.url.path == (ACCOUNTS + path).replace("{AccountSid}", SID)
    assert request.method == "POST"
    assert request.headers["authorization"].startswith("Basic ")
    return form


async def test_an_sms_is_asked_for_as_twilios_document_wants_it(document):
    recorder = Recorder()
    assert await twilio(recorder).send_sms(LI, "【局】请报 A2B3", STATUS) == Sent("accepted", "SM1")
    form = check_request(document, "/Messages.json", recorder.requests[0])
    assert form == {"To": LI, "From": FROM, "Body": "【局】请报 A2B3", "StatusCallback": STATUS}


async def test_a_call_is_asked_for_as_twilios_document_wants_it(document):
    recorder = Recorder(body={"sid": "CA1", "status": "queued"})
    assert await twilio(recorder).place_call(LI, PLAN) == Sent("accepted", "CA1")
    form = check_request(document, "/Calls.json", recorder.requests[0])
    assert form == {
        "To": LI,
        "From": FROM,
        "Url": PLAN.twiml_url,
        "StatusCallback": PLAN.status_url,
        "StatusCallbackEvent": ["initiated", "ringing", "answered", "completed"],
        "Timeout": 30,
    }


async def test_every_status_in_twilios_document_has_a_word_of_ours(document):
    schemas = document["components"]["schemas"]
    said = {*schemas["message_enum_status"]["enum"], *schemas["call_enum_status"]["enum"]}
    # What only incoming or cancelled-before-sending messages can be is none of ours.
    assert {word for word in said if attempt_state(word) is None} <= {
        "receiving",
        "received",
        "partially_delivered",
        "canceled",
    }


# ── answers ──────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("status", "code", "answer"),
    [
        (400, 21211, "refused"),
        (401, 20003, "refused"),
        (429, 20429, "fault"),
        (500, 20500, "unknown"),
        (503, 0, "unknown"),
    ],
)
async def test_what_an_error_means(status, code, answer):
    body = {"code": code, "message": "no", "status": status}
    sent = await twilio(Recorder(status, body)).send_sms(LI, "x", STATUS)
    assert sent.answer == answer
    assert sent.code == (str(code) if code else str(status))


@pytest.mark.parametrize(
    ("error", "answer"),
    [
        (httpx2.ConnectError("refused"), "fault"),
        (httpx2.ConnectTimeout("slow"), "fault"),
        (httpx2.ReadTimeout("silent"), "unknown"),
        (httpx2.RemoteProtocolError("cut off"), "unknown"),
    ],
)
async def test_a_request_that_did_not_leave_may_be_repeated_and_one_that_may_have_arrived_is_unknown(
    error, answer
):
    provider = twilio(Recorder(error=error))
    assert (await provider.send_sms(LI, "x", STATUS)).answer == answer
    assert (await provider.place_call(LI, PLAN)).answer == answer
    assert await provider.look_up("sms", "SM1") is None
    assert await provider.find("voice", LI, datetime(2026, 1, 1, tzinfo=UTC)) is None
    await provider.cancel_call("CA1")


async def test_an_answer_that_is_no_json_is_unknown():
    class Page(httpx2.AsyncBaseTransport):
        async def handle_async_request(self, request):
            return httpx2.Response(200, text="<html>captive portal</html>")

    assert (await twilio(Page()).send_sms(LI, "x", STATUS)).answer == "unknown"


# ── time-outs ────────────────────────────────────────────────────────────────────────────────


@asynccontextmanager
async def silent_server():
    """A server that accepts every connection and never says a word."""
    writers = []

    async def accept(_reader, writer):
        writers.append(writer)

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    for writer in writers:
        writer.close()
    server.close()


@asynccontextmanager
async def dripping_server():
    """A server that answers one byte at a time, each sooner than any time-out of a single step, and never ends."""
    drips = []

    async def accept(_reader, writer):
        drips.append((asyncio.create_task(drip(writer)), writer))

    async def drip(writer):
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n")
        while True:
            writer.write(b" ")
            await writer.drain()
            await asyncio.sleep(SHORT / 4)

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    for task, writer in drips:
        task.cancel()
        writer.close()
    await asyncio.gather(*(task for task, _ in drips), return_exceptions=True)
    server.close()


@pytest.mark.parametrize("server", [silent_server, dripping_server])
async def test_a_provider_that_never_finishes_is_given_up_in_time(server):
    async with server() as url, httpx2.AsyncClient() as http, asyncio.timeout(SHORT * 20):
        provider = twilio(http, api_base_url=url, timeout=SHORT)
        assert (await provider.send_sms(LI, "x", STATUS)).answer == "unknown"
        assert (await provider.place_call(LI, PLAN)).answer == "unknown"
        assert await provider.look_up("voice", "CA1") is None
        assert await provider.find("sms", LI, datetime(2026, 1, 1, tzinfo=UTC)) is None
        await provider.cancel_call("CA1")


def test_a_request_is_over_before_its_lease_is():
    assert timedelta(seconds=REQUEST_SECONDS) < LEASE


# ── where requests go ────────────────────────────────────────────────────────────────────────


@pytest.fixture
def other_region(monkeypatch):
    monkeypatch.setenv("TWILIO_REGION", "au1")
    monkeypatch.setenv("TWILIO_EDGE", "sydney")


async def test_the_sdks_own_variables_do_not_divert_anything(other_region):
    recorder = Recorder()
    await twilio(recorder).send_sms(LI, "x", STATUS)
    await twilio(recorder, api_base_url="http://127.0.0.1:4010/prefix").send_sms(LI, "x", STATUS)
    assert [str(one.url) for one in recorder.requests] == [
        f"https://api.twilio.com/2010-04-01/Accounts/{SID}/Messages.json",
        f"http://127.0.0.1:4010/prefix/2010-04-01/Accounts/{SID}/Messages.json",
    ]


# ── against the exchange ─────────────────────────────────────────────────────────────────────


@pytest.fixture
async def exchange(clock):
    async with httpx2.AsyncClient() as callbacks:
        yield create_simulator(clock, accounts={SID: TOKEN}, callback_client=callbacks)


@pytest.fixture
async def provider(exchange):
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(exchange)) as http:
        yield twilio(http, api_base_url="http://exchange", timeout=SHORT)


async def test_what_was_created_is_found_by_number_and_time(provider, exchange, clock):
    before = clock.now()
    first = await provider.send_sms(LI, "一 A2B3", STATUS)
    clock.move(60)
    second = await provider.send_sms(LI, "二 C4D5", STATUS)
    await provider.send_sms("+8613800000009", "三", STATUS)
    found = await provider.find("sms", LI, before)
    assert [(one.reference, one.body) for one in found] == [
        (first.reference, "一 A2B3"),
        (second.reference, "二 C4D5"),
    ]
    assert [one.reference for one in await provider.find("sms", LI, clock.now())] == [second.reference]
    call = await provider.place_call(LI, PLAN)
    assert [one.reference for one in await provider.find("voice", LI, before)] == [call.reference]
    assert found[0].created_at == before


async def test_how_something_stands_is_told_in_our_words(provider, exchange, clock):
    sent = await provider.send_sms(LI, "一", STATUS)
    assert await provider.look_up("sms", sent.reference) == Status("accepted", text="queued")
    call = await provider.place_call(LI, PLAN)
    assert (await provider.look_up("voice", call.reference)).state == "accepted"
    await provider.cancel_call(call.reference)
    assert await provider.look_up("voice", call.reference) == Status("failed", text="canceled")
    assert await provider.look_up("voice", "CA" + "9" * 32) is None


@pytest.mark.parametrize("fault", [Hold(), Withhold()])
async def test_a_request_without_an_answer_is_unknown(provider, exchange, fault):
    exchange.state.exchange.faults.order(fault)
    assert (await provider.send_sms(LI, "x", STATUS)).answer == "unknown"
    assert len(exchange.state.exchange.messages) == (1 if isinstance(fault, Withhold) else 0)


async def test_a_refusal_carries_twilios_code(provider, exchange):
    exchange.state.exchange.faults.order(Refuse(400, 21610))
    sent = await provider.send_sms(LI, "x", STATUS)
    assert (sent.answer, sent.code) == ("refused", "21610")


def test_a_signature_is_held_against_the_secret_the_address_and_the_form():
    provider = twilio(Recorder())
    url, form = (
        "https://desk.example/webhooks/twilio/twilio/keys/a%20b?stage=menu",
        {"Digits": "1", "Empty": ""},
    )
    good = signature(TOKEN, url, form)
    assert provider.is_genuine(url, form, good)
    assert not provider.is_genuine(url, form, signature("other", url, form))
    assert not provider.is_genuine(url.replace("%20", " "), form, good)
    assert not provider.is_genuine(url, {"Digits": "1"}, good)
    assert not provider.is_genuine(url, form, "")


# ── the console ──────────────────────────────────────────────────────────────────────────────


async def test_the_console_tells_nobody_and_says_so(capsys):
    provider = ConsoleProvider()
    sms, call = await provider.send_sms(LI, "请报", STATUS), await provider.place_call(LI, PLAN)
    assert {sms.answer, call.answer} == {"accepted"}
    assert sms.reference != call.reference
    assert (await provider.look_up("sms", sms.reference)).state == "sent"
    assert (await provider.look_up("voice", call.reference)).state == "failed"
    assert await provider.find("sms", LI, datetime(2026, 1, 1, tzinfo=UTC)) == []
    assert not provider.is_genuine("http://x", {}, "anything")
    assert LI not in capsys.readouterr().err


def test_providers_are_used_in_their_order_and_only_for_what_they_carry():
    sms, both = ConsoleProvider("first"), ConsoleProvider("second")
    sms.channels = ("sms",)
    carriers = Carriers((sms, both), "https://desk.example")
    assert [one.name for one in carriers.for_channel("sms")] == ["first", "second"]
    assert [one.name for one in carriers.for_channel("voice")] == ["second"]
    assert carriers.named("second") is both
    assert carriers.named("third") is None

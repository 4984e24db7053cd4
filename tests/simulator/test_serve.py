"""The exchange as a live server on the loopback interface, in its own time."""

import asyncio
import socket

import httpx2
import pytest
import uvicorn

from dutydesk.clock import FastClock
from dutydesk.simulator.exchange import Owner
from dutydesk.simulator.serve import serve_simulator
from dutydesk.simulator.timings import Timings
from tests.simulator.application import ACCOUNT, FROM, LI, TOKEN


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


@pytest.fixture
async def live():
    """Serve an exchange whose people answer and press 1, two hundred times faster than life."""
    stop, ready, port = asyncio.Event(), asyncio.get_running_loop().create_future(), free_port()
    serving = asyncio.create_task(
        serve_simulator(
            FastClock(200),
            port=port,
            accounts={ACCOUNT: TOKEN},
            handsets=[Owner(LI, "李明", "带班领导")],
            stop=stop,
            timings=Timings(),
            ready=ready.set_result,
        )
    )
    exchange = await ready
    async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=5) as http:
        yield exchange, http, port
        stop.set()
        await asyncio.wait_for(serving, 5)


async def until(exchange, condition):
    async for _ in exchange.journal.watch():
        if condition():
            return


async def test_a_call_lives_through_its_whole_life_by_itself(live):
    exchange, http, _ = live
    exchange.handset(LI).behave("answer", key="1")

    answer = await http.post(
        f"/2010-04-01/Accounts/{ACCOUNT}/Calls.json",
        auth=(ACCOUNT, TOKEN),
        data={
            "To": LI,
            "From": FROM,
            "Twiml": "<Response><Gather numDigits='1'><Say>请按键</Say></Gather></Response>",
        },
    )
    call = exchange.calls[answer.json()["sid"]]
    await asyncio.wait_for(until(exchange, lambda: call.status.over), 5)

    assert (call.said[0], call.pressed) == ("请按键", ["1"])


async def test_an_application_that_cannot_be_reached_is_written_down(live):
    exchange, http, _ = live

    answer = await http.post(
        f"/2010-04-01/Accounts/{ACCOUNT}/Messages.json",
        auth=(ACCOUNT, TOKEN),
        data={"To": LI, "From": FROM, "Body": "值", "StatusCallback": f"http://127.0.0.1:{free_port()}/gone"},
    )
    message = exchange.messages[answer.json()["sid"]]
    failed = [f"状态回调 {status} 未送达" for status in ("sent", "delivered")]
    await asyncio.wait_for(
        until(exchange, lambda: sum("未送达：" in line.text for line in message.log) == 2), 5
    )

    assert message.status == "delivered"
    assert all(any(line.text.startswith(words) for line in message.log) for words in failed)


async def test_an_open_page_does_not_hold_up_the_end(live):
    _, http, _ = live
    stream = http.stream("GET", "/simulator/events")

    answer = await stream.__aenter__()
    lines = answer.aiter_lines()

    assert await anext(lines) == "event: changed"
    await stream.__aexit__(None, None, None)


async def test_a_stream_left_open_ends_with_the_server():
    stop, ready, port = asyncio.Event(), asyncio.Event(), free_port()
    serving = asyncio.create_task(
        serve_simulator(FastClock(1), port=port, accounts={}, stop=stop, ready=lambda _: ready.set())
    )
    await ready.wait()
    url = f"http://127.0.0.1:{port}/simulator/events"

    async with httpx2.AsyncClient() as http, http.stream("GET", url) as answer:
        lines = answer.aiter_lines()
        assert await anext(lines) == "event: changed"
        stop.set()
        await asyncio.wait_for(serving, 2)
        await lines.aclose()


async def test_a_port_in_use_is_an_ordinary_error():
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(OSError):
        await serve_simulator(FastClock(1), port=taken.getsockname()[1], accounts={}, stop=asyncio.Event())


def test_the_servers_own_signal_handling_is_switched_off():
    from dutydesk.simulator.serve import _EmbeddedServer

    assert _EmbeddedServer.capture_signals is not uvicorn.Server.capture_signals

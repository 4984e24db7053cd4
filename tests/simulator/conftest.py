from datetime import UTC, datetime

import httpx2
import pytest
from twilio.rest import Client

from dutydesk.simulator.app import create_simulator
from dutydesk.simulator.timings import Timings
from tests.fakes.clock import FakeClock
from tests.simulator.application import ACCOUNT, HERE, TOKEN, Application, TwilioOverAsgi, World


@pytest.fixture
async def world():
    clock = FakeClock(datetime(2026, 10, 1, 18, 0, tzinfo=UTC))
    application = Application()
    application.scripts["/script"] = (
        '<Response><Gather numDigits="1" timeout="10" action="/key?token=a%20b">'
        '<Say language="zh-CN" voice="Polly.Zhiyu">您有一件事项待报，确认请按1。</Say></Gather>'
        "<Redirect>/script</Redirect></Response>"
    )
    application.scripts["/key"] = lambda form: f"<Response><Say>您按了{form['Digits']}</Say></Response>"
    async with (
        httpx2.AsyncClient(transport=httpx2.ASGITransport(application.asgi()), base_url=HERE) as back,
        httpx2.AsyncClient(
            transport=httpx2.ASGITransport(
                app := create_simulator(
                    clock,
                    accounts={ACCOUNT: TOKEN},
                    callback_client=back,
                    timings=Timings(),
                )
            ),
            base_url="http://exchange",
        ) as http,
    ):
        twilio = Client(ACCOUNT, TOKEN, http_client=TwilioOverAsgi(http))
        yield World(clock, app.state.exchange, application, http, twilio)

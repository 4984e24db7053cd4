"""The exchange as one ASGI application: Twilio's REST API, and the handsets' page at ``/``."""

from collections.abc import Iterable, Mapping
from zoneinfo import ZoneInfo

import httpx2
from fastapi import FastAPI

from dutydesk.clock import Clock
from dutydesk.simulator.exchange import Exchange, Owner
from dutydesk.simulator.page import add_page
from dutydesk.simulator.refusals import TwilioRefusal, render_refusal
from dutydesk.simulator.rest import rest_api
from dutydesk.simulator.timings import Timings


def create_simulator(
    clock: Clock,
    *,
    accounts: Mapping[str, str],
    callback_client: httpx2.AsyncClient,
    timings: Timings | None = None,
    from_numbers: Iterable[str] | None = None,
    handsets: Iterable[Owner] = (),
    zone: str = "Asia/Shanghai",
) -> FastAPI:
    """Return the application of a new exchange, which it keeps as ``app.state.exchange``.

    Arguments as for :class:`~dutydesk.simulator.exchange.Exchange`. Nobody moves the exchange's time yet:
    a test calls its ``run_due``, a live process its ``run_forever``.
    """
    return simulator_app(
        Exchange(
            clock,
            accounts=accounts,
            callback_client=callback_client,
            timings=timings,
            from_numbers=from_numbers,
            handsets=handsets,
        ),
        zone=zone,
    )


def simulator_app(exchange: Exchange, *, zone: str = "Asia/Shanghai") -> FastAPI:
    """Return the application of an exchange that exists already; its page shows times in *zone*."""
    app = FastAPI(title="Simulated exchange", docs_url=None, redoc_url=None, openapi_url=None)
    app.state.exchange = exchange
    app.include_router(rest_api(exchange))
    add_page(app, exchange, ZoneInfo(zone))
    app.add_exception_handler(TwilioRefusal, render_refusal)
    return app

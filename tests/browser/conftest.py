"""A real Chromium, and a real server on this machine."""

import asyncio
import os
import shutil
import socket
from contextlib import asynccontextmanager

import pytest
import uvicorn
from playwright.async_api import async_playwright, expect

from dutydesk.app import create_app
from dutydesk.clock import SystemClock
from dutydesk.web.pages import vendor_missing
from dutydesk.wiring import close, wire
from dutydesk.worker import Clockwork
from tests.builders import sign_in
from tests.conftest import ROOT

_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

# On a machine that does much else at once, a page may take a while: that is no fault of the page.
expect.set_options(timeout=20_000)


def _chromium():
    """The program named in the environment, else the one that `make browser` found, else the system's."""
    recorded = ROOT / ".state" / "chromium"
    return (
        os.environ.get("DUTYDESK_TEST_CHROMIUM")
        or (recorded.read_text().strip() if recorded.exists() else None)
        or next(
            (
                path
                for name in ("chromium", "chromium-browser", "google-chrome")
                if (path := shutil.which(name))
            ),
            None,
        )
    )


@pytest.fixture(scope="session")
async def chromium():
    program = _chromium()
    if program is None:
        pytest.fail("no Chromium: `make browser` finds or fetches one")
    if missing := vendor_missing():
        pytest.fail(missing)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=program, args=_ARGUMENTS)
        yield browser
        await browser.close()


class Service:
    """The whole process on a port of its own, to be stopped and started again."""

    def __init__(self, settings):
        self._settings = settings
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self._port = probe.getsockname()[1]
        self.address = f"http://127.0.0.1:{self._port}"

    async def start(self):
        self.wired = wire(self._settings, SystemClock())
        self.site = self.wired.site
        config = uvicorn.Config(
            create_app(self.wired, Clockwork(self.wired)),
            host="127.0.0.1",
            port=self._port,
            log_config=None,
            lifespan="on",
        )
        self._server = uvicorn.Server(config)
        self._serving = asyncio.create_task(self._server.serve())
        async with asyncio.timeout(20):
            while not self._server.started:  # noqa: ASYNC110 (uvicorn tells it by a flag alone)
                await asyncio.sleep(0.02)

    async def stop(self):
        self.wired.site.bell.close()
        self._server.should_exit = True
        async with asyncio.timeout(20):
            await self._serving
        await close(self.wired)


@asynccontextmanager
async def running(settings):
    service = Service(settings)
    await service.start()
    try:
        yield service
    finally:
        await service.stop()


@pytest.fixture
async def service(settings):
    async with running(settings) as found:
        yield found


@pytest.fixture
async def window_of(chromium, service):
    """Open browser windows, each signed in as somebody; what their pages complain of is in ``complaints``."""
    opened = []

    async def open_one(role=None, *, width=1366, height=768, name="", unit_id=None, person_id=None, **more):
        context = await chromium.new_context(
            base_url=service.address,
            viewport={"width": width, "height": height},
            locale="zh-CN",
            timezone_id="Asia/Shanghai",
            # Colours that are on their way to others are nobody's colours.
            reduced_motion="reduce",
            **more,
        )
        opened.append(context)
        context.set_default_timeout(20_000)
        context.complaints = []
        context.on("weberror", lambda error: context.complaints.append(str(error.error)))
        context.on(
            "console",
            lambda message: context.complaints.append(message.text) if message.type == "error" else None,
        )
        if role is not None:
            site = service.site
            cookie = await sign_in(
                site.db, site.clock.now(), role, name=name, unit_id=unit_id, person_id=person_id
            )
            await context.add_cookies([{"name": "dutydesk", "value": cookie, "url": service.address}])
        return context

    yield open_one
    for context in opened:
        await context.close()


@pytest.fixture
async def window(window_of):
    """The operator's browser window."""
    return await window_of("operator", name="陈静")

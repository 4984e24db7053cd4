"""Browsers of people with real passwords."""

from contextlib import AsyncExitStack

import httpx2
import pytest

from dutydesk.accounts.signing import NewAccount, create_account
from tests.conftest import HERE

PASSWORD = "haihe-0830-jin"


@pytest.fixture
async def stranger(app):
    """Open browsers that nobody is signed in with; requests as our own pages make them."""
    async with AsyncExitStack() as stack:

        async def open_one(address="127.0.0.1", application=None, base=HERE, **headers):
            client = httpx2.AsyncClient(
                transport=httpx2.ASGITransport(application or app, client=(address, 50000)),
                base_url=base,
                headers={"Sec-Fetch-Site": "same-origin", "Accept": "text/html"} | headers,
            )
            return await stack.enter_async_context(client)

        yield open_one


@pytest.fixture
def person(site):
    """Make an account that can sign in with :data:`PASSWORD`."""

    async def make(login="chenxiao", name="陈晓", role="operator", password=PASSWORD, **more):
        new = NewAccount(login, name, role, password=password, **more)
        return (await create_account(site.db, site.clock.now(), "test", new))[0]

    return make


@pytest.fixture
def enter():
    """Type login and password."""

    async def typed(browser, login="chenxiao", password=PASSWORD, target=""):
        return await browser.post("/signin", data={"login": login, "password": password, "next": target})

    return typed

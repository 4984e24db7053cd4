"""An operator's browser, and a bureau with an incident in it."""

from datetime import timedelta

import pytest

from dutydesk.accounts.rules import Actor
from dutydesk.incidents.actions import NewIncident, log_incident
from dutydesk.worker import Clockwork
from tests.builders import build_bureau

OPERATOR = Actor("desk", "operator")


@pytest.fixture
async def browser(browser_of):
    """The operator's browser."""
    return await browser_of("operator", name="desk")


@pytest.fixture
async def bureau(site):
    return await build_bureau(site.db, site.clock.now())


@pytest.fixture
async def fire(site, bureau):
    """A fire at the canteen ten minutes ago, of which nobody has reported by telephone."""
    now = site.clock.now()
    new = NewIncident(
        title="后厨配电室起火",
        category="accident",
        grade="ungraded",
        unit_id=bureau.canteen.id,
        occurred_at=now - timedelta(minutes=10),
        occurred_at_kind="exact",
    )
    async with site.db.write() as session:
        return await log_incident(session, site, now, OPERATOR, new)


@pytest.fixture
def work(wired):
    """Do everything that is due, with the console for a telephone."""
    clockwork = Clockwork(wired)

    async def passes():
        for _ in range(3):
            await clockwork.run_pass()
            await clockwork.drain()

    return passes

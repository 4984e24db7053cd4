"""One world for each journey, on both databases, at two in the morning."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from structlog.testing import capture_logs

from dutydesk.settings import Settings
from tests.fakes.clock import FakeClock
from tests.journeys.world import World, open_world

_PASSED = pytest.StashKey[bool]()
Opening = Callable[..., Awaitable[World]]


@pytest.fixture
def night() -> FakeClock:
    """Two o'clock in the morning of a Monday in Tianjin."""
    return FakeClock(datetime(2026, 11, 22, 18, 0, tzinfo=UTC))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Any:
    """Let the fixtures know whether the journey itself went well."""
    report = yield
    item.stash[_PASSED] = report.passed
    return report


@pytest.fixture
async def opening(
    request: pytest.FixtureRequest, night: FakeClock, settings: Settings
) -> AsyncIterator[Opening]:
    """Open worlds, and end each by a quiet day: an unexpected message fails the journey.

    What goes wrong on purpose is not printed: drawing one traceback takes longer than the journey.
    """
    worlds: list[World] = []

    async def open_one(**options: Any) -> World:
        worlds.append(await open_world(night, settings, **options))
        return worlds[-1]

    with capture_logs():
        yield open_one
        for world in worlds:
            if request.node.stash[_PASSED]:
                await world.finish()
            await world.close()


@pytest.fixture
async def world(opening: Opening) -> World:
    """The usual bureau."""
    return await opening()

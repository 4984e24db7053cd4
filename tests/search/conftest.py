"""A bureau with things to find, and workbooks read back."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from html import unescape
from io import BytesIO
from typing import Any
from urllib.parse import urlencode
from xml.etree import ElementTree as ET
from zipfile import ZipFile

import httpx2
import pytest

from dutydesk.accounts.rules import Actor
from dutydesk.dutylog.model import LogEntry
from dutydesk.incidents.actions import NewIncident, log_incident
from dutydesk.incidents.reporting import NewReport
from tests.builders import Bureau, build_bureau

_SHEET = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
OPERATOR = Actor("陈静", "operator")


@dataclass
class Room:
    """The bureau, and what is put into it."""

    site: Any
    bureau: Bureau

    async def incident(self, title: str, **more: Any) -> str:
        """Log an incident of this moment; return its number."""
        now = self.site.clock.now()
        fields = {
            "category": "accident",
            "grade": "ordinary",
            "unit_id": self.bureau.canteen.id,
            "occurred_at": now,
            "occurred_at_kind": "exact",
        }
        async with self.site.db.write() as session:
            row = await log_incident(
                session, self.site, now, OPERATOR, NewIncident(title=title, **(fields | more))
            )
        return row.number

    async def entry(self, content: str, **more: Any) -> int:
        """Write an entry into the duty log; return its id."""
        now = self.site.clock.now()
        fields = {"kind": "call_in", "at": now, "logged_at": now, "logged_by": "陈静", "channel": "phone"}
        async with self.site.db.write() as session:
            row = LogEntry(content=content, **(fields | more))
            session.add(row)
            await session.flush()
            return row.id or 0

    async def called(self, title: str, reporter: str, number: str, content: str = "", **more: Any) -> str:
        """Log an incident that came with a phone report."""
        report = NewReport("phone", self.site.clock.now(), reporter, number, content)
        return await self.incident(title, reports=(report,), **more)

    def pass_by(self, **time: float) -> None:
        """Let time pass."""
        self.site.clock.set(self.site.clock.now() + timedelta(**time))


@pytest.fixture
async def room(site) -> Room:
    return Room(site, await build_bureau(site.db, site.clock.now()))


@pytest.fixture
async def exports(app):
    """The application's exports, closed at the end."""
    yield app.state.exports
    await app.state.exports.close()


Find = Callable[..., Awaitable[str]]


@pytest.fixture
def find(room, browser_of) -> Find:
    """Return a list's page as a role sees it; the filters by name."""

    async def page(role: str = "operator", *, unit_of: str | None = None, **filters: Any) -> str:
        browser = await browser_of(role, unit=unit_of)
        return await text_of(browser, **filters)

    return page


async def text_of(browser: httpx2.AsyncClient, **filters: Any) -> str:
    """Return a list's page."""
    filters = {name.removesuffix("_"): value for name, value in filters.items()}
    answer = await browser.get(f"/search?{urlencode(filters)}")
    assert answer.status_code == 200, answer.text
    return answer.text


def numbers_in(page: str) -> list[str]:
    """Return the numbers of the incidents on a page, in order."""
    plain = re.sub(r"</?mark>", "", page)
    return re.findall(r'<td class="number"><a href="/incidents/([^"]+)">', plain)


def names_in(page: str) -> list[str]:
    """Return who is on a page of people."""
    return re.findall(r"<strong>(.+?)</strong>", re.sub(r"</?mark>", "", page))


def contents_in(page: str) -> list[str]:
    """Return the contents of the log entries on a page."""
    plain = re.sub(r"</?mark>", "", page)
    return [unescape(one).strip() for one in re.findall(r'<td class="what">(.+?)\n', plain)]


def table(workbook: bytes) -> list[list[str]]:
    """Return the cells of a workbook's one sheet as texts, the heading first; a formula would be told as one."""
    with ZipFile(BytesIO(workbook)) as parts:
        sheet = ET.fromstring(parts.read("xl/worksheets/sheet1.xml"))  # noqa: S314 (we wrote it)
        shared = []
        if "xl/sharedStrings.xml" in parts.namelist():
            strings = ET.fromstring(parts.read("xl/sharedStrings.xml"))  # noqa: S314
            shared = ["".join(one.itertext()) for one in strings]
    return [[_text(cell, shared) for cell in row] for row in sheet.iter(f"{_SHEET}row")]


def _text(cell: ET.Element, shared: list[str]) -> str:
    if cell.find(f"{_SHEET}f") is not None:
        return f"FORMULA {cell.findtext(f'{_SHEET}f')}"
    if cell.get("t") == "s":
        return shared[int(cell.findtext(f"{_SHEET}v") or 0)]
    return "".join(cell.itertext())


async def workbook(browser: httpx2.AsyncClient, **filters: Any) -> list[list[str]]:
    """Export a list as the page does; return its lines, each as {heading: text}."""
    started = await browser.post("/search/exports", data=filters)
    assert started.status_code == 303, started.text
    address = started.headers["location"]
    if not address.endswith("/file"):
        await until_over(browser, address)
        address += "/file"
    answer = await browser.get(address)
    assert answer.status_code == 200, answer.text
    return table(answer.content)


async def until_over(browser: httpx2.AsyncClient, address: str) -> list[dict[str, Any]]:
    """Ask how far an export is until it is over; return every answer."""
    said: list[dict[str, Any]] = []
    async with asyncio.timeout(60):
        while not said or not said[-1]["over"]:
            await asyncio.sleep(0.02)
            said.append((await browser.get(f"{address}/progress")).json())
    return said

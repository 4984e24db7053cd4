"""A desk, two units, and everybody who calls the API."""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import httpx2
import pytest

from tests.builders import Bureau, build_bureau
from tests.conftest import HERE
from tests.fakes.clock import FakeClock


@dataclass
class Desk:
    """The API as its callers see it; times are given as ``"14:05"`` of the site's day, or as they are."""

    client: httpx2.AsyncClient
    clock: FakeClock
    tokens: dict[str, str]
    zone: Any

    def at(self, text: str) -> datetime:
        """Return that time of the site's present day."""
        hour, minute, *second = (int(part) for part in text.split(":"))
        today = self.clock.now().astimezone(self.zone)
        return today.replace(hour=hour, minute=minute, second=second[0] if second else 0, microsecond=0)

    def told(self, moment: str | None) -> str | None:
        """Return a moment of an answer as ``"14:25:00"`` of site time."""
        return None if moment is None else f"{datetime.fromisoformat(moment).astimezone(self.zone):%H:%M:%S}"

    async def send(
        self, method: str, path: str, body: Any = None, role: str = "operator", **headers: str
    ) -> httpx2.Response:
        """Call the API; the answer is returned whatever it says."""
        headers = {"Authorization": f"Bearer {self.tokens[role]}"} | {
            name.replace("_", "-"): value for name, value in headers.items()
        }
        return await self.client.request(method, f"/api/v1/{path}", json=_plain(body), headers=headers)

    async def post(self, path: str, body: Any, status: int = 200, role: str = "operator") -> Any:
        """Post, and return the answer that must have this status."""
        answer = await self.send("POST", path, body, role)
        assert answer.status_code == status, f"{path}: {answer.status_code} {answer.text}"
        return answer.json()

    async def get(self, path: str, role: str = "operator", status: int = 200) -> Any:
        """Read, and return the answer that must have this status."""
        answer = await self.send("GET", path, role=role)
        assert answer.status_code == status, f"{path}: {answer.status_code} {answer.text}"
        return answer.json()

    def incident(self, **fields: Any) -> dict[str, Any]:
        """Return the body of an incident of the canteen that may be major, happened and told just now."""
        return {
            "title": "配电室起火",
            "category": "accident",
            "grade": "major",
            "unit": "canteen",
            "occurred_at": self.clock.now(),
            "occurred_at_kind": "exact",
            "place": "二号楼",
            "source": "食堂值班员",
            "narrative": "明火，人员已疏散",
        } | fields

    async def log(self, **fields: Any) -> dict[str, Any]:
        """Log an incident."""
        return await self.post("incidents", self.incident(**fields), 201)

    def phoned(self, **fields: Any) -> dict[str, Any]:
        """Return the body of a phone report of this moment."""
        return {
            "kind": "phone",
            "reported_at": self.clock.now(),
            "reporter": "李强",
            "reporter_phone": "13800000005",
            "content": "明火已控制",
        } | fields

    async def clocks(self, number: str) -> dict[str, dict[str, Any]]:
        """Return an incident's obligations by rule; follow-ups as ``49.4#1``."""
        owed = (await self.get(f"incidents/{number}"))["obligations"]
        return {
            f"{one['rule']}#{one['sequence']}" if one["rule"] == "49.4" else one["rule"]: one for one in owed
        }

    async def clock_at(self, text: str) -> None:
        """Let time pass until then."""
        self.clock.set(self.at(text))


def _plain(body: Any) -> Any:
    if isinstance(body, datetime):
        return body.isoformat()
    if isinstance(body, dict):
        return {key: _plain(value) for key, value in body.items()}
    return [_plain(value) for value in body] if isinstance(body, list) else body


@pytest.fixture
async def bureau(site) -> Bureau:
    return await build_bureau(site.db, site.clock.now())


@pytest.fixture
async def desk(app, bureau, site, token_for):
    tokens = {role: await token_for(role) for role in ("operator", "leader", "inspector", "administrator")}
    tokens |= {code: await token_for("unit", code) for code in ("canteen", "motor")}
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url=HERE) as client:
        yield Desk(client, site.clock, tokens, site.zone)


async def seen(browser, address: str) -> dict[str, str]:
    """Return what the form at this address says it was drawn from, as a browser would send it back."""
    return dict(re.findall(r'name="(base|decided)" value="(\d+)"', (await browser.get(address)).text))

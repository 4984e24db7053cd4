"""Every page there is, opened by somebody who may: readable, quiet in the console, and no wider than the window."""

import re

import pytest
from axe_playwright_python.async_playwright import Axe

from dutydesk.accounts.permissions import permissions_of
from dutydesk.accounts.rules import PERMISSIONS
from dutydesk.app import create_app
from tests.browser.scene import set_scene

pytestmark = pytest.mark.browser

# The first of these that may open a page is the one who does.
WHO = ("operator", "leader", "auditor", "administrator", "office", "unit")
FILLED = {
    "number": "2026-0001",
    "unit": "desk",
    "month": "2026-12",
    "day": "2026-12-03",
    "seat": "leader",
}
# Streams never end, and what a provider or a program asks for is no page.
NO_PAGES = re.compile(r"^(/api/|/webhooks/|/static|/healthz|/readyz|/metrics|.*/events$)")


# What reaches beyond the window, to be named in the failure.
TOO_WIDE = """() => [...document.querySelectorAll("main *")]
  .filter((one) => one.getBoundingClientRect().right > innerWidth + 1 && !one.closest(".scroll"))
  .map((one) => one.outerHTML.slice(0, 100)).slice(0, 5)"""


@pytest.fixture
def database_url(request, tmp_path):
    """Looks do not depend on the database."""
    return request.getfixturevalue("sqlite_template").copy_to(tmp_path)


def addresses(wired):
    """Return (role, path) of everything that is opened by its address."""
    found = []
    for said, permission in permissions_of(create_app(wired)):
        methods, _, path = said.partition(" ")
        if "GET" not in methods.split(",") or NO_PAGES.match(path):
            continue
        role = next((one for one in WHO if permission in PERMISSIONS[one]), None)
        found.append((role, re.sub(r"\{(\w+)[^}]*\}", lambda name: FILLED.get(name[1], "1"), path)))
    return found


def said(rules):
    """Return what axe found, with the elements it found it on."""
    return [
        f"{rule['id']}: {node['html'][:120]}"
        for rule in rules.response["violations"]
        for node in rule["nodes"][:3]
    ]


async def test_axe_finds_nothing_on_any_page_light_and_dark_in_both_languages(service, window_of):
    await set_scene(service.site)
    wrong, seen = [], 0
    for language in ("zh-CN", "en"):
        windows = {role: await window_of(role) for role in (*WHO[:-1], None)}
        for window in windows.values():
            await window.add_cookies([{"name": "language", "value": language, "url": service.address}])
        for role, path in addresses(service.wired):
            answer = await windows[role].request.get(path, max_redirects=0)
            if answer.status != 200 or "<html" not in (await answer.text())[:2000]:
                continue
            page = await windows[role].new_page()
            await page.goto(path)
            seen += 1
            for theme in ("light", "dark"):
                await page.evaluate("(theme) => { document.documentElement.dataset.bsTheme = theme }", theme)
                wrong += [(role, path, language, theme, one) for one in said(await Axe().run(page))]
            await page.close()
        wrong += [(role, complaint) for role, window in windows.items() for complaint in window.complaints]
    assert seen > 90
    assert sorted({" ".join(map(str, one)) for one in wrong}) == []


@pytest.mark.parametrize("size", [(1366, 768), (1920, 1080), (390, 844)], ids=str)
async def test_no_page_is_wider_than_its_window(service, window_of, size):
    await set_scene(service.site)
    windows = {role: await window_of(role, width=size[0], height=size[1]) for role in (*WHO[:-1], None)}
    wide = []
    for role, path in addresses(service.wired):
        answer = await windows[role].request.get(path, max_redirects=0)
        if answer.status != 200 or "<html" not in (await answer.text())[:2000]:
            continue
        page = await windows[role].new_page()
        await page.goto(path)
        if await page.evaluate("document.documentElement.scrollWidth > window.innerWidth"):
            wide.append((role, path, await page.evaluate(TOO_WIDE)))
        await page.close()
    assert wide == []

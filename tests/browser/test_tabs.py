"""Several tabs of one window share a line; what is typed in one outlives what happens around it."""

import asyncio
from datetime import timedelta

import pytest
from playwright.async_api import expect

from dutydesk.dutylog.model import LogEntry
from dutydesk.incidents.actions import NewIncident, log_incident
from dutydesk.people.queries import list_units
from tests.browser.scene import OPERATOR, set_scene
from tests.builders import build_bureau

pytestmark = pytest.mark.browser

EVENTS = "**/desk/events*"
# Says whether the line is up, and counts how often it was lost: a word that was taken back at once was said too.
COUNT = """() => {
  window.lost = 0;
  const root = document.documentElement;
  let before = root.dataset.line;
  new MutationObserver(() => {
    if (root.dataset.line === "lost" && before !== "lost") window.lost += 1;
    before = root.dataset.line;
  }).observe(root, { attributes: true, attributeFilter: ["data-line"] });
}"""
# The tab that leads goes on hearing, and tells the others nothing more.
FALL_SILENT = "() => { BroadcastChannel.prototype.postMessage = () => {}; }"
# Each tab's own clock, to be put forward: a clock of the whole window would silence the tab that leads, too.
OWN_CLOCK = """() => {
  const now = performance.now.bind(performance);
  window.ahead = 0;
  performance.now = () => now() + window.ahead;
}"""
WITHOUT_LOCKS = "Object.defineProperty(Navigator.prototype, 'locks', { get: () => undefined })"


async def follow(window, address):
    """Open two tabs: the first one leads. Their clocks can be put forward."""
    pages = []
    for _ in range(2):
        page = await window.new_page()
        await page.add_init_script(f"({OWN_CLOCK})()")
        pages.append(page)
        if len(pages) == 1:
            async with page.expect_response(EVENTS):
                await page.goto(address)
        else:
            await page.goto(address)
        await page.evaluate(COUNT)
    return pages


async def put_forward(page):
    """Let a tab have heard nothing for longer than any pause between two beats."""
    await page.evaluate("() => { window.ahead += 13_000 }")


async def silent_until(page, seen):
    """Put a tab forward until it shows it: a beat may come between the silence and the look at it."""
    async with asyncio.timeout(20):
        while not await page.evaluate(seen):
            await put_forward(page)
            await asyncio.sleep(0.7)


async def lost(page, times):
    """Let a tab hear nothing until it has said so often that the line is cut."""
    await silent_until(page, f"window.lost >= {times}")


async def is_up(page):
    await expect(page.locator("html")).to_have_attribute("data-line", "up")


async def log_something(site, title="电梯困人"):
    """Log an incident as the telephone does: elsewhere."""
    now = site.clock.now()
    async with site.db.write() as session:
        unit = next(one for one in await list_units(session) if one.code == "canteen")
        new = NewIncident(
            title=title,
            category="accident",
            grade="ungraded",
            unit_id=unit.id,
            occurred_at=now - timedelta(minutes=3),
            occurred_at_kind="exact",
        )
        await log_incident(session, site, now, OPERATOR, new)


@pytest.mark.parametrize("address", ["/desk", "/incidents"])
async def test_a_tab_that_follows_never_goes_deaf(service, window, address):
    await build_bureau(service.site.db, service.site.clock.now())
    leading, following = await follow(window, address)
    await lost(following, 1)
    # The first tab has a word after all, and never another.
    await log_something(service.site, "后厨冒烟")
    await is_up(following)
    await leading.evaluate(FALL_SILENT)

    async with following.expect_response(EVENTS):
        await lost(following, 2)
    await is_up(following)
    await log_something(service.site)
    await expect(following.locator(".alarm", has_text="0002").first).to_be_visible()


async def test_a_tab_that_was_signed_in_again_elsewhere_never_goes_deaf(service, window):
    await build_bureau(service.site.db, service.site.clock.now())
    leading, following = await follow(window, "/incidents")
    cookies = await window.cookies()
    await window.clear_cookies()
    for page in (leading, following):
        await put_forward(page)
        await expect(page.locator("#ended")).to_be_visible()
    async with leading.expect_response(EVENTS):
        await window.add_cookies(cookies)
    for page in (leading, following):
        await is_up(page)
    await leading.evaluate(FALL_SILENT)

    async with following.expect_response(EVENTS):
        await put_forward(following)
    await log_something(service.site)
    await expect(following.locator(".alarm").first).to_be_visible()


@pytest.mark.parametrize("locks", [True, False], ids=["with locks", "without locks"])
async def test_a_leading_tab_that_is_closed_hands_over(service, window, locks):
    if not locks:
        await window.add_init_script(WITHOUT_LOCKS)
    await build_bureau(service.site.db, service.site.clock.now())
    leading, following = await follow(window, "/desk")
    async with following.expect_response(EVENTS):
        await leading.close()
    await log_something(service.site)
    await expect(following.locator(".incident")).to_contain_text("电梯困人")
    assert await following.evaluate("window.lost") == 0


@pytest.mark.parametrize("address", ["/desk", "/incidents"])
async def test_a_restart_that_takes_long_is_survived_by_every_tab(service, window, address):
    await build_bureau(service.site.db, service.site.clock.now())
    pages = await follow(window, address)
    await service.stop()
    for page in pages:
        await put_forward(page)
        await expect(page.locator("#lost")).to_be_visible()
    await service.start()
    for page in pages:
        await expect(page.locator("#lost")).to_be_hidden()
    await log_something(service.site)
    for page in pages:
        await expect(page.locator(".alarm").first).to_be_visible()


async def test_seven_tabs_without_locks_share_one_line(service, window):
    await window.add_init_script(WITHOUT_LOCKS)
    await build_bureau(service.site.db, service.site.clock.now())
    open_lines = []

    def ended(request):
        if request in open_lines:
            open_lines.remove(request)

    window.on("request", lambda one: open_lines.append(one) if "/desk/events" in one.url else None)
    for ending in ("requestfinished", "requestfailed"):
        window.on(ending, ended)
    pages = []
    for _ in range(7):
        page = await window.new_page()
        pages.append(page)
        if len(pages) == 1:
            async with page.expect_response(EVENTS):
                await page.goto("/incidents")
        else:
            await page.goto("/incidents")
    await log_something(service.site)
    for page in pages:
        await expect(page.locator(".alarm").first).to_be_visible()
    assert len(open_lines) == 1


async def test_the_alarms_are_on_a_page_that_was_opened_after_them(service, window):
    await set_scene(service.site)
    board = await window.new_page()
    await board.goto("/incidents")
    await expect(board.locator(".alarm").first).to_be_visible()
    page = await window.new_page()
    await page.goto("/incidents/new")
    await expect(page.locator(".alarm").first).to_be_visible(timeout=3_000)


async def test_a_burst_of_commits_is_fetched_twice_and_the_last_one_shown(service, window):
    site = service.site
    await set_scene(site)
    ear, page = await window.new_page(), await window.new_page()
    await ear.goto("/healthz")
    await ear.evaluate(
        """() => { window.rung = 0;
        new EventSource('/desk/events').addEventListener('ring', () => { window.rung += 1 }) }"""
    )
    await page.clock.install()
    fetched = []
    page.on("request", lambda one: fetched.append(one) if "/live" in one.url else None)
    await page.goto("/incidents/2026-0001")
    await expect(page.locator(".alarm").first).to_be_visible()
    await page.clock.pause_at(site.clock.now() + timedelta(minutes=1))
    async with page.expect_response("**/live*"):
        await page.clock.run_for(2_000)
    before = len(fetched)
    for count in range(6):
        rung = await ear.evaluate("window.rung")
        await add_entry(site, f"第{count + 1}次续报电话")
        await ear.wait_for_function("(rung) => window.rung > rung", arg=rung)
    await page.clock.run_for(2_000)
    await expect(page.locator("main")).to_contain_text("第6次续报电话")
    assert len(fetched) - before <= 2


async def add_entry(site, content):
    now = site.clock.now()
    entry = LogEntry(
        kind="call_in", at=now, logged_at=now, logged_by="陈静", incident_id=1, person="李强", content=content
    )
    async with site.db.write() as session:
        session.add(entry)


async def test_failures_are_tried_again_one_at_a_time(service, window):
    site = service.site
    await set_scene(site)
    page = await window.new_page()
    await page.clock.install()
    await page.goto("/desk")
    await is_up(page)
    failures = []

    async def refuse(route):
        failures.append(route)
        await route.fulfill(status=503)

    # A clock that stands still has jumped ahead first: the line is taken up again.
    await page.clock.pause_at(site.clock.now() + timedelta(minutes=1))
    async with page.expect_response(EVENTS):
        await page.clock.run_for(2_500)
    await is_up(page)
    await page.route("**/desk/board", refuse)
    # The board misses something, and every change fails again.
    for count in range(6):
        await page.evaluate("document.querySelector('[data-at]').dataset.at = 'elsewhere'")
        async with page.expect_response("**/desk/board"):
            await log_something(site, f"第{count + 1}起")
    before = len(failures)
    async with page.expect_response("**/desk/board"):
        await page.clock.run_for(2_000)
    # Whatever else was due is asked for one after the other, and faster than this.
    for _ in range(10):
        await page.evaluate("fetch('/desk/time').then((answer) => answer.text())")
    assert len(failures) - before <= 3
    await page.unroute("**/desk/board")
    await page.clock.run_for(2_000)
    await expect(page.locator(".incident", has_text="第6起")).to_be_visible()
    await is_up(page)


@pytest.mark.parametrize(
    ("address", "where"), [("/incidents/2026-0001/end", "#f-reason"), ("/papers/1/edit", "#f-body")]
)
async def test_a_call_is_logged_beside_what_is_being_typed(service, window, address, where):
    await set_scene(service.site)
    page = await window.new_page()
    await page.goto(address)
    await page.locator(where).focus()
    await page.keyboard.type("火已扑灭")
    async with window.expect_page() as opened:
        await page.keyboard.press("F2")
    phone = await opened.value
    await expect(phone.locator("#f-number")).to_be_focused()
    assert page.url.endswith(address)
    assert "火已扑灭" in await page.locator(where).input_value()


async def test_the_phone_log_opens_in_place_when_nothing_is_being_typed(service, window):
    await set_scene(service.site)
    page = await window.new_page()
    await page.goto("/incidents/2026-0001/end")
    await page.keyboard.press("F2")
    await page.wait_for_url("**/phone*")
    assert len(window.pages) == 1


async def test_a_form_keeps_what_is_typed_until_it_is_taken(service, window):
    await set_scene(service.site)
    page = await window.new_page()
    await page.goto("/incidents/2026-0001/correct")
    await page.fill("#f-place", "二号楼地下一层")
    await page.reload()
    await expect(page.locator("#f-place")).to_have_value("二号楼地下一层")
    await expect(page.get_by_text("已恢复未提交的填写")).to_be_visible()

    # Refused: it stays, also when one goes away and comes back.
    await page.evaluate("document.querySelector('#f-reason').removeAttribute('required')")
    await page.locator("main form button[type=submit]").click()
    await expect(page.locator("#f-reason")).to_have_attribute("aria-invalid", "true")
    await page.goto("/desk")
    await page.goto("/incidents/2026-0001/correct")
    await expect(page.locator("#f-place")).to_have_value("二号楼地下一层")

    await page.fill("#f-reason", "地点听错")
    await page.locator("main form button[type=submit]").click()
    await page.wait_for_url("**/incidents/2026-0001")
    await page.goto("/incidents/2026-0001/correct")
    await expect(page.locator("#f-reason")).to_have_value("")
    await expect(page.get_by_text("已恢复未提交的填写")).to_have_count(0)


async def test_a_sign_in_that_ended_costs_nothing_that_was_typed(service, window):
    await set_scene(service.site)
    page = await window.new_page()
    await page.goto("/incidents/2026-0001/end")
    await page.fill("#f-reason", "火已扑灭")
    cookies = await window.cookies()
    await window.clear_cookies()
    # By the keyboard: what rings is drawn above the form and may move it between aiming and pressing.
    await page.locator("main form button[type=submit]").press("Enter")
    await expect(page.locator("main")).to_contain_text("登录已经失效")
    await window.add_cookies(cookies)
    await page.goto("/incidents/2026-0001/end")
    await expect(page.locator("#f-reason")).to_have_value("火已扑灭")


async def test_what_was_kept_can_be_thrown_away(service, window):
    await set_scene(service.site)
    page = await window.new_page()
    await page.goto("/incidents/2026-0001/end")
    await page.fill("#f-reason", "火已扑灭")
    await page.reload()
    await page.get_by_role("button", name="不用，重新填写").click()
    await expect(page.get_by_text("已恢复未提交的填写")).to_have_count(0)
    await expect(page.locator("#f-reason")).to_have_value("")


async def test_a_password_is_never_kept(service, window):
    page = await window.new_page()
    await page.goto("/account")
    for field in await page.locator("main input[type=password]").all():
        await field.fill("haihe-0830-jin")
    assert "haihe-0830-jin" not in await page.evaluate("JSON.stringify({ ...sessionStorage })")

"""What people at the desk, in the corridor and in a unit do, in a real browser."""

import asyncio
import re
from datetime import timedelta

import pytest
from playwright.async_api import expect
from sqlmodel import select

from dutydesk.desk.model import Draft
from dutydesk.incidents.actions import NewIncident, log_incident
from dutydesk.incidents.queries import list_incidents, reports_of
from dutydesk.obligations.queries import obligations_of
from dutydesk.people.queries import list_units
from tests.browser.scene import OPERATOR, set_scene
from tests.builders import build_bureau

pytestmark = pytest.mark.browser

# A practised typist's slow pace with an input method: what one keystroke costs.
SECONDS_A_KEY = 0.25


class Keys:
    """A keyboard that counts; it has no mouse."""

    def __init__(self, page):
        self.pressed = 0
        self._keyboard = page.keyboard

    async def press(self, *names):
        for name in names:
            self.pressed += 1
            await self._keyboard.press(name)

    async def type(self, text):
        """Type as with an input method: a Han character takes three keys."""
        self.pressed += sum(3 if ord(character) > 0x2E80 else 1 for character in text)
        await self._keyboard.type(text)


async def until(seen, of=20):
    """Wait for something that the service does by itself."""
    async with asyncio.timeout(of):
        while not await seen():  # noqa: ASYNC110 (another process of ours changes it)
            await asyncio.sleep(0.05)


async def state_of(site, number, rule):
    async with site.db.read() as session:
        row = next(one for one in await list_incidents(session) if one.number == number)
        return next(one.state for one in await obligations_of(session, row.id) if one.rule_id == rule)


async def test_two_operators_correct_one_incident_and_nothing_is_overwritten_unseen(service, window_of):
    await set_scene(service.site)
    one = await (await window_of("operator", name="刘洋")).new_page()
    other = await (await window_of("operator", name="孙丽华")).new_page()
    for page in (one, other):
        await page.goto("/incidents/2026-0001/correct")
    await one.fill("#f-place", "二号楼地下一层")
    await one.fill("#f-reason", "地点听错")
    await one.locator("main form button[type=submit]").click()
    await one.wait_for_url("**/incidents/2026-0001")

    await other.fill("#f-place", "三号楼一层")
    await other.fill("#f-reason", "现场回电")
    await other.locator("main form button[type=submit]").click()
    await expect(other.locator("main")).to_contain_text("刘洋")
    await expect(other.locator("main")).to_contain_text("二号楼地下一层")
    await expect(other.locator("#f-place")).to_have_value("三号楼一层")
    await other.locator("main form button[type=submit]").click()
    await other.wait_for_url("**/incidents/2026-0001")
    await expect(other.locator("main")).to_contain_text("三号楼一层")


async def test_a_leader_confirms_with_one_thumb(service, window_of):
    site = service.site
    bureau = await set_scene(site)
    phone = await window_of(
        "leader",
        width=390,
        height=844,
        name="赵建国",
        person_id=bureau.desk_leader.id,
        has_touch=True,
        is_mobile=True,
    )
    page = await phone.new_page()

    async def called_out():
        await page.goto("/my")
        return await page.get_by_role("button", name="收到").count() > 0

    await until(called_out)
    await expect(page.get_by_text("机关食堂后厨配电室起火").first).to_be_visible()
    button = page.get_by_role("button", name="收到").first
    box = await button.bounding_box()
    assert box["height"] >= 44
    assert box["width"] >= 120
    await button.tap()
    await until(lambda: fulfilled(site))
    assert phone.complaints == []


async def fulfilled(site):
    """Tell whether a call-out of the leader was answered."""
    states = [await state_of(site, number, "49.3") for number in ("2026-0001", "2026-0002")]
    return "fulfilled" in states


async def test_a_unit_contact_sees_nothing_of_another_unit(service, window_of):
    site = service.site
    bureau = await set_scene(site)
    window = await window_of("unit", name="李强", unit_id=bureau.canteen.id)
    page = await window.new_page()
    secret = re.compile("2026-0002|地下车库|周伟|吴秀英|徐海燕|13800000009")
    queue, seen = ["/"], set()
    while queue:
        address = queue.pop()
        # Calendars lead from month to month without end: one of each kind of page is enough.
        kind = re.sub(r"\d{4}-\d{2}(-\d{2})?(?!\d)|(?<=year=)\d+", "…", address)
        if kind in seen:
            continue
        seen.add(kind)
        answer = await page.goto(address)
        assert answer.status < 400, address
        text = await page.content()
        assert not secret.search(text), address
        queue += [
            one
            for one in await page.eval_on_selector_all(
                "a[href^='/']", "all => all.map((one) => one.getAttribute('href').split('#')[0])"
            )
            if not re.search(r"\.(docx|xlsx)|/export|/template|/static/|/signin", one)
        ]
    assert any("2026-0001" in one for one in seen)
    for address in ("/incidents/2026-0002", "/desk", "/log", "/papers", "/wall", "/settings"):
        assert (await window.request.get(address)).status in (403, 404), address


async def test_the_line_is_cut_and_mended_and_nothing_was_missed(service, window):
    site = service.site
    await build_bureau(site.db, site.clock.now())
    board = await window.new_page()
    await board.goto("/desk")
    await board.get_by_role("button", name="启用声音").click()
    await window.set_offline(True)
    await service.stop()
    await expect(board.locator("#lost")).to_be_visible()
    await expect(board.locator("html")).to_have_attribute("data-siren", "ringing")
    clock = await board.locator("#clock").inner_text()
    await expect(board.locator("#clock")).not_to_have_text(clock)

    await service.start()
    now = service.site.clock.now()
    async with service.site.db.write() as session:
        unit = next(one for one in await list_units(session) if one.code == "canteen")
        await log_incident(
            session,
            service.site,
            now,
            OPERATOR,
            NewIncident(
                title="电梯困人",
                category="accident",
                grade="ungraded",
                unit_id=unit.id,
                occurred_at=now - timedelta(minutes=3),
                occurred_at_kind="exact",
            ),
        )
    await window.set_offline(False)
    await expect(board.locator("#lost")).to_be_hidden()
    await expect(board.locator(".incident")).to_contain_text("电梯困人")


async def test_an_incident_with_its_phone_report_is_logged_by_keyboard_in_half_a_minute(service, window):
    site = service.site
    bureau = await build_bureau(site.db, site.clock.now())
    page = await window.new_page()
    await page.goto("/desk")
    keys = Keys(page)
    await keys.press("F2")
    await page.wait_for_selector("#phone")
    await expect(page.locator("#f-number")).to_be_focused()
    await keys.type(bureau.canteen_operator.mobile.removeprefix("+86"))
    await expect(page.locator("#phone-caller")).to_contain_text("李强")
    await keys.press("Enter")
    await keys.type("后厨配电室起火")
    await keys.press("Enter")
    await keys.type("2")
    await expect(page.locator("#f-occurred")).to_be_focused()
    await keys.type("10分钟前")
    await keys.press("Enter")
    await keys.type("二号楼一层")
    await keys.press("Enter")
    await page.wait_for_url("**/incidents/*-0001")

    async with site.db.read() as session:
        (row,) = await list_incidents(session)
        (report,) = await reports_of(session, row.id)
    assert (row.title, row.place, row.unit_id) == ("后厨配电室起火", "二号楼一层", bureau.canteen.id)
    assert (report.kind, report.reporter) == ("phone", "李强 值班员")
    assert await state_of(site, row.number, "49.1") == "fulfilled"
    assert keys.pressed * SECONDS_A_KEY <= 30
    assert window.complaints == []


async def test_what_is_being_typed_survives_a_reload_and_a_crash(service, window):
    await build_bureau(service.site.db, service.site.clock.now())
    page = await window.new_page()
    await page.goto("/phone")
    await page.locator("#f-what").press_sequentially("电梯困人，两人")
    await page.reload()
    await expect(page.locator("#f-what")).to_have_value("电梯困人，两人")
    # The server has it too: another window of the same person, with nothing of its own.
    await until(lambda: kept(service.site, "电梯困人，两人"))
    await page.close()


async def kept(site, text):
    """Tell whether the server keeps a draft with this text."""
    async with site.db.read() as session:
        return any(text in draft.fields.values() for draft in await session.exec(select(Draft)))

"""One night at the desk, in a real browser."""

import asyncio
from datetime import timedelta

import pytest
from playwright.async_api import expect

from dutydesk.alerts.queries import told
from tests.builders import build_bureau

pytestmark = pytest.mark.browser


async def log_by_typing(page, site):
    """Log a fire of ten minutes ago as an operator does, by keyboard."""
    happened = site.clock.now().astimezone(site.zone) - timedelta(minutes=10)
    await page.goto("/incidents/new")
    await expect(page.locator("#f-title")).to_be_focused()
    await page.keyboard.type("后厨配电室起火")
    await page.select_option("#f-unit", label="机关食堂")
    await page.fill("#f-occurred_at", f"{happened:%Y-%m-%dT%H:%M:%S}")
    await page.locator("#f-place").press_sequentially("二号楼一层")
    await page.get_by_role("button", name="登记并开始计时").click()
    await page.wait_for_url("**/incidents/*-0001")


async def ticks(page, where):
    """Wait until the countdown has moved."""
    before = await page.locator(where).first.inner_text()
    await page.wait_for_function(
        "([where, before]) => document.querySelector(where).innerText !== before", arg=[where, before]
    )


async def is_delivered(site):
    """Wait until a board has said that it drew the alert and that it rings."""
    async with asyncio.timeout(20):
        while True:
            async with site.db.read() as session:
                screens = [one.alert for one in await told(session) if one.alert.channel == "screen"]
            if screens and all(alert.state == "delivered" for alert in screens):
                return
            await asyncio.sleep(0.05)


async def test_an_alarm_rings_on_the_open_board_until_it_is_confirmed(service, window):
    site = service.site
    await build_bureau(site.db, site.clock.now())

    board = await window.new_page()
    await board.goto("/desk")
    root = board.locator("html")
    await expect(board.get_by_text("声音未启用")).to_be_visible()
    await board.get_by_role("button", name="启用声音").click()
    await expect(root).to_have_attribute("data-sound", "on")
    await expect(board.get_by_text("声音未启用")).to_be_hidden()
    await expect(root).to_have_attribute("data-siren", "silent")
    await expect(board.get_by_text("赵建国")).to_be_visible()

    desk = await window.new_page()
    await log_by_typing(desk, site)
    await expect(desk.get_by_text("必须在20分钟内向局值班室电话报告").first).to_be_visible()

    # Nobody touched the board: the incident, its clock and the alarm came by themselves.
    await expect(board.locator(".incident")).to_contain_text("后厨配电室起火")
    phone = board.locator(".owed", has_text="首报").first
    await expect(phone.locator(".count-label")).to_have_text("剩余")
    await ticks(board, ".count-text")
    await expect(board.locator(".alarm")).to_contain_text("正在叫应带班领导")
    await expect(root).to_have_attribute("data-siren", "ringing")
    await expect(board).to_have_title("【告警1】值班台 · 值班室")
    await is_delivered(site)

    await board.get_by_role("button", name="确认").click()
    await expect(board.locator(".alarm")).to_have_count(0)
    await expect(root).to_have_attribute("data-siren", "silent")

    # The report comes in on the other page, and the board has its verdict.
    await desk.get_by_role("link", name="电话报告").click()
    await desk.fill("#f-reporter", "李强")
    await desk.fill("#f-reporter_phone", "13800000005")
    await desk.get_by_role("button", name="登记").click()
    await expect(desk.locator(".duty-card", has_text="首报").filter(has_text="按时")).to_be_visible()
    await expect(board.locator(".settled")).to_contain_text("按时")
    assert window.complaints == []

    await service.stop()
    await expect(board.get_by_text("连接中断，正在重连")).to_be_visible()
    await expect(root).to_have_attribute("data-siren", "ringing")
    await ticks(board, ".count-text")

    await service.start()
    await expect(board.get_by_text("连接中断，正在重连")).to_be_hidden()
    await expect(root).to_have_attribute("data-siren", "silent")

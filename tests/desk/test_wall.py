"""The screen on the wall: for everybody who may read the board, without numbers, with nothing to press."""

import re

import pytest


@pytest.fixture
async def page(browser_of, fire, clock, work):
    clock.move(15 * 60)
    await work()
    return (await (await browser_of("inspector")).get("/wall")).text


async def test_it_shows_the_alarms_the_clocks_and_who_is_on_duty(page):
    for text in ("后厨配电室起火", "已超", "5分00秒", "赵建国", "在岗", "值班电话", "022 2345 6789", "动态"):
        assert text in page
    assert "data-alert=" in page


async def test_it_has_no_private_number(page):
    page = re.sub(r'data-(now|due|near|raised)="\d+"', "", page)
    assert not re.search(r"1[3-9]\d[ *]?[\d*]{4}[ *]?\d{4}|\+861\d{10}", page)
    assert "022 2345 6701" not in page  # nor a unit's


async def test_it_has_nothing_to_press_but_the_sound(page):
    board = page[page.index('id="board"') :]
    for tag in ("<a ", "<form", "<button", "<input"):
        assert tag not in board
    assert "声音未启用" in page
    assert 'id="sound"' not in page


async def test_it_knows_its_release_and_its_version(page):
    assert re.search(r'data-view="wall" data-full="/wall/board" data-release="[0-9a-f]{12}"', page)
    assert re.search(r'data-at="[0-9a-f]{8}\.\d+"', page)


async def test_it_is_the_same_for_everybody(browser_of, fire, work):
    await work()
    shown = {(await (await browser_of(role)).get("/wall/board")).text for role in ("operator", "inspector")}
    assert len(shown) == 1


async def test_a_quiet_wall_says_that_it_is_quiet(browser, bureau):
    page = (await browser.get("/wall/board")).text
    assert "没有未了事件" in page
    assert "没有告警" in page

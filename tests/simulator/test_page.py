"""The handsets' page and the JSON interface of its script."""

import asyncio
import re

import pytest

from tests.simulator.application import LI

HANDSETS = "/simulator/handsets"


@pytest.fixture
async def named(world):
    await world.http.post(HANDSETS, json={"number": LI, "name": "李明", "title": "带班领导"})
    return world


async def state(world):
    [handset] = (await world.http.get("/simulator/state")).json()["handsets"]
    return handset


async def test_the_page_allows_no_foreign_origin_and_no_inline_script_or_style(world):
    page = await world.http.get("/")

    assert (
        "default-src 'none'; script-src 'self'; style-src 'self'" in page.headers["Content-Security-Policy"]
    )
    assert not re.search(r"<style|style=|<script(?! src=)|\son\w+=|https?://", page.text)
    for link in re.findall(r'(?:src|href)="([^"]+)"', page.text):
        assert (await world.http.get(link)).status_code == 200


async def test_a_named_handset_is_shown_before_anybody_calls_it(named):
    handset = await state(named)

    assert (handset["name"], handset["title"], handset["behaviour"]) == ("李明", "带班领导", "person")
    assert (handset["call"], handset["items"]) == (None, [])


async def test_a_message_is_shown_with_its_time_in_the_sites_zone(named):
    await named.send(body="【值班】请报")
    await named.pass_time(2)

    [item] = (await state(named))["items"]
    assert (item["kind"], item["body"], item["at"]) == ("sms", "【值班】请报", "02:00:01")


async def test_a_call_is_answered_heard_and_confirmed_from_the_page(named):
    await named.call()
    await named.pass_time(4)
    assert (await state(named))["call"]["status"] == "ringing"

    assert (await named.http.post(f"{HANDSETS}/{LI}/answer")).status_code == 204
    call = (await state(named))["call"]
    assert (call["listening"], [heard["text"] for heard in call["heard"]]) == (
        True,
        ["您有一件事项待报，确认请按1。"],
    )
    assert (await named.http.post(f"{HANDSETS}/{LI}/press", json={"keys": "1"})).status_code == 204

    handset = await state(named)
    assert handset["call"] is None
    assert (handset["items"][0]["pressed"], handset["items"][0]["answered"]) == ("1", True)


@pytest.mark.parametrize("act", ["reject", "hang-up"])
async def test_a_call_can_be_ended_from_the_page(named, act):
    await named.call()
    await named.pass_time(4)
    if act == "hang-up":
        await named.http.post(f"{HANDSETS}/{LI}/answer")

    await named.http.post(f"{HANDSETS}/{LI}/{act}")

    assert named.application.statuses()[-1] == ("busy" if act == "reject" else "completed")


async def test_the_behaviour_can_be_chosen_from_the_page(named):
    await named.http.post(f"{HANDSETS}/{LI}/behaviour", json={"behaviour": "answer", "key": "9"})

    assert ((await state(named))["behaviour"], (await state(named))["key"]) == ("answer", "9")


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        (f"{LI}/answer", None, 409),
        (f"{LI}/press", {"keys": "1"}, 409),
        (f"{LI}/press", {"keys": "x"}, 422),
        (f"{LI}/behaviour", {"behaviour": "asleep"}, 422),
        ("+8613899999999/answer", None, 404),
        ("", {"number": "12"}, 422),
    ],
)
async def test_senseless_touches_are_refused(named, path, body, status):
    assert (await named.http.post(f"{HANDSETS}/{path}".rstrip("/"), json=body)).status_code == status


async def test_another_sites_page_cannot_touch_a_handset(named):
    answer = await named.http.post(f"{HANDSETS}/{LI}/answer", headers={"Sec-Fetch-Site": "cross-site"})

    assert answer.status_code == 403


async def test_watchers_are_told_of_changes_and_let_go_when_the_exchange_closes(world):
    watch = world.exchange.journal.watch()
    first = await anext(watch)
    told = asyncio.create_task(anext(watch))
    await world.send()

    assert await told > first
    world.exchange.close()
    assert [version async for version in watch] == []

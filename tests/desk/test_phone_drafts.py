"""What is being typed survives: a reload, a crash, another machine; and vanishes once it is saved or thrown away."""

import asyncio
import re
from html import unescape

import pytest
from sqlmodel import select

from dutydesk.desk.model import Draft
from dutydesk.dutylog.model import LogEntry

TYPED = {"what": "后厨配电室起火", "person": "李强", "place": "二号楼"}


def hidden(page, name):
    return unescape(re.search(rf'name="{name}" value="([^"]*)"', page)[1])


def shown(page, name):
    return unescape(re.search(rf'name="{name}" id="f-{name}" value="([^"]*)"', page)[1])


@pytest.fixture
async def key(browser, bureau):
    """The key of a form that was just opened."""
    return hidden((await browser.get("/phone?new=1")).text, "key")


@pytest.fixture
def keep(browser, key):
    async def put(fields=TYPED, rev=1, who=browser, at=key, **more):
        return await who.put("/drafts/phone", json={"key": at, "rev": rev, "fields": fields}, **more)

    return put


async def drafts(site):
    async with site.db.read() as session:
        return list(await session.exec(select(Draft)))


def restored(page):
    return re.search(r'id="restored" hidden', page) is None


async def test_what_was_typed_is_shown_again_with_the_moment_of_the_call(browser, keep, clock):
    assert (await keep(TYPED | {"at": "14:00:00", "kind": "incident"})).status_code == 204
    clock.move(5 * 60)
    page = (await browser.get("/phone")).text
    assert restored(page)
    for text in ("已恢复未保存的登记", "放弃草稿"):
        assert text in page
    assert (shown(page, "what"), shown(page, "place"), shown(page, "at")) == (
        "后厨配电室起火",
        "二号楼",
        "14:00:00",
    )
    assert re.search(r'value="incident"[^>]*checked', page)


async def test_another_machine_of_the_same_account_shows_it_too(browser, keep, site, app):
    import httpx2

    await keep()
    headers = {"Sec-Fetch-Site": "same-origin"}
    transport = httpx2.ASGITransport(app)
    async with httpx2.AsyncClient(
        transport=transport, base_url=browser.base_url, headers=headers, cookies=browser.cookies
    ) as other:
        assert shown((await other.get("/phone")).text, "what") == "后厨配电室起火"


async def test_nobody_else_sees_it_or_touches_it(browser_of, keep, key, site):
    await keep()
    other = await browser_of("operator", name="林晨")
    page = (await other.get("/phone")).text
    assert not restored(page)
    assert shown(page, "what") == ""
    assert "后厨" not in (await other.get(f"/phone?draft={key}")).text
    assert (await other.get(f"/drafts/phone/{key}")).status_code == 404
    assert (await keep({"what": "别人的"}, rev=9, who=other)).status_code == 404
    assert (await other.post("/drafts/phone/abandon", data={"key": key})).status_code == 404
    assert [row.fields["what"] for row in await drafts(site)] == ["后厨配电室起火"]


async def test_it_vanishes_when_it_is_saved_and_a_straggler_does_not_bring_it_back(browser, keep, key, site):
    await keep()
    assert (await browser.get(f"/drafts/phone/{key}")).json() == {"state": "open"}
    saved = await browser.post("/phone", data=TYPED | {"key": key, "at": "14:00:00", "kind": "call"})
    assert saved.status_code == 303
    assert await drafts(site) == []
    assert (await browser.get(f"/drafts/phone/{key}")).json() == {"state": "saved"}
    assert (await keep(rev=7)).status_code == 204
    assert await drafts(site) == []
    assert not restored((await browser.get("/phone")).text)


async def test_it_vanishes_when_it_is_thrown_away(browser, keep, key, site):
    await keep()
    answer = await browser.post("/drafts/phone/abandon", data={"key": key})
    assert (answer.status_code, answer.headers["location"]) == (303, "/phone")
    await keep(rev=7)
    assert await drafts(site) == []
    assert (await browser.get(f"/drafts/phone/{key}")).json() == {"state": "abandoned"}


async def test_what_was_thrown_away_in_one_window_can_still_be_saved_in_the_other(browser, keep, key, site):
    await keep()
    await browser.post("/drafts/phone/abandon", data={"key": key})
    await browser.post("/phone", data=TYPED | {"key": key, "at": "14:00:00", "kind": "call"})
    async with site.db.read() as session:
        assert len(list(await session.exec(select(LogEntry)))) == 1


async def test_a_form_that_comes_back_keeps_its_draft(browser, keep, key, site):
    await keep()
    assert (await browser.post("/phone", data=TYPED | {"key": key, "kind": ""})).status_code == 422
    assert len(await drafts(site)) == 1


async def test_a_late_message_never_undoes_a_newer_one(keep, site):
    await keep({"what": "后厨配电室起火，有烟"}, rev=5)
    await keep({"what": "后厨"}, rev=4)
    assert [row.fields["what"] for row in await drafts(site)] == ["后厨配电室起火，有烟"]


async def test_the_first_messages_of_one_form_may_arrive_together(keep, site):
    answers = await asyncio.gather(*(keep({"what": f"第{rev}版"}, rev=rev) for rev in range(1, 5)))
    assert {answer.status_code for answer in answers} == {204}
    assert len(await drafts(site)) == 1


async def test_two_calls_at_once_have_two_drafts(browser, keep, key):
    await keep()
    second = hidden((await browser.get("/phone?new=1")).text, "key")
    await keep({"what": "电梯困人"}, at=second)
    page = (await browser.get(f"/phone?draft={key}")).text
    assert shown(page, "what") == "后厨配电室起火"
    assert f"/phone?draft={second}" in page
    assert "电梯困人" in page


async def test_a_form_that_never_reached_the_server_opens_with_its_own_moment(browser, key, clock):
    clock.move(180)
    page = (await browser.get(f"/phone?draft={key}")).text
    assert (hidden(page, "key"), shown(page, "at")) == (key, "14:00:00")
    assert (await browser.get(f"/drafts/phone/{key}")).json() == {"state": "unknown"}


async def test_an_empty_form_is_no_draft(keep, site):
    await keep({"what": "  ", "category": "accident"})
    assert await drafts(site) == []
    await keep()
    await keep({"what": ""}, rev=2)
    assert await drafts(site) == []


async def test_a_draft_is_small_and_of_this_form_only(browser, keep, key, site):
    assert (await keep({"what": "长" * 20_001})).status_code == 422
    assert (await keep(at="1764000000-madeupmadeup-" + "0" * 32)).status_code == 404
    await keep({"what": "起火", "drop": "table"})
    assert set((await drafts(site))[0].fields) == {"what", "rev"}


async def test_keystrokes_draw_no_board_anew(keep, site):
    rings = []
    site.db.on_commit(lambda: rings.append(1))
    await keep()
    assert rings == []


async def test_another_site_cannot_write_a_draft(keep, site):
    assert (await keep(headers={"Sec-Fetch-Site": "cross-site"})).status_code == 403
    assert await drafts(site) == []


async def test_a_draft_is_shown_as_text(browser, keep):
    await keep({"what": '"><script>1</script>', "narrative": "</textarea><script>1</script>"})
    assert "<script>1" not in (await browser.get("/phone")).text

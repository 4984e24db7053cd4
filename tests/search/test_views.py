"""Lists kept under a name: one's own, and nobody else's."""

import re

import pytest
from sqlmodel import select

from dutydesk.accounts.model import SavedView
from dutydesk.audit.model import AuditEntry
from tests.search.conftest import workbook

QUERY = "kind=incidents&q=起火&grade=major"


@pytest.fixture
async def operator(room, browser_of):
    return await browser_of("operator")


async def keep(browser, name, query=QUERY):
    return await browser.post("/search/views", data={"name": name, "query": query})


def chips(page):
    return re.findall(r'<a class="chip"[^>]*><svg.*?</svg>(.+?)</a>', page)


async def kept(site):
    async with site.db.read() as session:
        return list(await session.exec(select(SavedView).order_by(SavedView.id)))


async def test_a_list_is_kept_with_its_filters_and_shown_as_a_chip(site, operator):
    answer = await keep(operator, " 重大起火 ")
    assert answer.status_code == 303
    page = (await operator.get(answer.headers["location"])).text
    assert chips(page) == ["重大起火"]
    assert 'aria-current="true"' in page, "it is the list that is shown"
    [view] = await kept(site)
    assert view.query == "kind=incidents&q=%E8%B5%B7%E7%81%AB&grade=major"
    shown = (await operator.get(f"/search?{view.query}")).text
    assert 'value="起火"' in shown
    assert re.search(r'value="major" selected', shown)


async def test_nobody_sees_changes_or_deletes_somebody_elses(site, operator, browser_of):
    await keep(operator, "我的")
    [view] = await kept(site)
    other = await browser_of("operator")
    assert chips((await other.get("/search")).text) == []
    assert "我的" not in (await other.get("/search/views")).text.split("<main")[1].split("常用查询")[0]
    assert (await other.post(f"/search/views/{view.id}/rename", data={"name": "x"})).status_code == 404
    assert (await other.post(f"/search/views/{view.id}/delete")).status_code == 404
    assert [one.name for one in await kept(site)] == ["我的"]
    assert (await keep(other, "我的")).status_code == 303, "a name is taken for its owner only"


async def test_a_name_that_is_taken_is_refused_beside_the_field_with_everything_kept(site, operator):
    await keep(operator, "甲")
    answer = await keep(operator, "甲")
    assert answer.status_code == 409
    field = re.search(r'<details class="keep" open>.*?</details>', answer.text, re.DOTALL)
    assert field is not None
    assert "已有这个名称，请换一个" in field[0]
    assert 'value="甲"' in field[0]
    assert 'value="起火"' in answer.text
    assert len(await kept(site)) == 1


@pytest.mark.parametrize("name", ["", "  ", "名" * 31, "甲\x07乙", "甲\u202e乙"])
async def test_a_name_that_is_none_is_refused(site, operator, name):
    assert (await keep(operator, name)).status_code == 422
    assert await kept(site) == []


async def test_a_view_is_renamed_and_deleted(site, operator):
    await keep(operator, "甲")
    await keep(operator, "乙", "kind=log")
    first, second = await kept(site)
    rename = f"/search/views/{first.id}/rename"
    assert (await operator.post(rename, data={"name": "丙"})).status_code == 303
    taken = await operator.post(rename, data={"name": "乙"})
    assert taken.status_code == 409
    assert re.search(rf'id="v-{first.id}-fault"[^<]*<.*?已有这个名称', taken.text, re.DOTALL)
    assert (await operator.post(rename, data={"name": "丙"})).status_code == 303, "its own name is not taken"
    assert chips((await operator.get("/search")).text) == sorted(["丙", "乙"])
    assert (await operator.post(f"/search/views/{second.id}/delete")).status_code == 303
    assert [one.name for one in await kept(site)] == ["丙"]
    async with site.db.read() as session:
        done = {row.action for row in await session.exec(select(AuditEntry))}
    assert done >= {"view.saved", "view.renamed", "view.deleted"}


async def test_fifty_are_kept_and_no_more(site, operator):
    for number in range(50):
        assert (await keep(operator, f"第{number}个")).status_code == 303
    answer = await keep(operator, "再一个")
    assert answer.status_code == 409
    assert "最多50个" in answer.text
    assert len(await kept(site)) == 50


async def test_only_lists_that_may_be_read_are_kept(site, room, browser_of):
    unit = await browser_of("unit", unit="canteen")
    assert (await keep(unit, "日志", "kind=log")).status_code == 403
    assert (await keep(unit, "别人", "kind=incidents&unit=motor")).status_code == 422
    assert (
        await keep(unit, "乱", "kind=incidents&" + "&".join(f"a{n}=1" for n in range(50)))
    ).status_code == 303
    assert [one.query for one in await kept(site)] == ["kind=incidents"]


@pytest.mark.usefixtures("exports")
async def test_no_board_is_drawn_again_for_a_kept_list_or_an_export(site, room, operator):
    rung = []
    site.db.on_commit(lambda: rung.append(1))
    await keep(operator, "甲")
    [view] = await kept(site)
    await operator.post(f"/search/views/{view.id}/rename", data={"name": "乙"})
    await operator.post(f"/search/views/{view.id}/delete")
    await workbook(operator, kind="incidents")
    assert rung == []
    await room.entry("供暖")
    assert rung == [1]

"""The trail on its page: who reads it, what it shows, and what its verification finds."""

import re

import pytest
from sqlalchemy import text

from dutydesk.audit.actions import record
from dutydesk.audit.ticks import seal


@pytest.fixture
async def auditor(browser_of):
    return await browser_of("auditor", name="审计")


@pytest.fixture
def done(site):
    """Let somebody do things, one a minute, and seal them."""

    async def act(count=1, actor="陈晓", action="incident.logged", subject="incident:2026-{}", **detail):
        for number in range(1, count + 1):
            site.clock.move(60)
            async with site.db.write() as session:
                record(session, site.clock.now(), actor, action, subject.format(f"{number:04d}"), **detail)
        await seal(site.db, site.clock.now())

    return act


def rows(page: str) -> list[str]:
    return re.findall(r'<td class="subject">(.*?)</td>', page)


def shown(page: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))


async def test_only_an_auditor_reads_the_trail(browser_of, auditor, done):
    await done()
    assert "事件 2026-0001" in (await auditor.get("/settings/audit")).text
    for role in ("operator", "leader", "office", "inspector", "administrator"):
        browser = await browser_of(role)
        assert (await browser.get("/settings/audit")).status_code == 403
        assert (await browser.post("/settings/audit/verify", data={})).status_code == 403
        assert "/settings/audit" not in (await browser.get("/settings")).text


async def test_the_newest_is_first_and_older_ones_are_a_page_further(auditor, done):
    await done(120)
    address, seen = "/settings/audit?subject=incident", []
    while address:
        page = (await auditor.get(address)).text
        seen += rows(page)
        older = re.search(r'href="([^"]+)">更早', page)
        address = older[1].replace("&amp;", "&") if older else ""
    assert seen == [f"事件 2026-{number:04d}" for number in range(120, 0, -1)]


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({"actor": "林晨"}, ["账号 chenxiao"]),
        ({"action": "account.closed"}, ["账号 chenxiao"]),
        ({"subject": "incident:2026-0002"}, ["事件 2026-0002"]),
        ({"subject": "incident:2026-%"}, []),
        ({"actor": "林晨", "action": "incident.logged"}, []),
        ({"from": "2026-11-24"}, ["账号 chenxiao"]),
        ({"until": "2026-11-23", "action": "incident.logged"}, ["事件 2026-0002", "事件 2026-0001"]),
        ({"from": "2026-11-25"}, []),
        ({"actor": "\x00"}, ["账号 chenxiao", "事件 2026-0002", "事件 2026-0001"]),
    ],
)
async def test_the_trail_is_filtered_by_who_what_whereupon_and_when(site, auditor, done, asked, found):
    await done(2)
    site.clock.move(10 * 3600)
    await done(1, "林晨", "account.closed", "account:chenxiao")
    answer = await auditor.get("/settings/audit", params=asked)
    assert (answer.status_code, rows(answer.text)) == (200, found)


@pytest.mark.parametrize(
    "asked",
    [
        {"from": "yesterday"},
        {"until": "9999-12-31"},
        {"from": "0001-01-01"},
        {"before": "0"},
        {"before": "x"},
    ],
)
async def test_a_filter_that_means_nothing_is_said_to_be_so(auditor, asked):
    assert (await auditor.get("/settings/audit", params=asked)).status_code == 422


async def test_details_are_put_into_words_and_numbers_are_masked(auditor, done):
    await done(
        reason="误报",
        after={"grade": "major", "drill": True, "phone": "+8613800000001"},
        at="2026-11-23T06:05:00+00:00",
        odd=["<b>", None],
    )
    page = (await auditor.get("/settings/audit?actor=陈晓")).text
    said = shown(page)
    for words in ("登记事件", "理由 误报", "级别：重大", "14:05:00", "&lt;b&gt;、无"):
        assert words in said
    assert "13800000001" not in page.replace(" ", "")
    assert "<b>" not in page


async def test_a_whole_trail_is_verified_and_tells_its_end(auditor, done):
    await done(3)
    answer = await auditor.post("/settings/audit/verify", data={"head": ""})
    assert answer.status_code == 200
    assert "校验通过" in answer.text
    head = re.search(r"3:[0-9a-f]{64}", answer.text)[0]
    await done(2)
    answer = await auditor.post("/settings/audit/verify", data={"head": head})
    assert "校验通过" in answer.text


async def test_an_edited_a_removed_and_a_cut_entry_are_found(site, auditor, done):
    await done(4)
    head = re.search(r"4:[0-9a-f]{64}", (await auditor.post("/settings/audit/verify", data={})).text)[0]

    async def after(statement, **form):
        async with site.db.write() as session:
            await session.exec(text(statement))
        return shown((await auditor.post("/settings/audit/verify", data=form)).text)

    assert "第4条起缺失，末尾可能被截去" in await after(
        "DELETE FROM audit_entry WHERE seal_number = 4", head=head
    )
    said = await after("UPDATE audit_entry SET actor = '别人' WHERE seal_number = 2")
    assert "校验不通过" in said
    assert "第2条与封存时不一致" in said
    assert "第2条缺失" in await after("DELETE FROM audit_entry WHERE seal_number = 2")


@pytest.mark.parametrize("head", ["nonsense", "1:abc", "<script>"])
async def test_a_noted_end_that_is_none_is_said_beside_the_field_and_stays_there(auditor, done, head):
    await done()
    answer = await auditor.post("/settings/audit/verify", data={"head": head})
    assert answer.status_code == 422
    assert "应写作“序号:64位校验码”" in answer.text
    assert "校验通过" not in answer.text

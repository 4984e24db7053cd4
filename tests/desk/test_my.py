"""The leaders' page: what it was about, and one button that says it was received."""

import re

import pytest

from dutydesk.alerts.queries import told
from dutydesk.obligations.queries import obligations_of


@pytest.fixture
async def leader(browser_of, bureau):
    return await browser_of("leader", name="赵建国", person_id=bureau.desk_leader.id)


async def alerts_to(site, person):
    async with site.db.read() as session:
        return [one for one in await told(session) if one.alert.person_id == person.id]


async def call_out_of(site, incident):
    async with site.db.read() as session:
        return next(one for one in await obligations_of(session, incident.id) if one.rule_id == "49.3")


async def test_a_leader_comes_here_first_and_finds_nothing_on_a_quiet_night(leader):
    answer = await leader.get("/")
    assert answer.headers["location"] == "/my"
    page = (await leader.get("/my")).text
    assert "没有叫应" in page
    assert 'href="tel:+862223456789"' in page


async def test_it_says_what_it_is_about_and_what_to_do(leader, fire, clock, work):
    clock.move(61)
    await work()
    page = (await leader.get("/my")).text
    for text in (
        "后厨配电室起火",
        "2026-0001",
        "机关食堂",
        "叫应带班领导",
        "剩余",
        "收到",
        "下一步",
        "给值班室回电",
    ):
        assert text in page
    assert 'href="tel:+862223456701"' in page
    assert page.count(">收到</button>") == 1  # two messages, one matter


async def test_received_is_what_a_key_is(leader, fire, site, bureau, clock, work):
    clock.move(61)
    await work()
    alert = (await alerts_to(site, bureau.desk_leader))[0].alert
    answer = await leader.post(f"/my/alerts/{alert.id}/received")
    assert (answer.status_code, answer.headers["location"]) == (303, "/my")
    mine = await alerts_to(site, bureau.desk_leader)
    assert {(one.alert.channel, one.alert.acknowledged_at is not None) for one in mine} == {
        ("sms", True),
        ("voice", True),
    }
    assert {(proof.kind, proof.who) for one in mine for proof in one.acknowledgements} == {("page", "赵建国")}
    await work()
    assert (await call_out_of(site, fire)).state == "fulfilled"
    page = (await leader.get("/my")).text
    assert "确认收到" in page
    assert ">收到</button>" not in page


async def test_it_stops_no_report_clock(leader, fire, site, bureau, clock, work):
    await work()
    alert = (await alerts_to(site, bureau.desk_leader))[0].alert
    await leader.post(f"/my/alerts/{alert.id}/received")
    async with site.db.read() as session:
        states = {one.rule_id: one.state for one in await obligations_of(session, fire.id)}
    assert (states["49.1"], states["49.2"]) == ("open", "open")


async def test_received_twice_is_no_error_and_counts_once(leader, fire, site, bureau, work):
    await work()
    alert = (await alerts_to(site, bureau.desk_leader))[0].alert
    for _ in range(2):
        answer = await leader.post(f"/my/alerts/{alert.id}/received", headers={"X-Live": "1"})
        assert answer.status_code == 204
    assert [len(one.acknowledgements) for one in await alerts_to(site, bureau.desk_leader)] == [1]


async def test_nobody_confirms_for_somebody_else(browser_of, leader, fire, site, bureau, clock, work):
    clock.move(11 * 60)
    await work()
    others = await alerts_to(site, bureau.canteen_operator)
    assert others
    stranger = await browser_of("leader")
    mine = (await alerts_to(site, bureau.desk_leader))[0].alert
    for browser, alert in ((leader, others[0].alert), (stranger, mine)):
        assert (await browser.post(f"/my/alerts/{alert.id}/received")).status_code == 404
        assert (await browser.post("/my/alerts/99999/received")).status_code == 404
    assert all(not one.acknowledgements for one in await alerts_to(site, bureau.canteen_operator))


async def test_others_messages_are_not_on_it(browser_of, fire, bureau, clock, work):
    clock.move(61)
    await work()
    chief = await browser_of("leader", person_id=bureau.chief.id)
    assert "没有叫应" in (await chief.get("/my")).text


async def test_what_is_settled_asks_for_nothing(leader, browser, fire, site, clock, work):
    await work()
    form = f"/incidents/{fire.number}/withdraw"
    base = re.search(r'name="base" value="(\d+)"', (await browser.get(form)).text)[1]
    await browser.post(form, data={"reason": "误报", "base": base})
    page = (await leader.get("/my")).text
    assert "已了结，不需确认" in page
    assert ">收到</button>" not in page


async def test_an_account_without_a_person_is_told_so(browser_of, bureau):
    page = (await (await browser_of("leader")).get("/my")).text
    assert "没有关联通讯录" in page


async def test_it_says_who_else_was_told(leader, fire, clock, work):
    clock.move(14 * 60)
    await work()
    page = (await leader.get("/my")).text
    assert "还告知了谁" in page
    assert "李强" in page


async def test_it_does_not_claim_that_console_messages_were_sent(leader, fire, clock, work):
    clock.move(14 * 60)
    await work()
    page = (await leader.get("/my")).text
    assert "已发出" not in page
    assert "呼叫中" not in page

"""What no incident brings stands on the board, in the feed and on /my, and leads to where it is mended."""

import re
from datetime import timedelta

import pytest

from dutydesk.alerts.matters import matters_of
from dutydesk.alerts.queries import add_alerts, told
from dutydesk.alerts.wording import sms
from dutydesk.obligations import queries
from dutydesk.obligations.owings import Owing, settle_owings
from dutydesk.people.actions import give_post
from dutydesk.rosters.notices import shift_notice
from dutydesk.rosters.queries import list_shifts, stored_shift

HOUR = timedelta(hours=1)
SUBJECT = "gap/2/leader/2026-11-26T00:30"
PAGE = "/rosters/canteen/2026-11"


@pytest.fixture
async def roster_clerk(site, bureau):
    """Whoever keeps the canteen's roster: its head."""
    async with site.db.write() as session:
        await give_post(
            session,
            site.clock.now(),
            "office",
            unit="canteen",
            post="roster",
            person=bureau.canteen_head.id,
            from_at=site.clock.now(),
        )


@pytest.fixture
def owe(site, bureau, roster_clerk):
    """Let the canteen owe a leader; more keys change what is owed."""

    async def owed(**changed):
        now = site.clock.now()
        one = {
            "subject": SUBJECT,
            "rule_id": "48.1",
            "number": "11月26日",
            "unit_id": bureau.canteen.id,
            "base_at": now,
            "due_at": now + 60 * HOUR,
        } | changed
        async with site.db.write() as session:
            await settle_owings(session, site, now, "clockwork", one["subject"], [Owing(**one)], {})
        async with site.db.write() as session:
            (row,) = await queries.obligations_in(session, one["subject"])
        return row

    return owed


def region(page: str, name: str) -> str:
    """Return one region of the board."""
    found = re.search(rf'id="{name}"[^>]*>(.*?)(?=<[a-z]+ id="r-|$)', page, re.DOTALL)
    return "" if found is None else found[1]


async def test_a_hole_stands_on_the_board_with_its_clock_its_people_and_where_it_is_mended(
    browser, owe, work
):
    row = await owe()
    await work()
    shown = region((await browser.get("/desk/board")).text, "r-owings")
    for text in ("值班排班待办", "机关食堂", "11月26日", "带班空缺", "count-big", "正在告知", "黄志明"):
        assert text in shown
    assert f'href="{PAGE}"' in shown
    for action in ("take-over", "waive"):
        assert f'href="/obligations/{row.id}/{action}"' in shown


async def test_with_nothing_owed_the_region_is_empty(browser, bureau):
    assert "待办" not in region((await browser.get("/desk/board")).text, "r-owings")


async def test_it_is_no_incident_and_does_not_count_as_one(browser, owe, clock, work):
    await owe(due_at=clock.now() + timedelta(minutes=5))
    clock.move(600)
    await work()
    page = (await browser.get("/desk/board")).text
    assert "1项已超时" not in region(page, "r-count")
    assert "没有未了事件" in page
    assert "1项已超时" in region(page, "r-owings")
    # The siren rings for it as for any other: an alarm that leads to the roster.
    assert 'class="alarm"' in page
    assert f'href="{PAGE}"' in region(page, "r-alarms")
    assert "/incidents/11" not in page


async def test_only_the_most_urgent_are_drawn_and_the_rest_are_counted(browser, owe, clock):
    for hour in range(1, 12):
        await owe(subject=f"gap/2/leader/{hour}", number=f"空缺{hour}", due_at=clock.now() + hour * HOUR)
    shown = region((await browser.get("/desk/board")).text, "r-owings")
    assert "空缺8" in shown
    assert "空缺9" not in shown
    assert "另有3项" in shown


async def test_the_next_twenty_four_hours_and_the_feed_lead_to_the_roster(
    browser, browser_of, owe, clock, work
):
    await owe(due_at=clock.now() + 20 * HOUR)
    await work()
    page = (await browser.get("/desk/board")).text
    assert f'href="{PAGE}">11月26日</a>' in region(page, "r-soon")
    assert f'href="{PAGE}">11月26日</a>' in region(page, "r-feed")
    clock.move(21 * 3600)
    await work()
    page = (await (await browser_of("operator")).get("/desk/board")).text
    assert "带班空缺到期未办结" in region(page, "r-feed")


async def test_the_board_is_drawn_anew_when_it_is_mended(browser, site, owe):
    await owe()
    assert "带班空缺" in (await browser.get("/desk/board")).text
    async with site.db.write() as session:
        now = site.clock.now()
        await settle_owings(session, site, now, "clockwork", SUBJECT, [], {SUBJECT: now})
    assert "带班空缺" not in region((await browser.get("/desk/board")).text, "r-owings")


async def test_the_wall_shows_it_without_anything_to_press(browser, owe):
    await owe()
    shown = region((await browser.get("/wall/board")).text, "r-owings")
    assert "带班空缺" in shown
    assert "<a " not in shown
    assert "<form" not in shown


async def test_who_may_not_decide_gets_no_button_for_it(browser_of, owe):
    row = await owe()
    page = (await (await browser_of("inspector")).get("/desk/board")).text
    assert "带班空缺" in page
    assert f"/obligations/{row.id}/" not in page
    assert f"/desk/obligations/{row.id}/" not in page


async def test_the_operator_takes_it_over_and_comes_back_to_the_roster(browser, site, owe):
    row = await owe()
    form = (await browser.get(f"/obligations/{row.id}/take-over")).text
    assert "机关食堂 11月26日 带班空缺" in form
    assert f'href="{PAGE}"' in form
    answer = await browser.post(
        f"/obligations/{row.id}/take-over",
        data=typed(form) | {"who": "陈静", "reason": "正在联系", "next_check_at": "2026-11-23T16:00"},
    )
    assert (answer.status_code, answer.headers["location"]) == (303, PAGE)
    page = (await browser.get("/desk/board")).text
    assert "陈静 已接管" in region(page, "r-owings")


async def test_it_is_waived_with_a_reason(browser, site, owe):
    row = await owe()
    form = (await browser.get(f"/obligations/{row.id}/waive")).text
    assert "值班表上留痕" in form
    answer = await browser.post(f"/obligations/{row.id}/waive", data=typed(form) | {"reason": "当日停用"})
    assert (answer.status_code, answer.headers["location"]) == (303, PAGE)
    async with site.db.write() as session:
        (waived,) = await queries.obligations_in(session, SUBJECT)
    assert waived.state == "waived"


async def test_two_decisions_about_it_do_not_overwrite_each_other(browser, owe):
    row = await owe()
    form = (await browser.get(f"/obligations/{row.id}/take-over")).text
    body = {"who": "陈静", "reason": "正在联系", "next_check_at": "2026-11-23T16:00"}
    await browser.post(f"/obligations/{row.id}/take-over", data=typed(form) | body)
    late = await browser.post(f"/obligations/{row.id}/take-over", data=typed(form) | body | {"who": "刘洋"})
    assert late.status_code == 409
    assert "刘洋" in late.text


async def test_what_a_record_proves_is_not_closed_by_an_entry(browser, site, owe, api):
    row = await owe()
    assert (await browser.get(f"/obligations/{row.id}/entry")).status_code == 409
    refused = await browser.post(
        f"/obligations/{row.id}/entry", data={"at": "2026-11-23T14:00", "reason": "已安排"}
    )
    assert refused.status_code == 409
    assert "不能手工登记" in refused.text
    answer = await api.post(
        f"/api/v1/obligations/{row.id}/fulfil",
        json={"at": site.clock.now().isoformat(), "reason": "已安排"},
        headers={"Idempotency-Key": "1"},
    )
    assert answer.status_code == 409
    async with site.db.write() as session:
        (still,) = await queries.obligations_in(session, SUBJECT)
    assert still.state == "open"


async def test_calling_out_by_hand_tells_whoever_keeps_the_roster(browser, site, owe, bureau):
    row = await owe()
    answer = await browser.post(f"/desk/obligations/{row.id}/call-out", headers={"X-Live": "1"})
    assert answer.status_code == 204
    page = region((await browser.get("/desk/board")).text, "r-owings")
    assert "黄志明" in page


async def test_an_answer_entered_by_hand_leads_back_to_the_roster(browser, owe, work):
    await owe()
    await work()
    shown = region((await browser.get("/desk/board")).text, "r-owings")
    by_hand = re.search(r'href="(/desk/alerts/\d+/by-hand)"', shown)[1]
    form = (await browser.get(by_hand)).text
    assert f'href="{PAGE}"' in form
    answer = await browser.post(by_hand, data={"who": "黄志明", "how": "当面告知", "at": "2026-11-23T14:00"})
    assert (answer.status_code, answer.headers["location"]) == (303, PAGE)


async def test_the_one_who_was_told_sees_what_it_was_and_what_to_do(browser_of, owe, work, bureau):
    await owe()
    await work()
    page = (await (await browser_of("leader", person_id=bureau.canteen_head.id)).get("/my")).text
    for text in ("带班空缺", "在值班表上补排人员", "11月26日"):
        assert text in page
    assert f'href="{PAGE}"' in page
    assert "/incidents/" not in page.partition("<main")[2]


async def test_a_reminder_of_a_shift_leads_to_ones_own_shifts(browser_of, site, bureau):
    now = site.clock.now()
    async with site.db.write() as session:
        shift = next(
            one
            for one in await list_shifts(session, unit_id=bureau.desk.id)
            if one.person_id == bureau.desk_leader.id
        )
        row = await stored_shift(session, shift.id)
        await add_alerts(session, [shift_notice(now, row, bureau.desk_leader.id, "tomorrow", site.zone)])
    page = (await (await browser_of("leader", person_id=bureau.desk_leader.id)).get("/my")).text
    assert "带班领导值班，请确认" in page
    assert 'href="/rosters/mine"' in page
    assert "不能到岗的，立即提出代班并报值班室" in page


async def test_the_api_says_what_it_is_about(api, owe, work, bureau):
    row = await owe(person_id=bureau.canteen_leader.id)
    await work()
    listed = (await api.get("/api/v1/obligations")).json()["items"]
    (one,) = [item for item in listed if item["id"] == row.id]
    assert (one["incident"], one["subject"], one["number"]) == (None, SUBJECT, "11月26日")
    assert one["person"] == bureau.canteen_leader.id
    alerts = (await api.get("/api/v1/alerts")).json()["items"]
    assert {(item["incident"], item["subject"]) for item in alerts} == {("", SUBJECT)}


async def test_its_messages_name_the_day_until_which_it_is_owed(site, owe, work):
    await owe(subject="roster/2/2026-12", rule_id="48.7", due_at=site.clock.now() + 40 * HOUR)
    await work()
    async with site.db.read() as session:
        alerts = [one.alert for one in await told(session, limit=10)]
        matters = await matters_of(session, alerts, site.zone)
    assert [one.wording for one in alerts] == ["roster_due"]
    assert "11月25日前报送" in sms(site.rulebook.wording, matters, "A0A0")


def typed(page: str) -> dict[str, str]:
    """Return the hidden fields of a form."""
    return dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page))

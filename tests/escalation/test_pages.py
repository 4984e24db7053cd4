"""The settings pages of what config rules: rules, ladders, the preview, the channels, a test to oneself."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlmodel import select

from dutydesk.alerts.model import Alert, Attempt
from dutydesk.alerts.rules import own_test_refused
from dutydesk.audit.model import AuditEntry
from dutydesk.escalation import shown
from dutydesk.escalation.channels import failure_class
from dutydesk.escalation.preview import preview
from dutydesk.people.actions import disable_contact
from dutydesk.people.queries import all_contacts, unit_by_code
from dutydesk.rulebook.loader import digest_of
from dutydesk.rulebook.types import Cap
from dutydesk.worker import Clockwork
from tests.builders import build_bureau

NOW = datetime(2026, 11, 23, 6, tzinfo=UTC)
SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
PREVIEW = {"rule": "49.1", "at": "2026-11-23T14:00", "unit": "canteen"}


@pytest.fixture
async def bureau(site):
    return await build_bureau(site.db, site.clock.now())


def said(page: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))


# ── rules and ladders ────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("span", "text"),
    [
        (20 * MINUTE, "20分钟"),
        (90 * MINUTE, "90分钟"),
        (5 * HOUR, "5小时"),
        (24 * HOUR, "24小时"),
        (72 * HOUR, "3天"),
        (30 * SECOND, "30秒"),
        (90 * SECOND, "90秒"),
    ],
)
def test_a_length_is_said_in_the_largest_unit_that_fits(span, text):
    assert shown.length(span) == text


def test_a_rungs_moment_is_said_as_people_say_it():
    assert shown.moment("due", -5 * MINUTE) == "到期前5分钟"
    assert shown.moment("due", timedelta(0)) == "到期时"
    assert shown.moment("opened", MINUTE) == "开启后1分钟"


async def test_every_rule_stands_there_in_the_articles_own_words(site, browser_of):
    page = (await (await browser_of("inspector")).get("/settings/rules")).text
    for rule in site.rulebook.rules:
        assert rule.words in page
        assert rule.id in page
        assert rule.article in page
    text = said(page)
    assert "49.1 首报（电话） 20分钟" in text
    assert "特别重大30分钟、重大1小时、较大2小时" in text
    assert "事发时间；不详时依次为知悉时间、接报时间" in text


async def test_every_rung_of_every_ladder_is_said_in_words(site, browser_of):
    page = said((await (await browser_of("inspector")).get("/settings/ladders")).text)
    for words in (
        "到期前5分钟 单位值班员 短信 值班员 短信、值班台 告知一次，不待确认",
        "到期后8分钟 单位主要负责人、总带班 电话 任一人按键确认",
        "到期后18分钟起，每10分钟 值班员 值班台、电话 收到证据、撤回或有人接管",
        "开启后1分钟 带班领导 电话 任一人按键确认",
    ):
        assert words in page
    # Nothing of the configuration's own language is left on the page.
    assert not re.search(r"\b(unit|desk|post):|evidence|by_hand", page)


async def test_the_page_tells_which_config_was_read_and_that_it_changed_since(
    wired, browser_of, tmp_path, app
):
    book = wired.site.rulebook
    browser = await browser_of("operator")
    page = (await browser.get("/settings/rules")).text
    assert book.digest[:12] in page
    assert "尚未生效" not in page
    for file in Path(book.source).glob("*.toml"):
        (tmp_path / file.name).write_bytes(file.read_bytes())
    assert digest_of(tmp_path) == book.digest
    (tmp_path / "ladders.toml").write_text("# 改动\n")
    assert digest_of(tmp_path) != book.digest
    app.state.site = replace(wired.site, rulebook=replace(book, source=str(tmp_path)))
    assert "尚未生效" in (await browser.get("/settings/rules")).text
    app.state.site = replace(wired.site, rulebook=replace(book, source=str(tmp_path / "gone")))
    assert "尚未生效" in (await browser.get("/settings/rules")).text


async def test_what_no_incident_brings_stands_there_in_words_too(site, browser_of):
    page = said((await (await browser_of("inspector")).get("/settings/rules")).text)
    about = page.partition("48.1 带班空缺")[2].partition("48.3 ")[0]
    for text in (
        "随班次或请假时间",
        "本单位",
        "值班表或请假记录产生时",
        "不涉及事件",
        "发现或应办之时",
        "值班表、签到或请假记录",
        "席位空缺",
    ):
        assert text in about
    assert "不计时，不叫应" not in about
    ladders = said((await (await browser_of("inspector")).get("/settings/ladders")).text)
    assert "单位排班负责人" in ladders
    assert "seat_gap" not in ladders


def test_every_ladder_of_the_rulebook_has_a_name(rulebook):
    assert {name for name in rulebook.ladders if shown.ladder_name(name) == name} == set()


async def test_there_is_no_way_to_change_a_rule_in_the_browser(browser_of):
    browser = await browser_of("administrator")
    for address in ("/settings", "/settings/rules", "/settings/ladders", "/settings/preview"):
        assert (await browser.post(address, data={})).status_code == 405


async def test_settings_are_no_business_of_a_unit_contact(browser_of, bureau):
    browser = await browser_of("unit", unit="canteen")
    for address in (
        "/settings",
        "/settings/rules",
        "/settings/ladders",
        "/settings/preview",
        "/settings/providers",
    ):
        assert (await browser.get(address)).status_code == 403


# ── the preview ──────────────────────────────────────────────────────────────────────────────


async def test_a_preview_shows_who_in_which_order_by_which_number_with_what_words(site, bureau, browser_of):
    answer = await (await browser_of("operator")).get("/settings/preview", params=PREVIEW)
    text = said(answer.text)
    assert answer.status_code == 200
    async with site.db.read() as session:
        unit = await unit_by_code(session, "canteen")
        rows = await preview(session, site, "49.1", NOW, unit)
    assert rows
    place = 0
    for row in rows:
        place = text.index(row.words, place)
        assert row.who in text
    assert bureau.canteen_operator.mobile[3:] in text.replace(" ", "")
    assert "14:00:00 起算，14:20:00 到期" in text
    assert "无应答后第1顺位" in text


async def test_a_rule_of_the_rosters_is_previewed_as_far_ahead_as_holes_are_looked_for(
    site, bureau, browser_of
):
    page = said(
        (
            await (await browser_of("operator")).get("/settings/preview", params=PREVIEW | {"rule": "48.1"})
        ).text
    )
    assert "11月30日 14:00:00 到期" in page
    assert "按起算后7日到期推演" in page
    assert bureau.canteen_head.name in page
    assert "带班空缺，请及时补排" in page


async def test_a_preview_of_what_one_person_owes_takes_whoever_sits_there(site, bureau):
    async with site.db.read() as session:
        unit = await unit_by_code(session, "canteen")
        rows = await preview(session, site, "48.2", NOW, unit)
    first = [row for row in rows if row.target == "person"]
    assert {row.channel for row in first} == {"sms", "voice"}
    assert all(bureau.canteen_operator.name in row.who for row in first)


async def test_a_preview_masks_numbers_for_those_who_do_not_need_them(bureau, browser_of):
    text = (await (await browser_of("inspector")).get("/settings/preview", params=PREVIEW)).text
    assert bureau.canteen_operator.name in text
    assert not any(one.mobile[3:] in text.replace(" ", "") for one in bureau.people)
    assert bureau.desk.phone[3:] not in text.replace(" ", "")


async def test_a_preview_sends_and_writes_nothing(site, bureau, browser_of):
    await (await browser_of("operator")).get("/settings/preview", params=PREVIEW)
    async with site.db.read() as session:
        assert (await session.exec(select(Alert))).all() == []


@pytest.mark.parametrize(
    ("wrong", "text"),
    [
        ({"rule": "99"}, "请选择"),
        ({"rule": "19"}, "请选择"),
        ({"unit": "nowhere"}, "请选择"),
        ({"unit": "desk"}, "请选择"),
        ({"at": ""}, "请填写"),
        ({"at": "tomorrow"}, "时间格式不对"),
        ({"at": "9999-12-31T23:59"}, "前后十年"),
        ({"at": "0001-01-01T00:00"}, "时间格式不对"),
        ({"at": "2018-01-01T00:00"}, "不生效"),
    ],
)
async def test_a_preview_of_nothing_says_what_is_missing(bureau, browser_of, wrong, text):
    answer = await (await browser_of("operator")).get("/settings/preview", params=PREVIEW | wrong)
    assert answer.status_code == 422
    assert text in answer.text


# ── the channels ─────────────────────────────────────────────────────────────────────────────


def test_a_failure_is_of_the_class_its_code_names_else_of_its_outcomes():
    assert failure_class("our_fault", "20003") == "ours"
    assert failure_class("undelivered", "30006") == "no_sms"
    assert failure_class("provider_fault", None) == "transient"
    assert failure_class("unknown", None) == "unknown"
    assert failure_class("no_key", None) is None
    assert failure_class(None, "30008") is None


def attempt(number, channel, minutes, outcome=None, code=None, provider="twilio"):
    at = NOW - minutes * MINUTE
    return Attempt(
        channel=channel,
        provider=provider,
        to_number=number,
        token=f"{channel}{number}{minutes}",
        state="failed" if outcome else "accepted",
        live=False,
        claimed_at=at,
        accepted_at=None if outcome == "provider_fault" else at,
        ended_at=at if outcome else None,
        outcome=outcome,
        error_code=code,
    )


async def test_health_failures_and_budgets_are_counted_as_a_claim_counts_them(site, bureau, browser_of):
    mobile = bureau.canteen_operator.mobile
    async with site.db.write() as session:
        session.add_all(
            [attempt(mobile, "voice", minutes, "no_key") for minutes in (1, 2, 3)]
            + [
                attempt(mobile, "voice", 9, "no_key"),
                attempt(mobile, "voice", 25 * 60, "provider_fault", "20500"),
            ]
            + [attempt(mobile, "sms", 5), attempt(mobile, "sms", 6, "provider_fault", "30008")]
        )
    text = said((await (await browser_of("operator")).get("/settings/providers")).text)
    number = "138 0000 0005"
    # Three in eight minutes is all there is; the call of nine minutes ago is out of the window.
    assert f"{number} — 电话 8分钟内 3/3 已用完，14:05:00 恢复" in text
    # What the provider never took costs the number nothing.
    assert f"{number} — 短信 24小时内 1/50" in text
    assert "twilio 电话 4 0 13:59:00" in text
    assert "twilio 短信 2 1 13:55:00" in text
    assert "通道暂时故障 1 twilio 短信 30008" in text
    assert "20500" not in text.split("最近的发送")[0]


async def test_no_secret_is_on_the_page_and_numbers_are_masked(wired, site, bureau, browser_of, app):
    settings = site.settings.model_copy(
        update={
            "twilio": site.settings.twilio.model_copy(
                update={"account_sid": "AC-secret", "from_number": "+862223880000"}
            )
        }
    )
    app.state.site = replace(wired.site, settings=settings)
    async with site.db.write() as session:
        session.add(attempt(bureau.canteen_operator.mobile, "sms", 5))
    text = (await (await browser_of("inspector")).get("/settings/providers")).text
    assert "AC-secret" not in text
    assert "密钥未设全" in text
    assert "2223880000" not in text.replace(" ", "")
    assert bureau.canteen_operator.mobile[3:] not in text.replace(" ", "")


# ── a test to oneself ────────────────────────────────────────────────────────────────────────


def test_a_test_is_sent_once_a_minute_and_leaves_two_thirds_to_the_clocks():
    caps = [Cap("sms", 6, 24 * HOUR), Cap("voice", 1, HOUR)]
    assert own_test_refused(None, [], caps, NOW) is None
    assert own_test_refused(NOW - MINUTE + SECOND, [], caps, NOW) == "TOO_SOON"
    assert own_test_refused(NOW - MINUTE, [], caps, NOW) is None
    assert own_test_refused(None, [NOW - HOUR], caps, NOW) is None
    assert own_test_refused(None, [NOW - HOUR] * 2, caps, NOW) == "BUDGET"
    assert own_test_refused(None, [NOW - 24 * HOUR] * 9, caps, NOW) is None


async def alerts(site):
    async with site.db.read() as session:
        return list(await session.exec(select(Alert).order_by(Alert.id)))


@pytest.fixture
def simulated(wired, app):
    """Let messages leave, to a simulator: nothing says so here but the site."""
    app.state.site = replace(wired.site, sending="simulated")


async def test_a_test_goes_to_oneself_through_the_queue_and_is_on_record(
    wired, site, bureau, browser_of, simulated
):
    browser = await browser_of("leader", name="赵建国", person_id=bureau.desk_leader.id)
    answer = await browser.post("/settings/providers/test")
    assert (answer.status_code, answer.headers["location"]) == (303, "/settings/providers#test")
    (row,) = await alerts(site)
    assert (row.person_id, row.channel, row.cause, row.lane) == (bureau.desk_leader.id, "sms", "test", 4)
    assert row.obligation_id is None
    clockwork = Clockwork(wired)
    await clockwork.run_pass()
    await clockwork.drain()
    async with site.db.read() as session:
        (sent,) = await session.exec(select(Attempt).where(Attempt.channel == "sms"))
        (entry,) = await session.exec(select(AuditEntry).where(AuditEntry.action == "test.sent"))
    assert sent.to_number == bureau.desk_leader.mobile
    assert (entry.actor, entry.subject) == ("赵建国", f"person:{bureau.desk_leader.id}")
    assert "14:00:00 已交通道" in said((await browser.get("/settings/providers")).text)


async def test_a_second_test_within_a_minute_is_refused_and_later_it_is_not(
    site, bureau, browser_of, simulated
):
    browser = await browser_of("operator", person_id=bureau.desk_operator.id)
    await browser.post("/settings/providers/test")
    site.clock.move(59)
    answer = await browser.post("/settings/providers/test")
    assert answer.status_code == 409
    assert "一分钟内只能发一条" in answer.text
    assert len(await alerts(site)) == 1
    site.clock.move(1)
    assert (await browser.post("/settings/providers/test")).status_code == 303
    assert len(await alerts(site)) == 2


async def test_a_number_that_was_used_a_lot_is_kept_for_the_clocks(site, bureau, browser_of, simulated):
    async with site.db.write() as session:
        session.add_all(attempt(bureau.desk_operator.mobile, "sms", minutes) for minutes in range(10, 26))
    browser = await browser_of("operator", person_id=bureau.desk_operator.id)
    answer = await browser.post("/settings/providers/test")
    assert (answer.status_code, "其余留给时限告知" in answer.text) == (409, True)
    assert await alerts(site) == []


async def test_without_real_sending_without_a_person_or_a_number_it_says_so(
    wired, site, bureau, browser_of, app
):
    linked = await browser_of("operator", person_id=bureau.desk_operator.id)
    answer = await linked.post("/settings/providers/test")
    assert (answer.status_code, "未启用真实发送，测试短信不会发出" in answer.text) == (409, True)
    app.state.site = replace(wired.site, sending="simulated")
    answer = await (await browser_of("operator")).post("/settings/providers/test")
    assert (answer.status_code, "本账号没有关联人员" in answer.text) == (409, True)
    async with site.db.write() as session:
        points = (await all_contacts(session, [bureau.desk_operator.id]))[bureau.desk_operator.id]
        await disable_contact(session, site.clock.now(), "test", points[0].id, "wrong number")
    answer = await linked.post("/settings/providers/test")
    assert (answer.status_code, "没有本人可用的手机号码" in answer.text) == (409, True)
    assert await alerts(site) == []


async def test_who_is_never_called_tests_nothing(site, bureau, browser_of, simulated):
    for role in ("office", "inspector", "auditor"):
        browser = await browser_of(role, person_id=bureau.desk_operator.id)
        assert (await browser.post("/settings/providers/test")).status_code == 403
        assert "发测试短信</button>" not in (await browser.get("/settings/providers")).text
    assert await alerts(site) == []

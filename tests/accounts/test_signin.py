"""Signing in, staying signed in, and being out at once."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from threading import Event
from urllib.parse import quote

import pytest
from sqlmodel import select

from dutydesk.accounts import queries
from dutydesk.accounts.model import SignIn, SignInFailure
from dutydesk.accounts.passwords import _POOL
from dutydesk.accounts.permissions import permissions_of
from dutydesk.accounts.rules import (
    LEAST_PASSWORD,
    WINDOW,
    is_live_sign_in,
    password_fault,
    safe_return,
    wait_until,
)
from dutydesk.accounts.signing import reset_password, set_open, sign_in
from dutydesk.app import create_app
from dutydesk.audit.model import AuditEntry
from dutydesk.settings import Settings
from tests.accounts.conftest import PASSWORD
from tests.conftest import HERE

NOW = datetime(2026, 11, 23, 6, tzinfo=UTC)
NEW_PASSWORD = "yongding-1530-he"
ELSEWHERE = [
    "//evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "http://evil.example",
    "https:evil.example",
    "javascript:alert(1)",
    "/\t/evil.example",
    "/\n/evil.example",
    "/a\r\nLocation: //evil.example",
    " //evil.example",
    "evil.example",
    "",
    "/" + "a" * 3000,
]


def ago(*seconds: float) -> list[datetime]:
    return [NOW - timedelta(seconds=one) for one in seconds]


# ── the rules ────────────────────────────────────────────────────────────────────────────────


def test_four_mistakes_cost_nothing_and_the_fifth_costs_seconds():
    assert wait_until(ago(4, 3, 2, 1), [], NOW) is None
    assert wait_until(ago(5, 4, 3, 2, 0), [], NOW) == NOW + timedelta(seconds=15)


def test_every_further_mistake_doubles_the_wait_up_to_ten_minutes():
    waits = [wait_until(ago(*range(count)), [], NOW) - NOW for count in range(5, 15)]
    assert waits[:3] == [timedelta(seconds=15), timedelta(seconds=30), timedelta(seconds=60)]
    assert waits == sorted(waits)
    assert waits[-1] == timedelta(minutes=10)


def test_mistakes_of_a_quarter_of_an_hour_ago_are_forgotten():
    long_ago = (WINDOW + timedelta(seconds=1)).total_seconds()
    assert wait_until(ago(*[long_ago] * 30), ago(*[long_ago] * 60), NOW) is None


def test_one_address_that_tries_many_logins_has_to_wait_too():
    assert wait_until(ago(0), ago(*range(39)), NOW) is None
    assert wait_until(ago(0), ago(*range(40)), NOW) == NOW - timedelta(seconds=39) + WINDOW
    # Whoever mistyped nothing is not locked out by somebody else behind the same router.
    assert wait_until([], ago(*range(40)), NOW) is None


def test_a_wait_that_is_over_is_over():
    assert wait_until(ago(20, 19, 18, 17, 16), [], NOW) is None


def test_a_sign_in_ends_when_it_is_not_used_when_it_is_old_and_when_somebody_ends_it():
    idle, longest = timedelta(hours=12), timedelta(days=14)
    second = timedelta(seconds=1)
    assert is_live_sign_in(NOW - longest + second, NOW - idle + second, None, NOW, idle, longest)
    assert not is_live_sign_in(NOW - longest, NOW, None, NOW, idle, longest)
    assert not is_live_sign_in(NOW - idle, NOW - idle, None, NOW, idle, longest)
    assert not is_live_sign_in(NOW, NOW, NOW, NOW, idle, longest)


@pytest.mark.parametrize("target", ELSEWHERE)
def test_nobody_is_led_elsewhere(target):
    assert safe_return(target) == "/"


@pytest.mark.parametrize(
    "target", ["/", "/desk", "/incidents?q=%E7%81%AB&page=2", "/incidents/2026-0001#reports"]
)
def test_a_page_of_ours_is_where_one_goes_back_to(target):
    assert safe_return(target) == target


@pytest.mark.parametrize(
    "password",
    ["", "short-930", "aaaaaaaaaaaa", "chenxiao-2026", "我的名字是陈晓呀哈哈哈", "password2026!", "x" * 201],
)
def test_a_password_that_can_be_guessed_is_refused(password):
    assert password_fault(password, "chenxiao", "陈晓") is not None


@pytest.mark.parametrize(
    "password", [PASSWORD, "一二三四五六七八九十", "correct horse battery", "Z" * 6 + "qv9m"]
)
def test_a_long_password_is_taken_whatever_it_is_made_of(password):
    assert len(password) >= LEAST_PASSWORD
    assert password_fault(password, "chenxiao", "陈晓") is None


# ── in ───────────────────────────────────────────────────────────────────────────────────────


async def test_who_signs_in_gets_to_the_page_that_was_asked_for(person, stranger, enter):
    await person()
    browser = await stranger()
    sent = await browser.get("/incidents?state=open")
    assert (sent.status_code, sent.headers["location"]) == (303, "/signin?next=%2Fincidents%3Fstate%3Dopen")
    answer = await enter(browser, target="/incidents?state=open")
    assert (answer.status_code, answer.headers["location"]) == (303, "/incidents?state=open")
    assert (await browser.get("/incidents")).status_code == 200


async def test_a_login_is_found_however_it_is_typed(person, stranger, enter):
    await person()
    assert (await enter(await stranger(), login="  ChenXiao ")).status_code == 303


async def test_an_unknown_login_a_wrong_password_and_a_closed_account_are_told_alike(
    site, person, stranger, enter
):
    await person()
    closed = await person("linchen", "林晨")
    await set_open(site.db, site.clock.now(), None, closed.id, is_open=False)
    browser = await stranger()
    answers = [
        await enter(browser, "nobody"),
        await enter(browser, "chenxiao", "wrong-password"),
        await enter(browser, "linchen"),
        await enter(browser, "\x00\x1b[2J", "\x00"),
    ]
    assert [one.status_code for one in answers] == [401] * 4
    assert all("用户名或密码不对" in one.text for one in answers)
    assert all("set-cookie" not in one.headers for one in answers)

    def without_what_was_typed(text):
        for typed in ("nobody", "chenxiao", "linchen"):
            text = text.replace(f'value="{typed}"', 'value=""')
        return text

    assert len({without_what_was_typed(one.text) for one in answers[:3]}) == 1


async def test_what_was_typed_as_a_login_stays_and_a_password_does_not(person, stranger, enter):
    await person()
    answer = await enter(await stranger(), "<script>alert(1)</script>", "secret-of-mine")
    assert "&lt;script&gt;" in answer.text
    assert "<script>alert" not in answer.text
    assert "secret-of-mine" not in answer.text


async def test_a_password_typed_into_the_wrong_field_is_not_kept_in_the_trail(site, person, stranger, enter):
    await person()
    await enter(await stranger(), "my-secret-password")
    async with site.db.read() as session:
        found = (await session.exec(select(AuditEntry).where(AuditEntry.action == "sign_in.failed"))).all()
    assert len(found) == 1
    assert "my-secret" not in str(found)


async def test_after_five_mistakes_even_the_right_password_has_to_wait(site, person, stranger, enter):
    await person()
    browser = await stranger()
    for _ in range(5):
        assert (await enter(browser, password="wrong-password")).status_code == 401
    answer = await enter(browser)
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "15")
    assert "15秒后再试" in answer.text
    # Another browser in another office is not kept out by it.
    assert (await enter(await stranger("10.1.2.3"))).status_code == 303
    site.clock.move(15)
    assert (await enter(browser)).status_code == 303


async def test_many_guesses_at_once_are_no_way_around_the_throttle(site, person, stranger, enter):
    await person()
    browser = await stranger()
    answers = await asyncio.gather(*(enter(browser, password=f"wrong-password-{one}") for one in range(8)))
    assert sorted(one.status_code for one in answers) == [401] * 5 + [429] * 3
    async with site.db.read() as session:
        assert len((await session.exec(select(SignInFailure))).all()) == 5
    assert (await enter(browser)).status_code == 429


async def test_a_cookie_that_was_planted_beforehand_is_never_adopted(site, person, stranger, enter):
    await person()
    browser = await stranger()
    browser.cookies["dutydesk"] = "planted"
    answer = await enter(browser)
    given = answer.cookies["dutydesk"]
    assert given != "planted"
    assert len(given) >= 43
    browser.cookies.clear()
    browser.cookies["dutydesk"] = "planted"
    assert (await browser.get("/account")).status_code == 303
    async with site.db.read() as session:
        stored = (await session.exec(select(SignIn))).one()
    assert given not in str(stored)


async def test_each_sign_in_has_a_secret_of_its_own(person, stranger, enter):
    await person()
    first, second = await enter(await stranger()), await enter(await stranger())
    assert first.cookies["dutydesk"] != second.cookies["dutydesk"]


async def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(person, stranger, enter):
    await person()
    cookie = (await enter(await stranger())).headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie
    assert "path=/" in cookie
    assert "domain" not in cookie


async def test_where_people_come_by_https_the_cookie_goes_no_other_way(wired, person, stranger, enter):
    await person()
    settings = Settings(database_url=wired.site.settings.database_url, public_url="https://desk.example.org")
    app = create_app(replace(wired, site=replace(wired.site, settings=settings)))
    browser = await stranger(application=app, base="https://desk.example.org")
    cookie = (await enter(browser)).headers["set-cookie"]
    assert cookie.startswith("__Host-dutydesk=")
    assert "Secure" in cookie
    assert "Domain" not in cookie
    assert (await browser.get("/account")).status_code == 200
    out = (await browser.post("/signout")).headers["set-cookie"]
    assert out.startswith('__Host-dutydesk=""')
    assert "Secure" in out
    # The name without the prefix, which another host could have set, opens nothing.
    plain = await stranger(application=app, base="https://desk.example.org")
    plain.cookies["dutydesk"] = cookie.split("=", 1)[1].split(";")[0]
    assert (await plain.get("/account")).status_code == 303


@pytest.mark.parametrize("target", ELSEWHERE)
async def test_signing_in_and_preferences_lead_nobody_elsewhere(person, stranger, enter, target):
    await person()
    browser = await stranger()
    assert (await enter(browser, target=target)).headers["location"] == "/"
    answer = await browser.post("/preferences", data={"next": target, "theme": "dark"})
    assert answer.headers["location"] == "/"
    shown = await browser.get(f"/signin?next={quote(target)}")
    assert shown.status_code == 200
    assert shown.text.count('name="next" value="/">') == 1


async def test_preferences_keep_only_what_there_is_to_choose(stranger):
    browser = await stranger()
    answer = await browser.post("/preferences", data={"language": "xx<script>", "theme": "neon"})
    assert "set-cookie" not in answer.headers
    answer = await browser.post("/preferences", data={"language": "en", "theme": "dark", "next": "/signin"})
    assert {name: answer.cookies[name] for name in answer.cookies} == {"language": "en", "theme": "dark"}


# ── out ──────────────────────────────────────────────────────────────────────────────────────


async def test_who_signs_out_is_out_and_the_cookie_is_worth_nothing(person, stranger, enter):
    await person()
    browser = await stranger()
    cookie = (await enter(browser)).cookies["dutydesk"]
    answer = await browser.post("/signout")
    assert (answer.status_code, answer.headers["location"]) == (303, "/signin")
    browser.cookies["dutydesk"] = cookie
    assert (await browser.get("/account")).status_code == 303


async def test_one_may_sign_out_ones_other_browsers_and_nobody_elses(site, person, stranger, enter):
    await person()
    await person("linchen", "林晨")
    here, there, other = await stranger(), await stranger(), await stranger()
    await enter(here)
    await enter(there)
    await enter(other, "linchen")
    async with site.db.read() as session:
        live = {row.id: account.login for row, account in await queries.live_sign_ins(session)}
    theirs = next(one for one, login in live.items() if login == "linchen")
    assert (await here.post(f"/account/sign-ins/{theirs}/end")).status_code == 404
    assert (await other.get("/account")).status_code == 200
    mine = max(one for one, login in live.items() if login == "chenxiao")
    assert (await here.post(f"/account/sign-ins/{mine}/end")).status_code == 303
    assert (await there.get("/account")).status_code == 303
    assert (await here.get("/account")).status_code == 200


async def test_nobody_stays_signed_in_unused_or_for_ever(site, person, stranger, enter):
    await person()
    browser = await stranger()
    await enter(browser)
    hours = site.settings.sign_in_idle_hours
    site.clock.move(hours * 3600 - 1)
    assert (await browser.get("/account")).status_code == 200
    site.clock.move(hours * 3600)
    assert (await browser.get("/account")).status_code == 303
    await enter(browser)
    # In use day and night, and out in the end all the same.
    for _ in range(site.settings.sign_in_days * 24 // 6 - 1):
        site.clock.move(6 * 3600)
        assert (await browser.get("/account")).status_code == 200
    site.clock.move(6 * 3600)
    assert (await browser.get("/account")).status_code == 303


async def test_a_form_sent_too_late_is_not_lost_in_a_redirect(site, person, stranger, enter):
    await person()
    browser = await stranger()
    await enter(browser)
    site.clock.move(site.settings.sign_in_idle_hours * 3600)
    answer = await browser.post("/account/password", data={})
    assert answer.status_code == 401
    assert "登录已经失效" in answer.text


async def test_a_script_is_told_with_a_number_and_not_sent_to_a_page(person, stranger):
    await person()
    browser = await stranger(Accept="*/*")
    assert (await browser.get("/desk/board")).status_code == 401


# ── passwords ────────────────────────────────────────────────────────────────────────────────


async def test_a_password_that_somebody_else_chose_opens_nothing_but_its_own_change(
    site, person, stranger, enter
):
    made = await person()
    plain = await reset_password(site.db, site.clock.now(), None, made.id)
    browser = await stranger()
    answer = await enter(browser, password=plain, target="/incidents")
    answer = await browser.get(answer.headers["location"])
    assert (answer.status_code, answer.headers["location"]) == (303, "/account/password?next=%2Fincidents")
    for address in ("/", "/desk", "/account", "/settings"):
        assert (await browser.get(address)).headers["location"].startswith("/account/password")
    assert (await browser.post("/phone", data={})).status_code == 401
    form = {"old": plain, "new": NEW_PASSWORD, "again": NEW_PASSWORD, "next": "/incidents"}
    assert (await browser.post("/account/password", data=form)).headers["location"] == "/incidents"
    assert (await browser.get("/incidents")).status_code == 200


async def test_a_changed_password_signs_every_other_browser_out(person, stranger, enter):
    await person()
    here, there = await stranger(), await stranger()
    await enter(here)
    await enter(there)
    form = {"old": PASSWORD, "new": NEW_PASSWORD, "again": NEW_PASSWORD, "next": "//evil.example"}
    answer = await here.post("/account/password", data=form)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert (await here.get("/account")).status_code == 200
    assert (await there.get("/account")).status_code == 303
    assert (await enter(there)).status_code == 401
    assert (await enter(there, password=NEW_PASSWORD)).status_code == 303


@pytest.mark.parametrize(
    ("old", "new", "again", "said"),
    [
        ("wrong-password", NEW_PASSWORD, NEW_PASSWORD, "原密码不对"),
        (PASSWORD, NEW_PASSWORD, NEW_PASSWORD + "x", "两次输入的不一样"),
        (PASSWORD, PASSWORD, PASSWORD, "与原密码相同"),
        (PASSWORD, "short", "short", "至少10个字符"),
        (PASSWORD, "", "", "请填写"),
    ],
)
async def test_a_password_is_not_changed_without_the_old_one_or_for_a_weak_one(
    person, stranger, enter, old, new, again, said
):
    await person()
    browser = await stranger()
    await enter(browser)
    answer = await browser.post("/account/password", data={"old": old, "new": new, "again": again})
    assert answer.status_code == 422
    assert said in answer.text
    assert PASSWORD not in answer.text
    assert (await enter(await stranger())).status_code == 303


# ── other sites ──────────────────────────────────────────────────────────────────────────────


async def test_no_other_site_posts_anything(app, person, stranger, enter):
    await person()
    browser = await stranger()
    await enter(browser)
    del browser.headers["Sec-Fetch-Site"]
    posts = [
        said.split(" ")[1]
        for said, _ in permissions_of(app)
        if said.startswith("POST ") and not said.split(" ")[1].startswith(("/api/", "/webhooks/"))
    ]
    assert "/signin" in posts
    assert "/setup" in posts
    for path in posts:
        for headers in (
            {},
            {"Sec-Fetch-Site": "cross-site"},
            {"Sec-Fetch-Site": "same-site"},
            {"Origin": "null"},
        ):
            answer = await browser.post(path.replace("{", "").replace("}", ""), data={}, headers=headers)
            assert answer.status_code == 403, (path, headers)
    assert (await browser.get("/account", headers={"Sec-Fetch-Site": "none"})).status_code == 200


@pytest.mark.parametrize("address", ["/signin", "/account", "/account/password"])
async def test_no_page_is_shown_inside_another_one_or_kept(person, stranger, enter, address):
    await person()
    browser = await stranger()
    await enter(browser)
    headers = (await browser.get(address)).headers
    assert headers["x-frame-options"] == "DENY"
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert "form-action 'self'" in headers["content-security-policy"]
    assert headers["cache-control"] == "no-store"


async def test_our_own_name_is_taken_and_no_other_one(wired, person, stranger):
    await person()
    settings = Settings(database_url=wired.site.settings.database_url, public_url="https://desk.example.org")
    app = create_app(replace(wired, site=replace(wired.site, settings=settings)))
    for base, status in (
        (HERE, 200),
        ("https://desk.example.org", 200),
        ("https://DESK.example.org:8443", 200),
        ("https://evil.example", 403),
        ("https://desk.example.org.evil.example", 403),
    ):
        browser = await stranger(application=app, base=base)
        assert (await browser.get("/signin")).status_code == status, base


async def test_a_sign_in_that_was_under_way_does_not_outlive_the_password_it_was_made_with(site, person):
    account = await person()
    release = Event()
    held = [_POOL.submit(release.wait) for _ in range(2)]
    under_way = asyncio.create_task(sign_in(site.db, site.clock.now(), "chenxiao", PASSWORD, "10.0.0.1", ""))
    for _ in range(20):  # it has read the account long before
        async with site.db.read() as session:
            await queries.list_accounts(session)
    async with site.db.write() as session:
        row = await queries.account(session, account.id)
        row.password_hash = "changed meanwhile"
        session.add(row)
    release.set()
    assert await under_way is None
    assert all(one.result() for one in held)
    async with site.db.read() as session:
        assert await queries.live_sign_ins(session) == []

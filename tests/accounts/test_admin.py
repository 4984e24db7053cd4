"""Accounts, sign-ins and tokens as the administrator handles them, and what two people keep apart."""

import asyncio
import re
from datetime import timedelta

import pytest
from sqlmodel import select

from dutydesk.accounts import queries
from dutydesk.accounts.actions import actor_for_token, create_token
from dutydesk.accounts.rules import Actor, Holder, account_faults, link_fault, may_give, may_manage
from dutydesk.accounts.signing import NewAccount, create_account
from dutydesk.audit.model import AuditEntry
from dutydesk.errors import InvalidInputError
from tests.accounts.conftest import PASSWORD
from tests.builders import build_bureau

ADMIN = Actor("管理", "administrator", account_id=1)
ONE_TIME = re.compile(r"<code[^>]*>([a-z0-9]{4}(?:-[a-z0-9]{4}){3})</code>")
TOKEN = re.compile(r"<code[^>]*>(dd_[\w-]{43})</code>")


@pytest.fixture
async def admin(browser_of):
    return await browser_of("administrator", name="管理")


@pytest.fixture
async def bureau(site):
    return await build_bureau(site.db, site.clock.now())


async def account(site, login):
    async with site.db.read() as session:
        return await queries.account_by_login(session, login)


async def trail(site, action):
    async with site.db.read() as session:
        return list(await session.exec(select(AuditEntry).where(AuditEntry.action == action)))


def new(**more):
    return {"login": "linchen", "name": "林晨", "role": "operator", "unit": "", "person": ""} | more


# ── the rules ────────────────────────────────────────────────────────────────────────────────


def test_an_administrator_hands_out_every_role_but_the_one_that_watches_him():
    assert may_give(ADMIN, "operator")
    assert may_give(ADMIN, "administrator")
    assert not may_give(ADMIN, "auditor")
    assert not may_give(Actor("陈晓", "operator"), "operator")
    assert may_give(None, "auditor")


def test_nobody_manages_ones_own_account_or_an_auditors():
    assert may_manage(ADMIN, "administrator", own=False)
    assert not may_manage(ADMIN, "administrator", own=True)
    assert not may_manage(ADMIN, "auditor", own=False)
    assert not may_manage(Actor("审计", "auditor"), "administrator", own=False)
    assert not may_manage(Actor("陈晓", "operator"), "unit", own=False)


@pytest.mark.parametrize(("name", "person"), [("管理", None), (" 管理 ", None), ("别名", 7)])
def test_one_person_is_never_administrator_and_auditor(name, person):
    others = [Holder("guanli", "管理", "administrator", 7)]
    faults = account_faults("shenji", name, "auditor", None, person, others)
    assert ("role", "管理员与审计员须是不同的人") in faults
    assert account_faults("shenji", "审计", "auditor", None, 8, others) == []
    assert link_fault("auditor", 7, others) is not None
    assert link_fault("auditor", 8, others) is None


def test_a_person_has_one_open_account_for_whoever_signs_in_with_it_confirms_as_that_person():
    held = [Holder("zhaojianguo", "赵建国", "leader", 7)]
    left = [Holder("zhaojianguo", "赵建国", "leader", 7, is_open=False)]
    assert ("person", "此人已有账号") in account_faults("zhiban", "值班", "operator", None, 7, held)
    assert link_fault("operator", 7, held) == "此人已有账号"
    assert account_faults("zhiban", "值班", "operator", None, 7, left) == []
    assert link_fault("operator", 7, left) is None
    assert link_fault("operator", None, held) is None


@pytest.mark.parametrize("login", ["", "a", "Chenxiao", "-chen", "chen xiao", "陈晓", "a" * 33, "chen\n"])
def test_a_login_is_plain_and_short(login):
    assert [field for field, _ in account_faults(login, "陈晓", "operator", None, None, [])] == ["login"]


# ── accounts ─────────────────────────────────────────────────────────────────────────────────


async def test_a_new_account_has_a_password_that_is_shown_once_and_must_be_changed(
    site, admin, stranger, enter
):
    answer = await admin.post("/settings/accounts/new", data=new())
    assert answer.status_code == 200
    (plain,) = ONE_TIME.findall(answer.text)
    assert plain not in str(answer.url)
    assert answer.headers["cache-control"] == "no-store"
    made = await account(site, "linchen")
    assert made.must_change
    for address in ("/settings/accounts", f"/settings/accounts/{made.id}"):
        assert plain not in (await admin.get(address)).text
    assert plain not in str(await trail(site, "account.created"))
    browser = await stranger()
    assert (await enter(browser, "linchen", plain)).status_code == 303
    assert (await browser.get("/desk")).headers["location"].startswith("/account/password")


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"login": "Lin Chen"}, "2至32位小写字母"),
        ({"login": "taken"}, "这个用户名已被使用"),
        ({"name": ""}, "请填写"),
        ({"name": "旧人"}, "已有同名账号"),
        ({"role": "king"}, "请选择"),
        ({"role": "auditor"}, "只能在本机用命令建立"),
        ({"role": "unit"}, "单位联系人须选定单位"),
        ({"unit": "1"}, "只有单位联系人限定单位"),
        ({"unit": "999", "role": "unit"}, "请选择"),
        ({"person": "x"}, "请选择"),
    ],
)
async def test_what_is_wrong_with_an_account_is_said_and_nothing_typed_is_lost(
    site, bureau, admin, person, wrong, said
):
    await person("taken", "旧人")
    answer = await admin.post("/settings/accounts/new", data=new(**wrong))
    assert answer.status_code == 422
    assert said in answer.text
    assert f'value="{new(**wrong)["login"]}"' in answer.text
    assert await account(site, "linchen") is None


async def test_two_who_make_the_same_account_at_once_make_one(site):
    async def make(name):
        return await create_account(
            site.db, site.clock.now(), "test", NewAccount("linchen", name, "operator")
        )

    found = await asyncio.gather(make("林晨"), make("林辰"), return_exceptions=True)
    assert [isinstance(one, InvalidInputError) for one in found].count(True) == 1


async def test_administrator_and_auditor_made_at_once_are_different_people(site, bureau):
    async def make(login, name, role):
        wanted = NewAccount(login, name, role, person_id=bureau.chief.id)
        return await create_account(site.db, site.clock.now(), "test", wanted)

    found = await asyncio.gather(
        make("guanli", "管理", "administrator"), make("shenji", "审计", "auditor"), return_exceptions=True
    )
    assert [isinstance(one, InvalidInputError) for one in found].count(True) == 1


async def test_a_reset_password_ends_every_sign_in_and_is_shown_once(site, admin, person, stranger, enter):
    made = await person()
    browser = await stranger()
    await enter(browser)
    answer = await admin.post(f"/settings/accounts/{made.id}/password")
    (plain,) = ONE_TIME.findall(answer.text)
    assert (await browser.get("/desk")).status_code == 303
    assert (await enter(browser)).status_code == 401
    assert (await enter(browser, password=plain)).status_code == 303
    (entry,) = await trail(site, "account.password_reset")
    assert (entry.actor, entry.subject, plain in str(entry.detail)) == ("管理", "account:chenxiao", False)


async def test_a_closed_account_is_out_at_once_and_opened_again_it_is_as_before(
    site, admin, person, stranger, enter
):
    made = await person()
    browser = await stranger()
    await enter(browser)
    assert (await admin.post(f"/settings/accounts/{made.id}/close")).status_code == 303
    assert (await browser.get("/desk")).status_code == 303
    assert (await enter(browser)).status_code == 401
    assert "已停用" in (await admin.get(f"/settings/accounts/{made.id}")).text
    await admin.post(f"/settings/accounts/{made.id}/open")
    assert (await enter(browser)).status_code == 303


async def test_somebody_is_signed_out_everywhere_and_may_come_back(admin, person, stranger, enter):
    made = await person()
    browsers = [await stranger(), await stranger()]
    for browser in browsers:
        await enter(browser)
    await admin.post(f"/settings/accounts/{made.id}/sign-out")
    for browser in browsers:
        assert (await browser.get("/desk")).status_code == 303
    assert (await enter(browsers[0])).status_code == 303


async def test_an_administrator_touches_neither_the_auditors_account_nor_the_own(site, admin, browser_of):
    auditor = await browser_of("auditor", name="审计")
    async with site.db.read() as session:
        rows = {row.name: row.id for row in await queries.list_accounts(session)}
        signed_in = {account.name: row.id for row, account in await queries.live_sign_ins(session)}
    for name in ("管理", "审计"):
        for act in ("password", "close", "open", "sign-out"):
            answer = await admin.post(f"/settings/accounts/{rows[name]}/{act}")
            assert answer.status_code == 403, (name, act)
            assert "不能在这里办理" in answer.text
        assert "确认重置" not in (await admin.get(f"/settings/accounts/{rows[name]}")).text
    answer = await admin.post(f"/settings/accounts/{rows['审计']}/person", data={"person": ""})
    assert answer.status_code == 403
    assert (await admin.post(f"/settings/sign-ins/{signed_in['审计']}/end")).status_code == 403
    assert (await auditor.get("/settings/audit")).status_code == 200


async def test_an_account_is_linked_with_a_person_of_the_directory(site, bureau, admin, person):
    made = await person()
    answer = await admin.post(
        f"/settings/accounts/{made.id}/person", data={"person": str(bureau.desk_operator.id)}
    )
    assert answer.status_code == 303
    assert (await account(site, "chenxiao")).person_id == bureau.desk_operator.id
    assert (
        await admin.post(f"/settings/accounts/{made.id}/person", data={"person": "999"})
    ).status_code == 422


async def test_nobody_links_his_own_account_with_somebody(site, bureau, admin):
    async with site.db.read() as session:
        own = next(one for one in await queries.list_accounts(session) if one.role == "administrator")
    answer = await admin.post(
        f"/settings/accounts/{own.id}/person", data={"person": str(bureau.desk_leader.id)}
    )
    assert answer.status_code == 403
    assert (await account(site, own.login)).person_id is None


async def test_nobody_becomes_the_auditors_own_administrator_by_a_link(site, bureau, admin, person):
    await person("shenji", "审计", "auditor", person_id=bureau.chief.id)
    other = await person("guanli2", "管理二", "administrator")
    answer = await admin.post(f"/settings/accounts/{other.id}/person", data={"person": str(bureau.chief.id)})
    assert answer.status_code == 422
    assert "管理员与审计员须是不同的人" in answer.text


async def test_what_there_is_not_is_not_found(admin):
    for act in ("", "/password", "/close", "/open", "/sign-out"):
        ask = admin.get if not act else admin.post
        assert (await ask(f"/settings/accounts/999{act}")).status_code == 404
    assert (await admin.post("/settings/sign-ins/999/end")).status_code == 404
    assert (await admin.post("/settings/tokens/999/revoke")).status_code == 404


async def test_names_are_text_on_every_page(site, admin):
    name = "<script>alert(1)</script>"
    answer = await admin.post("/settings/accounts/new", data=new(name=name))
    pages = [answer.text] + [
        (await admin.get(one)).text for one in ("/settings/accounts", "/settings/accounts/2")
    ]
    assert all("<script>alert" not in page for page in pages)
    assert all("&lt;script&gt;" in page for page in pages)


# ── sign-ins ─────────────────────────────────────────────────────────────────────────────────


async def test_every_browser_is_listed_and_can_be_signed_out(site, admin, person, stranger, enter):
    await person()
    agent = "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/126.0.0.0 Safari/537.36"
    browser = await stranger("10.1.2.3", **{"User-Agent": agent})
    await enter(browser)
    page = (await admin.get("/settings/sign-ins")).text
    assert "10.1.2.3" in page
    assert "Chrome 126" in page
    async with site.db.read() as session:
        theirs = next(row.id for row, one in await queries.live_sign_ins(session) if one.login == "chenxiao")
    assert (await admin.post(f"/settings/sign-ins/{theirs}/end")).status_code == 303
    assert (await browser.get("/desk")).status_code == 303
    (entry,) = await trail(site, "sign_in.ended")
    assert entry.actor == "管理"


async def test_what_ran_out_is_not_listed(site, admin, person, stranger, enter):
    await person()
    await enter(await stranger("10.1.2.3"))
    site.clock.move(site.settings.sign_in_idle_hours * 3600 - 1)
    await admin.get("/account")
    assert "10.1.2.3" in (await admin.get("/settings/sign-ins")).text
    site.clock.move(1)
    assert "10.1.2.3" not in (await admin.get("/settings/sign-ins")).text


# ── tokens ───────────────────────────────────────────────────────────────────────────────────


def token_form(**more):
    return {"name": "大屏", "role": "operator", "unit": "", "days": "30", "once": "k1"} | more


async def test_a_token_is_shown_once_works_and_is_revoked(site, admin):
    answer = await admin.post("/settings/tokens/new", data=token_form())
    (plain,) = TOKEN.findall(answer.text)
    now = site.clock.now()
    async with site.db.read() as session:
        assert (await actor_for_token(session, plain, now)).role == "operator"
        assert await actor_for_token(session, plain, now + timedelta(days=30)) is None
    page = (await admin.get("/settings/tokens")).text
    assert "大屏" in page
    assert plain not in page
    assert (await admin.post("/settings/tokens/1/revoke")).status_code == 303
    async with site.db.read() as session:
        assert await actor_for_token(session, plain, now) is None
    assert "已撤销" in (await admin.get("/settings/tokens")).text
    assert [one.actor for one in await trail(site, "token.revoked")] == ["管理"]


async def test_a_form_sent_twice_makes_one_token(site, admin):
    answers = await asyncio.gather(*(admin.post("/settings/tokens/new", data=token_form()) for _ in range(2)))
    assert sorted(one.status_code for one in answers) == [200, 409]
    async with site.db.read() as session:
        assert len(await queries.list_tokens(session)) == 1


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"name": " "}, "请填写"),
        ({"name": "大\u202e屏"}, "不含控制字符"),
        ({"role": "king"}, "请选择"),
        ({"role": "auditor"}, "只能在本机用命令建立"),
        ({"role": "unit"}, "单位联系人须选定单位"),
        ({"unit": "1"}, "只有单位联系人限定单位"),
        ({"days": "0"}, "1至3650之间的整数"),
        ({"days": "9" * 30}, "1至3650之间的整数"),
        ({"days": "一年"}, "1至3650之间的整数"),
    ],
)
async def test_what_is_wrong_with_a_token_is_said(site, bureau, admin, wrong, said):
    answer = await admin.post("/settings/tokens/new", data=token_form(**wrong))
    assert answer.status_code == 422
    assert said in answer.text
    async with site.db.read() as session:
        assert await queries.list_tokens(session) == []


async def test_an_administrator_makes_no_auditors_token_and_the_machine_does(site, db, clock):
    with pytest.raises(InvalidInputError, match="只能在本机"):
        async with db.write() as session:
            await create_token(session, clock.now(), "后门", "auditor", giver=ADMIN)
    async with db.write() as session:
        assert await create_token(session, clock.now(), "审计", "auditor")


async def test_an_auditors_account_comes_from_the_machine_only(site):
    wanted = NewAccount("shenji", "审计", "auditor", password=PASSWORD)
    with pytest.raises(InvalidInputError, match="只能在本机"):
        await create_account(site.db, site.clock.now(), "管理", wanted, giver=ADMIN)
    assert (await create_account(site.db, site.clock.now(), "command line", wanted))[0].role == "auditor"

"""The first administrator: with the code on the terminal, and only once."""

import asyncio

import pytest

from dutydesk.accounts import queries
from dutydesk.accounts.signing import NewAccount, create_account
from dutydesk.errors import NotFoundError

PASSWORD = "haihe-0830-jin"


def form(site, **more):
    return {
        "code": site.setup_code,
        "login": "guanli",
        "name": "管理",
        "new": PASSWORD,
        "again": PASSWORD,
    } | more


async def accounts(site):
    async with site.db.read() as session:
        return await queries.list_accounts(session)


async def test_where_nobody_has_an_account_every_page_leads_to_the_first_one(stranger):
    browser = await stranger()
    for address in ("/", "/desk", "/settings/accounts"):
        assert (await browser.get(address)).headers["location"].startswith("/setup")
    assert (await browser.get("/signin")).headers["location"] == "/setup"
    assert (await browser.get("/setup")).status_code == 200


async def test_the_first_administrator_is_made_with_the_code_and_is_signed_in(site, stranger):
    browser = await stranger()
    assert site.setup_code in (await browser.get(f"/setup?code={site.setup_code}")).text
    answer = await browser.post("/setup", data=form(site))
    assert (answer.status_code, answer.headers["location"]) == (303, "/settings")
    assert (await browser.get("/settings/accounts")).status_code == 200
    (made,) = await accounts(site)
    assert (made.login, made.role, made.must_change) == ("guanli", "administrator", False)
    assert PASSWORD not in str(made)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"code": "guessed"}, "与终端里显示的不一致"),
        ({"code": ""}, "请填写"),
        ({"login": "Guan Li"}, "2至32位小写字母"),
        ({"name": "管\u202e理"}, "不含控制字符"),
        ({"name": "管" * 51}, "最多50个字"),
        ({"new": "short", "again": "short"}, "至少10个字符"),
        ({"again": "another-password"}, "两次输入的不一样"),
    ],
)
async def test_what_is_wrong_is_said_and_nobody_is_made(site, stranger, wrong, said):
    answer = await (await stranger()).post("/setup", data=form(site, **wrong))
    assert answer.status_code == 422
    assert said in answer.text
    assert PASSWORD not in answer.text
    assert await accounts(site) == []


async def test_afterwards_there_is_no_such_page(site, stranger):
    await (await stranger()).post("/setup", data=form(site))
    browser = await stranger()
    assert (await browser.get("/setup")).status_code == 404
    answer = await browser.post("/setup", data=form(site, login="another", name="另一人"))
    assert answer.status_code == 404
    assert "管理员账号已经建立" in answer.text
    assert len(await accounts(site)) == 1


async def test_of_two_who_set_up_at_once_one_becomes_the_administrator(site, stranger):
    first, second = await stranger(), await stranger()
    answers = await asyncio.gather(
        first.post("/setup", data=form(site)),
        second.post("/setup", data=form(site, login="another", name="另一人")),
    )
    assert sorted(one.status_code for one in answers) == [303, 404]
    assert len(await accounts(site)) == 1


async def test_only_the_first_is_the_first_whoever_looked_before(site):
    async def make(number):
        new = NewAccount(f"admin{number}x", f"管理{number}", "administrator", password="tianjin-2580-men")
        return await create_account(site.db, site.clock.now(), "setup", new, only_first=True)

    found = await asyncio.gather(*(make(number) for number in range(6)), return_exceptions=True)
    assert sum(isinstance(one, NotFoundError) for one in found) == 5
    assert len(await accounts(site)) == 1

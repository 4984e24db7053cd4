"""The lists of other pages as workbooks: the rows of the page, for whom the page is."""

import re

import pytest
from sqlmodel import select

from dutydesk.accounts.model import Account, ApiToken, SignIn
from dutydesk.audit.actions import record
from dutydesk.audit.model import AuditEntry
from dutydesk.incidents.model import Incident, Paper, PaperStep
from dutydesk.search.lists import KINDS
from tests.search.conftest import workbook

pytestmark = pytest.mark.usefixtures("exports")
ROLES = ("operator", "leader", "office", "inspector", "administrator", "auditor")
PAGES = {kind: one.page for kind, one in KINDS.items()}


def column(lines, heading):
    place = lines[0].index(heading)
    return [line[place] for line in lines[1:]]


async def paper(room, title, **more):
    async with room.site.db.write() as session:
        incident = (await session.exec(select(Incident))).first()
        now = room.site.clock.now()
        row = Paper(
            incident_id=incident.id,
            kind="special_report",
            title=title,
            drafter="陈静",
            body="正文",
            created_at=now,
            **more,
        )
        session.add(row)
        await session.flush()
        step = {"at": now, "actor": "陈静", "before": "draft", "after": row.state, "version": 1}
        session.add(PaperStep(paper_id=row.id, **step))


async def test_who_reads_a_list_has_it_as_a_workbook_and_nobody_else(room, browser_of):
    browsers = {role: await browser_of(role) for role in ROLES}
    browsers["unit"] = await browser_of("unit", unit="canteen")
    for role, browser in browsers.items():
        for kind, page in PAGES.items():
            reads = (await browser.get(page)).status_code
            begun = (await browser.post("/search/exports", data={"kind": kind})).status_code
            expected = {200: 303, 403: 403}[reads]
            assert begun == expected, (role, kind)


async def test_each_page_has_the_button(room, browser_of):
    await room.incident("起火")
    await room.entry("供暖")
    await paper(room, "专报")
    operator = await browser_of("operator")
    auditor, administrator = await browser_of("auditor"), await browser_of("administrator")
    for kind, page in {**PAGES, "incidents": "/incidents"}.items():
        browser = {"audit": auditor, "tokens": administrator, "accounts": administrator}.get(kind, operator)
        browser = administrator if kind == "sign_ins" else browser
        if kind == "tokens":
            async with room.site.db.write() as session:
                now = room.site.clock.now()
                session.add(ApiToken(name="大屏", role="inspector", token_hash="x" * 64, created_at=now))
        answer = await browser.get(page)
        assert answer.status_code == 200, kind
        text = answer.text
        found = re.search(r'<form class="export" method="post" action="/search/exports">.*?</form>', text)
        assert found is not None, kind
        assert f'name="kind" value="{kind}"' in found[0]


async def test_papers_are_exported_with_the_state_that_is_shown(room, browser_of):
    await room.incident("起火", drill=True)
    await paper(room, "草稿请回电13700000099", issue="津值〔2026〕1号")
    await paper(room, "已报送的", state="sent")
    operator, inspector = await browser_of("operator"), await browser_of("inspector")
    lines = await workbook(operator, kind="papers")
    assert column(lines, "标题") == ["已报送的", "草稿请回电13700000099"]
    assert column(lines, "期号") == ["", "津值〔2026〕1号"]
    assert column(await workbook(operator, kind="papers", state="sent"), "标题") == ["已报送的"]
    assert column(await workbook(inspector, kind="papers", state="draft"), "标题") == [
        "草稿请回电137000***99"
    ]


async def test_the_duty_log_is_exported_as_its_page_shows_it(room, browser_of):
    wrong = await room.entry("供暖三号楼")
    await room.entry("供暖四号楼", corrects_id=wrong, reason="听错")
    room.pass_by(minutes=1)
    await room.entry("请示", kind="instruction", unit_id=room.bureau.motor.id)
    operator = await browser_of("operator")
    assert column(await workbook(operator, kind="entries"), "内容") == ["请示", "供暖四号楼"]
    for filters, expected in (
        ({"type": "instruction"}, ["请示"]),
        ({"unit": "motor"}, ["请示"]),
        ({"text": "供暖"}, ["供暖四号楼"]),
        ({"day": "2026-11-23"}, ["请示", "供暖四号楼"]),
        ({"day": "2026-11-22"}, []),
        ({"day": "2026-11-22", "by": "calendar"}, []),
        ({"day": "x"}, ["请示", "供暖四号楼"]),
    ):
        assert column(await workbook(operator, kind="entries", **filters), "内容") == expected, filters


async def test_the_trail_is_exported_with_its_filters_and_without_numbers(room, browser_of):
    now = room.site.clock.now()
    async with room.site.db.write() as session:
        for at in range(120):
            record(session, now, f"某人{at % 2}", "contact.disabled", f"person:{at}", number="+8613700000099")
    auditor = await browser_of("auditor")
    lines = await workbook(auditor, kind="audit", action="contact.disabled", actor="某人1")
    assert len(lines) == 61
    assert set(column(lines, "操作人")) == {"某人1"}
    assert column(lines, "对象")[0].endswith("119")
    assert "3700000099" not in str(lines)
    refused = await auditor.post("/search/exports", data={"kind": "audit", "from": "2026-13-01"})
    assert refused.status_code == 422
    assert "日期格式不对" in refused.text


async def test_accounts_sign_ins_and_tokens_are_exported_without_any_secret(room, browser_of):
    administrator = await browser_of("administrator")
    await browser_of("unit", unit="canteen", name="王小明")
    now = room.site.clock.now()
    async with room.site.db.write() as session:
        session.add(ApiToken(name="大屏", role="inspector", token_hash="秘" * 64, created_at=now))
    accounts = await workbook(administrator, kind="accounts")
    sign_ins = await workbook(administrator, kind="sign_ins")
    tokens = await workbook(administrator, kind="tokens")
    assert "王小明" in column(accounts, "姓名")
    assert "机关食堂" in column(accounts, "单位")
    assert "王小明" in column(sign_ins, "姓名")
    assert column(tokens, "用途") == ["大屏"]
    everything = str((accounts, sign_ins, tokens))
    async with room.site.db.read() as session:
        secrets = []
        for one in (Account.password_hash, SignIn.token_hash, ApiToken.token_hash):
            secrets += await session.exec(select(one))
    assert secrets
    for secret in (one for one in secrets if len(one) > 1):  # those of the tests have no password
        assert secret not in everything


async def test_an_export_of_the_trail_is_recorded_and_ends_with_the_role(room, browser_of, site):
    auditor = await browser_of("auditor", name="审计")
    posted = await auditor.post("/search/exports", data={"kind": "audit", "actor": "陈静"})
    async with site.db.write() as session:
        account = (await session.exec(select(Account).where(Account.name == "审计"))).one()
        account.role = "inspector"
        session.add(account)
    assert (await auditor.get(posted.headers["location"])).status_code == 404
    async with site.db.read() as session:
        row = (await session.exec(select(AuditEntry).where(AuditEntry.action == "list.exported"))).one()
    assert (row.subject, row.detail) == (
        "list:audit",
        {"filters": {"kind": "audit", "actor": "陈静"}, "rows": row.detail["rows"]},
    )

"""A paper on its way from a draft to a receipt: drafted, checked by another, signed by a leader, sent, received."""

import asyncio
import re
import zipfile
from datetime import UTC, datetime, timedelta
from html import unescape
from io import BytesIO
from urllib.parse import unquote
from xml.etree import ElementTree as ET

import pytest
from sqlmodel import select

from dutydesk.accounts.rules import Actor
from dutydesk.audit.model import AuditEntry
from dutydesk.errors import ConflictError, InvalidInputError, NotAllowedError
from dutydesk.incidents.actions import NewIncident, log_incident
from dutydesk.incidents.model import Casualties, Paper, PaperStep
from dutydesk.incidents.papers import actions as paper_actions
from dutydesk.incidents.papers import queries as paper_queries
from dutydesk.incidents.papers.facts import Typed, propose
from dutydesk.incidents.papers.text import kept_words
from dutydesk.incidents.queries import incident_by_number
from dutydesk.obligations.queries import obligations_of
from tests.builders import build_bureau

WRITER = Actor("陈静", "operator", sign_in_id=1)
CHECKER = Actor("刘洋", "operator", sign_in_id=2)
LEADER = Actor("赵建国", "leader", sign_in_id=3)
OTHER_LEADER = Actor("周海燕", "leader", sign_in_id=4)
SCRIPT = "<script>alert('甲')</script>{{ 7*7 }}{% if 1 %}"
TEXT = Typed(
    title="关于机关食堂后厨配电室起火的报告（首报）",
    body="一、基本情况\n2026年11月23日13时50分，后厨配电室起火。\n（待核实：起因）",
    send_to="市委值班室",
    copy_to="市应急管理局",
    contact="李强",
    contact_phone="022-23456789",
)
W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"


@pytest.fixture
async def bureau(site):
    return await build_bureau(site.db, site.clock.now())


async def logged(site, *, drill=False, unit="canteen", **more):
    from dutydesk.people.queries import unit_by_code

    now = site.clock.now()
    async with site.db.write() as session:
        new = NewIncident(
            title="后厨配电室起火",
            category="accident",
            unit_id=(await unit_by_code(session, unit)).id,
            grade="ungraded",
            occurred_at=now - timedelta(minutes=10),
            occurred_at_kind="exact",
            received_at=now - timedelta(minutes=2),
            place="二号楼",
            drill=drill,
            **more,
        )
        return await log_incident(session, site, now, WRITER, new)


@pytest.fixture
async def fire(site, bureau):
    return await logged(site)


async def begun(site, incident, text=TEXT, part="first", kind="special_report", actor=WRITER):
    async def work(session):
        return await paper_actions.begin(session, site, site.clock.now(), actor, incident, kind, part, text)

    return await site.db.run(work)


async def moved(site, paper, move, actor, **more):
    version = more.pop("version", None)

    async def work(session):
        known = (await paper_queries.paper(session, paper.id)).version if version is None else version
        now = site.clock.now()
        return await paper_actions.move(session, site, now, actor, paper.id, known, move, **more)

    return await site.db.run(work)


async def signed(site, incident, text=TEXT, **more):
    paper = await begun(site, incident, text, **more)
    for move, actor in (("submit", WRITER), ("pass", CHECKER), ("sign", LEADER)):
        paper = await moved(site, paper, move, actor)
    return paper


async def stored(site, paper):
    async with site.db.read() as session:
        return await paper_queries.paper(session, paper.id), await paper_queries.steps_of(session, paper.id)


def values(page):
    """Return what stands in the form of a page."""
    found = {
        name: unescape((re.search(r'value="([^"]*)"', tag) or ["", ""])[1])
        for tag, name in re.findall(r'(<input[^>]*name="(\w+)"[^>]*>)', page)
    }
    areas = re.findall(r'<textarea[^>]*name="(\w+)"[^>]*>\n(.*?)</textarea>', page, re.DOTALL)
    wanted = {*vars(TEXT.__class__).get("__slots__", ()), "kind", "part", "once", "version"}
    found |= {name: unescape(text) for name, text in areas}
    return {name: value for name, value in found.items() if name in wanted}


def docx_lines(content):
    """Return the paragraphs of a document."""
    with zipfile.ZipFile(BytesIO(content)) as package:
        tree = ET.fromstring(package.read("word/document.xml"))  # noqa: S314 (our own)
        parts = b"".join(package.read(name) for name in package.namelist()).decode("utf-8", "ignore")
    lines = ["".join(text.text or "" for text in one.iter(f"{W}t")) for one in tree.iter(f"{W}p")]
    return [line for line in lines if line], parts


# ----------------------------------------------------------------------------------------------------------------------
# The way


async def test_a_paper_goes_from_a_draft_to_a_receipt(site, fire, browser_of):
    operator = await browser_of("operator", name="陈静")
    second = await browser_of("operator", name="刘洋")
    leader = await browser_of("leader", name="赵建国")
    form = values((await operator.get(f"/incidents/{fire.number}/papers/new")).text)
    assert form["title"] == "关于机关食堂后厨配电室起火的报告（首报）"
    assert form["part"] == "first"
    address = (await operator.post(f"/incidents/{fire.number}/papers", data=form | {"do": "submit"})).headers[
        "location"
    ]
    assert "起草人不能审核自己写的材料" in (await operator.get(address)).text
    assert (await operator.post(f"{address}/pass", data={"version": "2"})).status_code == 403
    assert (await second.post(f"{address}/pass", data={"version": "2"})).status_code == 303
    assert (await leader.post(f"{address}/sign", data={"version": "3"})).status_code == 303
    page = (await operator.get(address)).text
    assert "2026-1" in page
    assert "草稿（未经签发）" not in page
    at = "2026-11-23T14:00:00"
    sent = {"to": "市委值班室", "way": "传真", "at": at, "version": "4"}
    assert (await operator.post(f"{address}/send", data=sent)).status_code == 303
    received = {"who": "市委值班室 李处长", "at": at, "version": "5"}
    assert (await operator.post(f"{address}/receive", data=received)).status_code == 303
    page = (await operator.get(address)).text
    for said in ("已签收", "报送 市委值班室，传真", "市委值班室 李处长", "刘洋", "赵建国"):
        assert said in page, said
    async with site.db.read() as session:
        audit = list(await session.exec(select(AuditEntry).order_by(AuditEntry.id)))
        steps = await paper_queries.steps_of_incident(session, fire.id)
    assert [one.action for one in audit if one.action.startswith("paper.")] == [
        f"paper.{one}" for one in ("begun", "submit", "pass", "sign", "send", "receive")
    ]
    assert [(step.before, step.after) for _, step in steps] == [
        ("draft", "draft"),
        ("draft", "checking"),
        ("checking", "signing"),
        ("signing", "signed"),
        ("signed", "sent"),
        ("sent", "received"),
    ]


async def test_a_signature_stops_no_report_clock(site, fire):
    async def owed():
        async with site.db.read() as session:
            return {(one.rule_id, one.state, one.due_at) for one in await obligations_of(session, fire.id)}

    before = await owed()
    paper = await moved(site, await signed(site, fire), "send", WRITER)
    await moved(site, paper, "receive", WRITER)
    assert await owed() == before


async def test_a_signed_text_is_frozen(site, fire, browser_of):
    paper = await signed(site, fire)
    with pytest.raises(ConflictError, match="文字不能再改"):
        async with site.db.write() as session:
            await paper_actions.save(session, site, site.clock.now(), WRITER, paper.id, paper.version, TEXT)
    operator = await browser_of("operator", name="陈静")
    assert (await operator.get(f"/papers/{paper.id}/edit")).status_code == 409
    answer = await operator.post(f"/papers/{paper.id}/edit", data=values_of(paper) | {"body": "没有起火。"})
    assert answer.status_code == 409
    assert "没有起火。" not in (await operator.get(f"/papers/{paper.id}")).text
    _, steps = await stored(site, paper)
    words = kept_words(steps[-1].text)
    assert (words.issue, words.checker, words.signer, words.body) == ("2026-1", "刘洋", "赵建国", TEXT.body)


def values_of(paper):
    names = ("title", "body", "send_to", "copy_to", "contact", "contact_phone")
    return {name: getattr(paper, name) for name in names} | {"version": str(paper.version), "do": "save"}


async def test_what_was_signed_is_shown_even_when_the_row_was_tampered_with(site, fire, browser_of):
    paper = await signed(site, fire)
    operator = await browser_of("operator")
    async with site.db.write() as session:
        row = await session.get(Paper, paper.id)
        row.body = "没有起火。"
        session.add(row)
    page = (await operator.get(f"/papers/{paper.id}")).text
    assert "后厨配电室起火。" in page
    assert "没有起火" not in page
    async with site.db.write() as session:
        step = (await session.exec(select(PaperStep).where(PaperStep.after == "signed"))).one()
        step.text = step.text | {"words": step.text["words"] | {"body": "没有起火。"}}
        session.add(step)
    for path in ("", "/print", "/document.docx"):
        answer = await operator.get(f"/papers/{paper.id}{path}")
        assert answer.status_code == 409
        assert "校验值不符" in answer.text


async def test_what_comes_back_has_a_reason_and_is_checked_and_signed_anew(site, fire, browser_of):
    paper = await moved(site, await begun(site, fire), "submit", WRITER)
    with pytest.raises(InvalidInputError):
        await moved(site, paper, "return", CHECKER, reason="  ")
    checker = await browser_of("operator", name="刘洋")
    empty = await checker.post(f"/papers/{paper.id}/return", data={"version": "2", "reason": ""})
    assert empty.status_code == 422
    assert "请填写" in empty.text
    said = {"version": "2", "reason": "请核对伤亡"}
    assert (await checker.post(f"/papers/{paper.id}/return", data=said)).status_code == 303
    writer = await browser_of("operator", name="陈静")
    page = (await writer.get(f"/papers/{paper.id}")).text
    assert "已退回" in page
    assert "请核对伤亡" in page
    assert "退回我修改" in (await writer.get("/papers")).text
    paper = await moved(site, paper, "submit", WRITER)
    paper = await moved(site, paper, "pass", CHECKER)
    paper = await moved(site, paper, "decline", LEADER, reason="补充原因")
    assert (paper.state, paper.checker) == ("draft", "")
    with pytest.raises(ConflictError):
        await moved(site, paper, "sign", LEADER)


async def test_what_the_higher_level_returns_keeps_its_number_and_needs_a_new_signature(site, fire):
    paper = await moved(site, await signed(site, fire), "send", WRITER)
    paper = await moved(site, paper, "sent-back", WRITER, reason="要素不全", detail={"who": "市政府总值班室"})
    assert (paper.state, paper.issue, paper.signer, paper.signed_at) == ("draft", "2026-1", "", None)
    for move, actor in (("submit", WRITER), ("pass", CHECKER), ("sign", OTHER_LEADER)):
        paper = await moved(site, paper, move, actor)
    assert (paper.issue, paper.signer) == ("2026-1", "周海燕")
    assert (await signed(site, fire, part="follow_up")).issue == "2026-2"


async def test_whoever_also_wrote_on_it_does_not_check_it(site, fire):
    paper = await begun(site, fire)
    async with site.db.write() as session:
        text = Typed(**{**{n: getattr(TEXT, n) for n in TEXT.__slots__}, "body": "改过"})
        await paper_actions.save(session, site, site.clock.now(), CHECKER, paper.id, 1, text)
    await moved(site, paper, "submit", WRITER)
    for actor in (WRITER, CHECKER):
        with pytest.raises(NotAllowedError, match="起草人不能审核"):
            await moved(site, paper, "pass", actor)
    with pytest.raises(NotAllowedError):
        await moved(site, paper, "pass", LEADER)


async def test_a_token_signs_nothing(site, fire):
    paper = await moved(site, await begun(site, fire), "submit", WRITER)
    paper = await moved(site, paper, "pass", CHECKER)
    with pytest.raises(NotAllowedError, match="本人登录"):
        await moved(site, paper, "sign", Actor("赵建国", "leader", token_id=1))


async def test_a_receipt_is_not_from_the_future_or_before_the_signature(site, fire):
    paper = await signed(site, fire)
    now = site.clock.now()
    for at in (now + timedelta(minutes=1), now - timedelta(minutes=1)):
        with pytest.raises(InvalidInputError):
            await moved(site, paper, "send", WRITER, at=at)
    assert (await moved(site, paper, "send", WRITER, at=now)).sent_at == now


# ----------------------------------------------------------------------------------------------------------------------
# Numbers


async def test_two_leaders_who_sign_at_once_give_one_number(site, fire):
    paper = await moved(site, await begun(site, fire), "submit", WRITER)
    paper = await moved(site, paper, "pass", CHECKER)
    done = await asyncio.gather(
        *(moved(site, paper, "sign", leader, version=3) for leader in (LEADER, OTHER_LEADER)),
        return_exceptions=True,
    )
    assert sorted(type(one).__name__ for one in done) == ["ConflictError", "Paper"]
    assert (await signed(site, fire, part="follow_up")).issue == "2026-2"


async def test_numbers_have_no_gap_when_a_signature_fails(site, fire):
    papers = []
    for part in ("first", "follow_up", "final"):
        paper = await moved(site, await begun(site, fire, part=part), "submit", WRITER)
        papers.append(await moved(site, paper, "pass", CHECKER))
    with pytest.raises(ConflictError):
        await moved(site, papers[0], "sign", LEADER, version=1)
    done = await asyncio.gather(*(moved(site, paper, "sign", LEADER) for paper in papers))
    assert {paper.issue for paper in done} == {"2026-1", "2026-2", "2026-3"}


async def test_a_number_that_was_used_is_never_given_again(site, fire):
    paper = await moved(site, await begun(site, fire), "submit", WRITER)
    paper = await moved(site, paper, "pass", CHECKER)
    other = await begun(site, fire, part="follow_up")
    async with site.db.write() as session:
        row = await session.get(Paper, other.id)
        row.issue = "2026-1"
        session.add(row)
    with pytest.raises(ConflictError, match="期号已经用过"):
        await moved(site, paper, "sign", LEADER)
    assert (await stored(site, paper))[0].state == "signing"


async def test_bulletins_and_drills_are_numbered_apart_and_a_year_begins_anew(site, fire, clock):
    assert (await signed(site, fire)).issue == "2026-1"
    assert (await signed(site, fire, part="digest", kind="bulletin")).issue == "2026-1"
    assert (await signed(site, await logged(site, drill=True))).issue == "演练2026-1"
    clock.set(datetime(2026, 12, 31, 16, 0, tzinfo=UTC))  # midnight at the site
    assert (await signed(site, fire, part="follow_up")).issue == "2027-1"


async def test_two_who_begin_the_same_report_begin_two_or_one_is_refused(site, fire):
    both = await asyncio.gather(*(begun(site, fire, part="follow_up") for _ in range(2)))
    assert {paper.sequence for paper in both} == {1, 2}
    firsts = await asyncio.gather(*(begun(site, fire) for _ in range(2)), return_exceptions=True)
    assert sorted(type(one).__name__ for one in firsts) == ["ConflictError", "Paper"]


async def test_a_form_sent_twice_begins_one_paper(site, fire, browser_of):
    operator = await browser_of("operator")
    form = values((await operator.get(f"/incidents/{fire.number}/papers/new")).text) | {"do": "save"}
    first, second = [await operator.post(f"/incidents/{fire.number}/papers", data=form) for _ in range(2)]
    assert first.headers["location"] == second.headers["location"]


# ----------------------------------------------------------------------------------------------------------------------
# Two at once


async def test_the_second_of_two_writers_sees_what_changed_and_keeps_his_text(site, fire, browser_of):
    paper = await begun(site, fire)
    first, second = await browser_of("operator", name="陈静"), await browser_of("operator", name="刘洋")
    address = f"/papers/{paper.id}/edit"
    mine, his = [values((await one.get(address)).text) for one in (first, second)]
    mine["body"] = mine["body"].replace("起因", "损失")
    his["body"] += "\n我写的一段"
    assert (await first.post(address, data=mine | {"do": "save"})).status_code == 303
    overtaken = await second.post(address, data=his | {"do": "save"})
    assert overtaken.status_code == 409
    shown = overtaken.text
    assert "我写的一段" in values(shown)["body"]
    assert re.search(r"diff-gone.*?（待核实：起因）", shown, re.DOTALL)
    assert re.search(r"diff-new.*?（待核实：损失）", shown, re.DOTALL)
    assert "陈静 的改动" in shown
    assert (await stored(site, paper))[0].body == mine["body"].replace("\r", "")
    assert (await second.post(address, data=values(shown) | {"do": "save"})).status_code == 303
    assert "我写的一段" in (await stored(site, paper))[0].body


async def test_nobody_signs_a_text_he_has_not_seen(site, fire, browser_of):
    paper = await begun(site, fire)
    for move, actor in (("submit", WRITER), ("pass", CHECKER), ("return", CHECKER)):
        paper = await moved(site, paper, move, actor, reason="改")
    async with site.db.write() as session:
        text = Typed(title=TEXT.title, body="另一种说法", send_to=TEXT.send_to)
        await paper_actions.save(session, site, site.clock.now(), WRITER, paper.id, paper.version, text)
    await moved(site, paper, "submit", WRITER)
    await moved(site, paper, "pass", CHECKER)
    leader = await browser_of("leader", name="赵建国")
    answer = await leader.post(f"/papers/{paper.id}/sign", data={"version": "3"})
    assert answer.status_code == 409
    assert "您看到的不是最新内容" in answer.text
    assert "另一种说法" in answer.text
    assert (await stored(site, paper))[0].state == "signing"


async def test_saving_what_was_not_changed_leaves_no_step(site, fire, browser_of):
    paper = await begun(site, fire)
    operator = await browser_of("operator")
    form = values((await operator.get(f"/papers/{paper.id}/edit")).text)
    # As browsers send it.
    form["body"] = form["body"].replace("\n", "\r\n")
    assert (await operator.post(f"/papers/{paper.id}/edit", data=form | {"do": "save"})).status_code == 303
    row, steps = await stored(site, paper)
    assert (row.version, len(steps)) == (1, 1)


async def test_a_form_that_is_not_complete_keeps_what_was_typed(fire, browser_of):
    operator = await browser_of("operator")
    form = values((await operator.get(f"/incidents/{fire.number}/papers/new")).text)
    form |= {"title": "", "body": "我写的", "do": "save"}
    answer = await operator.post(f"/incidents/{fire.number}/papers", data=form)
    assert answer.status_code == 422
    assert "我写的" in values(answer.text)["body"]
    assert "请填写" in answer.text


@pytest.mark.parametrize(
    "tampered", [{"part": "correction"}, {"part": "digest"}, {"part": ""}, {"kind": "bulletin"}]
)
async def test_a_kind_of_paper_has_its_own_parts(site, fire, browser_of, tampered):
    operator = await browser_of("operator")
    form = values((await operator.get(f"/incidents/{fire.number}/papers/new")).text) | tampered
    answer = await operator.post(f"/incidents/{fire.number}/papers", data=form | {"do": "save"})
    assert answer.status_code == 422
    assert "材料和阶段不符" in answer.text


async def test_a_preview_keeps_nothing(site, fire, browser_of):
    operator = await browser_of("operator")
    form = values((await operator.get(f"/incidents/{fire.number}/papers/new")).text) | {"body": "只是看看"}
    page = await operator.post(f"/incidents/{fire.number}/papers", data=form | {"do": "preview"})
    part = await operator.post(f"/incidents/{fire.number}/papers/preview", data=form)
    for answer in (page, part):
        assert answer.status_code == 200
        assert "只是看看</p>" in answer.text
    assert "<html" not in part.text
    async with site.db.read() as session:
        assert await paper_queries.papers_of_incident(session, fire.id) == []
    paper = await begun(site, fire)
    answer = await operator.post(f"/papers/{paper.id}/preview", data=values_of(paper) | {"body": "只是看看"})
    assert "只是看看</p>" in answer.text
    assert (await stored(site, paper))[0].body == TEXT.body


# ----------------------------------------------------------------------------------------------------------------------
# From the facts


async def test_a_paper_drafts_itself_from_what_was_logged(site, bureau):
    incident = await logged(site, narrative="现场有明火。", source="食堂值班员李强")
    now = site.clock.now()
    async with site.db.write() as session:
        row = await incident_by_number(session, incident.number)
        row.elements = {"measures": "已切断电源"}
        session.add(row)
        for minutes, dead in ((9, 1), (1, 2), (5, 3)):
            as_of = now - timedelta(minutes=minutes)
            session.add(
                Casualties(incident_id=row.id, as_of=as_of, dead=dead, logged_at=now, logged_by="陈静")
            )
    async with site.db.read() as session:
        found = await propose(session, site, row, "special_report")
    body = found.typed.body
    assert "13时50分" in body
    assert "截至2026年11月23日13时59分，死亡2人。" in body
    assert "已采取措施：已切断电源。" in body
    assert "起因" in body.splitlines()[-1]
    assert found.typed.contact_phone == "022 2345 6789"
    await signed(site, incident)
    async with site.db.read() as session:
        after = await propose(session, site, incident, "special_report")
        digest = await propose(session, site, incident, "bulletin")
    assert (after.part, after.sequence) == ("follow_up", 1)
    assert "前报见第2026-1期" in after.typed.body
    assert digest.part == "digest"


async def test_another_stage_can_be_chosen_and_a_second_first_report_cannot(fire, site, browser_of):
    operator = await browser_of("operator")
    page = await operator.get(f"/incidents/{fire.number}/papers/new?part=final")
    assert "（终报）" in values(page.text)["title"]
    await begun(site, fire)
    page = await operator.get(f"/incidents/{fire.number}/papers/new?part=first")
    assert page.status_code == 409
    assert "本事件已有首报" in page.text
    assert values(page.text)["part"] == "follow_up"


async def test_a_correction_is_a_new_paper_with_its_own_number(site, fire, browser_of):
    paper = await signed(site, fire)
    operator = await browser_of("operator", name="陈静")
    answer = await operator.post(f"/papers/{paper.id}/correct", data={"once": "a"})
    form = values((await operator.get(answer.headers["location"])).text)
    assert form["title"].endswith("（首报）（更正）")
    assert form["body"].startswith(f"第2026-1期《{TEXT.title}》有关内容更正如下：")
    async with site.db.read() as session:
        chain = await paper_queries.papers_of_incident(session, fire.id)
    assert [(one.stage, one.state, one.issue) for one in chain] == [
        ("first", "signed", "2026-1"),
        ("correction", "draft", ""),
    ]
    draft = await operator.post(f"/papers/{chain[1].id}/correct", data={"once": "b"})
    assert draft.status_code == 409


# ----------------------------------------------------------------------------------------------------------------------
# Products


async def test_the_document_is_what_was_signed(site, fire, browser_of):
    paper = await signed(site, fire)
    operator = await browser_of("operator")
    answer = await operator.get(f"/papers/{paper.id}/document.docx")
    assert answer.status_code == 200
    assert unquote(answer.headers["content-disposition"]).endswith("UTF-8''突发事件信息专报2026-1期.docx")
    lines, _ = docx_lines(answer.content)
    text = "\n".join(lines)
    for said in (*TEXT.body.splitlines(), "第2026-1期", "报送：市委值班室", "抄送：市应急管理局"):
        assert said in text, said
    for said in ("签发：赵建国", "编辑：陈静", "（联系人：李强，电话：022-23456789）", "2026年11月23日"):
        assert said in text, said
    assert "草稿" not in text
    assert TEXT.title.replace("（首报）", "") in text.replace("\n", "")
    again = await operator.get(f"/papers/{paper.id}/document.docx")
    assert again.content == answer.content
    printed = (await operator.get(f"/papers/{paper.id}/print")).text
    for line in TEXT.body.splitlines():
        assert line in re.sub(r"<[^>]+>", "", printed)


async def test_drafts_and_drills_are_marked_in_document_and_print(site, bureau, browser_of):
    paper = await begun(site, await logged(site, drill=True))
    operator = await browser_of("operator")
    answer = await operator.get(f"/papers/{paper.id}/document.docx")
    assert unquote(answer.headers["content-disposition"]).endswith("【演练】突发事件信息专报草稿.docx")
    lines, parts = docx_lines(answer.content)
    printed = (await operator.get(f"/papers/{paper.id}/print")).text
    for mark in ("【演练】", "草稿（未经签发）"):
        assert mark in parts
        assert mark in printed
    assert "【演练】" in "\n".join(lines)
    bulletin = await begun(site, await logged(site), part="digest", kind="bulletin")
    content = (await operator.get(f"/papers/{bulletin.id}/document.docx")).content
    assert f"一、{TEXT.title}" in docx_lines(content)[0]


async def test_script_and_template_text_stay_text_everywhere(site, fire, browser_of):
    text = Typed(
        title=f"甲{SCRIPT}",
        body=f"{SCRIPT}\n一、{SCRIPT}",
        send_to=f"甲{SCRIPT}",
        contact=SCRIPT[:40],
        contact_phone="1",
    )
    paper = await begun(site, fire, text)
    operator = await browser_of("operator", name="刘洋")
    moves = ("", "/edit", "/print", "/versions/1", "/void")
    for path in [*(f"/papers/{paper.id}{one}" for one in moves), "/papers"]:
        page = await operator.get(path)
        assert page.status_code == 200, path
        assert "<script>alert" not in page.text
        assert "{{ 7*7 }}" in page.text or path.endswith("/void")
    answer = await operator.post(f"/papers/{paper.id}/void", data={"version": "1", "reason": SCRIPT})
    page = (await operator.get(answer.headers["location"])).text
    assert "<script>alert" not in page
    assert "{% if 1 %}" in page
    shown = await begun(site, fire, text)
    lines, _ = docx_lines((await operator.get(f"/papers/{shown.id}/document.docx")).content)
    assert SCRIPT in lines


async def test_a_void_paper_is_not_printed(site, fire, browser_of):
    paper = await moved(site, await begun(site, fire), "void", WRITER, reason="重复")
    operator = await browser_of("operator")
    for path in ("print", "document.docx"):
        answer = await operator.get(f"/papers/{paper.id}/{path}")
        assert answer.status_code == 409
        assert "材料已经作废" in answer.text
    assert "已作废" in (await operator.get(f"/papers/{paper.id}")).text


# ----------------------------------------------------------------------------------------------------------------------
# Who sees what


async def test_the_list_begins_with_what_waits_for_the_reader(site, fire, browser_of):
    waiting = await moved(site, await begun(site, fire), "submit", WRITER)
    for_leader = await moved(site, await begun(site, fire, part="follow_up"), "submit", WRITER)
    await moved(site, for_leader, "pass", CHECKER)
    pages = {
        name: (await (await browser_of(role, name=name)).get("/papers")).text
        for name, role in (
            ("陈静", "operator"),
            ("刘洋", "operator"),
            ("赵建国", "leader"),
            ("检查", "inspector"),
        )
    }
    assert "没有等您办理的材料" in pages["陈静"]
    assert "待我审核" in pages["刘洋"]
    assert "待我签发" in pages["赵建国"]
    assert "待我审核" not in pages["赵建国"]
    assert "没有等您办理的材料" in pages["检查"]
    for page in pages.values():
        assert f"/papers/{waiting.id}" in page
    only = (await (await browser_of("operator")).get("/papers?state=signing")).text
    below = only.partition("全部材料")[2]
    assert f'/papers/{for_leader.id}"' in below
    assert f'/papers/{waiting.id}"' not in below


async def test_a_unit_contact_has_no_papers_at_all(site, fire, browser_of):
    paper = await signed(site, fire)
    contact = await browser_of("unit", unit="canteen")
    reads = [
        "/papers",
        *(f"/papers/{paper.id}{one}" for one in ("", "/print", "/document.docx", "/versions/1")),
    ]
    for path in (*reads, f"/papers/{paper.id}/edit", f"/incidents/{fire.number}/papers/new"):
        answer = await contact.get(path)
        assert answer.status_code == 403, path
        assert TEXT.title not in answer.text
    for path in ("edit", "sign", "pass", "send", "correct", "preview"):
        assert (await contact.post(f"/papers/{paper.id}/{path}", data={})).status_code == 403


async def test_a_reader_reads_and_moves_nothing(site, fire, browser_of):
    paper = await moved(site, await begun(site, fire), "submit", WRITER)
    reader = await browser_of("inspector")
    page = await reader.get(f"/papers/{paper.id}")
    assert page.status_code == 200
    assert f'action="/papers/{paper.id}/' not in page.text
    for move in (
        "submit",
        "pass",
        "return",
        "sign",
        "decline",
        "send",
        "receive",
        "sent-back",
        "void",
        "revoke",
    ):
        assert (await reader.post(f"/papers/{paper.id}/{move}", data={"version": "2"})).status_code == 403


async def test_what_is_not_there_is_not_found(browser_of, bureau):
    operator = await browser_of("operator")
    for path in (
        "/papers/99",
        "/papers/99/edit",
        "/papers/99/print",
        "/papers/99/send",
        "/incidents/x/papers/new",
    ):
        assert (await operator.get(path)).status_code == 404, path
    assert (await operator.get("/papers?state=nonsense")).status_code == 200

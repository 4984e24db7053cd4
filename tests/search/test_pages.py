"""What the search page finds, for whom, and how it says so."""

import re
from datetime import timedelta

import pytest
from sqlalchemy import func, update
from sqlmodel import select

from dutydesk.incidents.model import Incident
from dutydesk.obligations.model import Obligation
from dutydesk.obligations.owings import Owing, settle_owings
from dutydesk.people.actions import create_unit
from tests.builders import someone
from tests.search.conftest import contents_in, names_in, numbers_in, text_of

OWN = "/search"


async def test_every_part_of_an_incident_is_searched(room, find):
    one = await room.called(
        "配电室起火",
        "李强",
        "138 0000-0005",
        "明火已扑灭",
        place="二号楼",
        source="食堂值班员",
        narrative="浓烟，人员已疏散",
    )
    await room.incident("电梯困人", unit_id=room.bureau.motor.id)
    for query in ("配电", one, one[-4:], "二号楼", "食堂值班", "浓烟", "李强", "扑灭", "机关食堂"):
        assert numbers_in(await find(q=query)) == [one], query


async def test_several_words_must_all_occur_wherever_they_stand(room, find):
    one = await room.called("配电室起火", "李强", "", place="二号楼")
    await room.incident("配电室漏水", place="二号楼")
    assert numbers_in(await find(q="二号楼 李强 配电")) == [one]
    assert numbers_in(await find(q="二号楼 王敏")) == []


async def test_capital_and_small_letters_are_the_same_and_others_are_not(room, find):
    one = await room.incident("KTV包间冒烟 École")
    assert numbers_in(await find(q="ktv包间")) == [one]
    assert numbers_in(await find(q="KtV")) == [one]
    assert numbers_in(await find(q="École")) == [one]
    assert numbers_in(await find(q="école")) == [], "the same on both databases: only ASCII is folded"


@pytest.mark.parametrize("sign", ["%", "_", "\\", "'", "%%", "[a]", "*"])
async def test_a_sign_of_sql_is_only_a_sign(room, find, sign):
    one = await room.incident(f"完成{sign}上限")
    await room.incident("完成甲上限")
    await room.incident("完成上限")
    assert numbers_in(await find(q=f"成{sign}上")) == [one]


async def test_a_number_is_found_by_its_last_digits_and_however_it_was_typed(room, find):
    one = await room.called("起火", "李强", "138 0000-0005")
    other = await room.called("漏水", "外单位", "(022)8765 4321", unit_id=room.bureau.motor.id)
    for query in ("0005", "13800000005", "+86 138 0000 0005", "138-0000-0005"):
        assert numbers_in(await find(q=query)) == [one], query
    for query in ("4321", "87654321", "022-87654321"):
        assert numbers_in(await find(q=query)) == [other], query
    assert "李强" in names_in(await find(kind="people", q="00000005"))
    assert names_in(await find(kind="people", q="022 2345 6701")) == ["机关食堂"], "a unit's own telephone"


async def test_a_mark_stands_around_what_was_found_and_a_script_stays_text(room, find):
    await room.incident("<script>alert(1)</script>起火", narrative="<img src=x>起火")
    page = await find(q="起火")
    assert "&lt;script&gt;alert(1)&lt;/script&gt;<mark>起火</mark>" in page
    assert "<script>alert" not in page
    assert "<img" not in page
    page = await find(q="<script>")
    assert "<mark>&lt;script&gt;</mark>alert(1)" in page
    assert 'value="&lt;script&gt;"' in page


@pytest.mark.parametrize(
    "query", ["", " ", "\x00", "🔥", "起\x00\x1b火", "a" * 100, "😀" * 50, "(((", "\u202e"]
)
async def test_a_strange_query_is_answered(room, find, query):
    await room.incident("🔥🔥 起 火")
    page = await find(q=query)
    assert ("🔥" in page) or "没有符合条件的记录" in page


async def test_a_query_that_is_too_long_is_refused_beside_the_box_and_kept(room, browser_of):
    browser = await browser_of("operator")
    for query, sentence in (("起" * 101, "最多100个字"), ("甲 " * 11, "最多10个词")):
        answer = await browser.get(OWN, params={"q": query})
        assert answer.status_code == 422
        assert sentence in answer.text
        assert f'value="{query}"' in answer.text
        assert 'id="results"' not in answer.text


async def test_each_filter_narrows_the_list(room, find):
    plain = await room.incident("甲")
    fire = await room.incident("乙", category="natural_disaster", grade="considerable")
    drill = await room.incident("丙", drill=True, unit_id=room.bureau.motor.id)
    assert numbers_in(await find()) == [drill, fire, plain], "newest first"
    assert numbers_in(await find(category="natural_disaster")) == [fire]
    assert numbers_in(await find(grade="considerable")) == [fire]
    assert numbers_in(await find(drill="real")) == [fire, plain]
    assert numbers_in(await find(drill="drill")) == [drill]
    assert numbers_in(await find(unit="motor")) == [drill]
    assert numbers_in(await find(state="ended")) == []
    assert numbers_in(await find(state="open", unit="canteen", q="甲")) == [plain]


async def test_days_are_those_of_the_site_and_both_count(room, find):
    late_evening = room.site.clock.now().astimezone(room.site.zone).replace(hour=0, minute=0, second=0)
    one = await room.incident("零时", occurred_at=late_evening, received_at=late_evening)
    before = await room.incident(
        "前一日", occurred_at=late_evening - timedelta(seconds=1), received_at=late_evening
    )
    assert numbers_in(await find(from_="2026-11-23", until="2026-11-23")) == [one]
    assert numbers_in(await find(until="2026-11-22")) == [before]
    unknown = await room.incident("不详", occurred_at=None, occurred_at_kind="unknown")
    assert unknown in numbers_in(await find(from_="2026-11-23")), "then the day it was received"


async def test_an_impossible_filter_is_refused_beside_its_field(room, browser_of):
    browser = await browser_of("operator")
    for filters, sentence in (
        ({"from": "2026-13-01"}, "日期不对"),
        ({"until": "9999-12-31"}, "日期不对"),
        ({"from": "2026-11-24", "until": "2026-11-23"}, "不能早于开始日期"),
        ({"unit": "nowhere"}, "请选择"),
        ({"grade": "worst"}, "请选择"),
    ):
        answer = await browser.get(OWN, params=filters)
        assert answer.status_code == 422, filters
        assert sentence in answer.text
    assert (await browser.get(OWN, params={"before": "x"})).status_code == 422
    assert (await browser.get(OWN, params={"before": 10**30})).status_code == 422
    assert (await browser.get(OWN, params={"kind": "secrets"})).status_code == 403


async def test_only_late_reports_are_late(room, find):
    good = await room.incident("按时", grade="major")
    late = await room.incident("迟报", grade="major")
    called = await room.incident("叫应晚了", grade="major")
    async with room.site.db.write() as session:
        for number, evidence in ((late, "written"), (called, "key")):
            await session.exec(
                update(Obligation)
                .where(Obligation.number == number, Obligation.evidence == evidence)
                .values(state="fulfilled_late")
            )
        # A hole in a roster that was filled late belongs to no incident at all.
        now = room.site.clock.now()
        gap = Owing(
            subject="gap/2/leader/now",
            rule_id="48.1",
            number="11月23日",
            unit_id=room.bureau.canteen.id,
            base_at=now,
            due_at=now,
        )
        await settle_owings(session, room.site, now, "clockwork", "gap/2", [gap], {})
        await session.exec(
            update(Obligation).where(Obligation.scope == "gap/2").values(state="fulfilled_late")
        )
    assert good not in numbers_in(await find(late="yes"))
    assert numbers_in(await find(late="yes")) == [late]


async def test_the_duty_log_is_searched_newest_first(room, find):
    first = "市值班室询问供暖"
    await room.entry(first, person="张伟", number="+86 139-1234-5678", unit_id=room.bureau.motor.id)
    room.pass_by(minutes=1)
    await room.entry("食堂报平安", person="李强", handling="已记录", kind="call_out")
    assert contents_in(await find(kind="log")) == ["食堂报平安", first]
    for query in ("供暖", "张伟", "5678", "139 1234 5678", "公务用车"):
        assert contents_in(await find(kind="log", q=query)) == [first], query
    assert contents_in(await find(kind="log", unit="motor")) == [first]
    assert contents_in(await find(kind="log", until="2026-11-22")) == []


async def test_an_entry_that_was_corrected_says_so(room, find):
    wrong = await room.entry("供暖三号楼")
    await room.entry("供暖四号楼", corrects_id=wrong, reason="听错")
    page = await find(kind="log", q="供暖")
    assert page.count("已更正") == 1
    assert page.index("四号楼") < page.index("已更正")


async def test_people_are_found_by_name_title_unit_and_number(room, find):
    assert names_in(await find(kind="people", q="李强")) == ["李强"]
    assert "周涛" in names_in(await find(kind="people", q="调度员"))
    assert set(names_in(await find(kind="people", unit="canteen"))) == {"机关食堂", "李强", "王敏", "黄志明"}
    page = await find(kind="people", q="李强")
    assert "138 0000 0005" in page


# ---------------------------------------------------------------------------------------------------------------------
# Who sees what


async def test_a_unit_contact_finds_its_own_units_incidents_and_people_only(room, browser_of):
    own = await room.called("食堂起火", "李强", "13800000005")
    other = await room.called("车库起火", "周涛", "13800000007", unit_id=room.bureau.motor.id)
    await room.entry("食堂起火来电")
    browser = await browser_of("unit", unit="canteen")
    page = await text_of(browser, q="起火")
    assert numbers_in(page) == [own]
    assert other not in page
    assert "公务用车中心" not in page
    assert numbers_in(await text_of(browser, q="周涛")) == []
    assert set(names_in(await text_of(browser, kind="people"))) == {"机关食堂", "李强", "王敏", "黄志明"}
    assert names_in(await text_of(browser, kind="people", q="周涛")) == []
    assert (await browser.get(OWN, params={"unit": "motor"})).status_code == 422
    assert (await browser.get(OWN, params={"kind": "log"})).status_code == 403
    assert "值班日志" not in re.sub(r"<nav class=\"menu\".*?</nav>", "", page, flags=re.DOTALL)


@pytest.mark.parametrize("role", ["inspector", "auditor", "unit"])
async def test_who_needs_no_numbers_neither_sees_nor_finds_one(room, find, role):
    unit = "canteen" if role == "unit" else None
    await room.called("起火", "李强", "13800000005")
    await room.entry("供暖", person="张伟", number="13912345678")
    assert numbers_in(await find(role, unit_of=unit, q="13800000005")) == []
    assert names_in(await find(role, unit_of=unit, kind="people", q="0005")) == []
    page = await find(role, unit_of=unit, kind="people", q="李强")
    assert names_in(page) == ["李强"]
    assert "138 0000 0005" not in page
    assert "13800000005" not in page
    if role != "unit":
        assert contents_in(await find(role, kind="log", q="5678")) == []
        page = await find(role, kind="log", q="供暖")
        assert "张伟" in page
        assert "13912345678" not in page


async def test_the_office_finds_by_number(room, find):
    await room.called("起火", "李强", "13800000005")
    assert len(numbers_in(await find("office", q="0005"))) == 1


# ---------------------------------------------------------------------------------------------------------------------
# Pages of a list


async def many(room, count: int) -> None:
    now = room.site.clock.now()
    async with room.site.db.write() as session:
        start = 1 + (await _largest(session))
        session.add_all(
            Incident(
                number=f"2025-{start + at:04d}",
                title=f"巡查第{start + at}号",
                category="accident",
                grade="ordinary",
                unit_id=room.bureau.canteen.id,
                occurred_at=now,
                occurred_at_kind="exact",
                received_at=now,
                logged_at=now,
                logged_by="陈静",
            )
            for at in range(count)
        )


async def _largest(session) -> int:
    return (await session.exec(select(func.count()).select_from(Incident))).one()


def next_of(page: str) -> str | None:
    found = re.search(r'rel="next" href="([^"]+)"', page)
    return None if found is None else found[1].replace("&amp;", "&")


async def test_pages_have_no_gaps_or_repeats_when_rows_arrive_in_between(room, browser_of):
    await many(room, 120)
    browser = await browser_of("operator")
    page = await text_of(browser, q="巡查")
    assert "共120条" in page
    seen = numbers_in(page)
    assert len(seen) == 50
    while address := next_of(page):
        await many(room, 7)
        page = (await browser.get(address)).text
        seen += numbers_in(page)
    assert seen == [f"2025-{at:04d}" for at in range(120, 0, -1)]


async def test_pages_of_the_log_and_of_people_have_no_gaps_or_repeats_either(room, browser_of):
    browser = await browser_of("operator")
    for at in range(55):
        await room.entry(f"第{at}条")  # all of one moment: their order is that of their ids
    page = await text_of(browser, kind="log")
    seen = contents_in(page)
    await room.entry("又一条")
    seen += contents_in((await browser.get(next_of(page))).text)
    assert seen == [f"第{at}条" for at in range(54, -1, -1)]

    async with room.site.db.write() as session:
        for at in range(60):
            await someone(session, room.site.clock.now(), "motor", f"司机{at:02d}", f"+86137000{at:05d}")
        await create_unit(
            session,
            room.site.clock.now(),
            "test",
            code="late",
            name="新单位",
            kind="subordinate",
            duty_phone="+862223456709",
        )
    page = await text_of(browser, kind="people")
    everybody = names_in(page)
    while address := next_of(page):
        page = (await browser.get(address)).text
        everybody += names_in(page)
    assert len(everybody) == len(set(everybody)) == 60 + len(room.bureau.people) + 4


async def test_more_than_a_thousand_are_not_counted(room, find):
    await many(room, 1001)
    assert "共1000+条" in await find()
    assert "共1000+条" not in await find(q="巡查第5")

"""What somebody does not see elsewhere is not found, not shown and not exported here either."""

import pytest
from sqlmodel import select

from dutydesk.desk.logforms import FIELDS
from dutydesk.incidents.model import Incident, Report
from dutydesk.incidents.reporting import NewReport
from tests.builders import someone
from tests.search.conftest import contents_in, names_in, numbers_in, text_of, workbook

pytestmark = pytest.mark.usefixtures("exports")
NUMBER = "13700000099"


async def planted(room, unit, mark: str) -> str:
    """Log an incident with a word of its own in everything that somebody can write about it."""
    now = room.site.clock.now()
    number = await room.incident(
        f"{mark}标题",
        unit_id=unit.id,
        place=f"{mark}地点",
        source=f"{mark}来源",
        narrative=f"{mark}情况",
        reports=(NewReport("phone", now, f"{mark}报告人", "13800000005", f"{mark}内容"),),
    )
    async with room.site.db.write() as session:
        row = (await session.exec(select(Incident).where(Incident.number == number))).one()
        row.elements = {"cause": f"{mark}原因"}
        session.add(row)
        texts = {"reporter": f"{mark}别家", "content": f"{mark}外单位所报", "reporter_phone": "13800000007"}
        other = next(one for one in (room.bureau.canteen, room.bureau.motor) if one.id != unit.id)
        shared = {"incident_id": row.id, "reported_at": now, "logged_at": now, "logged_by": "陈静"}
        session.add(Report(kind="follow_up", sequence=1, unit_id=other.id, **shared, **texts))
    fields = ("person", "title", "handling", "conveyed_to")
    await room.entry(f"{mark}记录", unit_id=unit.id, **{name: f"{mark}{name}" for name in fields})
    return number


OWN_HIDDEN = ("甲来源", "甲情况", "甲原因", "甲别家", "甲外单位", "甲记录", "甲person", "甲handling", "陈静")
OTHERS = (
    "乙标题",
    "乙地点",
    "乙来源",
    "乙情况",
    "乙原因",
    "乙报告人",
    "乙内容",
    "乙记录",
    "乙司机",
    "公务用车",
)


@pytest.fixture
async def planted_room(room):
    await planted(room, room.bureau.canteen, "甲")
    await planted(room, room.bureau.motor, "乙")
    async with room.site.db.write() as session:
        await someone(session, room.site.clock.now(), "motor", "乙司机", "+8613700000077")
    return room


async def test_a_unit_contact_learns_nothing_by_asking(planted_room, browser_of):
    contact = await browser_of("unit", unit="canteen")
    for word in (*OWN_HIDDEN, *OTHERS):
        for query in (word, word[:-1], f"甲标题 {word}"):
            assert numbers_in(await text_of(contact, q=query)) == [], query
        assert names_in(await text_of(contact, kind="people", q=word)) == []
    for word in ("甲来源", "甲别家", "乙标题"):
        assert (await workbook(contact, kind="incidents", q=word))[1:] == []
        assert (await workbook(contact, kind="people", q=word))[1:] == []
    assert (await contact.get("/search", params={"kind": "log", "q": "甲"})).status_code == 403


async def test_neither_its_pages_nor_its_files_show_a_unit_contact_what_the_desk_wrote(
    planted_room, browser_of
):
    contact = await browser_of("unit", unit="canteen")
    query = "kind=incidents&q=甲"
    assert (await contact.post("/search/views", data={"name": "我的", "query": query})).status_code == 303
    pages = [await text_of(contact), await text_of(contact, q="甲"), await text_of(contact, kind="people")]
    pages.append((await contact.get("/search/views")).text)
    pages += [str(await workbook(contact, kind=kind)) for kind in ("incidents", "people")]
    assert "甲标题" in pages[1].replace("<mark>", "").replace("</mark>", "")
    assert "甲地点" in pages[0]
    assert "甲报告人" in pages[-2], "what its own unit said"
    assert len(numbers_in(await text_of(contact, q="甲内容"))) == 1
    for page in pages:
        plain = page.replace("<mark>", "").replace("</mark>", "")
        for hidden in (*OWN_HIDDEN, *OTHERS):
            assert hidden not in plain, hidden


async def test_the_desk_finds_all_of_it(planted_room, find):
    for word in ("甲来源", "甲情况", "甲报告人", "甲内容", "甲别家", "甲外单位"):
        assert numbers_in(await find(q=word)) == ["2026-0001"], word


# ---------------------------------------------------------------------------------------------------------------------
# Numbers inside texts


@pytest.fixture
async def told(room):
    """A number in everything that somebody can write."""
    said = f"请回电{NUMBER}，3号楼"
    await room.called(
        f"起火{said}",
        f"李强{said}",
        "",
        said,
        place=f"二号楼{said}",
        source=f"群众{said}",
        narrative=f"浓烟{said}",
    )
    names = {field.name for field in FIELDS["instruction"]} - {"at", "conveyed_at", "channel", "content"}
    first = await room.entry(
        f"供暖{said}", kind="instruction", person=f"张伟{said}", **dict.fromkeys(names - {"person"}, said)
    )
    return room, await room.entry(f"供暖{said}", corrects_id=first, reason=said, person=said, handling=said)


@pytest.mark.parametrize("role", ["inspector", "auditor"])
async def test_numbers_inside_texts_are_masked_for_whom_numbers_are(told, browser_of, role):
    _, entry = told
    browser = await browser_of(role)
    pages = [await text_of(browser, kind=kind, q="请回电") for kind in ("incidents", "log")]
    pages += [(await browser.get(path)).text for path in ("/log", f"/log/{entry}")]
    pages += [str(await workbook(browser, kind=kind)) for kind in ("incidents", "log")]
    for page in pages:
        assert NUMBER not in page
        assert "137000***99" in page
    desk = await browser_of("operator")
    for path in ("/log", f"/log/{entry}"):
        assert NUMBER in (await desk.get(path)).text


async def test_who_needs_no_numbers_finds_nothing_by_one_inside_a_text(told, browser_of):
    inspector, desk = await browser_of("inspector"), await browser_of("operator")
    for digits in (NUMBER, NUMBER[:7], NUMBER[:4], NUMBER[-4:], "137", "70", "99", "电137", "99，"):
        assert numbers_in(await text_of(inspector, q=digits)) == [], digits
        assert contents_in(await text_of(inspector, kind="log", q=digits)) == [], digits
        page = (await inspector.get("/log", params={"text": digits})).text
        assert "没有符合条件的记录" in page, digits
        assert len(numbers_in(await text_of(desk, q=digits))) == 1, digits
        assert len(contents_in(await text_of(desk, kind="log", q=digits))) == 2, digits
        assert "供暖" in (await desk.get("/log", params={"text": digits})).text, digits


async def test_a_number_in_groups_is_one_too(room, browser_of):
    inspector, desk = await browser_of("inspector"), await browser_of("operator")
    texts = {
        "请回电138 0000 0005": ("0005", "0000", "138", "电138"),
        "请回电138-0000-0006。": ("0006", "-0006", "138-", "138-0000-0006", "电138-", "0000-0006。"),
        "请回电(022) 8765 4321。": ("022", "(022)", "电(022)", "8765", "4321", "4321。", "022)"),
    }
    for text, asked in texts.items():
        await room.entry(text)
        for query in asked:
            assert contents_in(await text_of(inspector, kind="log", q=query)) == [], query
            assert len(contents_in(await text_of(desk, kind="log", q=query))) >= 1, query
    page = (await inspector.get("/log")).text + await text_of(inspector, kind="log")
    for shown in ("0000 0005", "0000-0006", "8765 4321"):
        assert shown not in page
    for text, query in (
        ("到3 号楼", "3"),
        ("完成 4 项", "4"),
        ("共 5", "5"),
        ("6-甲座", "6-甲"),
        ("第7-8层", "7-8"),
    ):
        await room.entry(text)
        assert contents_in(await text_of(inspector, kind="log", q=query)) == [text], query


async def test_what_is_no_number_is_found_beside_one(told, browser_of):
    browser = await browser_of("inspector")
    for word in ("3号", "3号楼", "，3", "二号楼"):
        assert len(numbers_in(await text_of(browser, q=word))) == 1, word


async def test_a_sign_between_digits_is_only_a_sign_to_them_too(room, browser_of):
    browser = await browser_of("inspector")
    await room.incident("完成4甲A5项")
    await room.incident("完成4A5项")
    for sign in ("*", "?", "[", "]", "^", ".", "(", "\\", "$", "|", "%", "_", "-", " "):
        one = await room.incident(f"完成4{sign}A5项")
        query = f"4{sign}a5" if sign.strip() else "4 a5项"
        assert one in numbers_in(await text_of(browser, q=query)), sign
        if sign.strip():
            assert numbers_in(await text_of(browser, q=query)) == [one], sign


async def test_an_inspector_does_not_find_an_entry_by_its_number(room, browser_of):
    await room.entry("供暖", person="张伟", number="+8613912345678")
    inspector, desk = await browser_of("inspector"), await browser_of("operator")
    assert "供暖" not in (await inspector.get("/log", params={"text": "5678"})).text
    assert "供暖" in (await desk.get("/log", params={"text": "5678"})).text
    assert "供暖" in (await inspector.get("/log", params={"text": "张伟"})).text

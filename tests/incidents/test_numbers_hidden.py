"""Numbers inside what people typed are masked for whoever may not read numbers, on every page and in the API."""

import pytest

from dutydesk.dutylog.model import LogEntry
from dutydesk.incidents.queries import incident_by_number
from dutydesk.incidents.reading import without_numbers

NUMBERS = ("13800001234", "138 0000 1234", "138-0000-1234", "010-66554433", "010 6655 4433")
TEXT = "，".join(NUMBERS)


@pytest.mark.parametrize("number", NUMBERS)
def test_a_number_is_hidden_however_it_is_grouped(number):
    hidden = without_numbers(f"请拨{number}联系")
    assert number not in hidden
    assert "*" in hidden
    assert hidden.startswith("请拨")
    assert hidden.endswith("联系")


@pytest.mark.parametrize(
    "text",
    ["2026-0001", "2026-11-23 14:05:00", "2026-11-23T06:00:00+00:00", "11-23 14:10:00 → 11-23 14:05:00"],
)
def test_times_and_incidents_stay(text):
    assert without_numbers(text) == text


def tells(text):
    return [number for number in NUMBERS if number in text]


@pytest.fixture
async def fire(desk, site):
    await desk.log(place=TEXT, source=TEXT, narrative=TEXT, title=f"起火 {TEXT}")
    report = {"reporter": f"李强 {TEXT}", "content": TEXT, "reporter_phone": "13800001234"}
    made = await desk.post("incidents/2026-0001/reports", desk.phoned(**report), 201)
    await desk.post(f"reports/{made['id']}/void", {"reason": TEXT})
    await desk.post("incidents/2026-0001/casualties", {"as_of": desk.clock.now(), "note": TEXT}, 201)
    elements = {"nature": TEXT, "on_site": TEXT}
    await desk.post("incidents/2026-0001/correct", {"elements": elements, "reason": TEXT})
    clock = (await desk.clocks("2026-0001"))["49.1"]["id"]
    till = desk.clock.now().replace(hour=23)
    taken = {"who": f"孙科长 {NUMBERS[1]}", "reason": TEXT, "next_check_at": till}
    await desk.post(f"obligations/{clock}/take-over", taken)
    waived = (await desk.clocks("2026-0001"))["49.2"]["id"]
    await desk.post(f"obligations/{waived}/waive", {"reason": TEXT})
    async with site.db.write() as session:
        session.add(
            LogEntry(
                kind="instruction", at=desk.clock.now(), logged_at=desk.clock.now(), logged_by="陈晓",
                incident_id=(await incident_by_number(session, "2026-0001")).id, person=TEXT, title=TEXT,
                content=TEXT, handling=TEXT, conveyed_to=TEXT, conveyed_at=desk.clock.now(),
            )
        )  # fmt: skip
    return "/incidents/2026-0001"


async def test_the_page_of_an_incident_tells_no_number(fire, browser_of):
    for role in ("inspector", "auditor"):
        for path in ("", "/live", "?kind=incident", "?kind=log", "?kind=report", "?kind=owed"):
            answer = await (await browser_of(role)).get(fire + path)
            assert answer.status_code == 200
            assert tells(answer.text) == [], (role, path)
    assert set(tells((await (await browser_of("operator")).get(fire)).text)) == set(NUMBERS)


async def test_nor_does_the_api(fire, desk):
    for path in ("incidents/2026-0001", "incidents", "incidents/2026-0001/timeline", "obligations"):
        answer = await desk.send("GET", path, role="inspector")
        assert answer.status_code == 200
        assert tells(answer.text) == [], path
    assert tells((await desk.send("GET", "incidents/2026-0001")).text)


async def test_nor_does_a_paper(fire, browser_of):
    office = await browser_of("office", name="林晨")
    typed = {
        "title": "关于起火的报告",
        "body": TEXT,
        "send_to": "市委值班室",
        "contact": "陈晓",
        "contact_phone": NUMBERS[4],
    }
    sent = await office.post(
        f"{fire}/papers", data=typed | {"kind": "special_report", "part": "first", "do": "save"}
    )
    paper = sent.headers["location"]
    await office.post(f"{paper}/edit", data=typed | {"body": f"第二稿{TEXT}", "version": "1", "do": "save"})
    for path in (paper, f"{paper}/versions/2", f"{paper}/print"):
        answer = await (await browser_of("inspector")).get(path)
        assert answer.status_code == 200
        assert tells(answer.text) == [], path
        assert set(tells((await office.get(path)).text)) == set(NUMBERS), path

"""How many people were harmed: a history as of a time, in which nothing is overwritten."""

import pytest

from dutydesk.incidents.casualties import history
from dutydesk.incidents.model import Casualties
from dutydesk.incidents.queries import casualties_of, incident_by_number
from dutydesk.incidents.rules import ELEMENTS, WRITTEN, count_faults, elements_of
from dutydesk.incidents.views import ElementName
from tests.builders import build_bureau

FIRE = {
    "title": "配电室起火",
    "unit": "canteen",
    "occurred_at": "2026-11-23T13:50:00",
    "occurred_at_kind": "exact",
    "grade": "major",
    "category": "accident",
    "received_at": "2026-11-23T13:58:00",
}


@pytest.fixture
async def browser(browser_of, site):
    await build_bureau(site.db, site.clock.now())
    return await browser_of("operator", name="陈晓")


@pytest.fixture
async def fire(browser):
    return (await browser.post("/incidents", data=FIRE)).headers["location"]


async def counts(site):
    async with site.db.read() as session:
        return await casualties_of(session, (await incident_by_number(session, "2026-0001")).id)


def test_the_names_of_the_elements_are_the_same_everywhere():
    assert set(ElementName.__args__) == set(WRITTEN)
    assert len(ELEMENTS) == 16


def test_an_element_is_known_when_something_is_said_of_it():
    found = elements_of({"place": "二号楼", "source": ""}, {"nature": " ", "cause": "漏电"}, counted=True)
    assert {one.name for one in found if one.known} == {"place", "cause", "casualties"}


def test_a_count_is_of_a_moment_between_the_event_and_now(clock):
    now = clock.now()
    clock.move(-600)
    before = clock.now()
    assert count_faults({"dead": 1}, as_of=now, occurred_at=before, now=now) == []
    assert count_faults({"dead": -1}, as_of=now, occurred_at=None, now=now)[0][0] == "dead"
    assert count_faults({}, as_of=now, occurred_at=None, now=before)[0][0] == "as_of"
    assert count_faults({}, as_of=before, occurred_at=now, now=now)[0][0] == "as_of"


def test_a_late_count_of_an_earlier_moment_slots_in_and_does_not_undo_the_newest(clock):
    now = clock.now()
    rows = [
        Casualties(incident_id=1, as_of=now, dead=dead, logged_at=now, logged_by="x") for dead in (1, 3, 2)
    ]
    assert [one.changes for one in history(rows)] == [
        (("dead", 0, 1),),
        (("dead", 1, 3),),
        (("dead", 3, 2),),
    ]


async def test_every_count_is_a_row_with_what_was_raised_and_lowered(browser, fire, site, clock):
    await browser.post(
        f"{fire}/casualties", data={"as_of": "2026-11-23T13:55:00", "slightly_injured": "3", "note": "来电"}
    )
    clock.move(600)
    asked = (await browser.get(f"{fire}/casualties")).text
    assert 'value="3"' in asked
    assert 'value="2026-11-23T14:10:00"' in asked
    second = {
        "as_of": "2026-11-23T14:05:00",
        "slightly_injured": "1",
        "badly_injured": "2",
        "note": "医院核实",
    }
    assert (await browser.post(f"{fire}/casualties", data=second)).status_code == 303
    assert [(row.slightly_injured, row.badly_injured) for row in await counts(site)] == [(3, 0), (1, 2)]
    page = (await browser.get(fire)).text
    for text in (
        "核增2",
        "核减2",
        "截至 14:05:00",
        "重伤2人，轻伤1人",
        "轻伤 3 → 1（核减2）",
        "重伤 0 → 2（核增2）",
    ):
        assert text in page, text


async def test_none_harmed_is_known_too(browser, fire):
    assert "已填 2/16" in (await browser.get(fire)).text
    await browser.post(f"{fire}/casualties", data={"as_of": "2026-11-23T13:55:00", "dead": ""})
    page = (await browser.get(fire)).text
    assert "已填 3/16" in page
    assert "没有伤亡" in page
    assert page.count("待核实</span>") >= 12


@pytest.mark.parametrize(
    ("change", "field", "sentence"),
    [
        ({"as_of": "2026-11-23T14:30:00"}, "as_of", "不能晚于现在"),
        ({"as_of": "2026-11-23T13:40:00"}, "as_of", "早于事发时间"),
        ({"as_of": ""}, "as_of", "请填写"),
        ({"dead": "-1"}, "dead", "请填写0或正整数"),
        ({"dead": "1.5"}, "dead", "请填写0或正整数"),
        ({"dead": "三"}, "dead", "请填写0或正整数"),
        ({"dead": "99999999"}, "dead", "填写有误"),
    ],
)
async def test_a_count_that_cannot_be_true_comes_back_as_typed(browser, fire, site, change, field, sentence):
    typed = {"as_of": "2026-11-23T13:55:00", "dead": "1", "missing": "7", "note": "据现场"} | change
    answer = await browser.post(f"{fire}/casualties", data=typed)
    assert answer.status_code == 422
    assert f'id="f-{field}-fault"' in answer.text
    assert sentence in answer.text
    assert 'value="7"' in answer.text
    assert "据现场" in answer.text
    assert await counts(site) == []


async def test_the_api_counts_and_lists(desk):
    await desk.log()
    made = await desk.post(
        "incidents/2026-0001/casualties", {"as_of": desk.clock.now(), "dead": 1, "note": "现场"}, 201
    )
    assert (made["dead"], made["logged_by"]) == (1, "the operator")
    one = await desk.get("incidents/2026-0001")
    assert [count["dead"] for count in one["casualties"]] == [1]
    assert one["attachments"] == []
    for wrong in ({"dead": -1}, {"dead": 1.5}, {"dead": "x"}, {}):
        body = {"as_of": desk.clock.now()} | wrong if wrong else {"dead": 1}
        await desk.post("incidents/2026-0001/casualties", body, 422)
    await desk.post("incidents/2026-0001/casualties", {"as_of": desk.clock.now()}, 403, "inspector")
    await desk.post("incidents/2026-0001/casualties", {"as_of": desk.clock.now()}, 403, "canteen")


async def test_the_api_fills_in_elements_one_by_one(desk):
    await desk.log()
    path = "incidents/2026-0001/correct"
    await desk.post(path, {"reason": "核实", "elements": {"nature": "电气火灾"}})
    one = await desk.post(path, {"reason": "核实", "elements": {"cause": "线路老化"}})
    assert one["elements"] == {"nature": "电气火灾", "cause": "线路老化"}
    await desk.post(path, {"reason": "核实", "elements": {"weather": "晴"}}, 422)

"""Two people on one incident: nothing is written over that somebody has not seen, and nothing typed is lost."""

import asyncio
import re

import pytest

from dutydesk.incidents.queries import changes_of, incident_by_number
from dutydesk.obligations.queries import obligations_of
from tests.builders import build_bureau

FIRE = {
    "title": "配电室起火",
    "unit": "canteen",
    "occurred_at": "2026-11-23T13:50:00",
    "occurred_at_kind": "exact",
    "place": "二号楼",
    "grade": "major",
    "category": "accident",
    "received_at": "2026-11-23T13:58:00",
    "narrative": "人员已疏散\n伤亡待核实",
}


@pytest.fixture
async def chen(browser_of, site):
    await build_bureau(site.db, site.clock.now())
    return await browser_of("operator", name="陈晓")


@pytest.fixture
async def lin(browser_of, chen):
    return await browser_of("operator", name="林晨")


@pytest.fixture
async def fire(chen):
    return (await chen.post("/incidents", data=FIRE)).headers["location"]


def drawn(page):
    """Return what a form holds, as a browser would send it back."""
    inputs = re.findall(r'<input[^>]* type="(?:text|datetime-local)"[^>]* value="([^"]*)" name="(\w+)"', page)
    fields = {name: value for value, name in inputs}
    fields |= dict(re.findall(r'name="(base|decided)" value="(\d+)"', page))
    fields |= {
        name: text.replace("\r\n", "\n").removeprefix("\n").replace("\n", "\r\n")
        for name, text in re.findall(r'<textarea[^>]* name="(\w+)"[^>]*>([^<]*)</textarea>', page)
    }
    for name, options in re.findall(r'<select[^>]* name="(\w+)"[^>]*>(.*?)</select>', page, re.DOTALL):
        chosen = re.search(r'value="([^"]*)" selected', options)
        fields[name] = chosen[1] if chosen else ""
    ticked = re.findall(r'type="checkbox" name="(\w+)"[^>]* value="yes" checked', page)
    return fields | dict.fromkeys(ticked, "yes")


async def stored(site):
    async with site.db.read() as session:
        row = await incident_by_number(session, "2026-0001")
        return row, await changes_of(session, row.id)


async def test_a_form_holds_everything_that_was_written_down(chen, fire):
    form = drawn((await chen.get(f"{fire}/correct")).text)
    for name in ("title", "unit", "category", "occurred_at", "occurred_at_kind", "received_at", "place"):
        assert form[name] == FIRE[name], name
    assert form["narrative"] == FIRE["narrative"].replace("\n", "\r\n")
    assert {"source", "learned_at", "nature", "cause", "on_site", "measures", "next_steps", "base"} <= set(
        form
    )


async def test_a_form_sent_back_untouched_changes_nothing(chen, fire, site):
    form = drawn((await chen.get(f"{fire}/correct")).text)
    answer = await chen.post(f"{fire}/correct", data=form | {"reason": "核对"})
    assert (answer.status_code, "没有改动" in answer.text) == (422, True)
    assert len((await stored(site))[1]) == 1


async def test_the_second_sees_what_changed_and_decides(chen, lin, fire, site):
    first = drawn((await chen.get(f"{fire}/correct")).text)
    second = drawn((await lin.get(f"{fire}/correct")).text)
    done = await chen.post(
        f"{fire}/correct", data=first | {"place": "三号楼", "source": "食堂来电", "reason": "来电更正"}
    )
    assert done.status_code == 303

    mine = second | {"place": "四号楼", "title": "后厨起火", "reason": "现场核实"}
    shown = await lin.post(f"{fire}/correct", data=mine)
    assert shown.status_code == 409
    for text in ("您填写期间", "来电更正", "陈晓", "二号楼 → 三号楼", "空 → 食堂来电", "别人已改为：三号楼"):
        assert text in shown.text, text
    again = drawn(shown.text)
    # What was typed is kept, what was not touched takes its new value, and the form has seen it all now.
    assert (again["place"], again["title"], again["source"]) == ("四号楼", "后厨起火", "食堂来电")
    assert int(again["base"]) > int(mine["base"])
    row, changes = await stored(site)
    assert (row.place, row.title, len(changes)) == ("三号楼", "配电室起火", 2)

    assert (await lin.post(f"{fire}/correct", data=again | {"reason": "现场核实"})).status_code == 303
    row, changes = await stored(site)
    assert (row.place, row.title, row.source) == ("四号楼", "后厨起火", "食堂来电")
    assert set(changes[-1].after) == {"place", "title"}


async def test_what_one_did_not_touch_is_never_set_back(chen, lin, fire, site):
    second = drawn((await lin.get(f"{fire}/elements")).text)
    first = drawn((await chen.get(f"{fire}/elements")).text)
    await chen.post(f"{fire}/elements", data=first | {"nature": "电气火灾"})
    shown = await lin.post(f"{fire}/elements", data=second | {"cause": "线路老化"})
    assert (shown.status_code, "事件性质：空 → 电气火灾" in shown.text) == (409, True)
    assert "别人已改为" not in shown.text
    await lin.post(f"{fire}/elements", data=drawn(shown.text))
    row, _ = await stored(site)
    assert row.elements == {"nature": "电气火灾", "cause": "线路老化"}


async def test_a_regrade_is_no_different(chen, lin, fire, site):
    first = drawn((await chen.get(f"{fire}/regrade")).text)
    second = drawn((await lin.get(f"{fire}/regrade")).text)
    sent = first | {"grade": "especially_major", "sensitive": "yes", "reason": "伤亡扩大"}
    assert (await chen.post(f"{fire}/regrade", data=sent)).status_code == 303
    shown = await lin.post(f"{fire}/regrade", data=second | {"suspected": "yes", "reason": "疑似"})
    assert shown.status_code == 409
    assert "级别：重大 → 特别重大" in shown.text
    again = drawn(shown.text)
    assert (again["grade"], again.get("sensitive"), again.get("suspected")) == (
        "especially_major",
        "yes",
        "yes",
    )
    assert (await lin.post(f"{fire}/regrade", data=again | {"reason": "疑似"})).status_code == 303
    row, _ = await stored(site)
    assert (row.grade, row.sensitive, row.suspected) == ("especially_major", True, True)


async def test_a_form_that_does_not_say_what_it_saw_changes_nothing(chen, fire, site):
    form = drawn((await chen.get(f"{fire}/correct")).text)
    for base in ("", "x", "-1", "99999999999999"):
        answer = await chen.post(
            f"{fire}/correct", data=form | {"place": "五号楼", "base": base, "reason": "x"}
        )
        assert answer.status_code == 409, base
        assert drawn(answer.text)["base"] == form["base"]
    assert (await stored(site))[0].place == "二号楼"


async def test_of_two_at_the_same_moment_one_is_told(chen, lin, fire, site):
    forms = [drawn((await one.get(f"{fire}/correct")).text) for one in (chen, lin)]
    answers = await asyncio.gather(
        chen.post(f"{fire}/correct", data=forms[0] | {"place": "东门", "reason": "甲"}),
        lin.post(f"{fire}/correct", data=forms[1] | {"place": "西门", "reason": "乙"}),
    )
    assert sorted(answer.status_code for answer in answers) == [303, 409]
    assert len((await stored(site))[1]) == 2


async def test_a_correction_reaches_every_field(chen, fire, site):
    form = drawn((await chen.get(f"{fire}/correct")).text)
    new = {
        "title": "后厨起火",
        "unit": "motor",
        "category": "public_health",
        "occurred_at": "2026-11-23T13:45:00",
        "occurred_at_kind": "estimated",
        "learned_at": "2026-11-23T13:47:00",
        "received_at": "2026-11-23T13:57:00",
        "place": "车库",
        "source": "公车中心来电",
        "narrative": "车库起火",
        "trend": "可控",
        "on_site": "徐海燕 主任",
        "reason": "登记错误",
    }
    assert (await chen.post(f"{fire}/correct", data=form | new)).status_code == 303
    page = (await chen.get(f"{fire}?kind=incident")).text
    for text in (
        "标题：配电室起火 → 后厨起火",
        "事发单位：机关食堂 → 公务用车中心",
        "类别：事故灾难 → 公共卫生事件",
        "事发时间：11-23 13:50:00 → 11-23 13:45:00",
        "事发时间准确程度：准确 → 大致",
        "单位知悉时间：空 → 11-23 13:47:00",
        "接报时间：11-23 13:58:00 → 11-23 13:57:00",
        "事发地点：二号楼 → 车库",
        "信息来源：空 → 公车中心来电",
        "→ 车库起火",
        "发展趋势：空 → 可控",
        "现场负责人及联系方式：空 → 徐海燕 主任",
    ):
        assert text in page, text
    owed = (await chen.get(f"{fire}?kind=owed")).text
    assert "改由公务用车中心承担（陈晓）" in owed
    assert "机关食堂 → 公务用车中心" in owed
    assert "11-23 14:10:00 → 11-23 14:05:00" in owed


async def test_scripts_in_any_field_stay_text_on_the_page_and_in_the_news_of_a_change(chen, lin, fire):
    evil = "<script>alert(1)</script>"
    second = drawn((await lin.get(f"{fire}/correct")).text)
    first = drawn((await chen.get(f"{fire}/correct")).text)
    names = ("title", "place", "source", "narrative", "nature", "cause", "measures", "on_site", "reason")
    sent = await chen.post(f"{fire}/correct", data=first | dict.fromkeys(names, evil))
    assert sent.status_code == 303
    shown = await lin.post(f"{fire}/correct", data=second | {"place": '"><script>2', "reason": "x"})
    for page in (shown.text, (await chen.get(fire)).text, (await chen.get(f"{fire}/correct")).text):
        assert "<script>alert" not in page
        assert "<script>2" not in page
        assert "&lt;script&gt;alert" in page


ACTS = {
    "withdraw": {"reason": "误报"},
    "end": {"reason": "明火扑灭"},
    "merge": {"into": "2026-0002", "reason": "同一起"},
}


@pytest.mark.parametrize("act", ACTS)
async def test_nothing_is_done_to_the_whole_that_ignores_what_changed_meanwhile(chen, lin, fire, site, act):
    await chen.post("/incidents", data=FIRE | {"title": "同一起火"})
    form = drawn((await lin.get(f"{fire}/{act}")).text)
    first = drawn((await chen.get(f"{fire}/correct")).text)
    await chen.post(f"{fire}/correct", data=first | {"place": "三号楼", "reason": "来电更正"})
    shown = await lin.post(f"{fire}/{act}", data=form | ACTS[act])
    assert shown.status_code == 409
    for text in ("您填写期间", "来电更正", "陈晓", "二号楼 → 三号楼", ACTS[act]["reason"]):
        assert text in shown.text, text
    assert (await stored(site))[0].state == "open"
    assert (await lin.post(f"{fire}/{act}", data=drawn(shown.text))).status_code == 303
    assert (await stored(site))[0].state != "open"


async def test_nothing_is_reinstated_that_ignores_what_changed_meanwhile(chen, lin, fire, site):
    await chen.post(f"{fire}/end", data=drawn((await chen.get(f"{fire}/end")).text) | {"reason": "扑灭"})
    form = drawn((await lin.get(f"{fire}/reinstate")).text)
    first = drawn((await chen.get(f"{fire}/correct")).text)
    await chen.post(f"{fire}/correct", data=first | {"place": "三号楼", "reason": "来电更正"})
    shown = await lin.post(f"{fire}/reinstate", data=form | {"reason": "复燃"})
    assert (shown.status_code, "二号楼 → 三号楼" in shown.text) == (409, True)
    assert (await lin.post(f"{fire}/reinstate", data=drawn(shown.text))).status_code == 303
    assert (await stored(site))[0].state == "open"


DECISIONS = {
    "waive": {"reason": "按较大事件办理"},
    "take-over": {"who": "林晨", "reason": "已通话", "next_check_at": "2026-11-23T14:30:00"},
}


async def phone_duty(site):
    async with site.db.read() as session:
        row = await incident_by_number(session, "2026-0001")
        return next(one for one in await obligations_of(session, row.id) if one.rule_id == "49.1")


@pytest.mark.parametrize("act", DECISIONS)
async def test_a_duty_is_decided_knowing_what_the_other_decided(chen, lin, fire, site, act):
    address = f"/obligations/{(await phone_duty(site)).id}"
    form = drawn((await lin.get(f"{address}/{act}")).text)
    first = drawn((await chen.get(f"{address}/take-over")).text)
    taken = {"who": "孙丽华 科长", "reason": "正在核实", "next_check_at": "2026-11-23T14:20:00"}
    assert (await chen.post(f"{address}/take-over", data=first | taken)).status_code == 303
    shown = await lin.post(f"{address}/{act}", data=form | DECISIONS[act])
    assert shown.status_code == 409
    for text in ("您填写期间", "由孙丽华 科长接管（登记人 陈晓）", "正在核实", DECISIONS[act]["reason"]):
        assert text in shown.text, text
    assert (await phone_duty(site)).taken_over_by == "孙丽华 科长"
    assert (await lin.post(f"{address}/{act}", data=drawn(shown.text))).status_code == 303


@pytest.mark.parametrize("act", DECISIONS)
async def test_a_duty_is_decided_knowing_what_became_of_the_event(chen, lin, fire, site, act):
    address = f"/obligations/{(await phone_duty(site)).id}"
    form = drawn((await lin.get(f"{address}/{act}")).text)
    first = drawn((await chen.get(f"{fire}/correct")).text)
    await chen.post(f"{fire}/correct", data=first | {"occurred_at": "2026-11-23T13:45:00", "reason": "更正"})
    shown = await lin.post(f"{address}/{act}", data=form | DECISIONS[act])
    assert (shown.status_code, "11-23 13:50:00 → 11-23 13:45:00" in shown.text) == (409, True)
    assert (await lin.post(f"{address}/{act}", data=drawn(shown.text))).status_code == 303

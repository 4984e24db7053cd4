"""A paper drafts itself from what was logged and states nothing that was not."""

import re
from dataclasses import replace
from datetime import UTC, date, datetime
from itertools import combinations
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dutydesk.incidents.papers.draft import Count, Facts, Told, draft_body, draft_title, unverified
from dutydesk.incidents.papers.text import (
    Words,
    corrected,
    document_of,
    file_name,
    kept_words,
    numeral,
    sheet_of,
)
from dutydesk.incidents.rules import ELEMENTS, WRITTEN

ZONE = ZoneInfo("Asia/Shanghai")


def at(hour, minute, day=18):
    return datetime(2026, 7, day, hour, minute, tzinfo=ZONE).astimezone(UTC)


FULL = Facts(
    title="后厨配电室起火",
    unit="机关食堂管理处",
    unit_short="机关食堂",
    zone=ZONE,
    occurred_at=at(14, 5),
    occurred_kind="exact",
    received_at=at(14, 12),
    place="行政中心二号楼负一层",
    source="机关食堂值班员李强",
    narrative="现场有明火和浓烟，人员正在疏散。\n消防已到场。",
    elements={name: f"〈{name}〉" for name in WRITTEN},
    count=Count(at(14, 30), {"dead": 0, "badly_injured": 1, "slightly_injured": 2, "evacuated": 120}),
)
BARE = Facts(
    title="电梯困人",
    unit="机关物业服务中心",
    unit_short="物业中心",
    zone=ZONE,
    occurred_at=None,
    occurred_kind="unknown",
    received_at=at(9, 3),
    elements={},
)


@pytest.fixture(scope="module")
def plan(rulebook):
    return rulebook.papers


def test_the_first_report_says_what_is_known_in_the_order_of_the_trade(plan):
    assert draft_title(FULL, "first", 1, plan) == "关于机关食堂管理处后厨配电室起火的报告（首报）"
    lines = draft_body(FULL, "first", plan).splitlines()
    assert lines[0] == (
        "2026年7月18日14时05分，机关食堂管理处（行政中心二号楼负一层）后厨配电室起火。"
        "14时12分，市机关事务管理局值班室接到机关食堂值班员李强报告。"
    )
    assert lines[1:3] == ["现场有明火和浓烟，人员正在疏散。", "消防已到场。"]
    assert lines[3] == "截至2026年7月18日14时30分，重伤1人、轻伤2人、疏散转移120人。"
    assert lines.index("已采取措施：〈measures〉。") < lines.index("下一步措施：〈next_steps〉。")
    assert "待核实" not in "".join(lines)


def test_what_nobody_logged_is_to_be_verified(plan):
    body = draft_body(BARE, "first", plan)
    assert body.splitlines()[0] == (
        "机关物业服务中心（地点待核实）电梯困人，事发时间待核实。"
        "2026年7月18日09时03分，市机关事务管理局值班室接报，信息来源待核实。"
    )
    assert "人员伤亡情况待核实。" in body
    labels = [label for name, label in ELEMENTS if name not in ("received_at", "requests")]
    assert unverified(BARE) == labels
    assert body.splitlines()[-1] == f"（待核实：{'、'.join(labels)}）"


@pytest.mark.parametrize("said", ["", "  ", "待核实", "待核实。", "不详"])
def test_a_text_that_says_nothing_is_no_fact(plan, said):
    facts = replace(FULL, source=said, place=said, elements=FULL.elements | {"cause": said})
    assert {"起因", "信息来源", "事发地点"} <= set(unverified(facts))
    assert "起因：" not in draft_body(facts, "first", plan)


def test_that_nobody_was_harmed_is_said_only_where_somebody_counted(plan):
    assert "未接报人员伤亡" not in draft_body(replace(FULL, count=None), "first", plan)
    counted = replace(FULL, count=Count(at(14, 30), {"dead": 0}, "现场清点"))
    assert "截至2026年7月18日14时30分，未接报人员伤亡（现场清点）。" in draft_body(counted, "first", plan)


def test_an_estimated_time_is_called_one(plan):
    facts = replace(FULL, occurred_kind="estimated")
    assert draft_body(facts, "first", plan).startswith("2026年7月18日14时05分许，")
    assert "事发时间" in unverified(facts)


def test_a_report_of_the_next_day_has_its_day(plan):
    facts = replace(FULL, occurred_at=at(23, 50), received_at=at(0, 4, day=19))
    assert "2026年7月19日00时04分，市机关事务管理局值班室接到" in draft_body(facts, "first", plan)


def test_a_follow_up_tells_what_is_new_and_not_the_beginning(plan):
    facts = replace(
        FULL, news=[Told(at(15, 2), "李强", "明火已扑灭"), Told(at(15, 9), "", "  ")], issues=["第2026-3期"]
    )
    body = draft_body(facts, "follow_up", plan)
    assert "前报见第2026-3期" in body
    assert "2026年7月18日15时02分，李强报告：明火已扑灭。" in body
    assert "15时09分" not in body
    assert "人员正在疏散" not in body
    assert draft_title(facts, "follow_up", 12, plan).endswith("（续报十二）")


def test_the_final_report_says_when_it_ended(plan):
    assert "2026年7月18日16时30分，现场处置结束。" in draft_body(
        replace(FULL, ended_at=at(16, 30)), "final", plan
    )


def test_a_title_that_begins_with_the_unit_names_it_once(plan):
    facts = replace(FULL, title="机关食堂后厨配电室起火。")
    assert draft_title(facts, "first", 1, plan) == draft_title(FULL, "first", 1, plan)


@pytest.mark.parametrize("left_out", [*combinations(WRITTEN, 2), WRITTEN, ()])
def test_an_element_is_either_stated_or_to_be_verified(plan, left_out):
    facts = replace(FULL, elements={k: v for k, v in FULL.elements.items() if k not in left_out})
    body = draft_body(facts, "first", plan)
    for name in WRITTEN:
        assert (f"〈{name}〉" in body) == (name not in left_out)
    assert {label for name, label in ELEMENTS if name in left_out and name != "requests"} == set(
        unverified(facts)
    )


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(
    text=st.text(alphabet="甲乙{}%<>&。{{unit}}\n", max_size=40),
    part=st.sampled_from(["first", "follow_up", "final"]),
)
def test_every_number_of_a_draft_was_logged(plan, text, part):
    facts = replace(BARE, narrative=text, elements={"measures": text}, news=[Told(at(9, 5), text, text)])
    body = draft_body(facts, part, plan)
    # Of the facts only these have numbers; nothing in braces is ever filled in.
    assert set(re.findall(r"\d+", body)) <= {"2026", "7", "18", "09", "03", "05"}


# ----------------------------------------------------------------------------------------------------------------------
# Words and documents

WORDS = Words(
    kind="special_report",
    part="first",
    sequence=1,
    issue="2026-3",
    day="2026-07-18",
    drill=False,
    title="关于机关食堂后厨起火的报告（首报）",
    body="一、基本情况\n明火已扑灭。",
    send_to="市委值班室",
    copy_to="",
    contact="李强",
    contact_phone="022-23456701",
    drafter="甲",
    checker="乙",
    signer="丙",
)


def test_words_that_were_tampered_with_are_recognised():
    kept = WORDS.kept(to="市委值班室")
    assert kept_words(kept) == WORDS
    assert kept["detail"] == {"to": "市委值班室"}
    assert kept_words(kept | {"words": kept["words"] | {"body": "没有起火。"}}) is None
    assert kept_words(kept | {"words": {}}) is None
    assert kept_words({}) is None


def test_a_document_has_every_word(plan):
    made = document_of(WORDS, plan, draft=False)
    assert (made.number, made.day, made.signer, made.editor) == ("第2026-3期", date(2026, 7, 18), "丙", "甲")
    assert made.paragraphs == ("一、基本情况", "明火已扑灭。", "（联系人：李强，电话：022-23456701）")
    assert document_of(replace(WORDS, issue=""), plan, draft=True).number == "第2026-×期"


def test_a_bulletin_begins_with_what_it_is_about(plan):
    made = document_of(replace(WORDS, kind="bulletin", title="机关食堂起火情况"), plan, draft=False)
    assert made.title == "值班快报"
    assert made.paragraphs[0] == "一、机关食堂起火情况"
    assert sheet_of(replace(WORDS, kind="bulletin"), plan, draft=False).number == "第2026-3期（共1起）"


def test_a_file_is_named_after_its_paper(plan):
    assert file_name(WORDS, plan, draft=False) == "突发事件信息专报2026-3期.docx"
    assert file_name(replace(WORDS, issue=""), plan, draft=True) == "突发事件信息专报草稿.docx"
    drill = replace(WORDS, drill=True, issue="演练2026-1")
    assert file_name(drill, plan, draft=False) == "【演练】突发事件信息专报演练2026-1期.docx"


def test_drafts_and_drills_are_marked_on_the_sheet(plan):
    assert sheet_of(WORDS, plan, draft=False).marks == ()
    drill = sheet_of(replace(WORDS, drill=True), plan, draft=True)
    assert drill.marks == ("【演练】", "草稿（未经签发）")
    assert drill.title.startswith("【演练】")


def test_a_correction_names_what_it_corrects_and_is_signed_anew(plan):
    made = corrected(WORDS, plan, 1, date(2026, 7, 19))
    assert made.title == "关于机关食堂后厨起火的报告（首报）（更正）"
    assert made.body.startswith(
        "第2026-3期《关于机关食堂后厨起火的报告（首报）》有关内容更正如下：\n一、基本情况"
    )
    assert (made.issue, made.checker, made.signer, made.day) == ("", "", "", "2026-07-19")


def test_follow_ups_are_counted_in_chinese(plan):
    assert [numeral(n, plan) for n in (1, 9, 10, 11, 20, 21, 99)] == [
        "一",
        "九",
        "十",
        "十一",
        "二十",
        "二十一",
        "九十九",
    ]
    assert numeral(100, plan) == "100"

"""What is written and what is said: short enough, whole, nothing sensitive, numbers digit by digit."""

import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dutydesk.alerts.claims import new_code, new_token
from dutydesk.alerts.wording import Matter, clock_time, details, fill, greeting, sms, spoken
from dutydesk.rulebook.loader import load_rulebook
from dutydesk.rulebook.types import Wording
from dutydesk.rulebook.wording import SMS_UNITS, clip, utf16_units

WORDING = load_rulebook(Path(__file__).parents[2] / "config", "zh-CN").wording
HEAD = "【市机关局值班室】"
SMS_KEYS = sorted(
    key.removeprefix("sms.")
    for key in WORDING.texts
    if key.startswith("sms.") and key not in ("sms.merged", "sms.resent")
)
PLAIN = Matter("missed", "2026-0001", "机关食堂", "首报（电话）", "14:25", "李强")
LONGEST = Matter("missed", "演练-2026-9999", "十" * 30, "首报（书面）" * 3, "23:59", "𠮷" * 20, drill=True)
# A rare Han and an emoji take two UTF-16 units each.
WIDE = "𠮷🚒"


@pytest.mark.parametrize("key", SMS_KEYS)
@pytest.mark.parametrize("resent", [True, False])
def test_every_shipped_sms_fits_whatever_it_is_filled_with(key, resent):
    text = sms(WORDING, [replace(LONGEST, key=key)], "A2B3", resent=resent)
    assert utf16_units(text) <= SMS_UNITS
    assert text.startswith(f"{HEAD}【演练】")
    assert text.endswith(" A2B3")


@pytest.mark.parametrize("key", SMS_KEYS)
def test_no_shipped_sms_holds_a_link_or_asks_for_an_answer(key):
    text = sms(WORDING, [replace(PLAIN, key=key)], "A2B3")
    assert not re.search(r"https?:|www\.|\.com|\.cn|/", text)
    assert "回复1" not in text
    assert "!" not in text
    assert "!" not in text


def test_an_sms_says_number_unit_what_is_owed_and_what_to_do():
    assert sms(WORDING, [PLAIN], "A2B3") == (
        f"{HEAD}2026-0001机关食堂首报（电话）14:25已到期未收到，请立即报值班室 A2B3"
    )


def test_a_repeated_sms_says_so_after_the_signature():
    assert sms(WORDING, [PLAIN], "A2B3", resent=True).startswith(f"{HEAD}重发:")


def test_nothing_but_the_number_the_unit_and_the_duty_is_said():
    params = {"title": "食物中毒", "place": "一号食堂", "narrative": "三十人送医"}
    text = sms(WORDING, [replace(PLAIN, params=params)], "A2B3")
    assert not any(value in text for value in params.values())


@given(st.text(alphabet="值班𠮷🚒a", max_size=40), st.text(alphabet="食堂𠮷🚒", max_size=40))
def test_no_character_is_ever_cut_in_half(unit, owed):
    text = sms(WORDING, [replace(PLAIN, unit=unit, owed=owed)], "A2B3")
    assert utf16_units(text) <= SMS_UNITS
    text.encode("utf-16-le").decode("utf-16-le")
    assert text.endswith(" A2B3")


@given(st.text(alphabet=f"值班{WIDE}", max_size=20), st.integers(0, 20))
def test_clipping_keeps_the_longest_beginning_that_fits(text, units):
    kept = clip(text, units)
    assert text.startswith(kept)
    assert utf16_units(kept) <= units
    if kept != text:
        assert utf16_units(text[: len(kept) + 1]) > units


def test_a_units_name_is_cut_to_ten():
    assert fill(WORDING, "sms.missed", replace(PLAIN, unit="机关食堂管理服务中心大院食堂")).startswith(
        "2026-0001机关食堂管理服务中心首报"
    )


# ── several matters ──────────────────────────────────────────────────────────────────────────


def numbered(*numbers, **more):
    return [replace(PLAIN, number=number, **more) for number in numbers]


def test_a_merged_sms_names_what_fits_and_says_how_many_there_are():
    text = sms(WORDING, numbered("2026-0001", "2026-0002", "2026-0003", "2026-0004"), "A2B3")
    assert "2026-0001、2026-0002有4项时限待办" in text
    assert utf16_units(text) <= SMS_UNITS


def test_a_merged_sms_never_names_half_a_number():
    text = sms(WORDING, numbered("演练-2026-1000", "演练-2026-1001", "演练-2026-1002", drill=True), "A2B3")
    assert re.findall(r"演练-[\d-]+", text) == ["演练-2026-1000", "演练-2026-1001"]
    assert utf16_units(text) <= SMS_UNITS


def test_two_duties_of_one_incident_name_it_once():
    assert sms(WORDING, numbered("2026-0001", "2026-0001"), "A2B3").count("2026-0001") == 1


def test_one_real_matter_among_drills_makes_the_message_real():
    assert "【演练】" not in sms(WORDING, [PLAIN, replace(PLAIN, drill=True)], "A2B3")
    assert "【演练】" in sms(WORDING, [replace(PLAIN, drill=True)] * 2, "A2B3")


# ── calls ────────────────────────────────────────────────────────────────────────────────────


def test_a_call_says_who_calls_whom_it_wants_and_the_number_first():
    first, menu = greeting(WORDING, [PLAIN])
    assert first == "您好，这里是市机关事务管理局值班室。请李强接听。事项编号二零二六杠零零零一。"
    assert menu == "确认收到请按1，重听请按2，转下一位请按9。"


def test_a_call_to_a_telephone_asks_for_whoever_is_on_duty():
    assert "请值班人员接听" in greeting(WORDING, [replace(PLAIN, name="")])[0]


def test_the_greeting_says_nothing_of_what_happened():
    assert not any(word in "".join(greeting(WORDING, [PLAIN])) for word in ("机关食堂", "首报", "到期"))


def test_a_call_about_something_without_a_number_speaks_of_none():
    assert "编号" in "".join(greeting(WORDING, [PLAIN]))
    assert "编号" not in "".join(greeting(WORDING, [replace(PLAIN, number="")]))


def test_details_are_read_digit_by_digit():
    (text,) = details(WORDING, [PLAIN])
    assert "二零二六杠零零零一" in text
    assert "一四点二五" in text
    assert not re.search(r"\d", text)


def test_a_drill_says_so_before_anything_else():
    drill = replace(PLAIN, drill=True)
    assert greeting(WORDING, [drill])[0] == "演练，演练。"
    assert details(WORDING, [drill])[0].startswith("演练，演练。")


def test_a_real_matter_beside_a_drill_is_not_announced_as_one():
    both = [PLAIN, replace(PLAIN, drill=True, number="演练-2026-1")]
    assert "演练，演练。" not in greeting(WORDING, both)
    assert [text.startswith("演练，演练。") for text in details(WORDING, both)] == [False, True]


@pytest.mark.parametrize("key", sorted(key for key in WORDING.texts if key.startswith(("voice.", "screen."))))
def test_every_spoken_and_shown_text_can_be_filled(key):
    assert "{" not in fill(WORDING, key, PLAIN)


def test_a_text_that_cannot_be_filled_is_replaced_by_the_number():
    broken = Wording("zh-CN", {**WORDING.texts, "voice.missed": "{nobody[0]}"})
    said = details(broken, [PLAIN, replace(PLAIN, key="escalated")])
    assert said[0] == "编号二零二六杠零零零一，有待办事项，请看值班台。"
    assert "请督促" in said[1]


def test_numbers_and_times_are_spoken_in_chinese():
    assert spoken("演练-2026-7 08:05") == "演练杠二零二六杠七 零八点零五"


def test_times_are_the_sites():
    zone = ZoneInfo("Asia/Shanghai")
    assert clock_time(datetime(2026, 11, 22, 18, 5, tzinfo=UTC), zone) == "02:05"
    assert clock_time(None, zone) == ""


def test_codes_cannot_be_misread_and_tokens_travel_in_addresses():
    codes = {new_code() for _ in range(200)}
    assert len(codes) > 190
    assert all(re.fullmatch(r"[A-HJ-NP-Z2-9]{4}", code) for code in codes)
    assert all(re.fullmatch(r"[\w-]{20,}", new_token()) for _ in range(50))

"""What a query means."""

from datetime import date

import pytest

from dutydesk.accounts.rules import Actor
from dutydesk.search.rules import (
    Filters,
    Term,
    clean,
    days_fault,
    digits_of,
    excerpt,
    fold,
    is_meant,
    pieces,
    query_fault,
    scope_of,
    terms,
)


def text(found):
    return "".join(one.text for one in found)


def hits(found):
    return [one.text for one in found if one.hit]


@pytest.mark.parametrize(
    "typed",
    [
        "+86 138 0000 0001",
        "13800000001",
        "138-0000-0001",
        "008613800000001",
        "8613800000001",
        "１３８００００" + "０００１",
    ],
)
def test_a_number_is_the_same_however_it_is_written(typed):
    assert digits_of(typed) == "13800000001"


def test_the_trunk_zero_of_a_landline_is_not_part_of_the_number():
    assert digits_of("022-2345 6789") == "2223456789" == digits_of("+862223456789")
    assert digits_of("0001") == "0001", "the last four digits of a mobile"


def test_words_are_apart_and_digits_in_groups_are_one_number():
    assert terms("配电室 起火 138 0000-0001") == (
        Term(("配电室",)),
        Term(("起火",)),
        Term(("138", "0000-0001"), "13800000001"),
    )
    assert terms("2026-0001") == (Term(("2026-0001",), "20260001"),)
    assert terms("12") == (Term(("12",)),), "two digits are in every number"
    assert terms("") == ()


def test_a_query_is_rid_of_what_nobody_can_see():
    assert clean("  起火\x00\n二号楼\u3000 \u2028x ") == "起火 二号楼 x"
    assert clean("\ud83d") == ""


def test_only_ascii_letters_are_folded_and_no_text_changes_its_length():
    assert fold("KTV包间İÉ") == "ktv包间İÉ"


def test_a_query_may_be_long_but_not_endless():
    assert query_fault("起" * 100) is None
    assert query_fault("起" * 101) == "最多100个字"
    assert query_fault(" ".join("甲" * 10)) is None
    assert query_fault(" ".join("甲" * 11)) == "最多10个词"


def test_marking_changes_no_text_and_marks_every_hit():
    asked = terms("起火 ktv")
    line = "KTV二号楼起火，起火点不明 <b>"
    assert text(pieces(line, asked)) == line
    assert hits(pieces(line, asked)) == ["KTV", "起火", "起火"]
    assert hits(pieces("起火起火", asked)) == ["起火起火"]


def test_an_excerpt_shows_the_hit_of_a_long_text():
    long = "前" * 300 + "起火" + "后" * 300
    found = excerpt(long, terms("起火"), 40)
    assert hits(found) == ["起火"]
    assert len(text(found)) == 42
    assert text(found).startswith("…")
    assert text(found).endswith("…")
    assert text(excerpt("短\n文", ())) == "短 文"


def test_a_regular_expression_in_a_query_is_only_text():
    assert hits(pieces("(a+)+$ 起火", terms("(a+)+$ .*"))) == ["(a+)+$"]


def test_a_number_is_meant_when_it_has_the_digits():
    assert is_meant("+8613800000005", terms("0005"))
    assert is_meant("022-2345 6789", terms("022 23456789"))
    assert not is_meant("+8613800000005", terms("0006"))
    assert not is_meant("+8613800000005", terms("05"))


def test_a_unit_contact_finds_its_own_units_incidents_and_people_and_no_number():
    scope = scope_of(Actor("李强", "unit", unit_id=7))
    assert scope.kinds == ("incidents", "people")
    assert (scope.unit_id, scope.numbers) == (7, False)
    assert scope_of(Actor("无单位", "unit")).unit_id == 0, "no unit is no free pass"
    assert scope_of(Actor("陈静", "operator")).kinds == ("incidents", "log", "people")
    assert scope_of(Actor("检查", "inspector")).numbers is False


def test_an_address_names_only_what_is_set_and_means_something_there():
    assert Filters().query() == "kind=incidents"
    filters = Filters("people", "李", unit="canteen", grade="major", late=True)
    assert filters.pairs() == [("kind", "people"), ("q", "李"), ("unit", "canteen")]
    assert not Filters("log").is_narrow
    assert filters.is_narrow


def test_days_are_in_order_and_in_a_sane_range():
    assert days_fault(date(2026, 11, 23), date(2026, 11, 23)) is None
    assert days_fault(date(2026, 11, 24), date(2026, 11, 23)) == "不能早于开始日期"
    assert days_fault(None, date.max) == "日期不对"
    assert days_fault(date.min, None) == "日期不对"

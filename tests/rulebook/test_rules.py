"""Rules by their dates, durations, and how long a text is: all of it without a database."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dutydesk.rulebook.loader import parse_duration
from dutydesk.rulebook.wording import clip, utf16_units

DAY = timedelta(days=1)
FROM, CHANGED = date(2020, 7, 17), date(2027, 1, 1)


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("20 min", timedelta(minutes=20)),
        ("20min", timedelta(minutes=20)),
        (" 50 min ", timedelta(minutes=50)),
        ("-5 min", timedelta(minutes=-5)),
        ("0 min", timedelta(0)),
        ("5 h", timedelta(hours=5)),
        ("30 s", timedelta(seconds=30)),
        ("2 d", timedelta(days=2)),
    ],
)
def test_a_duration_is_read(text, length):
    assert parse_duration(text) == length


@pytest.mark.parametrize(
    "text", ["", "20", "min", "20 minutes", "1.5 h", "5 h 30 min", "+5 min", "- 5 min", "5  h", "5 H"]
)
def test_anything_else_is_no_duration(text):
    with pytest.raises(ValueError, match="not a duration"):
        parse_duration(text)


@given(st.integers(min_value=0, max_value=10**6), st.sampled_from(["s", "min", "h", "d"]))
def test_a_minus_turns_a_duration_round(count, unit):
    assert parse_duration(f"-{count} {unit}") == -parse_duration(f"{count} {unit}")


def versions(rulebook):
    """The rulebook with 49.1 shortened to 15 minutes from 2027 on."""
    first = rulebook.rule("49.1", FROM)
    old = replace(first, valid_until=CHANGED)
    new = replace(first, version="2027", limit=timedelta(minutes=15), valid_from=CHANGED)
    others = tuple(rule for rule in rulebook.rules if rule.id != "49.1")
    return replace(rulebook, rules=(new, old, *others))


def test_the_version_in_force_on_the_day_applies(rulebook):
    changed = versions(rulebook)
    assert changed.rule("49.1", CHANGED - DAY).limit == timedelta(minutes=20)
    assert changed.rule("49.1", CHANGED).limit == timedelta(minutes=15)
    assert changed.rule("49.1", FROM).version == "2020-07-17"


def test_before_its_first_day_a_rule_does_not_exist(rulebook):
    assert rulebook.rule("49.1", FROM - DAY) is None
    assert rulebook.rule("49.99", CHANGED) is None


def test_the_limit_of_the_grade_beats_the_limit_of_the_rule(rulebook):
    rule = rulebook.rule("49.4", CHANGED)
    assert rule.limit_for("especially_major") == timedelta(minutes=30)
    assert rulebook.rule("49.1", CHANGED).limit_for("major") == timedelta(minutes=20)


@given(st.text(), st.integers(min_value=0, max_value=80))
def test_a_clipped_text_is_the_longest_beginning_that_fits(text, units):
    kept = clip(text, units)
    assert text.startswith(kept)
    assert utf16_units(kept) <= units
    if kept != text:
        assert utf16_units(text[: len(kept) + 1]) > units


@given(st.text())
def test_a_character_beyond_the_basic_plane_counts_twice(text):
    assert utf16_units(text) == sum(2 if ord(character) > 0xFFFF else 1 for character in text)


def test_a_rare_han_is_never_cut_in_two():
    assert clip("值班𠮷室", 3) == "值班"
    assert clip("值班𠮷室", 4) == "值班𠮷"

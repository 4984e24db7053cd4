"""What is read at the start: ``config/`` and the environment, refused as a whole with every mistake named."""

import os
import shutil
from datetime import date, timedelta
from pathlib import Path

import pytest

from dutydesk.errors import RefusedToStartError
from dutydesk.rulebook.loader import load_rulebook
from dutydesk.rulebook.types import TARGETS
from dutydesk.rulebook.wording import SMS_UNITS, longest_sms
from dutydesk.settings import load_settings

SHIPPED = Path(__file__).resolve().parent.parent / "config"
RULES, LADDERS, PROVIDERS, WORDING = "rulebook.toml", "ladders.toml", "providers.toml", "wording.zh-CN.toml"
TODAY = date(2026, 11, 23)


@pytest.fixture
def config(tmp_path):
    """A copy of the shipped config that a test may break."""
    return Path(shutil.copytree(SHIPPED, tmp_path / "config"))


def change(config: Path, file: str, old: str, new: str) -> None:
    text = (config / file).read_text(encoding="utf-8")
    assert old in text, f"{file} no longer contains {old}"
    (config / file).write_text(text.replace(old, new, 1), encoding="utf-8")


def refusal(config: Path) -> list[str]:
    """Return the lines of what is said when this config is refused."""
    with pytest.raises(RefusedToStartError) as refused:
        load_rulebook(config, "zh-CN")
    return str(refused.value).splitlines()


def says(lines: list[str], file: str, key: str) -> bool:
    return any(line.startswith(f"{file}: {key}: ") for line in lines)


# ----------------------------------------------------------------------------------------------------------------------
# The shipped config.


def test_the_shipped_config_says_what_article_49_says(rulebook):
    limits = {number: rulebook.rule(number, TODAY).limit for number in ("49.1", "49.2", "49.3")}
    assert limits == {
        "49.1": timedelta(minutes=20),
        "49.2": timedelta(minutes=50),
        "49.3": timedelta(minutes=5),
    }


def test_every_clock_of_the_shipped_config_has_a_ladder_that_never_ends(rulebook):
    for rule in rulebook.rules:
        assert rulebook.ladders[rule.ladder].rungs[-1].repeat_every > timedelta(0), rule.id


def test_every_target_of_the_shipped_ladders_has_somebody_behind_it(rulebook):
    told = {
        target
        for ladder in rulebook.ladders.values()
        for rung in ladder.rungs
        for tell in rung.tells
        for target in tell.targets
    }
    assert told <= rulebook.fallbacks.keys()
    assert rulebook.fallbacks.keys() >= TARGETS


def test_no_shipped_sms_can_grow_longer_than_one_message_holds(rulebook):
    keys = [key for key in rulebook.wording.texts if key.startswith("sms.")]
    assert len(keys) > 5
    assert all(longest_sms(rulebook.wording, key) <= SMS_UNITS for key in keys)


def test_a_limit_that_was_edited_is_the_limit(config):
    change(config, RULES, 'limit = "20 min"', 'limit = "15 min"')
    assert load_rulebook(config, "zh-CN").rule("49.1", TODAY).limit == timedelta(minutes=15)


# ----------------------------------------------------------------------------------------------------------------------
# One mistake each.

MISTAKES = [
    (RULES, 'limit = "20 min"', 'limit = "20 minutes"', "rule[49.1].limit"),
    (RULES, 'limit = "20 min"', 'limit = "0 min"', "rule[49.1].limit"),
    (RULES, 'limit = "20 min"', 'limit = "-20 min"', "rule[49.1].limit"),
    (RULES, 'limit = "20 min"', 'limt = "20 min"', "rule[49.1].limt"),
    (RULES, 'evidence = "phone"', "", "rule[49.1].evidence"),
    (RULES, 'ladder = "phone_report"', 'ladder = "phone"', "rule[49.1].ladder"),
    (RULES, 'title = "首报（电话）"', 'title = "首次报告采用电话形式"', "rule[49.1].title"),
    (RULES, 'bases = ["occurred_at", "learned_at", "received_at"]', "bases = []", "rule[49.1].bases"),
    (RULES, '["occurred_at", "learned_at", "received_at"]', '["born_at"]', "rule[49.1].bases.0"),
    (RULES, 'grades = ["especially_major", "major"]', 'grades = ["huge"]', "rule[49.1].applies.grades.0"),
    (RULES, 'id = "49.2"', 'id = "49.1"', "rule[49.1].valid_from"),
    (
        RULES,
        "valid_from = 2020-07-17",
        "valid_from = 2020-07-17\nvalid_until = 2020-07-17",
        "rule[49.1].valid_until",
    ),
    (
        RULES,
        'especially_major = "30 min"',
        'especially_major = "soon"',
        "rule[49.4].limits_by_grade.especially_major",
    ),
    (RULES, "[[rule]]", "[[rule]", "file"),
    (
        LADDERS,
        'targets = ["desk:leader"]',
        'targets = ["desk:leadr"]',
        "ladder.phone_report.rung[leader].tells",
    ),
    (LADDERS, 'until = "any"', 'until = "somebody"', "ladder.phone_report.rung[due].until"),
    (LADDERS, 'repeat_every = "10 min"\n', "", "ladder.phone_report.rung"),
    (
        LADDERS,
        'repeat_every = "10 min"',
        'repeat_every = "0 min"',
        "ladder.phone_report.rung[by_hand].repeat_every",
    ),
    (LADDERS, 'key = "leader"', 'key = "due"', "ladder.phone_report.rung[due].key"),
    (
        LADDERS,
        '{ targets = ["desk:operator"], channels = ["screen"] }',
        '{ targets = ["desk:leader"], channels = ["screen"] }',
        "ladder.phone_report.rung[due].tells",
    ),
    (
        LADDERS,
        'tells = [{ targets = ["desk:leader"], channels = ["sms", "voice"] }]',
        "tells = []",
        "ladder.phone_report.rung[leader].tells",
    ),
    (LADDERS, 'lane = "clock"', 'lane = "slow"', "ladder.phone_report.lane"),
    (LADDERS, '"unit:phone" = ["unit:operator"]', '"unit:phone" = ["unit:phone"]', "fallbacks.unit:phone"),
    (LADDERS, '"unit:phone" = ["unit:operator"]', '"unit:phone" = ["unit:fone"]', "fallbacks.unit:phone"),
    (LADDERS, "ring_seconds = 30", 'ring_seconds = "long"', "pace.ring_seconds"),
    (LADDERS, "ring_seconds = 30", "ringing = 30", "pace.ringing"),
    (PROVIDERS, 'kind = "twilio"', 'kind = "pigeon"', "provider[twilio].kind"),
    (PROVIDERS, 'name = "twilio"', 'name = "Tw-ilio"', "provider[Tw-ilio].name"),
    (PROVIDERS, 'channels = ["sms", "voice"]', "channels = []", "provider[twilio].channels"),
    (PROVIDERS, 'window = "8 min"', 'window = "8"', "cap[0].window"),
    (WORDING, "{number}有待办事项", "{nummer}有待办事项", "sms.fixed"),
    (WORDING, "{number}有待办事项", "{number有待办事项", "sms.fixed"),
    (WORDING, "merged = ", "merged_text = ", "sms.merged"),
    (WORDING, "请立即报值班室", "请立即报值班室" + "速" * 20, "sms.missed"),
    (WORDING, 'FIRST_RUNG = "', 'FIRST = "', "reason.FIRST_RUNG"),
]


@pytest.mark.parametrize(("file", "old", "new", "key"), MISTAKES)
def test_a_mistake_is_named_with_its_file_and_key(config, file, old, new, key):
    change(config, file, old, new)
    lines = refusal(config)
    assert says(lines, file, key), lines
    assert all(line.startswith(f"{file}: ") for line in lines), "nothing else is wrong"


@pytest.mark.parametrize("file", [RULES, LADDERS, PROVIDERS, WORDING])
def test_a_file_that_is_missing_is_named(config, file):
    (config / file).unlink()
    assert f"{file}: file: missing" in refusal(config)


@pytest.mark.parametrize("file", [RULES, LADDERS, PROVIDERS, WORDING])
def test_an_empty_file_is_refused(config, file):
    (config / file).write_text("", encoding="utf-8")
    assert refusal(config)


def test_a_ladder_that_says_what_no_text_says_is_refused_for_every_channel(config):
    change(config, LADDERS, 'wording = "missed"', 'wording = "overlooked"')
    assert all(says(refusal(config), WORDING, f"{part}.overlooked") for part in ("sms", "voice", "screen"))


def test_an_sms_that_just_fits_is_accepted_and_one_character_more_is_not(config, rulebook):
    room = SMS_UNITS - longest_sms(rulebook.wording, "sms.fixed")
    change(
        config,
        WORDING,
        '"{number}有待办事项，请看值班台"',
        f'"{{number}}有待办事项，请看值班台{"速" * room}"',
    )
    load_rulebook(config, "zh-CN")
    change(config, WORDING, "请看值班台速", "请看值班台速速")
    assert refusal(config) == [f"{WORDING}: sms.fixed: can grow to 71 UTF-16 units; an SMS holds 70"]


# ----------------------------------------------------------------------------------------------------------------------
# Many mistakes, and things that are not what they should be at all.


def test_all_mistakes_in_all_files_are_said_at_once(config):
    change(config, RULES, 'limit = "20 min"', 'limit = "soon"')
    change(config, RULES, 'limit = "50 min"', 'limit = "later"')
    change(config, LADDERS, 'after = "-5 min"', 'after = "five"')
    change(config, LADDERS, '"desk:chief" = ["desk:leader"]', '"desk:chief" = ["nobody"]')
    change(config, PROVIDERS, "count = 3", 'count = "three"')
    change(config, WORDING, "{number}有待办事项", "{nummer}有待办事项")
    lines = refusal(config)
    wrong = [
        (RULES, "rule[49.1].limit"),
        (RULES, "rule[49.2].limit"),
        (LADDERS, "fallbacks.desk:chief"),
        (PROVIDERS, "cap[0].count"),
        (WORDING, "sms.fixed"),
    ]
    assert [(file, key) for file, key in wrong if not says(lines, file, key)] == []
    assert any(line.startswith(f"{LADDERS}: ladder.phone_report.rung[warning].") for line in lines)


def test_a_fault_is_named_by_the_key_that_stands_in_the_file(config):
    change(config, LADDERS, 'after = "-5 min"', 'after = "five"')
    change(config, LADDERS, 'from = "due"', 'from = "dew"')
    lines = refusal(config)
    assert says(lines, LADDERS, "ladder.phone_report.rung[warning].after"), lines
    assert says(lines, LADDERS, "ladder.phone_report.rung[warning].from"), lines


@pytest.mark.parametrize(
    ("file", "text", "key"),
    [
        (RULES, "rule = 3", "rule"),
        (LADDERS, "ladder = 3", "ladder"),
        (LADDERS, "fallbacks = 3", "fallbacks"),
        (LADDERS, "pace = 3", "pace"),
        (LADDERS, '[fallbacks]\n"unit:phone" = 3', "fallbacks.unit:phone"),
        (LADDERS, '[fallbacks]\n"unit:phone" = [3]', "fallbacks.unit:phone"),
        (LADDERS, "[ladder]\nphone_report = 3", "ladder.phone_report"),
        (LADDERS, "[ladder.phone_report]\nrung = 3", "ladder.phone_report.rung"),
        (LADDERS, '[ladder.phone_report]\nrung = ["due"]', "ladder.phone_report.rung[0]"),
        (PROVIDERS, "provider = 3", "provider"),
    ],
)
def test_a_thing_of_the_wrong_shape_is_named_and_does_not_crash(config, file, text, key):
    (config / file).write_text(text, encoding="utf-8")
    lines = refusal(config)
    assert any(line.startswith(f"{file}: {key}") for line in lines), lines


@pytest.mark.parametrize(
    ("file", "text"),
    [(RULES, "[[rul]]\n"), (LADDERS, "[ladders]\n"), (PROVIDERS, "[[caps]]\n")],
)
def test_a_misspelt_table_is_a_mistake_and_not_a_comment(config, file, text):
    with (config / file).open("a", encoding="utf-8") as opened:
        opened.write(f"\n{text}")
    assert refusal(config)


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        (PROVIDERS, "count = 3", "count = 0"),
        (PROVIDERS, 'window = "8 min"', 'window = "-8 min"'),
        (LADDERS, "ring_seconds = 30", "ring_seconds = -1"),
        (LADDERS, 'redial_after = "2 min"', 'redial_after = "-2 min"'),
        (WORDING, "{number}有待办事项", "{number:d}有待办事项"),
        (WORDING, 'fixed = "{number}有待办事项，请看值班台"', 'fixed = ["{number}"]'),
    ],
)
def test_a_value_that_would_stop_calls_later_is_refused_now(config, file, old, new):
    change(config, file, old, new)
    assert all(line.startswith(f"{file}: ") for line in refusal(config))


# ----------------------------------------------------------------------------------------------------------------------
# The environment.


@pytest.fixture
def environment(monkeypatch):
    """Set variables for one test; what reading them adds is taken back too."""
    before = dict(os.environ)
    yield monkeypatch.setenv
    for name in os.environ.keys() - before.keys():
        del os.environ[name]


def test_nothing_is_needed_and_nothing_is_really_sent_by_default(environment):
    settings = load_settings()
    assert settings.send_for_real is False
    assert settings.database_url.startswith("sqlite+aiosqlite:///")
    assert settings.zone.key == "Asia/Shanghai"


@pytest.mark.parametrize("name", ["SECRET_KEY", "TWILIO__AUTH_TOKEN", "PROVIDERS__SPARE__AUTH_TOKEN"])
def test_a_secret_may_come_from_a_file(environment, tmp_path, name):
    (tmp_path / "secret").write_text("as secret as it gets\n", encoding="utf-8")
    environment(f"DUTYDESK_{name}_FILE", str(tmp_path / "secret"))
    settings = load_settings()
    found = {
        "SECRET_KEY": settings.secret_key,
        "TWILIO__AUTH_TOKEN": settings.secrets_of("twilio").auth_token,
        "PROVIDERS__SPARE__AUTH_TOKEN": settings.secrets_of("spare").auth_token,
    }
    assert found[name].get_secret_value() == "as secret as it gets"
    assert "as secret as it gets" not in repr(settings)


def test_a_secret_file_that_cannot_be_read_is_named(environment, tmp_path):
    environment("DUTYDESK_SECRET_KEY_FILE", str(tmp_path / "nothing"))
    with pytest.raises(RefusedToStartError, match=r"DUTYDESK_SECRET_KEY_FILE: cannot read .*nothing"):
        load_settings()


def test_a_secret_file_that_is_not_text_is_named(environment, tmp_path):
    (tmp_path / "key").write_bytes(b"\xff\xfe\x00")
    environment("DUTYDESK_SECRET_KEY_FILE", str(tmp_path / "key"))
    with pytest.raises(RefusedToStartError, match="DUTYDESK_SECRET_KEY_FILE"):
        load_settings()


def test_every_wrong_variable_is_named_at_once(environment):
    environment("DUTYDESK_SITE_TIMEZONE", "Mars/Base")
    environment("DUTYDESK_SEND_FOR_REAL", "perhaps")
    with pytest.raises(RefusedToStartError) as refused:
        load_settings()
    named = {line.partition(":")[0] for line in str(refused.value).splitlines()}
    assert named == {"DUTYDESK_SITE_TIMEZONE", "DUTYDESK_SEND_FOR_REAL"}


def test_a_group_of_variables_set_as_if_it_were_one_is_named(environment):
    environment("DUTYDESK_TWILIO", "AC0123")
    with pytest.raises(RefusedToStartError, match="DUTYDESK_TWILIO"):
        load_settings()


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("+8613900000001,+8613900000002", ("+8613900000001", "+8613900000002")),
        (" +8613900000001 , +8613900000002 ,", ("+8613900000001", "+8613900000002")),
        ("+8613900000001", ("+8613900000001",)),
        ("", ()),
    ],
)
def test_the_numbers_of_last_resort_are_split_at_commas(environment, text, numbers):
    environment("DUTYDESK_LAST_RESORT", text)
    assert load_settings().last_resort == numbers


def test_the_shorthand_belongs_to_the_provider_called_twilio_alone(environment):
    environment("DUTYDESK_TWILIO__FROM_NUMBER", "+15005550006")
    settings = load_settings()
    assert settings.secrets_of("twilio").from_number == "+15005550006"
    assert not settings.secrets_of("spare").from_number


def test_a_provider_named_in_full_beats_the_shorthand(environment):
    environment("DUTYDESK_TWILIO__FROM_NUMBER", "+15005550006")
    environment("DUTYDESK_PROVIDERS__TWILIO__FROM_NUMBER", "+15005550007")
    assert load_settings().secrets_of("twilio").from_number == "+15005550007"

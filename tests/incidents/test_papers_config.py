"""``config/papers.toml`` is checked as a whole, and every mistake is named at once."""

import shutil
from pathlib import Path

import pytest

from dutydesk.errors import RefusedToStartError
from dutydesk.rulebook.loader import load_rulebook
from dutydesk.rulebook.papers import paper_plan
from tests.conftest import ROOT

SHIPPED = ROOT / "config"


@pytest.fixture
def config(tmp_path):
    """A copy of the shipped config that a test may break."""
    return Path(shutil.copytree(SHIPPED, tmp_path / "config"))


def change(config, *pairs):
    file = config / "papers.toml"
    text = file.read_text(encoding="utf-8")
    for old, new in pairs:
        assert old in text
        text = text.replace(old, new, 1)
    file.write_text(text, encoding="utf-8")


def refusal(config):
    with pytest.raises(RefusedToStartError) as refused:
        load_rulebook(config, "zh-CN")
    return str(refused.value).splitlines()


def test_the_shipped_file_names_issuer_addressees_and_templates(rulebook):
    plan = rulebook.papers
    assert plan.issuer == "市机关事务管理局值班室"
    assert "市政府总值班室" in plan.report_to
    assert (plan.templates / "special_report.docx").is_file()


def test_every_mistake_is_named_at_once(config):
    change(
        config,
        ('issuer = "市机关事务管理局值班室"', "issuer = 7"),
        ('report_to = ["市委值班室", "市政府总值班室"]', "report_to = []"),
        ('ways = ["政务网"', 'ways = [1, "政务网"'),
        ('real = "{year}-{count}"', 'real = "{year}"'),
        ('casualties = "截至{at}，{counts}。"', 'casualties = "截至{at}，{dead.__class__}。"'),
        ('cause = "起因：{text}"', 'cause = "起因：{text!r}"'),
        ('nobody = "未接报人员伤亡"', "nobody = 0"),
        ('joint = "、"', 'joints = "、"'),
        ('numerals = "一二三四五六七八九十"', 'numerals = "一二三"'),
        ('sender = "报送单位：{issuer}"', 'sender = "报送单位：{issuer"'),
    )
    (config / "templates" / "bulletin.docx").unlink()
    said = refusal(config)
    for key in (
        "issuer",
        "report_to",
        "ways",
        "issue.real",
        "body.casualties",
        "elements.cause",
        "body.nobody",
        "body.joints",
        "body.joint",
        "body.numerals",
        "labels.sender",
    ):
        assert any(line.startswith(f"papers.toml: {key}: ") for line in said), key
    assert any(line.startswith("templates/bulletin.docx: ") for line in said)


def test_a_file_that_is_missing_or_has_a_table_too_many_is_named(config):
    change(config, ("[heads]", "[head]\nx = 1\n[heads]"))
    assert any("papers.toml: head: " in line for line in refusal(config))
    (config / "papers.toml").unlink()
    assert any(line.startswith("papers.toml: file: missing") for line in refusal(config))


def test_what_is_filled_in_is_never_read_as_a_pattern(rulebook):
    said = rulebook.papers.say("body.count", what="{count}{what.__class__}", count=3)
    assert said == "{count}{what.__class__}3人"


def test_a_table_where_a_text_should_stand_is_named(config):
    said = []
    paper_plan({"body": "text", "issuer": "甲"}, config, lambda *fault: said.append(fault))
    assert ("papers.toml", "body", "must be a table") in said

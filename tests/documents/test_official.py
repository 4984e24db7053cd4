"""Reports in the official format: what GB/T 9704-2012 prescribes, and that data never becomes anything but text."""

import dataclasses
import subprocess
import sys
from datetime import UTC, date, datetime
from io import BytesIO
from pathlib import Path
from zipfile import ZipFile

import docx
import pytest
from docx.oxml.ns import qn

from dutydesk.documents.official import Bulletin, SpecialReport, body_of, write_document
from dutydesk.errors import InvalidInputError

ROOT = Path(__file__).resolve().parents[2]
SHIPPED = ROOT / "config" / "templates"
MOMENT = datetime(2026, 11, 3, 1, 30, 8, tzinfo=UTC)
REPORT = SpecialReport(
    number="第2026-3期",
    sender="市机关事务管理局值班室",
    day=date(2026, 11, 3),
    title="关于机关食堂配电室起火的报告",
    paragraphs=(
        "2026年11月3日2时20分，机关食堂配电室起火。",
        "一、基本情况",
        "（一）人员情况。轻伤2人，无人员死亡。",
        "1.检查电缆接头；",
        "（1）检查柜体。",
    ),
    report_to="市委总值班室，市政府总值班室。",
    copy_to="局领导。",
    editor="王某某",
    phone="022-00000000",
    signer="李某某",
)
BULLETIN = Bulletin(
    number="第307期",
    sender="市机关事务管理局值班室",
    day=date(2026, 11, 3),
    count=2,
    paragraphs=("一、机关食堂配电室起火", "已扑灭。"),
    report_to="市政府总值班室。",
    copy_to="局领导。",
    checker="赵某某",
    signer="李某某",
    editor="王某某",
)
BOTH = pytest.mark.parametrize("document", [REPORT, BULLETIN], ids=["special_report", "bulletin"])


def written(document=REPORT, *, templates=SHIPPED, **changes):
    """Write a document and open what was written."""
    changed = dataclasses.replace(document, **changes)
    return docx.Document(BytesIO(write_document(changed, templates=templates, moment=MOMENT)))


def texts(document):
    """Every line of the body and its tables."""
    return [
        "".join(part.text or "" for part in line.iter(qn("w:t")))
        for line in document.element.body.iter(qn("w:p"))
    ]


def line_of(document, text):
    return next(line for line in document.paragraphs if text in line.text)


def typefaces(document, text):
    """The (Chinese type, points) of each run of the line that contains *text*, as its styles give them."""
    line = line_of(document, text)
    found = []
    for run in line.runs:
        if run.text:
            chain = [run.style, line.style, document.styles["Normal"]]
            fonts = [one.element.rPr.rFonts for one in chain if one.element.rPr is not None]
            names = [font.get(qn("w:eastAsia")) for font in fonts if font is not None]
            sizes = [one.font.size.pt for one in chain if one.font.size is not None]
            found.append((run.text, names[0], sizes[0]))
    return found


@pytest.fixture
def templates(tmp_path):
    """A folder of the office's own, with nothing in it yet."""
    return tmp_path


def own_template(folder, *lines, footer=""):
    """Put a template of these lines in the place of ours."""
    document = docx.Document()
    for line in lines:
        document.add_paragraph(line)
    if footer:
        document.sections[0].footer.paragraphs[0].text = footer
    document.save(folder / SpecialReport.template)


WHOLE = ("{{ title }}", "{%p for paragraph in paragraphs %}", "{{ paragraph.text }}", "{%p endfor %}")


# ----------------------------------------------------------------------------------------------------------------------
# The format.


@BOTH
def test_the_page_is_a4_with_the_margins_of_the_standard(document):
    section = written(document).sections[0]
    millimetres = [
        round(length.mm, 1)
        for length in (
            section.page_width,
            section.page_height,
            section.top_margin,
            section.bottom_margin,
            section.left_margin,
            section.right_margin,
        )
    ]
    assert millimetres == [210, 297, 37, 35, 28, 26]


@BOTH
def test_the_grid_holds_22_lines_of_28_characters(document):
    section = written(document).sections[0]
    grid = section._sectPr.find(qn("w:docGrid"))
    assert grid.get(qn("w:type")) == "linesAndChars"
    wide = section.page_width.pt - section.left_margin.pt - section.right_margin.pt
    high = section.page_height.pt - section.top_margin.pt - section.bottom_margin.pt
    assert 28 <= wide / (16 + int(grid.get(qn("w:charSpace"))) / 4096) < 28.1
    assert 22 <= high / (int(grid.get(qn("w:linePitch"))) / 20) < 22.1


def test_every_line_of_the_text_has_the_exact_pitch_of_the_grid():
    document = written()
    for line in document.paragraphs[:-1]:  # the last is what Word wants after a table
        layout = line.style.paragraph_format
        assert layout.line_spacing_rule.name == "EXACTLY"
        assert layout.line_spacing.pt % 28.95 == pytest.approx(0, abs=0.001), line.style.name
        assert (layout.space_before, layout.space_after, layout.widow_control) == (0, 0, False)


def test_the_text_begins_two_characters_in():
    for text in ("机关食堂配电室起火。", "一、", "（一）", "1.", "（1）"):
        indent = line_of(written(), text).style.element.pPr.find(qn("w:ind"))
        assert indent.get(qn("w:firstLineChars")) == "200"


def test_each_level_has_its_type():
    document = written()
    assert typefaces(document, "起火。") == [
        ("2026年11月3日2时20分，机关食堂配电室起火。", "仿宋_GB2312", 16)
    ]
    assert typefaces(document, "一、") == [("一、基本情况", "黑体", 16)]
    assert typefaces(document, "（一）") == [
        ("（一）人员情况。", "楷体_GB2312", 16),
        ("轻伤2人，无人员死亡。", "仿宋_GB2312", 16),
    ]
    assert typefaces(document, "1.") == [("1.检查电缆接头；", "仿宋_GB2312", 16)]
    assert typefaces(document, "（1）") == [("（1）检查柜体。", "仿宋_GB2312", 16)]


def test_a_first_level_heading_with_text_behind_it_is_set_in_two_types():
    document = written(paragraphs=("一、基本情况。明火已扑灭。",))
    assert [name for _, name, _ in typefaces(document, "一、")] == ["黑体", "仿宋_GB2312"]


def test_a_heading_stays_with_its_text_and_a_sentence_need_not():
    document = written(paragraphs=("一、基本情况", "（一）明火已扑灭。", "（二）人员情况", "轻伤2人。"))
    kept = {
        line.text: line.style.paragraph_format.keep_with_next for line in document.paragraphs if line.text
    }
    assert kept["一、基本情况"]
    assert kept["（二）人员情况"]
    assert not kept["（一）明火已扑灭。"]


def test_the_title_is_centred_in_the_title_type():
    document = written()
    assert typefaces(document, REPORT.title) == [(REPORT.title, "方正小标宋简体", 22)]
    assert line_of(document, REPORT.title).style.paragraph_format.alignment.name == "CENTER"


@pytest.mark.parametrize(
    ("document", "head"),
    [(REPORT, "突发事件信息专报"), (BULLETIN, "值班快报")],
    ids=["special_report", "bulletin"],
)
def test_the_head_is_red(document, head):
    line = written(document).paragraphs[0]
    assert line.text == head
    assert str(line.style.font.color.rgb) == "FF0000"


@BOTH
def test_page_numbers_stand_on_the_outer_side_one_character_in(document):
    opened = written(document)
    section = opened.sections[0]
    assert opened.settings.odd_and_even_pages_header_footer
    for footer, side in ((section.footer, "right"), (section.even_page_footer, "left")):
        line = footer.paragraphs[0]
        codes = [code.text.strip() for code in line._p.iter(qn("w:instrText"))]
        kinds = [mark.get(qn("w:fldCharType")) for mark in line._p.iter(qn("w:fldChar"))]
        assert (line.text, codes, kinds) == ("— 1 —", ["PAGE"], ["begin", "separate", "end"])
        assert line.alignment.name == side.upper()
        assert line._p.pPr.find(qn("w:ind")).get(qn(f"w:{side}Chars")) == "100"
        assert (line.style.font.size.pt, line.style.font.name) == (14, "宋体")
        assert line.style.element.rPr.rFonts.get(qn("w:eastAsia")) == "宋体"


@BOTH
def test_types_are_named_and_none_is_embedded(document):
    package = ZipFile(BytesIO(write_document(document, templates=SHIPPED, moment=MOMENT)))
    assert not [
        name for name in package.namelist() if "fonts/" in name or name.endswith((".odttf", ".ttf", ".jpeg"))
    ]
    assert "asciiTheme" not in package.read("word/styles.xml").decode()


# ----------------------------------------------------------------------------------------------------------------------
# What is said.


def test_a_special_report_says_all_of_its_fields():
    said = "\n".join(texts(written()))
    for text in (
        "第2026-3期",
        "报送单位：市机关事务管理局值班室2026年11月3日",
        *REPORT.paragraphs,
        "报送：市委总值班室，市政府总值班室。",
        "抄送：局领导。",
        "编辑：王某某联系电话：022-00000000签发：李某某",
    ):
        assert text in said


def test_a_bulletin_says_all_of_its_fields():
    said = "\n".join(texts(written(BULLETIN)))
    for text in (
        "第307期（共2起）",
        "报送单位：市机关事务管理局值班室2026年11月3日",
        *BULLETIN.paragraphs,
        "报：市政府总值班室。",
        "抄送：局领导。",
        "核稿：赵某某签发：李某某编辑：王某某",
    ):
        assert text in said


@BOTH
def test_who_copies_go_to_is_left_out_when_there_is_nobody(document):
    assert not any("抄送" in line for line in texts(written(document, copy_to="")))


@pytest.mark.parametrize(
    ("draft", "drill", "mark"),
    [
        (False, False, ""),
        (True, False, "草稿（未经签发）"),
        (False, True, "【演练】"),
        (True, True, "【演练】草稿（未经签发）"),
    ],
)
@BOTH
def test_a_draft_and_a_drill_say_so_on_every_page(document, draft, drill, mark):
    section = written(document, draft=draft, drill=drill).sections[0]
    assert [header.paragraphs[0].text for header in (section.header, section.even_page_header)] == [
        mark,
        mark,
    ]


@BOTH
def test_the_title_of_a_drill_says_so(document):
    assert f"【演练】{document.title}" in texts(written(document, drill=True))
    assert "演练" not in "".join(texts(written(document)))


@pytest.mark.parametrize(
    ("text", "level", "head"),
    [
        ("一、基本情况", 1, "一、基本情况"),
        ("十二、其他。无。", 1, "十二、其他。"),
        ("（三）人员。轻伤2人。", 2, "（三）人员。"),
        ("(三)人员", 2, "(三)人员"),
        ("3.检查。再查。", 3, "3.检查。再查。"),
        ("3．检查", 3, "3．检查"),
        ("（3）检查", 4, "（3）检查"),
        ("3.5万元的设备烧毁。", 0, "3.5万元的设备烧毁。"),
        ("一是加强值守。", 0, "一是加强值守。"),
        ("（联系人：王某某）", 0, "（联系人：王某某）"),
    ],
)
def test_a_level_is_known_by_how_the_paragraph_begins(text, level, head):
    (paragraph,) = body_of((text,))
    assert (paragraph.level, paragraph.head, paragraph.text) == (level, head, text)


def test_a_line_break_begins_a_paragraph_and_what_is_empty_is_left_out():
    found = body_of(("　　一、情况\r\n\r\n  明火已扑灭。\t轻伤2人。", "", "　"))
    assert [(one.level, one.text) for one in found] == [(1, "一、情况"), (0, "明火已扑灭。 轻伤2人。")]


def test_the_stage_of_a_long_title_stands_on_a_line_of_its_own():
    def title(text):
        line = next(line for line in written(title=text).paragraphs if line.style.name == "公文标题")
        return line.text

    assert (
        title("关于市级机关食堂配电室起火情况的报告（续报一）")
        == "关于市级机关食堂配电室起火情况的报告\n（续报一）"
    )
    assert title("关于食堂起火的报告（首报）") == "关于食堂起火的报告（首报）"
    assert title("关于机关食堂\n配电室起火的报告") == "关于机关食堂\n配电室起火的报告"


# ----------------------------------------------------------------------------------------------------------------------
# Data stays data.

HOSTILE = [
    "{{ 7*7 }}",
    "{% for x in paragraphs %}",
    "{_{ 7*7 }_} {_% if %_}",
    "{# 注释 #}",
    "</w:t></w:r><w:p>",
    "A & B < C > D \"'",
    "&amp;&#123;",
    "=1+1",
    "🔥𠮷",
]


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize(
    "field", ["title", "number", "sender", "report_to", "copy_to", "editor", "phone", "signer"]
)
def test_text_stays_text_in_every_field(field, text):
    assert text in "".join(texts(written(**{field: text})))


@pytest.mark.parametrize("text", HOSTILE)
def test_text_stays_text_at_every_level(text):
    lines = (text, f"一、{text}", f"（一）{text}。{text}", f"1.{text}")
    found = texts(written(paragraphs=lines))
    assert [line for line in lines if line not in found] == []


def test_characters_that_xml_cannot_say_are_dropped():
    found = texts(written(title="起\x00火\x07\x0b\ufffe\ud800报告", paragraphs=("伤\x1f2\x0c人\a。",)))
    assert "起火报告" in found
    assert "伤2人。" in found


def test_the_files_properties_say_who_what_and_when():
    properties = written(title="A & B\n{{ 7*7 }}").core_properties
    assert (properties.title, properties.author) == ("A & B {{ 7*7 }}", REPORT.sender)
    assert properties.created.replace(tzinfo=UTC) == properties.modified.replace(tzinfo=UTC) == MOMENT


# ----------------------------------------------------------------------------------------------------------------------
# The same again.


@BOTH
def test_the_same_document_at_the_same_moment_is_the_same_bytes(document):
    first, second = (write_document(document, templates=SHIPPED, moment=MOMENT) for _ in range(2))
    assert first == second
    dates = {part.date_time for part in ZipFile(BytesIO(first)).infolist()}
    assert dates == {(2026, 11, 3, 1, 30, 8)}, "no part is dated by the clock"


def test_the_moment_is_in_the_document():
    later = MOMENT.replace(minute=31)
    assert write_document(REPORT, templates=SHIPPED, moment=MOMENT) != write_document(
        REPORT, templates=SHIPPED, moment=later
    )


def test_the_shipped_templates_are_what_the_tool_makes(templates):
    subprocess.run([sys.executable, ROOT / "tools" / "templates.py", templates], check=True)
    for name in (SpecialReport.template, Bulletin.template):
        made, shipped = ZipFile(templates / name), ZipFile(SHIPPED / name)
        assert made.namelist() == shipped.namelist()
        assert [part for part in made.namelist() if made.read(part) != shipped.read(part)] == []


# ----------------------------------------------------------------------------------------------------------------------
# The office's own templates.


def refusal(templates, **changes):
    with pytest.raises(InvalidInputError) as refused:
        written(templates=templates, **changes)
    assert refused.value.faults[0].field == SpecialReport.template
    return str(refused.value)


def test_a_template_of_the_offices_own_is_used(templates):
    own_template(templates, "本局专用格式", *WHOLE, footer="{{ sender }}")
    document = written(templates=templates)
    assert texts(document) == ["本局专用格式", REPORT.title, *REPORT.paragraphs]
    assert document.sections[0].footer.paragraphs[0].text == REPORT.sender


@pytest.mark.parametrize("place", ["body", "footer"])
def test_a_placeholder_that_does_not_exist_is_named_with_its_file(templates, place):
    if place == "body":
        own_template(templates, *WHOLE, "{{ titel }} {{ singer }}")
        assert refusal(templates) == (
            "special_report.docx: there is no placeholder {{ singer }}; there is no placeholder {{ titel }}"
        )
    else:
        own_template(templates, *WHOLE, footer="{{ titel }}")
        assert refusal(templates) == "special_report.docx: there is no placeholder {{ titel }}"


def test_a_part_of_a_paragraph_that_does_not_exist_is_named(templates):
    own_template(templates, *WHOLE[:2], "{{ paragraph.txet }}", WHOLE[3])
    assert "txet" in refusal(templates)


@pytest.mark.parametrize(
    "broken", ["{{ title", "{%p if draft %}", "{% frob %}", "{{ title | frob }}", "{{ 1 // 0 }}"]
)
def test_a_template_with_a_mistake_is_named(templates, broken):
    own_template(templates, *WHOLE, broken)
    assert refusal(templates).startswith("special_report.docx: ")


def test_a_template_cannot_reach_into_the_program(templates):
    own_template(templates, *WHOLE, "{{ title.__class__.__mro__ }}")
    assert "unsafe" in refusal(templates)


@pytest.mark.parametrize(
    "lines",
    [
        WHOLE[:1],
        WHOLE[1:],
        (*WHOLE[:2], "{%p if paragraph.level == 1 %}", WHOLE[2], "{%p endif %}", WHOLE[3]),
    ],
)
def test_a_template_that_leaves_out_part_of_the_text_is_refused(templates, lines):
    own_template(templates, *lines)
    assert "leaves out" in refusal(templates)


def test_a_template_that_is_missing_is_named(templates):
    assert refusal(templates).startswith("special_report.docx: cannot be read")


@pytest.mark.parametrize("content", [b"", b"no document", b"PK\x05\x06" + bytes(18)])
def test_a_file_that_is_no_document_is_named(templates, content):
    (templates / SpecialReport.template).write_bytes(content)
    assert refusal(templates) == "special_report.docx: is not a Word document (docx)"

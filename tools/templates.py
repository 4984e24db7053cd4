"""Makes the templates of the official documents: config/templates/*.docx, in the format of GB/T 9704-2012.

    python tools/templates.py            writes them where they are committed
    python tools/templates.py FOLDER     writes them elsewhere

An office that has its own puts them in the place of these. The placeholders are those of dutydesk/documents/official.py.
Types are named, none is embedded: a machine without them shows the nearest it has.
"""

# ruff: noqa: SLF001 # python-docx has no public names for its elements, and no calls for half of what Word knows

import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

import docx
from docx.document import Document
from docx.enum.style import WD_STYLE_TYPE
from docx.enum.text import WD_ALIGN_PARAGRAPH, WD_TAB_ALIGNMENT
from docx.oxml import OxmlElement, parse_xml
from docx.oxml.ns import nsdecls, qn
from docx.shared import Length, Mm, Pt, RGBColor, Twips
from docx.styles.style import CharacterStyle
from docx.table import Table
from docx.text.paragraph import Paragraph

from dutydesk.documents.parts import repacked

SHIPPED = Path(__file__).resolve().parents[1] / "config" / "templates"
MADE_AT = datetime(2026, 11, 23, tzinfo=UTC)  # fixed, so that making them again changes nothing

FANG, KAI, HEI, XIAO, SONG = "仿宋_GB2312", "楷体_GB2312", "黑体", "方正小标宋简体", "宋体"
NO2, NO3, NO4 = Pt(22), Pt(16), Pt(14)  # 2号, 3号, 4号
RED = RGBColor(0xFF, 0, 0)

# 225 mm hold 22 lines: 28.95 pt each. 156 mm hold 28 characters: 0.207 pt less than the 16 pt of 3号, in 1/4096 pt.
LINE = 579
CHARACTER_SPACE = -849
TEXT_WIDTH = 8844  # 156 mm in twentieths of a point
INDENT = 632  # two characters
# LibreOffice gives two cells of the grid to a character that is larger than one, so text styles leave its grid. Their
# exact line pitch makes the same 22 lines, and 0.3 pt less between characters the same 28; to Word, which
# keeps to the grid, 28 remain what fits.
TIGHTER = -6  # in twentieths of a point


def new_document() -> Document:
    """An empty document with our page, our grid and none of the styles and parts that Word's default carries."""
    document = docx.Document()
    strip(document)
    section = document.sections[0]
    section.page_width, section.page_height = Mm(210), Mm(297)
    section.top_margin, section.bottom_margin = Mm(37), Mm(35)
    section.left_margin, section.right_margin = Mm(28), Mm(26)
    # The dashes of the page number stand 7 mm below the text: the middle of a 4号 line that ends 25 mm above the edge.
    section.header_distance, section.footer_distance = Mm(22), Mm(25)
    grid = section._sectPr.find(qn("w:docGrid"))
    grid.set(qn("w:type"), "linesAndChars")
    grid.set(qn("w:linePitch"), str(LINE))
    grid.set(qn("w:charSpace"), str(CHARACTER_SPACE))
    document.settings.odd_and_even_pages_header_footer = True
    styles(document)
    return document


def strip(document: Document) -> None:
    """Take away what the library's default document brings along and nobody needs."""
    for part, kept in (
        (document.part, {"styles", "settings", "fontTable", "theme"}),
        (document.part.package, {"officeDocument", "core-properties", "extended-properties"}),
    ):
        for key in [
            key for key, relation in part.rels.items() if relation.reltype.rpartition("/")[2] not in kept
        ]:
            del part.rels[key]
    root = document.styles.element
    for style in [*root.findall(qn("w:style")), root.find(qn("w:latentStyles"))]:
        if style.get(qn("w:default")) is None:
            root.remove(style)
    theirs = root.find(qn("w:docDefaults"))
    root.replace(
        theirs,
        parse_xml(f"""<w:docDefaults {nsdecls("w")}>
        <w:rPrDefault><w:rPr>
          <w:rFonts w:ascii="{FANG}" w:eastAsia="{FANG}" w:hAnsi="{FANG}" w:cs="Times New Roman"/>
          <w:sz w:val="32"/><w:szCs w:val="32"/><w:lang w:val="en-US" w:eastAsia="zh-CN" w:bidi="ar-SA"/>
        </w:rPr></w:rPrDefault><w:pPrDefault/></w:docDefaults>"""),
    )
    language = document.settings.element.find(qn("w:themeFontLang"))
    language.set(qn("w:eastAsia"), "zh-CN")


def styles(document: Document) -> None:
    """The types and lines of the format, under names that a clerk finds in Word's list."""
    style(document, "正文", "Normal", FANG, NO3)
    style(document, "公文红头", "RedHead", XIAO, Pt(42), align="CENTER", lines=2, color=RED)
    style(document, "公文期号", "Number", FANG, NO3, align="CENTER")
    style(document, "公文报送行", "SenderLine", FANG, NO3)
    style(document, "公文标题", "DocumentTitle", XIAO, NO2, align="CENTER")
    style(document, "公文正文", "BodyText", FANG, NO3, align="JUSTIFY", indent=True)
    style(document, "公文一级标题", "Level1", HEI, NO3, align="JUSTIFY", indent=True, heading=True)
    style(document, "公文二级标题", "Level2", KAI, NO3, align="JUSTIFY", indent=True, heading=True)
    style(document, "公文标记", "Mark", HEI, NO3)
    style(document, "公文版记", "Imprint", FANG, NO4)
    style(document, "公文页码", "PageNumber", SONG, NO4, lines=0)
    for name, key, font in (("公文一级标题字体", "Level1Font", HEI), ("公文二级标题字体", "Level2Font", KAI)):
        made = document.styles.add_style(name, WD_STYLE_TYPE.CHARACTER)
        made.element.set(qn("w:styleId"), key)
        typeface(made, font, NO3)


def style(
    document: Document,
    name: str,
    key: str,
    font: str,
    size: Length,
    *,
    align: str = "",
    lines: int = 1,
    indent: bool = False,
    heading: bool = False,
    color: RGBColor | None = None,
) -> None:
    """One paragraph style; `lines` is its line pitch in lines of the grid, 0 a single line that is off the grid."""
    if key == "Normal":
        made = document.styles["Normal"]
    else:
        made = document.styles.add_style(name, WD_STYLE_TYPE.PARAGRAPH)
        made.base_style = document.styles["Normal"]
        made.element.set(qn("w:styleId"), key)
    typeface(made, font, size)
    if color is not None:
        made.font.color.rgb = color
    layout = made.paragraph_format
    layout.space_before = layout.space_after = Pt(0)
    layout.line_spacing = Twips(LINE * lines) if lines else 1.0
    layout.widow_control = False  # every page has its 22 lines
    if heading:
        layout.keep_with_next = True
    if align:
        layout.alignment = WD_ALIGN_PARAGRAPH[align]
    if indent:
        layout.first_line_indent = Twips(INDENT)
        made.element.pPr.find(qn("w:ind")).set(qn("w:firstLineChars"), "200")
    # Nor does a digit beside a Chinese character get the room that Word would give it: 28 are 28.
    for switch in ("autoSpaceDE", "autoSpaceDN", "snapToGrid"):
        off = OxmlElement(f"w:{switch}")
        off.set(qn("w:val"), "0")
        made.element.pPr.insert_element_before(off, "w:spacing", "w:ind", "w:jc")


def typeface(made: CharacterStyle, font: str, size: Length) -> None:
    """Name the type for Chinese, and for the digits among it: a program without it then changes both alike."""
    made.font.size = size
    properties = made.element.get_or_add_rPr()
    names = properties.get_or_add_rFonts()
    for which in ("ascii", "eastAsia", "hAnsi"):
        names.set(qn(f"w:{which}"), font)
    if size == NO3:
        spacing = OxmlElement("w:spacing")
        spacing.set(qn("w:val"), str(TIGHTER))
        properties.insert_element_before(spacing, "w:sz")


def page_edges(document: Document) -> None:
    """The mark above every page; below it “— 1 —”, on the outer side, one character in from the edge of the text."""
    section = document.sections[0]
    for header in (section.header, section.even_page_header):
        write(header.paragraphs[0], "Mark", "{{ mark }}")
    for footer, side in ((section.footer, "right"), (section.even_page_footer, "left")):
        line = write(footer.paragraphs[0], "PageNumber", "— ")
        field(line, "PAGE")
        line.add_run(" —")
        line.alignment = WD_ALIGN_PARAGRAPH[side.upper()]
        setattr(line.paragraph_format, f"{side}_indent", NO4)
        line._p.pPr.find(qn("w:ind")).set(qn(f"w:{side}Chars"), "100")


def field(paragraph: Paragraph, code: str) -> None:
    """A field that Word computes, such as the page's number."""
    for kind, text in (
        ("begin", None),
        (None, f" {code} "),
        ("separate", None),
        ("text", "1"),
        ("end", None),
    ):
        run = paragraph.add_run()
        if kind == "text":
            run.text = text
        elif kind is None:
            instruction = OxmlElement("w:instrText")
            instruction.set(qn("xml:space"), "preserve")
            instruction.text = text
            run._r.append(instruction)
        else:
            mark = OxmlElement("w:fldChar")
            mark.set(qn("w:fldCharType"), kind)
            run._r.append(mark)


def write(paragraph: Paragraph, style_key: str, text: str = "") -> Paragraph:
    """Give a paragraph a style by its id, and a text."""
    paragraph._p.get_or_add_pPr().get_or_add_pStyle().val = style_key
    if text:
        paragraph.add_run(text)
    return paragraph


def head(document: Document, red: str, number: str) -> None:
    """The red head, the issue, who reports on what day, and the red line."""
    write(document.add_paragraph(), "RedHead", red)
    write(document.add_paragraph(), "Number", number)
    line = write(document.add_paragraph(), "SenderLine", "报送单位：{{ sender }}\t{{ day }}")
    line.paragraph_format.tab_stops.add_tab_stop(Twips(TEXT_WIDTH), WD_TAB_ALIGNMENT.RIGHT)
    border = (
        f'<w:pBdr {nsdecls("w")}><w:bottom w:val="single" w:sz="12" w:space="4" w:color="FF0000"/></w:pBdr>'
    )
    line._p.pPr.insert_element_before(parse_xml(border), "w:tabs")


def blank(document: Document, lines: int = 1) -> None:
    """Lines left empty."""
    for _ in range(lines):
        write(document.add_paragraph(), "SenderLine")


def body(document: Document) -> None:
    """The paragraphs; the first two levels have types of their own, as a line or as the first sentence of a text."""
    lines = [("{%p for paragraph in paragraphs %}", "BodyText", None)]
    for number, (level, font) in enumerate(((1, "公文一级标题字体"), (2, "公文二级标题字体"))):
        test = f"if paragraph.level == {level}"
        lines += [
            (f"{{%p {'el' * (number > 0)}{test} and paragraph.stands_alone %}}", "BodyText", None),
            ("{{ paragraph.text }}", f"Level{level}", None),
            (f"{{%p el{test} %}}", "BodyText", None),
            ("{{ paragraph.head }}", "BodyText", font),
        ]
    lines += [
        (text, "BodyText", None)
        for text in ("{%p else %}", "{{ paragraph.text }}", "{%p endif %}", "{%p endfor %}")
    ]
    for text, style_key, font in lines:
        line = write(document.add_paragraph(), style_key, text)
        if font:
            line.runs[0].style = font
            line.add_run("{{ paragraph.rest }}")


def imprint(document: Document, rows: Iterable[tuple[str, str]], last: tuple[str, ...]) -> None:
    """版记 at the foot of the last page: lines as wide as the text, thick (0.35 mm) at its ends, thin (0.25 mm) between."""
    table = document.add_table(rows=0, cols=1)
    table._tbl.replace(
        table._tbl.tblPr,
        parse_xml(f"""<w:tblPr {nsdecls("w")}>
        <w:tblpPr w:leftFromText="0" w:rightFromText="0" w:vertAnchor="margin" w:horzAnchor="margin"
            w:tblpXSpec="center" w:tblpYSpec="bottom"/>
        <w:tblW w:w="{TEXT_WIDTH}" w:type="dxa"/>
        <w:tblBorders>
          <w:top w:val="single" w:sz="8" w:space="0" w:color="000000"/>
          <w:bottom w:val="single" w:sz="8" w:space="0" w:color="000000"/>
          <w:insideH w:val="single" w:sz="6" w:space="0" w:color="000000"/>
        </w:tblBorders>
        <w:tblLayout w:type="fixed"/>
        <w:tblCellMar><w:left w:w="0" w:type="dxa"/><w:right w:w="0" w:type="dxa"/></w:tblCellMar></w:tblPr>"""),
    )
    for condition, text in rows:
        if condition:
            row(table, f"{{%tr if {condition} %}}")
        line = row(table, text)
        line.paragraph_format.left_indent = Pt(14 * 4)
        line.paragraph_format.first_line_indent = Pt(-14 * 3)
        if condition:
            row(table, "{%tr endif %}")
    line = row(table, "\t".join(last))
    line.paragraph_format.left_indent = Pt(14)
    line.paragraph_format.tab_stops.add_tab_stop(Twips(TEXT_WIDTH // 2), WD_TAB_ALIGNMENT.CENTER)
    line.paragraph_format.tab_stops.add_tab_stop(Twips(TEXT_WIDTH - 280), WD_TAB_ALIGNMENT.RIGHT)
    # Word wants a paragraph after a table; it must not make a page of its own.
    end = write(document.add_paragraph(), "SenderLine")
    end.paragraph_format.line_spacing = Pt(1)


def row(table: Table, text: str) -> Paragraph:
    """One line of the imprint; the table stays on one page."""
    cell = table.add_row().cells[0]
    cell.width = Twips(TEXT_WIDTH)
    line = write(cell.paragraphs[0], "Imprint", text)
    line.paragraph_format.keep_with_next = True
    return line


def special_report() -> Document:
    """突发事件信息专报 (domain §2.6)."""
    document = new_document()
    page_edges(document)
    head(document, "突发事件信息专报", "{{ number }}")
    blank(document, 2)
    write(document.add_paragraph(), "DocumentTitle", "{{ title }}")
    blank(document)
    body(document)
    blank(document)
    imprint(
        document,
        [("", "报送：{{ report_to }}"), ("copy_to", "抄送：{{ copy_to }}")],
        ("编辑：{{ editor }}", "联系电话：{{ phone }}", "签发：{{ signer }}"),
    )
    return document


def bulletin() -> Document:
    """值班快报 (domain §2.6)."""
    document = new_document()
    page_edges(document)
    head(document, "{{ title }}", "{{ number }}（共{{ count }}起）")
    blank(document)
    body(document)
    blank(document)
    imprint(
        document,
        [("", "报：{{ report_to }}"), ("copy_to", "抄送：{{ copy_to }}")],
        ("核稿：{{ checker }}", "签发：{{ signer }}", "编辑：{{ editor }}"),
    )
    return document


def save(document: Document, path: Path) -> None:
    """Write a template; made again, it is the same bytes."""
    properties = document.core_properties
    properties.author = properties.last_modified_by = "dutydesk"
    properties.title = properties.comments = properties.keywords = ""
    properties.created = properties.modified = MADE_AT.replace(tzinfo=None)
    output = BytesIO()
    document.save(output)
    path.write_bytes(repacked(output.getvalue(), MADE_AT))


def main(folder: Path) -> None:
    """Write both."""
    folder.mkdir(parents=True, exist_ok=True)
    save(special_report(), folder / "special_report.docx")
    save(bulletin(), folder / "bulletin.docx")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else SHIPPED)

"""Reports in the official format (GB/T 9704-2012), filled into a template that the office can replace.

What stands where, in which type and on which grid is the template's; what is said is the data's. A template is a docx
with placeholders such as ``{{ title }}``, named as the fields below. ``tools/templates.py`` makes those we ship.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, fields
from datetime import UTC, date, datetime
from io import BytesIO
from pathlib import Path
from typing import Any, ClassVar

from docxtpl import DocxTemplate
from jinja2 import StrictUndefined, TemplateError
from jinja2.sandbox import SandboxedEnvironment
from markupsafe import Markup, escape

from dutydesk.documents.parts import one_line, repacked
from dutydesk.errors import FieldFault, InvalidInputError

DRILL, DRAFT = "【演练】", "草稿（未经签发）"

# How a paragraph of each level begins: 一、 /（一）/ 1. /（1）. "1.5 万元" is an amount, not a level.
_LEVELS = (
    (1, re.compile(r"[一二三四五六七八九十百]+、")),
    (2, re.compile(r"[（(][一二三四五六七八九十百]+[）)]")),
    (3, re.compile(r"\d+[.．](?!\d)")),
    (4, re.compile(r"[（(]\d+[）)]")),
)
_SET_APART = 2  # the levels down to this one are headings with a type of their own
_TITLE_LINE = 20  # characters of 2号 on a line of 156 mm
_STAGE = re.compile(r"(?<=.)(?=（[^（）]+）$)")  # before （续报一） at a title's end
_WORD_TEXT = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}t"


@dataclass(frozen=True, slots=True, kw_only=True)
class SpecialReport:
    """突发事件信息专报; every text may be what a user typed."""

    template: ClassVar[str] = "special_report.docx"

    number: str  # 第2026-3期
    sender: str  # 报送单位
    day: date
    title: str  # a line break in it is kept
    paragraphs: tuple[str, ...]
    report_to: str  # 报送
    copy_to: str = ""  # 抄送; the line is left out when there is none
    editor: str = ""  # 编辑
    phone: str = ""  # 联系电话
    signer: str = ""  # 签发
    draft: bool = False
    drill: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Bulletin:
    """值班快报, and with another title any other digest of the same layout (要情周报)."""

    template: ClassVar[str] = "bulletin.docx"

    title: str = "值班快报"
    number: str  # 第12期
    sender: str
    day: date
    count: int  # 共×起
    paragraphs: tuple[str, ...]
    report_to: str  # 报
    copy_to: str = ""  # 抄送
    checker: str = ""  # 核稿
    signer: str = ""  # 签发
    editor: str = ""  # 编辑
    draft: bool = False
    drill: bool = False


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A paragraph of the body as a template sees it."""

    level: int  # 1 to 4; 0 has no number
    head: str  # what is set in the level's own type: the first sentence of levels 1 and 2
    rest: str

    @property
    def text(self) -> str:
        """The whole paragraph."""
        return self.head + self.rest

    @property
    def stands_alone(self) -> bool:
        """Whether it is a heading on a line of its own, which must not be the last one on a page."""
        return 0 < self.level <= _SET_APART and not self.text.endswith(("。", "；", "！", "？"))


def write_document(document: SpecialReport | Bulletin, *, templates: Path, moment: datetime) -> bytes:
    """Return the docx of *document*, filled into its template in the folder *templates*.

    *moment* (aware) becomes the file's date: the same document at the same moment is the same bytes. Takes about
    30 ms of computing, so it does not belong on the event loop.

    Raises:
        InvalidInputError: when the template is missing or broken, names a placeholder that does not exist, or leaves
            out a part of the text; the message names the file and, where there is one, the placeholder.
    """
    source = _read(templates / document.template)
    context = _context(document)
    template = DocxTemplate(BytesIO(source))
    try:
        unknown = template.get_undeclared_template_variables(_environment(), context)
        if not unknown:
            template.render(context, _environment())
    except Exception as fault:  # whatever a template of the office's own does is that template's fault
        raise _refusal(document.template, _reason(fault)) from fault
    if unknown:
        raise _refusal(
            document.template, *(f"there is no placeholder {{{{ {name} }}}}" for name in sorted(unknown))
        )
    _date(template.docx.core_properties, document, context["title"], moment)
    output = BytesIO()
    template.save(output)
    _hold_against(template.docx.element.body.iter(_WORD_TEXT), document.template, context)
    return repacked(output.getvalue(), moment)


def body_of(paragraphs: tuple[str, ...]) -> list[Paragraph]:
    """Return the paragraphs with their levels; a line break begins another one, and empty ones are left out."""
    lines = (one_line(line).strip() for text in paragraphs for line in text.replace("\r", "\n").split("\n"))
    return [_paragraph(line) for line in lines if line]


def _paragraph(text: str) -> Paragraph:
    level = next((level for level, beginning in _LEVELS if beginning.match(text)), 0)
    if not 0 < level <= _SET_APART:
        return Paragraph(level, text, "")
    head, stop, rest = text.partition("。")
    return Paragraph(level, head + stop, rest)


def _context(document: SpecialReport | Bulletin) -> dict[str, Any]:
    """What the placeholders may name: the document's fields, and `mark`."""
    values: dict[str, Any] = {field.name: getattr(document, field.name) for field in fields(document)}
    drill = DRILL if document.drill else ""
    return values | {
        "day": f"{document.day.year}年{document.day.month}月{document.day.day}日",
        "title": _title(drill + document.title),  # whoever quotes the title quotes the drill
        "paragraphs": body_of(document.paragraphs),
        "mark": drill + (DRAFT if document.draft else ""),
    }


def _title(text: str) -> str:
    """Return a title in the lines its writer made; a long one without has its stage, （续报一）, on the second."""
    lines = [one_line(line).strip() for line in text.replace("\r", "\n").split("\n")]
    title = "\n".join(line for line in lines if line)
    return _STAGE.sub("\n", title) if "\n" not in title and len(title) > _TITLE_LINE else title


def _environment() -> SandboxedEnvironment:
    return SandboxedEnvironment(autoescape=True, undefined=StrictUndefined, finalize=_as_text)


def _as_text(value: object) -> Markup:
    r"""Make what a placeholder yields harmless: the one place through which all data reaches the document.

    Braces are written as references, because docxtpl turns ``{_{`` into ``{{`` in what it has rendered. It makes line
    breaks of ``\n``, which is welcome, and paragraphs and pages of characters that are dropped here.
    """
    text = "\n".join(one_line(line) for line in str(value).replace("\r", "\n").split("\n"))
    return Markup(str(escape(text)).replace("{", "&#123;").replace("}", "&#125;"))  # noqa: S704 # escaped


def _read(path: Path) -> bytes:
    """Return a template's bytes once they have been opened as a Word document.

    Raises:
        InvalidInputError: when the file cannot be read or is none.
    """
    try:
        source = path.read_bytes()
        DocxTemplate(BytesIO(source)).get_docx()
    except OSError as fault:
        raise _refusal(path.name, f"cannot be read ({fault.strerror or fault})") from fault
    except Exception as fault:  # a damaged file fails in as many ways as there are bytes in it
        raise _refusal(path.name, "is not a Word document (docx)") from fault
    return source


def _date(properties: Any, document: SpecialReport | Bulletin, title: str, moment: datetime) -> None:
    """Write who, what and when into the file's properties, in place of the template's own."""
    at = moment.astimezone(UTC).replace(tzinfo=None)  # python-docx takes naive times for UTC
    properties.title, properties.author = (
        one_line(title)[:255],
        one_line(document.sender)[:255],
    )  # Word allows no more
    properties.created = properties.modified = at
    properties.last_modified_by = ""
    properties.revision = 1


def _hold_against(texts: Iterator[Any], name: str, context: dict[str, Any]) -> None:
    """Refuse a template under which a part of the text gets lost, e.g. paragraphs of a level it does not know.

    Raises:
        InvalidInputError: naming the first part that is missing.
    """
    written = "".join(element.text or "" for element in texts)
    said = [("title", context["title"])]
    said += [("paragraphs", part) for one in context["paragraphs"] for part in (one.head, one.rest)]
    for placeholder, part in said:
        if part.replace("\n", "") not in written:
            raise _refusal(name, f"{{{{ {placeholder} }}}} leaves out “{part[:20]}”")


def _reason(fault: Exception) -> str:
    """Say what is wrong with a template, with the line of it where that is known."""
    said = getattr(fault, "message", None) or str(fault) or type(fault).__name__
    near = " ".join(line.strip() for line in getattr(fault, "docx_context", ()) if line.strip())
    kind = "" if isinstance(fault, TemplateError) else f"{type(fault).__name__}: "
    return f"{kind}{said}" + (f" (near: {near[:80]})" if near else "")


def _refusal(name: str, *sentences: str) -> InvalidInputError:
    detail = "; ".join(sentences)
    return InvalidInputError(f"{name}: {detail}", tuple(FieldFault(name, sentence) for sentence in sentences))

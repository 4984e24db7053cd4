"""What a paper says: its words as they are kept and signed, and as they become a document. Pure."""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from datetime import date
from typing import Any

from dutydesk.documents.official import DRAFT, DRILL, Bulletin, Paragraph, SpecialReport, body_of
from dutydesk.rulebook.papers import PaperPlan

_STAGE = re.compile(r"(?<=.)(?=\uff08[^\uff08\uff09]+\uff09$)")
_TITLE_LINE = 20  # characters of 2号 on a line


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """Everything that stands in a paper; what a leader signed is this, by its SHA-256."""

    kind: str
    part: str
    sequence: int
    issue: str
    day: str  # 2026-11-23
    drill: bool
    title: str
    body: str
    send_to: str
    copy_to: str
    contact: str
    contact_phone: str
    drafter: str
    checker: str
    signer: str

    @property
    def sha256(self) -> str:
        """Return what the words are recognised by."""
        plain = json.dumps(asdict(self), ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(plain.encode()).hexdigest()

    def kept(self, **detail: str) -> dict[str, Any]:
        """Return what a step keeps of them."""
        return {"words": asdict(self), "sha256": self.sha256} | ({"detail": detail} if detail else {})


def kept_words(text: Mapping[str, Any]) -> Words | None:
    """Return the words a step kept, or None when they are not what their SHA-256 says."""
    stored = text.get("words", {})
    try:
        words = Words(**{one.name: stored[one.name] for one in fields(Words)})
    except (KeyError, TypeError):
        return None
    return words if words.sha256 == text.get("sha256") else None


def lines_of(words: Words) -> list[str]:
    """Return what people may change, line by line, to be held against another version."""
    typed = (words.title, words.send_to, words.copy_to, words.contact, words.contact_phone)
    return [typed[0], *words.body.splitlines(), *(text for text in typed[1:] if text)]


# ---------------------------------------------------------------------------------------------------------------------
# The document


def document_of(words: Words, plan: PaperPlan, *, draft: bool) -> SpecialReport | Bulletin:
    """Return the paper as the document that the templates are filled with."""
    day = date.fromisoformat(words.day)
    number = issue_words(words, plan)
    if words.kind == "bulletin":
        return Bulletin(
            title=plan.say("heads.bulletin"),
            number=number,
            sender=plan.issuer,
            day=day,
            count=1,
            paragraphs=_paragraphs(words, plan),
            report_to=words.send_to,
            copy_to=words.copy_to,
            checker=words.checker,
            signer=words.signer,
            editor=words.drafter,
            draft=draft,
            drill=words.drill,
        )
    return SpecialReport(
        number=number,
        sender=plan.issuer,
        day=day,
        title=words.title,
        paragraphs=_paragraphs(words, plan),
        report_to=words.send_to,
        copy_to=words.copy_to,
        editor=words.drafter,
        phone=words.contact_phone,
        signer=words.signer,
        draft=draft,
        drill=words.drill,
    )


def issue_words(words: Words, plan: PaperPlan) -> str:
    """Return the number as it is printed: 第2026-3期, and 第2026-×期 before there is one."""
    issue = words.issue or plan.say("issue.open", year=words.day[:4])
    return plan.say("issue.number", issue=issue)


def _paragraphs(words: Words, plan: PaperPlan) -> tuple[str, ...]:
    lines = words.body.splitlines()
    if words.kind == "bulletin":
        lines.insert(0, plan.say("body.digest_head", title=words.title))
    if words.contact and words.contact_phone:
        lines.append(plan.say("body.contact", contact=words.contact, phone=words.contact_phone))
    elif words.contact:
        lines.append(plan.say("body.contact_only", contact=words.contact))
    return tuple(lines)


def file_name(words: Words, plan: PaperPlan, *, draft: bool) -> str:
    """Return what the docx is called: 突发事件信息专报2026-3期.docx."""
    head = plan.say(f"heads.{words.kind}")
    mark = DRILL if words.drill else ""
    key = "issue.draft_file" if draft else "issue.file"
    name = plan.say(key, mark=mark, head=head, issue=words.issue)
    return name.replace("/", "-").replace("\\", "-")


# ---------------------------------------------------------------------------------------------------------------------
# The same on a page


@dataclass(frozen=True, slots=True)
class Sheet:
    """A paper as a page shows and prints it: finished lines, the same as in the docx."""

    marks: tuple[str, ...]
    head: str
    number: str
    sender: str
    day: str
    title: str
    paragraphs: tuple[Paragraph, ...]
    to: tuple[str, ...]
    foot: tuple[str, ...]


def sheet_of(words: Words, plan: PaperPlan, *, draft: bool) -> Sheet:
    """Return the paper as a page shows it."""
    document = document_of(words, plan, draft=draft)
    bulletin = isinstance(document, Bulletin)
    number = document.number
    if bulletin:
        number = plan.say("labels.bulletin_number", number=number, count=1)
        foot = (
            plan.say("labels.checker", name=words.checker),
            plan.say("labels.signer", name=words.signer),
            plan.say("labels.editor", name=words.drafter),
        )
    else:
        foot = (
            plan.say("labels.editor", name=words.drafter),
            plan.say("labels.phone", phone=words.contact_phone),
            plan.say("labels.signer", name=words.signer),
        )
    to = [plan.say("labels.bulletin_to" if bulletin else "labels.report_to", names=words.send_to)]
    if words.copy_to:
        to.append(plan.say("labels.copy_to", names=words.copy_to))
    day = document.day
    drill = DRILL if words.drill else ""
    return Sheet(
        marks=tuple(mark for mark, shown in ((DRILL, words.drill), (DRAFT, draft)) if shown),
        head=plan.say(f"heads.{words.kind}"),
        number=number,
        sender=plan.say("labels.sender", issuer=plan.issuer),
        day=plan.say("labels.day", year=day.year, month=day.month, day=day.day),
        title="" if bulletin else _in_lines(drill + words.title),
        paragraphs=tuple(body_of(document.paragraphs)),
        to=tuple(to),
        foot=foot,
    )


def _in_lines(title: str) -> str:
    """Return a title with its stage, （续报一）, on a line of its own where it does not fit on one, as in the docx."""
    return _STAGE.sub("\n", title) if len(title) > _TITLE_LINE else title


def corrected(words: Words, plan: PaperPlan, count: int, day: date) -> Words:
    """Return the beginning of a correction: the signed text again, under an opening that names what it corrects."""
    opening = plan.say("body.correction", number=issue_words(words, plan), title=words.title)
    key = "titles.correction" if count == 1 else "titles.correction_again"
    title = plan.say(key, corrected=words.title, count=numeral(count, plan))
    return replace(
        words,
        part="correction",
        sequence=count,
        issue="",
        day=day.isoformat(),
        title=title,
        body=f"{opening}\n{words.body}",
        checker="",
        signer="",
    )


def numeral(number: int, plan: PaperPlan) -> str:
    """Return a number from 1 to 99 in Chinese numerals: 二, 十一, 二十."""
    digits = plan.say("body.numerals")
    tens, ones = divmod(number, 10)
    if not 0 < number < 100:
        return str(number)
    front = "" if tens == 0 else digits[9] if tens == 1 else digits[tens - 1] + digits[9]
    return front + (digits[ones - 1] if ones else "")

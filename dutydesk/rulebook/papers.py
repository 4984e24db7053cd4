"""Reads ``config/papers.toml``: who issues papers, to whom they go, and the sentences they are drafted with."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from string import Formatter
from typing import Any

PAPERS = "papers.toml"
TEMPLATES = "templates"

# Every text of the file, with what may stand in braces in it.
_TEXTS: dict[str, str] = {
    "heads.special_report": "",
    "heads.bulletin": "",
    "issue.real": "year count",
    "issue.drill": "year count",
    "issue.open": "year",
    "issue.number": "issue",
    "issue.file": "mark head issue",
    "issue.draft_file": "mark head",
    "titles.first": "unit title",
    "titles.follow_up": "unit title count",
    "titles.final": "unit title",
    "titles.correction": "corrected",
    "titles.correction_again": "corrected count",
    "titles.digest": "unit title",
    "time.moment": "year month day hour minute",
    "time.same_day": "hour minute",
    "time.about": "moment",
    "body.opening": "occurred unit place title",
    "body.opening_untimed": "unit place title",
    "body.no_place": "",
    "body.received": "received issuer source",
    "body.received_unsourced": "received issuer",
    "body.follow_up": "unit place title issues",
    "body.follow_up_unsigned": "unit place title",
    "body.report": "at reporter text",
    "body.report_unnamed": "at text",
    "body.ended": "at",
    "body.casualties": "at counts",
    "body.casualties_unknown": "",
    "body.nobody": "",
    "body.count": "what count",
    "body.note": "text note",
    "body.pending": "names",
    "body.contact": "contact phone",
    "body.contact_only": "contact",
    "body.correction": "number title",
    "body.digest_head": "title",
    "body.joint": "",
    "body.stop": "",
    "body.numerals": "",
    "elements.nature": "text",
    "elements.cause": "text",
    "elements.scope": "text",
    "elements.property": "text",
    "elements.trend": "text",
    "elements.leaders": "text",
    "elements.measures": "text",
    "elements.next_steps": "text",
    "elements.requests": "text",
    "elements.on_site": "text",
    "labels.sender": "issuer",
    "labels.day": "year month day",
    "labels.report_to": "names",
    "labels.bulletin_to": "names",
    "labels.copy_to": "names",
    "labels.editor": "name",
    "labels.phone": "phone",
    "labels.signer": "name",
    "labels.checker": "name",
    "labels.bulletin_number": "number count",
}
# Without these a number would not be unique, or a fact would be left out of the sentence that states it.
_NEEDED = {
    "issue.real": "year count",
    "issue.drill": "year count",
    "issue.number": "issue",
    "titles.first": "title",
    "titles.follow_up": "title count",
    "titles.final": "title",
    "body.opening": "occurred title",
    "body.casualties": "at counts",
    "body.count": "what count",
    "body.pending": "names",
} | {name: "text" for name in _TEXTS if name.startswith("elements.")}
_NUMERALS = 10
_LISTS = ("report_to", "copy_to", "ways")

Add = Callable[[str, str, str], None]


@dataclass(frozen=True, slots=True)
class PaperPlan:
    """What ``config/papers.toml`` says, and the folder of the docx templates beside it."""

    issuer: str = ""
    report_to: tuple[str, ...] = ()
    copy_to: tuple[str, ...] = ()
    contact_phone: str = ""
    ways: tuple[str, ...] = ()
    texts: Mapping[str, str] = field(default_factory=dict)
    templates: Path = Path(TEMPLATES)

    def say(self, key: str, **values: object) -> str:
        """Return a text of the file with its places filled; what is filled in is never read as a pattern.

        Raises:
            KeyError: when there is none; the loader checks every key the code uses.
        """
        return self.texts[key].format(**values)

    def listed(self, items: Any) -> str:
        """Return several things as a sentence of a paper has them."""
        return self.texts["body.joint"].join(items)


def paper_plan(raw: Mapping[str, Any], folder: Path, add: Add) -> PaperPlan:
    """Return what the file says; *add* is told of everything that is wrong (file, key, what)."""
    lists = {name: _texts(raw, name, add) for name in _LISTS}
    texts = dict(_flat(raw, add))
    for key in sorted(_TEXTS.keys() - texts.keys()):
        add(PAPERS, key, "is missing")
    for key, text in texts.items():
        for fault in _text_faults(key, text):
            add(PAPERS, key, fault)
    for name in ("special_report.docx", "bulletin.docx"):
        if not (folder / TEMPLATES / name).is_file():
            add(f"{TEMPLATES}/{name}", "file", "missing")
    if not lists["report_to"]:
        add(PAPERS, "report_to", "names nobody: a paper goes to somebody")
    return PaperPlan(
        issuer=_text(raw, "issuer", add, needed=True),
        contact_phone=_text(raw, "contact_phone", add, needed=False),
        texts=texts,
        templates=folder / TEMPLATES,
        **lists,
    )


def tables() -> set[str]:
    """Return what may stand at the top of the file."""
    return {key.partition(".")[0] for key in _TEXTS} | {"issuer", "contact_phone", *_LISTS}


def _text(raw: Mapping[str, Any], key: str, add: Add, *, needed: bool) -> str:
    found = raw.get(key, "")
    if not isinstance(found, str):
        add(PAPERS, key, "must be text")
        return ""
    if needed and not found.strip():
        add(PAPERS, key, "is missing")
    return found.strip()


def _texts(raw: Mapping[str, Any], key: str, add: Add) -> tuple[str, ...]:
    found = raw.get(key, [])
    if not isinstance(found, list) or not all(isinstance(one, str) and one.strip() for one in found):
        add(PAPERS, key, "must be a list of texts")
        return ()
    return tuple(one.strip() for one in found)


def _flat(raw: Mapping[str, Any], add: Add) -> list[tuple[str, str]]:
    """Return the texts by their dotted keys; what is no text of this file is named."""
    found = []
    for table in sorted({key.partition(".")[0] for key in _TEXTS}):
        entries = raw.get(table, {})
        if not isinstance(entries, dict):
            add(PAPERS, table, "must be a table")
            continue
        for name, text in entries.items():
            key = f"{table}.{name}"
            if key not in _TEXTS:
                add(PAPERS, key, "is no text of this file")
            elif not isinstance(text, str):
                add(PAPERS, key, "must be text")
            else:
                found.append((key, text))
    return found


def _text_faults(key: str, text: str) -> list[str]:
    try:
        parts = list(Formatter().parse(text))
    except ValueError as error:
        return [f"braces do not match: {error}"]
    named = {name for _, name, _, _ in parts if name is not None}
    known, needed = set(_TEXTS[key].split()), set(_NEEDED.get(key, "").split())
    faults = [f"there is no placeholder {{{name}}} here" for name in sorted(named - known)]
    faults += [f"must contain {{{name}}}" for name in sorted(needed - named)]
    if any(spec or conversion for _, _, spec, conversion in parts):
        faults.append("a placeholder is a name in braces and nothing more")
    if not text.strip():
        faults.append("is empty")
    if key == "body.numerals" and len(text) != _NUMERALS:
        faults.append("must be the ten numerals from one to ten")
    return faults

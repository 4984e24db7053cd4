"""Brings the catalogue of the second language up to date with the Chinese texts of the pages.

python tools/catalogue.py          adds what is new, drops what is gone, lists what still needs English
python tools/catalogue.py --check  fails when the catalogue is not what the first would write

The texts are found by the same code that translates the pages (dutydesk/web/translating.py), in Python by its syntax
tree: every Chinese string of a module whose texts reach a page. A text that cannot be translated is an error.
"""

import ast
import re
import sys
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path

from babel.messages.catalog import Message
from babel.messages.pofile import escape, read_po
from jinja2 import Environment, nodes

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from dutydesk.web.languages import LOCALE, is_chinese, places  # noqa: E402 (found by the line above)
from dutydesk.web.translating import add_languages, named, translated  # noqa: E402

PACKAGE = ROOT / "dutydesk"
CATALOGUE = LOCALE / "en" / "LC_MESSAGES" / "dutydesk.po"
CONFIG = ROOT / "config"

# Modules whose Chinese is data, or for the terminal and the telephone, and never for a page.
DATA = (
    "demo/",
    "simulator/",  # the telephones of the demonstration
    "bench/",
    "documents/",  # official papers are Chinese
    "cli.py",
    "commands.py",
    "account_commands.py",
    "checks.py",  # printed by `dutydesk check`
    "rulebook/",  # how long the texts of config/ may get
    "web/languages.py",  # each language by its own name
    "alerts/wording.py",  # speech
    "alerts/webhooks.py",  # what a pressed key is recorded as; words.proof has it for the pages
    "escalation/preview.py",  # printed by `dutydesk preview`
    "rosters/views/lines.py",  # printed by `dutydesk who`
    "incidents/actions.py",  # reasons as they are recorded
    "obligations/actions.py",  # labels as they are recorded; words.label has them for the pages
    "desk/phone/actions.py",  # sources and reasons as they are recorded
    "dutylog/rules/times.py",  # what is understood of a typed time
    "dutylog/rules/callers.py",
    "incidents/papers/draft.py",  # official papers are Chinese
    "rosters/files/duty_form.py",  # an official document
    "rosters/files/pages.py",  # workbooks and what they are saved as
    "rosters/calendar/files.py",  # calendars elsewhere
    "rosters/notices.py",  # said by SMS and on the telephone
    "rosters/rules/holes.py",  # said by SMS
    "rosters/keeping/filing.py",  # numbers as they are recorded
    "rosters/leaves/effects.py",  # reasons and numbers as they are recorded
    "rosters/rules/headings.py",  # what is understood of a table
    "rosters/rules/naming.py",
    "rosters/rules/reading.py",
    "rosters/directory/workbook.py",  # a workbook and what it is saved as
    "rosters/directory/reasons.py",  # reasons as they are recorded
    "calendars/reading.py",  # a workbook; what is wrong with one stands in calendars/rules/sentences.py
    "calendars/rules/notice.py",  # what is understood of a notice; the same
)
# Templates that are always drawn in Chinese (web.pages.on_paper).
PAPERS = ("rosters/print_form.html",)
_HEADER = """\
# The pages in English. `make catalogue` writes this file and keeps what stands in msgstr.
msgid ""
msgstr ""
"Language: en\\n"
"MIME-Version: 1.0\\n"
"Content-Type: text/plain; charset=UTF-8\\n"
"Content-Transfer-Encoding: 8bit\\n"
"""
_ATTRIBUTE = re.compile(r"(^|\s)[a-z-]+=\S*$|[a-z-]+=[^\s{]")


class CatalogueError(Exception):
    """Texts that cannot be translated as they are written; one line for each."""


def _is_data(name: str) -> bool:
    return name.endswith("/cli.py") or name.startswith(DATA)


# ---------------------------------------------------------------------------------------------------------------------
# Templates


def template_messages(source: str, name: str) -> Iterator[str]:
    """Yield the messages of a template; raises CatalogueError where one cannot be translated."""
    environment = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    add_languages(environment, None)
    found: list[str] = []

    def note(message: str) -> str:
        found.append(message)
        return message

    tokens = environment.lexer.tokenize(source, name, name)
    for _ in translated(tokens, note):
        pass
    for message in found:
        if _ATTRIBUTE.search(message):
            raise CatalogueError(f"{name}: put the attribute in quotes: {message}")
    yield from found
    for line, function, message in environment.extract_translations(source):  # type: ignore[attr-defined]
        if function != "gettext":
            raise CatalogueError(f"{name}:{line}: no pluralize: choose words that need none")
        text = named(
            message if isinstance(message, str) else message[0]
        )  # beside it stands None for each variable
        if set(text) & set("<>&"):
            raise CatalogueError(f"{name}:{line}: a trans block holds text only, no markup: {text}")
        yield text
    for table in _untranslated(environment.parse(source)):
        raise CatalogueError(
            f"{name}:{table.lineno}: the tables of words are Chinese: words.{table.attr}[…]|t"
        )


def _untranslated(template: nodes.Template) -> Iterator[nodes.Getattr]:
    """Yield each table of ``words`` out of which something is taken without the filter ``t``."""
    translated_ones = {
        id(table)
        for found in template.find_all(nodes.Filter)
        if found.name == "t"
        for table in found.find_all(nodes.Getattr)
    }
    taken = [one.node for one in template.find_all(nodes.Getitem)]
    taken += [one.node for one in template.find_all(nodes.Getattr) if one.attr == "get"]
    for table in taken:
        if (
            isinstance(table, nodes.Getattr)
            and isinstance(table.node, nodes.Name)
            and table.node.name == "words"
            and table.attr.isupper()
            and id(table) not in translated_ones
        ):
            yield table


# ---------------------------------------------------------------------------------------------------------------------
# Python


def python_messages(source: str, name: str) -> Iterator[str]:
    """Yield the Chinese strings of a module, its docstrings left out; raises CatalogueError at one put together."""
    tree = ast.parse(source, name)
    docstrings: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            docstrings.add(id(node.value))
        if fault := _put_together(node):
            raise CatalogueError(f"{name}:{node.lineno}: {fault}")
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            yield node.value


def _put_together(node: ast.AST) -> str:
    """Return what to write instead of a Chinese text that is put together before it can be translated."""
    match node:
        case ast.JoinedStr(values=parts) if any(_has_chinese(part) for part in parts):
            return 'an f-string cannot be translated: say("…{x}…", x=…)'
        case ast.Call(func=ast.Attribute(value=text, attr="format" | "format_map")) if _has_chinese(text):
            return 'format() comes before the translation: say("…{x}…", x=…)'
        case ast.Call(func=ast.Attribute(value=text, attr="join")) if _has_chinese(text):
            return 'the mark between is a message too: words.listed(…) or say("；").join(…)'
        case ast.BinOp(left=left, right=right) if _has_chinese(left) or _has_chinese(right):
            return 'a sum of texts cannot be translated: say("…{x}…", x=…)'
    return ""


def _has_chinese(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str) and is_chinese(node.value)


# ---------------------------------------------------------------------------------------------------------------------
# Config


def config_messages(folder: Path) -> Iterator[str]:
    """Yield the texts of config/ that pages say in their own language: reasons, alarms, the names of duties."""
    wording = tomllib.loads((folder / "wording.zh-CN.toml").read_text(encoding="utf-8"))
    yield from wording["reason"].values()
    yield from wording["screen"].values()
    for rule in tomllib.loads((folder / "rulebook.toml").read_text(encoding="utf-8"))["rule"]:
        yield from (rule[name] for name in ("article", "title", "label") if name in rule)


# ---------------------------------------------------------------------------------------------------------------------
# Everything


def messages() -> list[str]:
    """Return every message, sorted.

    Raises:
        CatalogueError: with every text that cannot be translated.
    """
    found, faults = set(config_messages(CONFIG)), []
    templates = PACKAGE / "web" / "templates"
    sources = [
        (template_messages, file)
        for file in templates.rglob("*.html")
        if file.relative_to(templates).as_posix() not in PAPERS
    ]
    sources += [
        (python_messages, file)
        for file in PACKAGE.rglob("*.py")
        if not _is_data(file.relative_to(PACKAGE).as_posix())
    ]
    for reader, file in sorted(sources, key=lambda one: one[1]):
        try:
            found.update(reader(file.read_text(encoding="utf-8"), file.relative_to(ROOT).as_posix()))
        except CatalogueError as error:
            faults.append(str(error))
    if faults:
        raise CatalogueError("\n".join(faults))
    return sorted(message for message in found if is_chinese(message))


def present() -> dict[str, Message]:
    """Return what the catalogue has now."""
    if not CATALOGUE.is_file():
        return {}
    with CATALOGUE.open("rb") as file:
        return {str(one.id): one for one in read_po(file, locale="en") if one.id}


def written(wanted: Iterable[str], known: dict[str, Message]) -> str:
    """Return the catalogue's file with the messages *wanted*, translated as far as *known*."""
    parts = [_HEADER]
    for text in wanted:
        one = known.get(text)
        lines = [f"# {comment}" for comment in one.user_comments] if one else []
        lines += ["#, fuzzy"] if one and one.fuzzy else []
        lines += [f"msgid {escape(text)}", f"msgstr {escape(str(one.string) if one else '')}"]
        parts.append("\n".join(lines) + "\n")
    return "\n".join(parts)


def faults_of(wanted: Iterable[str], known: dict[str, Message]) -> list[str]:
    """Return what is wrong with the translations: missing, fuzzy, a placeholder lost or invented, Chinese left."""
    faults = []
    for text in wanted:
        one = known.get(text)
        said = str(one.string) if one else ""
        if not said:
            faults.append(f"no English yet: {text}")
        elif one is not None and one.fuzzy:
            faults.append(f"marked as fuzzy: {text}")
        elif places(said) != places(text):
            faults.append(f"other placeholders than the Chinese: {text} = {said}")
        elif is_chinese(said):
            faults.append(f"Chinese in the English: {text} = {said}")
    return faults


def main(check: bool) -> None:
    """Write the catalogue, or hold it against the texts."""
    try:
        wanted = messages()
    except CatalogueError as error:
        sys.exit(str(error))
    known = present()
    text = written(wanted, known)
    if check:
        if not CATALOGUE.is_file() or text != CATALOGUE.read_text(encoding="utf-8"):
            new, gone = set(wanted) - known.keys(), known.keys() - set(wanted)
            told = [f"new: {one}" for one in sorted(new)] + [f"gone: {one}" for one in sorted(gone)]
            sys.exit("\n".join([*told, "dutydesk: the catalogue is not up to date; run `make catalogue`."]))
    else:
        CATALOGUE.parent.mkdir(parents=True, exist_ok=True)
        CATALOGUE.write_text(text, encoding="utf-8")
    faults = faults_of(wanted, known)
    print(
        "\n".join([*faults, f"{len(wanted)} messages, {len(faults)} to do in {CATALOGUE.relative_to(ROOT)}"])
    )
    if faults:
        sys.exit(1)


if __name__ == "__main__":
    main("--check" in sys.argv[1:])

"""Translates templates when they are compiled, so that no text of a page can be forgotten.

Every run of Chinese text between tags, quotes, line ends and template tags is a message, and so is every Chinese
string inside a template's expressions. A sentence with variables is one message when it stands in
``{% trans name=value %}…{{ name }}…{% endtrans %}``; its placeholders are written ``{name}`` in the catalogue.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from html import unescape

from jinja2 import Environment
from jinja2.ext import Extension, InternationalizationExtension
from jinja2.lexer import TOKEN_BLOCK_BEGIN, TOKEN_DATA, TOKEN_NAME, TOKEN_STRING, Token, TokenStream
from markupsafe import escape

from dutydesk.web.languages import CHINESE, PLACE, is_chinese

Translate = Callable[[str], str]

_RUN = re.compile(rf"[^<>\"'\n]*?{CHINESE}[^<>\"'\n]*")
_PERCENT = re.compile(r"%\(([a-z_]+)\)s")


def add_languages(made: Environment, translate: Translate | None) -> None:
    """Give an environment its trans blocks and, with *translate*, another language than the templates'."""
    made.add_extension(InternationalizationExtension)
    made.policies["ext.i18n.trimmed"] = True
    gettext = _sentence(translate or str)
    made.install_gettext_callables(gettext, _no_plurals, newstyle=True)  # type: ignore[attr-defined]
    if translate is not None:
        made.extend(translate=translate)
        made.add_extension(Translating)


class Translating(Extension):
    """Puts the other language into the tokens of a template."""

    def filter_stream(self, stream: TokenStream) -> Iterable[Token]:
        """Return the tokens in the environment's language."""
        translate: Translate = getattr(self.environment, "translate")  # noqa: B009 (added with `extend`)
        return translated(stream, translate)


def translated(stream: Iterable[Token], translate: Translate) -> Iterator[Token]:
    """Yield tokens with every Chinese text translated; the body of a trans block is gettext's."""
    before, in_sentence = "", False
    for token in stream:
        if token.type == TOKEN_DATA and not in_sentence:
            text = _RUN.sub(lambda found: _run(found[0], translate), token.value)
            yield Token(token.lineno, TOKEN_DATA, text)
        elif token.type == TOKEN_STRING and is_chinese(token.value):
            yield Token(token.lineno, TOKEN_STRING, translate(token.value))
        else:
            if before == TOKEN_BLOCK_BEGIN and token.type == TOKEN_NAME and token.value.endswith("trans"):
                in_sentence = token.value == "trans"
            yield token
        before = token.type


def _run(text: str, translate: Translate) -> str:
    """Translate a run of text; what the catalogue says lands in markup as text, with the space around it kept."""
    message = unescape(text)
    core = message.strip()
    said = translate(core)
    if said == core:
        return text
    start = message.index(core)
    return message[:start] + str(escape(said)) + message[start + len(core) :]


def _sentence(translate: Translate) -> Callable[[str], str]:
    """Return a gettext for trans blocks: Jinja writes ``%(name)s`` where the catalogue writes ``{name}``."""

    def gettext(message: str) -> str:
        said = str(escape(translate(named(message)))).replace("%", "%%")
        return PLACE.sub(r"%(\1)s", said)

    return gettext


def named(message: str) -> str:
    """Return a trans block's message as the catalogue has it."""
    return _PERCENT.sub(r"{\1}", message).replace("%%", "%")


def _no_plurals(_one: str, _many: str, _count: int) -> str:
    raise NotImplementedError("Chinese has no plural: choose English words that need none")

"""The language of a page. The Chinese texts are the messages; other languages have gettext catalogues.

Whatever ``say`` returns is for one reader: it is shown, never stored.
"""

import re
from collections.abc import Mapping
from contextvars import ContextVar
from functools import cache
from pathlib import Path

from babel.messages.pofile import read_po
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Receive, Scope, Send

# Each is called by its own name, in every language.
LANGUAGES = {"zh-CN": "中文", "en": "English"}
SOURCE = "zh-CN"
LANGUAGE_COOKIE = "language"
LOCALE = Path(__file__).parent / "locale"

# Han characters, and the punctuation that only Chinese text has.
CHINESE = (
    r"[\u2e80-\u2fdf\u3000-\u303f\u31c0-\u31ef\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff00-\uff65"
    r"\U00020000-\U0003ffff]"
)
PLACE = re.compile(r"\{([a-z_]+)\}")

_chinese = re.compile(CHINESE)
_current: ContextVar[str] = ContextVar("language", default=SOURCE)


def language() -> str:
    """Return the language of the request that is being answered; Chinese outside requests."""
    return _current.get()


def set_language(name: str | None) -> None:
    """Speak this language from here on in the current context; an unknown one is Chinese."""
    _current.set(name if name in LANGUAGES else SOURCE)


def is_chinese(text: str) -> bool:
    """Tell whether a text has anything that only a Chinese text has."""
    return _chinese.search(text) is not None


def places(text: str) -> set[str]:
    """Return the names of a message's placeholders: ``{unit}``."""
    return set(PLACE.findall(text))


def say(text: str, /, **values: object) -> str:
    """Return a Chinese text in the current language, its ``{name}`` placeholders filled.

    What no catalogue knows is said in Chinese. Without *values* braces stay as they are.
    """
    said = translation(language(), text)
    if not values:
        return said
    return PLACE.sub(lambda found: str(values.get(found[1], found[0])), said)


def translation(name: str, text: str) -> str:
    """Return a message in the language *name*, or itself where that has no words for it."""
    return text if name == SOURCE else catalogue(name).get(text, text)


@cache
def catalogue(name: str) -> Mapping[str, str]:
    """Return what is translated for certain: neither the empty nor the fuzzy."""
    with (LOCALE / name / "LC_MESSAGES" / "dutydesk.po").open("rb") as file:
        found = read_po(file, locale=name)
    return {str(one.id): str(one.string) for one in found if one.id and one.string and not one.fuzzy}


class Languages:
    """Sets each request's language from its cookie. Plain ASGI, so that an event stream passes untouched."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        wanted = HTTPConnection(scope).cookies.get(LANGUAGE_COOKIE, "")
        earlier = _current.set(wanted if wanted in LANGUAGES else SOURCE)
        try:
            await self._app(scope, receive, send)
        finally:
            _current.reset(earlier)

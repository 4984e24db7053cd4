"""Server-rendered pages: the templates, what every template may use, and errors as a plain page."""

import hashlib
import json
import re
from collections.abc import Callable, Coroutine
from datetime import datetime, timedelta
from functools import cache, partial
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import phonenumbers
from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, RedirectResponse
from fastapi.routing import APIRoute
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from dutydesk.clock import Clock
from dutydesk.errors import DutydeskError, NotSignedInError
from dutydesk.logs import log, mask_number
from dutydesk.web import words
from dutydesk.web.languages import LANGUAGES, SOURCE, language, say, translation
from dutydesk.web.sentences import sentence
from dutydesk.web.site import Site, site_of
from dutydesk.web.translating import add_languages

_log = log("pages")

_HERE = Path(__file__).parent
STATIC = _HERE / "static"
THEME_COOKIE = "theme"
_VENDOR = ("kit.js", "kit.css", "icons.svg")
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)")
_NUMBER = re.compile(r"\+\d{8,15}")
_OURSELVES = re.compile(r"(?<=[(\uff08])(desk|clockwork)(?=[)\uff09])")
_TARGET = re.compile(r"\b(unit|desk|post):[a-z_]+")

_TITLES = {
    401: "请先登录",
    403: "不能这样做",
    404: "没有找到",
    405: "不能这样做",
    409: "情况已有变化",
    413: "内容过长",
    422: "填写有误",
}


def vendor_missing() -> str | None:
    """Return what to do when the bundled parts of the pages are absent: the process must not start without."""
    absent = [name for name in _VENDOR if not (STATIC / "vendor" / name).is_file()]
    if not absent:
        return None
    return (
        f"the pages' parts are missing ({', '.join(absent)} in {STATIC / 'vendor'}); "
        "make them with `make ui` (or `python hatch_build.py`), or install the package without DUTYDESK_SKIP_UI"
    )


def render(request: Request, template: str, status: int = 200, /, **context: Any) -> HTMLResponse:
    """Return a page; every template also knows ``site``, ``now`` and the filters of this module."""
    site = site_of(request)
    shared = {
        "request": request,
        "site": site,
        "now": site.clock.now(),
        "speed": speed_of(site.clock),
        # Whoever is signed in; a page that lets anybody in has nobody.
        "actor": getattr(request.state, "actor", None),
        "theme": theme(request),
    }
    text = environment(site.zone, language()).get_template(template).render(shared | context)
    return HTMLResponse(text, status_code=status)


def on_paper(site: Site, template: str, /, **context: Any) -> Markup:
    """Return a part of a page that is an official document: Chinese, whatever language the page is in."""
    made = environment(site.zone, SOURCE).get_template(template)
    return Markup(made.render({"site": site} | context))  # noqa: S704 (the templates escape)


def theme(request: Request) -> str:
    """Return the colours somebody chose: ``light`` or ``dark``."""
    return "dark" if request.cookies.get(THEME_COOKIE) == "dark" else "light"


def speed_of(clock: Clock) -> float:
    """Return how many times faster than the machine's this clock runs (a demonstration's may)."""
    hour, now = timedelta(hours=1), clock.now()
    real = clock.real_moment(now + hour) - clock.real_moment(now)
    return round(hour / real, 2) if real > timedelta(0) else 1.0


@cache
def environment(zone: ZoneInfo, name: str) -> Environment:
    """Return the templates in the language *name*, with the filters that know the site's time zone."""
    made = Environment(
        loader=FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    add_languages(made, None if name == SOURCE else partial(translation, name))
    made.globals |= {
        "words": words,
        "static": static_address,
        "countdown": words.countdown,
        "language": name,
        "languages": LANGUAGES,
    }
    made.filters |= _time_filters(zone) | {
        "t": say,
        "phone": shown_number,
        "epoch": lambda moment: int(moment.timestamp() * 1000),
        "json": lambda value: json.dumps(value, ensure_ascii=False),
    }
    return made


def _time_filters(zone: ZoneInfo) -> dict[str, Callable[..., str]]:
    def local(moment: datetime) -> datetime:
        return moment.astimezone(zone)

    def when(moment: datetime | None, now: datetime) -> str:
        """The time alone today, with the date on another day."""
        if moment is None:
            return "—"
        then = local(moment)
        if then.date() == local(now).date():
            return f"{then:%H:%M:%S}"
        day = words.day(then) if then.year != local(now).year else words.day_of_year(then)
        return f"{day} {then:%H:%M:%S}"

    def readable(text: str, now: datetime, masked: bool = False) -> str:
        """Instants, numbers, targets and our own names inside a text, as people read them."""
        text = _INSTANT.sub(lambda found: when(datetime.fromisoformat(found.group()), now), text)
        text = _NUMBER.sub(lambda found: shown_number(found.group(), masked), text)
        text = _OURSELVES.sub(lambda found: words.actor(found.group()), text)
        return _TARGET.sub(lambda found: words.target(found.group()), text)

    return {
        "clock": lambda moment: f"{local(moment):%H:%M}",
        "seconds": lambda moment: f"{local(moment):%H:%M:%S}",
        "day": lambda moment: words.day(local(moment)),
        "date": lambda moment: words.date(local(moment)),
        "month_day": lambda moment: words.day_of_year(local(moment)),
        # What <input type="datetime-local"> takes and gives.
        "input": lambda moment: f"{local(moment):%Y-%m-%dT%H:%M:%S}",
        "when": when,
        "readable": readable,
    }


def shown_number(number: str | None, masked: bool = False) -> str:
    """Return a number as people here write it, or masked for those who do not need it."""
    if not number:
        return ""
    if masked:
        return mask_number(number)
    try:
        parsed = phonenumbers.parse(number, None)
    except phonenumbers.NumberParseException:
        return number
    home = parsed.country_code == 86
    style = phonenumbers.PhoneNumberFormat.NATIONAL if home else phonenumbers.PhoneNumberFormat.INTERNATIONAL
    return phonenumbers.format_number(parsed, style)


def static_address(path: str) -> str:
    """Return the address of a static file, with its version, so that an update reaches every browser."""
    return f"/static/{path}?v={_version(path)}"


@cache
def _version(path: str) -> str:
    file = STATIC / path
    return hashlib.sha256(file.read_bytes()).hexdigest()[:12] if file.is_file() else "0"


def error_page(request: Request, status: int, detail: str) -> HTMLResponse:
    """Return an error as a plain page that says what to do next."""
    title = _TITLES.get(status, "系统出错")
    return render(request, "error.html", status, title=title, detail=sentence(detail), status=status)


def _sent_to_sign_in(request: Request, error: NotSignedInError) -> Response:
    """Send a reader to where one signs in, and back afterwards; what was posted stays in the browser."""
    if request.method != "GET":
        return error_page(
            request, 401, "登录已经失效，所填内容还没有登记。请在新窗口登录，再回到本页刷新，即可重新提交。"
        )
    if "text/html" not in request.headers.get("accept", ""):
        return Response(status_code=401)
    here = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    return RedirectResponse(f"{error.page}?{urlencode({'next': here})}", 303)


class PageRoute(APIRoute):
    """A route of a page: what is refused is said on a page in the reader's language, not as a problem document."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Wrap the route's own handler."""
        handle = super().get_route_handler()

        async def handle_as_page(request: Request) -> Response:
            try:
                return await handle(request)
            except NotSignedInError as error:
                return _sent_to_sign_in(request, error)
            except DutydeskError as error:
                return error_page(request, error.status, error.detail)
            except RequestValidationError:
                return error_page(request, 422, "地址或内容不完整")
            except HTTPException as error:
                return error_page(request, error.status_code, str(error.detail))
            except Exception as error:  # noqa: BLE001 (an operator must see a page with a way back, whatever it was)
                # Whoever left the page, or typed over a question, waits for no answer: nothing failed.
                if not isinstance(error, ClientDisconnect):
                    _log.exception("a page failed", path=request.url.path)
                return error_page(request, 500, "这一页没有打开，所填内容没有登记")

        return handle_as_page

"""What protects the pages: headers, no requests from other sites, no other site's name for this machine."""

from html import escape
from ipaddress import ip_address
from urllib.parse import urlsplit

from fastapi import FastAPI
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import HTMLResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dutydesk.web.languages import language, say
from dutydesk.web.problems import problem
from dutydesk.web.site import Site

# No inline script or style and no other origin; Tabler's style sheet has its small images as data: URLs.
POLICY = (
    "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # Not `no-referrer`: that makes browsers send `Origin: null` with our own forms.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
# A bearer token or a provider's signature proves these; no browser sends either by itself.
_PROVED = ("/api/", "/webhooks/")
_REFUSED_PAGE = (
    '<!doctype html><html lang="{language}"><meta charset="utf-8"><title>{title}</title>'
    '<link rel="stylesheet" href="/static/desk.css"><body><main class="refused"><h1>{title}</h1><p>{sentence}</p>'
    '<p><a href="/desk">{back}</a></p></main></body></html>'
)


def add_security(app: FastAPI, site: Site, also_proved: tuple[str, ...] = ()) -> None:
    """Protect every route of *app*; paths that begin with *also_proved* bring a proof of their own."""
    own = urlsplit(site.settings.public_url).hostname or ""
    app.add_middleware(Security, loopback=site.loopback, proved=_PROVED + also_proved, own_host=own)


class Security:
    """Plain ASGI, so that an event stream passes through untouched."""

    def __init__(
        self, app: ASGIApp, *, loopback: bool, proved: tuple[str, ...] = _PROVED, own_host: str = ""
    ) -> None:
        self._app = app
        self._own_host = own_host
        self._loopback = loopback
        self._proved = proved

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        path = scope["path"]

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
                # A page shows names and numbers: nothing of it may stay in a cache or behind the Back button.
                # A script or style sheet is asked for anew unless its address carries its version.
                headers.setdefault("Cache-Control", "no-cache" if path.startswith("/static/") else "no-store")
            await send(message)

        sentence = self._fault(path, scope["method"], Headers(scope=scope))
        handler = self._app if sentence is None else _refusal(path, sentence)
        await handler(scope, receive, send_with_headers)

    def _fault(self, path: str, method: str, headers: Headers) -> str | None:
        """Return why a request is refused, or None."""
        if (
            self._loopback
            and not path.startswith("/webhooks/")
            and not self._is_ours(headers.get("host", ""))
        ):
            # Another site's name that resolves to this machine (DNS rebinding) would speak as the operator.
            return "本机服务只接受以本机地址访问"
        if method in _SAFE or path.startswith(self._proved):
            return None
        return None if is_same_origin(headers) else "请求不是由本系统的页面发出"

    def _is_ours(self, host: str) -> bool:
        """Tell whether a ``Host`` header names this machine, or the name people know the service by."""
        return is_loopback_host(host) or (self._own_host != "" and host_name(host) == self._own_host)


def host_name(host: str) -> str:
    """Return the name in a ``Host`` header, without the port."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def is_loopback_host(host: str) -> bool:
    """Tell whether a ``Host`` header names this machine itself."""
    name = host_name(host)
    if name == "localhost":
        return True
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return False


def is_same_origin(headers: Headers) -> bool:
    """Tell whether a browser says that one of our own pages sent this.

    ``Sec-Fetch-Site`` (Fetch Metadata) is only sent to https and loopback; ``Origin`` is there otherwise.
    """
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site == "same-origin"
    origin = headers.get("origin")
    return origin is not None and urlsplit(origin).netloc == headers.get("host")


def _refusal(path: str, sentence: str) -> Response:
    if path.startswith("/api/"):
        return problem(403, "Not allowed", sentence, "not_allowed")
    told = {"title": say("已拒绝"), "sentence": say(sentence), "back": say("回到值班台")}
    page = _REFUSED_PAGE.format(language=language(), **{name: escape(text) for name, text in told.items()})
    return HTMLResponse(page, status_code=403)

"""The other side: a tiny application that uses the exchange as it would use Twilio."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlsplit, urlunsplit

import httpx2
from fastapi import FastAPI, Request, Response
from twilio.http import AsyncHttpClient
from twilio.http.response import Response as TwilioResponse
from twilio.request_validator import RequestValidator
from twilio.rest import Client

from dutydesk.simulator.exchange import Exchange
from tests.fakes.clock import FakeClock

ACCOUNT, TOKEN = "AC" + "a1" * 16, "not-a-real-token"
FROM, LI, WANG = "+15005550006", "+8613800000001", "+8613800000002"
HERE = "https://duty.example"


@dataclass
class Post:
    """One request of the exchange to the application."""

    path: str
    form: dict[str, str]


@dataclass
class Application:
    """Records every request after checking its signature with Twilio's own validator.

    ``scripts`` answers paths with TwiML; other paths are answered 204.
    """

    posts: list[Post] = field(default_factory=list)
    scripts: dict[str, str | Callable[[dict[str, str]], str] | int] = field(default_factory=dict)

    def asgi(self) -> FastAPI:
        app = FastAPI()

        @app.api_route("/{path:path}", methods=["GET", "POST"])
        async def anything(request: Request) -> Response:
            fields = parse_qsl((await request.body()).decode(), keep_blank_values=True)
            url = HERE + request.scope["raw_path"].decode()
            if request.url.query:
                url += "?" + request.url.query
            signature = request.headers["X-Twilio-Signature"]
            assert RequestValidator(TOKEN).validate(url, dict(fields), signature)
            self.posts.append(Post(request.url.path, dict(fields)))
            return self._answer(request.url.path, dict(fields))

        return app

    def _answer(self, path: str, form: dict[str, str]) -> Response:
        script = self.scripts.get(path)
        if script is None:
            return Response(status_code=204)
        if isinstance(script, int):
            return Response(status_code=script)
        text = script if isinstance(script, str) else script(form)
        return Response(text, media_type="text/xml")

    def statuses(self, path: str = "/status") -> list[str]:
        """The statuses reported to that path, in order."""
        return [
            post.form.get("MessageStatus") or post.form["CallStatus"]
            for post in self.posts
            if post.path == path
        ]


class TwilioOverAsgi(AsyncHttpClient):
    """Twilio's SDK speaking to the exchange in this process, and keeping what it was answered."""

    def __init__(self, client: httpx2.AsyncClient) -> None:
        super().__init__(logging.getLogger("test"), True)
        self._client = client
        self.answers: list[httpx2.Response] = []

    async def request(
        self,
        method,
        url,
        params=None,
        data=None,
        headers=None,
        auth=None,
        timeout=None,
        allow_redirects=False,
    ):
        url = urlunsplit(("http", "exchange", *urlsplit(url)[2:]))
        answer = await self._client.request(
            method, url, params=params, data=data, headers=headers, auth=auth or httpx2.USE_CLIENT_DEFAULT
        )
        self.answers.append(answer)
        return TwilioResponse(answer.status_code, answer.text, answer.headers)


@dataclass
class World:
    """An exchange with an application, and a clock moved by hand."""

    clock: FakeClock
    exchange: Exchange
    application: Application
    http: httpx2.AsyncClient
    twilio: Client

    async def pass_time(self, seconds: float) -> None:
        """Let time pass, stopping at everything that happens on the way."""
        start = self.clock.now()
        self.clock.move(seconds)
        end = self.clock.now()
        self.clock.set(start)
        while (moment := self.exchange.next_event()) is not None and moment <= end:
            self.clock.set(max(moment, self.clock.now()))
            await self.exchange.run_due(self.clock.now())
        self.clock.set(end)

    async def send(self, to: str = LI, body: str = "请查收", **more):
        return await self.twilio.messages.create_async(
            to=to, from_=FROM, body=body, status_callback=f"{HERE}/status", **more
        )

    async def call(self, to: str = LI, **more):
        return await self.twilio.calls.create_async(
            to=to,
            from_=FROM,
            status_callback=f"{HERE}/status",
            status_callback_event=["initiated", "ringing", "answered", "completed"],
            **({"url": f"{HERE}/script"} | more),
        )

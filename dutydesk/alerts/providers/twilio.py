"""Twilio's SMS and voice through its own SDK on one httpx2 client.

The SDK is imported when the first provider is made: it costs a tenth of a second and nothing else
needs it. Sources: Twilio REST API 2010-04-01 (Messages, Calls), TwiML for Programmable Voice.
"""

import asyncio
import logging
from collections.abc import Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import httpx2

from dutydesk.alerts.providers.types import REQUEST_SECONDS, CallPlan, Found, Sent, Status
from dutydesk.rulebook.types import Channel

_STATES: Mapping[str, str] = {
    "queued": "accepted",
    "accepted": "accepted",
    "scheduled": "accepted",
    "initiated": "accepted",
    "sending": "accepted",
    "sent": "sent",
    "delivered": "delivered",
    "read": "delivered",
    "undelivered": "failed",
    "ringing": "ringing",
    "in-progress": "answered",
    "completed": "completed",
    "busy": "failed",
    "no-answer": "failed",
    "canceled": "failed",
    "failed": "failed",
}
_HTTP_TOO_MANY, _HTTP_SERVER_FAULT = 429, 500


def attempt_state(word: str) -> str | None:
    """Return our word for Twilio's MessageStatus or CallStatus, None for one we do not know."""
    return _STATES.get(word)


class TwilioProvider:
    """One Twilio account with one number to send from."""

    def __init__(
        self,
        name: str,
        channels: tuple[Channel, ...],
        *,
        account_sid: str,
        auth_token: str,
        from_number: str,
        http: httpx2.AsyncClient,
        api_base_url: str = "",
        timeout: float = REQUEST_SECONDS,
    ) -> None:
        """Make the SDK's client; nothing is sent yet. *timeout* is for a whole request, in seconds."""
        from twilio.request_validator import RequestValidator
        from twilio.rest import Client

        self.name = name
        self.channels = channels
        self._from = from_number
        self._timeout = timeout
        transport = _transport(http, api_base_url or None, timeout)
        self._client: Client = Client(account_sid, auth_token, http_client=transport)
        # The SDK reads TWILIO_EDGE and TWILIO_REGION by itself: only our settings say where requests go.
        self._client.edge = self._client.region = None
        self._validator = RequestValidator(auth_token)

    async def send_sms(self, to: str, body: str, status_url: str) -> Sent:
        """Create a Message (Twilio: POST …/Messages.json)."""
        return await _answer(
            self._client.messages.create_async(
                to=to, from_=self._from, body=body, status_callback=status_url
            ),
            self._timeout,
        )

    async def place_call(self, to: str, plan: CallPlan) -> Sent:
        """Create a Call (Twilio: POST …/Calls.json)."""
        return await _answer(
            self._client.calls.create_async(
                to=to,
                from_=self._from,
                url=plan.twiml_url,
                status_callback=plan.status_url,
                status_callback_event=["initiated", "ringing", "answered", "completed"],
                timeout=plan.ring_seconds,
            ),
            self._timeout,
        )

    async def look_up(self, channel: Channel, reference: str) -> Status | None:
        """Fetch a Message or Call."""
        try:
            async with asyncio.timeout(self._timeout):
                if channel == "sms":
                    message = await self._client.messages(reference).fetch_async()
                    return _status(message.status, message.error_code)
                call = await self._client.calls(reference).fetch_async()
                return _status(call.status, None)
        except Exception:  # noqa: BLE001 (the SDK and the transport raise many kinds; all mean: no answer)
            return None

    async def find(self, channel: Channel, to: str, since: datetime) -> list[Found] | None:
        """List what was created for a number since then, oldest first."""
        try:
            async with asyncio.timeout(self._timeout):
                found = await (self._messages(to) if channel == "sms" else self._calls(to))
        except Exception:  # noqa: BLE001 (as above)
            return None
        return sorted((one for one in found if one.created_at >= since), key=lambda one: one.created_at)

    async def _messages(self, to: str) -> list[Found]:
        return [
            Found(str(one.sid), _aware(one.date_created), str(one.body), _status(one.status, one.error_code))
            for one in await self._client.messages.list_async(to=to, limit=50)
        ]

    async def _calls(self, to: str) -> list[Found]:
        return [
            Found(str(one.sid), _aware(one.date_created), "", _status(one.status, None))
            for one in await self._client.calls.list_async(to=to, limit=50)
        ]

    async def cancel_call(self, reference: str) -> None:
        """Ask Twilio to cancel a call that is queued or ringing (it refuses for one that was answered)."""
        try:
            async with asyncio.timeout(self._timeout):
                await self._client.calls(reference).update_async(status="canceled")
        except Exception:  # noqa: BLE001 (the call's own status callback tells how it ended)
            logging.getLogger("dutydesk.twilio").warning("a call could not be cancelled")

    def is_genuine(self, url: str, form: Mapping[str, str], signature: str) -> bool:
        """Check X-Twilio-Signature over the public URL and the posted form (Twilio: Security)."""
        return bool(self._validator.validate(url, form, signature))


def _transport(http: httpx2.AsyncClient, base_url: str | None, seconds: float) -> Any:
    """Return the SDK's HTTP client on our own, so that time-outs hold and simulators can be reached."""
    from twilio.http import AsyncHttpClient
    from twilio.http.response import Response

    base = urlsplit(base_url) if base_url else None

    class _OnHttpx(AsyncHttpClient):
        def __init__(self) -> None:
            super().__init__(logging.getLogger("dutydesk.twilio"), True, seconds)  # noqa: FBT003

        async def request(  # type: ignore[override,unused-ignore]
            self,
            method: str,
            url: str,
            params: Any = None,
            data: Any = None,
            headers: Any = None,
            auth: Any = None,
            timeout: float | None = None,
            allow_redirects: bool = False,
        ) -> Response:
            if base is not None:
                asked = urlsplit(url)
                path = base.path.rstrip("/") + asked.path
                url = urlunsplit((base.scheme, base.netloc, path, asked.query, ""))
            answer = await http.request(
                method,
                url,
                params=params,
                data=data,
                headers=headers,
                auth=auth or httpx2.USE_CLIENT_DEFAULT,
                timeout=timeout or seconds,
                follow_redirects=allow_redirects,
            )
            return Response(answer.status_code, answer.text, answer.headers)

    return _OnHttpx()


async def _answer(request: Any, seconds: float) -> Sent:
    """Await a create call of the SDK and say what became of it.

    The client's own time-outs count each step of a request; the one here counts all of them together,
    so that a request is over before its lease is.
    """
    from twilio.base.exceptions import TwilioException, TwilioRestException

    try:
        async with asyncio.timeout(seconds):
            made = await request
    except TwilioRestException as error:
        code = str(error.code) if error.code else str(error.status)
        if error.status == _HTTP_TOO_MANY:
            return Sent("fault", code="20429", text=str(error.msg))
        if error.status >= _HTTP_SERVER_FAULT:
            # It may have been taken before the server failed.
            return Sent("unknown", code=code, text=str(error.msg))
        return Sent("refused", code=code, text=str(error.msg))
    except (httpx2.ConnectError, httpx2.ConnectTimeout) as error:
        return Sent("fault", code="connect", text=str(error))
    except (httpx2.HTTPError, TwilioException, TimeoutError, ValueError) as error:
        return Sent("unknown", code="no_answer", text=str(error))
    return Sent("accepted", reference=str(made.sid))


def _status(word: Any, code: Any) -> Status:
    state = attempt_state(str(word)) or "accepted"
    return Status(state, code=None if code is None else str(code), text=str(word))


def _aware(moment: Any) -> datetime:
    return moment if isinstance(moment, datetime) else parsedate_to_datetime(str(moment))

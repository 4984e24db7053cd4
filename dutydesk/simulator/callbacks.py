"""Requests from the exchange to the application, signed as Twilio signs them.

https://www.twilio.com/docs/usage/webhooks/webhooks-security
"""

import base64
import hashlib
import hmac
import uuid
from collections.abc import Mapping
from urllib.parse import urldefrag, urlencode

import httpx2

from dutydesk.simulator.records import Callback

CallbackError = (httpx2.HTTPError, httpx2.InvalidURL)
"""What ``CallbackSender.send`` raises when no answer came."""


def signature(auth_token: str, url: str, fields: Mapping[str, str]) -> str:
    """Return the value of ``X-Twilio-Signature``: HMAC-SHA1 over the exact URL and the sorted fields.

    Written out here instead of taken from Twilio's package, so that the package's own validator is an
    independent check of it.
    """
    text = url + "".join(name + fields[name] for name in sorted(fields))
    digest = hmac.new(auth_token.encode(), text.encode(), hashlib.sha1).digest()
    return base64.b64encode(digest).decode()


class CallbackSender:
    """Posts (or gets) an application's URLs with the account's signature."""

    def __init__(self, client: httpx2.AsyncClient, accounts: Mapping[str, str]) -> None:
        self._client = client
        self._accounts = accounts

    async def send(self, account_sid: str, to: Callback, fields: Mapping[str, str]) -> httpx2.Response:
        """Send *fields* to the callback's URL and return the answer, whatever its status.

        Raises:
            httpx2.HTTPError: the application could not be reached (see ``CallbackError``).
            httpx2.InvalidURL: the URL is none.
        """
        # A fragment holds Twilio's own connection settings and is neither sent nor signed.
        url = urldefrag(to.url).url
        form: Mapping[str, str] | None = fields
        if to.method == "GET":
            url += ("&" if "?" in url else "?") + urlencode(fields)
            form = None
        headers = {
            "X-Twilio-Signature": signature(self._accounts[account_sid], url, form or {}),
            "I-Twilio-Idempotency-Token": str(uuid.uuid4()),
            "User-Agent": "TwilioProxy/1.1",
        }
        return await self._client.request(to.method, url, data=form, headers=headers)

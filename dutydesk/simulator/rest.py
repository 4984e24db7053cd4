"""Twilio's REST API over the exchange: the part of it that sends messages and makes calls."""

import base64
import binascii
import secrets
from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from dutydesk.simulator.exchange import Exchange
from dutydesk.simulator.faults import Hold, Refuse, Withhold
from dutydesk.simulator.lists import call_wanted, message_wanted, page_of
from dutydesk.simulator.parameters import call_order, message_order
from dutydesk.simulator.refusals import TwilioRefusal
from dutydesk.simulator.resources import VERSION, call_json, message_json

Work = Callable[[], Awaitable[JSONResponse]]


def rest_api(exchange: Exchange) -> APIRouter:
    """Return the routes under ``/2010-04-01``; every one of them demands an account's SID and token."""
    return _Rest(exchange).routes()


class _Rest:
    """The operations; each is refused, held or withheld when a rule of the exchange's faults says so."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    def routes(self) -> APIRouter:
        router = APIRouter(prefix=f"/{VERSION}/Accounts/{{account}}")
        for path, method, operation in (
            ("/Messages.json", "POST", self.create_message),
            ("/Messages.json", "GET", self.list_messages),
            ("/Messages/{sid}.json", "GET", self.fetch_message),
            ("/Calls.json", "POST", self.create_call),
            ("/Calls.json", "GET", self.list_calls),
            ("/Calls/{sid}.json", "GET", self.fetch_call),
            ("/Calls/{sid}.json", "POST", self.update_call),
            ("/{rest:path}", "GET", self.nothing_here),
            ("/{rest:path}", "POST", self.nothing_here),
        ):
            router.add_api_route(path, operation, methods=[method])
        return router

    async def create_message(self, account: str, request: Request) -> JSONResponse:
        self._authenticate(account, request)
        form = await request.form()

        async def work() -> JSONResponse:
            order = message_order(account, form, self._exchange.from_numbers)
            return JSONResponse(message_json(self._exchange.create_message(order)), 201)

        return await self._treated("messages.create", str(form.get("To")), work)

    async def list_messages(self, account: str, request: Request) -> JSONResponse:
        self._authenticate(account, request)
        query = request.query_params

        async def work() -> JSONResponse:
            wanted = [
                message
                for message in self._exchange.messages.values()
                if message.account_sid == account and message_wanted(message, query)
            ]
            page = page_of(wanted, message_json, name="messages", path=request.url.path, query=query)
            return JSONResponse(page)

        return await self._treated("messages.list", query.get("To"), work)

    async def fetch_message(self, account: str, sid: str, request: Request) -> JSONResponse:
        self._authenticate(account, request)
        message = self._owned(self._exchange.messages, sid, account, request)

        async def work() -> JSONResponse:
            return JSONResponse(message_json(message))

        return await self._treated("messages.fetch", message.to, work)

    async def create_call(self, account: str, request: Request) -> JSONResponse:
        self._authenticate(account, request)
        form = await request.form()

        async def work() -> JSONResponse:
            order = call_order(account, form, self._exchange.from_numbers)
            return JSONResponse(call_json(self._exchange.create_call(order)), 201)

        return await self._treated("calls.create", str(form.get("To")), work)

    async def list_calls(self, account: str, request: Request) -> JSONResponse:
        self._authenticate(account, request)
        query = request.query_params

        async def work() -> JSONResponse:
            wanted = [
                call
                for call in self._exchange.calls.values()
                if call.account_sid == account and call_wanted(call, query, call_json(call)["status"])
            ]
            page = page_of(wanted, call_json, name="calls", path=request.url.path, query=query)
            return JSONResponse(page)

        return await self._treated("calls.list", query.get("To"), work)

    async def fetch_call(self, account: str, sid: str, request: Request) -> JSONResponse:
        self._authenticate(account, request)
        call = self._owned(self._exchange.calls, sid, account, request)

        async def work() -> JSONResponse:
            return JSONResponse(call_json(call))

        return await self._treated("calls.fetch", call.to, work)

    async def update_call(self, account: str, sid: str, request: Request) -> JSONResponse:
        self._authenticate(account, request)
        call = self._owned(self._exchange.calls, sid, account, request)
        status = (await request.form()).get("Status")

        async def work() -> JSONResponse:
            if status not in {"canceled", "completed"}:
                raise TwilioRefusal(20001, "The simulator changes a call's Status only")
            if call.status.over:
                raise TwilioRefusal(21220)
            end = self._exchange.cancel_call if status == "canceled" else self._exchange.complete_call
            end(call)
            return JSONResponse(call_json(call))

        return await self._treated("calls.update", call.to, work)

    async def nothing_here(self, account: str, request: Request) -> JSONResponse:
        self._authenticate(account, request)
        raise _not_found(request)

    async def _treated(self, operation: str, number: str | None, work: Work) -> JSONResponse:
        """Do the work as usual, or what the rules have in store for this request."""
        faults = self._exchange.faults
        match faults.treatment(operation, number):
            case Refuse(status, code, message):
                raise TwilioRefusal(code, message, status)
            case Hold():
                await faults.wait()
                raise TwilioRefusal(20500, "Internal Server Error", 500)
            case Withhold():
                answer = await work()
                await faults.wait()
                return answer
            case None:
                return await work()

    def _authenticate(self, account: str, request: Request) -> None:
        """Check HTTP Basic authentication (https://www.twilio.com/docs/usage/requests-to-twilio)."""
        scheme, _, credentials = request.headers.get("Authorization", "").partition(" ")
        try:
            user, _, password = base64.b64decode(credentials).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError) as error:
            raise TwilioRefusal(20003) from error
        token = self._exchange.accounts.get(user, "")
        same = secrets.compare_digest(token.encode(), password.encode())
        if scheme.lower() != "basic" or user != account or not token or not same:
            raise TwilioRefusal(20003)

    def _owned(self, records: dict[str, Any], sid: str, account: str, request: Request) -> Any:
        record = records.get(sid)
        if record is None or record.account_sid != account:
            raise _not_found(request)
        return record


def _not_found(request: Request) -> TwilioRefusal:
    return TwilioRefusal(20404, f"The requested resource {request.url.path} was not found")

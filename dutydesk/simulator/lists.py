"""Twilio's lists: filtered, newest first, in pages (https://www.twilio.com/docs/usage/twilios-response#pagination)."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from dutydesk.simulator.records import Call, Message
from dutydesk.simulator.refusals import TwilioRefusal

USUAL_PAGE, LARGEST_PAGE = 50, 1000
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")

Moments = Sequence[tuple[str, datetime | None]]
"""The names of a record's date filters, with its own moments."""


def message_wanted(message: Message, query: Mapping[str, str]) -> bool:
    """Whether a message passes To, From and DateSent.

    One that was not sent yet has no DateSent and passes no filter on it, so who looks for what he has just
    created must list by To and compare ``date_created`` himself.
    """
    return (
        _same(query.get("To"), message.to)
        and _same(query.get("From"), message.from_)
        and _dated(query, [("DateSent", message.sent_at)])
    )


def call_wanted(call: Call, query: Mapping[str, str], shown_status: str) -> bool:
    """Whether a call passes To, From, Status, StartTime and EndTime; see ``message_wanted`` on missing dates."""
    return (
        _same(query.get("To"), call.to)
        and _same(query.get("From"), call.from_)
        and _same(query.get("Status"), shown_status)
        and _dated(query, [("StartTime", call.started_at), ("EndTime", call.ended_at)])
    )


def page_of(
    records: Iterable[Any],
    render: Callable[[Any], dict[str, Any]],
    *,
    name: str,
    path: str,
    query: Mapping[str, str],
) -> dict[str, Any]:
    """Return one page of *records* (oldest first), in the frame that Twilio's lists have.

    Raises:
        TwilioRefusal: 20001, for a page or page size that is no number.
    """
    size = min(max(_whole(query, "PageSize", USUAL_PAGE), 1), LARGEST_PAGE)
    page = _whole(query, "Page", 0)
    newest_first = list(records)[::-1]
    start = page * size
    shown = newest_first[start : start + size]
    more = start + size < len(newest_first)
    return {
        name: [render(record) for record in shown],
        "end": max(start, start + len(shown) - 1),
        "first_page_uri": _uri(path, query, 0, size),
        "next_page_uri": _uri(path, query, page + 1, size, shown[-1].sid) if more else None,
        "page": page,
        "page_size": size,
        "previous_page_uri": _uri(path, query, page - 1, size) if page else None,
        "start": start,
        "uri": _uri(path, query, page, size),
    }


def _uri(path: str, query: Mapping[str, str], page: int, size: int, last: str | None = None) -> str:
    kept = {key: value for key, value in query.items() if key not in {"Page", "PageSize", "PageToken"}}
    token = {"PageToken": f"PA{last}"} if last else {}
    return f"{path}?{urlencode(kept | {'PageSize': size, 'Page': page} | token)}"


def _whole(query: Mapping[str, str], name: str, usual: int) -> int:
    given = query.get(name) or str(usual)
    if not given.isdecimal():
        raise TwilioRefusal(20001, f"{name} is not a number: {given}")
    return int(given)


def _same(wanted: str | None, actual: str | None) -> bool:
    return not wanted or wanted == actual


def _dated(query: Mapping[str, str], moments: Moments) -> bool:
    return all(_dated_one(query, name, moment) for name, moment in moments)


def _dated_one(query: Mapping[str, str], name: str, moment: datetime | None) -> bool:
    """Compare in whole seconds, as Twilio shows no finer ones; ``<`` and ``>`` include equality there."""
    day, before, after = (query.get(name + sign) for sign in ("", "<", ">"))
    if not (day or before or after):
        return True
    if moment is None:
        return False
    second = moment.astimezone(UTC).replace(microsecond=0)
    return (
        (not day or second.date() == _moment(name, day).date())
        and (not before or second <= _moment(name, before))
        and (not after or second >= _moment(name, after))
    )


def _moment(name: str, text: str) -> datetime:
    """Read a day (its first moment in UTC) or an ISO 8601 moment."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise TwilioRefusal(20001, f"{name} is not a date: {text}") from error
    return moment.replace(tzinfo=UTC) if _DAY.fullmatch(text) or moment.tzinfo is None else moment

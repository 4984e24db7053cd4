"""Asking whether a number is right: a code is sent, and whoever has the number types it or reads it back."""

import secrets
from collections.abc import Collection
from datetime import datetime

from dutydesk.accounts.rules import Actor
from dutydesk.alerts import check_queries, queries
from dutydesk.alerts.actions import alert_row, cancel
from dutydesk.alerts.check_rules import (
    CALL_AFTER,
    CAUSE,
    CODE_DIGITS,
    CODE_LIFE,
    Judgement,
    Result,
    channels_of,
    free_from,
    judged,
)
from dutydesk.alerts.rules import longest_window
from dutydesk.audit.actions import record
from dutydesk.db import Session
from dutydesk.errors import ConflictError, InvalidInputError
from dutydesk.people.actions import must_be_here
from dutydesk.people.contacts import confirm_contact
from dutydesk.people.model import ContactCheck
from dutydesk.people.queries import contact, person
from dutydesk.people.rules import CheckMethod, ContactPoint
from dutydesk.rulebook.types import Channel
from dutydesk.web.languages import say
from dutydesk.web.site import Site


def subject_of(contact_id: int) -> str:
    """Return under which name the alerts of a number's checks are kept."""
    return f"contact/{contact_id}"


async def begin_check(
    session: Session, site: Site, now: datetime, actor: Actor, contact_id: int, method: CheckMethod
) -> ContactCheck:
    """Send a code to a number, or ring it, in the lane that waits for all others.

    A check that still runs is replaced: its code is worth nothing any more.

    Raises:
        NotFoundError: there is no such contact point.
        InvalidInputError: it is an e-mail address.
        ConflictError: nothing would leave, it is disabled, its person left, or it is too soon.
    """
    if site.sending == "console":
        raise ConflictError("未启用真实发送，短信和电话都不会发出，不能核对")
    point = await contact(session, contact_id)
    must_be_here(await person(session, point.person_id))
    if point.kind == "email":
        raise InvalidInputError("电子邮箱叫不醒人，不作核对")
    if not point.usable:
        raise ConflictError("号码已停用，请先启用再核对")
    channels = channels_of(method, point.kind)
    await _must_be_free(session, site, now, point, channels)
    for earlier in await check_queries.open_checks(session, contact_id):
        _close(earlier, now, "replaced")
    await _take_back(session, now, contact_id)
    made = ContactCheck(
        contact_id=contact_id,
        method=method,
        code="".join(str(secrets.randbelow(10)) for _ in range(CODE_DIGITS)),
        requested_at=now,
        requested_by=actor.name,
        expires_at=now + CODE_LIFE,
    )
    session.add(made)
    await session.flush()
    await queries.add_alerts(session, [_alert(now, made, point, channel) for channel in channels])
    record(
        session, now, actor.name, "contact.asked", f"person:{point.person_id}", contact=contact_id, how=method
    )
    return made


async def typed_code(
    session: Session,
    now: datetime,
    row: ContactCheck,
    typed: str,
    *,
    by: str = "",
    kept: Collection[int] = (),
) -> Judgement:
    """Take a code from the keypad or from the office for a locked check: right, wrong, or closed for good.

    The wrong one is counted and no error: an exception would take the count back. *by* is who heard it, otherwise who
    asked for it; *kept* are the alerts of the call in which it was typed.
    """
    who = by or row.requested_by
    judgement, result = judged(check_queries.asked_of(row), typed, now)
    if judgement == "wrong":
        row.tries += 1
    if result is not None:
        _close(row, now, result)
        await _take_back(session, now, row.contact_id, kept)
    point = await contact(session, row.contact_id)
    if judgement == "right":
        await confirm_contact(session, now, who, row.contact_id, row.method)
    elif result == "wrong":
        record(
            session,
            now,
            who,
            "contact.not_confirmed",
            f"person:{point.person_id}",
            contact=row.contact_id,
            how=row.method,
        )
    return judgement


async def read_back(session: Session, now: datetime, actor: Actor, check_id: int, typed: str) -> Judgement:
    """Take the code that somebody read back to the office.

    Raises:
        NotFoundError: there is no such check.
        ConflictError: its code is to be typed on the telephone.
    """
    row = await check_queries.check(session, check_id, lock=True)
    if row.method != "read_back":
        raise ConflictError("这次核对须由本人在电话上按键输入")
    # Whoever hears the code answers for it.
    return await typed_code(session, now, row, typed, by=actor.name)


def _close(row: ContactCheck, now: datetime, result: Result) -> None:
    row.closed_at, row.result = now, result


async def _take_back(session: Session, now: datetime, contact_id: int, kept: Collection[int] = ()) -> None:
    """Cancel what has not gone out yet, and a call that still rings; the one that is answered says so itself."""
    rows = await check_queries.unsent_for(session, subject_of(contact_id))
    unsent = [row for row in rows if row.channel == "voice" or row.state in ("queued", "sending")]
    waiting = [row for row in unsent if row.id not in kept]
    for row in waiting:
        cancel(row, now, "SUPERSEDED")
    await queries.look_soon(session, [row.id or 0 for row in waiting], now)


async def _must_be_free(
    session: Session, site: Site, now: datetime, point: ContactPoint, channels: tuple[Channel, ...]
) -> None:
    caps = site.rulebook.caps
    tries = await queries.recent_tries(session, [point.address], now - longest_window(caps))
    earlier = await check_queries.checks_of(session, point.id, 1)
    at = free_from(
        earlier[0].requested_at if earlier else None,
        {channel: tries.get((channel, point.address), []) for channel in channels},
        caps,
        now,
    )
    if at > now:
        # Up to the next whole minute, so that it is true when it is said.
        minutes = int((at - now).total_seconds() + 59) // 60
        raise ConflictError(
            say("该号码刚刚联系过，额度须留给时限告知，请约{minutes}分钟后再核对", minutes=minutes)
        )


def _alert(now: datetime, row: ContactCheck, point: ContactPoint, channel: Channel) -> dict[str, object]:
    """An SMS stands alone, for a merged one has no room for a code; a call is one of the person's own."""
    spoken = channel == "voice" and row.method == "read_back"
    waits = channel == "voice" and point.kind == "mobile"
    params: dict[str, object] = {"check": row.id or 0}
    if channel == "sms" or spoken:
        params["code"] = row.code
    return alert_row(
        now,
        unique_key=check_queries.key_of(row.id or 0, channel),
        lane="digest",
        cause=CAUSE,
        target="person",
        recipient=f"check:{point.id}" if channel == "sms" else f"person:{point.person_id}",
        channel=channel,
        reason="NUMBER_CHECK",
        wording="number_code" if spoken else "number_check",
        person_id=point.person_id,
        phone=point.address,
        subject=subject_of(point.id),
        params=params,
        next_try_at=now + CALL_AFTER if waits else now,
    )

"""What a provider calls back: the words of a call, the key pressed, and how things stand.

Signature first. A forged or stale callback is refused and recorded; one for something unknown is
answered quietly; late, repeated and reordered ones change nothing they should not.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from dutydesk.accounts.permissions import open_to
from dutydesk.alerts import check_calls, check_queries, queries, wording
from dutydesk.alerts.actions import acknowledge, give_up_turn
from dutydesk.alerts.check_rules import CAUSE
from dutydesk.alerts.matters import matters_of
from dutydesk.alerts.model import Alert, Attempt, AttemptItem, ForeignCallback
from dutydesk.alerts.providers.twilio import attempt_state
from dutydesk.alerts.providers.twiml import asking, saying
from dutydesk.alerts.providers.types import Carriers, Status
from dutydesk.alerts.rules import OUR_SIDE
from dutydesk.alerts.transitions import accept, apply_status
from dutydesk.db import Session
from dutydesk.errors import NotAllowedError
from dutydesk.logs import mask_text
from dutydesk.web.site import Site, TheSite

router = APIRouter(
    prefix="/webhooks/twilio", dependencies=[Depends(open_to("provider"))], include_in_schema=False
)

# A signed callback has no time in it; one that speaks of an attempt this old is a replay.
_STALE_AFTER = timedelta(hours=1)
_KEY_AFTER_END = timedelta(seconds=60)
_ASKED_TWICE = 2
_LONGEST_SUMMARY = 500
_ENDED_CALL = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Callback:
    """A callback whose signature was right."""

    provider: str
    form: dict[str, str]
    url: str


async def genuine(request: Request, provider: str, site: TheSite) -> Callback:
    """Check the signature before anything else is believed (Twilio: X-Twilio-Signature).

    The URL is the public one as it was called: behind a proxy ``request.url`` is another, and
    Starlette's un-escapes %20, so it is put together from the raw path.

    Raises:
        NotAllowedError: when the provider is unknown or the signature is wrong; it is recorded.
    """
    carriers: Carriers = request.app.state.carriers
    form = {key: str(value) for key, value in (await request.form()).multi_items()}
    raw = request.scope["raw_path"].decode("latin-1")
    query = request.scope["query_string"].decode("latin-1")
    url = carriers.public_url + raw + (f"?{query}" if query else "")
    known = carriers.named(provider)
    if known is None or not known.is_genuine(url, form, request.headers.get("X-Twilio-Signature", "")):
        await _refuse(site, raw, "signature", form)
    return Callback(provider, form, url)


async def _refuse(site: Site, path: str, why: str, form: dict[str, str]) -> None:
    async with site.db.write() as session:
        session.add(
            ForeignCallback(
                at=site.clock.now(),
                path=path[:_LONGEST_SUMMARY],
                why=why,
                summary=mask_text(str(form))[:_LONGEST_SUMMARY],
            )
        )
    message = f"this callback was refused: {why}"
    raise NotAllowedError(message)


Genuine = Annotated[Callback, Depends(genuine)]


def _xml(text: str) -> Response:
    return Response(text, media_type="application/xml")


@router.post("/{provider}/voice/{token}")  # noqa: FAST003 (``genuine`` takes the provider)
async def say(request: Request, token: str, callback: Genuine, site: TheSite) -> Response:
    """Answer with the words of a call, made from the state at this moment."""
    now = site.clock.now()

    async def work(session: Session) -> str | None:
        """Return what is said; None for an attempt of long ago."""
        attempt = await queries.attempt_by_token(session, token, lock=True)
        if attempt is not None and now - attempt.claimed_at >= _STALE_AFTER:
            return None
        if attempt is not None:
            await _answered(session, attempt, callback, now)
            if await _spoken_together(session, attempt, now):
                rows = await queries.alerts_spoken(session, attempt.id or 0)
                if check_calls.asks_number(rows):
                    keys = partial(_keys, callback, token, "check")
                    return await check_calls.opening(session, site, rows, keys, now)
                words = wording.greeting(site.rulebook.wording, await matters_of(session, rows, site.zone))
                return asking(words, _keys(callback, token), _seconds(site))
        return saying([site.rulebook.wording.text("voice.settled")])

    said = await site.db.run(work)
    if said is None:
        await _refuse(site, request.url.path, "stale", callback.form)
    return _xml(said or "")


def _keys(callback: Callback, token: str, stage: str = "menu", asked: int = 1) -> str:
    root = callback.url.split("/webhooks/", 1)[0]
    return f"{root}/webhooks/twilio/{callback.provider}/keys/{token}?stage={stage}&asked={asked}"


def _seconds(site: Site) -> int:
    return site.rulebook.pace.answer_seconds


async def _answered(session: Session, attempt: Attempt, callback: Callback, now: datetime) -> None:
    """The fetch itself proves that the provider took the call and that somebody, or something, picked up."""
    if attempt.ended_at is None:
        await accept(session, attempt, now, callback.form.get("CallSid"), now + _ENDED_CALL)
        await apply_status(session, attempt, now, Status("answered"))
        attempt.twiml_at = attempt.twiml_at or now
        attempt.outcome_due_at = now + _ENDED_CALL


async def _spoken_together(session: Session, attempt: Attempt, now: datetime) -> bool:
    """Mark as spoken what the call carries and what waits for the same person; tell whether there is any.

    Only a call that goes on takes more along: nobody would ever look again at what an ended one carries.
    """
    carried = await queries.alerts_carried(session, attempt.id or 0, lock=True)
    settled = await queries.moot(session, carried) | await check_queries.over(session, carried, now)
    rows = [
        row
        for row in carried
        if row.state != "cancelled" and row.acknowledged_at is None and row.id not in settled
    ]
    if carried and attempt.ended_at is None:
        known = {one.id for one in carried}
        waiting = await queries.waiting_for(session, carried[0].recipient, "voice")
        for row in (one for one in waiting if one.id not in known and one.cause != CAUSE):
            session.add(AttemptItem(attempt_id=attempt.id or 0, alert_id=row.id or 0, bound_at=now))
            row.state, row.next_try_at, row.token = "accepted", None, attempt.token
            row.tries += 1
            rows.append(row)
        await session.flush()
    # Whether the number is right is asked when nothing is owed: one key must not confirm both.
    rows = [row for row in rows if not check_calls.asks_number([row])] or rows
    await queries.mark_spoken(session, attempt.id or 0, [row.id or 0 for row in rows], now)
    return bool(rows)


@router.post("/{provider}/keys/{token}")  # noqa: FAST003 (``genuine`` takes the provider)
async def key(
    request: Request,
    token: str,
    callback: Genuine,
    site: TheSite,
    stage: Annotated[str, Query(pattern="^(menu|after|check)$")] = "menu",
    asked: Annotated[int, Query(ge=1, le=9)] = 1,
) -> Response:
    """Act on a key: 1 confirms everything spoken, 2 repeats, 9 passes it on, none asks once more."""
    now = site.clock.now()

    async def work(session: Session) -> str | None:
        """Return what is said; None for a key that no person can have pressed now."""
        attempt = await queries.attempt_by_token(session, token, lock=True)
        if attempt is None:
            return saying([site.rulebook.wording.text("voice.settled")])
        if _is_stale(attempt, now):
            return None
        return await _react(session, site, callback, attempt, stage, asked, now)

    said = await site.db.run(work)
    if said is None:
        await _refuse(site, request.url.path, "stale", callback.form)
    return _xml(said or "")


def _is_stale(attempt: Attempt, now: datetime) -> bool:
    """Tell whether no person can press this key now: the call is over, or as old as no call gets.

    That we gave an attempt up (unknown, a provider's fault) does not end its call: it may ring all the same.
    """
    known = attempt.ended_at is not None and attempt.outcome not in OUR_SIDE
    ended = known and attempt.ended_at is not None and now - attempt.ended_at > _KEY_AFTER_END
    return ended or now - attempt.claimed_at >= _STALE_AFTER


async def _react(
    session: Session,
    site: Site,
    callback: Callback,
    attempt: Attempt,
    stage: str,
    asked: int,
    now: datetime,
) -> str:
    digit = callback.form.get("Digits", "")
    words = site.rulebook.wording
    rows = await queries.alerts_spoken(session, attempt.id or 0)
    if stage == "check":
        keys = partial(_keys, callback, attempt.token, "check")
        return await check_calls.answered(
            session, site, attempt, rows, digit, asked, keys, callback.provider, now
        )
    matters = await matters_of(session, rows, site.zone)
    if digit == "1" and stage == "menu" and rows:
        await _confirm(session, attempt, rows, callback, now)
        parts = [
            words.text("voice.confirmed"),
            *wording.details(words, matters),
            words.text("voice.after_details"),
        ]
        return asking(parts, _keys(callback, attempt.token, "after"), _seconds(site))
    if digit == "9" and stage == "menu" and rows:
        await _pass_on(session, attempt, rows, now)
        return saying([words.text("voice.passed_on")])
    if digit == "2" and stage == "after":
        return asking(
            wording.details(words, matters), _keys(callback, attempt.token, "after"), _seconds(site)
        )
    if stage == "menu" and rows and (digit or asked < _ASKED_TWICE):
        again = asked if digit == "2" else min(9, asked + 1)
        return asking(
            wording.greeting(words, matters), _keys(callback, attempt.token, "menu", again), _seconds(site)
        )
    return saying([words.text("voice.goodbye")])


async def _confirm(
    session: Session, attempt: Attempt, rows: Sequence[Alert], callback: Callback, now: datetime
) -> None:
    attempt.outcome = "key"
    await acknowledge(
        session,
        now,
        rows,
        kind="keypad",
        at=now,
        who=_who(rows, attempt),
        how=f"{attempt.to_number} 按键1",
        recorded_by=callback.provider,
        attempt=attempt,
    )


def _who(rows: Sequence[Alert], attempt: Attempt) -> str:
    return rows[0].recipient if rows else f"phone:{attempt.to_number}"


async def _pass_on(session: Session, attempt: Attempt, rows: Sequence[Alert], now: datetime) -> None:
    """Key 9 is no acknowledgement: this person is not called again for it, the next in line at once."""
    attempt.outcome = "passed_on"
    for row in rows:
        if row.acknowledged_at is None and row.state != "cancelled":
            row.state, row.next_try_at = "failed", None
            await give_up_turn(session, row, now, "PASSED_ON")


@router.post("/{provider}/call-status/{token}")  # noqa: FAST003 (``genuine`` takes the provider)
async def call_status(token: str, callback: Genuine, site: TheSite) -> Response:
    """Take note of how a call stands (Twilio: CallStatus)."""
    await _status(site, token, callback, "CallStatus", "CallSid")
    return Response(status_code=204)


@router.post("/{provider}/sms-status/{token}")  # noqa: FAST003 (``genuine`` takes the provider)
async def sms_status(token: str, callback: Genuine, site: TheSite) -> Response:
    """Take note of how an SMS stands (Twilio: MessageStatus)."""
    await _status(site, token, callback, "MessageStatus", "MessageSid")
    return Response(status_code=204)


async def _status(site: Site, token: str, callback: Callback, word: str, sid: str) -> None:
    """Move the attempt on; the token in the address proves that the request took effect, even if we crashed."""
    now = site.clock.now()
    state = attempt_state(callback.form.get(word, ""))

    async def work(session: Session) -> None:
        attempt = await queries.attempt_by_token(session, token, lock=True)
        if attempt is None or state is None:
            session.add(
                ForeignCallback(
                    at=now,
                    path=callback.url[-_LONGEST_SUMMARY:],
                    why="unknown",
                    summary=mask_text(str(callback.form))[:_LONGEST_SUMMARY],
                )
            )
            return
        await accept(session, attempt, now, callback.form.get(sid), now + _ENDED_CALL)
        status = Status(state, callback.form.get("ErrorCode"), callback.form.get(word, ""))
        await apply_status(session, attempt, now, status)

    await site.db.run(work)

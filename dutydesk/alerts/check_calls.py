"""What a call says that asks whether a number is right, and what the digits typed in it mean."""

from collections.abc import Callable, Sequence
from datetime import datetime

from dutydesk.alerts import check_queries, wording
from dutydesk.alerts.actions import acknowledge
from dutydesk.alerts.check_rules import CAUSE, CODE_DIGITS
from dutydesk.alerts.checks import typed_code
from dutydesk.alerts.matters import matters_of
from dutydesk.alerts.model import Alert, Attempt
from dutydesk.alerts.providers.twiml import asking, saying
from dutydesk.db import Session
from dutydesk.people.model import ContactCheck
from dutydesk.web.site import Site

# Where the digits are sent, the second time with how often it was asked.
Address = Callable[[int], str]

_MOST_ASKED = 5


def asks_number(rows: Sequence[Alert]) -> bool:
    """Tell whether a call is about nothing but the number itself: what is owed is spoken of first."""
    return bool(rows) and all(row.cause == CAUSE for row in rows)


async def opening(session: Session, site: Site, rows: Sequence[Alert], keys: Address, now: datetime) -> str:
    """Return the first words of the call: it asks for the code, or says it."""
    texts, row = site.rulebook.wording, await _running(session, rows, now)
    if row is None:
        return saying([texts.text("voice.number_closed")])
    said = wording.details(texts, await matters_of(session, rows[:1], site.zone))
    if row.method == "read_back":
        return saying(said)
    return asking(said, keys(1), site.rulebook.pace.answer_seconds, CODE_DIGITS)


async def answered(
    session: Session,
    site: Site,
    attempt: Attempt,
    rows: Sequence[Alert],
    digits: str,
    asked: int,
    keys: Address,
    provider: str,
    now: datetime,
) -> str:
    """Act on the digits that were typed: right ones confirm the number, wrong ones are asked for again."""
    texts, row = site.rulebook.wording, await _running(session, rows, now)
    if row is None or asked > _MOST_ASKED:
        return saying([texts.text("voice.number_closed")])
    if not digits:
        # Silence is no wrong code; it is asked for once more.
        if asked > 1:
            return saying([texts.text("voice.goodbye")])
        said = wording.details(texts, await matters_of(session, rows[:1], site.zone))
        return asking(said, keys(asked + 1), site.rulebook.pace.answer_seconds, CODE_DIGITS)
    judgement = await typed_code(session, now, row, digits, kept=[one.id or 0 for one in rows])
    if judgement == "right":
        attempt.outcome = "key"
        await acknowledge(
            session,
            now,
            rows,
            kind="keypad",
            at=now,
            who=rows[0].recipient,
            how="核对号码",
            recorded_by=provider,
            attempt=attempt,
        )
        return saying([texts.text("voice.number_right")])
    if row.closed_at is not None:
        return saying([texts.text("voice.number_closed")])
    parts = [texts.text("voice.number_wrong")]
    return asking(parts, keys(asked + 1), site.rulebook.pace.answer_seconds, CODE_DIGITS)


async def _running(session: Session, rows: Sequence[Alert], now: datetime) -> ContactCheck | None:
    """Return the check that a call belongs to, locked, if it still runs."""
    if not rows or await check_queries.over(session, rows[:1], now):
        return None
    return await check_queries.check(session, int(rows[0].params["check"]), lock=True)

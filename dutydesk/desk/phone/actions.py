"""Saving a call: the log entry and what it says about an incident, in one transaction, once."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote

from sqlalchemy.exc import IntegrityError

from dutydesk.accounts.rules import Actor
from dutydesk.db import Session
from dutydesk.desk.phone import queries
from dutydesk.desk.phone.form import Call
from dutydesk.dutylog.actions import NewEntry, add_entry
from dutydesk.dutylog.rules.duplicates import NEAR, Candidate, Event, likely_duplicates
from dutydesk.errors import ConflictError, InvalidInputError
from dutydesk.incidents.actions import NewIncident, log_incident, merge
from dutydesk.incidents.model import Incident, ReportKind
from dutydesk.incidents.queries import incident_by_number
from dutydesk.incidents.reporting import NewReport, add_report
from dutydesk.people.queries import desk_unit
from dutydesk.web.model import IdempotentAnswer
from dutydesk.web.queries import remembered_answer
from dutydesk.web.site import Site

Work = Callable[[Session], Awaitable[str]]

_COMPARED = 200
_MERGED_AT_ONCE = "接报登记时判为同一事件"


class DuplicatesError(ConflictError):
    """Nobody decided yet whether this is an event that is in the books already; ``found`` may be it."""

    def __init__(self, found: Sequence[Candidate]) -> None:
        """Keep the candidates."""
        super().__init__("may be the same event")
        self.found = tuple(found)


class SavedBeforeError(ConflictError):
    """A form with this key was saved with other words in it; ``address`` is where that went."""

    def __init__(self, address: str) -> None:
        """Keep where the first one is."""
        super().__init__("saved before with other words")
        self.address = address


@dataclass(frozen=True, slots=True)
class Submission:
    """One form that was sent: whose it is, its key, and what tells its words from other words."""

    caller: str
    key: str
    digest: str


async def save_call(
    session: Session, site: Site, now: datetime, actor: Actor, call: Call, *, ask: bool = True
) -> str:
    """Write down a call with the incident or the report it brings; return the address of what was made.

    Raises:
        DuplicatesError: when it may be a known event and nobody decided.
        ConflictError: when the incident it reports on was withdrawn or merged.
        InvalidInputError: when its times cannot be true, or no unit can be found for an incident.
        NotFoundError: when there is no such incident.
    """
    how, _, number = call.decision.partition(":")
    if call.kind == "report" or (call.kind == "incident" and how == "report"):
        wanted = call.incident if call.kind == "report" else number
        row = await incident_by_number(session, wanted, lock=True)
        kind = call.report_kind or await _next_kind(session, row)
        report = NewReport(kind, call.at, call.reporter, call.number, call.content)
        await add_report(session, site, now, actor, row, report)
    elif call.kind == "incident":
        row = await _new_incident(session, site, now, actor, call)
        if ask:
            await _ask_about_duplicates(session, call, row)
        if how == "merge":
            into = await incident_by_number(session, number, lock=True)
            await _write(session, site, now, actor, call, row)
            await merge(session, site, now, actor, row, into, _MERGED_AT_ONCE)
            return f"/incidents/{quote(into.number)}"
    else:
        entry = await _write(session, site, now, actor, call, None)
        return f"/log/{entry}"
    await _write(session, site, now, actor, call, row)
    return f"/incidents/{quote(row.number)}"


async def _write(
    session: Session, site: Site, now: datetime, actor: Actor, call: Call, row: Incident | None
) -> int:
    new = NewEntry(
        kind="call_in",
        at=call.at,
        stamped=call.stamped,
        unit_id=None if call.unit is None else call.unit.id,
        incident_id=None if row is None else row.id,
        person=call.person,
        title=call.title,
        number=call.number,
        channel="phone",
        content=call.content,
        handling=call.handling,
    )
    return (await add_entry(session, site, now, actor, new)).id or 0


async def _new_incident(session: Session, site: Site, now: datetime, actor: Actor, call: Call) -> Incident:
    where = call.where or await desk_unit(session)
    if where is None:
        raise InvalidInputError("unit: is needed")
    report = NewReport("phone", call.at, call.reporter, call.number, call.content)
    new = NewIncident(
        title=call.what,
        category=call.category,
        grade=call.grade,
        unit_id=where.id,
        occurred_at=call.occurred.at,
        occurred_at_kind=call.occurred.certainty,
        received_at=call.at,
        suspected=call.suspected,
        sensitive=call.sensitive,
        place=call.place,
        source=_source(call),
        narrative=call.narrative,
        drill=call.drill,
        reports=(report,),
    )
    return await log_incident(session, site, now, actor, new)


def _source(call: Call) -> str:
    """Return who told it, as the source of the information; the number stays with the report."""
    told = " ".join(part for part in (call.unit.short_name if call.unit else "", call.reporter) if part)
    said = f"{told} 来电" if told else "来电，来电人待核实"
    return said if call.where is not None else f"{said}，事发单位待核实"


async def _next_kind(session: Session, row: Incident) -> ReportKind:
    """The first call about an incident is its phone report, whatever came before it in writing (domain §2.7, case 7)."""
    return "follow_up" if await queries.has_phone_report(session, row.id or 0) else "phone"


async def _ask_about_duplicates(session: Session, call: Call, row: Incident) -> None:
    """Look at what is in the books now, in the transaction: of two operators who log one event, the second is asked."""
    how, _, number = call.decision.partition(":")
    found = await duplicates(session, event_of(row), drill=row.drill)
    settled = call.seen if how == "new" else call.seen | {number} if how == "merge" else frozenset[str]()
    if any(one.number not in settled for one in found):
        raise DuplicatesError(found)


async def duplicates(session: Session, new: Event, *, drill: bool) -> list[Candidate]:
    """Return the incidents that may be the same event."""
    rows = await queries.comparable_incidents(
        session, new.at - NEAR, new.at + NEAR, drill=drill, limit=_COMPARED
    )
    return likely_duplicates(new, [event_of(row) for row in rows])


def event_of(row: Incident) -> Event:
    """Return an incident as it is compared."""
    return Event(
        row.number, row.unit_id, row.title, row.place, row.category, row.occurred_at or row.received_at
    )


async def once(site: Site, sent: Submission, work: Work) -> str:
    """Do *work* in one transaction, once for each form; its twin gets the same answer.

    Raises:
        SavedBeforeError: when the same form was saved with other words: two windows, two calls.
    """

    async def first_time(session: Session) -> str:
        earlier = await remembered_answer(session, sent.caller, sent.key)
        if earlier is not None:
            return _same(earlier, sent)
        # The key is taken before the work: a twin waits here for the first, and never meets its incident as a duplicate.
        taken = IdempotentAnswer(
            caller=sent.caller,
            key=sent.key,
            request_hash=sent.digest,
            status=303,
            body="",
            created_at=site.clock.now(),
        )
        session.add(taken)
        await session.flush()
        taken.body = await work(session)
        return taken.body

    try:
        return await site.db.run(first_time)
    except IntegrityError:
        # Its twin was committed while this one ran.
        async with site.db.read() as session:
            earlier = await remembered_answer(session, sent.caller, sent.key)
        if earlier is None:
            raise
        return _same(earlier, sent)


def _same(earlier: IdempotentAnswer, sent: Submission) -> str:
    if earlier.request_hash != sent.digest:
        raise SavedBeforeError(earlier.body)
    return earlier.body

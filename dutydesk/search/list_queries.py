"""The SQL of the lists of other pages, as workbooks: some lines at a time, newest first."""

from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Generic, TypeVar

from sqlalchemy.orm import defer
from sqlmodel import col, select

from dutydesk.accounts.model import Account, ApiToken, SignIn
from dutydesk.accounts.queries import last_seen, list_accounts, list_tokens, live_sign_ins
from dutydesk.audit.model import AuditEntry
from dutydesk.audit.queries import Wanted, newest
from dutydesk.db import Session
from dutydesk.dutylog.queries import Wanted as WantedEntries
from dutydesk.dutylog.queries import list_entries
from dutydesk.incidents.model import Incident, Paper
from dutydesk.people.queries import list_people, list_units
from dutydesk.search.found import Found
from dutydesk.search.queries import BATCH, found_entries

_Row = TypeVar("_Row")


@dataclass(frozen=True, slots=True)
class PaperLine:
    """A paper, without its text, and its incident."""

    row: Paper
    number: str
    drill: bool


@dataclass(frozen=True, slots=True)
class Named(Generic[_Row]):
    """An account or a token with the names of what it belongs to."""

    row: _Row
    unit: str = ""
    person: str = ""
    seen_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class SignInLine:
    """A browser that somebody is signed in with."""

    row: SignIn
    account: Account


async def papers(session: Session, state: str) -> AsyncGenerator[list[PaperLine]]:
    """Yield every paper, or every one in a state."""
    before: int | None = None
    while True:
        wanted = (
            select(Paper, Incident.number, Incident.drill)
            .join(Incident, col(Incident.id) == col(Paper.incident_id))
            .options(defer(Paper.body, raiseload=True))  # type: ignore[arg-type]
            .order_by(col(Paper.id).desc())
            .limit(BATCH)
        )
        if state:
            wanted = wanted.where(col(Paper.state) == state)
        if before is not None:
            wanted = wanted.where(col(Paper.id) < before)
        found = [PaperLine(*one) for one in await session.exec(wanted)]
        if not found:
            return
        before = found[-1].row.id
        yield found


async def entries(session: Session, wanted: WantedEntries, unit: str) -> AsyncGenerator[list[Found]]:
    """Yield the newest version of each entry that the page of the duty log shows."""
    chosen = next((one.id for one in await list_units(session) if one.code == unit), None)
    wanted = replace(wanted, unit_id=chosen)
    offset = 0
    while rows := await list_entries(session, wanted, offset=offset, limit=BATCH):
        yield await found_entries(session, [row.id or 0 for row in rows])
        offset += BATCH


async def trail(session: Session, wanted: Wanted) -> AsyncGenerator[list[AuditEntry]]:
    """Yield every entry of the audit trail that is asked for."""
    before: int | None = None
    while rows := await newest(session, wanted, before=before, limit=BATCH):
        yield rows
        before = rows[-1].id


async def accounts(session: Session) -> AsyncGenerator[list[Named[Account]]]:
    """Yield every account; one batch, for there are as many as people."""
    seen = await last_seen(session)
    units = {one.id: one.name for one in await list_units(session)}
    people = {one.id: one.name for one in await list_people(session)}
    rows = await list_accounts(session)
    if rows:
        yield [
            Named(
                row,
                units.get(row.unit_id or 0, ""),
                people.get(row.person_id or 0, ""),
                seen.get(row.id or 0),
            )
            for row in rows
        ]


async def tokens(session: Session) -> AsyncGenerator[list[Named[ApiToken]]]:
    """Yield every token; one batch, for they are few."""
    units = {one.id: one.name for one in await list_units(session)}
    rows = await list_tokens(session)
    if rows:
        yield [Named(row, units.get(row.unit_id or 0, "")) for row in rows]


async def sign_ins(
    session: Session, is_live: Callable[[datetime, datetime], bool]
) -> AsyncGenerator[list[SignInLine]]:
    """Yield every browser somebody is signed in with; one batch, for they are few."""
    found = [SignInLine(*one) for one in await live_sign_ins(session)]
    live = [one for one in found if is_live(one.row.at, one.row.seen_at)]
    if live:
        yield live

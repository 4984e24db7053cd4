"""Generating the drafts of a span: read, decided by pure rules off the event loop, and written around what stays."""

import asyncio
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import partial
from itertools import groupby

from dutydesk.audit.actions import record
from dutydesk.calendars.queries import calendar_for
from dutydesk.db import Session
from dutydesk.errors import ConflictError, FieldFault, InvalidInputError
from dutydesk.people.queries import id_of, units_by_id
from dutydesk.people.rules import Unit
from dutydesk.rosters.candidate_queries import candidates
from dutydesk.rosters.model import Shift
from dutydesk.rosters.months import month_of, roster_for
from dutydesk.rosters.planning import queries
from dutydesk.rosters.planning.bulk_queries import Drafts, add_drafts
from dutydesk.rosters.queries import look_for_holes
from dutydesk.rosters.rules import Seat
from dutydesk.rosters.rules.filling import Facts, Kept, fill
from dutydesk.rosters.rules.groups import Assignment
from dutydesk.rosters.rules.slots import Slot
from dutydesk.rosters.view_queries import begin_of, slots_between
from dutydesk.web.languages import say
from dutydesk.web.site import Site

LONGEST_SPAN = timedelta(days=400)
# What one transaction may write: some seats on that many days stay below 1,000 rows (design §7).
LONGEST_AT_ONCE = timedelta(days=150)


@dataclass(frozen=True, slots=True)
class Plan:
    """What generating a span brings: every free place with who serves it (or a hole), and what stayed.

    ``kept`` are the shifts that stay as they are: locked, published, begun or past. ``dropped`` are the
    ids of the drafts that are replaced.
    """

    unit_id: int
    start: date
    end: date
    made: tuple[Assignment, ...]
    kept: tuple[Shift, ...] = ()
    dropped: tuple[int, ...] = ()
    # The shifts of the span as they were read, to notice that somebody changed them in the meantime.
    seen: frozenset[tuple[int, str, bool, int]] = field(default_factory=frozenset)

    @property
    def holes(self) -> tuple[Assignment, ...]:
        """The places that nobody can fill."""
        return tuple(one for one in self.made if one.person_id is None)


async def preview(
    session: Session,
    site: Site,
    now: datetime,
    unit_id: int,
    start: date,
    end: date,
    seats: Collection[Seat] | None = None,
) -> Plan:
    """Return what :func:`generate` would write for the site days of [start, end); nothing is changed.

    Raises:
        InvalidInputError: the span is empty or longer than :data:`LONGEST_SPAN`.
    """
    refuse_span(start, end)
    unit = (await units_by_id(session, [unit_id]))[unit_id]
    begins, ends = begin_of(start, site.zone), begin_of(end, site.zone)
    calendar = await calendar_for(session, start, end)
    slots = (await slots_between(session, site.rulebook.rosters, [unit], calendar, start, end, site.zone))[
        unit_id
    ]
    ahead = [one for one in slots if one.starts_at > now and (seats is None or one.seat in seats)]
    stored = await queries.shifts_begun_in(session, unit_id, begins, ends, seats)
    dropped = [id_of(one.id) for one in stored if replaceable(one, now)]
    facts = await _facts(session, site, now, unit, ahead, stored, set(dropped), seats)
    made = await asyncio.to_thread(fill, facts)
    kept = tuple(one for one in stored if not replaceable(one, now))
    return Plan(unit_id, start, end, tuple(made), kept, tuple(dropped), frozenset(map(_seen, stored)))


async def _facts(
    session: Session,
    site: Site,
    now: datetime,
    unit: Unit,
    slots: list[Slot],
    stored: list[Shift],
    dropped: set[int],
    seats: Collection[Seat] | None,
) -> Facts:
    rotations = (await queries.rotations_of(session, [unit.id], seats)).get(unit.id, [])
    # What began before the first slot that is planned is history, and says where the orders stand.
    first = slots[0].starts_at if slots else now
    last = slots[-1].ends_at if slots else now
    persons = {one.person_id for rotation in rotations for one in rotation.members}
    ids = [one.id for one in rotations]
    return Facts(
        slots=slots,
        rotations=rotations,
        candidates=await candidates(session, persons, first, last, now, without=dropped),
        eligibility=site.rulebook.rosters.eligibility,
        is_desk=unit.kind == "desk",
        kept=[kept_of(one) for one in stored if one.starts_at >= first and one.id not in dropped],
        last_turns=await queries.last_turns(session, rotations, first, site.zone),
        stood_in=await queries.stood_in(session, ids, first),
    )


async def generate(
    session: Session,
    site: Site,
    now: datetime,
    actor: str,
    unit_id: int,
    start: date,
    end: date,
    seats: Collection[Seat] | None = None,
) -> Plan:
    """Write drafts for the site days of [start, end) into the months' rosters, around what is locked, published or past.

    *seats* narrows it to some seats. It is one transaction; :func:`generate_long` writes a year.

    Raises:
        InvalidInputError: the span is empty or longer than :data:`LONGEST_AT_ONCE`.
    """
    refuse_span(start, end, LONGEST_AT_ONCE)
    plan = await preview(session, site, now, unit_id, start, end, seats)
    await queries.delete_drafts(session, plan.dropped)
    await _write(session, now, actor, plan, plan.made)
    _tell(session, now, actor, plan)
    await look_for_holes(session, [unit_id], now)
    return plan


async def generate_long(
    site: Site,
    now: datetime,
    actor: str,
    unit_id: int,
    start: date,
    end: date,
    seats: Collection[Seat] | None = None,
) -> Plan:
    """As :func:`generate`, in a transaction for every month: drafts are no duty before their month is published.

    Raises:
        InvalidInputError: the span is empty or longer than :data:`LONGEST_SPAN`.
        ConflictError: somebody changed the shifts of the span in the meantime; the months before stay written.
    """
    async with site.db.read() as session:
        plan = await preview(session, site, now, unit_id, start, end, seats)
    for first, after in months_between(start, end):
        await site.db.run(partial(_write_month, site, now, actor, plan, first, after, seats))

    async def tell(session: Session) -> None:
        _tell(session, now, actor, plan)

    await site.db.run(tell)
    return plan


def refuse_span(start: date, end: date, longest: timedelta = LONGEST_SPAN) -> None:
    """Refuse a span that nothing can be generated for.

    Raises:
        InvalidInputError: it is empty or too long.
    """
    if start >= end:
        message = say("结束日期不能早于开始日期")
        raise InvalidInputError(message, (FieldFault("end", message),))
    if end - start > longest:
        message = say("一次最多生成{days}天", days=longest.days)
        raise InvalidInputError(message, (FieldFault("end", message),))


def months_between(start: date, end: date) -> Iterator[tuple[date, date]]:
    """Yield [start, end) month by month."""
    days = (start + timedelta(days=offset) for offset in range((end - start).days))
    for _, month in groupby(days, key=month_of):
        first, *rest = month
        yield first, (rest[-1] if rest else first) + timedelta(days=1)


def replaceable(shift: Shift, now: datetime) -> bool:
    """Tell whether generating replaces a shift: a draft that is not locked and has not begun."""
    return shift.state == "draft" and not shift.locked and shift.starts_at > now


async def _write_month(
    site: Site,
    now: datetime,
    actor: str,
    plan: Plan,
    first: date,
    after: date,
    seats: Collection[Seat] | None,
    session: Session,
) -> None:
    begins, ends = begin_of(first, site.zone), begin_of(after, site.zone)
    stored = await queries.shifts_begun_in(session, plan.unit_id, begins, ends, seats)
    if not plan.seen.issuperset(map(_seen, stored)):
        raise ConflictError(say("生成期间排班有改动，请重新生成"))
    dropped = set(plan.dropped)
    await queries.delete_drafts(session, [id_of(one.id) for one in stored if one.id in dropped])
    await _write(session, now, actor, plan, [one for one in plan.made if first <= one.slot.day < after])
    await look_for_holes(session, [plan.unit_id], now)


async def _write(
    session: Session, now: datetime, actor: str, plan: Plan, made: Collection[Assignment]
) -> None:
    rosters: dict[date, int] = {}
    for month in sorted({month_of(one.slot.day) for one in made}):
        rosters[month] = id_of((await roster_for(session, now, actor, plan.unit_id, month)).id)
    dialect = session.get_bind().dialect.name
    rows = Drafts(dialect, now).rows(plan.unit_id, list(made), rosters)
    await add_drafts(session, rows, is_sqlite=dialect == "sqlite")


def _tell(session: Session, now: datetime, actor: str, plan: Plan) -> None:
    record(
        session,
        now,
        actor,
        "roster.generated",
        f"unit:{plan.unit_id}",
        start=plan.start.isoformat(),
        end=plan.end.isoformat(),
        made=len(plan.made) - len(plan.holes),
        holes=len(plan.holes),
        kept=len(plan.kept),
        replaced=len(plan.dropped),
    )


def _seen(shift: Shift) -> tuple[int, str, bool, int]:
    return (id_of(shift.id), shift.state, shift.locked, shift.person_id)


def kept_of(shift: Shift) -> Kept:
    """Return a shift that stays, as the rules take it."""
    return Kept(
        shift.seat, shift.starts_at, shift.ends_at, shift.person_id, shift.owner_id, shift.rotation_id
    )

"""Generating a span for many units: the calendar is read once, the plans are made in processes beside this one.

What is written is the same as :func:`generating.generate_long` would write for each unit. No
transaction exceeds 1,000 rows, and drafts are no duty, so that an interruption leaves nothing wrong:
doing it again brings the same. Whoever changes one of these rosters meanwhile may find a place filled twice.
"""

import asyncio
import gc
from collections.abc import AsyncIterator, Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from multiprocessing import get_context
from typing import Any

from dutydesk.audit.actions import record
from dutydesk.calendars.queries import calendar_for
from dutydesk.calendars.rules import Calendar
from dutydesk.db import Session
from dutydesk.people.queries import list_units
from dutydesk.people.rules import Unit
from dutydesk.rosters.candidate_queries import candidates, patterns_of
from dutydesk.rosters.planning import bulk_queries, queries
from dutydesk.rosters.planning.bulk_queries import Drafts, add_drafts
from dutydesk.rosters.planning.generating import kept_of, months_between, refuse_span, replaceable
from dutydesk.rosters.queries import look_for_holes
from dutydesk.rosters.rules.eligibility import Candidate, Turn
from dutydesk.rosters.rules.filling import Facts, alone_in, fill
from dutydesk.rosters.rules.rotation import Rotation
from dutydesk.rosters.rules.slots import Pattern, Slot, default_patterns, slots_of
from dutydesk.rosters.view_queries import begin_of
from dutydesk.web.site import Site

ROWS_AT_ONCE = 1000
_UNITS_AT_ONCE = 20


@dataclass(slots=True)
class Totals:
    """What was written, and what nobody can fill."""

    units: int = 0
    made: int = 0
    holes: int = 0


@dataclass(frozen=True, slots=True)
class UnitJob:
    """A unit's span to be filled; ``rosters``: month → roster."""

    unit_id: int
    facts: Facts
    rosters: Mapping[date, int]


@dataclass(frozen=True, slots=True)
class Job:
    """Some units whose people sit in no unit outside of it, for one process."""

    units: Sequence[UnitJob]
    now: datetime
    dialect: str


@dataclass(frozen=True, slots=True)
class Filled:
    """A unit's drafts as rows to write."""

    unit_id: int
    rows: list[tuple[Any, ...]]
    holes: int


def fill_job(job: Job) -> list[Filled]:
    """Fill the units of a job one after the other; who sits in several is busy in the next where they sit already."""
    drafts = Drafts(job.dialect, job.now)
    shared = _in_several(job.units)
    busy: dict[int, list[Turn]] = {}
    done: list[Filled] = []
    for unit in job.units:
        facts = unit.facts
        if busy:
            facts = replace(
                facts, candidates={key: _busy(one, busy) for key, one in facts.candidates.items()}
            )
        made = fill(facts)
        for one in made if shared else ():
            if one.person_id in shared and one.person_id is not None:
                slot = one.slot
                turn = Turn(slot.starts_at, slot.ends_at, unit.unit_id, slot.seat)
                busy.setdefault(one.person_id, []).append(turn)
        rows = drafts.rows(unit.unit_id, made, unit.rosters)
        done.append(Filled(unit.unit_id, rows, len(made) - len(rows)))
    return done


async def generate_many(
    site: Site,
    now: datetime,
    actor: str,
    unit_ids: Collection[int],
    start: date,
    end: date,
    done: Callable[[int], None] = lambda _: None,
) -> Totals:
    """Write the drafts of [start, end) for these units; *done* is told how many units are through.

    Raises:
        InvalidInputError: the span is empty or too long.
    """
    refuse_span(start, end)
    totals = Totals()
    loop = asyncio.get_running_loop()
    waiting: asyncio.Future[list[Filled]] | None = None
    # What is made there forms no cycles: looking for them would take half of the time.
    with ProcessPoolExecutor(1, get_context("spawn"), initializer=gc.disable) as pool:
        # The next units are filled while these are written. They are not read meanwhile: the database's
        # driver would wait for the interpreter after every row.
        async for job in _jobs(site, now, actor, set(unit_ids), start, end):
            following = loop.run_in_executor(pool, fill_job, job)
            if waiting is not None:
                await _write(site, now, actor, await waiting, totals, start, end, done)
            waiting = following
        if waiting is not None:
            await _write(site, now, actor, await waiting, totals, start, end, done)
    # Every transaction before it is on disk with this one, and whoever waits for a change hears of it.
    await site.db.run(lambda session: look_for_holes(session, unit_ids, now))
    return totals


async def _write(
    site: Site,
    now: datetime,
    actor: str,
    filled: Sequence[Filled],
    totals: Totals,
    start: date,
    end: date,
    done: Callable[[int], None],
) -> None:
    rows = [row for one in filled for row in one.rows]
    for at in range(0, len(rows), ROWS_AT_ONCE):
        async with site.db.write(quiet=True) as session:
            await add_drafts(session, rows[at : at + ROWS_AT_ONCE], is_sqlite=site.db.is_sqlite)
    async with site.db.write(quiet=True) as session:
        for one in filled:
            record(
                session,
                now,
                actor,
                "roster.generated",
                f"unit:{one.unit_id}",
                start=start.isoformat(),
                end=end.isoformat(),
                made=len(one.rows),
                holes=one.holes,
            )
    totals.units += len(filled)
    totals.made += len(rows)
    totals.holes += sum(one.holes for one in filled)
    done(len(filled))


@dataclass(slots=True)
class _Shared:
    """What many units have in common: the calendar, and the slots of the same patterns."""

    site: Site
    calendar: Calendar
    start: date
    end: date
    slots: dict[tuple[object, ...], tuple[list[Slot], frozenset[int]]] = field(default_factory=dict)

    def of(self, unit: Unit, patterns: Sequence[Pattern]) -> tuple[list[Slot], frozenset[int]]:
        """Return a unit's slots, and which of them one operator alone is in charge of."""
        own = any(one.unit_id == unit.id for one in self.calendar.periods)
        key: tuple[object, ...] = (unit.id if own else 0, *(replace(one, unit_id=0) for one in patterns))
        known = self.slots.get(key)
        if known is None:
            slots = slots_of(patterns, self.calendar, unit.id, self.start, self.end, self.site.zone)
            known = self.slots[key] = (slots, alone_in(slots))
        return known


async def _jobs(
    site: Site, now: datetime, actor: str, unit_ids: set[int], start: date, end: date
) -> AsyncIterator[Job]:
    async with site.db.read() as session:
        shared = _Shared(site, await calendar_for(session, start, end), start, end)
        units = {one.id: one for one in await list_units(session) if one.id in unit_ids}
        rotations = await queries.rotations_of(session, units.keys())
    months = [first.replace(day=1) for first, _ in months_between(start, end)]
    for batch in _batches(rotations, sorted(units)):
        rosters = await _rosters(site, now, actor, batch, months)
        async with site.db.read() as session:
            jobs = await _unit_jobs(session, shared, now, [units[one] for one in batch], rotations, rosters)
        dropped = [key for _, ids in jobs for key in ids]
        for at in range(0, len(dropped), ROWS_AT_ONCE):
            ids = dropped[at : at + ROWS_AT_ONCE]
            async with site.db.write(quiet=True) as session:
                await queries.delete_drafts(session, ids)
        yield Job([job for job, _ in jobs], now, "sqlite" if site.db.is_sqlite else "postgresql")


async def _unit_jobs(
    session: Session,
    shared: _Shared,
    now: datetime,
    units: Sequence[Unit],
    rotations: Mapping[int, list[Rotation]],
    rosters: Mapping[int, Mapping[date, int]],
) -> list[tuple[UnitJob, list[int]]]:
    site, plan = shared.site, shared.site.rulebook.rosters
    begins, ends = begin_of(shared.start, site.zone), begin_of(shared.end, site.zone)
    own = await patterns_of(session, [one.id for one in units])
    stored = await bulk_queries.shifts_of_units(session, [one.id for one in units], begins, ends)
    dropped = {one.id or 0 for each in stored.values() for one in each if replaceable(one, now)}
    turning = [one for unit in units for one in rotations.get(unit.id, [])]
    members = {one.person_id for rotation in turning for one in rotation.members}
    first = max(begins, now)
    people = await candidates(session, members, first, ends, now, without=dropped)
    last = await queries.last_turns(session, turning, first, site.zone)
    stood = await queries.stood_in(session, [one.id for one in turning], first)
    found: list[tuple[UnitJob, list[int]]] = []
    for unit in units:
        mine = rotations.get(unit.id, [])
        ids = {one.id for one in mine}
        slots, alone = shared.of(unit, own.get(unit.id) or default_patterns(plan, unit.id, unit.duty_class))
        if slots and slots[0].starts_at <= now:
            slots = [one for one in slots if one.starts_at > now]
            alone = alone_in(slots)
        here = stored.get(unit.id, [])
        facts = Facts(
            slots=slots,
            rotations=mine,
            candidates={
                one.person_id: people[one.person_id]
                for rotation in mine
                for one in rotation.members
                if one.person_id in people
            },
            eligibility=plan.eligibility,
            is_desk=unit.kind == "desk",
            kept=[kept_of(one) for one in here if one.starts_at >= first and one.id not in dropped],
            last_turns={key: turn for key, turn in last.items() if key[0] in ids},
            stood_in=[one for one in stood if one.rotation_id in ids],
            alone=alone,
        )
        found.append(
            (UnitJob(unit.id, facts, rosters[unit.id]), [one.id or 0 for one in here if one.id in dropped])
        )
    return found


async def _rosters(
    site: Site, now: datetime, actor: str, unit_ids: Sequence[int], months: Sequence[date]
) -> dict[int, dict[date, int]]:
    async def work(session: Session) -> dict[int, dict[date, int]]:
        return await bulk_queries.rosters_for(session, now, actor, unit_ids, months)

    return await site.db.run(work)


def _batches(rotations: Mapping[int, list[Rotation]], unit_ids: Sequence[int]) -> Iterator[list[int]]:
    """Yield units some at a time; those that share a person together, so that nobody is planned twice."""
    together = _together(rotations, unit_ids)
    batch: list[int] = []
    seen: set[int] = set()
    for unit_id in unit_ids:
        if unit_id in seen:
            continue
        batch += sorted(together[unit_id])
        seen |= together[unit_id]
        if len(batch) >= _UNITS_AT_ONCE:
            yield batch
            batch = []
    if batch:
        yield batch


def _together(rotations: Mapping[int, list[Rotation]], unit_ids: Sequence[int]) -> dict[int, set[int]]:
    """Return unit id → the units that have a person in common with it, over however many steps."""
    units_of: dict[int, list[int]] = {}
    for unit_id in unit_ids:
        for rotation in rotations.get(unit_id, []):
            for member in rotation.members:
                units_of.setdefault(member.person_id, []).append(unit_id)
    together: dict[int, set[int]] = {unit_id: {unit_id} for unit_id in unit_ids}
    for sharing in units_of.values():
        whole = set().union(*(together[one] for one in sharing))
        if len(whole) > len(together[sharing[0]]):
            for other in whole:
                together[other] = whole
    return together


def _in_several(units: Sequence[UnitJob]) -> set[int]:
    once: set[int] = set()
    several: set[int] = set()
    for unit in units:
        several |= once & unit.facts.candidates.keys()
        once |= unit.facts.candidates.keys()
    return several


def _busy(one: Candidate, busy: Mapping[int, Sequence[Turn]]) -> Candidate:
    turns = busy.get(one.person_id)
    return one if turns is None else replace(one, turns=(*one.turns, *turns))

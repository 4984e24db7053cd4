"""Tables that people bring, read against the directory and the months as they are: the dry run of an import."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, tzinfo

from dutydesk.calendars.queries import calendar_for
from dutydesk.calendars.rules import Calendar
from dutydesk.db import Session
from dutydesk.documents.workbooks import Sheet, as_day, as_text, read_workbook
from dutydesk.errors import FieldFault, InvalidInputError
from dutydesk.people.queries import list_units
from dutydesk.people.rules import Unit
from dutydesk.rosters.candidate_queries import candidates, patterns_of
from dutydesk.rosters.files import queries
from dutydesk.rosters.model import Roster
from dutydesk.rosters.months import next_month
from dutydesk.rosters.rules import PlannedShift, ShiftState
from dutydesk.rosters.rules.eligibility import Candidate
from dutydesk.rosters.rules.headings import Grid
from dutydesk.rosters.rules.importing import Existing, UnitFacts, UnitPlan, plan_unit
from dutydesk.rosters.rules.judging import judge
from dutydesk.rosters.rules.naming import Directory
from dutydesk.rosters.rules.reading import ReadSheet, Trouble, read_sheet
from dutydesk.rosters.rules.slots import Pattern, default_patterns, slots_of
from dutydesk.rosters.rules.sorting import Part, Sorted, for_unit, for_units
from dutydesk.rosters.view_queries import begin_of, holders_between, rosters_of
from dutydesk.web import words
from dutydesk.web.languages import say
from dutydesk.web.site import Site

# 500 units with a row for each day of a month, and some to spare.
_MOST_ROWS = 20_000
# So few at a time that nobody waits for the answers to be unpacked.
_UNITS_AT_ONCE, _PEOPLE_AT_ONCE = 25, 200


@dataclass(frozen=True, slots=True)
class DryRun:
    """What an import would do; ``troubles`` are those of the file itself, beside those of each unit."""

    plans: tuple[UnitPlan, ...]
    troubles: tuple[Trouble, ...]
    month: date | None
    tables: tuple[ReadSheet, ...] = ()

    @property
    def all_troubles(self) -> list[Trouble]:
        """Return everything that was found, sheet by sheet and row by row."""
        found = [*self.troubles, *(one for plan in self.plans for one in plan.troubles)]
        order = {name: number for number, name in enumerate(dict.fromkeys(one.sheet for one in found))}
        return sorted(found, key=lambda one: (order[one.sheet], one.row, one.column, not one.grave))

    @property
    def grave(self) -> bool:
        """Tell whether something has to be mended in the file first."""
        return any(one.grave for one in self.troubles) or any(one.grave for one in self.plans)

    @property
    def changes(self) -> int:
        """Return how many shifts would be new, of another person, or gone."""
        return sum(one.changes for one in self.plans)


def read_tables(data: bytes, month: date | None) -> list[ReadSheet]:
    """Return what stands in a workbook; works for as long as the cells last, so not on the event loop.

    Raises:
        InvalidInputError: about ``file``: it is no workbook, too large, or would unpack to too much.
    """
    return [read_sheet(_grid(one), month, as_day_of) for one in read_workbook(data, most_rows=_MOST_ROWS)]


def as_day_of(value: object, year: int | None) -> date | None:
    """Return the day a cell has, for the rules, which know no workbooks."""
    return as_day(value, year) if isinstance(value, str | int | float | date | datetime) else None


def _grid(sheet: Sheet) -> Grid:
    texts = [[as_text(value) for value in row] for row in sheet.rows]
    return Grid(sheet.name, texts, sheet.rows, sheet.repeated)


async def dry_run_unit(
    session: Session, site: Site, now: datetime, unit: Unit, month: date, tables: Sequence[ReadSheet]
) -> DryRun:
    """Return what a file would make of one unit's month."""
    found = for_unit(tables, unit.id, (unit.code, unit.name, unit.short_name), month)
    run = await _dry_run(session, site, now, [unit], month, found)
    return replace(run, tables=tuple(tables))


async def dry_run_many(
    session: Session, site: Site, now: datetime, units: Sequence[Unit], tables: Sequence[ReadSheet]
) -> DryRun:
    """Return what a file would make of the months of all the units it names.

    Raises:
        InvalidInputError: the tables are of several months.
    """
    names = {name: one.id for one in units for name in (one.short_name, one.code, one.name)}
    found = for_units(tables, names)
    months = {one.sheet.month for one in found.parts if one.sheet.month is not None}
    if len(months) > 1:
        message = say(
            "文件里有几个月的值班表（{months}），请一次导入一个月",
            months=words.listed(words.month(one) for one in sorted(months)),
        )
        raise InvalidInputError(f"file: {message}", (FieldFault("file", message),))
    run = await _dry_run(session, site, now, units, months.pop() if months else None, found)
    for one in run.plans:
        if one.at_once:
            # It takes effect at once and people are told: done unit by unit, by whoever answers for it.
            one.troubles.append(Trouble(one.sheet, 0, 0, "PUBLISHED"))
    return run


async def _dry_run(
    session: Session, site: Site, now: datetime, units: Sequence[Unit], month: date | None, found: Sorted
) -> DryRun:
    if month is None or not found.parts:
        return DryRun((), tuple(found.troubles), month)
    wanted = {one.unit_id for one in found.parts}
    facts = await _facts(session, site, [one for one in units if one.id in wanted], month)
    directory = Directory(await queries.known_people(session, await list_units(session)))
    # Naming and comparing a month of 500 units takes a second: beside the event loop.
    plans = await asyncio.to_thread(_planned, found.parts, facts, directory, now)
    ids = sorted({item.person.person_id for plan in plans for item in plan.items})
    people = await _people(
        session, ids, begin_of(month, site.zone), begin_of(next_month(month), site.zone), now
    )
    await asyncio.to_thread(judge, plans, people, site.rulebook.rosters.eligibility)
    return DryRun(tuple(plans), tuple(found.troubles), month)


def _planned(
    parts: Sequence[Part], facts: Mapping[int, UnitFacts], directory: Directory, now: datetime
) -> list[UnitPlan]:
    return [plan_unit(one.sheet, one.days, facts[one.unit_id], directory, now) for one in parts]


async def _people(
    session: Session, ids: Sequence[int], start: datetime, end: datetime, now: datetime
) -> dict[int, Candidate]:
    found: dict[int, Candidate] = {}
    for at in range(0, len(ids), _PEOPLE_AT_ONCE):
        found |= await candidates(session, ids[at : at + _PEOPLE_AT_ONCE], start, end, now)
    return found


# ---------------------------------------------------------------------------------------------------------------------
# The months as they are


@dataclass(frozen=True, slots=True)
class _Read:
    units: Sequence[Unit]
    rosters: Mapping[int, Roster]
    patterns: Mapping[int, Sequence[Pattern]]
    shifts: Sequence[tuple[PlannedShift, ShiftState]]
    really: Mapping[int, int | None]
    calendar: Calendar


async def _facts(session: Session, site: Site, units: Sequence[Unit], month: date) -> dict[int, UnitFacts]:
    end = next_month(month)
    first, last = begin_of(month, site.zone), begin_of(end, site.zone)
    ids = [one.id for one in units]
    shifts: list[tuple[PlannedShift, ShiftState]] = []
    for at in range(0, len(ids), _UNITS_AT_ONCE):
        shifts += await queries.planned_months(session, ids[at : at + _UNITS_AT_ONCE], first, last)
    holders = await holders_between(session, ids, first, last)
    read = _Read(
        units=units,
        rosters=await rosters_of(session, ids, month),
        patterns=await patterns_of(session, ids),
        shifts=shifts,
        # The row entered last counts.
        really={
            one.instead_of_shift_id: one.person_id for one in holders if one.instead_of_shift_id is not None
        },
        calendar=await calendar_for(session, month, end),
    )
    return await asyncio.to_thread(_put_together, read, site, month, end)


def _put_together(read: _Read, site: Site, month: date, end: date) -> dict[int, UnitFacts]:
    plan, zone = site.rulebook.rosters, site.zone
    mine: dict[int, list[Existing]] = {}
    for shift, state in read.shifts:
        mine.setdefault(shift.unit_id, []).append(_existing(shift, state, read.really, zone))
    found: dict[int, UnitFacts] = {}
    for one in read.units:
        patterns = read.patterns.get(one.id) or default_patterns(plan, one.id, one.duty_class)
        roster = read.rosters.get(one.id)
        found[one.id] = UnitFacts(
            unit_id=one.id,
            code=one.code,
            name=one.name,
            is_desk=one.kind == "desk",
            month=month,
            state=None if roster is None else roster.state,
            slots=slots_of(patterns, read.calendar, one.id, month, end, zone),
            shifts=mine.get(one.id, ()),
        )
    return found


def _existing(
    shift: PlannedShift, state: ShiftState, really: Mapping[int, int | None], zone: tzinfo
) -> Existing:
    day = shift.starts_at.astimezone(zone).date()
    return Existing(shift, state == "draft", day, shift.id in really, really.get(shift.id))

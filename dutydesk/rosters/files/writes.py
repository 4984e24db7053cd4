"""What an import writes: drafts of a month, or changes of one that is in force. All of it or nothing."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Any

from dutydesk.alerts.queries import add_alerts
from dutydesk.audit.actions import record
from dutydesk.db import Session
from dutydesk.errors import ConflictError
from dutydesk.logs import log
from dutydesk.people.queries import id_of
from dutydesk.rosters.files import queries
from dutydesk.rosters.files.importing import DryRun
from dutydesk.rosters.model import Roster, Shift
from dutydesk.rosters.months import next_month, roster_for
from dutydesk.rosters.notices import shift_notice
from dutydesk.rosters.planning.bulk_queries import Drafts, add_drafts
from dutydesk.rosters.queries import look_for_holes
from dutydesk.rosters.rules.groups import Assignment
from dutydesk.rosters.rules.importing import Existing, UnitPlan
from dutydesk.rosters.view_queries import begin_of
from dutydesk.web.languages import say
from dutydesk.web.site import Site

_log = log("rosters")

REASON = "按导入的值班表调整"
# Shifts in one transaction (design §7).
AT_ONCE = 1_000
_CHANGED = "在预览之后值班表有了变动，请重新导入并核对"


async def write_unit(session: Session, site: Site, now: datetime, actor: str, plan: UnitPlan) -> Roster:
    """Write one unit's month in the caller's transaction: drafts, or in a published month changes at once.

    Nothing that has begun is touched; what is written is locked, so that generating leaves it alone.

    Raises:
        ConflictError: the plan has grave troubles, or somebody stands in for a shift that would change.
    """
    if plan.grave:
        raise ConflictError(say("表中还有须改正的地方，没有导入"))
    roster = await roster_for(session, now, actor, plan.facts.unit_id, plan.facts.month)
    replaced = _replaced(plan)
    await queries.delete_drafts(session, [one.shift.id for one in replaced if one.draft])
    staying = [one.was.shift.id for one in plan.items if one.how == "same" and one.was]
    await queries.lock_drafts(session, staying)
    gone = await _cancel(session, now, [one.shift.id for one in replaced if not one.draft])
    made = _made(plan, now, actor, id_of(roster.id), gone)
    session.add_all(made)
    if plan.published and plan.changes:
        roster.state, roster.version = "changed", roster.version + 1
        session.add(roster)
    await session.flush()
    told = [*gone.values(), *(one for one in made if one.state == "published")]
    await add_alerts(session, [shift_notice(now, one, one.person_id, "changed", site.zone) for one in told])
    await look_for_holes(session, [plan.facts.unit_id], now)
    _note(session, now, actor, plan, id_of(roster.id))
    return roster


def _note(session: Session, now: datetime, actor: str, plan: UnitPlan, roster_id: int) -> None:
    record(
        session,
        now,
        actor,
        "roster.imported",
        f"roster:{roster_id}",
        unit=plan.facts.code,
        month=f"{plan.facts.month:%Y-%m}",
        new=sum(one.how == "new" for one in plan.items),
        changed=sum(one.how == "changed" for one in plan.items),
        removed=len(plan.removed),
    )


def _replaced(plan: UnitPlan) -> list[Existing]:
    return [*(one.was for one in plan.items if one.how == "changed" and one.was is not None), *plan.removed]


def _why(actor: str) -> dict[str, str]:
    return {"code": "BY_HAND", "by": actor, "reason": REASON}


async def _cancel(session: Session, now: datetime, shift_ids: Sequence[int]) -> dict[int, Shift]:
    """Cancel what is in force and changes; whatever takes its place comes after, so two who exchange seats never clash."""
    if not shift_ids:
        return {}
    gone = await queries.stored_shifts(session, shift_ids)
    if any(one.state != "published" for one in gone.values()):
        raise ConflictError(say(_CHANGED))
    if await queries.given_shifts(session, gone):
        raise ConflictError(say("要更改的班次中有已批准的代班或换班，请先撤销"))
    for one in gone.values():
        one.state, one.changed_at, one.next_action_at = "cancelled", now, None
        one.sequence += 1
        session.add(one)
    return gone


def _made(
    plan: UnitPlan, now: datetime, actor: str, roster_id: int, gone: Mapping[int, Shift]
) -> list[Shift]:
    """Return the new rows: drafts, or in force at once in a month, or in the place of a shift, that is."""
    made: list[Shift] = []
    for item in plan.items:
        if item.how not in ("new", "changed"):
            continue
        row = Shift(
            unit_id=plan.facts.unit_id,
            seat=item.seat,
            person_id=item.person.person_id,
            starts_at=item.starts_at,
            ends_at=item.ends_at,
            mode=item.slot.mode,
            created_at=now,
            state="draft",
            roster_id=roster_id,
            day_class=item.slot.day_class,
            locked=True,
            signs_in=item.slot.signs_in,
            why=_why(actor),
        )
        was = gone.get(item.was.shift.id) if item.was is not None else None
        if plan.published or was is not None:
            row.state, row.changed_at, row.next_action_at = "published", now, now
        if was is not None:
            row.sequence, row.owner_id, row.rotation_id = was.sequence, was.owner_id, was.rotation_id
        made.append(row)
    return made


# ---------------------------------------------------------------------------------------------------------------------
# Many units


async def write_many(site: Site, now: datetime, actor: str, run: DryRun, *, at_once: int = AT_ONCE) -> int:
    """Write the drafts of many units; return of how many.

    Everything was checked before. A month of 500 units is tens of thousands of rows, which one
    transaction may not hold (design §7): it is written in portions of *at_once* rows, whole units, and taken back
    again if one fails. Should the process end in between, some units have their drafts and others
    do not: drafts are no duty, every one of those months is complete, and importing the same file
    again writes the rest.

    Raises:
        ConflictError: the file has grave troubles, a month is published already, or something
            changed since it was checked; nothing is left of it.
    """
    if run.grave or run.month is None:
        raise ConflictError(say("表中还有须改正的地方，没有导入"))
    if any(one.at_once for one in run.plans):
        raise ConflictError(say("有的单位本月值班表已发布，请在该单位的页面导入"))
    done: list[_Written] = []
    try:
        for portion in _portions([one for one in run.plans if one.changes], at_once):
            # One by one: what is done must be known when a later one fails.
            done += [await _write_portion(site, now, actor, portion, run.month)]
    except BaseException:
        await _take_back(site, now, actor, done)
        raise
    return sum(len(one.unit_ids) for one in done)


class _Written:
    """What one portion wrote and what it replaced, to undo it."""

    def __init__(self, unit_ids: list[int], roster_ids: list[int], replaced: list[dict[str, Any]]) -> None:
        self.unit_ids, self.roster_ids, self.replaced = unit_ids, roster_ids, replaced


def _portions(plans: Sequence[UnitPlan], at_once: int) -> list[list[UnitPlan]]:
    found: list[list[UnitPlan]] = []
    rows = at_once
    for one in plans:
        weight = len(one.items) + len(one.removed)
        if rows + weight > at_once:
            found.append([])
            rows = 0
        found[-1].append(one)
        rows += weight
    return found


async def _write_portion(
    site: Site, now: datetime, actor: str, plans: Sequence[UnitPlan], month: date
) -> _Written:
    async def work(session: Session) -> _Written:
        ids = [one.facts.unit_id for one in plans]
        rosters = await queries.rosters_locked(session, ids, month)
        missing = [one for one in ids if one not in rosters]
        begun = [
            {
                "unit_id": one,
                "month": month,
                "state": "draft",
                "version": 1,
                "created_at": now,
                "created_by": actor,
            }
            for one in missing
        ]
        await queries.add_rosters(session, begun)
        rosters |= await queries.rosters_locked(session, missing, month)
        begins, ends = begin_of(month, site.zone), begin_of(next_month(month), site.zone)
        there = {shift for shift, _ in await queries.planned_months(session, ids, begins, ends)}
        seen = {one.shift for plan in plans for one in plan.facts.shifts}
        states = {one.facts.unit_id: one.facts.state or "draft" for one in plans}
        if there != seen or any(rosters[one].state != state for one, state in states.items()):
            raise ConflictError(say(_CHANGED))
        gone = [one.shift.id for plan in plans for one in _replaced(plan)]
        replaced = [one.model_dump() for one in await queries.drafts_of(session, gone)]
        await queries.delete_drafts(session, gone)
        drafts, why = Drafts("sqlite" if site.db.is_sqlite else "postgresql", now), _why(actor)
        rows: list[tuple[Any, ...]] = []
        for plan in plans:
            roster_id = id_of(rosters[plan.facts.unit_id].id)
            rows += drafts.rows(plan.facts.unit_id, _assignments(plan, why), {month: roster_id})
            _note(session, now, actor, plan, roster_id)
        await add_drafts(session, rows, is_sqlite=site.db.is_sqlite)
        await queries.lock_imported(session, [id_of(one.id) for one in rosters.values()], now)
        await look_for_holes(session, ids, now)
        return _Written(ids, [id_of(one.id) for one in rosters.values()], replaced)

    return await site.db.run(work)


def _assignments(plan: UnitPlan, why: dict[str, str]) -> list[Assignment]:
    return [
        Assignment(
            one.slot if one.slot.seat == one.seat else replace(one.slot, seat=one.seat),
            one.person.person_id,
            None,
            None,
            why,
        )
        for one in plan.items
        if one.how in ("new", "changed")
    ]


async def _take_back(site: Site, now: datetime, actor: str, done: Sequence[_Written]) -> None:
    for one in done:

        async def undo(session: Session, one: _Written = one) -> None:
            await queries.delete_imported(session, one.roster_ids, now)
            await queries.add_shifts(session, one.replaced)
            await look_for_holes(session, one.unit_ids, now)
            record(session, now, actor, "roster.import_undone", "rosters", rosters=one.roster_ids)

        await site.db.run(undo)
    _log.warning("an import failed midway and was taken back", units=sum(len(one.unit_ids) for one in done))

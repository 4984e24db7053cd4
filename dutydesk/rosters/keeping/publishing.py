"""Publishing a unit's month: what would be published, what speaks against it, and telling everyone their turns.

Drafts become duty only here. What is plainly impossible refuses; a hole or a doubt needs a remark.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from dutydesk.alerts.queries import add_alerts
from dutydesk.audit.actions import record
from dutydesk.calendars.queries import calendar_for
from dutydesk.db import Session
from dutydesk.errors import ConflictError, FieldFault, InvalidInputError
from dutydesk.people.model import Unit
from dutydesk.people.queries import all_contacts, id_of
from dutydesk.people.rules import Person
from dutydesk.rosters.candidate_queries import candidates
from dutydesk.rosters.keeping import queries
from dutydesk.rosters.keeping.gaps import settle_gaps
from dutydesk.rosters.model import Roster, Shift
from dutydesk.rosters.months import next_month, roster_for
from dutydesk.rosters.notices import published_notices
from dutydesk.rosters.queries import roster_of
from dutydesk.rosters.rules.eligibility import HARD, Candidate, Fault, Place, faults_of
from dutydesk.rosters.rules.filing import month_span
from dutydesk.rosters.rules.holes import Hole, holes_in
from dutydesk.rosters.rules.reminding import moments_of
from dutydesk.rosters.rules.slots import slots_of
from dutydesk.web.languages import say
from dutydesk.web.site import Site

# No write transaction is longer than this (design §7); a unit's month has far fewer.
_MOST_SHIFTS = 1000
_LONGEST_REMARKS = 500


@dataclass(frozen=True, slots=True)
class Doubt:
    """A turn of the month with everything that speaks against it."""

    shift: Shift
    person: Person
    faults: tuple[Fault, ...]

    @property
    def hard(self) -> bool:
        """Tell whether it may not be published so."""
        return any(one in HARD for one in self.faults)


@dataclass(frozen=True, slots=True)
class Review:
    """A unit's month before it is published: its drafts, what is out already, and what speaks against it."""

    month: date
    roster: Roster | None
    drafts: Sequence[Shift]
    published: Sequence[Shift]
    persons: Mapping[int, Person]
    doubts: Sequence[Doubt]
    holes: Sequence[Hole]
    # Nothing rings for these; for the next ones something does, which was not confirmed this quarter.
    silent: Sequence[Person]
    unreachable: Sequence[Person]

    @property
    def hard(self) -> list[Doubt]:
        """What has to be changed first."""
        return [one for one in self.doubts if one.hard]

    @property
    def soft(self) -> list[Doubt]:
        """What may stay, if somebody says why."""
        return [one for one in self.doubts if not one.hard]

    @property
    def needs_remarks(self) -> bool:
        """Tell whether it may only be published with a reason."""
        return bool(self.holes or self.soft or self.silent)

    @property
    def is_new(self) -> bool:
        """Tell whether there is anything to publish: drafts, or a whole month planned otherwise and not published yet."""
        out = self.roster is not None and self.roster.state != "draft"
        return bool(self.drafts) or (bool(self.published) and not out and not self.holes)


async def review(session: Session, site: Site, now: datetime, unit: Unit, month: date) -> Review:
    """Return what publishing a unit's month would bring; nothing is changed."""
    unit_id = id_of(unit.id)
    start, end = month_span(month, site.zone)
    shifts = await queries.shifts_of_month(session, unit_id, start, end, "draft", "published")
    plan = site.rulebook.rosters
    last = next_month(month)
    calendar = await calendar_for(session, month, last)
    slots = slots_of(
        await queries.unit_patterns(session, unit, plan), calendar, unit_id, month, last, site.zone
    )
    ends = max([end, *(slot.ends_at for slot in slots)])
    found = await queries.sitting(session, [unit_id], start, ends, drafts=True)
    ahead = [hole for hole in holes_in(slots, found.shifts, found.rows) if hole.until_at > now]
    known = await candidates(session, {one.person_id for one in shifts}, start, ends, now)
    doubts = _doubts(site, unit, shifts, known, found.persons, now)
    drafts = [one for one in shifts if one.state == "draft"]
    points = await all_contacts(session, known.keys())
    silent = {one for one in known if not any(point.rings for point in points.get(one, ()))}
    return Review(
        month=month,
        roster=await roster_of(session, unit_id, month),
        drafts=drafts,
        published=[one for one in shifts if one.state == "published"],
        persons=found.persons,
        doubts=doubts,
        holes=ahead,
        silent=[found.persons[one] for one in sorted(silent) if one in found.persons],
        unreachable=[
            found.persons[one]
            for one, each in sorted(known.items())
            if not each.confirmed and one not in silent and one in found.persons
        ],
    )


def _doubts(
    site: Site,
    unit: Unit,
    shifts: Sequence[Shift],
    known: Mapping[int, Candidate],
    persons: Mapping[int, Person],
    now: datetime,
) -> list[Doubt]:
    """What is over stands as it was; of what is ahead every fault is said."""
    found: list[Doubt] = []
    for shift in shifts:
        if shift.ends_at <= now or shift.person_id not in known:
            continue
        place = Place(
            shift.unit_id,
            unit.kind == "desk",
            shift.seat,
            shift.starts_at.astimezone(site.zone).date(),
            shift.starts_at,
            shift.ends_at,
            shift.mode,
            alone=not any(_beside(shift, other) for other in shifts),
        )
        faults = faults_of(
            known[shift.person_id], place, site.rulebook.rosters.eligibility, ignoring=[id_of(shift.id)]
        )
        if faults:
            found.append(Doubt(shift, persons[shift.person_id], tuple(faults)))
    return found


def _beside(shift: Shift, other: Shift) -> bool:
    """Tell whether another operator is there for the whole turn."""
    covers = other.starts_at <= shift.starts_at and other.ends_at >= shift.ends_at
    return other.id != shift.id and other.seat.startswith("operator") and covers


async def publish(
    session: Session, site: Site, now: datetime, actor: str, unit_id: int, month: date, remarks: str = ""
) -> Roster:
    """Publish a unit's month: its drafts become duty, everyone concerned is told, and the unit has filed (48.7).

    The first time everybody on the roster is told once, later only those whose turns are new.

    Raises:
        ConflictError: the month is archived, nothing is to be published, or somebody cannot be on duty.
        InvalidInputError: there are holes or doubts, and no remark says why that is accepted.
        LookupError: there is no such unit.
    """
    unit = await queries.locked_unit(session, unit_id)
    if unit is None:
        missing = f"there is no unit {unit_id}"
        raise LookupError(missing)
    roster = await roster_for(session, now, actor, unit_id, month)
    found = await review(session, site, now, unit, month)
    _refuse(unit, roster, found, remarks)
    first = roster.state == "draft"
    for shift in found.drafts:
        shift.state, shift.roster_id = "published", roster.id
        shift.changed_at = now
        at = moments_of(shift.starts_at, shift.ends_at, site.rulebook.rosters, site.zone)
        shift.next_action_at = max(now, at.day_before) if shift.ends_at > now else None
    roster.state = "published" if first else "changed"
    roster.version += 0 if first else 1
    roster.published_at, roster.published_by = now, actor
    roster.remarks = remarks.strip()[:_LONGEST_REMARKS]
    session.add(roster)
    await session.flush()
    told = [*found.drafts, *(found.published if first else ())]
    await add_alerts(session, published_notices(now, site.zone, roster, told, found.persons))
    # At once, so that the unit has filed and its holes are owed in the same moment.
    await settle_gaps(session, site, now, unit_id)
    record(
        session,
        now,
        actor,
        "roster.published",
        f"roster:{roster.id}",
        unit=unit_id,
        month=f"{month:%Y-%m}",
        version=roster.version,
        shifts=len(found.drafts),
        holes=len(found.holes),
        doubts=len(found.soft),
        remarks=roster.remarks,
    )
    return roster


def _refuse(unit: Unit, roster: Roster, found: Review, remarks: str) -> None:
    if unit.retired_at is not None:
        raise ConflictError("这个单位已停用，不能再发布值班表")
    if roster.state == "archived":
        raise ConflictError("这个月已归档，不能再发布")
    if not found.is_new:
        raise ConflictError("没有待发布的班次，请先排班")
    if len(found.drafts) > _MOST_SHIFTS:
        raise ConflictError(say("一次最多发布{count}个班次，请分单位排班", count=_MOST_SHIFTS))
    if found.hard:
        raise ConflictError("有人员不能值班，请先调整下面列出的班次，再发布")
    if found.needs_remarks and not remarks.strip():
        sentence = "有空缺、待核实的班次或没有号码的人员，请写明原因后再发布"
        raise InvalidInputError(f"remarks: {sentence}", (FieldFault("remarks", sentence),))

"""A cell of a unit's table as its forms know it: a shift, or a slot that nobody has yet.

Every form carries the state it was drawn from, so that nobody overwrites unseen what somebody else changed.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from fastapi.responses import RedirectResponse

from dutydesk.accounts.rules import Actor
from dutydesk.calendars.queries import calendar_for
from dutydesk.db import Session
from dutydesk.errors import ConflictError, NotFoundError
from dutydesk.people import queries as people
from dutydesk.people.rules import Person, Unit
from dutydesk.rosters import queries
from dutydesk.rosters.model import Shift
from dutydesk.rosters.months import month_of, next_month
from dutydesk.rosters.queries import shift_fact
from dutydesk.rosters.rules import Seat
from dutydesk.rosters.rules.monthly import neighbours
from dutydesk.rosters.rules.slots import Slot
from dutydesk.rosters.view_queries import begin_of, shifts_between, slots_between, visible
from dutydesk.rosters.views.tables import seen_of
from dutydesk.web import words
from dutydesk.web.forms import Form, Input
from dutydesk.web.languages import say
from dutydesk.web.site import Site

SEEN = Input("seen", "", "hidden", longest=200)
OVERTAKEN = "这一班刚刚已由别人改动，现在的情况已显示在本页，请核对后再提交"
_GONE = "这一班已由别人撤下或改动，请回到值班表查看"


@dataclass(frozen=True, slots=True)
class Cell:
    """What a form is about; ``others`` are the shifts of the same seat and month that it can be exchanged with."""

    unit: Unit
    seat: Seat
    starts_at: datetime
    ends_at: datetime
    shift: Shift | None = None
    holder: Person | None = None
    slot: Slot | None = None
    slots: tuple[Slot, ...] = ()
    others: tuple[tuple[Shift, Person], ...] = field(default=())

    @property
    def seen(self) -> str:
        """Return the state of things a form is drawn from."""
        return "" if self.shift is None else seen_of(self.shift)

    @property
    def published(self) -> bool:
        """Tell whether people were told of the shift already."""
        return self.shift is not None and self.shift.state == "published"


async def cell_of(site: Site, actor: Actor, shift_id: int) -> Cell:
    """Return a shift that this person may plan.

    Raises:
        NotFoundError: there is none for them.
        ConflictError: it was cancelled.
    """
    now = site.clock.now()
    async with site.db.read() as session:
        shift = await planned_shift(session, actor, shift_id)
        if shift.state == "cancelled":
            raise ConflictError(_GONE)
        month = month_of(shift.starts_at.astimezone(site.zone).date())
        start, end = begin_of(month, site.zone), begin_of(next_month(month), site.zone)
        rows = {one.id: one for one in await shifts_between(session, [shift.unit_id], start, end)}
        others = neighbours([shift_fact(one) for one in rows.values()], shift_fact(shift), after=now)
        unit = (await people.units_by_id(session, [shift.unit_id]))[shift.unit_id]
        persons = await people.people_by_id(session, {shift.person_id, *(one.person_id for one in others)})
    found = tuple((rows[one.id], persons[one.person_id]) for one in others)
    holder = persons[shift.person_id]
    return Cell(unit, shift.seat, shift.starts_at, shift.ends_at, shift, holder, others=found)


async def planned_shift(session: Session, actor: Actor, shift_id: int) -> Shift:
    """Return a shift of a unit that this person plans for.

    Raises:
        NotFoundError: there is none for them: another unit's is none.
    """
    shift = await queries.stored_shift(session, shift_id)
    if not actor.sees_unit(shift.unit_id):
        raise NotFoundError(f"there is no shift {shift_id}")
    return shift


async def still(site: Site, actor: Actor, cell: Cell) -> Cell:
    """Return the cell as it is now; one that is gone meanwhile as it was."""
    if cell.shift is None or cell.shift.id is None:
        return cell
    try:
        return await cell_of(site, actor, cell.shift.id)
    except (ConflictError, NotFoundError):
        return cell


async def hole_of(site: Site, actor: Actor, name: str, seat: str, at: str) -> Cell:
    """Return the slot of a unit's seat that begins at a site time.

    Raises:
        NotFoundError: there is no such unit for this person, or the seat has no slot then.
    """
    async with site.db.read() as session:
        unit = await visible(session, actor, name)
        return await read_hole(session, site, unit, seat, at)


async def read_hole(session: Session, site: Site, unit: Unit, seat: str, at: str) -> Cell:
    """Return the slot of a seat that begins at a site time (``2026-12-03T08:30:00``).

    Raises:
        NotFoundError: the seat has none then.
    """
    try:
        moment = datetime.fromisoformat(at)
        starts = (moment if moment.tzinfo else moment.replace(tzinfo=site.zone)).astimezone(site.zone)
        day = starts.date()
        calendar = await calendar_for(session, day, day)
    except (ValueError, OverflowError) as error:
        raise NotFoundError(f"there is no slot at {at}") from error
    plan, after = site.rulebook.rosters, day + timedelta(days=1)
    slots = (await slots_between(session, plan, [unit], calendar, day, after, site.zone))[unit.id]
    slot = next((one for one in slots if one.seat == seat and one.starts_at == starts), None)
    if slot is None:
        raise NotFoundError(f"there is no slot at {at}")
    return Cell(unit, slot.seat, slot.starts_at, slot.ends_at, slot=slot, slots=tuple(slots))


async def unchanged(session: Session, actor: Actor, shift_id: int, form: Form) -> Shift:
    """Return the shift of a form; refuse what was drawn from another state than that of now.

    Raises:
        NotFoundError: there is no such shift for this person.
        ConflictError: somebody else changed it meanwhile.
    """
    shift = await planned_shift(session, actor, shift_id)
    if form.value("seen") != seen_of(shift):
        raise ConflictError(_GONE if shift.state == "cancelled" else OVERTAKEN)
    return shift


def address(site: Site, cell: Cell) -> str:
    """Return where the cell stands in its month's table."""
    day = cell.starts_at.astimezone(site.zone).date()
    return f"/rosters/{cell.unit.code}/{day:%Y-%m}#d-{day.isoformat()}"


def back_to(site: Site, cell: Cell) -> RedirectResponse:
    """Send the browser to the table, to be fetched by GET."""
    return RedirectResponse(address(site, cell), 303)


def about(site: Site, cell: Cell) -> str:
    """Return which cell it is: the unit, the day, the seat, the hours."""
    starts, ends = cell.starts_at.astimezone(site.zone), cell.ends_at.astimezone(site.zone)
    following = say("次日") if ends.date() > starts.date() else ""
    hours = f"{starts:%H:%M}–{following}{ends:%H:%M}"
    return " ".join((cell.unit.name, words.date(starts), say(words.SEATS[cell.seat]), hours))

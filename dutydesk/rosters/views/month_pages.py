"""The duty tables: all units' months at a glance, and one unit's month in the form people know."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from dutydesk.accounts.permissions import allow_page
from dutydesk.accounts.rules import Actor
from dutydesk.errors import NotFoundError
from dutydesk.people.rules import Unit
from dutydesk.rosters.months import month_of, next_month
from dutydesk.rosters.view_queries import units_page, visible
from dutydesk.rosters.views.axis import DAY, DAYS, HEAD, LANE, TOP, read_week
from dutydesk.rosters.views.tables import PER_PAGE, read_month, read_overview, state_of
from dutydesk.web.pages import PageRoute, render
from dutydesk.web.site import Site, TheSite

# Fixed words come before a unit's name: ``by_unit`` is included after every other page of the rosters.
router = APIRouter(prefix="/rosters", route_class=PageRoute, include_in_schema=False)
by_unit = APIRouter(prefix="/rosters", route_class=PageRoute, include_in_schema=False)

Reader = Annotated[Actor, Depends(allow_page("roster:read"))]

_FIRST, _LAST = 2000, 2199


@dataclass(frozen=True, slots=True)
class Pages:
    """Where a reader stands in a long list."""

    page: int
    total: int
    size: int = PER_PAGE

    @property
    def last(self) -> int:
        """Return the number of the last page."""
        return max(1, -(-self.total // self.size))


def month_named(name: str) -> date:
    """Return the first day of a month written as 2026-12.

    Raises:
        NotFoundError: it is no month.
    """
    try:
        found = date.fromisoformat(f"{name}-01")
    except ValueError as error:
        raise NotFoundError(f"there is no month {name}") from error
    if not _FIRST <= found.year <= _LAST:
        raise NotFoundError(f"there is no month {name}")
    return found


def day_named(name: str) -> date:
    """Return the day written as 2026-12-03.

    Raises:
        NotFoundError: it is no day.
    """
    try:
        found = date.fromisoformat(name)
    except ValueError as error:
        raise NotFoundError(f"there is no day {name}") from error
    if not _FIRST <= found.year <= _LAST:
        raise NotFoundError(f"there is no day {name}")
    return found


def month_before(month: date) -> date:
    """Return the first day of the month before."""
    return month_of(date.fromordinal(month.toordinal() - 1))


def may_plan(actor: Actor, unit: Unit) -> bool:
    """Tell whether somebody may change a unit's table: the office every one, a unit contact its own."""
    return actor.may("roster:file") and actor.sees_unit(unit.id)


def this_month(site: Site) -> date:
    """Return the first day of the month it is at the site."""
    return month_of(site.clock.now().astimezone(site.zone).date())


@router.get("")
async def overview(
    request: Request,
    actor: Reader,
    site: TheSite,
    month: str = "",
    q: Annotated[str, Query(max_length=50)] = "",
    page: Annotated[int, Query(ge=1, le=10_000)] = 1,
) -> Response:
    """Show how the month stands in every unit, or in a unit contact's own."""
    now = site.clock.now()
    wanted = month_named(month) if month else this_month(site)
    only = actor.unit_id if actor.role == "unit" else None
    async with site.db.read() as session:
        units, total = await units_page(
            session, only=only, text=q.strip(), offset=(page - 1) * PER_PAGE, limit=PER_PAGE
        )
        cards = await read_overview(session, site, now, units, wanted)
    return render(
        request,
        "rosters/overview.html",
        month=wanted,
        before=month_before(wanted),
        after=next_month(wanted),
        current=this_month(site),
        week=(wanted if wanted != this_month(site) else now.astimezone(site.zone).date()).isoformat(),
        cards=cards,
        q=q.strip(),
        pages=Pages(page, total),
        horizon=site.rulebook.rosters.horizon_days,
    )


@by_unit.get("/{unit}/week/{day}")
async def week(request: Request, unit: str, day: str, actor: Reader, site: TheSite) -> Response:
    """Show the week that a day lies in, from Monday on, on a line of hours."""
    now = site.clock.now()
    wanted = day_named(day)
    start = wanted - timedelta(days=wanted.weekday())
    async with site.db.read() as session:
        found = await visible(session, actor, unit)
        drawn = await read_week(session, site, now, found, start)
    return render(
        request,
        "rosters/week.html",
        week=drawn,
        before=start - timedelta(days=DAYS),
        after=start + timedelta(days=DAYS),
        sizes={"head": HEAD, "day": DAY, "lane": LANE, "top": TOP},
    )


@by_unit.get("/{unit}/{month}")
async def month_table(request: Request, unit: str, month: str, actor: Reader, site: TheSite) -> Response:
    """Show a unit's month, to be read by everybody and changed by those who plan it."""
    now, wanted = site.clock.now(), month_named(month)
    async with site.db.read() as session:
        found = await visible(session, actor, unit)
        table = await read_month(session, site, now, found, wanted)
    return render(
        request,
        "rosters/month.html",
        table=table,
        state=state_of(table.roster, late=False),
        before=month_before(wanted),
        after=next_month(wanted),
        planner=may_plan(actor, found),
        week=table.today if month_of(table.today) == wanted else wanted,
    )

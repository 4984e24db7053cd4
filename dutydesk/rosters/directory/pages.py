"""The directory: units, people, numbers that fail, and who cannot be reached tonight."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request, Response

from dutydesk.accounts.rules import Actor
from dutydesk.db import Session
from dutydesk.people import queries as people
from dutydesk.people.rules import Person, Unit
from dutydesk.rosters.directory import queries
from dutydesk.rosters.directory.queries import Standing, Wanted
from dutydesk.rosters.directory.rules import Unreachable
from dutydesk.rosters.directory.shown import Reader, bad_numbers, entries, failing, page
from dutydesk.web.forms import Form, Input
from dutydesk.web.pages import PageRoute
from dutydesk.web.site import TheSite

router = APIRouter(prefix="/directory", route_class=PageRoute, include_in_schema=False)

PAGE = 100
_LEAST_DIGITS = 4
STANDINGS: tuple[tuple[Standing, str], ...] = (
    ("", "在职人员"),
    ("unconfirmed", "号码未确认"),
    ("unusable", "没有可用号码"),
    ("disabled", "有停用号码"),
    ("left", "已离任"),
)


@dataclass(frozen=True, slots=True)
class UnitLine:
    """One unit in the list: its head and who makes its roster, how many people, and how many numbers fail."""

    unit: Unit
    head: list[Person]
    roster: list[Person]
    people: int
    bad: int
    tonight: int


def _own(actor: Actor) -> int | None:
    """Return the unit that a reader is bound to."""
    return actor.unit_id if actor.role == "unit" else None


@router.get("")
async def units(request: Request, actor: Reader, site: TheSite, left: bool = False) -> Response:
    """List the units with duty class, telephone, head and who makes the roster."""
    now = site.clock.now()
    async with site.db.read() as session:
        found = await people.list_units(session, only=_own(actor), serving=not left)
        tonight, _, until = await queries.unreachable_tonight(session, site, now, _own(actor))
        shown = [one for one in found if not left or one.retired_at]
        lines = await _lines(session, now, actor, shown, tonight)
    return page(
        request,
        "units.html",
        lines=lines,
        left=left,
        tonight=len(tonight),
        grave=sum(one.grave for one in tonight),
        until=until,
        bad=sum(line.bad for line in lines),
    )


async def _lines(
    session: Session, now: datetime, actor: Actor, found: list[Unit], late: list[Unreachable]
) -> list[UnitLine]:
    ids = [unit.id for unit in found]
    counts = await queries.count_people(session, ids)
    posts = await people.post_holders(session, ids, now)
    persons = await people.people_by_id(session, {one for holders in posts.values() for one in holders})
    failed = await failing(session, now)
    wrong = await entries(
        session, await queries.people_with_bad_numbers(session, failed, _own(actor)), now, failed
    )
    bad: dict[int, int] = {}
    for one in bad_numbers(wrong, failed):
        bad[one.entry.unit.id] = bad.get(one.entry.unit.id, 0) + 1
    tonight: dict[int, int] = {}
    for needed in late:
        for unit_id in {one.unit_id for one in needed.sittings}:
            tonight[unit_id] = tonight.get(unit_id, 0) + 1

    def holding(unit: Unit, post: str) -> list[Person]:
        return [persons[one] for one in posts.get((unit.id, post), [])]

    ordered = sorted(found, key=lambda unit: (unit.kind != "desk", unit.kind != "division", unit.id))
    return [
        UnitLine(
            unit,
            holding(unit, "head"),
            holding(unit, "roster"),
            counts.get(unit.id, 0),
            bad.get(unit.id, 0),
            tonight.get(unit.id, 0),
        )
        for unit in ordered
    ]


@router.get("/people")
async def everybody(
    request: Request,
    actor: Reader,
    site: TheSite,
    page_number: Annotated[int, Query(alias="page", ge=1, le=1000)] = 1,
) -> Response:
    """List the people, by unit, name, number, and how they can be reached."""
    now = site.clock.now()
    async with site.db.read() as session:
        known = await people.list_units(session, only=_own(actor))
        form = _filters(request, known, actor)
        wanted = _wanted(form, known, actor)
        found, count = await queries.people_page(
            session, wanted, now, offset=(page_number - 1) * PAGE, limit=PAGE
        )
        failed = await failing(session, now)
        shown = await entries(session, found, now, failed)
    kept = {name: value for name, value in form.values.items() if value}
    return page(
        request,
        "people.html",
        shown=shown,
        form=form,
        filtered=bool(kept),
        count=count,
        number=page_number,
        pages=max(1, -(-count // PAGE)),
        address=lambda number: "/directory/people?" + urlencode(kept | {"page": str(number)}),
    )


def _filters(request: Request, known: list[Unit], actor: Actor) -> Form:
    serving = [(unit.code, unit.short_name) for unit in known if unit.retired_at is None]
    hint = "姓名、职务，或号码中的四位以上数字" if actor.may("numbers:read") else "姓名或职务"
    inputs = [
        Input("unit", "单位", "choice", choices=[("", "全部"), *serving]),
        Input("text", "查找", hint=hint, longest=50),
        Input("standing", "状态", "choice", choices=STANDINGS),
    ]
    return Form(
        inputs[1:] if _own(actor) is not None else inputs,
        {one.name: request.query_params.get(one.name, "")[:50] for one in inputs},
    )


def _wanted(form: Form, known: list[Unit], actor: Actor) -> Wanted:
    text = "".join(one for one in form.value("text") if one.isprintable())
    digits = "".join(one for one in text if one.isascii() and one.isdigit())
    plain = digits and not text.strip("0123456789+- ()")
    # An area code is written with a 0 that is not part of the stored form.
    searches = bool(plain) and len(digits) >= _LEAST_DIGITS and actor.may("numbers:read")
    unit = next((one.id for one in known if one.code == form.value("unit")), None)
    standing: Standing = next((one for one, _ in STANDINGS if one == form.value("standing")), "")
    return Wanted(
        unit_id=_own(actor) if _own(actor) is not None else unit,
        text=text,
        digits=digits.removeprefix("0") if searches else "",
        standing=standing,
    )


@router.get("/troubles")
async def troubles(request: Request, actor: Reader, site: TheSite) -> Response:
    """List the numbers that are disabled or failed lately."""
    now = site.clock.now()
    async with site.db.read() as session:
        failed = await failing(session, now)
        persons = await queries.people_with_bad_numbers(session, failed, _own(actor))
        found = bad_numbers(await entries(session, persons, now, failed), failed)
    return page(request, "troubles.html", found=found)


@router.get("/tonight")
async def tonight(request: Request, actor: Reader, site: TheSite) -> Response:
    """List who sits on a seat until tomorrow's change of duty and may not be reached, unit by unit."""
    now = site.clock.now()
    async with site.db.read() as session:
        found, persons, until = await queries.unreachable_tonight(session, site, now, _own(actor))
        failed = await failing(session, now)
        shown = {
            one.person.id: one
            for one in await entries(session, [persons[each.person_id] for each in found], now, failed)
        }
        units = await people.units_by_id(session, {seat.unit_id for one in found for seat in one.sittings})
    groups: dict[int, list[Unreachable]] = {}
    for one in found:
        for unit_id in dict.fromkeys(seat.unit_id for seat in one.sittings):
            groups.setdefault(unit_id, []).append(one)
    desk_first = sorted(groups, key=lambda unit_id: (units[unit_id].kind != "desk", unit_id))
    return page(
        request,
        "tonight.html",
        groups=[(units[unit_id], groups[unit_id]) for unit_id in desk_first],
        shown=shown,
        until=until,
        count=len(found),
        grave=sum(one.grave for one in found),
    )

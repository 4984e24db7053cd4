"""Who is on duty, as lines of text for ``dutydesk who``."""

from collections.abc import Mapping
from datetime import datetime, tzinfo

from dutydesk.db import Session
from dutydesk.people import queries as people
from dutydesk.people.rules import ContactPoint, Person, Unit
from dutydesk.rosters import queries
from dutydesk.rosters.rules import Holding, Mode, Seat, by_seat, empty_seats
from dutydesk.rosters.views.who import checked_span, read_span
from dutydesk.web.site import Site

_SEATS: Mapping[Seat, str] = {
    "leader": "带班领导",
    "supervisor": "值班主任",
    "operator_primary": "值班员(主班)",
    "operator_secondary": "值班员(副班)",
    "standby": "备班",
}
_MODES: Mapping[Mode, str] = {"on_call": "通讯畅通", "on_post": "在岗"}


async def who_lines(session: Session, at: datetime, unit: str | None, zone: tzinfo) -> list[str]:
    """Return who really holds which seat at *at*: of the unit with this code, or of every unit.

    Times are site time. Numbers are not masked: whoever runs the command can read the database.

    Raises:
        NotFoundError: there is no such unit.
    """
    units = await people.list_units(session) if unit is None else [await people.unit_by_code(session, unit)]
    held = await queries.who_holds(session, [one.id for one in units], at)
    by_unit: dict[int, list[Holding]] = {}
    for holdings in held.values():
        by_unit.setdefault(holdings[0].unit_id, []).extend(holdings)
    persons = await people.people_by_id(
        session, {found.person_id for each in by_unit.values() for found in each}
    )
    points = await people.usable_contacts(session, persons.keys())
    lines = [f"{at.astimezone(zone):%Y-%m-%d %H:%M}"]
    for one in units:
        lines += _unit_lines(one, by_seat(by_unit.get(one.id, [])), persons, points, zone)
    return lines


async def span_lines(
    session: Session, site: Site, start: datetime, end: datetime, unit: str | None
) -> list[str]:
    """Return who held which seat from *start* to *end*, and where nobody did: of one unit, or of every unit.

    Raises:
        NotFoundError: there is no such unit.
        InvalidInputError: the span ends before it begins, or is too long.
    """
    units = await people.list_units(session) if unit is None else [await people.unit_by_code(session, unit)]
    checked_span(start, end, several=len(units) > 1)
    spans, known = await read_span(session, site, units, start, end)
    lines: list[str] = []
    for span in spans:
        lines.append(f"{span.unit.name} ({span.unit.code})")
        for held in span.held:
            one = held.segment
            instead = "、".join(known.persons[person_id].name for person_id in held.planned)
            actual = "" if one.planned else f" 实际在位(原排 {instead or '无'})"
            times = _times(one.since, one.until, site.zone)
            lines.append(f"  {_SEATS[one.seat]}: {known.persons[one.person_id].name} {times}{actual}")
        lines += [
            f"  {_SEATS[gap.slot.seat]}: 空缺 {_times(gap.from_at, gap.until_at, site.zone)}"
            for gap in span.gaps
        ]
    return lines


def _times(since: datetime, until: datetime, zone: tzinfo) -> str:
    return f"{since.astimezone(zone):%m-%d %H:%M}–{until.astimezone(zone):%m-%d %H:%M}"


def _unit_lines(
    unit: Unit,
    holdings: list[Holding],
    persons: Mapping[int, Person],
    points: Mapping[int, list[ContactPoint]],
    zone: tzinfo,
) -> list[str]:
    sitting = [
        _line(found, persons[found.person_id], points.get(found.person_id, []), zone) for found in holdings
    ]
    empty = [f"  {_SEATS[seat]}: 无人" for seat in empty_seats(holdings)]
    return [f"{unit.name} ({unit.code})", *sitting, *empty]


def _line(found: Holding, person: Person, points: list[ContactPoint], zone: tzinfo) -> str:
    title = f"({person.title})" if person.title else ""
    numbers = " ".join(point.address for point in points if point.rings) or "无可用号码"
    until = "交接班签字" if found.until is None else f"{found.until.astimezone(zone):%m-%d %H:%M}"
    times = f"{found.since.astimezone(zone):%m-%d %H:%M}–{until}"
    actual = "" if found.planned else " 实际在位"
    return f"  {_SEATS[found.seat]}: {person.name}{title} {numbers} {_MODES[found.mode]}{actual} {times}"

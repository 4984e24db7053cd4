"""Which sheet, and which of its rows, is of which unit. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from dutydesk.rosters.rules.headings import bare
from dutydesk.rosters.rules.reading import ReadDay, ReadSheet, Trouble


@dataclass(frozen=True, slots=True)
class Part:
    """The rows of a sheet that are of one unit."""

    unit_id: int
    sheet: ReadSheet
    days: Sequence[ReadDay]


@dataclass(frozen=True, slots=True)
class Sorted:
    """What was found for units, and what belongs to none."""

    parts: Sequence[Part]
    troubles: Sequence[Trouble]


def for_unit(sheets: Sequence[ReadSheet], unit_id: int, names: Sequence[str], month: date) -> Sorted:
    """Return the table of one unit's month: the only one, or the one that is called like the unit or the month."""
    tables = [one for one in sheets if one.is_roster]
    own = {bare(name) for name in names}
    named = [one for one in tables if bare(one.name) in own]
    of_month = [one for one in tables if one.days and {day.day.replace(day=1) for day in one.days} == {month}]
    if len(tables) > 1:
        tables = named or of_month or tables
    if len(tables) != 1:
        name = sheets[0].name if sheets else ""
        values = tuple(one.name for one in tables)
        return Sorted((), [Trouble(name, 0, 0, "SEVERAL_TABLES" if tables else "NO_TABLE", values)])
    (table,) = tables
    mine = [one for one in table.days if not one.unit or bare(one.unit) in own]
    troubles = list(table.troubles)
    if len(mine) < len(table.days):
        first = next(one for one in table.days if one not in mine)
        values = (f"{len(table.days) - len(mine)}",)
        troubles.append(
            Trouble(table.name, first.row, first.unit_column, "UNIT_FOREIGN", values, grave=not mine)
        )
    return Sorted([Part(unit_id, table, mine)], troubles)


def for_units(sheets: Sequence[ReadSheet], units: Mapping[str, int]) -> Sorted:
    """Return the tables of many units: by a column 单位, the name of the sheet, or its title; *units* are by every name."""
    known = {bare(name): unit_id for name, unit_id in units.items()}
    tables = [one for one in sheets if one.is_roster]
    if not tables:
        name = sheets[0].name if sheets else ""
        return Sorted((), [Trouble(name, 0, 0, "NO_TABLE", ("",))])
    parts: dict[int, Part] = {}
    troubles: list[Trouble] = []
    for table in tables:
        troubles += table.troubles
        for unit_id, days in _by_unit(table, known, troubles).items():
            if unit_id in parts:
                values = (parts[unit_id].sheet.name,)
                troubles.append(Trouble(table.name, table.heading, table.day_column, "UNIT_TWICE", values))
            else:
                parts[unit_id] = Part(unit_id, table, days)
    return Sorted(list(parts.values()), troubles)


def _by_unit(table: ReadSheet, known: Mapping[str, int], troubles: list[Trouble]) -> dict[int, list[ReadDay]]:
    if not table.has_units:
        unit_id = _named(table, known)
        if unit_id is None:
            troubles.append(
                Trouble(table.name, table.heading, table.day_column, "UNIT_UNKNOWN", (table.name,))
            )
            return {}
        return {unit_id: table.days}
    found: dict[int, list[ReadDay]] = {}
    said: set[str] = set()
    for one in table.days:
        unit_id = known.get(bare(one.unit))
        if unit_id is not None:
            found.setdefault(unit_id, []).append(one)
        elif one.unit not in said:
            said.add(one.unit)
            troubles.append(Trouble(table.name, one.row, one.unit_column, "UNIT_UNKNOWN", (one.unit,)))
    return found


def _named(table: ReadSheet, known: Mapping[str, int]) -> int | None:
    """Return the unit a sheet is called by, or the longest name that stands in its title."""
    name = known.get(bare(table.name))
    if name is not None:
        return name
    title = bare(table.title)
    inside = max((one for one in known if len(one) > 1 and one in title), key=len, default=None)
    return None if inside is None else known[inside]

"""Where a person mends what the rosters owe: the page of a hole, a sign-in, a filing or a leave. Pure."""

import re
from datetime import UTC, date, datetime, tzinfo

_LEAVES = frozenset({"leave", "return", "delegate"})
_MONTH = re.compile(r"\d{4}-\d{2}")


def place_of(subject: str, unit_code: str, at: datetime, zone: tzinfo) -> str:
    """Return the address of the page on which what *subject* names is put right.

    A leave and a person have their own pages, signing in has one for all; everything else is mended in the unit's table of the month that the
    subject names (``gap/3/leader/2026-12-01T00:30``: an instant in UTC; ``roster/3/2026-12``), or else
    of the month of *at*. Without a unit it is the list of all rosters.
    """
    kind, _, rest = subject.partition("/")
    if kind in _LEAVES:
        return f"/rosters/leaves/{rest.partition('/')[0]}"
    if kind == "sign-in":
        return "/rosters/attendance"
    if kind == "reach":
        # reach/<unit>/<person>/<since>: the number is confirmed where the person's numbers are.
        return f"/directory/people/{rest.split('/')[1]}" if rest.count("/") else "/directory"
    if kind == "contact" or not unit_code:
        return "/directory" if kind == "contact" else "/rosters"
    month = next((found for part in rest.split("/") if (found := _month(part, zone))), None)
    return f"/rosters/{unit_code}/{month or at.astimezone(zone).date():%Y-%m}"


def _month(part: str, zone: tzinfo) -> date | None:
    """Return the day that a part of a subject names: a month, a day, or an instant in UTC."""
    try:
        if _MONTH.fullmatch(part):
            return date.fromisoformat(f"{part}-01")
        if "T" not in part:
            return date.fromisoformat(part) if _MONTH.match(part) else None
        found = datetime.fromisoformat(part)
    except ValueError:
        return None
    aware = found if found.tzinfo is not None else found.replace(tzinfo=UTC)
    return aware.astimezone(zone).date()

"""What a reader gets: of reports a unit contact its own unit's, of texts the numbers only who may read them. Pure."""

import re
from collections.abc import Callable, Iterable
from typing import Any

from dutydesk.accounts.rules import Actor
from dutydesk.incidents.model import Incident, Report
from dutydesk.logs import mask_number, mask_text

# What somebody said or wrote, and who of the desk did what with it.
_NOT_TOLD = {
    "logged_by": "",
    "reporter": "",
    "reporter_phone": "",
    "content": "",
    "checked_by": None,
    "voided_by": None,
    "void_reason": None,
}


def is_of_another_unit(report: Report, incident: Incident, actor: Actor) -> bool:
    """Tell whether another unit brought this report than the one its reader answers for."""
    brought_by = incident.unit_id if report.unit_id is None else report.unit_id
    return actor.role == "unit" and brought_by != actor.unit_id


def as_read(reports: Iterable[Report], incident: Incident, actor: Actor) -> list[Report]:
    """Return the reports of an incident as *actor* may read them; what is withheld is not in them at all."""
    return [
        Report(**one.model_dump() | _NOT_TOLD) if is_of_another_unit(one, incident, actor) else one
        for one in reports
    ]


# Numbers as people group them: 138 0000 0005, 010-6655 4433. Dates and times are none of these.
_GROUPED = re.compile(
    r"(?<![\d-])(?:\+?86[ -]?)?(?:1[3-9]\d[ -]?\d{4}[ -]?\d{4}|[(\uff08]?0\d{2,3}[)\uff09]?[ -]?\d{3,4}[ -]?\d{4})(?![\d])"
)


def without_numbers(text: str) -> str:
    """Return a text with every phone number in it masked, however it is grouped."""
    return mask_text(_GROUPED.sub(lambda found: mask_number(re.sub(r"[^\d+]", "", found.group())), text))


def plain_for(actor: Actor) -> Callable[[str], str]:
    """Return how a text is shown to this reader: numbers inside what somebody typed are numbers, too."""
    return str if actor.may("numbers:read") else without_numbers


def all_masked(value: Any) -> Any:
    """Return what the API says with every number in it masked; what identifies a thing stays."""
    if isinstance(value, dict):
        return {name: one if name in _NAMES_OF_THINGS else all_masked(one) for name, one in value.items()}
    if isinstance(value, list):
        return [all_masked(one) for one in value]
    return without_numbers(value) if isinstance(value, str) else value


_NAMES_OF_THINGS = frozenset({"sha256", "number", "merged_into", "incident", "subject", "unit", "rule"})

"""What makes an incident, a report or a count acceptable, what still lacks, and how incidents are numbered. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

# The required elements of a report (domain §2.3), in the order a report tells them: name and words. Those of
# OWN_COLUMNS are columns of the incident, ``casualties`` is a table, the others lie in ``Incident.elements``.
ELEMENTS: tuple[tuple[str, str], ...] = (
    ("received_at", "接报时间"),
    ("source", "信息来源"),
    ("occurred_at", "事发时间"),
    ("place", "事发地点"),
    ("nature", "事件性质"),
    ("cause", "起因"),
    ("narrative", "基本经过"),
    ("scope", "影响范围"),
    ("casualties", "人员伤亡"),
    ("property", "财产损失"),
    ("trend", "发展趋势"),
    ("leaders", "领导到位情况"),
    ("measures", "已采取措施"),
    ("next_steps", "下一步措施"),
    ("requests", "建议和要求"),
    ("on_site", "现场负责人及联系方式"),
)
OWN_COLUMNS = frozenset({"received_at", "source", "occurred_at", "place", "narrative"})
WRITTEN = tuple(name for name, _ in ELEMENTS if name not in OWN_COLUMNS and name != "casualties")

# What is counted of people, in the order it is told.
COUNTS: tuple[tuple[str, str], ...] = (
    ("dead", "死亡"),
    ("missing", "失踪"),
    ("trapped", "被困"),
    ("badly_injured", "重伤"),
    ("slightly_injured", "轻伤"),
    ("evacuated", "疏散转移"),
    ("affected", "受影响"),
)
MOST_COUNTED = 10_000_000


@dataclass(frozen=True, slots=True)
class Element:
    """One required element: what is known of it, or nothing yet (待核实)."""

    name: str
    label: str
    known: bool


def elements_of(columns: Mapping[str, Any], written: Mapping[str, str], *, counted: bool) -> list[Element]:
    """Return every required element and whether anything is known of it.

    *columns* are the incident's own, *written* what lies in ``Incident.elements``; *counted* says that
    casualties were recorded, be it that there are none.
    """
    known = {name: bool(columns.get(name)) for name in OWN_COLUMNS}
    known |= {name: bool(str(written.get(name, "")).strip()) for name in WRITTEN}
    known["casualties"] = counted
    return [Element(name, label, known[name]) for name, label in ELEMENTS]


def count_faults(
    counts: Mapping[str, int], *, as_of: datetime, occurred_at: datetime | None, now: datetime
) -> list[tuple[str, str]]:
    """Return what cannot be true about a count of people."""
    faults = [
        (name, "must be a whole number from 0")
        for name, _ in COUNTS
        if not 0 <= counts.get(name, 0) <= MOST_COUNTED
    ]
    if as_of > now:
        faults.append(("as_of", "lies in the future"))
    elif occurred_at is not None and as_of < occurred_at:
        faults.append(("as_of", "lies before the incident happened"))
    return faults


def differences(before: Mapping[str, int], after: Mapping[str, int]) -> list[tuple[str, int, int]]:
    """Return (name, before, after) of every count that was raised (核增) or lowered (核减)."""
    return [
        (name, before.get(name, 0), after.get(name, 0))
        for name, _ in COUNTS
        if before.get(name, 0) != after.get(name, 0)
    ]


def values_before(changes: Sequence[tuple[Mapping[str, Any], Mapping[str, Any]]]) -> dict[str, Any]:
    """Return what each field was before *changes* ((before, after), oldest first), of those that changed."""
    found: dict[str, Any] = {}
    for before, after in changes:
        for name in after:
            found.setdefault(name, before.get(name))
    return found


def time_faults(
    *,
    occurred_at: datetime | None,
    kind: str,
    learned_at: datetime | None,
    received_at: datetime,
    now: datetime,
) -> list[tuple[str, str]]:
    """Return (field, sentence) for everything that cannot be true about an incident's times."""
    faults: list[tuple[str, str]] = []
    for name, at in (("occurred_at", occurred_at), ("learned_at", learned_at), ("received_at", received_at)):
        if at is not None and at > now:
            faults.append((name, "lies in the future"))
    if kind == "unknown" and occurred_at is not None:
        faults.append(("occurred_at", "is given although occurred_at_kind is unknown"))
    if kind != "unknown" and occurred_at is None:
        faults.append(("occurred_at", f"is needed when occurred_at_kind is {kind}"))
    if occurred_at is not None and occurred_at > received_at:
        faults.append(("received_at", "lies before the incident happened"))
    if occurred_at is not None and learned_at is not None and learned_at < occurred_at:
        faults.append(("learned_at", "lies before the incident happened"))
    if learned_at is not None and learned_at > received_at:
        faults.append(("received_at", "lies before the unit learned of it"))
    return faults


def report_faults(
    *, reported_at: datetime, occurred_at: datetime | None, occurred_exactly: bool, now: datetime
) -> list[tuple[str, str]]:
    """Return what cannot be true about a report's time; an estimated occurrence may be wrong itself."""
    if reported_at > now:
        return [("reported_at", "lies in the future")]
    if occurred_at is not None and occurred_exactly and reported_at < occurred_at:
        return [("reported_at", "lies before the incident happened")]
    return []


def is_late_entry(reported_at: datetime, logged_at: datetime, allowed: timedelta) -> bool:
    """Tell whether a report was entered so long after it was made that it counts as 补录 (domain §2.7, case 8)."""
    return logged_at - reported_at > allowed


def incident_number(year: int, count: int, *, drill: bool) -> str:
    """Return ``2026-0001``; drills have a series of their own, ``演练-2026-1``."""
    return "-".join(("演练", str(year), str(count))) if drill else f"{year}-{count:04d}"


def series_name(year: int, *, drill: bool) -> str:
    """Return the name of the counter row of a year and series."""
    return f"drill/{year}" if drill else f"incident/{year}"

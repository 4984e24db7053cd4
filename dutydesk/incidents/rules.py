"""What makes an incident or a report acceptable, and how incidents are numbered. Pure."""

from datetime import datetime, timedelta


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
    return f"演练-{year}-{count}" if drill else f"{year}-{count:04d}"


def series_name(year: int, *, drill: bool) -> str:
    """Return the name of the counter row of a year and series."""
    return f"drill/{year}" if drill else f"incident/{year}"

"""By when a month's roster has to be there, and how it stands. Pure."""

from datetime import UTC, date, datetime, time, timedelta, tzinfo

from dutydesk.rosters.rules import RosterState
from dutydesk.rulebook.types import RosterPlan


def filing_due(month: date, plan: RosterPlan, zone: tzinfo, *, is_desk: bool) -> datetime:
    """Return by when the roster of the month beginning on *month* is due, at the end of that day's office hours.

    Units file some days before the month; the desk publishes on a day of the month before (domain §1.2).
    """
    day = month - timedelta(days=plan.file_days)
    if is_desk:
        day = (month - timedelta(days=1)).replace(day=plan.publish_day)
    return datetime.combine(day, plan.office_closes, zone).astimezone(UTC)


def is_filed(state: RosterState) -> bool:
    """Tell whether a roster in this state counts as filed."""
    return state != "draft"


def month_span(month: date, zone: tzinfo) -> tuple[datetime, datetime]:
    """Return the instants at which the month beginning on *month* begins and ends at the site."""
    after = (month.replace(day=1) + timedelta(days=32)).replace(day=1)
    first, last = (datetime.combine(day, time(), zone).astimezone(UTC) for day in (month, after))
    return first, last

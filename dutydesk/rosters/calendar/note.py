"""What every page of the rosters says of the calendar: which year's notice has to be entered."""

from fastapi import Request

from dutydesk.calendars.queries import calendar_for
from dutydesk.calendars.rules import warning_for
from dutydesk.web.site import TheSite

_PAGES = "/rosters"


async def note_calendar(request: Request, site: TheSite) -> None:
    """Keep for the pages of the rosters the year they have to warn of, if there is one (rosters/frame.html)."""
    # Not ``request.url``: an address that is not ASCII, of whatever route, must break nothing.
    if not str(request.scope["path"]).startswith(_PAGES):
        return
    today = site.clock.now().astimezone(site.zone).date()
    async with site.db.read() as session:
        calendar = await calendar_for(session, today, today)
    request.state.calendar_warning = warning_for(calendar, today)

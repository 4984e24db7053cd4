"""Every route of the rosters, in the order in which addresses are looked up."""

from fastapi import Depends, FastAPI

from dutydesk.rosters import api
from dutydesk.rosters.calendar import api as calendar_api
from dutydesk.rosters.calendar import import_pages as calendar_import
from dutydesk.rosters.calendar import pages as calendar_pages
from dutydesk.rosters.calendar import period_pages
from dutydesk.rosters.calendar.note import note_calendar
from dutydesk.rosters.changes import api as change_api
from dutydesk.rosters.changes import pages as change_pages
from dutydesk.rosters.directory.routes import ROUTERS as DIRECTORY
from dutydesk.rosters.files.routes import ROUTERS as FILES
from dutydesk.rosters.keeping import publish_pages, turn_pages
from dutydesk.rosters.leaves import api as leave_api
from dutydesk.rosters.leaves import pages as leave_pages
from dutydesk.rosters.planning import api as planning_api
from dutydesk.rosters.planning import generating_pages, rotation_pages, setup_api, setup_pages, shift_pages
from dutydesk.rosters.views import (
    cell_pages,
    exchange_pages,
    month_pages,
    person_pages,
    quality_pages,
    who_pages,
)

_ROUTERS = (
    api.router,
    calendar_api.router,
    calendar_pages.router,
    calendar_import.router,
    period_pages.router,
    change_api.router,
    leave_api.router,
    change_pages.router,
    leave_pages.router,
    month_pages.router,
    cell_pages.router,
    exchange_pages.router,
    who_pages.router,
    quality_pages.router,
    person_pages.router,
    turn_pages.router,
    setup_api.router,
    planning_api.router,
    setup_pages.router,
    rotation_pages.router,
    generating_pages.router,
    shift_pages.router,
    *FILES,
    # Last: a unit's name stands where others have a fixed word.
    month_pages.by_unit,
    publish_pages.router,
    *DIRECTORY,
)


def add_rosters(app: FastAPI) -> None:
    """Add every route of the rosters and of the directory to the application."""
    for router in _ROUTERS:
        app.include_router(router, dependencies=[Depends(note_calendar)])

"""The routes of files in and out, and of calendar feeds."""

from dutydesk.rosters.files import feed_pages, import_pages
from dutydesk.rosters.files import pages as file_pages

# Before the page of a unit's month, whose address they begin with.
ROUTERS = (
    file_pages.api,
    feed_pages.open_router,
    feed_pages.router,
    import_pages.router,
    file_pages.router,
)

"""Every route of the directory, in the order in which addresses are looked up."""

from dutydesk.alerts import check_api, check_pages
from dutydesk.people import changes_api
from dutydesk.rosters.directory import (
    api,
    contact_pages,
    pages,
    person_pages,
    post_pages,
    transfer_pages,
    unit_pages,
)

ROUTERS = (
    changes_api.router,
    check_api.router,
    api.router,
    pages.router,
    transfer_pages.router,
    unit_pages.router,
    post_pages.router,
    person_pages.router,
    contact_pages.router,
    check_pages.router,
)

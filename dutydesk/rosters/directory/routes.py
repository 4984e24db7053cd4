"""Every route of the directory, in the order in which addresses are looked up."""

from fastapi import FastAPI

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

_ROUTERS = (
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


def add_directory(app: FastAPI) -> None:
    """Add every route of the directory to the application."""
    for router in _ROUTERS:
        app.include_router(router)

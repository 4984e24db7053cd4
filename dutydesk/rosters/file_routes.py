"""The routes of files in and out, and of calendar feeds."""

from fastapi import FastAPI

from dutydesk.rosters import feed_pages, file_pages, import_pages


def add_files(app: FastAPI) -> None:
    """Add them; before the page of a unit's month, whose address they begin with."""
    app.include_router(file_pages.api)
    app.include_router(feed_pages.open_router)
    for pages in (feed_pages, import_pages, file_pages):
        app.include_router(pages.router)

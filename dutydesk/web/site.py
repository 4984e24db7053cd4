"""What a request needs of the running process, built once by ``wiring``."""

from dataclasses import dataclass, field
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from fastapi import Depends, Request

from dutydesk.clock import Clock
from dutydesk.db import Database
from dutydesk.rulebook.types import Rulebook
from dutydesk.settings import Settings
from dutydesk.web.live import Bell

Sending = Literal["console", "simulated", "real"]


@dataclass(frozen=True, slots=True)
class Site:
    """The database, the clock, the settings and the rulebook of this process.

    ``sending`` says how alerts leave: not at all (console), to a simulator on loopback, or for real.
    ``loopback`` is True while only this machine can reach the service.
    """

    db: Database
    clock: Clock
    settings: Settings
    rulebook: Rulebook
    sending: Sending = "console"
    loopback: bool = True
    bell: Bell = field(default_factory=Bell)

    @property
    def zone(self) -> ZoneInfo:
        """The site's time zone, for the edges only."""
        return self.settings.zone


def site_of(request: Request) -> Site:
    """Return the site the application was built with (a FastAPI dependency)."""
    site: Site = request.app.state.site
    return site


TheSite = Annotated[Site, Depends(site_of)]

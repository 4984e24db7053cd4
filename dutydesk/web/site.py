"""What a request needs of the running process, built once by ``wiring``."""

import secrets
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
    # Whoever reads this off the terminal of a new installation may make its administrator.
    setup_code: str = field(default_factory=lambda: secrets.token_urlsafe(9))
    # Signs what the pages sign where no SECRET_KEY is set: it holds until this process ends.
    passing_key: str = field(default_factory=secrets.token_hex)
    # Accounts of a demonstration (login, name, what it is, password), shown where one signs in.
    demo_logins: tuple[tuple[str, str, str, str], ...] = ()

    @property
    def signing_key(self) -> str:
        """The key of what the pages sign; without ``SECRET_KEY`` one that holds until this process ends."""
        return self.settings.secret_key.get_secret_value() or self.passing_key

    @property
    def zone(self) -> ZoneInfo:
        """The site's time zone, for the edges only."""
        return self.settings.zone


def site_of(request: Request) -> Site:
    """Return the site the application was built with (a FastAPI dependency)."""
    site: Site = request.app.state.site
    return site


TheSite = Annotated[Site, Depends(site_of)]

"""Builds everything once; the only place that picks real or console providers."""

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

import httpx2

from dutydesk.alerts.claims import IN_FLIGHT, Delivery
from dutydesk.alerts.providers.console import ConsoleProvider
from dutydesk.alerts.providers.twilio import TwilioProvider
from dutydesk.alerts.providers.types import Carriers, Provider
from dutydesk.clock import Clock
from dutydesk.db import Database
from dutydesk.errors import InvalidInputError, RefusedToStartError
from dutydesk.logs import log
from dutydesk.metrics import Metrics
from dutydesk.people.numbers import parse_number
from dutydesk.rulebook.checks import PROVIDERS
from dutydesk.rulebook.loader import load_rulebook
from dutydesk.rulebook.types import ProviderPlan, Rulebook
from dutydesk.settings import ProviderSecrets, Settings
from dutydesk.web.site import Sending, Site

_FEWEST_LAST_RESORTS = 2
_HEARTBEAT_SECONDS = 10.0

_log = log("wiring")


class Keeper(Protocol):
    """What the web part needs of the clockwork beside it (``worker.Clockwork``)."""

    async def start(self) -> None:
        """Begin to tick."""
        ...

    async def stop(self) -> None:
        """Stop ticking and let the requests under way be recorded."""
        ...

    def age(self, now: datetime) -> timedelta | None:
        """Return how long ago the last full pass ended; None before the first."""
        ...

    @property
    def last_failed(self) -> bool:
        """Tell whether a row failed in the last pass."""
        ...


@dataclass(slots=True)
class Wired:
    """One process: what its web part and its clockwork are made of."""

    site: Site
    carriers: Carriers
    delivery: Delivery
    metrics: Metrics
    http: httpx2.AsyncClient

    async def heartbeat(self, url: str, sealed: str) -> str:
        """Ping the watcher outside with the head of the audit chain; return ``sent`` or ``failed``."""
        try:
            answer = await self.http.get(url, params={"audit": sealed}, timeout=_HEARTBEAT_SECONDS)
            answer.raise_for_status()
        except httpx2.HTTPError as error:
            _log.warning("the heartbeat was not taken", error=str(error))
            return "failed"
        return "sent"


def config_folder(settings: Settings) -> Path:
    """Return the folder of ``*.toml``: the setting, else the checkout's, else the installed package's.

    Raises:
        RefusedToStartError: when the folder that was set does not exist.
    """
    if settings.config_dir is not None:
        if not settings.config_dir.is_dir():
            message = f"DUTYDESK_CONFIG_DIR: there is no folder {settings.config_dir}"
            raise RefusedToStartError(message)
        return settings.config_dir
    package = Path(__file__).parent
    checkout = package.parent / "config"
    return checkout if checkout.is_dir() else package / "_config"


def wire(
    settings: Settings,
    clock: Clock,
    *,
    transport: httpx2.AsyncBaseTransport | None = None,
    loopback: bool = True,
) -> Wired:
    """Build a process from its settings; nothing is opened or sent yet.

    *transport* replaces the network (simulators in tests). *loopback* says that only this machine can
    reach the service.

    Raises:
        RefusedToStartError: naming everything that is wrong with the settings or ``config/``.
    """
    rulebook = load_rulebook(config_folder(settings), settings.language)
    http = httpx2.AsyncClient(transport=transport) if transport is not None else httpx2.AsyncClient()
    sending = sending_mode(settings, rulebook)
    carriers = Carriers(_providers(settings, rulebook, sending, http), settings.public_url.rstrip("/"))
    try:
        db = Database(settings.database_url)
    except Exception as error:
        message = f"DUTYDESK_DATABASE_URL: {error}"
        raise RefusedToStartError(message) from error
    site = Site(db, clock, settings, rulebook, sending, loopback)
    db.on_commit(site.bell.ring)
    metrics = Metrics()
    delivery = Delivery(site, carriers, metrics, asyncio.Semaphore(IN_FLIGHT))
    return Wired(site, carriers, delivery, metrics, http)


async def close(wired: Wired) -> None:
    """Close the connections of a process."""
    await wired.http.aclose()
    await wired.site.db.dispose()


def sending_mode(settings: Settings, rulebook: Rulebook) -> Sending:
    """Return how alerts leave this process.

    Real sending needs the explicit setting. A simulator on loopback is not a real provider and needs
    none. Everything else goes to the console, and every page says so.

    Raises:
        RefusedToStartError: for real sending without two numbers of last resort, or with providers
            that are not set up.
    """
    plans = [plan for plan in rulebook.providers if plan.kind == "twilio"]
    if settings.send_for_real:
        _refuse_unready(settings, plans)
        return "real"
    urls = [settings.secrets_of(plan.name).api_base_url for plan in plans]
    return "simulated" if urls and all(is_loopback_url(url) for url in urls) else "console"


def _refuse_unready(settings: Settings, plans: list[ProviderPlan]) -> None:
    faults = []
    faults += [f"DUTYDESK_LAST_RESORT: {one!r} is no telephone number" for one in unreadable(settings)]
    if len(set(settings.last_resort)) < _FEWEST_LAST_RESORTS:
        faults.append(
            "DUTYDESK_LAST_RESORT: real sending needs at least two numbers to call when nobody else can be told"
        )
    if is_loopback_url(settings.public_url):
        faults.append("DUTYDESK_PUBLIC_URL: the provider cannot call back an address of this machine")
    if not settings.secret_key.get_secret_value():
        faults.append("DUTYDESK_SECRET_KEY: is empty; real sending needs one of your own")
    if not plans:
        faults.append(f"{PROVIDERS}: provider: there is no provider that can really send")
    faults += [
        f"{PROVIDERS}: provider[{plan.name}]: {missing}"
        for plan in plans
        for missing in _missing(settings, plan)
    ]
    if faults:
        raise RefusedToStartError("\n".join(faults))


def unreadable(settings: Settings) -> list[str]:
    """Return which numbers of last resort cannot be called."""
    wrong = []
    for text in settings.last_resort:
        try:
            parse_number(text)
        except InvalidInputError:
            wrong.append(text)
    return wrong


def _missing(settings: Settings, plan: ProviderPlan) -> list[str]:
    secrets = settings.secrets_of(plan.name)
    prefix = f"DUTYDESK_PROVIDERS__{plan.name.upper()}__"
    wanted = {
        "ACCOUNT_SID": secrets.account_sid,
        "AUTH_TOKEN": secrets.auth_token.get_secret_value(),
        "FROM_NUMBER": secrets.from_number,
    }
    return [f"{prefix}{name} is not set" for name, value in wanted.items() if not value]


def is_loopback_url(url: str) -> bool:
    """Tell whether a URL can only mean this machine."""
    host = urlsplit(url).hostname or ""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _providers(
    settings: Settings, rulebook: Rulebook, sending: Sending, http: httpx2.AsyncClient
) -> tuple[Provider, ...]:
    if sending == "console":
        return (ConsoleProvider(),)
    return tuple(
        _twilio(plan, settings.secrets_of(plan.name), http)
        for plan in rulebook.providers
        if plan.kind == "twilio"
    )


def _twilio(plan: ProviderPlan, secrets: ProviderSecrets, http: httpx2.AsyncClient) -> Provider:
    return TwilioProvider(
        plan.name,
        plan.channels,
        account_sid=secrets.account_sid,
        auth_token=secrets.auth_token.get_secret_value(),
        from_number=secrets.from_number,
        http=http,
        api_base_url=secrets.api_base_url,
    )

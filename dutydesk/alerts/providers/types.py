"""What a provider is asked and what it answers: values, not exceptions."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

from dutydesk.rulebook.types import Channel

# A provider says or gives up within this; a lease is longer, so that it never ends while its request is under way.
REQUEST_SECONDS = 10.0

Answer = Literal["accepted", "refused", "unknown", "fault"]


@dataclass(frozen=True, slots=True)
class Sent:
    """A provider's answer to a request.

    ``refused``: understood and turned down (``code`` says why). ``fault``: it did not take the
    request, a repetition is safe. ``unknown``: it may have taken it; ask before repeating.
    """

    answer: Answer
    reference: str | None = None
    code: str | None = None
    text: str = ""


@dataclass(frozen=True, slots=True)
class Status:
    """How something sent earlier stands, in the words of an attempt's states."""

    state: str
    code: str | None = None
    text: str = ""


@dataclass(frozen=True, slots=True)
class Found:
    """Something the provider has on record for a number."""

    reference: str
    created_at: datetime
    body: str
    status: Status


@dataclass(frozen=True, slots=True)
class CallPlan:
    """Where the provider fetches what to say and reports what happened, and how long it lets it ring."""

    twiml_url: str
    status_url: str
    ring_seconds: int


class Provider(Protocol):
    """One named way of sending SMS and placing calls."""

    name: str
    channels: tuple[Channel, ...]

    async def send_sms(self, to: str, body: str, status_url: str) -> Sent:
        """Send one SMS to an E.164 number."""
        ...

    async def place_call(self, to: str, plan: CallPlan) -> Sent:
        """Ring an E.164 number."""
        ...

    async def look_up(self, channel: Channel, reference: str) -> Status | None:
        """Return how it stands, or None when the provider does not answer."""
        ...

    async def find(self, channel: Channel, to: str, since: datetime) -> list[Found] | None:
        """Return what was created for a number since then, or None when the provider does not answer."""
        ...

    async def cancel_call(self, reference: str) -> None:
        """Stop a call that is queued or ringing; one that was answered or has ended is left alone."""
        ...

    def is_genuine(self, url: str, form: Mapping[str, str], signature: str) -> bool:
        """Tell whether a callback was signed with this provider's secret."""
        ...


@dataclass(frozen=True, slots=True)
class Carriers:
    """The providers of this process in the order of use, and the address they call back."""

    providers: tuple[Provider, ...]
    public_url: str

    def for_channel(self, channel: Channel) -> tuple[Provider, ...]:
        """Return the providers that carry a channel, in order."""
        return tuple(provider for provider in self.providers if channel in provider.channels)

    def named(self, name: str) -> Provider | None:
        """Return the provider of that name, if it is configured."""
        return next((provider for provider in self.providers if provider.name == name), None)

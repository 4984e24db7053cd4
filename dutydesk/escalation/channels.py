"""The settings page of the channels: providers, how they do, what was used of the budgets, a test to oneself."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse

from dutydesk.accounts.permissions import allow_page
from dutydesk.accounts.rules import Actor
from dutydesk.alerts.model import Attempt
from dutydesk.alerts.providers.types import Carriers
from dutydesk.alerts.queries import recent_tries
from dutydesk.alerts.rules import FAILURE_CLASSES, OUR_SIDE, free_from, longest_window
from dutydesk.db import Session
from dutydesk.errors import ConflictError
from dutydesk.escalation import queries, shown
from dutydesk.escalation.own_test import own_mobile, recipient_of, send_own_test
from dutydesk.escalation.queries import Tally
from dutydesk.people.queries import people_by_id
from dutydesk.rulebook.types import Cap, Channel, ProviderPlan
from dutydesk.settings import Settings
from dutydesk.web import words
from dutydesk.web.languages import say
from dutydesk.web.pages import PageRoute, render
from dutydesk.web.site import Site, TheSite

router = APIRouter(prefix="/settings/providers", route_class=PageRoute, include_in_schema=False)

Reader = Annotated[Actor, Depends(allow_page("settings:read"))]
Caller = Annotated[Actor, Depends(allow_page("calls:own"))]

_DAY = timedelta(hours=24)
_LATEST = 20
_NUMBERS = 30

OUTCOMES = {
    "key": "按键确认",
    "passed_on": "转下一位",
    "no_key": "无人按键",
    "delivered": "已送达",
    "undelivered": "未送达",
    "provider_fault": "通道故障",
    "contact_fault": "号码不可用",
    "our_fault": "本系统故障",
    "unknown": "结果不明",
    "cancelled": "已取消",
}
ATTEMPTS = {
    "claimed": "正在发送",
    "accepted": "已交通道",
    "sent": "已发出",
    "ringing": "振铃中",
    "answered": "已接通",
    "delivered": "已送达",
    "completed": "已结束",
    "failed": "失败",
}
ALERTS = {
    "queued": "等待发送",
    "sending": "正在发送",
    "accepted": "已交通道",
    "sent": "已发出，待回执",
    "delivered": "已送达",
    "failed": "未能发出",
    "cancelled": "已取消",
}
CLASSES = {
    "contact": "号码不可用",
    "no_sms": "号码不能收短信",
    "transient": "通道暂时故障",
    "policy": "通道限制（地区、内容或权限）",
    "ours": "本系统的设置有误",
    "unknown": "结果不明，已向通道核对",
}
KINDS = {"twilio": "Twilio 兼容接口", "console": "仅写日志"}
_BY_OUTCOME = {
    "contact_fault": "contact",
    "undelivered": "transient",
    "provider_fault": "transient",
    "our_fault": "ours",
    "unknown": "unknown",
}


@dataclass(frozen=True, slots=True)
class Instance:
    """A configured provider, in the order of use."""

    plan: ProviderPlan
    ready: bool
    in_use: bool
    from_number: str


@dataclass(frozen=True, slots=True)
class Health:
    """What became of a provider's attempts by one channel within a day."""

    provider: str
    channel: Channel
    count: int
    failed: int
    last_at: datetime


@dataclass(frozen=True, slots=True)
class Failures:
    """Failures of one class within a day."""

    provider: str
    channel: Channel
    kind: str
    code: str
    count: int
    last_at: datetime


@dataclass(frozen=True, slots=True)
class Use:
    """How much of a cap one number has used; ``free_at`` is set where nothing is left."""

    number: str
    who: str
    cap: Cap
    used: int
    free_at: datetime | None


def instances(settings: Settings, plans: Sequence[ProviderPlan], carriers: Carriers) -> list[Instance]:
    """Return the configured providers, and whether this process sends by them."""
    used = {provider.name for provider in carriers.providers}
    found = []
    for plan in plans:
        secrets = settings.secrets_of(plan.name)
        given = (secrets.account_sid, secrets.auth_token.get_secret_value(), secrets.from_number)
        ready = plan.kind == "console" or all(given)
        found.append(Instance(plan, ready, plan.name in used, secrets.from_number))
    return found


def failure_class(outcome: str | None, code: str | None) -> str | None:
    """Return of which class an ended attempt's failure is; None for none."""
    if outcome not in _BY_OUTCOME:
        return None
    return FAILURE_CLASSES.get(code or "", _BY_OUTCOME[outcome])


def health(found: Sequence[Tally]) -> list[Health]:
    """Add up the outcomes of a day by provider and channel."""
    made = []
    for provider, channel in sorted({(one.provider, one.channel) for one in found}):
        mine = [one for one in found if (one.provider, one.channel) == (provider, channel)]
        failed = sum(one.count for one in mine if one.outcome in OUR_SIDE or one.outcome == "undelivered")
        last = max(one.last_at for one in mine)
        made.append(Health(provider, channel, sum(one.count for one in mine), failed, last))
    return made


def failures(found: Sequence[Tally]) -> list[Failures]:
    """Return the failures of a day by class, the most frequent first."""
    made = [
        Failures(one.provider, one.channel, kind, one.code or "", one.count, one.last_at)
        for one in found
        if (kind := failure_class(one.outcome, one.code)) is not None
    ]
    return sorted(made, key=lambda one: (-one.count, one.provider, one.code))


async def uses(session: Session, caps: Sequence[Cap], now: datetime) -> list[Use]:
    """Return what the busiest numbers have used of each cap, the fullest first; counted as a claim counts it."""
    since = now - longest_window(caps)
    owners = dict(await queries.busiest_numbers(session, since, _NUMBERS))
    people = await people_by_id(session, {one for one in owners.values() if one is not None})
    recent = await recent_tries(session, owners.keys(), since)
    made = []
    for cap in caps:
        for number, person_id in owners.items():
            tries = recent.get((cap.channel, number), [])
            used = sum(at > now - cap.window for at in tries)
            free = free_from(cap.channel, tries, [cap], now)
            who = people[person_id].name if person_id in people else ""
            if used:
                made.append(Use(number, who, cap, used, free if free > now else None))
    return sorted(made, key=lambda one: (-one.used / one.cap.count, one.number))[:_NUMBERS]


async def _page(request: Request, actor: Actor, site: Site, status: int = 200, fault: str = "") -> Response:
    now = site.clock.now()
    carriers: Carriers = request.app.state.carriers
    async with site.db.read() as session:
        tallies = await queries.tallies(session, now - _DAY)
        latest = await queries.latest_attempts(session, _LATEST)
        people = await people_by_id(session, {one.person_id for one in latest if one.person_id is not None})
        used = await uses(session, site.rulebook.caps, now)
        mobile = await own_mobile(session, actor)
        tests = await queries.own_tests(session, recipient_of(actor.person_id or 0))
    return render(
        request,
        "settings/providers.html",
        status,
        instances=instances(site.settings, site.rulebook.providers, carriers),
        health=health(tallies),
        failures=failures(tallies),
        latest=[(one, people[one.person_id].name if one.person_id in people else "") for one in latest],
        ended=_ended,
        uses=used,
        caps=[_cap(cap) for cap in site.rulebook.caps],
        mobile=mobile,
        tests=tests,
        fault=fault,
        masked=not actor.may("numbers:read"),
        kinds=KINDS,
        classes=CLASSES,
        states=ALERTS,
        shown=shown,
    )


def _ended(one: Attempt) -> str:
    return say(OUTCOMES[one.outcome] if one.outcome is not None else ATTEMPTS[one.state])


def _cap(cap: Cap) -> str:
    return say(
        "{channel}：同一号码{length}内最多{count}次",
        channel=say(words.CHANNELS[cap.channel]),
        length=shown.length(cap.window),
        count=cap.count,
    )


@router.get("")
async def providers(request: Request, actor: Reader, site: TheSite) -> Response:
    """Show the providers, how they do, and what was used of the budgets."""
    return await _page(request, actor, site)


@router.post("/test")
async def tested(request: Request, actor: Caller, site: TheSite) -> Response:
    """Send a test SMS to the person that the account is linked with."""

    async def queued(session: Session) -> None:
        await send_own_test(session, site, site.clock.now(), actor)

    try:
        await site.db.run(queued)
    except ConflictError as error:
        return await _page(request, actor, site, error.status, error.detail)
    return RedirectResponse("/settings/providers#test", 303)

"""Asking whether a number is right: by which way, how it stands, and the code that was read back."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Request, Response
from fastapi.responses import RedirectResponse

from dutydesk.accounts.permissions import allow_page
from dutydesk.accounts.rules import Actor
from dutydesk.alerts import check_queries, checks
from dutydesk.alerts.check_rules import MOST_TRIES, channels_of, shows_code
from dutydesk.alerts.model import Alert, Attempt
from dutydesk.db import Session
from dutydesk.errors import DutydeskError
from dutydesk.people import queries
from dutydesk.people.lists import LARGEST_ID
from dutydesk.people.rules import CheckMethod, ContactPoint
from dutydesk.web.forms import Form, Input, typed
from dutydesk.web.languages import say
from dutydesk.web.pages import PageRoute, render
from dutydesk.web.site import Site, TheSite

router = APIRouter(prefix="/directory", route_class=PageRoute, include_in_schema=False)

Keeper = Annotated[Actor, Depends(allow_page("directory:write"))]
Identity = Annotated[int, Path(ge=1, le=LARGEST_ID)]

METHODS: dict[CheckMethod, str] = {"keypad": "按键输入", "read_back": "回读"}
RESULTS = {
    "confirmed": "已核对",
    "wrong": "验证码错{count}次，未通过",
    "expired": "已过期",
    "replaced": "已另行发起",
}
_METHOD = (Input("method", "核对方式", "choice", required=True, choices=tuple(METHODS.items())),)
_CODE = (Input("code", "对方读回的验证码", required=True, hint="四位数字", longest=4),)


@dataclass(frozen=True, slots=True)
class Way:
    """How a message of a check stands."""

    channel: str
    words: str


def _way(alert: Alert, attempts: Sequence[Attempt]) -> Way:
    last = attempts[-1] if attempts else None
    if last is None:
        return Way(alert.channel, "已取消" if alert.state == "cancelled" else "即将发出")
    if alert.channel == "sms":
        outcomes = {
            "delivered": "已送达",
            "undelivered": "未送达",
            "contact_fault": "号码不能收短信",
            "provider_fault": "通道故障，未发出",
            "our_fault": "通道故障，未发出",
        }
        return Way("sms", outcomes.get(last.outcome or "", "已发出"))
    if last.ended_at is not None:
        heard = "通话已结束" if last.answered_at is not None else "未接听"
        faulty = last.outcome in ("contact_fault", "provider_fault", "our_fault")
        return Way("voice", "没有接通" if faulty else heard)
    return Way("voice", "通话中" if last.answered_at is not None else "正在呼叫")


async def _facts(session: Session, site: Site, contact_id: int) -> dict[str, Any]:
    now = site.clock.now()
    point = await queries.contact(session, contact_id)
    person = await queries.person(session, point.person_id)
    unit = (await queries.units_by_id(session, [person.unit_id]))[person.unit_id]
    rows = await check_queries.checks_of(session, contact_id)
    running = rows[0] if rows and not check_queries.result_of(rows[0], now) else None
    ways: list[Way] = []
    if running is not None:
        alerts = await check_queries.alerts_of(session, running.id or 0)
        attempts = await check_queries.attempts_of(session, [one.id or 0 for one in alerts])
        ways = [_way(one, attempts.get(one.id or 0, ())) for one in alerts]
    return {
        "point": point,
        "person": person,
        "unit": unit,
        "running": running,
        "left": 0 if running is None else MOST_TRIES - running.tries,
        "ways": ways,
        "code": running.code if running is not None and shows_code(running.method, point.kind) else "",
        "earlier": [(row, check_queries.result_of(row, now)) for row in rows if row is not running],
        "methods": _offered(point),
        "words_of": {"methods": METHODS, "results": _results()},
    }


def _results() -> dict[str, str]:
    return {result: say(text, count=MOST_TRIES) for result, text in RESULTS.items()}


def _offered(point: ContactPoint) -> list[tuple[CheckMethod, str, str]]:
    """Return the ways a number can be asked, with what will happen."""
    if not point.rings:
        return []
    how: dict[CheckMethod, str] = {
        "keypad": "向该手机发出验证码短信，约15秒后来电，本人在电话上输入。"
        if channels_of("keypad", point.kind) == ("sms", "voice")
        else "本页显示验证码，由办公室告知本人；系统拨打该号码，本人在电话上输入。",
        "read_back": "向该手机发出验证码短信，本人读给办公室，办公室在本页填写。"
        if point.kind == "mobile"
        else "系统拨打该号码念出验证码，本人读给办公室，办公室在本页填写。",
    }
    return [(method, name, how[method]) for method, name in METHODS.items()]


async def _page(
    request: Request, site: Site, contact_id: int, form: Form | None = None, status: int = 200
) -> Response:
    async with site.db.read() as session:
        facts = await _facts(session, site, contact_id)
    return render(request, "directory/check.html", status, form=form or Form(_CODE), **facts)


@router.get("/contacts/{contact_id}/check")
async def check(request: Request, contact_id: Identity, _actor: Keeper, site: TheSite) -> Response:
    """Show how a number can be asked, and how the last asking stands."""
    return await _page(request, site, contact_id)


@router.get("/contacts/{contact_id}/check/live")
async def live(request: Request, contact_id: Identity, _actor: Keeper, site: TheSite) -> Response:
    """Return the part of the page that changes."""
    async with site.db.read() as session:
        facts = await _facts(session, site, contact_id)
    return render(request, "directory/check_live.html", **facts)


@router.post("/contacts/{contact_id}/check")
async def begin(request: Request, contact_id: Identity, actor: Keeper, site: TheSite) -> Response:
    """Send the code, or ring the number."""
    form = await typed(request, _METHOD)
    method: CheckMethod = "read_back" if form.value("method") == "read_back" else "keypad"

    async def begun(session: Session) -> None:
        await checks.begin_check(session, site, site.clock.now(), actor, contact_id, method)

    try:
        await site.db.run(begun)
    except DutydeskError as error:
        refused = Form(_CODE)
        return await _page(request, site, contact_id, refused, refused.refused(error))
    return RedirectResponse(f"/directory/contacts/{contact_id}/check", 303)


@router.post("/checks/{check_id}/read-back")
async def read_back(request: Request, check_id: Identity, actor: Keeper, site: TheSite) -> Response:
    """Take the code that was read back."""
    form = await typed(request, _CODE)
    form.check_required()
    async with site.db.read() as session:
        contact_id = (await check_queries.check(session, check_id)).contact_id
    if form.faults:
        return await _page(request, site, contact_id, form, 422)

    async def taken(session: Session) -> str:
        return await checks.read_back(session, site.clock.now(), actor, check_id, form.value("code"))

    try:
        judgement = await site.db.run(taken)
    except DutydeskError as error:
        return await _page(request, site, contact_id, form, form.refused(error))
    if judgement == "right":
        return RedirectResponse(f"/directory/contacts/{contact_id}/check", 303)
    form.fault("code", "验证码不对，请再听一遍" if judgement == "wrong" else "这次核对已经结束，请重新发起")
    return await _page(request, site, contact_id, form, 422)

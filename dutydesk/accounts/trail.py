"""The audit trail as the auditor reads it, and its verification."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Query, Request, Response

from dutydesk.accounts.permissions import allow_page
from dutydesk.accounts.rules import Actor
from dutydesk.accounts.trail_words import ACTIONS, KEYS, SUBJECTS
from dutydesk.audit.model import AuditEntry
from dutydesk.audit.queries import VerifyResult, Wanted, newest, verify
from dutydesk.audit.rules import Break
from dutydesk.errors import InvalidInputError
from dutydesk.web import words
from dutydesk.web.forms import Form, Input, typed
from dutydesk.web.languages import say
from dutydesk.web.pages import PageRoute, render
from dutydesk.web.site import Site, TheSite

router = APIRouter(prefix="/settings/audit", route_class=PageRoute, include_in_schema=False)

Auditor = Annotated[Actor, Depends(allow_page("audit:read"))]

_PAGE = 50
# PostgreSQL's largest integer: ids are.
_LARGEST_ID = 2**31 - 1

_VALUES: Mapping[str, Mapping[str, str]] = {
    "role": words.ROLES,
    "seat": words.SEATS,
    "grade": words.GRADES,
    "state": words.OBLIGATION_STATES | words.INCIDENT_STATES,
    "base": words.BASES,
    "duty_class": words.DUTY_CLASSES,
    "employment": words.EMPLOYMENTS,
    "how": words.CHECK_METHODS,
    "post": words.POSTS,
    "rank": words.RANKS,
    "kind": words.REPORTS
    | words.CONTACT_KINDS
    | words.PROOFS
    | words.CHANNELS
    | words.DAY_KINDS
    | {"desk": "值班室", "division": "处室", "subordinate": "局属单位"},
}
_BREAKS = {
    "edited": "第{number}条与封存时不一致，可能被改动",
    "gap": "第{number}条缺失，可能被删除",
    "unlinked": "第{number}条与前一条不相连，可能被插入或调换",
    "cut": "第{number}条起缺失，末尾可能被截去",
}

FILTERS = (
    Input("actor", "操作人", longest=50),
    Input("action", "操作", "choice", choices=(("", "全部"), *ACTIONS.items())),
    Input("subject", "对象", hint="例如 incident:2026-0001、account:chenxiao", longest=100),
    Input("from", "自", "day"),
    Input("until", "至", "day"),
)
_HEAD = (
    Input(
        "head",
        "记录在案的末条校验码",
        hint="交接班表、通报上印的“序号:校验码”；填写后可查出末尾是否被截去",
        longest=100,
    ),
)


@dataclass(frozen=True, slots=True)
class Shown:
    """One entry in the words of the page; what has no words stands as it was recorded."""

    row: AuditEntry
    action: str
    subject: str
    detail: list[tuple[str, str]]


def shown(row: AuditEntry) -> Shown:
    """Put an entry into words."""
    kind, _, name = row.subject.partition(":")
    subject = f"{say(SUBJECTS[kind])} {name}".strip() if kind in SUBJECTS else row.subject
    action = say(ACTIONS[row.action]) if row.action in ACTIONS else row.action
    return Shown(row, action, subject, [(_key(key), _value(key, value)) for key, value in row.detail.items()])


def _key(key: str) -> str:
    return say(KEYS[key]) if key in KEYS else key


def _value(key: str, value: Any) -> str:
    match value:
        case bool():
            return say("是") if value else say("否")
        case None | "":
            return say("无")
        case dict():
            parts = (
                say("{name}：{value}", name=_key(one), value=_value(one, two)) for one, two in value.items()
            )
            return say("；").join(parts) or say("无")
        case list():
            return words.listed(_value(key, one) for one in value) or say("无")
        case str() if value in _VALUES.get(key, {}):
            return say(_VALUES[key][value])
        case _:
            return str(value)


@router.get("")
async def trail(
    request: Request,
    _actor: Auditor,
    site: TheSite,
    before: Annotated[int | None, Query(ge=1, le=_LARGEST_ID)] = None,
) -> Response:
    """List what was done, newest first."""
    form = Form(FILTERS, {one.name: request.query_params.get(one.name, "") for one in FILTERS})
    wanted = wanted_of(form, site.zone)
    return await _page(request, site, form, wanted, before)


def wanted_of(form: Form, zone: tzinfo) -> Wanted:
    """Return what a form of the filters asks for; what is wrong is noted on it."""
    return Wanted(
        _plain(form.value("actor")),
        form.value("action") if form.value("action") in ACTIONS else "",
        _plain(form.value("subject")),
        _midnight(form, "from", zone),
        _midnight(form, "until", zone, timedelta(days=1)),
    )


def _plain(text: str) -> str:
    """Return a text that any database takes."""
    return "".join(one for one in text if one.isprintable())[:100]


def _midnight(form: Form, name: str, zone: tzinfo, later: timedelta = timedelta(0)) -> datetime | None:
    """Return when a day that was typed begins at the site, or so much later; notes a fault when it is none."""
    typed_day = form.value(name)
    if not typed_day:
        return None
    try:
        return (datetime.combine(date.fromisoformat(typed_day), time(), zone) + later).astimezone(UTC)
    except (ValueError, OverflowError):
        form.fault(name, "日期格式不对，例如 2026-11-23")
        return None


async def _page(
    request: Request,
    site: Site,
    form: Form,
    wanted: Wanted,
    before: int | None = None,
    *,
    head: Form | None = None,
    found: VerifyResult | None = None,
) -> Response:
    async with site.db.read() as session:
        rows = await newest(session, wanted, before=before, limit=_PAGE + 1)
    kept = {name: value for name, value in form.values.items() if value}
    older = rows[_PAGE - 1].id if len(rows) > _PAGE else None
    faults = bool(form.faults) or (head is not None and bool(head.faults))
    return render(
        request,
        "settings/audit.html",
        422 if faults else 200,
        rows=[shown(row) for row in rows[:_PAGE]],
        form=form,
        filtered=bool(kept),
        first=before is None,
        newest=f"/settings/audit?{urlencode(kept)}",
        older=None if older is None else f"/settings/audit?{urlencode(kept | {'before': str(older)})}",
        head=head or Form(_HEAD),
        found=found,
        broken=None if found is None or found.broken is None else _broken(found.broken),
    )


def _broken(broken: Break) -> str:
    return say(_BREAKS[broken.kind], number=broken.seal_number)


@router.post("/verify")
async def verified(request: Request, _actor: Auditor, site: TheSite) -> Response:
    """Walk the whole trail and say whether anything was edited, removed or cut off."""
    head = await typed(request, _HEAD)

    found = None
    async with site.db.read() as session:
        try:
            found = await verify(session, head.value("head") or None)
        except InvalidInputError:
            head.fault("head", "应写作“序号:64位校验码”")
    return await _page(request, site, Form(FILTERS), Wanted(), head=head, found=found)

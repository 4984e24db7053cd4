"""What a person decides about a duty in the browser: taken over, waived, done; and that the clock is right."""

from collections.abc import Awaitable, Callable
from datetime import timedelta

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from dutydesk.accounts.rules import Actor
from dutydesk.db import Session
from dutydesk.errors import DutydeskError, NotFoundError
from dutydesk.incidents import duties, forms, queries
from dutydesk.incidents.acting import Act, Confirmer, Decider, Seen, Writer, act_page, address, to_incident
from dutydesk.incidents.corrections import (
    BASE,
    BY_REASON,
    ChangedMeanwhileError,
    Known,
    base_of,
    seen_of,
)
from dutydesk.incidents.timeline import DECIDED, decision_line
from dutydesk.obligations import queries as owed_queries
from dutydesk.obligations.model import Obligation
from dutydesk.obligations.verdicts import confirm_clock
from dutydesk.people.queries import list_units
from dutydesk.web import words
from dutydesk.web.forms import Form, Input, typed
from dutydesk.web.languages import say
from dutydesk.web.pages import PageRoute
from dutydesk.web.site import Site, TheSite

router = APIRouter(route_class=PageRoute, include_in_schema=False)

_CHECK_AGAIN_AFTER = timedelta(minutes=30)

# The last decision about the duty that was seen, beside the last change of its incident.
_DECIDED = Input("decided", "", "hidden")
_TAKE_OVER = Act(
    "人工接管",
    "接管",
    (*forms.TAKE_OVER, BASE, _DECIDED),
    effects=("接管后停止反复提醒，到复核时间仍无结果再提醒", "后面的叫应照常进行", "时限照常计算"),
)
_WAIVE = Act(
    "免除时限",
    "免除",
    (*BY_REASON, _DECIDED),
    "确有理由不必报送时，由值班室或带班领导决定免除。",
    ("这一项停止计时，尚未发出的告知取消", "判定记为免除，理由和决定人保留"),
)
_ENTRY = Act("登记办结", "登记", forms.ENTRY)
_CLOCK = Act(
    "确认时钟",
    "时钟无误",
    forms.BY_REASON,
    "请与标准时间（例如12117报时）核对本页右上角的时钟，并写明核对依据。",
    ("确认后，因时钟存疑而待核的判定重新作出",),
)


async def _owed(session: Session, actor: Actor, obligation_id: int, *, lock: bool = False) -> Obligation:
    row = await owed_queries.obligation(session, obligation_id, lock=lock)
    if row is None or not actor.sees_unit(row.unit_id):
        raise NotFoundError(f"there is no obligation {obligation_id}")
    return row


async def _read(site: Site, actor: Actor, obligation_id: int) -> Obligation:
    async with site.db.read() as session:
        return await _owed(session, actor, obligation_id)


def _duty(row: Obligation) -> str:
    return f"{row.number} {words.duty(row.title)}"


def _page(
    request: Request, act: Act, row: Obligation, values: dict[str, str] | Form, status: int = 200
) -> Response:
    return act_page(request, act, _duty(row), address(row.number), values, status)


async def _do(
    request: Request,
    site: Site,
    actor: Actor,
    act: Act,
    row: Obligation,
    form: Form,
    work: Callable[[Session, Obligation], Awaitable[None]],
) -> Response:
    async def done(session: Session) -> None:
        locked = await _owed(session, actor, row.id or 0, lock=True)
        if any(one is BASE for one in act.inputs):
            _refuse_if_changed(form, await _last(session, locked))
        await work(session, locked)

    try:
        await site.db.run(done)
    except ChangedMeanwhileError:
        return await _shown_again(request, site, act, row, form)
    except DutydeskError as error:
        return _page(request, act, row, form, form.refused(error))
    return to_incident(row.number)


async def _last(session: Session, row: Obligation) -> dict[str, str]:
    """Return the last change of the incident and the last decision about the duty: what a form is drawn from."""
    decided = await queries.audited(session, [f"obligation:{row.id}"], DECIDED)
    return {
        "base": str(await queries.last_change(session, row.incident_id)),
        "decided": str(max((one.id or 0 for one in decided), default=0)),
    }


def _refuse_if_changed(form: Form, last: dict[str, str]) -> None:
    if any(form.value(name) != value for name, value in last.items()):
        raise ChangedMeanwhileError("the duty was changed meanwhile")


async def _shown_again(request: Request, site: Site, act: Act, row: Obligation, form: Form) -> Response:
    """Show what was decided or changed since the form was drawn, with everything typed."""
    async with site.db.read() as session:
        known = Known({unit.id: unit for unit in await list_units(session)}, site.zone)
        changes = await queries.changes_of(session, row.incident_id)
        decided = await queries.audited(session, [f"obligation:{row.id}"], DECIDED)
        last = await _last(session, row)
    base = base_of(form)
    fresh = [one for one in changes if (one.id or 0) > base and (base or one.kind != "logged")]
    tongue, duty = known.tongue(), words.duty(row.title)
    told = [
        line
        for entry in decided
        if (entry.id or 0) > base_of(form, "decided") and (line := decision_line(entry, duty, tongue))
    ]
    form.values |= last
    seen = seen_of(fresh, known) + [Seen(f"{line.text} {tongue.time(line.at)}", line.detail) for line in told]
    return act_page(request, act, _duty(row), address(row.number), form, 409, seen=seen)


async def _drawn(site: Site, row: Obligation) -> dict[str, str]:
    async with site.db.read() as session:
        return await _last(session, row)


@router.get("/obligations/{obligation_id}/take-over")
async def take_over_form(request: Request, obligation_id: int, actor: Decider, site: TheSite) -> Response:
    """Ask who takes over and when they will look again."""
    row = await _read(site, actor, obligation_id)
    check_at = site.clock.now() + _CHECK_AGAIN_AFTER
    values = {"next_check_at": forms.local(check_at, site.zone)} | await _drawn(site, row)
    return _page(request, _TAKE_OVER, row, values)


@router.post("/obligations/{obligation_id}/take-over")
async def take_over(request: Request, obligation_id: int, actor: Decider, site: TheSite) -> Response:
    """Let a named person answer for a duty."""
    row, form = await _read(site, actor, obligation_id), await typed(request, _TAKE_OVER.inputs)
    body = forms.taking_over(form, site.zone)
    if body is None:
        return _page(request, _TAKE_OVER, row, form, 422)

    async def work(session: Session, locked: Obligation) -> None:
        now = site.clock.now()
        await duties.take_over(session, now, actor, locked, body.who, body.reason, body.next_check_at)

    return await _do(request, site, actor, _TAKE_OVER, row, form, work)


@router.get("/obligations/{obligation_id}/waive")
async def waive_form(request: Request, obligation_id: int, actor: Decider, site: TheSite) -> Response:
    """Ask why somebody is freed from a duty."""
    row = await _read(site, actor, obligation_id)
    return _page(request, _WAIVE, row, await _drawn(site, row))


@router.post("/obligations/{obligation_id}/waive")
async def waive(request: Request, obligation_id: int, actor: Decider, site: TheSite) -> Response:
    """Free somebody from a duty, with a reason."""
    row, form = await _read(site, actor, obligation_id), await typed(request, _WAIVE.inputs)
    reason = forms.why(form)
    if reason is None:
        return _page(request, _WAIVE, row, form, 422)

    async def work(session: Session, locked: Obligation) -> None:
        await duties.waive(session, site.clock.now(), actor, locked, reason)

    return await _do(request, site, actor, _WAIVE, row, form, work)


@router.get("/obligations/{obligation_id}/entry")
async def entry_form(request: Request, obligation_id: int, actor: Writer, site: TheSite) -> Response:
    """Ask when and how a duty was done that no report and no key can prove."""
    row = await _read(site, actor, obligation_id)
    return _page(request, _ENTRY, row, {"at": forms.local(site.clock.now(), site.zone)})


@router.post("/obligations/{obligation_id}/entry")
async def entry(request: Request, obligation_id: int, actor: Writer, site: TheSite) -> Response:
    """Record by hand that a duty was done."""
    row, form = await _read(site, actor, obligation_id), await typed(request, forms.ENTRY)
    said = forms.entry(form, site.zone)
    if said is None:
        return _page(request, _ENTRY, row, form, 422)
    at, how = said

    async def work(session: Session, locked: Obligation) -> None:
        await duties.fulfil_by_entry(session, site.clock.now(), actor, locked, at, how)

    return await _do(request, site, actor, _ENTRY, row, form, work)


# ---------------------------------------------------------------------------------------------------------------------
# The clock


@router.get("/clock/confirm")
async def clock_form(request: Request, _actor: Confirmer, site: TheSite) -> Response:
    """Ask on what the clock was checked."""
    return await _clock_page(request, site, Form(_CLOCK.inputs))


@router.post("/clock/confirm")
async def clock(request: Request, actor: Confirmer, site: TheSite) -> Response:
    """Record that a person checked the clock after it stepped; verdicts in doubt are judged again."""
    form = await typed(request, _CLOCK.inputs)
    reason = forms.why(form)
    if reason is None:
        return await _clock_page(request, site, form, 422)

    async def work(session: Session) -> None:
        await confirm_clock(session, site.clock.now(), actor.name, reason)

    try:
        await site.db.run(work)
    except DutydeskError as error:
        return await _clock_page(request, site, form, form.refused(error))
    return RedirectResponse("/desk", 303)


async def _clock_page(request: Request, site: Site, form: Form, status: int = 200) -> Response:
    async with site.db.read() as session:
        steps = await owed_queries.unconfirmed_steps(session)
    seen = [
        Seen(
            say("时钟跳变{seconds}秒", seconds=f"{step.seconds:+.1f}"),
            f"{step.noticed_at.astimezone(site.zone):%Y-%m-%d %H:%M:%S}",
        )
        for step in steps
    ]
    about = say("时钟跳变{count}次待确认", count=len(steps)) if steps else say("时钟没有存疑")
    return act_page(request, _CLOCK, about, "/desk", form, status, seen=seen)

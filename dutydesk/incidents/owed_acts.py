"""What a person decides about a duty in the browser: taken over, waived, done; and that the clock is right."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import timedelta

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from dutydesk.accounts.rules import Actor
from dutydesk.db import Session
from dutydesk.errors import ConflictError, DutydeskError, NotFoundError
from dutydesk.incidents import duties, forms, queries
from dutydesk.incidents.acting import Act, Confirmer, Decider, Seen, Writer, act_page, address
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
from dutydesk.people.queries import list_units, units_by_id
from dutydesk.rosters.rules.places import place_of
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


# Of what no incident brings nobody waits for a report.
_WAIVE_OTHER = replace(
    _WAIVE, note="确有理由不必办理时，由值班室或带班领导决定免除；空缺、签到、报送仍在值班表上留痕。"
)


@dataclass(frozen=True, slots=True)
class _Owed:
    """A duty, and the page on which it is dealt with: its incident's, or what no incident brings has its own.

    ``unit`` is the short name of the unit, where no incident says which one it is.
    """

    row: Obligation
    back: str
    unit: str = ""

    @property
    def about(self) -> str:
        """Return what stands under the title of a form: which duty it is."""
        return f"{self.unit} {self.row.number} {words.duty(self.row.title)}".strip()


async def _owed(session: Session, actor: Actor, obligation_id: int, *, lock: bool = False) -> Obligation:
    row = await owed_queries.obligation(session, obligation_id, lock=lock)
    if row is None or not actor.sees_unit(row.unit_id):
        raise NotFoundError(f"there is no obligation {obligation_id}")
    return row


async def _read(site: Site, actor: Actor, obligation_id: int) -> _Owed:
    async with site.db.read() as session:
        row = await _owed(session, actor, obligation_id)
        if row.incident_id is not None:
            return _Owed(row, address(row.number))
        unit = (await units_by_id(session, [row.unit_id]))[row.unit_id]
    back = place_of(row.subject, unit.code, row.due_at or row.base_at, site.zone)
    return _Owed(row, back, unit.short_name)


def _page(
    request: Request, act: Act, owed: _Owed, values: dict[str, str] | Form, status: int = 200
) -> Response:
    return act_page(request, _said(act, owed), owed.about, owed.back, values, status)


def _said(act: Act, owed: _Owed) -> Act:
    return _WAIVE_OTHER if act is _WAIVE and owed.row.incident_id is None else act


async def _do(
    request: Request,
    site: Site,
    actor: Actor,
    act: Act,
    owed: _Owed,
    form: Form,
    work: Callable[[Session, Obligation], Awaitable[None]],
) -> Response:
    async def done(session: Session) -> None:
        locked = await _owed(session, actor, owed.row.id or 0, lock=True)
        if any(one is BASE for one in act.inputs):
            _refuse_if_changed(form, await _last(session, locked))
        await work(session, locked)

    try:
        await site.db.run(done)
    except ChangedMeanwhileError:
        return await _shown_again(request, site, act, owed, form)
    except DutydeskError as error:
        return _page(request, act, owed, form, form.refused(error))
    return RedirectResponse(owed.back, 303)


async def _last(session: Session, row: Obligation) -> dict[str, str]:
    """Return the last change of the incident (if one brought it) and the last decision: what a form is drawn from."""
    changed = 0 if row.incident_id is None else await queries.last_change(session, row.incident_id)
    decided = await queries.audited(session, [f"obligation:{row.id}"], DECIDED)
    return {
        "base": str(changed),
        "decided": str(max((one.id or 0 for one in decided), default=0)),
    }


def _refuse_if_changed(form: Form, last: dict[str, str]) -> None:
    if any(form.value(name) != value for name, value in last.items()):
        raise ChangedMeanwhileError("the duty was changed meanwhile")


async def _shown_again(request: Request, site: Site, act: Act, owed: _Owed, form: Form) -> Response:
    """Show what was decided or changed since the form was drawn, with everything typed."""
    row = owed.row
    async with site.db.read() as session:
        known = Known({unit.id: unit for unit in await list_units(session)}, site.zone)
        changes = [] if row.incident_id is None else await queries.changes_of(session, row.incident_id)
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
    return act_page(request, _said(act, owed), owed.about, owed.back, form, 409, seen=seen)


async def _drawn(site: Site, owed: _Owed) -> dict[str, str]:
    async with site.db.read() as session:
        return await _last(session, owed.row)


@router.get("/obligations/{obligation_id}/take-over")
async def take_over_form(request: Request, obligation_id: int, actor: Decider, site: TheSite) -> Response:
    """Ask who takes over and when they will look again."""
    owed = await _read(site, actor, obligation_id)
    check_at = site.clock.now() + _CHECK_AGAIN_AFTER
    values = {"next_check_at": forms.local(check_at, site.zone)} | await _drawn(site, owed)
    return _page(request, _TAKE_OVER, owed, values)


@router.post("/obligations/{obligation_id}/take-over")
async def take_over(request: Request, obligation_id: int, actor: Decider, site: TheSite) -> Response:
    """Let a named person answer for a duty."""
    owed, form = await _read(site, actor, obligation_id), await typed(request, _TAKE_OVER.inputs)
    body = forms.taking_over(form, site.zone)
    if body is None:
        return _page(request, _TAKE_OVER, owed, form, 422)

    async def work(session: Session, locked: Obligation) -> None:
        now = site.clock.now()
        await duties.take_over(session, now, actor, locked, body.who, body.reason, body.next_check_at)

    return await _do(request, site, actor, _TAKE_OVER, owed, form, work)


@router.get("/obligations/{obligation_id}/waive")
async def waive_form(request: Request, obligation_id: int, actor: Decider, site: TheSite) -> Response:
    """Ask why somebody is freed from a duty."""
    owed = await _read(site, actor, obligation_id)
    return _page(request, _WAIVE, owed, await _drawn(site, owed))


@router.post("/obligations/{obligation_id}/waive")
async def waive(request: Request, obligation_id: int, actor: Decider, site: TheSite) -> Response:
    """Free somebody from a duty, with a reason."""
    owed, form = await _read(site, actor, obligation_id), await typed(request, _WAIVE.inputs)
    reason = forms.why(form)
    if reason is None:
        return _page(request, _WAIVE, owed, form, 422)

    async def work(session: Session, locked: Obligation) -> None:
        await duties.waive(session, site.clock.now(), actor, locked, reason)

    return await _do(request, site, actor, _WAIVE, owed, form, work)


@router.get("/obligations/{obligation_id}/entry")
async def entry_form(request: Request, obligation_id: int, actor: Writer, site: TheSite) -> Response:
    """Ask when and how a duty was done that no report and no key can prove."""
    owed = await _read(site, actor, obligation_id)
    if owed.row.evidence == "record":
        # No form that could only be refused: the page of the roster or the leave is where it is done.
        raise ConflictError(f"obligation {obligation_id} is fulfilled by record, not by an entry")
    return _page(request, _ENTRY, owed, {"at": forms.local(site.clock.now(), site.zone)})


@router.post("/obligations/{obligation_id}/entry")
async def entry(request: Request, obligation_id: int, actor: Writer, site: TheSite) -> Response:
    """Record by hand that a duty was done."""
    owed, form = await _read(site, actor, obligation_id), await typed(request, forms.ENTRY)
    said = forms.entry(form, site.zone)
    if said is None:
        return _page(request, _ENTRY, owed, form, 422)
    at, how = said

    async def work(session: Session, locked: Obligation) -> None:
        await duties.fulfil_by_entry(session, site.clock.now(), actor, locked, at, how)

    return await _do(request, site, actor, _ENTRY, owed, form, work)


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

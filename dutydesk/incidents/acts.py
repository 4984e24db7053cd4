"""What is done to an incident as a whole: withdrawn, reinstated, ended, merged, regraded, corrected, counted."""

import secrets
from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import APIRouter, Request, Response

from dutydesk.accounts.rules import Actor
from dutydesk.db import Session
from dutydesk.incidents import actions, casualties, corrections, forms, queries
from dutydesk.incidents.acting import (
    Act,
    Decider,
    Writer,
    about,
    act_page,
    address,
    do,
    found,
    to_incident,
)
from dutydesk.incidents.corrections import ChangedMeanwhileError, Known
from dutydesk.incidents.model import Incident
from dutydesk.people.queries import list_units
from dutydesk.web.forms import Form, Input, typed
from dutydesk.web.pages import PageRoute
from dutydesk.web.site import Site, TheSite

__all__ = ["router", "to_incident"]

router = APIRouter(route_class=PageRoute, include_in_schema=False)

# Whoever merges two reports of one event has both in mind: the newest are enough to choose from.
_MOST_SURVIVORS = 200

_WITHDRAW = Act(
    "撤回事件",
    "撤回",
    corrections.BY_REASON,
    "误报、不实时撤回。",
    ("各项时限停止计时，尚未发出的告知取消", "记录全部保留，不计入迟报统计", "撤回后可以恢复"),
)
_REINSTATE = Act(
    "恢复事件",
    "恢复",
    corrections.BY_REASON,
    "撤回、归并或结束有误时恢复。",
    ("各项时限仍按原到期时间计算", "已经超过的，按超时处理并告知"),
)
_END = Act(
    "处置结束",
    "登记结束",
    corrections.BY_REASON,
    "现场处置已经结束时登记。",
    ("续报停止", "开始计终报时限", "首报时限如未完成，继续计时"),
)
_MERGE = Act(
    "归并事件",
    "归并",
    note="两条记录说的是同一件事时归并；保留哪一条，由您选定。",
    effects=(
        "本事件停止计时，记录保留，页面指向保留的事件",
        "保留的事件取两者中最早的起算时间和较重的级别",
        "报给任何一条的报告，都算保留的事件已报",
        "归并有误时可以恢复",
    ),
)
_REGRADE = Act(
    "变动级别",
    "变动级别",
    corrections.REGRADE,
    effects=(
        "升为重大以上且此前从未按重大计时的，从现在起计时（升级补判）",
        "降级会停止计时的，须填写决定的领导",
    ),
)
_CORRECT = Act("更正", "更正", note="改正登记错误。只记录改动的各项，原内容、改动人和理由保留在经过里。")
_ELEMENTS = Act("补充要素", "保存", note="知道多少填多少，不清楚的留空，页面上标为待核实。")
_COUNT = Act(
    "登记伤亡人数",
    "登记",
    forms.COUNT,
    "每次登记一行，注明截至时间；核增、核减由系统列出，原来的数字保留。没有伤亡也请登记一行，各项为0。",
)

_BY_REASON: dict[str, tuple[Act, Callable[..., Awaitable[Any]]]] = {
    "withdraw": (_WITHDRAW, actions.withdraw),
    "reinstate": (_REINSTATE, actions.reinstate),
    "end": (_END, actions.end),
}


def _named(request: Request) -> tuple[Act, Callable[..., Awaitable[Any]]]:
    return _BY_REASON[request.url.path.rpartition("/")[2]]


@router.get("/incidents/{number}/withdraw")
@router.get("/incidents/{number}/reinstate")
@router.get("/incidents/{number}/end")
async def reason_form(request: Request, number: str, actor: Writer, site: TheSite) -> Response:
    """Ask why an incident is withdrawn or comes back, or how its handling ended."""
    row, _, last = await _known(site, actor, number)
    return act_page(request, _named(request)[0], about(row), address(number), {"base": str(last)})


@router.post("/incidents/{number}/withdraw")
@router.post("/incidents/{number}/reinstate")
@router.post("/incidents/{number}/end")
async def with_reason(request: Request, number: str, actor: Writer, site: TheSite) -> Response:
    """Withdraw a false report, undo that (or a merge), or record that the handling has ended."""
    act, action = _named(request)
    row, known, _ = await _known(site, actor, number)
    form = await typed(request, act.inputs)
    reason = forms.why(form)
    if reason is None:
        return act_page(request, act, about(row), address(number), form, 422)

    async def change(session: Session, locked: Incident) -> None:
        await action(session, site, site.clock.now(), actor, locked, reason)

    return await _guarded(request, site, actor, act, row, form, change, known)


# ---------------------------------------------------------------------------------------------------------------------
# Merging


@router.get("/incidents/{number}/merge")
async def merge_form(request: Request, number: str, actor: Writer, site: TheSite) -> Response:
    """Ask which incident survives."""
    row, _, last = await _known(site, actor, number)
    form = Form(await _survivors(site, row), {"base": str(last)})
    return act_page(request, _MERGE, about(row), address(number), form)


@router.post("/incidents/{number}/merge")
async def merge(request: Request, number: str, actor: Writer, site: TheSite) -> Response:
    """Merge an incident into the one that survives."""
    row, known, _ = await _known(site, actor, number)
    form = await typed(request, await _survivors(site, row))
    said = forms.merging(form)
    if said is None:
        return act_page(request, _MERGE, about(row), address(number), form, 422)
    into, reason = said

    async def change(session: Session, locked: Incident) -> None:
        survivor = await queries.incident_by_number(session, into, lock=True)
        await actions.merge(session, site, site.clock.now(), actor, locked, survivor, reason)

    return await _guarded(request, site, actor, _MERGE, row, form, change, known)


async def _survivors(site: Site, row: Incident) -> tuple[Input, ...]:
    async with site.db.read() as session:
        others = await queries.survivors_for(session, row, _MOST_SURVIVORS)
    return (*forms.merge_inputs(others), corrections.BASE)


# ---------------------------------------------------------------------------------------------------------------------
# Changing what two people may change at once

Change = Callable[[Session, Incident], Awaitable[Any]]


async def _guarded(
    request: Request,
    site: Site,
    actor: Actor,
    act: Act,
    row: Incident,
    form: Form,
    change: Change,
    known: Known,
) -> Response:
    """Run a change only on what whoever typed has seen; else show what changed, with everything typed."""

    async def work(session: Session, locked: Incident) -> None:
        corrections.refuse_if_changed(form, await queries.last_change(session, locked.id or 0))
        await change(session, locked)

    try:
        return await do(request, site, actor, act, row, form, work)
    except ChangedMeanwhileError:
        return await _shown_again(request, site, act, row, form, known)


async def _shown_again(
    request: Request, site: Site, act: Act, row: Incident, form: Form, known: Known
) -> Response:
    async with site.db.read() as session:
        now = await queries.incident(session, row.id or 0)
        changes = await queries.changes_of(session, row.id or 0)
    base, last = corrections.base_of(form), max((one.id or 0 for one in changes), default=0)
    current = corrections.as_it_is(now, known, last) | corrections.graded_as_it_is(now, last)
    fresh = [one for one in changes if (one.id or 0) > base and (base or one.kind != "logged")]
    seen = corrections.adopt(form, fresh, current, known)
    return act_page(request, act, about(now), address(now.number), form, 409, seen=seen)


async def _known(site: Site, actor: Actor, number: str) -> tuple[Incident, Known, int]:
    async with site.db.read() as session:
        row = await queries.incident_by_number(session, number, unit_id=actor.unit_id)
        # One that was retired is offered only where it stands already.
        there = (one for one in await list_units(session) if one.retired_at is None or one.id == row.unit_id)
        units = {unit.id: unit for unit in there}
        return row, Known(units, site.zone), await queries.last_change(session, row.id or 0)


@router.get("/incidents/{number}/regrade")
async def regrade_form(request: Request, number: str, actor: Decider, site: TheSite) -> Response:
    """Ask for the new grade."""
    row, _, last = await _known(site, actor, number)
    values = corrections.graded_as_it_is(row, last)
    return act_page(request, _REGRADE, about(row), address(number), values)


@router.post("/incidents/{number}/regrade")
async def regrade(request: Request, number: str, actor: Decider, site: TheSite) -> Response:
    """Give an incident another grade or other flags."""
    row, known, _ = await _known(site, actor, number)
    form = await typed(request, corrections.REGRADE)
    body = corrections.regrading(form)
    if body is None:
        return act_page(request, _REGRADE, about(row), address(number), form, 422)

    async def change(session: Session, locked: Incident) -> None:
        await actions.regrade(
            session,
            site,
            site.clock.now(),
            actor,
            locked,
            grade=body.grade,
            suspected=bool(body.suspected),
            sensitive=bool(body.sensitive),
            confirmed=body.confirmed,
            leader=body.leader,
            reason=body.reason,
        )

    return await _guarded(request, site, actor, _REGRADE, row, form, change, known)


_CORRECTIONS = {
    "correct": (_CORRECT, corrections.correct_inputs),
    "elements": (_ELEMENTS, corrections.element_inputs),
}


def _correction(request: Request, known: Known) -> tuple[Act, tuple[Input, ...]]:
    act, inputs = _CORRECTIONS[request.url.path.rpartition("/")[2]]
    return act, inputs(known)


@router.get("/incidents/{number}/correct")
@router.get("/incidents/{number}/elements")
async def correct_form(request: Request, number: str, actor: Writer, site: TheSite) -> Response:
    """Show what stands there now, to be corrected or filled in."""
    row, known, last = await _known(site, actor, number)
    act, inputs = _correction(request, known)
    form = Form(inputs, corrections.as_it_is(row, known, last))
    return act_page(request, act, about(row), address(number), form)


@router.post("/incidents/{number}/correct")
@router.post("/incidents/{number}/elements")
async def correct(request: Request, number: str, actor: Writer, site: TheSite) -> Response:
    """Correct what was written down wrongly, or fill in what lacked; due times that follow from it move."""
    row, known, last = await _known(site, actor, number)
    act, inputs = _correction(request, known)
    form = await typed(request, inputs)
    form.check_required()
    if not form.faults and corrections.base_of(form) != last:
        return await _shown_again(request, site, act, row, form, known)
    said = corrections.corrections(form, row, known)
    if said is None:
        return act_page(request, act, about(row), address(number), form, 422)
    values, reason = said

    async def change(session: Session, locked: Incident) -> None:
        await actions.correct(session, site, site.clock.now(), actor, locked, values, reason)

    return await _guarded(request, site, actor, act, row, form, change, known)


# ---------------------------------------------------------------------------------------------------------------------
# Counting


@router.get("/incidents/{number}/casualties")
async def count_form(request: Request, number: str, actor: Writer, site: TheSite) -> Response:
    """Ask how many people were harmed; what is known stands there already."""
    async with site.db.read() as session:
        row = await queries.incident_by_number(session, number, unit_id=actor.unit_id)
        merged = await queries.merged_into(session, row.id or 0)
        rows = await queries.casualties_of(session, row.id or 0, *(one.id or 0 for one in merged))
    values = forms.count_values(rows[-1] if rows else None, site.clock.now(), site.zone)
    values["once"] = secrets.token_urlsafe(16)
    return act_page(request, _COUNT, about(row), address(number), values)


@router.post("/incidents/{number}/casualties")
async def count(request: Request, number: str, actor: Writer, site: TheSite) -> Response:
    """Write down how many people were harmed as known at one moment."""
    row, form = await found(site, actor, number), await typed(request, forms.COUNT)
    said = forms.counted(form, site.zone)
    if said is None:
        return act_page(request, _COUNT, about(row), address(number), form, 422)
    as_of, counts, note = said

    async def work(session: Session, locked: Incident) -> None:
        await casualties.count_people(
            session, site.clock.now(), actor, locked, as_of=as_of, counts=counts, note=note
        )

    return await do(request, site, actor, _COUNT, row, form, work)

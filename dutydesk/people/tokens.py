"""API tokens, for the administrator."""

import secrets
from collections.abc import Sequence
from datetime import timedelta

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse
from sqlalchemy.exc import IntegrityError

from dutydesk.accounts import queries, rules, signing
from dutydesk.accounts.actions import create_token, revoke_token
from dutydesk.accounts.rules import Actor
from dutydesk.db import Session
from dutydesk.errors import ConflictError, DutydeskError
from dutydesk.people.admin import Admin, Directory, chosen, directory, role_inputs, shown_once
from dutydesk.web import words
from dutydesk.web.forms import Form, Input, typed
from dutydesk.web.languages import say
from dutydesk.web.model import IdempotentAnswer
from dutydesk.web.pages import PageRoute, render
from dutydesk.web.queries import remembered_answer
from dutydesk.web.site import Site, TheSite

router = APIRouter(prefix="/settings", route_class=PageRoute, include_in_schema=False)

_LONGEST_TOKEN_DAYS = 3650


@router.get("/tokens")
async def tokens(request: Request, _actor: Admin, site: TheSite) -> Response:
    """List every API token, newest first."""
    now = site.clock.now()
    async with site.db.read() as session:
        rows = await queries.list_tokens(session)
        known = await directory(session)
    shown = [(row, rules.is_valid_token(row.expires_at, row.revoked_at, now)) for row in rows]
    return render(request, "settings/tokens.html", rows=shown, known=known)


def _token_inputs(known: Directory) -> Sequence[Input]:
    return (
        Input(
            "name", "用途", required=True, hint="哪个系统或谁在用，记录里以此署名", longest=rules.LONGEST_NAME
        ),
        *role_inputs(known),
        Input("days", "有效天数", required=True, longest=4),
        Input("once", "", "hidden"),
    )


@router.get("/tokens/new")
async def new_token_form(request: Request, _actor: Admin, site: TheSite) -> Response:
    """Ask for a token."""
    async with site.db.read() as session:
        known = await directory(session)
    return _new_token_page(
        request, Form(_token_inputs(known), {"days": "365", "once": secrets.token_urlsafe(12)})
    )


def _new_token_page(request: Request, form: Form, status: int = 200) -> Response:
    return render(
        request,
        "settings/form.html",
        status,
        title="新增令牌",
        about="供其他系统调用接口。保存后令牌只显示一次。",
        form=form,
        submit="保存",
        back="/settings/tokens",
    )


@router.post("/tokens/new")
async def new_token(request: Request, actor: Admin, site: TheSite) -> Response:
    """Make a token and show it, once."""
    async with site.db.read() as session:
        known = await directory(session)
    form = await typed(request, _token_inputs(known))
    form.check_required()
    unit_id = chosen(form, "unit", known.units)
    days = _days(form)
    _check_token(form, actor, unit_id)
    if form.faults:
        return _new_token_page(request, form, 422)
    try:
        plain = await _made_once(site, actor, form, unit_id, days)
    except DutydeskError as error:
        return _new_token_page(request, form, form.refused(error))
    return shown_once(
        request,
        title="令牌已建立",
        facts=[("用途", form.value("name")), ("角色", say(words.ROLES[form.value("role")]))],
        secret=("令牌", plain),
        note="请立即复制到使用它的系统。离开本页后不能再看到，遗失时请撤销后另建。",
        back="/settings/tokens",
    )


def _days(form: Form) -> int:
    value = form.value("days")
    if value.isascii() and value.isdigit() and 0 < int(value[:9]) <= _LONGEST_TOKEN_DAYS:
        return int(value)
    form.fault("days", "1至3650之间的整数")
    return 0


def _check_token(form: Form, actor: Actor, unit_id: int | None) -> None:
    """Note what an action would say in English, for programs."""
    role, name = form.value("role"), form.value("name")
    if role not in ("", *rules.ROLES):
        form.fault("role", "请选择")
    if role == "unit" and unit_id is None:
        form.fault("unit", "单位联系人须选定单位")
    if role in rules.ROLES and role != "unit" and unit_id is not None:
        form.fault("unit", "只有单位联系人限定单位")
    if name and (not name.isprintable() or len(name) > rules.LONGEST_NAME):
        form.fault("name", "最多50个字，不含控制字符")
    if not rules.may_give(actor, role):
        form.fault("role", signing.AT_THE_MACHINE)


async def _made_once(site: Site, actor: Actor, form: Form, unit_id: int | None, days: int) -> str:
    """Make the token; a form that is sent twice makes one.

    Raises:
        ConflictError: when this form has made its token already, which nobody can show again.
    """
    now = site.clock.now()
    key, caller = form.value("once")[:255], f"page:{actor.name}"
    twice = ConflictError("这张表单已经提交过，令牌只显示一次；没有记下的，请撤销后另建")

    async def made(session: Session) -> str:
        if key and await remembered_answer(session, caller, key) is not None:
            raise twice
        if key:
            session.add(
                IdempotentAnswer(caller=caller, key=key, request_hash="", status=200, body="", created_at=now)
            )
        return await create_token(
            session,
            now,
            form.value("name"),
            form.value("role"),
            unit_id,
            now + timedelta(days=days),
            by=actor.name,
            giver=actor,
        )

    try:
        return await site.db.run(made)
    except IntegrityError:
        raise twice from None


@router.post("/tokens/{token_id}/revoke")
async def revoke(token_id: int, actor: Admin, site: TheSite) -> Response:
    """Make a token useless from now on."""

    async def revoked(session: Session) -> None:
        await revoke_token(session, site.clock.now(), token_id, by=actor.name)

    await site.db.run(revoked)
    return RedirectResponse("/settings/tokens", 303)

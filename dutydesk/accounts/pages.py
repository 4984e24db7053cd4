"""Signing in and out, the first administrator, one's own password and browsers, language and colours."""

import hmac
from dataclasses import replace
from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import RedirectResponse

from dutydesk.accounts import queries
from dutydesk.accounts.permissions import allow_page, cookie_name, is_secure, lifetime, open_to
from dutydesk.accounts.rules import LONGEST_PASSWORD, Actor, browser_name, is_live_sign_in, safe_return
from dutydesk.accounts.signing import (
    NewAccount,
    change_password,
    create_account,
    end_sign_in,
    sign_in,
)
from dutydesk.db import Session
from dutydesk.errors import DutydeskError, InvalidInputError, NotFoundError
from dutydesk.web.forms import Form, Input, typed
from dutydesk.web.languages import LANGUAGE_COOKIE, LANGUAGES, say
from dutydesk.web.pages import THEME_COOKIE, PageRoute, render
from dutydesk.web.site import Site, TheSite

router = APIRouter(route_class=PageRoute, include_in_schema=False)

Own = Annotated[Actor, Depends(allow_page("account:own"))]
Anew = Annotated[Actor, Depends(allow_page("account:own", anew=True))]
_PUBLIC = [Depends(open_to("public"))]

_NEXT = Input("next", "", "hidden", longest=2000)
_SIGN_IN = (
    Input("login", "用户名", required=True, longest=64),
    Input("password", "密码", "password", required=True, longest=LONGEST_PASSWORD),
    _NEXT,
)
_SETUP = (
    Input("code", "设置码", required=True, hint="服务启动时显示在终端里", longest=64),
    Input("login", "用户名", required=True, hint="小写字母或数字，用来登录", longest=32),
    Input("name", "姓名", required=True, hint="记录里以此署名", longest=50),
    Input("new", "密码", "password", required=True, hint="至少10个字符", longest=LONGEST_PASSWORD),
    Input("again", "再输一次密码", "password", required=True, longest=LONGEST_PASSWORD),
)
_PASSWORD = (
    Input("old", "原密码", "password", required=True, longest=LONGEST_PASSWORD),
    Input("new", "新密码", "password", required=True, hint="至少10个字符", longest=LONGEST_PASSWORD),
    Input("again", "再输一次新密码", "password", required=True, longest=LONGEST_PASSWORD),
    _NEXT,
)
_KEPT = timedelta(days=365)


def _address(request: Request) -> str:
    return request.client.host if request.client is not None else ""


# ---------------------------------------------------------------------------------------------------------------------
# In and out


@router.get("/signin", dependencies=_PUBLIC)
async def sign_in_form(
    request: Request, site: TheSite, target: Annotated[str, Query(alias="next")] = "/"
) -> Response:
    """Ask who it is; where nobody has an account yet, ask for the first one."""
    async with site.db.read() as session:
        if not await queries.any_account(session):
            return RedirectResponse("/setup", 303)
    return _sign_in_page(request, Form(_SIGN_IN, {"next": safe_return(target)}))


@router.post("/signin", dependencies=_PUBLIC)
async def signed_in(request: Request, site: TheSite) -> Response:
    """Let somebody in, or say that it was not right, without saying what was not."""
    form = await typed(request, _SIGN_IN)
    form.check_required()
    if form.faults:
        return _sign_in_page(request, form, 422)
    found = await sign_in(
        site.db,
        site.clock.now(),
        form.value("login"),
        form.values["password"],
        _address(request),
        request.headers.get("user-agent", ""),
    )
    if isinstance(found, str):
        return _let_in(site, found, safe_return(form.value("next")))
    if found is None:
        form.fault("", "用户名或密码不对")
        return _sign_in_page(request, form, 401)
    wait = max(1, round((found - site.clock.now()).total_seconds()))
    form.fault("", say("失败次数过多，请{seconds}秒后再试", seconds=wait))
    answer = _sign_in_page(request, form, 429)
    answer.headers["Retry-After"] = str(wait)
    return answer


def _sign_in_page(request: Request, form: Form, status: int = 200) -> Response:
    return render(request, "accounts/signin.html", status, form=form)


def _let_in(site: Site, cookie: str, target: str) -> Response:
    answer = RedirectResponse(target, 303)
    answer.set_cookie(
        cookie_name(site),
        cookie,
        max_age=int(lifetime(site).longest.total_seconds()),
        httponly=True,
        secure=is_secure(site),
        samesite="lax",
    )
    return answer


@router.post("/signout")
async def signed_out(actor: Anew, site: TheSite) -> Response:
    """End this browser's sign-in."""

    async def ended(session: Session) -> None:
        await end_sign_in(session, site.clock.now(), actor.sign_in_id or 0, actor.name)

    await site.db.run(ended)
    answer = RedirectResponse("/signin", 303)
    answer.delete_cookie(cookie_name(site), secure=is_secure(site), httponly=True, samesite="lax")
    return answer


# ---------------------------------------------------------------------------------------------------------------------
# The first administrator


@router.get("/setup", dependencies=_PUBLIC)
async def setup_form(request: Request, site: TheSite) -> Response:
    """Ask for the first administrator; afterwards there is no such page."""
    await _must_be_empty(site)
    return _setup_page(request, Form(_SETUP))


@router.post("/setup", dependencies=_PUBLIC)
async def set_up(request: Request, site: TheSite) -> Response:
    """Make the first administrator and sign him in."""
    await _must_be_empty(site)
    form = await typed(request, _SETUP)
    form.check_required()
    if form.value("code") and not hmac.compare_digest(form.value("code").encode(), site.setup_code.encode()):
        form.fault("code", "与终端里显示的不一致")
    _compare(form)
    if form.faults:
        return _setup_page(request, form, 422)
    new = NewAccount(form.value("login"), form.value("name"), "administrator", password=form.values["new"])
    try:
        await create_account(site.db, site.clock.now(), form.value("name"), new, only_first=True)
    except InvalidInputError as error:
        return _setup_page(request, _on(form, error), 422)
    found = await sign_in(
        site.db,
        site.clock.now(),
        new.login,
        new.password,
        _address(request),
        request.headers.get("user-agent", ""),
    )
    return _let_in(site, found, "/settings") if isinstance(found, str) else RedirectResponse("/signin", 303)


async def _must_be_empty(site: Site) -> None:
    async with site.db.read() as session:
        if await queries.any_account(session):
            raise NotFoundError("the first account was made already")


def _setup_page(request: Request, form: Form, status: int = 200) -> Response:
    return render(
        request,
        "accounts/alone.html",
        status,
        title="首次设置",
        about="建立管理员账号。其他人的账号由管理员在“设置”里建立；审计员须另有其人，其账号在本机用命令建立。",
        form=form,
        action="/setup",
        submit="建立并登录",
    )


def _compare(form: Form) -> None:
    if form.values.get("new") and form.values.get("new") != form.values.get("again"):
        form.fault("again", "两次输入的不一样")


def _on(form: Form, error: DutydeskError) -> Form:
    """Note what an action refused; it calls the new password by another name than the form."""
    renamed = tuple(replace(one, field="new") if one.field == "password" else one for one in error.faults)
    error.faults = renamed
    form.refused(error)
    return form


# ---------------------------------------------------------------------------------------------------------------------
# One's own account


@router.get("/account")
async def own(request: Request, actor: Own, site: TheSite) -> Response:
    """Show one's own account and where it is signed in."""
    now, life = site.clock.now(), lifetime(site)
    async with site.db.read() as session:
        found = await queries.live_sign_ins(session, actor.account_id)
    live = [
        row for row, _ in found if is_live_sign_in(row.at, row.seen_at, None, now, life.idle, life.longest)
    ]
    return render(request, "accounts/own.html", sign_ins=live, browser_name=browser_name)


@router.post("/account/sign-ins/{sign_in_id}/end")
async def end_own(sign_in_id: int, actor: Own, site: TheSite) -> Response:
    """Sign another of one's own browsers out.

    Raises:
        NotFoundError: when it is somebody else's.
    """

    async def ended(session: Session) -> None:
        row = await queries.sign_in(session, sign_in_id)
        if row.account_id != actor.account_id:
            raise NotFoundError(f"there is no sign-in {sign_in_id}")
        await end_sign_in(session, site.clock.now(), sign_in_id, actor.name)

    await site.db.run(ended)
    return RedirectResponse("/account", 303)


@router.get("/account/password")
async def password_form(
    request: Request, _actor: Anew, target: Annotated[str, Query(alias="next")] = "/account"
) -> Response:
    """Ask for another password."""
    return _password_page(request, Form(_PASSWORD, {"next": safe_return(target)}))


@router.post("/account/password")
async def password(request: Request, actor: Anew, site: TheSite) -> Response:
    """Take another password; one's other browsers are signed out."""
    form = await typed(request, _PASSWORD)
    form.check_required()
    _compare(form)
    if form.faults:
        return _password_page(request, form, 422)
    try:
        await change_password(site.db, site.clock.now(), actor, form.values["old"], form.values["new"])
    except DutydeskError as error:
        return _password_page(request, form, form.refused(error))
    return RedirectResponse(safe_return(form.value("next")), 303)


def _password_page(request: Request, form: Form, status: int = 200) -> Response:
    return render(
        request,
        "accounts/alone.html",
        status,
        title="设置密码",
        about="保存后，本账号在其他浏览器上的登录全部失效。",
        form=form,
        action="/account/password",
        submit="保存",
    )


@router.post("/preferences", dependencies=_PUBLIC)
async def preferences(request: Request, site: TheSite) -> Response:
    """Keep the language and the colours this browser wants."""
    sent = await request.form()
    answer = RedirectResponse(safe_return(str(sent.get("next", "/"))), 303)
    chosen = {
        LANGUAGE_COOKIE: (str(sent.get("language", "")), LANGUAGES),
        THEME_COOKIE: (str(sent.get("theme", "")), ("light", "dark")),
    }
    for name, (value, known) in chosen.items():
        if value in known:
            answer.set_cookie(
                name,
                value,
                max_age=int(_KEPT.total_seconds()),
                httponly=True,
                secure=is_secure(site),
                samesite="lax",
            )
    return answer

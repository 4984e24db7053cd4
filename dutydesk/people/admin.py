"""Accounts and sign-ins, for the administrator.

They stand here and not in ``accounts``, because an account names a unit and a person, which lie above it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse

from dutydesk.accounts import queries, rules, signing
from dutydesk.accounts.model import Account, SignIn
from dutydesk.accounts.permissions import allow_page, lifetime
from dutydesk.accounts.rules import Actor
from dutydesk.db import Session
from dutydesk.errors import InvalidInputError
from dutydesk.people.queries import list_people, list_units
from dutydesk.people.rules import Person, Unit
from dutydesk.web import words
from dutydesk.web.forms import Form, Input, typed
from dutydesk.web.languages import say
from dutydesk.web.pages import PageRoute, render
from dutydesk.web.site import Site, TheSite

router = APIRouter(prefix="/settings", route_class=PageRoute, include_in_schema=False)

Admin = Annotated[Actor, Depends(allow_page("accounts:manage"))]

# What an administrator may hand out; the auditor's comes from the machine itself.
_GIVEN = tuple(role for role in rules.ROLES if role != "auditor")


@dataclass(frozen=True, slots=True)
class Directory:
    """The units and persons that an account may be bound to."""

    units: dict[int, Unit]
    persons: dict[int, Person]

    def unit(self, unit_id: int | None) -> str:
        """Return what a unit is called, nothing for none."""
        return self.units[unit_id].short_name if unit_id in self.units else ""

    def person(self, person_id: int | None) -> str:
        """Return a person with the unit, so that namesakes can be told apart."""
        found = self.persons.get(person_id or 0)
        return "" if found is None else words.bracketed(found.name, self.unit(found.unit_id))


async def directory(session: Session) -> Directory:
    """Read every unit and every person."""
    units = {unit.id: unit for unit in await list_units(session)}
    return Directory(units, {person.id: person for person in await list_people(session)})


def role_inputs(known: Directory) -> tuple[Input, Input]:
    """Return the fields that say what somebody may do, and for which unit."""
    roles = [("", "请选择"), *((role, words.ROLES[role]) for role in _GIVEN)]
    units = [
        ("", "不限定"),
        *((str(unit.id), unit.name) for unit in known.units.values() if unit.retired_at is None),
    ]
    return (
        Input("role", "角色", "choice", required=True, choices=roles, hint=signing.AT_THE_MACHINE),
        Input("unit", "单位", "choice", choices=units, hint="只有单位联系人限定单位，并且只看到本单位"),
    )


def chosen(form: Form, name: str, known: dict[int, Unit] | dict[int, Person]) -> int | None:
    """Return the id that was chosen; one that does not exist is a fault."""
    value = form.value(name)
    if not value:
        return None
    if not value.isascii() or not value.isdigit() or int(value) not in known:
        form.fault(name, "请选择")
        return None
    return int(value)


# ---------------------------------------------------------------------------------------------------------------------
# Accounts


@router.get("/accounts")
async def accounts(request: Request, _actor: Admin, site: TheSite) -> Response:
    """List every account with when it was last used."""
    async with site.db.read() as session:
        rows = await queries.list_accounts(session)
        seen = await queries.last_seen(session)
        known = await directory(session)
    rows.sort(key=lambda row: (row.disabled_at is not None, rules.ROLES.index(row.role), row.login))
    return render(request, "settings/accounts.html", rows=rows, seen=seen, known=known)


def _person_input(known: Directory, linked: int | None = None) -> Input:
    """Whoever left is offered only where they stand already."""
    there = [one.id for one in known.persons.values() if one.retired_at is None or one.id == linked]
    persons = [("", "不关联"), *((str(one), known.person(one)) for one in there)]
    hint = "关联后，本人可看到自己的叫应，可发测试短信"
    return Input("person", "关联人员", "choice", choices=persons, hint=hint)


def _account_inputs(known: Directory) -> Sequence[Input]:
    return (
        Input("login", "用户名", required=True, hint="小写字母或数字，用来登录", longest=32),
        Input("name", "姓名", required=True, hint="记录里以此署名", longest=rules.LONGEST_NAME),
        *role_inputs(known),
        _person_input(known),
    )


@router.get("/accounts/new")
async def new_account_form(request: Request, _actor: Admin, site: TheSite) -> Response:
    """Ask for an account."""
    async with site.db.read() as session:
        known = await directory(session)
    return _new_account_page(request, Form(_account_inputs(known)))


def _new_account_page(request: Request, form: Form, status: int = 200) -> Response:
    return render(
        request,
        "settings/form.html",
        status,
        title="新增账号",
        about="保存后显示一次性密码，本人第一次登录时须另设密码。",
        form=form,
        submit="保存",
        back="/settings/accounts",
    )


@router.post("/accounts/new")
async def new_account(request: Request, actor: Admin, site: TheSite) -> Response:
    """Make an account and show its password for the first sign-in, once."""
    async with site.db.read() as session:
        known = await directory(session)
    form = await typed(request, _account_inputs(known))
    form.check_required()
    new = signing.NewAccount(
        form.value("login"),
        form.value("name"),
        form.value("role"),
        chosen(form, "unit", known.units),
        chosen(form, "person", known.persons),
    )
    if form.faults:
        return _new_account_page(request, form, 422)
    try:
        made, plain = await signing.create_account(site.db, site.clock.now(), actor.name, new, giver=actor)
    except InvalidInputError as error:
        return _new_account_page(request, form, form.refused(error))
    return shown_once(
        request,
        title="账号已建立",
        facts=[("用户名", made.login), ("姓名", made.name), ("角色", say(words.ROLES[made.role]))],
        secret=("一次性密码", plain),
        note="请当面或电话告知本人。离开本页后不能再看到，遗失时可重置。",
        back=f"/settings/accounts/{made.id}",
    )


def shown_once(
    request: Request,
    *,
    title: str,
    facts: Sequence[tuple[str, str]],
    secret: tuple[str, str],
    note: str,
    back: str,
) -> Response:
    """Show a secret that is kept nowhere: in the answer itself, never in an address."""
    return render(
        request, "settings/once.html", title=title, facts=facts, secret=secret, note=note, back=back
    )


@router.get("/accounts/{account_id}")
async def account(request: Request, account_id: int, actor: Admin, site: TheSite) -> Response:
    """Show an account, where it is signed in, and what can be done with it."""
    return await _account_page(request, account_id, actor, site)


async def _account_page(
    request: Request, account_id: int, actor: Actor, site: Site, form: Form | None = None, status: int = 200
) -> Response:
    async with site.db.read() as session:
        row = await queries.account(session, account_id)
        found = await queries.live_sign_ins(session, account_id)
        known = await directory(session)
    return render(
        request,
        "settings/account.html",
        status,
        row=row,
        sign_ins=_live(site, found),
        known=known,
        form=form or Form([_person_input(known, row.person_id)], {"person": str(row.person_id or "")}),
        own=row.id == actor.account_id,
        linked=rules.may_manage(actor, row.role, own=False),
        managed=rules.may_manage(actor, row.role, own=row.id == actor.account_id),
        browser_name=rules.browser_name,
    )


@router.post("/accounts/{account_id}/person")
async def link(request: Request, account_id: int, actor: Admin, site: TheSite) -> Response:
    """Say whose account it is."""
    async with site.db.read() as session:
        known = await directory(session)
    form = await typed(request, [_person_input(known)])
    person_id = chosen(form, "person", known.persons)
    if form.faults:
        return await _account_page(request, account_id, actor, site, form, 422)
    try:
        await signing.link_person(site.db, site.clock.now(), actor, account_id, person_id)
    except InvalidInputError as error:
        return await _account_page(request, account_id, actor, site, form, form.refused(error))
    return _to_account(account_id)


@router.post("/accounts/{account_id}/password")
async def reset(request: Request, account_id: int, actor: Admin, site: TheSite) -> Response:
    """Give somebody a password for one sign-in and show it, once."""
    plain = await signing.reset_password(site.db, site.clock.now(), actor, account_id)
    async with site.db.read() as session:
        row = await queries.account(session, account_id)
    return shown_once(
        request,
        title="密码已重置",
        facts=[("用户名", row.login), ("姓名", row.name)],
        secret=("一次性密码", plain),
        note="请当面或电话告知本人。原密码和已登录的浏览器全部失效；离开本页后不能再看到。",
        back=f"/settings/accounts/{account_id}",
    )


def _to_account(account_id: int) -> Response:
    return RedirectResponse(f"/settings/accounts/{account_id}", 303)


@router.post("/accounts/{account_id}/close")
async def close(account_id: int, actor: Admin, site: TheSite) -> Response:
    """Close an account; whoever is signed in with it is out at once."""
    await signing.set_open(site.db, site.clock.now(), actor, account_id, is_open=False)
    return _to_account(account_id)


@router.post("/accounts/{account_id}/open")
async def reopen(account_id: int, actor: Admin, site: TheSite) -> Response:
    """Let a closed account sign in again."""
    await signing.set_open(site.db, site.clock.now(), actor, account_id, is_open=True)
    return _to_account(account_id)


@router.post("/accounts/{account_id}/sign-out")
async def sign_out(account_id: int, actor: Admin, site: TheSite) -> Response:
    """End every sign-in of an account."""
    await signing.sign_out_everywhere(site.db, site.clock.now(), actor, account_id)
    return _to_account(account_id)


# ---------------------------------------------------------------------------------------------------------------------
# Sign-ins


def _live(site: Site, found: Sequence[tuple[SignIn, Account]]) -> list[tuple[SignIn, Account]]:
    now, life = site.clock.now(), lifetime(site)
    return [
        (row, account)
        for row, account in found
        if rules.is_live_sign_in(row.at, row.seen_at, None, now, life.idle, life.longest)
    ]


@router.get("/sign-ins")
async def sign_ins(request: Request, actor: Admin, site: TheSite) -> Response:
    """List every browser that somebody is signed in with."""
    async with site.db.read() as session:
        found = await queries.live_sign_ins(session)
    live = [
        (row, account, rules.may_manage(actor, account.role, own=account.id == actor.account_id))
        for row, account in _live(site, found)
    ]
    return render(request, "settings/sign_ins.html", rows=live, browser_name=rules.browser_name)


@router.post("/sign-ins/{sign_in_id}/end")
async def end(sign_in_id: int, actor: Admin, site: TheSite) -> Response:
    """Sign one browser out."""
    await signing.end_anybodys_sign_in(site.db, site.clock.now(), actor, sign_in_id)
    return RedirectResponse("/settings/sign-ins", 303)
